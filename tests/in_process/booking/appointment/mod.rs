//! Appointments, as consumers make, find and cancel them.

mod ceilings;
mod create;
mod races;
mod resent;
mod rules;
mod update;
