//! The body of a request: read within its bounds, and unfolded where it is gzip (docs/specification/uec.md#a2-request-headers).
//!
//! Pitfall: a body is limited twice, as it is sent and as it unfolds, and no more than one byte over the second limit is
//! ever unfolded, whatever its header promises.

use super::super::settings::HttpLimits;
use super::headers::list;
use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::rt::time::timeout;
use actix_web::web::Payload;
use domain::fault::Fault;
use flate2::bufread::MultiGzDecoder;
use futures_util::StreamExt;
use std::borrow::Cow;
use std::io::Read;
use std::time::Duration;

/// Longest part of a header that is repeated in a message, in characters.
const SHOWN_CHARS_MAX: usize = 100;

/// How a body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyCoding {
    /// Not at all.
    Identity,
    /// gzip, of one member or several.
    Gzip,
}

/// The coding of a request's body, by its `Content-Encoding`.
///
/// # Errors
/// [`Fault::ContentCoding`] for any other, and for one on top of another.
pub fn coding(http: &HttpRequest) -> Result<BodyCoding, Fault> {
    let given = list(http, CONTENT_ENCODING).unwrap_or_default();
    let codings: Vec<String> = given.split(',').map(|coding| coding.trim().to_ascii_lowercase()).collect();
    let applied: Vec<&str> = codings.iter().map(String::as_str).filter(|coding| !matches!(*coding, "" | "identity")).collect();
    // A header that is no text arrives here as an empty one, and must not pass for none.
    let unreadable = given.is_empty() && http.headers().get(CONTENT_ENCODING).is_some_and(|value| !value.is_empty());
    match applied.as_slice() {
        [] if !unreadable => Ok(BodyCoding::Identity),
        ["gzip" | "x-gzip"] => Ok(BodyCoding::Gzip),
        _ => Err(Fault::ContentCoding { given: given.chars().take(SHOWN_CHARS_MAX).collect() }),
    }
}

/// A body as it arrived, bounded, and how to unfold it.
#[derive(Debug, Clone)]
pub struct Body {
    sent: Vec<u8>,
    coding: BodyCoding,
    inflated_bytes_max: usize,
}

impl Body {
    /// A body that was read whole.
    pub const fn new(sent: Vec<u8>, coding: BodyCoding, inflated_bytes_max: usize) -> Self {
        Self { sent, coding, inflated_bytes_max }
    }

    /// What was meant.
    ///
    /// # Errors
    /// `TooLarge` when it unfolds to more than the limit, `Unreadable` when it is not whole, sound gzip.
    pub fn plain(&self) -> Result<Cow<'_, [u8]>, Fault> {
        match self.coding {
            BodyCoding::Identity => Ok(Cow::Borrowed(&self.sent)),
            BodyCoding::Gzip => inflated(&self.sent, self.inflated_bytes_max).map(Cow::Owned),
        }
    }
}

fn inflated(sent: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    let one_too_many = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut plain = Vec::new();
    let read = MultiGzDecoder::new(sent).take(one_too_many).read_to_end(&mut plain);
    if plain.len() > limit {
        return Err(Fault::TooLarge { what: "inflated body", limit, unit: "bytes" });
    }
    match read {
        Ok(_) => Ok(plain),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(Fault::Unreadable { problem: "the body says that it is gzip, and ends in the middle of it".to_owned() })
        }
        Err(e) => Err(Fault::Unreadable { problem: format!("the body says that it is gzip, and is not, or not throughout: {e}") }),
    }
}

/// Reads a body whole.
///
/// # Errors
/// `TooLarge`; `Unreadable` when it does not arrive whole, or not in time.
pub async fn read(payload: &mut Payload, coding: BodyCoding, limits: &HttpLimits) -> Result<Body, Fault> {
    let (limit, wait_ms) = (limits.body_bytes_max, limits.body_wait_ms);
    let read = async {
        let mut body = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|e| Fault::Unreadable { problem: format!("the body did not arrive whole: {e}") })?;
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(Fault::TooLarge { what: "body", limit, unit: "bytes" });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Body::new(body, coding, limits.inflated_bytes_max))
    };
    match timeout(Duration::from_millis(wait_ms), read).await {
        Ok(body) => body,
        Err(_) => Err(Fault::Unreadable { problem: format!("the body did not arrive within {wait_ms} milliseconds") }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::transfer::coding::deflated;
    use super::*;

    #[test]
    fn no_more_is_unfolded_than_the_limit_and_one() {
        let exact = deflated(&[b'x'; 1_000]).unwrap();
        assert_eq!(inflated(&exact, 1_000).unwrap().len(), 1_000);
        assert_eq!(inflated(&exact, 999), Err(Fault::TooLarge { what: "inflated body", limit: 999, unit: "bytes" }));
        assert_eq!(inflated(&exact.repeat(2), 2_000).unwrap().len(), 2_000, "two members are one body");
    }

    #[test]
    fn what_is_not_whole_and_sound_is_refused() {
        let good = deflated(b"{\"resourceType\": \"Appointment\"}").unwrap();
        for cut in 0..good.len() {
            assert!(matches!(inflated(good.get(..cut).unwrap(), 1_000), Err(Fault::Unreadable { .. })), "{cut}");
        }
        let with = |more: &[u8]| inflated(&[good.as_slice(), more].concat(), 1_000);
        for more in [&b"x"[..], b"\0", b"\x1f", b"\x1f\x8b", b"trailing"] {
            assert!(matches!(with(more), Err(Fault::Unreadable { .. })), "{more:?}");
        }
        // Bytes 4 to 9 are a time, a level and a system, which mean nothing here.
        for at in (0..4).chain(10..good.len()) {
            let mut broken = good.clone();
            broken[at] ^= 0x10;
            // A bit that pads the last byte of the data means nothing either.
            let read = inflated(&broken, 1_000);
            assert!(matches!(read, Err(Fault::Unreadable { .. })) || read == inflated(&good, 1_000), "{at}");
        }
        assert!(inflated(b"{}", 1_000).is_err());
    }
}
