//! Tokens with a signature (`--auth jwks`): who signed, whether they did, and what the token then says.
//!
//! Pitfall: `iss` is read before anything is proven, because it tells whose keys to try. Nothing
//! else of the payload is used until the signature is found good, and the header decides nothing: it only has to name an
//! algorithm the issuer is allowed and a key that exists. Keys, URLs and certificates in the header are never looked at.

use super::algorithm::Algorithm;
use super::bearer;
use super::issuer::Issuer;
use super::key_set::KeySet;
use super::proven::Proven;
use super::signed_claims::SignedClaims;
use super::trust::Trust;
use domain::fault::TokenFault;
use domain::time::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::sync::Arc;

/// Why a token is not proven.
#[derive(Debug)]
pub(super) enum Unproven {
    /// It is not to be believed.
    Refused(TokenFault),
    /// Its issuer may have newer keys than those that were tried.
    KeyUnknown { issuer: Arc<Issuer>, tried: Option<Arc<KeySet>>, otherwise: TokenFault },
}

impl From<TokenFault> for Unproven {
    fn from(fault: TokenFault) -> Self {
        Self::Refused(fault)
    }
}

/// What is used of a header. Twice the same name is refused by the reader.
#[derive(Deserialize)]
struct SignedHeader {
    alg: String,
    kid: Option<String>,
    /// Whether it is there, whatever it says.
    #[serde(default, deserialize_with = "there")]
    crit: bool,
}

fn there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

/// Proves a token by the keys in force, fetching newer ones if its key is not among them.
pub(super) async fn prove(token: &str, trust: &Trust, now: Timestamp) -> Result<Arc<Proven>, TokenFault> {
    if let Some(proven) = trust.recalled(token, now) {
        return Ok(proven);
    }
    let mut outcome = prove_now(token, trust, now);
    if let Err(Unproven::KeyUnknown { issuer, tried, otherwise }) = outcome {
        if !issuer.keys.fresher(tried.as_ref(), now).await {
            return Err(otherwise);
        }
        outcome = prove_now(token, trust, now);
    }
    match outcome {
        Ok(proven) => {
            let proven = Arc::new(proven);
            trust.remember(token, &proven);
            Ok(proven)
        }
        Err(Unproven::Refused(fault) | Unproven::KeyUnknown { otherwise: fault, .. }) => Err(fault),
    }
}

/// Proves a token by the keys in force.
pub(super) fn prove_now(token: &str, trust: &Trust, now: Timestamp) -> Result<Proven, Unproven> {
    let malformed = TokenFault::Malformed("it does not have the form <header>.<payload>.<signature>");
    let Some((message, signature)) = token.rsplit_once('.') else { return Err(malformed.into()) };
    let Some((header, payload)) = message.split_once('.').filter(|(_, payload)| !payload.contains('.')) else {
        return Err(malformed.into());
    };
    let header: SignedHeader = bearer::decode(header, "its header is not base64url-encoded JSON with `alg`")?;
    if header.crit {
        return Err(TokenFault::Critical.into());
    }
    let payload: Value = bearer::decode(payload, "its payload is not base64url-encoded JSON")?;
    let name = payload.get("iss").and_then(Value::as_str).ok_or_else(|| TokenFault::Claim("iss".to_owned()))?;
    let issuer = trust.issuer(name).ok_or(TokenFault::IssuerUnknown)?;
    let accepted = Algorithm::parse(&header.alg).filter(|algorithm| issuer.algorithms.contains(algorithm));
    let Some(algorithm) = accepted else {
        let accepted = issuer.algorithms.iter().map(|algorithm| algorithm.name()).collect();
        return Err(TokenFault::AlgorithmRefused { accepted }.into());
    };
    let Some(keys) = issuer.keys.keys(now) else {
        return Err(Unproven::KeyUnknown { issuer, tried: None, otherwise: TokenFault::KeysUnavailable });
    };
    let Some(key) = keys.pick(header.kid.as_deref(), algorithm) else {
        return Err(Unproven::KeyUnknown { issuer, tried: Some(keys), otherwise: TokenFault::KeyUnknown });
    };
    if !key.signed(message.as_bytes(), signature, algorithm) {
        // A token that names no key may have been signed with the successor of the only one.
        return Err(match header.kid {
            Some(_) => TokenFault::Signature.into(),
            None => Unproven::KeyUnknown { issuer, tried: Some(keys), otherwise: TokenFault::Signature },
        });
    }
    let claims = SignedClaims::read(&payload, &issuer)?;
    Ok(Proven { issuer, keys, claims })
}
