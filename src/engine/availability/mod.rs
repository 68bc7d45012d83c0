//! The availability index: what is on offer, in memory, so that the question everybody asks does not reach the tables.
//!
//! It answers searches and never decides: whoever books is judged by the database alone. A thread looks for changes when
//! somebody waits, and everybody who came before a look began is served by it. So a search shows whatever was committed
//! before it arrived, by this process or any other. What a reader would get wrong: in any doubt there is no index.
//! Then searches ask the database, as they would without it, while everything is read anew.

mod catalogue;
mod offer;

use super::facts::Facts;
use crate::store::{Look, Store, StoreError};
use catalogue::Catalogue;
use domain::directory::{DirectoryEntry, DirectoryKind, Service};
use domain::ids::{ScheduleId, ServiceId};
use domain::schedule::{Offering, Schedule};
use domain::search::{Paging, SlotSearch, SortDirection};
use domain::slot::Slot;
use domain::time::{Clock, Timestamp};
pub(super) use offer::NotHeld;
use offer::Offer;
use parking_lot::{Condvar, Mutex, RwLock};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Told once, with true when the index is as new as the database was when it was asked, with false when there is none.
pub type Fresh = Box<dyn FnOnce(bool) + Send>;

/// Slots read at once when everything is read.
const PAGE: i64 = 10_000;
/// The shortest time from the end of one copy to the reading of the next. It doubles up to the longest while copies do
/// not last longer than that.
const PAUSE: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A look that takes longer than this means that the database is silent; whoever comes then need not wait for it.
const LOOK_MAX: Duration = Duration::from_millis(500);
/// Where many wait, looks begin no sooner after each other than this: the more a look serves, the less each pays for it.
/// Whoever searches alone waits for it at most once, behind such a crowd.
const PACE: Duration = Duration::from_micros(800);
/// How many make it many.
const MANY: usize = 4;
/// How long slots that have begun may lie around.
const FORGET_EVERY_MS: i64 = 600_000;

/// Most schedules an answer may rest on to be worth remembering.
const BASIS_MAX: usize = 64;

/// What an answer rests on: as long as it stands, the same question has the same answer until time alone changes it.
///
/// What a reader would get wrong: it speaks of what is held, so it is to be asked after [`Availability::when_fresh`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// Which copy it was; another one is no ground to stand on.
    copy: u64,
    /// The schedules it looked through, and how often what is held of each had changed.
    schedules: Vec<(ScheduleId, u64)>,
}

impl Basis {
    /// How much memory it takes, about.
    pub const fn bytes(&self) -> usize {
        self.schedules.len() * 80
    }
}

/// Everything that is held, as it was at one look.
struct Copy {
    /// The copies of this process are numbered.
    number: u64,
    offer: Offer,
    catalogue: Catalogue,
    last: Look,
}

/// Who waits, and whether it is worth it.
#[derive(Default)]
struct Desk {
    waiting: Vec<Fresh>,
    /// When the next look may begin.
    not_before: Option<Instant>,
    /// There is a copy.
    ready: bool,
    looking_since: Option<Instant>,
    closed: bool,
}

struct Shared {
    store: Store,
    clock: Arc<dyn Clock>,
    desk: Mutex<Desk>,
    /// Somebody waits, or it is over.
    to_look: Condvar,
    copy: RwLock<Option<Copy>>,
}

/// The door. Dropping it ends the thread.
pub(super) struct Availability {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Availability {
    pub(super) fn start(store: Store, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let desk = Mutex::new(Desk::default());
        let shared = Arc::new(Shared { store, clock, desk, to_look: Condvar::new(), copy: RwLock::new(None) });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("availability".to_owned()).spawn(move || {
            if std::panic::catch_unwind(AssertUnwindSafe(|| run(&of_thread))).is_err() {
                log::error!("the availability index panicked; searches ask the database from now on");
                of_thread.doubt();
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// True when there is an index to ask.
    pub(super) fn is_ready(&self) -> bool {
        self.shared.desk.lock().ready
    }

    /// Tells `fresh` when the index shows everything that is committed now, or that it will not.
    pub(super) fn when_fresh(&self, fresh: Fresh) {
        let mut desk = self.shared.desk.lock();
        let silent = desk.looking_since.is_some_and(|since| since.elapsed() > LOOK_MAX);
        if !desk.ready || desk.closed || silent {
            drop(desk);
            return fresh(false);
        }
        desk.waiting.push(fresh);
        // The thread is woken by the first; the others are there when it comes to look.
        let first = desk.waiting.len() == 1;
        drop(desk);
        if first {
            self.shared.to_look.notify_one();
        }
    }

    /// Lets `ask` ask the index.
    pub(super) fn ask<T>(&self, ask: impl FnOnce(&mut Held<'_>) -> Result<T, NotHeld>) -> Result<T, NotHeld> {
        let copy = self.shared.copy.read();
        ask(&mut Held { copy: copy.as_ref().ok_or(NotHeld)?, basis: None })
    }

    /// True when nothing has changed of what an answer rests on.
    pub(super) fn stands(&self, basis: &Basis) -> bool {
        let copy = self.shared.copy.read();
        let same = |copy: &Copy| {
            copy.number == basis.copy && basis.schedules.iter().all(|(schedule, changes)| copy.offer.changes(schedule) == *changes)
        };
        copy.as_ref().is_some_and(same)
    }
}

impl Drop for Availability {
    fn drop(&mut self) {
        self.shared.desk.lock().closed = true;
        self.shared.to_look.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("the thread of the availability index ended in a panic");
        }
    }
}

impl Shared {
    /// From now on there is no index; whoever waits for it is told.
    fn doubt(&self) {
        let mut desk = self.desk.lock();
        desk.ready = false;
        desk.looking_since = None;
        let waiting = std::mem::take(&mut desk.waiting);
        drop(desk);
        *self.copy.write() = None;
        for fresh in waiting {
            fresh(false);
        }
    }

    /// Waits until somebody waits; `None` when it is over. Whoever comes later is served by the next look.
    fn next(&self) -> Option<Vec<Fresh>> {
        let mut desk = self.desk.lock();
        desk.looking_since = None;
        while desk.waiting.is_empty() && !desk.closed {
            self.to_look.wait(&mut desk);
        }
        if let Some(pace) = desk.not_before {
            while !desk.closed && !self.to_look.wait_until(&mut desk, pace).timed_out() {}
        }
        if desk.closed {
            return None;
        }
        let now = Instant::now();
        desk.looking_since = Some(now);
        desk.not_before = (desk.waiting.len() >= MANY).then(|| now + PACE);
        Some(std::mem::take(&mut desk.waiting))
    }

    /// Waits that long; false when it is over.
    fn rest(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut desk = self.desk.lock();
        while !desk.closed && !self.to_look.wait_until(&mut desk, until).timed_out() {}
        !desk.closed
    }
}

fn run(shared: &Shared) {
    let (mut pause, mut copies) = (PAUSE, 0);
    loop {
        let began = Instant::now();
        copies += 1;
        match begin(shared, copies) {
            Ok(copy) => {
                log::info!("the availability index holds {} slots", copy.offer.len());
                *shared.copy.write() = Some(copy);
                shared.desk.lock().ready = true;
                follow(shared);
                shared.doubt();
            }
            Err(error) => {
                log::warn!("the availability index cannot be read, searches ask the database: {error}");
            }
        }
        let lasted = began.elapsed();
        if !shared.rest(pause) {
            return;
        }
        // Where there is doubt again and again (a pool in between that changes sessions, say), reading everything each
        // time would cost more than it saves.
        pause = if lasted > PAUSE_MAX { PAUSE } else { (pause * 2).min(PAUSE_MAX) };
    }
}

/// Reads everything, in one state of the database.
fn begin(shared: &Shared, number: u64) -> Result<Copy, StoreError> {
    shared.store.watch_all(|tx| {
        let last = tx.feed_begin()?;
        let now = shared.clock.now();
        let catalogue = Catalogue::read(tx)?;
        let mut offer = Offer::new(now);
        let mut after = (ScheduleId::stored(String::new()), now);
        loop {
            let page = tx.feed_offered((&after.0, after.1), now, PAGE)?;
            let Some(slot) = page.last() else { break };
            after = (slot.schedule.clone(), slot.start);
            offer.add(page);
            if shared.desk.lock().closed {
                break;
            }
        }
        offer.sort();
        Ok(Copy { number, offer, catalogue, last })
    })
}

/// Keeps the copy as new as whoever waits needs it, until there is doubt or it is over.
fn follow(shared: &Shared) {
    while let Some(waiting) = shared.next() {
        let looked = look(shared);
        let good = looked.is_ok();
        if let Err(doubt) = looked {
            log::warn!("the availability index begins anew: {doubt}");
            // Before anybody is told: who asks the index next must not find it.
            shared.doubt();
        }
        for fresh in waiting {
            fresh(good);
        }
        if !good {
            return;
        }
    }
}

/// One look, and what it found put into the copy. Fails with the reason to begin anew.
fn look(shared: &Shared) -> Result<(), String> {
    let last = shared.copy.read().as_ref().map(|copy| copy.last.clone()).ok_or("there is nothing to go on from")?;
    let look = shared.store.watch(|tx| tx.feed_look(&last)).map_err(|error| error.to_string())?;
    if look.catalogue != last.catalogue {
        return Err("services, schedules or the directory have changed".to_owned());
    }
    let changed = look.changed.as_ref().ok_or("more has changed than one look tells, or another server answers")?;
    if look == last && changed.is_empty() {
        return Ok(());
    }
    let now = shared.clock.now();
    if let Some(copy) = shared.copy.write().as_mut() {
        for slot in changed {
            copy.offer.apply(slot);
        }
        if now.ms().saturating_sub(copy.offer.since().ms()) > FORGET_EVERY_MS {
            copy.offer.forget_begun(now);
        }
        copy.last = Look { changed: Some(Vec::new()), ..look };
    }
    Ok(())
}

/// The index as a source of facts.
pub(super) struct Held<'c> {
    copy: &'c Copy,
    basis: Option<Basis>,
}

impl Held<'_> {
    /// What the slots that were asked for rest on; `None` where that is too much to be remembered.
    pub(super) fn basis(&mut self) -> Option<Basis> {
        self.basis.take()
    }
}

/// True for the questions the index can answer: what is free, by service or schedule and by start, all at once.
pub(super) fn answers(search: &SlotSearch) -> bool {
    search.is_for_the_offer() && search.end.is_open() && search.sort == SortDirection::Ascending && search.paging == Paging::default()
}

impl Facts for Held<'_> {
    type Error = NotHeld;

    fn services(&mut self, ids: &[ServiceId]) -> Result<Vec<Service>, NotHeld> {
        Ok(self.copy.catalogue.services(ids))
    }
    fn schedules(&mut self, ids: &[ScheduleId]) -> Result<Vec<Schedule>, NotHeld> {
        Ok(self.copy.catalogue.schedules(ids))
    }
    fn schedules_serving(&mut self, services: &[ServiceId]) -> Result<Vec<ScheduleId>, NotHeld> {
        Ok(self.copy.catalogue.schedules_serving(services))
    }
    fn offerings(&mut self, ids: &[ScheduleId]) -> Result<HashMap<ScheduleId, Offering>, NotHeld> {
        Ok(self.copy.catalogue.offerings(ids))
    }
    fn directory(&mut self, kind: DirectoryKind, ids: &[&str]) -> Result<Vec<Arc<DirectoryEntry>>, NotHeld> {
        Ok(self.copy.catalogue.directory(kind, ids))
    }
    fn slots(&mut self, search: &SlotSearch, schedules: Option<&[ScheduleId]>, now: Timestamp, limit: usize) -> Result<Vec<Slot>, NotHeld> {
        if !answers(search) {
            return Err(NotHeld);
        }
        let mut schedules = schedules.map(<[_]>::to_vec);
        if let Some(schedules) = &mut schedules {
            schedules.sort_unstable();
            schedules.dedup();
        }
        self.basis = schedules.as_deref().filter(|schedules| schedules.len() <= BASIS_MAX).map(|schedules| Basis {
            copy: self.copy.number,
            schedules: schedules.iter().map(|id| (id.clone(), self.copy.offer.changes(id))).collect(),
        });
        self.copy.offer.find(schedules.as_deref(), search.start, now, limit)
    }
    fn slot_count(&mut self, _: &SlotSearch, _: Option<&[ScheduleId]>, _: Timestamp) -> Result<u64, NotHeld> {
        Err(NotHeld)
    }
}
