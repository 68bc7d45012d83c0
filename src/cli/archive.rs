//! `slotkeeper archive`: moves past slots out of the diary, once; and the thread of `serve` that does so every hour.

use super::{DatabaseArgs, Failure, maintenance, say};
use crate::engine::{Archived, report};
use crate::store::Store;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a slot stays in the diary after its end, in days.
pub(super) const DAYS_DEFAULT: u32 = 7;
/// The longest it may be told to stay: a hundred years.
pub(super) const DAYS_MAX: i64 = 36_525;
/// How often a server looks for what has ended.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);
/// Between two transactions, so that whoever books meanwhile has the database for itself most of the time.
const PAUSE: Duration = Duration::from_millis(50);

/// What `slotkeeper archive` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct ArchiveArgs {
    /// The database
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Archives slots that ended so many days ago or earlier, 1 to 36525
    #[arg(long, value_name = "DAYS", default_value_t = DAYS_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=DAYS_MAX))]
    pub archive_after_days: u32,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`]; what was moved before stays moved.
pub fn run(args: &ArchiveArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let store = args.database.open()?;
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} schedules, {msg}, {eta} left") {
        bar.set_style(style);
    }
    let outcome = maintenance(&store).archive(args.archive_after_days, &mut |so_far| {
        bar.set_length(u64::try_from(so_far.schedules).unwrap_or_default());
        bar.set_position(u64::try_from(so_far.schedules_done).unwrap_or_default());
        bar.set_message(format!("{} slots", so_far.slots));
        std::thread::sleep(PAUSE);
        true
    });
    bar.finish_and_clear();
    say(out, &told(&outcome?))
}

fn told(archived: &Archived) -> String {
    let Archived { slots, schedules, before, .. } = archived;
    match slots {
        0 => format!("nothing to do: no slot in the diary ended by {}", before.to_fhir()),
        slots => format!("archived {slots} slots of {schedules} schedules that ended by {}", before.to_fhir()),
    }
}

/// Archives while a server runs, until it is stopped.
pub struct Archiver {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Archiver {
    /// Archives now and every hour what ended `days` days ago; never when that is 0.
    ///
    /// # Errors
    /// [`Failure`] when the operating system has no threads left.
    pub fn start(store: &Store, days: u32) -> Result<Option<Self>, Failure> {
        if days == 0 {
            return Ok(None);
        }
        let (stop, stopped) = channel::<()>();
        let store = store.clone();
        let goes_on = move |pause: Duration| stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout);
        let keep_small = move || {
            loop {
                match maintenance(&store).archive(days, &mut |_| goes_on(PAUSE)) {
                    Ok(archived) if archived.slots > 0 => log::info!("{}", told(&archived)),
                    Ok(_) => {}
                    Err(error) => report("past slots could not be archived, trying again later", &error),
                }
                if !goes_on(LOOK_EVERY) {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("archiver".to_owned()).spawn(keep_small);
        Ok(Some(Self { stop, thread: thread.map_err(|e| Failure::Failed(format!("cannot start threads: {e}")))? }))
    }

    /// Stops it, at the latest after the transaction it is in.
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            log::error!("the thread that archives past slots ended in a panic");
        }
    }
}
