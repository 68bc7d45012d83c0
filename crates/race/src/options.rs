//! What a race is told, and what that comes to once it was looked at.
//!
//! Messages name the flags of `slotkeeper race`.
//! Pitfall: a server may be a bare host, which means its booking root; the text kept here is the FHIR root without a trailing
//! slash, and it is the audience of the tokens too.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use load::client::is_url;
use rustls::ClientConfig;

use crate::error::RaceError;

/// The root that a bare host stands for (docs/contract.md#service-roots).
const BOOKING_ROOT: &str = "/STU3/1/booking";
/// Most clients one run may have: each has a connection of its own, and the system's limit of open files is near.
const CLIENTS_MAX: usize = 10_000;
/// Most slots one round may race for.
const SLOTS_MAX: usize = 20_000;
/// Fewest connections that send one request at once in `same-request`.
pub(crate) const GROUP_MIN: usize = 4;

/// How the clients compete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Every client tries to book every slot once.
    Book,
    /// Book, cancel what was won, and book again, all at the same time.
    BookCancel,
    /// Several connections send the byte-same booking with one X-Request-ID at once.
    SameRequest,
}

impl Mode {
    /// The name that commands and reports have for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::BookCancel => "book-cancel",
            Self::SameRequest => "same-request",
        }
    }
}

/// What a race is told.
#[derive(Debug, Clone)]
pub struct RaceOptions {
    /// Running servers, all on one database: each a host (its booking root is meant) or a full FHIR root.
    pub servers: Vec<String>,
    /// The service whose free slots are raced for.
    pub service: String,
    /// How many clients compete, each an invented patient with a connection of its own.
    pub clients: usize,
    /// How many free slots they compete for.
    pub slots: usize,
    /// How often, each time judged and cleaned up.
    pub rounds: u32,
    /// How the clients compete.
    pub mode: Mode,
    /// Requests per second over all clients (open loop); without it each client sends when its last answer has come.
    pub rate: Option<u32>,
    /// Decides the people and the order of slots.
    pub seed: Option<u64>,
    /// How long one request may take, in seconds.
    pub timeout_s: u32,
    /// Bearer token for every request; without it unsigned tokens are made for each server.
    pub token: Option<String>,
    /// How to speak TLS; without it the public CAs are trusted.
    pub tls: Option<Arc<ClientConfig>>,
    /// Also write the result to this file as JSON.
    pub json: Option<PathBuf>,
    /// Do not cancel what was booked.
    pub keep: bool,
    /// Append every request before it is sent, and every answer, to this file as lines of JSON.
    pub journal: Option<PathBuf>,
    /// Do not race: settle the journal of a run that was cut short, and judge it.
    pub settle: Option<PathBuf>,
}

impl Default for RaceOptions {
    fn default() -> Self {
        Self {
            servers: vec!["http://127.0.0.1:8080".to_owned()],
            service: "2000099901".to_owned(),
            clients: 64,
            slots: 50,
            rounds: 1,
            mode: Mode::Book,
            rate: None,
            seed: None,
            timeout_s: 10,
            token: None,
            tls: None,
            json: None,
            keep: false,
            journal: None,
            settle: None,
        }
    }
}

/// Options that were found usable.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// FHIR roots without a trailing slash.
    pub roots: Vec<String>,
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
    /// What `options` come to.
    pub(crate) fn parse(options: &RaceOptions) -> Result<Self, RaceError> {
        let roots = options.servers.iter().map(|text| parse_root(text)).collect::<Result<Vec<_>, _>>()?;
        in_range("--clients", options.clients, 1, CLIENTS_MAX)?;
        in_range("--slots", options.slots, 1, SLOTS_MAX)?;
        if options.mode == Mode::SameRequest {
            in_range("--clients (with --mode same-request)", options.clients, GROUP_MIN, CLIENTS_MAX)?;
        }
        if options.rounds == 0 || options.timeout_s == 0 || options.rate == Some(0) {
            return Err(RaceError::Usage("--rounds, --timeout and --rate must be 1 or more".to_owned()));
        }
        if options.keep && options.mode == Mode::BookCancel {
            return Err(RaceError::Usage("--keep contradicts --mode book-cancel, which cancels all it wins; use --mode book".to_owned()));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'_';
        if options.service.is_empty() || !options.service.bytes().all(plain) {
            return Err(RaceError::Usage(format!("--service `{}` is no service id; for example: 2000099901", options.service)));
        }
        Ok(Self {
            roots,
            service: options.service.clone(),
            clients: options.clients,
            slots: options.slots,
            rounds: options.rounds,
            mode: options.mode,
            rate: options.rate,
            seed: options.seed,
            timeout: Duration::from_secs(u64::from(options.timeout_s)),
            token: options.token.clone(),
            keep: options.keep,
        })
    }
}

fn in_range(flag: &str, value: usize, min: usize, max: usize) -> Result<(), RaceError> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(RaceError::Usage(format!("{flag} is {value}; it must be {min} to {max}"))) }
}

fn parse_root(text: &str) -> Result<String, RaceError> {
    let wrong = |why: &str| RaceError::Usage(format!("--server `{text}`: {why}; for example: http://127.0.0.1:8080"));
    let schemes = ["http://", "https://"];
    let Some((scheme, rest)) = schemes.iter().find_map(|scheme| Some((scheme, text.strip_prefix(scheme)?))) else {
        return Err(wrong("it must begin with http:// or https://"));
    };
    if rest.contains(['?', '#', ' ', '@']) {
        return Err(wrong("it must have no query, fragment, space or user"));
    }
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path.trim_end_matches('/')));
    if host.is_empty() || !is_url(text) {
        return Err(wrong("it is no URL"));
    }
    Ok(if path.is_empty() { format!("{scheme}{host}{BOOKING_ROOT}") } else { format!("{scheme}{host}/{path}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_host_means_its_booking_root_and_a_full_root_is_kept() {
        for (text, root) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/STU3/1/booking"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/STU3/1/booking"),
            ("http://h/STU3/1/provider/", "http://h/STU3/1/provider"),
            ("https://h", "https://h/STU3/1/booking"),
        ] {
            assert_eq!(parse_root(text).unwrap(), root);
        }
    }

    #[test]
    fn unusable_addresses_are_wrong_usage_with_an_example() {
        for text in ["https://", "h:8080", "http://", "http://h/a?b", "ftp://h"] {
            let error = parse_root(text).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("http://127.0.0.1:8080"), "{text}: {error}");
        }
    }
}
