use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const NOON: i64 = 1_770_000_000_000;
const LIMIT: usize = 12;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_ms(NOON + minute * 60_000)
}

fn schedule(n: u8) -> ScheduleId {
    ScheduleId::stored(format!("schedule-{n}"))
}

/// The slot of a number: always in the same schedule and at the same time, as slots are.
fn slot(n: u8, taken: i32, blocked: bool) -> Slot {
    Slot {
        id: SlotId::stored(format!("{:08x}-0000-4000-8000-{:012x}", u32::from(n).wrapping_mul(2_654_435_761), n)),
        schedule: schedule(n % 4),
        start: at(i64::from(n / 8)),
        end: at(i64::from(n / 8) + 15),
        capacity: 2,
        taken,
        blocked,
        channel: [None, Some(Channel::Video)].into_iter().nth(usize::from(n % 2)).flatten(),
        version: 1,
        updated: at(0),
    }
}

fn shown(slots: &[Slot]) -> Vec<(i64, String, String, i64, Option<Channel>)> {
    let shown = |s: &Slot| (s.start.ms(), s.id.as_str().to_owned(), s.schedule.as_str().to_owned(), s.end.ms(), s.channel);
    slots.iter().map(shown).collect()
}

/// What a search of all slots one by one finds, up to the limit.
fn naive(all: &BTreeMap<u8, Slot>, schedules: Option<&[ScheduleId]>, start: Window, now: Timestamp) -> Vec<Slot> {
    let mut found = everything(all, schedules, start, now);
    found.truncate(LIMIT);
    found
}

fn everything(all: &BTreeMap<u8, Slot>, schedules: Option<&[ScheduleId]>, start: Window, now: Timestamp) -> Vec<Slot> {
    let fits = |slot: &&Slot| {
        slot.taken < slot.capacity
            && !slot.blocked
            && slot.start > now
            && start.contains(slot.start)
            && schedules.is_none_or(|schedules| schedules.contains(&slot.schedule))
    };
    let mut found: Vec<Slot> = all.values().filter(fits).cloned().collect();
    found.sort_by(|a, b| (a.start, a.id.as_str()).cmp(&(b.start, b.id.as_str())));
    found
}

#[derive(Debug, Clone)]
enum Step {
    Change(u8, i32, bool),
    Pass(i64),
    Purge,
    Ask(Option<Vec<u8>>, Option<i64>, Option<i64>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (any::<u8>(), 0..3, prop::bool::weighted(0.1)).prop_map(|(n, taken, blocked)| Step::Change(n, taken, blocked)),
        1 => (0i64..4).prop_map(Step::Pass),
        1 => Just(Step::Purge),
        4 => (
            prop::option::of(prop::collection::btree_set(0u8..5, 0..4).prop_map(|set| set.into_iter().collect())),
            prop::option::of(-2i64..34),
            prop::option::of(-2i64..34)
        )
            .prop_map(|(schedules, from, until)| Step::Ask(schedules, from, until)),
    ]
}

proptest! {
    #[test]
    fn it_finds_what_somebody_who_looks_through_everything_finds(
        laid_out in prop::collection::btree_map(any::<u8>(), (0..3, prop::bool::weighted(0.1)), 0..80),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut all: BTreeMap<u8, Slot> = laid_out.into_iter().map(|(n, (taken, blocked))| (n, slot(n, taken, blocked))).collect();
        let mut now = at(-1);
        let mut index = FreeSlots::new(now);
        // What each schedule showed when it had changed so often, at whatever time.
        let mut known: BTreeMap<(ScheduleId, u64), Vec<Slot>> = BTreeMap::new();
        index.add(all.values().filter(|s| s.taken < s.capacity && !s.blocked).cloned().collect());
        index.sort();
        for step in steps {
            match step {
                Step::Change(n, taken, blocked) => {
                    let changed = slot(n, taken, blocked);
                    index.apply(&changed);
                    all.insert(n, changed);
                }
                Step::Pass(minutes) => now = now.plus_ms(minutes * 60_000),
                Step::Purge => index.purge_begun(now),
                Step::Ask(schedules, from, until) => {
                    let schedules: Option<Vec<ScheduleId>> = schedules.map(|list| list.into_iter().map(schedule).collect());
                    let window = Window { from: from.map(at), until: until.map(at) };
                    let found = index.find(schedules.as_deref(), window, now, LIMIT).unwrap();
                    prop_assert_eq!(shown(&found), shown(&naive(&all, schedules.as_deref(), window, now)));
                    for schedule in schedules.into_iter().flatten() {
                        let shows = everything(&all, Some(std::slice::from_ref(&schedule)), Window::default(), now);
                        let changes = index.changes(&schedule);
                        let earlier = known.entry((schedule, changes)).or_insert_with(|| shows.clone());
                        // Where nothing changed, slots that have begun since are all the difference there is.
                        earlier.retain(|slot| slot.start > now);
                        prop_assert_eq!(shown(&shows), shown(earlier));
                    }
                }
            }
        }
    }

    #[test]
    fn an_id_comes_back_as_it_was_or_is_not_held(text in "[0-9a-fA-F-]{30,40}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}") {
        if let Some(halves) = halves(&text) {
            prop_assert_eq!(text_of(halves), text);
        }
    }

    #[test]
    fn ids_are_in_the_order_of_their_texts(a in any::<[u64; 2]>(), b in any::<[u64; 2]>()) {
        prop_assert_eq!(a.cmp(&b), text_of(a).cmp(&text_of(b)));
        prop_assert_eq!(halves(&text_of(a)), Some(a));
    }
}

#[test]
fn a_slot_takes_32_bytes() {
    assert_eq!(size_of::<PackedSlot>(), 32);
}

#[test]
fn a_schedule_whose_id_is_no_uuid_is_not_indexed() {
    let mut index = FreeSlots::new(at(-1));
    let named = Slot { id: SlotId::stored("by-hand".to_owned()), ..slot(9, 0, false) };
    index.add(vec![slot(8, 0, false), slot(1, 0, false), slot(9, 0, false)]);
    index.sort();
    assert_eq!(index.find(None, Window::default(), at(0), LIMIT).unwrap().len(), 2, "one begins at noon");
    index.apply(&Slot { taken: 2, ..named.clone() });
    assert_eq!(index.find(None, Window::default(), at(0), LIMIT).unwrap().len(), 2, "what is not free need not be packed");
    let before = index.changes(&schedule(1));
    index.apply(&named);
    assert_ne!(index.changes(&schedule(1)), before, "what was read from the schedule is out of date");
    assert_eq!(index.find(None, Window::default(), at(0), LIMIT), Err(NotIndexed));
    assert_eq!(index.find(Some(&[schedule(1)]), Window::default(), at(0), LIMIT), Err(NotIndexed));
    assert_eq!(index.find(Some(&[schedule(0)]), Window::default(), at(0), LIMIT).unwrap().len(), 1);
}

#[test]
fn nothing_is_answered_for_a_time_before_what_was_forgotten() {
    let mut index = FreeSlots::new(at(-1));
    index.add(vec![slot(8, 0, false)]);
    index.sort();
    index.purge_begun(at(5));
    assert_eq!(index.find(None, Window::default(), at(0), LIMIT), Err(NotIndexed));
    assert_eq!(index.find(None, Window::default(), at(5), LIMIT), Ok(Vec::new()));
    assert_eq!(index.len(), 0);
}
