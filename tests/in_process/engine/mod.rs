//! The engine by itself.

mod availability;
