//! `slotkeeper diary`: who is coming, and what is still free. For the provider's own people, on screen and on paper.
//!
//! Pitfall: consumers choose much of the text that is shown here, so every way of showing
//! it has its own guard: no control characters on screen or paper, no formulas in CSV.

mod json;
mod pages;
mod rows;
mod spreadsheet;
mod table;
#[cfg(test)]
mod tests;

use super::{DatabaseArgs, Failure, maintenance, say, today};
use crate::engine::{DiaryFilter, SystemClock, UnknownInDiary};
use chrono::{Datelike, Days, NaiveDate};
use domain::ids::{ScheduleId, ServiceId};
use domain::plain::plain_json;
use domain::time::{Clock, parse_day};
use std::io::Write;

/// What `slotkeeper diary` is told.
#[derive(Debug, Clone, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
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
    /// Only schedules of this clinician: the id, or part of the name
    #[arg(long, value_name = "ID|NAME")]
    pub clinician: Option<String>,
    /// Only schedules at this place: the id, or part of the name
    #[arg(long, value_name = "ID|NAME")]
    pub place: Option<String>,
    /// The local day; today unless said otherwise
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Option<String>,
    /// The whole week of that day, Monday to Sunday
    #[arg(long)]
    pub week: bool,
    /// Also appointments that were cancelled
    #[arg(long)]
    pub cancelled: bool,
    /// Prints JSON
    #[arg(long, conflicts_with_all = ["csv", "print"])]
    pub json: bool,
    /// Prints CSV
    #[arg(long, conflicts_with = "print")]
    pub csv: bool,
    /// Prints plain pages for paper, A4 landscape: `… --print | lp -o landscape -o media=A4 -o cpi=12 -o lpi=6`
    #[arg(long)]
    pub print: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub fn run(args: &DiaryArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let shown_day = args.day.as_deref().map(|text| day("--day", text)).transpose()?.unwrap_or_else(today);
    let days = if args.week { week_of(shown_day) } else { (shown_day, shown_day) };
    let usage = |flag: &str, e: domain::ids::NotAnId| Failure::Usage(format!("{flag}: {e}"));
    let service = args.service.as_deref().map(ServiceId::parse).transpose().map_err(|e| usage("--service", e))?;
    let schedule = args.schedule.as_deref().map(ScheduleId::parse).transpose().map_err(|e| usage("--schedule", e))?;
    let filter = DiaryFilter { service, schedule, clinician: args.clinician.clone(), place: args.place.clone(), cancelled: args.cancelled };
    let found = maintenance(&args.database.open()?).diary(&filter, days, SystemClock.now())?;
    let diary = found.map_err(|unknown| Failure::Failed(told(unknown).to_owned()))?;
    match (args.json, args.csv, args.print) {
        (true, ..) => say(out, &plain_json(&json::of(&diary, args.week).to_string())),
        (_, true, _) => spreadsheet::write(&diary, out),
        (.., true) => pages::write(&diary, args.cancelled, out),
        _ => table::write(&diary, args.cancelled, out),
    }
}

const fn told(unknown: UnknownInDiary) -> &'static str {
    match unknown {
        UnknownInDiary::Service => "--service: there is no such service in this database",
        UnknownInDiary::Schedule => "--schedule: there is no such schedule in this database",
        UnknownInDiary::Clinician => "--clinician: no clinician with a schedule has this id, or this in the name",
        UnknownInDiary::Place => "--place: no place with a schedule has this id, or this in the name",
    }
}

/// The day in a flag.
///
/// # Errors
/// [`Failure::Usage`].
pub(super) fn day(flag: &str, text: &str) -> Result<NaiveDate, Failure> {
    parse_day(text).ok_or_else(|| Failure::Usage(format!("{flag} is `{text}`; it must be a day such as 2026-02-11")))
}

/// Monday and Sunday of the week that contains a day.
fn week_of(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let gone = Days::new(day.weekday().num_days_from_monday().into());
    let monday = day.checked_sub_days(gone).unwrap_or(day);
    (monday, monday.checked_add_days(Days::new(6)).unwrap_or(day))
}
