//! What a race is judged to be: sentences with their offenders, and the bookings that stand.

use serde::Serialize;

/// A booking that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Winner {
    /// The appointment.
    #[serde(rename = "id")]
    pub appointment: String,
    /// The slot.
    pub slot: String,
    /// The `X-Request-ID` that booked it.
    pub request_id: String,
    /// Place of its server in the list of servers, from 0.
    pub server: usize,
}

/// One sentence of the verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// A short, stable name.
    pub name: &'static str,
    /// False when there is an offender.
    pub ok: bool,
    /// What was demanded, and of how many.
    pub sentence: String,
    /// Each deviation.
    pub offenders: Vec<String>,
}

impl Judgement {
    /// A judgement that is fine when nothing offends.
    pub(crate) fn of(name: &'static str, sentence: String, offenders: Vec<String>) -> Self {
        Self { name, ok: offenders.is_empty(), sentence, offenders }
    }
}
