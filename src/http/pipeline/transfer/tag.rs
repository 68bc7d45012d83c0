//! The tag of a response that has no version: a search, a history, the statement.

use actix_web::http::header::HeaderValue;
use xxhash_rust::xxh3::xxh3_128;

/// The tag of this content.
///
/// XXH3 is fixed for good by its specification, so processes, releases and machines agree.
pub fn of(content: &[u8]) -> HeaderValue {
    // Digits in quotes always are a header's value.
    HeaderValue::try_from(format!("W/\"{:032x}\"", xxh3_128(content))).unwrap_or(HeaderValue::from_static("W/\"0\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_content_is_the_same_in_every_process_and_release() {
        assert_eq!(of(b""), "W/\"99aa06d3014798d86001c324468d497f\"");
        assert_ne!(of(b"{}"), of(b"{} "));
    }
}
