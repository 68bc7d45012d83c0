//! Kills servers and PostgreSQL with SIGKILL at random moments of a race, starts them again, and settles
//! the journal of the race against what was kept (docs/contract.md#invariants, 1 to 4).
//!
//! The servers are processes of their own and are judged by `race --settle` and `check`. Pitfall:
//! SIGKILL of a process loses nothing that the operating system was given, so it proves the order
//! of things, not that they were flushed; for PostgreSQL the flushing is proved by demanding `fsync`.
//!
//! Short by default. `SLOTKEEPER_CRASH_ROUNDS` (kills on each database), `SLOTKEEPER_CRASH_POSTGRES_ROUNDS`
//! (kills of PostgreSQL itself), `SLOTKEEPER_CRASH_CLIENTS` and `SLOTKEEPER_CRASH_SLOTS` make it long, see
//! `scripts/crash.sh`; `SLOTKEEPER_CRASH_SEED` repeats the choices of a run.

mod dice;
mod first_start;
mod kills;
mod tally;
