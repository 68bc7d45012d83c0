//! Where two trees differ in what they mean: a cancel may change the status and nothing else
//! (docs/specification/uec.md#a9-cancel).
//!
//! It knows trees and what the server itself adds to an appointment, and no format.
//!
//! Pitfall: order never matters, not even of repeats: they are compared as multisets. A path carries an index
//! only where one of the trees has several of that name, because a tree does not know what repeats.
//!
//! The time is bounded: both trees are brought into one order once (`n log n` comparisons a level), equal
//! repeats then cancel out in one pass, and each of the others is compared at most once, as half of one pair.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::{Element, ForeignFormat, Value};
use crate::time::Timestamp;

#[cfg(test)]
mod tests;

/// The most differences that are listed.
pub const DIFFERENCES_MAX: usize = 100;

/// What the server adds to a resource, or rewrites, and a consumer need not send back (docs/contract.md#statuses).
const ADDED_TO_RESOURCES: [&str; 2] = ["meta", "text"];

/// What may be absent from a submitted resource, but when present must be the same.
const OPTIONAL_AT_ROOT: &str = "id";

/// What is never compared: a sender may repeat the `created` it sent, which the server wrote anew
/// (docs/contract.md#order-of-results).
const NEVER_COMPARED_AT_ROOT: &str = "created";

/// A place where two trees differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Path: `Appointment.contained[1].name.family`. Of the submitted tree where the element is there, else of the stored one.
    pub expression: String,
}

/// Where `submitted` differs from `stored`, the status of the resource apart; at most [`DIFFERENCES_MAX`] places.
///
/// No differences: `meta` and `text`; `created`, whatever it says; unknown elements, unless the submitted tree has one that
/// the stored tree has not (what came in one format cannot go in the other, so their absence says nothing). In JSON the
/// name tells them apart, in XML, which is read into one spelling, all of it. Nor is it one to have an element less that
/// holds nothing else; a submitted tree without `id`; the order of elements; the same instant in another offset; a
/// participant without status where it is `accepted`.
pub fn differences(stored: &Element, submitted: &Element) -> Vec<Difference> {
    let optional = |name: &str| name == OPTIONAL_AT_ROOT && submitted.child(name).is_none();
    let foreign = has_foreign(submitted);
    let mut stored = Form::of(stored, Part::Root, foreign);
    stored.children.retain(|child| !optional(child.name));
    let submitted = Form::of(submitted, Part::Root, foreign);
    let mut found = Vec::new();
    compare(&stored, &submitted, submitted.name, &mut found);
    found.sort_by(|a, b| a.expression.cmp(&b.expression));
    found
}

/// The part of a tree an element is, as far as other rules hold there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Root,
    Participant,
    Other,
}

/// An element reduced to what it means, its children in one order for both trees.
struct Form<'e> {
    name: &'e str,
    kind: Option<&'e str>,
    value: Meaning<'e>,
    children: Vec<Form<'e>>,
    /// Place among its namesakes; no part of the meaning.
    index: usize,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Meaning<'e> {
    None,
    Bool(bool),
    Number(&'e str),
    Text(&'e str),
    Timestamp(Timestamp),
    /// An unknown element that came in JSON: clients write raw values anew, so that only the name is compared.
    UnknownInJson,
    /// An unknown element that came in XML.
    UnknownInXml(&'e str),
}

impl<'e> Meaning<'e> {
    fn of(value: Option<&'e Value>) -> Self {
        match value {
            Some(Value::Bool(b)) => Self::Bool(*b),
            Some(Value::Number(digits)) => Self::Number(without_idle_zeros(digits)),
            Some(Value::Text(text)) => exact_instant(text).map_or(Self::Text(text), Self::Timestamp),
            Some(Value::Foreign(foreign)) => match foreign.format {
                ForeignFormat::Json => Self::UnknownInJson,
                ForeignFormat::Xml => Self::UnknownInXml(&foreign.text),
            },
            None => Self::None,
        }
    }
}

/// `1.500` as `1.5`: clients that send back what they read write numbers anew.
fn without_idle_zeros(digits: &str) -> &str {
    if !digits.contains('.') || digits.contains(['e', 'E']) {
        return digits;
    }
    let digits = digits.trim_end_matches('0');
    digits.strip_suffix('.').unwrap_or(digits)
}

fn has_foreign(element: &Element) -> bool {
    element.children.iter().any(|child| matches!(child.value, Some(Value::Foreign(_))) || has_foreign(child))
}

/// The instant a text names, when milliseconds can hold all of it.
fn exact_instant(text: &str) -> Option<Timestamp> {
    let fraction = text.get(19..).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
    let beyond = fraction.bytes().take_while(u8::is_ascii_digit).skip(3).any(|digit| digit != b'0');
    if beyond { None } else { Timestamp::parse(text) }
}

impl<'e> Form<'e> {
    /// With `foreign`, unknown elements count by their names.
    fn of(element: &'e Element, part: Part, foreign: bool) -> Self {
        let counted = element.children.iter().filter(|child| counts_for(child, element, part, foreign));
        let mut children: Vec<Self> = counted
            .map(|child| {
                Self::of(child, if part == Part::Root && child.name == "participant" { Part::Participant } else { Part::Other }, foreign)
            })
            .collect();
        // Namesakes are numbered in the order they came in, which a stable sort keeps.
        children.sort_by(|a, b| a.name.cmp(b.name));
        for namesakes in children.chunk_by_mut(|a, b| a.name == b.name) {
            namesakes.iter_mut().enumerate().for_each(|(index, child)| child.index = index);
        }
        children.sort_by(Self::order);
        let value = Meaning::of(element.value.as_ref());
        Self { name: &element.name, kind: element.kind(), value, children, index: 0 }
    }

    /// The one order of forms: by name, then by meaning. The index does not count.
    fn order(&self, other: &Self) -> Ordering {
        let own = self.name.cmp(other.name).then_with(|| self.kind.cmp(&other.kind)).then_with(|| self.value.cmp(&other.value));
        own.then_with(|| {
            let mut pairs = self.children.iter().zip(&other.children).map(|(a, b)| a.order(b));
            pairs.find(|order| order.is_ne()).unwrap_or_else(|| self.children.len().cmp(&other.children.len()))
        })
    }

    /// Whether an unknown element, or nothing but unknown elements: what may be left out.
    fn is_unknown(&self) -> bool {
        match self.value {
            Meaning::UnknownInJson | Meaning::UnknownInXml(_) => true,
            Meaning::None => self.kind.is_none() && !self.children.is_empty() && self.children.iter().all(Self::is_unknown),
            _ => false,
        }
    }

    fn id(&self) -> Option<&Meaning<'e>> {
        self.children.iter().find(|child| child.name == "id").map(|id| &id.value)
    }
}

/// As [`Form::is_unknown`].
fn is_unknown(element: &Element) -> bool {
    match &element.value {
        Some(Value::Foreign(_)) => true,
        Some(_) => false,
        None => element.kind().is_none() && !element.children.is_empty() && element.children.iter().all(is_unknown),
    }
}

/// Whether a child is part of the comparison at all.
fn counts_for(child: &Element, parent: &Element, part: Part, foreign: bool) -> bool {
    if part == Part::Root && child.name == NEVER_COMPARED_AT_ROOT {
        return false;
    }
    if is_unknown(child) {
        return foreign;
    }
    let added = parent.kind().is_some() && ADDED_TO_RESOURCES.contains(&child.name.as_str());
    let status = child.name == "status";
    let the_status = status && part == Part::Root;
    // The server fills this in where it is absent (docs/specification/uec.md#i-disagreements, row 13).
    let defaulted = status && part == Part::Participant && child.as_text() == Some("accepted") && child.children.is_empty();
    !(added || the_status || defaulted)
}

fn compare(stored: &Form<'_>, submitted: &Form<'_>, expression: &str, found: &mut Vec<Difference>) {
    if found.len() >= DIFFERENCES_MAX {
        return;
    }
    if stored.kind != submitted.kind || stored.value != submitted.value {
        return found.push(Difference { expression: expression.to_owned() });
    }
    let (mut missing, mut added) = unmatched(&stored.children, &submitted.children);
    missing.retain(|form| !form.is_unknown());
    // Resources that belong together have the same id; of everything else the order is the best guess.
    for list in [&mut missing, &mut added] {
        list.sort_by(|a, b| {
            a.name.cmp(b.name).then(a.kind.cmp(&b.kind)).then_with(|| resource_id(a).cmp(&resource_id(b))).then(a.index.cmp(&b.index))
        });
    }
    let place = |form: &Form<'_>| path(expression, form, several(stored, form.name) || several(submitted, form.name));
    let (mut missing, mut added) = (missing.into_iter().peekable(), added.into_iter().peekable());
    while found.len() < DIFFERENCES_MAX {
        let order = match (missing.peek(), added.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.name.cmp(b.name),
        };
        let gone = if order.is_le() { missing.next() } else { None };
        let new = if order.is_ge() { added.next() } else { None };
        match (gone, new) {
            (Some(gone), Some(new)) => compare(gone, new, &place(new), found),
            (Some(form), None) | (None, Some(form)) => found.push(Difference { expression: place(form) }),
            (None, None) => return,
        }
    }
}

/// What remains of two ordered lists when equal forms cancel out.
fn unmatched<'f, 'e>(stored: &'f [Form<'e>], submitted: &'f [Form<'e>]) -> (Vec<&'f Form<'e>>, Vec<&'f Form<'e>>) {
    let (mut missing, mut added) = (Vec::new(), Vec::new());
    let (mut left, mut right) = (stored.iter().peekable(), submitted.iter().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return (missing, added),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.order(b),
        };
        let gone = if order.is_le() { left.next() } else { None };
        let new = if order.is_ge() { right.next() } else { None };
        if order.is_ne() {
            missing.extend(gone);
            added.extend(new);
        }
    }
}

fn resource_id<'f, 'e>(form: &'f Form<'e>) -> Option<&'f Meaning<'e>> {
    form.kind.and_then(|_| form.id())
}

fn several(form: &Form<'_>, name: &str) -> bool {
    let from = form.children.partition_point(|child| child.name < name);
    form.children.get(from + 1).is_some_and(|second| second.name == name)
}

fn path(above: &str, form: &Form<'_>, several: bool) -> String {
    let mut path = format!("{above}.{}", form.name);
    if several {
        // Writing to a String cannot fail.
        let _ = write!(path, "[{}]", form.index);
    }
    path
}
