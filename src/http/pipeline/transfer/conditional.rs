//! `ETag` and `If-None-Match`: whoever holds the answer already is told so and nothing more (RFC 9110, 13.1.2).
//!
//! Pitfall: a resource's tag is its version, so JSON, XML, `_summary` and `_elements` of one
//! version share it. That is what a weak tag is for, and 304 says: what you have from *this* URL in *this* format is
//! still that version; a cache keeps the two apart by URL and `Vary`. `If-Modified-Since` is not looked at: its seconds
//! are too coarse to tell a booking from the cancel that follows it.

use super::super::headers::list;
use super::super::reply::Validator;
use super::tag;
use actix_web::body::{self, BoxBody, MessageBody};
use actix_web::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};

/// Most tags of one `If-None-Match` that are looked at.
const TAGS_MAX: usize = 64;

/// The response, or 304 without a body where the client holds it.
pub fn applied(http: &HttpRequest, response: HttpResponse, validator: Validator) -> HttpResponse {
    let reads = matches!(*http.method(), Method::GET | Method::HEAD);
    if !reads || response.status() != StatusCode::OK {
        return response;
    }
    let (mut head, content) = response.into_parts();
    let content = match content.try_into_bytes() {
        Ok(content) => content,
        Err(content) => return head.set_body(content),
    };
    if !head.headers().contains_key(ETAG) {
        head.headers_mut().insert(ETAG, tag::of(&content));
    }
    let tag = head.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
    let wanted = list(http, IF_NONE_MATCH);
    if validator == Validator::Proves && tag.is_some_and(|tag| wanted.is_some_and(|wanted| names(&wanted, tag))) {
        *head.status_mut() = StatusCode::NOT_MODIFIED;
        head.headers_mut().remove(CONTENT_TYPE);
        return head.set_body(BoxBody::new(body::None::new()));
    }
    head.set_body(BoxBody::new(content))
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
}
