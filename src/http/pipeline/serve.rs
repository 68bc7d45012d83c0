//! The way of a request on a root: gate, cache, handler, response, and the record of the access.

use super::super::access::{self, AccessEntry};
use super::context::RequestContext;
use super::dialect::Dialect;
use super::freshness::index_is_fresh;
use super::gate::{self, Trace};
use super::headers::{list, text};
use super::reply::{Content, Reply};
use super::respond::{self, Outgoing};
use super::response_cache::{CacheKey, CachedResponse};
use super::service::Service;
use super::{error_response, negotiate, peer, transfer};
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use domain::fault::Fault;
use fhir::search;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

/// Longest path that the answer to it repeats, in characters.
const SHOWN_PATH_CHARS_MAX: usize = 200;

/// Answers one request on a root.
pub async fn serve(dialect: &'static Dialect, http: HttpRequest, payload: Payload, service: Data<Service>) -> HttpResponse {
    let began = Instant::now();
    let answer_id = service.engine.new_id();
    let mut trace = Trace::default();
    let outcome = AssertUnwindSafe(answer(dialect, &http, payload, &service, &answer_id, &mut trace)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|_| {
        log::error!("a handler panicked; request {answer_id}");
        Err(Fault::Internal)
    });
    let outgoing = outcome.unwrap_or_else(|fault| refusal(dialect, &http, &service, &fault, &trace));
    let Outgoing { response, validator, search, cached, refused } = outgoing;
    let kept = cached.as_ref().map(|cached| &cached.content);
    let response = transfer::sent(&http, &service.settings, response, validator, kept, &answer_id);
    let record = AccessEntry {
        root: dialect.root.pattern(),
        method: http.method().as_str(),
        operation: trace.known.as_ref().map(|(operation, _)| operation.audit),
        status: response.status().as_u16(),
        took: began.elapsed(),
        answer_id: &answer_id,
        refused: &refused,
        search: search.as_ref().or_else(|| cached.as_ref().map(|cached| &cached.search)),
        is_known_outage: response.status() == StatusCode::SERVICE_UNAVAILABLE && service.engine.is_out_of_reach(),
        origin: trace.known.as_ref().map(|(_, origin)| origin.as_ref()),
    };
    access::record(&record, service.access.as_ref(), || service.engine.now());
    response
}

/// Anything outside the roots, answered as `dialect` would.
pub async fn nothing_here(dialect: &'static Dialect, http: HttpRequest, service: Data<Service>) -> HttpResponse {
    let nothing = Fault::NoSuchRoute { path: http.path().chars().take(SHOWN_PATH_CHARS_MAX).collect() };
    let fault = peer::is_trusted(&http, &service.settings).err().unwrap_or(nothing);
    let refused =
        error_response::to(dialect.refuse, &fault, &service.engine.new_id(), negotiate::Format::Json, (dialect.rules.definitions)());
    transfer::sent_plainly(&http, &service.settings, refused.response, &service.engine.new_id())
}

fn refusal(dialect: &Dialect, http: &HttpRequest, service: &Service, fault: &Fault, trace: &Trace) -> Outgoing {
    let of_query = || {
        let rules = dialect.rules.search_rules(Default::default(), &service.settings.limits, service.settings.compat);
        let parameters = search::pairs(http.query_string(), &rules).unwrap_or_default();
        negotiate::of_refusal(search::format_of(&parameters), list(http, "Accept").as_deref(), text(http, "Content-Type"))
    };
    error_response::to(
        dialect.refuse,
        fault,
        &service.engine.new_id(),
        trace.format.unwrap_or_else(of_query),
        (dialect.rules.definitions)(),
    )
}

async fn answer(
    dialect: &'static Dialect,
    http: &HttpRequest,
    payload: Payload,
    service: &Data<Service>,
    answer_id: &str,
    trace: &mut Trace,
) -> Result<Outgoing, Fault> {
    let authenticated = gate::authenticate(dialect, http, service, answer_id, trace).await?;
    let (key, fresh) = match authenticated.cache_key(http) {
        Some(key) => match kept(service, &key).await {
            Kept::Right(cached) => return Ok(Outgoing::again(cached)),
            Kept::Outdated { index_is_fresh } => (Some(key), Some(index_is_fresh)),
            Kept::Nothing => (Some(key), None),
        },
        None => (None, None),
    };
    let handler = authenticated.operation.handler;
    let mut context = authenticated.admit(http, payload, service, trace).await?;
    context.index_is_fresh = fresh;
    let reply = handler(&context).await?;
    respond_to(&context, key, reply)
}

/// What the cache has for a question.
enum Kept {
    /// A response that still is what would be found.
    Right(Arc<CachedResponse>),
    /// One that is not, or may not be.
    Outdated {
        /// Whether the index is as new as the database.
        index_is_fresh: bool,
    },
    /// None.
    Nothing,
}

/// The response that was given to the same question before. Whether it still is right is only known after the engine has
/// looked at the database since the request came, as for any other search.
async fn kept(service: &Service, key: &CacheKey) -> Kept {
    let Some(earlier) = service.response_cache.get(key) else { return Kept::Nothing };
    let index_is_fresh = index_is_fresh(&service.engine).await;
    if index_is_fresh && earlier.covers(service.engine.now()) && service.engine.is_current(&earlier.validity.version) {
        return Kept::Right(earlier);
    }
    Kept::Outdated { index_is_fresh }
}

/// The response to a request that was carried out; kept, where it may be.
fn respond_to(context: &RequestContext, key: Option<CacheKey>, reply: Reply) -> Result<Outgoing, Fault> {
    match (key, reply) {
        (Some(key), Reply { validity: Some(validity), search: Some(search), content: Content::Written(text), .. }) => {
            let response = Arc::new(CachedResponse::new(Bytes::from(text), context.answer_format, search, validity));
            context.service.response_cache.insert(key, Arc::clone(&response));
            Ok(Outgoing::again(response))
        }
        (_, reply) => respond::to(reply, context.answer_format, context.definitions()),
    }
}
