//! Maintenance: what a provider's own people and machines do with the whole database, beside the requests of consumers.
//!
//! One type for commands, the server's background threads, HTTP and pages alike. Nothing here takes or frees a place in a
//! slot: that is the allocator's alone.

mod archive;
mod check;
mod diary;
mod fill;
mod seed;
mod synthetic;

pub use archive::Archived;
pub use check::CheckReport;
pub use diary::{Diary, DiaryDay, DiaryFilter, DiarySchedule, DiarySlot, Unknown as UnknownInDiary};
pub use fill::Filled;
pub use seed::{SeedContent, Seeded};

use super::Ports;
use crate::store::Store;

/// Work on one database that is not a consumer's request. Cheap to clone; it keeps no state of its own.
#[derive(Clone)]
pub struct Maintenance {
    store: Store,
    ports: Ports,
}

impl Maintenance {
    /// Maintenance of an opened database.
    pub const fn new(store: Store, ports: Ports) -> Self {
        Self { store, ports }
    }
}
