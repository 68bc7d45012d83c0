//! Headers that come more than once: a single meaning cannot be two, and a list in several lines is one list
//! (docs/contract.md#headers; RFC 9110, 5.3).

use testkit::{App, Ask, UTC, booking, cancelled, on_both};

const ROOTS: [&str; 2] = ["/STU3/1/booking", "/STU3/1/provider"];

/// Headers that mean one thing, with a value that is good.
const SINGLE: [(&str, &str); 10] = [
    ("X-Request-ID", "6c92ab9c-0cf4-4997-bac2-a4a8bd151902"),
    ("Ssp-TraceID", "09a01679-2564-0fb4-5129-aecc81ea2706"),
    ("Ssp-From", "200000000359"),
    ("Ssp-To", "918999198993"),
    ("Ssp-InteractionID", "urn:nhs:names:services:careconnect:fhir:rest:search:slot"),
    ("Content-Type", "application/fhir+json"),
    ("Host", "booking.example-uec.thirdparty.nhs.uk"),
    ("Origin", "https://diary.example.nhs.uk"),
    ("If-Unmodified-Since", "Tue, 10 Feb 2026 16:05:31 GMT"),
    ("Authorization", "Bearer e30.e30."),
];

#[on_both]
async fn a_header_with_a_single_meaning_comes_once(app: App) {
    let slot = app.free_slot(UTC).await;
    for root in ROOTS {
        let search = Ask::get(format!("Slot?service={UTC}&start=2026-02-11")).on(root);
        for ask in [search, Ask::book(&booking(&slot)).on(root), Ask::get("metadata").on(root)] {
            for (name, value) in SINGLE {
                // The second `Authorization` is the good one that every request has.
                let twice = if name == "Authorization" { ask.clone() } else { ask.clone().header(name, value) };
                let answer = app.ask(twice.header(name, value)).await;
                let told = answer.refused(400, "value", "MISSING_OR_INVALID_HEADER");
                assert!(told.contains(name) && told.contains("once"), "{root} {} {name}: {told}", ask.path);
            }
        }
    }
    app.booked(&slot).await;
}

/// A resend that a proxy gave an id of its own must not hear that its own slot is taken.
#[on_both]
async fn a_request_id_beside_that_of_a_proxy_is_refused(app: App) {
    let slot = app.free_slot(UTC).await;
    let ask = Ask::book(&booking(&slot));
    app.ask(ask.clone().key("own")).await.expect(201);
    for root in ROOTS {
        for keys in [["proxy", "own"], ["own", "proxy"]] {
            let answer = app.ask(ask.clone().on(root).key(keys[0]).key(keys[1])).await;
            assert!(answer.refused(400, "value", "MISSING_OR_INVALID_HEADER").contains("X-Request-ID"));
        }
        app.ask(ask.clone().on(root).key("own")).await.refused(409, "duplicate", "DUPLICATE_REJECTED");
    }
}

#[on_both]
async fn a_list_in_several_lines_is_one_list(app: App) {
    for root in ROOTS {
        let made = app.booked(&app.free_slot(UTC).await).await;
        let id = made["id"].as_str().unwrap();
        let read = Ask::get(format!("Appointment/{id}")).on(root);
        let xml = app.ask(read.clone().header("Accept", "image/png").header("Accept", "application/fhir+xml")).await.expect(200);
        assert!(xml.header("Content-Type").starts_with("application/fhir+xml"));
        let weighed = read.clone().header("Accept", "application/fhir+xml;q=0.2").header("Accept", "application/fhir+json;q=0.3");
        assert!(app.ask(weighed).await.expect(200).header("Content-Type").starts_with("application/fhir+json"));
        // What is kept of a search is kept for the whole list.
        let search = Ask::get(format!("Slot?service={UTC}&start=2026-02-11")).on(root).header("Accept", "application/fhir+json;q=0.5");
        app.ask(search.clone()).await.expect(200);
        let other = app.ask(search.header("Accept", "application/fhir+xml")).await.expect(200);
        assert!(other.header("Content-Type").starts_with("application/fhir+xml"));
        app.ask(read.header("If-None-Match", "W/\"7\"").header("If-None-Match", "W/\"1\"")).await.expect(304);
        let cancel = Ask::cancel(id, "W/\"7\"", &cancelled(&made)).on(root);
        app.ask(cancel.header("If-Match", "W/\"1\"")).await.expect(200);
    }
}
