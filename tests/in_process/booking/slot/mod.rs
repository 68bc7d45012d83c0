//! Slots, as consumers find them.

mod index;
mod response_cache;
mod search;
mod windows;
