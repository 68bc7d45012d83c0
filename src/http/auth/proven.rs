//! A token whose signature was found good.

use super::issuer::Issuer;
use super::key_set::KeySet;
use super::signed_claims::SignedClaims;
use std::sync::Arc;

/// A token whose signature was found good, and what with.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) issuer: Arc<Issuer>,
    pub(super) keys: Arc<KeySet>,
    pub(super) claims: SignedClaims,
}
