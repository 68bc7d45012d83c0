//! Appointments: reading them and their versions, and finding them.

use super::super::auth::Need;
use super::super::pipeline::context::RequestContext;
use super::super::pipeline::documentation::{AnswerSample, BodySample, Documentation};
use super::super::pipeline::operation::{Caching, Effect, Input, Operation, Permission, SEARCH_TYPE, Stated};
use super::super::pipeline::reply::{Content, Reply, ResourceUrl};
use super::super::pipeline::rules::AppointmentUrl;
use super::super::pipeline::stored;
use super::{directory, faults, found, slots};
use domain::appointment::AppointmentVersion;
use domain::fault::Fault;
use fhir::bundle::{self, Change, Entry, Mode};
use fhir::search::Reading;
use fhir::stu3::search;

/// `GET /Appointment?…`: a patient's are never paged (docs/specification/uec.md#a10-appointment-search).
pub const SEARCH: Operation = Operation {
    method: "GET",
    path: "Appointment",
    scope: Need::ReadAppointments,
    permission: Permission::Admission,
    audit: "search:appointment",
    input: Input::Query,
    effect: Effect::Reads,
    caching: Caching::Never,
    stated: Stated::Interaction(SEARCH_TYPE),
    handler: |context| Box::pin(search(context)),
    faults: faults::appointment_search,
    documentation: Documentation {
        verb: "search",
        summary: "Finds appointments, of a patient in most cases",
        notes: Some("Only what the caller may see. Without a window, future appointments only. A patient's appointments are never paged."),
        query: &[],
        body: BodySample::None,
        success: (200, slots::MATCHES),
        answer: "Bundle",
        example: AnswerSample::None,
    },
};

/// `GET /Appointment/<id>` (docs/specification/uec.md#a8-read).
pub const READ: Operation = Operation {
    path: "Appointment/{id}",
    audit: "read:appointment",
    stated: Stated::Interaction("read"),
    handler: |context| Box::pin(read(context)),
    faults: faults::appointment_read,
    documentation: Documentation {
        verb: "read",
        summary: "Reads the current version of an appointment",
        notes: None,
        success: (200, "The resource"),
        answer: "Appointment",
        example: AnswerSample::Booked,
        ..SEARCH.documentation
    },
    ..SEARCH
};

/// `GET /Appointment/<id>/_history/<version>`.
pub const READ_VERSION: Operation = Operation {
    path: "Appointment/{id}/_history/{version}",
    audit: "vread:appointment",
    stated: Stated::Interaction("vread"),
    documentation: Documentation { verb: "vread", summary: "Reads one version of an appointment", ..READ.documentation },
    ..READ
};

/// `GET /Appointment/<id>/_history` (STU3 http, "history").
pub const HISTORY: Operation = Operation {
    path: "Appointment/{id}/_history",
    audit: "history:appointment",
    stated: Stated::Interaction("history-instance"),
    handler: |context| Box::pin(history(context)),
    documentation: Documentation {
        verb: "history",
        summary: "Reads every version of an appointment, newest first",
        answer: "Bundle",
        example: AnswerSample::None,
        ..READ.documentation
    },
    ..READ
};

/// One version of an appointment, the current one where the path names none.
async fn read(context: &RequestContext) -> Result<Reply, Fault> {
    let Reading { pretty, shape } = context.reading("Appointment")?;
    let id = context.id().to_owned();
    let version = context.path.find("version").map(str::to_owned);
    let access = context.access();
    let found = context.engine(move |engine| engine.appointment(&id, version.as_deref(), &access)).await?;
    let place = ResourceUrl::Of(url(context, &found));
    let reply = Reply::new(Content::Stored(found.document, shape), pretty).of_version(found.version, found.recorded);
    Ok(Reply { place: Some(place), ..reply })
}

/// Where a version of an appointment is to be found.
pub fn url(context: &RequestContext, version: &AppointmentVersion) -> String {
    format!("{}/Appointment/{}/_history/{}", context.root_url, version.id, version.version)
}

async fn history(context: &RequestContext) -> Result<Reply, Fault> {
    let Reading { pretty, shape } = context.reading("Appointment")?;
    let id = context.id().to_owned();
    let access = context.access();
    let path = format!("Appointment/{id}");
    let found = context.engine(move |engine| engine.appointment_history(&id, &access)).await?;
    let mut changes = Vec::new();
    for version in &found {
        let resource = shape.applied(stored::tree(&version.document)?, context.definitions());
        changes.push(Change { resource, version: version.version });
    }
    Ok(Reply::resource(bundle::history(&context.root_url, &path, changes), pretty))
}

async fn search(context: &RequestContext) -> Result<Reply, Fault> {
    let query = search::appointments(&context.parameters, &context.search_rules)?;
    let access = context.access();
    let wanted = query.search.clone();
    let matches = context.engine(move |engine| engine.search_appointments(&wanted, &access)).await?;
    let mut entries = Vec::new();
    let mut actors = Vec::new();
    if !query.total_only {
        for version in &matches.versions {
            let path = match context.rules.appointment_url {
                AppointmentUrl::OfVersion => format!("Appointment/{}/_history/{}", version.id, version.version),
                AppointmentUrl::OfAppointment => format!("Appointment/{}", version.id),
            };
            let resource = stored::tree(&version.document)?;
            if query.search.includes.appointment_actors {
                actors.extend(search::participants(&resource, context.service_roots()));
            }
            entries.push(Entry { path, resource, mode: Mode::Match });
        }
        entries.extend(matches.slots.iter().map(|slot| slots::entry(slot, matches.now, Mode::Include)));
        entries.extend(directory::included(context, actors).await?);
    }
    Ok(found::reply(context, "Appointment", &query, matches.total, matches.next.as_ref(), entries))
}
