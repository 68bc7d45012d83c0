//! FHIR: bytes to facts and back, by release.
//!
//! `codec` turns bytes into the neutral tree and back, by the `definitions` of a release; `validate` checks a tree by them;
//! `search` has the grammar of queries, `bundle`, `outcome` and `shape` what answers are made of. All of these are handed
//! what a release says. [`stu3`] is that release: its tables, names, resources and searches. Nothing here knows HTTP, a
//! database or the time.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::as_conversions,
        clippy::unreachable,
        clippy::disallowed_methods,
        reason = "a unit test may panic"
    )
)]

pub mod bundle;
pub mod codec;
pub mod definitions;
pub mod outcome;
pub mod search;
pub mod shape;
pub mod stu3;
pub mod validate;
