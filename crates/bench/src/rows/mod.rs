//! The rows of the benchmark set, one file for each family.
//!
//! Each says what is measured against what, and what counts as good (the table of the benchmark set). What a reader would get
//! wrong: the figures hold for the whole service, so nothing is switched off for a row.

mod bookings;
mod growth;
mod one_client;
mod one_slot;
mod open_loop;
mod reads;
mod searches;

use super::report::Row;
use super::stage::Stage;

/// Clients of most rows.
const CLIENTS: usize = 64;
/// Clients of the crowded ones.
const CROWD: usize = 256;
/// Different requests that readers send in turn.
const DISTINCT: usize = 2_000;

/// Measures the rows of that id: one row for each of its figures.
pub(super) fn run(stage: &mut Stage<'_>, id: &str) -> Vec<Row> {
    match id {
        "B1" => bookings::b1(stage),
        "B2" => bookings::b2(stage),
        "B3" => bookings::b3(stage),
        "B4" => one_slot::b4(stage),
        "B5" => one_slot::b5(stage),
        "B6" => reads::b6(stage),
        "B7" => searches::b7(stage),
        "B8" => searches::b8(stage),
        "B9" => bookings::b9(stage),
        "B10" => growth::b10(stage),
        "B11" => bookings::b11(stage),
        "B12" => one_client::b12(stage),
        _ => open_loop::b13(stage),
    }
}

/// How many sides of rounds the rows of that id have, for the bar.
pub(super) fn steps(id: &str, rounds: u32) -> u64 {
    let figures = match id {
        "B10" => 3,
        "B12" | "B13" => 2,
        _ => 1,
    };
    u64::from(rounds) * 2 * figures
}
