//! Goal: `slotkeeper-bench` runs its rows as they are documented, writes the JSON and the picture that others read, fails where
//! it must, and leaves nothing behind, also when it is interrupted. Method: the built binary, short rounds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a test may panic"
)]

mod processes;

use processes::{children_of, runs, signal, wait_until};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// The bench as it is typed; nothing of the caller's settings is passed on.
fn bench(dir: &Path, words: &[&str]) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_slotkeeper-bench"));
    // Cargo names only the programs of this package; the server lies beside them.
    let server = program.with_file_name("slotkeeper");
    assert!(server.is_file(), "there is no server at {}: build it first, with cargo build or cargo test --workspace", server.display());
    let mut command = Command::new(program);
    command.args(words).current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(dir: &Path, words: &[&str]) -> (Output, String) {
    let output = bench(dir, words).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output, text)
}

fn rows(dir: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(dir.join("out.json")).unwrap()).unwrap()
}

#[test]
fn a_row_on_postgresql_has_the_documented_shape() {
    let dir = tempfile::tempdir().unwrap();
    // On a crowded machine 64 clients of pgbench need a second to begin with.
    let words = ["--only", "B1,B4,B6", "--rounds", "1", "--seconds", "3", "--json", "out.json", "--plot", "out.svg"];
    let (output, text) = run(dir.path(), &words);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("verdict: every assertion held"), "{text}");
    let json = rows(dir.path());
    assert_eq!(json["machine"]["postgresql_settings"]["fsync"], "on", "{json}");
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>(), ["B1", "B4", "B6"]);
    for row in rows {
        for figure in ["ratio", "subject", "reference", "p50_ms", "p99_ms", "flush_p50_ms", "load"] {
            assert!(row[figure].as_f64().is_some_and(|figure| figure > 0.0), "{figure} of {row}");
        }
        assert_eq!(row["rounds"].as_array().unwrap().len(), 1, "{row}");
        let ratio = row["subject"].as_f64().unwrap() / row["reference"].as_f64().unwrap();
        assert!((row["ratio"].as_f64().unwrap() - ratio).abs() < 1e-6, "{row}");
    }
    let svg = std::fs::read_to_string(dir.path().join("out.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("B4"), "{svg}");
}

#[test]
fn a_row_that_misses_the_grade_it_must_have_fails_the_run() {
    let dir = tempfile::tempdir().unwrap();
    // A debug build is nowhere near the raw statement.
    let words = ["--only", "B9", "--rounds", "1", "--seconds", "0.3", "--json", "out.json", "--must", "stretch"];
    let (output, text) = run(dir.path(), &words);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("verdict: NOT good: B9"), "{text}");
    let json = rows(dir.path());
    assert_eq!((json["good"].as_bool(), json["rows"][0]["faults"].as_array().map(Vec::len)), (Some(false), Some(0)), "{json}");
}

#[test]
fn a_row_that_does_not_exist_is_wrong_usage() {
    let dir = tempfile::tempdir().unwrap();
    let (output, text) = run(dir.path(), &["--only", "B99"]);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("B99") && text.contains("B13") && text.trim().lines().count() == 1, "{text}");
}

#[test]
fn a_server_that_is_not_there_is_told_on_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let (output, text) = run(dir.path(), &["--only", "B9", "--server-bin", "nobody/here"]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("nobody/here") && text.contains("--server-bin") && text.trim().lines().count() == 1, "{text}");
}

/// Every process below that one, and the directories that the bench's shells have made.
fn below(pid: u32) -> Vec<u32> {
    let mut all = children_of(pid);
    let mut at = 0;
    while at < all.len() {
        all.extend(children_of(all[at]));
        at += 1;
    }
    all
}

/// What a process was started with and the directories it names.
fn directories(pids: &[u32]) -> Vec<PathBuf> {
    let lines = pids.iter().filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok());
    let words: Vec<String> = lines.flat_map(|line| line.split('\0').map(str::to_owned).collect::<Vec<_>>()).collect();
    let named = words.iter().filter(|word| word.starts_with("/tmp/skbench"));
    let mut found: Vec<PathBuf> = named.map(|path| path.split('/').take(3).collect::<Vec<_>>().join("/").into()).collect();
    found.sort();
    found.dedup();
    found
}

struct Stopped(Child);
impl Drop for Stopped {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn an_interrupted_bench_leaves_no_process_and_no_file() {
    for how in ["INT", "KILL"] {
        let dir = tempfile::tempdir().unwrap();
        let mut bench =
            Stopped(bench(dir.path(), &["--only", "B1", "--seconds", "30"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let pid = bench.0.id();
        let mut started = Vec::new();
        // Under way: PostgreSQL, its shell, a server on it and the shells of these, and both kinds of directory.
        let under_way = wait_until(Duration::from_secs(120), || {
            started = below(pid);
            let names = |what: &str| {
                started.iter().any(|pid| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(what)))
            };
            names("postgres\0-D") && names("serve\0--auth")
        });
        assert!(under_way, "the bench started nothing: {started:?}");
        let directories = directories(&started);
        assert!(directories.len() == 2 && directories.iter().all(|dir| dir.exists()), "{directories:?}");
        signal(how, &[pid]);
        bench.0.wait().unwrap();
        let gone =
            wait_until(Duration::from_secs(60), || started.iter().all(|pid| !runs(*pid)) && directories.iter().all(|dir| !dir.exists()));
        let left: Vec<&u32> = started.iter().filter(|pid| runs(**pid)).collect();
        assert!(gone, "after SIG{how} there are still processes {left:?} or directories {directories:?}");
    }
}
