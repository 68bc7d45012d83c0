//! The provider's directory: organisations, places, services, clinicians and their roles.
//!
//! The engine needs few facts about them; everything else in a resource is kept as the provider gave it and
//! handed out unchanged.

use super::document::Document;
use super::element::Element;
use super::ids::{OdsCode, ResourceId, ServiceId};
use super::time::Timestamp;

/// The kinds of resource the directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DirectoryKind {
    /// An organisation.
    Organization,
    /// A place.
    Location,
    /// A service that patients are sent to.
    HealthcareService,
    /// A clinician.
    Practitioner,
    /// A clinician's role.
    PractitionerRole,
}

impl DirectoryKind {
    /// All kinds, in the order in which one refers to those before it.
    pub const ALL: [Self; 5] = [Self::Organization, Self::Location, Self::HealthcareService, Self::Practitioner, Self::PractitionerRole];

    /// The resource type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::Location => "Location",
            Self::HealthcareService => "HealthcareService",
            Self::Practitioner => "Practitioner",
            Self::PractitionerRole => "PractitionerRole",
        }
    }
    /// The kind of a resource type.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }
}

/// One resource of the directory as it is handed out.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectoryEntry {
    /// What it is.
    pub kind: DirectoryKind,
    /// Its id.
    pub id: ResourceId,
    /// Counts its changes, from 1.
    pub version: i64,
    /// When it last changed.
    pub updated: Timestamp,
    /// The resource itself, as the codec wrote it.
    pub document: Document,
}

/// A resource of the directory as a seed file gives it: the resource and the facts found in it.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectoryRecord {
    /// Its id.
    pub id: ResourceId,
    /// What the engine needs to know of it.
    pub facts: DirectoryFacts,
    /// The whole resource.
    pub resource: Element,
}

/// What the engine needs to know of a resource, by kind. References are ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryFacts {
    /// An organisation and its ODS code, where it has one.
    Organization {
        /// Identifier of system `https://fhir.nhs.uk/Id/ods-organization-code`.
        ods: Option<OdsCode>,
    },
    /// A place.
    Location {
        /// `managingOrganization`.
        organization: Option<ResourceId>,
    },
    /// A service.
    HealthcareService {
        /// `name`, or the id where there is none.
        name: String,
        /// `providedBy`.
        organization: Option<ResourceId>,
        /// `location`, of which there is at most one (docs/specification/uec.md#b3-directory).
        location: Option<ResourceId>,
    },
    /// A clinician.
    Practitioner {
        /// `name` as people read it, for the diary.
        name: String,
    },
    /// A clinician's role.
    PractitionerRole {
        /// `practitioner`.
        practitioner: Option<ResourceId>,
        /// `organization`.
        organization: Option<ResourceId>,
    },
}

impl DirectoryFacts {
    /// The kind these facts are of.
    pub const fn kind(&self) -> DirectoryKind {
        match self {
            Self::Organization { .. } => DirectoryKind::Organization,
            Self::Location { .. } => DirectoryKind::Location,
            Self::HealthcareService { .. } => DirectoryKind::HealthcareService,
            Self::Practitioner { .. } => DirectoryKind::Practitioner,
            Self::PractitionerRole { .. } => DirectoryKind::PractitionerRole,
        }
    }
}

/// A service as the engine sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its directory of services id.
    pub id: ServiceId,
    /// What people call it.
    pub name: String,
    /// The organisation that provides it.
    pub organization: Option<ResourceId>,
    /// That organisation's ODS code.
    pub ods: Option<OdsCode>,
    /// Where it is.
    pub location: Option<ResourceId>,
}
