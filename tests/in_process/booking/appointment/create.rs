//! Booking: what is accepted, what the answer says, and what is refused for which reason (docs/contract.md#statuses;
//! docs/specification/uec.md#a7-book, #b5-appointment to #b9-operationoutcome).

use serde_json::{Value, json};
use testkit::{
    Answer, App, Ask, DENTAL, OUT_OF_HOURS, PUBLIC_URL, Setup, Slot, UTC, booking, booking_text, booking_xml, on_both, put, take,
};

fn verified_only() -> Setup {
    Setup::with(|setup| setup.require_verified_nhs_number = true)
}

/// Proves F28.
#[on_both]
async fn the_booking_of_the_standard_is_accepted_word_for_word(app: App) {
    let slot = app.free_slot(UTC).await;
    let ask = Ask::new("POST", "Appointment").bytes(booking_text(&slot)).header("Content-Type", "application/fhir+json;charset=UTF-8");
    let made = app.ask(ask).await.expect(201).json();
    assert_eq!(made["status"], "booked");
    assert_eq!(app.get(&format!("Appointment/{}", made["id"].as_str().unwrap())).await.expect(200).json(), made);
}

/// Proves F5, F6, F35.
#[on_both]
async fn a_booking_is_answered_with_the_headers_consumers_need(app: App) {
    let slot = app.free_slot(UTC).await;
    // Capitals, spaces and signs are the consumer's own business.
    let key = "6C92ab9c; Key=\"1\", \\second half/~";
    let answer = app.ask(Ask::book(&booking(&slot)).key(key)).await.expect(201);
    let place = format!("{PUBLIC_URL}/STU3/1/booking/Appointment/{}/_history/1", answer.id());
    assert_eq!(answer.header("Location"), place);
    assert_eq!(answer.header("ETag"), "W/\"1\"");
    assert_eq!(answer.header("Last-Modified"), "Tue, 10 Feb 2026 09:00:00 GMT");
    assert_eq!(answer.header("Cache-Control"), "no-store");
    assert_eq!(answer.header("X-Correlation-ID"), key);
    assert_eq!(answer.header("Content-Type"), "application/fhir+json;charset=UTF-8");
    let own = answer.header("X-Request-ID");
    assert!(!own.is_empty() && own != key, "{own}");
}

/// Proves F34.
#[on_both]
async fn what_was_sent_is_kept_and_completed(app: App) {
    let slot = app.free_slot(UTC).await;
    let sent = put(booking(&slot), "/comment", "line one\nline \"two\" – ünïcode 🩺 <&>");
    let made = app.book(&sent).await.expect(201).json();
    let id = made["id"].as_str().unwrap().to_owned();
    assert!(id.len() == 36 && id.split('-').count() == 5, "{id}");
    assert_eq!(made["created"], "2026-02-10T09:00:00.000+00:00");
    let profile = "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Appointment-1";
    let meta = json!({"versionId": "1", "lastUpdated": "2026-02-10T09:00:00.000+00:00", "profile": [profile]});
    assert_eq!(made["meta"], meta);
    // Everything else is what was sent, to the letter.
    let rest = |body: &Value| take(take(body.clone(), "/meta"), "/created");
    assert_eq!(rest(&take(made.clone(), "/id")), rest(&sent));
    assert_eq!(app.get(&format!("Appointment/{id}")).await.expect(200).json(), made);
}

/// Proves F33.
#[on_both]
async fn a_booked_slot_is_busy_and_no_longer_offered(app: App) {
    let before = app.free_slots(UTC).await;
    app.booked(&before[0]).await;
    assert_eq!(app.status_of(&before[0].id).await, "busy");
    assert_eq!(app.free_slots(UTC).await, before[1..]);
}

/// Proves F36.
#[on_both]
async fn a_slot_is_given_away_once(app: App) {
    let slot = app.free_slot(UTC).await;
    app.booked(&slot).await;
    let second = app.book(&booking(&slot)).await;
    second.says_slot_taken();
    assert!(second.header_if("Location").is_none());
    assert_eq!(second.header("Cache-Control"), "no-store");
    second.header("X-Request-ID");
    second.header("X-Correlation-ID");
    app.ask(Ask::book(&booking(&slot)).of("X9T21")).await.says_slot_taken();
    assert_eq!(app.live_in(&slot.id).await, 1);
}

/// Proves F41.
#[on_both]
async fn a_slot_that_nobody_knows_cannot_be_booked(app: App) {
    let slot = app.free_slot(UTC).await;
    let unknown = Slot { id: "0b1f2c3d-aaaa-4bbb-8ccc-0123456789ab".to_owned(), ..slot };
    let answer = app.book(&booking(&unknown)).await;
    answer.refused(422, "not-found", "REFERENCE_NOT_FOUND");
    assert_eq!(answer.expressions(422), ["Appointment.contained[2]"]);
}

#[on_both]
async fn a_booking_that_contradicts_its_slot_is_refused_there(app: App) {
    let slots = app.free_slots(UTC).await;
    let slot = &slots[0];
    let other = slots.iter().find(|other| other.schedule != slot.schedule).unwrap();
    let body = booking(slot);
    let moved = |body: &Value, start: &str, end: &str| {
        let body = put(put(body.clone(), "/contained/2/start", start), "/start", start);
        put(put(body, "/contained/2/end", end), "/end", end)
    };
    let cases = [
        (put(body.clone(), "/contained/2/schedule/reference", format!("Schedule/{}", other.schedule)), "Appointment.contained[2].schedule"),
        (put(body.clone(), "/contained/2/start", "2026-02-09T00:00:00Z"), "Appointment.contained[2].start"),
        (put(body.clone(), "/contained/2/end", "2026-02-20T00:00:00Z"), "Appointment.contained[2].end"),
        (moved(&body, "2026-02-18T09:00:00Z", "2026-02-18T09:15:00Z"), "Appointment.contained[2].start"),
        (moved(&body, "2026-02-18T09:00:00Z", "2026-02-18T09:15:00Z"), "Appointment.start"),
    ];
    for (body, place) in cases {
        let answer = app.book(&body).await;
        assert!(answer.expressions(422).iter().any(|at| at == place), "{place}: {}", answer.text());
        assert!(!answer.is_slot_taken());
    }
    assert_eq!(app.status_of(&slot.id).await, "free");
    // Equal instants in another notation are no contradiction.
    let start = slot.start.replace(".000+00:00", "Z");
    app.book(&put(put(body, "/contained/2/start", start.clone()), "/start", start)).await.expect(201);
}

#[on_both]
async fn a_booking_names_a_service_that_offers_the_slot(app: App) {
    let of_both = shared_slot(&app).await;
    let served = |id: &str| json!({"actor": {"reference": format!("HealthcareService/{id}")}, "status": "accepted"});
    let wrong = app.book(&put(booking(&of_both), "/participant/-", served(DENTAL))).await;
    assert!(wrong.expressions(422).iter().any(|at| at.starts_with("Appointment.participant")), "{}", wrong.text());
    app.book(&put(booking(&of_both), "/participant/-", served(UTC))).await.expect(201);
}

/// A free slot of a schedule that serves two services.
async fn shared_slot(app: &App) -> Slot {
    let of_other = app.free_slots(OUT_OF_HOURS).await;
    app.free_slots(UTC).await.into_iter().find(|slot| of_other.contains(slot)).expect("a slot that two services offer")
}

#[on_both]
async fn a_slot_that_has_begun_cannot_be_booked(app: App) {
    let slot = app.free_slot(UTC).await;
    let body = booking(&slot);
    app.it_is(&slot.start);
    app.book(&body).await.refused(422, "business-rule", "INVALID_REQUEST_STATE");
    app.it_is("2026-02-10T08:59:59.999Z");
    app.book(&body).await.expect(201);
}

#[on_both]
async fn a_blocked_slot_cannot_be_booked(app: App) {
    let busy = app.search(&format!("service={UTC}&status=busy&start=ge2026-02-11&start=lt2026-02-12")).await.expect(200);
    let blocked: Vec<Slot> = busy.all("Slot").iter().map(Slot::of).collect();
    assert!(!blocked.is_empty());
    for slot in blocked {
        app.book(&booking(&slot)).await.says_slot_taken();
    }
}

#[on_both]
async fn an_appointment_may_be_shorter_than_its_slot(app: App) {
    let slot = app.free_slot(UTC).await;
    let shorter = put(booking(&slot), "/end", slot.start.replace(":00.000+", ":30.000+"));
    let made = app.book(&shorter).await.expect(201).json();
    assert_eq!(made["end"], slot.start.replace(":00.000+", ":30.000+"));
    assert_eq!(app.status_of(&slot.id).await, "busy");
}

/// Proves F37.
#[on_both]
async fn a_patient_without_nhs_number_is_booked(app: App) {
    let slots = app.free_slots(UTC).await;
    let unknown = take(booking(&slots[0]), "/contained/1/identifier");
    // As the official harness sends it: the participant still carries the number.
    app.book(&unknown).await.expect(201);
    let nowhere = take(take(booking(&slots[1]), "/contained/1/identifier"), "/participant/0/actor/identifier");
    app.book(&nowhere).await.expect(201);
}

#[on_both]
async fn a_wrong_check_digit_is_pointed_at(app: App) {
    let slot = app.free_slot(UTC).await;
    for wrong in ["9990482137", "999048213", "99904821360", "999 048 2136x", "ABCDEFGHIJ"] {
        let body = put(booking(&slot), "/contained/1/identifier/0/value", wrong);
        let answer = app.book(&put(body, "/participant/0/actor/identifier/value", wrong)).await;
        let issues = answer.issues(422);
        let of_number: Vec<&Value> = issues.iter().filter(|i| i["details"]["coding"][0]["code"] == "INVALID_NHS_NUMBER").collect();
        assert!(of_number.iter().any(|i| i["expression"][0] == "Appointment.contained[1].identifier[0].value"), "{wrong}: {issues:?}");
        assert!(!answer.text().contains(wrong), "repeats the number: {}", answer.text());
    }
    assert_eq!(app.status_of(&slot.id).await, "free");
}

/// Proves F38.
#[on_both]
async fn contacts_have_one_first_rank(app: App) {
    let slot = app.free_slot(UTC).await;
    let body = booking(&slot);
    let two = put(body.clone(), "/contained/1/telecom/0/rank", 1);
    let none = put(body.clone(), "/contained/1/contact/0/telecom/0/rank", 3);
    let nobody = take(take(body.clone(), "/contained/1/telecom"), "/contained/1/contact");
    for (name, wrong) in [("two", two.clone()), ("none", none.clone()), ("nobody", nobody)] {
        let answer = app.book(&wrong).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        assert!(answer.expressions(400).iter().any(|at| at.starts_with("Appointment.contained[1]")), "{name}: {}", answer.text());
    }
    // Ties further down are right.
    let further = json!({"system": "phone", "value": "0191 498 0124", "use": "work", "rank": 2});
    app.book(&put(body, "/contained/1/telecom/-", further)).await.expect(201);
}

#[on_both]
async fn the_slot_must_be_contained(app: App) {
    let slot = app.free_slot(UTC).await;
    let without = take(booking(&slot), "/contained/2");
    app.book(&without).await.issues(400);
    let by_reference = put(without, "/slot/0/reference", format!("Slot/{}", slot.id));
    app.book(&by_reference).await.issues(400);
    assert_eq!(app.status_of(&slot.id).await, "free");
}

#[on_both]
async fn all_problems_are_listed_together(app: App) {
    let slot = app.free_slot(UTC).await;
    let mut body = take(booking(&slot), "/description");
    body = put(body, "/contained/1/gender", "f");
    body = put(body, "/contained/1/birthDate", "3 August 2019");
    body = put(body, "/contained/1/address/0/postalCode", "Durham");
    body = put(body, "/contained/1/identifier/0/value", "9990482137");
    let found = app.book(&body).await.expressions(422);
    for place in [
        "Appointment.description",
        "Appointment.contained[1].gender",
        "Appointment.contained[1].birthDate",
        "Appointment.contained[1].address[0].postalCode",
        "Appointment.contained[1].identifier[0].value",
    ] {
        assert!(found.iter().any(|at| at == place), "{place} is missing: {found:?}");
    }
    // One malformation among them makes the whole a 400, and the others are still listed.
    let found = app.book(&put(body, "/contained/1/telecom/0/rank", 1)).await.expressions(400);
    assert!(found.iter().any(|at| at == "Appointment.contained[1].gender"), "{found:?}");
}

#[on_both]
async fn a_body_against_the_profile_is_refused_at_the_place(app: App) {
    let slot = app.free_slot(UTC).await;
    let body = booking(&slot);
    let cases = [
        (put(body.clone(), "/id", "my-own"), "Appointment.id"),
        (put(body.clone(), "/status", "proposed"), "Appointment.status"),
        (take(body.clone(), "/start"), "Appointment.start"),
        (put(body.clone(), "/start", "2026-02-10"), "Appointment.start"),
        (put(body.clone(), "/end", slot.start.as_str()), "Appointment.end"),
        (put(body.clone(), "/slot/-", json!({"reference": "#other"})), "Appointment.slot[1]"),
        (put(body.clone(), "/slot/0/reference", "#nothing"), "Appointment.slot[0].reference"),
        (put(body.clone(), "/supportingInformation/0/reference", "#nothing"), "Appointment.supportingInformation[0].reference"),
        (put(body.clone(), "/participant/0/actor/reference", "#nothing"), "Appointment.participant[0].actor.reference"),
        (put(body.clone(), "/participant/0/status", "perhaps"), "Appointment.participant[0].status"),
        (take(body.clone(), "/contained/0/indexed"), "Appointment.contained[0].indexed"),
        (put(body.clone(), "/contained/0/status", "superseded"), "Appointment.contained[0].status"),
        (take(body.clone(), "/contained/1/name"), "Appointment.contained[1].name"),
        (take(body.clone(), "/contained/1/gender"), "Appointment.contained[1].gender"),
        (take(body.clone(), "/contained/1/birthDate"), "Appointment.contained[1].birthDate"),
        (take(body.clone(), "/contained/1/address"), "Appointment.contained[1].address"),
        (take(body.clone(), "/contained/1/identifier/0/extension"), "Appointment.contained[1].identifier[0].extension"),
        (
            put(body.clone(), "/contained/1/communication", json!([{"language": {"text": "English"}}])),
            "Appointment.contained[1].communication",
        ),
        (take(body.clone(), "/contained/2/identifier"), "Appointment.contained[2].identifier"),
        (take(body.clone(), "/contained/2/schedule"), "Appointment.contained[2].schedule"),
        (take(body.clone(), "/contained/2/start"), "Appointment.contained[2].start"),
        (put(body.clone(), "/priority", "high"), "Appointment.priority"),
        (put(body.clone(), "/minutesDuration", 0), "Appointment.minutesDuration"),
    ];
    let mut wrong = Vec::new();
    for (body, place) in cases {
        let answer = app.book(&body).await;
        let found = answer.status == 422 && answer.expressions(422).iter().any(|at| at.starts_with(place));
        if !found {
            wrong.push(format!("{place}: {} {}", answer.status, answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(app.status_of(&slot.id).await, "free");
}

#[on_both]
async fn what_the_consumer_may_leave_out_may_be_left_out(app: App) {
    let slots = app.free_slots(UTC).await;
    let optional =
        ["/created", "/language", "/meta", "/contained/1/contact/0/relationship", "/participant/0/status", "/contained/1/name/0/prefix"];
    for (slot, part) in slots.iter().zip(optional) {
        let mut body = take(booking(slot), part);
        if part == "/participant/0/status" {
            let made = app.book(&body).await.expect(201).json();
            assert_eq!(made["participant"][0]["status"], "accepted");
            continue;
        }
        body["comment"] = json!(part);
        let answer = app.book(&body).await;
        assert_eq!(answer.status, 201, "{part}: {}", answer.text());
    }
}

#[on_both(verified_only())]
async fn a_verified_nhs_number_is_demanded_where_the_operator_says_so(app: App) {
    let slot = app.free_slot(UTC).await;
    let body = booking(&slot);
    let without = take(body.clone(), "/contained/1/identifier");
    let unverified = put(body.clone(), "/contained/1/identifier/0/extension/0/valueCodeableConcept/coding/0/code", "02");
    for wrong in [without, unverified] {
        let issues = app.book(&wrong).await.issues(422);
        assert!(
            issues.iter().any(|i| i["code"] == "business-rule" && i["details"]["coding"][0]["code"] == "INVALID_NHS_NUMBER"),
            "{issues:?}"
        );
    }
    app.book(&body).await.expect(201);
}

#[on_both]
async fn a_slot_for_two_takes_two(app: App) {
    let slot = app.free_slot(DENTAL).await;
    app.booked(&slot).await;
    assert_eq!(app.status_of(&slot.id).await, "free");
    assert!(app.free_slots(DENTAL).await.contains(&slot));
    let second = app.booked(&slot).await;
    assert_eq!(app.status_of(&slot.id).await, "busy");
    app.book(&booking(&slot)).await.says_slot_taken();
    assert_eq!(app.live_in(&slot.id).await, 2);
    let id = second["id"].as_str().unwrap();
    app.cancel(id, "W/\"1\"", &put(second.clone(), "/status", "cancelled")).await.expect(200);
    assert_eq!(app.status_of(&slot.id).await, "free");
    app.booked(&slot).await;
    app.book(&booking(&slot)).await.says_slot_taken();
}

/// Proves F2.
#[on_both]
async fn bookings_are_read_and_answered_in_xml(app: App) {
    let slots = app.free_slots(UTC).await;
    let in_xml = |slot: &Slot| Ask::new("POST", "Appointment").bytes(booking_xml(slot)).header("Content-Type", "application/fhir+xml");
    let is_xml = |answer: &Answer| {
        assert_eq!(answer.header("Content-Type"), "application/fhir+xml;charset=UTF-8");
        assert!(answer.text().contains("http://hl7.org/fhir"), "{}", answer.text());
    };
    // The answer is in the format of the body unless something else is asked.
    let made = app.ask(in_xml(&slots[0])).await.expect(201);
    is_xml(&made);
    assert!(made.text().contains("<status value=\"booked\"/>"), "{}", made.text());
    let as_json = app.ask(in_xml(&slots[1]).header("Accept", "application/fhir+json")).await.expect(201).json();
    // What came as XML is the same appointment as what comes as JSON.
    let direct = app.book(&put(booking(&slots[1]), "/comment", "x")).await;
    direct.says_slot_taken();
    let rest = |body: &Value| take(take(body.clone(), "/meta"), "/created");
    assert_eq!(rest(&take(as_json, "/id")), rest(&booking(&slots[1])));
    let from_json = app.ask(Ask::book(&booking(&slots[2])).header("Accept", "application/fhir+xml")).await.expect(201);
    is_xml(&from_json);
    // So are refusals.
    let taken = app.ask(in_xml(&slots[0])).await.expect(422);
    is_xml(&taken);
    assert!(taken.text().contains("<diagnostics value=\"Slot no longer available\"/>"), "{}", taken.text());
}

#[on_both]
async fn the_provider_root_books_by_reference(app: App) {
    let slot = app.free_slot(UTC).await;
    let body = json!({
        "resourceType": "Appointment", "status": "booked", "description": "Sore throat",
        "start": slot.start, "end": slot.end, "slot": [{"reference": format!("Slot/{}", slot.id)}],
        "participant": [{
            "status": "accepted",
            "actor": {"display": "Imogen Whitlock", "identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990482136"}}
        }]
    });
    app.book(&body).await.issues(400);
    let ask = Ask::book(&body).on_provider().without("X-Request-ID").without("Ssp-TraceID").without("Ssp-From").without("Ssp-To");
    let made = app.ask(ask.clone().without("Ssp-InteractionID")).await.expect(201);
    assert_eq!(made.header("Location"), format!("{PUBLIC_URL}/STU3/1/provider/Appointment/{}/_history/1", made.id()));
    app.ask(ask).await.says_slot_taken();
    // Both roots have one allocator.
    app.book(&booking(&slot)).await.says_slot_taken();
}
