//! What an organisation may see and do (docs/contract.md#who-sees-whom; docs/specification/infrastructure.md#uec-8,
//! #uec-9 and #uec-11).
//!
//! Pure rules about one caller; where they were written down is not known here.
//!
//! Pitfall: a slot is seen through a *pair*, its schedule and one of the services that schedule serves, and one and the
//! same [`View`] must show both. Two views are never mixed: a service of the one and a schedule of the other show nothing.

use super::fault::{Denial, Refusal};
use super::ids::{OdsCode, ScheduleId, ServiceId};
use super::schedule::{OfferedService, Offering};
use super::time::{DAY_MS, Span, Timestamp};
use chrono::NaiveDate;
use chrono_tz::Tz;
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};

/// Which things of one kind are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names<T> {
    /// All of them.
    All,
    /// Those named.
    Only(BTreeSet<T>),
}

impl<T: Ord + Clone> Names<T> {
    /// True when `name` is meant.
    pub fn admits(&self, name: &T) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }

    /// What both mean.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, names) | (names, Self::All) => names.clone(),
            (Self::Only(a), Self::Only(b)) => Self::Only(a.intersection(b).cloned().collect()),
        }
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Only(names) if names.is_empty())
    }
}

/// A part of the diary: the slots of these schedules, as far as they serve these services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The services.
    pub services: Names<ServiceId>,
    /// The schedules.
    pub schedules: Names<ScheduleId>,
}

impl View {
    /// The whole diary.
    pub const EVERYTHING: Self = Self { services: Names::All, schedules: Names::All };

    /// What both show.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        Self { services: self.services.meet(&other.services), schedules: self.schedules.meet(&other.schedules) }
    }

    /// True when it shows nothing, whatever the diary holds.
    pub fn is_blind(&self) -> bool {
        self.services.is_nothing() || self.schedules.is_nothing()
    }
}

/// Whose appointments a right is about. An organisation's own are those it booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Nobody's.
    None,
    /// Its own.
    Own,
    /// Its own, and others' of whatever it sees of the diary.
    All,
}

/// A limit on the live appointments of one organisation that begin on one local day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ceiling {
    /// The service whose appointments count; all when `None`.
    pub service: Option<ServiceId>,
    /// The most there may be.
    pub per_day: u32,
}

/// What an organisation may see and do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// The parts of the diary it sees.
    pub views: Vec<View>,
    /// Whether it may book.
    pub book: bool,
    /// Whose appointments it may read: its own, or all.
    pub read: Reach,
    /// Whose appointments it may cancel.
    pub cancel: Reach,
    /// Limits on what it books; all of them hold.
    pub ceilings: Vec<Ceiling>,
}

impl Rights {
    /// What holds without a policy: the whole diary, and its own appointments.
    pub fn usual() -> Self {
        Self { views: vec![View::EVERYTHING], book: true, read: Reach::Own, cancel: Reach::Own, ceilings: Vec::new() }
    }

    /// Of an organisation that a policy does not admit.
    pub const fn none() -> Self {
        Self { views: Vec::new(), book: false, read: Reach::Own, cancel: Reach::None, ceilings: Vec::new() }
    }
}

/// For whom a request acts and what they may do; resolved once, so that a request meets one policy from start to end.
///
/// Whatever the policy, the organisation that provides a service sees and does everything there
/// (docs/contract.md#service-roots).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Everything: authentication is off, or the provider's own command line.
    Everyone,
    /// An organisation and its rights.
    Organisation {
        /// Its code.
        code: OdsCode,
        /// What it may do.
        rights: Arc<Rights>,
    },
}

/// An appointment, as far as it decides who may see it.
#[derive(Debug, Clone, Copy)]
pub struct AccessFacts<'a> {
    /// Who booked it.
    pub booked_by: Option<&'a OdsCode>,
    /// Who provides its service.
    pub provider: Option<&'a OdsCode>,
    /// The schedule its slot is in.
    pub schedule: &'a ScheduleId,
    /// The service it was booked for.
    pub service: &'a ServiceId,
}

/// The appointments that count towards a ceiling on one day.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tally {
    /// Whose.
    pub organisation: OdsCode,
    /// The service whose appointments count; all when `None`.
    pub service: Option<ServiceId>,
    /// The local day on which they begin.
    pub day: NaiveDate,
    /// That day, in the zone of the schedule.
    pub span: Span,
}

impl Tally {
    /// True when an appointment that `booked_by` has for `service` from `start` on counts.
    pub fn counts(&self, booked_by: Option<&OdsCode>, service: &ServiceId, start: Timestamp) -> bool {
        booked_by == Some(&self.organisation) && self.service.as_ref().is_none_or(|s| s == service) && self.span.contains(start)
    }

    /// The days of UTC that it touches, counted from 1970. Any two tallies that could count the same appointment,
    /// whatever their zones, have such a day in common: a transaction that holds the locks of all its days counts alone.
    pub fn days_touched(&self) -> std::ops::RangeInclusive<i64> {
        self.span.from.ms().div_euclid(DAY_MS)..=self.span.until.ms().saturating_sub(1).div_euclid(DAY_MS)
    }
}

/// A tally and the most it may come to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Quota {
    /// What counts.
    pub tally: Tally,
    /// The most there may be.
    pub per_day: u32,
}

impl Quota {
    /// True when `count` leaves no room for one more.
    pub fn is_full(&self, count: i64) -> bool {
        count >= i64::from(self.per_day)
    }
}

/// The refusal of a booking under `quotas`, given how many appointments there are already.
pub fn ceiling_reached<S: BuildHasher>(quotas: &[Quota], counts: &HashMap<Tally, i64, S>) -> Option<Refusal> {
    // What was not counted is not known to have room; the store counts again before anything is taken.
    let full = quotas.iter().find(|quota| counts.get(&quota.tally).is_some_and(|count| quota.is_full(*count)))?;
    let Tally { organisation, service, day, .. } = full.tally.clone();
    Some(Refusal::CeilingReached { organisation, service, day, per_day: full.per_day })
}

impl Access {
    /// That of an organisation where there is no policy.
    pub fn usual(code: OdsCode) -> Self {
        static USUAL: LazyLock<Arc<Rights>> = LazyLock::new(|| Arc::new(Rights::usual()));
        Self::Organisation { code, rights: Arc::clone(&USUAL) }
    }

    /// True when nothing is hidden.
    pub fn sees_everything(&self) -> bool {
        match self {
            Self::Everyone => true,
            Self::Organisation { rights, .. } => rights.views.contains(&View::EVERYTHING),
        }
    }

    /// True when every appointment may be read.
    pub fn reads_everything(&self) -> bool {
        match self {
            Self::Everyone => true,
            Self::Organisation { rights, .. } => rights.read == Reach::All && self.sees_everything(),
        }
    }

    /// True when it is the organisation that provides a service of `provider`.
    fn provides(&self, provider: Option<&OdsCode>) -> bool {
        matches!(self, Self::Organisation { code, .. } if provider == Some(code))
    }

    /// Whether it knows of a service at all, be there slots or not.
    pub fn sees_service(&self, service: &ServiceId, provider: Option<&OdsCode>) -> bool {
        match self {
            Self::Everyone => true,
            Self::Organisation { rights, .. } => {
                self.provides(provider) || rights.views.iter().any(|view| !view.is_blind() && view.services.admits(service))
            }
        }
    }

    /// Whether it sees the slots of a schedule as those of one of its services.
    pub fn sees(&self, schedule: &ScheduleId, service: &ServiceId, provider: Option<&OdsCode>) -> bool {
        match self {
            Self::Everyone => true,
            Self::Organisation { rights, .. } => {
                let shown = |view: &View| view.services.admits(service) && view.schedules.admits(schedule);
                self.provides(provider) || rights.views.iter().any(shown)
            }
        }
    }

    /// The services as which it sees a schedule, primary first. None: the schedule does not exist for it.
    pub fn seen<'o>(&self, schedule: &ScheduleId, offering: &'o Offering) -> Vec<&'o OfferedService> {
        offering.services.iter().filter(|offered| self.sees(schedule, &offered.service, offered.provider.as_ref())).collect()
    }

    /// Whether it may read an appointment.
    pub fn may_read(&self, appointment: AccessFacts<'_>) -> bool {
        let Self::Organisation { code, rights } = self else { return true };
        appointment.booked_by == Some(code) || self.provides(appointment.provider) || self.reaches(rights.read, appointment)
    }

    /// Whether it may cancel an appointment that it may read.
    ///
    /// # Errors
    /// The right it lacks.
    pub fn may_cancel(&self, appointment: AccessFacts<'_>) -> Result<(), Denial> {
        let Self::Organisation { code, rights } = self else { return Ok(()) };
        if self.provides(appointment.provider) {
            return Ok(());
        }
        let own = appointment.booked_by == Some(code);
        match rights.cancel {
            Reach::None => Err(Denial::Cancelling { organisation: code.clone() }),
            Reach::Own if own => Ok(()),
            Reach::All if own || self.reaches(Reach::All, appointment) => Ok(()),
            Reach::Own | Reach::All => Err(Denial::CancellingOthers { organisation: code.clone() }),
        }
    }

    fn reaches(&self, reach: Reach, appointment: AccessFacts<'_>) -> bool {
        reach == Reach::All && self.sees(appointment.schedule, appointment.service, appointment.provider)
    }

    /// Whether it may book with a service.
    ///
    /// # Errors
    /// The right it lacks.
    pub fn may_book(&self, provider: Option<&OdsCode>) -> Result<(), Denial> {
        match self {
            Self::Organisation { code, rights } if !rights.book && !self.provides(provider) => {
                Err(Denial::Booking { organisation: code.clone() })
            }
            Self::Everyone | Self::Organisation { .. } => Ok(()),
        }
    }

    /// True when some of its bookings come under a ceiling.
    pub fn has_ceilings(&self) -> bool {
        matches!(self, Self::Organisation { rights, .. } if !rights.ceilings.is_empty())
    }

    /// The ceilings under which it books with `offered` for `start`, in a schedule of `zone`.
    pub fn quotas(&self, offered: &OfferedService, start: Timestamp, zone: Tz) -> Vec<Quota> {
        let Self::Organisation { code, rights } = self else { return Vec::new() };
        if rights.ceilings.is_empty() || self.provides(offered.provider.as_ref()) {
            return Vec::new();
        }
        let day = start.local(zone).date();
        let span = Span::of_day(day, zone);
        let holding = rights.ceilings.iter().filter(|c| c.service.as_ref().is_none_or(|service| *service == offered.service));
        let quota = |c: &Ceiling| {
            let tally = Tally { organisation: code.clone(), service: c.service.clone(), day, span };
            Quota { tally, per_day: c.per_day }
        };
        holding.map(quota).collect()
    }
}

#[cfg(test)]
mod tests;
