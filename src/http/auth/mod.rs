//! Tokens: who is asking, on whose behalf, and for what (docs/specification/uec.md#d-security).

mod algorithm;
mod bearer;
mod claims;
mod issuer;
mod key_fetch;
mod key_set;
mod key_source;
mod mode;
mod proven;
mod scope;
mod signed;
mod signed_claims;
mod trust;
mod unsigned;

pub use algorithm::Algorithm;
pub use issuer::{CLIENT_CLAIMS, Issuer, ORGANISATION_CLAIM, Organisation, SCOPE_CLAIMS};
pub use key_fetch::{Authorities, KeyPlace, read_file as read_key_file};
pub use key_set::KeySet;
pub use key_source::{ASK_AGAIN_MS, Fetch, Fetched, KeySource, STALE_MS};
pub use mode::{AuthMode, TokenRules};
pub use scope::Need;
pub use trust::{ClientDirectory, Trust};

use domain::appointment::Origin;
use domain::fault::{Fault, TokenFault};
use domain::ids::OdsCode;
use domain::policy::Access;
use domain::time::Timestamp;
use std::sync::Arc;

/// Whoever asks, as far as the token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What they may see and do.
    pub access: Access,
    /// What is recorded of them; the headers are added later.
    pub origin: Arc<Origin>,
}

/// The caller of a request, proven to have what the operation needs; what a policy says of it comes on top.
///
/// `root_url` is the absolute URL of the service root that was called.
///
/// # Errors
/// [`Fault::Token`].
pub async fn admit(
    authorization: Option<&str>,
    need: Need,
    root_url: &str,
    rules: &TokenRules<'_>,
    now: Timestamp,
) -> Result<Caller, Fault> {
    // The statement is for everybody, whatever token they bring (docs/contract.md#scopes).
    if rules.mode == AuthMode::Off || need == Need::Nothing {
        return Ok(everybody());
    }
    let given = authorization.ok_or(Fault::Token(TokenFault::Missing))?;
    let root = [root_url.to_owned()];
    let audiences = if rules.audiences.is_empty() { &root } else { rules.audiences };
    let life_s_max = rules.life_s_max;
    let admitted = match rules.mode {
        AuthMode::Off => return Ok(everybody()),
        AuthMode::Unsigned => by_claims(given, rules.trust, &claims::ClaimRules { audiences, life_s_max, now }, need),
        AuthMode::Jwks => by_signature(given, rules.trust, &signed_claims::Demand { audiences, life_s_max, need, now }).await,
    };
    // As it is before the policy is asked.
    let (organisation, origin) = admitted.map_err(Fault::Token)?;
    Ok(Caller { access: Access::usual(organisation), origin: Arc::new(origin) })
}

fn everybody() -> Caller {
    Caller { access: Access::Everyone, origin: Arc::default() }
}

/// A caller who is believed for what stands around this server: the proxy, or the loopback interface.
fn by_claims(authorization: &str, trust: &Trust, rules: &claims::ClaimRules<'_>, need: Need) -> Result<(OdsCode, Origin), TokenFault> {
    let claims = unsigned::claims(bearer::token(authorization)?, trust)?;
    claims.judge(rules)?;
    if !need.is_met_by(&claims.scope) {
        return Err(TokenFault::Scope { claim: "requested_scope".to_owned(), needed: need.example() });
    }
    Ok((claims.organisation.clone(), claims.origin()))
}

/// A caller for whom a trusted issuer has signed.
async fn by_signature(authorization: &str, trust: &Trust, demand: &signed_claims::Demand<'_>) -> Result<(OdsCode, Origin), TokenFault> {
    let token = bearer::token(authorization)?;
    let proven = signed::prove(token, trust, demand.now).await?;
    proven.claims.judge(&proven.issuer, |client| trust.organisation_of(&proven.issuer, client), demand)
}
