//! Appointments: reading them and their versions, and finding them.

use super::respond::Content;
use super::{Asked, directory, respond};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use domain::fault::Fault;
use domain::slot::Slot;
use fhir::bundle::{self, Change, Entry, Mode};
use fhir::{search, slot};

/// `GET /Appointment/<id>` and, with `versioned`, `GET /Appointment/<id>/_history/<version>` (digest A.8).
pub async fn read(asked: Asked, versioned: bool) -> Result<HttpResponse, Fault> {
    let (looks, shape) = asked.reading("Appointment")?;
    let id = asked.admitted.id(0).to_owned();
    let version = versioned.then(|| asked.admitted.id(1).to_owned());
    let access = asked.access();
    let found = asked.engine(move |engine| engine.appointment(&id, version.as_deref(), &access)).await?;
    respond::appointment(StatusCode::OK, &found, &asked.admitted.root_url, looks, false, &Content::Resource(&shape))
}

/// `GET /Appointment/<id>/_history`: the newest first (STU3 http, "history").
pub async fn history(asked: Asked) -> Result<HttpResponse, Fault> {
    let (looks, shape) = asked.reading("Appointment")?;
    let id = asked.admitted.id(0).to_owned();
    let access = asked.access();
    let path = format!("Appointment/{id}");
    let found = asked.engine(move |engine| engine.appointment_history(&id, &access)).await?;
    let mut changes = Vec::new();
    for version in &found {
        let resource = shape.applied(respond::tree(&version.document)?);
        changes.push(Change { resource, version: version.version });
    }
    Ok(respond::resource(StatusCode::OK, &bundle::history(&asked.admitted.root_url, &path, changes), looks))
}

/// `GET /Appointment?…`: a patient's are never paged (digest A.10).
pub async fn search(asked: Asked) -> Result<HttpResponse, Fault> {
    let query = search::appointments(&asked.admitted.parameters, &asked.rules)?;
    let access = asked.access();
    let wanted = query.search.clone();
    let found = asked.engine(move |engine| engine.search_appointments(&wanted, &access)).await?;
    let mut entries = Vec::new();
    let mut actors = Vec::new();
    if !query.total_only {
        for version in &found.versions {
            let path = if asked.dialect.strict {
                // The booking standard wants the version in `fullUrl` (digest A.10), which STU3 forbids (bdl-8).
                format!("Appointment/{}/_history/{}", version.id, version.version)
            } else {
                format!("Appointment/{}", version.id)
            };
            let resource = respond::tree(&version.document)?;
            if query.search.includes.appointment_actors {
                actors.extend(search::participants(&resource));
            }
            entries.push(Entry { path, resource, mode: Mode::Match });
        }
        let included = |s: &Slot| Entry { path: format!("Slot/{}", s.id), resource: slot::tree(s, found.now), mode: Mode::Include };
        entries.extend(found.slots.iter().map(included));
        entries.extend(directory::included(&asked, actors).await?);
    }
    Ok(asked.searchset("Appointment", &query, found.total, found.next.as_ref(), entries))
}
