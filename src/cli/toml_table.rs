//! A TOML document read by hand, so that every mistake is reported at once and with its place.
//!
//! A derived reader would stop at the first unknown key. It knows keys and types, nothing of what a file is
//! for. Pitfall: a getter that finds nothing usable has already reported why, unless its
//! name says `optional`, in which case absence is no mistake.

use chrono::NaiveDate;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and where it stands, in bytes from the beginning of the file.
#[derive(Debug, Clone)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub at: usize,
}

/// Mistakes in one file, with their places in bytes.
#[derive(Debug, Default)]
pub struct Mistakes(pub Vec<(usize, String)>);

impl Mistakes {
    /// One more mistake.
    pub fn add(&mut self, at: usize, message: impl Into<String>) {
        self.0.push((at, message.into()));
    }
}

/// One table of the document.
#[derive(Clone, Copy)]
pub struct Table<'d> {
    entries: &'d DeTable<'d>,
    /// Where it begins, in bytes.
    pub at: usize,
}

impl<'d> Table<'d> {
    /// The table of a whole document.
    pub fn root(document: &'d Spanned<DeTable<'d>>) -> Self {
        Self { entries: document.get_ref(), at: 0 }
    }

    /// Reports every key that is not among `known`.
    pub fn refuse_unknown(&self, known: &[&str], mistakes: &mut Mistakes) {
        for key in self.entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let message = format!("unknown key `{}`; known here: {}", key.get_ref(), known.join(", "));
            mistakes.add(key.span().start, message);
        }
    }

    /// True when `key` is there, whatever it says: for what is only looked at then.
    pub fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    fn find(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.entries.iter().find(|(k, _)| k.get_ref().as_ref() == key).map(|(_, value)| value)
    }

    fn must(&self, key: &str, expected: &str, mistakes: &mut Mistakes) -> Option<&'d Spanned<DeValue<'d>>> {
        let found = self.find(key);
        if found.is_none() {
            mistakes.add(self.at, format!("`{key}` is missing; it must be {expected}"));
        }
        found
    }

    /// A text that must be there and not be empty.
    pub fn text(&self, key: &str, mistakes: &mut Mistakes) -> Option<Placed<&'d str>> {
        text_of(key, self.must(key, "a text in quotes", mistakes)?, mistakes)
    }

    /// A text that may be there, and is not empty then.
    pub fn optional_text(&self, key: &str, mistakes: &mut Mistakes) -> Option<Placed<&'d str>> {
        text_of(key, self.find(key)?, mistakes)
    }

    /// A list of texts that must be there.
    pub fn texts(&self, key: &str, mistakes: &mut Mistakes) -> Option<Placed<Vec<Placed<&'d str>>>> {
        let found = self.must(key, "a list of texts", mistakes)?;
        let DeValue::Array(items) = found.get_ref() else {
            return wrong_type(key, found, "a list of texts, [\"…\", \"…\"]", mistakes);
        };
        let value = items.iter().filter_map(|item| text_of(key, item, mistakes)).collect();
        Some(Placed { value, at: found.span().start })
    }

    /// A text or a list of texts that may be there; the one text counts as a list of one.
    pub fn optional_texts(&self, key: &str, mistakes: &mut Mistakes) -> Option<Placed<Vec<Placed<&'d str>>>> {
        let found = self.find(key)?;
        let value = match found.get_ref() {
            DeValue::Array(items) => items.iter().filter_map(|item| text_of(key, item, mistakes)).collect(),
            DeValue::String(_) => text_of(key, found, mistakes).into_iter().collect(),
            _ => return wrong_type(key, found, "a text in quotes or a list of them", mistakes),
        };
        Some(Placed { value, at: found.span().start })
    }

    /// A table of texts that may be there, as its keys and values.
    pub fn optional_pairs(&self, key: &str, mistakes: &mut Mistakes) -> Option<Vec<(&'d str, Placed<&'d str>)>> {
        let table = table_of(key, self.find(key)?, mistakes)?;
        let pairs = table.entries.iter().filter_map(|(name, value)| {
            let name = name.get_ref().as_ref();
            Some((name, text_of(name, value, mistakes)?))
        });
        Some(pairs.collect())
    }

    /// A whole number that must be there, in `range`.
    pub fn integer<T: TryFrom<i64>>(&self, key: &str, range: (i64, i64), mistakes: &mut Mistakes) -> Option<Placed<T>> {
        integer_of(key, self.must(key, "a whole number", mistakes)?, range, mistakes)
    }

    /// A whole number that may be there, in `range` then.
    pub fn optional_integer<T: TryFrom<i64>>(&self, key: &str, range: (i64, i64), mistakes: &mut Mistakes) -> Option<Placed<T>> {
        integer_of(key, self.find(key)?, range, mistakes)
    }

    /// `true` or `false`, which may be there.
    pub fn optional_boolean(&self, key: &str, mistakes: &mut Mistakes) -> Option<bool> {
        let found = self.find(key)?;
        match found.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => wrong_type(key, found, "true or false", mistakes),
        }
    }

    /// A day that may be there, as a TOML date or the same in quotes.
    pub fn optional_day(&self, key: &str, mistakes: &mut Mistakes) -> Option<NaiveDate> {
        let found = self.find(key)?;
        let day = match found.get_ref() {
            DeValue::Datetime(given) if given.time.is_none() => domain::time::parse_day(&given.to_string()),
            DeValue::String(text) => domain::time::parse_day(text),
            _ => None,
        };
        day.or_else(|| wrong_type(key, found, "a day such as 2026-06-01", mistakes))
    }

    /// A table that must be there.
    pub fn table(&self, key: &str, mistakes: &mut Mistakes) -> Option<Table<'d>> {
        table_of(key, self.must(key, "a table, { … }", mistakes)?, mistakes)
    }

    /// A list of tables, empty where it is absent.
    pub fn tables(&self, key: &str, mistakes: &mut Mistakes) -> Vec<Table<'d>> {
        let Some(found) = self.find(key) else { return Vec::new() };
        match found.get_ref() {
            DeValue::Array(items) => items.iter().filter_map(|item| table_of(key, item, mistakes)).collect(),
            _ => wrong_type(key, found, "a list of tables", mistakes).unwrap_or_default(),
        }
    }
}

fn text_of<'d>(key: &str, found: &'d Spanned<DeValue<'d>>, mistakes: &mut Mistakes) -> Option<Placed<&'d str>> {
    match found.get_ref() {
        DeValue::String(text) if text.trim().is_empty() => {
            mistakes.add(found.span().start, format!("`{key}` must not be empty"));
            None
        }
        DeValue::String(text) => Some(Placed { value: text.as_ref(), at: found.span().start }),
        _ => wrong_type(key, found, "a text in quotes", mistakes),
    }
}

fn integer_of<T: TryFrom<i64>>(
    key: &str,
    found: &Spanned<DeValue<'_>>,
    (least, most): (i64, i64),
    mistakes: &mut Mistakes,
) -> Option<Placed<T>> {
    let number = match found.get_ref() {
        DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix()).ok(),
        _ => None,
    };
    match number.filter(|n| (least..=most).contains(n)).and_then(|n| T::try_from(n).ok()) {
        Some(value) => Some(Placed { value, at: found.span().start }),
        None => wrong_type(key, found, &format!("a whole number from {least} to {most}"), mistakes),
    }
}

fn table_of<'d>(key: &str, found: &'d Spanned<DeValue<'d>>, mistakes: &mut Mistakes) -> Option<Table<'d>> {
    match found.get_ref() {
        DeValue::Table(entries) => Some(Table { entries, at: found.span().start }),
        _ => wrong_type(key, found, "a table, { … }", mistakes),
    }
}

fn wrong_type<T>(key: &str, found: &Spanned<DeValue<'_>>, expected: &str, mistakes: &mut Mistakes) -> Option<T> {
    mistakes.add(found.span().start, format!("`{key}` must be {expected}"));
    None
}

/// Line and column of a place in a text, counted from 1, columns in characters.
pub fn line_and_column(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{line}:{column}")
}
