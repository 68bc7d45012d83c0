//! The last steps of every answer: not modified, compressed, and the headers all answers carry (digest A.3, A.4).
//!
//! It must not know what was asked, only how it was sent. What a reader would get wrong: the order. The tag is made of
//! the answer as it would be sent uncompressed, so that it is the same whatever codings a client takes; only what is
//! not answered 304 is compressed.

pub mod coding;
mod conditional;
pub mod cors;

pub use conditional::{BeyondItsVersion, tag_of};

use super::settings::Settings;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY, VARY};
use actix_web::{HttpRequest, HttpResponse};

/// The header in which every answer names itself, and consumers their requests.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// What an answer depends on beside its URL.
const VARIES_BY: &str = "Accept, Accept-Encoding";

/// An answer as it goes out. `answer_id` is its own name, in its headers, the log and the audit trail.
pub fn sent(http: &HttpRequest, settings: &Settings, response: HttpResponse, answer_id: &str) -> HttpResponse {
    let response = conditional::answered(http, response);
    let response = coding::answered(http, response);
    marked(http, settings, response, answer_id)
}

/// An answer with the headers that all answers carry, and nothing else changed.
pub fn marked(http: &HttpRequest, settings: &Settings, mut response: HttpResponse, answer_id: &str) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::try_from(answer_id) {
        headers.insert(REQUEST_ID, id);
    }
    // Byte for byte what the consumer sent, so that it can tell which answer is whose (digest A.4).
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

/// The text of all headers of one name, as if it were one (RFC 9110, 5.3); one that is not text counts as empty.
fn joined(http: &HttpRequest, name: &HeaderName) -> Option<String> {
    let values: Vec<&str> = http.headers().get_all(name).map(|value| value.to_str().unwrap_or_default()).collect();
    (!values.is_empty()).then(|| values.join(","))
}
