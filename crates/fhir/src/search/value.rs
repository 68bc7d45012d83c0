//! Values: lists, tokens, references, dates, and faults that say what would have been right.
//!
//! Pitfall: FHIR escapes `,`, `|` and `$` within a value by a backslash (STU3 search, "Escaping Search
//! Parameters"), so a list is split before its items are unescaped; and a token `|code` asks for a code *without* a
//! system, which is not the same as `code`.

use super::value_fault;
use domain::fault::Fault;
use domain::search::{DatePrefix, Window};
use domain::time::{LONDON, Span};

const DATE_EXPECTED: &str = "one date, such as 2026-02-11 or 2026-02-11T09:30:00+00:00, after one of the prefixes ge, gt, le, lt, eq or \
                             none; repeat the parameter to give both ends of a window";

/// What is right where ids are expected.
pub(crate) const ID_EXPECTED: &str = "ids (1 to 64 characters of A-Z, a-z, 0-9, - and .), separated by commas";
/// What is right where an identifier is expected.
pub(crate) const IDENTIFIER_EXPECTED: &str = "an identifier as <system>|<value>";

/// A token: a code or identifier and the system it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// `None` when no system was given; empty when it was said that there is none.
    pub(crate) system: Option<String>,
    /// The code or value; never empty.
    pub(crate) code: String,
}

impl Token {
    /// True when this token asks for a code of that system. One without a code asks for any.
    pub(crate) fn fits(&self, system: Option<&str>, code: &str) -> bool {
        let system_fits = self.system.as_deref().is_none_or(|wanted| wanted == system.unwrap_or_default());
        system_fits && (self.code.is_empty() || self.code == code)
    }
}

/// The items of a list, still escaped; each of them non-empty.
pub(crate) fn items<'v>(name: &str, value: &'v str, expected: &'static str) -> Result<Vec<&'v str>, Fault> {
    let found = split_unescaped(value, ',');
    if found.iter().any(|item| item.trim().is_empty()) { Err(value_fault(name, value, expected)) } else { Ok(found) }
}

/// The list with every item, still escaped, as `change` would have it. Tokens, which have a `|`, stay as they are.
pub(crate) fn each_item<'v>(value: &'v str, change: impl Fn(&'v str) -> &'v str) -> String {
    let changed = |item: &'v str| if item.contains('|') { item } else { change(item.trim()) };
    split_unescaped(value, ',').into_iter().map(changed).collect::<Vec<_>>().join(",")
}

/// Each item of the list as `read` understands it; the first that it does not understand is the fault.
pub(crate) fn list<T>(name: &str, value: &str, expected: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Fault> {
    items(name, value, expected)?.into_iter().map(|item| read(item).ok_or_else(|| value_fault(name, item, expected))).collect()
}

/// The token in one item of a list. `None` when its code is empty.
pub(crate) fn token(item: &str) -> Option<Token> {
    let mut parts = split_unescaped(item, '|').into_iter();
    let (first, second) = (parts.next()?, parts.next());
    let token = match second {
        None => Token { system: None, code: unescaped(first) },
        Some(code) => Token { system: Some(unescaped(first)), code: unescaped(code) },
    };
    (!token.code.is_empty() && parts.next().is_none()).then_some(token)
}

/// The same, but for `<system>|`, which asks for any code of the system.
pub(crate) fn token_or_system(item: &str) -> Option<Token> {
    token(item).or_else(|| {
        let system = unescaped(item.strip_suffix('|').filter(|system| split_unescaped(system, '|').len() == 1)?);
        (!system.is_empty()).then_some(Token { system: Some(system), code: String::new() })
    })
}

/// The text of one item of a list.
pub(crate) fn plain(item: &str) -> String {
    unescaped(item)
}

/// What follows `<kind>/` in a reference, or the whole of `item` when it has no `/` at all.
pub(crate) fn bare_or<'v>(item: &'v str, kind: &str) -> Option<&'v str> {
    match item.split_once('/') {
        None => Some(item),
        Some((given, id)) => (given == kind).then_some(id),
    }
}

/// `window`, narrowed by one date parameter.
pub(crate) fn narrowed(window: Window, name: &str, value: &str) -> Result<Window, Fault> {
    let fault = || value_fault(name, value, DATE_EXPECTED);
    let value = value.trim_start();
    let (prefix, date) = match value.get(..2) {
        Some(letters) if letters.bytes().all(|b| b.is_ascii_alphabetic()) => {
            let prefix = match letters {
                "eq" => DatePrefix::Eq,
                "gt" => DatePrefix::Gt,
                "ge" => DatePrefix::Ge,
                "lt" => DatePrefix::Lt,
                "le" => DatePrefix::Le,
                _ => return Err(fault()),
            };
            (prefix, value.get(2..).unwrap_or_default())
        }
        _ => (DatePrefix::Eq, value),
    };
    let range = Span::of_date(date, LONDON).ok_or_else(fault)?;
    Ok(window.narrowed(prefix, range))
}

/// Keeps of `kept` what `wanted` has too: a parameter given twice means *and*.
pub(crate) fn both<T: PartialEq>(kept: &mut Option<Vec<T>>, wanted: Vec<T>) {
    if let Some(kept) = kept {
        kept.retain(|one| wanted.contains(one));
        return;
    }
    let mut once: Vec<T> = Vec::with_capacity(wanted.len());
    for one in wanted {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    *kept = Some(once);
}

/// True when a condition was given and nothing can match it.
pub(crate) fn ruled_out<T>(kept: Option<&Vec<T>>) -> bool {
    kept.is_some_and(Vec::is_empty)
}

fn split_unescaped(text: &str, separator: char) -> Vec<&str> {
    let mut escaped = false;
    text.split(|c: char| {
        let splits = c == separator && !escaped;
        escaped = c == '\\' && !escaped;
        splits
    })
    .collect()
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.trim().chars();
    while let Some(c) = rest.next() {
        // A backslash before anything else than the four special characters stands for itself.
        match (c, rest.as_str().chars().next()) {
            ('\\', Some(next @ (',' | '|' | '$' | '\\'))) => {
                plain.push(next);
                rest.next();
            }
            _ => plain.push(c),
        }
    }
    plain
}
