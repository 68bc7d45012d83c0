//! Answers to searches of slots that were written a moment ago, and still are what would be written now.
//!
//! It keeps bytes and knows what they rest on; whether that still stands is for the engine to say, after it has looked. What
//! a reader would get wrong: nothing here is ever stale. An answer is handed out only when the copy of the diary in memory is
//! as new as the database, nothing has changed in the schedules it was made from, none of its slots has begun since, and
//! whoever asks sees what the other one saw.

use super::access::Sought;
use super::negotiate::Format;
use super::transfer;
use crate::engine::IndexVersion;
use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use domain::ids::OdsCode;
use domain::policy::{Access, Rights};
use domain::time::Timestamp;
use fhir::search::SearchRules;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

/// Bytes of an average answer: how many there will be about.
const ANSWER_BYTES: usize = 32 * 1024;

/// Everything an answer depends on besides the diary.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
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
    pub seer: Seer,
}

/// Who sees what: everything, or what one organisation is shown by one policy.
#[derive(Debug, Clone)]
pub enum Seer {
    /// Whoever sees everything.
    Anybody,
    /// An organisation under these rights.
    Organisation(OdsCode, Arc<Rights>),
}

impl Seer {
    /// What `access` sees with.
    pub fn of(access: &Access) -> Self {
        match access {
            Access::Organisation { code, rights } if !access.sees_everything() => Self::Organisation(code.clone(), Arc::clone(rights)),
            Access::Everyone | Access::Organisation { .. } => Self::Anybody,
        }
    }
}

/// Rights are the same where they are the same object: another policy brings others.
impl PartialEq for Seer {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Anybody, Self::Anybody) => true,
            (Self::Organisation(code, rights), Self::Organisation(other, theirs)) => code == other && Arc::ptr_eq(rights, theirs),
            _ => false,
        }
    }
}

impl Eq for Seer {}

impl Hash for Seer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Anybody => 0_u8.hash(state),
            Self::Organisation(code, rights) => (code, Arc::as_ptr(rights)).hash(state),
        }
    }
}

/// An answer that was given.
#[derive(Debug)]
pub struct Answer {
    /// As it was written.
    pub body: Bytes,
    /// The format it is in.
    pub format: Format,
    /// Its tag.
    pub tag: HeaderValue,
    /// What it came to, for the trail of accesses.
    pub sought: Sought,
    /// What it rests on.
    pub basis: IndexVersion,
    /// From when on, and until when, time alone changes nothing.
    from: Timestamp,
    until: Timestamp,
    /// As it goes out compressed, once somebody wanted it so.
    packed: OnceLock<Option<Bytes>>,
}

impl Answer {
    /// An answer that is right as long as `basis` stands, from one instant and before another.
    pub fn new(body: Bytes, format: Format, sought: Sought, (basis, from, until): (IndexVersion, Timestamp, Timestamp)) -> Self {
        Self { tag: transfer::tag_of(&body), body, format, sought, basis, from, until, packed: OnceLock::new() }
    }

    /// Whether it is right at that time, as far as time is concerned. A clock that was set back brings back what had begun.
    pub fn speaks_of(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    /// The body in gzip; `None` where that is no gain.
    pub fn packed(&self) -> Option<Bytes> {
        self.packed.get_or_init(|| transfer::coding::deflated(&self.body).map(Bytes::from)).clone()
    }
}

/// The answers that are kept, up to a number of bytes; those that nobody asks for again go first.
pub struct Answers(Option<Cache<Question, Arc<Answer>, Weight>>);

impl Answers {
    /// Keeps about so many bytes; none for 0.
    pub fn new(bytes_max: usize) -> Self {
        let bytes = u64::try_from(bytes_max).unwrap_or(u64::MAX);
        Self((bytes_max > 0).then(|| Cache::with_weighter((bytes_max / ANSWER_BYTES).max(16), bytes, Weight)))
    }

    /// How many are kept.
    pub fn count(&self) -> usize {
        self.0.as_ref().map_or(0, Cache::len)
    }

    /// The answer that was given to a question.
    pub fn get(&self, question: &Question) -> Option<Arc<Answer>> {
        self.0.as_ref()?.get(question)
    }

    /// Keeps an answer, instead of an older one to the same question.
    pub fn keep(&self, question: Question, answer: Arc<Answer>) {
        if let Some(kept) = &self.0 {
            kept.insert(question, answer);
        }
    }
}

/// Bytes of an answer, with what it takes compressed and what is kept beside it.
#[derive(Clone)]
struct Weight;

impl Weighter<Question, Arc<Answer>> for Weight {
    fn weight(&self, question: &Question, answer: &Arc<Answer>) -> u64 {
        let asked = [&question.accept, &question.content_type].into_iter().flatten().map(|header| header.len()).sum::<usize>();
        let bytes = answer.body.len() + answer.body.len() / 8 + question.query.len() + asked + answer.basis.bytes() + 1_024;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}
