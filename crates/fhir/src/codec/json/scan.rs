//! The grammar of JSON (RFC 8259), strictly, keeping what other readers throw away: the digits of numbers, the
//! places of values and whether a member was given twice.
//!
//! It must not know FHIR. The text of a number or of an unknown member is borrowed from the body as it stands; only
//! strings with escapes are copied.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{DEPTH_MAX, Unreadable};

/// A value and where in the text it stands.
pub(super) struct Node<'t> {
    /// First byte.
    pub at: usize,
    /// First byte after it.
    pub end: usize,
    /// What it is.
    pub value: Json<'t>,
}

/// A JSON value.
pub(super) enum Json<'t> {
    Null,
    Bool(bool),
    /// The digits as they stand.
    Number(&'t str),
    Text(Cow<'t, str>),
    Array(Vec<Node<'t>>),
    Object(Vec<Member<'t>>),
}

/// One member of an object.
pub(super) struct Member<'t> {
    /// Where its name stands.
    pub at: usize,
    pub name: Cow<'t, str>,
    pub node: Node<'t>,
}

/// The one value of `text`.
pub(super) fn scan(text: &str) -> Result<Node<'_>, Unreadable> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0 };
    scanner.space();
    let node = scanner.value(0)?;
    scanner.space();
    if scanner.at < text.len() { Err(scanner.wrong("nothing may follow the resource")) } else { Ok(node) }
}

/// Whether `text` is a number as JSON spells them.
pub(crate) fn is_number(text: &str) -> bool {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0 };
    scanner.number().is_ok() && scanner.at == text.len()
}

struct Scanner<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Scanner<'t> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn wrong(&self, problem: &str) -> Unreadable {
        // Inside a character an offset has no column; its start has.
        let at = (0..=self.at.min(self.text.len())).rev().find(|i| self.text.is_char_boundary(*i)).unwrap_or_default();
        if at == self.text.len() {
            return Unreadable::at(self.text, at, "the body ends too early");
        }
        Unreadable::at(self.text, at, problem)
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn slice(&self, from: usize) -> &'t str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    fn value(&mut self, depth: usize) -> Result<Node<'t>, Unreadable> {
        let at = self.at;
        let value = match self.peek() {
            Some(b'{') => self.object(depth + 1)?,
            Some(b'[') => self.array(depth + 1)?,
            Some(b'"') => Json::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Number)?,
            Some(b't') => self.word("true", Json::Bool(true))?,
            Some(b'f') => self.word("false", Json::Bool(false))?,
            Some(b'n') => self.word("null", Json::Null)?,
            _ => return Err(self.wrong("a JSON value was expected")),
        };
        Ok(Node { at, end: self.at, value })
    }

    fn word(&mut self, word: &str, value: Json<'t>) -> Result<Json<'t>, Unreadable> {
        let there = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes()));
        if !there {
            return Err(self.wrong("a JSON value was expected: a string stands in quotation marks"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Json<'t>, Unreadable> {
        if depth > DEPTH_MAX {
            return Err(Unreadable::too_deep(self.text, self.at));
        }
        self.at += 1;
        let mut members: Vec<Member<'t>> = Vec::new();
        self.space();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            let at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.wrong("the name of a member was expected, in quotation marks"));
            }
            let name = self.string()?;
            self.space();
            if !self.take(b':') {
                return Err(self.wrong("`:` was expected after the name of a member"));
            }
            self.space();
            let node = self.value(depth)?;
            members.push(Member { at, name, node });
            self.space();
            if self.take(b'}') {
                self.no_doubles(&members)?;
                return Ok(Json::Object(members));
            }
            if !self.take(b',') {
                return Err(self.wrong("`,` or `}` was expected"));
            }
        }
    }

    /// A member given twice means something else to every reader, so it means nothing here.
    fn no_doubles(&self, members: &[Member<'t>]) -> Result<(), Unreadable> {
        let double = if members.len() <= 8 {
            // Few names are compared faster than they are hashed.
            members.iter().enumerate().find(|(i, m)| members.iter().take(*i).any(|other| other.name == m.name)).map(|(_, m)| m)
        } else {
            let mut seen = HashSet::with_capacity(members.len());
            members.iter().find(|m| !seen.insert(m.name.as_ref()))
        };
        double.map_or(Ok(()), |m| Err(Unreadable::at(self.text, m.at, "this member stands here twice in one object")))
    }

    fn array(&mut self, depth: usize) -> Result<Json<'t>, Unreadable> {
        if depth > DEPTH_MAX {
            return Err(Unreadable::too_deep(self.text, self.at));
        }
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            self.space();
            items.push(self.value(depth)?);
            self.space();
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            if !self.take(b',') {
                return Err(self.wrong("`,` or `]` was expected"));
            }
        }
    }

    fn digits(&mut self) -> bool {
        let from = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at > from
    }

    fn number(&mut self) -> Result<&'t str, Unreadable> {
        let from = self.at;
        self.take(b'-');
        // A number does not begin with a superfluous nought.
        let whole = self.take(b'0') || self.digits();
        let fraction = !self.take(b'.') || self.digits();
        let exponent = match self.peek() {
            Some(b'e' | b'E') => {
                self.at += 1;
                let _sign = self.take(b'+') || self.take(b'-');
                self.digits()
            }
            _ => true,
        };
        if whole && fraction && exponent { Ok(self.slice(from)) } else { Err(self.wrong("this is not a JSON number")) }
    }

    fn string(&mut self) -> Result<Cow<'t, str>, Unreadable> {
        self.at += 1;
        let from = self.at;
        self.plain()?;
        if self.peek() == Some(b'"') {
            let text = self.slice(from);
            self.at += 1;
            return Ok(Cow::Borrowed(text));
        }
        let mut text = self.slice(from).to_owned();
        loop {
            if self.take(b'"') {
                return Ok(Cow::Owned(text));
            }
            self.at += 1;
            text.push(self.escape()?);
            let from = self.at;
            self.plain()?;
            text.push_str(self.slice(from));
        }
    }

    /// Passes what stands for itself, up to a quotation mark or a backslash.
    fn plain(&mut self) -> Result<(), Unreadable> {
        loop {
            match self.peek() {
                Some(b'"' | b'\\') => return Ok(()),
                Some(0..=0x1f) => return Err(self.wrong("a control character in a string must be escaped")),
                Some(_) => self.at += 1,
                None => return Err(self.wrong("")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Unreadable> {
        let letter = self.peek();
        let plain = match letter {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b @ (b'"' | b'\\' | b'/')) => char::from(b),
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.wrong("no such escape: only \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four hexadecimal digits")),
        };
        self.at += 1;
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, Unreadable> {
        const LONE: &str = "half of a surrogate pair is not a character";
        let first = self.four()?;
        let code = match first {
            0xd800..=0xdbff => {
                if !(self.take(b'\\') && self.take(b'u')) {
                    return Err(self.wrong(LONE));
                }
                let second = self.four()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(self.wrong(LONE));
                }
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.wrong(LONE))
    }

    fn four(&mut self) -> Result<u32, Unreadable> {
        let digits = self.bytes.get(self.at..self.at + 4).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| u32::from_str_radix(d, 16).ok());
        let code = code.ok_or_else(|| self.wrong("\\u needs four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }
}
