//! The raw batched statement: what the allocator's writer does, on one connection and without anything around it.
//!
//! The reference of B3 on PostgreSQL and of B9 on SQLite, and what fills a database with appointments to be read. Pitfall:
//! nothing is decided and nobody is asked here, so this is what the database itself gives at best.

use crate::client::latencies::Latencies;
use crate::error::BenchError;
use crate::sample::Sample;
use domain::synthetic::SyntheticDiary;
use domain::time::Clock;
use load::random::SeededRng;
use slotkeeper::store::{DatabaseUrl, Lane, NewAppointment, Store};
use std::time::{Duration, Instant};

/// How long one batch may take.
const BATCH_MAX: Duration = Duration::from_secs(10);

/// What was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawResult {
    /// BookingTemplates.
    pub(crate) booked: u64,
    /// How long it took.
    pub(crate) took: Duration,
    /// Of batches.
    pub(crate) latencies: Latencies,
}

/// Books slots of `diary` from the `first` on, `batch` at a time, until `time` is over or `most` are booked.
pub(crate) fn book(
    database_url: &str,
    diary: &SyntheticDiary,
    (first, most): (u64, u64),
    batch: u64,
    time: Duration,
    sample: &Sample,
    clock: &dyn Clock,
) -> Result<RawResult, BenchError> {
    let store = open(database_url)?;
    let mut written = RawResult::default();
    let began = Instant::now();
    let mut at = first;
    let last = first.saturating_add(most).min(diary.slot_count());
    while at < last && began.elapsed() < time {
        let next = at.saturating_add(batch).min(last);
        let request_id = |index: u64| SeededRng::of(&[0x12A3, index]).uuid();
        let claims: Vec<NewAppointment> =
            (at..next).filter_map(|index| Some(sample.claim(&diary.slot_at(index)?, request_id(index)))).collect();
        let sent = Instant::now();
        let settled = store.on(Lane::Claims).write_until(sent + BATCH_MAX, |tx| tx.claims_settle(&claims, &[], clock.now()));
        let settled = settled.map_err(|error| BenchError::failed(format!("the raw batched statement failed: {error}")))?;
        written.latencies.add(sent.elapsed());
        written.booked += u64::try_from(settled.booked.len()).unwrap_or_default();
        at = next;
    }
    written.took = began.elapsed();
    Ok(written)
}

/// A store on a database that is there, with the write-ahead log on.
pub(crate) fn open(database_url: &str) -> Result<Store, BenchError> {
    let failed = |error: String| BenchError::failed(format!("cannot open {database_url}: {error}"));
    let url = DatabaseUrl::parse(database_url).map_err(|error| failed(error.to_string()))?;
    let store = Store::open(&url, false).map_err(|error| failed(error.to_string()))?;
    store.write_ahead().map_err(|error| failed(error.to_string()))?;
    Ok(store)
}
