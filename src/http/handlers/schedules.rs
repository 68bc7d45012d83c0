//! Schedules: searching and reading them.

use super::super::auth::Need;
use super::super::pipeline::context::RequestContext;
use super::super::pipeline::documentation::{AnswerSample, BodySample, Documentation};
use super::super::pipeline::operation::{Caching, Effect, Input, Operation, Permission, SEARCH_TYPE, Stated};
use super::super::pipeline::reply::{Reply, Validator};
use super::super::pipeline::rules::ScheduleVersion;
use super::{faults, found, slots};
use domain::fault::Fault;
use fhir::bundle::Mode;
use fhir::search::Reading;
use fhir::stu3::{schedule, search};

/// `GET /Schedule?…`.
pub const SEARCH: Operation = Operation {
    method: "GET",
    path: "Schedule",
    scope: Need::ReadSlots,
    permission: Permission::Admission,
    audit: "search:schedule",
    input: Input::Query,
    effect: Effect::Reads,
    caching: Caching::Never,
    stated: Stated::Interaction(SEARCH_TYPE),
    handler: |context| Box::pin(search(context)),
    faults: faults::schedule_search,
    documentation: Documentation {
        verb: "search",
        summary: "Finds schedules",
        notes: None,
        query: &[],
        body: BodySample::None,
        success: (200, slots::MATCHES),
        answer: "Bundle",
        example: AnswerSample::None,
    },
};

/// `GET /Schedule/<id>`.
pub const READ: Operation = Operation {
    path: "Schedule/{id}",
    audit: "read:schedule",
    stated: Stated::Interaction("read"),
    handler: |context| Box::pin(read(context)),
    faults: faults::read,
    documentation: Documentation {
        verb: "read",
        summary: "Reads a schedule",
        success: (200, "The resource"),
        answer: "Schedule",
        example: AnswerSample::OfSlots("Schedule"),
        ..SEARCH.documentation
    },
    ..SEARCH
};

async fn search(context: &RequestContext) -> Result<Reply, Fault> {
    let query = search::schedules(&context.parameters, &context.search_rules)?;
    let wanted = query.search.clone();
    let access = context.access();
    let matches = context.engine(move |engine| engine.search_schedules(&wanted, &access)).await?;
    let mut entries = Vec::new();
    if !query.total_only {
        entries.extend(slots::related(context, &matches.related, Mode::Match)?);
        entries.extend(matches.slots.iter().map(|slot| slots::entry(slot, matches.now, Mode::Include)));
    }
    Ok(found::reply(context, "Schedule", &query, matches.total, matches.next.as_ref(), entries))
}

async fn read(context: &RequestContext) -> Result<Reply, Fault> {
    let Reading { pretty, shape } = context.reading("Schedule")?;
    let id = context.id().to_owned();
    let not_found = Fault::NotFound { kind: "Schedule", id: id.clone() };
    let access = context.access();
    // A policy may hide the service it shows.
    let validator = if access.sees_everything() { Validator::Proves } else { Validator::ProvesNothing };
    let found = context.engine(move |engine| engine.schedule(&id, &access)).await?;
    let shown = found.service_shown(&[]).ok_or(not_found)?;
    let tree = match context.rules.schedule_version {
        ScheduleVersion::Unstated => schedule::tree(&found, shown, false),
        ScheduleVersion::InMeta => shape.applied(schedule::tree_versioned(&found, shown), context.definitions()),
    };
    Ok(Reply { validator, ..Reply::resource(tree, pretty).of_version(found.version, found.updated) })
}
