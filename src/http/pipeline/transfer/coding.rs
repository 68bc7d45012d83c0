//! The content coding of responses: gzip and nothing else (docs/specification/uec.md#a3-formats).

use super::super::headers::list;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::sync::OnceLock;

/// Shorter answers fit into one packet as they are.
const WORTH_IT_BYTES: usize = 1_024;

/// Bytes of a response that is kept, and their compressed form, which is made once, when somebody wants it.
#[derive(Debug)]
pub struct Compressible {
    plain: Bytes,
    compressed: OnceLock<Option<Bytes>>,
}

impl Compressible {
    /// These bytes, not compressed yet.
    pub const fn new(plain: Bytes) -> Self {
        Self { plain, compressed: OnceLock::new() }
    }

    /// As they are.
    pub const fn plain(&self) -> &Bytes {
        &self.plain
    }

    /// In gzip.
    fn compressed(&self) -> Option<Bytes> {
        self.compressed.get_or_init(|| deflated(&self.plain).map(Bytes::from)).clone()
    }
}

/// The response, compressed where its receiver wants that and it is worth it. `kept` is its content, where it is kept.
pub fn applied(http: &HttpRequest, response: HttpResponse, kept: Option<&Compressible>) -> HttpResponse {
    let Some(accepted) = list(http, ACCEPT_ENCODING) else { return response };
    let wish = AcceptEncoding::of(&accepted);
    if !wish.gzip || response.headers().contains_key(CONTENT_ENCODING) {
        return response;
    }
    let (mut head, content) = response.into_parts();
    let content = match content.try_into_bytes() {
        Ok(content) => content,
        Err(content) => return head.set_body(content),
    };
    let wanted = !content.is_empty() && (wish.nothing_else || content.len() >= WORTH_IT_BYTES);
    let compressed = || kept.map_or_else(|| deflated(&content).map(Bytes::from), Compressible::compressed);
    match if wanted { compressed() } else { None } {
        Some(compressed) if wish.nothing_else || compressed.len() < content.len() => {
            head.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            head.set_body(BoxBody::new(compressed))
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
struct AcceptEncoding {
    /// gzip is welcome, at least as much as no coding.
    gzip: bool,
    /// An answer that is not coded is refused.
    nothing_else: bool,
}

impl AcceptEncoding {
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
            assert_eq!(AcceptEncoding::of(accepted), AcceptEncoding { gzip, nothing_else }, "{accepted}");
        }
        assert!(!AcceptEncoding::of("identity;q=0, gzip;q=0").gzip);
    }
}
