//! The trail of every access: one record for each request on a FHIR root, whether it was served or refused
//! (digest E, "Audit"; F15, F51, F53), beside the audit trail of writes, which lies in the database.
//!
//! It knows who asked for what and how it ended. What a reader would get wrong: neither path, query, token nor body is
//! in a record or in the log, because each may name a patient; a search is told by the services it named.

use super::Service;
use super::dialects::{Dialect, Interaction};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use domain::appointment::Origin;
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

/// Takes one record, a line of JSON without its end. Must not wait.
pub type AccessSink = Arc<dyn Fn(String) + Send + Sync>;

/// What is known of a request once its token is proven; kept with the request.
pub struct Known {
    /// What it asks for.
    pub interaction: Interaction,
    /// On whose behalf, with the headers that are recorded.
    pub origin: Arc<Origin>,
}

/// What a search of slots came to; kept with the answer, for reports of what was offered.
#[derive(Debug, Clone)]
pub struct Sought {
    /// The services it named.
    pub services: Vec<String>,
    /// How many slots match.
    pub matches: u64,
}

/// The codes of a refusal; kept with the answer.
pub struct Refused(pub Vec<String>);

#[derive(Serialize)]
struct Record<'a> {
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
    origin: Option<Who<'a>>,
}

#[derive(Serialize)]
struct Who<'a> {
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

impl<'a> Who<'a> {
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
fn method(http: &HttpRequest) -> &str {
    let given = http.method().as_str();
    if matches!(given, "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "TRACE" | "CONNECT") { given } else { "other" }
}

/// Records a request that was answered. Requests at fault are logged with the consumer whose fault it is (F51).
pub fn record(service: &Service, dialect: &Dialect, http: &HttpRequest, response: &HttpResponse, answer_id: &str, began: Instant) {
    let status = response.status().as_u16();
    let micros = began.elapsed().as_micros();
    let extensions = http.extensions();
    let known = extensions.get::<Known>();
    let consumer = known.and_then(|known| known.origin.consumer.as_ref()).map_or("unknown", |ods| ods.as_str());
    let level = match status {
        // Losing a slot is nobody's fault.
        200..=399 | 422 => log::Level::Debug,
        400..=499 => log::Level::Info,
        // That the database is out of reach is said once, not for everybody who hears of it.
        503 if service.engine.is_out_of_reach() => log::Level::Debug,
        _ => log::Level::Warn,
    };
    log::log!(level, "{} {} {status} in {micros} us; consumer {consumer}; request {answer_id}", method(http), dialect.root);
    let Some(sink) = &service.access else { return };
    let told = response.extensions();
    let (sought, refused) = (told.get::<Sought>(), told.get::<Refused>());
    let record = Record {
        at: service.engine.now().to_fhir(),
        root: dialect.root,
        method: method(http),
        interaction: known.map(|known| known.interaction.word()),
        status,
        micros,
        answer_id,
        refused: refused.map_or(&[], |refused| &refused.0),
        services: sought.map_or(&[], |sought| &sought.services),
        matches: sought.map(|sought| sought.matches),
        origin: known.map(|known| Who::of(&known.origin)),
    };
    match serde_json::to_string(&record) {
        Ok(line) => sink(line),
        Err(e) => log::error!("an access record cannot be written: {e}"),
    }
}
