//! Processes of the system, looked at from outside.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

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
