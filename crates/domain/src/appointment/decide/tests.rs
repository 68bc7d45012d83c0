//! The decisions, case by case.

use super::*;
use crate::appointment::Patient;
use crate::ids::{ScheduleId, SlotId};

const NOW: Timestamp = Timestamp::from_ms(1_000_000);
const START: Timestamp = Timestamp::from_ms(2_000_000);
const END: Timestamp = Timestamp::from_ms(2_900_000);

fn id<T>(parsed: Result<T, crate::ids::NotAnId>) -> T {
    parsed.unwrap()
}

fn slot() -> Slot {
    Slot {
        id: id(SlotId::parse("slot")),
        schedule: id(ScheduleId::parse("schedule")),
        start: START,
        end: END,
        capacity: 1,
        taken: 0,
        blocked: false,
        channel: None,
        version: 1,
        updated: NOW,
    }
}

fn claim() -> SlotClaim {
    SlotClaim {
        ids: vec![id(SlotId::parse("slot"))],
        schedule: Some(id(ScheduleId::parse("schedule"))),
        start: Some(START),
        end: Some(END),
        service: None,
        expression: "Appointment.contained[2]".to_owned(),
    }
}

fn decided(slot: Option<&Slot>, claim: &SlotClaim, start: Timestamp, end: Timestamp) -> Result<String, Refusal> {
    let services = [id(ServiceId::parse("primary")), id(ServiceId::parse("second"))];
    let candidate = slot.map(|slot| CandidateSlot { slot, services: &services });
    decide_book(RequestedBooking { slot: claim, start, end }, candidate, NOW).map(|service| service.to_string())
}

fn places(refusal: Refusal) -> Vec<String> {
    match refusal {
        Refusal::SlotContradicted(contradictions) => contradictions.into_iter().map(|c| c.expression).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_free_slot_is_booked_for_the_named_or_primary_service() {
    assert_eq!(decided(Some(&slot()), &claim(), START, END), Ok("primary".to_owned()));
    let named = SlotClaim { service: Some(id(ServiceId::parse("second"))), ..claim() };
    assert_eq!(decided(Some(&slot()), &named, START, END), Ok("second".to_owned()));
    assert_eq!(decided(Some(&slot()), &claim(), START.plus_ms(1), END.plus_ms(-1)), Ok("primary".to_owned()));
}

#[test]
fn a_full_or_blocked_slot_is_taken_and_a_past_one_has_begun() {
    let full = Slot { taken: 1, ..slot() };
    let blocked = Slot { blocked: true, ..slot() };
    for slot in [&full, &blocked] {
        assert_eq!(decided(Some(slot), &claim(), START, END), Err(Refusal::SlotTaken));
    }
    let roomy = Slot { capacity: 2, taken: 1, ..slot() };
    assert!(decided(Some(&roomy), &claim(), START, END).is_ok());
    let services = [id(ServiceId::parse("primary"))];
    for slot in [slot(), full] {
        let candidate = Some(CandidateSlot { slot: &slot, services: &services });
        let requested = RequestedBooking { slot: &claim(), start: START, end: END };
        assert_eq!(decide_book(requested, candidate, START), Err(Refusal::SlotBegun { start: START }));
        assert!(!matches!(decide_book(requested, candidate, START.plus_ms(-1)), Err(Refusal::SlotBegun { .. })));
    }
}

#[test]
fn every_contradiction_is_listed_before_the_slot_is_taken() {
    let full = Slot { taken: 1, ..slot() };
    let wrong = SlotClaim {
        schedule: Some(id(ScheduleId::parse("other"))),
        start: Some(START.plus_ms(1)),
        end: Some(END.plus_ms(1)),
        service: Some(id(ServiceId::parse("foreign"))),
        ..claim()
    };
    let found = places(decided(Some(&full), &wrong, START.plus_ms(-1), END.plus_ms(1)).unwrap_err());
    let expected = [
        "Appointment.contained[2].schedule",
        "Appointment.contained[2].start",
        "Appointment.contained[2].end",
        "Appointment.start",
        "Appointment.end",
        "Appointment.participant",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_slot_nobody_knows_is_unknown() {
    let refusal = decided(None, &claim(), START, END).unwrap_err();
    assert_eq!(refusal, Refusal::SlotUnknown { expression: "Appointment.contained[2]".to_owned() });
}

fn appointment(status: AppointmentStatus) -> Appointment {
    Appointment {
        id: id(crate::ids::AppointmentId::parse("a")),
        slot: id(SlotId::parse("slot")),
        status,
        version: 1,
        start: START,
        end: END,
        booked_by: None,
        service: id(ServiceId::parse("primary")),
        patient: Patient::default(),
        reason: String::new(),
        clinical_document: None,
        updated: NOW,
    }
}

#[test]
fn a_cancel_changes_only_the_status_of_a_future_appointment() {
    let booked = appointment(AppointmentStatus::Booked);
    let tree = Element::resource("Appointment").with(Element::text("status", "booked")).with(Element::text("description", "ear"));
    let mut wanted = tree.clone();
    wanted.set(Element::text("status", "cancelled"));
    assert_eq!(decide_cancel(&booked, &tree, "cancelled", &wanted, NOW), Ok(()));
    assert_eq!(decide_cancel(&booked, &tree, "cancelled", &wanted, START), Err(Refusal::AppointmentPast { start: START }));
    assert_eq!(decide_cancel(&booked, &tree, "noshow", &wanted, NOW), Err(Refusal::NotACancel { status: "noshow".to_owned() }));
    wanted.set(Element::text("description", "nose"));
    let refusal = decide_cancel(&booked, &tree, "cancelled", &wanted, NOW);
    assert_eq!(refusal, Err(Refusal::MoreThanStatus { expressions: vec!["Appointment.description".to_owned()] }));
    let gone = appointment(AppointmentStatus::Cancelled);
    for status in ["cancelled", "booked"] {
        assert_eq!(decide_cancel(&gone, &tree, status, &wanted, NOW), Err(Refusal::AlreadyCancelled));
    }
}
