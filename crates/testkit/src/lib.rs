//! Runs one test on one database: copies the seeded template, starts the service on it, and asks every invariant in the end.
//!
//! Pitfall: nothing here waits or takes turns. The templates are made once for all tests of this
//! process, by whichever test comes first.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::disallowed_methods,
    reason = "a test may panic, and looks at databases and processes without the product"
)]

mod app;
mod bodies;
mod database;
pub mod examiner;
pub mod os;
pub mod place;
pub mod postgres;
pub mod process;
pub mod proxy;
mod tokens;
mod world;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use app::{Answer, App, Ask, PUBLIC_URL, Setup, Slot, found, starts};
pub use bodies::{booking, booking_text, booking_xml, cancelled, put, take, xml_of};
pub use database::{Database, Kind, Season};
pub use testkit_macros::on_both;
pub use tokens::{ISSUER, Shelf, key_set, signer};
pub use world::{World, run, run_blocking};

/// Services of the demo provider (docs/contract.md#demo-provider).
pub const UTC: &str = "2000099901";
pub const OUT_OF_HOURS: &str = "2000099902";
pub const DENTAL: &str = "2000099903";
pub const WALK_IN: &str = "2000099904";

/// Consumer organisations: the usual one, another one, and the provider itself.
pub const CONSUMER: &str = "X9T20";
pub const OTHER_CONSUMER: &str = "X9T21";
pub const PROVIDER_ORGANISATION: &str = "Y9Z41";

/// A text, as parts of tokens are encoded.
pub fn encoded(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}
