//! Documents: resources as the store keeps them. A port: whoever knows a format and a release provides it.

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

/// Turns trees of one release into the text the store keeps, and back, and completes what was sent; a port, so that the
/// engine can decide on trees without knowing a format or a profile.
pub trait Documents: Send + Sync {
    /// The release of the trees.
    fn release(&self) -> Release;
    /// The stored text of a tree.
    fn write(&self, tree: &Element) -> String;
    /// The tree of a stored text, or what is wrong with it.
    fn read(&self, text: &str) -> Result<Element, String>;
    /// The resource of a new appointment: what was sent, completed by what the server adds.
    fn booked(&self, resource: Element, id: &AppointmentId, now: Timestamp, keeps_created: bool) -> Element;
    /// The resource of a cancelled appointment: what was stored, with the status changed.
    fn cancelled(&self, stored: Element, version: i64, now: Timestamp) -> Element;
}
