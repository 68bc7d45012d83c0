//! Slots: pieces of a schedule's time, and what state they are in.

use super::ids::{ScheduleId, SlotId};
use super::time::Timestamp;

/// One bookable piece of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its id; also the value of its identifier (docs/contract.md#names-ids-time).
    pub id: SlotId,
    /// The schedule it belongs to.
    pub schedule: ScheduleId,
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
    /// How many appointments fit into it; 1 by default.
    pub capacity: i32,
    /// How many live appointments it has.
    pub taken: i32,
    /// True while the provider keeps it back.
    pub blocked: bool,
    /// How the patient is seen, where the provider states it; never defaulted (docs/specification/uec.md#b1-slot).
    pub channel: Option<Channel>,
    /// Counts every change, from 1.
    pub version: i64,
    /// When it last changed.
    pub updated: Timestamp,
}

/// CodeSystem `CareConnect-DeliveryChannel-1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Face to face.
    InPerson,
    /// By telephone.
    Telephone,
    /// By video.
    Video,
}

impl Channel {
    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InPerson => "In-person",
            Self::Telephone => "Telephone",
            Self::Video => "Video",
        }
    }
    /// The channel of a code.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::InPerson, Self::Telephone, Self::Video].into_iter().find(|c| c.code() == code)
    }
}

/// The status of a slot at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotStatus {
    /// Offered: not used up, not blocked, and it begins in the future.
    Free,
    /// Its capacity is used up, or the provider blocked it (docs/contract.md#invariants, 2).
    Busy,
    /// Neither used up nor blocked, but it has begun: nobody can book it any more.
    Begun,
}

impl SlotStatus {
    /// The code on the wire (ValueSet `slotstatus`).
    pub const fn code(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Busy => "busy",
            Self::Begun => "busy-unavailable",
        }
    }
}

impl Slot {
    /// A free slot of which only what a search answer shows is known. The other fields are placeholders: capacity 1, nothing
    /// taken, version 0.
    pub const fn free(id: SlotId, schedule: ScheduleId, start: Timestamp, end: Timestamp, channel: Option<Channel>) -> Self {
        Self { id, schedule, start, end, capacity: 1, taken: 0, blocked: false, channel, version: 0, updated: Timestamp::from_ms(0) }
    }

    /// True while it has room and is not kept back, whether or not it has begun.
    pub const fn has_room(&self) -> bool {
        self.taken < self.capacity && !self.blocked
    }

    /// The slot's status at `now`: the one meaning of "free". A slot that has begun is never `Free`. The store has the same
    /// rule in SQL in one place, and a property test compares the two.
    pub fn status(&self, now: Timestamp) -> SlotStatus {
        if !self.has_room() {
            SlotStatus::Busy
        } else if self.start <= now {
            SlotStatus::Begun
        } else {
            SlotStatus::Free
        }
    }
}
