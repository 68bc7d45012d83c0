//! A rehearsal: what a booking would be told, by the look and the judgement that every booking gets, and nothing done.
//!
//! What a reader would get wrong: it holds nothing and asks for no request key, so it says nothing of resent requests, and
//! what it says is true of the moment of its look.

use super::claim::BookClaim;
use super::decider::judge_booking;
use super::desk::{Limited, Questions};
use super::look::look;
use crate::store::{StoreError, Tx};
use domain::fault::Fault;
use domain::time::Timestamp;

/// What a booking would be told at `now`.
///
/// # Errors
/// Those of the database.
pub(in crate::engine) fn rehearse(tx: &mut Tx<'_>, claim: &BookClaim, now: Timestamp) -> Result<Result<(), Fault>, StoreError> {
    let questions =
        Questions { slots: claim.slot.ids.clone(), limited: Limited::of(claim).into_iter().collect(), claims: 1, ..Questions::default() };
    let found = look(tx, &questions)?;
    Ok(judge_booking(claim, &found, now).map(drop))
}
