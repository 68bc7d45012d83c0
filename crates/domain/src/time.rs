//! Instants, ranges of them, and what a text means in time.
//!
//! An instant is UTC milliseconds; every comparison is between instants, never between texts. A local day
//! or hour is computed in a zone, because a local day may have 23 or 25 hours.
//!
//! Pitfall: a partial date is a *range* (STU3 search, "date"), and a text without zone is London time.

use chrono::{DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The zone of a text without one, and of schedules by default (docs/contract.md#names-ids-time).
pub const LONDON: Tz = chrono_tz::Europe::London;

/// Milliseconds in a minute.
pub const MINUTE_MS: i64 = 60_000;
/// Milliseconds in 24 hours; not the length of every local day.
pub const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// A point in time, in milliseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant so many milliseconds after 1970 began in UTC.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }
    /// Milliseconds since 1970 began in UTC.
    pub const fn ms(self) -> i64 {
        self.0
    }
    /// The instant `ms` later (earlier when negative).
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
    /// As the server writes every instant: `2026-02-11T09:30:00.000+00:00`.
    pub fn to_fhir(self) -> String {
        self.utc().to_rfc3339_opts(SecondsFormat::Millis, false)
    }
    /// As HTTP writes dates: `Wed, 11 Feb 2026 09:30:00 GMT`.
    pub fn to_http(self) -> String {
        self.utc().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }
    /// The local date and time of this instant in `zone`.
    pub fn local(self, zone: Tz) -> NaiveDateTime {
        self.utc().with_timezone(&zone).naive_local()
    }
    /// A FHIR `instant` (or a `dateTime` with time and zone): the zone is demanded.
    pub fn parse(text: &str) -> Option<Self> {
        // chrono is laxer than FHIR (it takes a space for the T), so the fixed positions are checked first.
        let shape = text.as_bytes();
        let fits = shape.get(10) == Some(&b'T') && shape.get(4) == Some(&b'-') && shape.get(16) == Some(&b':');
        if !fits {
            return None;
        }
        DateTime::parse_from_rfc3339(text).ok().map(|at| Self(at.timestamp_millis()))
    }
    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(if self.0 < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC })
    }
}

/// The source of the current time; a port, so that a test can fix it.
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> Timestamp;
}

/// A half-open stretch of time: `from` belongs to it, `until` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// First instant of the stretch.
    pub from: Timestamp,
    /// First instant after it.
    pub until: Timestamp,
}

impl Span {
    /// What a FHIR date or dateTime covers: `2026-02` a month, `2026-02-11` a local day, `…T09:30Z` a
    /// minute, a full instant the millisecond or second it names. Without zone it is local to `zone`.
    ///
    /// A `+` that arrived as a space is understood. `None` when the text is no date.
    pub fn of_date(text: &str, zone: Tz) -> Option<Self> {
        let text = text.trim_end();
        if let Some(day) = text.get(..10).filter(|_| text.len() > 10).and_then(parse_day) {
            return Self::of_time(day, text.get(11..)?, text.get(10..11)?, zone);
        }
        let (first, next) = match text.len() {
            4 => {
                let first = parse_day(&format!("{text}-01-01"))?;
                (first, first.checked_add_months(Months::new(12))?)
            }
            7 => {
                let first = parse_day(&format!("{text}-01"))?;
                (first, first.checked_add_months(Months::new(1))?)
            }
            10 => {
                let day = parse_day(text)?;
                (day, day.checked_add_days(Days::new(1))?)
            }
            _ => return None,
        };
        Some(Self { from: day_start(first, zone), until: day_start(next, zone) })
    }

    fn of_time(day: NaiveDate, rest: &str, separator: &str, zone: Tz) -> Option<Self> {
        if separator != "T" {
            return None;
        }
        let split = rest.find(['Z', '+', '-', ' ']).unwrap_or(rest.len());
        let (clock, offset) = rest.split_at_checked(split)?;
        let (time, length_ms) = match clock.len() {
            5 => (NaiveTime::parse_from_str(clock, "%H:%M").ok()?, MINUTE_MS),
            8 => (NaiveTime::parse_from_str(clock, "%H:%M:%S").ok()?, 1000),
            10.. => (NaiveTime::parse_from_str(clock, "%H:%M:%S%.f").ok()?, 1),
            _ => return None,
        };
        let from = match offset {
            "" => local_instant(day.and_time(time), zone),
            "Z" => Timestamp(day.and_time(time).and_utc().timestamp_millis()),
            // An unencoded `+` in a query string arrives as a space (docs/specification/uec.md#a6-slot-search).
            offset => Timestamp::parse(&format!("{day}T{}{}", time.format("%H:%M:%S%.f"), offset.replace(' ', "+")))?,
        };
        Some(Self { from, until: from.plus_ms(length_ms) })
    }

    /// The local day `day` in `zone`: 23, 24 or 25 hours.
    pub fn of_day(day: NaiveDate, zone: Tz) -> Self {
        let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
        Self { from: day_start(day, zone), until: day_start(next, zone) }
    }

    /// True when `at` lies in this stretch.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
    /// Length in milliseconds; negative when reversed.
    pub fn length_ms(&self) -> i64 {
        self.until.ms().saturating_sub(self.from.ms())
    }
}

/// `2026-02-11` and nothing laxer.
pub fn parse_day(text: &str) -> Option<NaiveDate> {
    let fits = text.len() == 10 && text.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    let day = fits.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())??;
    (day.year() >= 1).then_some(day)
}

/// The first instant of a local day.
pub fn day_start(day: NaiveDate, zone: Tz) -> Timestamp {
    local_instant(day.and_time(NaiveTime::MIN), zone)
}

/// The instant of a local time. Where the clocks went back and it happens twice, the first; where they went
/// forward and it never happens, the instant the gap ends.
pub fn local_instant(local: NaiveDateTime, zone: Tz) -> Timestamp {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Timestamp(at.timestamp_millis()),
        LocalResult::None => {
            // Every gap on record is shorter than a day and ends on a whole minute.
            let after = (1..=24 * 60).find_map(|minutes| {
                let later = local.checked_add_signed(TimeDelta::minutes(minutes))?;
                zone.from_local_datetime(&later).earliest()
            });
            Timestamp(after.map_or(local.and_utc().timestamp_millis(), |at| at.timestamp_millis()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(text: &str) -> Option<(String, String)> {
        Span::of_date(text, LONDON).map(|span| (span.from.to_fhir(), span.until.to_fhir()))
    }

    fn pair(from: &str, until: &str) -> Option<(String, String)> {
        Some((format!("{from}+00:00"), format!("{until}+00:00")))
    }

    #[test]
    fn a_partial_date_is_its_whole_range_in_london() {
        assert_eq!(span("2026"), pair("2026-01-01T00:00:00.000", "2027-01-01T00:00:00.000"));
        assert_eq!(span("2026-07"), pair("2026-06-30T23:00:00.000", "2026-07-31T23:00:00.000"));
        assert_eq!(span("2026-07-01"), pair("2026-06-30T23:00:00.000", "2026-07-01T23:00:00.000"));
        assert_eq!(span("2026-07-01T09:30"), pair("2026-07-01T08:30:00.000", "2026-07-01T08:31:00.000"));
        assert_eq!(span("2026-07-01T09:30Z"), pair("2026-07-01T09:30:00.000", "2026-07-01T09:31:00.000"));
        assert_eq!(span("2026-07-01T09:30:00+01:00"), pair("2026-07-01T08:30:00.000", "2026-07-01T08:30:01.000"));
        assert_eq!(span("2026-07-01T09:30:00.500Z"), pair("2026-07-01T09:30:00.500", "2026-07-01T09:30:00.501"));
    }

    #[test]
    fn a_plus_that_arrived_as_a_space_is_understood() {
        assert_eq!(span("2026-07-01T09:30:00 01:00"), span("2026-07-01T09:30:00+01:00"));
    }

    #[test]
    fn two_days_a_year_are_not_24_hours_long() {
        let hours = |text: &str| Span::of_date(text, LONDON).unwrap().length_ms() / (60 * MINUTE_MS);
        assert_eq!((hours("2026-03-29"), hours("2026-10-25"), hours("2026-06-01")), (23, 25, 24));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        let wrong =
            ["", "26", "2026-13", "2026-02-30", "2026-2-3", "20260203", "2026-02-03T", "2026-02-03 09:00", "2026-02-03T9:00", "é026"];
        for text in wrong.into_iter().chain(["2026-02-03T09:00:00+1", "2026-02-03T25:00Z", "+026-01-01", "2026-02-03T09:00:00.Z", "0000"]) {
            assert_eq!(span(text), None, "{text}");
        }
        for text in ["2026-02-03", "2026-02-03T09:00:00", "2026-02-03 09:00:00Z", "2026-02-03T09:00Z", ""] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_the_server_writes_it_reads_back(ms in 0i64..4_102_444_800_000) {
            let at = Timestamp::from_ms(ms);
            prop_assert_eq!(Timestamp::parse(&at.to_fhir()), Some(at));
            prop_assert_eq!(Span::of_date(&at.to_fhir(), LONDON), Some(Span { from: at, until: at.plus_ms(1) }));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,30}") {
            let _ = Span::of_date(&text, LONDON);
            let _ = Timestamp::parse(&text);
        }
    }
}
