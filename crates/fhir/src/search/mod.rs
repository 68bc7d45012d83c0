//! The grammar of queries: pairs of names and values, declared parameters, values, windows, includes, cursors.
//!
//! A raw query is split and decoded once ([`pairs`]); each release then reads the pairs by its tables of names.
//! Nothing here knows which resources exist, who the caller is or what the answer will be.
//!
//! Pitfall: a parameter given twice means *and*, a comma within one value means *or* (STU3 search); and the same
//! [`SearchRules`] serve all roots, which differ in what they refuse, not in what they understand
//! (docs/contract.md#service-roots, #statuses).

mod cursor;
pub(crate) mod declaration;
pub(crate) mod include;
pub(crate) mod parameters;
pub(crate) mod value;
pub(crate) mod window;

pub use cursor::{cursor_text, parse_cursor};
pub use declaration::{Declared, DeclaredParameter, DefinitionsOf, ParameterKind};

use super::shape::Shape;
use domain::fault::{Fault, ParameterFault};

/// The most matches `_count` asks for at once (docs/contract.md#limits); larger numbers mean this one.
pub const COUNT_MAX: u32 = 2000;

/// Longest part of a name or value that an error repeats, in characters.
const QUOTED_CHARS_MAX: usize = 100;

/// What a service root demands of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SearchRules {
    /// What becomes of names and values that are not known.
    pub unknown: UnknownParameters,
    /// Whether a search must say what it is about.
    pub subject: SearchSubject,
    /// Which table of names is read.
    pub names: ParameterNames,
    /// The longest window of one slot search, in days.
    pub window_days_max: i64,
    /// The most parameters of one query.
    pub parameters_max: usize,
    /// What `end` does.
    pub end: EndParameter,
}

/// What becomes of parameters that are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnknownParameters {
    /// They are refused, with the names that are known.
    Refused,
    /// They change nothing, and the self link leaves them out.
    Ignored,
}

/// Whether a slot search must name a service, a schedule or a slot, and an appointment search a patient or an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SearchSubject {
    /// It must.
    Demanded,
    /// It may be about everything.
    Optional,
}

/// The table of names a query is read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParameterNames {
    /// Those of the booking standard, and nothing else.
    Booking,
    /// Those of STU3, as far as they are served.
    Provider,
}

/// What `end` does in a search of slots, where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndParameter {
    /// It restricts when a slot ends, as it did until 2.0.3.
    Restricts,
    /// It is accepted and changes nothing.
    MeansNothing,
}

impl SearchRules {
    pub(crate) const fn names_of_booking(&self) -> bool {
        matches!(self.names, ParameterNames::Booking)
    }

    pub(crate) const fn refuses_unknown(&self) -> bool {
        matches!(self.unknown, UnknownParameters::Refused)
    }

    pub(crate) const fn demands_subject(&self) -> bool {
        matches!(self.subject, SearchSubject::Demanded)
    }

    pub(crate) const fn end_restricts(&self) -> bool {
        matches!(self.end, EndParameter::Restricts)
    }
}

/// A search and what goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query<S> {
    /// The search itself.
    pub search: S,
    /// The parameters that had a meaning, decoded, as they were understood: the self link repeats them.
    pub applied: Vec<(String, String)>,
    /// Only the number of matches is wanted: `_summary=count` or `_count=0`.
    pub total_only: bool,
    /// `_pretty=true`.
    pub pretty: bool,
    /// How much of each resource is wanted.
    pub shape: Shape,
    /// What the sender should know of its question, for an entry of the answer: the includes that nobody knows, on the
    /// provider root.
    pub warnings: Vec<String>,
}

/// How the answer to a read of one resource is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// `_pretty=true`.
    pub pretty: bool,
    /// How much of the resource is wanted.
    pub shape: Shape,
}

/// The query of a read of `kind`.
///
/// # Errors
/// [`Fault::Parameter`], on the provider root only.
pub fn reading(pairs: &[(String, String)], rules: &SearchRules, kind: &'static str, definitions: DefinitionsOf) -> Result<Reading, Fault> {
    parameters::read_one(pairs, rules, kind, definitions).map(|(shape, pretty)| Reading { pretty, shape })
}

/// The names and values of a raw query string, decoded.
///
/// A `+` is a space. Nothing between two `&` is skipped. Fails with [`ParameterFault::Value`] on a bad escape,
/// on what is not UTF-8 and on control characters (the value is not repeated, it may be a patient's), and with
/// [`Fault::TooLarge`] on more than `parameters_max` parameters.
pub fn pairs(raw_query: &str, rules: &SearchRules) -> Result<Vec<(String, String)>, Fault> {
    let mut found = Vec::new();
    for piece in raw_query.split('&').filter(|piece| !piece.is_empty()) {
        if found.len() == rules.parameters_max {
            return Err(Fault::TooLarge { what: "parameters", limit: rules.parameters_max, unit: "parameters" });
        }
        let (raw_name, raw_value) = piece.split_once('=').unwrap_or((piece, ""));
        let name = decoded(raw_name).ok_or_else(|| undecodable("(a parameter's name)"))?;
        let value = decoded(raw_value).ok_or_else(|| undecodable(&name))?;
        found.push((name, value));
    }
    Ok(found)
}

/// The format asked for by `_format`, as sent; an unencoded `+` in it has become a space.
pub fn format_of(pairs: &[(String, String)]) -> Option<&str> {
    pairs.iter().find(|(name, value)| name == "_format" && !value.is_empty()).map(|(_, value)| value.as_str())
}

fn undecodable(name: &str) -> Fault {
    value_fault(name, "…", "percent-encoded UTF-8 without control characters, with two hexadecimal digits after every %")
}

fn decoded(raw: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    // Most of a query stands for itself and is copied piece by piece.
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'+' | b'%')) {
        let (plain, coded) = rest.split_at_checked(at)?;
        bytes.extend_from_slice(plain);
        rest = match coded {
            [b'+', rest @ ..] => {
                bytes.push(b' ');
                rest
            }
            [_, high, low, rest @ ..] => {
                bytes.push(hex_digit(*high)? * 16 + hex_digit(*low)?);
                rest
            }
            _ => return None,
        };
    }
    bytes.extend_from_slice(rest);
    let text = String::from_utf8(bytes).ok()?;
    let has_control = if text.is_ascii() { text.bytes().any(|b| b.is_ascii_control()) } else { text.chars().any(char::is_control) };
    (!has_control).then_some(text)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// At most [`QUOTED_CHARS_MAX`] characters of `text`, so that an error does not grow with its cause.
fn quoted(text: &str) -> String {
    text.chars().take(QUOTED_CHARS_MAX).collect()
}

pub(crate) fn value_fault(name: &str, value: &str, expected: &'static str) -> Fault {
    Fault::Parameter(ParameterFault::Value { name: quoted(name), value: quoted(value), expected })
}
