//! The engine: one file per operation, and the allocator through which every slot is taken or freed.
//!
//! It decides on domain facts, keeps them in the store and knows neither FHIR's formats nor HTTP. Operations block
//! on the database, so an asynchronous caller runs them on other threads; booking and cancelling answer through a
//! callback, because they wait for a commit shared with others.

mod allocator;
mod book;
mod cancel;
mod failure;
mod maintenance;
mod ports;
mod read;
mod search_appointments;
mod search_directory;
mod search_schedules;
mod slots;
mod validate;
mod visibility;

pub use allocator::{AllocatorLimits, Answer};
pub use cancel::{ExpectedVersion, PendingCancel};
pub use failure::report;
pub use maintenance::{
    Archived, CheckReport, Diary, DiaryDay, DiaryFilter, DiarySchedule, DiarySlot, Filled, Maintenance, SeedContent, Seeded, UnknownInDiary,
};
pub use ports::{SystemClock, UuidIds};
pub use search_appointments::AppointmentMatches;
pub use search_schedules::ScheduleMatches;
pub use slots::availability::{IndexVersion, WhenFresh};
pub use slots::search::{Related, SlotMatches};

pub use crate::store::READ_TIMEOUT;
use crate::store::{READERS_MAX, Store};
use allocator::Allocator;
use domain::document::Documents;
use domain::ids::Ids;
use domain::time::Clock;
use slots::availability::Availability;
use std::sync::Arc;
use std::time::Duration;

/// Bounds on what one request may cost. Each is a flag of `serve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most slots in one answer.
    pub slots_max: usize,
    /// The allocator's own.
    pub allocator: AllocatorLimits,
    /// Whether there is an index of free slots in memory.
    pub availability: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { slots_max: 2_000, allocator: AllocatorLimits::default(), availability: true }
    }
}

/// Where time, ids and the stored text of trees come from.
#[derive(Clone)]
pub struct Ports {
    /// The current time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// Trees to stored text and back.
    pub documents: Arc<dyn Documents>,
}

/// Everything the service does, without HTTP.
pub struct Engine {
    store: Store,
    ports: Ports,
    limits: Limits,
    allocator: Allocator,
    availability: Option<Availability>,
    maintenance: Maintenance,
}

impl Engine {
    /// An engine on an opened store. Its allocator, and the index of free slots, run until the engine is dropped.
    ///
    /// # Errors
    /// When the operating system has no threads left.
    pub fn start(store: Store, ports: Ports, limits: Limits) -> std::io::Result<Self> {
        let allocator = Allocator::start(store.clone(), Arc::clone(&ports.clock), limits.allocator.clone())?;
        let availability = limits.availability.then(|| Availability::start(store.clone(), Arc::clone(&ports.clock))).transpose()?;
        let maintenance = Maintenance::new(store.clone(), ports.clone());
        Ok(Self { store, ports, limits, allocator, availability, maintenance })
    }

    /// What the provider's own people do with this database.
    pub const fn maintenance(&self) -> &Maintenance {
        &self.maintenance
    }

    /// The current time of this engine's clock.
    pub fn now(&self) -> domain::time::Timestamp {
        self.ports.clock.now()
    }

    /// True when searches are answered from memory as far as they ever will be: at once where there is no index.
    pub fn is_settled(&self) -> bool {
        self.availability.as_ref().is_none_or(Availability::is_ready)
    }

    /// True when the index of free slots is ready now.
    pub fn answers_from_memory(&self) -> bool {
        self.availability.as_ref().is_some_and(Availability::is_ready)
    }

    /// The longest a booking or a cancel takes to be answered when all is well: its deadline, the transaction that
    /// was begun before it, and the time in which a lost commit is looked up.
    pub fn answer_time_max(&self) -> Duration {
        Duration::from_millis(self.limits.allocator.deadline_ms) + allocator::ANSWER_TIMEOUT
    }

    /// How many operations may read the database at once; more wait for each other.
    pub fn readers_max(&self) -> usize {
        usize::try_from(READERS_MAX).unwrap_or(1)
    }

    /// A new UUID.
    pub fn new_id(&self) -> String {
        self.ports.ids.uuid()
    }
}
