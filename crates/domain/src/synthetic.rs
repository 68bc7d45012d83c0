//! A diary made by arithmetic, for benchmarks: so many services, days and slots a day, and no real person's time.
//!
//! Where a slot lies follows from its number and the other way round, so that ten million of them can be created, and any of
//! them booked, without a list.
//!
//! Pitfall: the ids are not random. A hash spreads them, so that a database index sees them as it sees real ids. The hash is
//! FNV-1a over eight octets because `pgbench` has the same one: the scripts in `benches/` find the same slots with it.

use super::ids::{ScheduleId, ServiceId, SlotId};
use super::time::{LONDON, MINUTE_MS, Timestamp, local_instant};
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};

/// Length of a slot.
pub const SLOT_MINUTES: i64 = 15;
/// Slots of one schedule on one day: from 08:00 to 20:00.
pub const SLOTS_PER_SCHEDULE: u32 = 48;
/// Most services: their number has four digits of a slot's number.
pub const SERVICES_MAX: u32 = 9_999;
/// Most days: ten years.
pub const DAYS_MAX: u32 = 3_653;
/// Most slots of a service on one day: their number has three digits of a slot's number.
pub const SLOTS_MAX: u32 = 999;
/// The organisation that everything synthetic belongs to, and what a synthetic database is known by.
pub const ORGANIZATION: &str = "Y9S00";

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;
const FIRST_MINUTE_OF_DAY: i64 = 8 * 60;

/// What an id names; the seed of its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// A slot, by [`SyntheticSlot::number`].
    Slot,
    /// A schedule, by [`schedule_number`].
    Schedule,
    /// The clinician of a schedule, by the schedule's number.
    Practitioner,
    /// The place of a service, by the service's number.
    Location,
    /// An appointment, by the number of its slot.
    Appointment,
}

impl Named {
    const fn seed(self) -> u64 {
        match self {
            Self::Slot => 0,
            Self::Schedule => 1,
            Self::Practitioner => 2,
            Self::Location => 3,
            Self::Appointment => 4,
        }
    }

    /// The id of the thing of that number; of the shape of a UUID v4.
    pub fn id(self, number: u64) -> String {
        let hash = format!("{:016x}", fnv1a(number, self.seed()));
        let part = |range: std::ops::Range<usize>| hash.get(range).unwrap_or_default();
        format!("{}-{}-4{}-8000-{number:012}", part(0..8), part(8..12), part(12..15))
    }
}

/// FNV-1a over the eight octets of `number`, the least first; `hash_fnv1a(number, seed)` of `pgbench`.
fn fnv1a(number: u64, seed: u64) -> u64 {
    number.to_le_bytes().iter().fold(FNV_OFFSET ^ seed, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(FNV_PRIME))
}

/// How much there is of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntheticDiary {
    /// Services, from 1.
    pub services: u32,
    /// Days, from 1.
    pub days: u32,
    /// Slots of each service on each day, from 1.
    pub slots: u32,
    /// The first of the days.
    pub first: NaiveDate,
}

/// One slot of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntheticSlot {
    /// Service, day and place in the day as twelve digits: the same slot has the same number in a larger diary.
    pub number: u64,
    /// Its id.
    pub id: SlotId,
    /// Its schedule.
    pub schedule: ScheduleId,
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
}

/// A text that is no size of a diary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not SERVICES×DAYS×SLOTS: three numbers such as 20x14x400, up to {SERVICES_MAX} services, {DAYS_MAX} days and \
     {SLOTS_MAX} slots of a service a day"
)]
pub struct NotASize(String);

impl SyntheticDiary {
    /// The size in `text`, `20x14x400` or `20×14×400`, from `first` on.
    ///
    /// # Errors
    /// [`NotASize`].
    pub fn parse(text: &str, first: NaiveDate) -> Result<Self, NotASize> {
        let numbers: Option<Vec<u32>> = text.split(['x', 'X', '×']).map(|part| part.trim().parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[services, days, slots])
                if (1..=SERVICES_MAX).contains(&services) && (1..=DAYS_MAX).contains(&days) && (1..=SLOTS_MAX).contains(&slots) =>
            {
                Ok(Self { services, days, slots, first })
            }
            _ => Err(NotASize(text.to_owned())),
        }
    }

    /// How many slots it has.
    pub fn slot_count(&self) -> u64 {
        u64::from(self.services) * self.slots_of_service()
    }

    /// How many schedules each service has.
    pub const fn schedules_of_service(&self) -> u32 {
        self.slots.div_ceil(SLOTS_PER_SCHEDULE)
    }

    /// The day `ahead` days after the first.
    pub fn day(&self, ahead: u32) -> NaiveDate {
        self.first.checked_add_days(Days::new(u64::from(ahead))).unwrap_or(self.first)
    }

    /// Days since 1970 of the first day, as slot numbers count them.
    pub fn first_day_number(&self) -> u64 {
        u64::try_from(self.first.signed_duration_since(NaiveDate::default()).num_days()).unwrap_or_default()
    }

    /// The `index`th slot: day by day, within the day service by service. `None` after the last.
    pub fn slot_at(&self, index: u64) -> Option<SyntheticSlot> {
        let of_day = u64::from(self.services) * u64::from(self.slots);
        let ahead = u32::try_from(index.checked_div(of_day)?).ok().filter(|ahead| *ahead < self.days)?;
        let within = index.checked_rem(of_day)?;
        let service = within.checked_div(u64::from(self.slots))?;
        let place = within.checked_rem(u64::from(self.slots))?;
        let number = service * 100_000_000 + (self.first_day_number() + u64::from(ahead)) * 1_000 + place;
        let schedule = place / u64::from(SLOTS_PER_SCHEDULE);
        let minute = i64::try_from(place % u64::from(SLOTS_PER_SCHEDULE)).ok()? * SLOT_MINUTES;
        let start = day_start(self.day(ahead)).plus_ms(minute * MINUTE_MS);
        Some(SyntheticSlot {
            number,
            id: SlotId::stored(Named::Slot.id(number)),
            schedule: schedule_id(service, schedule),
            start,
            end: start.plus_ms(SLOT_MINUTES * MINUTE_MS),
        })
    }

    fn slots_of_service(&self) -> u64 {
        u64::from(self.days) * u64::from(self.slots)
    }
}

/// The service of that number, from 0.
pub fn service_id(service: u64) -> ServiceId {
    ServiceId::stored(format!("{}", 2_100_000_000 + service))
}

/// The `index`th schedule of a service, both from 0.
pub fn schedule_id(service: u64, index: u64) -> ScheduleId {
    ScheduleId::stored(Named::Schedule.id(schedule_number(service, index)))
}

/// The number of the `index`th schedule of a service, both from 0.
pub const fn schedule_number(service: u64, index: u64) -> u64 {
    service * 1_000 + index
}

/// When the first slots of a day begin. No clock is changed at that hour or later in the day.
fn day_start(day: NaiveDate) -> Timestamp {
    local_instant(day.and_time(NaiveTime::MIN) + TimeDelta::minutes(FIRST_MINUTE_OF_DAY), LONDON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn diary(text: &str) -> SyntheticDiary {
        SyntheticDiary::parse(text, NaiveDate::from_ymd_opt(2026, 10, 24).unwrap()).unwrap()
    }

    #[test]
    fn a_size_is_three_numbers_within_bounds() {
        assert_eq!(diary("20x14x400"), diary("20×14×400"));
        assert_eq!(diary("20x14x400").slot_count(), 112_000);
        for text in ["", "20x14", "20x14x0", "20x14x400x2", "10000x1x1", "1x4000x1", "1x1x1000", "axbxc", "-1x2x3"] {
            let refused = SyntheticDiary::parse(text, NaiveDate::default()).unwrap_err().to_string();
            assert!(refused.contains("20x14x400"), "{refused}");
        }
    }

    #[test]
    fn slots_have_unique_ids_and_times_also_when_clocks_change() {
        let diary = diary("3x3x50");
        let slots: Vec<SyntheticSlot> = (0..diary.slot_count()).map(|index| diary.slot_at(index).unwrap()).collect();
        assert_eq!(diary.slot_at(diary.slot_count()), None);
        assert_eq!(slots.iter().map(|slot| slot.id.as_str()).collect::<HashSet<_>>().len(), slots.len());
        assert_eq!(slots.iter().map(|slot| (slot.schedule.as_str(), slot.start)).collect::<HashSet<_>>().len(), slots.len());
        assert_eq!(slots.iter().map(|slot| slot.schedule.as_str()).collect::<HashSet<_>>().len(), 6);
        let begins = |index: usize| slots[index].start.local(LONDON).to_string();
        assert_eq!((begins(0), begins(150)), ("2026-10-24 08:00:00".into(), "2026-10-25 08:00:00".into()));
    }

    #[test]
    fn a_slot_keeps_its_id_when_the_diary_grows() {
        let small: HashSet<String> = (0..30).map(|i| diary("3x2x5").slot_at(i).unwrap().id.to_string()).collect();
        let large: HashSet<String> = (0..120).map(|i| diary("4x5x6").slot_at(i).unwrap().id.to_string()).collect();
        assert!(small.is_subset(&large));
    }

    #[test]
    fn the_hash_is_that_of_pgbench() {
        // Printed by pgbench 15 for `\set h hash_fnv1a(123456789012, 0)` and with seed 4.
        assert_eq!(fnv1a(123_456_789_012, 0), FNV_CHECK[0]);
        assert_eq!(fnv1a(123_456_789_012, 4), FNV_CHECK[1]);
    }

    const FNV_CHECK: [u64; 2] = [0x237c3eee9b8962b4, 0xfdbbc3ebfc832e28];
}
