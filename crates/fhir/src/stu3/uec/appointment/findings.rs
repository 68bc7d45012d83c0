//! Walking a tree with its path at hand, and collecting what is wrong on the way.
//!
//! Knows nothing of bookings.
//!
//! Pitfall: a repeatable element has an index in its path even when it stands alone (`name[0]`), one that is
//! missing has none (`name`), and which elements are repeatable only the caller knows: `one` and `many` are its
//! choice.

use crate::codec::json::PROBLEMS_MAX;
use domain::element::Element;
use domain::fault::{Problem, ProblemKind};
use domain::time::Timestamp;

/// An element and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Place<'e> {
    /// The element.
    pub element: &'e Element,
    /// Its path from the root: `Appointment.contained[1].name[0]`.
    pub path: String,
}

impl<'e> Place<'e> {
    /// The root of a resource.
    pub fn root(element: &'e Element) -> Self {
        Self { element, path: element.name.clone() }
    }

    /// The path of a child, whether it is there or not.
    pub fn path_of(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// The child called `name`, where it may stand once.
    pub fn one(&self, name: &str) -> Option<Self> {
        self.element.child(name).map(|element| Self { element, path: self.path_of(name) })
    }

    /// The children called `name`, where it may stand several times.
    pub fn many(&self, name: &str) -> Vec<Self> {
        let found = self.element.children.iter().filter(|c| c.name == name).enumerate();
        found.map(|(at, element)| Self { element, path: format!("{}.{name}[{at}]", self.path) }).collect()
    }

    /// The string of the child called `name`, when it is there and one.
    pub fn text(&self, name: &str) -> Option<&'e str> {
        self.element.child(name).and_then(Element::as_text)
    }
}

/// All that was found, each thing once.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Where the body could not be read. Nothing more is said of these places.
    unread: Vec<String>,
    /// What the generic rules found. Own findings do not repeat it.
    generic: Vec<Problem>,
    own: Vec<Problem>,
}

impl Findings {
    /// Starts with what the generic rules found, and the places at which the body could not be read.
    pub fn after(generic: Vec<Problem>, unread: &[Problem]) -> Self {
        Self { unread: unread.iter().map(|p| p.expression.clone()).collect(), generic, own: Vec::new() }
    }

    /// True when nothing is wrong so far.
    pub fn none(&self) -> bool {
        self.generic.is_empty() && self.own.is_empty()
    }

    /// Adds a finding. At most `PROBLEMS_MAX`, because a hostile body could have a million.
    pub fn add(&mut self, kind: ProblemKind, expression: String, message: impl Into<String>) {
        let known = self.own.len() >= PROBLEMS_MAX
            // What makes it a 400 is said even of a place that cannot be read.
            || kind != ProblemKind::Structure && self.unread.iter().any(|u| within(&expression, u) || expression == without_index(u))
            || self.generic.iter().any(|g| says(g, kind, &expression));
        let problem = Problem { kind, expression, message: message.into() };
        if !known && !self.own.contains(&problem) {
            self.own.push(problem);
        }
    }

    /// An element that must be there is not.
    pub fn missing(&mut self, expression: String, message: impl Into<String>) {
        self.add(ProblemKind::Required, expression, message);
    }

    /// A value is not what it must be.
    pub fn value(&mut self, expression: String, message: impl Into<String>) {
        self.add(ProblemKind::Value, expression, message);
    }

    /// A rule between elements is broken.
    pub fn invariant(&mut self, expression: String, message: impl Into<String>) {
        self.add(ProblemKind::Invariant, expression, message);
    }

    /// The string of a child that must be there and not blank; `what` says what it must be.
    pub fn demand_text<'e>(&mut self, parent: &Place<'e>, name: &str, what: &str) -> Option<&'e str> {
        let Some(child) = parent.element.child(name).filter(|c| c.value.is_some()) else {
            self.missing(parent.path_of(name), format!("`{name}` is missing: {what}"));
            return None;
        };
        let text = child.as_text().filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.value(parent.path_of(name), format!("`{name}` must be a text that is not blank: {what}"));
        }
        text
    }

    /// The instant of a child that must be there.
    pub fn instant(&mut self, parent: &Place<'_>, name: &str) -> Option<Timestamp> {
        let what = "an instant, such as 2026-02-11T09:30:00.000+00:00";
        let text = self.demand_text(parent, name, what)?;
        let at = Timestamp::parse(text);
        if at.is_none() {
            self.value(parent.path_of(name), format!("`{name}` must be {what}"));
        }
        at
    }

    /// A child that must be there and be exactly `expected`.
    pub fn demand_exactly(&mut self, parent: &Place<'_>, name: &str, expected: &str) {
        let what = format!("it must be `{expected}`");
        let wrong = self.demand_text(parent, name, &what).is_some_and(|text| text != expected);
        if wrong {
            self.value(parent.path_of(name), format!("`{name}` is another value: {what}"));
        }
    }

    /// Everything found, in the order of the document.
    pub fn in_order(self, root: &Element) -> Vec<Problem> {
        let mut all: Vec<Problem> = Vec::new();
        for problem in self.generic.into_iter().chain(self.own) {
            if !all.contains(&problem) {
                all.push(problem);
            }
        }
        all.sort_by_cached_key(|problem| position(root, &problem.expression));
        all
    }
}

/// Whether a generic problem says what an own finding would say: it is of the same kind and at the same
/// place; or it counts repeats, where the own one names the repeat; or the value around is wrong already; or
/// an invariant misses the very element (app-2 misses `start`).
fn says(generic: &Problem, kind: ProblemKind, expression: &str) -> bool {
    match (generic.kind, kind) {
        (ProblemKind::Invariant, ProblemKind::Invariant) => {
            generic.expression == expression || generic.expression == without_index(expression)
        }
        (ProblemKind::Value, ProblemKind::Value) => within(expression, &generic.expression),
        (of_generic, ProblemKind::Required) => {
            matches!(of_generic, ProblemKind::Required | ProblemKind::Invariant | ProblemKind::Value) && generic.expression == expression
        }
        (of_generic, _) => of_generic == kind && generic.expression == expression,
    }
}

/// Whether `expression` is `outer` or lies in it.
fn within(expression: &str, outer: &str) -> bool {
    expression.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// `Appointment.slot` of `Appointment.slot[1]`.
fn without_index(expression: &str) -> &str {
    expression.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')).map_or(expression, |(before, _)| before)
}

/// Where an expression stands in the tree: the index among the children, level by level. What is missing
/// comes after what is there.
fn position(root: &Element, expression: &str) -> Vec<usize> {
    let mut at = root;
    let mut found = Vec::new();
    for segment in expression.split('.').skip(1) {
        let (name, nth) = match segment.strip_suffix(']').and_then(|s| s.split_once('[')) {
            Some((name, nth)) => (name, nth.parse().unwrap_or(0)),
            None => (segment, 0),
        };
        let Some((index, child)) = at.children.iter().enumerate().filter(|(_, c)| c.name == name).nth(nth) else {
            found.push(usize::MAX);
            break;
        };
        found.push(index);
        at = child;
    }
    found
}
