//! An HTTP client that speaks as a consumer does: one connection, its tokens, and the headers every consumer sends.
//!
//! It sends and reports; what an answer means is the caller's to say.
//! Pitfall: a connection that was refused is tried again until the timeout, since nothing was sent; a connection that broke
//! afterwards never is, since the request may have been carried out.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_rt::time;
use awc::error::SendRequestError;
use awc::http::Method;
use domain::time::Timestamp;
use rustls::ClientConfig;

use crate::headers::{ASID_FROM, ASID_TO, FHIR_JSON, INTERACTION_PREFIX};
use crate::random::SeededRng;
use crate::token::{Claims, ORGANIZATION_DEFAULT, SCOPE_APPOINTMENT_WRITE, SCOPE_SLOT_READ, UNSIGNED_LIFETIME_S, unsigned};

/// Largest answer that is read: a window of 2,000 slots is about 2 MB.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// A token is replaced when it has less than this left.
const TOKEN_RESERVE_MS: i64 = 60_000;
/// Pause before a refused connection is tried again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause before that: a server that refuses for seconds is asked many times in them.
const RETRY_PAUSE_MAX: Duration = Duration::from_millis(500);
/// How long an undecided request is sent again, in timeouts.
const RETRY_TIMEOUTS: u32 = 3;
/// Keeps the ids of clients apart from whatever else is drawn from the same seed.
const CLIENT_SEED: u64 = 0xC11E;

/// The present, without asking the clock again: where it stood when the run began, and the time since.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    /// What the clock said at the start.
    pub base: Timestamp,
    /// When that was.
    pub started: Instant,
}

impl RunClock {
    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.base.plus_ms(i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

/// How clients reach the servers of a run.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// FHIR roots without a trailing slash (`http://host:port/STU3/1/booking`), which are the audiences of their tokens too.
    pub roots: Vec<String>,
    /// How long one request may take.
    pub timeout: Duration,
    /// A bearer token for every request; without it unsigned tokens are made for each server.
    pub token: Option<String>,
    /// How to speak TLS; `None` for trusting the public CAs.
    pub tls: Option<Arc<ClientConfig>>,
    /// The present of this run.
    pub clock: RunClock,
    /// The seed of this run, different in every run.
    pub seed: u64,
}

/// All servers of a run, and what its clients know of them together.
#[derive(Debug)]
pub struct Servers {
    settings: ClientSettings,
    /// Servers, by place, that gave no answer for as long as anybody waits: until one comes, nobody waits for them again, so
    /// that a run against a dead server ends.
    down: Vec<AtomicBool>,
    /// Numbers the clients, so that no two draw the same ids.
    clients_made: AtomicU64,
}

impl Servers {
    /// Servers nobody has talked to yet.
    pub fn new(settings: ClientSettings) -> Self {
        let down = settings.roots.iter().map(|_| AtomicBool::new(false)).collect();
        Self { settings, down, clients_made: AtomicU64::new(0) }
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.settings.roots.len()
    }

    /// The FHIR roots, in their order.
    pub fn roots(&self) -> &[String] {
        &self.settings.roots
    }

    /// The FHIR root of a server; empty when there is none at that place.
    pub fn root(&self, server: usize) -> &str {
        self.settings.roots.get(server).map(String::as_str).unwrap_or_default()
    }

    /// How long one request may take.
    pub const fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// The present of this run.
    pub const fn clock(&self) -> &RunClock {
        &self.settings.clock
    }

    /// The seed of this run.
    pub const fn seed(&self) -> u64 {
        self.settings.seed
    }

    fn is_down(&self, server: usize) -> bool {
        self.down.get(server).is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    fn set_down(&self, server: usize, down: bool) {
        if let Some(flag) = self.down.get(server) {
            flag.store(down, Ordering::Relaxed);
        }
    }
}

/// An HTTP answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The `ETag` header.
    pub etag: Option<String>,
    /// The `Location` header.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why no answer came. Unless nothing was sent, the request may have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// Nothing came within the timeout.
    Timeout,
    /// The connection broke after the request was sent.
    Dropped,
    /// No connection could be made, so nothing was sent.
    Unreachable,
}

/// A request to one of the servers, by its place in [`Servers`].
#[derive(Debug, Clone)]
pub struct Request<'a> {
    server: usize,
    method: Method,
    path: &'a str,
    interaction: &'static str,
    request_id: Option<&'a str>,
    if_match: Option<&'a str>,
    body: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A read or search. `path` is given from the root on (`/Slot?…`), `interaction` as the last words of `Ssp-InteractionID`
    /// (`search:slot`).
    pub const fn get(server: usize, path: &'a str, interaction: &'static str) -> Self {
        Self { server, method: Method::GET, path, interaction, request_id: None, if_match: None, body: None }
    }

    /// The creation of an appointment.
    pub const fn book(server: usize, request_id: &'a str, body: &'a str) -> Self {
        let (path, interaction) = ("/Appointment", "create:appointment");
        Self { server, method: Method::POST, path, interaction, request_id: Some(request_id), if_match: None, body: Some(body) }
    }

    /// The update of the appointment at `path`, of the version that `if_match` names.
    pub const fn update(server: usize, path: &'a str, request_id: &'a str, if_match: &'a str, body: &'a str) -> Self {
        let interaction = "update:appointment";
        let (request_id, if_match, body) = (Some(request_id), Some(if_match), Some(body));
        Self { server, method: Method::PUT, path, interaction, request_id, if_match, body }
    }
}

/// When to stop sending a request again: the pause grows, and the deadline stands.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    pause: Duration,
    deadline: Instant,
}

struct CachedToken {
    server: usize,
    scope: &'static str,
    text: String,
    ends: Timestamp,
}

/// One client. Lives on one thread.
pub struct Client {
    servers: Arc<Servers>,
    http: awc::Client,
    rng: RefCell<SeededRng>,
    tokens: RefCell<Vec<CachedToken>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("servers", &self.servers.roots()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client with a number of its own.
    pub fn new(servers: &Arc<Servers>) -> Self {
        let number = servers.clients_made.fetch_add(1, Ordering::Relaxed);
        let timeout = servers.timeout();
        let mut connector = awc::Connector::new().limit(1).timeout(timeout).handshake_timeout(timeout);
        if let Some(tls) = &servers.settings.tls {
            connector = connector.rustls_0_23(Arc::clone(tls));
        }
        let http = awc::Client::builder().connector(connector).disable_redirects().disable_timeout().finish();
        let rng = RefCell::new(SeededRng::of(&[servers.settings.seed, CLIENT_SEED, number]));
        Self { servers: Arc::clone(servers), http, rng, tokens: RefCell::default() }
    }

    /// The servers it talks to.
    pub fn servers(&self) -> &Servers {
        &self.servers
    }

    /// An id nobody else of this run draws.
    pub fn uuid(&self) -> String {
        self.rng.borrow_mut().uuid()
    }

    /// Sends `request` once (but see the module's doc) and waits for its answer, no longer than the timeout.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(&self, request: &Request<'_>) -> Result<Reply, SendError> {
        let deadline = Instant::now() + self.servers.timeout();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match time::timeout(left, self.exchange(request)).await {
                Err(_) => return Err(SendError::Timeout),
                Ok(Ok(reply)) => {
                    self.servers.set_down(request.server, false);
                    return Ok(reply);
                }
                Ok(Err(SendError::Unreachable)) if !self.servers.is_down(request.server) && Instant::now() + RECONNECT_PAUSE < deadline => {
                    time::sleep(RECONNECT_PAUSE).await;
                }
                Ok(Err(SendError::Unreachable)) => {
                    self.servers.set_down(request.server, true);
                    return Err(SendError::Unreachable);
                }
                Ok(Err(error)) => return Err(error),
            }
        }
    }

    async fn exchange(&self, request: &Request<'_>) -> Result<Reply, SendError> {
        let root = self.servers.root(request.server);
        let scope = if request.path.starts_with("/Appointment") { SCOPE_APPOINTMENT_WRITE } else { SCOPE_SLOT_READ };
        let mut http = self
            .http
            .request(request.method.clone(), format!("{root}{}", request.path))
            .insert_header(("Authorization", format!("Bearer {}", self.token(request.server, root, scope))))
            .insert_header(("Accept", FHIR_JSON))
            .insert_header(("Ssp-TraceID", self.uuid()))
            .insert_header(("Ssp-From", ASID_FROM))
            .insert_header(("Ssp-To", ASID_TO))
            .insert_header(("Ssp-InteractionID", format!("{INTERACTION_PREFIX}{}", request.interaction)));
        if let Some(request_id) = request.request_id {
            http = http.insert_header(("X-Request-ID", request_id));
        }
        if let Some(version) = request.if_match {
            http = http.insert_header(("If-Match", version));
        }
        let sending = match request.body {
            Some(body) => http.insert_header(("Content-Type", FHIR_JSON)).send_body(body.to_owned()),
            None => http.send(),
        };
        let mut answer = sending.await.map_err(|error| match error {
            SendRequestError::Connect(_) | SendRequestError::Url(_) => SendError::Unreachable,
            _ => SendError::Dropped,
        })?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, etag, location) = (answer.status().as_u16(), header("ETag"), header("Location"));
        let body = answer.body().limit(ANSWER_BYTES_MAX).await.map_err(|_| SendError::Dropped)?.to_vec();
        Ok(Reply { status, etag, location, body })
    }

    fn token(&self, server: usize, root: &str, scope: &'static str) -> String {
        if let Some(token) = &self.servers.settings.token {
            return token.clone();
        }
        let now = self.servers.clock().now();
        let mut tokens = self.tokens.borrow_mut();
        tokens.retain(|token| token.ends > now.plus_ms(TOKEN_RESERVE_MS));
        if let Some(token) = tokens.iter().find(|token| token.server == server && token.scope == scope) {
            return token.text.clone();
        }
        let text = unsigned(&Claims::new(root, scope, ORGANIZATION_DEFAULT, now, UNSIGNED_LIFETIME_S));
        let ends = now.plus_ms(i64::from(UNSIGNED_LIFETIME_S) * 1000);
        tokens.push(CachedToken { server, scope, text: text.clone(), ends });
        text
    }

    /// Like [`Client::send`], but sends again while no answer comes or the server refuses for load. For reads only.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn read(&self, request: &Request<'_>) -> Result<Reply, SendError> {
        self.read_with(request, self.backoff()).await
    }

    /// The same for somebody who waits that long.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn read_within(&self, request: &Request<'_>, time: Duration) -> Result<Reply, SendError> {
        self.read_with(request, Backoff { pause: RECONNECT_PAUSE, deadline: Instant::now() + time }).await
    }

    async fn read_with(&self, request: &Request<'_>, mut backoff: Backoff) -> Result<Reply, SendError> {
        loop {
            let reply = self.send(request).await;
            let settled = matches!(&reply, Ok(reply) if !matches!(reply.status, 429 | 502 | 503 | 504));
            if settled || !self.wait_to_retry(request.server, &mut backoff).await {
                return reply;
            }
        }
    }

    /// The pauses of a request that is sent again, from now on.
    pub fn backoff(&self) -> Backoff {
        Backoff { pause: RECONNECT_PAUSE, deadline: Instant::now() + self.servers.timeout() * RETRY_TIMEOUTS }
    }

    /// Pauses, longer each time, and says whether to send again.
    pub async fn wait_to_retry(&self, server: usize, backoff: &mut Backoff) -> bool {
        if self.servers.is_down(server) || Instant::now() + backoff.pause > backoff.deadline {
            self.servers.set_down(server, true);
            return false;
        }
        time::sleep(backoff.pause).await;
        backoff.pause = (backoff.pause * 2).min(RETRY_PAUSE_MAX);
        true
    }
}

/// True for a text that a request can be sent to.
pub fn is_url(text: &str) -> bool {
    text.parse::<awc::http::Uri>().is_ok()
}
