//! What is said of each slot, in words: one row an appointment, and one for what is still free of its slot.
//!
//! Pitfall: a cancelled appointment has a row of its own beside whoever has the slot now,
//! and it takes nothing of the slot.

use crate::engine::{Diary, DiaryDay, DiarySlot};
use domain::appointment::{AppointmentStatus, DiaryAppointment};
use domain::ids::OdsCode;
use domain::nhs_number::NhsNumber;
use domain::time::LONDON;

/// A row, as text, unguarded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// `09:30-09:45`, local.
    pub time: String,
    /// The schedule's id.
    pub schedule_id: String,
    /// What people call the schedule.
    pub schedule: String,
    /// Whose schedule it is.
    pub clinician: String,
    /// Where it is.
    pub place: String,
    /// `booked`, `cancelled`, `free`, `kept back` or `gone by`.
    pub status: &'static str,
    /// The service it was booked for.
    pub service: String,
    /// Who is coming.
    pub patient: String,
    /// Ten digits.
    pub nhs_number: String,
    /// The date of birth, as sent.
    pub born: String,
    /// How to reach whoever is to be called first.
    pub contact: String,
    /// Why.
    pub reason: String,
    /// The ODS code of the organisation that booked.
    pub booked_by: String,
}

/// The rows of a day, in its order.
pub fn of(diary: &Diary, day: &DiaryDay) -> Vec<Row> {
    let mut rows = Vec::new();
    for slot in &day.slots {
        let common = common(diary, slot);
        rows.extend(slot.appointments.iter().map(|booked| booked_row(&common, booked)));
        if slot.slot.taken < slot.slot.capacity {
            rows.push(Row { status: open_status(diary, slot), ..common });
        }
    }
    rows
}

/// `3 booked, 1 cancelled, 5 free, 0 kept back, 2 gone by`; cancelled ones only where they are shown.
pub fn summary(rows: &[Row], cancelled: bool) -> String {
    let statuses = ["booked", "cancelled", "free", "kept back", "gone by"];
    let counted = statuses.into_iter().filter(|status| cancelled || *status != "cancelled");
    let counts = counted.map(|status| format!("{} {status}", rows.iter().filter(|row| row.status == status).count()));
    counts.collect::<Vec<_>>().join(", ")
}

/// The status of a slot.
pub fn status(diary: &Diary, slot: &DiarySlot) -> &'static str {
    match slot.slot.status(diary.now) {
        // All of it is taken; that it was kept back afterwards changes nothing for who is coming.
        _ if slot.slot.taken >= slot.slot.capacity => "booked",
        _ => open_status(diary, slot),
    }
}

/// The status of an appointment.
pub const fn appointment_status(booked: &DiaryAppointment) -> &'static str {
    booked.appointment.status.code()
}

/// The status of what is left of a slot.
fn open_status(diary: &Diary, slot: &DiarySlot) -> &'static str {
    match (slot.slot.blocked, slot.slot.start <= diary.now) {
        (true, _) => "kept back",
        (false, true) => "gone by",
        (false, false) => "free",
    }
}

fn common(diary: &Diary, slot: &DiarySlot) -> Row {
    let shown = diary.schedule_of(slot);
    let zone = shown.map_or(LONDON, |s| s.schedule.zone);
    Row {
        time: format!("{}-{}", slot.slot.start.local(zone).format("%H:%M"), slot.slot.end.local(zone).format("%H:%M")),
        schedule_id: slot.slot.schedule.as_str().to_owned(),
        schedule: shown.map_or_else(String::new, |s| s.schedule.name.clone()),
        clinician: shown.and_then(|s| s.clinician.clone()).unwrap_or_default(),
        place: shown.and_then(|s| s.place.clone()).unwrap_or_default(),
        ..Row::default()
    }
}

fn booked_row(common: &Row, booked: &DiaryAppointment) -> Row {
    let appointment = &booked.appointment;
    let patient = &appointment.patient;
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    Row {
        status: match appointment.status {
            AppointmentStatus::Booked => "booked",
            AppointmentStatus::Cancelled => "cancelled",
        },
        service: appointment.service.as_str().to_owned(),
        patient: text(patient.name.as_deref()),
        nhs_number: text(patient.nhs_number.as_ref().map(NhsNumber::as_str)),
        born: text(patient.birth_date.as_deref()),
        contact: text(patient.contact.as_deref()),
        reason: appointment.reason.clone(),
        booked_by: text(appointment.booked_by.as_ref().map(OdsCode::as_str)),
        ..common.clone()
    }
}
