//! The diary as JSON, for programs. A day is `{"day", "slots"}`; a week is `{"week": [days]}`.

use super::rows::{appointment_status, status};
use crate::engine::{Diary, DiaryDay, DiarySlot};
use domain::ids::OdsCode;
use domain::nhs_number::NhsNumber;
use serde_json::{Value, json};

/// The diary of one day, or of a week.
pub fn of(diary: &Diary, week: bool) -> Value {
    let mut days = diary.days.iter().map(|day| of_day(diary, day));
    if week { json!({ "week": days.collect::<Vec<_>>() }) } else { days.next().unwrap_or(Value::Null) }
}

fn of_day(diary: &Diary, day: &DiaryDay) -> Value {
    let slots = day.slots.iter().map(|slot| of_slot(diary, slot));
    json!({ "day": day.day.to_string(), "slots": slots.collect::<Vec<_>>() })
}

fn of_slot(diary: &Diary, slot: &DiarySlot) -> Value {
    let shown = diary.schedule_of(slot);
    let appointments = slot.appointments.iter().map(|booked| {
        let appointment = &booked.appointment;
        let patient = &appointment.patient;
        json!({
            "id": appointment.id.as_str(),
            "status": appointment_status(booked),
            "service": appointment.service.as_str(),
            "start": appointment.start.to_fhir(),
            "end": appointment.end.to_fhir(),
            "patient": patient.name,
            "nhsNumber": patient.nhs_number.as_ref().map(NhsNumber::as_str),
            "birthDate": patient.birth_date,
            "contact": patient.contact,
            "reason": appointment.reason,
            "clinicalDocument": appointment.clinical_document,
            "bookedBy": appointment.booked_by.as_ref().map(OdsCode::as_str),
        })
    });
    json!({
        "slot": slot.slot.id.as_str(),
        "schedule": slot.slot.schedule.as_str(),
        "scheduleName": shown.map(|s| s.schedule.name.as_str()),
        "clinician": shown.and_then(|s| s.clinician.as_deref()),
        "place": shown.and_then(|s| s.place.as_deref()),
        "start": slot.slot.start.to_fhir(),
        "end": slot.slot.end.to_fhir(),
        "status": status(diary, slot),
        "capacity": slot.slot.capacity,
        "taken": slot.slot.taken,
        "blocked": slot.slot.blocked,
        "appointments": appointments.collect::<Vec<_>>(),
    })
}
