//! The appointment's document: the resource as it was sent, completed by what the server adds, as the store keeps
//! it.

use super::{definitions, naming};
use crate::codec::json;
use domain::appointment::AppointmentStatus;
use domain::document::{Document, Documents, Release};
use domain::element::Element;
use domain::ids::AppointmentId;
use domain::time::Timestamp;

/// Documents of STU3, kept as JSON text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stu3Documents;

impl Documents for Stu3Documents {
    fn write(&self, tree: &Element) -> Document {
        Document { release: Release::Stu3, text: json::write_stored(tree, definitions()) }
    }

    /// A stored text was checked before it was stored: anything wrong with it is an error.
    fn read(&self, document: &Document) -> Result<Element, String> {
        match document.release {
            Release::Stu3 => json::read_document(&document.text, definitions()),
        }
    }

    /// `created` is the server's (docs/specification/uec.md#i-disagreements, row 12), unless it is the consumer's to
    /// set and `keeps_created`.
    fn booked(&self, mut resource: Element, id: &AppointmentId, now: Timestamp, keeps_created: bool) -> Element {
        resource.set(Element::text("id", id.as_str()));
        if !keeps_created {
            resource.set(Element::text("created", now.to_fhir()));
        }
        stamped(resource, 1, now)
    }

    fn cancelled(&self, mut stored: Element, version: i64, now: Timestamp) -> Element {
        stored.set(Element::text("status", AppointmentStatus::Cancelled.code()));
        stamped(stored, version, now)
    }
}

/// A resource with the version and time the server gives it, and the profile it is known to meet.
fn stamped(mut resource: Element, version: i64, now: Timestamp) -> Element {
    let mut meta = resource.child("meta").cloned().unwrap_or_else(|| Element::complex("meta"));
    meta.set(Element::text("versionId", version.to_string()));
    meta.set(Element::text("lastUpdated", now.to_fhir()));
    if !meta.all("profile").any(|p| p.as_text() == Some(naming::APPOINTMENT_PROFILE)) {
        meta.children.push(Element::text("profile", naming::APPOINTMENT_PROFILE));
    }
    resource.set(meta);
    resource
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_770_800_000_000);
    const LATER: Timestamp = Timestamp::from_ms(1_770_800_060_000);

    #[test]
    fn the_server_adds_its_own_elements_and_keeps_the_rest() {
        let id = AppointmentId::stored("a".to_owned());
        let sent = Element::resource("Appointment")
            .with(Element::complex("meta").with(Element::text("profile", "https://example.org/own")))
            .with(Element::text("created", "2019-01-01"))
            .with(Element::text("description", "ear"));
        let made = Stu3Documents.booked(sent.clone(), &id, NOW, false);
        assert_eq!(made.text_at("id"), Some("a"));
        assert_eq!(made.text_at("meta.versionId"), Some("1"));
        assert_eq!(made.text_at("created"), Some(NOW.to_fhir().as_str()));
        assert_eq!(made.text_at("description"), Some("ear"));
        let of_the_consumer = Stu3Documents.booked(sent, &id, NOW, true);
        assert_eq!(of_the_consumer.text_at("created"), Some("2019-01-01"));
        let profiles: Vec<_> = made.child("meta").unwrap().all("profile").filter_map(Element::as_text).collect();
        assert_eq!(profiles, ["https://example.org/own", naming::APPOINTMENT_PROFILE]);
        let over = Stu3Documents.cancelled(made, 2, LATER);
        assert_eq!((over.text_at("status"), over.text_at("meta.versionId")), (Some("cancelled"), Some("2")));
        assert_eq!(over.text_at("meta.lastUpdated"), Some(LATER.to_fhir().as_str()));
    }
}
