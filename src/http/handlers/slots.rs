//! Slots: searching and reading them.

use super::super::access::Sought;
use super::super::transfer::ShownByTheClock;
use super::{Asked, respond};
use crate::domain::fault::Fault;
use crate::domain::slot::SlotStatus;
use crate::engine::{Related, SlotMatches};
use crate::fhir::bundle::{Entry, Mode};
use crate::fhir::{schedule, search, slot};
use actix_web::HttpResponse;

/// `GET /Slot?…` (digest A.6).
pub async fn search(asked: Asked) -> Result<HttpResponse, Fault> {
    let query = search::slots(&asked.admitted.parameters, &asked.rules, asked.service.engine.now())?;
    let wanted = query.search.clone();
    let must_know_service = asked.dialect.strict;
    let access = asked.access();
    let found = asked.engine(move |engine| engine.search_slots(&wanted, &access)).await;
    let found = match found {
        // The provider root says empty where the booking root says unknown (`decisions.md` 5).
        Err(Fault::NotFound { .. }) if !must_know_service => SlotMatches::none(asked.service.engine.now()),
        found => found?,
    };
    let mut entries = Vec::new();
    if !query.total_only {
        let matches =
            found.slots.iter().map(|s| Entry { path: format!("Slot/{}", s.id), resource: slot::tree(s, found.now), mode: Mode::Match });
        entries.extend(matches);
        entries.extend(related(&asked, &found.related, Mode::Include)?);
    }
    let mut answer = asked.searchset("Slot", &query, found.total, found.next.as_ref(), entries);
    let services = query.search.services.iter().map(|id| id.as_str().to_owned()).collect();
    answer.extensions_mut().insert(Sought { services, matches: found.total });
    Ok(answer)
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
        answer.extensions_mut().insert(ShownByTheClock);
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
