//! `Authorization: Bearer <token>`, and the parts of a token, bounded before they are looked at.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::fault::TokenFault;
use serde::Deserialize;

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 16_384;

/// The token in the header `Authorization`.
pub(super) fn token(authorization: &str) -> Result<&str, TokenFault> {
    let (scheme, token) = authorization.trim().split_once(' ').ok_or(TokenFault::Malformed("it is not `Bearer <token>`"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(TokenFault::Malformed("it is not `Bearer <token>`"));
    }
    let token = token.trim();
    if token.len() > TOKEN_BYTES_MAX { Err(TokenFault::Malformed("it is longer than 16 KiB")) } else { Ok(token) }
}

/// A part of a token, which is base64url-encoded JSON.
pub(super) fn decode<T: for<'de> Deserialize<'de>>(part: &str, otherwise: &'static str) -> Result<T, TokenFault> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).map_err(|_| TokenFault::Malformed(otherwise))?;
    serde_json::from_slice(&bytes).map_err(|_| TokenFault::Malformed(otherwise))
}
