//! The window of a slot search: never longer than the server searches at once, never in the past.
//!
//! Pitfall: the length is measured after the lower bound has been raised to now, where only free slots are wanted;
//! `ge2010-01-01` with an upper bound of tomorrow is a short window then. And it is counted in local days: 31 days
//! across the end of summer time are 31 days and an hour.

use chrono::Days;

use super::parameters::reversed;
use domain::fault::{Fault, ParameterFault};
use domain::search::Window;
use domain::time::{DAY_MS, LONDON, MINUTE_MS, Timestamp, local_instant};

/// The names of the parameters in faults.
const NAME: &str = "start";
const END: &str = "end";

/// What limits the window, besides its bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Only free slots are wanted, which never lie in the past.
    pub(crate) free_only: bool,
    /// Slots are named by id, which bounds the answer without any window.
    pub(crate) by_id: bool,
    /// The longest window, in days.
    pub(crate) days_max: i64,
}

/// The window to search, from the ones that were given (docs/contract.md#limits, and the rows on windows: #statuses).
///
/// `end` is the window of the slots' ends, open where that parameter means nothing. A slot begins before it
/// ends, so an upper bound of the one bounds the other.
pub(crate) fn settled(start: Window, end: Window, limits: Limits, now: Timestamp) -> Result<Window, Fault> {
    if end.until.is_some_and(|until| until <= now) {
        return Err(Fault::Parameter(ParameterFault::WindowPast { name: END }));
    }
    if reversed(&end) {
        return Err(Fault::Parameter(ParameterFault::WindowReversed { name: END }));
    }
    let until = match (start.until, end.until) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let asked = Window { until, ..start };
    if asked.until.is_some_and(|until| until <= now) {
        return Err(Fault::Parameter(ParameterFault::WindowPast { name: NAME }));
    }
    if reversed(&asked) {
        return Err(Fault::Parameter(ParameterFault::WindowReversed { name: NAME }));
    }
    if limits.by_id {
        return Ok(asked);
    }
    let from = asked.from.map_or(now, |from| if limits.free_only { from.max(now) } else { from });
    let latest = days_after(from, limits.days_max);
    let until = match asked.until {
        None => latest,
        // An upper bound of `le` includes the second or minute it names, which must not make 31 days too many.
        Some(until) if until > latest.plus_ms(MINUTE_MS) => {
            return Err(Fault::Parameter(ParameterFault::WindowTooLong { name: NAME, limit_days: limits.days_max }));
        }
        Some(until) => until,
    };
    Ok(Window { from: Some(from), until: Some(until) })
}

/// The same local time so many days later, and never less than so many times 24 hours.
fn days_after(from: Timestamp, days: i64) -> Timestamp {
    let hours = from.plus_ms(days.saturating_mul(DAY_MS));
    let later = u64::try_from(days).ok().and_then(|days| from.local(LONDON).checked_add_days(Days::new(days)));
    later.map_or(hours, |local| local_instant(local, LONDON).max(hours))
}
