//! The last steps of every answer: not modified, compressed, and the headers all answers carry
//! (docs/specification/uec.md#a3-formats, #a4-response-headers).
//!
//! It does not know what was asked, only how it was sent. Pitfall: the order. The tag is made of the answer as it would be
//! sent uncompressed, so that it is the same whatever codings a client takes; only what is not answered 304 is compressed.

pub mod coding;
mod conditional;
pub mod cors;
pub mod tag;

use super::super::settings::Settings;
use super::headers::REQUEST_ID;
use super::reply::Validator;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY, VARY};
use actix_web::{HttpRequest, HttpResponse};
use coding::Compressible;

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// What an answer depends on beside its URL.
const VARIES_BY: &str = "Accept, Accept-Encoding";

/// A response as it goes out. `kept` is its content, where that is kept; `answer_id` is its own name, in its headers, the log
/// and the audit trail.
pub fn sent(
    http: &HttpRequest,
    settings: &Settings,
    response: HttpResponse,
    validator: Validator,
    kept: Option<&Compressible>,
    answer_id: &str,
) -> HttpResponse {
    let response = conditional::applied(http, response, validator);
    let response = coding::applied(http, response, kept);
    marked(http, settings, response, answer_id)
}

/// The same for a response of which nothing else is known.
pub fn sent_plainly(http: &HttpRequest, settings: &Settings, response: HttpResponse, answer_id: &str) -> HttpResponse {
    sent(http, settings, response, Validator::Proves, None, answer_id)
}

/// An answer with the headers that all answers carry, and nothing else changed.
pub fn marked(http: &HttpRequest, settings: &Settings, mut response: HttpResponse, answer_id: &str) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::try_from(answer_id) {
        headers.insert(REQUEST_ID, id);
    }
    // Byte for byte what the consumer sent, so that it can tell which answer is whose
    // (docs/specification/uec.md#a4-response-headers).
    if let Some(sent) = http.headers().get(&REQUEST_ID) {
        headers.insert(CORRELATION_ID, sent.clone());
    }
    if let Some(policy) = settings.hsts() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(policy));
    }
    vary(headers);
    response
}

/// Says what the answer varies by, beside what is said already.
fn vary(headers: &mut HeaderMap) {
    let known = headers.get(VARY).and_then(|value| value.to_str().ok());
    let all = known.map_or_else(|| VARIES_BY.to_owned(), |known| format!("{known}, {VARIES_BY}"));
    if let Ok(all) = HeaderValue::try_from(all) {
        headers.insert(VARY, all);
    }
}
