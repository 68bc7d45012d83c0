//! The body of docs/specification/uec.md#h2-booking and what happens when it is changed.

mod older_versions;
mod single_faults;
mod whole_bodies;

use super::*;
use crate::stu3::definitions;
use serde_json::{Value as Json, json};

const STRICT: BookingRules<'static> = BookingRules::BOOKING;
const PROVIDER: BookingRules<'static> = BookingRules::PROVIDER;

/// One change of a JSON body, at a JSON pointer.
#[derive(Clone)]
enum Change {
    Set(&'static str, Json),
    Remove(&'static str),
    Push(&'static str, Json),
    /// Appends a copy of what stands there to the same array.
    Repeat(&'static str),
}
use Change::{Push, Remove, Repeat, Set};

fn example() -> Json {
    serde_json::from_str(include_str!("tests/example.json")).unwrap()
}

fn split(pointer: &str) -> (&str, &str) {
    pointer.rsplit_once('/').unwrap()
}

fn apply(body: &mut Json, change: &Change) {
    match change {
        Set(pointer, value) => {
            let (parent, name) = split(pointer);
            match body.pointer_mut(parent).unwrap() {
                Json::Array(items) => items[name.parse::<usize>().unwrap()] = value.clone(),
                object => object[name] = value.clone(),
            }
        }
        Remove(pointer) => {
            let (parent, name) = split(pointer);
            match body.pointer_mut(parent).unwrap() {
                Json::Array(items) => drop(items.remove(name.parse().unwrap())),
                object => drop(object.as_object_mut().unwrap().remove(name).unwrap()),
            }
        }
        Push(pointer, value) => body.pointer_mut(pointer).unwrap().as_array_mut().unwrap().push(value.clone()),
        Repeat(pointer) => {
            let copy = body.pointer(pointer).unwrap().clone();
            body.pointer_mut(split(pointer).0).unwrap().as_array_mut().unwrap().push(copy);
        }
    }
}

fn changed(changes: &[Change]) -> Json {
    let mut body = example();
    changes.iter().for_each(|change| apply(&mut body, change));
    body
}

fn body(json: &Json) -> Read {
    crate::codec::json::read(json.to_string().as_bytes(), definitions()).unwrap()
}

fn tree(json: &Json) -> Element {
    body(json).tree
}

fn read(changes: &[Change], rules: &BookingRules<'_>) -> Result<BookRequest, Vec<Problem>> {
    read_booking_body(body(&changed(changes)), rules)
}

/// Kind and place of every problem.
fn faults(result: &Result<BookRequest, Vec<Problem>>) -> Vec<(ProblemKind, String)> {
    let problems = result.as_ref().err().cloned().unwrap_or_default();
    problems.into_iter().map(|p| (p.kind, p.expression)).collect()
}

fn expected(list: &[(ProblemKind, &str)]) -> Vec<(ProblemKind, String)> {
    list.iter().map(|(kind, place)| (*kind, format!("Appointment{place}"))).collect()
}

/// An array to put into a body.
fn list(item: Json) -> Json {
    json!([item])
}
