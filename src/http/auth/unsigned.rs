//! Tokens without a signature: `Bearer <header>.<payload>.`, the trailing dot included (digest D).
//!
//! Parsed by hand, because libraries rightly refuse them; and only here, in the one mode that allows them.

use crate::domain::fault::TokenFault;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 16_384;

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// The claims of an unsigned bearer token.
pub(super) fn payload(authorization: &str) -> Result<Value, TokenFault> {
    let (scheme, token) = authorization.trim().split_once(' ').ok_or(TokenFault::Malformed("it is not `Bearer <token>`"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(TokenFault::Malformed("it is not `Bearer <token>`"));
    }
    let token = token.trim();
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenFault::Malformed("it is longer than 16 KiB"));
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(TokenFault::Malformed("it does not have the form <header>.<payload>. with the trailing dot"));
    };
    let header: Header = decode(header, "its header is not base64url-encoded JSON with `alg`")?;
    if header.alg != "none" {
        return Err(TokenFault::Algorithm(header.alg.chars().take(20).collect()));
    }
    if !signature.is_empty() {
        return Err(TokenFault::Malformed("its algorithm is `none`, yet something follows the second dot"));
    }
    decode(payload, "its payload is not base64url-encoded JSON")
}

fn decode<T: for<'de> Deserialize<'de>>(part: &str, otherwise: &'static str) -> Result<T, TokenFault> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).map_err(|_| TokenFault::Malformed(otherwise))?;
    serde_json::from_slice(&bytes).map_err(|_| TokenFault::Malformed(otherwise))
}
