//! `slotkeeper race`: many clients book the same slots of a running server at once, and the result is judged.
//!
//! It is a consumer among others: it speaks HTTP only, opens no database and knows no store. What a reader would get wrong: it
//! must be able to fail. Everything it demands is demanded of each answer and of each slot, and what could not be looked at
//! counts as a deviation, never as fine.

mod answer;
mod attack;
mod checks;
mod client;
mod find;
mod journal;
mod judge;
mod options;
mod plan;
mod report;
mod resume;
mod tls;
mod verify;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};
use std::{fs, thread};

use actix_web::rt;
use indicatif::{ProgressBar, ProgressStyle};

pub use judge::{Judgement, Winner};
pub use options::{Mode, RaceArgs, RaceError};
pub use report::{Latency, Report, SlotWins};

use crate::cli::load::patient;
use crate::cli::load::random::Dice;
use client::{Client, Shared, Watch};
use domain::ids::Ids;
use domain::plain::plain_json;
use domain::time::Clock;
use journal::{Journal, Line};
use options::Settings;
use plan::Plan;

/// How a race ended.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Everything that was counted and judged.
    pub report: Report,
}

impl Verdict {
    /// True when nothing deviates; else the command ends with 1.
    pub const fn is_clean(&self) -> bool {
        self.report.clean
    }
}

/// Races as `args` say and writes the table to `out`; progress goes to stderr. Blocks, on threads of its own.
///
/// # Errors
/// [`RaceError::Usage`] for arguments that cannot be used, [`RaceError::Failed`] when no race could be held.
pub fn run(args: &RaceArgs, clock: &dyn Clock, ids: &dyn Ids, out: &mut dyn Write) -> Result<Verdict, RaceError> {
    let settings = Settings::parse(args)?;
    let tls = tls::config(args)?;
    let past = args.settle.as_deref().map(read_journal).transpose()?;
    let journal = match &args.journal {
        Some(path) => Journal::open(path).map_err(|error| file_failed("open the journal", path, &error))?,
        None => Journal::default(),
    };
    // Servers keep request ids for good, so those of a run must be new even when its seed is not.
    let lot = Dice::number_of(&ids.uuid());
    let seed = settings.seed.unwrap_or(lot);
    let shared = Arc::new(Shared {
        servers: settings.servers.clone(),
        timeout: settings.timeout,
        token: settings.token.clone(),
        tls,
        watch: Watch { base: clock.now(), started: Instant::now() },
        journal,
        bar: progress_bar(),
        run_seed: Dice::of(&[seed, lot]).next(),
        down: settings.servers.iter().map(|_| AtomicBool::new(false)).collect(),
        clients_made: AtomicU64::new(0),
    });
    // A thread of its own, because the caller may be inside a runtime already.
    let worker = thread::Builder::new().name("race".to_owned()).spawn(move || {
        rt::System::new().block_on(async move {
            let report = hold(&settings, &shared, seed, past).await;
            shared.bar.finish_and_clear();
            report
        })
    });
    let worker = worker.map_err(|error| RaceError::Failed(format!("cannot start a thread: {error}")))?;
    let report = worker.join().map_err(|_| RaceError::Failed("the race ended early; there is no verdict".to_owned()))??;
    report.print(out).map_err(|error| RaceError::Failed(format!("cannot write the result: {error}")))?;
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report).unwrap_or_default();
        fs::write(path, plain_json(&text) + "\n").map_err(|error| file_failed("write", path, &error))?;
    }
    Ok(Verdict { report })
}

fn file_failed(what: &str, path: &Path, error: &io::Error) -> RaceError {
    RaceError::Failed(format!("cannot {what} {}: {error}", path.display()))
}

fn read_journal(path: &Path) -> Result<Vec<Line>, RaceError> {
    let text = fs::read_to_string(path).map_err(|error| file_failed("read the journal", path, &error))?;
    journal::read(&text).map_err(|why| RaceError::Failed(format!("{}: {why}", path.display())))
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {per_sec} {elapsed}") {
        bar.set_style(style);
    }
    bar
}

async fn hold(settings: &Settings, shared: &Arc<Shared>, seed: u64, past: Option<Vec<Line>>) -> Result<Report, RaceError> {
    let mut report = Report {
        mode: if past.is_some() { "settle" } else { settings.mode.name() },
        service: settings.service.clone(),
        servers: shared.servers.iter().map(|server| server.root.clone()).collect(),
        clients: settings.clients,
        seed,
        rate: settings.rate,
        ..Report::default()
    };
    match past {
        Some(lines) => resume::settle(shared, lines, settings.keep, &mut report).await?,
        None => hold_rounds(settings, shared, seed, &mut report).await?,
    }
    if let Some(why) = shared.journal.failure() {
        let offender = vec![format!("a line could not be written: {why}")];
        report.add_judgements(vec![Judgement::of("journal", "every request and answer is in the journal".to_owned(), offender)]);
    }
    report.finish();
    Ok(report)
}

async fn hold_rounds(settings: &Settings, shared: &Arc<Shared>, seed: u64, report: &mut Report) -> Result<(), RaceError> {
    for round in 1..=settings.rounds {
        match hold_round(settings, shared, seed, round, report).await {
            Ok(()) => {}
            Err(error) if round == 1 => return Err(error),
            // What the rounds before found must not be lost to a later one that cannot be held.
            Err(error) => {
                let sentence = format!("round {round} of {} could be held", settings.rounds);
                report.add_judgements(vec![Judgement::of("rounds", sentence, vec![error.to_string()])]);
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn hold_round(settings: &Settings, shared: &Arc<Shared>, seed: u64, round: u32, report: &mut Report) -> Result<(), RaceError> {
    let mut slots = find::free_slots(&Client::new(shared), &settings.service, settings.slots).await?;
    Dice::of(&[seed, u64::from(round)]).shuffle(&mut slots);
    let plan = Arc::new(Plan {
        round,
        mode: settings.mode,
        slots,
        people: patient::invent(settings.clients, seed),
        clients: settings.clients,
        servers: shared.servers.len(),
        rate: settings.rate,
        run_seed: shared.run_seed,
        written: shared.watch.base,
    });
    shared.bar.set_message(format!("round {round} of {}", settings.rounds));
    shared.bar.set_length(u64::try_from(plan.request_count()).unwrap_or_default());
    shared.bar.set_position(0);
    shared.bar.enable_steady_tick(Duration::from_millis(200));
    let mut fight = {
        let (plan, shared) = (Arc::clone(&plan), Arc::clone(shared));
        rt::task::spawn_blocking(move || attack::fight(&plan, &shared))
            .await
            .map_err(|_| RaceError::Failed("the race ended early; there is no verdict".to_owned()))??
    };
    shared.bar.set_message("looking at what was kept");
    checks::settle_open(shared, &plan, &mut fight.attempts).await?;
    let winners = judge::winners(&plan, &fight.attempts);
    let cancelled = judge::given_back(&fight.attempts);
    let findings = checks::after(shared, &plan, &winners, &cancelled, settings.keep).await?;
    report.add_fight(&fight, &judge::wins_per_slot(&plan, &fight.attempts, &winners));
    report.add_judgements(judge::judge(&plan, &fight.attempts, &winners, &findings, shared.servers.len()));
    report.appointments.extend(winners);
    Ok(())
}
