//! Slots: searching and reading them.

use super::super::access::Sought;
use super::super::negotiate::Format;
use super::super::transfer::BeyondItsVersion;
use super::{Asked, respond};
use crate::domain::fault::Fault;
use crate::domain::policy::Access;
use crate::domain::search::SlotSearch;
use crate::domain::slot::SlotStatus;
use crate::engine::{Related, SlotMatches};
use crate::fhir::bundle::{Entry, Mode};
use crate::fhir::render::{self, Head, Included};
use crate::fhir::search::Query;
use crate::fhir::{json, schedule, search, slot, xml};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::rt::time::timeout;
use std::borrow::Cow;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a search waits for what is held in memory to be new. A database that takes longer is asked itself.
const LOOK_MAX: Duration = Duration::from_millis(500);

/// `GET /Slot?…` (digest A.6).
pub async fn search(asked: Asked) -> Result<HttpResponse, Fault> {
    let query = search::slots(&asked.admitted.parameters, &asked.rules, asked.service.engine.now())?;
    let must_know_service = asked.dialect.strict;
    let access = asked.access();
    let found = match held(&asked, &query.search, &access).await {
        Some(found) => found,
        None => {
            let wanted = query.search.clone();
            asked.engine(move |engine| engine.search_slots(&wanted, &access)).await
        }
    };
    // What is not the id of a service may be anything, and is not recorded.
    let known = found.is_ok();
    let found = match found {
        // The provider root says empty where the booking root says unknown (`decisions.md` 5).
        Err(Fault::NotFound { .. }) if !must_know_service => SlotMatches::none(asked.service.engine.now()),
        found => found?,
    };
    let mut answer = if query.shape.is_whole() && !query.pretty && !query.total_only && found.next.is_none() {
        rendered(&asked, &query, &found)?
    } else {
        built(&asked, &query, &found)?
    };
    let named = query.search.services.iter().filter(|_| known);
    let services = named.map(|id| id.as_str().to_owned()).collect();
    answer.extensions_mut().insert(Sought { services, matches: found.total });
    Ok(answer)
}

/// The matches from memory, as soon as they are as new as the database; `None` where the database is to be asked.
async fn held(asked: &Asked, search: &SlotSearch, access: &Access) -> Option<Result<SlotMatches, Fault>> {
    let engine = &asked.service.engine;
    if !engine.may_hold(search) {
        return None;
    }
    let (tell, told) = oneshot::channel();
    engine.when_fresh(Box::new(move |fresh| {
        // Nobody listens when the consumer has hung up.
        let _ = tell.send(fresh);
    }));
    match timeout(LOOK_MAX, told).await {
        Ok(Ok(true)) => engine.search_slots_held(search, access),
        _ => None,
    }
}

/// The usual answer, written at once.
fn rendered(asked: &Asked, query: &Query<SlotSearch>, found: &SlotMatches) -> Result<HttpResponse, Fault> {
    let head = Head { base_url: &asked.admitted.root_url, honoured: &query.honoured, total: found.total };
    let format = asked.admitted.answer_format;
    let mut included = Vec::new();
    for (schedule, shown) in &found.related.schedules {
        let tree = schedule::tree(schedule, shown, !asked.dialect.strict);
        let text = match format {
            Format::Json => json::write(&tree),
            Format::Xml => xml::write_inside(&tree),
        };
        included.push(Included { path: format!("Schedule/{}", schedule.id), text: Cow::Owned(text) });
    }
    for entry in &found.related.directory {
        // Documents are stored as the JSON that would be written.
        let text = match format {
            Format::Json if respond::is_object(&entry.document) => Cow::Borrowed(entry.document.as_str()),
            Format::Json => Cow::Owned(json::write(&respond::tree(&entry.document)?)),
            Format::Xml => Cow::Owned(xml::write_inside(&respond::tree(&entry.document)?)),
        };
        included.push(Included { path: format!("{}/{}", entry.kind.name(), entry.id), text });
    }
    let text = match format {
        Format::Json => render::json(head, &found.slots, found.now, &included),
        Format::Xml => render::xml(head, &found.slots, found.now, &included),
    };
    Ok(respond::text(StatusCode::OK, text, format))
}

/// The same as a tree, from which parts can be taken.
fn built(asked: &Asked, query: &Query<SlotSearch>, found: &SlotMatches) -> Result<HttpResponse, Fault> {
    let mut entries = Vec::new();
    if !query.total_only {
        let matches =
            found.slots.iter().map(|s| Entry { path: format!("Slot/{}", s.id), resource: slot::tree(s, found.now), mode: Mode::Match });
        entries.extend(matches);
        entries.extend(related(asked, &found.related, Mode::Include)?);
    }
    Ok(asked.searchset("Slot", query, found.total, found.next.as_ref(), entries))
}

/// `GET /Slot/<id>`.
pub async fn read(asked: Asked) -> Result<HttpResponse, Fault> {
    let (looks, shape) = asked.reading("Slot")?;
    let id = asked.admitted.id(0).to_owned();
    let access = asked.access();
    let found = asked.engine(move |engine| engine.slot(&id, &access)).await?;
    let now = asked.service.engine.now();
    let mut answer = respond::versioned(&shape.applied(slot::tree_versioned(&found, now)), found.version, found.updated, looks);
    if found.status(now) == SlotStatus::Begun {
        answer.extensions_mut().insert(BeyondItsVersion);
    }
    Ok(answer)
}

/// Schedules, in `mode`, and what they lead to.
pub fn related(asked: &Asked, related: &Related, mode: Mode) -> Result<Vec<Entry>, Fault> {
    let location_always = !asked.dialect.strict;
    let mut entries: Vec<Entry> = related
        .schedules
        .iter()
        .map(|(found, shown)| Entry {
            path: format!("Schedule/{}", found.id),
            resource: schedule::tree(found, shown, location_always),
            mode,
        })
        .collect();
    for entry in &related.directory {
        let path = format!("{}/{}", entry.kind.name(), entry.id);
        entries.push(Entry { path, resource: respond::tree(&entry.document)?, mode: Mode::Include });
    }
    Ok(entries)
}
