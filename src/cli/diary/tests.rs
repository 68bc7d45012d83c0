//! How a diary is shown, on a diary made by hand.

use super::*;
use crate::engine::{Diary, DiaryDay, DiarySchedule, DiarySlot};
use domain::appointment::{Appointment, AppointmentStatus, DiaryAppointment, Patient};
use domain::directory::Service;
use domain::ids::{AppointmentId, OdsCode, SlotId};
use domain::nhs_number::NhsNumber;
use domain::schedule::{Identifier, Schedule};
use domain::slot::Slot;
use domain::time::{LONDON, MINUTE_MS, Timestamp};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn booked(slot: &str, name: &str, status: AppointmentStatus, reason: &str) -> DiaryAppointment {
    let start = at("2026-02-11T09:30:00Z");
    DiaryAppointment {
        appointment: Appointment {
            id: AppointmentId::parse("a1").unwrap(),
            slot: SlotId::parse(slot).unwrap(),
            status,
            version: 1,
            start,
            end: start.plus_ms(15 * MINUTE_MS),
            booked_by: Some(OdsCode::parse("X9T20").unwrap()),
            service: ServiceId::parse("2000417733").unwrap(),
            patient: Patient {
                nhs_number: Some(NhsNumber::parse("9990482136").unwrap()),
                name: Some(name.to_owned()),
                birth_date: Some("2019-08-03".to_owned()),
                contact: Some("07700 900461 (Rosalind Whitlock)".to_owned()),
                ..Patient::default()
            },
            reason: reason.to_owned(),
            clinical_document: None,
            updated: start,
        },
        schedule: ScheduleId::parse("s1").unwrap(),
        location: None,
    }
}

/// A day of `count` slots from half past nine; the first has the appointments given.
fn diary(count: i64, appointments: Vec<DiaryAppointment>) -> Diary {
    let slot = |n: i64| {
        let start = at("2026-02-11T09:30:00Z").plus_ms(n * 15 * MINUTE_MS);
        let live = appointments.iter().filter(|a| a.appointment.status == AppointmentStatus::Booked).count();
        DiarySlot {
            slot: Slot {
                id: SlotId::parse(&format!("slot-{n}")).unwrap(),
                schedule: ScheduleId::parse("s1").unwrap(),
                start,
                end: start.plus_ms(15 * MINUTE_MS),
                capacity: 1,
                taken: if n == 0 { i32::try_from(live).unwrap() } else { 0 },
                blocked: n == 1,
                channel: None,
                version: 1,
                updated: start,
            },
            appointments: if n == 0 { appointments.clone() } else { Vec::new() },
        }
    };
    let schedule = Schedule {
        id: ScheduleId::parse("s1").unwrap(),
        identifier: Identifier { system: "https://weirside.example/Id/diary".to_owned(), value: "T-2".to_owned() },
        name: "Treatment room 2".to_owned(),
        services: vec![ServiceId::parse("2000417733").unwrap()],
        practitioner: None,
        role: None,
        location: None,
        zone: LONDON,
        active: true,
        version: 1,
        updated: at("2026-02-10T09:00:00Z"),
    };
    let service = Service {
        id: ServiceId::parse("2000417733").unwrap(),
        name: "Urgent Treatment Centre".to_owned(),
        organization: None,
        ods: None,
        location: None,
    };
    Diary {
        providers: vec!["Weirside Urgent Care".to_owned()],
        services: vec![service],
        schedules: vec![DiarySchedule {
            schedule,
            clinician: Some("Ms Nneka Okafor".to_owned()),
            place: Some("Weirside UTC, Ground Floor".to_owned()),
        }],
        days: vec![DiaryDay { day: parse_day("2026-02-11").unwrap(), slots: (0..count).map(slot).collect() }],
        now: at("2026-02-11T08:00:00Z"),
    }
}

fn imogen() -> DiaryAppointment {
    booked("slot-0", "Imogen Whitlock", AppointmentStatus::Booked, "Persistent ear pain")
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> Result<(), Failure>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_week_is_monday_to_sunday_whatever_day_of_it_is_named() {
    let day = |text| parse_day(text).unwrap();
    for named in ["2026-02-09", "2026-02-11", "2026-02-15"] {
        assert_eq!(week_of(day(named)), (day("2026-02-09"), day("2026-02-15")), "{named}");
    }
    assert_eq!(week_of(day("2026-01-01")).0, day("2025-12-29"));
}

#[test]
fn a_cancelled_appointment_differs_from_the_one_there_now() {
    let gone = booked("slot-0", "Tom Brierley", AppointmentStatus::Cancelled, "Sore throat");
    let diary = diary(3, vec![imogen(), gone]);
    let text = written(|out| table::write(&diary, true, out));
    let row = |name: &str| text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {text}")).to_owned();
    assert!(row("Imogen Whitlock").contains(" booked "), "{text}");
    assert!(row("Tom Brierley").contains(" cancelled "), "{text}");
    assert!(row("09:45-10:00").contains("kept back"), "{text}");
    assert!(text.ends_with("1 booked, 1 cancelled, 1 free, 1 kept back, 0 gone by\n"), "{text}");
    let json = json::of(&diary, false);
    assert_eq!(json["slots"][0]["status"], "booked");
    assert_eq!(
        (&json["slots"][0]["appointments"][0]["status"], &json["slots"][0]["appointments"][1]["status"]),
        (&"booked".into(), &"cancelled".into())
    );
    assert_eq!(json["slots"][1]["status"], "kept back");
    assert_eq!(json::of(&diary, true)["week"][0], json);
}

#[test]
fn a_slot_whose_only_appointment_was_cancelled_is_free_again() {
    let diary = diary(1, vec![booked("slot-0", "Tom Brierley", AppointmentStatus::Cancelled, "Sore throat")]);
    let statuses: Vec<_> = rows::of(&diary, &diary.days[0]).into_iter().map(|row| row.status).collect();
    assert_eq!(statuses, ["cancelled", "free"]);
    assert_eq!(json::of(&diary, false)["slots"][0]["status"], "free");
}

#[test]
fn a_slot_booked_and_then_kept_back_is_booked_everywhere() {
    let mut diary = diary(1, vec![imogen()]);
    diary.days[0].slots[0].slot.blocked = true;
    let statuses = |diary: &Diary| rows::of(diary, &diary.days[0]).into_iter().map(|row| row.status).collect::<Vec<_>>();
    assert_eq!(statuses(&diary), ["booked"]);
    assert_eq!(json::of(&diary, false)["slots"][0]["status"], "booked");
    assert_eq!(json::of(&diary, false)["slots"][0]["blocked"], true);
    // One of two places is taken: what is left is kept back.
    diary.days[0].slots[0].slot.capacity = 2;
    assert_eq!(statuses(&diary), ["booked", "kept back"]);
    assert_eq!(json::of(&diary, false)["slots"][0]["status"], "kept back");
}

#[test]
fn nothing_that_a_consumer_wrote_is_hidden_or_turned_round() {
    let name = "Imogen\u{202e}kcoltihW \u{1b}[2J\u{9b}\u{2066}";
    let diary = diary(1, vec![booked("slot-0", name, AppointmentStatus::Booked, "\u{202e}ear pain")]);
    let shown = [
        written(|out| table::write(&diary, false, out)),
        written(|out| pages::write(&diary, false, out)),
        written(|out| spreadsheet::write(&diary, out)),
        written(|out| say(out, &plain_json(&json::of(&diary, false).to_string()))),
    ];
    for text in &shown {
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{9b}', '\u{2066}']), "{text:?}");
    }
    let json: serde_json::Value = serde_json::from_str(&shown[3]).unwrap();
    assert_eq!(json["slots"][0]["appointments"][0]["patient"], name);
}

#[test]
fn what_a_consumer_wrote_is_no_formula_and_no_escape() {
    let diary = diary(1, vec![booked("slot-0", "=cmd|' /C calc'!A0", AppointmentStatus::Booked, "\u{1b}[2Jear\u{c}pain\npage 1")]);
    let csv = written(|out| spreadsheet::write(&diary, out));
    assert!(csv.contains(",'=cmd|' /C calc'!A0,"), "{csv}");
    for text in [written(|out| table::write(&diary, false, out)), written(|out| pages::write(&diary, false, out))] {
        assert!(!text.contains(['\u{1b}', '\u{c}']), "{text:?}");
    }
}

#[test]
fn csv_has_a_column_for_the_day_the_clinician_and_the_place() {
    let csv = written(|out| spreadsheet::write(&diary(1, vec![imogen()]), out));
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("Day,Time,Schedule,Clinician,Place,Service,Status,Patient,NHS number,Born,Contact,Reason,Booked by"));
    let row = "2026-02-11,09:30-09:45,Treatment room 2,Ms Nneka Okafor,\"Weirside UTC, Ground Floor\",2000417733,booked,\
               Imogen Whitlock,9990482136,2019-08-03,07700 900461 (Rosalind Whitlock),Persistent ear pain,X9T20";
    assert_eq!(lines.next(), Some(row));
    assert_eq!(lines.next(), None);
}

#[test]
fn a_page_says_who_and_when_and_fits_the_paper() {
    let reason = "Persistent ear pain since Monday, worse at night, paracetamol gives little relief, face to face assessment asked";
    let mut diary = diary(60, vec![booked("slot-0", "Imogen Whitlock", AppointmentStatus::Booked, reason)]);
    let mut next = diary.days[0].clone();
    next.day = parse_day("2026-02-12").unwrap();
    next.slots.clear();
    diary.days.push(next);
    let text = written(|out| pages::write(&diary, false, out));
    let all: Vec<&str> = text.split('\u{c}').collect();
    assert_eq!(all.len(), 3, "two pages of the full day, one of the empty one");
    for (at, page) in all.iter().enumerate() {
        let lines: Vec<&str> = page.lines().collect();
        assert!(lines.len() <= pages::PAGE_LINES, "page {at} has {} lines", lines.len());
        assert!(lines.iter().all(|line| line.chars().count() <= pages::LINE_CHARS), "page {at} is too wide");
        assert!(lines[0].starts_with("Weirside Urgent Care - Urgent Treatment Centre"), "{}", lines[0]);
    }
    assert!(all[0].lines().next().unwrap().ends_with("page 1 of 2") && all[2].lines().next().unwrap().ends_with("page 1 of 1"));
    assert!(all[1].lines().nth(1).unwrap().starts_with("Wednesday, 11 February 2026"));
    // The second page repeats whose rows these are.
    assert_eq!(all[1].lines().nth(3), Some("Treatment room 2 - Ms Nneka Okafor - Weirside UTC, Ground Floor"));
    assert!(all[2].contains("No slots on this day."));
    // Nothing of the reason is lost: its words stand below each other in the last column.
    let printed: String = all[0].lines().filter_map(|line| line.get(96..)).collect::<Vec<_>>().join(" ");
    for word in reason.split(' ') {
        assert!(printed.contains(word), "{word}: {printed}");
    }
}

#[test]
fn a_row_is_never_parted_by_the_end_of_a_page() {
    let long = "word ".repeat(400);
    let mut diary = diary(30, Vec::new());
    for slot in &mut diary.days[0].slots {
        slot.slot.taken = 1;
        slot.appointments = vec![booked(slot.slot.id.as_str(), "Imogen Whitlock", AppointmentStatus::Booked, &long)];
    }
    let text = written(|out| pages::write(&diary, false, out));
    for page in text.split('\u{c}') {
        let begins = page.lines().filter(|line| line.contains("9990482136")).count();
        let ends = page.lines().filter(|line| line.ends_with('…')).count();
        assert_eq!(begins, ends, "{page}");
    }
}
