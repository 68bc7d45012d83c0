//! Looks at what the servers kept: reads winners, looks slots up, cancels, and looks again; through every server.
//!
//! Says what it found and leaves the judging to `judge`.
//! Pitfall: a cancel whose answer was lost is not sent again blindly; the appointment is read first, since a cancel that went
//! through must not be judged by its echo.

use std::time::Instant;

use actix_rt::time;
use load::client::{Reply, Request};
use serde_json::Value;

use crate::answer::{Won, describe};
use crate::client::RaceClient;
use crate::journal::JournalLine;

/// How often a cancel is tried before it counts as failed.
const CANCEL_TRIES: u32 = 20;

fn json(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
}

async fn appointment(client: &RaceClient, server: usize, id: &str) -> Result<Reply, String> {
    let path = format!("/Appointment/{id}");
    let reply = client.http.read(&Request::get(server, &path, "read:appointment")).await;
    let reply = reply.map_err(|error| format!("no answer ({error:?})"))?;
    if reply.status == 200 { Ok(reply) } else { Err(format!("answered {} ({})", reply.status, describe(&json(&reply)))) }
}

/// Whether the appointment is readable through that server with one of these statuses.
pub(crate) async fn appointment_has_status(client: &RaceClient, server: usize, id: &str, statuses: &[&str]) -> Result<(), String> {
    let body = json(&appointment(client, server, id).await?);
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("id") != id {
        return Err(format!("the answer is another resource: `{}`", text("id")));
    }
    if statuses.contains(&text("status")) {
        Ok(())
    } else {
        Err(format!("its status is `{}`, not {}", text("status"), statuses.join(" or ")))
    }
}

/// Whether the slot has that status in a search by `_id` through that server.
pub(crate) async fn slot_has_status(client: &RaceClient, server: usize, id: &str, status: &str) -> Result<(), String> {
    let path = format!("/Slot?_id={id}");
    let reply = client.http.read(&Request::get(server, &path, "search:slot")).await.map_err(|error| format!("no answer ({error:?})"))?;
    let body = json(&reply);
    if reply.status != 200 {
        return Err(format!("the search was answered {} ({})", reply.status, describe(&body)));
    }
    let entries = body.get("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let found = entries.iter().filter_map(|entry| entry.get("resource")).find(|r| r.get("id").and_then(Value::as_str) == Some(id));
    match found.and_then(|slot| slot.get("status")).and_then(Value::as_str) {
        Some(there) if there == status => Ok(()),
        Some(there) => Err(format!("it is `{there}`, not {status}")),
        None => Err("the search does not find it".to_owned()),
    }
}

/// Cancels an appointment: with the body and version of its 201 where `known`, else as read back.
pub(crate) async fn cancel(client: &RaceClient, server: usize, id: &str, known: Option<&Won>) -> Result<(), String> {
    client.run.journal.write(&JournalLine::Cancelling { cancelling: id.to_owned() });
    let mut basis = known.and_then(|won| Some((won.body.clone(), won.etag.clone()?)));
    for _ in 0..CANCEL_TRIES {
        let (body, etag) = match basis.take() {
            Some(basis) => basis,
            None => read_back(client, server, id).await?,
        };
        let Some(body) = with_status_cancelled(&body)? else {
            // A cancel without an answer had gone through.
            client.run.journal.write(&JournalLine::Cancelled { cancelled: id.to_owned() });
            return Ok(());
        };
        let (path, request_id) = (format!("/Appointment/{id}"), client.http.uuid());
        let request = Request::update(server, &path, &request_id, &etag, &body);
        let sent = Instant::now();
        match client.http.send(&request).await {
            Ok(reply) if reply.status == 200 => {
                let answer = json(&reply);
                if answer.get("status").and_then(Value::as_str) != Some("cancelled") {
                    return Err("the cancel was answered 200 with an appointment that is not cancelled".to_owned());
                }
                client.run.journal.write(&JournalLine::Cancelled { cancelled: id.to_owned() });
                return Ok(());
            }
            Ok(reply) if !matches!(reply.status, 429 | 500 | 502 | 503 | 504) => {
                return Err(format!("the cancel was answered {} ({})", reply.status, describe(&json(&reply))));
            }
            // Undecided: read before trying again, after a pause no shorter than the failure took.
            Ok(_) | Err(_) => time::sleep(sent.elapsed().min(client.run.servers.timeout())).await,
        }
    }
    Err(format!("the cancel was not answered in {CANCEL_TRIES} tries"))
}

async fn read_back(client: &RaceClient, server: usize, id: &str) -> Result<(String, String), String> {
    let reply = appointment(client, server, id).await.map_err(|why| format!("reading it for the cancel: {why}"))?;
    let version = json(&reply).pointer("/meta/versionId").and_then(Value::as_str).map(|version| format!("W/\"{version}\""));
    let etag = reply.etag.or(version).ok_or("it has neither an ETag nor a version")?;
    Ok((String::from_utf8_lossy(&reply.body).into_owned(), etag))
}

/// The body of a cancel; `None` when it is cancelled already.
fn with_status_cancelled(body: &str) -> Result<Option<String>, String> {
    let mut resource: Value = serde_json::from_str(body).map_err(|_| "its body is no JSON".to_owned())?;
    let fields = resource.as_object_mut().ok_or("its body is no resource")?;
    if fields.get("status").and_then(Value::as_str) == Some("cancelled") {
        return Ok(None);
    }
    fields.insert("status".to_owned(), Value::from("cancelled"));
    Ok(Some(resource.to_string()))
}
