//! `slotkeeper diary`: who is coming today, and what is still free. For the provider's own people, on their own screen.

use super::{DatabaseArgs, Failure, say, today};
use crate::domain::ids::{ScheduleId, ServiceId};
use crate::domain::schedule::Schedule;
use crate::domain::slot::SlotStatus;
use crate::domain::time::{Clock, LONDON, parse_day};
use crate::engine::{DiaryDay, DiaryFilter, DiarySlot, Engine, SystemClock};
use chrono::NaiveDate;
use serde_json::{Value, json};
use std::io::Write;

/// What `slotkeeper diary` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct DiaryArgs {
    /// The database
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Only schedules of this service
    #[arg(long, value_name = "ID")]
    pub service: Option<String>,
    /// Only this schedule
    #[arg(long, value_name = "ID")]
    pub schedule: Option<String>,
    /// The local day; today unless said otherwise
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Option<String>,
    /// Prints JSON
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Prints CSV
    #[arg(long)]
    pub csv: bool,
}

/// Column names of the table and of CSV.
const COLUMNS: [&str; 9] = ["Time", "Schedule", "Status", "Patient", "NHS number", "Born", "Contact", "Reason", "Booked by"];
/// Widest a column of the table gets, in characters.
const WIDTH_MAX: usize = 40;

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub fn run(args: &DiaryArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let shown_day = args.day.as_deref().map(|text| day("--day", text)).transpose()?.unwrap_or_else(today);
    let usage = |flag: &str, e: crate::domain::ids::NotAnId| Failure::Usage(format!("{flag}: {e}"));
    let service = args.service.as_deref().map(ServiceId::parse).transpose().map_err(|e| usage("--service", e))?;
    let schedule = args.schedule.as_deref().map(ScheduleId::parse).transpose().map_err(|e| usage("--schedule", e))?;
    let filter = DiaryFilter { service, schedule };
    let found = Engine::diary(&args.database.open()?, &filter, shown_day, SystemClock.now())?;
    let diary = found.ok_or_else(|| Failure::Failed("there is no such service or schedule in this database".to_owned()))?;
    match (args.json, args.csv) {
        (true, _) => say(out, &as_json(&diary).to_string()),
        (_, true) => as_csv(&diary, out),
        _ => as_table(&diary, out),
    }
}

/// The day in a flag.
///
/// # Errors
/// [`Failure::Usage`].
pub(super) fn day(flag: &str, text: &str) -> Result<NaiveDate, Failure> {
    parse_day(text).ok_or_else(|| Failure::Usage(format!("{flag} is `{text}`; it must be a day such as 2026-02-11")))
}

fn schedule_of<'d>(diary: &'d DiaryDay, slot: &DiarySlot) -> Option<&'d Schedule> {
    diary.schedules.iter().find(|s| s.id == slot.slot.schedule)
}

fn status(diary: &DiaryDay, slot: &DiarySlot) -> &'static str {
    match slot.slot.status(diary.now) {
        _ if slot.slot.blocked => "kept back",
        SlotStatus::Free => "free",
        SlotStatus::Begun => "gone by",
        SlotStatus::Busy => "booked",
    }
}

fn time(diary: &DiaryDay, slot: &DiarySlot) -> String {
    let zone = schedule_of(diary, slot).map_or(LONDON, |s| s.zone);
    format!("{}-{}", slot.slot.start.local(zone).format("%H:%M"), slot.slot.end.local(zone).format("%H:%M"))
}

/// One row per appointment, and one for what is still free of its slot.
fn rows(diary: &DiaryDay) -> Vec<[String; 9]> {
    let mut rows = Vec::new();
    for slot in &diary.slots {
        let schedule = schedule_of(diary, slot).map_or_else(String::new, |s| s.name.clone());
        for booked in &slot.appointments {
            let appointment = &booked.appointment;
            let patient = &appointment.patient;
            let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
            rows.push([
                time(diary, slot),
                schedule.clone(),
                "booked".to_owned(),
                text(patient.name.as_deref()),
                text(patient.nhs_number.as_ref().map(crate::domain::nhs_number::NhsNumber::as_str)),
                text(patient.birth_date.as_deref()),
                text(patient.contact.as_deref()),
                appointment.reason.clone(),
                text(appointment.booked_by.as_ref().map(crate::domain::ids::OdsCode::as_str)),
            ]);
        }
        if slot.slot.taken < slot.slot.capacity {
            let mut row: [String; 9] = Default::default();
            for (cell, value) in row.iter_mut().zip([time(diary, slot), schedule, status(diary, slot).to_owned()]) {
                *cell = value;
            }
            rows.push(row);
        }
    }
    rows
}

fn as_table(diary: &DiaryDay, out: &mut dyn Write) -> Result<(), Failure> {
    let rows = rows(diary);
    let clipped = |cell: &str| -> String {
        let cell: String = cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if cell.chars().count() <= WIDTH_MAX { cell } else { cell.chars().take(WIDTH_MAX - 1).chain(['…']).collect() }
    };
    let all: Vec<Vec<String>> = std::iter::once(COLUMNS.map(str::to_owned).to_vec())
        .chain(rows.iter().map(|row| row.iter().map(|cell| clipped(cell)).collect()))
        .collect();
    let width = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    say(out, &format!("Diary of {}", diary.day.format("%A, %-d %B %Y")))?;
    for row in &all {
        let line: String = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  ")).collect();
        say(out, line.trim_end())?;
    }
    let of = |wanted: &str| rows.iter().filter(|row| row.get(2).is_some_and(|status| status == wanted)).count();
    say(out, &format!("{} booked, {} free, {} kept back, {} gone by", of("booked"), of("free"), of("kept back"), of("gone by")))
}

fn as_csv(diary: &DiaryDay, out: &mut dyn Write) -> Result<(), Failure> {
    let failed = |e: csv::Error| Failure::Failed(format!("cannot write CSV: {e}"));
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(COLUMNS).map_err(failed)?;
    for row in rows(diary) {
        csv.write_record(row.iter().map(|cell| harmless(cell))).map_err(failed)?;
    }
    let bytes = csv.into_inner().map_err(|e| Failure::Failed(format!("cannot write CSV: {e}")))?;
    say(out, String::from_utf8_lossy(&bytes).trim_end())
}

/// A spreadsheet takes a cell that begins like this for a formula, and consumers choose the text.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

fn as_json(diary: &DiaryDay) -> Value {
    let slots = diary.slots.iter().map(|slot| {
        let schedule = schedule_of(diary, slot);
        let appointments = slot.appointments.iter().map(|booked| {
            let appointment = &booked.appointment;
            let patient = &appointment.patient;
            json!({
                "id": appointment.id.as_str(),
                "service": appointment.service.as_str(),
                "start": appointment.start.to_fhir(),
                "end": appointment.end.to_fhir(),
                "patient": patient.name,
                "nhsNumber": patient.nhs_number.as_ref().map(crate::domain::nhs_number::NhsNumber::as_str),
                "birthDate": patient.birth_date,
                "contact": patient.contact,
                "reason": appointment.reason,
                "clinicalDocument": appointment.clinical_document,
                "bookedBy": appointment.booked_by.as_ref().map(crate::domain::ids::OdsCode::as_str),
            })
        });
        json!({
            "slot": slot.slot.id.as_str(),
            "schedule": slot.slot.schedule.as_str(),
            "scheduleName": schedule.map(|s| s.name.as_str()),
            "start": slot.slot.start.to_fhir(),
            "end": slot.slot.end.to_fhir(),
            "status": status(diary, slot),
            "capacity": slot.slot.capacity,
            "taken": slot.slot.taken,
            "appointments": appointments.collect::<Vec<_>>(),
        })
    });
    json!({ "day": diary.day.to_string(), "slots": slots.collect::<Vec<_>>() })
}
