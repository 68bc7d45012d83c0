//! Bodies: the booking of docs/specification/uec.md#h2-booking for any slot, and how a test changes it.

use crate::app::Slot;
use fhir::stu3;
use serde_json::Value;

const H2: &str = include_str!("bodies/booking.json");
const H2_XML: &str = include_str!("bodies/booking.xml");

/// The booking of docs/specification/uec.md#h2-booking word for word, but for slot, schedule, start and end.
pub fn booking_text(slot: &Slot) -> String {
    filled(H2, slot)
}

/// The same booking in XML.
pub fn booking_xml(slot: &Slot) -> String {
    filled(H2_XML, slot)
}

fn filled(template: &str, slot: &Slot) -> String {
    let filled = template
        .replace("9f2c41d0-nurse-0930", &slot.id)
        .replace("6c74d781-cc3b-4ca7-8c2a-f2259c62e7f0", &slot.id)
        .replace("Schedule/sch-treat-2", &format!("Schedule/{}", slot.schedule))
        // In two steps: a slot may begin when that of the template ends.
        .replace("2026-02-11T09:30:00.000+00:00", "<start>")
        .replace("2026-02-11T09:45:00.000+00:00", &slot.end)
        .replace("<start>", &slot.start);
    assert!(filled.contains(&slot.id) && filled.contains(&slot.schedule), "the template has other places than it had");
    filled
}

/// The booking of docs/specification/uec.md#h2-booking for a slot.
pub fn booking(slot: &Slot) -> Value {
    serde_json::from_str(&booking_text(slot)).unwrap()
}

/// A body with the value at a JSON pointer replaced or added (`-` appends to a list).
#[track_caller]
pub fn put(mut body: Value, at: &str, value: impl Into<Value>) -> Value {
    let (parent, name) = at.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap_or_else(|| panic!("there is no {parent}")) {
        Value::Array(list) if name == "-" => list.push(value.into()),
        Value::Array(list) => list[name.parse::<usize>().unwrap()] = value.into(),
        Value::Object(map) => drop(map.insert(name.to_owned(), value.into())),
        other => panic!("{parent} is {other}"),
    }
    body
}

/// A body without what is at a JSON pointer.
#[track_caller]
pub fn take(mut body: Value, at: &str) -> Value {
    let (parent, name) = at.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap_or_else(|| panic!("there is no {parent}")) {
        Value::Array(list) => drop(list.remove(name.parse::<usize>().unwrap())),
        Value::Object(map) => drop(map.remove(name).unwrap_or_else(|| panic!("there is no {at}"))),
        other => panic!("{parent} is {other}"),
    }
    body
}

/// An appointment as it was read, with the status that cancels it.
pub fn cancelled(appointment: &Value) -> Value {
    put(appointment.clone(), "/status", "cancelled")
}

/// A resource in XML.
pub fn xml_of(resource: &Value) -> String {
    let tree = fhir::codec::json::read(resource.to_string().as_bytes(), stu3::definitions()).unwrap().tree;
    fhir::codec::xml::write(&tree, stu3::definitions())
}
