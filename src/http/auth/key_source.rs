//! Where a key set comes from, kept and renewed: when it is asked for again, and what counts meanwhile.
//!
//! It decides when, not how: fetching is a port ([`Fetch`]), and the present is passed in. Whoever
//! meets an unknown key waits for *one* fetch that all share, and within [`ASK_AGAIN_MS`] of the last
//! there is no other, so that invented key ids cost the token server nothing. A fetch that fails changes nothing.

use super::key_set::KeySet;
use actix_web::rt;
use domain::time::Timestamp;
use futures_util::future::LocalBoxFuture;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Between two fetches of one set, at least, in milliseconds. Also how soon a failed one is tried again.
pub const ASK_AGAIN_MS: i64 = 30_000;
/// How long a set is kept before it is fetched again where the server does not say, in milliseconds.
const FRESH_MS: i64 = 10 * 60_000;
/// What a server may say of it, in milliseconds.
const FRESH_MS_LEAST: i64 = 60_000;
const FRESH_MS_MOST: i64 = 60 * 60_000;
/// How long a set that cannot be renewed is believed, in milliseconds: a day.
pub const STALE_MS: i64 = 24 * 60 * 60_000;
/// How long a request waits for a fetch; a fetch gives up before.
const WAIT: Duration = Duration::from_secs(4);

/// A key set as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The document.
    pub text: Vec<u8>,
    /// How long it is good for, in seconds, where the server says so.
    pub fresh_s: Option<i64>,
}

/// A way to get a key set. It must end by itself, within a few seconds.
pub trait Fetch: Send + Sync {
    /// Gets it, or says on one line why not.
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, String>>;
}

/// A key set and where it comes from.
pub struct KeySource {
    shown: String,
    fetch: Box<dyn Fetch>,
    /// Whether the set grows old, as one of a server does; a file's is good until it is read again.
    ages: bool,
    state: Mutex<State>,
    /// Counts the fetches that have ended.
    ended: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    /// When the set in force was last confirmed.
    confirmed: Option<Timestamp>,
    /// When a fetch last began.
    asked: Option<Timestamp>,
    /// When the set is to be fetched again.
    due: Option<Timestamp>,
    under_way: bool,
}

impl State {
    /// Whether the last fetch is long enough ago. A clock that was set back must not keep anybody waiting.
    fn may_ask(&self, now: Timestamp) -> bool {
        self.asked.is_none_or(|asked| now < asked || now >= asked.plus_ms(ASK_AGAIN_MS))
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.may_ask(now) && self.due.is_none_or(|due| now >= due || self.asked.is_some_and(|asked| now < asked))
    }
}

impl KeySource {
    /// A source called `shown` in the log. It has no keys yet. A set that `ages` is to be fetched again now and then.
    pub fn new(shown: impl Into<String>, fetch: Box<dyn Fetch>, ages: bool) -> Arc<Self> {
        Arc::new(Self { shown: shown.into(), fetch, ages, state: Mutex::default(), ended: watch::Sender::new(0) })
    }

    /// What it is called in the log.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The keys in force, unless there are none or they have not been confirmed for a day.
    pub fn keys(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        let state = self.state.lock();
        let believed = !self.ages || state.confirmed.is_some_and(|confirmed| now < confirmed.plus_ms(STALE_MS));
        state.keys.clone().filter(|_| believed)
    }

    /// Puts a set in force that was read now.
    ///
    /// # Errors
    /// Why it cannot be used; then what was in force stays in force.
    pub fn take(&self, fetched: &Fetched, now: Timestamp) -> Result<(), String> {
        let keys = KeySet::read(&fetched.text)?;
        let mut state = self.state.lock();
        state.confirmed = Some(now);
        state.asked = Some(now);
        let fresh_ms = fetched.fresh_s.map_or(FRESH_MS, |s| s.saturating_mul(1_000).clamp(FRESH_MS_LEAST, FRESH_MS_MOST));
        state.due = self.ages.then(|| now.plus_ms(fresh_ms));
        // The same set again stays the same object: what was proven with it stays proven.
        if !state.keys.as_ref().is_some_and(|old| old.is_same(&keys)) {
            log::info!("{}: keys in use: {}", self.shown, keys.len());
            for passed_over in keys.passed_over() {
                log::warn!("{}: {passed_over}", self.shown);
            }
            state.keys = Some(Arc::new(keys));
        }
        Ok(())
    }

    /// Fetches the set in the background when it has grown old or is not there yet.
    pub fn keep_fresh(self: &Arc<Self>, now: Timestamp) {
        if self.ages && self.state.lock().is_due(now) {
            self.begin(now, State::is_due);
        }
    }

    /// Fetches the set in the background, whenever the last fetch was. A file is read by whoever reads the others.
    pub fn renew(self: &Arc<Self>, now: Timestamp) {
        if self.ages {
            self.begin(now, |_, _| true);
        }
    }

    /// For a token whose key is not in `tried`: waits for a fetch, if one is under way or may begin, and says whether
    /// other keys are in force than those tried.
    pub async fn fresher(self: &Arc<Self>, tried: Option<&Arc<KeySet>>, now: Timestamp) -> bool {
        let mut ended = self.ended.subscribe();
        if self.begin(now, State::may_ask) {
            // A fetch ends by itself; should one not, nobody waits for it for ever.
            drop(rt::time::timeout(WAIT, ended.changed()).await);
        }
        match (tried, self.keys(now)) {
            (Some(tried), Some(keys)) => !Arc::ptr_eq(tried, &keys),
            (None, Some(_)) => true,
            (_, None) => false,
        }
    }

    /// Begins a fetch if none is under way and `may` allows it; true when one is under way now.
    fn begin(self: &Arc<Self>, now: Timestamp, may: fn(&State, Timestamp) -> bool) -> bool {
        {
            let mut state = self.state.lock();
            if state.under_way {
                return true;
            }
            if !may(&state, now) {
                return false;
            }
            state.under_way = true;
            state.asked = Some(now);
        }
        // Not part of any request: one that is given up must not end what others wait for.
        let under_way = UnderWay(Arc::clone(self));
        rt::spawn(async move {
            let source = &under_way.0;
            let outcome = source.fetch.fetch().await;
            if let Err(why) = outcome.and_then(|fetched| source.take(&fetched, now)) {
                source.failed(&why, now);
            }
        });
        true
    }

    fn failed(&self, why: &str, now: Timestamp) {
        let mut state = self.state.lock();
        state.due = self.ages.then(|| now.plus_ms(ASK_AGAIN_MS));
        match (&state.keys, state.confirmed) {
            (Some(keys), Some(confirmed)) if !self.ages || now < confirmed.plus_ms(STALE_MS) => {
                log::warn!("{}: no keys could be had ({why}); those from before stay in use: {}", self.shown, keys.len());
            }
            _ => log::error!("{}: no keys could be had ({why}); its tokens are refused", self.shown),
        }
    }
}

/// A fetch under way: however it ends, others may begin and those who wait are told.
struct UnderWay(Arc<KeySource>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.state.lock().under_way = false;
        self.0.ended.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySource").field("shown", &self.shown).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
