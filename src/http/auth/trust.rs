//! Whom signed tokens are believed from: the issuers, their keys, and what was proven, or read, a moment ago.
//!
//! A token that was proven is remembered together with the issuer and the key set it was
//! proven with, and counts only while both are still in force. So nothing has to be cleared when a key is withdrawn.

use super::claims::Claims;
use super::issuer::Issuer;
use super::proven::Proven;
use domain::ids::OdsCode;
use domain::time::Timestamp;
use parking_lot::RwLock;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::fmt;
use std::sync::Arc;

/// How much is remembered of tokens, in bytes of their text.
const REMEMBERED_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How many that are, about.
const REMEMBERED: usize = 8_192;

/// Finds the organisation of a client: by the issuer's name and the client's id.
pub type ClientDirectory = dyn Fn(&str, &str) -> Option<OdsCode> + Send + Sync;

/// Whom signed tokens are believed from.
pub struct Trust {
    issuers: RwLock<Arc<Vec<Arc<Issuer>>>>,
    clients: Box<ClientDirectory>,
    proven: Option<Cache<Box<str>, Arc<Proven>, TokenBytes>>,
    /// What tokens without a signature say, which nobody proves.
    heard: Cache<Box<str>, Arc<Claims>, TokenBytes>,
}

impl Trust {
    /// Trust in these issuers; `clients` is asked for clients an issuer's own list does not name.
    pub fn new(issuers: Vec<Issuer>, clients: Box<ClientDirectory>) -> Self {
        let proven = Some(Cache::with_weighter(REMEMBERED, REMEMBERED_BYTES_MAX, TokenBytes));
        let heard = Cache::with_weighter(REMEMBERED, REMEMBERED_BYTES_MAX, TokenBytes);
        Self { issuers: RwLock::new(Arc::new(issuers.into_iter().map(Arc::new).collect())), clients, proven, heard }
    }

    /// Trust in nobody.
    pub fn nobody() -> Self {
        Self::new(Vec::new(), Box::new(|_, _| None))
    }

    /// The same, which remembers nothing and checks every signature anew.
    #[must_use]
    pub fn forgetful(mut self) -> Self {
        self.proven = None;
        self
    }

    /// Trusts these issuers from now on, and no others.
    pub fn replace(&self, issuers: Vec<Issuer>) {
        *self.issuers.write() = Arc::new(issuers.into_iter().map(Arc::new).collect());
    }

    /// The issuers that are trusted.
    pub fn issuers(&self) -> Arc<Vec<Arc<Issuer>>> {
        Arc::clone(&self.issuers.read())
    }

    /// Fetches, in the background, every key set that has grown old or is not there yet.
    pub fn keep_fresh(&self, now: Timestamp) {
        for issuer in self.issuers().iter() {
            issuer.keys.keep_fresh(now);
        }
    }

    /// Fetches every key set anew, in the background.
    pub fn renew(&self, now: Timestamp) {
        for issuer in self.issuers().iter() {
            issuer.keys.renew(now);
        }
    }

    /// Whether the keys of any issuer are there, so that anybody's token can be accepted.
    pub fn has_keys(&self, now: Timestamp) -> bool {
        self.issuers().iter().any(|issuer| issuer.keys.keys(now).is_some())
    }

    /// The organisation a client of an issuer belongs to.
    pub(super) fn organisation_of(&self, issuer: &Issuer, client: &str) -> Option<OdsCode> {
        issuer.clients.get(client).cloned().or_else(|| (self.clients)(&issuer.name, client))
    }

    pub(super) fn issuer(&self, name: &str) -> Option<Arc<Issuer>> {
        self.issuers.read().iter().find(|issuer| issuer.name == name).cloned()
    }

    /// What was proven of this very token, if that still counts.
    pub(super) fn recalled(&self, token: &str, now: Timestamp) -> Option<Arc<Proven>> {
        let proven = self.proven.as_ref()?.get(token)?;
        let same_issuer = self.issuers.read().iter().any(|issuer| Arc::ptr_eq(issuer, &proven.issuer));
        let same_keys = proven.issuer.keys.keys(now).is_some_and(|keys| Arc::ptr_eq(&keys, &proven.keys));
        Some(proven).filter(|_| same_issuer && same_keys)
    }

    /// What this very token without a signature says, if it was read a moment ago.
    pub(super) fn heard(&self, token: &str) -> Option<Arc<Claims>> {
        self.heard.get(token)
    }

    pub(super) fn hear(&self, token: &str, claims: &Arc<Claims>) {
        self.heard.insert(token.into(), Arc::clone(claims));
    }

    pub(super) fn remember(&self, token: &str, proven: &Arc<Proven>) {
        if let Some(remembered) = &self.proven {
            remembered.insert(token.into(), Arc::clone(proven));
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").field("issuers", &self.issuers()).finish_non_exhaustive()
    }
}

/// Weighs what is remembered by the token's text; what was read from it is about as much again.
#[derive(Clone)]
struct TokenBytes;

impl<Said> Weighter<Box<str>, Arc<Said>> for TokenBytes {
    fn weight(&self, token: &Box<str>, _: &Arc<Said>) -> u64 {
        u64::try_from(token.len()).unwrap_or(u64::MAX).max(1)
    }
}
