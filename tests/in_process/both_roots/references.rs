//! References with a base URL: below our own public URL they mean what they would mean without it, below another one they
//! mean another server's resource (STU3 references, "Literal References"; docs/contract.md#service-roots).

use serde_json::{Value, json};
use testkit::{App, Ask, DENTAL, PROVIDER_ORGANISATION, PUBLIC_URL, Slot, UTC, booking, on_both, put, take};

const ROOTS: [&str; 2] = ["/STU3/1/booking", "/STU3/1/provider"];
const ELSEWHERE: [&str; 4] = [
    "https://elsewhere.example/STU3/1/booking",
    "https://booking.example-uec.thirdparty.nhs.uk.elsewhere.example/STU3/1/booking",
    "https://booking.example-uec.thirdparty.nhs.uk/another/server",
    "https://booking.example-uec.thirdparty.nhs.uk/STU3/1/bookings",
];

/// A booking as an ordinary FHIR client sends it, its slot named in these words.
fn by_reference(slot: &Slot, reference: &str) -> Ask {
    let body = put(take(booking(slot), "/contained/2"), "/slot/0/reference", reference);
    Ask::book(&body).on_provider()
}

#[on_both]
async fn a_slot_of_another_server_is_not_booked(app: App) {
    let slots = app.free_slots(UTC).await;
    let slot = &slots[0];
    for elsewhere in ELSEWHERE {
        let answer = app.ask(by_reference(slot, &format!("{elsewhere}/Slot/{}", slot.id))).await;
        assert_eq!(answer.expressions(422), ["Appointment.slot[0].reference"], "{elsewhere}");
    }
    assert_eq!(app.live_in(&slot.id).await, 0);
    for (root, slot) in ROOTS.iter().zip(&slots) {
        let reference = format!("{PUBLIC_URL}{root}/Slot/{}", slot.id);
        let made = app.ask(by_reference(slot, &reference)).await.expect(201).json();
        assert_eq!(made["slot"][0]["reference"], reference, "kept as sent");
        assert_eq!(app.live_in(&slot.id).await, 1);
    }
    let reference = format!("{}/STU3/1/provider/Slot/{}/_history/1", PUBLIC_URL.to_uppercase().replace("HTTPS", "Https"), slots[2].id);
    app.ask(by_reference(&slots[2], &reference)).await.expect(201);
}

#[on_both]
async fn a_contained_slot_names_its_schedule_under_any_base(app: App) {
    let slots = app.free_slots(UTC).await;
    let with = |slot: &Slot, base: &str| {
        let reference = format!("{base}/Schedule/{}", slot.schedule);
        put(booking(slot), "/contained/2/schedule/reference", reference)
    };
    for root in ROOTS {
        let ask = |body: &Value| Ask { root, ..Ask::book(body) };
        let other = Slot { schedule: "another".to_owned(), ..slots[0].clone() };
        assert_eq!(app.ask(ask(&with(&other, ELSEWHERE[0]))).await.expressions(422), ["Appointment.contained[2].schedule"], "{root}");
    }
    for (base, slot) in [ELSEWHERE[0], &format!("{PUBLIC_URL}{}", ROOTS[0])].into_iter().zip(&slots) {
        app.book(&with(slot, base)).await.expect(201);
    }
}

#[on_both]
async fn staff_below_our_own_url_must_exist(app: App) {
    let slots = app.free_slots(UTC).await;
    let with = |slot: &Slot, reference: String| {
        put(booking(slot), "/participant/-", json!({"actor": {"reference": reference}, "status": "accepted"}))
    };
    let own = format!("{PUBLIC_URL}/STU3/1/booking/Practitioner/nobody");
    assert_eq!(app.book(&with(&slots[0], own)).await.expressions(422), ["Appointment.participant[1].actor.reference"]);
    app.book(&with(&slots[0], format!("{}/Practitioner/nobody", ELSEWHERE[0]))).await.expect(201);
    // A service of our own is compared with the slot's, one of another server's is none of ours.
    let dental = format!("HealthcareService/{DENTAL}");
    let answer = app.book(&with(&slots[1], format!("{PUBLIC_URL}/STU3/1/booking/{dental}"))).await;
    assert_eq!(answer.expressions(422), ["Appointment.participant"]);
    app.book(&with(&slots[1], format!("{}/{dental}", ELSEWHERE[0]))).await.expect(201);
    // What an absolute reference leads to is brought along.
    let place = app.ask(Ask::get("Location?_count=1").on_provider().of(PROVIDER_ORGANISATION)).await.expect(200).ids("Location").remove(0);
    let made = app.book(&with(&slots[2], format!("{PUBLIC_URL}/STU3/1/booking/Location/{place}"))).await.expect(201).id();
    let brought = app.ask(Ask::get(format!("Appointment?_id={made}&_include=Appointment:actor")).on_provider()).await.expect(200);
    assert_eq!(brought.ids("Location"), [place]);
}

/// That a search finds the same, and something, with every root of ours before its reference; both roots are asked.
async fn finds_the_same(app: &App, before: &str, reference: &str, after: &str, roots: &[&'static str]) {
    for root in roots {
        let ask = |value: &str| Ask { root, ..Ask::get(format!("{before}={value}{after}")) };
        let relative = app.ask(ask(reference)).await.expect(200);
        assert!(relative.total() > 0, "{before}={reference}{after} finds nothing on {root}");
        for own in ROOTS {
            let absolute = app.ask(ask(&format!("{PUBLIC_URL}{own}/{reference}"))).await.expect(200);
            assert_eq!(absolute.json(), relative.json(), "{before} on {root}");
        }
    }
}

#[on_both]
async fn absolute_references_find_what_relative_ones_find(app: App) {
    let slot = app.free_slot(UTC).await;
    let service = format!("HealthcareService/{UTC}");
    let names =
        ["service", "schedule.actor", "schedule.actor:healthcareservice", "Schedule.actor:HealthcareService", "schedule.actor.identifier"];
    for name in names {
        finds_the_same(&app, &format!("Slot?start=2026-02-11&{name}"), &service, "", &ROOTS).await;
    }
    let schedule = format!("Schedule/{}", slot.schedule);
    finds_the_same(&app, "Slot?start=2026-02-11&schedule", &schedule, "", &ROOTS).await;
    finds_the_same(&app, "Slot?start=2026-02-11&schedule", &schedule, ",Schedule/another", &ROOTS).await;
    for name in ["actor", "actor:healthcareservice", "actor:HealthcareService"] {
        finds_the_same(&app, &format!("Schedule?{name}"), &service, "", &ROOTS).await;
    }
}

#[on_both]
async fn a_search_of_appointments_knows_absolute_references(app: App) {
    let slot = app.free_slot(UTC).await;
    let id = app.booked(&slot).await["id"].as_str().unwrap().to_owned();
    finds_the_same(&app, &format!("Appointment?_id={id}&slot"), &format!("Slot/{}", slot.id), "", &ROOTS).await;
    for name in ["actor", "Appointment.participant.actor"] {
        finds_the_same(&app, &format!("Appointment?_id={id}&{name}"), &format!("HealthcareService/{UTC}"), "", &ROOTS).await;
    }
    // There are no resources of patients here, by whatever reference.
    for reference in ["Patient/p".to_owned(), format!("{PUBLIC_URL}/STU3/1/booking/Patient/p")] {
        assert_eq!(app.get(&format!("Appointment?patient={reference}")).await.expect(200).total(), 0);
    }
}

#[on_both]
async fn a_search_of_the_directory_knows_absolute_references(app: App) {
    finds_the_same(&app, "HealthcareService?organization", "Organization/Y9Z41", "", &ROOTS[1..]).await;
    finds_the_same(&app, "Location?organization", "Organization/Y9Z41", "", &ROOTS[1..]).await;
}

#[on_both]
async fn a_search_by_a_reference_to_another_server_is_refused(app: App) {
    let slot = app.free_slot(UTC).await;
    for elsewhere in ELSEWHERE {
        for (search, reference) in [
            ("Slot?service", format!("HealthcareService/{UTC}")),
            ("Slot?schedule", format!("Schedule/{}", slot.schedule)),
            ("Schedule?actor", format!("HealthcareService/{UTC}")),
            ("Appointment?_id=a&slot", format!("Slot/{}", slot.id)),
            ("Appointment?_id=a&actor", format!("HealthcareService/{UTC}")),
        ] {
            let answer = app.get(&format!("{search}={elsewhere}/{reference}")).await;
            assert_eq!(answer.status, 400, "{search}={elsewhere}/{reference}: {}", answer.text());
        }
    }
}
