//! What an answer to a booking or a cancel means.
//!
//! Pure.
//! Pitfall: only one 422 is a lost race, the one of docs/specification/uec.md#b9-operationoutcome ("Slot taken") word
//! for word; any other 422 is a deviation, because a consumer could not tell it from a mistake of its own.

use load::client::{Reply, SendError};
use serde_json::Value;

/// Why there is no answer to go by. The request may have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// Nothing came back.
    Send(SendError),
    /// A proxy on the way answered for the server (502, 504).
    Gateway(u16),
    /// The server says so itself (docs/contract.md#statuses: 500 "outcome unknown").
    OutcomeUnknown,
}

/// A live appointment that was answered 201.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Won {
    pub id: String,
    pub etag: Option<String>,
    pub body: String,
}

/// What came back for a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 201 with an appointment.
    Won(Won),
    /// Exactly the slot-taken answer.
    Taken,
    /// 409 `duplicate`, and the appointment it names.
    Duplicate(Option<String>),
    /// 429 or 503: refused for load, nothing done.
    Busy(u16),
    /// No answer.
    Lost(NoAnswer),
    /// Anything else; always a deviation.
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// What was unexpected: issue code and diagnostics, or what a 201 lacked.
        what: String,
    },
}

impl Answer {
    /// The row of the table this answer is counted in.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Won(_) => "201 booked".to_owned(),
            Self::Taken => "422 slot taken".to_owned(),
            Self::Duplicate(_) => "409 duplicate".to_owned(),
            Self::Busy(status) => format!("{status} refused for load"),
            Self::Lost(NoAnswer::Send(SendError::Timeout)) => "no answer in time".to_owned(),
            Self::Lost(NoAnswer::Send(SendError::Dropped)) => "connection lost".to_owned(),
            Self::Lost(NoAnswer::Send(SendError::Unreachable)) => "not connected".to_owned(),
            Self::Lost(NoAnswer::Gateway(status)) => format!("{status} from a gateway"),
            Self::Lost(NoAnswer::OutcomeUnknown) => "500 outcome unknown".to_owned(),
            Self::Unexpected { status, what } => format!("{status} {}", what.split(':').next().unwrap_or_default()),
        }
    }

    /// True when only sending the same request again tells what became of it.
    pub(crate) const fn is_open(&self) -> bool {
        match self {
            Self::Lost(_) | Self::Busy(_) => true,
            Self::Unexpected { status, .. } => *status >= 500,
            Self::Won(_) | Self::Taken | Self::Duplicate(_) => false,
        }
    }

    /// True when the answer itself says that nothing was decided, so that it makes sense to ask again.
    pub(crate) const fn is_undecided(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Busy(_))
    }

    /// The appointment this answer is about.
    pub(crate) fn appointment(&self) -> Option<&str> {
        match self {
            Self::Won(won) => Some(&won.id),
            Self::Duplicate(named) => named.as_deref(),
            _ => None,
        }
    }
}

/// What `reply` to the booking `request_id` means.
pub(crate) fn of_booking(reply: Result<Reply, SendError>, request_id: &str) -> Answer {
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => return Answer::Lost(NoAnswer::Send(error)),
    };
    let body = serde_json::from_slice::<Value>(&reply.body).unwrap_or(Value::Null);
    match reply.status {
        201 => created(&reply, &body),
        409 if issue_code(&body) == "duplicate" => Answer::Duplicate(named_appointment(&reply, &body, request_id)),
        422 if is_slot_taken(&body) => Answer::Taken,
        429 | 503 => Answer::Busy(reply.status),
        502 | 504 => Answer::Lost(NoAnswer::Gateway(reply.status)),
        500 if diagnostics(&body).to_ascii_lowercase().contains("outcome unknown") => Answer::Lost(NoAnswer::OutcomeUnknown),
        status => Answer::Unexpected { status, what: describe(&body) },
    }
}

fn created(reply: &Reply, body: &Value) -> Answer {
    let id = body.get("id").and_then(Value::as_str).filter(|_| body.get("status").and_then(Value::as_str) == Some("booked"));
    match id {
        Some(id) => {
            Answer::Won(Won { id: id.to_owned(), etag: reply.etag.clone(), body: String::from_utf8_lossy(&reply.body).into_owned() })
        }
        None => Answer::Unexpected { status: 201, what: "without a booked Appointment that has an id".to_owned() },
    }
}

/// True for the answer of docs/specification/uec.md#b9-operationoutcome, "Slot taken": one issue, word for word.
pub(crate) fn is_slot_taken(body: &Value) -> bool {
    let issues = body.get("issue").and_then(Value::as_array).map_or(0, Vec::len);
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    issues == 1
        && text("/resourceType") == "OperationOutcome"
        && text("/issue/0/severity") == "error"
        && text("/issue/0/code") == "processing"
        && text("/issue/0/details/coding/0/system") == "http://hl7.org/fhir/issue-type"
        && text("/issue/0/details/coding/0/code") == "processing"
        && text("/issue/0/diagnostics") == "Slot no longer available"
}

/// Issue code and diagnostics in one line, cut to a length that fits a report.
pub(crate) fn describe(body: &Value) -> String {
    let code = issue_code(body);
    let code = if code.is_empty() { "without an OperationOutcome" } else { code };
    format!("{code}: {}", diagnostics(body).chars().take(160).collect::<String>())
}

/// The code of the first issue; empty when there is none.
pub(crate) fn issue_code(body: &Value) -> &str {
    body.pointer("/issue/0/code").and_then(Value::as_str).unwrap_or_default()
}

fn diagnostics(body: &Value) -> &str {
    body.pointer("/issue/0/diagnostics").and_then(Value::as_str).unwrap_or_default()
}

/// The appointment a 409 names: `Appointment/<id>` in its diagnostics or its `Location`, else a bare UUID in the diagnostics
/// that is not the request id (docs/specification/uec.md#i-disagreements, row 19 leaves the place open).
fn named_appointment(reply: &Reply, body: &Value, request_id: &str) -> Option<String> {
    let after_type = |text: &str| {
        let (_, rest) = text.split_once("Appointment/")?;
        let id: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        (!id.is_empty()).then_some(id)
    };
    let text = diagnostics(body);
    let is_uuid = |word: &&str| word.len() == 36 && word.bytes().filter(|b| *b == b'-').count() == 4 && *word != request_id;
    let bare = || text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).find(is_uuid).map(str::to_owned);
    after_type(text).or_else(|| reply.location.as_deref().and_then(after_type)).or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reply(status: u16, body: &Value) -> Result<Reply, SendError> {
        Ok(Reply { status, etag: None, location: None, body: body.to_string().into_bytes() })
    }

    fn taken() -> Value {
        json!({"resourceType": "OperationOutcome", "issue": [{
            "severity": "error",
            "code": "processing",
            "details": {"coding": [{"system": "http://hl7.org/fhir/issue-type", "code": "processing", "display": "Processing Failure"}]},
            "diagnostics": "Slot no longer available"
        }]})
    }

    #[test]
    fn only_the_prescribed_outcome_is_a_lost_race() {
        assert_eq!(of_booking(reply(422, &taken()), "r"), Answer::Taken);
        for (pointer, other) in [
            ("/issue/0/diagnostics", "Slot no longer available."),
            ("/issue/0/code", "conflict"),
            ("/issue/0/severity", "fatal"),
            ("/issue/0/details/coding/0/system", "http://hl7.org/fhir/operation-outcome"),
        ] {
            let mut body = taken();
            *body.pointer_mut(pointer).unwrap() = json!(other);
            assert!(matches!(of_booking(reply(422, &body), "r"), Answer::Unexpected { status: 422, .. }), "{pointer}");
        }
        let mut two = taken();
        let issue = two["issue"][0].clone();
        two["issue"].as_array_mut().unwrap().push(issue);
        assert!(matches!(of_booking(reply(422, &two), "r"), Answer::Unexpected { .. }));
        assert!(matches!(of_booking(reply(409, &taken()), "r"), Answer::Unexpected { status: 409, .. }));
    }

    #[test]
    fn a_duplicate_names_its_appointment_by_reference_or_bare_id() {
        let request = "6c92ab9c-0cf4-4997-bac2-a4a8bd151902";
        let appointment = "43359409-1e68-4f08-96ba-fcaa4dc9e11b";
        for text in [
            format!("X-Request-ID {request} has already booked Appointment/{appointment}."),
            format!("{request} was used already; see {appointment}"),
        ] {
            let body = json!({"issue": [{"code": "duplicate", "diagnostics": text}]});
            assert_eq!(of_booking(reply(409, &body), request), Answer::Duplicate(Some(appointment.to_owned())));
        }
        let nameless = json!({"issue": [{"code": "duplicate", "diagnostics": format!("{request} was used already")}]});
        assert_eq!(of_booking(reply(409, &nameless), request), Answer::Duplicate(None));
    }

    #[test]
    fn a_201_without_a_booking_is_unexpected_and_a_500_stays_open() {
        let won = of_booking(reply(201, &json!({"id": "a", "status": "booked"})), "r");
        assert_eq!(won.appointment(), Some("a"));
        assert!(matches!(of_booking(reply(201, &json!({"id": "a", "status": "cancelled"})), "r"), Answer::Unexpected { status: 201, .. }));
        assert!(of_booking(reply(500, &json!({})), "r").is_open());
        assert!(!of_booking(reply(400, &json!({})), "r").is_open());
        let unknown = json!({"issue": [{"code": "exception", "diagnostics": "Outcome unknown, send the same X-Request-ID again"}]});
        assert_eq!(of_booking(reply(500, &unknown), "r"), Answer::Lost(NoAnswer::OutcomeUnknown));
    }
}
