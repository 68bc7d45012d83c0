//! `--access-log FILE`: the records of every access, a line of JSON each, appended by a thread of its own.
//!
//! Pitfall: a server that waited for its log would stop with it, so records beyond
//! [`WAITING_MAX`] are dropped, counted, and the loss is logged; and the file is opened again at SIGHUP, which is what
//! programs that rotate logs expect.

use super::Failure;
use crate::http::AccessSink;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// How many records may wait to be written: some seconds of a busy server.
const WAITING_MAX: usize = 65_536;

enum Order {
    Line(String),
    Reopen,
    Stop,
}

/// The open log. Ends, with everything written, when it is stopped.
pub struct AccessLog {
    path: PathBuf,
    orders: SyncSender<Order>,
    writer: JoinHandle<()>,
}

impl AccessLog {
    /// Opens the file, which only its owner may read, and begins.
    ///
    /// # Errors
    /// [`Failure::Failed`] when the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let cannot = |e: std::io::Error| Failure::Failed(format!("cannot open the access log {}: {e}", path.display()));
        let file = open(path).map_err(cannot)?;
        let (orders, received) = sync_channel(WAITING_MAX);
        let owned = path.to_owned();
        let writer = std::thread::Builder::new().name("access-log".to_owned()).spawn(move || write_all(&owned, file, &received));
        Ok(Self { path: path.to_owned(), orders, writer: writer.map_err(cannot)? })
    }

    /// Where records go in.
    pub fn sink(&self) -> AccessSink {
        let orders = self.orders.clone();
        let lost = AtomicU64::new(0);
        Arc::new(move |line| {
            if orders.try_send(Order::Line(line)).is_err() {
                // One line for the first and for every thousandth: a disk that stands still must not fill another one.
                let before = lost.fetch_add(1, Ordering::Relaxed);
                if before.is_multiple_of(1_000) {
                    log::error!("the access log cannot keep up: {} records lost so far", before + 1);
                }
            }
        })
    }

    /// Opens the file again at the next record; what to say of it in the log.
    pub fn reopener(&self) -> impl Fn() -> Result<String, String> + use<> {
        let (orders, path) = (self.orders.clone(), self.path.clone());
        move || {
            orders.try_send(Order::Reopen).map_err(|_| "the writer is too busy to open its file again".to_owned())?;
            Ok(format!("{} is opened again", path.display()))
        }
    }

    /// Writes what is waiting and ends.
    pub fn stop(self) {
        if self.orders.send(Order::Stop).is_ok() && self.writer.join().is_err() {
            log::error!("the writer of the access log panicked");
        }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn write_all(path: &Path, file: File, orders: &Receiver<Order>) {
    let mut out = BufWriter::new(file);
    let mut failing = false;
    while let Ok(first) = orders.recv() {
        let mut next = Some(first);
        let mut outcome = Ok(());
        // Whatever is waiting is written together, and flushed before the thread rests.
        while let Some(order) = next {
            match order {
                Order::Line(line) => outcome = outcome.and(writeln!(out, "{line}")),
                Order::Reopen => match out.flush().and_then(|()| open(path)) {
                    Ok(file) => out = BufWriter::new(file),
                    Err(e) => outcome = Err(e),
                },
                Order::Stop => {
                    told(path, out.flush().and(outcome), &mut failing);
                    return;
                }
            }
            next = orders.try_recv().ok();
        }
        told(path, outcome.and(out.flush()), &mut failing);
    }
}

/// Says when writing begins to fail and when it works again, not every time in between.
fn told(path: &Path, outcome: std::io::Result<()>, failing: &mut bool) {
    match outcome {
        Err(e) if !*failing => {
            log::error!("cannot write the access log {}: {e}", path.display());
            *failing = true;
        }
        Ok(()) if *failing => {
            log::info!("the access log {} is written again", path.display());
            *failing = false;
        }
        _ => {}
    }
}
