//! `slotkeeper seed DIR`: a provider's directory and diary, from files; all of it or nothing, and again without effect.

use super::seed_files::{self, SeedPlan};
use super::{DatabaseArgs, Failure, ports, say, today};
use crate::engine::{Engine, SeedContent};
use chrono::{Days, NaiveDate};
use std::io::Write;
use std::path::PathBuf;

/// Most days that are laid out at once: two years.
const DAYS_MAX: u16 = 731;

/// What `slotkeeper seed` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct SeedArgs {
    /// Directory with FHIR Bundles (*.json) and the diary (diary.toml)
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The database
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// First day that gets slots; today unless said otherwise
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<String>,
    /// How many days get slots; `horizon_days` of the diary unless said otherwise
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=i64::from(DAYS_MAX)))]
    pub days: Option<u16>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub fn run(args: &SeedArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let from = args.from.as_deref().map(|text| super::diary::day("--from", text)).transpose()?.unwrap_or_else(today);
    let plan = seed_files::read_dir(&args.dir).map_err(|e| Failure::Failed(e.to_string()))?;
    let store = args.database.open()?;
    let days = args.days.unwrap_or(plan.horizon_days);
    let seeded = Engine::seed(&store, &ports(), &content(plan), evening_before(from), days.saturating_add(1))?;
    let last = from.checked_add_days(Days::new(u64::from(days.saturating_sub(1)))).unwrap_or(from);
    say(
        out,
        &format!(
            "loaded {}: {} directory entries new or changed, {} schedules, {} new slots from {from} to {last}",
            args.dir.display(),
            seeded.directory_changed,
            seeded.schedules,
            seeded.slots_new
        ),
    )
}

/// A session belongs to the day on which it begins, so the first night of a diary begins the evening before.
pub(super) fn evening_before(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(1)).unwrap_or(day)
}

pub(super) fn content(plan: SeedPlan) -> SeedContent {
    SeedContent { directory: plan.directory, schedules: plan.schedules, working_times: plan.working_times }
}
