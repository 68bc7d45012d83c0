//! Reading, finding and cancelling appointments (docs/contract.md#who-sees-whom, #statuses;
//! docs/specification/uec.md#a8-read to #a10-appointment-search).

use serde_json::{Value, json};
use slotkeeper::http::AuthMode;
use testkit::{
    App, Ask, OTHER_CONSUMER, PROVIDER_ORGANISATION, PUBLIC_URL, Setup, Slot, UTC, booking, cancelled, on_both, put, take, xml_of,
};

const STALE: &str = "W/\"999ff9ff-999f-9999-99fffff9999ff99ff\"";

/// An appointment, its id and its slot.
async fn made(app: &App) -> (Value, String, Slot) {
    let slot = app.free_slot(UTC).await;
    let appointment = app.booked(&slot).await;
    let id = appointment["id"].as_str().unwrap().to_owned();
    (appointment, id, slot)
}

/// Proves F43.
#[on_both]
async fn a_cancel_is_answered_with_a_new_version(app: App) {
    let (appointment, id, slot) = made(&app).await;
    app.it_is("2026-02-10T09:05:07Z");
    let key = app.new_key();
    let answer = app.ask(Ask::cancel(&id, "W/\"1\"", &cancelled(&appointment)).key(&key)).await.expect(200);
    assert_eq!(answer.header("ETag"), "W/\"2\"");
    assert_eq!(answer.header("Last-Modified"), "Tue, 10 Feb 2026 09:05:07 GMT");
    assert_eq!(answer.header("Location"), format!("{PUBLIC_URL}/STU3/1/booking/Appointment/{id}/_history/2"));
    assert_eq!(answer.header("X-Correlation-ID"), key);
    let mut expected = cancelled(&appointment);
    expected["meta"]["versionId"] = json!("2");
    expected["meta"]["lastUpdated"] = json!("2026-02-10T09:05:07.000+00:00");
    assert_eq!(answer.json(), expected);
    let read = app.get(&format!("Appointment/{id}")).await.expect(200);
    assert_eq!((read.json(), read.header("ETag")), (expected, "W/\"2\""));
    assert_eq!(app.status_of(&slot.id).await, "free");
}

/// Proves F44.
#[on_both]
async fn all_versions_are_kept(app: App) {
    let (appointment, id, _) = made(&app).await;
    let second = app.cancel(&id, "W/\"1\"", &cancelled(&appointment)).await.expect(200).json();
    for (version, expected) in [("1", &appointment), ("2", &second)] {
        let read = app.get(&format!("Appointment/{id}/_history/{version}")).await.expect(200);
        assert_eq!(&read.json(), expected);
        assert_eq!(read.header("ETag"), format!("W/\"{version}\""));
    }
    for version in ["0", "3", "-1", "one", "99999999999999999999", "01x"] {
        app.get(&format!("Appointment/{id}/_history/{version}")).await.refused(404, "not-found", "NO_RECORD_FOUND");
    }
}

/// Proves F47, F49.
#[on_both]
async fn a_cancelled_slot_can_be_booked_again(app: App) {
    let slot = app.free_slot(UTC).await;
    for _ in 0..3 {
        let appointment = app.booked(&slot).await;
        app.book(&booking(&slot)).await.says_slot_taken();
        app.cancel(appointment["id"].as_str().unwrap(), "W/\"1\"", &cancelled(&appointment)).await.expect(200);
        assert!(app.free_slots(UTC).await.contains(&slot));
    }
    assert_eq!(app.live_in(&slot.id).await, 0);
}

/// Proves F42.
#[on_both]
async fn an_unknown_appointment_is_not_found(app: App) {
    let (appointment, _, _) = made(&app).await;
    let unknown = "95e58add-0b10-4a8c-817c-2729eb0cab75";
    let read = app.ask(Ask::get(format!("Appointment/{unknown}")).header("Accept", "application/fhir+xml")).await.expect(404);
    assert!(read.text().contains("<OperationOutcome"), "{}", read.text());
    app.get(&format!("Appointment/{unknown}/_history/1")).await.refused(404, "not-found", "NO_RECORD_FOUND");
    let body = put(cancelled(&appointment), "/id", unknown);
    app.cancel(unknown, "W/\"1\"", &body).await.refused(404, "not-found", "NO_RECORD_FOUND");
}

/// Proves F46.
#[on_both]
async fn another_organisation_may_neither_read_nor_cancel(app: App) {
    let (appointment, id, slot) = made(&app).await;
    for path in [format!("Appointment/{id}"), format!("Appointment/{id}/_history/1")] {
        let answer = app.ask(Ask::get(path).of(OTHER_CONSUMER)).await;
        answer.refused(403, "forbidden", "ACCESS DENIED");
        assert!(!answer.text().contains("Whitlock") && !answer.text().contains("X9T20"), "{}", answer.text());
    }
    let cancel = Ask::cancel(&id, "W/\"1\"", &cancelled(&appointment));
    app.ask(cancel.clone().of(OTHER_CONSUMER)).await.refused(403, "forbidden", "ACCESS DENIED");
    app.ask(cancel.clone().of(OTHER_CONSUMER).on_provider()).await.refused(403, "forbidden", "ACCESS DENIED");
    assert_eq!(app.live_in(&slot.id).await, 1);
    // Capitals do not make another organisation.
    app.ask(cancel.of("x9t20")).await.expect(200);
}

#[on_both]
async fn the_provider_sees_and_cancels_everything_of_its_own(app: App) {
    let (appointment, id, slot) = made(&app).await;
    for ask in [Ask::get(format!("Appointment/{id}")), Ask::get(format!("Appointment/{id}/_history/1")).on_provider()] {
        assert_eq!(app.ask(ask.of(PROVIDER_ORGANISATION)).await.expect(200).json(), appointment);
    }
    let cancel = Ask::cancel(&id, "W/\"1\"", &cancelled(&appointment)).of(PROVIDER_ORGANISATION).on_provider();
    app.ask(cancel.without("If-Match").without("X-Request-ID")).await.expect(200);
    assert_eq!(app.status_of(&slot.id).await, "free");
    // The consumer learns of it by the version.
    app.cancel(&id, "W/\"1\"", &cancelled(&appointment)).await.refused(409, "conflict", "CONFLICTING_VALUES");
}

#[on_both(Setup::with(|setup| setup.auth = AuthMode::Off))]
async fn without_authentication_everybody_sees_everything(app: App) {
    let slot = app.free_slot(UTC).await;
    let bare = |ask: Ask| {
        let ask = ask.without_token().without("Ssp-TraceID").without("Ssp-From").without("Ssp-To");
        ask.without("Ssp-InteractionID")
    };
    let appointment = app.ask(bare(Ask::book(&booking(&slot)))).await.expect(201).json();
    let id = appointment["id"].as_str().unwrap();
    app.ask(bare(Ask::get(format!("Appointment/{id}")))).await.expect(200);
    // The request id is demanded all the same.
    app.ask(bare(Ask::book(&booking(&slot))).without("X-Request-ID")).await.refused(400, "required", "MISSING_OR_INVALID_HEADER");
    app.ask(bare(Ask::cancel(id, "W/\"1\"", &cancelled(&appointment)))).await.expect(200);
}

/// Proves F45.
#[on_both]
async fn a_change_without_if_match_is_refused(app: App) {
    let (appointment, id, slot) = made(&app).await;
    let cancel = Ask::cancel(&id, "W/\"1\"", &cancelled(&appointment)).without("If-Match");
    let without = Ask { headers: cancel.headers.iter().filter(|(name, _)| name != "If-Match").cloned().collect(), ..cancel };
    let told = app.ask(without.clone()).await.refused(412, "required", "MISSING_OR_INVALID_HEADER");
    assert!(told.contains("If-Match"), "{told}");
    assert_eq!(app.live_in(&slot.id).await, 1);
    // The provider root demands none.
    app.ask(without.on_provider()).await.expect(200);
}

/// Proves F45.
#[on_both]
async fn a_change_of_another_version_than_the_current_is_refused(app: App) {
    let (appointment, id, slot) = made(&app).await;
    for stale in
        [STALE, "W/\"2\"", "W/\"0\"", "W/\"\"", "nonsense", "W/\"01\"", "W/\"-1\"", "W/\"184467440737095516161\"", "W/\"2\", W/\"3\""]
    {
        let told = app.cancel(&id, stale, &cancelled(&appointment)).await.refused(409, "conflict", "CONFLICTING_VALUES");
        assert!(told.contains("W/\"1\""), "{told}");
    }
    // The provider root honours it where it is sent.
    app.ask(Ask::cancel(&id, STALE, &cancelled(&appointment)).on_provider()).await.refused(409, "conflict", "CONFLICTING_VALUES");
    assert_eq!(app.live_in(&slot.id).await, 1);
    app.cancel(&id, "*", &cancelled(&appointment)).await.expect(200);
    // Of several tags any one may be the current one.
    let (appointment, id, _) = made(&app).await;
    app.cancel(&id, "W/\"3\", W/\"1\"", &cancelled(&appointment)).await.expect(200);
}

/// Proves F45.
#[on_both]
async fn any_other_difference_is_refused_at_its_place(app: App) {
    let (appointment, id, slot) = made(&app).await;
    let body = cancelled(&appointment);
    let other = json!({"system": "phone", "value": "0191 498 0199", "use": "work", "rank": 3});
    let cases = [
        (put(body.clone(), "/description", "Something else"), "Appointment.description"),
        (take(body.clone(), "/description"), "Appointment.description"),
        (put(body.clone(), "/comment", "Added"), "Appointment.comment"),
        (put(body.clone(), "/novelty", "Added"), "Appointment.novelty"),
        (put(body.clone(), "/language", "en"), "Appointment.language"),
        (put(body.clone(), "/start", "2026-02-12T09:00:00Z"), "Appointment.start"),
        (put(body.clone(), "/end", "2026-02-12T09:00:00Z"), "Appointment.end"),
        (put(body.clone(), "/contained/1/name/0/family", "Whitlocke"), "Appointment.contained[1].name"),
        (put(body.clone(), "/contained/1/name/0/given/0", "imogen"), "Appointment.contained[1].name"),
        (put(body.clone(), "/contained/1/birthDate", "2019-08-04"), "Appointment.contained[1].birthDate"),
        (put(body.clone(), "/contained/1/identifier/0/value", "9990482144"), "Appointment.contained[1].identifier"),
        (take(body.clone(), "/contained/1/contact"), "Appointment.contained[1].contact"),
        (put(body.clone(), "/contained/1/telecom/-", other), "Appointment.contained[1].telecom"),
        (put(body.clone(), "/contained/1/telecom/0/rank", 3), "Appointment.contained[1].telecom"),
        (take(body.clone(), "/contained/0"), "Appointment.contained"),
        (put(body.clone(), "/contained/0/indexed", "2026-02-10T16:05:31.000+00:00"), "Appointment.contained[0].indexed"),
        (put(body.clone(), "/contained/2/status", "free"), "Appointment.contained[2].status"),
        (put(body.clone(), "/participant/0/status", "declined"), "Appointment.participant"),
        (put(body.clone(), "/participant/0/actor/display", "Imogen W"), "Appointment.participant"),
        (put(body.clone(), "/participant/-", json!({"actor": {"display": "Somebody"}, "status": "accepted"})), "Appointment.participant"),
        (put(body.clone(), "/supportingInformation/0/reference", "#other"), "Appointment.supportingInformation"),
    ];
    let mut wrong = Vec::new();
    for (body, place) in cases {
        let answer = app.cancel(&id, "W/\"1\"", &body).await;
        let found = answer.status == 422 && answer.expressions(422).iter().any(|at| at.starts_with(place));
        if !found {
            wrong.push(format!("{place}: {} {}", answer.status, answer.text()));
        }
        if answer.text().contains("Whitlock") || answer.text().contains("999048") {
            wrong.push(format!("{place}: names the patient: {}", answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(app.live_in(&slot.id).await, 1);
    // All of them together.
    let two = put(put(body, "/description", "x"), "/contained/1/gender", "male");
    let places = app.cancel(&id, "W/\"1\"", &two).await.expressions(422);
    assert!(places.len() >= 2, "{places:?}");
}

#[on_both]
async fn what_is_no_difference_is_no_difference(app: App) {
    let slots = app.free_slots(UTC).await;
    let reordered = |body: &Value| {
        let mut body = body.clone();
        body["contained"].as_array_mut().unwrap().reverse();
        body
    };
    let in_another_zone = |text: &Value| {
        let hour: u32 = text.as_str().unwrap()[11..13].parse().unwrap();
        json!(format!("{}{:02}{}+01:00", &text.as_str().unwrap()[..11], hour + 1, &text.as_str().unwrap()[13..19]))
    };
    type Change<'c> = (&'static str, Box<dyn Fn(&Value) -> Value + 'c>);
    let changes: Vec<Change> = vec![
        ("nothing", Box::new(Value::clone)),
        ("no meta", Box::new(|body| take(body.clone(), "/meta"))),
        ("no version", Box::new(|body| take(take(body.clone(), "/meta/versionId"), "/meta/lastUpdated"))),
        ("no created", Box::new(|body| take(body.clone(), "/created"))),
        ("another order", Box::new(reordered)),
        ("Z", Box::new(|body| put(body.clone(), "/start", body["start"].as_str().unwrap().replace(".000+00:00", "Z")))),
        ("another zone", Box::new(|body| put(body.clone(), "/start", in_another_zone(&body["start"])))),
        ("another zone within", Box::new(|body| put(body.clone(), "/contained/2/end", in_another_zone(&body["contained"][2]["end"])))),
        ("created in Z", Box::new(|body| put(body.clone(), "/created", "2026-02-10T09:00:00Z"))),
        ("the sender's own created", Box::new(|body| put(body.clone(), "/created", "2026-02-10T16:05:31+00:00"))),
        ("a created with more to it", Box::new(|body| put(body.clone(), "/_created", json!({"id": "mine", "novelty": 1})))),
        (
            "a text",
            Box::new(|body| {
                put(body.clone(), "/text", json!({"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}))
            }),
        ),
    ];
    assert!(slots.len() > changes.len());
    for ((name, change), slot) in changes.iter().zip(&slots) {
        let appointment = app.booked(slot).await;
        let id = appointment["id"].as_str().unwrap();
        let answer = app.cancel(id, "W/\"1\"", &change(&cancelled(&appointment))).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        // What is kept is what was booked, not what was sent now.
        let rest = |body: &Value| take(take(body.clone(), "/meta"), "/status");
        assert_eq!(rest(&answer.json()), rest(&appointment), "{name}");
    }
}

#[on_both]
async fn the_body_names_the_appointment_of_the_url(app: App) {
    let (appointment, id, slot) = made(&app).await;
    let body = cancelled(&appointment);
    for wrong in [put(body.clone(), "/id", "95e58add-0b10-4a8c-817c-2729eb0cab75"), put(body, "/resourceType", "Slot")] {
        app.cancel(&id, "W/\"1\"", &wrong).await.issues(400);
    }
    assert_eq!(app.live_in(&slot.id).await, 1);
}

#[on_both]
async fn a_cancelled_appointment_stays_cancelled(app: App) {
    let (appointment, id, _) = made(&app).await;
    let second = app.cancel(&id, "W/\"1\"", &cancelled(&appointment)).await.expect(200).json();
    app.cancel(&id, "W/\"1\"", &cancelled(&appointment)).await.refused(409, "conflict", "CONFLICTING_VALUES");
    app.cancel(&id, "W/\"2\"", &second).await.refused(422, "business-rule", "INVALID_REQUEST_STATE");
    // No way back.
    let again = put(second, "/status", "booked");
    app.cancel(&id, "W/\"2\"", &again).await.refused(422, "business-rule", "INVALID_REQUEST_STATE");
    assert_eq!(app.get(&format!("Appointment/{id}")).await.json()["status"], "cancelled");
    assert_eq!(app.get(&format!("Appointment/{id}")).await.header("ETag"), "W/\"2\"");
}

#[on_both]
async fn the_past_cannot_be_cancelled(app: App) {
    let (appointment, id, slot) = made(&app).await;
    app.it_is(&slot.start);
    app.cancel(&id, "W/\"1\"", &cancelled(&appointment)).await.refused(422, "business-rule", "INVALID_REQUEST_STATE");
    app.it_is("2026-02-10T09:14:59.999Z");
    app.cancel(&id, "W/\"1\"", &cancelled(&appointment)).await.expect(200);
}

#[on_both]
async fn an_update_that_is_no_cancel_is_refused(app: App) {
    let (appointment, id, _) = made(&app).await;
    for status in ["booked", "entered-in-error", "arrived", "noshow"] {
        let answer = app.cancel(&id, "W/\"1\"", &put(appointment.clone(), "/status", status)).await;
        assert_eq!(answer.status, 422, "{status}: {}", answer.text());
        assert_eq!(answer.expressions(422), ["Appointment.status"], "{status}");
    }
    app.cancel(&id, "W/\"1\"", &put(appointment.clone(), "/status", "Cancelled")).await.issues(422);
    app.cancel(&id, "W/\"1\"", &take(appointment, "/status")).await.issues(422);
    assert_eq!(app.get(&format!("Appointment/{id}")).await.header("ETag"), "W/\"1\"");
}

#[on_both]
async fn a_cancel_may_come_and_be_answered_in_xml(app: App) {
    let (appointment, id, slot) = made(&app).await;
    let ask =
        Ask::cancel(&id, "W/\"1\"", &appointment).bytes(xml_of(&cancelled(&appointment))).header("Content-Type", "application/fhir+xml");
    let answer = app.ask(ask).await.expect(200);
    assert_eq!(answer.header("Content-Type"), "application/fhir+xml;charset=UTF-8");
    assert!(answer.text().contains("<status value=\"cancelled\"/>"), "{}", answer.text());
    assert_eq!(app.status_of(&slot.id).await, "free");
}

#[on_both]
async fn a_refused_change_changes_nothing(app: App) {
    let (appointment, id, slot) = made(&app).await;
    let body = cancelled(&appointment);
    app.cancel(&id, "W/\"1\"", &put(body.clone(), "/description", "x")).await.issues(422);
    app.cancel(&id, STALE, &body).await.issues(409);
    app.ask(Ask::cancel(&id, "W/\"1\"", &body).of(OTHER_CONSUMER)).await.issues(403);
    app.ask(Ask::cancel(&id, "W/\"1\"", &body).bytes("{}")).await.issues(400);
    let read = app.get(&format!("Appointment/{id}")).await;
    assert_eq!((read.json(), read.header("ETag")), (appointment, "W/\"1\""));
    assert_eq!(app.status_of(&slot.id).await, "busy");
}

const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number|9990482136";

/// Proves F50.
#[on_both]
async fn every_spelling_finds_the_appointments_of_a_patient(app: App) {
    let (_, id, _) = made(&app).await;
    for spelling in [
        format!("Appointment.participant.actor:Patient.identifier={NHS}"),
        format!("Appointment.participant.actor={NHS}"),
        format!("Appointment.participant.actor:Patient={NHS}"),
        format!("patient.identifier={NHS}"),
        format!("patient:Patient.identifier={NHS}"),
        format!("patient={NHS}"),
        format!("identifier={NHS}"),
        "Appointment.participant.actor=https://demographics.spineservices.nhs.uk|9990482136".to_owned(),
    ] {
        let answer = app.get(&format!("Appointment?{spelling}")).await.expect(200);
        assert_eq!((answer.ids("Appointment"), answer.total()), (vec![id.clone()], 1), "{spelling}");
        let url = answer.json()["entry"][0]["fullUrl"].as_str().unwrap().to_owned();
        assert_eq!(url, format!("{PUBLIC_URL}/STU3/1/booking/Appointment/{id}/_history/1"));
    }
    assert_eq!(app.get(&format!("Appointment?_id={id}&version=1")).await.expect(200).total(), 1);
    assert_eq!(app.get(&format!("Appointment?_id={id}&version=2")).await.expect(200).total(), 0);
    assert_eq!(app.get("Appointment?identifier=https://fhir.nhs.uk/Id/nhs-number|9990482144").await.expect(200).total(), 0);
    // A malformed number is refused and not repeated.
    let answer = app.get("Appointment?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|9990482137").await;
    answer.issues(400);
    assert!(!answer.text().contains("9990482137"), "{}", answer.text());
}

#[on_both]
async fn a_search_shows_what_the_caller_may_see(app: App) {
    let slots = app.free_slots(UTC).await;
    let mut ids = Vec::new();
    for (slot, organisation) in slots.iter().zip(["X9T20", OTHER_CONSUMER, "X9T20"]) {
        ids.push(app.ask(Ask::book(&booking(slot)).of(organisation)).await.expect(201).id());
    }
    let seen = async |organisation: &str| {
        let answer = app.ask(Ask::get(format!("Appointment?patient.identifier={NHS}")).of(organisation)).await.expect(200);
        answer.ids("Appointment").into_iter().collect::<std::collections::BTreeSet<_>>()
    };
    let set = |at: &[usize]| at.iter().map(|at| ids[*at].clone()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(seen("X9T20").await, set(&[0, 2]));
    assert_eq!(seen(OTHER_CONSUMER).await, set(&[1]));
    assert_eq!(seen("X9T99").await, set(&[]));
    assert_eq!(seen(PROVIDER_ORGANISATION).await, set(&[0, 1, 2]));
}

#[on_both]
async fn a_search_leaves_out_the_past_unless_it_is_asked(app: App) {
    let slots = app.free_slots(UTC).await;
    let (early, late) = (&slots[0], slots.last().unwrap());
    let (first, second) = (app.booked(early).await, app.booked(late).await);
    let id = |appointment: &Value| appointment["id"].as_str().unwrap().to_owned();
    app.it_is("2026-02-11T00:00:00Z");
    let found = async |more: &str| app.get(&format!("Appointment?patient.identifier={NHS}{more}")).await.expect(200).ids("Appointment");
    assert_eq!(found("").await, [id(&second)]);
    assert_eq!(found("&date=2026-02-10").await, [id(&first)]);
    assert_eq!(found("&date=ge2026-02-01").await.len(), 2);
    assert_eq!(found("&date=ge2026-02-01&status=cancelled").await.len(), 0);
}

/// Proves F50.
#[on_both]
async fn appointments_of_a_patient_are_never_paged(app: App) {
    for slot in &app.free_slots(UTC).await[..4] {
        app.booked(slot).await;
    }
    let answer = app.get(&format!("Appointment?patient.identifier={NHS}&_count=2")).await.expect(200);
    assert_eq!((answer.ids("Appointment").len(), answer.total()), (4, 4));
    assert!(answer.link("next").is_none());
}

#[on_both]
async fn an_appointment_search_names_its_patient(app: App) {
    for query in ["Appointment", "Appointment?status=booked", "Appointment?date=2026-02-11"] {
        app.get(query).await.refused(400, "required", "INVALID_PARAMETER");
    }
    let told = app.get(&format!("Appointment?patient.identifier={NHS}&colour=blue")).await.issues(400)[0]["diagnostics"].to_string();
    assert!(told.contains("colour"), "{told}");
}
