use super::*;
use domain::appointment::{Appointment, AppointmentStatus, Origin, Patient};
use domain::document::{Document, Release};
use domain::ids::{AppointmentId, OdsCode, ServiceId, SlotId};
use domain::policy::{Access, Ceiling, Quota, Rights};
use domain::schedule::OfferedService;
use domain::time::{LONDON, Timestamp};
use std::sync::Arc;

const NOON: &str = "2026-02-11T12:00:00Z";

fn quotas(service: &str, ceilings: &[(Option<&str>, u32)]) -> Vec<Quota> {
    let ceilings =
        ceilings.iter().map(|(of, per_day)| Ceiling { service: of.map(|id| ServiceId::stored(id.to_owned())), per_day: *per_day });
    let rights = Rights { ceilings: ceilings.collect(), ..Rights::usual() };
    let access = Access::Organisation { code: OdsCode::parse("X1").unwrap(), rights: Arc::new(rights) };
    access.quotas(
        &OfferedService { service: ServiceId::stored(service.to_owned()), provider: None },
        Timestamp::parse(NOON).unwrap(),
        LONDON,
    )
}

fn booking(id: &str, service: &str, ceilings: &[(Option<&str>, u32)]) -> NewAppointment {
    let start = Timestamp::parse(NOON).unwrap();
    let appointment = Appointment {
        id: AppointmentId::stored(id.to_owned()),
        slot: SlotId::stored(id.to_owned()),
        status: AppointmentStatus::Booked,
        version: 1,
        start,
        end: start.plus_ms(1),
        booked_by: OdsCode::parse("X1"),
        service: ServiceId::stored(service.to_owned()),
        patient: Patient::default(),
        reason: String::new(),
        clinical_document: None,
        updated: start,
    };
    NewAppointment {
        appointment,
        document: Document { release: Release::Stu3, text: String::new() },
        origin: Origin::default(),
        quotas: quotas(service, ceilings),
    }
}

/// The ids of those that go ahead when every ceiling was counted at `count`.
fn ahead(bookings: &[NewAppointment], count: i64) -> Vec<String> {
    let counts = bookings.iter().flat_map(|b| &b.quotas).map(|quota| (quota.tally.clone(), count)).collect();
    with_room(bookings, counts).into_iter().map(|b| b.appointment.id.as_str().to_owned()).collect()
}

#[test]
fn those_who_come_first_have_the_room_there_is() {
    let under = |id: &str| booking(id, "s", &[(None, 3)]);
    let bookings = [under("1"), under("2"), under("3"), under("4")];
    assert_eq!(ahead(&bookings, 0), ["1", "2", "3"]);
    assert_eq!(ahead(&bookings, 2), ["1"]);
    assert!(ahead(&bookings, 3).is_empty());
}

#[test]
fn a_full_ceiling_takes_no_room_from_another() {
    let both: &[(Option<&str>, u32)] = &[(None, 3), (Some("s"), 1)];
    let bookings =
        [booking("1", "s", both), booking("2", "s", both), booking("3", "t", both), booking("4", "t", both), booking("5", "t", both)];
    assert_eq!(ahead(&bookings, 0), ["1", "3", "4"]);
}

#[test]
fn a_booking_under_no_ceiling_counts_for_those_after_it() {
    let bookings = [booking("1", "s", &[]), booking("2", "s", &[(None, 1)])];
    assert_eq!(ahead(&bookings, 0), ["1"]);
    // Under the policy of before, which was laxer.
    let bookings = [booking("1", "s", &[(None, 9)]), booking("2", "s", &[(None, 9)]), booking("3", "s", &[(None, 2)])];
    assert_eq!(ahead(&bookings, 0), ["1", "2"]);
}

#[test]
fn where_the_lock_was_not_had_nothing_goes_ahead() {
    let bookings = [booking("1", "s", &[(None, 3)]), booking("2", "s", &[])];
    let ahead: Vec<_> = with_room(&bookings, HashMap::new()).into_iter().map(|b| b.appointment.id.as_str()).collect();
    assert_eq!(ahead, ["2"]);
}
