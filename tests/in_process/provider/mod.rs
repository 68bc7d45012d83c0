//! Goal: the provider root keeps what its statement says, and its statement says all it keeps
//! (docs/contract.md#the-provider-root). Method: the whole service in this process, on both databases, with the demo
//! provider and a fixed clock.

mod behaviour;
mod house;
mod statement;
