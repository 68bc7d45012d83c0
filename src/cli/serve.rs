//! `slotkeeper serve`: puts everything together and runs it until it is told to stop.
//!
//! Pitfall: whatever can be refused is refused before the database is touched, so that a
//! mistyped flag or a port in use leaves no file behind.

mod listen;
mod tls;

use super::access_log::AccessLog;
use super::archive::{self, Archiver};
use super::issuers::{IssuerArgs, Issuers};
use super::policy::PolicySource;
use super::reload::Reloads;
use super::{DatabaseArgs, Failure, demo, ports};
use crate::engine::{AllocatorLimits, Engine, Limits, SystemClock};
use crate::http::{ANY_ORIGIN, AuthMode, HttpLimits, PolicyInForce, Service, Settings, Trust, configure, origin};
use crate::store::{Durability, Store};
use actix_web::{App, HttpServer};
use domain::time::Clock as _;
use fhir::stu3::uec::compat::ApiVersion;
use ipnet::IpNet;
use listen::{Listen, cannot_listen};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
pub use tls::TlsArgs;

/// How long requests under way may take to end after SIGTERM, in seconds.
const DRAIN_S: u64 = 20;
/// Connections the operating system keeps waiting for us.
const BACKLOG: u32 = 2_048;
/// How often it is looked whether a key set has grown old.
const KEYS_LOOKED_AT_EVERY: Duration = Duration::from_secs(5);

/// What `slotkeeper serve` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// Address or name, and port, to listen on: 127.0.0.1:8080, [::1]:8080, localhost:8080 (both of them); a name stands for every
    /// address it resolves to
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", value_parser = Listen::parse)]
    pub listen: Listen,
    /// The database
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Start of every absolute URL the server writes. Default: http://<listen>, under TLS https://<listen>
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Whom the server believes: tokens signed by an issuer it trusts (`jwks`), `unsigned` tokens (behind the Spine proxy), or
    /// everybody (`off`, loopback only). Default: unsigned, with --demo off
    #[arg(long, value_name = "MODE", value_parser = ["jwks", "unsigned", "off"])]
    pub auth: Option<String>,
    /// An audience tokens may name; repeatable. Default: the root that is called, under --public-url
    #[arg(long, value_name = "URL")]
    pub audience: Vec<String>,
    /// Applies the migrations the database lacks, and creates an SQLite file that is not there
    #[arg(long)]
    pub migrate: bool,
    /// Serves the invented demo provider from nothing but this binary
    #[arg(long)]
    pub demo: bool,
    /// The only peers that may connect, as a network such as 10.20.0.0/24
    #[arg(long, value_name = "CIDR")]
    pub trusted_proxy: Option<IpNet>,
    /// Serves on a PostgreSQL that may forget what was answered (fsync, synchronous_commit or full_page_writes off)
    #[arg(long)]
    pub accept_data_loss: bool,
    /// Refuses bookings without a verified NHS number
    #[arg(long)]
    pub require_verified_nhs_number: bool,
    /// Oldest version of the NHS Booking FHIR API whose consumers are served on the booking root, beside all later ones
    #[arg(long, value_name = "VERSION", default_value = ApiVersion::LATEST.number(), value_parser = ApiVersion::ALL.map(ApiVersion::number))]
    pub compat: String,
    /// Records every access in this file, a line of JSON each: who asked for what, when, and how it ended; never a patient
    #[arg(long, value_name = "FILE")]
    pub access_log: Option<PathBuf>,
    /// Whether what is on offer is also held in memory, where searches find it sooner; what a search shows is the same
    #[arg(long, value_name = "on|off", default_value = "on", value_parser = ["on", "off"])]
    pub availability_index: String,
    /// Moves slots that ended so many days ago out of the diary, at the start and then every hour; 0: never
    #[arg(long, value_name = "DAYS", default_value_t = archive::DAYS_DEFAULT, value_parser = clap::value_parser!(u32).range(0..=archive::DAYS_MAX))]
    pub archive_after_days: u32,
    /// TLS
    #[command(flatten)]
    pub tls: TlsArgs,
    /// Whose signed tokens are believed
    #[command(flatten)]
    pub issuers: IssuerArgs,
    /// What consumer organisations may see and do (TOML; see docs/policy.md). Read again at SIGHUP
    #[arg(long, value_name = "FILE", help_heading = None)]
    pub policy: Option<PathBuf>,
    /// An origin whose pages may call, such as https://diary.example.nhs.uk; repeatable. `*` for all, with --auth off alone
    #[arg(long, value_name = "ORIGIN", help_heading = None)]
    pub cors_origin: Vec<String>,
    /// Bounds
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// Bounds on what requests may cost (docs/contract.md#limits).
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Largest body as it is sent, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = HttpLimits::default().body_bytes_max, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub body_bytes_max: usize,
    /// Largest body as it unfolds where it is sent compressed, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = HttpLimits::default().inflated_bytes_max, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub inflated_bytes_max: usize,
    /// Longest query, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = HttpLimits::default().query_bytes_max, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub query_bytes_max: usize,
    /// Most parameters of a query
    #[arg(long, value_name = "COUNT", default_value_t = HttpLimits::default().parameters_max, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub parameters_max: usize,
    /// Longest window of one slot search, in days
    #[arg(long, value_name = "DAYS", default_value_t = HttpLimits::default().window_days_max, value_parser = clap::value_parser!(i64).range(1..=3_660))]
    pub window_days_max: i64,
    /// Most slots in one answer
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().slots_max, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub slots_max: usize,
    /// Longest time a body may take to arrive, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = HttpLimits::default().body_wait_ms, value_parser = clap::value_parser!(u64).range(1..))]
    pub body_wait_ms: u64,
    /// Longest life of a token, in seconds. Default: 300, and 3600 of a signed one
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(1..=86_400))]
    pub token_life_s_max: Option<i64>,
    /// Memory for answers to slot searches that may be given again as long as nothing has changed, in bytes; 0 keeps none
    #[arg(long, value_name = "BYTES", default_value_t = HttpLimits::default().answers_bytes_max)]
    pub answers_bytes_max: usize,
    /// Most bookings and cancels under way at once; one more is answered 503
    #[arg(long, value_name = "COUNT", default_value_t = AllocatorLimits::default().queue_max, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub queue_max: usize,
    /// How long a booking or cancel may wait to be carried out, in milliseconds; then it is answered 503 and never done
    #[arg(long, value_name = "MS", default_value_t = AllocatorLimits::default().deadline_ms, value_parser = clap::value_parser!(u64).range(1..))]
    pub deadline_ms: u64,
    /// Most bookings and cancels in one transaction
    #[arg(long, value_name = "COUNT", default_value_t = AllocatorLimits::default().batch_max, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1_000))]
    pub batch_max: usize,
}

impl LimitArgs {
    const fn engine(&self, availability: bool) -> Limits {
        let allocator = AllocatorLimits { queue_max: self.queue_max, deadline_ms: self.deadline_ms, batch_max: self.batch_max };
        Limits { slots_max: self.slots_max, allocator, availability }
    }

    fn http(&self, auth: AuthMode) -> HttpLimits {
        HttpLimits {
            body_bytes_max: self.body_bytes_max,
            inflated_bytes_max: self.inflated_bytes_max,
            query_bytes_max: self.query_bytes_max,
            parameters_max: self.parameters_max,
            window_days_max: self.window_days_max,
            body_wait_ms: self.body_wait_ms,
            token_life_s_max: self.token_life_s_max.unwrap_or_else(|| auth.token_life_s_max()),
            answers_bytes_max: self.answers_bytes_max,
        }
    }
}

/// Runs the server until SIGTERM or SIGINT.
///
/// # Errors
/// [`Failure`].
pub fn run(args: &ServeArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let policy_in_force = Arc::new(PolicyInForce::default());
    let (settings, issuers) = settings(args, &policy_in_force)?;
    let policy = args.policy.as_deref().map(|path| PolicySource::read(path, settings.auth)).transpose()?;
    let tls = args.tls.load(&SystemClock)?;
    let addresses = args.listen.usable()?;
    let access_log = args.access_log.as_deref().map(AccessLog::open).transpose()?;
    let store = Store::open(&args.database.url()?, args.migrate || args.demo)?;
    store.write_ahead()?;
    durable(&store, args.accept_data_loss)?;
    let filler = if args.demo { Some(demo::load(&store)?) } else { None };
    let archiver = Archiver::start(&store, args.archive_after_days)?;
    let shown_url = store.shown_url();
    let engine = Engine::start(store, ports(), args.limits.engine(args.availability_index == "on"))
        .map_err(|e| Failure::Failed(format!("cannot start threads: {e}")))?;
    let engine = Arc::new(engine);
    let tryable = if args.demo { demo::Tryable::find(&engine, &settings)? } else { None };
    let mut reloads = Reloads::default();
    if let Some(log) = &access_log {
        reloads.add("access log", log.reopener());
    }
    if let Some(tls) = &tls {
        tls::reload(tls, SystemClock, &mut reloads);
    }
    let access = access_log.as_ref().map(AccessLog::sink);
    let service = Arc::new(Service { access, policy: policy_in_force, ..Service::new(engine, settings, &crate::http::ROOT_PATHS) });
    if let Some(policy) = policy {
        policy.put_in_force(&service, &mut reloads);
    }
    let public_url = service.settings.public_url.clone();
    let outcome = actix_web::rt::System::new().block_on(async move {
        if let Some(issuers) = issuers {
            log::info!("{}", issuers.summary());
            keep_fresh(Arc::clone(&issuers.trust));
            reloads.add("token issuers", move || issuers.again(SystemClock.now()));
        }
        // Before the port answers: a SIGHUP that nobody listens for would end the process.
        reloads.watch().map_err(|e| Failure::Failed(format!("cannot listen for signals: {e}")))?;
        let server = HttpServer::new(move || App::new().configure(configure(Arc::clone(&service))))
            .backlog(BACKLOG)
            .client_request_timeout(Duration::from_secs(10))
            .shutdown_timeout(DRAIN_S);
        let bound = match &tls {
            Some(tls) => server
                .tls_handshake_timeout(Duration::from_millis(args.tls.handshake_ms))
                .max_connection_rate(args.tls.handshakes_max)
                .bind_rustls_0_23(addresses.as_slice(), tls.server_config().map_err(Failure::Failed)?),
            None => server.bind(addresses.as_slice()),
        };
        let server = bound.map_err(|e| cannot_listen(&args.listen.to_string(), &e))?;
        log::info!("{}", started(&server.addrs(), &public_url, &shown_url));
        let server = server.run();
        // Only now does the port answer, so only now is it true that the commands work.
        if let Some(tryable) = tryable {
            tryable.print(out)?;
        }
        server.await.map_err(|e| Failure::Failed(format!("the server ended: {e}")))
    });
    if let Some(filler) = filler {
        filler.stop();
    }
    if let Some(archiver) = archiver {
        archiver.stop();
    }
    if let Some(log) = access_log {
        log.stop();
    }
    log::info!("stopped");
    outcome
}

/// The line of the start: where it listens, what it is called from outside, and where its data is.
fn started(addresses: &[SocketAddr], public_url: &str, database: &str) -> String {
    let listening: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let (version, listening) = (env!("CARGO_PKG_VERSION"), listening.join(" and "));
    format!("slotkeeper {version} listens on {listening}, public URL {public_url}, database {database}")
}

/// Sees to it, for as long as the server runs, that key sets are fetched before they grow old.
fn keep_fresh(trust: Arc<Trust>) {
    actix_web::rt::spawn(async move {
        loop {
            trust.keep_fresh(SystemClock.now());
            actix_web::rt::time::sleep(KEYS_LOOKED_AT_EVERY).await;
        }
    });
}

/// What was set, with what cannot be refused; and whose signed tokens are believed.
fn settings(args: &ServeArgs, policy: &Arc<PolicyInForce>) -> Result<(Settings, Option<Issuers>), Failure> {
    let auth = match (args.auth.as_deref(), args.demo) {
        (Some("off"), _) | (None, true) => AuthMode::Off,
        (Some("jwks"), _) => AuthMode::Jwks,
        _ => AuthMode::Unsigned,
    };
    if auth != AuthMode::Jwks
        && let Some(flag) = args.issuers.given()
    {
        return Err(Failure::Usage(format!("{flag} is for signed tokens: add --auth jwks, or leave it out")));
    }
    if args.issuers.token_organisation.as_deref() == Some("client") && args.policy.is_none() {
        log::warn!("--token-organisation client: without a --policy that names `clients`, every signed token is refused");
    }
    hop_is_guarded(args, auth)?;
    if let Some(wrong) = args.audience.iter().find(|audience| !audience.contains("://")) {
        return Err(Failure::Usage(format!(
            "--audience is `{wrong}`; it must be a URL such as https://booking.example.nhs.uk/STU3/1/booking"
        )));
    }
    let public_url = public_url(args)?;
    let issuers = if auth == AuthMode::Jwks {
        // A client that no issuer lists is looked for in the policy of the moment.
        let policy = Arc::clone(policy);
        let clients = move |issuer: &str, client: &str| policy.current()?.consumer_of_client(issuer, client).cloned();
        Some(Issuers::open(&args.issuers, Box::new(clients), SystemClock.now())?)
    } else {
        None
    };
    let settings = Settings {
        public_url,
        auth,
        audiences: args.audience.clone(),
        trust: issuers.as_ref().map_or_else(|| Arc::new(Trust::nobody()), |issuers| Arc::clone(&issuers.trust)),
        trusted_proxy: args.trusted_proxy,
        require_verified_nhs_number: args.require_verified_nhs_number,
        // clap takes no other numbers.
        compat: ApiVersion::parse(&args.compat).unwrap_or(ApiVersion::LATEST),
        cors_origins: cors_origins(args, auth)?,
        limits: args.limits.http(auth),
    };
    Ok((settings, issuers))
}

/// Whether what stands between consumers and this server is enough for how far it believes them
/// (docs/contract.md#what-serve-refuses).
fn hop_is_guarded(args: &ServeArgs, auth: AuthMode) -> Result<(), Failure> {
    let Some(host) = args.listen.beyond_loopback() else { return Ok(()) };
    match auth {
        AuthMode::Off => Err(Failure::Usage(format!(
            "--auth off is for one's own machine and {host} is not loopback: listen on 127.0.0.1, or use --auth jwks, or --auth unsigned \
             with --client-ca or --trusted-proxy"
        ))),
        // A signature proves who asks, whoever can reach the server.
        AuthMode::Jwks => Ok(()),
        AuthMode::Unsigned if args.tls.client_ca.is_some() || args.trusted_proxy.is_some() => Ok(()),
        AuthMode::Unsigned => Err(Failure::Usage(format!(
            "unsigned tokens prove nothing to whoever can reach {host}: demand client certificates with --client-ca FILE, \
             name the proxy in front with --trusted-proxy CIDR, use signed tokens (--auth jwks), or listen on 127.0.0.1"
        ))),
    }
}

/// Origins as browsers name them. All of them only where no token is asked for: unsigned ones are made by anybody, and
/// then any page could make its visitors call.
fn cors_origins(args: &ServeArgs, auth: AuthMode) -> Result<Vec<String>, Failure> {
    let read = |given: &String| {
        let example = "it must be an origin such as https://diary.example.nhs.uk, without a path";
        origin(given).ok_or_else(|| Failure::Usage(format!("--cors-origin is `{given}`; {example}")))
    };
    let origins = args.cors_origin.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if auth != AuthMode::Off && origins.iter().any(|origin| origin == ANY_ORIGIN) {
        return Err(Failure::Usage("--cors-origin * lets every page call and is for --auth off alone: name the origins".to_owned()));
    }
    Ok(origins)
}

fn public_url(args: &ServeArgs) -> Result<String, Failure> {
    let url = args.public_url.clone().unwrap_or_else(|| format!("{}://{}", if args.tls.is_on() { "https" } else { "http" }, args.listen));
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match host {
        Some(host) if !host.trim_matches('/').is_empty() && !host.contains(['?', '#', ' ']) => Ok(url.trim_end_matches('/').to_owned()),
        _ => Err(Failure::Usage(format!("--public-url is `{url}`; it must be a URL such as https://booking.example.nhs.uk"))),
    }
}

fn durable(store: &Store, accept_data_loss: bool) -> Result<(), Failure> {
    match store.durability()? {
        Durability::Safe => Ok(()),
        Durability::Unsafe(off) if accept_data_loss => {
            log::warn!("{} off: an answered booking may be lost in a crash of the database server", off.join(" and "));
            Ok(())
        }
        Durability::Unsafe(off) => Err(Failure::Failed(format!(
            "the database server has {} off, so an answered booking may be lost in a crash: turn it on, or serve with --accept-data-loss",
            off.join(" and ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn origins(typed: &[&str]) -> Result<Vec<String>, String> {
        let line = Line::parse_from(["serve"].iter().chain(typed));
        match settings(&line.serve, &Arc::default()) {
            Ok((settings, _)) => Ok(settings.cors_origins),
            Err(Failure::Usage(told)) => Err(told),
            Err(other) => panic!("not a matter of usage: {other:?}"),
        }
    }

    #[test]
    fn origins_are_as_browsers_name_them_and_all_need_no_tokens() {
        let several = ["--cors-origin", "https://Diary.example.nhs.uk:443", "--cors-origin", "http://localhost:3000"];
        assert_eq!(origins(&several).unwrap(), ["https://diary.example.nhs.uk", "http://localhost:3000"]);
        assert_eq!(origins(&["--auth", "off", "--cors-origin", "*"]).unwrap(), ["*"]);
        assert!(origins(&["--cors-origin", "*"]).unwrap_err().contains("--auth off"));
        let told = origins(&["--cors-origin", "https://diary.example.nhs.uk/"]).unwrap_err();
        assert!(told.contains("without a path") && told.contains("https://diary.example.nhs.uk"), "{told}");
    }
}
