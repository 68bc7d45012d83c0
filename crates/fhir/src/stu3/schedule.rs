//! Schedules as trees (docs/specification/uec.md#b2-schedule).
//!
//! Pitfall: however many services a schedule serves, it shows exactly one, the one that was searched for
//! (docs/contract.md#schedule-and-service); and a consumer of the booking root counts the actors, of which there
//! are at most three, so a place is shown only where there is room for it.

use super::naming::SCHEDULE_PROFILE;
use domain::element::Element;
use domain::ids::ServiceId;
use domain::schedule::Schedule;

/// The most actors the booking standard allows a schedule (docs/specification/uec.md#b2-schedule).
const ACTORS_MAX: usize = 3;

/// The schedule, showing the service `shown`; its place too where three actors are not exceeded, or always.
pub fn tree(schedule: &Schedule, shown: &ServiceId, location_always: bool) -> Element {
    with_meta(schedule, shown, location_always, Element::complex("meta"))
}

/// The same with the version and the time of its last change, for a read by id on the provider root.
pub fn tree_versioned(schedule: &Schedule, shown: &ServiceId) -> Element {
    let meta = Element::complex("meta")
        .with(Element::text("versionId", schedule.version.to_string()))
        .with(Element::text("lastUpdated", schedule.updated.to_fhir()));
    with_meta(schedule, shown, true, meta)
}

fn with_meta(schedule: &Schedule, shown: &ServiceId, location_always: bool, meta: Element) -> Element {
    let mut actors = vec![format!("HealthcareService/{shown}")];
    actors.extend(schedule.practitioner.iter().map(|id| format!("Practitioner/{id}")));
    actors.extend(schedule.role.iter().map(|id| format!("PractitionerRole/{id}")));
    if location_always || actors.len() < ACTORS_MAX {
        actors.extend(schedule.location.iter().map(|id| format!("Location/{id}")));
    }
    let identifier = Element::complex("identifier")
        .with(Element::text("system", schedule.identifier.system.as_str()))
        .with(Element::text("value", schedule.identifier.value.as_str()));
    // An empty string is no FHIR value, so a schedule without a name has no comment.
    let comment = Some(schedule.name.as_str()).filter(|name| !name.trim().is_empty());
    Element::resource("Schedule")
        .with(Element::text("id", schedule.id.as_str()))
        .with(meta.with(Element::text("profile", SCHEDULE_PROFILE)))
        .with(identifier)
        .with(Element::boolean("active", schedule.active))
        .with_all(actors.into_iter().map(|actor| Element::complex("actor").with(Element::text("reference", actor))))
        .with_all(comment.map(|name| Element::text("comment", name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::{ResourceId, ScheduleId};
    use domain::schedule::Identifier;
    use domain::time::{LONDON, Timestamp};

    fn id(text: &str) -> Option<ResourceId> {
        Some(ResourceId::stored(text.to_owned()))
    }

    fn schedule() -> Schedule {
        Schedule {
            id: ScheduleId::stored("treatment-2".to_owned()),
            identifier: Identifier { system: "https://weirside.example/Id/diary".to_owned(), value: "TREAT-2".to_owned() },
            name: "Treatment room 2".to_owned(),
            services: ["2000099901", "2000099902"].map(|s| ServiceId::stored(s.to_owned())).to_vec(),
            practitioner: id("prac-061"),
            role: id("700245118096"),
            location: id("loc-weir"),
            zone: LONDON,
            active: true,
            version: 2,
            updated: Timestamp::from_ms(1_770_802_200_000),
        }
    }

    fn actors(schedule: &Schedule, location_always: bool) -> Vec<String> {
        let tree = tree(schedule, &ServiceId::stored("2000099902".to_owned()), location_always);
        tree.all("actor").filter_map(|actor| actor.text_at("reference").map(str::to_owned)).collect()
    }

    /// Proves F22.
    #[test]
    fn exactly_one_service_is_shown_and_it_comes_first() {
        assert_eq!(actors(&schedule(), false), ["HealthcareService/2000099902", "Practitioner/prac-061", "PractitionerRole/700245118096"]);
    }

    #[test]
    fn the_place_is_shown_where_there_is_room_or_always() {
        let roomy = Schedule { role: None, ..schedule() };
        assert_eq!(actors(&roomy, false), ["HealthcareService/2000099902", "Practitioner/prac-061", "Location/loc-weir"]);
        assert_eq!(actors(&schedule(), true).last().map(String::as_str), Some("Location/loc-weir"));
    }

    #[test]
    fn a_schedule_read_by_id_carries_its_version() {
        let tree = tree_versioned(&schedule(), &ServiceId::stored("2000099901".to_owned()));
        assert_eq!((tree.text_at("meta.versionId"), tree.text_at("meta.profile")), (Some("2"), Some(SCHEDULE_PROFILE)));
        assert_eq!(tree.text_at("meta.lastUpdated"), Some("2026-02-11T09:30:00.000+00:00"));
        assert_eq!(tree.all("actor").count(), 4);
    }

    #[test]
    fn a_schedule_has_its_identifier_and_its_name() {
        let shown = ServiceId::stored("2000099901".to_owned());
        let named = tree(&schedule(), &shown, false);
        assert_eq!((named.text_at("identifier.value"), named.text_at("comment")), (Some("TREAT-2"), Some("Treatment room 2")));
        assert_eq!((named.text_at("id"), named.text_at("meta.profile")), (Some("treatment-2"), Some(SCHEDULE_PROFILE)));
        let nameless = tree(&Schedule { name: " ".to_owned(), ..schedule() }, &shown, false);
        assert_eq!(nameless.child("comment"), None);
    }
}
