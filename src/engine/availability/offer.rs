//! What is on offer, by schedule and start: the slots that are free and have not begun, and nothing else of them.
//!
//! A plain value that knows neither database nor threads. What a reader would get wrong: a slot that has begun is left
//! in its place until [`Offer::forget_begun`], and an answer leaves it out by the time of the answer; and only ids that
//! are UUIDs are held (in 16 bytes), so a schedule with any other id on offer is not held at all.

use domain::ids::{ScheduleId, SlotId};
use domain::search::Window;
use domain::slot::{Channel, Slot};
use domain::time::Timestamp;
use std::collections::HashMap;

/// The answer cannot be had from what is held; the database knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) struct NotHeld;

/// One slot on offer: 32 bytes, because there may be ten million. The order of the fields is that of answers: by start,
/// then by id, whose text and bytes are in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    start_ms: i64,
    id: [u64; 2],
    length_ms: u32,
    channel: Option<Channel>,
}

impl Held {
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
        Slot::on_offer(SlotId::stored(text_of(self.id)), schedule.clone(), start, end, self.channel)
    }
}

/// What is held of one schedule.
#[derive(Debug, Clone)]
enum Line {
    /// What it has on offer.
    Held(Slots),
    /// It has had a slot that cannot be held.
    NotHeld,
}

/// The slots of a schedule on offer, in order.
#[derive(Debug, Clone, Default)]
struct Slots {
    held: Vec<Held>,
    /// How often any of them came, went or changed, but for those that have begun.
    changes: u64,
}

/// Everything on offer.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Offer {
    lines: HashMap<ScheduleId, Line>,
    /// Slots that had begun by then are forgotten: nothing is known of what was free before.
    since: Timestamp,
}

impl Offer {
    /// An empty offer from `since` on, to be filled with [`Offer::add`] and then [`Offer::sort`].
    pub(in crate::engine) fn new(since: Timestamp) -> Self {
        Self { lines: HashMap::new(), since }
    }

    /// Adds slots in any order, none twice, all of them on offer.
    pub(in crate::engine) fn add(&mut self, slots: Vec<Slot>) {
        for slot in slots {
            match (self.lines.get_mut(&slot.schedule), Held::of(&slot)) {
                (Some(Line::Held(line)), Some(held)) => line.held.push(held),
                // A schedule of which nothing was held counts as never changed.
                (None, Some(held)) => drop(self.lines.insert(slot.schedule, Line::Held(Slots { held: vec![held], changes: 1 }))),
                (_, None) => drop(self.lines.insert(slot.schedule, Line::NotHeld)),
                (Some(Line::NotHeld), _) => {}
            }
        }
    }

    /// Puts what was added into order.
    pub(in crate::engine) fn sort(&mut self) {
        for line in self.lines.values_mut() {
            if let Line::Held(line) = line {
                line.held.sort_unstable_by_key(Held::place);
                line.held.shrink_to_fit();
            }
        }
    }

    /// How many slots are held.
    pub(in crate::engine) fn len(&self) -> usize {
        self.lines.values().map(|line| if let Line::Held(line) = line { line.held.len() } else { 0 }).sum()
    }

    /// Takes note of a slot as it is now. Its schedule and start are those it always had.
    pub(in crate::engine) fn apply(&mut self, slot: &Slot) {
        let open = slot.taken < slot.capacity && !slot.blocked && slot.start > self.since;
        let line = match self.lines.get_mut(&slot.schedule) {
            Some(Line::Held(line)) => line,
            Some(Line::NotHeld) => return,
            None if !open => return,
            None => return self.add(vec![slot.clone()]),
        };
        let Some(held) = Held::of(slot) else {
            if open {
                self.lines.insert(slot.schedule.clone(), Line::NotHeld);
            }
            return;
        };
        line.changes += 1;
        let slots = &mut line.held;
        match (slots.binary_search_by_key(&held.place(), Held::place), open) {
            (Ok(at), true) => {
                if let Some(known) = slots.get_mut(at) {
                    *known = held;
                }
            }
            (Ok(at), false) => drop(slots.remove(at)),
            (Err(at), true) => slots.insert(at, held),
            (Err(_), false) => {}
        }
    }

    /// How often what is held of a schedule has changed: while that stays the same, only time changes what is found of it.
    pub(in crate::engine) fn changes(&self, schedule: &ScheduleId) -> u64 {
        match self.lines.get(schedule) {
            Some(Line::Held(line)) => line.changes,
            // Nothing ever rests on what is not held.
            Some(Line::NotHeld) => u64::MAX,
            None => 0,
        }
    }

    /// Forgets slots that have begun. From then on nothing is answered for an earlier time.
    pub(in crate::engine) fn forget_begun(&mut self, now: Timestamp) {
        if now <= self.since {
            return;
        }
        self.since = now;
        for line in self.lines.values_mut() {
            if let Line::Held(line) = line {
                line.held.drain(..line.held.partition_point(|held| held.start_ms <= now.ms()));
            }
        }
    }

    /// Since when slots that begin are forgotten.
    pub(in crate::engine) const fn since(&self) -> Timestamp {
        self.since
    }

    /// The slots on offer at `now` that begin within `start`, of `schedules` (of all, when `None`; none named twice),
    /// by start and id, at most `limit`. Of each only id, schedule, start, end and channel are known.
    pub(in crate::engine) fn find(
        &self,
        schedules: Option<&[ScheduleId]>,
        start: Window,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Slot>, NotHeld> {
        if now < self.since {
            return Err(NotHeld);
        }
        let from = start.from.map_or(i64::MIN, Timestamp::ms).max(now.ms().saturating_add(1));
        let until = start.until.map_or(i64::MAX, Timestamp::ms);
        let lines: Box<dyn Iterator<Item = (&ScheduleId, &Line)>> = match schedules {
            Some(schedules) => Box::new(schedules.iter().filter_map(|id| self.lines.get_key_value(id))),
            None => Box::new(self.lines.iter()),
        };
        let mut found: Vec<(&ScheduleId, &Held)> = Vec::new();
        for (schedule, line) in lines {
            let Line::Held(Slots { held: line, .. }) = line else { return Err(NotHeld) };
            let first = line.partition_point(|held| held.start_ms < from);
            // More of one schedule than are wanted of all can be left out at once.
            let within = line.iter().skip(first).take_while(|held| held.start_ms < until).take(limit);
            found.extend(within.map(|held| (schedule, held)));
        }
        found.sort_unstable_by_key(|(_, held)| held.place());
        found.truncate(limit);
        Ok(found.into_iter().map(|(schedule, held)| held.slot(schedule)).collect())
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
