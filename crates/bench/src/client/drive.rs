//! Runs a load: connections on two threads, each thread with an event loop of its own.
//!
//! Pitfall: a rate is what was answered within the counted time. When the requests run out before it is over, the time ends
//! with the last answer.

use crate::client::wire;
use crate::client::workload::{Outcome, Pace, Workload};
use crate::error::BenchError;
use crate::statistics::float;
use actix_web::rt;
use actix_web::rt::net::TcpStream;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// More threads than this take cores from the server.
const THREADS_MAX: usize = 2;
/// How long the last answers may take after the end.
const PATIENCE: Duration = Duration::from_secs(60);
const READ_BYTES: usize = 64 * 1024;
/// How much of an unexpected answer is shown.
const EXAMPLE_CHARS: usize = 300;

/// What the connections of one load share.
struct Shared {
    load: Workload,
    start: Barrier,
    started: OnceLock<Instant>,
    /// Open loop: requests that were begun.
    begun: AtomicU64,
}

/// Runs it to its end.
///
/// # Errors
/// When it cannot be begun.
pub(crate) fn run(load: &Workload) -> Result<Outcome, BenchError> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX).min(load.connections.max(1));
    let shared = Arc::new(Shared { load: load.clone(), start: Barrier::new(threads), started: OnceLock::new(), begun: AtomicU64::new(0) });
    let mut running = Vec::new();
    for number in 0..threads {
        let shared = Arc::clone(&shared);
        let connections = (number..shared.load.connections).step_by(threads).count();
        let thread = thread::Builder::new().name(format!("load-{number}"));
        let thread = thread.spawn(move || rt::System::new().block_on(run_thread(shared, connections)));
        running.push(thread.map_err(|error| BenchError::failed(format!("cannot start a thread: {error}")))?);
    }
    let mut outcome = Outcome::default();
    for thread in running {
        outcome.merge(&thread.join().map_err(|_| BenchError::failed("a thread of the load ended early"))??);
    }
    Ok(outcome)
}

async fn run_thread(shared: Arc<Shared>, connections: usize) -> Result<Outcome, BenchError> {
    let mut streams = Vec::with_capacity(connections);
    let mut refused = None;
    for _ in 0..connections {
        match TcpStream::connect(shared.load.address).await {
            Ok(stream) => {
                // Small requests must not wait for each other's acknowledgements.
                drop(stream.set_nodelay(true));
                streams.push(stream);
            }
            Err(error) => refused = Some(error),
        }
    }
    // Every thread comes here, whatever happened, or the others would wait for ever.
    shared.start.wait();
    if let Some(error) = refused {
        return Err(BenchError::failed(format!("cannot connect to {}: {error}", shared.load.address)));
    }
    let start = *shared.started.get_or_init(Instant::now);
    let tasks: Vec<_> = streams.into_iter().map(|stream| rt::spawn(run_connection(Arc::clone(&shared), stream, start))).collect();
    let mut outcome = Outcome::default();
    for task in tasks {
        match task.await {
            Ok(one) => outcome.merge(&one),
            Err(_) => outcome.broken += 1,
        }
    }
    Ok(outcome)
}

async fn run_connection(shared: Arc<Shared>, stream: TcpStream, start: Instant) -> Outcome {
    let load = &shared.load;
    let mut outcome = Outcome::default();
    let patience = load.warm_up + load.time + PATIENCE;
    // One limit for the whole connection: a timer for each request would cost more than reading its answer.
    let whole = rt::time::timeout(patience, exchange_all(&shared, stream, start, &mut outcome)).await;
    if !matches!(whole, Ok(Ok(()))) {
        outcome.broken += 1;
    }
    outcome
}

async fn exchange_all(shared: &Shared, stream: TcpStream, start: Instant, outcome: &mut Outcome) -> io::Result<()> {
    let load = &shared.load;
    let (counts_from, end) = (start + load.warm_up, start + load.warm_up + load.time);
    let mut request = Vec::with_capacity(8 * 1024);
    let mut answer = Answer::default();
    loop {
        let asked = match load.pace {
            Pace::Closed => Instant::now(),
            Pace::Open { per_second } => {
                let number = shared.begun.fetch_add(1, Ordering::Relaxed);
                let due = start + Duration::from_secs_f64(float(number) / per_second.max(0.001));
                if due < end {
                    rt::time::sleep_until(due.into()).await;
                }
                due
            }
        };
        if asked >= end {
            outcome.took = load.time;
            return Ok(());
        }
        request.clear();
        if !load.script.write(&mut request) {
            return Ok(());
        }
        let status = answer.exchange(&stream, &request).await?;
        let now = Instant::now();
        *outcome.statuses.entry(status).or_default() += 1;
        if !load.script.fits(status, answer.body()) {
            outcome.unexpected += 1;
            if outcome.example.is_none() {
                let text: String = String::from_utf8_lossy(answer.body()).chars().take(EXAMPLE_CHARS).collect();
                outcome.example = Some(format!("{status} {text}"));
            }
            continue;
        }
        let counts = match load.pace {
            Pace::Closed => now >= counts_from && now < end,
            Pace::Open { .. } => asked >= counts_from,
        };
        if counts {
            outcome.latencies.add(now.saturating_duration_since(asked));
            outcome.took = now.saturating_duration_since(counts_from).min(load.time);
        }
    }
}

/// An answer being read; its memory is used again for the next.
struct Answer {
    bytes: Vec<u8>,
    filled: usize,
    head: Option<wire::Head>,
}

impl Default for Answer {
    fn default() -> Self {
        Self { bytes: vec![0; READ_BYTES], filled: 0, head: None }
    }
}

impl Answer {
    fn body(&self) -> &[u8] {
        self.head.and_then(|head| self.bytes.get(head.head_bytes..head.head_bytes + head.body_bytes)).unwrap_or_default()
    }

    /// Sends a request and reads its answer to the end; gives the status.
    async fn exchange(&mut self, stream: &TcpStream, request: &[u8]) -> io::Result<u16> {
        let mut left = request;
        while !left.is_empty() {
            match stream.try_write(left) {
                Ok(written) => left = left.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await?,
                Err(error) => return Err(error),
            }
        }
        (self.filled, self.head) = (0, None);
        loop {
            // An answer is never there at once, so waiting first saves a call.
            stream.readable().await?;
            match stream.try_read(self.bytes.get_mut(self.filled..).unwrap_or_default()) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            if self.head.is_none() {
                let filled = self.bytes.get(..self.filled).unwrap_or_default();
                self.head = wire::head(filled).map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
            }
            if let Some(head) = self.head {
                let whole = head.head_bytes + head.body_bytes;
                if self.filled >= whole {
                    return Ok(head.status);
                }
                if self.bytes.len() < whole {
                    self.bytes.resize(whole, 0);
                }
            }
        }
    }
}
