//! Checks a tree against everything the definitions and profiles of its release say, and lists all that is wrong.
//!
//! It must not know bookings: rules of the booking standard are checked where bookings are made of trees.
//! Messages never repeat what was sent, because it may be a patient's; the
//! place is named, and what would be right.

mod formats;
mod rules;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use domain::element::{Element, Value};
use domain::fault::{Problem, ProblemKind};

use super::definitions::{CodeList, Constraint, Definitions, Field, JsonForm, Kind, Primitive, Slice, Type};
use crate::codec::json::{Place, Problems, Read};

/// Everything wrong with a resource, at most `PROBLEMS_MAX`; empty when it is valid.
pub fn check(tree: &Element, definitions: &Definitions) -> Vec<Problem> {
    let mut checker = Checker { definitions, problems: Problems::default(), local: Local::default() };
    checker.resource(tree, None, &Place::root(tree.kind().unwrap_or(&tree.name)));
    checker.problems.into_vec()
}

/// Everything wrong with a body: what its reader found, and what is wrong with what it could read.
pub fn check_read(read: &Read, definitions: &Definitions) -> Vec<Problem> {
    let known: HashSet<&str> = read.problems.iter().map(|p| p.expression.as_str()).collect();
    // What could not be read stands empty in the tree; that it is empty is no news.
    let is_known = |expression: &str| known.contains(expression) || known.contains(without_index(expression));
    let found = check(&read.tree, definitions).into_iter().filter(|p| !is_known(&p.expression));
    read.problems.iter().cloned().chain(found).take(crate::codec::json::PROBLEMS_MAX).collect()
}

/// `Appointment.participant` of `Appointment.participant[0]`.
fn without_index(expression: &str) -> &str {
    if expression.ends_with(']') { expression.rsplit_once('[').map_or(expression, |(before, _)| before) } else { expression }
}

struct Checker<'t, 'd> {
    definitions: &'d Definitions,
    problems: Problems,
    local: Local<'t>,
}

/// What `#…` may refer to, and what does refer, within one resource and all it contains.
#[derive(Default)]
struct Local<'t> {
    /// The contained resources: id and type.
    ids: HashMap<&'t str, Option<&'t str>>,
    references: HashSet<&'t str>,
}

impl<'t> Local<'t> {
    fn of(resource: &'t Element) -> Self {
        let ids = resource.all("contained").filter_map(|c| Some((c.text_at("id")?, c.kind()))).collect();
        let mut local = Self { ids, references: HashSet::new() };
        local.collect(resource);
        local
    }

    fn collect(&mut self, element: &'t Element) {
        for child in &element.children {
            match &child.value {
                Some(Value::Text(text)) if child.name == "reference" => self.references.extend(text.strip_prefix('#')),
                // References inside unknown elements count too: nobody can say they are not meant.
                Some(Value::Foreign(foreign)) => {
                    self.references.extend(foreign.text.split("\"#").skip(1).filter_map(|rest| rest.split('"').next()));
                }
                _ => {}
            }
            self.collect(child);
        }
    }
}

impl<'t, 'd> Checker<'t, 'd> {
    fn add(&mut self, kind: ProblemKind, place: &Place<'_>, message: impl Into<String>) {
        self.problems.add(kind, place, message);
    }

    /// A resource: a root, an entry of a Bundle, or contained in `within`.
    fn resource(&mut self, element: &'t Element, within: Option<&'t Element>, place: &Place<'_>) {
        let Some(ty) = element.kind().and_then(|kind| self.definitions.any_resource(kind)) else {
            return self.add(ProblemKind::Value, place, "a resource was expected, of a type that this FHIR release knows");
        };
        let outer = if within.is_none() { Some(std::mem::replace(&mut self.local, Local::of(element))) } else { None };
        let constraints: Vec<&'d Constraint> = element.kind().and_then(|kind| self.definitions.profile(kind)).into_iter().collect();
        self.children(element, ty, &constraints, place);
        self.rules(&ty.rules, element, place);
        if within.is_some() {
            self.contained(element, place);
        }
        if let Some(outer) = outer {
            self.local = outer;
        }
    }

    /// Everything of `element`'s children: how many there are, and each of them.
    fn children(&mut self, element: &'t Element, ty: &'d Type, constraints: &[&'d Constraint], place: &Place<'_>) {
        let mut counts = vec![0_usize; ty.fields.len()];
        let mut rank = 0;
        for child in &element.children {
            let Some(field) = ty.field_near(rank, &child.name) else {
                if !matches!(child.value, Some(Value::Foreign(_))) {
                    self.add(ProblemKind::Value, &place.child(&child.name, None), "there is no such element here");
                }
                continue;
            };
            rank = field.rank;
            let Some(count) = counts.get_mut(rank) else { continue };
            let index = field.many.then_some(*count);
            *count += 1;
            if self.problems.is_full() {
                return;
            }
            let below = matching(constraints, child);
            self.element(child, element, field, &below, &place.child(&child.name, index));
        }
        self.base_cardinality(ty, &counts, place);
        for constraint in constraints {
            self.profile_cardinality(element, ty, constraint, place);
        }
    }

    fn base_cardinality(&mut self, ty: &Type, counts: &[usize], place: &Place<'_>) {
        for choice in ty.fields.chunk_by(|a, b| a.order == b.order) {
            let Some(field) = choice.first() else { continue };
            let count: usize = choice.iter().filter_map(|f| counts.get(f.rank)).sum();
            let here = place.child(&field.element, None);
            if count == 0 && field.min > 0 {
                self.add(ProblemKind::Required, &here, format!("`{}` must be there", field.element));
            } else if count > 1 && !field.many {
                self.add(ProblemKind::Invariant, &here, format!("`{}` stands here {count} times; only one is allowed", field.element));
            }
        }
    }

    fn profile_cardinality(&mut self, element: &Element, ty: &Type, constraint: &Constraint, place: &Place<'_>) {
        for child in &constraint.children {
            let here = place.child(child.name, None);
            if !child.only.is_empty() {
                self.choice(element, ty, child, place);
                continue;
            }
            let count = element.all(child.name).count();
            // What base STU3 demands has been said.
            let said = ty.field(child.name).is_some_and(|field| field.min > 0);
            if count < small(child.min) && !said {
                self.add(ProblemKind::Required, &here, format!("`{}` must be there (CareConnect profile)", child.name));
            }
            if child.max.is_some_and(|max| count > small(max)) {
                self.add(ProblemKind::Invariant, &here, too_many(child.name, child.max));
            }
            for slice in &child.slices {
                let count = element.all(child.name).filter(|e| in_slice(e, slice)).count();
                if count < small(slice.constraint.min) {
                    let message =
                        format!("one `{}` with `{}` = `{}` must be there (CareConnect profile)", child.name, slice.path, slice.value);
                    self.add(ProblemKind::Required, &here, message);
                }
                if slice.constraint.max.is_some_and(|max| count > small(max)) {
                    let message = format!("{} with `{}` = `{}`", too_many(child.name, slice.constraint.max), slice.path, slice.value);
                    self.add(ProblemKind::Invariant, &here, message);
                }
            }
        }
    }

    /// The types of a choice that a profile allows.
    fn choice(&mut self, element: &Element, ty: &Type, constraint: &Constraint, place: &Place<'_>) {
        let of_choice = |child: &&Element| ty.field(&child.name).is_some_and(|field| field.element == constraint.name);
        for child in element.children.iter().filter(of_choice).filter(|child| !constraint.only.contains(&child.name.as_str())) {
            let message = format!("only `{}` may stand here (CareConnect profile)", constraint.only.join("`, `"));
            self.add(ProblemKind::Value, &place.child(&child.name, None), message);
        }
    }

    fn element(&mut self, element: &'t Element, parent: &'t Element, field: &'d Field, constraints: &[&'d Constraint], place: &Place<'_>) {
        let ty = self.definitions.type_of(field);
        if let Kind::Primitive(primitive) = ty.kind {
            self.primitive(element, field, primitive, constraints, place);
        } else if element.children.is_empty() && element.resource.is_none() {
            return self.add(ProblemKind::Invariant, place, "an element is never empty: leave it out (ele-1)");
        } else if ty.kind == Kind::AnyResource {
            return self.resource(element, (field.name == "contained").then_some(parent), place);
        } else {
            self.children(element, ty, constraints, place);
        }
        for list in constraints.iter().filter_map(|c| self.definitions.codes_allowed(c)) {
            self.concept(element, list, place);
        }
        self.rules(&ty.rules, element, place);
        self.rules(&field.rules, element, place);
        self.target(&field.targets, element, place);
    }

    fn primitive(&mut self, element: &'t Element, field: &Field, primitive: Primitive, constraints: &[&'d Constraint], place: &Place<'_>) {
        // Nearly no value has children, and nothing of a plain one is demanded.
        if !element.children.is_empty() || constraints.iter().any(|constraint| !constraint.children.is_empty()) {
            self.children(element, self.definitions.of_primitives(), constraints, place);
        }
        let text = match (&element.value, primitive.json()) {
            (None, _) => {
                if element.child("extension").is_none() {
                    self.add(ProblemKind::Invariant, place, "an element is never empty: give it a value or leave it out (ele-1)");
                }
                return;
            }
            (Some(Value::Text(text)), JsonForm::Text) => text.as_str(),
            (Some(Value::Number(digits)), JsonForm::Number) => digits.as_str(),
            (Some(Value::Bool(_)), JsonForm::Bool) => return,
            (Some(_), form) => {
                let expected = match form {
                    JsonForm::Text => "a string was expected",
                    JsonForm::Number => "a number was expected",
                    JsonForm::Bool => "`true` or `false` was expected",
                };
                return self.add(ProblemKind::Value, place, format!("{expected}: {}", formats::expected(primitive)));
            }
        };
        if let Some(fault) = formats::fault(primitive, text) {
            self.add(ProblemKind::Value, place, fault);
        } else if let Some(list) = self.definitions.codes_of(field).filter(|list| !list.codes.contains(&text)) {
            self.add(ProblemKind::Value, place, format!("the code is none of {}", list.codes.join(", ")));
        }
    }

    /// A `Coding` or `CodeableConcept` with a required binding.
    fn concept(&mut self, element: &Element, list: &CodeList, place: &Place<'_>) {
        let fits = |coding: &Element| {
            coding.text_at("system") == list.system && coding.text_at("code").is_some_and(|code| list.codes.contains(&code))
        };
        if !fits(element) && !element.all("coding").any(fits) {
            let system = list.system.unwrap_or_default();
            self.add(ProblemKind::Value, place, format!("a coding of {system} was expected, with one of {}", list.codes.join(", ")));
        }
    }
}

/// The demands of a profile on one child: those on its name, and those of the slices it is in.
fn matching<'d>(constraints: &[&'d Constraint], child: &Element) -> Vec<&'d Constraint> {
    let mut below = Vec::new();
    for named in constraints.iter().flat_map(|c| &c.children).filter(|c| c.name == child.name) {
        below.push(named);
        below.extend(named.slices.iter().filter(|slice| in_slice(child, slice)).map(|slice| &slice.constraint));
    }
    below
}

/// Whether the discriminator of `slice` has its value somewhere in `element`.
fn in_slice(element: &Element, slice: &Slice) -> bool {
    fn holds(element: &Element, path: &str, value: &str) -> bool {
        match path.split_once('.') {
            Some((first, rest)) => element.all(first).any(|child| holds(child, rest, value)),
            None => element.all(path).any(|child| child.as_text() == Some(value)),
        }
    }
    holds(element, slice.path, slice.value)
}

fn too_many(name: &str, max: Option<u32>) -> String {
    match max {
        Some(0) => format!("`{name}` must not be there (CareConnect profile)"),
        Some(max) => format!("at most {max} `{name}` is allowed (CareConnect profile)"),
        None => String::new(),
    }
}

/// Cardinalities of the tables are small numbers.
fn small(cardinality: u32) -> usize {
    usize::try_from(cardinality).unwrap_or(usize::MAX)
}
