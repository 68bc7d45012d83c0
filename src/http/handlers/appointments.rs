//! Appointments: reading them, and finding a patient's.

use super::{Asked, respond};
use crate::domain::fault::Fault;
use crate::fhir::bundle::{self, Entry, Mode};
use crate::fhir::search;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;

/// `GET /Appointment/<id>` and, with `versioned`, `GET /Appointment/<id>/_history/<version>` (digest A.8).
pub async fn read(asked: Asked, versioned: bool) -> Result<HttpResponse, Fault> {
    let id = asked.admitted.id(0).to_owned();
    let version = versioned.then(|| asked.admitted.id(1).to_owned());
    let viewer = asked.admitted.caller.viewer.clone();
    let found = asked.engine(move |engine| engine.appointment(&id, version.as_deref(), &viewer)).await?;
    respond::appointment(StatusCode::OK, &found, &asked.admitted.root_url, asked.looks_of_read(), false)
}

/// `GET /Appointment?…`: never paged (digest A.10).
pub async fn search(asked: Asked) -> Result<HttpResponse, Fault> {
    let query = search::appointments(&asked.admitted.parameters, &asked.rules)?;
    let viewer = asked.admitted.caller.viewer.clone();
    let wanted = query.search.clone();
    let found = asked.engine(move |engine| engine.search_appointments(&wanted, &viewer)).await?;
    let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let mut entries = Vec::new();
    if !query.total_only {
        for version in &found {
            let path = format!("Appointment/{}/_history/{}", version.id, version.version);
            entries.push(Entry { path, resource: respond::tree(&version.document)?, mode: Mode::Match });
        }
    }
    let bundle = bundle::searchset(&asked.admitted.root_url, "Appointment", &query.honoured, total, None, entries);
    Ok(respond::resource(StatusCode::OK, &bundle, asked.looks(query.pretty)))
}
