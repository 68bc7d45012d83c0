//! Slots: searching and reading them.

use super::super::access::SearchSummary;
use super::super::auth::Need;
use super::super::pipeline::context::RequestContext;
use super::super::pipeline::documentation::{AnswerSample, BodySample, Documentation};
use super::super::pipeline::freshness::index_is_fresh;
use super::super::pipeline::negotiate::Format;
use super::super::pipeline::operation::{Caching, Effect, Input, Operation, Permission, SEARCH_TYPE, Stated};
use super::super::pipeline::reply::{Content, Reply, Validator, Validity};
use super::super::pipeline::rules::{LocationActor, UnknownService};
use super::super::pipeline::stored;
use super::{faults, found};
use crate::engine::{IndexVersion, Related, SlotMatches};
use domain::fault::Fault;
use domain::policy::Access;
use domain::search::{SlotSearch, Window};
use domain::slot::{Slot, SlotStatus};
use domain::time::Timestamp;
use fhir::bundle::{Entry, Mode};
use fhir::codec::{json, xml};
use fhir::search::{Query, Reading};
use fhir::stu3::render::{self, Head, Included};
use fhir::stu3::{schedule, search, slot};
use std::borrow::Cow;

/// `GET /Slot?…` (docs/specification/uec.md#a6-slot-search).
pub const SEARCH: Operation = Operation {
    method: "GET",
    path: "Slot",
    scope: Need::ReadSlots,
    permission: Permission::Admission,
    audit: "search:slot",
    input: Input::Query,
    effect: Effect::Reads,
    caching: Caching::ByQuery,
    stated: Stated::Interaction(SEARCH_TYPE),
    handler: |context| Box::pin(search(context)),
    faults: faults::slot_search,
    documentation: Documentation {
        verb: "search",
        summary: "Finds slots",
        notes: Some(
            "`total` counts the slots that match. A slot that has begun is never in an answer as `free`. Without an upper bound the window \
             ends at its limit, 31 days unless set otherwise.",
        ),
        query: &[],
        body: BodySample::None,
        success: (200, MATCHES),
        answer: "Bundle",
        example: AnswerSample::Slots,
    },
};

/// What a search answers.
pub const MATCHES: &str = "What matches, and what was asked for with it; an empty Bundle when nothing matches";

/// `GET /Slot/<id>`.
pub const READ: Operation = Operation {
    path: "Slot/{id}",
    audit: "read:slot",
    caching: Caching::Never,
    stated: Stated::Interaction("read"),
    handler: |context| Box::pin(read(context)),
    faults: faults::read,
    documentation: Documentation {
        verb: "read",
        summary: "Reads a slot",
        notes: None,
        success: (200, "The resource"),
        answer: "Slot",
        example: AnswerSample::OfSlots("Slot"),
        ..SEARCH.documentation
    },
    ..SEARCH
};

async fn search(context: &RequestContext) -> Result<Reply, Fault> {
    let access = context.access();
    let query = search::slots(&context.parameters, &context.search_rules, context.service.engine.now())?;
    let matches = match indexed(context, &query.search, &access).await {
        Some(matches) => matches,
        None => {
            let wanted = query.search.clone();
            context.engine(move |engine| engine.search_slots(&wanted, &access)).await
        }
    };
    // What is not the id of a service may be anything, and is not recorded.
    let known = matches.is_ok();
    let mut matches = match matches {
        Err(Fault::NotFound { .. }) if context.rules.unknown_service == UnknownService::NoMatches => {
            SlotMatches::none(context.service.engine.now())
        }
        matches => matches?,
    };
    let named = query.search.services.iter().filter(|_| known);
    let summary = SearchSummary { services: named.map(|id| id.as_str().to_owned()).collect(), matches: matches.total };
    let is_usual = query.shape.is_whole() && !query.pretty && !query.total_only && matches.next.is_none() && query.warnings.is_empty();
    let reply = if !is_usual {
        built(context, &query, &matches)?
    } else {
        let text = rendered(context, &query, &matches)?;
        let validity = matches.version.take().and_then(|version| validity(context, &query, &matches, version));
        Reply { validity, ..Reply::new(Content::Written(text), false) }
    };
    Ok(Reply { search: Some(summary), ..reply })
}

/// As long as what the answer stays right: what it was made from, and, if nothing is booked, freed or laid out, until its first
/// slot begins, or its window begins or ends. `None` where the question itself means something else at any other time.
fn validity(context: &RequestContext, query: &Query<SlotSearch>, matches: &SlotMatches, version: IndexVersion) -> Option<Validity> {
    let mut later = search::slots(&context.parameters, &context.search_rules, matches.now.plus_ms(1)).ok()?;
    let Window { from, until } = query.search.start;
    // A window that begins in the past begins now, and what is on offer begins later than that in any case.
    if from <= Some(matches.now) {
        later.search.start.from = from;
    }
    let first = matches.slots.first().map(|first| first.start);
    // An open end is counted from the beginning of the window until that is past, and then moves on with the present.
    let begins = from.filter(|from| *from > matches.now);
    let ends: Option<Timestamp> = [until, first, begins].into_iter().flatten().min();
    let until = ends.filter(|_| later == *query)?;
    Some(Validity { version, from: matches.now, until })
}

/// The matches from the index in memory, as soon as it is as new as the database; `None` where the database is to be asked.
async fn indexed(context: &RequestContext, search: &SlotSearch, access: &Access) -> Option<Result<SlotMatches, Fault>> {
    let engine = &context.service.engine;
    if !engine.is_indexed(search) {
        return None;
    }
    let is_fresh = match context.index_is_fresh {
        Some(is_fresh) => is_fresh,
        None => index_is_fresh(engine).await,
    };
    if is_fresh { engine.search_slots_indexed(search, access) } else { None }
}

/// The usual answer, written at once.
fn rendered(context: &RequestContext, query: &Query<SlotSearch>, matches: &SlotMatches) -> Result<String, Fault> {
    let head = Head { base_url: &context.root_url, applied: &query.applied, total: matches.total };
    let mut included = Vec::new();
    for (schedule, shown) in &matches.related.schedules {
        let tree = schedule::tree(schedule, shown, context.rules.location_actor == LocationActor::Always);
        let text = match context.answer_format {
            Format::Json => json::write(&tree, context.definitions()),
            Format::Xml => xml::write_inside(&tree, context.definitions()),
        };
        included.push(Included { path: format!("Schedule/{}", schedule.id), text: Cow::Owned(text) });
    }
    for entry in &matches.related.directory {
        // Documents are stored as the JSON that would be written.
        let text = match context.answer_format {
            Format::Json if stored::is_object(&entry.document.text) => Cow::Borrowed(entry.document.text.as_str()),
            Format::Json => Cow::Owned(json::write(&stored::tree(&entry.document)?, context.definitions())),
            Format::Xml => Cow::Owned(xml::write_inside(&stored::tree(&entry.document)?, context.definitions())),
        };
        included.push(Included { path: format!("{}/{}", entry.kind.name(), entry.id), text });
    }
    Ok(match context.answer_format {
        Format::Json => render::json(head, &matches.slots, matches.now, &included),
        Format::Xml => render::xml(head, &matches.slots, matches.now, &included),
    })
}

/// The same as a tree, from which parts can be taken.
fn built(context: &RequestContext, query: &Query<SlotSearch>, matches: &SlotMatches) -> Result<Reply, Fault> {
    let mut entries = Vec::new();
    if !query.total_only {
        entries.extend(matches.slots.iter().map(|slot| entry(slot, matches.now, Mode::Match)));
        entries.extend(related(context, &matches.related, Mode::Include)?);
    }
    Ok(found::reply(context, "Slot", query, matches.total, matches.next.as_ref(), entries))
}

/// A slot in a Bundle.
pub fn entry(found: &Slot, now: Timestamp, mode: Mode) -> Entry {
    Entry { path: format!("Slot/{}", found.id), resource: slot::tree(found, now), mode }
}

async fn read(context: &RequestContext) -> Result<Reply, Fault> {
    let Reading { pretty, shape } = context.reading("Slot")?;
    let id = context.id().to_owned();
    let access = context.access();
    let found = context.engine(move |engine| engine.slot(&id, &access)).await?;
    let now = context.service.engine.now();
    let reply = Reply::resource(shape.applied(slot::tree_versioned(&found, now), context.definitions()), pretty)
        .of_version(found.version, found.updated);
    let validator = if found.status(now) == SlotStatus::Begun { Validator::ProvesNothing } else { Validator::Proves };
    Ok(Reply { validator, ..reply })
}

/// Schedules, in `mode`, and what they lead to.
pub fn related(context: &RequestContext, related: &Related, mode: Mode) -> Result<Vec<Entry>, Fault> {
    let location_always = context.rules.location_actor == LocationActor::Always;
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
        entries.push(Entry { path, resource: stored::tree(&entry.document)?, mode: Mode::Include });
    }
    Ok(entries)
}
