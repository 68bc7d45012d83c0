//! The headers of a request: read as text or as lists, counted, demanded and noted.

use super::rules::DialectRules;
use actix_web::HttpRequest;
use actix_web::http::header::{
    AUTHORIZATION, AsHeaderName, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE,
    ORIGIN,
};
use domain::appointment::Origin;
use domain::fault::Fault;
use fhir::stu3::uec::compat::ApiVersion;
use std::borrow::Cow;

/// The header in which every answer names itself, and consumers their requests.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SSP_TRACE_ID: HeaderName = HeaderName::from_static("ssp-traceid");
const SSP_FROM: HeaderName = HeaderName::from_static("ssp-from");
const SSP_TO: HeaderName = HeaderName::from_static("ssp-to");
const SSP_INTERACTION_ID: HeaderName = HeaderName::from_static("ssp-interactionid");

/// Headers with a single meaning, and how they are written. All others are lists, or mean nothing here.
const SINGLE: [(HeaderName, &str); 12] = [
    (REQUEST_ID, "X-Request-ID"),
    (AUTHORIZATION, "Authorization"),
    (CONTENT_TYPE, "Content-Type"),
    (CONTENT_LENGTH, "Content-Length"),
    (SSP_TRACE_ID, "Ssp-TraceID"),
    (SSP_FROM, "Ssp-From"),
    (SSP_TO, "Ssp-To"),
    (SSP_INTERACTION_ID, "Ssp-InteractionID"),
    (HOST, "Host"),
    (ORIGIN, "Origin"),
    (IF_MODIFIED_SINCE, "If-Modified-Since"),
    (IF_UNMODIFIED_SINCE, "If-Unmodified-Since"),
];

/// Longest `X-Request-ID`, in characters.
const REQUEST_ID_CHARS_MAX: usize = 64;
/// Longest header that is recorded with a write, in characters.
const RECORDED_CHARS_MAX: usize = 255;

/// A header with a single meaning as text; one that is not text counts as empty, which no check accepts.
pub fn text(http: &HttpRequest, name: impl AsHeaderName) -> Option<&str> {
    http.headers().get(name).map(plain)
}

/// All headers of one name as one list (RFC 9110, 5.3); a line that is not text counts as empty.
pub fn list(http: &HttpRequest, name: impl AsHeaderName) -> Option<Cow<'_, str>> {
    let mut lines = http.headers().get_all(name).map(plain);
    let mut all = Cow::Borrowed(lines.next()?);
    for line in lines {
        let all = all.to_mut();
        all.push(',');
        all.push_str(line);
    }
    Some(all)
}

/// Control characters are refused before a request exists; what is left to look for goes by whole words of the processor.
fn plain(value: &HeaderValue) -> &str {
    std::str::from_utf8(value.as_bytes()).ok().filter(|text| text.is_ascii()).unwrap_or_default()
}

/// Proves that no header with a single meaning was sent twice, even with the same value.
///
/// # Errors
/// [`Fault::HeaderInvalid`], which names the header.
pub fn single(http: &HttpRequest) -> Result<(), Fault> {
    let headers = http.headers();
    // Nothing comes twice in nearly all requests.
    if headers.len() == headers.len_keys() {
        return Ok(());
    }
    match SINGLE.iter().find(|(name, _)| headers.get_all(name).nth(1).is_some()) {
        Some((_, name)) => Err(Fault::HeaderInvalid { name, expected: "sent once" }),
        None => Ok(()),
    }
}

/// Proves that the headers that `rules` demand are there: those of the Spine where `demanded`, which excepts the statement.
///
/// # Errors
/// [`Fault::HeaderMissing`].
pub fn required(rules: &DialectRules, origin: &Origin, demanded: bool) -> Result<(), Fault> {
    let is_there = |value: Option<&str>| value.is_some_and(|value| !value.trim().is_empty());
    match rules.headers.iter().find(|header| demanded && !is_there((header.of)(origin))) {
        Some(header) => Err(Fault::HeaderMissing { name: header.name }),
        None => Ok(()),
    }
}

/// Proves that the `X-Request-ID` of a request that sends a resource is one, and there where it must be.
///
/// # Errors
/// [`Fault::HeaderMissing`], [`Fault::HeaderInvalid`].
pub fn request_id(rules: &DialectRules, http: &HttpRequest, compat: ApiVersion) -> Result<(), Fault> {
    let name = "X-Request-ID";
    match http.headers().get(REQUEST_ID) {
        None if rules.demands_request_id(compat) => Err(Fault::HeaderMissing { name }),
        Some(value) if !is_request_id(value.as_bytes()) => Err(Fault::HeaderInvalid { name, expected: "1 to 64 printable characters" }),
        _ => Ok(()),
    }
}

/// 1 to 64 printable characters, no space at either end (HTTP would drop it).
fn is_request_id(bytes: &[u8]) -> bool {
    (1..=REQUEST_ID_CHARS_MAX).contains(&bytes.len()) && bytes.iter().all(|b| (b' '..=b'~').contains(b)) && bytes.trim_ascii() == bytes
}

/// Adds to what is recorded of whoever asks what the headers say.
pub fn note(origin: &mut Origin, http: &HttpRequest, answer_id: &str) {
    let recorded = |name: HeaderName| text(http, name).map(|value| clipped(value).to_owned());
    origin.request_id = recorded(REQUEST_ID).filter(|id| is_request_id(id.as_bytes()));
    origin.answer_id = Some(answer_id.to_owned());
    origin.trace_id = recorded(SSP_TRACE_ID);
    origin.from_asid = recorded(SSP_FROM);
    origin.to_asid = recorded(SSP_TO);
    origin.interaction_id = recorded(SSP_INTERACTION_ID);
}

/// As much of a header as is recorded.
fn clipped(value: &str) -> &str {
    // It is ASCII throughout, so that every byte is a character.
    value.get(..RECORDED_CHARS_MAX).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn with(headers: &[(&'static str, &'static str)]) -> HttpRequest {
        headers.iter().fold(TestRequest::get(), |request, header| request.append_header(*header)).to_http_request()
    }

    /// A connection refuses two lengths by itself, so that this is the one place where that shows.
    #[test]
    fn a_single_header_is_named_in_any_spelling() {
        for (_, name) in SINGLE {
            let fault = Fault::HeaderInvalid { name, expected: "sent once" };
            assert_eq!(single(&with(&[(name, "1")])), Ok(()), "{name}");
            assert_eq!(single(&with(&[(name, "1"), ("Accept", "*/*"), (name, "1")])), Err(fault), "{name}");
        }
        assert!(single(&with(&[("x-request-id", "a"), ("X-REQUEST-ID", "b")])).is_err());
        assert_eq!(single(&with(&[("Accept", "a"), ("Accept", "b"), ("Prefer", "c"), ("Prefer", "c")])), Ok(()));
    }

    #[test]
    fn lines_of_a_list_are_joined() {
        assert_eq!(list(&with(&[("Accept", "a, b"), ("Accept", "c")]), "Accept").as_deref(), Some("a, b,c"));
        assert!(matches!(list(&with(&[("Accept", "a")]), "Accept"), Some(Cow::Borrowed("a"))));
        assert_eq!(list(&with(&[]), "Accept"), None);
    }
}
