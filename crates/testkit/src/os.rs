//! What every integration test may lean on: a throw-away PostgreSQL, a proxy that cuts connections at
//! the commit, and the built binary as a process of its own.
//!
//! Knows nothing of Slotkeeper's own types: it judges the server from outside. Pitfall:
//! everything started here dies with the test process, also when that is killed with `-9`,
//! because a small shell guards each child and acts when its standard input closes.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A port on 127.0.0.1 nobody listens on. It lies below the range from which the kernel takes ports for
/// outgoing connections, so that it is still free when a killed server comes back to it.
pub fn free_port() -> u16 {
    const FIRST: u64 = 15_000;
    const COUNT: u64 = 17_000;
    for _ in 0..1_000 {
        let offset = RandomState::new().hash_one(0_u8) % COUNT;
        let port = u16::try_from(FIRST + offset).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {} on 127.0.0.1", FIRST + COUNT);
}

/// Sends `signal` (`KILL`, `TERM`, …) to every process named. Processes already gone are no error.
pub fn signal(signal: &str, pids: &[u32]) {
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    let script = format!("kill -s {signal} {} 2>/dev/null", pids.join(" "));
    Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).status().unwrap();
}

/// Asks `holds` every few milliseconds until it says yes (true) or `limit` has passed (false).
pub fn wait_until(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        sleep(Duration::from_millis(10));
    }
}

/// True while the process runs; a process that has ended but was not collected by its parent counts as gone.
pub fn runs(pid: u32) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// The running children of a process.
pub fn children_of(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("these tests read /proc, so they need Linux");
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| state_and_parent(*pid).is_some_and(|(_, of)| of == parent)).collect()
}

/// `/proc/<pid>/stat` reads `pid (name) state parent …`; the name may itself hold brackets and spaces.
fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut rest = text.rsplit_once(')')?.1.split_whitespace();
    Some((rest.next()?.chars().next()?, rest.next()?.parse().ok()?))
}
