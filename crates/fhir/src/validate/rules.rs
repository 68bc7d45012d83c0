//! Rules between elements: the invariants of STU3 that the tables name, and those of contained resources.
//!
//! It must not know formats. A rule that cannot be decided, because a value in it is malformed, is not broken; the
//! malformed value has its own problem.

use crate::codec::json::Place;
use crate::definitions::{Definitions, Rule};
use domain::element::Element;
use domain::fault::ProblemKind;
use domain::time::{LONDON, Span};

use super::Checker;

impl Checker<'_, '_> {
    /// Every rule of `rules` on `element`.
    pub(super) fn rules(&mut self, rules: &[Rule], element: &Element, place: &Place<'_>) {
        for rule in rules {
            match rule {
                Rule::App2 | Rule::App3 => self.appointment(*rule, element, place),
                Rule::Ref1 => self.reference(element, place),
                rule => {
                    if let Some(message) = broken(*rule, element) {
                        self.add(ProblemKind::Invariant, place, message);
                    }
                }
            }
        }
    }

    /// app-2: start and end stand together. app-3: both are there unless proposed or cancelled.
    fn appointment(&mut self, rule: Rule, element: &Element, place: &Place<'_>) {
        let missing: Vec<&str> = ["start", "end"].into_iter().filter(|name| element.child(name).is_none()).collect();
        let open = matches!(element.text_at("status"), Some("proposed" | "cancelled"));
        match (rule, missing.as_slice()) {
            (Rule::App2, [name]) => {
                self.add(ProblemKind::Invariant, &place.child(name, None), "`start` and `end` are both there or both absent (app-2)");
            }
            (Rule::App3, [_, _]) if !open => {
                for name in missing {
                    let message = format!("`{name}` must be there unless the status is proposed or cancelled (app-3)");
                    self.add(ProblemKind::Required, &place.child(name, None), message);
                }
            }
            _ => {}
        }
    }

    /// ref-1: a local reference leads to a contained resource. `#` alone means the resource around.
    fn reference(&mut self, element: &Element, place: &Place<'_>) {
        let local = element.text_at("reference").and_then(|r| r.strip_prefix('#')).filter(|id| !id.is_empty());
        if local.is_some_and(|id| !self.local.ids.contains_key(id)) {
            let message = "no contained resource has this id: a reference beginning with `#` leads to an entry of `contained` (ref-1)";
            self.add(ProblemKind::Reference, &place.child("reference", None), message);
        }
    }

    /// A reference leads to a type that the element allows, as far as the reference tells: `#` and an id in here, or a URL
    /// that ends in a type and an id.
    pub(super) fn target(&mut self, allowed: &[&str], element: &Element, place: &Place<'_>) {
        let Some(text) = element.text_at("reference").filter(|_| !allowed.is_empty()) else { return };
        let (kind, fault) = match text.strip_prefix('#') {
            Some(id) => (self.local.ids.get(id).copied().flatten(), ProblemKind::Reference),
            None => (kind_of(text, self.definitions), ProblemKind::Value),
        };
        if kind.is_some_and(|kind| !allowed.contains(&kind)) {
            let message = format!("this leads to a resource of another type; it may lead to {}", allowed.join(", "));
            self.add(fault, &place.child("reference", None), message);
        }
    }

    /// What holds of contained resources alone: an id that is referred to, no narrative, no resources inside, no versions
    /// (dom-1 to 4).
    pub(super) fn contained(&mut self, element: &Element, place: &Place<'_>) {
        if element.child("contained").is_some() {
            let message = "a contained resource contains no others: they all stand side by side in the outer one (dom-2)";
            self.add(ProblemKind::Invariant, &place.child("contained", None), message);
        }
        if element.child("text").is_some() {
            let message = "a contained resource has no narrative: the outer one's speaks for it (dom-1)";
            self.add(ProblemKind::Invariant, &place.child("text", None), message);
        }
        for name in ["versionId", "lastUpdated"] {
            if element.child("meta").is_some_and(|meta| meta.child(name).is_some()) {
                let meta = place.child("meta", None);
                self.add(ProblemKind::Invariant, &meta.child(name, None), "a contained resource has no version of its own (dom-4)");
            }
        }
        match element.text_at("id") {
            None if element.child("id").is_none() => {
                self.add(ProblemKind::Required, &place.child("id", None), "a contained resource has an `id`, by which it is referred to");
            }
            Some(id) if !self.local.references.contains(id) => {
                self.add(ProblemKind::Invariant, place, "a contained resource is referred to somewhere, as `#` and its id (dom-3)");
            }
            _ => {}
        }
    }
}

/// The resource type that a literal reference names, relative or absolute, with a version or without.
fn kind_of<'r>(reference: &'r str, definitions: &Definitions) -> Option<&'r str> {
    let unversioned = reference.split_once("/_history/").map_or(reference, |(before, _)| before);
    let (before, _) = unversioned.rsplit_once('/')?;
    let kind = before.rsplit_once('/').map_or(before, |(_, kind)| kind);
    definitions.any_resource(kind).map(|_| kind)
}

/// What is wrong by a rule that looks at one element alone.
fn broken(rule: Rule, element: &Element) -> Option<&'static str> {
    let has = |name: &str| element.child(name).is_some();
    let at_home = element.text_at("use") == Some("home");
    let (holds, message) = match rule {
        Rule::App1 => (has("type") || has("actor"), "a participant has a `type` or an `actor` (app-1)"),
        Rule::Per1 => (!ends_early(element), "a period does not end before it starts (per-1)"),
        Rule::Cpt2 => (has("system") || !has("value"), "a contact value has a `system`: phone, email or another (cpt-2)"),
        Rule::Pat1 => {
            let something = ["name", "telecom", "address", "organization"].into_iter().any(has);
            (something, "a contact has a name, telecom, address or organization (pat-1)")
        }
        Rule::Att1 => (has("contentType") || !has("data"), "attached data has a `contentType` (att-1)"),
        Rule::Ext1 => {
            let value = element.children.iter().any(|c| c.name.starts_with("value"));
            (value != has("extension"), "an extension has either a value or extensions of its own (ext-1)")
        }
        Rule::Org1 => (has("identifier") || has("name"), "an organisation has a `name` or an `identifier` (org-1)"),
        Rule::Org2 => (!at_home, "an organisation's address is no home address (org-2)"),
        Rule::Org3 => (!at_home, "an organisation's telecom is not one at home (org-3)"),
        Rule::Qty3 => (has("system") || !has("code"), "the code of a unit has a `system` (qty-3)"),
        Rule::App2 | Rule::App3 | Rule::Ref1 => (true, ""),
    };
    (!holds).then_some(message)
}

/// Whether a period ends before it starts, whatever the precision of both.
fn ends_early(period: &Element) -> bool {
    let span = |name: &str| period.text_at(name).and_then(|text| Span::of_date(text, LONDON));
    match (span("start"), span("end")) {
        (Some(start), Some(end)) => end.until <= start.from,
        _ => false,
    }
}
