//! The parameters every search takes, and what happens to a name nobody knows.
//!
//! What a reader would get wrong: leniency has an end. A known name with a modifier that is not known here
//! (`status:not`) is refused on both roots, because an answer that ignores it says the opposite of what was
//! asked (STU3 search, "Modifiers"); only a name wholly unknown is ignored on the provider root.

use super::value::narrowed;
use super::{COUNT_MAX, Query, SearchRules, cursor, include, quoted, value_fault};
use crate::domain::fault::{Fault, ParameterFault};
use crate::domain::search::{Includes, Paging, Window};

/// The names that every search takes (`decisions.md` 5, row "unknown or misspelt parameter"), but for `_id`.
const ALWAYS: [&str; 9] = ["_include", "_revinclude", "_format", "_pretty", "_summary", "_count", "_cursor", "_lastUpdated", "end"];

/// What a parameter came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It has its effect, and the self link repeats it.
    Honoured,
    /// It is known and has no effect.
    Ignored,
    /// It is not known.
    Unknown,
}

/// What the common parameters ask.
#[derive(Debug, Clone, Default)]
pub(super) struct Common {
    /// `_include` and `_revinclude`.
    pub(super) includes: Includes,
    /// `_count` and `_cursor`.
    pub(super) paging: Paging,
    /// `_lastUpdated`.
    pub(super) updated: Window,
    honoured: Vec<(String, String)>,
    summary_count: bool,
    pretty: bool,
}

/// Reads all `pairs`: first by `own`, the table of one resource, then by the common table.
///
/// `names` are the resource's own names as an error lists them; `reverse` says whether `_revinclude` means
/// something on it.
pub(super) fn read(
    pairs: &[(String, String)],
    rules: &SearchRules,
    names: &'static [&'static str],
    reverse: bool,
    mut own: impl FnMut(&str, &str) -> Result<Taken, Fault>,
) -> Result<Common, Fault> {
    let mut common = Common::default();
    for (name, value) in pairs {
        let taken = match own(name, value)? {
            Taken::Unknown => common.take(name, value, reverse)?,
            taken => taken,
        };
        if taken == Taken::Honoured {
            common.honoured.push((name.clone(), value.clone()));
        } else if taken == Taken::Unknown && (rules.strict || modifies(name, names)) {
            return Err(unknown(name, names));
        }
    }
    if reversed(&common.updated) {
        return Err(Fault::Parameter(ParameterFault::WindowReversed { name: "_lastUpdated" }));
    }
    Ok(common)
}

/// True when the window ends before it begins, or as it begins: `ge2026-02-02` with `le2026-02-01` leaves the
/// empty stretch between the two days, and its sender would take an empty answer for a full diary.
pub(super) fn reversed(window: &Window) -> bool {
    matches!((window.from, window.until), (Some(from), Some(until)) if until <= from)
}

impl Common {
    /// Without pages: the answer is given whole, so the self link does not repeat what asked for a part of it.
    pub(super) fn unpaged(&mut self) {
        let total_only = self.paging.count == Some(0);
        self.summary_count |= total_only;
        self.paging = Paging::default();
        self.honoured.retain(|(name, _)| name != "_cursor" && (name != "_count" || total_only));
    }

    /// The whole query, with what else was asked.
    pub(super) fn query<S>(self, search: S) -> Query<S> {
        let total_only = self.summary_count || self.paging.count == Some(0);
        Query { search, honoured: self.honoured, total_only, pretty: self.pretty }
    }

    fn take(&mut self, name: &str, value: &str, reverse: bool) -> Result<Taken, Fault> {
        let base = name.split(':').next().unwrap_or(name);
        let had_effect = match (base, name) {
            // `_include:iterate`, `_include:recurse` and whatever else: the answer iterates anyway (digest A.6).
            ("_include", _) => include::include(&mut self.includes, value),
            ("_revinclude", _) => reverse && include::revinclude(&mut self.includes, value),
            // The format was chosen before the query is read.
            (_, "_format") => !value.is_empty(),
            (_, "_pretty") => {
                self.pretty = value == "true";
                true
            }
            (_, "_summary") => self.summary(value)?,
            (_, "_count") => {
                self.paging.count = Some(count(value).ok_or_else(|| value_fault(name, value, "a number of entries, 0 or more"))?);
                true
            }
            (_, "_cursor") => {
                let expected = "a cursor from the `next` link of an answer, unchanged";
                self.paging.after = Some(cursor::parse_cursor(value).ok_or_else(|| value_fault(name, value, expected))?);
                true
            }
            (_, "_lastUpdated") => {
                self.updated = narrowed(self.updated, name, value)?;
                true
            }
            // Removed from the standard in 2.0.4, still sent by some (digest A.6).
            (_, "end") => false,
            _ => return Ok(Taken::Unknown),
        };
        Ok(if had_effect { Taken::Honoured } else { Taken::Ignored })
    }

    /// `count` is honoured. The other summaries leave elements out where a server likes to: this one does not.
    fn summary(&mut self, value: &str) -> Result<bool, Fault> {
        match value {
            "count" => {
                self.summary_count = true;
                Ok(true)
            }
            "true" | "false" | "text" | "data" => Ok(false),
            _ => Err(value_fault("_summary", value, "count (true, false, text and data are accepted and change nothing)")),
        }
    }
}

fn count(value: &str) -> Option<u32> {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    // More digits than a number holds are still more than the limit.
    digits.then(|| value.parse::<u32>().map_or(COUNT_MAX, |count| count.min(COUNT_MAX)))
}

/// True when `name` is a name known here, followed by a modifier or a chain that is not.
fn modifies(name: &str, names: &[&str]) -> bool {
    let known = |base: &str| base == "_id" || names.contains(&base) || ALWAYS.contains(&base);
    name.match_indices(':').any(|(at, _)| name.get(..at).is_some_and(known))
}

fn unknown(name: &str, names: &'static [&'static str]) -> Fault {
    let accepted = names.iter().copied().chain(["_id"]).chain(ALWAYS).collect();
    Fault::Parameter(ParameterFault::Unknown { name: quoted(name), accepted })
}
