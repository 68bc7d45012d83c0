//! A TCP proxy between the server under test and PostgreSQL that cuts the connection at the commit.
//!
//! Knows the framing of the PostgreSQL protocol, version 3, and nothing of the statements but which of
//! them commit. Pitfall: a connection cut after the commit was forwarded *is*
//! committed, whatever the client believes; `counts()` tells how often that happened.
//!
//! Commits are recognised in simple queries (`Query`) and in prepared ones (`Parse`, `Bind`, `Execute`).
//! An autocommitted single statement is none: give such statements to `CutProxy::start_matching`.

mod wire;

pub use wire::is_commit;

use crate::os::wait_until;
use std::collections::HashMap;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};
use wire::{CANCEL_REQUEST, Commands, GSS_REQUEST, Message, SSL_REQUEST, read_body};

/// How long the server side stays open for the answer to a commit whose client is gone.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// Which commits are hit; both are the same in every run over the same sequence of commits.
#[derive(Clone, Copy, Debug)]
pub enum Pick {
    /// The n-th, 2n-th, … commit since the mode was set.
    Every(u64),
    /// About so many of a thousand, chosen by hashing the seed and the number of the commit.
    PerMille { share: u64, seed: u64 },
}

/// What happens to the server's side when the client is cut off after the commit was forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerSide {
    /// The client is cut off once PostgreSQL has answered: whoever looks afterwards sees the outcome.
    AnswersFirst,
    /// The client is cut off at once while PostgreSQL still works: the outcome may show up later.
    AnswersLater,
    /// Both sides are closed at once.
    ClosedAtOnce,
}

/// What the proxy does with commits.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// Everything is relayed.
    Pass,
    /// A picked commit is not forwarded; both sides are closed, so PostgreSQL rolls back.
    CutBeforeCommit(Pick),
    /// A picked commit is forwarded; the client never hears the answer.
    CutAfterCommit(Pick, ServerSide),
    /// A picked commit is forwarded only after this time; everything else goes on.
    HoldCommit(Pick, Duration),
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Connections accepted and relayed.
    pub connections: u64,
    /// Commits that arrived from clients, cut or not.
    pub commits: u64,
    /// Connections cut before the commit was forwarded.
    pub cut_before: u64,
    /// Connections cut after the commit was forwarded.
    pub cut_after: u64,
    /// Those among `cut_after` which PostgreSQL answered with `COMMIT` (never counted for `ClosedAtOnce`).
    pub cut_after_committed: u64,
}

/// The running proxy. Dropped: closed, with every connection through it.
#[derive(Debug)]
pub struct CutProxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    commits_by: fn(&str) -> bool,
    state: Mutex<State>,
    /// Both sockets of every open connection, by number.
    open: Mutex<HashMap<u64, [TcpStream; 2]>>,
    refuses: AtomicBool,
    ended: AtomicBool,
    counters: [AtomicU64; 5],
}

#[derive(Debug)]
struct State {
    mode: Mode,
    /// Commits since the mode was set.
    seen: u64,
    stalled_until: Option<Instant>,
}

/// Places in `Shared::counters`.
#[derive(Clone, Copy)]
enum Counter {
    Connections,
    Commits,
    CutBefore,
    CutAfter,
    CutAfterCommitted,
}

impl CutProxy {
    /// Starts relaying to `upstream`; everything passes until a mode is set.
    pub fn start(upstream: SocketAddr) -> Self {
        Self::start_matching(upstream, is_commit)
    }

    /// The same, with another opinion on which statements commit.
    pub fn start_matching(upstream: SocketAddr, commits_by: fn(&str) -> bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream,
            commits_by,
            state: Mutex::new(State { mode: Mode::Pass, seen: 0, stalled_until: None }),
            open: Mutex::new(HashMap::new()),
            refuses: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            counters: Default::default(),
        });
        let accepting = Arc::clone(&shared);
        spawn(move || accept(&listener, &accepting));
        Self { addr, shared }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of a PostgreSQL database as reached through this proxy.
    pub fn url(&self, direct: &str) -> String {
        direct.replacen(&self.shared.upstream.to_string(), &self.addr.to_string(), 1)
    }

    /// From now on; the counting of commits for `Pick` begins anew.
    pub fn set(&self, mode: Mode) {
        let mut state = lock(&self.shared.state);
        state.mode = mode;
        state.seen = 0;
    }

    /// Nothing is relayed in either direction for this time, as when a network stands still.
    pub fn stall(&self, time: Duration) {
        lock(&self.shared.state).stalled_until = Some(Instant::now() + time);
    }

    /// While true, new connections are closed as soon as they are made.
    pub fn refuse_new(&self, refuse: bool) {
        self.shared.refuses.store(refuse, SeqCst);
    }

    /// Closes every open connection, both sides.
    pub fn cut_all(&self) {
        for sockets in lock(&self.shared.open).values() {
            close(&sockets[0]);
            close(&sockets[1]);
        }
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        let of = |counter: Counter| self.shared.counters[counter as usize].load(SeqCst);
        Counts {
            connections: of(Counter::Connections),
            commits: of(Counter::Commits),
            cut_before: of(Counter::CutBefore),
            cut_after: of(Counter::CutAfter),
            cut_after_committed: of(Counter::CutAfterCommitted),
        }
    }
}

impl Drop for CutProxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, SeqCst);
        self.cut_all();
        // Wakes the accepting thread, which then sees that it is over.
        let _ = TcpStream::connect(self.addr);
    }
}

impl Pick {
    /// Whether the commit with this number (from 1) is hit.
    fn hits(self, number: u64) -> bool {
        match self {
            Self::Every(n) => n != 0 && number.is_multiple_of(n),
            Self::PerMille { share, seed } => mixed(seed ^ mixed(number)) % 1_000 < share,
        }
    }
}

impl Shared {
    fn count(&self, counter: Counter) {
        self.counters[counter as usize].fetch_add(1, SeqCst);
    }

    /// The mode to apply to the commit that has just arrived.
    fn verdict(&self) -> Mode {
        self.count(Counter::Commits);
        let mut state = lock(&self.state);
        state.seen += 1;
        let pick = match state.mode {
            Mode::Pass => return Mode::Pass,
            Mode::CutBeforeCommit(pick) | Mode::CutAfterCommit(pick, _) | Mode::HoldCommit(pick, _) => pick,
        };
        if pick.hits(state.seen) { state.mode } else { Mode::Pass }
    }

    fn wait_while_stalled(&self) {
        let until = lock(&self.state).stalled_until;
        if let Some(left) = until.and_then(|until| until.checked_duration_since(Instant::now())) {
            sleep(left);
        }
    }
}

/// One relayed connection, as its two threads see it.
struct Link {
    shared: Arc<Shared>,
    client: TcpStream,
    server: TcpStream,
    /// The client is cut off: the server's answers are read and thrown away.
    muted: AtomicBool,
    /// `ReadyForQuery` messages received; one more than the number of answered requests.
    answers: AtomicU64,
    /// The last command the server reported complete was a `COMMIT`, not a `ROLLBACK`.
    committed: AtomicBool,
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for (number, client) in (0_u64..).zip(listener.incoming()) {
        if shared.ended.load(SeqCst) {
            return;
        }
        let (Ok(client), false) = (client, shared.refuses.load(SeqCst)) else { continue };
        // A refused upstream shows itself to the client as a closed connection.
        let Ok(server) = TcpStream::connect(shared.upstream) else { continue };
        let shared = Arc::clone(shared);
        spawn(move || {
            let _ = relay(number, client, server, shared);
        });
    }
}

/// Runs one connection to its end.
fn relay(number: u64, client: TcpStream, server: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    shared.count(Counter::Connections);
    lock(&shared.open).insert(number, [client.try_clone()?, server.try_clone()?]);
    let link = Arc::new(Link {
        shared,
        client,
        server,
        muted: AtomicBool::new(false),
        answers: AtomicU64::new(0),
        committed: AtomicBool::new(false),
    });
    let down = Arc::clone(&link);
    let backwards = spawn(move || {
        let _ = server_to_client(&down);
        close(&down.client);
        close(&down.server);
    });
    let _ = client_to_server(&link);
    close(&link.client);
    close(&link.server);
    let _ = backwards.join();
    lock(&link.shared.open).remove(&number);
    Ok(())
}

/// Relays what the client says until one side closes or a cut is due.
fn client_to_server(link: &Link) -> io::Result<()> {
    let mut from = BufReader::new(link.client.try_clone()?);
    let mut to = BufWriter::new(link.server.try_clone()?);
    if !relay_startup(link, &mut from, &mut to)? {
        return Ok(());
    }
    let mut commands = Commands::new(link.shared.commits_by);
    // Requests that PostgreSQL answers with one `ReadyForQuery` each; the start-up is the first.
    let mut requests = 1_u64;
    let mut after: Option<ServerSide> = None;
    loop {
        let message = Message::read(&mut from)?;
        if commands.commits(&message) {
            match link.shared.verdict() {
                Mode::Pass => {}
                Mode::HoldCommit(_, time) => sleep(time),
                Mode::CutBeforeCommit(_) => {
                    link.shared.count(Counter::CutBefore);
                    return Ok(());
                }
                Mode::CutAfterCommit(_, side) => {
                    link.muted.store(true, SeqCst);
                    after = Some(side);
                }
            }
        }
        link.shared.wait_while_stalled();
        message.write(&mut to)?;
        let asks = matches!(message.tag, b'Q' | b'S' | b'F');
        requests += u64::from(asks);
        if let (Some(side), true) = (after, asks) {
            to.flush()?;
            return end_after_commit(link, side, requests);
        }
        if from.buffer().is_empty() {
            to.flush()?;
        }
    }
}

/// The commit is on its way to PostgreSQL: cuts the client off, now or when it is answered.
fn end_after_commit(link: &Link, side: ServerSide, requests: u64) -> io::Result<()> {
    if side != ServerSide::AnswersFirst {
        link.shared.count(Counter::CutAfter);
        close(&link.client);
    }
    if side != ServerSide::ClosedAtOnce {
        wait_until(ANSWER_WAIT, || link.answers.load(SeqCst) >= requests);
        if link.committed.load(SeqCst) {
            link.shared.count(Counter::CutAfterCommitted);
        }
    }
    if side == ServerSide::AnswersFirst {
        link.shared.count(Counter::CutAfter);
    }
    Ok(())
}

/// Relays what PostgreSQL says, unless the client was cut off.
fn server_to_client(link: &Link) -> io::Result<()> {
    let mut from = BufReader::new(link.server.try_clone()?);
    let mut to = BufWriter::new(link.client.try_clone()?);
    loop {
        let message = Message::read(&mut from)?;
        link.shared.wait_while_stalled();
        match message.tag {
            b'C' => link.committed.store(message.body == b"COMMIT\0", SeqCst),
            b'Z' => {
                link.answers.fetch_add(1, SeqCst);
            }
            _ => {}
        }
        if link.muted.load(SeqCst) {
            continue;
        }
        message.write(&mut to)?;
        if from.buffer().is_empty() {
            to.flush()?;
        }
    }
}

/// Relays the untagged messages at the beginning. False if nothing follows (a cancel request).
/// Encryption is declined here, because the proxy could not read what it is meant to cut.
fn relay_startup(link: &Link, from: &mut impl Read, to: &mut impl Write) -> io::Result<bool> {
    loop {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let body = read_body(from, length)?;
        let code = body.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes));
        if matches!(code, Some(SSL_REQUEST | GSS_REQUEST)) {
            (&link.client).write_all(b"N")?;
            continue;
        }
        link.shared.wait_while_stalled();
        to.write_all(&length)?;
        to.write_all(&body)?;
        to.flush()?;
        return Ok(code != Some(CANCEL_REQUEST));
    }
}

fn close(socket: &TcpStream) {
    let _ = socket.shutdown(Shutdown::Both);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The finaliser of SplitMix64: spreads neighbouring numbers over all 64 bits.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
