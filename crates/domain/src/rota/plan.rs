//! From working times to the slots of a day, clock changes included.
//!
//! Pitfall: slots stand on a grid of *local* times, so that a change of the clocks never moves 09:00 to 08:50;
//! yet they are compared as instants. When the clocks go forward the slots that touch the missing hour are left
//! out; when they go back the repeated hour has its slots twice, first those of summer time.

use super::super::ids::ScheduleId;
use super::super::time::{MINUTE_MS, Timestamp, local_instant};
use super::{DAY_MINUTES, PlannedSlot, SLOTS_OF_DAY_MAX, Session, WorkingTimes};
use chrono::{LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

/// A place on the grid at which a slot may begin.
struct Candidate {
    start: Timestamp,
    /// Minutes on the local clock since the session began.
    offset_minutes: u16,
}

impl WorkingTimes {
    /// The slots of the sessions that begin on `day`, in order of time. They never overlap one another,
    /// nor those of another day, if [`WorkingTimes::check`] found nothing wrong.
    pub fn slots_of_day(&self, day: NaiveDate) -> Vec<PlannedSlot> {
        let mut slots = Vec::new();
        for session in self.sessions.iter().filter(|s| s.begins_on(day)) {
            session.plan(day, self.zone, &self.schedule, &mut slots);
        }
        slots.sort_by_key(|slot| slot.start);
        // `check` refuses working times that make more; this is the limit where it was not called.
        slots.truncate(SLOTS_OF_DAY_MAX);
        slots
    }
}

impl Session {
    fn plan(&self, day: NaiveDate, zone: Tz, schedule: &ScheduleId, slots: &mut Vec<PlannedSlot>) {
        if self.slot_minutes == 0 {
            return;
        }
        let begin = after_midnight(day, self.from.minutes());
        let end = local_instant(after_midnight(day, self.from.minutes().saturating_add(self.length_minutes())), zone);
        let length_ms = i64::from(self.slot_minutes) * MINUTE_MS;
        let mut free_from = local_instant(begin, zone);
        for candidate in self.candidates(begin, zone) {
            let slot_end = candidate.start.plus_ms(length_ms);
            if candidate.start < free_from || slot_end > end || loses_time(candidate.start, slot_end, zone) {
                continue;
            }
            free_from = slot_end;
            slots.push(PlannedSlot {
                schedule: schedule.clone(),
                start: candidate.start,
                end: slot_end,
                capacity: self.capacity,
                blocked: self.is_blocked(candidate.offset_minutes),
                channel: self.channel,
            });
        }
    }

    /// Every instant at which a clock on the wall shows a time of the grid: none for a time the clocks
    /// skip, two for one they show twice.
    fn candidates(&self, begin: NaiveDateTime, zone: Tz) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let last = self.length_minutes().checked_sub(self.slot_minutes);
        for offset_minutes in last.into_iter().flat_map(|last| (0..=last).step_by(usize::from(self.slot_minutes))) {
            let local = begin + TimeDelta::minutes(i64::from(offset_minutes));
            let mut add = |ms: i64| candidates.push(Candidate { start: Timestamp::from_ms(ms), offset_minutes });
            match zone.from_local_datetime(&local) {
                LocalResult::None => {}
                LocalResult::Single(at) => add(at.timestamp_millis()),
                LocalResult::Ambiguous(first, second) => {
                    add(first.timestamp_millis());
                    add(second.timestamp_millis());
                }
            }
        }
        candidates.sort_by_key(|candidate| candidate.start);
        candidates
    }

    fn is_blocked(&self, offset_minutes: u16) -> bool {
        let end = offset_minutes.saturating_add(self.slot_minutes);
        self.blocked.iter().any(|interval| {
            let (from, until) = self.offsets(*interval);
            offset_minutes < until && from < end
        })
    }
}

/// True when the clocks go forward between the two instants: such a slot touches the missing hour and would
/// run into the time of the slot after it.
fn loses_time(start: Timestamp, end: Timestamp, zone: Tz) -> bool {
    let shown = end.plus_ms(-1).local(zone) - start.local(zone);
    shown.num_milliseconds() > end.ms() - start.ms() - 1
}

/// The local time so many minutes after the midnight on which `day` begins; may be on the next day.
fn after_midnight(day: NaiveDate, minutes: u16) -> NaiveDateTime {
    debug_assert!(minutes <= 2 * DAY_MINUTES, "a session ends on the day after it began at the latest");
    day.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::minutes(i64::from(minutes))).unwrap_or(NaiveDateTime::MAX)
}
