//! Goal: what only a connection shows: bodies in chunks, and answers to HEAD.
//! Method: the binary with its demo provider, and bytes written to a socket by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "a test may panic")]

use crate::SLOTKEEPER;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use testkit::process::Spawned;

const WAIT: Duration = Duration::from_secs(60);

/// Sends these bytes on a connection of their own; the whole answer.
fn answered(server: &Spawned, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream.set_read_timeout(Some(WAIT)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // A server that refuses may close before everything was sent.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A search as a form, its body in chunks of these sizes.
fn chunked(body: &str, sizes: usize) -> Vec<u8> {
    let mut request = b"POST /STU3/1/provider/Slot/_search HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
        Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
        .to_vec();
    for chunk in body.as_bytes().chunks(sizes) {
        write!(request, "{:x}\r\n", chunk.len()).unwrap();
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

/// Proves F4.
#[test]
fn a_body_in_chunks_is_a_body_and_keeps_the_same_limit() {
    let server = SLOTKEEPER.serve(&["--demo", "--body-bytes-max", "2000", "--query-bytes-max", "8192"]);
    let search = "service=2000099901&status=free&_count=1";
    let whole = answered(&server, &chunked(search, 1_000));
    assert!(whole.starts_with("HTTP/1.1 200 OK") && whole.contains(r#""type":"searchset""#), "{whole}");
    let in_bits = answered(&server, &chunked(search, 3));
    assert!(in_bits.starts_with("HTTP/1.1 200 OK"), "{in_bits}");
    // No length was declared, so the limit shows when it is passed.
    let long = answered(&server, &chunked(&format!("{search}&_lastUpdated={}", "9".repeat(2_000)), 500));
    assert!(long.starts_with("HTTP/1.1 413") && long.contains("2000 bytes"), "{long}");
}

#[test]
fn a_head_has_no_body_and_the_length_of_its_get() {
    let server = SLOTKEEPER.serve(&["--demo"]);
    let ask = |method: &str| {
        answered(&server, format!("{method} /STU3/1/booking/metadata HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())
    };
    let (get, head) = (ask("GET"), ask("HEAD"));
    let (of_get, body) = get.split_once("\r\n\r\n").unwrap();
    let (of_head, nothing) = head.split_once("\r\n\r\n").unwrap();
    let length = format!("content-length: {}\r\n", body.len());
    for told in [of_get, of_head] {
        assert!(format!("{told}\r\n").to_ascii_lowercase().contains(&length), "{told}");
    }
    assert_eq!(nothing, "");
}
