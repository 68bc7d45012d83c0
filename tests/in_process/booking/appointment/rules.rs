//! Every rule about the body of a booking (docs/specification/uec.md#b5-appointment to #b8-contained-slot, #c-rules,
//! and the tables of the `CareConnect` profiles), one by one: `rules.tsv` changes a good body in one place and says
//! what each root answers, and where.
//!
//! Pitfall: the list of places is the whole list. A rule that also complains elsewhere, or twice,
//! would send its reader to the wrong place.

use domain::time::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{App, Ask, Slot, UTC, booking, on_both, put, take};

const RULES: &str = include_str!("rules.tsv");
const MINUTE: i64 = 60_000;

#[on_both]
async fn every_rule_of_the_appointment_is_kept(app: App) {
    check(&app, "B.5", 55).await;
}

#[on_both]
async fn every_rule_of_the_patient_is_kept(app: App) {
    check(&app, "B.6", 55).await;
}

#[on_both]
async fn every_rule_of_the_clinical_document_is_kept(app: App) {
    check(&app, "B.7", 20).await;
}

#[on_both]
async fn every_rule_of_the_contained_slot_is_kept(app: App) {
    check(&app, "B.8", 17).await;
}

#[on_both]
async fn every_rule_of_the_business_is_kept(app: App) {
    check(&app, "C", 7).await;
}

#[on_both]
async fn every_rule_of_the_profiles_is_kept(app: App) {
    check(&app, "profile", 30).await;
}

/// Tries every rule of a section on both roots; all that is answered otherwise is told together.
async fn check(app: &App, section: &str, least: usize) {
    let rules: Vec<Vec<&str>> = RULES.lines().filter(|l| !l.starts_with('#')).map(|l| l.split('\t').collect()).collect();
    let mut slots = app.free_slots(UTC).await.into_iter();
    let mut slot = slots.next().expect("a free slot");
    let mut tried = 0;
    let mut wrong = Vec::new();
    for rule in rules.iter().filter(|rule| rule[0] == section) {
        let [_, says, changes, on_booking, on_provider] = rule[..] else { panic!("{rule:?} has other columns") };
        for (wanted, on_provider) in [(on_booking, false), (on_provider, true)] {
            let ask = Ask::book(&changed(&slot, changes));
            let answer = app.ask(if on_provider { ask.on_provider() } else { ask }).await;
            let (status, places) = wanted.split_once(' ').unwrap_or((wanted, ""));
            let is_refused = answer.status >= 400;
            let found: Vec<String> = if is_refused { answer.expressions(answer.status) } else { Vec::new() };
            let wanted: BTreeSet<String> = places.split_whitespace().map(|place| format!("Appointment{place}")).collect();
            if answer.status.to_string() != status || found.len() != wanted.len() || found.into_iter().collect::<BTreeSet<_>>() != wanted {
                let root = if on_provider { "provider" } else { "booking" };
                wrong.push(format!("{says} ({root}, {changes}): {} {}", answer.status, answer.text()));
            }
            if !is_refused {
                slot = slots.next().expect("more free slots");
            }
        }
        tried += 1;
    }
    assert!(wrong.is_empty(), "{} of {tried} rules are not kept:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried >= least, "only {tried} rules of {section}");
    assert_eq!(app.status_of(&slot.id).await, "free", "what is refused takes nothing");
}

/// The good body for a slot, with the changes of a rule.
fn changed(slot: &Slot, changes: &str) -> Value {
    let mut body = booking(slot);
    for change in changes.split(" && ") {
        let mut words = change.splitn(3, ' ');
        let (verb, at) = (words.next().unwrap(), words.next().unwrap_or_else(|| panic!("{change} changes nothing")));
        body = match verb {
            "put" => put(body, at, value(slot, words.next().unwrap_or_else(|| panic!("{change} puts nothing")))),
            "take" => take(body, at),
            "copy" => {
                let copy = body.pointer(at).unwrap_or_else(|| panic!("there is no {at}")).clone();
                put(body, &format!("{}/-", at.rsplit_once('/').unwrap().0), copy)
            }
            _ => panic!("{change} is no change"),
        };
    }
    body
}

/// A value: JSON, or what depends on the slot.
fn value(slot: &Slot, text: &str) -> Value {
    let at = |time: &str| Timestamp::parse(time).unwrap();
    let offset = |time: &str, hours: i64, zone: &str| at(time).plus_ms(hours * 60 * MINUTE).to_fhir().replace("+00:00", zone);
    match text {
        "$slot" => json!(format!("Slot/{}", slot.id)),
        "$start" => json!(slot.start),
        "$before" => json!(at(&slot.start).plus_ms(-MINUTE).to_fhir()),
        "$after" => json!(at(&slot.end).plus_ms(MINUTE).to_fhir()),
        "$startZ" => json!(slot.start.replace(".000+00:00", "Z")),
        "$start+01:00" => json!(offset(&slot.start, 1, "+01:00")),
        "$end-05:00" => json!(offset(&slot.end, -5, "-05:00")),
        json => serde_json::from_str(json).unwrap_or_else(|e| panic!("{json}: {e}")),
    }
}
