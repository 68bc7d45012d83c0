//! A throw-away PostgreSQL server, started by the test process and gone with it.
//!
//! Knows only how to run a server and hand out databases; migrations are the caller's business. Pitfall:
//! the shared server runs with `fsync = off` (behaviour needs no durability), so
//! a test about surviving a crash starts its own with `Settings { fsync: true, .. }`.
//!
//! A shell, the guardian, owns the directory and is the parent of the postmaster. It takes orders on its
//! standard input and answers on its standard output; when the input closes, because the test process
//! ended in whatever way, it shuts the server down and removes the directory.

use crate::os::{children_of, free_port, runs, signal, wait_until};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

const HOW_TO_INSTALL: &str = "install it with `apt-get install postgresql`";
/// A first start takes one or two seconds; recovery after a crash on a busy two-core machine some more.
const START_SECONDS_MAX: u64 = 60;
const ANSWERS: Duration = Duration::from_secs(START_SECONDS_MAX);

/// `$1` is the directory of PostgreSQL's programs; `$2` switches flushing of `initdb` (`--no-sync` or nothing).
/// `start <port> <options…>` starts the server; options are plain words, see `Server::start`.
const GUARDIAN: &str = r#"
bin=$1
umask 077
trap '' HUP INT TERM
cd / || exit 1
dir=$(mktemp -d /tmp/skpg.XXXXXX) || exit 1
finish() {
    if [ -n "$server" ]; then
        kill -CONT "$server" 2>/dev/null
        kill -QUIT "$server" 2>/dev/null
        wait "$server" 2>/dev/null
    fi
    rm -rf "$dir"
}
server=
if ! "$bin/initdb" -D "$dir/data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 $2 >"$dir/log" 2>&1; then
    echo "failed initdb: $(tail -n 3 "$dir/log" | tr '\n' ' ')"
    finish
    exit 1
fi
echo "ready $dir"
while read -r order port options; do
    case $order in
    start)
        if [ -n "$server" ]; then wait "$server" 2>/dev/null; fi
        # The dead server was waited for, so whatever process now has its number is a stranger.
        rm -f "$dir/data/postmaster.pid" "$dir"/.s.PGSQL.*
        "$bin/postgres" -D "$dir/data" -k "$dir" -h 127.0.0.1 -p "$port" $options </dev/null >>"$dir/log" 2>&1 &
        server=$!
        echo "started $server"
        ;;
    stop)
        kill -INT "$server"
        wait "$server"
        server=
        echo "stopped"
        ;;
    esac
done
finish
"#;

/// How a server of one's own is started.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// Whether commits are flushed to disk, as in production.
    pub fsync: bool,
    /// Further server settings, name and value; neither may contain white space.
    pub extra: &'a [(&'a str, &'a str)],
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Self { fsync: true, extra: &[] }
    }
}

/// A running server. Dropped: stopped and its directory removed.
#[derive(Debug)]
pub struct Server {
    port: u16,
    options: String,
    dir: PathBuf,
    guardian: Child,
    line: Mutex<Line>,
    /// Held while a template is copied: PostgreSQL refuses to copy one that is in use, also by another copy.
    templates: Mutex<HashSet<String>>,
}

/// The two pipes to the guardian and what it said last.
#[derive(Debug)]
struct Line {
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    postmaster: u32,
}

/// A database of a test's own. Dropped: deleted, even while connections to it are open.
#[derive(Debug)]
pub struct Database {
    /// Where it is, as `--database-url` takes it.
    pub url: String,
    name: String,
    admin_url: String,
}

impl Server {
    /// The one server of this test process, started on first use with `fsync = off`; it ends with the process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Settings { fsync: false, extra: &[] }))
    }

    /// Starts a server of the test's own. Panics with one sentence if that cannot be done.
    pub fn start(settings: Settings<'_>) -> Self {
        let mut guardian = spawn_guardian(&programs(), settings.fsync);
        let mut line = Line { orders: guardian.stdin.take(), answers: BufReader::new(guardian.stdout.take().unwrap()), postmaster: 0 };
        let greeting = line.answer();
        let Some(dir) = greeting.strip_prefix("ready ") else {
            panic!("PostgreSQL could not be set up ({greeting}): {HOW_TO_INSTALL}");
        };
        let dir = PathBuf::from(dir);
        let server =
            Self { port: 0, options: options(settings), dir, guardian, line: Mutex::new(line), templates: Mutex::new(HashSet::new()) };
        server.first_start()
    }

    /// Another process may take the port between the choice and the start, hence a few attempts.
    fn first_start(mut self) -> Self {
        for _ in 0..5 {
            self.port = free_port();
            if self.try_launch() {
                return self;
            }
        }
        panic!("PostgreSQL does not start ({}): {HOW_TO_INSTALL}", self.log_tail());
    }

    /// The URL of a database of this server.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Where it listens; the upstream of a `CutProxy`.
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// A connection of the superuser to the database `postgres`.
    pub fn admin(&self) -> PgConnection {
        PgConnection::establish(&self.url("postgres")).unwrap()
    }

    /// Makes sure the template `name` exists: the first caller creates an empty database and lets `fill`
    /// (given its URL) put tables and rows into it; others wait for that. `fill` must close its connections.
    pub fn template(&self, name: &str, fill: impl FnOnce(&str)) {
        let mut done = lock(&self.templates);
        if !done.contains(name) {
            let mut admin = self.admin();
            admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).unwrap();
            admin.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
            fill(&self.url(name));
            done.insert(name.to_owned());
        }
    }

    /// A fresh copy of `template` (`template1` for an empty database) under a name of its own.
    pub fn create_database_from(&self, template: &str) -> Database {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("t{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let _one_at_a_time = lock(&self.templates);
        let mut admin = self.admin();
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
        let mut last = String::new();
        // A connection that was just closed is still counted by the server for some milliseconds.
        let made = wait_until(Duration::from_secs(10), || match admin.batch_execute(&sql) {
            Ok(()) => true,
            Err(error) if error.to_string().contains("being accessed") => {
                last = error.to_string();
                false
            }
            Err(error) => panic!("database {name} cannot be copied from {template}: {error}"),
        });
        assert!(made, "close every connection to the template {template} before copying it: {last}");
        Database { url: self.url(&name), name, admin_url: self.url("postgres") }
    }

    /// The power cut: the postmaster and all its children are killed at once and without warning.
    pub fn kill_9(&self) {
        let postmaster = lock(&self.line).postmaster;
        // A stopped postmaster starts no further child while the list is made.
        signal("STOP", &[postmaster]);
        let mut victims = children_of(postmaster);
        victims.push(postmaster);
        signal("KILL", &victims);
        let dead = wait_until(Duration::from_secs(30), || !victims.iter().any(|pid| runs(*pid)));
        assert!(dead, "PostgreSQL survived SIGKILL for 30 s");
    }

    /// The server falls silent: its processes stand still, its connections stay open. Until [`Server::thaw`].
    pub fn freeze(&self) {
        let postmaster = lock(&self.line).postmaster;
        signal("STOP", &[postmaster]);
        signal("STOP", &children_of(postmaster));
    }

    /// The server goes on as if nothing had been.
    pub fn thaw(&self) {
        let postmaster = lock(&self.line).postmaster;
        signal("CONT", &children_of(postmaster));
        signal("CONT", &[postmaster]);
    }

    /// Stops the server in good order (open connections are closed, everything is flushed).
    pub fn stop(&self) {
        let mut line = lock(&self.line);
        line.order("stop");
        let answer = line.answer();
        assert_eq!(answer, "stopped", "PostgreSQL did not stop: {}", self.log_tail());
    }

    /// Starts again after `kill_9` or `stop`, on the same port and data; returns when it accepts connections.
    pub fn restart(&self) {
        assert!(self.try_launch(), "PostgreSQL does not start again: {}", self.log_tail());
    }

    /// What the server wrote to its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join(" | ")
    }

    /// False if the server ended instead of accepting connections.
    fn try_launch(&self) -> bool {
        let mut line = lock(&self.line);
        line.order(&format!("start {} {}", self.port, self.options));
        let answer = line.answer();
        let started = answer.strip_prefix("started ").and_then(|pid| pid.parse().ok());
        line.postmaster = started.unwrap_or_else(|| panic!("the guardian of PostgreSQL answered {answer:?}"));
        let postmaster = line.postmaster;
        drop(line);
        let mut accepts = false;
        let settled = wait_until(ANSWERS, || {
            accepts = self.is_ours();
            accepts || !runs(postmaster)
        });
        assert!(settled, "PostgreSQL accepts no connection after {START_SECONDS_MAX} s: {}", self.log_tail());
        accepts
    }

    /// Another test's server may hold the port: only one whose data lies in our directory counts.
    fn is_ours(&self) -> bool {
        use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
        #[derive(QueryableByName)]
        struct Setting {
            #[diesel(sql_type = Text)]
            dir: String,
        }
        let Ok(mut connection) = PgConnection::establish(&self.url("postgres")) else {
            return false;
        };
        let asked = sql_query("SELECT current_setting('data_directory') AS dir").get_result::<Setting>(&mut connection);
        asked.is_ok_and(|setting| Path::new(&setting.dir) == self.dir.join("data"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Closing the guardian's input is the order to shut down and clean up.
        lock(&self.line).orders = None;
        let _ = self.guardian.wait();
    }
}

impl Line {
    fn order(&mut self, words: &str) {
        let pipe = self.orders.as_mut().expect("the guardian is still there");
        writeln!(pipe, "{words}").and_then(|()| pipe.flush()).expect("the guardian of PostgreSQL takes orders");
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the guardian of PostgreSQL answers");
        line.trim_end().to_owned()
    }
}

impl Database {
    /// A connection to it.
    pub fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.url).unwrap()
    }

    /// Its name within the server.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The server may have been killed by the test itself; its directory goes anyway.
        if let Ok(mut admin) = PgConnection::establish(&self.admin_url) {
            let _ = admin.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        }
    }
}

/// A test that failed while it held the lock must not fail all others.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// PostgreSQL refuses to run as root; then the system's own user for it takes over.
fn spawn_guardian(programs: &Path, fsync: bool) -> Child {
    let mut command = if std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    command.args(["-c", GUARDIAN, "guardian"]).arg(programs).arg(if fsync { "" } else { "--no-sync" });
    // Its own process group: Ctrl-C reaches the tests only, and their end is what the guardian acts upon.
    command.current_dir("/").process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().unwrap_or_else(|error| panic!("PostgreSQL cannot be started ({error}): {HOW_TO_INSTALL}"))
}

/// The directory with `initdb` and `postgres`: from PATH, else the newest Debian has installed.
fn programs() -> PathBuf {
    let has_both = |dir: &PathBuf| dir.join("initdb").is_file() && dir.join("postgres").is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(found) = std::env::split_paths(&path).find(has_both) {
        return found;
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let numbered = versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))));
    let newest = numbered.filter(|(_, dir)| has_both(dir)).max_by_key(|(version, _)| *version);
    newest.map(|(_, dir)| dir).unwrap_or_else(|| panic!("these tests need a PostgreSQL server and found none: {HOW_TO_INSTALL}"))
}

/// Command line options of the server, as words separated by blanks.
fn options(settings: Settings<'_>) -> String {
    let durable = if settings.fsync { "on" } else { "off" };
    let basic = [
        ("fsync", durable),
        ("full_page_writes", durable),
        ("max_connections", "300"),
        ("shared_buffers", "64MB"),
        ("jit", "off"),
        ("max_parallel_workers_per_gather", "0"),
        ("max_wal_size", "512MB"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("log_checkpoints", "off"),
    ];
    let all = basic.iter().chain(settings.extra);
    let words = all.map(|(name, value)| {
        let blank = name.contains(char::is_whitespace) || value.contains(char::is_whitespace);
        assert!(!blank, "the server setting {name}={value} contains white space");
        format!("-c {name}={value}")
    });
    words.collect::<Vec<_>>().join(" ")
}
