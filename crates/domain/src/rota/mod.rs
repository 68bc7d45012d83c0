//! Working times: the rules a provider writes down, and the slots they become on a given day.
//!
//! Pure: it turns a day into slots, and knows neither today nor which slots exist already.
//!
//! Pitfall: a session belongs to the local day on which it *begins*, so the slots after midnight of a night
//! session are among those of the day before. A slot's times follow the local clock (09:00 stays 09:00 all
//! year), while its length is real, elapsed time.

mod check;
mod plan;
#[cfg(test)]
mod tests;

pub use check::RotaProblem;

use super::ids::ScheduleId;
use super::slot::Channel;
use super::time::Timestamp;
use chrono::{NaiveDate, Weekday};
use chrono_tz::Tz;
use std::fmt;

/// The most slots one schedule may have on one day; working times that would make more are refused.
pub const SLOTS_OF_DAY_MAX: usize = 2_000;
/// The most sessions one schedule may have.
pub const SESSIONS_MAX: usize = 200;
/// The most blocked stretches one session may have.
pub const BLOCKED_MAX: usize = 100;
/// The largest capacity of a slot, in appointments.
pub const CAPACITY_MAX: i32 = 1_000;
/// Minutes in a local day on which the clocks do not change.
pub const DAY_MINUTES: u16 = 24 * 60;

/// When one schedule works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingTimes {
    /// The schedule.
    pub schedule: ScheduleId,
    /// The zone of every local time below.
    pub zone: Tz,
    /// Its sessions; [`WorkingTimes::check`] demands that no two overlap.
    pub sessions: Vec<Session>,
}

/// A stretch of work that recurs on some days of the week, cut into slots of equal length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The days of the week on which it begins.
    pub days: Vec<Weekday>,
    /// Local time at which the first slot begins.
    pub from: ClockTime,
    /// Local time at which it ends; not later than `from` means on the next day (18:30 to 02:00).
    pub until: ClockTime,
    /// Length of a slot, in minutes. What is left at the end of the session stays unused.
    pub slot_minutes: u16,
    /// Appointments a slot holds.
    pub capacity: i32,
    /// How patients are seen, where the provider states it; never defaulted (docs/specification/uec.md#b1-slot).
    pub channel: Option<Channel>,
    /// Stretches the provider keeps back. A slot that touches one of them is blocked.
    pub blocked: Vec<Interval>,
    /// The first day on which it may begin.
    pub valid_from: Option<NaiveDate>,
    /// The last day on which it may begin.
    pub valid_until: Option<NaiveDate>,
}

/// A stretch of local time inside a session; before the session's beginning means on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// First minute of it.
    pub from: ClockTime,
    /// First minute after it.
    pub until: ClockTime,
}

/// A slot as the working times want it; it has no id before the store has taken it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSlot {
    /// The schedule it belongs to.
    pub schedule: ScheduleId,
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
    /// Appointments it holds.
    pub capacity: i32,
    /// True where the provider keeps it back.
    pub blocked: bool,
    /// How patients are seen, where the provider states it.
    pub channel: Option<Channel>,
}

/// A local time of day in whole minutes, from 00:00 to 24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockTime(u16);

impl ClockTime {
    /// The time so many minutes after local midnight, up to 24:00.
    pub fn from_minutes(minutes: u16) -> Option<Self> {
        (minutes <= DAY_MINUTES).then_some(Self(minutes))
    }
    /// `08:00` to `24:00`, and nothing laxer.
    pub fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let two_digits = |part: &str| {
            let fits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            fits.then(|| part.parse::<u16>().ok()).flatten()
        };
        let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
        if minutes >= 60 {
            return None;
        }
        Self::from_minutes(hours * 60 + minutes)
    }
    /// Minutes after local midnight.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Session {
    /// Length on the local clock, in minutes; up to a day.
    pub fn length_minutes(&self) -> u16 {
        if self.until > self.from { self.until.0 - self.from.0 } else { DAY_MINUTES + self.until.0 - self.from.0 }
    }

    /// True when it begins on that local day.
    pub fn begins_on(&self, day: NaiveDate) -> bool {
        use chrono::Datelike as _;
        self.days.contains(&day.weekday())
            && self.valid_from.is_none_or(|first| first <= day)
            && self.valid_until.is_none_or(|last| day <= last)
    }

    /// Where an interval lies, in minutes on the local clock after the session begins. Where it is not
    /// inside the session the answer is reversed or too long, which [`WorkingTimes::check`] refuses.
    fn offsets(&self, interval: Interval) -> (u16, u16) {
        let after = |time: ClockTime| (time.0 + DAY_MINUTES - self.from.0 % DAY_MINUTES) % DAY_MINUTES;
        let until = after(interval.until);
        (after(interval.from), if until == 0 { DAY_MINUTES } else { until })
    }
}
