//! A cache of responses to searches of slots, each as it was written a moment ago.
//!
//! It keeps bytes and knows what they rest on; whether that still stands is for the engine to say, after it has looked.
//! Pitfall: nothing in it is ever stale. A response is given again only when the index in memory is as new as the database,
//! nothing has changed in the schedules it was made from, none of its slots has begun since, and whoever asks sees what the
//! other one saw.

use super::super::access::SearchSummary;
use super::negotiate::Format;
use super::reply::Validity;
use super::transfer::coding::Compressible;
use super::transfer::tag;
use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use domain::ids::OdsCode;
use domain::policy::{Access, Rights};
use domain::time::Timestamp;
use fhir::search::SearchRules;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Bytes of an average response: how many there will be about.
const RESPONSE_BYTES: usize = 32 * 1024;

/// Everything a response depends on besides the diary.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    /// Absolute URL of the root, which is in every link.
    pub root_url: Box<str>,
    /// The query as it was sent.
    pub query: Box<str>,
    /// What decides the format besides the query, as it was sent: `Accept`.
    pub accept: Option<Box<str>>,
    /// And `Content-Type`.
    pub content_type: Option<Box<str>>,
    /// How the query is read.
    pub rules: SearchRules,
    /// Who asks, as far as that makes a difference.
    pub scope: CacheScope,
}

/// Who sees what: everything, or what one organisation is shown by one policy.
#[derive(Debug, Clone)]
pub enum CacheScope {
    /// Whoever sees everything.
    Anybody,
    /// An organisation under these rights.
    Organisation(OdsCode, Arc<Rights>),
}

impl CacheScope {
    /// What `access` sees with.
    pub fn of(access: &Access) -> Self {
        match access {
            Access::Organisation { code, rights } if !access.sees_everything() => Self::Organisation(code.clone(), Arc::clone(rights)),
            Access::Everyone | Access::Organisation { .. } => Self::Anybody,
        }
    }
}

/// Rights are the same where they are the same object: another policy brings others.
impl PartialEq for CacheScope {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Anybody, Self::Anybody) => true,
            (Self::Organisation(code, rights), Self::Organisation(other, theirs)) => code == other && Arc::ptr_eq(rights, theirs),
            _ => false,
        }
    }
}

impl Eq for CacheScope {}

impl Hash for CacheScope {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Anybody => 0_u8.hash(state),
            Self::Organisation(code, rights) => (code, Arc::as_ptr(rights)).hash(state),
        }
    }
}

/// A response that was given.
#[derive(Debug)]
pub struct CachedResponse {
    /// As it was written, and compressed once somebody wanted it so.
    pub content: Compressible,
    /// The format it is in.
    pub format: Format,
    /// Its tag.
    pub tag: HeaderValue,
    /// What it came to, for the trail of accesses.
    pub search: SearchSummary,
    /// As long as what it is right.
    pub validity: Validity,
}

impl CachedResponse {
    /// A response to be given again.
    pub fn new(body: Bytes, format: Format, search: SearchSummary, validity: Validity) -> Self {
        Self { tag: tag::of(&body), content: Compressible::new(body), format, search, validity }
    }

    /// Whether it is right at that time, as far as time is concerned. A clock that was set back brings back what had begun.
    pub fn covers(&self, now: Timestamp) -> bool {
        self.validity.from <= now && now < self.validity.until
    }
}

/// The responses that are kept, up to a number of bytes; those that nobody asks for again go first.
pub struct ResponseCache(Option<Cache<CacheKey, Arc<CachedResponse>, Weight>>);

impl ResponseCache {
    /// Keeps about so many bytes; none for 0.
    pub fn new(bytes_max: usize) -> Self {
        let bytes = u64::try_from(bytes_max).unwrap_or(u64::MAX);
        Self((bytes_max > 0).then(|| Cache::with_weighter((bytes_max / RESPONSE_BYTES).max(16), bytes, Weight)))
    }

    /// How many are kept.
    pub fn count(&self) -> usize {
        self.0.as_ref().map_or(0, Cache::len)
    }

    /// The response that was given to the same question.
    pub fn get(&self, key: &CacheKey) -> Option<Arc<CachedResponse>> {
        self.0.as_ref()?.get(key)
    }

    /// Keeps a response, instead of an older one to the same question.
    pub fn insert(&self, key: CacheKey, response: Arc<CachedResponse>) {
        if let Some(kept) = &self.0 {
            kept.insert(key, response);
        }
    }
}

/// Bytes of a response, with what it takes compressed and what is kept beside it.
#[derive(Clone)]
struct Weight;

impl Weighter<CacheKey, Arc<CachedResponse>> for Weight {
    fn weight(&self, key: &CacheKey, response: &Arc<CachedResponse>) -> u64 {
        let headers = [&key.accept, &key.content_type].into_iter().flatten().map(|header| header.len()).sum::<usize>();
        let body = response.content.plain().len();
        let bytes = body + body / 8 + key.query.len() + headers + response.validity.version.bytes() + 1_024;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}
