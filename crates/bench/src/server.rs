//! The servers that are measured, started as an operator would start them.
//!
//! Authentication, validation, history, request keys and audit are on; nothing is set but where it listens and what it is on.
//! Pitfall: the static reference is the bench itself, with the same HTTP library and the same number of workers, but nothing
//! behind it.

use crate::client::once::{Reply, ask};
use crate::error::BenchError;
use crate::programs::Programs;
use crate::requests::Caller;
use crate::workdir::{Process, WorkDir, free_address};
use domain::time::Clock;
use load::token::{Claims, ORGANIZATION_DEFAULT, SCOPE_APPOINTMENT_WRITE, SCOPE_SLOT_READ, UNSIGNED_LIFETIME_S, unsigned};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// The root that is measured.
pub(crate) const ROOT: &str = "/STU3/1/booking";
/// Most time a server may take until it is ready: ten million slots are read first.
const READY_MAX: Duration = Duration::from_secs(300);
const STARTS_MAX: u32 = 5;
/// What a server says once it answers searches from memory, as it does for all of its life but the first seconds.
const SETTLED: &str = r#""searches":"memory""#;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _process: Process,
}

impl Server {
    /// `slotkeeper serve` on a database, with more flags.
    pub(crate) fn serve(programs: &Programs, workdir: &WorkDir, database_url: &str, more: &[&str]) -> Result<Self, BenchError> {
        let words = ["serve", "--auth", "unsigned", "--log", "warn", "--database-url", database_url];
        Self::start(&programs.server, workdir, ("/health/ready", SETTLED), &[&words, more].concat())
    }

    /// The static reference, which answers with the bytes of a file.
    pub(crate) fn fixed(programs: &Programs, workdir: &WorkDir, body: &Path) -> Result<Self, BenchError> {
        Self::start(&programs.bench, workdir, ("/body", ""), &["static", "--body", &body.display().to_string()])
    }

    /// Starts one and waits until it answers at `ready` with 200 and `saying` somewhere in the body.
    fn start(program: &Path, workdir: &WorkDir, (ready, saying): (&str, &str), words: &[&str]) -> Result<Self, BenchError> {
        let mut last_words = String::new();
        for _ in 0..STARTS_MAX {
            let address = free_address()?;
            let listen = address.to_string();
            let mut all = words.to_vec();
            all.extend(["--listen", &listen]);
            let process = Process::start(program, &all, &workdir.file(&format!("server-{}.log", address.port())))?;
            let end = Instant::now() + READY_MAX;
            while process.runs() && Instant::now() < end {
                let request = format!("GET {ready} HTTP/1.1\r\nHost: {listen}\r\n\r\n");
                let is_ready = |reply: Reply| reply.status == 200 && String::from_utf8_lossy(&reply.body).contains(saying);
                if ask(address, request.as_bytes()).is_ok_and(is_ready) {
                    return Ok(Self { address, _process: process });
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            last_words = process.last_words();
        }
        Err(BenchError::failed(format!("a server does not start: {last_words}")))
    }

    /// Somebody who may do everything here for the next five minutes.
    pub(crate) fn caller(&self, clock: &dyn Clock) -> Caller {
        let audience = format!("http://{}{ROOT}", self.address);
        let scope = format!("{SCOPE_SLOT_READ} {SCOPE_APPOINTMENT_WRITE}");
        let claims = Claims::new(&audience, &scope, ORGANIZATION_DEFAULT, clock.now(), UNSIGNED_LIFETIME_S);
        Caller { host: self.address.to_string(), root: ROOT, token: unsigned(&claims) }
    }

    /// Sends one request.
    pub(crate) fn ask(&self, request: &[u8]) -> Result<Reply, BenchError> {
        ask(self.address, request).map_err(|error| BenchError::failed(format!("no answer from {}: {error}", self.address)))
    }
}
