//! Bodies to begin with. Everybody in them is invented; the NHS number is of the range for tests.

use super::super::dialects::Interaction;
use domain::directory::DirectoryKind;
use fhir::codec::json as fhir_json;
use fhir::codec::xml;
use fhir::stu3;
use serde_json::{Value, json};

/// A booking with everything contained, as the booking root demands it.
const FULL: &str = include_str!("examples/booking.json");
/// A booking as short as the provider root takes it.
const SHORT: &str = include_str!("examples/short.json");
/// What a search of slots finds.
const SLOTS: &str = include_str!("examples/slots.json");

/// What to post.
pub fn booking(strict: bool) -> Value {
    // The files are of this folder; a test reads them.
    serde_json::from_str(if strict { FULL } else { SHORT }).unwrap_or_default()
}

/// What comes of it, in a version and with a status.
fn booked(strict: bool, version: &str, status: &str) -> Value {
    let mut made = booking(strict);
    let added = [
        ("id", json!("43359409-1e68-4f08-96ba-fcaa4dc9e11b")),
        ("created", json!("2026-02-10T16:05:31.000+00:00")),
        (
            "meta",
            json!({
                "versionId": version, "lastUpdated": "2026-02-10T16:05:31.000+00:00",
                "profile": ["https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Appointment-1"],
            }),
        ),
        ("status", json!(status)),
    ];
    if let Some(fields) = made.as_object_mut() {
        fields.extend(added.map(|(name, value)| (name.to_owned(), value)));
    }
    made
}

/// What to put to cancel it.
pub fn cancelled(strict: bool) -> Value {
    booked(strict, "1", "cancelled")
}

/// A good answer, where there is one to show.
pub fn answer(strict: bool, interaction: Interaction) -> Option<Value> {
    let slots: Value = serde_json::from_str(SLOTS).unwrap_or_default();
    let entry = |kind: &str| {
        let entries = slots.get("entry").and_then(Value::as_array).into_iter().flatten();
        let mut resources = entries.filter_map(|entry| entry.get("resource"));
        resources.find(|resource| resource.get("resourceType").and_then(Value::as_str) == Some(kind)).cloned()
    };
    match interaction {
        Interaction::ReadSlot => entry("Slot"),
        Interaction::ReadSchedule => entry("Schedule"),
        Interaction::ReadDirectory(kind @ DirectoryKind::HealthcareService) => entry(kind.name()),
        Interaction::SearchSlots => Some(slots),
        Interaction::Book | Interaction::ReadAppointment | Interaction::ReadVersion => Some(booked(strict, "1", "booked")),
        Interaction::Update => Some(booked(strict, "2", "cancelled")),
        Interaction::Capability | Interaction::SearchSchedules | Interaction::SearchAppointments | Interaction::ReadHistory => None,
        Interaction::SearchDirectory(_) | Interaction::ReadDirectory(_) | Interaction::Validate => None,
    }
}

/// The same resource in XML.
pub fn as_xml(resource: &Value) -> String {
    fhir_json::read(resource.to_string().as_bytes(), stu3::definitions())
        .map(|read| xml::write_pretty(&read.tree, stu3::definitions()))
        .unwrap_or_default()
}
