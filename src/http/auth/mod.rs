//! Tokens: who is asking, on whose behalf, and for what (digest D).

mod algorithm;
mod bearer;
mod claims;
mod key_fetch;
mod key_set;
mod key_source;
mod scope;
mod signed;
mod signed_claims;
mod trust;
mod unsigned;

pub use algorithm::Algorithm;
pub use key_fetch::{Authorities, KeyPlace, read_file as read_key_file};
pub use key_set::KeySet;
pub use key_source::{ASK_AGAIN_MS, Fetch, Fetched, KeySource, STALE_MS};
pub use scope::Need;
pub use trust::{CLIENT_CLAIMS, ClientDirectory, Issuer, ORGANISATION_CLAIM, Organisation, SCOPE_CLAIMS, Trust};

use super::settings::{AuthMode, Settings};
use domain::appointment::Origin;
use domain::fault::{Fault, TokenFault};
use domain::ids::OdsCode;
use domain::policy::Access;
use domain::time::Timestamp;
use fhir::stu3::uec::compat::ApiVersion;
use std::sync::Arc;

/// Whoever asks, as far as the token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What they may see and do.
    pub access: Access,
    /// The oldest version of the booking API that is spoken with them.
    pub compat: ApiVersion,
    /// What is recorded of them; the headers are added later.
    pub origin: Arc<Origin>,
}

/// The caller of a request, proven to have what the interaction needs; what a policy says of it comes on top.
///
/// `root_url` is the absolute URL of the service root that was called.
///
/// # Errors
/// [`Fault::Token`].
pub async fn admit(authorization: Option<&str>, need: Need, root_url: &str, settings: &Settings, now: Timestamp) -> Result<Caller, Fault> {
    // The statement is for everybody, whatever token they bring (`decisions.md` 5, "Scopes").
    if settings.auth == AuthMode::Off || need == Need::Nothing {
        return Ok(everybody(settings));
    }
    let given = authorization.ok_or(Fault::Token(TokenFault::Missing))?;
    let root = [root_url.to_owned()];
    let audiences = if settings.audiences.is_empty() { &root } else { settings.audiences.as_slice() };
    let life_s_max = settings.limits.token_life_s_max;
    let admitted = match settings.auth {
        AuthMode::Off => return Ok(everybody(settings)),
        AuthMode::Unsigned => by_claims(given, &settings.trust, &claims::Rules { audiences, life_s_max, now }, need),
        AuthMode::Jwks => by_signature(given, &settings.trust, &signed_claims::Demand { audiences, life_s_max, need, now }).await,
    };
    // As it is before the policy is asked.
    let (organisation, origin) = admitted.map_err(Fault::Token)?;
    Ok(Caller { access: Access::usual(organisation), compat: settings.compat, origin: Arc::new(origin) })
}

fn everybody(settings: &Settings) -> Caller {
    Caller { access: Access::Everyone, compat: settings.compat, origin: Arc::default() }
}

/// A caller who is believed for what stands around this server: the proxy, or the loopback interface.
fn by_claims(authorization: &str, trust: &Trust, rules: &claims::Rules<'_>, need: Need) -> Result<(OdsCode, Origin), TokenFault> {
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
    proven.claims.judge(&proven.issuer, trust, demand)
}
