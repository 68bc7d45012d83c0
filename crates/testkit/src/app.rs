//! The service under test, in this process.

mod answer;
mod ask;

pub use answer::Answer;
pub use ask::{Ask, PUBLIC_URL};

use crate::database::{Database, Season};
use crate::examiner::examine;
use crate::os::wait_until;
use crate::world::TEST_TIMEOUT;
use actix_web::dev::Service as _;
use actix_web::http::Method;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::test::{TestRequest, init_service};
use ask::Bearer;
use domain::ids::Ids;
use domain::time::{Clock, Timestamp};
use fhir::stu3::Stu3Documents;
use fhir::stu3::uec::compat::ApiVersion;
use futures_util::future::LocalBoxFuture;
use load::token::{Claims, unsigned};
use serde_json::Value;
use slotkeeper::cli::demo::Tryable;
use slotkeeper::cli::policy_file;
use slotkeeper::engine::{Archived, Engine, Limits, Maintenance, Ports};
use slotkeeper::http::{AccessSink, AuthMode, HttpLimits, Service, Settings, Trust, configure};
use slotkeeper::store::{DatabaseUrl, Store};
use std::rc::Rc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How the service of a test is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    pub season: Season,
    pub auth: AuthMode,
    pub audiences: Vec<String>,
    pub trust: Arc<Trust>,
    pub require_verified_nhs_number: bool,
    pub http: HttpLimits,
    pub public_url: String,
    pub cors_origins: Vec<String>,
    pub engine: Limits,
    /// A policy file; none, unless said otherwise.
    pub policy: Option<String>,
    pub compat: ApiVersion,
}

impl Default for Setup {
    fn default() -> Self {
        let mut engine = Limits::default();
        // A busy machine is no reason for a 503.
        engine.allocator.deadline_ms = 60_000;
        // Every behaviour is the same without the index; this asks whether it is.
        engine.availability = std::env::var("SLOTKEEPER_TEST_INDEX").as_deref() != Ok("off");
        Self {
            season: Season::Winter,
            auth: AuthMode::Unsigned,
            audiences: Vec::new(),
            trust: Arc::new(Trust::nobody()),
            require_verified_nhs_number: false,
            http: HttpLimits::default(),
            public_url: PUBLIC_URL.to_owned(),
            cors_origins: Vec::new(),
            engine,
            policy: None,
            compat: ApiVersion::LATEST,
        }
    }
}

impl Setup {
    /// The usual setup, changed.
    pub fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut setup = Self::default();
        change(&mut setup);
        setup
    }

    pub fn season(season: Season) -> Self {
        Self::with(|setup| setup.season = season)
    }
}

/// A clock that stands until it is set.
#[derive(Debug)]
pub struct StandingClock(AtomicI64);

impl StandingClock {
    pub const fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.ms()))
    }

    fn set(&self, now: Timestamp) {
        self.0.store(now.ms(), Ordering::SeqCst);
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst))
    }
}

/// Ids of the form of a UUID that count up. Each source has its own, so that seeded and new ids never meet.
#[derive(Debug)]
pub struct CountedIds {
    source: u32,
    count: AtomicU64,
}

impl CountedIds {
    pub const fn new(source: u32) -> Self {
        Self { source, count: AtomicU64::new(0) }
    }
}

impl Ids for CountedIds {
    fn uuid(&self) -> String {
        format!("{:08x}-0000-4000-8000-{:012x}", self.source, self.count.fetch_add(1, Ordering::SeqCst))
    }
}

/// A free slot, as a consumer knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    pub id: String,
    pub schedule: String,
    pub start: String,
    pub end: String,
}

impl Slot {
    /// The slot in a resource.
    pub fn of(resource: &Value) -> Self {
        let text = |at: &str| resource.pointer(at).and_then(Value::as_str).unwrap_or_else(|| panic!("{at}: {resource}")).to_owned();
        let schedule = text("/schedule/reference").strip_prefix("Schedule/").expect("a relative reference").to_owned();
        Self { id: text("/id"), schedule, start: text("/start"), end: text("/end") }
    }
}

/// Sends a request that declares this length, or none.
type Call = Rc<dyn Fn(TestRequest, Option<String>) -> LocalBoxFuture<'static, Answer>>;

/// The service under test. Dropped, it asks every invariant of its database.
pub struct App {
    call: Call,
    clock: Arc<StandingClock>,
    requests: AtomicU64,
    store: Store,
    service: Arc<Service>,
    pub database: Rc<Database>,
    records: Arc<Mutex<Vec<Value>>>,
    /// Whose signed tokens are believed.
    pub trust: Arc<Trust>,
}

impl App {
    /// The service on a database; `source` tells its ids from those of others on it.
    pub(crate) async fn start(database: Rc<Database>, source: u32, setup: Setup) -> Self {
        let clock = Arc::new(StandingClock::at(setup.season.now()));
        let store = Store::open(&DatabaseUrl::parse(&database.url()).unwrap(), false).unwrap();
        let ports = Ports { clock: clock.clone(), ids: Arc::new(CountedIds::new(source)), documents: Arc::new(Stu3Documents) };
        let records = Arc::new(Mutex::new(Vec::new()));
        let sink = recording(&records);
        let engine = Arc::new(Engine::start(store.clone(), ports, setup.engine).unwrap());
        assert!(wait_until(TEST_TIMEOUT, || engine.is_settled()), "the availability index is never ready");
        let settings = Settings {
            auth: setup.auth,
            audiences: setup.audiences,
            trust: Arc::clone(&setup.trust),
            require_verified_nhs_number: setup.require_verified_nhs_number,
            limits: setup.http,
            compat: setup.compat,
            cors_origins: setup.cors_origins,
            ..Settings::at(setup.public_url)
        };
        let service = Arc::new(Service { access: Some(sink), ..Service::new(engine, settings) });
        if let Some(policy) = &setup.policy {
            put_in_force(&service, policy);
        }
        let served = Rc::new(init_service(actix_web::App::new().configure(configure(Arc::clone(&service)))).await);
        let call: Call = Rc::new(move |request: TestRequest, declared| {
            let mut request = request.to_request();
            request.headers_mut().remove(CONTENT_LENGTH);
            if let Some(declared) = declared {
                request.headers_mut().insert(CONTENT_LENGTH, declared.parse().unwrap());
            }
            let answering = served.call(request);
            Box::pin(async move { Answer::of(answering.await.unwrap()).await })
        });
        Self { call, clock, requests: AtomicU64::new(0), store, service, database, records, trust: setup.trust }
    }

    /// A second server on the same database, with a clock and ids of its own.
    pub async fn beside(&self, setup: Setup) -> Self {
        Self::start(Rc::clone(&self.database), 2, setup).await
    }

    /// Puts another policy in force, as SIGHUP does.
    pub fn policy(&self, text: &str) {
        put_in_force(&self.service, text);
    }

    /// How many answers may be given again.
    pub fn answers_kept(&self) -> usize {
        self.service.answers.count()
    }

    /// Whether searches are answered from memory.
    pub fn holds_what_is_on_offer(&self) -> bool {
        self.service.engine.answers_from_memory()
    }

    /// Sends a request. Whatever FHIR comes back is examined.
    pub async fn ask(&self, ask: Ask) -> Answer {
        let answer = self.send(ask.clone()).await;
        examine(answer.exchange(&ask), async |question| {
            let again = ask.again(&question);
            self.send(again.clone()).await.exchange(&again)
        })
        .await;
        answer
    }

    async fn send(&self, ask: Ask) -> Answer {
        let mut request = TestRequest::with_uri(&ask.uri()).method(Method::from_bytes(ask.method.as_bytes()).unwrap());
        request = request.peer_addr("127.0.0.1:40000".parse().unwrap());
        let mut declared = None;
        for (name, value) in ask.all_headers(&self.new_key()) {
            match name.as_str() {
                "Content-Length" => declared = Some(value),
                _ => request = request.append_header((name, value)),
            }
        }
        if let Some(authorization) = self.authorization(&ask) {
            request = request.append_header(("Authorization", authorization));
        }
        if let Some(body) = ask.body {
            request = request.set_payload(body);
        }
        (self.call)(request, declared).await
    }

    /// The records of all accesses so far.
    pub fn records(&self) -> Vec<Value> {
        self.records.lock().unwrap().clone()
    }

    /// A request id that was not used yet.
    pub fn new_key(&self) -> String {
        format!("6c92ab9c-0cf4-4997-bac2-{:012x}", self.requests.fetch_add(1, Ordering::SeqCst))
    }

    fn authorization(&self, ask: &Ask) -> Option<String> {
        match &ask.bearer {
            Bearer::Missing => None,
            Bearer::Exactly(value) => Some(value.clone()),
            Bearer::Good { organisation, scope } => {
                let claims = self.claims(ask.root, scope.as_deref().unwrap_or(ask.usual_scope()), organisation);
                Some(format!("Bearer {}", unsigned(&claims)))
            }
        }
    }

    /// The claims of a good token, made now.
    pub fn claims(&self, root: &str, scope: &str, organisation: &str) -> Claims {
        Claims::new(&format!("{PUBLIC_URL}{root}"), scope, organisation, self.clock.now(), 300)
    }

    /// Searches slots on the booking root.
    pub async fn search(&self, query: &str) -> Answer {
        self.ask(Ask::get(format!("Slot?{query}"))).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Ask::get(path)).await
    }

    pub async fn book(&self, body: &Value) -> Answer {
        self.ask(Ask::book(body)).await
    }

    pub async fn cancel(&self, id: &str, etag: &str, body: &Value) -> Answer {
        self.ask(Ask::cancel(id, etag, body)).await
    }

    /// Books a slot, which succeeds; the appointment.
    pub async fn booked(&self, slot: &Slot) -> Value {
        self.book(&crate::booking(slot)).await.expect(201).json()
    }

    /// All free slots of a service in the next four days, in order of time.
    pub async fn free_slots(&self, service: &str) -> Vec<Slot> {
        let now = self.clock.now();
        let until = now.plus_ms(4 * 86_400_000);
        let found = self.search(&format!("service={service}&status=free&start=ge{}&start=lt{}", zulu(now), zulu(until))).await.expect(200);
        found.all("Slot").iter().map(Slot::of).collect()
    }

    /// A free slot of a service: the first.
    pub async fn free_slot(&self, service: &str) -> Slot {
        self.free_slots(service).await.into_iter().next().expect("a free slot")
    }

    /// The status in which a slot is shown.
    pub async fn status_of(&self, slot: &str) -> String {
        self.get(&format!("Slot/{slot}")).await.expect(200).json()["status"].as_str().unwrap().to_owned()
    }

    /// How many appointments a slot has that are live, as the provider itself sees it.
    pub async fn live_in(&self, slot: &str) -> u64 {
        let ask = Ask::get(format!("Appointment?slot=Slot/{slot}&status=booked")).on_provider().of(crate::PROVIDER_ORGANISATION);
        self.ask(ask).await.expect(200).total()
    }

    /// Archives what ended so many days ago, as a server does beside its work.
    pub fn archive(&self, days: u32) -> Archived {
        let ports = Ports { clock: self.clock.clone(), ids: Arc::new(CountedIds::new(3)), documents: Arc::new(Stu3Documents) };
        Maintenance::new(self.store.clone(), ports.clone()).archive(days, &mut |_| true).unwrap()
    }

    /// What the demo would print now.
    pub fn demo_commands(&self) -> String {
        let mut printed = Vec::new();
        Tryable::find(&self.service.engine, &self.service.settings).unwrap().unwrap().print(&mut printed).unwrap();
        String::from_utf8(printed).unwrap()
    }

    /// The present, in milliseconds since 1970.
    pub fn clock_ms(&self) -> i64 {
        self.clock.now().ms()
    }

    /// Sets the clock.
    pub fn it_is(&self, time: &str) {
        self.clock.set(Timestamp::parse(time).unwrap());
    }
}

/// Keeps every record, none of which may name a patient.
fn recording(records: &Arc<Mutex<Vec<Value>>>) -> AccessSink {
    let records = Arc::clone(records);
    Arc::new(move |line| {
        for patient in ["Whitlock", "Imogen", "9990482136", "27 Quarry Rise"] {
            assert!(!line.contains(patient), "a record names a patient: {line}");
        }
        records.lock().unwrap().push(serde_json::from_str(&line).unwrap());
    })
}

#[track_caller]
fn put_in_force(service: &Service, policy: &str) {
    let file = policy_file::parse("policy.toml", policy).unwrap_or_else(|mistakes| panic!("{}", mistakes.join("\n")));
    service.policy.replace(file.policy);
}

/// The slots that a search on the booking root finds.
pub async fn found(app: &App, query: &str) -> Vec<Slot> {
    app.search(query).await.expect(200).all("Slot").iter().map(Slot::of).collect()
}

/// When slots begin.
pub fn starts(slots: &[Slot]) -> Vec<&str> {
    slots.iter().map(|slot| slot.start.as_str()).collect()
}

/// An instant as it may stand in a URL.
pub fn zulu(at: Timestamp) -> String {
    at.to_fhir().replace("+00:00", "Z")
}

impl Drop for App {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let report = Maintenance::new(self.store.clone(), slotkeeper::cli::ports()).check().unwrap();
        assert!(report.violations.is_empty(), "invariants are broken: {:?}", report.violations);
    }
}
