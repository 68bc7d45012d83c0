//! Bodies to begin with. Everybody in them is invented; the NHS number is of the range for tests.

use super::super::pipeline::dialect::Dialect;
use super::super::pipeline::documentation::AnswerSample;
use fhir::codec::{json as fhir_json, xml};
use fhir::stu3;
use serde_json::{Value, json};

/// What a search of slots finds.
const SLOTS: &str = include_str!("examples/slots.json");

/// What to post.
pub fn booking(dialect: &Dialect) -> Value {
    // The text is a file of the dialect's folder; a test reads it.
    serde_json::from_str(dialect.booking_example).unwrap_or_default()
}

/// What comes of it, in a version and with a status.
fn booked(dialect: &Dialect, version: &str, status: &str) -> Value {
    let mut made = booking(dialect);
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
pub fn cancelled(dialect: &Dialect) -> Value {
    booked(dialect, "1", "cancelled")
}

/// A good answer, where there is one to show.
pub fn answer(dialect: &Dialect, sample: AnswerSample) -> Option<Value> {
    let slots: Value = serde_json::from_str(SLOTS).unwrap_or_default();
    let entry = |kind: &str| {
        let entries = slots.get("entry").and_then(Value::as_array).into_iter().flatten();
        let mut resources = entries.filter_map(|entry| entry.get("resource"));
        resources.find(|resource| resource.get("resourceType").and_then(Value::as_str) == Some(kind)).cloned()
    };
    match sample {
        AnswerSample::None => None,
        AnswerSample::Slots => Some(slots),
        AnswerSample::OfSlots(kind) => entry(kind),
        AnswerSample::Booked => Some(booked(dialect, "1", "booked")),
        AnswerSample::Cancelled => Some(booked(dialect, "2", "cancelled")),
    }
}

/// The same resource in XML.
pub fn as_xml(resource: &Value) -> String {
    let read = fhir_json::read(resource.to_string().as_bytes(), stu3::definitions());
    read.map(|read| xml::write_pretty(&read.tree, stu3::definitions())).unwrap_or_default()
}
