//! Schedules: whose time it is, where, and for which services.

use super::ids::{OdsCode, ResourceId, ScheduleId, ServiceId};
use super::time::Timestamp;
use chrono_tz::Tz;

/// The diary of one clinician or room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// The provider's own name for it (`Schedule.identifier`, 1..1 in CareConnect-Schedule-1).
    pub identifier: Identifier,
    /// What people call it; shown by the diary.
    pub name: String,
    /// The services it serves; the first is the primary one. Never empty.
    pub services: Vec<ServiceId>,
    /// The clinician, where one is named.
    pub practitioner: Option<ResourceId>,
    /// The clinician's role, where one is named.
    pub role: Option<ResourceId>,
    /// The place. The same as its services' place: seed refuses anything else.
    pub location: Option<ResourceId>,
    /// The zone of its working times.
    pub zone: Tz,
    /// False when it takes no bookings for now.
    pub active: bool,
    /// Counts its changes, from 1; 0 in one that is not stored yet.
    pub version: i64,
    /// When it last changed.
    pub updated: Timestamp,
}

/// A business identifier: a naming system and a value in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// The naming system, a URI.
    pub system: String,
    /// The value, unique within the system.
    pub value: String,
}

impl Schedule {
    /// The one service a consumer sees as actor: the one searched for, else the primary one
    /// (docs/contract.md#schedule-and-service).
    pub fn service_shown(&self, searched: &[ServiceId]) -> Option<&ServiceId> {
        self.services.iter().find(|s| searched.contains(s)).or_else(|| self.services.first())
    }
}

/// What decides who may see and book the slots of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offering {
    /// The zone of its days.
    pub zone: Tz,
    /// The services it serves, primary first.
    pub services: Vec<OfferedService>,
}

/// A service that a schedule serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedService {
    /// The service.
    pub service: ServiceId,
    /// Who provides it, where that is known.
    pub provider: Option<OdsCode>,
}
