//! The service roots, a folder each: a list of operations, what requests are held to, a table of answers, a statement.
//!
//! A dialect is put in place by its line in [`ALL`]; nothing else lists them.

pub mod booking;
pub mod provider;
mod release;

use super::pipeline::dialect::Dialect;

/// Every root that is served.
pub const ALL: [&Dialect; 2] = [&booking::DIALECT, &provider::DIALECT];

/// The paths of all of them: references below one of these are this server's own.
pub const ROOT_PATHS: [&str; 2] = [booking::ROOT.pattern(), provider::ROOT.pattern()];
