//! Races a running server while everything around it goes wrong, and holds one slot, one request key and
//! the whole database in a stranger's hands (docs/contract.md#statuses, #invariants).
//!
//! The servers are processes of their own and are judged by `race` and `check`. Pitfall:
//! a fault that never struck would pass every test here, so each test also counts its faults.
//!
//! Sizes: `SLOTKEEPER_FAULT_CLIENTS` and `SLOTKEEPER_FAULT_SLOTS` (`scripts/crash.sh` asks for 64 and 200).

mod held;
mod outage;
mod races;
