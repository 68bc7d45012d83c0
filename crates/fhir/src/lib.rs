//! FHIR STU3: bytes to domain and back.
//!
//! Bytes become the neutral tree (`json`, `xml`), trees become requests (`appointment`, `directory`,
//! `search`) and answers become trees (`slot`, `schedule`, `bundle`, `outcome`, `capability`). Nothing here
//! knows HTTP, a database or the time.
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

pub mod appointment;
pub mod bundle;
pub mod capability;
pub mod compat;
pub mod definitions;
pub mod directory;
pub mod json;
pub mod operation;
pub mod outcome;
pub mod render;
pub mod schedule;
pub mod search;
pub mod service_roots;
pub mod shape;
pub mod slot;
pub mod validate;
pub mod xml;
