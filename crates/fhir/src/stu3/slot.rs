//! Slots as trees (docs/specification/uec.md#b1-slot).
//!
//! Pitfall: in a search answer a slot carries no version and no time of change, so that the answer and its `ETag`
//! stay what they are until something that is shown changes (docs/contract.md#bundles); only a slot read by its
//! id carries them.

use super::naming::{DELIVERY_CHANNEL, SLOT_PROFILE, UUID};
use domain::element::Element;
use domain::slot::Slot;
use domain::time::Timestamp;

/// The slot as a search answer shows it at `now`.
pub fn tree(slot: &Slot, now: Timestamp) -> Element {
    with_meta(slot, now, Element::complex("meta").with(Element::text("profile", SLOT_PROFILE)))
}

/// The slot as a read by id shows it at `now`: with the version and the time of its last change.
pub fn tree_versioned(slot: &Slot, now: Timestamp) -> Element {
    let meta = Element::complex("meta")
        .with(Element::text("versionId", slot.version.to_string()))
        .with(Element::text("lastUpdated", slot.updated.to_fhir()))
        .with(Element::text("profile", SLOT_PROFILE));
    with_meta(slot, now, meta)
}

fn with_meta(slot: &Slot, now: Timestamp, meta: Element) -> Element {
    // A channel that the provider did not state is never made up (docs/specification/uec.md#b1-slot).
    let channel = slot.channel.map(|channel| {
        Element::complex("extension").with(Element::text("url", DELIVERY_CHANNEL)).with(Element::text("valueCode", channel.code()))
    });
    let identifier = Element::complex("identifier").with(Element::text("system", UUID)).with(Element::text("value", slot.id.as_str()));
    let schedule = Element::complex("schedule").with(Element::text("reference", format!("Schedule/{}", slot.schedule)));
    Element::resource("Slot")
        .with(Element::text("id", slot.id.as_str()))
        .with(meta)
        .with_all(channel)
        .with(identifier)
        .with(schedule)
        .with(Element::text("status", slot.status(now).code()))
        .with(Element::text("start", slot.start.to_fhir()))
        .with(Element::text("end", slot.end.to_fhir()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stu3::definitions;
    use domain::ids::{ScheduleId, SlotId};
    use domain::slot::Channel;
    use domain::time::MINUTE_MS;

    const START: Timestamp = Timestamp::from_ms(1_770_802_200_000);

    fn slot() -> Slot {
        Slot {
            id: SlotId::stored("6c74d781-cc3b-4ca7-8c2a-f2259c62e7f0".to_owned()),
            schedule: ScheduleId::stored("treatment-2".to_owned()),
            start: START,
            end: START.plus_ms(15 * MINUTE_MS),
            capacity: 1,
            taken: 0,
            blocked: false,
            channel: None,
            version: 3,
            updated: START.plus_ms(-MINUTE_MS),
        }
    }

    /// Proves F23.
    #[test]
    fn a_slot_shows_what_a_consumer_needs_to_book_it() {
        let tree = tree(&slot(), START.plus_ms(-1));
        assert_eq!(tree.kind(), Some("Slot"));
        assert_eq!(tree.text_at("id"), tree.text_at("identifier.value"));
        assert_eq!(tree.text_at("identifier.system"), Some("https://tools.ietf.org/html/rfc4122"));
        assert_eq!(tree.text_at("schedule.reference"), Some("Schedule/treatment-2"));
        assert_eq!(tree.text_at("status"), Some("free"));
        assert_eq!(tree.text_at("start"), Some("2026-02-11T09:30:00.000+00:00"));
        assert_eq!(tree.text_at("end"), Some("2026-02-11T09:45:00.000+00:00"));
        assert_eq!(tree.text_at("meta.profile"), Some(SLOT_PROFILE));
        assert_eq!((tree.at("meta.versionId"), tree.at("meta.lastUpdated"), tree.at("extension")), (None, None, None));
    }

    #[test]
    fn a_slot_that_has_begun_is_never_shown_as_free() {
        assert_eq!(tree(&slot(), START).text_at("status"), Some("busy-unavailable"));
        assert_eq!(tree(&Slot { taken: 1, ..slot() }, START).text_at("status"), Some("busy"));
    }

    /// Proves F29.
    #[test]
    fn the_channel_is_shown_where_the_provider_said_so() {
        let tree = tree(&Slot { channel: Some(Channel::Telephone), ..slot() }, START);
        assert_eq!(tree.text_at("extension.valueCode"), Some("Telephone"));
        assert_eq!(tree.text_at("extension.url"), Some(DELIVERY_CHANNEL));
    }

    #[test]
    fn a_slot_read_by_id_carries_its_version() {
        let tree = tree_versioned(&slot(), START);
        assert_eq!(tree.text_at("meta.versionId"), Some("3"));
        assert_eq!(tree.text_at("meta.lastUpdated"), Some("2026-02-11T09:29:00.000+00:00"));
    }

    #[test]
    fn a_slot_is_written_in_the_order_of_its_definition() {
        let written =
            crate::codec::json::write(&tree(&Slot { channel: Some(Channel::InPerson), ..slot() }, START.plus_ms(-1)), definitions());
        let wanted = concat!(
            r#"{"resourceType":"Slot","id":"6c74d781-cc3b-4ca7-8c2a-f2259c62e7f0","#,
            r#""meta":{"profile":["https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Slot-1"]},"#,
            r#""extension":[{"url":"https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-DeliveryChannel-1","#,
            r#""valueCode":"In-person"}],"#,
            r#""identifier":[{"system":"https://tools.ietf.org/html/rfc4122","value":"6c74d781-cc3b-4ca7-8c2a-f2259c62e7f0"}],"#,
            r#""schedule":{"reference":"Schedule/treatment-2"},"status":"free","#,
            r#""start":"2026-02-11T09:30:00.000+00:00","end":"2026-02-11T09:45:00.000+00:00"}"#
        );
        assert_eq!(written, wanted);
    }
}
