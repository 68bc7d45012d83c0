//! Finds the free slots that are raced for, as a consumer would (docs/specification/uec.md#a6-slot-search).
//!
//! Reads only. A window holds at most 31 days and an answer at most 2,000 slots (docs/contract.md#limits), so the search goes
//! window by window and halves a window that is refused as too costly.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::answer::{describe, issue_code};
use crate::error::RaceError;
use domain::time::{DAY_MS, MINUTE_MS, Timestamp};
use load::client::{Client, Reply, Request};
use load::patient::FoundSlot;

/// A slot that begins during the race could not be booked any more, so those that begin soon are left alone.
const LEAD_MS: i64 = 15 * MINUTE_MS;
/// The longest window asked for: a day less than the limit.
const WINDOW_MS: i64 = 30 * DAY_MS;
/// The shortest window worth asking for.
const WINDOW_MS_MIN: i64 = 10 * MINUTE_MS;
/// How long the list of slots is asked for while the server refuses for load, or because its database is away: without it there
/// is no race at all.
const LIST_TIMEOUT: Duration = Duration::from_secs(120);
/// How far ahead slots are looked for.
const HORIZON_MS: i64 = 366 * DAY_MS;

/// The first `count` free slots of `service`.
pub(crate) async fn free_slots(client: &Client, service: &str, count: usize) -> Result<Vec<FoundSlot>, RaceError> {
    let mut from = client.servers().clock().now().plus_ms(LEAD_MS);
    let end = from.plus_ms(HORIZON_MS);
    let mut window_ms = WINDOW_MS;
    let mut found: Vec<FoundSlot> = Vec::new();
    let mut known = BTreeSet::new();
    while from < end && found.len() < count {
        let until = from.plus_ms(window_ms);
        let path = search_path(service, from, until);
        let reply = client
            .read_within(&Request::get(0, &path, "search:slot"), LIST_TIMEOUT)
            .await
            .map_err(|loss| RaceError::Failed(format!("no answer from {} ({loss:?})", root(client))))?;
        let body = serde_json::from_slice::<Value>(&reply.body).unwrap_or(Value::Null);
        if reply.status == 422 && issue_code(&body) == "too-costly" && window_ms / 2 >= WINDOW_MS_MIN {
            window_ms /= 2;
            continue;
        }
        if reply.status != 200 {
            return Err(refused(client, service, &reply, &body));
        }
        found.extend(slots_of(&body).into_iter().filter(|slot| known.insert(slot.id.clone())));
        from = until;
    }
    found.truncate(count);
    if found.len() < count {
        let (there, root) = (found.len(), root(client));
        return Err(RaceError::Failed(format!(
            "service {service} has {there} free slots at {root} within a year, and {count} are needed; \
             lower --slots, or let the provider offer more time"
        )));
    }
    Ok(found)
}

fn root(client: &Client) -> &str {
    client.servers().root(0)
}

fn refused(client: &Client, service: &str, reply: &Reply, body: &Value) -> RaceError {
    let hint = match reply.status {
        403 => "; give --token, or start the server with --auth unsigned or off and the same --public-url",
        404 => "; is --service right, and is --server a FHIR root?",
        _ => "",
    };
    RaceError::Failed(format!(
        "the search for free slots of {service} at {} was answered {} ({}){hint}",
        root(client),
        reply.status,
        describe(body)
    ))
}

fn search_path(service: &str, from: Timestamp, until: Timestamp) -> String {
    let text = |at: Timestamp| at.to_fhir().replace('+', "%2B");
    format!("/Slot?schedule.actor%3Ahealthcareservice={service}&status=free&start=ge{}&start=lt{}", text(from), text(until))
}

fn slots_of(bundle: &Value) -> Vec<FoundSlot> {
    let entries = bundle.get("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    entries.iter().filter_map(|entry| slot_of(entry.get("resource")?)).collect()
}

fn slot_of(resource: &Value) -> Option<FoundSlot> {
    let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str);
    if text("/resourceType") != Some("Slot") || text("/status") != Some("free") {
        return None;
    }
    let id = text("/id")?.to_owned();
    Some(FoundSlot {
        identifier: text("/identifier/0/value").unwrap_or(&id).to_owned(),
        id,
        schedule: text("/schedule/reference")?.to_owned(),
        start: text("/start")?.to_owned(),
        end: text("/end")?.to_owned(),
    })
}
