//! Requests sent again under the same `X-Request-ID` (docs/contract.md#resent-requests).

use testkit::{Answer, App, Ask, OTHER_CONSUMER, UTC, booking, cancelled, on_both, put, take};

const KEY: &str = "9c1f6f2e-71b3-4f6c-9f3a-5a2a6b0d7e11";

/// That an answer calls its request a duplicate and names the appointment.
#[track_caller]
fn is_duplicate_of(answer: &Answer, id: &str) {
    let told = answer.refused(409, "duplicate", "DUPLICATE_REJECTED");
    assert!(told.contains(id), "does not name {id}: {told}");
}

/// Proves F39.
#[on_both]
async fn a_resent_booking_is_a_duplicate_that_names_the_appointment(app: App) {
    let slot = app.free_slot(UTC).await;
    let ask = Ask::book(&booking(&slot)).key(KEY);
    let made = app.ask(ask.clone()).await.expect(201).id();
    for _ in 0..3 {
        let again = app.ask(ask.clone()).await;
        is_duplicate_of(&again, &made);
        assert_eq!(again.header("X-Correlation-ID"), KEY);
    }
    assert_eq!(app.live_in(&slot.id).await, 1);
}

/// Proves F39.
#[on_both]
async fn a_resent_key_wins_whatever_the_body(app: App) {
    let slots = app.free_slots(UTC).await;
    let made = app.ask(Ask::book(&booking(&slots[0])).key(KEY)).await.expect(201).id();
    let other = booking(&slots[1]);
    let bodies = [
        ("another slot", other.to_string()),
        ("against the profile", put(other.clone(), "/contained/1/gender", "f").to_string()),
        ("no slot", take(other.clone(), "/contained/2").to_string()),
        ("an unknown slot", put(other.clone(), "/contained/2/id", "nowhere").to_string()),
        ("not JSON", "{\"resourceType\": \"Appointment\", ".to_owned()),
        ("nothing", String::new()),
        ("too deep", format!("{}{}", "[".repeat(500), "]".repeat(500))),
        ("another resource", "{\"resourceType\": \"Patient\"}".to_owned()),
    ];
    for (name, body) in bodies {
        let answer = app.ask(Ask::new("POST", "Appointment").bytes(body).key(KEY)).await;
        assert_eq!(answer.status, 409, "{name}: {}", answer.text());
        is_duplicate_of(&answer, &made);
    }
    assert_eq!(app.status_of(&slots[1].id).await, "free");
}

#[on_both]
async fn a_key_belongs_to_its_organisation(app: App) {
    let slots = app.free_slots(UTC).await;
    let one = app.ask(Ask::book(&booking(&slots[0])).key(KEY)).await.expect(201).id();
    let two = app.ask(Ask::book(&booking(&slots[1])).key(KEY).of(OTHER_CONSUMER)).await.expect(201).id();
    is_duplicate_of(&app.ask(Ask::book(&booking(&slots[2])).key(KEY)).await, &one);
    is_duplicate_of(&app.ask(Ask::book(&booking(&slots[2])).key(KEY).of(OTHER_CONSUMER)).await, &two);
}

#[on_both]
async fn both_roots_share_the_keys(app: App) {
    let slots = app.free_slots(UTC).await;
    let one = app.ask(Ask::book(&booking(&slots[0])).key(KEY)).await.expect(201).id();
    is_duplicate_of(&app.ask(Ask::book(&booking(&slots[1])).key(KEY).on_provider()).await, &one);
    let two = app.ask(Ask::book(&booking(&slots[1])).key("other").on_provider()).await.expect(201).id();
    is_duplicate_of(&app.ask(Ask::book(&booking(&slots[2])).key("other")).await, &two);
}

#[on_both]
async fn a_failed_attempt_does_not_burn_its_key(app: App) {
    let slots = app.free_slots(UTC).await;
    app.booked(&slots[0]).await;
    app.ask(Ask::book(&booking(&slots[0])).key(KEY)).await.says_slot_taken();
    app.ask(Ask::book(&put(booking(&slots[1]), "/contained/1/gender", "f")).key(KEY)).await.issues(422);
    app.ask(Ask::new("POST", "Appointment").bytes("{").key(KEY)).await.issues(400);
    let made = app.ask(Ask::book(&booking(&slots[1])).key(KEY)).await.expect(201).id();
    is_duplicate_of(&app.ask(Ask::book(&booking(&slots[1])).key(KEY)).await, &made);
}

#[on_both]
async fn a_change_under_the_key_of_a_booking_is_a_duplicate(app: App) {
    let slots = app.free_slots(UTC).await;
    let made = app.ask(Ask::book(&booking(&slots[0])).key(KEY)).await.expect(201).json();
    let id = made["id"].as_str().unwrap();
    let other = app.booked(&slots[1]).await;
    is_duplicate_of(&app.ask(Ask::cancel(id, "W/\"1\"", &cancelled(&made)).key(KEY)).await, id);
    // Also where it would be refused for another reason: a difference, a malformed body, a stale version.
    let differs = put(cancelled(&made), "/description", "Something else");
    is_duplicate_of(&app.ask(Ask::cancel(id, "W/\"1\"", &differs).key(KEY)).await, id);
    let malformed = Ask::cancel(id, "W/\"1\"", &differs).bytes("{").key(KEY);
    is_duplicate_of(&app.ask(malformed).await, id);
    is_duplicate_of(&app.ask(Ask::cancel(id, "W/\"7\"", &cancelled(&made)).key(KEY)).await, id);
    // And where it is about another appointment.
    let of_other = other["id"].as_str().unwrap();
    is_duplicate_of(&app.ask(Ask::cancel(of_other, "W/\"1\"", &cancelled(&other)).key(KEY)).await, id);
    for slot in &slots[..2] {
        assert_eq!(app.live_in(&slot.id).await, 1);
    }
}

#[on_both]
async fn a_resent_cancel_is_a_duplicate(app: App) {
    let slot = app.free_slot(UTC).await;
    let made = app.booked(&slot).await;
    let id = made["id"].as_str().unwrap();
    let ask = Ask::cancel(id, "W/\"1\"", &cancelled(&made)).key(KEY);
    app.ask(ask.clone()).await.expect(200);
    is_duplicate_of(&app.ask(ask).await, id);
    // The slot is free again, and a booking under the key of the cancel is refused all the same.
    is_duplicate_of(&app.ask(Ask::book(&booking(&slot)).key(KEY)).await, id);
    app.booked(&slot).await;
}

#[on_both]
async fn a_key_is_kept_after_the_appointment_is_cancelled(app: App) {
    let slot = app.free_slot(UTC).await;
    let ask = Ask::book(&booking(&slot)).key(KEY);
    let made = app.ask(ask.clone()).await.expect(201).json();
    let id = made["id"].as_str().unwrap();
    app.cancel(id, "W/\"1\"", &cancelled(&made)).await.expect(200);
    is_duplicate_of(&app.ask(ask).await, id);
    assert_eq!(app.status_of(&slot.id).await, "free");
}

#[on_both]
async fn keys_are_compared_letter_by_letter(app: App) {
    let slots = app.free_slots(UTC).await;
    for (slot, key) in slots.iter().zip(["key", "KEY", "Key", "key.", "ke y", "%6bey"]) {
        app.ask(Ask::book(&booking(slot)).key(key)).await.expect(201);
    }
}

#[on_both]
async fn without_a_key_the_provider_root_recognises_nothing(app: App) {
    let slots = app.free_slots(UTC).await;
    for slot in &slots[..2] {
        app.ask(Ask::book(&booking(slot)).on_provider().without("X-Request-ID")).await.expect(201);
    }
    app.ask(Ask::book(&booking(&slots[0])).on_provider().without("X-Request-ID")).await.says_slot_taken();
}
