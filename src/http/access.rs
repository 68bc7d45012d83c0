//! The trail of every access: one record for each request on a FHIR root, whether it was served or refused
//! (docs/specification/uec.md#e-non-functional, "Audit"; F15, F51, F53), beside the audit trail of writes, which lies
//! in the database.
//!
//! Pitfall: neither path, query, token nor body is in a record or in the log, because each may name a patient; a search is
//! told by the services it named.

use domain::appointment::Origin;
use domain::time::Timestamp;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// Takes one record, a line of JSON without its end. Must not wait.
pub type AccessSink = Arc<dyn Fn(String) + Send + Sync>;

/// What a search of slots came to, for reports of what was offered.
#[derive(Debug, Clone)]
pub struct SearchSummary {
    /// The services it named.
    pub services: Vec<String>,
    /// How many slots match.
    pub matches: u64,
}

/// A request that was answered.
pub struct AccessEntry<'a> {
    /// The pattern of its root.
    pub root: &'static str,
    /// Its method, as sent.
    pub method: &'a str,
    /// What it asked for, once its token was proven.
    pub operation: Option<&'static str>,
    /// The status of the answer.
    pub status: u16,
    /// How long it took.
    pub took: Duration,
    /// The name of the answer.
    pub answer_id: &'a str,
    /// The codes of a refusal.
    pub refused: &'a [String],
    /// What a search of slots came to.
    pub search: Option<&'a SearchSummary>,
    /// Whether it is a 503 because the database is out of reach.
    pub is_known_outage: bool,
    /// On whose behalf, with the headers that are recorded, once the token was proven.
    pub origin: Option<&'a Origin>,
}

#[derive(Serialize)]
struct AccessRecord<'a> {
    at: String,
    root: &'static str,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interaction: Option<&'static str>,
    status: u16,
    micros: u128,
    answer_id: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    refused: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    services: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<u64>,
    #[serde(flatten)]
    origin: Option<RecordedOrigin<'a>>,
}

#[derive(Serialize)]
struct RecordedOrigin<'a> {
    consumer: Option<&'a str>,
    issuer: Option<&'a str>,
    user: Option<&'a str>,
    role: Option<&'a str>,
    device: Option<&'a str>,
    request_id: Option<&'a str>,
    trace_id: Option<&'a str>,
    from_asid: Option<&'a str>,
    to_asid: Option<&'a str>,
    interaction_id: Option<&'a str>,
}

impl<'a> RecordedOrigin<'a> {
    fn of(origin: &'a Origin) -> Self {
        Self {
            consumer: origin.consumer.as_ref().map(domain::ids::OdsCode::as_str),
            issuer: origin.issuer.as_deref(),
            user: origin.user.as_deref(),
            role: origin.role.as_deref(),
            device: origin.device.as_deref(),
            request_id: origin.request_id.as_deref(),
            trace_id: origin.trace_id.as_deref(),
            from_asid: origin.from_asid.as_deref(),
            to_asid: origin.to_asid.as_deref(),
            interaction_id: origin.interaction_id.as_deref(),
        }
    }
}

/// The method, if it is one that HTTP itself knows: any other word is the consumer's own.
fn known(method: &str) -> &str {
    let is_known = matches!(method, "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "TRACE" | "CONNECT");
    if is_known { method } else { "other" }
}

/// Records a request that was answered, in the log and, where there is one, in `sink`. Requests at fault are logged with the
/// consumer whose fault it is (F51).
pub fn record(access: &AccessEntry<'_>, sink: Option<&AccessSink>, now: impl FnOnce() -> Timestamp) {
    let AccessEntry { root, status, answer_id, .. } = *access;
    let (method, micros) = (known(access.method), access.took.as_micros());
    let consumer = access.origin.and_then(|origin| origin.consumer.as_ref()).map_or("unknown", |ods| ods.as_str());
    let level = match status {
        // Losing a slot is nobody's fault.
        200..=399 | 422 => log::Level::Debug,
        400..=499 => log::Level::Info,
        // That the database is out of reach is said once, not for everybody who hears of it.
        _ if access.is_known_outage => log::Level::Debug,
        _ => log::Level::Warn,
    };
    log::log!(level, "{method} {root} {status} in {micros} us; consumer {consumer}; request {answer_id}");
    let Some(sink) = sink else { return };
    let record = AccessRecord {
        at: now().to_fhir(),
        root,
        method,
        interaction: access.operation,
        status,
        micros,
        answer_id,
        refused: access.refused,
        services: access.search.map_or(&[], |search| &search.services),
        matches: access.search.map(|search| search.matches),
        origin: access.origin.map(RecordedOrigin::of),
    };
    match serde_json::to_string(&record) {
        Ok(line) => sink(line),
        Err(e) => log::error!("an access record cannot be written: {e}"),
    }
}
