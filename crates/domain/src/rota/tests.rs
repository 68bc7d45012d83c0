use super::*;
use crate::time::{LONDON, MINUTE_MS, Span};
use chrono::{Datelike, NaiveTime, TimeDelta, Timelike};
use proptest::prelude::*;

const WEEK: [Weekday; 7] = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

fn time(text: &str) -> ClockTime {
    ClockTime::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn session(from: &str, until: &str, slot_minutes: u16) -> Session {
    Session {
        days: WEEK.to_vec(),
        from: time(from),
        until: time(until),
        slot_minutes,
        capacity: 1,
        channel: None,
        blocked: Vec::new(),
        valid_from: None,
        valid_until: None,
    }
}

fn times(sessions: Vec<Session>) -> WorkingTimes {
    WorkingTimes { schedule: ScheduleId::parse("diary-1").unwrap(), zone: LONDON, sessions }
}

/// The local starts of the slots of a day, with the offset where a local time may be shown twice.
fn starts(times: &WorkingTimes, on: &str) -> Vec<String> {
    times.slots_of_day(day(on)).iter().map(|s| s.start.local(LONDON).format("%H:%M").to_string()).collect()
}

#[test]
fn a_clock_time_is_read_strictly() {
    for good in ["00:00", "08:05", "23:59", "24:00"] {
        assert_eq!(time(good).to_string(), good);
    }
    for bad in ["8:00", "08:60", "24:01", "25:00", "0800", "08:00:00", "+8:00", "", "08:0x"] {
        assert_eq!(ClockTime::parse(bad), None, "{bad}");
    }
}

#[test]
fn an_ordinary_day_is_cut_into_slots_without_the_remainder() {
    let times = times(vec![session("08:00", "09:10", 20)]);
    assert!(times.check().is_empty());
    assert_eq!(starts(&times, "2026-06-10"), ["08:00", "08:20", "08:40"]);
    let slots = times.slots_of_day(day("2026-06-10"));
    assert_eq!(slots[0].start.to_fhir(), "2026-06-10T07:00:00.000+00:00", "08:00 in June is 07:00 in UTC");
    assert_eq!(slots[0].end, slots[1].start);
}

#[test]
fn a_session_runs_on_its_days_within_its_validity_only() {
    let mut monday = session("08:00", "09:00", 60);
    monday.days = vec![Weekday::Mon];
    monday.valid_from = Some(day("2026-06-08"));
    monday.valid_until = Some(day("2026-06-15"));
    let times = times(vec![monday]);
    for (on, count) in [("2026-06-01", 0), ("2026-06-08", 1), ("2026-06-09", 0), ("2026-06-15", 1), ("2026-06-22", 0)] {
        assert_eq!(times.slots_of_day(day(on)).len(), count, "{on}");
    }
}

#[test]
fn a_night_session_belongs_to_the_day_it_begins_on() {
    let mut night = session("18:30", "02:00", 30);
    night.days = vec![Weekday::Fri];
    let times = times(vec![night]);
    let slots = times.slots_of_day(day("2026-06-12"));
    assert_eq!(slots.len(), 15);
    assert_eq!(slots.last().unwrap().end.local(LONDON).to_string(), "2026-06-13 02:00:00");
    assert!(times.slots_of_day(day("2026-06-13")).is_empty());
}

#[test]
fn slots_that_touch_a_blocked_interval_are_blocked() {
    let mut night = session("22:00", "02:00", 30);
    night.blocked = vec![Interval { from: time("23:45"), until: time("00:15") }];
    let times = times(vec![night]);
    assert!(times.check().is_empty());
    let blocked: Vec<bool> = times.slots_of_day(day("2026-06-12")).iter().map(|s| s.blocked).collect();
    assert_eq!(blocked, [false, false, false, true, true, false, false, false]);
}

#[test]
fn the_hour_the_clocks_skip_has_no_slots_and_nothing_else_moves() {
    let times = times(vec![session("00:00", "04:00", 20)]);
    // 2026-03-29: 01:00 GMT becomes 02:00 BST.
    assert_eq!(starts(&times, "2026-03-29"), ["00:00", "00:20", "00:40", "02:00", "02:20", "02:40", "03:00", "03:20", "03:40"]);
    let slots = times.slots_of_day(day("2026-03-29"));
    assert_eq!(slots[2].end, slots[3].start, "00:40 ends as the clock jumps");
}

#[test]
fn a_slot_that_runs_into_the_skipped_hour_is_left_out() {
    let times = times(vec![session("00:00", "04:00", 40)]);
    assert_eq!(starts(&times, "2026-03-29"), ["00:00", "02:00", "02:40", "03:20"]);
}

#[test]
fn the_hour_the_clocks_repeat_has_its_slots_twice() {
    let times = times(vec![session("00:00", "04:00", 30)]);
    // 2026-10-25: 02:00 BST becomes 01:00 GMT.
    assert_eq!(starts(&times, "2026-10-25"), ["00:00", "00:30", "01:00", "01:30", "01:00", "01:30", "02:00", "02:30", "03:00", "03:30"]);
    let slots = times.slots_of_day(day("2026-10-25"));
    assert!(slots.windows(2).all(|w| w[0].end == w[1].start), "real time is covered without a gap");
    assert_eq!(slots.last().unwrap().end.ms() - slots[0].start.ms(), 5 * 60 * MINUTE_MS);
}

#[test]
fn the_repeated_hour_makes_no_room_for_an_extra_slot() {
    // 01:40 does not fit on other nights; that it would last from 01:40 to the second 01:10 changes nothing.
    let times = times(vec![session("00:00", "02:00", 50)]);
    assert_eq!(starts(&times, "2026-10-24"), ["00:00", "00:50"]);
    assert_eq!(starts(&times, "2026-10-25"), ["00:00", "00:50"]);
}

#[test]
fn morning_hours_keep_their_local_time_all_year() {
    let times = times(vec![session("09:00", "10:00", 30)]);
    for change in ["2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31"] {
        for offset in -1..=1 {
            let on = day(change) + TimeDelta::days(offset);
            assert_eq!(starts(&times, &on.to_string()), ["09:00", "09:30"], "{on}");
        }
    }
}

#[test]
fn every_mistake_is_named_with_its_session() {
    let mut bad = session("08:00", "08:00", 0);
    bad.days = Vec::new();
    bad.capacity = 0;
    bad.valid_from = Some(day("2026-06-02"));
    bad.valid_until = Some(day("2026-06-01"));
    let mut blocked = session("09:00", "12:00", 30);
    blocked.capacity = CAPACITY_MAX + 1;
    blocked.blocked = ["08:30-09:30", "11:30-12:30", "10:00-10:00", "11:00-10:00"]
        .map(|t| t.split_once('-').map(|(from, until)| Interval { from: time(from), until: time(until) }).unwrap())
        .to_vec();
    let tiny = session("20:00", "20:10", 15);
    let long = session("13:00", "14:00", DAY_MINUTES + 1);
    let found = times(vec![bad, blocked, tiny, long]).check();
    let count = |session: usize| found.iter().filter(|p| p.session() == Some(session)).count();
    assert_eq!((count(0), count(1), count(2), count(3)), (5, 5, 1, 1), "{found:#?}");
    let text = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for part in
        ["names no day", "from 00:00 until 24:00", "1 to 1440", "1 to 1000", "blocked from 08:30 until 09:30", "no slot of 15 minutes"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn sessions_of_one_schedule_may_touch_but_not_overlap() {
    let overlapping = |a: Session, b: Session| times(vec![a, b]).check().iter().any(|p| matches!(p, RotaProblem::Overlap { .. }));
    assert!(!overlapping(session("08:00", "12:00", 15), session("12:00", "18:00", 15)));
    assert!(overlapping(session("08:00", "12:01", 15), session("12:00", "18:00", 15)));
    let on = |days: &[Weekday], mut s: Session| {
        s.days = days.to_vec();
        s
    };
    // Sunday night reaches into Monday morning, over the end of the week.
    let sunday_night = on(&[Weekday::Sun], session("20:00", "08:00", 30));
    assert!(overlapping(sunday_night.clone(), on(&[Weekday::Mon], session("07:30", "09:00", 30))));
    assert!(!overlapping(sunday_night.clone(), on(&[Weekday::Mon], session("08:00", "09:00", 30))));
    assert!(!overlapping(sunday_night, on(&[Weekday::Sun], session("07:30", "09:00", 30))));
}

#[test]
fn sessions_overlap_only_if_there_is_a_date_on_which_they_do() {
    let valid = |from: Option<&str>, until: Option<&str>| Session {
        valid_from: from.map(day),
        valid_until: until.map(day),
        days: vec![Weekday::Mon],
        ..session("22:00", "06:00", 30)
    };
    let tuesday = |from: &str| Session { valid_from: Some(day(from)), days: vec![Weekday::Tue], ..session("00:00", "06:00", 30) };
    let overlapping = |a: Session, b: Session| times(vec![a, b]).check().iter().any(|p| matches!(p, RotaProblem::Overlap { .. }));
    assert!(!overlapping(valid(None, Some("2026-05-31")), valid(Some("2026-06-01"), None)));
    assert!(overlapping(valid(None, Some("2026-06-01")), valid(Some("2026-06-01"), None)), "1 June 2026 is a Monday");
    assert!(!overlapping(valid(None, Some("2026-06-06")), valid(Some("2026-06-02"), None)), "no Monday from the 2nd to the 6th");
    // The last Monday night, 1 June, reaches into Tuesday 2 June.
    assert!(overlapping(valid(None, Some("2026-06-01")), tuesday("2026-06-02")));
    assert!(!overlapping(valid(None, Some("2026-06-01")), tuesday("2026-06-03")));
}

#[test]
fn more_slots_a_day_than_allowed_are_refused_and_never_made() {
    let mut monday = vec![session("00:00", "12:00", 1), session("12:00", "11:59", 1)];
    monday.iter_mut().for_each(|s| s.days = vec![Weekday::Mon]);
    let full = times(monday);
    assert!(matches!(full.check().as_slice(), [RotaProblem::TooManySlots { day: Weekday::Mon, given: 2219, .. }]), "{:?}", full.check());
    assert_eq!(full.slots_of_day(day("2026-06-08")).len(), SLOTS_OF_DAY_MAX);
    let minutes = times(vec![session("00:00", "24:00", 1)]);
    assert!(minutes.check().is_empty());
    assert_eq!(minutes.slots_of_day(day("2026-10-25")).len(), 1500);
    let too_many = times(vec![session("08:00", "09:00", 60); SESSIONS_MAX + 1]);
    assert_eq!(too_many.check(), [RotaProblem::TooManySessions { given: SESSIONS_MAX + 1 }]);
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    // Half of the days lie at a clock change, which is where things go wrong.
    let changes = prop::sample::select(vec!["2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31"]);
    prop_oneof![
        (changes, -1_i64..=1).prop_map(|(on, offset)| day(on) + TimeDelta::days(offset)),
        (0_i64..730).prop_map(|offset| day("2026-01-01") + TimeDelta::days(offset)),
    ]
}

fn any_session() -> impl Strategy<Value = Session> {
    (0_u16..DAY_MINUTES, 1_u16..=DAY_MINUTES, 1_u16..=200, prop::sample::subsequence(WEEK.to_vec(), 1..=7)).prop_map(
        |(from, length, slot_minutes, days)| Session {
            days,
            from: ClockTime(from),
            until: ClockTime(if from + length <= DAY_MINUTES { from + length } else { from + length - DAY_MINUTES }),
            ..session("00:00", "24:00", slot_minutes)
        },
    )
}

fn checked_times() -> impl Strategy<Value = WorkingTimes> {
    prop::collection::vec(any_session(), 1..6).prop_map(|sessions| {
        let mut kept = times(Vec::new());
        for session in sessions {
            kept.sessions.push(session);
            if !kept.check().is_empty() {
                kept.sessions.pop();
            }
        }
        kept
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn neighbouring_days_never_overlap_and_slots_keep_their_length(times in checked_times(), on in any_day()) {
        let mut slots = Vec::new();
        for offset in -1..=1 {
            let of_day = times.slots_of_day(on + TimeDelta::days(offset));
            prop_assert!(of_day.len() <= SLOTS_OF_DAY_MAX);
            slots.extend(of_day);
        }
        slots.sort_by_key(|s| s.start);
        prop_assert!(slots.windows(2).all(|w| w[0].end <= w[1].start));
        let lengths: Vec<i64> = times.sessions.iter().map(|s| i64::from(s.slot_minutes) * MINUTE_MS).collect();
        prop_assert!(slots.iter().all(|s| lengths.contains(&(s.end.ms() - s.start.ms()))));
    }

    #[test]
    fn slots_lie_inside_the_session(session in any_session(), on in any_day()) {
        let span = Span::of_day(on, LONDON);
        let times = times(vec![Session { days: WEEK.to_vec(), ..session.clone() }]);
        for slot in times.slots_of_day(on) {
            let local = slot.start.local(LONDON);
            let minute = u16::try_from(local.time().num_seconds_from_midnight() / 60).unwrap();
            let offset = (minute + DAY_MINUTES - session.from.minutes()) % DAY_MINUTES;
            prop_assert!(offset.is_multiple_of(session.slot_minutes), "on the grid");
            prop_assert!(offset + session.slot_minutes <= session.length_minutes(), "inside on the local clock");
            prop_assert!(slot.start >= span.from && slot.end.ms() <= span.until.plus_ms(24 * 60 * MINUTE_MS).ms());
        }
    }

    #[test]
    fn without_a_clock_change_every_place_of_the_grid_has_its_slot(session in any_session(), on in any_day()) {
        let far = |at: NaiveDate| (-1..=1).all(|offset| Span::of_day(at + TimeDelta::days(offset), LONDON).length_ms() == 24 * 60 * MINUTE_MS);
        prop_assume!(far(on));
        let times = times(vec![Session { days: WEEK.to_vec(), ..session.clone() }]);
        let expected = usize::from(session.length_minutes() / session.slot_minutes);
        prop_assert_eq!(times.slots_of_day(on).len(), expected);
    }

    /// The short day loses exactly the slots that touch the missing hour, the long day loses none.
    #[test]
    fn a_clock_change_costs_only_what_touches_the_missing_hour(
        session in any_session(),
        on in prop::sample::select(vec!["2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31"]),
    ) {
        let on = day(on);
        let spring = on.month() == 3;
        let times = times(vec![Session { days: WEEK.to_vec(), ..session.clone() }]);
        let found: std::collections::HashSet<_> = times.slots_of_day(on).iter().map(|s| s.start.local(LONDON)).collect();
        let begin = on.and_time(NaiveTime::MIN) + TimeDelta::minutes(i64::from(session.from.minutes()));
        let (gap_from, gap_until) = (on.and_hms_opt(1, 0, 0).unwrap(), on.and_hms_opt(2, 0, 0).unwrap());
        let slot = TimeDelta::minutes(i64::from(session.slot_minutes));
        let session_end = begin + TimeDelta::minutes(i64::from(session.length_minutes()));
        let mut start = begin;
        while start + slot <= session_end {
            let touches_gap = start < gap_until && start + slot > gap_from;
            // In autumn a session that ends in the repeated hour ends when that time is first shown.
            prop_assert_eq!(found.contains(&start), !(spring && touches_gap), "{}", start);
            start += slot;
        }
    }
}
