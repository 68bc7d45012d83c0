//! What changes the meaning of everything else: a resource with a modifier nobody here knows must not be processed
//! (STU3, "Extensibility": modifier extensions; "Resource": implicitRules). None is known here.

use super::findings::{Findings, Place};
use domain::element::Element;
use std::collections::BTreeSet;

const IMPLICIT_RULES: &str = "implicitRules";
const MODIFIER: &str = "modifierExtension";

/// Adds a finding for every modifier, at any depth.
pub(super) fn refuse(place: &Place<'_>, findings: &mut Findings) {
    // Nearly no body has one, and finding the paths of everything else costs more than reading the body did.
    if there_are_any(place.element) {
        find(place, findings);
    }
}

fn there_are_any(element: &Element) -> bool {
    element.children.iter().any(|child| matches!(child.name.as_str(), IMPLICIT_RULES | MODIFIER) || there_are_any(child))
}

fn find(place: &Place<'_>, findings: &mut Findings) {
    let names: BTreeSet<&str> = place.element.children.iter().map(|child| child.name.as_str()).collect();
    for name in names {
        if name == IMPLICIT_RULES {
            findings.invariant(place.path_of(name), "the resource follows rules that are not known here: leave `implicitRules` out");
            continue;
        }
        let repeats = place.element.all(name).nth(1).is_some() || matches!(name, "contained" | MODIFIER);
        let children = if repeats { place.many(name) } else { place.one(name).into_iter().collect() };
        for child in children {
            if name == MODIFIER {
                findings.invariant(child.path, "this modifier is not known here, so what it modifies cannot be understood: leave it out");
            } else {
                find(&child, findings);
            }
        }
    }
}
