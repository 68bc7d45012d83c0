//! `ETag` and `If-None-Match`: whoever holds the answer already is told so and nothing more (RFC 9110, 13.1.2).
//!
//! What a reader would get wrong: a resource's tag is its version, so JSON, XML, `_summary` and `_elements` of one
//! version share it. That is what a weak tag is for, and 304 says: what you have from *this* URL in *this* format is
//! still that version; a cache keeps the two apart by URL and `Vary`. `If-Modified-Since` is not looked at: its seconds
//! are too coarse to tell a booking from the cancel that follows it.

use super::joined;
use actix_web::body::{self, BoxBody, MessageBody};
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use xxhash_rust::xxh3::xxh3_128;

/// Most tags of one `If-None-Match` that are looked at.
const TAGS_MAX: usize = 64;

/// Marks an answer whose content depends on more than its version, so that its tag proves nothing: a slot nobody booked
/// stops being free when it begins, and a schedule shows another service when the policy hides the one it showed.
#[derive(Debug, Clone, Copy)]
pub struct BeyondItsVersion;

/// The answer, or 304 without a body where the client holds it.
pub fn answered(http: &HttpRequest, response: HttpResponse) -> HttpResponse {
    let reads = matches!(*http.method(), Method::GET | Method::HEAD);
    if !reads || response.status() != StatusCode::OK {
        return response;
    }
    let settled = response.extensions().get::<BeyondItsVersion>().is_none();
    let (mut head, content) = response.into_parts();
    let content = match content.try_into_bytes() {
        Ok(content) => content,
        Err(content) => return head.set_body(content),
    };
    if !head.headers().contains_key(ETAG) {
        head.headers_mut().insert(ETAG, tag_of(&content));
    }
    let tag = head.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
    let wanted = joined(http, &IF_NONE_MATCH);
    if settled && tag.is_some_and(|tag| wanted.is_some_and(|wanted| names(&wanted, tag))) {
        *head.status_mut() = StatusCode::NOT_MODIFIED;
        head.headers_mut().remove(CONTENT_TYPE);
        return head.set_body(BoxBody::new(body::None::new()));
    }
    head.set_body(BoxBody::new(content))
}

/// The tag of an answer that has no version: a search, a history, the statement.
///
/// XXH3 is fixed for good by its specification, so processes, releases and machines agree.
pub fn tag_of(content: &[u8]) -> HeaderValue {
    // Digits in quotes always are a header's value.
    HeaderValue::try_from(format!("W/\"{:032x}\"", xxh3_128(content))).unwrap_or(HeaderValue::from_static("W/\"0\""))
}

/// Whether a list of tags, or `*`, names this one. Weak comparison: `W/` counts for nothing (RFC 9110, 8.8.3.2).
fn names(list: &str, tag: &str) -> bool {
    if list.trim() == "*" {
        return true;
    }
    // No tag of ours has a comma in it, so that one which has is none of ours and may fall apart.
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let tag = opaque(tag);
    list.split(',').take(TAGS_MAX).any(|given| opaque(given.trim()) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly_and_only_whole() {
        let tag = "W/\"1\"";
        for held in ["W/\"1\"", "\"1\"", " W/\"7\" ,\tW/\"1\"", "*", " * ", "\"a,b\", \"1\""] {
            assert!(names(held, tag), "{held}");
        }
        for other in ["", "1", "W/1", "W/\"11\"", "\"W/1\"", "w/\"1\"", "W/\"2\", \"*\"", "\"1", "*, \"2\""] {
            assert!(!names(other, tag), "{other}");
        }
        let many = format!("{}\"1\"", "\"x\",".repeat(TAGS_MAX));
        assert!(!names(&many, tag));
    }

    #[test]
    fn the_tag_of_content_is_the_same_in_every_process_and_release() {
        assert_eq!(tag_of(b""), "W/\"99aa06d3014798d86001c324468d497f\"");
        assert_ne!(tag_of(b"{}"), tag_of(b"{} "));
    }
}
