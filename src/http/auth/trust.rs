//! Whom signed tokens are believed from: the issuers, their keys, and what was proven, or read, a moment ago.
//!
//! What a reader would get wrong: a token that was proven is remembered together with the issuer and the key set it was
//! proven with, and counts only while both are still in force. So nothing has to be cleared when a key is withdrawn.

use super::algorithm::Algorithm;
use super::claims::Claims;
use super::key_source::KeySource;
use super::signed::Proven;
use domain::ids::OdsCode;
use domain::time::Timestamp;
use parking_lot::RwLock;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// How much is remembered of tokens, in bytes of their text.
const REMEMBERED_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How many that are, about.
const REMEMBERED: usize = 8_192;

/// The claims in which the client's id is looked for, the first that is there, where an issuer does not say.
pub const CLIENT_CLAIMS: [&str; 4] = ["client_id", "azp", "appid", "sub"];
/// The claims in which the scope is looked for, the first that is there, where an issuer does not say.
pub const SCOPE_CLAIMS: [&str; 3] = ["requested_scope", "scope", "scp"];
/// The claim that names the organisation in the standard (digest D).
pub const ORGANISATION_CLAIM: &str = "requesting_organization";

/// How the organisation of a token is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Organisation {
    /// In this claim: an Organization with an ODS code, or the code as text.
    Claim(String),
    /// Through the client the token was issued to, whose id is in the first of these claims that is there.
    Client(Vec<String>),
}

/// A token server that is believed.
#[derive(Debug)]
pub struct Issuer {
    /// `iss`, to the letter.
    pub name: String,
    /// The algorithms it signs with.
    pub algorithms: Vec<Algorithm>,
    /// The audiences of its tokens; empty for those of the server.
    pub audiences: Vec<String>,
    /// How it says for whom a token was made.
    pub organisation: Organisation,
    /// Its clients and their organisations, before anybody else is asked.
    pub clients: BTreeMap<String, OdsCode>,
    /// The claims in which the scope may be, the first that is there.
    pub scope_claims: Vec<String>,
    /// Longest life of its tokens, in seconds, where it is not the server's.
    pub life_s_max: Option<i64>,
    /// Claims that must be there besides those that always must.
    pub required: Vec<String>,
    /// Whether its tokens must say `reason_for_request`; where it is said, it is `directcare`.
    pub reason_demanded: bool,
    /// Its keys.
    pub keys: Arc<KeySource>,
}

impl Issuer {
    /// An issuer of tokens as the standard has them, of which nothing else is said.
    pub fn usual(name: impl Into<String>, keys: Arc<KeySource>) -> Self {
        Self {
            name: name.into(),
            algorithms: Algorithm::USUAL.to_vec(),
            audiences: Vec::new(),
            organisation: Organisation::Claim(ORGANISATION_CLAIM.to_owned()),
            clients: BTreeMap::new(),
            scope_claims: SCOPE_CLAIMS.map(str::to_owned).to_vec(),
            life_s_max: None,
            required: Vec::new(),
            reason_demanded: true,
            keys,
        }
    }
}

/// Finds the organisation of a client: by the issuer's name and the client's id.
pub type ClientDirectory = dyn Fn(&str, &str) -> Option<OdsCode> + Send + Sync;

/// Whom signed tokens are believed from.
pub struct Trust {
    issuers: RwLock<Arc<Vec<Arc<Issuer>>>>,
    clients: Box<ClientDirectory>,
    proven: Option<Cache<Box<str>, Arc<Proven>, Bytes>>,
    /// What tokens without a signature say, which nobody proves.
    heard: Cache<Box<str>, Arc<Claims>, Bytes>,
}

impl Trust {
    /// Trust in these issuers; `clients` is asked for clients an issuer's own list does not name.
    pub fn new(issuers: Vec<Issuer>, clients: Box<ClientDirectory>) -> Self {
        let proven = Some(Cache::with_weighter(REMEMBERED, REMEMBERED_BYTES_MAX, Bytes));
        let heard = Cache::with_weighter(REMEMBERED, REMEMBERED_BYTES_MAX, Bytes);
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
struct Bytes;

impl<Said> Weighter<Box<str>, Arc<Said>> for Bytes {
    fn weight(&self, token: &Box<str>, _: &Arc<Said>) -> u64 {
        u64::try_from(token.len()).unwrap_or(u64::MAX).max(1)
    }
}
