//! The framing of the PostgreSQL protocol, version 3, as far as a proxy needs it to find the commits.
//!
//! Knows messages and statements, not sockets or what is done to them. Pitfall: a
//! prepared `COMMIT` commits when its portal is executed, not when its text is parsed.

use std::collections::HashSet;
use std::io::{self, Read, Write};

/// Codes of the untagged messages a connection begins with (PostgreSQL documentation, 55.7 and 55.2.10).
pub const SSL_REQUEST: u32 = 80_877_103;
pub const GSS_REQUEST: u32 = 80_877_104;
pub const CANCEL_REQUEST: u32 = 80_877_102;
/// No message of a test is larger; a larger length means that the framing was lost.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A tagged message: one byte of kind, four bytes of length (which counts itself), the body.
pub struct Message {
    /// The kind.
    pub tag: u8,
    length: [u8; 4],
    /// What follows the length.
    pub body: Vec<u8>,
}

impl Message {
    /// Reads one to its end.
    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; 5];
        from.read_exact(&mut head)?;
        let [tag, length @ ..] = head;
        Ok(Self { tag, length, body: read_body(from, length)? })
    }

    /// Writes it as it came.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&[self.tag])?;
        to.write_all(&self.length)?;
        to.write_all(&self.body)
    }

    /// The body's zero-terminated texts, as far as it begins with such.
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.body.split(|byte| *byte == 0).map_while(|text| std::str::from_utf8(text).ok())
    }
}

/// The rest of a message whose length field was read.
pub fn read_body(from: &mut impl Read, length: [u8; 4]) -> io::Result<Vec<u8>> {
    let length = u32::from_be_bytes(length) as usize;
    if !(4..=MESSAGE_BYTES_MAX).contains(&length) {
        return Err(io::Error::other("not the framing of the PostgreSQL protocol"));
    }
    let mut body = vec![0; length - 4];
    from.read_exact(&mut body)?;
    Ok(body)
}

/// Which prepared statements and portals of a connection are commits.
pub struct Commands {
    commits_by: fn(&str) -> bool,
    statements: HashSet<String>,
    portals: HashSet<String>,
}

impl Commands {
    /// None yet.
    pub fn new(commits_by: fn(&str) -> bool) -> Self {
        Self { commits_by, statements: HashSet::new(), portals: HashSet::new() }
    }

    /// Takes note of the message and says whether it makes the server commit.
    pub fn commits(&mut self, message: &Message) -> bool {
        let mut texts = message.texts();
        let first = texts.next().unwrap_or_default();
        match message.tag {
            b'Q' => return (self.commits_by)(first),
            b'P' => note(&mut self.statements, first, texts.next().is_some_and(self.commits_by)),
            b'B' => note(&mut self.portals, first, texts.next().is_some_and(|statement| self.statements.contains(statement))),
            b'E' => return self.portals.contains(first),
            b'C' => match first.split_at_checked(1) {
                Some(("S", name)) => note(&mut self.statements, name, false),
                Some(("P", name)) => note(&mut self.portals, name, false),
                _ => {}
            },
            _ => {}
        }
        false
    }
}

fn note(names: &mut HashSet<String>, name: &str, commits: bool) {
    if commits {
        names.insert(name.to_owned());
    } else {
        names.remove(name);
    }
}

/// Whether one of the statements in `sql` is `COMMIT` or `END` (alone or with `WORK`, `TRANSACTION`, `AND …`).
pub fn is_commit(sql: &str) -> bool {
    statements(sql).iter().any(|statement| {
        let mut words = statement.split_whitespace().map(str::to_ascii_uppercase);
        let first = words.next().unwrap_or_default();
        matches!(first.as_str(), "COMMIT" | "END") && words.next().is_none_or(|second| second != "PREPARED")
    })
}

/// Splits at semicolons outside quotes.
fn statements(sql: &str) -> Vec<&str> {
    let mut quote: Option<char> = None;
    let split = sql.split(move |c| {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            _ => {}
        }
        c == ';' && quote.is_none()
    });
    split.collect()
}
