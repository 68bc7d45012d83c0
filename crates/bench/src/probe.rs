//! What the machine is and how it feels: facts, load, and how long a flush takes right now.
//!
//! The flush of a disk in the cloud jumps between 0.1 ms and 4 ms within minutes, which is why it is probed in every round
//! and printed with every row.

use crate::client::latencies::Latencies;
use crate::error::BenchError;
use crate::workdir::WorkDir;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Flushes of one probe.
const FLUSHES: u32 = 60;
/// A probe on a slow disk ends after this.
const PROBE_MAX: Duration = Duration::from_millis(400);
/// What is written before each flush: a page, as a log would.
const PAGE: [u8; 8_192] = [0x5A; 8_192];
/// The file is written over and over, as a log that is recycled.
const FILE_BYTES: u64 = 1 << 20;

/// Flushes a file of its own.
#[derive(Debug)]
pub(crate) struct Probe {
    file: PathBuf,
}

impl Probe {
    /// In a directory on the disk the databases are on.
    pub(crate) fn new(workdir: &WorkDir) -> Self {
        Self { file: workdir.file("flush") }
    }

    /// How long writing a page and flushing it takes, p50 in milliseconds.
    pub(crate) fn flush_p50_ms(&self) -> Result<f64, BenchError> {
        let failed = |error: std::io::Error| BenchError::failed(format!("cannot flush {}: {error}", self.file.display()));
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&self.file).map_err(failed)?;
        let mut latencies = Latencies::default();
        let end = Instant::now() + PROBE_MAX;
        for _ in 0..FLUSHES {
            let began = Instant::now();
            if file.stream_position().map_err(failed)? >= FILE_BYTES {
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
            }
            file.write_all(&PAGE).and_then(|()| file.sync_data()).map_err(failed)?;
            latencies.add(began.elapsed());
            if Instant::now() >= end {
                break;
            }
        }
        latencies.permille_ms(500).ok_or_else(|| BenchError::failed("no flush was measured"))
    }
}

/// The load average of the last minute.
pub(crate) fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
}

/// What the results were measured on.
pub(crate) fn machine(postgres: Option<&str>, settings: &[(&str, &str)]) -> Value {
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
        line.map(|(_, value)| value.trim().to_owned())
    };
    let settings: serde_json::Map<String, Value> = settings.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "cpu": field("/proc/cpuinfo", "model name"),
        "memory": field("/proc/meminfo", "MemTotal"),
        "kernel": std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        "slotkeeper": env!("CARGO_PKG_VERSION"),
        "build": if cfg!(debug_assertions) { "debug" } else { "release" },
        "sqlite": "bundled, synchronous=FULL, WAL",
        "postgresql": postgres,
        "postgresql_settings": settings,
        "layout": "client, server and database share the cores",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_takes_time_and_the_machine_has_cores_and_a_load() {
        let workdir = WorkDir::new().unwrap();
        assert!(Probe::new(&workdir).flush_p50_ms().unwrap() > 0.0);
        assert!(load_average() >= 0.0);
        assert!(machine(None, &[("fsync", "on")])["cores"].as_u64().unwrap() >= 1);
    }
}
