//! Facts and rules of booking: pure, without clock, database or format.

pub mod appointment;
pub mod directory;
pub mod element;
pub mod fault;
pub mod ids;
pub mod nhs_number;
pub mod policy;
pub mod rota;
pub mod schedule;
pub mod search;
pub mod slot;
pub mod synthetic;
pub mod time;
