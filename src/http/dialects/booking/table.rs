//! Fault to answer, for the booking root: the one table, exhaustive (docs/contract.md#statuses;
//! docs/specification/uec.md#b9-operationoutcome).

use super::super::super::pipeline::error_response::ErrorResponse;
use domain::fault::{Denial, Fault, ParameterFault, Problem, ProblemKind, Refusal, TokenFault};
use fhir::outcome::{Coding, Issue, IssueCode, PROCESSING_FAILURE, Severity};
use fhir::stu3::uec::spine::SpineCode;

/// Content codings of bodies that are read.
const CODINGS: &str = "gzip, identity";

/// The answer to a fault.
pub fn refuse(fault: &Fault) -> ErrorResponse {
    match fault {
        Fault::NoSuchRoute { path } => {
            one(404, IssueCode::NotFound, SpineCode::NoRecordFound, format!("there is nothing at {path}; GET metadata says what is served"))
        }
        Fault::MethodNotAllowed { method, allowed } => {
            let allowed = allowed.join(", ");
            let told = format!("{method} is not possible here; possible: {allowed}");
            with_header(one(405, IssueCode::NotSupported, SpineCode::BadRequest, told), "Allow", allowed)
        }
        Fault::TooLarge { what, limit, unit } => {
            let status = match *what {
                "body" | "inflated body" => 413,
                "query" => 414,
                _ => 400,
            };
            one(status, IssueCode::TooLong, SpineCode::BadRequest, format!("the {what} is larger than the {limit} {unit} taken here"))
        }
        Fault::Token(fault) => one(403, IssueCode::Forbidden, SpineCode::AccessDenied, token(fault)),
        Fault::UntrustedPeer => {
            let told = "connections are taken from the trusted proxy only".to_owned();
            one(403, IssueCode::Forbidden, SpineCode::AccessDenied, told)
        }
        Fault::HeaderMissing { name } => {
            one(400, IssueCode::Required, SpineCode::MissingOrInvalidHeader, format!("the header {name} is missing"))
        }
        Fault::HeaderInvalid { name, expected } => {
            one(400, IssueCode::Value, SpineCode::MissingOrInvalidHeader, format!("the header {name} must be {expected}"))
        }
        Fault::ContentType { given } => one(415, IssueCode::NotSupported, SpineCode::UnsupportedMediaType, content_type(given)),
        Fault::ContentCoding { given } => {
            let told = format!("a body in the Content-Encoding `{given}` cannot be read; possible: {CODINGS}");
            with_header(one(415, IssueCode::NotSupported, SpineCode::UnsupportedMediaType, told), "Accept-Encoding", CODINGS.to_owned())
        }
        Fault::CrossOrigin { problem } => {
            let told = format!("a page of another origin may not call like this: {problem}");
            one(403, IssueCode::Forbidden, SpineCode::AccessDenied, told)
        }
        Fault::NotAForm { given } => {
            let given =
                if given.is_empty() { "the header Content-Type is missing".to_owned() } else { format!("`{given}` cannot be read here") };
            let told = format!("{given}; possible: application/x-www-form-urlencoded");
            one(415, IssueCode::NotSupported, SpineCode::UnsupportedMediaType, told)
        }
        Fault::NotAcceptable { given } => {
            let told = format!("`{given}` cannot be written; possible: application/fhir+json, application/fhir+xml");
            one(415, IssueCode::NotSupported, SpineCode::UnsupportedMediaType, told)
        }
        Fault::Unreadable { problem } => one(400, IssueCode::Structure, SpineCode::MessageNotWellFormed, problem.clone()),
        Fault::Parameter(fault) => parameter(fault),
        Fault::NotFound { kind, id } => one(404, IssueCode::NotFound, SpineCode::NoRecordFound, format!("there is no {kind} {id}")),
        Fault::VersionMissing => {
            let told = "the header If-Match is missing; it must name the version that was read, such as W/\"1\"".to_owned();
            one(412, IssueCode::Required, SpineCode::MissingOrInvalidHeader, told)
        }
        Fault::VersionStale { given, current } => {
            let told =
                format!("If-Match names version `{given}`, but the current version is W/\"{current}\": read it again and decide anew");
            one(409, IssueCode::Conflict, SpineCode::ConflictingValues, told)
        }
        Fault::NotYours { kind, id } => {
            let told = format!("{kind} {id} was booked by another organisation");
            one(403, IssueCode::Forbidden, SpineCode::AccessDenied, told)
        }
        Fault::NotPermitted(denial) => one(403, IssueCode::Forbidden, SpineCode::AccessDenied, not_permitted(denial)),
        Fault::Invalid(problems) => invalid(problems),
        Fault::Refused(refusal) => refused(refusal),
        Fault::Duplicate { request_id, appointment } => {
            let told = format!("X-Request-ID {request_id} has already succeeded; it made or changed Appointment/{appointment}");
            one(409, IssueCode::Duplicate, SpineCode::DuplicateRejected, told)
        }
        Fault::Busy { retry_after_s } => {
            let told = "the server cannot keep up at the moment; nothing was done and nothing will be: send the request again".to_owned();
            with_header(one(503, IssueCode::Transient, SpineCode::InternalServerError, told), "Retry-After", retry_after_s.to_string())
        }
        Fault::DatabaseUnreachable { retry_after_s } => {
            let told = "the database is out of reach; nothing was done and nothing will be: send the request again".to_owned();
            with_header(one(503, IssueCode::Transient, SpineCode::InternalServerError, told), "Retry-After", retry_after_s.to_string())
        }
        Fault::OutcomeUnknown => {
            let told = "outcome unknown, send the same X-Request-ID again".to_owned();
            one(500, IssueCode::Exception, SpineCode::InternalServerError, told)
        }
        Fault::Internal => {
            let told = "the server failed; its operator finds this answer in the log by its X-Request-ID".to_owned();
            one(500, IssueCode::Exception, SpineCode::InternalServerError, told)
        }
    }
}

fn one(status: u16, code: IssueCode, spine: SpineCode, diagnostics: String) -> ErrorResponse {
    ErrorResponse { status, issues: vec![issue(code, spine.coding(), diagnostics, Vec::new())], headers: Vec::new() }
}

fn with_header(mut refused: ErrorResponse, name: &'static str, value: String) -> ErrorResponse {
    refused.headers.push((name, value));
    refused
}

const fn issue(code: IssueCode, coding: Coding, diagnostics: String, expressions: Vec<String>) -> Issue {
    Issue { severity: Severity::Error, code, coding: Some(coding), diagnostics, expressions }
}

fn content_type(given: &str) -> String {
    let given = if given.is_empty() { "the header Content-Type is missing".to_owned() } else { format!("`{given}` cannot be read") };
    format!("{given}; possible: application/fhir+json, application/fhir+xml")
}

fn token(fault: &TokenFault) -> String {
    match fault {
        TokenFault::Missing => "the header Authorization is missing; it must be `Bearer <token>`".to_owned(),
        TokenFault::Malformed(why) => format!("the token cannot be read: {why}"),
        TokenFault::Algorithm(given) => format!("the token's algorithm is `{given}`; it must be `none`"),
        TokenFault::Claim(claim) => format!("the token's claim `{claim}` is missing or of the wrong type"),
        TokenFault::ClaimValue { claim, expected } => format!("the token's claim `{claim}` must be {expected}"),
        TokenFault::Audience { accepted } => format!("the token's `aud` names another server; accepted: {}", accepted.join(", ")),
        TokenFault::Expired => "the token has expired".to_owned(),
        TokenFault::NotYetValid => "the token begins in the future (`iat` or `nbf`); clocks may differ by 60 seconds".to_owned(),
        TokenFault::TooLong { limit_s } => format!("the token lives longer than {limit_s} seconds (`exp` less `iat`)"),
        TokenFault::Scope { claim, needed } => format!("the token's `{claim}` does not allow this; it needs {needed}"),
        TokenFault::AlgorithmRefused { accepted } => {
            format!("the token's algorithm is not accepted; accepted from its issuer: {}", accepted.join(", "))
        }
        TokenFault::Critical => "the token's header has `crit`, and no extension is understood here".to_owned(),
        TokenFault::IssuerUnknown => "the token's `iss` is no issuer whose tokens are accepted here, to the letter".to_owned(),
        TokenFault::KeysUnavailable => "the keys of the token's issuer cannot be had at present".to_owned(),
        TokenFault::KeyUnknown => {
            "the token's key is not known: its `kid` must name one key of its issuer that fits its algorithm".to_owned()
        }
        TokenFault::Signature => "the token's signature is wrong".to_owned(),
        TokenFault::ClientUnknown => "the client the token was issued to is no consumer known here".to_owned(),
    }
}

fn not_permitted(denial: &Denial) -> String {
    match denial {
        Denial::Unlisted { organisation } => {
            format!("the provider's policy does not admit organisation {organisation}: ask the provider to name it there")
        }
        Denial::Booking { organisation } => format!("the provider's policy does not let organisation {organisation} book"),
        Denial::Cancelling { organisation } => {
            format!("the provider's policy does not let organisation {organisation} cancel; the provider itself can")
        }
        Denial::CancellingOthers { organisation } => {
            format!(
                "another organisation booked this appointment; the provider's policy lets organisation {organisation} read it, not cancel it"
            )
        }
    }
}

fn parameter(fault: &ParameterFault) -> ErrorResponse {
    let (status, code, told) = match fault {
        ParameterFault::Unknown { name, accepted } => {
            (400, IssueCode::NotSupported, format!("the parameter `{name}` is not known here; known: {}", accepted.join(", ")))
        }
        ParameterFault::Value { name, value, expected } => {
            (400, IssueCode::Value, format!("the parameter `{name}` has the value `{value}`; it must be {expected}"))
        }
        ParameterFault::Missing { expected } => (400, IssueCode::Required, format!("a parameter is missing: {expected}")),
        ParameterFault::WindowPast { name } => (400, IssueCode::Value, format!("the window of `{name}` ends in the past")),
        ParameterFault::WindowReversed { name } => (422, IssueCode::Value, format!("the window of `{name}` ends before it begins")),
        ParameterFault::WindowTooLong { name, limit_days } => (
            422,
            IssueCode::TooCostly,
            format!(
                "the window of `{name}` is longer than {limit_days} days; narrow it with `{name}=ge<instant>` and `{name}=le<instant>`"
            ),
        ),
        ParameterFault::TooManyMatches { limit } => {
            (422, IssueCode::TooCostly, format!("more than {limit} match; narrow the window, or ask for pages with `_count`"))
        }
    };
    one(status, code, SpineCode::InvalidParameter, told)
}

/// All problems together. What the standard treats as malformed makes it a 400, whatever else is wrong.
fn invalid(problems: &[Problem]) -> ErrorResponse {
    let malformed = problems.iter().any(|p| p.kind == ProblemKind::Structure);
    let issues = problems.iter().map(|problem| {
        let (code, spine) = match problem.kind {
            ProblemKind::Structure => (IssueCode::Structure, SpineCode::BadRequest),
            ProblemKind::Required => (IssueCode::Required, SpineCode::InvalidResource),
            ProblemKind::Value => (IssueCode::Value, SpineCode::InvalidResource),
            ProblemKind::Invariant => (IssueCode::Invariant, SpineCode::InvalidResource),
            ProblemKind::NhsNumber => (IssueCode::Value, SpineCode::InvalidNhsNumber),
            ProblemKind::Reference => (IssueCode::NotFound, SpineCode::ReferenceNotFound),
            ProblemKind::NhsNumberRequired => (IssueCode::BusinessRule, SpineCode::InvalidNhsNumber),
        };
        issue(code, spine.coding(), problem.message.clone(), vec![problem.expression.clone()])
    });
    ErrorResponse { status: if malformed { 400 } else { 422 }, issues: issues.collect(), headers: Vec::new() }
}

fn refused(refusal: &Refusal) -> ErrorResponse {
    let unprocessable = |issues| ErrorResponse { status: 422, issues, headers: Vec::new() };
    match refusal {
        // Word for word what suppliers are assured against: one issue, and nothing of the Spine's
        // (docs/specification/uec.md#b9-operationoutcome).
        Refusal::SlotTaken => {
            unprocessable(vec![issue(IssueCode::Processing, PROCESSING_FAILURE, "Slot no longer available".to_owned(), Vec::new())])
        }
        Refusal::SlotBegun { start } => {
            let told = format!("the slot began at {} and can no longer be booked", start.to_fhir());
            one(422, IssueCode::BusinessRule, SpineCode::InvalidRequestState, told)
        }
        Refusal::SlotUnknown { expression } => {
            let told = "there is no such slot here: search for free slots and book one of them".to_owned();
            unprocessable(vec![issue(IssueCode::NotFound, SpineCode::ReferenceNotFound.coding(), told, vec![expression.clone()])])
        }
        Refusal::SlotContradicted(contradictions) => {
            let issues = contradictions.iter().map(|c| {
                issue(
                    IssueCode::Value,
                    SpineCode::ConflictingValues.coding(),
                    format!("this is not so: {}", c.stored),
                    vec![c.expression.clone()],
                )
            });
            unprocessable(issues.collect())
        }
        Refusal::CeilingReached { organisation, service, day, per_day } => {
            let with = service.as_ref().map(|id| format!(" with service {id}")).unwrap_or_default();
            let appointments = if *per_day == 1 { "appointment" } else { "appointments" };
            let told = format!(
                "the provider's policy lets organisation {organisation} have at most {per_day} {appointments}{with} on {day}, and it \
                 has no fewer already: book another day, or cancel one of them"
            );
            one(422, IssueCode::BusinessRule, SpineCode::InvalidRequestState, told)
        }
        Refusal::AppointmentPast { start } => {
            let told = format!("the appointment began at {} and can no longer be cancelled", start.to_fhir());
            one(422, IssueCode::BusinessRule, SpineCode::InvalidRequestState, told)
        }
        Refusal::AlreadyCancelled => {
            one(422, IssueCode::BusinessRule, SpineCode::InvalidRequestState, "the appointment has already been cancelled".to_owned())
        }
        Refusal::NotACancel { status } => {
            let told = format!("an update may only set status to `cancelled`, not to `{status}`");
            let coding = SpineCode::InvalidRequestState.coding();
            unprocessable(vec![issue(IssueCode::BusinessRule, coding, told, vec!["Appointment.status".to_owned()])])
        }
        Refusal::MoreThanStatus { expressions } => {
            let issues = expressions.iter().map(|expression| {
                let told = "this differs from the stored appointment; only the status may change".to_owned();
                issue(IssueCode::BusinessRule, SpineCode::ConflictingValues.coding(), told, vec![expression.clone()])
            });
            unprocessable(issues.collect())
        }
    }
}
