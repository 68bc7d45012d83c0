//! Slots: searching and reading them.
//!
//! What a reader would get wrong: an answer that is given again was not found in a drawer and handed out. The engine has
//! looked at the database since the request came, as for any other search, and said that it would find the same.

use super::super::Service;
use super::super::access::Sought;
use super::super::answers::{Answer, Question};
use super::super::negotiate::Format;
use super::super::transfer::BeyondItsVersion;
use super::{Asked, respond};
use crate::engine::{Engine, Related, SlotMatches};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use domain::fault::Fault;
use domain::policy::Access;
use domain::search::{SlotSearch, Window};
use domain::slot::SlotStatus;
use domain::time::Timestamp;
use fhir::bundle::{Entry, Mode};
use fhir::codec::json;
use fhir::codec::xml;
use fhir::search::Query;
use fhir::stu3;
use fhir::stu3::render::{self, Head, Included};
use fhir::stu3::schedule;
use fhir::stu3::slot;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a search waits for what is held in memory to be new. A database that takes longer is asked itself.
const LOOK_MAX: Duration = Duration::from_millis(500);

/// A question to which no answer is kept that is still right.
pub struct Anew {
    question: Question,
    /// Whether what is held in memory is as new as the database, where that was waited for already.
    is_fresh: Option<bool>,
}

/// The answer that was given to the same question before, if it still is what would be found.
pub async fn again(service: &Service, question: Question) -> Result<HttpResponse, Anew> {
    let Some(earlier) = service.answers.get(&question) else { return Err(Anew { question, is_fresh: None }) };
    let is_fresh = when_fresh(&service.engine).await;
    let now = service.engine.now();
    if is_fresh && earlier.speaks_of(now) && service.engine.is_current(&earlier.basis) {
        return Ok(given(&earlier));
    }
    Err(Anew { question, is_fresh: Some(is_fresh) })
}

/// `GET /Slot?…` (digest A.6).
pub async fn search(asked: Asked, anew: Option<Anew>) -> Result<HttpResponse, Fault> {
    let access = asked.access();
    let is_fresh = anew.as_ref().and_then(|anew| anew.is_fresh);
    let query = fhir::stu3::search::slots(&asked.admitted.parameters, &asked.rules, asked.service.engine.now())?;
    let must_know_service = asked.dialect.strict;
    let found = match held(&asked, &query.search, &access, is_fresh).await {
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
    let named = query.search.services.iter().filter(|_| known);
    let sought = Sought { services: named.map(|id| id.as_str().to_owned()).collect(), matches: found.total };
    if !query.shape.is_whole() || query.pretty || query.total_only || found.next.is_some() {
        let mut answer = built(&asked, &query, &found)?;
        answer.extensions_mut().insert(sought);
        return Ok(answer);
    }
    let text = rendered(&asked, &query, &found)?;
    let until = until(&asked, &query, &found);
    match (anew, found.version, until) {
        (Some(Anew { question, .. }), Some(basis), Some(until)) => {
            let answer = Arc::new(Answer::new(Bytes::from(text), asked.admitted.answer_format, sought, (basis, found.now, until)));
            asked.service.answers.keep(question, Arc::clone(&answer));
            Ok(given(&answer))
        }
        _ => {
            let mut answer = respond::text(StatusCode::OK, text, asked.admitted.answer_format);
            answer.extensions_mut().insert(sought);
            Ok(answer)
        }
    }
}

/// An answer that is kept.
fn given(answer: &Arc<Answer>) -> HttpResponse {
    let mut response = respond::tagged_text(StatusCode::OK, answer.body.clone(), answer.tag.clone(), answer.format);
    let mut extensions = response.extensions_mut();
    extensions.insert(answer.sought.clone());
    extensions.insert(Arc::clone(answer));
    drop(extensions);
    response
}

/// Until when the answer stays right if nothing is booked, freed or laid out: until its first slot begins, or its window
/// begins or ends. `None` where the question itself means something else at any other time.
fn until(asked: &Asked, query: &Query<SlotSearch>, found: &SlotMatches) -> Option<Timestamp> {
    let mut later = fhir::stu3::search::slots(&asked.admitted.parameters, &asked.rules, found.now.plus_ms(1)).ok()?;
    let Window { from, until } = query.search.start;
    // A window that begins in the past begins now, and what is on offer begins later than that in any case.
    if from <= Some(found.now) {
        later.search.start.from = from;
    }
    let first = found.slots.first().map(|first| first.start);
    // An open end is counted from the beginning of the window until that is past, and then moves on with the present.
    let begins = from.filter(|from| *from > found.now);
    let ends = [until, first, begins].into_iter().flatten().min();
    ends.filter(|_| later == *query)
}

/// Waits until what is held in memory is as new as the database; false where that is not to be had.
async fn when_fresh(engine: &Engine) -> bool {
    let (tell, told) = oneshot::channel();
    engine.when_fresh(Box::new(move |fresh| {
        // Nobody listens when the consumer has hung up.
        let _ = tell.send(fresh);
    }));
    matches!(timeout(LOOK_MAX, told).await, Ok(Ok(true)))
}

/// The matches from memory, as soon as they are as new as the database; `None` where the database is to be asked.
/// `is_fresh` is what waiting for that came to, where it was waited for already.
async fn held(asked: &Asked, search: &SlotSearch, access: &Access, is_fresh: Option<bool>) -> Option<Result<SlotMatches, Fault>> {
    let engine = &asked.service.engine;
    if !engine.is_indexed(search) {
        return None;
    }
    let is_fresh = match is_fresh {
        Some(is_fresh) => is_fresh,
        None => when_fresh(engine).await,
    };
    if is_fresh { engine.search_slots_indexed(search, access) } else { None }
}

/// The usual answer, written at once.
fn rendered(asked: &Asked, query: &Query<SlotSearch>, found: &SlotMatches) -> Result<String, Fault> {
    let head = Head { base_url: &asked.admitted.root_url, applied: &query.applied, total: found.total };
    let format = asked.admitted.answer_format;
    let mut included = Vec::new();
    for (schedule, shown) in &found.related.schedules {
        let tree = schedule::tree(schedule, shown, !asked.dialect.strict);
        let text = match format {
            Format::Json => json::write(&tree, stu3::definitions()),
            Format::Xml => xml::write_inside(&tree, stu3::definitions()),
        };
        included.push(Included { path: format!("Schedule/{}", schedule.id), text: Cow::Owned(text) });
    }
    for entry in &found.related.directory {
        // Documents are stored as the JSON that would be written.
        let text = match format {
            Format::Json if respond::is_object(&entry.document.text) => Cow::Borrowed(entry.document.text.as_str()),
            Format::Json => Cow::Owned(json::write(&respond::tree(&entry.document)?, stu3::definitions())),
            Format::Xml => Cow::Owned(xml::write_inside(&respond::tree(&entry.document)?, stu3::definitions())),
        };
        included.push(Included { path: format!("{}/{}", entry.kind.name(), entry.id), text });
    }
    Ok(match format {
        Format::Json => render::json(head, &found.slots, found.now, &included),
        Format::Xml => render::xml(head, &found.slots, found.now, &included),
    })
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
    let mut answer =
        respond::versioned(&shape.applied(slot::tree_versioned(&found, now), stu3::definitions()), found.version, found.updated, looks);
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
