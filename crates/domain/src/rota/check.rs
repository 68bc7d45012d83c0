//! What is wrong with working times, all of it at once.
//!
//! It checks the rules only; whether the schedule exists is checked by the caller.
//!
//! Pitfall: two sessions overlap only if there is a *date* on which they do, so summer and winter hours may
//! have the same weekday, and Sunday night runs into Monday morning.

use super::{BLOCKED_MAX, CAPACITY_MAX, ClockTime, DAY_MINUTES, SESSIONS_MAX, SLOTS_OF_DAY_MAX, Session, WorkingTimes};
use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};

/// Minutes in a week.
const WEEK_MINUTES: i32 = 7 * 24 * 60;
/// Minutes the clocks put into the longest day besides its own.
const REPEATED_MINUTES: usize = 60;

/// Something wrong with working times. Sessions and blocked stretches are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RotaProblem {
    /// More sessions than [`SESSIONS_MAX`].
    #[error("{given} sessions; a schedule has at most {SESSIONS_MAX}")]
    TooManySessions {
        /// How many there are.
        given: usize,
    },
    /// A session on no day.
    #[error("names no day; give at least one of mon, tue, wed, thu, fri, sat, sun")]
    NoDays {
        /// Which session.
        session: usize,
    },
    /// A session that begins when it ends, or at 24:00.
    #[error("from {from} until {until} is not a stretch of time; a whole day is from 00:00 until 24:00")]
    NoLength {
        /// Which session.
        session: usize,
        /// Its beginning.
        from: ClockTime,
        /// Its end.
        until: ClockTime,
    },
    /// Slots without length, or longer than a day.
    #[error("slot_minutes is {given}; it must be 1 to {DAY_MINUTES}")]
    SlotMinutes {
        /// Which session.
        session: usize,
        /// The length given.
        given: u16,
    },
    /// Not even one slot fits.
    #[error(
        "the session lasts {length_minutes} minutes, so that no slot of {slot_minutes} minutes fits; make it longer or the slots shorter"
    )]
    NoSlotFits {
        /// Which session.
        session: usize,
        /// Its length in minutes.
        length_minutes: u16,
        /// The length of a slot in minutes.
        slot_minutes: u16,
    },
    /// No capacity, or too much.
    #[error("capacity is {given}; it must be 1 to {CAPACITY_MAX}")]
    Capacity {
        /// Which session.
        session: usize,
        /// The capacity given.
        given: i32,
    },
    /// More blocked stretches than [`BLOCKED_MAX`].
    #[error("{given} blocked stretches; a session has at most {BLOCKED_MAX}")]
    TooManyBlocked {
        /// Which session.
        session: usize,
        /// How many there are.
        given: usize,
    },
    /// A blocked stretch that is reversed or not wholly inside its session.
    #[error("blocked from {from} until {until} does not lie inside the session, which is from {session_from} until {session_until}")]
    BlockedOutside {
        /// Which session.
        session: usize,
        /// Which of its blocked stretches.
        blocked: usize,
        /// Its beginning.
        from: ClockTime,
        /// Its end.
        until: ClockTime,
        /// The session's beginning.
        session_from: ClockTime,
        /// The session's end.
        session_until: ClockTime,
    },
    /// A session that is never valid.
    #[error("valid_until {until} is before valid_from {from}")]
    ValidityReversed {
        /// Which session.
        session: usize,
        /// The first day.
        from: NaiveDate,
        /// The last day.
        until: NaiveDate,
    },
    /// Two sessions of one schedule at the same time.
    #[error(
        "overlaps session {} of the same schedule ({day} from {from} until {until}); move one of them, or give them separate validity",
        other + 1
    )]
    Overlap {
        /// The later written session.
        session: usize,
        /// The earlier written one.
        other: usize,
        /// A day of the week on which the earlier written one begins and they overlap.
        day: Weekday,
        /// Beginning of the earlier written one.
        from: ClockTime,
        /// Its end.
        until: ClockTime,
    },
    /// More slots on one day than [`SLOTS_OF_DAY_MAX`].
    #[error("makes up to {given} slots on a {day}; a schedule has at most {SLOTS_OF_DAY_MAX} a day, so make the slots longer")]
    TooManySlots {
        /// The session from whose first day on there are too many.
        session: usize,
        /// The day of the week.
        day: Weekday,
        /// How many there would be.
        given: usize,
    },
}

impl RotaProblem {
    /// The session it is about, counted from 0; none when it is about all of them.
    pub const fn session(&self) -> Option<usize> {
        match self {
            Self::TooManySessions { .. } => None,
            Self::NoDays { session }
            | Self::NoLength { session, .. }
            | Self::SlotMinutes { session, .. }
            | Self::NoSlotFits { session, .. }
            | Self::Capacity { session, .. }
            | Self::TooManyBlocked { session, .. }
            | Self::BlockedOutside { session, .. }
            | Self::ValidityReversed { session, .. }
            | Self::Overlap { session, .. }
            | Self::TooManySlots { session, .. } => Some(*session),
        }
    }
}

impl WorkingTimes {
    /// Everything wrong with these working times; empty when they can be used.
    pub fn check(&self) -> Vec<RotaProblem> {
        if self.sessions.len() > SESSIONS_MAX {
            // Comparing each with each would take long, and the first thing to do is known.
            return vec![RotaProblem::TooManySessions { given: self.sessions.len() }];
        }
        let mut problems = Vec::new();
        for (index, session) in self.sessions.iter().enumerate() {
            check_session(index, session, &mut problems);
        }
        for (index, session) in self.sessions.iter().enumerate() {
            for (other, earlier) in self.sessions.iter().enumerate().take(index) {
                if let Some(day) = overlap(earlier, session) {
                    problems.push(RotaProblem::Overlap { session: index, other, day, from: earlier.from, until: earlier.until });
                }
            }
        }
        self.check_count(&mut problems);
        problems
    }

    /// Validities are intervals, so the fullest day lies at or soon after the beginning of one of them.
    fn check_count(&self, problems: &mut Vec<RotaProblem>) {
        for day in WEEK {
            let of_day = || self.sessions.iter().enumerate().filter(|(_, s)| s.days.contains(&day) && s.slot_minutes > 0);
            for (session, at) in of_day().map(|(index, s)| (index, s.valid_from.unwrap_or(NaiveDate::MIN))) {
                let valid =
                    of_day().filter(|(_, s)| s.valid_from.is_none_or(|first| first <= at) && s.valid_until.is_none_or(|last| at <= last));
                let (mut given, mut shortest) = (0, DAY_MINUTES);
                for (_, s) in valid {
                    given += usize::from(s.length_minutes() / s.slot_minutes);
                    shortest = shortest.min(s.slot_minutes);
                }
                given += REPEATED_MINUTES / usize::from(shortest);
                if given > SLOTS_OF_DAY_MAX {
                    problems.push(RotaProblem::TooManySlots { session, day, given });
                    return;
                }
            }
        }
    }
}

const WEEK: [Weekday; 7] = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

fn check_session(index: usize, session: &Session, problems: &mut Vec<RotaProblem>) {
    if session.days.is_empty() {
        problems.push(RotaProblem::NoDays { session: index });
    }
    let has_length = session.from.minutes() < DAY_MINUTES && session.from != session.until;
    if !has_length {
        problems.push(RotaProblem::NoLength { session: index, from: session.from, until: session.until });
    }
    if session.slot_minutes == 0 || session.slot_minutes > DAY_MINUTES {
        problems.push(RotaProblem::SlotMinutes { session: index, given: session.slot_minutes });
    } else if has_length && session.length_minutes() < session.slot_minutes {
        let (length_minutes, slot_minutes) = (session.length_minutes(), session.slot_minutes);
        problems.push(RotaProblem::NoSlotFits { session: index, length_minutes, slot_minutes });
    }
    if !(1..=CAPACITY_MAX).contains(&session.capacity) {
        problems.push(RotaProblem::Capacity { session: index, given: session.capacity });
    }
    if let (Some(from), Some(until)) = (session.valid_from, session.valid_until)
        && until < from
    {
        problems.push(RotaProblem::ValidityReversed { session: index, from, until });
    }
    if session.blocked.len() > BLOCKED_MAX {
        problems.push(RotaProblem::TooManyBlocked { session: index, given: session.blocked.len() });
    }
    for (blocked, interval) in session.blocked.iter().enumerate().filter(|_| has_length) {
        let (from, until) = session.offsets(*interval);
        if from >= until || until > session.length_minutes() {
            problems.push(RotaProblem::BlockedOutside {
                session: index,
                blocked,
                from: interval.from,
                until: interval.until,
                session_from: session.from,
                session_until: session.until,
            });
        }
    }
}

/// A day of the week on which `a` begins and some `b` runs at the same time, where there is such a date.
fn overlap(a: &Session, b: &Session) -> Option<Weekday> {
    let begin = |session: &Session, day: Weekday| minutes_into_week(day) + i32::from(session.from.minutes());
    let (a_length, b_length) = (i32::from(a.length_minutes()), i32::from(b.length_minutes()));
    a.days.iter().copied().find(|&a_day| {
        let a_begin = begin(a, a_day);
        b.days.iter().any(|&b_day| {
            // Monday follows Sunday: the week of `b` may be the one before or after.
            [-WEEK_MINUTES, 0, WEEK_MINUTES].into_iter().any(|shift| {
                let b_begin = begin(b, b_day) + shift;
                let meet = a_begin < b_begin + b_length && b_begin < a_begin + a_length;
                let days_later = (minutes_into_week(b_day) + shift - minutes_into_week(a_day)) / i32::from(DAY_MINUTES);
                meet && both_valid(a, b, a_day, i64::from(days_later))
            })
        })
    })
}

fn minutes_into_week(day: Weekday) -> i32 {
    WEEK.iter().zip(0..).find(|(d, _)| **d == day).map_or(0, |(_, n)| n * i32::from(DAY_MINUTES))
}

/// True when there is a date of weekday `a_day` on which `a` is valid, and `b` that many days later.
fn both_valid(a: &Session, b: &Session, a_day: Weekday, days_later: i64) -> bool {
    let earlier = |day: NaiveDate| day.checked_sub_signed(TimeDelta::days(days_later)).unwrap_or(day);
    let first = a.valid_from.max(b.valid_from.map(earlier));
    let last = match (a.valid_until, b.valid_until.map(earlier)) {
        (Some(x), Some(y)) => Some(x.min(y)),
        (x, y) => x.or(y),
    };
    match (first, last) {
        (Some(first), Some(last)) => first.iter_days().take(7).any(|day| day.weekday() == a_day && day <= last),
        _ => true,
    }
}
