//! Operations on resources: each file has the handlers of one resource and, as values, the operations they carry out.
//!
//! A dialect lists these operations, changed where it says something else of them, and may have operations of its own. How a
//! request got here and how a reply goes out is for `pipeline`.

pub mod appointments;
pub mod bookings;
mod directory;
pub mod directory_operations;
pub mod faults;
mod found;
pub mod metadata;
pub mod schedules;
pub mod slots;
pub mod validate;
