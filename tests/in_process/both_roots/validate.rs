//! `$validate` on Appointment: it says what a booking or a cancel would be told, in an answer of 200, and does nothing.

use load::token::SCOPE_SLOT_READ;
use serde_json::{Value, json};
use testkit::{Answer, App, Ask, CONSUMER, OTHER_CONSUMER, Setup, Slot, UTC, booking, booking_xml, cancelled, on_both, put, take, xml_of};

const ROOTS: [&str; 2] = ["/STU3/1/booking", "/STU3/1/provider"];
const TYPE: &str = "Appointment/$validate";

fn ask(path: &str, body: &Value) -> Ask {
    Ask::new("POST", path).bytes(body.to_string())
}

/// The issues of an answer of 200 that is an outcome.
#[track_caller]
fn issues(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let outcome = answer.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{outcome}");
    outcome["issue"].as_array().unwrap().clone()
}

#[track_caller]
fn all_ok(answer: &Answer) {
    let issues = issues(answer);
    assert_eq!(issues.len(), 1, "{issues:?}");
    assert_eq!(
        (&issues[0]["severity"], &issues[0]["code"], &issues[0]["diagnostics"]),
        (&json!("information"), &json!("informational"), &json!("All OK"))
    );
}

/// That an answer lists errors, each with its place; the codes and places.
#[track_caller]
fn found(answer: &Answer) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned();
    let all = issues(answer);
    assert!(all.iter().all(|issue| issue["severity"] == "error" && issue["diagnostics"].is_string()), "{all:?}");
    all.iter().map(|issue| (text(&issue["code"]), text(&issue["expression"][0]))).collect()
}

#[track_caller]
fn found_one(answer: &Answer, code: &str, place: &str) {
    assert_eq!(found(answer), [(code.to_owned(), place.to_owned())]);
}

#[on_both]
async fn what_would_be_booked_is_all_ok_and_nothing_is_booked(app: App) {
    let slot = app.free_slot(UTC).await;
    for root in ROOTS {
        for _ in 0..3 {
            all_ok(&app.ask(ask(TYPE, &booking(&slot)).on(root)).await);
        }
        let in_xml = Ask::new("POST", TYPE).bytes(booking_xml(&slot)).header("Content-Type", "application/fhir+xml").on(root);
        let told = app.ask(in_xml).await.expect(200).text();
        assert!(told.contains("<OperationOutcome") && told.contains("All OK"), "{told}");
        assert_eq!(app.status_of(&slot.id).await, "free");
        assert_eq!(app.live_in(&slot.id).await, 0);
    }
    // The same body is booked afterwards, and then no more.
    app.book(&booking(&slot)).await.expect(201);
    let taken = app.ask(ask(TYPE, &booking(&slot))).await;
    found_one(&taken, "processing", "Appointment.contained[2]");
    assert_eq!(issues(&taken)[0]["diagnostics"], "Slot no longer available");
}

#[on_both]
async fn every_problem_is_told_as_a_booking_would_be_told_it(app: App) {
    let slot = app.free_slot(UTC).await;
    let good = booking(&slot);
    let many = put(put(good.clone(), "/contained/1/gender", "f"), "/contained/1/identifier/0/value", "9990482137");
    let bodies = [
        put(good.clone(), "/contained/1/gender", "f"),
        take(good.clone(), "/contained/2"),
        take(good.clone(), "/status"),
        take(good.clone(), "/participant"),
        put(good.clone(), "/start", 5),
        put(good.clone(), "/participant", json!([])),
        put(good.clone(), "/id", "mine"),
        put(good.clone(), "/slot/0/reference", "#nowhere"),
        take(many.clone(), "/description"),
        many,
        json!({"resourceType": "Appointment"}),
        json!({"resourceType": "Patient"}),
    ];
    for root in ROOTS {
        for body in &bodies {
            let booked = app.ask(Ask::book(body).on(root)).await;
            let validated = app.ask(ask(TYPE, body).on(root)).await;
            if booked.status == 201 {
                continue;
            }
            let expected = booked.issues(booked.status);
            assert_eq!(issues(&validated), expected, "{body}");
            assert_eq!(found(&validated).len(), expected.len());
        }
    }
}

#[on_both]
async fn the_slot_is_looked_at_as_a_booking_would_look(app: App) {
    let slots = app.free_slots(UTC).await;
    let slot = &slots[0];
    let good = booking(slot);
    let unknown = booking(&Slot { id: "00000000-0000-4000-8000-000000000000".to_owned(), ..slot.clone() });
    found_one(&app.ask(ask(TYPE, &unknown)).await, "not-found", "Appointment.contained[2]");
    let contradicting = booking(&Slot { end: slots[2].end.clone(), ..slot.clone() });
    let told = found(&app.ask(ask(TYPE, &contradicting)).await);
    assert_eq!(told.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), ["value", "value"], "{told:?}");
    assert_eq!(told.iter().map(|(_, place)| place.as_str()).collect::<Vec<_>>(), ["Appointment.contained[2].end", "Appointment.end"]);
    app.it_is(&slot.start);
    for root in ROOTS {
        found_one(&app.ask(ask(TYPE, &good).on(root)).await, "business-rule", "Appointment.contained[2]");
    }
}

#[on_both(Setup::with(|setup| setup.require_verified_nhs_number = true))]
async fn a_verified_number_is_demanded_where_a_booking_needs_one(app: App) {
    let slot = app.free_slot(UTC).await;
    all_ok(&app.ask(ask(TYPE, &booking(&slot))).await);
    let unverified = take(booking(&slot), "/contained/1/identifier");
    let unverified = take(unverified, "/participant/0/actor/identifier");
    let told = found(&app.ask(ask(TYPE, &unverified)).await);
    assert!(told.iter().any(|(code, _)| code == "business-rule"), "{told:?}");
}

fn parameters(more: &[Value], resource: Option<&Value>) -> Value {
    let resource = resource.map(|resource| json!({"name": "resource", "resource": resource}));
    json!({"resourceType": "Parameters", "parameter": more.iter().cloned().chain(resource).collect::<Vec<_>>()})
}

#[on_both]
async fn parameters_may_stand_around_the_resource(app: App) {
    let slot = app.free_slot(UTC).await;
    let good = booking(&slot);
    let mode = |mode: &str| json!({"name": "mode", "valueCode": mode});
    let profile = |url: &str| json!({"name": "profile", "valueUri": url});
    let own = "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Appointment-1";
    for root in ROOTS {
        for more in [
            vec![],
            vec![mode("create")],
            vec![profile(own)],
            vec![mode("create"), profile("http://hl7.org/fhir/StructureDefinition/Appointment")],
        ] {
            let body = parameters(&more, Some(&good));
            all_ok(&app.ask(ask(TYPE, &body).on(root)).await);
            let in_xml = Ask::new("POST", TYPE).bytes(xml_of(&body)).header("Content-Type", "application/fhir+xml");
            all_ok(&app.ask(in_xml.header("Accept", "application/fhir+json").on(root)).await);
        }
        // Problems are told by the paths of the appointment, wherever it stands.
        let wrong = put(put(good.clone(), "/contained/1/gender", "f"), "/participant", "nobody");
        let alone = issues(&app.ask(ask(TYPE, &wrong).on(root)).await);
        let within = issues(&app.ask(ask(TYPE, &parameters(&[mode("create")], Some(&wrong))).on(root)).await);
        assert_eq!(within, alone);
        // A URL may say as much.
        all_ok(&app.ask(ask(&format!("{TYPE}?mode=create&_pretty=true"), &good).on(root)).await);
        let other = app.ask(ask(TYPE, &parameters(&[profile("urn:other")], Some(&good))).on(root)).await;
        let told = issues(&other);
        assert_eq!((told.len(), &told[0]["severity"], &told[0]["code"]), (1, &json!("error"), &json!("not-supported")));
        let never = issues(&app.ask(ask(TYPE, &parameters(&[mode("delete")], None)).on(root)).await);
        assert_eq!((never.len(), &never[0]["code"]), (1, &json!("not-supported")));
    }
}

#[on_both]
async fn parameters_that_are_wrong_are_refused(app: App) {
    let slot = app.free_slot(UTC).await;
    let good = booking(&slot);
    let bodies = [
        parameters(&[], None),
        json!({"resourceType": "Parameters"}),
        parameters(&[json!({"name": "mode", "valueString": "create"})], Some(&good)),
        parameters(&[json!({"name": "nonsense", "valueString": "1"})], Some(&good)),
        parameters(&[json!({"name": "resource", "resource": good})], Some(&good)),
        parameters(&[json!({"name": "resource", "resource": {"resourceType": "Nonsense"}})], None),
        parameters(&[json!({"name": "mode", "valueCode": "create"})], None),
    ];
    for root in ROOTS {
        for body in &bodies {
            app.ask(ask(TYPE, body).on(root)).await.issues(400);
        }
        for path in [format!("{TYPE}?mode=book"), format!("{TYPE}?mode=")] {
            let told = app.ask(ask(&path, &good).on(root)).await.refused(400, "value", "INVALID_PARAMETER");
            assert!(told.contains("create, update or delete"), "{told}");
        }
        // A booking takes no such thing.
        app.ask(Ask::book(&parameters(&[], Some(&good))).on(root)).await.issues(400);
    }
}

#[on_both]
async fn a_cancel_is_told_what_it_would_be_told(app: App) {
    let slots = app.free_slots(UTC).await;
    let made = app.booked(&slots[0]).await;
    let id = made["id"].as_str().unwrap();
    let path = format!("Appointment/{id}/$validate");
    let cancel = cancelled(&made);
    for root in ROOTS {
        all_ok(&app.ask(ask(&path, &cancel).on(root)).await);
        all_ok(&app.ask(ask(&path, &cancel).header("If-Match", "W/\"1\"").on(root)).await);
        all_ok(&app.ask(ask(&path, &parameters(&[json!({"name": "mode", "valueCode": "update"})], Some(&cancel))).on(root)).await);
        found_one(&app.ask(ask(&path, &cancel).header("If-Match", "W/\"2\"").on(root)).await, "conflict", "Appointment.meta.versionId");
        found_one(&app.ask(ask(&path, &made).on(root)).await, "business-rule", "Appointment.status");
        let more = put(put(cancel.clone(), "/description", "other"), "/contained/1/gender", "other");
        assert_eq!(found(&app.ask(ask(&path, &more).on(root)).await).len(), 2);
        found_one(&app.ask(ask(&path, &put(cancel.clone(), "/id", "other")).on(root)).await, "structure", "Appointment.id");
        found_one(&app.ask(ask(&format!("{path}?mode=create"), &booking(&slots[1])).on(root)).await, "not-supported", "Appointment.id");
        app.ask(ask(&path, &cancel).of(OTHER_CONSUMER).on(root)).await.refused(403, "forbidden", "ACCESS DENIED");
        app.ask(ask("Appointment/nobody/$validate", &cancel).on(root)).await.refused(404, "not-found", "NO_RECORD_FOUND");
    }
    assert_eq!(app.get(&format!("Appointment/{id}")).await.expect(200).json(), made, "nothing was done");
    app.it_is(&slots[0].start);
    found_one(&app.ask(ask(&path, &cancel)).await, "business-rule", "Appointment.start");
    app.it_is("2026-02-10T09:00:00Z");
    let gone = app.cancel(id, "W/\"1\"", &cancel).await.expect(200).json();
    found_one(&app.ask(ask(&path, &gone)).await, "business-rule", "Appointment.status");
}

#[on_both]
async fn on_the_type_the_body_says_which_appointment(app: App) {
    let slot = app.free_slot(UTC).await;
    let made = app.booked(&slot).await;
    let cancel = cancelled(&made);
    let update = format!("{TYPE}?mode=update");
    for root in ROOTS {
        all_ok(&app.ask(ask(&update, &cancel).on(root)).await);
        for unknown in [
            put(cancel.clone(), "/id", "nobody"),
            put(cancel.clone(), "/id", 5),
            take(cancel.clone(), "/id"),
            put(cancel.clone(), "/id", "a b"),
        ] {
            found_one(&app.ask(ask(&update, &unknown).on(root)).await, "not-found", "Appointment.id");
        }
        found_one(&app.ask(ask(&update, &cancel).of(OTHER_CONSUMER).on(root)).await, "forbidden", "Appointment.id");
        // Without a mode it is a booking, which has no id.
        assert!(found(&app.ask(ask(TYPE, &made).on(root)).await).contains(&("invariant".to_owned(), "Appointment.id".to_owned())));
    }
}

#[on_both]
async fn what_cannot_be_looked_at_at_all_is_refused(app: App) {
    let slot = app.free_slot(UTC).await;
    let good = booking(&slot);
    for root in ROOTS {
        let good = || ask(TYPE, &good).on(root);
        app.ask(good().without_token()).await.refused(403, "forbidden", "ACCESS DENIED");
        app.ask(good().scope(SCOPE_SLOT_READ)).await.refused(403, "forbidden", "ACCESS DENIED");
        app.ask(good().scope("patient/appointment.read").of(CONSUMER)).await.refused(403, "forbidden", "ACCESS DENIED");
        app.ask(good().header("Content-Type", "text/plain")).await.refused(415, "not-supported", "UNSUPPORTED_MEDIA_TYPE");
        app.ask(good().bytes("{")).await.refused(400, "structure", "MESSAGE_NOT_WELL_FORMED");
        app.ask(good().bytes("{}")).await.refused(400, "structure", "MESSAGE_NOT_WELL_FORMED");
        app.ask(good().bytes("{".repeat(100))).await.issues(400);
        app.ask(good().bytes(vec![b' '; 1_048_577])).await.refused(413, "too-long", "BAD_REQUEST");
        for (method, path) in [("GET", TYPE), ("PUT", TYPE), ("DELETE", "Appointment/1/$validate")] {
            let answer = app.ask(Ask::new(method, path).on(root)).await;
            answer.refused(405, "not-supported", "BAD_REQUEST");
            assert_eq!(answer.header("Allow"), "POST");
        }
        for path in ["Slot/$validate", "Appointment/$other", "$validate", "Appointment/1/$validate/1"] {
            app.ask(Ask::new("POST", path).bytes("{}").on(root)).await.refused(404, "not-found", "NO_RECORD_FOUND");
        }
    }
}

#[on_both]
async fn a_key_is_neither_used_up_nor_asked_for(app: App) {
    let slots = app.free_slots(UTC).await;
    all_ok(&app.ask(ask(TYPE, &booking(&slots[0])).key("mine")).await);
    app.ask(Ask::book(&booking(&slots[0])).key("mine")).await.expect(201);
    all_ok(&app.ask(ask(TYPE, &booking(&slots[1])).key("mine")).await);
    // It is a POST all the same (docs/contract.md#headers).
    app.ask(ask(TYPE, &booking(&slots[1])).without("X-Request-ID")).await.refused(400, "required", "MISSING_OR_INVALID_HEADER");
    all_ok(&app.ask(ask(TYPE, &booking(&slots[1])).without("X-Request-ID").on_provider()).await);
}

#[on_both]
async fn the_statement_of_the_provider_root_names_it(app: App) {
    let statement = app.ask(Ask::get("metadata").on_provider()).await.json();
    let operations = json!([{
        "name": "validate", "definition": {"reference": "http://hl7.org/fhir/OperationDefinition/Resource-validate"},
    }]);
    assert_eq!(statement["rest"][0]["operation"], operations);
    // The booking root's has a shape that is counted (docs/specification/uec.md#a5-metadata).
    assert!(app.get("metadata").await.json()["rest"][0]["operation"].is_null());
}
