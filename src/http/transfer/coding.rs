//! Content codings: gzip and nothing else, in both directions (digest A.2, A.3).
//!
//! What a reader would get wrong: a body is limited twice, as it is sent and as it unfolds, and no more than one byte
//! over the second limit is ever unfolded, whatever its header promises.

use super::super::answers::Answer;
use super::joined;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use domain::fault::Fault;
use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::borrow::Cow;
use std::io::{Read, Write};
use std::sync::Arc;

/// Shorter answers fit into one packet as they are.
const WORTH_IT_BYTES: usize = 1_024;
/// Longest part of a header that is repeated in a message, in characters.
const SHOWN_CHARS_MAX: usize = 100;

/// How a body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// gzip, of one member or several.
    Gzip,
}

/// The coding of a request's body, by its `Content-Encoding`.
///
/// # Errors
/// [`Fault::ContentCoding`] for any other, and for one on top of another.
pub fn of_body(http: &HttpRequest) -> Result<Coding, Fault> {
    let given = joined(http, &CONTENT_ENCODING).unwrap_or_default();
    let codings: Vec<String> = given.split(',').map(|coding| coding.trim().to_ascii_lowercase()).collect();
    let applied: Vec<&str> = codings.iter().map(String::as_str).filter(|coding| !matches!(*coding, "" | "identity")).collect();
    // A header that is no text arrives here as an empty one, and must not pass for none.
    let unreadable = given.is_empty() && http.headers().get(CONTENT_ENCODING).is_some_and(|value| !value.is_empty());
    match applied.as_slice() {
        [] if !unreadable => Ok(Coding::Identity),
        ["gzip" | "x-gzip"] => Ok(Coding::Gzip),
        _ => Err(Fault::ContentCoding { given: given.chars().take(SHOWN_CHARS_MAX).collect() }),
    }
}

/// A body as it arrived, bounded, and how to unfold it.
#[derive(Debug, Clone)]
pub struct Body {
    sent: Vec<u8>,
    coding: Coding,
    inflated_bytes_max: usize,
}

impl Body {
    /// A body that was read whole.
    pub const fn new(sent: Vec<u8>, coding: Coding, inflated_bytes_max: usize) -> Self {
        Self { sent, coding, inflated_bytes_max }
    }

    /// What was meant.
    ///
    /// # Errors
    /// `TooLarge` when it unfolds to more than the limit, `Unreadable` when it is not whole, sound gzip.
    pub fn plain(&self) -> Result<Cow<'_, [u8]>, Fault> {
        match self.coding {
            Coding::Identity => Ok(Cow::Borrowed(&self.sent)),
            Coding::Gzip => inflated(&self.sent, self.inflated_bytes_max).map(Cow::Owned),
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

/// The answer, compressed where its receiver wants that and it is worth it. One that is kept is compressed once.
pub fn answered(http: &HttpRequest, mut response: HttpResponse) -> HttpResponse {
    let Some(accepted) = joined(http, &ACCEPT_ENCODING) else { return response };
    let wish = Wish::of(&accepted);
    if !wish.gzip || response.headers().contains_key(CONTENT_ENCODING) {
        return response;
    }
    let kept = response.extensions_mut().remove::<Arc<Answer>>();
    let (mut head, content) = response.into_parts();
    let content = match content.try_into_bytes() {
        Ok(content) => content,
        Err(content) => return head.set_body(content),
    };
    let wanted = !content.is_empty() && (wish.nothing_else || content.len() >= WORTH_IT_BYTES);
    let packed = || kept.map_or_else(|| deflated(&content).map(Bytes::from), |kept| kept.packed());
    match if wanted { packed() } else { None } {
        Some(packed) if wish.nothing_else || packed.len() < content.len() => {
            head.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            head.set_body(BoxBody::new(packed))
        }
        _ => head.set_body(BoxBody::new(content)),
    }
}

/// In gzip. Level 1 takes a third of the time of level 6 and leaves little more.
pub fn deflated(content: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(content.len() / 8), Compression::fast());
    encoder.write_all(content).ok()?;
    encoder.finish().ok()
}

/// What an `Accept-Encoding` asks for (RFC 9110, 12.5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wish {
    /// gzip is welcome, at least as much as no coding.
    gzip: bool,
    /// An answer that is not coded is refused.
    nothing_else: bool,
}

impl Wish {
    fn of(accepted: &str) -> Self {
        let (mut gzip, mut identity, mut other) = (None, None, None);
        for range in accepted.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            // Without a weight it is 1; with one nobody can read it is no wish at all.
            let Some(weight) = parts.next().map_or(Some(1_000), weight) else { continue };
            match name.as_str() {
                "gzip" | "x-gzip" => gzip = gzip.max(Some(weight)),
                "identity" => identity = Some(weight),
                "*" => other = Some(weight),
                _ => {}
            }
        }
        let gzip = gzip.or(other).unwrap_or(0);
        let nothing_else = identity.or(other.filter(|weight| *weight == 0)) == Some(0);
        Self { gzip: gzip > 0 && gzip >= identity.unwrap_or(0), nothing_else }
    }
}

/// `q=0.5` in thousandths.
fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, fraction) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match (whole, fraction) {
        ("0", fraction) => Some(fraction),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_used_where_it_is_welcome_and_where_nothing_else_is() {
        let (no, welcome, only) = ((false, false), (true, false), (true, true));
        let cases = [
            ("gzip", welcome),
            ("x-gzip", welcome),
            ("GZip;Q=0.1", welcome),
            ("deflate, gzip;q=1.0, *;q=0.5", welcome),
            ("*", welcome),
            ("br, *;q=0.3", welcome),
            ("gzip;q=0.5, identity;q=0.5", welcome),
            ("gzip, identity;q=0", only),
            ("gzip, *;q=0", only),
            ("", no),
            ("identity", no),
            ("br, deflate", no),
            ("gzip;q=0", no),
            ("gzip;q=0.000, *", no),
            ("gzip;q=0.4, identity;q=0.5", no),
            ("gzip;q=many", no),
            ("gzip;q=1.001", no),
            ("gzip;q=2", no),
            ("gzip;level=9", no),
            ("gzipped", no),
        ];
        for (accepted, (gzip, nothing_else)) in cases {
            assert_eq!(Wish::of(accepted), Wish { gzip, nothing_else }, "{accepted}");
        }
        assert!(!Wish::of("identity;q=0, gzip;q=0").gzip);
    }

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
