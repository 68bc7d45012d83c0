//! What every command needs that sends requests of invented people to a server: who they are, what they book, and chance.
//!
//! It knows no server and sends nothing itself. What a reader would get wrong: nothing here is random. The same numbers give
//! the same people and the same bytes, so that a request can be sent again and a run repeated.

pub(crate) mod patient;
pub(crate) mod random;
