//! Bodies and queries that nobody should send: each is answered in good order and none with a fault of ours
//! (docs/contract.md#statuses).
//!
//! The random ones are drawn from a fixed seed, so that a failure comes again; it names the changes that led to it.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use testkit::{Answer, App, Ask, Slot, UTC, booking, booking_text, booking_xml, cancelled, on_both};

const ROOTS: [&str; 2] = ["/STU3/1/booking", "/STU3/1/provider"];
const MEBIBYTE: usize = 1_048_576;

fn post(body: impl Into<Vec<u8>>) -> Ask {
    Ask::new("POST", "Appointment").bytes(body)
}

#[on_both]
async fn a_megabyte_of_nonsense_is_refused(app: App) {
    let size = MEBIBYTE - 10;
    let wide = format!("{{\"resourceType\":\"Appointment\",\"participant\":[{}{{}}]}}", "{},".repeat((size - 60) / 3));
    let texts = format!("{{\"resourceType\":\"Appointment\",\"description\":\"{}\"}}", "é".repeat((size - 60) / 2));
    let number = format!("{{\"resourceType\":\"Appointment\",\"minutesDuration\":{}}}", "9".repeat(size - 60));
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("zeros", vec![0; size]),
        ("brackets", vec![b'['; size]),
        ("quotes", vec![b'"'; size]),
        ("spaces", vec![b' '; size]),
        ("no UTF-8", vec![0xff; size]),
        ("mixed", (0..size).map(|at| (at.wrapping_mul(2_654_435_761) >> 7) as u8).collect()),
        ("wide", wide.into_bytes()),
        ("a long text", texts.into_bytes()),
        ("a long number", number.into_bytes()),
        ("angles", vec![b'<'; size]),
    ];
    for (name, body) in bodies {
        for format in ["application/fhir+json", "application/fhir+xml"] {
            let ask = post(body.clone()).header("Content-Type", format).header("Accept", "application/fhir+json");
            let answer = app.ask(ask).await;
            assert!(matches!(answer.status, 400 | 422), "{name} as {format}: {} {:.300}", answer.status, answer.text());
            answer.issues(answer.status);
            assert!(answer.body.len() < 200_000, "{name} as {format} is answered with {} bytes", answer.body.len());
        }
    }
}

/// Every place in a body, as JSON pointers.
fn pointers(body: &Value) -> Vec<String> {
    fn collect(value: &Value, at: &str, into: &mut Vec<String>) {
        if !at.is_empty() {
            into.push(at.to_owned());
        }
        match value {
            Value::Object(map) => map.iter().for_each(|(name, value)| collect(value, &format!("{at}/{name}"), into)),
            Value::Array(list) => list.iter().enumerate().for_each(|(index, value)| collect(value, &format!("{at}/{index}"), into)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(body, "", &mut found);
    found
}

/// That a body, whatever it is, was booked or refused in good order; what was booked is cancelled again.
async fn in_good_order(app: &App, ask: Ask) -> Result<u16, String> {
    let body = String::from_utf8_lossy(ask.body.as_deref().unwrap_or_default()).into_owned();
    let answer = app.ask(ask.header("Accept", "application/fhir+json")).await;
    let wrong = |answer: &Answer, what: &str| Err(format!("{what}: {} {:.600}\nof {body}", answer.status, answer.text()));
    match answer.status {
        201 => {
            let made = answer.json();
            let id = made["id"].as_str().unwrap();
            let read = app.get(&format!("Appointment/{id}")).await;
            if read.status != 200 || read.json() != made {
                return wrong(&read, "a booking that cannot be read back");
            }
            let cancel = app.cancel(id, "W/\"1\"", &cancelled(&made)).await;
            if cancel.status == 200 { Ok(201) } else { wrong(&cancel, "a booking that cannot be cancelled") }
        }
        400 | 409 | 422 if answer.json()["resourceType"] == "OperationOutcome" => {
            answer.issues(answer.status);
            Ok(answer.status)
        }
        _ => wrong(&answer, "neither booked nor refused"),
    }
}

#[on_both]
async fn a_value_of_the_wrong_type_is_never_a_fault_of_ours(app: App) {
    let slot = app.free_slot(UTC).await;
    let body = booking(&slot);
    let wrong =
        [json!(null), json!(true), json!(-7.5e300), json!(""), json!("x"), json!([]), json!({}), json!([[{}]]), json!({"a": [null]})];
    let mut faults = Vec::new();
    for pointer in pointers(&body) {
        for value in &wrong {
            let mut changed = body.clone();
            *changed.pointer_mut(&pointer).unwrap() = value.clone();
            faults.extend(in_good_order(&app, Ask::book(&changed)).await.err().map(|e| format!("{pointer} = {value}: {e}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// One change of a JSON body.
#[derive(Debug, Clone)]
enum Change {
    Remove(usize),
    Put(usize, Value),
    Move(usize, usize),
    Repeat(usize),
    Rename(usize, String),
    Wrap(usize, usize),
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>().prop_map(|text| text.chars().take(40).collect()),
        Just(String::new()),
        Just(" ".to_owned()),
        Just("\u{0}".to_owned()),
        Just("\u{202e}\u{1f468}\u{200d}\u{1f469}".to_owned()),
        Just("x".repeat(5_000)),
        Just("2026-02-30T25:61:61+99:99".to_owned()),
        Just("9999-12-31T23:59:59.999999999+14:00".to_owned()),
        Just("0001-01-01T00:00:00-14:00".to_owned()),
        Just("Slot/../../Slot/1".to_owned()),
        Just("#".to_owned()),
        Just("' OR 1=1 --".to_owned()),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-zA-Z_]{0,8}", inner), 0..4).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn any_change() -> impl Strategy<Value = Change> {
    let place = any::<usize>();
    prop_oneof![
        place.prop_map(Change::Remove),
        (place, any_value()).prop_map(|(at, value)| Change::Put(at, value)),
        (place, any_text()).prop_map(|(at, text)| Change::Put(at, Value::from(text))),
        (place, place).prop_map(|(from, to)| Change::Move(from, to)),
        place.prop_map(Change::Repeat),
        (place, prop_oneof![any_text(), Just("_status".to_owned()), Just("extension".to_owned()), Just("modifierExtension".to_owned())])
            .prop_map(|(at, name)| Change::Rename(at, name)),
        (place, 1..40usize).prop_map(|(at, depth)| Change::Wrap(at, depth)),
    ]
}

impl Change {
    fn apply(&self, body: &mut Value) {
        let places = pointers(body);
        if places.is_empty() {
            return;
        }
        let pick = |at: usize| places[at % places.len()].as_str();
        let parent = |at: &str| at.rsplit_once('/').map(|(parent, name)| (parent.to_owned(), name.to_owned())).unwrap();
        match self {
            Self::Remove(at) => {
                let (parent, name) = parent(pick(*at));
                match body.pointer_mut(&parent) {
                    Some(Value::Object(map)) => drop(map.remove(&name)),
                    Some(Value::Array(list)) => drop(list.remove(name.parse().unwrap())),
                    _ => {}
                }
            }
            Self::Put(at, value) => *body.pointer_mut(pick(*at)).unwrap() = value.clone(),
            Self::Move(from, to) => {
                let moved = body.pointer(pick(*from)).unwrap().clone();
                *body.pointer_mut(pick(*to)).unwrap() = moved;
            }
            Self::Repeat(at) => {
                let (parent, _) = parent(pick(*at));
                let repeated = body.pointer(pick(*at)).unwrap().clone();
                if let Some(Value::Array(list)) = body.pointer_mut(&parent) {
                    list.push(repeated);
                }
            }
            Self::Rename(at, to) => {
                let (parent, name) = parent(pick(*at));
                if let Some(Value::Object(map)) = body.pointer_mut(&parent) {
                    let value = map.remove(&name).unwrap();
                    map.insert(to.clone(), value);
                }
            }
            Self::Wrap(at, depth) => {
                let place = body.pointer_mut(pick(*at)).unwrap();
                for level in 0..*depth {
                    *place = if level % 2 == 0 { json!([place.take()]) } else { json!({"extension": place.take()}) };
                }
            }
        }
    }
}

/// How many random bodies are tried on each database.
const CASES: usize = 400;

#[on_both]
async fn no_change_of_a_booking_is_a_fault_of_ours(app: App) {
    let slot = app.free_slot(UTC).await;
    let mut runner = TestRunner::deterministic();
    let changes = prop::collection::vec(any_change(), 1..4);
    let mut answered = std::collections::BTreeMap::new();
    for _ in 0..CASES {
        let changes = changes.new_tree(&mut runner).unwrap().current();
        let mut body = booking(&slot);
        changes.iter().for_each(|change| change.apply(&mut body));
        match in_good_order(&app, Ask::book(&body)).await {
            Ok(status) => *answered.entry(status).or_insert(0) += 1,
            Err(wrong) => panic!("{changes:?}\n{wrong}"),
        }
    }
    // The changes are neither all harmless nor all fatal.
    assert!(answered.get(&201).is_some_and(|n| *n > CASES / 40), "{answered:?}");
    assert!(answered.get(&422).is_some_and(|n| *n > CASES / 10), "{answered:?}");
    assert!(answered.get(&400).is_some_and(|n| *n > CASES / 40), "{answered:?}");
}

#[on_both]
async fn no_byte_of_a_body_is_a_fault_of_ours(app: App) {
    let slot = app.free_slot(UTC).await;
    let mut runner = TestRunner::deterministic();
    let edits = prop::collection::vec((any::<usize>(), 0..4usize, any::<u8>()), 1..3);
    for (text, format) in [(booking_text(&slot), "application/fhir+json"), (booking_xml(&slot), "application/fhir+xml")] {
        for _ in 0..CASES {
            let edits = edits.new_tree(&mut runner).unwrap().current();
            let mut body = text.clone().into_bytes();
            for (at, what, byte) in &edits {
                let at = at % body.len().max(1);
                match what {
                    0 => body.truncate(at.max(1)),
                    1 => body[at] = *byte,
                    2 => body.insert(at, b"<>&\"{}[],:\\/0"[usize::from(*byte) % 13]),
                    _ => drop(body.remove(at)),
                }
                if body.is_empty() {
                    body.push(b' ');
                }
            }
            if let Err(wrong) = in_good_order(&app, post(body).header("Content-Type", format)).await {
                panic!("{edits:?} of {format}\n{wrong}");
            }
        }
    }
}

#[on_both]
async fn no_query_is_a_fault_of_ours(app: App) {
    let slot = Slot { id: "x".to_owned(), ..app.free_slot(UTC).await };
    let mut runner = TestRunner::deterministic();
    let name = prop_oneof![
        Just("start".to_owned()),
        Just("status".to_owned()),
        Just("service".to_owned()),
        Just("schedule".to_owned()),
        Just("_id".to_owned()),
        Just("_count".to_owned()),
        Just("_cursor".to_owned()),
        Just("_lastUpdated".to_owned()),
        Just("_include".to_owned()),
        Just("identifier".to_owned()),
        Just("patient.identifier".to_owned()),
        Just("date".to_owned()),
        Just("actor".to_owned()),
        "[a-zA-Z_.:]{1,20}",
    ];
    let value = prop_oneof![
        "[ -~]{0,30}".prop_map(|text| text.replace(['&', '#'], "")),
        any_text().prop_map(|text| text.chars().take(60).filter(|c| !matches!(c, '&' | '#')).collect()),
        "(ge|le|gt|lt|eq|)[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?(Z|[+ -][0-9]{2}:[0-9]{2})?)?)?)?",
        Just(slot.schedule.clone()),
        "%[0-9A-F]{2}%[0-9A-Fg-z]{2}",
        "[0-9]{1,30}",
    ];
    let queries = prop::collection::vec((name, value), 1..5);
    for _ in 0..CASES / 4 {
        let query = queries.new_tree(&mut runner).unwrap().current();
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        for (root, kind) in
            [(ROOTS[0], "Slot?service=2000099901&"), (ROOTS[1], "Slot?"), (ROOTS[1], "Schedule?"), (ROOTS[1], "Appointment?")]
        {
            let answer = app.ask(Ask::get(format!("{kind}{}", query.join("&"))).on(root)).await;
            assert!(matches!(answer.status, 200 | 400 | 404 | 422), "{kind}{query:?}: {} {:.300}", answer.status, answer.text());
            if answer.status != 200 {
                // A refusal in the format that was asked, if one was.
                assert!(answer.text().contains("OperationOutcome"), "{query:?}");
            }
        }
    }
}
