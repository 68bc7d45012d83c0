//! Goal: the provider root keeps what its statement says, and its statement says all it keeps (`decisions.md` 3).
//! Method: the whole service in this process, on both databases, with the demo provider and a fixed clock.

mod behaviour;
mod house;
mod statement;
