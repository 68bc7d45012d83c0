//! What the tests about faults and crashes share: a demo provider served by real processes on either
//! database, the `race` and `check` commands, and a little HTTP to book one slot.
//!
//! Knows the product's command line and its tables' names, never its code. Pitfall:
//! the servers may reach PostgreSQL through a proxy (`Place::seen`), while triggers, locks and look-ups
//! made here always go straight to it (`Place::url`).

use crate::SLOTKEEPER;
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tempfile::TempDir;
use testkit::postgres::{Database, Server};
use testkit::process::{Ended, Reply, Spawned, request};

/// The service of the demo that has free slots.
pub const SERVICE: &str = "2000099901";
/// A race under faults on a busy machine; the long form has more clients and slots.
pub const RACE_WAIT: Duration = Duration::from_secs(1_500);

/// A number from the environment, for the long form of a test.
pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`; it must be a number")))
}

/// A database of a test's own, removed when dropped.
#[derive(Debug)]
pub struct Place {
    /// Where it is.
    pub url: String,
    /// Where the servers are told it is.
    pub seen: String,
    /// Its server flushes nothing to disk.
    lossy: bool,
    _database: Option<Database>,
    _dir: Option<TempDir>,
}

/// A connection of the test's own.
pub enum Hand {
    Pg(PgConnection),
    Sqlite(SqliteConnection),
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl Place {
    /// A file in a directory of its own; it does not exist yet.
    pub fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", dir.path().join("slotkeeper.db").display());
        Self { seen: url.clone(), url, lossy: false, _database: None, _dir: Some(dir) }
    }

    /// An empty database on the shared server, which flushes nothing to disk.
    pub fn postgres() -> Self {
        Self { lossy: true, ..Self::durable(Server::shared()) }
    }

    /// An empty database on a server that keeps what it has answered.
    pub fn durable(server: &Server) -> Self {
        let database = server.create_database_from("template1");
        Self { seen: database.url.clone(), url: database.url.clone(), lossy: false, _database: Some(database), _dir: None }
    }

    /// A demo server on it, in the strict mode of production but for the flags in `more`.
    pub fn serve(&self, more: &[&str]) -> Spawned {
        let mut args = vec!["--demo", "--database-url", &self.seen];
        args.extend(self.lossy.then_some("--accept-data-loss"));
        args.extend_from_slice(more);
        SLOTKEEPER.serve(&args)
    }

    pub fn connect(&self) -> Hand {
        match self.url.strip_prefix("sqlite://") {
            Some(path) => {
                let mut hand = SqliteConnection::establish(path).unwrap();
                hand.batch_execute("PRAGMA busy_timeout = 20000").unwrap();
                Hand::Sqlite(hand)
            }
            None => Hand::Pg(PgConnection::establish(&self.url).unwrap()),
        }
    }

    /// One number out of the database.
    pub fn number(&self, sql: &str) -> i64 {
        self.connect().number(sql)
    }

    /// Asks the product whether every invariant holds.
    pub fn assert_clean(&self) -> String {
        let ended = SLOTKEEPER.run(&["check", "--database-url", &self.url], Duration::from_secs(120));
        assert_eq!(ended.code, Some(0), "check: {}{}", ended.stdout, ended.stderr);
        ended.stdout.lines().last().unwrap_or_default().to_owned()
    }
}

impl Hand {
    pub fn execute(&mut self, sql: &str) {
        let done = match self {
            Self::Pg(pg) => pg.batch_execute(sql),
            Self::Sqlite(sqlite) => sqlite.batch_execute(sql),
        };
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub fn number(&mut self, sql: &str) -> i64 {
        let found = match self {
            Self::Pg(pg) => sql_query(sql).get_result::<Number>(pg),
            Self::Sqlite(sqlite) => sql_query(sql).get_result::<Number>(sqlite),
        };
        found.unwrap_or_else(|error| panic!("{sql}: {error}")).n
    }
}

/// The modes of a race.
pub const MODES: [&str; 3] = ["book", "book-cancel", "same-request"];

/// How many compete for how many.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub clients: usize,
    pub slots: usize,
}

/// The command line of a race against `servers`.
pub fn race_line(servers: &[&Spawned], size: Size, more: &[&str]) -> Vec<String> {
    let mut line = vec!["race".to_owned()];
    for server in servers {
        line.extend(["--server".to_owned(), server.base_url()]);
    }
    line.extend(["--clients".to_owned(), size.clients.to_string(), "--slots".to_owned(), size.slots.to_string()]);
    line.extend(more.iter().map(|word| (*word).to_owned()));
    line
}

/// Holds a race and demands a clean verdict; gives what the command wrote as JSON.
pub fn race(servers: &[&Spawned], size: Size, more: &[&str]) -> Value {
    let (ended, report) = judged(&race_line(servers, size, more));
    let said: String = servers.iter().map(|server| tail(&server.stderr())).collect();
    assert_eq!(ended.code, Some(0), "race {more:?}:\n{}{}\nthe servers said:\n{said}", ended.stdout, ended.stderr);
    report
}

/// Runs a `race` command; its end, and its report.
pub fn judged(line: &[String]) -> (Ended, Value) {
    let dir = tempfile::tempdir().unwrap();
    let mut words: Vec<&str> = line.iter().map(String::as_str).collect();
    words.extend(["--json", "report.json"]);
    let ended = SLOTKEEPER.run_in(dir.path(), &words, &[], RACE_WAIT);
    let text = std::fs::read_to_string(dir.path().join("report.json")).unwrap_or_default();
    (ended, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// One line about a race, for whoever reads the output of the tests.
pub fn told(what: &str, report: &Value) -> String {
    let per_second = &report["requests_per_s"];
    format!(
        "{what}: {} requests, {per_second} per second, answers {}, settled {}",
        report["requests"], report["answers"], report["settled"]
    )
}

/// The last lines of a log.
pub fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n") + "\n"
}

/// A free slot, as a search found it.
#[derive(Clone, Debug)]
pub struct Slot {
    pub id: String,
    pub start: String,
    pub end: String,
}

/// Free slots of the demo, none of which begins during the test.
pub fn free_slots(server: &Spawned, count: usize) -> Vec<Slot> {
    let reply = server.get(&format!("/STU3/1/provider/Slot?service={SERVICE}&status=free&_count={}", count + 10));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let bundle: Value = serde_json::from_slice(&reply.body).unwrap();
    let text = |slot: &Value, field: &str| slot[field].as_str().unwrap().to_owned();
    let entries = bundle["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]);
    let slots = entries.map(|slot| Slot { id: text(slot, "id"), start: text(slot, "start"), end: text(slot, "end") });
    let slots: Vec<Slot> = slots.skip(10).collect();
    assert_eq!(slots.len(), count, "the demo has too few free slots");
    slots
}

/// The status of a slot: `free`, `busy`, …
pub fn slot_status(server: &Spawned, slot: &Slot) -> String {
    let bundle: Value = serde_json::from_slice(&server.get(&format!("/STU3/1/provider/Slot?_id={}", slot.id)).body).unwrap();
    bundle["entry"][0]["resource"]["status"].as_str().unwrap_or("not found").to_owned()
}

/// Books a slot on the provider root under a request id.
pub fn book(addr: SocketAddr, slot: &Slot, request_id: &str) -> io::Result<Reply> {
    let body = serde_json::json!({
        "resourceType": "Appointment", "status": "booked", "description": "Sore throat",
        "start": slot.start, "end": slot.end, "slot": [{"reference": format!("Slot/{}", slot.id)}],
        "participant": [{"status": "accepted", "actor": {"display": "Imogen Whitlock",
            "identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990482136"}}}],
    });
    let headers = [("Content-Type", "application/fhir+json"), ("X-Request-ID", request_id)];
    request(addr, "POST", "/STU3/1/provider/Appointment", &headers, body.to_string().as_bytes())
}

/// Cancels what a 201 told of, on the provider root.
pub fn cancel(addr: SocketAddr, booked: &Reply, request_id: &str) -> io::Result<Reply> {
    let mut appointment: Value = serde_json::from_slice(&booked.body).unwrap();
    appointment["status"] = "cancelled".into();
    let path = format!("/STU3/1/provider/Appointment/{}", appointment["id"].as_str().unwrap());
    let headers = [("Content-Type", "application/fhir+json"), ("X-Request-ID", request_id)];
    request(addr, "PUT", &path, &headers, appointment.to_string().as_bytes())
}
