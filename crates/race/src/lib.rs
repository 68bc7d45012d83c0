//! A race: many clients book the same slots of a running server at once, and the result is judged.
//!
//! It is a consumer among others: it speaks HTTP only, opens no database and knows no store.
//! Pitfall: it must be able to fail. Everything it demands is demanded of each answer and of each slot, and what could not be
//! looked at counts as a deviation, never as fine.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::as_conversions,
        clippy::unreachable,
        clippy::disallowed_methods,
        reason = "a unit test may panic"
    )
)]

mod answer;
mod attack;
mod attempt;
mod checks;
mod client;
mod error;
mod find;
mod journal;
mod judge;
mod judgement;
mod options;
mod plan;
mod report;
mod resume;
mod verify;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, thread};

use client::Run;
use domain::ids::Ids;
use domain::time::Clock;
use indicatif::{ProgressBar, ProgressStyle};
use journal::{Journal, JournalLine};
use load::client::{Client, ClientSettings, RunClock, Servers};
use load::patient;
use load::random::SeededRng;
use options::Settings;
use plan::Plan;

pub use error::RaceError;
pub use judgement::{Judgement, Winner};
pub use options::{Mode, RaceOptions};
pub use report::{Latency, Report, SlotWins};

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

/// Races as `options` say and writes the table to `out`; progress goes to stderr. Blocks, on threads of its own.
///
/// # Errors
/// [`RaceError::Usage`] for options that cannot be used, [`RaceError::Failed`] when no race could be held.
pub fn run(options: &RaceOptions, clock: &dyn Clock, ids: &dyn Ids, out: &mut dyn Write) -> Result<Verdict, RaceError> {
    let settings = Settings::parse(options)?;
    let past = options.settle.as_deref().map(read_journal).transpose()?;
    let journal = match &options.journal {
        Some(path) => Journal::open(path).map_err(|error| file_failed("open the journal", path, &error))?,
        None => Journal::default(),
    };
    // Servers keep request ids for good, so those of a run must be new even when its seed is not.
    let nonce = SeededRng::number_of(&ids.uuid());
    let seed = settings.seed.unwrap_or(nonce);
    let servers = Arc::new(Servers::new(ClientSettings {
        roots: settings.roots.clone(),
        timeout: settings.timeout,
        token: settings.token.clone(),
        tls: options.tls.clone(),
        clock: RunClock { base: clock.now(), started: Instant::now() },
        seed: SeededRng::of(&[seed, nonce]).next_u64(),
    }));
    let run = Arc::new(Run { servers, journal, bar: progress_bar() });
    // A thread of its own, because the caller may be inside a runtime already.
    let worker = thread::Builder::new().name("race".to_owned()).spawn(move || {
        actix_rt::System::new().block_on(async move {
            let report = run_race(&settings, &run, seed, past).await;
            run.bar.finish_and_clear();
            report
        })
    });
    let worker = worker.map_err(|error| RaceError::Failed(format!("cannot start a thread: {error}")))?;
    let report = worker.join().map_err(|_| RaceError::Failed("the race ended early; there is no verdict".to_owned()))??;
    report.print(out).map_err(|error| RaceError::Failed(format!("cannot write the result: {error}")))?;
    if let Some(path) = &options.json {
        let text = domain::plain::plain_json(&serde_json::to_string_pretty(&report).unwrap_or_default());
        fs::write(path, text + "\n").map_err(|error| file_failed("write", path, &error))?;
    }
    Ok(Verdict { report })
}

fn file_failed(what: &str, path: &Path, error: &io::Error) -> RaceError {
    RaceError::Failed(format!("cannot {what} {}: {error}", path.display()))
}

fn read_journal(path: &Path) -> Result<Vec<JournalLine>, RaceError> {
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

async fn run_race(settings: &Settings, run: &Arc<Run>, seed: u64, past: Option<Vec<JournalLine>>) -> Result<Report, RaceError> {
    let mut report = Report {
        mode: if past.is_some() { "settle" } else { settings.mode.name() },
        service: settings.service.clone(),
        servers: run.servers.roots().to_vec(),
        clients: settings.clients,
        seed,
        rate: settings.rate,
        ..Report::default()
    };
    match past {
        Some(lines) => resume::settle(run, lines, settings.keep, &mut report).await?,
        None => run_rounds(settings, run, seed, &mut report).await?,
    }
    if let Some(why) = run.journal.failure() {
        let offender = vec![format!("a line could not be written: {why}")];
        report.add_judgements(vec![Judgement::of("journal", "every request and answer is in the journal".to_owned(), offender)]);
    }
    report.finish();
    Ok(report)
}

async fn run_rounds(settings: &Settings, run: &Arc<Run>, seed: u64, report: &mut Report) -> Result<(), RaceError> {
    for round in 1..=settings.rounds {
        match run_round(settings, run, seed, round, report).await {
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

async fn run_round(settings: &Settings, run: &Arc<Run>, seed: u64, round: u32, report: &mut Report) -> Result<(), RaceError> {
    let mut slots = find::free_slots(&Client::new(&run.servers), &settings.service, settings.slots).await?;
    SeededRng::of(&[seed, u64::from(round)]).shuffle(&mut slots);
    let plan = Arc::new(Plan {
        round,
        mode: settings.mode,
        slots,
        people: patient::invent(settings.clients, seed),
        clients: settings.clients,
        servers: run.servers.count(),
        rate: settings.rate,
        run_seed: run.servers.seed(),
        written: run.servers.clock().base,
    });
    run.bar.set_message(format!("round {round} of {}", settings.rounds));
    run.bar.set_length(u64::try_from(plan.request_count()).unwrap_or_default());
    run.bar.set_position(0);
    run.bar.enable_steady_tick(Duration::from_millis(200));
    let mut result = {
        let (plan, run) = (Arc::clone(&plan), Arc::clone(run));
        actix_rt::task::spawn_blocking(move || attack::run_clients(&plan, &run))
            .await
            .map_err(|_| RaceError::Failed("the race ended early; there is no verdict".to_owned()))??
    };
    run.bar.set_message("looking at what was kept");
    checks::settle_open(run, &plan, &mut result.attempts).await?;
    let winners = judge::winners(&plan, &result.attempts);
    let cancelled = judge::given_back(&result.attempts);
    let findings = checks::after(run, &plan, &winners, &cancelled, settings.keep).await?;
    report.add_round(&result, &judge::wins_per_slot(&plan, &result.attempts, &winners));
    report.add_judgements(judge::judge(&plan, &result.attempts, &winners, &findings, run.servers.count()));
    report.appointments.extend(winners);
    Ok(())
}
