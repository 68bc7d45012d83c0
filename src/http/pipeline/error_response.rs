//! Faults on their way out: the dialect's table says what, this says how.

use super::negotiate::Format;
use super::respond::{self, Outgoing};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use domain::fault::Fault;
use fhir::definitions::Definitions;
use fhir::outcome::{self, Issue};

/// An answer to a fault: status, issues, headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The HTTP status.
    pub status: u16,
    /// What goes into the OperationOutcome; at least one.
    pub issues: Vec<Issue>,
    /// Headers that belong to this status: `Allow`, `Retry-After`.
    pub headers: Vec<(&'static str, String)>,
}

/// What a dialect answers to faults.
pub type ErrorTable = fn(&Fault) -> ErrorResponse;

/// The answer to a fault, as an `OperationOutcome` with a new `id`.
pub fn to(refuse: ErrorTable, fault: &Fault, id: &str, format: Format, definitions: &Definitions) -> Outgoing {
    let refused = refuse(fault);
    let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = respond::resource(status, &outcome::tree(id, &refused.issues), format, definitions);
    for (name, value) in refused.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    Outgoing { refused: refused.issues.iter().map(codes).collect(), ..Outgoing::new(response) }
}

/// The codes of an issue, as the trail of accesses shows them.
fn codes(issue: &Issue) -> String {
    let spine = issue.coding.as_ref().map(|coding| coding.code);
    spine.map_or_else(|| issue.code.code().to_owned(), |spine| format!("{} {spine}", issue.code.code()))
}
