//! A dialect that is defined here and served like any other: a root with a parameter, operations of its own and shared ones.

use fhir::outcome;
use serde_json::Value;
use slotkeeper::http::dialects::{booking as assured, provider};
use slotkeeper::http::handlers::{appointments, bookings, faults, metadata, slots};
use slotkeeper::http::pipeline::dialect::Dialect;
use slotkeeper::http::pipeline::operation::{Operation, Stated};
use slotkeeper::http::pipeline::path::RootPath;
use slotkeeper::http::pipeline::reply::Reply;
use slotkeeper::http::pipeline::rules::{DialectRules, HeaderPresence};
use testkit::{App, Ask, Setup, UTC, booking, on_both};

static OURS: Dialect = Dialect {
    name: "ours",
    description: "A dialect of a test",
    root: RootPath::new("/{ods}/STU3/1/ours"),
    operations: &[WHERE, slots::SEARCH, bookings::BOOK, appointments::READ_VERSION],
    rules: DialectRules { request_id: HeaderPresence::Demanded, ..provider::RULES },
    refuse: assured::table::refuse,
    booking_example: "{}",
};

/// Says where it was called.
const WHERE: Operation = Operation {
    path: "Slot/{id}/$where",
    audit: "where:slot",
    scope: slots::READ.scope,
    stated: Stated::Operation { name: "where", definition: "http://example.org/OperationDefinition/where" },
    handler: |context| {
        Box::pin(async move {
            let told = format!("{} of {} at {}", context.id(), context.path.get("ods"), context.root_url);
            Ok(Reply::resource(outcome::tree("1", &[outcome::informational(told)]), context.pretty()))
        })
    },
    faults: faults::read,
    ..metadata::operation(slots::READ.handler)
};

static ROOTS: [&Dialect; 2] = [&assured::DIALECT, &OURS];

fn with_ours() -> Setup {
    Setup::with(|setup| setup.roots = &ROOTS)
}

const HERE: &str = "/X9T20/STU3/1/ours";
const THERE: &str = "/A82.1/STU3/1/ours";

#[on_both(with_ours())]
async fn a_root_may_have_parameters(app: App) {
    for (root, ods) in [(HERE, "X9T20"), (THERE, "A82.1")] {
        let answer = app.ask(Ask::get("Slot/7/$where").on(root)).await.expect(200).json();
        let told = answer["issue"][0]["diagnostics"].as_str().unwrap();
        assert_eq!(told, format!("7 of {ods} at https://booking.example-uec.thirdparty.nhs.uk{root}"));
        let record = app.records().pop().unwrap();
        assert_eq!((&record["root"], &record["interaction"]), (&Value::from("/{ods}/STU3/1/ours"), &Value::from("where:slot")));
    }
    // The scope is the operation's, and the audience the root as it was called.
    let told = app.ask(Ask::get("Slot/7/$where").on(HERE).scope("patient/appointment.write")).await;
    assert!(told.refused(403, "forbidden", "ACCESS DENIED").contains("organization/slot.read"));
}

#[on_both(with_ours())]
async fn shared_operations_speak_of_the_root_as_it_was_called(app: App) {
    let search = format!("Slot?service={UTC}&start=2026-02-11");
    // The second time it is the response that is kept, of each root its own.
    for root in [HERE, THERE, HERE, THERE] {
        let found = app.ask(Ask::get(&search).on(root)).await.expect(200).json();
        let link = found["link"][0]["url"].as_str().unwrap().to_owned();
        assert_eq!(link, format!("https://booking.example-uec.thirdparty.nhs.uk{root}/{search}"));
    }
    let slot = app.free_slot(UTC).await;
    let without_id = Ask::book(&booking(&slot)).on(HERE).without("X-Request-ID");
    assert!(app.ask(without_id).await.refused(400, "required", "MISSING_OR_INVALID_HEADER").contains("X-Request-ID"));
    let made = app.ask(Ask::book(&booking(&slot)).on(HERE)).await.expect(201);
    assert!(made.header("Location").starts_with(&format!("https://booking.example-uec.thirdparty.nhs.uk{HERE}/Appointment/")));
}

#[on_both(with_ours())]
async fn what_a_dialect_does_not_list_is_not_served(app: App) {
    for path in ["metadata", "Appointment/1", "Slot/1", "Slot/$where", "Schedule?_id=1"] {
        app.ask(Ask::get(path).on(HERE)).await.expect(404);
    }
    let answer = app.ask(Ask::new("PUT", "Slot/7/$where").on(HERE)).await.expect(405);
    assert_eq!(answer.header("Allow"), "GET, HEAD");
    // A value of a root has the characters of an id, and no more.
    for root in ["/A_1/STU3/1/ours", "/A%2F1/STU3/1/ours", "/A/B/STU3/1/ours"] {
        app.ask(Ask::get("Slot/7/$where").on(root)).await.expect(404);
    }
}
