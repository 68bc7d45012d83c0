//! Tokens without a signature: `Bearer <header>.<payload>.`, the trailing dot included (docs/specification/uec.md#d-security).
//!
//! Parsed by hand, because libraries rightly refuse them; and only here, in the one mode that allows them.

use super::bearer;
use super::claims::Claims;
use super::trust::Trust;
use domain::fault::TokenFault;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// What an unsigned bearer token says. Whoever sends it again is not read again.
pub(super) fn claims(token: &str, trust: &Trust) -> Result<Arc<Claims>, TokenFault> {
    if let Some(claims) = trust.heard(token) {
        return Ok(claims);
    }
    let claims = Arc::new(Claims::read(&payload(token)?)?);
    trust.hear(token, &claims);
    Ok(claims)
}

fn payload(token: &str) -> Result<Value, TokenFault> {
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(TokenFault::Malformed("it does not have the form <header>.<payload>. with the trailing dot"));
    };
    let header: Header = bearer::decode(header, "its header is not base64url-encoded JSON with `alg`")?;
    if header.alg != "none" {
        return Err(TokenFault::Algorithm(header.alg.chars().take(20).collect()));
    }
    if !signature.is_empty() {
        return Err(TokenFault::Malformed("its algorithm is `none`, yet something follows the second dot"));
    }
    bearer::decode(payload, "its payload is not base64url-encoded JSON")
}
