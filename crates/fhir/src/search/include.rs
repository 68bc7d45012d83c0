//! Finds an include in a table by any of its spellings.
//!
//! An unknown include is not an error, it brings nothing (docs/specification/uec.md#a6-slot-search). Whether one
//! include is reached through another is decided where the answer is made.

use super::declaration::Include;

/// The entry of `table` that a value names. `None` when it names nothing known.
pub(crate) fn find(table: &'static [Include], value: &str) -> Option<&'static Include> {
    // Capitals never matter, and `.` and `:` are both in use (docs/specification/uec.md#a6-slot-search, "_include forms
    // by version").
    let spelling = value.trim().replace('.', ":");
    let is = |name: &str| name.eq_ignore_ascii_case(&spelling);
    table.iter().find(|include| is(include.name) || include.aliases.iter().any(|name| is(name)))
}
