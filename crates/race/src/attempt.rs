//! What the clients of a round saw: every booking they sent, and all that became of it.

use std::time::Duration;

use crate::answer::Answer;
use crate::plan::Turn;

/// One booking that was sent, and all that became of it.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub turn: Turn,
    pub server: usize,
    pub request_id: String,
    pub latency: Duration,
    pub answer: Answer,
    /// The answer when the same request was sent again because the first decided nothing.
    pub settled: Option<Answer>,
    /// In `book-cancel`: what was held.
    pub hold: Option<Hold>,
}

/// A slot in the hands of one client: from when it learnt that it won until it asked to cancel.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    pub appointment: String,
    /// Since the start of the round.
    pub from: Duration,
    /// Since the start of the round.
    pub until: Duration,
    /// What went wrong with the cancel.
    pub cancel: Result<(), String>,
}

/// Everything the clients saw in one round.
#[derive(Debug, Default)]
pub(crate) struct RoundResult {
    pub attempts: Vec<Attempt>,
    pub took: Duration,
}
