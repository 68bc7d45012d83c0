//! Schedules: searching and reading them.

use super::super::transfer::BeyondItsVersion;
use super::{Asked, respond, slots};
use actix_web::HttpResponse;
use domain::fault::Fault;
use fhir::bundle::{Entry, Mode};
use fhir::stu3;
use fhir::stu3::schedule;
use fhir::stu3::slot;

/// `GET /Schedule?…`.
pub async fn search(asked: Asked) -> Result<HttpResponse, Fault> {
    let query = fhir::stu3::search::schedules(&asked.admitted.parameters, &asked.rules)?;
    let wanted = query.search.clone();
    let access = asked.access();
    let found = asked.engine(move |engine| engine.search_schedules(&wanted, &access)).await?;
    let mut entries = Vec::new();
    if !query.total_only {
        entries.extend(slots::related(&asked, &found.related, Mode::Match)?);
        entries.extend(found.slots.iter().map(|s| Entry {
            path: format!("Slot/{}", s.id),
            resource: slot::tree(s, found.now),
            mode: Mode::Include,
        }));
    }
    Ok(asked.searchset("Schedule", &query, found.total, found.next.as_ref(), entries))
}

/// `GET /Schedule/<id>`.
pub async fn read(asked: Asked) -> Result<HttpResponse, Fault> {
    let (looks, shape) = asked.reading("Schedule")?;
    let id = asked.admitted.id(0).to_owned();
    let not_found = Fault::NotFound { kind: "Schedule", id: id.clone() };
    let access = asked.access();
    let by_policy = !access.sees_everything();
    let found = asked.engine(move |engine| engine.schedule(&id, &access)).await?;
    let shown = found.service_shown(&[]).ok_or(not_found)?;
    // What was assured stays as it was: the booking root's schedules carry no version in their `meta` (digest B.2).
    let strict = asked.dialect.strict;
    let tree = if strict {
        schedule::tree(&found, shown, false)
    } else {
        shape.applied(schedule::tree_versioned(&found, shown), stu3::definitions())
    };
    let mut answer = respond::versioned(&tree, found.version, found.updated, looks);
    if by_policy {
        answer.extensions_mut().insert(BeyondItsVersion);
    }
    Ok(answer)
}
