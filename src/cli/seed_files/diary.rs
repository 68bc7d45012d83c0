//! `diary.toml`: whose time it is, for which services, and when.
//!
//! It turns the text into schedules and working times and judges each on its own; whether the services,
//! people and places exist is for `across`. Pitfall: a schedule with a mistake is
//! still returned as far as it is usable, so that the mistakes between files are found in the same run.

use crate::cli::toml_table::{Mistakes, Placed, Table};
use chrono::Weekday;
use chrono_tz::Tz;
use domain::ids::{NotAnId, ResourceId, ScheduleId, ServiceId};
use domain::rota::{CAPACITY_MAX, ClockTime, DAY_MINUTES, Interval, RotaProblem, Session, WorkingTimes};
use domain::schedule::{Identifier, Schedule};
use domain::slot::Channel;
use domain::time::{LONDON, Timestamp};
use toml::de::DeTable;

/// The most schedules one diary may have.
pub const SCHEDULES_MAX: usize = 2_000;
/// How far ahead slots are made where the diary does not say, in days (docs/contract.md#demo-server).
pub const HORIZON_DAYS: u16 = 14;
/// The furthest ahead slots are made, in days.
pub const HORIZON_DAYS_MAX: u16 = 366;

const ROOT_KEYS: [&str; 2] = ["horizon_days", "schedule"];
const SCHEDULE_KEYS: [&str; 10] = ["id", "identifier", "name", "services", "practitioner", "role", "location", "zone", "active", "session"];
const SESSION_KEYS: [&str; 9] = ["days", "from", "until", "slot_minutes", "capacity", "channel", "blocked", "valid_from", "valid_until"];
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

/// What `days` may say.
const KNOWN_DAYS: &str = "write mon, tue, wed, thu, fri, sat, sun, or all";

/// What a diary says.
#[derive(Debug)]
pub struct Diary {
    /// How far ahead slots are made, in days.
    pub horizon_days: u16,
    /// Its schedules.
    pub entries: Vec<Entry>,
}

/// One schedule of a diary, and where its parts stand.
#[derive(Debug)]
pub struct Entry {
    /// The schedule.
    pub schedule: Schedule,
    /// When it works.
    pub working_times: WorkingTimes,
    /// Where its parts stand in the file.
    pub places: Places,
}

/// Where the parts of a schedule stand, in bytes; the beginning of the schedule where a part is absent.
#[derive(Debug)]
pub struct Places {
    /// The schedule's `id`.
    pub id: usize,
    /// Its `identifier`.
    pub identifier: usize,
    /// Each of its `services`, in their order.
    pub services: Vec<usize>,
    /// Its `practitioner`.
    pub practitioner: usize,
    /// Its `role`.
    pub role: usize,
    /// Its `location`.
    pub location: usize,
}

/// The diary as far as it can be read; what is wrong with it goes into `mistakes`.
pub fn read(text: &str, mistakes: &mut Mistakes) -> Diary {
    let mut diary = Diary { horizon_days: HORIZON_DAYS, entries: Vec::new() };
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What a broken document seems to say would only mislead.
        for error in errors {
            mistakes.add(error.span().map_or(0, |span| span.start), error.message());
        }
        return diary;
    }
    let root = Table::root(&document);
    root.refuse_unknown(&ROOT_KEYS, mistakes);
    if let Some(days) = root.optional_integer("horizon_days", (1, i64::from(HORIZON_DAYS_MAX)), mistakes) {
        diary.horizon_days = days.value;
    }
    let schedules = root.tables("schedule", mistakes);
    if schedules.is_empty() {
        mistakes.add(0, "there is no schedule; write each as [[schedule]]");
    }
    if schedules.len() > SCHEDULES_MAX {
        mistakes.add(0, format!("{} schedules; a diary has at most {SCHEDULES_MAX}", schedules.len()));
    }
    diary.entries.extend(schedules.iter().take(SCHEDULES_MAX).filter_map(|table| entry(table, mistakes)));
    diary
}

fn entry(table: &Table<'_>, mistakes: &mut Mistakes) -> Option<Entry> {
    table.refuse_unknown(&SCHEDULE_KEYS, mistakes);
    let id = table.text("id", mistakes).and_then(|id| schedule_id(&id, mistakes).map(|value| Placed { value, at: id.at }));
    let identifier = identifier(table, mistakes);
    let name = table.text("name", mistakes);
    let services = services(table, mistakes);
    let practitioner = optional_id(table, "practitioner", mistakes);
    let role = optional_id(table, "role", mistakes);
    let location = optional_id(table, "location", mistakes);
    let zone = table.optional_text("zone", mistakes).map_or(Some(LONDON), |zone| parsed_zone(&zone, mistakes));
    let active = table.optional_boolean("active", mistakes).unwrap_or(true);
    let tables = table.tables("session", mistakes);
    if tables.is_empty() {
        mistakes.add(table.at, "the schedule has no working times; write each stretch as [[schedule.session]]");
    }
    let sessions: Vec<Placed<Session>> = tables.iter().filter_map(|t| session(t, mistakes)).collect();
    let (id, identifier, name) = (id?, identifier?, name?);
    let places = Places {
        id: id.at,
        identifier: identifier.at,
        services: services.iter().map(|s| s.at).collect(),
        practitioner: practitioner.as_ref().map_or(table.at, |p| p.at),
        role: role.as_ref().map_or(table.at, |p| p.at),
        location: location.as_ref().map_or(table.at, |p| p.at),
    };
    let zone = zone?;
    let schedule = Schedule {
        id: id.value.clone(),
        identifier: identifier.value,
        name: name.value.to_owned(),
        services: services.into_iter().map(|s| s.value).collect(),
        practitioner: practitioner.map(|p| p.value),
        role: role.map(|p| p.value),
        location: location.map(|p| p.value),
        zone,
        active,
        version: 0,
        updated: Timestamp::from_ms(0),
    };
    let at: Vec<usize> = sessions.iter().map(|s| s.at).collect();
    let working_times = WorkingTimes { schedule: id.value, zone, sessions: sessions.into_iter().map(|s| s.value).collect() };
    check(&working_times, &at, table.at, mistakes);
    Some(Entry { schedule, working_times, places })
}

/// The rules of working times, with the places of the sessions they are broken in.
fn check(times: &WorkingTimes, at: &[usize], schedule_at: usize, mistakes: &mut Mistakes) {
    for problem in times.check() {
        // A session without days has been reported where its days were read.
        if !matches!(problem, RotaProblem::NoDays { .. }) {
            let place = problem.session().and_then(|index| at.get(index)).unwrap_or(&schedule_at);
            mistakes.add(*place, problem.to_string());
        }
    }
}

/// Consumers see a schedule's id, so it is a UUID of version 4 (docs/contract.md#names-ids-time).
fn schedule_id(given: &Placed<&str>, mistakes: &mut Mistakes) -> Option<ScheduleId> {
    let is_uuid = given.value.len() == 36
        && given.value.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        });
    if !is_uuid {
        mistakes.add(given.at, "`id` must be a UUID of version 4 in lower case, as `uuidgen -r` prints");
        return None;
    }
    report(ScheduleId::parse(given.value), given.at, mistakes)
}

fn identifier(table: &Table<'_>, mistakes: &mut Mistakes) -> Option<Placed<Identifier>> {
    let inner = table.table("identifier", mistakes)?;
    inner.refuse_unknown(&["system", "value"], mistakes);
    let system = inner.text("system", mistakes);
    let value = inner.text("value", mistakes);
    let (system, value) = (system?, value?);
    let is_uri = system.value.contains(':') && !system.value.contains(char::is_whitespace);
    if !is_uri {
        mistakes.add(system.at, "`system` must be a URI, such as https://provider.example/Id/diary");
    }
    Some(Placed { value: Identifier { system: system.value.to_owned(), value: value.value.to_owned() }, at: inner.at })
}

fn services(table: &Table<'_>, mistakes: &mut Mistakes) -> Vec<Placed<ServiceId>> {
    let Some(given) = table.texts("services", mistakes) else { return Vec::new() };
    if given.value.is_empty() {
        mistakes.add(given.at, "`services` must name at least one service; the first is the primary one");
    }
    let parse = |s: Placed<&str>| report(ServiceId::parse(s.value), s.at, mistakes).map(|value| Placed { value, at: s.at });
    given.value.into_iter().filter_map(parse).collect()
}

fn optional_id(table: &Table<'_>, key: &str, mistakes: &mut Mistakes) -> Option<Placed<ResourceId>> {
    let given = table.optional_text(key, mistakes)?;
    report(ResourceId::parse(given.value), given.at, mistakes).map(|value| Placed { value, at: given.at })
}

fn parsed_zone(given: &Placed<&str>, mistakes: &mut Mistakes) -> Option<Tz> {
    let zone = given.value.parse();
    if zone.is_err() {
        mistakes.add(given.at, format!("`{}` is no time zone; write it as `Europe/London`", given.value));
    }
    zone.ok()
}

fn report<T>(parsed: Result<T, NotAnId>, at: usize, mistakes: &mut Mistakes) -> Option<T> {
    parsed.map_err(|not_an_id| mistakes.add(at, not_an_id.to_string())).ok()
}

fn session(table: &Table<'_>, mistakes: &mut Mistakes) -> Option<Placed<Session>> {
    table.refuse_unknown(&SESSION_KEYS, mistakes);
    let days = days(table, mistakes);
    let from = clock_time(table, "from", mistakes);
    let until = clock_time(table, "until", mistakes);
    let slot_minutes = table.integer("slot_minutes", (1, i64::from(DAY_MINUTES)), mistakes);
    let capacity = table.optional_integer("capacity", (1, i64::from(CAPACITY_MAX)), mistakes);
    let channel = table.optional_text("channel", mistakes).and_then(|given| {
        let channel = Channel::parse(given.value);
        if channel.is_none() {
            mistakes.add(given.at, format!("`{}` is no channel; it must be In-person, Telephone or Video", given.value));
        }
        channel
    });
    let blocked = table.tables("blocked", mistakes).iter().filter_map(|t| interval(t, mistakes)).collect();
    let valid_from = table.optional_day("valid_from", mistakes);
    let valid_until = table.optional_day("valid_until", mistakes);
    let value = Session {
        days,
        from: from?,
        until: until?,
        slot_minutes: slot_minutes?.value,
        capacity: capacity.map_or(1, |c| c.value),
        channel,
        blocked,
        valid_from,
        valid_until,
    };
    Some(Placed { value, at: table.at })
}

fn interval(table: &Table<'_>, mistakes: &mut Mistakes) -> Option<Interval> {
    table.refuse_unknown(&["from", "until"], mistakes);
    let from = clock_time(table, "from", mistakes);
    let until = clock_time(table, "until", mistakes);
    Some(Interval { from: from?, until: until? })
}

fn clock_time(table: &Table<'_>, key: &str, mistakes: &mut Mistakes) -> Option<ClockTime> {
    let given = table.text(key, mistakes)?;
    let time = ClockTime::parse(given.value);
    if time.is_none() {
        mistakes.add(given.at, format!("`{}` is no time of day; `{key}` must be from \"00:00\" to \"24:00\"", given.value));
    }
    time
}

/// The days named, in the order of the week.
fn days(table: &Table<'_>, mistakes: &mut Mistakes) -> Vec<Weekday> {
    let Some(given) = table.texts("days", mistakes) else { return Vec::new() };
    if given.value.is_empty() {
        mistakes.add(given.at, format!("`days` names no day; {KNOWN_DAYS}"));
    }
    for day in given.value.iter().filter(|day| day.value != "all" && DAYS.iter().all(|(name, _)| *name != day.value)) {
        mistakes.add(day.at, format!("`{}` is no day; {KNOWN_DAYS}", day.value));
    }
    let named = |name: &str| given.value.iter().any(|day| day.value == name || day.value == "all");
    DAYS.into_iter().filter(|(name, _)| named(name)).map(|(_, day)| day).collect()
}
