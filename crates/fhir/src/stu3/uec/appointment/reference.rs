//! What the text of a reference points at.
//!
//! Does not know whether anything is there.
//!
//! Pitfall: an absolute URL counts by its end (`…/Slot/<id>`), because consumers reach this server under more names
//! than it knows of itself.

use std::collections::{HashMap, HashSet};

use super::findings::{Findings, Place};
use domain::ids::is_fhir_id;

/// Where a reference points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'t> {
    /// `#id`: an entry of `contained`.
    Contained(&'t str),
    /// `Kind/id`, alone, at the end of a URL, or before `/_history/…`.
    Resource {
        /// The resource type.
        kind: &'t str,
        /// The id, a FHIR id.
        id: &'t str,
    },
    /// Something else, such as `urn:uuid:…`.
    Elsewhere,
}

impl<'t> Target<'t> {
    /// Reads a reference.
    pub fn parse(text: &'t str) -> Self {
        if let Some(id) = text.strip_prefix('#') {
            return Self::Contained(id);
        }
        let unversioned = text.split_once("/_history/").map_or(text, |(before, _)| before);
        let Some((before, id)) = unversioned.rsplit_once('/') else { return Self::Elsewhere };
        let kind = before.rsplit_once('/').map_or(before, |(_, kind)| kind);
        let names_a_kind = kind.starts_with(|c: char| c.is_ascii_uppercase()) && kind.bytes().all(|b| b.is_ascii_alphabetic());
        if names_a_kind && is_fhir_id(id) { Self::Resource { kind, id } } else { Self::Elsewhere }
    }

    /// The id, when the reference is to a resource of that kind.
    pub fn id_of(self, wanted: &str) -> Option<&'t str> {
        match self {
            Self::Resource { kind, id } if kind == wanted => Some(id),
            _ => None,
        }
    }
}

/// The resources in `contained`, found by kind and id. Indexed, because a hostile body contains many.
pub(super) struct Contained<'e> {
    by_kind: HashMap<&'e str, Vec<Place<'e>>>,
    named: HashSet<(&'e str, &'e str)>,
    ids: HashSet<&'e str>,
}

impl<'e> Contained<'e> {
    /// What `appointment` contains. Two entries of one id are a finding: a reference could mean either.
    pub fn of(appointment: &Place<'e>, findings: &mut Findings) -> Self {
        let mut contained = Self { by_kind: HashMap::new(), named: HashSet::new(), ids: HashSet::new() };
        for entry in appointment.many("contained") {
            let kind = entry.element.kind().unwrap_or_default();
            if let Some(id) = entry.text("id") {
                contained.named.insert((kind, id));
                if !contained.ids.insert(id) {
                    findings.invariant(entry.path_of("id"), "another contained resource has the same id: each needs its own");
                }
            }
            contained.by_kind.entry(kind).or_default().push(entry);
        }
        contained
    }

    /// Whether a resource of that kind and id is contained.
    pub fn has(&self, kind: &str, id: &str) -> bool {
        self.named.contains(&(kind, id))
    }

    /// Whether anything contained has that id.
    pub fn has_id(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// The first of a kind; every further one is a finding (digest B.5: exactly one each).
    pub fn single(&self, kind: &str, findings: &mut Findings) -> Option<&Place<'e>> {
        let all = self.by_kind.get(kind)?;
        for extra in all.iter().skip(1) {
            findings.invariant(extra.path.clone(), format!("a booking contains one {kind} only: leave this one out"));
        }
        all.first()
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_reference_counts_by_its_end() {
        let slot = Target::Resource { kind: "Slot", id: "a-1" };
        for text in ["Slot/a-1", "https://x.example/STU3/1/booking/Slot/a-1", "Slot/a-1/_history/2"] {
            assert_eq!(Target::parse(text), slot, "{text}");
        }
        assert_eq!(Target::parse("#a-1"), Target::Contained("a-1"));
        for text in ["", "/", "Slot/", "Slot", "Slot/a b", "urn:uuid:6c74d781-cc3b-4ca7-8c2a-f2259c62e7f0", "https://x.example/a/b"] {
            assert_eq!(Target::parse(text), Target::Elsewhere, "{text}");
        }
        assert_eq!(slot.id_of("Schedule"), None);
    }
}
