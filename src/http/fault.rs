//! Faults on their way out: the dialect's table says what, this says how.

use super::access::Refused;
use super::dialects::Dialect;
use super::negotiate::Format;
use super::respond::{self, Looks};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use domain::fault::Fault;
use fhir::outcome::{self, Issue};

/// The answer to a fault, as an `OperationOutcome` with a new `id`.
pub fn answer(dialect: &Dialect, fault: &Fault, id: &str, format: Format) -> HttpResponse {
    let refused = (dialect.refuse)(fault);
    let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = respond::resource(status, &outcome::tree(id, &refused.issues), Looks { format, pretty: false });
    for (name, value) in refused.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.extensions_mut().insert(Refused(refused.issues.iter().map(codes).collect()));
    response
}

/// The codes of an issue, as the trail of accesses shows them.
fn codes(issue: &Issue) -> String {
    let spine = issue.coding.as_ref().map(|coding| coding.code);
    spine.map_or_else(|| issue.code.code().to_owned(), |spine| format!("{} {spine}", issue.code.code()))
}
