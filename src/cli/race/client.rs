//! One client: a connection of its own, its tokens, and the headers every consumer sends (digest A.2).
//!
//! Sends and reports; what an answer means is `answer`'s. What a reader would get wrong: a connection that was refused is tried
//! again until the timeout, since nothing was sent; a connection that broke afterwards never is, since the request may have
//! been carried out.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::rt;
use awc::error::SendRequestError;
use awc::http::Method;
use indicatif::ProgressBar;

use super::answer::{Answer, Loss, Reply, of_booking};
use super::journal::{Journal, Line};
use super::options::{RaceError, Server};
use crate::cli::load::random::Dice;
use crate::cli::token::{Claims, ORGANIZATION_DEFAULT, SCOPE_APPOINTMENT_WRITE, SCOPE_SLOT_READ, UNSIGNED_LIFETIME_S, unsigned};
use domain::time::Timestamp;

/// Largest answer that is read: a window of 2,000 slots is about 2 MB.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// A token is replaced when it has less than this left.
const TOKEN_RESERVE_MS: i64 = 60_000;
/// Pause before a refused connection is tried again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);
/// How long an undecided request is asked about again, in timeouts.
const PATIENCE_TIMEOUTS: u32 = 3;
/// The longest pause before that: a server that refuses for seconds is asked many times in them.
const ASK_AGAIN_PAUSE_MAX: Duration = Duration::from_millis(500);
const FHIR_JSON: &str = "application/fhir+json";
/// Invented ASIDs of the consumer and of the provider: 12 digits.
const ASID_FROM: &str = "200000012345";
const ASID_TO: &str = "200000067890";

/// The present, without asking the clock again: where it stood when the run began, and the time since.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    pub base: Timestamp,
    pub started: Instant,
}

impl Watch {
    /// The present instant.
    pub(super) fn now(&self) -> Timestamp {
        self.base.plus_ms(i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

/// What all clients of a run share.
#[derive(Debug)]
pub(super) struct Shared {
    pub servers: Vec<Server>,
    pub timeout: Duration,
    pub token: Option<String>,
    /// How to speak TLS; `None` for trusting the CAs of the web.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    pub watch: Watch,
    pub journal: Journal,
    pub bar: ProgressBar,
    /// The seed of this run, different in every run.
    pub run_seed: u64,
    /// Servers, by place, that gave no answer for as long as anybody waits: until one comes, nobody waits for them again, so
    /// that a run against a dead server ends.
    pub down: Vec<AtomicBool>,
    /// Numbers the clients, so that no two draw the same ids.
    pub clients_made: AtomicU64,
}

impl Shared {
    fn is_down(&self, server: usize) -> bool {
        self.down.get(server).is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    fn set_down(&self, server: usize, down: bool) {
        if let Some(flag) = self.down.get(server) {
            flag.store(down, Ordering::Relaxed);
        }
    }
}

/// A request to one of the servers, by its place in [`Shared::servers`].
#[derive(Debug, Clone)]
pub(super) struct Ask<'a> {
    pub server: usize,
    pub method: Method,
    /// From the root on: `/Slot?…`.
    pub path: &'a str,
    /// The last words of `Ssp-InteractionID`: `search:slot`.
    pub interaction: &'static str,
    pub request_id: Option<&'a str>,
    pub if_match: Option<&'a str>,
    pub body: Option<&'a str>,
}

impl<'a> Ask<'a> {
    /// A read or search.
    pub(super) const fn get(server: usize, path: &'a str, interaction: &'static str) -> Self {
        Self { server, method: Method::GET, path, interaction, request_id: None, if_match: None, body: None }
    }
}

struct Token {
    server: usize,
    scope: &'static str,
    text: String,
    ends: Timestamp,
}

/// One client. Lives on one thread.
pub(super) struct Client {
    pub shared: Arc<Shared>,
    http: awc::Client,
    dice: RefCell<Dice>,
    tokens: RefCell<Vec<Token>>,
}

impl Client {
    /// A client with a number of its own.
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let number = shared.clients_made.fetch_add(1, Ordering::Relaxed);
        let mut connector = awc::Connector::new().limit(1).timeout(shared.timeout).handshake_timeout(shared.timeout);
        if let Some(tls) = &shared.tls {
            connector = connector.rustls_0_23(Arc::clone(tls));
        }
        let http = awc::Client::builder().connector(connector).disable_redirects().disable_timeout().finish();
        let dice = RefCell::new(Dice::of(&[shared.run_seed, 0xC11E, number]));
        Self { shared: Arc::clone(shared), http, dice, tokens: RefCell::default() }
    }

    /// An id nobody else of this run draws.
    pub(super) fn uuid(&self) -> String {
        self.dice.borrow_mut().uuid()
    }

    /// Sends `ask` once (but see the module's doc) and waits for its answer, no longer than the timeout.
    pub(super) async fn send(&self, ask: &Ask<'_>) -> Result<Reply, Loss> {
        let deadline = Instant::now() + self.shared.timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match rt::time::timeout(left, self.exchange(ask)).await {
                Err(_) => return Err(Loss::Timeout),
                Ok(Ok(reply)) => {
                    self.shared.set_down(ask.server, false);
                    return Ok(reply);
                }
                Ok(Err(Loss::Unreachable)) if !self.shared.is_down(ask.server) && Instant::now() + RECONNECT_PAUSE < deadline => {
                    rt::time::sleep(RECONNECT_PAUSE).await;
                }
                Ok(Err(Loss::Unreachable)) => {
                    self.shared.set_down(ask.server, true);
                    return Err(Loss::Unreachable);
                }
                Ok(Err(loss)) => return Err(loss),
            }
        }
    }

    async fn exchange(&self, ask: &Ask<'_>) -> Result<Reply, Loss> {
        let root = self.shared.servers.get(ask.server).map(|server| server.root.as_str()).unwrap_or_default();
        let scope = if ask.path.starts_with("/Appointment") { SCOPE_APPOINTMENT_WRITE } else { SCOPE_SLOT_READ };
        let mut request = self
            .http
            .request(ask.method.clone(), format!("{root}{}", ask.path))
            .insert_header(("Authorization", format!("Bearer {}", self.token(ask.server, root, scope))))
            .insert_header(("Accept", FHIR_JSON))
            .insert_header(("Ssp-TraceID", self.uuid()))
            .insert_header(("Ssp-From", ASID_FROM))
            .insert_header(("Ssp-To", ASID_TO))
            .insert_header(("Ssp-InteractionID", format!("urn:nhs:names:services:careconnect:fhir:rest:{}", ask.interaction)));
        if let Some(request_id) = ask.request_id {
            request = request.insert_header(("X-Request-ID", request_id));
        }
        if let Some(version) = ask.if_match {
            request = request.insert_header(("If-Match", version));
        }
        let sending = match ask.body {
            Some(body) => request.insert_header(("Content-Type", FHIR_JSON)).send_body(body.to_owned()),
            None => request.send(),
        };
        let mut answer = sending.await.map_err(|error| match error {
            SendRequestError::Connect(_) | SendRequestError::Url(_) => Loss::Unreachable,
            _ => Loss::Dropped,
        })?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, etag, location) = (answer.status().as_u16(), header("ETag"), header("Location"));
        let body = answer.body().limit(ANSWER_BYTES_MAX).await.map_err(|_| Loss::Dropped)?.to_vec();
        Ok(Reply { status, etag, location, body })
    }

    fn token(&self, server: usize, root: &str, scope: &'static str) -> String {
        if let Some(token) = &self.shared.token {
            return token.clone();
        }
        let now = self.shared.watch.now();
        let mut tokens = self.tokens.borrow_mut();
        tokens.retain(|token| token.ends > now.plus_ms(TOKEN_RESERVE_MS));
        if let Some(token) = tokens.iter().find(|token| token.server == server && token.scope == scope) {
            return token.text.clone();
        }
        let text = unsigned(&Claims::new(root, scope, ORGANIZATION_DEFAULT, now, UNSIGNED_LIFETIME_S));
        let ends = now.plus_ms(i64::from(UNSIGNED_LIFETIME_S) * 1000);
        tokens.push(Token { server, scope, text: text.clone(), ends });
        text
    }

    /// Like [`Client::send`], but asks again while no answer comes or the server refuses for load. For reads only.
    pub(super) async fn read(&self, ask: &Ask<'_>) -> Result<Reply, Loss> {
        self.read_within(ask, self.shared.timeout * PATIENCE_TIMEOUTS).await
    }

    /// The same for somebody who waits that long.
    pub(super) async fn read_within(&self, ask: &Ask<'_>, time: Duration) -> Result<Reply, Loss> {
        let deadline = Instant::now() + time;
        let mut pause = RECONNECT_PAUSE;
        loop {
            let reply = self.send(ask).await;
            let settled = matches!(&reply, Ok(reply) if !matches!(reply.status, 429 | 502 | 503 | 504));
            if settled || !self.has_patience(ask.server, &mut pause, deadline).await {
                return reply;
            }
        }
    }

    /// Sends a booking once, with a line in the journal before and after.
    pub(super) async fn book(&self, server: usize, slot: &str, request_id: &str, body: &str) -> Answer {
        let root = self.shared.servers.get(server).map(|server| server.root.clone()).unwrap_or_default();
        self.shared.journal.write(&Line::Sent { sent: request_id.to_owned(), slot: slot.to_owned(), server: root, body: body.to_owned() });
        let ask = Ask {
            server,
            method: Method::POST,
            path: "/Appointment",
            interaction: "create:appointment",
            request_id: Some(request_id),
            if_match: None,
            body: Some(body),
        };
        let reply = self.send(&ask).await;
        let status = reply.as_ref().map(|reply| reply.status).ok();
        let answer = of_booking(reply, request_id);
        // A lost answer leaves no line: the request stays open for whoever reads the journal.
        if let Some(status) = status.filter(|_| !matches!(answer, Answer::Lost(_))) {
            self.shared.journal.write(&Line::Answered {
                answered: request_id.to_owned(),
                status,
                appointment: answer.appointment().map(str::to_owned),
                taken: answer == Answer::Taken,
            });
        }
        answer
    }

    /// Sends the same booking again until something is decided (`decisions.md` 6, invariant 4), or patience ends.
    pub(super) async fn settle(&self, server: usize, slot: &str, request_id: &str, body: &str) -> Answer {
        let deadline = Instant::now() + self.shared.timeout * PATIENCE_TIMEOUTS;
        let mut pause = RECONNECT_PAUSE;
        loop {
            let answer = self.book(server, slot, request_id, body).await;
            if !answer.is_undecided() || !self.has_patience(server, &mut pause, deadline).await {
                return answer;
            }
        }
    }

    /// Pauses, longer each time, and says whether to ask again.
    async fn has_patience(&self, server: usize, pause: &mut Duration, deadline: Instant) -> bool {
        if self.shared.is_down(server) || Instant::now() + *pause > deadline {
            self.shared.set_down(server, true);
            return false;
        }
        rt::time::sleep(*pause).await;
        *pause = (*pause * 2).min(ASK_AGAIN_PAUSE_MAX);
        true
    }
}

/// Does `jobs` with so many `hands` at once, each hand a client of its own; the results come in no order.
pub(super) async fn in_parallel<J, R, F>(shared: &Arc<Shared>, hands: usize, jobs: Vec<J>, work: F) -> Result<Vec<R>, RaceError>
where
    J: 'static,
    R: 'static,
    F: AsyncFn(&Client, J) -> R + 'static,
{
    let hands = hands.min(jobs.len());
    let jobs = Rc::new(RefCell::new(jobs));
    let work = Rc::new(work);
    let tasks: Vec<_> = (0..hands)
        .map(|_| {
            let client = Client::new(shared);
            let (jobs, work) = (Rc::clone(&jobs), Rc::clone(&work));
            rt::spawn(async move {
                let mut results = Vec::new();
                loop {
                    let Some(job) = jobs.borrow_mut().pop() else { return results };
                    results.push(work(&client, job).await);
                }
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        // A check that vanished must not look like a check that passed.
        results.extend(task.await.map_err(|_| RaceError::Failed("a part of the race ended early; there is no verdict".to_owned()))?);
    }
    Ok(results)
}
