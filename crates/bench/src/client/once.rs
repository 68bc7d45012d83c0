//! One request at a time, for what is asked before and after a measurement.

use crate::client::wire;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
const READ_BYTES: usize = 64 * 1024;

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    head: Vec<u8>,
}

impl Reply {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        wire::header(&self.head, name.as_bytes()).map(|value| String::from_utf8_lossy(value).into_owned())
    }
}

/// Sends a finished request on a connection of its own.
pub(crate) fn ask(address: SocketAddr, request: &[u8]) -> io::Result<Reply> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    let mut part = vec![0; READ_BYTES];
    loop {
        let unreadable = |_| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP/1.1 with a length");
        if let Some(head) = wire::head(&bytes).map_err(unreadable)? {
            let end = head.head_bytes + head.body_bytes;
            if let Some(body) = bytes.get(head.head_bytes..end) {
                let head_text = bytes.get(..head.head_bytes).unwrap_or_default().to_vec();
                return Ok(Reply { status: head.status, body: body.to_vec(), head: head_text });
            }
        }
        match stream.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(part.get(..read).unwrap_or_default()),
        }
    }
}
