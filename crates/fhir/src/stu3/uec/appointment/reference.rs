//! What the text of a reference points at.
//!
//! Does not know whether anything is there. Pitfall: an absolute URL below a root of this server means what `Slot/<id>`
//! alone would mean; one below any other base is another server's, even if its end is an id that exists here.

use std::collections::{HashMap, HashSet};

use super::findings::{Findings, Place};
use crate::service_roots::ServiceRoots;
use domain::ids::is_fhir_id;

/// Where a reference points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'t> {
    /// `#id`: an entry of `contained`.
    Contained(&'t str),
    /// `Kind/id`, alone or before `/_history/…`, as it stands or below a root of this server.
    Resource {
        /// The resource type.
        kind: &'t str,
        /// The id, a FHIR id.
        id: &'t str,
    },
    /// A resource of another server.
    Foreign {
        /// The resource type.
        kind: &'t str,
        /// The id, a FHIR id.
        id: &'t str,
    },
    /// Something else, such as `urn:uuid:…`.
    Elsewhere,
}

impl<'t> Target<'t> {
    /// Reads a reference; `roots` are those of this server.
    pub fn parse(text: &'t str, roots: ServiceRoots<'_>) -> Self {
        if let Some(id) = text.strip_prefix('#') {
            return Self::Contained(id);
        }
        let here = roots.relative(text).unwrap_or(text);
        let unversioned = here.split_once("/_history/").map_or(here, |(before, _)| before);
        let Some((before, id)) = unversioned.rsplit_once('/') else { return Self::Elsewhere };
        let (base, kind) = before.rsplit_once('/').map_or((None, before), |(base, kind)| (Some(base), kind));
        let names_a_kind = kind.starts_with(|c: char| c.is_ascii_uppercase()) && kind.bytes().all(|b| b.is_ascii_alphabetic());
        match base {
            _ if !names_a_kind || !is_fhir_id(id) => Self::Elsewhere,
            None => Self::Resource { kind, id },
            Some(_) => Self::Foreign { kind, id },
        }
    }

    /// The id, when the reference is to a resource of that kind, here or on another server.
    pub fn id_anywhere(self, wanted: &str) -> Option<&'t str> {
        match self {
            Self::Resource { kind, id } | Self::Foreign { kind, id } if kind == wanted => Some(id),
            _ => None,
        }
    }

    /// The id, when the reference is to a resource of that kind on this server.
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

    /// The first of a kind; every further one is a finding (docs/specification/uec.md#b5-appointment: exactly one each).
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
    use super::{ServiceRoots, Target};

    const ROOTS: ServiceRoots<'static> = ServiceRoots { public_url: "https://here.example", paths: &["/STU3/1/booking"] };

    #[test]
    fn a_reference_is_ours_alone_or_below_our_root() {
        let slot = Target::Resource { kind: "Slot", id: "a-1" };
        let own = "https://here.example/STU3/1/booking/Slot/a-1";
        for text in ["Slot/a-1", own, "Slot/a-1/_history/2", &format!("{own}/_history/2")] {
            assert_eq!(Target::parse(text, ROOTS), slot, "{text}");
        }
        assert_eq!(Target::parse("#a-1", ROOTS), Target::Contained("a-1"));
        for text in
            ["https://x.example/STU3/1/booking/Slot/a-1", "https://here.example/Slot/a-1", "//x.example/Slot/a-1", "x/Slot/a-1/_history/2"]
        {
            assert_eq!(Target::parse(text, ROOTS), Target::Foreign { kind: "Slot", id: "a-1" }, "{text}");
        }
        for text in ["", "/", "Slot/", "Slot", "Slot/a b", "urn:uuid:6c74d781-cc3b-4ca7-8c2a-f2259c62e7f0", "https://x.example/a/b"] {
            assert_eq!(Target::parse(text, ROOTS), Target::Elsewhere, "{text}");
        }
        assert_eq!(slot.id_of("Schedule"), None);
    }
}
