//! JSON: bytes to trees and back.
//!
//! `scan` knows the grammar of JSON and nothing of FHIR; `read` and `write` know how FHIR uses it: arrays for what
//! repeats, a `_name` twin for the id and extensions of a primitive, `resourceType` first.
//!
//! Pitfall: a body can be readable and still wrong. Only what leaves no tree at all is [`Unreadable`]; an object
//! where a code belongs is a problem of the resource, listed with all the others.

mod read;
mod scan;
mod write;

#[cfg(test)]
mod tests;

use crate::definitions::Definitions;
use std::fmt::Write as _;

use domain::element::Element;
use domain::fault::{Problem, ProblemKind};

pub use read::read;
pub(crate) use scan::is_number;
pub(crate) use write::push_escaped;
pub use write::{write, write_pretty, write_stored};

/// The deepest nesting of objects and arrays that is read (docs/contract.md#limits).
pub const DEPTH_MAX: usize = 64;

/// The most problems that are listed of one body; a hostile one could have a million.
pub const PROBLEMS_MAX: usize = 200;

/// What the names of members begin with that only the text of the store has. A consumer's own member whose name begins
/// so is kept with one more of these before it.
const RESERVED: char = '~';

/// The member of the store's text, and of no other, that holds the unknown elements of an object that came in XML.
const FRAGMENTS: &str = "~xml";

/// A resource, and what was wrong with its form.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Everything that could be understood. Where something could not, the element is there, but empty.
    pub tree: Element,
    /// What could not, each with its place. Validation adds its own; see `validate::check_read`.
    pub problems: Vec<Problem>,
}

/// A body that is not what its format demands, so that there is no tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Unreadable {
    /// What is wrong, where (line and column, where there are any), and what would be right.
    pub problem: String,
    /// True when nothing is wrong but the depth: see [`DEPTH_MAX`].
    pub too_deep: bool,
}

impl Unreadable {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), too_deep: false }
    }

    /// Something wrong at a place in the text.
    pub(crate) fn at(text: &str, byte: usize, problem: &str) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self::new(format!("line {line}, column {column}: {problem}"))
    }

    pub(crate) fn too_deep(text: &str, byte: usize) -> Self {
        let problem = Self::at(text, byte, &format!("the content is nested more than {DEPTH_MAX} levels deep")).problem;
        Self { problem, too_deep: true }
    }
}

/// Whether a stored text is also the answer, as it stands: it has no member that only the store may see.
///
/// Every such member was written by [`write_stored`], its name behind a quotation mark and with the reserved character
/// bare, so that none is overlooked, whatever a consumer sent. What a consumer wrote can look like one (a value that
/// begins with the character, say); then the answer is written from the tree, which takes longer and says the same.
pub fn is_answer(stored: &str) -> bool {
    !stored.contains("\"~")
}

/// The tree of a text that the store keeps, or what is wrong with it.
///
/// # Errors
/// What is wrong: a stored text was checked before it was stored.
pub fn read_document(text: &str, definitions: &Definitions) -> Result<Element, String> {
    let read = read::read_stored(text, definitions).map_err(|e| e.problem)?;
    match read.problems.first() {
        None => Ok(read.tree),
        Some(first) => Err(format!("{}: {}", first.expression, first.message)),
    }
}

/// The text of a body, or why it is none.
pub(crate) fn text_of(bytes: &[u8]) -> Result<&str, Unreadable> {
    let text =
        std::str::from_utf8(bytes).map_err(|e| Unreadable::new(format!("the body is not UTF-8 from byte {} on", e.valid_up_to())))?;
    // A byte order mark is allowed by no one and sent by some.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
        return Err(Unreadable::new("the body is empty; a FHIR resource was expected"));
    }
    Ok(text)
}

/// A place in a tree, kept on the stack while walking and spelt out only for a problem.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    above: Option<&'p Place<'p>>,
    name: &'p str,
    index: Option<usize>,
}

impl<'p> Place<'p> {
    pub(crate) fn root(name: &'p str) -> Self {
        Self { above: None, name, index: None }
    }
    pub(crate) fn child(&'p self, name: &'p str, index: Option<usize>) -> Self {
        Self { above: Some(self), name, index }
    }
    pub(crate) fn repeat(self, index: usize) -> Self {
        Self { index: Some(index), ..self }
    }
    /// `Appointment.contained[1].telecom[0].rank`.
    pub(crate) fn expression(&self) -> String {
        let mut text = self.above.map_or_else(String::new, |above| above.expression() + ".");
        text.push_str(self.name);
        if let Some(index) = self.index {
            // Writing to a String cannot fail.
            let _ = write!(text, "[{index}]");
        }
        text
    }
}

/// Collects problems up to [`PROBLEMS_MAX`].
#[derive(Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, kind: ProblemKind, place: &Place<'_>, message: impl Into<String>) {
        if self.0.len() < PROBLEMS_MAX {
            self.0.push(Problem { kind, expression: place.expression(), message: message.into() });
        }
    }
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= PROBLEMS_MAX
    }
    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}
