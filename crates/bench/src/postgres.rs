//! A throw-away PostgreSQL: the one both the server and its references are measured on.
//!
//! Durable as in production, its settings written down with the results.
//! Pitfall: PostgreSQL refuses to run as root, so root starts it as the system's user `postgres`; and a database is copied
//! file by file from a template followed by a checkpoint, so that every round begins with the same database and nobody else's
//! write-ahead log.

use crate::error::BenchError;
use crate::programs;
use crate::workdir::{Guardian, free_address};
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const HOW_TO_INSTALL: &str = "install PostgreSQL with its pgbench (Debian: `apt-get install postgresql`), \
     or leave PostgreSQL's rows out with --only";
const PROGRAMS: [&str; 4] = ["initdb", "postgres", "psql", "pgbench"];
/// A first start takes a second or two, on a busy machine some more.
const START_MAX: Duration = Duration::from_secs(60);

/// `$1` is the directory of the programs. `start PORT OPTIONS…` starts the server.
const KEEPER: &str = r#"
bin=$1
trap '' HUP INT TERM
umask 077
cd / || exit 1
dir=$(mktemp -d /tmp/skbenchpg.XXXXXX) || exit 1
server=
if ! "$bin/initdb" -D "$dir/data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 >"$dir/log" 2>&1; then
    echo "failed: $(tail -n 3 "$dir/log" | tr '\n' ' ')"
    rm -rf "$dir"
    exit 1
fi
echo "ready $dir"
while read -r order port options; do
    if [ -n "$server" ]; then wait "$server" 2>/dev/null; fi
    "$bin/postgres" -D "$dir/data" -k "$dir" -h 127.0.0.1 -p "$port" $options </dev/null >>"$dir/log" 2>&1 &
    server=$!
    echo "started $server"
done
if [ -n "$server" ]; then
    kill -QUIT "$server" 2>/dev/null
    wait "$server" 2>/dev/null
fi
rm -rf "$dir"
"#;

/// What the server is told; everything else is PostgreSQL's default. The first three are what durability means.
const SETTINGS: [(&str, &str); 11] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("max_connections", "400"),
    ("shared_buffers", "512MB"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "15min"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("timezone", "UTC"),
    ("log_checkpoints", "off"),
];

/// The running server. Dropped: stopped and its files removed.
#[derive(Debug)]
pub(crate) struct Postgres {
    programs: PathBuf,
    port: u16,
    ward: Guardian,
    /// `PostgreSQL 15.14 …`
    pub(crate) version: String,
    copies: u32,
}

/// A database of its own. Dropped with [`Postgres::drop_database`], at the latest with the server.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) name: String,
    /// As `--database-url` takes it.
    pub(crate) url: String,
}

impl Postgres {
    /// Starts one.
    pub(crate) fn start() -> Result<Self, BenchError> {
        let programs = programs()?;
        let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let mut ward = Guardian::start(KEEPER, &[programs.as_os_str()], root.then_some("postgres"))?;
        let greeting = ward.answer()?;
        if !greeting.starts_with("ready ") {
            return Err(BenchError::failed(format!("PostgreSQL cannot be set up ({greeting}): {HOW_TO_INSTALL}")));
        }
        let mut server = Self { programs, port: 0, ward, version: String::new(), copies: 0 };
        let options = SETTINGS.map(|(name, value)| format!("-c {name}={value}")).join(" ");
        let end = Instant::now() + START_MAX;
        while Instant::now() < end {
            // Whoever took the port meanwhile makes this one end at once; then another port is tried.
            server.port = free_address()?.port();
            server.ward.order(&format!("start {} {options}", server.port))?;
            let started = server.ward.answer()?;
            let pid = started.strip_prefix("started ").unwrap_or_default().to_owned();
            while Path::new(&format!("/proc/{pid}")).exists() && Instant::now() < end {
                if let Ok(version) = server.ask("postgres", "SELECT version()") {
                    server.version = version;
                    return Ok(server);
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Err(BenchError::failed(format!("PostgreSQL does not start: {HOW_TO_INSTALL}")))
    }

    /// The settings it runs with, name and value.
    pub(crate) const fn settings() -> &'static [(&'static str, &'static str)] {
        &SETTINGS
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs SQL in a database and gives what it says, unaligned.
    pub(crate) fn ask(&self, database: &str, sql: &str) -> Result<String, BenchError> {
        let url = self.url(database);
        let words = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", sql];
        run(&self.programs.join("psql"), &words.map(OsStr::new))
    }

    /// Runs `pgbench` on a database with these words before its name.
    pub(crate) fn pgbench(&self, database: &str, words: &[String]) -> Result<String, BenchError> {
        let port = self.port.to_string();
        let mut all: Vec<&OsStr> = ["-h", "127.0.0.1", "-U", "postgres", "-p", &port].map(OsStr::new).to_vec();
        all.extend(words.iter().map(OsStr::new));
        all.push(OsStr::new(database));
        run(&self.programs.join("pgbench"), &all)
    }

    /// An empty database.
    pub(crate) fn create(&self, name: &str) -> Result<Database, BenchError> {
        self.ask("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(Database { name: name.to_owned(), url: self.url(name) })
    }

    /// A copy of a database nobody is connected to.
    pub(crate) fn copy(&mut self, of: &Database) -> Result<Database, BenchError> {
        self.copies += 1;
        let name = format!("{}_{}", of.name, self.copies);
        // Before version 15 copying file by file was the only way and had no name.
        let strategy = if self.major() >= 15 { " STRATEGY file_copy" } else { "" };
        let sql = format!("CREATE DATABASE {name} TEMPLATE {}{strategy}", of.name);
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            match self.ask("postgres", &sql) {
                Ok(_) => break,
                // A connection that was closed just now is still counted for some milliseconds.
                Err(error) if error.to_string().contains("being accessed") && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(error) => return Err(error),
            }
        }
        self.ask("postgres", "CHECKPOINT")?;
        Ok(Database { url: self.url(&name), name })
    }

    /// Removes a database, whoever is connected.
    pub(crate) fn drop_database(&self, database: &Database) -> Result<(), BenchError> {
        self.ask("postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", database.name)).map(drop)
    }

    fn major(&self) -> u32 {
        major_of(&self.version)
    }
}

/// 15 of `PostgreSQL 15.14 (Debian …`.
fn major_of(version: &str) -> u32 {
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    number.split(|c: char| !c.is_ascii_digit()).next().and_then(|major| major.parse().ok()).unwrap_or_default()
}

fn run(program: &Path, words: &[&OsStr]) -> Result<String, BenchError> {
    let told = Command::new(program).args(words).stdin(Stdio::null()).current_dir("/").output();
    let told = told.map_err(|error| BenchError::failed(format!("cannot run {}: {error}", program.display())))?;
    if told.status.success() {
        return Ok(String::from_utf8_lossy(&told.stdout).trim().to_owned());
    }
    let why = String::from_utf8_lossy(&told.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    let why: String = why.chars().take(400).collect();
    Err(BenchError::failed(format!("{}: {why}", program.file_name().unwrap_or_default().to_string_lossy())))
}

/// The directory with all of [`PROGRAMS`]: from PATH, else the newest that Debian has installed.
fn programs() -> Result<PathBuf, BenchError> {
    let has_all = |dir: &PathBuf| PROGRAMS.iter().all(|program| dir.join(program).is_file());
    if let Some(found) = programs::directories().into_iter().find(has_all) {
        return Ok(found);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let numbered = versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))));
    let newest = numbered.filter(|(_, dir)| has_all(dir)).max_by_key(|(version, _)| *version);
    let missing = || BenchError::failed(format!("found no PostgreSQL with {}: {HOW_TO_INSTALL}", PROGRAMS.join(", ")));
    newest.map(|(_, dir)| dir).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_the_server_says() {
        assert_eq!(major_of("PostgreSQL 15.14 (Debian 15.14-0+deb12u1) on x86_64"), 15);
        assert_eq!(major_of("PostgreSQL 18beta1 on x86_64"), 18);
        assert_eq!(major_of("something else"), 0);
    }
}
