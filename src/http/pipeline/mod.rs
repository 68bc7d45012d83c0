//! What every root shares: what a dialect and its operations are, and the way of a request through them.
//!
//! [`serve`] is the way: the gate, the cache of responses, the handler, and what makes bytes of its reply. Handlers and
//! dialects build on this folder; it names none of them.

pub mod body;
pub mod context;
pub mod dialect;
pub mod documentation;
pub mod error_response;
pub mod freshness;
mod gate;
mod headers;
pub mod negotiate;
pub mod operation;
pub mod path;
pub mod peer;
mod permit;
pub mod prefer;
pub mod read_limiter;
pub mod reply;
mod respond;
pub mod response_cache;
pub mod rules;
pub mod serve;
pub mod service;
pub mod stored;
pub mod transfer;
