//! Whether the database can be reached, and all that the log says of it when it cannot.
//!
//! Every part of the server notices an outage: readers, the allocator, the index, whoever archives or fills. Each tells it
//! here, and the log gets one line when it begins, one a minute while it lasts, and one when it ends.
//! While it lasts a thread asks for a connection now and then, so that its end is noticed even if nobody else asks.
//! Pitfall: a connection that was cut is no outage. One begins when a new connection cannot be made, or when the database
//! leaves a question unanswered.

use super::conn::{DatabaseUrl, Manager};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often the log repeats that an outage lasts.
const REPEAT_EVERY: Duration = Duration::from_secs(60);
/// An answer this soon after a failure does not end an outage: where some connections can be made and others cannot, the
/// log would be filled with beginnings and ends.
const QUIET: Duration = Duration::from_secs(1);
/// How often it is tried whether the outage is over.
const PROBE_EVERY: Duration = Duration::from_millis(1_100);

/// The outage of one store, if there is one.
#[derive(Debug)]
pub(super) struct Outage {
    url: DatabaseUrl,
    lasts: AtomicBool,
    current: Mutex<Option<Current>>,
}

#[derive(Debug, Clone, Copy)]
struct Current {
    began: Instant,
    last_failure: Instant,
    last_line: Instant,
}

/// What is to be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Begins,
    Lasts(Duration),
    Ended(Duration),
}

impl Outage {
    pub(super) fn of(url: &DatabaseUrl) -> Arc<Self> {
        Arc::new(Self { url: url.clone(), lasts: AtomicBool::new(false), current: Mutex::default() })
    }

    /// True while the database cannot be reached.
    pub(super) fn lasts(&self) -> bool {
        self.lasts.load(Ordering::Acquire)
    }

    /// The database could not be reached.
    pub(super) fn failed(self: &Arc<Self>, cause: &str) {
        let mut current = self.current.lock();
        let line = failed(&mut current, Instant::now());
        self.lasts.store(true, Ordering::Release);
        drop(current);
        match line {
            Some(Line::Begins) => {
                log::error!("the database is out of reach: {cause}");
                let outage = Arc::downgrade(self);
                let probing = std::thread::Builder::new().name("outage".to_owned()).spawn(move || probe(&outage));
                // Without it the next request that is answered ends the outage.
                drop(probing);
            }
            Some(Line::Lasts(time)) => log::error!("the database is still out of reach after {} s: {cause}", time.as_secs()),
            Some(Line::Ended(_)) | None => {}
        }
    }

    /// The database answered. Costs next to nothing while there is no outage.
    pub(super) fn answered(&self) {
        if !self.lasts() {
            return;
        }
        let mut current = self.current.lock();
        if let Some(Line::Ended(time)) = answered(&mut current, Instant::now()) {
            self.lasts.store(false, Ordering::Release);
            log::warn!("the database is reached again; it was out of reach for {:.1} s", time.as_secs_f64());
        }
    }
}

/// Asks for a connection again and again until there is one, or until nobody keeps the store any more.
fn probe(outage: &Weak<Outage>) {
    loop {
        std::thread::sleep(PROBE_EVERY);
        let Some(outage) = outage.upgrade() else { return };
        match Manager::open_there(&outage.url) {
            Ok(_) => outage.answered(),
            Err(error) => outage.failed(&error.to_string()),
        }
        if !outage.lasts() {
            return;
        }
    }
}

fn failed(current: &mut Option<Current>, now: Instant) -> Option<Line> {
    let Some(lasting) = current else {
        *current = Some(Current { began: now, last_failure: now, last_line: now });
        return Some(Line::Begins);
    };
    lasting.last_failure = now;
    if now.saturating_duration_since(lasting.last_line) < REPEAT_EVERY {
        return None;
    }
    lasting.last_line = now;
    Some(Line::Lasts(now.saturating_duration_since(lasting.began)))
}

fn answered(current: &mut Option<Current>, now: Instant) -> Option<Line> {
    let lasting = (*current)?;
    if now.saturating_duration_since(lasting.last_failure) < QUIET {
        return None;
    }
    *current = None;
    Some(Line::Ended(now.saturating_duration_since(lasting.began)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_logged_at_its_begin_each_minute_and_at_its_end() {
        let begin = Instant::now();
        let at = |s: u64| begin + Duration::from_secs(s);
        let mut current = None;
        assert_eq!(answered(&mut current, begin), None);
        let lines: Vec<_> = (0..150).filter_map(|s| failed(&mut current, at(s)).map(|line| (s, line))).collect();
        let lasts = |s| Line::Lasts(Duration::from_secs(s));
        assert_eq!(lines, [(0, Line::Begins), (60, lasts(60)), (120, lasts(120))]);
        assert_eq!(answered(&mut current, at(151)), Some(Line::Ended(Duration::from_secs(151))));
        assert_eq!(answered(&mut current, at(152)), None);
        assert_eq!(failed(&mut current, at(153)), Some(Line::Begins));
    }

    #[test]
    fn an_answer_among_failures_does_not_end_it() {
        let begin = Instant::now();
        let mut current = None;
        let mut lines = Vec::new();
        for half_second in 0..20 {
            let now = begin + Duration::from_millis(500 * half_second);
            lines.extend(if half_second % 2 == 0 { failed(&mut current, now) } else { answered(&mut current, now) });
        }
        assert_eq!(lines, [Line::Begins]);
    }
}
