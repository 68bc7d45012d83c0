//! The command line of `race`, and what it comes to once it was looked at.
//!
//! Knows nothing of HTTP or of how a race is run. What a reader would get wrong: a `--server` may be a bare host, which means
//! its booking root; the text kept here is the FHIR root without a trailing slash, and it is the audience of the tokens too.

use std::path::PathBuf;
use std::time::Duration;

/// The root that a bare host stands for (`decisions.md` 3).
const BOOKING_ROOT: &str = "/STU3/1/booking";
/// Most clients one run may have: each has a connection of its own, and the system's limit of open files is near.
const CLIENTS_MAX: usize = 10_000;
/// Most slots one round may race for.
const SLOTS_MAX: usize = 20_000;
/// Fewest connections that send one request at once in `same-request`.
pub(super) const GROUP_MIN: usize = 4;

/// How the clients compete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Every client tries to book every slot once.
    Book,
    /// Book, cancel what was won, and book again, all at the same time.
    BookCancel,
    /// Several connections send the byte-same booking with one X-Request-ID at once.
    SameRequest,
}

impl Mode {
    /// The name as the command line has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::BookCancel => "book-cancel",
            Self::SameRequest => "same-request",
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
    #[arg(long, value_enum, default_value_t = Mode::Book)]
    pub mode: Mode,
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

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum RaceError {
    /// Arguments that cannot be used (exit 2).
    #[error("{0}")]
    Usage(String),
    /// The race could not be held: no server, too few free slots, a file (exit 1).
    #[error("{0}")]
    Failed(String),
}

impl RaceError {
    /// True when the command line is at fault (exit 2 instead of 1).
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_))
    }
}

/// One FHIR root to talk to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    /// `http://host:port/STU3/1/booking`, without a trailing slash; also the audience of its tokens.
    pub root: String,
}

/// Arguments that were found usable.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub servers: Vec<Server>,
    pub service: String,
    pub clients: usize,
    pub slots: usize,
    pub rounds: u32,
    pub mode: Mode,
    pub rate: Option<u32>,
    pub seed: Option<u64>,
    pub timeout: Duration,
    pub token: Option<String>,
    pub keep: bool,
}

impl Settings {
    /// What `args` come to.
    pub(super) fn parse(args: &RaceArgs) -> Result<Self, RaceError> {
        let servers = args.server.iter().map(|text| parse_server(text)).collect::<Result<Vec<_>, _>>()?;
        in_range("--clients", args.clients, 1, CLIENTS_MAX)?;
        in_range("--slots", args.slots, 1, SLOTS_MAX)?;
        if args.mode == Mode::SameRequest {
            in_range("--clients (with --mode same-request)", args.clients, GROUP_MIN, CLIENTS_MAX)?;
        }
        if args.rounds == 0 || args.timeout == 0 || args.rate == Some(0) {
            return Err(RaceError::Usage("--rounds, --timeout and --rate must be 1 or more".to_owned()));
        }
        if args.keep && args.mode == Mode::BookCancel {
            return Err(RaceError::Usage("--keep contradicts --mode book-cancel, which cancels all it wins; use --mode book".to_owned()));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'_';
        if args.service.is_empty() || !args.service.bytes().all(plain) {
            return Err(RaceError::Usage(format!("--service `{}` is no service id; for example: 2000099901", args.service)));
        }
        Ok(Self {
            servers,
            service: args.service.clone(),
            clients: args.clients,
            slots: args.slots,
            rounds: args.rounds,
            mode: args.mode,
            rate: args.rate,
            seed: args.seed,
            timeout: Duration::from_secs(u64::from(args.timeout)),
            token: args.token.clone(),
            keep: args.keep,
        })
    }
}

fn in_range(flag: &str, value: usize, min: usize, max: usize) -> Result<(), RaceError> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(RaceError::Usage(format!("{flag} is {value}; it must be {min} to {max}"))) }
}

fn parse_server(text: &str) -> Result<Server, RaceError> {
    let wrong = |why: &str| RaceError::Usage(format!("--server `{text}`: {why}; for example: http://127.0.0.1:8080"));
    let schemes = ["http://", "https://"];
    let Some((scheme, rest)) = schemes.iter().find_map(|scheme| Some((scheme, text.strip_prefix(scheme)?))) else {
        return Err(wrong("it must begin with http:// or https://"));
    };
    if rest.contains(['?', '#', ' ', '@']) {
        return Err(wrong("it must have no query, fragment, space or user"));
    }
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path.trim_end_matches('/')));
    if host.is_empty() || text.parse::<awc::http::Uri>().is_err() {
        return Err(wrong("it is no URL"));
    }
    let root = if path.is_empty() { format!("{scheme}{host}{BOOKING_ROOT}") } else { format!("{scheme}{host}/{path}") };
    Ok(Server { root })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_host_means_its_booking_root_and_a_full_root_is_kept_without_its_slash() {
        for (text, root) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/STU3/1/booking"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/STU3/1/booking"),
            ("http://h/STU3/1/provider/", "http://h/STU3/1/provider"),
            ("https://h", "https://h/STU3/1/booking"),
        ] {
            assert_eq!(parse_server(text).unwrap().root, root);
        }
    }

    #[test]
    fn addresses_that_cannot_be_used_are_wrong_usage_that_says_what_would_be_right() {
        for text in ["https://", "h:8080", "http://", "http://h/a?b", "ftp://h"] {
            let error = parse_server(text).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("http://127.0.0.1:8080"), "{text}: {error}");
        }
    }
}
