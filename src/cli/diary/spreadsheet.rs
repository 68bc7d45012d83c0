//! The diary as CSV: one table for all days, for spreadsheets and scripts.

use super::rows;
use crate::cli::{Failure, say};
use crate::engine::Diary;
use domain::plain::plain;
use std::io::Write;

const COLUMNS: [&str; 13] = [
    "Day",
    "Time",
    "Schedule",
    "Clinician",
    "Place",
    "Service",
    "Status",
    "Patient",
    "NHS number",
    "Born",
    "Contact",
    "Reason",
    "Booked by",
];

/// Writes all days.
///
/// # Errors
/// [`Failure`].
pub fn write(diary: &Diary, out: &mut dyn Write) -> Result<(), Failure> {
    let failed = |e: csv::Error| Failure::Failed(format!("cannot write CSV: {e}"));
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(COLUMNS).map_err(failed)?;
    for day in &diary.days {
        let date = day.day.to_string();
        for row in rows::of(diary, day) {
            let cells = [
                date.as_str(),
                &row.time,
                &row.schedule,
                &row.clinician,
                &row.place,
                &row.service,
                row.status,
                &row.patient,
                &row.nhs_number,
                &row.born,
                &row.contact,
                &row.reason,
                &row.booked_by,
            ];
            csv.write_record(cells.map(harmless)).map_err(failed)?;
        }
    }
    let bytes = csv.into_inner().map_err(|e| Failure::Failed(format!("cannot write CSV: {e}")))?;
    say(out, String::from_utf8_lossy(&bytes).trim_end())
}

/// A cell as it may be shown: a spreadsheet takes a cell that begins like this for a formula, and consumers choose the text.
fn harmless(cell: &str) -> String {
    let shown = plain(cell);
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{shown}") } else { shown }
}
