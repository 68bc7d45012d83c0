//! The service roots, a folder each: a list of operations, what requests are held to, a table of answers, a statement.
//!
//! A dialect is put in place by its line in [`ALL`]; nothing else lists them.

pub mod booking;
pub mod provider;
mod release;

use super::pipeline::dialect::Dialect;

/// Every root that is served.
pub const ALL: [&Dialect; 2] = [&booking::DIALECT, &provider::DIALECT];
