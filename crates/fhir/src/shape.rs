//! How much of a resource an answer shows: `_summary` and `_elements` (STU3 search, "Summary" and "Elements").
//!
//! Works on any tree by the definition of its type.
//!
//! Pitfall: elements that are mandatory are kept whether they are named or not, and with them every contained
//! resource they refer to; and a resource that lost anything is tagged SUBSETTED, so that nobody writes it back in
//! the belief that it is whole.

use super::definitions::Definitions;
use domain::element::Element;

/// The tag of a resource that is not whole.
const SUBSETTED: (&str, &str) = ("http://hl7.org/fhir/v3/ObservationValue", "SUBSETTED");

/// What every resource keeps: who it is, and what changes the meaning of the rest.
const KEPT: [&str; 4] = ["id", "meta", "implicitRules", "modifierExtension"];

/// A summary that is not merely a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summary {
    /// `true`: the elements marked so.
    Short,
    /// `text`: the narrative.
    Text,
    /// `data`: all but the narrative.
    Data,
}

/// How much of each resource is wanted. The default is all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    kind: &'static str,
    summary: Option<Summary>,
    elements: Vec<String>,
}

impl Shape {
    /// All of each resource of an answer about `kind`.
    pub const fn of(kind: &'static str) -> Self {
        Self { kind, summary: None, elements: Vec::new() }
    }

    /// Asks for a summary, or for none.
    pub const fn summarise(&mut self, summary: Option<Summary>) {
        self.summary = summary;
    }

    /// Asks for one element, `status` or `Slot.status`. False when the type has no such element.
    pub fn want(&mut self, element: &str, definitions: &Definitions) -> bool {
        let name = match element.split_once('.') {
            Some((kind, name)) if kind == self.kind => name,
            _ => element,
        };
        let known = definitions.resource(self.kind).is_some_and(|ty| ty.field(name).is_some());
        if known {
            self.elements.push(name.to_owned());
        }
        known
    }

    /// True when nothing but narratives is wanted.
    pub fn is_text(&self) -> bool {
        self.summary == Some(Summary::Text)
    }

    /// True when everything is wanted.
    pub const fn is_whole(&self) -> bool {
        self.summary.is_none() && self.elements.is_empty()
    }

    /// A resource that goes with the matches, as it is to be shown: `_elements` is about matches only, `_summary` about every
    /// resource.
    #[must_use]
    pub fn applied_beside(&self, tree: Element, definitions: &Definitions) -> Element {
        shown(tree, self.summary, &[], definitions)
    }

    /// The resource as it is to be shown.
    #[must_use]
    pub fn applied(&self, tree: Element, definitions: &Definitions) -> Element {
        shown(tree, self.summary, &self.elements, definitions)
    }
}

fn shown(mut tree: Element, summary: Option<Summary>, elements: &[String], definitions: &Definitions) -> Element {
    if summary.is_none() && elements.is_empty() {
        return tree;
    }
    let kind = tree.resource.clone().unwrap_or_default();
    let definition = definitions.any_resource(&kind);
    let mandatory = |name: &str| definition.and_then(|ty| ty.field(name)).is_some_and(|field| field.min > 0);
    let in_summary = |name: &str| match summary {
        None => true,
        Some(Summary::Short) => definitions.summary(&kind).contains(&name),
        Some(Summary::Text) => name == "text",
        Some(Summary::Data) => name != "text",
    };
    let wanted = |name: &str| in_summary(name) && (elements.is_empty() || elements.iter().any(|e| e == name));
    let before = tree.children.len();
    let (contained, mut children): (Vec<_>, Vec<_>) =
        tree.children.into_iter().partition(|c| c.name == "contained" && !wanted("contained"));
    children.retain(|child| KEPT.contains(&child.name.as_str()) || mandatory(&child.name) || wanted(&child.name));
    children.extend(referred_to(&children, contained));
    tree.children = children;
    if tree.children.len() < before {
        tag(&mut tree);
    }
    tree
}

/// Those of `contained` that `children` refer to, or that one of those refers to; in their own order.
fn referred_to(children: &[Element], contained: Vec<Element>) -> Vec<Element> {
    let mut open: Vec<String> = children.iter().flat_map(local_references).collect();
    let mut reached: Vec<String> = Vec::new();
    while let Some(id) = open.pop() {
        if !reached.contains(&id) {
            let meant = contained.iter().filter(|c| c.text_at("id") == Some(&id));
            open.extend(meant.flat_map(local_references));
            reached.push(id);
        }
    }
    contained.into_iter().filter(|c| c.text_at("id").is_some_and(|id| reached.iter().any(|r| r == id))).collect()
}

fn local_references(element: &Element) -> Vec<String> {
    let own = (element.name == "reference").then(|| element.as_text().and_then(|text| text.strip_prefix('#'))).flatten();
    own.map(str::to_owned).into_iter().chain(element.children.iter().flat_map(local_references)).collect()
}

fn tag(tree: &mut Element) {
    let (system, code) = SUBSETTED;
    let tag = Element::complex("tag").with(Element::text("system", system)).with(Element::text("code", code));
    let meta = tree.child("meta").cloned().unwrap_or_else(|| Element::complex("meta"));
    tree.set(meta.with(tag));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{Entry, Mode};
    use crate::stu3::definitions;

    fn appointment() -> Element {
        let reference = |name: &str, to: &str| Element::complex(name).with(Element::text("reference", to));
        let contained = |kind: &str, id: &str| Element::resource(kind).renamed("contained").with(Element::text("id", id));
        Element::resource("Appointment")
            .with(Element::text("id", "a"))
            .with(Element::complex("text").with(Element::text("status", "generated")))
            .with(contained("Patient", "pat"))
            .with(contained("Slot", "slot"))
            .with(Element::text("status", "booked"))
            .with(Element::text("description", "Ear pain"))
            .with(reference("slot", "#slot"))
            .with(Element::complex("participant").with(reference("actor", "#pat")))
    }

    fn names(tree: &Element) -> Vec<&str> {
        tree.children.iter().map(|c| c.name.as_str()).collect()
    }

    fn is_tagged(tree: &Element) -> bool {
        tree.text_at("meta.tag.code") == Some("SUBSETTED")
    }

    #[test]
    fn requested_and_mandatory_elements_stay_with_their_targets() {
        let mut shape = Shape::of("Appointment");
        assert!(
            shape.want("description", definitions())
                && !shape.want("reference", definitions())
                && !shape.want("Slot.status", definitions())
        );
        let shown = shape.applied(appointment(), definitions());
        assert_eq!(names(&shown), ["id", "status", "description", "participant", "contained", "meta"]);
        assert_eq!(shown.text_at("contained.id"), Some("pat"));
        assert!(is_tagged(&shown));
        assert!(shape.want("Appointment.slot", definitions()));
        assert_eq!(shape.applied(appointment(), definitions()).all("contained").count(), 2);
    }

    #[test]
    fn summaries_leave_out_what_they_say() {
        let summary = |summary| {
            let mut shape = Shape::of("Appointment");
            shape.summarise(Some(summary));
            shape.applied(appointment(), definitions())
        };
        assert_eq!(names(&summary(Summary::Short)), ["id", "status", "participant", "contained", "meta"]);
        assert_eq!(names(&summary(Summary::Text)), ["id", "text", "status", "participant", "contained", "meta"]);
        let data = summary(Summary::Data);
        assert!(data.child("text").is_none() && data.child("slot").is_some() && is_tagged(&data));
    }

    #[test]
    fn a_resource_that_lost_nothing_is_not_tagged() {
        assert_eq!(Shape::of("Appointment").applied(appointment(), definitions()), appointment());
        let mut shape = Shape::of("Slot");
        shape.summarise(Some(Summary::Data));
        let slot = Element::resource("Slot").with(Element::text("status", "free"));
        assert_eq!(shape.applied(slot.clone(), definitions()), slot);
    }

    #[test]
    fn elements_are_about_matches_and_summaries_about_everything() {
        let mut shape = Shape::of("Slot");
        assert!(shape.want("start", definitions()));
        let schedule = || Element::resource("Schedule").with(Element::text("comment", "Room 2"));
        let entry = |mode| Entry { path: "Schedule/a".to_owned(), resource: schedule(), mode };
        assert_eq!(entry(Mode::Include).shaped(&shape, definitions()).resource, schedule());
        shape.summarise(Some(Summary::Short));
        assert!(is_tagged(&entry(Mode::Include).shaped(&shape, definitions()).resource));
    }

    #[test]
    fn every_summary_element_has_a_definition() {
        for (kind, names) in definitions().summaries() {
            let definition = definitions().resource(kind).unwrap();
            for name in names {
                assert!(definition.field(name).is_some(), "{kind}.{name}");
            }
        }
    }
}
