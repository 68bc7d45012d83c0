//! The rows of the benchmark set, one file for each family.
//!
//! Each says what is measured against what, and what counts as good (the table of the benchmark set). The figures hold for
//! the whole service, so nothing is switched off for a row.

mod bookings;
mod growth;
mod one_client;
mod one_slot;
mod open_loop;
mod reads;
mod searches;
mod sizes;

use crate::environment::Environment;
use crate::row::Row;

/// Measures the rows of that id: one row for each of its figures.
pub(crate) fn measure_row(env: &mut Environment<'_>, id: &str) -> Vec<Row> {
    match id {
        "B1" => bookings::b1(env),
        "B2" => bookings::b2(env),
        "B3" => bookings::b3(env),
        "B4" => one_slot::b4(env),
        "B5" => one_slot::b5(env),
        "B6" => reads::b6(env),
        "B7" => searches::b7(env),
        "B8" => searches::b8(env),
        "B9" => bookings::b9(env),
        "B10" => growth::b10(env),
        "B11" => bookings::b11(env),
        "B12" => one_client::b12(env),
        _ => open_loop::b13(env),
    }
}

/// How many sides of rounds the rows of that id have, for the bar.
pub(crate) fn steps(id: &str, rounds: u32) -> u64 {
    let figures = match id {
        "B10" => 3,
        "B12" | "B13" => 2,
        _ => 1,
    };
    u64::from(rounds) * 2 * figures
}
