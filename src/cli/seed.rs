//! `slotkeeper seed DIR`: a provider's directory and diary, from files; all of it or nothing, and again without effect.
//! `seed --synthetic` needs no files (see `synthetic`).

use super::seed_files::{self, SeedPlan};
use super::{DatabaseArgs, Failure, maintenance, say, synthetic, today};
use crate::engine::SeedContent;
use chrono::{Days, NaiveDate};
use domain::synthetic::SyntheticDiary;
use std::io::Write;
use std::path::PathBuf;

/// Most days that are laid out at once: two years.
const DAYS_MAX: u16 = 731;

/// What `slotkeeper seed` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct SeedArgs {
    /// Directory with FHIR Bundles (*.json) and the diary (diary.toml)
    #[arg(value_name = "DIR", required_unless_present = "synthetic")]
    pub dir: Option<PathBuf>,
    /// The database
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// First day that gets slots; today unless said otherwise
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<String>,
    /// How many days get slots; `horizon_days` of the diary unless said otherwise
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=i64::from(DAYS_MAX)))]
    pub days: Option<u16>,
    /// No files: an invented provider for measuring, so many services, days and slots of each service a day, such as
    /// 20x14x400; from tomorrow unless --from says otherwise
    #[arg(long, value_name = "SERVICES×DAYS×SLOTS", conflicts_with_all = ["dir", "days"])]
    pub synthetic: Option<String>,
    /// Lets --synthetic lay out its diary in a database that holds another one
    #[arg(long, requires = "synthetic")]
    pub among_others: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub fn run(args: &SeedArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let from = args.from.as_deref().map(|text| super::diary::day("--from", text)).transpose()?;
    let dir = match (&args.dir, &args.synthetic) {
        (_, Some(size)) => return run_synthetic(args, size, from, out),
        (Some(dir), None) => dir,
        // clap demands one of both.
        (None, None) => return Err(Failure::Usage("name a directory of seed files, or --synthetic 20x14x400".to_owned())),
    };
    let from = from.unwrap_or_else(today);
    let plan = seed_files::read_dir(dir).map_err(|e| Failure::Failed(e.to_string()))?;
    let store = args.database.open()?;
    let days = args.days.unwrap_or(plan.horizon_days);
    let seeded = maintenance(&store).seed(&content(plan), evening_before(from), days.saturating_add(1))?;
    let last = from.checked_add_days(Days::new(u64::from(days.saturating_sub(1)))).unwrap_or(from);
    say(
        out,
        &format!(
            "loaded {}: {} directory entries new or changed, {} schedules, {} new slots from {from} to {last}",
            dir.display(),
            seeded.directory_changed,
            seeded.schedules,
            seeded.slots_new
        ),
    )
}

fn run_synthetic(args: &SeedArgs, size: &str, from: Option<NaiveDate>, out: &mut dyn Write) -> Result<(), Failure> {
    let tomorrow = || today().checked_add_days(Days::new(1)).unwrap_or_else(today);
    let diary = SyntheticDiary::parse(size, from.unwrap_or_else(tomorrow)).map_err(|e| Failure::Usage(format!("--synthetic: {e}")))?;
    let laid = synthetic::seed_with_bar(&args.database.open()?, &diary, args.among_others)?;
    let SyntheticDiary { services, days, first, .. } = diary;
    let seconds = laid.took.as_secs_f64();
    let rate = diary.slot_count().checked_mul(1_000).and_then(|k| k.checked_div(u64::try_from(laid.took.as_millis()).ok()?.max(1)));
    say(
        out,
        &format!(
            "laid out a synthetic diary: {services} services, {days} days from {first}, {} new slots of {} in {seconds:.1} s, {} a second",
            laid.slots_new,
            diary.slot_count(),
            rate.unwrap_or_default(),
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
