//! `slotkeeper race`: the command line of a race.

use super::Failure;
use crate::http::tls as files;
use domain::ids::Ids;
use domain::time::Clock;
use load::tls::{ClientIdentity, ClientTlsError, client_config};
use race::{Mode, RaceError, RaceOptions};
use rustls::ClientConfig;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the clients compete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ModeArg {
    /// Every client tries to book every slot once.
    Book,
    /// Book, cancel what was won, and book again, all at the same time.
    BookCancel,
    /// Several connections send the byte-same booking with one X-Request-ID at once.
    SameRequest,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Book => Self::Book,
            ModeArg::BookCancel => Self::BookCancel,
            ModeArg::SameRequest => Self::SameRequest,
        }
    }
}

/// What `slotkeeper race` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct RaceArgs {
    /// A running server: a host (its booking root is meant) or a full FHIR root; repeatable, all on one database
    #[arg(long = "server", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub server: Vec<String>,
    /// The service whose free slots are raced for
    #[arg(long, value_name = "ID", default_value = "2000099901")]
    pub service: String,
    /// How many clients compete, each an invented patient with a connection of its own
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub clients: usize,
    /// How many free slots they compete for
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub slots: usize,
    /// How often, each time judged and cleaned up
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub rounds: u32,
    /// How the clients compete
    #[arg(long, value_enum, default_value_t = ModeArg::Book)]
    pub mode: ModeArg,
    /// Requests per second over all clients (open loop); without it each client sends when its last answer has come
    #[arg(long, value_name = "N")]
    pub rate: Option<u32>,
    /// Decides the people and the order of slots; request ids are new in every run, because servers keep them for good
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How long one request may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub timeout: u32,
    /// Bearer token for every request (scopes `organization/slot.read patient/appointment.write`); without it unsigned tokens
    /// are made for each server
    #[arg(long, value_name = "TEXT")]
    pub token: Option<String>,
    /// The CA of the servers' certificates, in PEM; without it those of the web are trusted
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The certificate to show where servers demand one, in PEM
    #[arg(long, value_name = "FILE")]
    pub client_cert: Option<PathBuf>,
    /// The key of that certificate, in PEM, not encrypted
    #[arg(long, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// Also write the result to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Do not cancel what was booked
    #[arg(long)]
    pub keep: bool,
    /// Append every request before it is sent, and every answer, to this file as lines of JSON
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Do not race: settle the journal of a run that was cut short, and judge it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["journal", "rate"])]
    pub settle: Option<PathBuf>,
}

/// Races as `args` say and writes the table to `out`.
///
/// # Errors
/// [`Failure`], also when the race was judged not clean.
pub fn run(args: &RaceArgs, clock: &dyn Clock, ids: &dyn Ids, out: &mut dyn Write) -> Result<(), Failure> {
    let verdict = race::run(&options(args)?, clock, ids, out).map_err(|error| match error {
        RaceError::Usage(why) => Failure::Usage(why),
        RaceError::Failed(why) => Failure::Failed(why),
    })?;
    if verdict.is_clean() { Ok(()) } else { Err(Failure::Judged) }
}

fn options(args: &RaceArgs) -> Result<RaceOptions, Failure> {
    Ok(RaceOptions {
        servers: args.server.clone(),
        service: args.service.clone(),
        clients: args.clients,
        slots: args.slots,
        rounds: args.rounds,
        mode: args.mode.into(),
        rate: args.rate,
        seed: args.seed,
        timeout_s: args.timeout,
        token: args.token.clone(),
        tls: tls(args)?,
        json: args.json.clone(),
        keep: args.keep,
        journal: args.journal.clone(),
        settle: args.settle.clone(),
    })
}

/// How to speak TLS; `None` where the public CAs will do.
fn tls(args: &RaceArgs) -> Result<Option<Arc<ClientConfig>>, Failure> {
    let pair = match (&args.client_cert, &args.client_key) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        _ => return Err(Failure::Usage("--client-cert and --client-key go together: name both".to_owned())),
    };
    let Some(ca) = &args.ca else {
        return if pair.is_none() {
            Ok(None)
        } else {
            Err(Failure::Usage("--client-cert without --ca: name the CA of the servers' certificates with --ca FILE".to_owned()))
        };
    };
    let cas = files::certificates(ca).map_err(|why| Failure::Failed(format!("--ca: {why}")))?;
    let identity = pair.map(|(cert, key)| identity(cert, key)).transpose()?;
    let config = client_config(cas, identity).map_err(|error| {
        Failure::Failed(match (&error, pair) {
            (ClientTlsError::Ca(_), _) => format!("--ca {}: {error}", ca.display()),
            (ClientTlsError::Identity(_), Some((cert, _))) => format!("--client-key with --client-cert {}: {error}", cert.display()),
            _ => error.to_string(),
        })
    })?;
    Ok(Some(config))
}

fn identity(cert: &Path, key: &Path) -> Result<ClientIdentity, Failure> {
    Ok(ClientIdentity {
        chain: files::certificates(cert).map_err(|why| Failure::Failed(format!("--client-cert: {why}")))?,
        key: files::private_key(key).map_err(|why| Failure::Failed(format!("--client-key: {why}")))?,
    })
}
