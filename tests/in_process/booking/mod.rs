//! What the booking root (UEC Appointment Booking) does.

mod appointment;
mod compat;
mod slot;
