//! The diary on a screen: one table a day, as wide as what is in it.

use super::rows::{self, Row};
use crate::cli::{Failure, say};
use crate::engine::Diary;
use domain::plain::plain;
use std::io::Write;

/// Widest a column gets, in characters.
const WIDTH_MAX: usize = 40;

const COLUMNS: [&str; 10] = ["Time", "Schedule", "Clinician", "Status", "Patient", "NHS number", "Born", "Contact", "Reason", "Booked by"];

/// Writes every day, one after the other.
///
/// # Errors
/// [`Failure`].
pub fn write(diary: &Diary, cancelled: bool, out: &mut dyn Write) -> Result<(), Failure> {
    for (at, day) in diary.days.iter().enumerate() {
        if at > 0 {
            say(out, "")?;
        }
        say(out, &format!("Diary of {}", day.day.format("%A, %-d %B %Y")))?;
        let rows = rows::of(diary, day);
        table(&rows, out)?;
        say(out, &rows::summary(&rows, cancelled))?;
    }
    Ok(())
}

fn table(rows: &[Row], out: &mut dyn Write) -> Result<(), Failure> {
    let all: Vec<Vec<String>> = std::iter::once(COLUMNS.map(str::to_owned).to_vec())
        .chain(rows.iter().map(|row| cells(row).iter().map(|cell| clipped(cell)).collect()))
        .collect();
    let width = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    for row in &all {
        let line: String = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  ")).collect();
        say(out, line.trim_end())?;
    }
    Ok(())
}

fn cells(row: &Row) -> [&str; 10] {
    [
        &row.time,
        &row.schedule,
        &row.clinician,
        row.status,
        &row.patient,
        &row.nhs_number,
        &row.born,
        &row.contact,
        &row.reason,
        &row.booked_by,
    ]
}

fn clipped(cell: &str) -> String {
    let cell = plain(cell);
    if cell.chars().count() <= WIDTH_MAX { cell } else { cell.chars().take(WIDTH_MAX - 1).chain(['…']).collect() }
}
