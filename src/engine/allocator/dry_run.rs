//! A dry run: how a booking would be answered, by the same snapshot and decision as every booking, and nothing
//! written.
//!
//! It holds nothing and looks up no request key, so it does not recognise resent requests; its answer holds for the
//! moment of its snapshot.

use super::claim::BookClaim;
use super::decider::decide_booking;
use super::queue::{Limited, SnapshotQuery};
use super::snapshot::read_snapshot;
use crate::store::{StoreError, Tx};
use domain::fault::Fault;
use domain::time::Timestamp;

/// How a booking would be answered at `now`.
///
/// # Errors
/// Those of the database.
pub(in crate::engine) fn dry_run(tx: &mut Tx<'_>, claim: &BookClaim, now: Timestamp) -> Result<Result<(), Fault>, StoreError> {
    let query = SnapshotQuery {
        slots: claim.slot.ids.clone(),
        limited: Limited::of(claim).into_iter().collect(),
        claims: 1,
        ..SnapshotQuery::default()
    };
    let snapshot = read_snapshot(tx, &query)?;
    Ok(decide_booking(claim, &snapshot, now).map(drop))
}
