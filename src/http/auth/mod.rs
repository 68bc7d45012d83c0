//! Tokens: who is asking, on whose behalf, and for what (digest D).

mod claims;
mod scope;
mod unsigned;

pub use scope::Need;

use super::settings::{AuthMode, Settings};
use crate::domain::appointment::Origin;
use crate::domain::fault::{Fault, TokenFault};
use crate::domain::policy::Access;
use crate::domain::time::Instant;
use crate::fhir::compat::ApiVersion;

/// Whoever asks, as far as the token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What they may see and do.
    pub access: Access,
    /// The oldest version of the booking API that is spoken with them.
    pub compat: ApiVersion,
    /// What is recorded of them; the headers are added later.
    pub origin: Origin,
}

/// The caller of a request, proven to have what the interaction needs; what a policy says of it comes on top.
///
/// `root_url` is the absolute URL of the service root that was called.
///
/// # Errors
/// [`Fault::Token`].
pub fn admit(authorization: Option<&str>, need: Need, root_url: &str, settings: &Settings, now: Instant) -> Result<Caller, Fault> {
    match (settings.auth, need) {
        // The statement is for everybody, whatever token they bring (`decisions.md` 5, "Scopes").
        (AuthMode::Off, _) | (_, Need::Nothing) => {
            Ok(Caller { access: Access::Everyone, compat: settings.compat, origin: Origin::default() })
        }
        (AuthMode::Unsigned, need) => {
            let given = authorization.ok_or(Fault::Token(TokenFault::Missing))?;
            let payload = unsigned::payload(given).map_err(Fault::Token)?;
            let accepted = if settings.audiences.is_empty() { vec![root_url.to_owned()] } else { settings.audiences.clone() };
            let rules = claims::Rules { audiences: &accepted, life_s_max: settings.limits.token_life_s_max, now };
            let claims = claims::check(&payload, &rules).map_err(Fault::Token)?;
            if !need.is_met_by(&claims.scope) {
                return Err(Fault::Token(TokenFault::Scope { needed: need.example() }));
            }
            let access = Access::usual(claims.organisation.clone());
            Ok(Caller { access, compat: settings.compat, origin: claims.into_origin() })
        }
    }
}
