//! The availability index: the free slots in memory, so that the usual search does not reach the tables.
//!
//! It answers searches and never decides: bookings are decided on the database alone. A thread polls for changes
//! when somebody waits, and everybody who came before a poll began is served by it. So a search shows whatever was
//! committed before it arrived, by this process or any other. In any doubt the index is invalidated: searches then
//! read the database, as they would without it, while everything is read anew.

mod catalogue;
mod free_slots;

use super::source::SlotSource;
use crate::engine::failure::report;
use crate::store::{Lane, Poll, Store, StoreError};
use catalogue::Catalogue;
use domain::directory::{DirectoryEntry, DirectoryKind, Service};
use domain::ids::{ScheduleId, ServiceId};
use domain::schedule::{Offering, Schedule};
use domain::search::{Paging, SlotSearch, SortDirection};
use domain::slot::Slot;
use domain::time::{Clock, Timestamp};
use free_slots::FreeSlots;
pub(in crate::engine) use free_slots::NotIndexed;
use parking_lot::{Condvar, Mutex, RwLock};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Called once: with true when the index is as new as the database was at the request, with false when there is none.
pub type WhenFresh = Box<dyn FnOnce(bool) + Send>;

/// Slots read at once when everything is read.
const PAGE: i64 = 10_000;
/// The shortest time from an invalidation to the next rebuild. It doubles up to the longest while rebuilt indexes do not
/// last longer than that.
const REBUILD_PAUSE: Duration = Duration::from_secs(2);
const REBUILD_PAUSE_MAX: Duration = Duration::from_secs(60);
/// A poll that takes longer than this means that the database does not answer; a search does not wait for it then.
const POLL_TIMEOUT: Duration = Duration::from_millis(500);
/// Where many wait, polls begin no sooner after each other than this: the more a poll serves, the less each pays for it.
/// A single search waits for it at most once, after such a crowd.
const POLL_INTERVAL_MIN: Duration = Duration::from_micros(800);
/// How many waiters are many.
const WAITERS_MANY: usize = 4;
/// How often slots that have begun are removed, in milliseconds.
const PURGE_EVERY_MS: i64 = 600_000;

/// Most schedules a version may speak of.
const VERSION_SCHEDULES_MAX: usize = 64;

/// The version of the index, as far as some schedules go. While it is current, the same search has the same answer until
/// time alone changes it.
///
/// Pitfall: it compares with what the index holds, so it is to be called after [`Availability::when_fresh`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexVersion {
    /// Which rebuild of the index it was.
    rebuild: u64,
    /// The schedules that were searched, and how often each had changed.
    schedules: Vec<(ScheduleId, u64)>,
}

impl IndexVersion {
    /// How much memory it takes, about.
    pub const fn bytes(&self) -> usize {
        self.schedules.len() * 80
    }
}

/// Everything in the index, as it was at one poll.
struct IndexState {
    /// The rebuilds of this process are numbered.
    rebuild: u64,
    free: FreeSlots,
    catalogue: Catalogue,
    last_poll: Poll,
}

/// Who waits, and whether it is worth it.
#[derive(Default)]
struct Waiters {
    waiting: Vec<WhenFresh>,
    /// When the next poll may begin.
    not_before: Option<Instant>,
    /// There is an index.
    ready: bool,
    polling_since: Option<Instant>,
    closed: bool,
}

struct IndexShared {
    store: Store,
    clock: Arc<dyn Clock>,
    waiters: Mutex<Waiters>,
    /// Somebody waits, or it is over.
    to_poll: Condvar,
    state: RwLock<Option<IndexState>>,
}

/// The handle of the index. Dropping it ends the thread.
pub(in crate::engine) struct Availability {
    shared: Arc<IndexShared>,
    thread: Option<JoinHandle<()>>,
}

impl Availability {
    pub(in crate::engine) fn start(store: Store, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let waiters = Mutex::new(Waiters::default());
        let shared = Arc::new(IndexShared { store, clock, waiters, to_poll: Condvar::new(), state: RwLock::new(None) });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("availability".to_owned()).spawn(move || {
            if std::panic::catch_unwind(AssertUnwindSafe(|| run(&of_thread))).is_err() {
                log::error!("the availability index panicked; searches read the database from now on");
                of_thread.invalidate();
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// True when there is an index.
    pub(in crate::engine) fn is_ready(&self) -> bool {
        self.shared.waiters.lock().ready
    }

    /// Tells `fresh` when the index shows everything that is committed now, or that it will not.
    pub(in crate::engine) fn when_fresh(&self, fresh: WhenFresh) {
        let mut waiters = self.shared.waiters.lock();
        let silent = waiters.polling_since.is_some_and(|since| since.elapsed() > POLL_TIMEOUT);
        if !waiters.ready || waiters.closed || silent {
            drop(waiters);
            return fresh(false);
        }
        waiters.waiting.push(fresh);
        // The thread is woken by the first; the others are there when it comes to poll.
        let first = waiters.waiting.len() == 1;
        drop(waiters);
        if first {
            self.shared.to_poll.notify_one();
        }
    }

    /// Runs `search` on the index.
    pub(in crate::engine) fn search<T>(&self, search: impl FnOnce(&mut IndexSource<'_>) -> Result<T, NotIndexed>) -> Result<T, NotIndexed> {
        let state = self.shared.state.read();
        search(&mut IndexSource { state: state.as_ref().ok_or(NotIndexed)?, version: None })
    }

    /// True when nothing has changed since, in the schedules it names.
    pub(in crate::engine) fn is_current(&self, version: &IndexVersion) -> bool {
        let state = self.shared.state.read();
        let same = |state: &IndexState| {
            state.rebuild == version.rebuild && version.schedules.iter().all(|(schedule, changes)| state.free.changes(schedule) == *changes)
        };
        state.as_ref().is_some_and(same)
    }
}

impl Drop for Availability {
    fn drop(&mut self) {
        self.shared.waiters.lock().closed = true;
        self.shared.to_poll.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("the thread of the availability index ended in a panic");
        }
    }
}

impl IndexShared {
    /// From now on there is no index; its waiters are notified.
    fn invalidate(&self) {
        let mut waiters = self.waiters.lock();
        waiters.ready = false;
        waiters.polling_since = None;
        let waiting = std::mem::take(&mut waiters.waiting);
        drop(waiters);
        *self.state.write() = None;
        for fresh in waiting {
            fresh(false);
        }
    }

    /// Blocks until somebody waits; `None` when it is over. Whoever comes later is served by the next poll.
    fn next(&self) -> Option<Vec<WhenFresh>> {
        let mut waiters = self.waiters.lock();
        waiters.polling_since = None;
        while waiters.waiting.is_empty() && !waiters.closed {
            self.to_poll.wait(&mut waiters);
        }
        if let Some(pace) = waiters.not_before {
            while !waiters.closed && !self.to_poll.wait_until(&mut waiters, pace).timed_out() {}
        }
        if waiters.closed {
            return None;
        }
        let now = Instant::now();
        waiters.polling_since = Some(now);
        waiters.not_before = (waiters.waiting.len() >= WAITERS_MANY).then(|| now + POLL_INTERVAL_MIN);
        Some(std::mem::take(&mut waiters.waiting))
    }

    /// Waits that long; false when it is over.
    fn sleep(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut waiters = self.waiters.lock();
        while !waiters.closed && !self.to_poll.wait_until(&mut waiters, until).timed_out() {}
        !waiters.closed
    }
}

fn run(shared: &IndexShared) {
    let (mut pause, mut rebuilds) = (REBUILD_PAUSE, 0);
    loop {
        let began = Instant::now();
        rebuilds += 1;
        match rebuild(shared, rebuilds) {
            Ok(state) => {
                log::info!("the availability index holds {} slots", state.free.len());
                *shared.state.write() = Some(state);
                shared.waiters.lock().ready = true;
                follow(shared);
                shared.invalidate();
            }
            Err(error) => {
                report("the availability index cannot be read, searches ask the database", &error);
            }
        }
        let lasted = began.elapsed();
        if !shared.sleep(pause) {
            return;
        }
        // Where it is invalidated again and again (a pool in between that changes sessions, say), reading everything each
        // time would cost more than it saves.
        pause = if lasted > REBUILD_PAUSE_MAX { REBUILD_PAUSE } else { (pause * 2).min(REBUILD_PAUSE_MAX) };
    }
}

/// Reads everything, in one state of the database.
fn rebuild(shared: &IndexShared, rebuild: u64) -> Result<IndexState, StoreError> {
    shared.store.on(Lane::Index).read(|tx| {
        let last_poll = tx.feed_begin()?;
        let now = shared.clock.now();
        let catalogue = Catalogue::read(tx)?;
        let mut free = FreeSlots::new(now);
        let mut after = (ScheduleId::stored(String::new()), now);
        loop {
            let page = tx.feed_offered((&after.0, after.1), now, PAGE)?;
            let Some(slot) = page.last() else { break };
            after = (slot.schedule.clone(), slot.start);
            free.add(page);
            if shared.waiters.lock().closed {
                break;
            }
        }
        free.sort();
        Ok(IndexState { rebuild, free, catalogue, last_poll })
    })
}

/// Keeps the index as new as its waiters need it, until it is invalidated or over.
fn follow(shared: &IndexShared) {
    while let Some(waiting) = shared.next() {
        let polled = poll(shared);
        let good = polled.is_ok();
        if let Err(reason) = polled {
            match reason {
                Invalid::Unread(error) => report("the availability index begins anew", &error),
                Invalid::Outdated(why) => log::warn!("the availability index begins anew: {why}"),
            }
            // Before anybody is told: who asks the index next must not find it.
            shared.invalidate();
        }
        for fresh in waiting {
            fresh(good);
        }
        if !good {
            return;
        }
    }
}

/// A reason to begin anew.
enum Invalid {
    /// The database did not say what has changed.
    Unread(StoreError),
    /// The index cannot be brought up to date by polls.
    Outdated(&'static str),
}

/// One poll, and what it found put into the index.
fn poll(shared: &IndexShared) -> Result<(), Invalid> {
    let last =
        shared.state.read().as_ref().map(|state| state.last_poll.clone()).ok_or(Invalid::Outdated("there is nothing to go on from"))?;
    let poll = shared.store.on(Lane::Index).query(|tx| tx.feed_poll(&last)).map_err(Invalid::Unread)?;
    if poll.catalogue != last.catalogue {
        return Err(Invalid::Outdated("services, schedules or the directory have changed"));
    }
    let changed = poll.changed.as_ref().ok_or(Invalid::Outdated("more has changed than one poll tells, or another server answers"))?;
    if poll == last && changed.is_empty() {
        return Ok(());
    }
    let now = shared.clock.now();
    if let Some(state) = shared.state.write().as_mut() {
        for slot in changed {
            state.free.apply(slot);
        }
        if now.ms().saturating_sub(state.free.since().ms()) > PURGE_EVERY_MS {
            state.free.purge_begun(now);
        }
        state.last_poll = Poll { changed: Some(Vec::new()), ..poll };
    }
    Ok(())
}

/// The index as a source of slots.
pub(in crate::engine) struct IndexSource<'c> {
    state: &'c IndexState,
    version: Option<IndexVersion>,
}

impl IndexSource<'_> {
    /// The version that the last search came from; `None` where it went through too many schedules.
    pub(in crate::engine) fn version(&mut self) -> Option<IndexVersion> {
        self.version.take()
    }
}

/// True for the searches the index can answer: what is free, by service or schedule and by start, all at once.
pub(in crate::engine) fn answers(search: &SlotSearch) -> bool {
    search.is_for_free_slots() && search.end.is_open() && search.sort == SortDirection::Ascending && search.paging == Paging::default()
}

impl SlotSource for IndexSource<'_> {
    type Error = NotIndexed;

    fn services(&mut self, ids: &[ServiceId]) -> Result<Vec<Service>, NotIndexed> {
        Ok(self.state.catalogue.services(ids))
    }
    fn schedules(&mut self, ids: &[ScheduleId]) -> Result<Vec<Schedule>, NotIndexed> {
        Ok(self.state.catalogue.schedules(ids))
    }
    fn schedules_serving(&mut self, services: &[ServiceId]) -> Result<Vec<ScheduleId>, NotIndexed> {
        Ok(self.state.catalogue.schedules_serving(services))
    }
    fn offerings(&mut self, ids: &[ScheduleId]) -> Result<HashMap<ScheduleId, Offering>, NotIndexed> {
        Ok(self.state.catalogue.offerings(ids))
    }
    fn directory(&mut self, kind: DirectoryKind, ids: &[&str]) -> Result<Vec<Arc<DirectoryEntry>>, NotIndexed> {
        Ok(self.state.catalogue.directory(kind, ids))
    }
    fn slots(
        &mut self,
        search: &SlotSearch,
        schedules: Option<&[ScheduleId]>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Slot>, NotIndexed> {
        if !answers(search) {
            return Err(NotIndexed);
        }
        let mut schedules = schedules.map(<[_]>::to_vec);
        if let Some(schedules) = &mut schedules {
            schedules.sort_unstable();
            schedules.dedup();
        }
        self.version = schedules.as_deref().filter(|schedules| schedules.len() <= VERSION_SCHEDULES_MAX).map(|schedules| IndexVersion {
            rebuild: self.state.rebuild,
            schedules: schedules.iter().map(|id| (id.clone(), self.state.free.changes(id))).collect(),
        });
        self.state.free.find(schedules.as_deref(), search.start, now, limit)
    }
    fn slot_count(&mut self, _: &SlotSearch, _: Option<&[ScheduleId]>, _: Timestamp) -> Result<u64, NotIndexed> {
        Err(NotIndexed)
    }
}
