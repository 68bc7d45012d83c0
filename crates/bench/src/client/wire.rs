//! As much of HTTP/1.1 as a load client needs: where an answer ends and what its status is.
//!
//! It knows our own server and the static reference, which both say the length of a body.
//! Pitfall: this is no client for strangers. A body in chunks is refused, not read.

/// What the head of an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// The status code.
    pub(crate) status: u16,
    /// Bytes of the head, with the empty line.
    pub(crate) head_bytes: usize,
    /// Bytes of the body.
    pub(crate) body_bytes: usize,
}

/// An answer that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// The head at the beginning of `bytes`; `None` while it is not complete.
pub(crate) fn head(bytes: &[u8]) -> Result<Option<Head>, Unreadable> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = bytes.get(..end).unwrap_or_default();
    let status = head.get(9..12).and_then(number).and_then(|status| u16::try_from(status).ok()).ok_or(Unreadable)?;
    if !head.starts_with(b"HTTP/1.1 ") || header(head, b"transfer-encoding").is_some() {
        return Err(Unreadable);
    }
    let length = header(head, b"content-length").map(|text| number(text.trim_ascii()).ok_or(Unreadable)).transpose()?;
    // An answer 304 or 204 has no body, whatever length it names.
    let body_bytes = if matches!(status, 204 | 304) { 0 } else { length.unwrap_or_default() };
    Ok(Some(Head { status, head_bytes: end + 4, body_bytes }))
}

/// The value of a header, by its name in lower case.
pub(crate) fn header<'b>(head: &'b [u8], name: &[u8]) -> Option<&'b [u8]> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (given, value) = line.split_at_checked(colon)?;
        given.eq_ignore_ascii_case(name).then(|| value.get(1..).unwrap_or_default().trim_ascii())
    })
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_complete() {
        let text = b"HTTP/1.1 201 Created\r\nContent-Length: 12\r\nETag: W/\"1\"\r\n\r\nabc";
        for end in 0..text.len() - 3 {
            assert_eq!(head(&text[..end]), Ok(None), "{end}");
        }
        let found = head(text).unwrap().unwrap();
        assert_eq!((found.status, found.head_bytes, found.body_bytes), (201, text.len() - 3, 12));
        assert_eq!(header(text, b"etag"), Some(&b"W/\"1\""[..]));
    }

    #[test]
    fn an_answer_without_a_body_ends_with_its_head() {
        let of = |text: &str| head(text.as_bytes());
        assert_eq!(of("HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n").unwrap().unwrap().body_bytes, 0);
        assert_eq!(of("HTTP/1.1 200 OK\r\n\r\n").unwrap().unwrap().body_bytes, 0);
        for wrong in ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "x\r\n\r\n"] {
            assert_eq!(of(wrong), Err(Unreadable), "{wrong}");
        }
        assert_eq!(of("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n"), Err(Unreadable));
    }
}
