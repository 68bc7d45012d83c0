//! Slots: searching them, and the index in memory that answers the usual search.

pub(super) mod availability;
pub(super) mod search;
pub(super) mod source;
