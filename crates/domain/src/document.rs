//! Documents: resources as the store keeps them. A port: a module that knows a format and a release implements it.

use super::element::Element;
use super::ids::AppointmentId;
use super::time::Timestamp;

/// The FHIR release that a stored document is written in. A document is shown in another release from the facts of its
/// appointment (docs/adr).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Release {
    /// FHIR 3.0.
    Stu3,
}

impl Release {
    /// Its name in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stu3 => "STU3",
        }
    }

    /// The release of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Stu3].into_iter().find(|release| release.name() == name)
    }
}

/// A resource as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The release it is written in.
    pub release: Release,
    /// Its text.
    pub text: String,
}

/// Turns trees of one release into the text the store keeps, and back, and completes what was sent; a port, so that the
/// engine can decide on trees without knowing a format or a profile.
pub trait Documents: Send + Sync {
    /// The document of a tree.
    fn write(&self, tree: &Element) -> Document;
    /// The tree of a document, or what is wrong with it.
    fn read(&self, document: &Document) -> Result<Element, String>;
    /// The resource of a new appointment: what was sent, completed by what the server adds.
    fn booked(&self, resource: Element, id: &AppointmentId, now: Timestamp, keeps_created: bool) -> Element;
    /// The resource of a cancelled appointment: what was stored, with the status changed.
    fn cancelled(&self, stored: Element, version: i64, now: Timestamp) -> Element;
}
