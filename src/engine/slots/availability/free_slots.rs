//! The free slots, by schedule and start, packed, and nothing else of them.
//!
//! A plain value that knows neither database nor threads.
//!
//! Pitfall: a slot that has begun stays until [`FreeSlots::purge_begun`], and a search leaves it out by the time of
//! the search; and only ids that are UUIDs are packed (in 16 bytes), so a schedule that has a free slot with any
//! other id is not indexed at all.

use domain::ids::{ScheduleId, SlotId};
use domain::search::Window;
use domain::slot::{Channel, Slot, SlotStatus};
use domain::time::Timestamp;
use std::collections::HashMap;

/// The index cannot answer; the database can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) struct NotIndexed;

/// One free slot: 32 bytes, because there may be ten million. The order of the fields is that of answers: by start,
/// then by id, whose text and bytes are in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PackedSlot {
    start_ms: i64,
    id: [u64; 2],
    length_ms: u32,
    channel: Option<Channel>,
}

impl PackedSlot {
    fn of(slot: &Slot) -> Option<Self> {
        let length_ms = u32::try_from(slot.end.ms().checked_sub(slot.start.ms())?).ok()?;
        Some(Self { start_ms: slot.start.ms(), id: halves(slot.id.as_str())?, length_ms, channel: slot.channel })
    }

    const fn place(&self) -> (i64, [u64; 2]) {
        (self.start_ms, self.id)
    }

    fn slot(&self, schedule: &ScheduleId) -> Slot {
        let start = Timestamp::from_ms(self.start_ms);
        let end = start.plus_ms(i64::from(self.length_ms));
        Slot::free(SlotId::stored(text_of(self.id)), schedule.clone(), start, end, self.channel)
    }
}

/// The free slots of one schedule.
#[derive(Debug, Clone)]
enum ScheduleSlots {
    /// All of them.
    Indexed(Slots),
    /// One of them could not be packed.
    NotIndexed,
}

/// The free slots of a schedule, in order.
#[derive(Debug, Clone, Default)]
struct Slots {
    packed: Vec<PackedSlot>,
    /// How often any of them came, went or changed, but for those that have begun.
    changes: u64,
}

/// Every free slot.
#[derive(Debug, Clone)]
pub(in crate::engine) struct FreeSlots {
    schedules: HashMap<ScheduleId, ScheduleSlots>,
    /// Slots that had begun by then are purged: nothing is known of what was free before.
    since: Timestamp,
}

impl FreeSlots {
    /// No slots yet, from `since` on, to be filled with [`FreeSlots::add`] and then [`FreeSlots::sort`].
    pub(in crate::engine) fn new(since: Timestamp) -> Self {
        Self { schedules: HashMap::new(), since }
    }

    /// Adds slots in any order, none twice, all of them free.
    pub(in crate::engine) fn add(&mut self, slots: Vec<Slot>) {
        for slot in slots {
            match (self.schedules.get_mut(&slot.schedule), PackedSlot::of(&slot)) {
                (Some(ScheduleSlots::Indexed(indexed)), Some(packed)) => indexed.packed.push(packed),
                // A schedule that had no free slot counts as never changed.
                (None, Some(packed)) => {
                    drop(self.schedules.insert(slot.schedule, ScheduleSlots::Indexed(Slots { packed: vec![packed], changes: 1 })))
                }
                (_, None) => drop(self.schedules.insert(slot.schedule, ScheduleSlots::NotIndexed)),
                (Some(ScheduleSlots::NotIndexed), _) => {}
            }
        }
    }

    /// Puts what was added into order.
    pub(in crate::engine) fn sort(&mut self) {
        for slots in self.schedules.values_mut() {
            if let ScheduleSlots::Indexed(indexed) = slots {
                indexed.packed.sort_unstable_by_key(PackedSlot::place);
                indexed.packed.shrink_to_fit();
            }
        }
    }

    /// How many slots are packed.
    pub(in crate::engine) fn len(&self) -> usize {
        self.schedules.values().map(|slots| if let ScheduleSlots::Indexed(indexed) = slots { indexed.packed.len() } else { 0 }).sum()
    }

    /// Takes note of a slot as it is now. Its schedule and start are those it always had.
    pub(in crate::engine) fn apply(&mut self, slot: &Slot) {
        let open = slot.status(self.since) == SlotStatus::Free;
        let indexed = match self.schedules.get_mut(&slot.schedule) {
            Some(ScheduleSlots::Indexed(indexed)) => indexed,
            Some(ScheduleSlots::NotIndexed) => return,
            None if !open => return,
            None => return self.add(vec![slot.clone()]),
        };
        let Some(packed) = PackedSlot::of(slot) else {
            if open {
                self.schedules.insert(slot.schedule.clone(), ScheduleSlots::NotIndexed);
            }
            return;
        };
        indexed.changes += 1;
        let slots = &mut indexed.packed;
        match (slots.binary_search_by_key(&packed.place(), PackedSlot::place), open) {
            (Ok(at), true) => {
                if let Some(known) = slots.get_mut(at) {
                    *known = packed;
                }
            }
            (Ok(at), false) => drop(slots.remove(at)),
            (Err(at), true) => slots.insert(at, packed),
            (Err(_), false) => {}
        }
    }

    /// How often what is packed of a schedule has changed: while that stays the same, only time changes what is found of it.
    pub(in crate::engine) fn changes(&self, schedule: &ScheduleId) -> u64 {
        match self.schedules.get(schedule) {
            Some(ScheduleSlots::Indexed(indexed)) => indexed.changes,
            // No answer is ever made from what is not packed.
            Some(ScheduleSlots::NotIndexed) => u64::MAX,
            None => 0,
        }
    }

    /// Removes slots that have begun. From then on nothing is answered for an earlier time.
    pub(in crate::engine) fn purge_begun(&mut self, now: Timestamp) {
        if now <= self.since {
            return;
        }
        self.since = now;
        for slots in self.schedules.values_mut() {
            if let ScheduleSlots::Indexed(indexed) = slots {
                indexed.packed.drain(..indexed.packed.partition_point(|packed| packed.start_ms <= now.ms()));
            }
        }
    }

    /// Slots that began by then are purged.
    pub(in crate::engine) const fn since(&self) -> Timestamp {
        self.since
    }

    /// The free slots at `now` that begin within `start`, of `schedules` (of all, when `None`; none named twice),
    /// by start and id, at most `limit`. Of each only id, schedule, start, end and channel are known.
    pub(in crate::engine) fn find(
        &self,
        schedules: Option<&[ScheduleId]>,
        start: Window,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Slot>, NotIndexed> {
        if now < self.since {
            return Err(NotIndexed);
        }
        let from = start.from.map_or(i64::MIN, Timestamp::ms).max(now.ms().saturating_add(1));
        let until = start.until.map_or(i64::MAX, Timestamp::ms);
        let schedules: Box<dyn Iterator<Item = (&ScheduleId, &ScheduleSlots)>> = match schedules {
            Some(schedules) => Box::new(schedules.iter().filter_map(|id| self.schedules.get_key_value(id))),
            None => Box::new(self.schedules.iter()),
        };
        let mut found: Vec<(&ScheduleId, &PackedSlot)> = Vec::new();
        for (schedule, indexed) in schedules {
            let ScheduleSlots::Indexed(Slots { packed: indexed, .. }) = indexed else { return Err(NotIndexed) };
            let first = indexed.partition_point(|packed| packed.start_ms < from);
            // More of one schedule than are wanted of all can be left out at once.
            let within = indexed.iter().skip(first).take_while(|packed| packed.start_ms < until).take(limit);
            found.extend(within.map(|packed| (schedule, packed)));
        }
        found.sort_unstable_by_key(|(_, packed)| packed.place());
        found.truncate(limit);
        Ok(found.into_iter().map(|(schedule, packed)| packed.slot(schedule)).collect())
    }
}

/// A UUID in lower case with hyphens as two numbers; `None` for anything else, so that the text comes back as it was.
fn halves(text: &str) -> Option<[u64; 2]> {
    let mut digits = 0_u32;
    let mut halves = [0_u64; 2];
    for (at, byte) in text.bytes().enumerate() {
        let digit = match byte {
            b'-' if matches!(at, 8 | 13 | 18 | 23) => continue,
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        let half = if digits < 16 { halves.first_mut() } else { halves.last_mut() }?;
        *half = *half << 4 | u64::from(digit);
        digits += 1;
    }
    (digits == 32 && text.len() == 36).then_some(halves)
}

fn text_of([high, low]: [u64; 2]) -> String {
    let mut text = String::with_capacity(36);
    for at in 0..32_u32 {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        let half = if at < 16 { high } else { low };
        // Four bits are always a digit.
        text.extend(u32::try_from(half >> (60 - at % 16 * 4) & 0xf).ok().and_then(|digit| char::from_digit(digit, 16)));
    }
    text
}

#[cfg(test)]
mod tests;
