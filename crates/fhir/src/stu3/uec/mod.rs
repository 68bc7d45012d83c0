//! What the NHS booking standard for urgent and emergency care makes of STU3: the body of a booking, the statement of the
//! booking root, its older versions, its error codes.

pub mod appointment;
pub mod capability;
pub mod compat;
pub mod spine;
