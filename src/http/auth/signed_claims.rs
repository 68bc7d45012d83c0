//! What a signed token says, and what it must say (docs/contract.md#tokens).
//!
//! Pitfall: reading comes once, judging with every request, because a token that is remembered
//! still grows old, opens one root and not the other, and belongs to whoever its client belongs to now.

use super::claims::{self, Times};
use super::issuer::{Issuer, Organisation};
use super::scope::Need;
use domain::appointment::Origin;
use domain::fault::TokenFault;
use domain::ids::OdsCode;
use domain::time::Timestamp;
use serde_json::Value;

/// The claims of a signed token, as far as they are used.
#[derive(Debug)]
pub(super) struct SignedClaims {
    audiences: Vec<String>,
    times: Times,
    scope_claim: String,
    scope: String,
    of: Of,
    user: Option<String>,
    role: Option<String>,
    device: Option<String>,
}

/// For whom a token was made.
#[derive(Debug)]
enum Of {
    Organisation(OdsCode),
    Client(String),
}

/// What a request demands of a token.
pub(super) struct Demand<'a> {
    /// The audiences of the server, where the issuer has none of its own.
    pub(super) audiences: &'a [String],
    /// The longest life, where the issuer has none of its own.
    pub(super) life_s_max: i64,
    pub(super) need: Need,
    pub(super) now: Timestamp,
}

impl SignedClaims {
    pub(super) fn read(payload: &Value, issuer: &Issuer) -> Result<Self, TokenFault> {
        if let Some(missing) = issuer.required.iter().find(|claim| payload.get(claim.as_str()).is_none_or(Value::is_null)) {
            return Err(TokenFault::Claim(missing.clone()));
        }
        let audiences = claims::audiences(payload)?.into_iter().map(str::to_owned).collect();
        let times = Times::of(payload)?;
        if issuer.reason_demanded || payload.get(claims::REASON).is_some_and(|reason| !reason.is_null()) {
            claims::direct_care(payload)?;
        }
        let (scope_claim, scope) = scope(payload, &issuer.scope_claims)?;
        let of = match &issuer.organisation {
            Organisation::Claim(claim) => Of::Organisation(organisation(payload, claim)?),
            Organisation::Client(names) => Of::Client(client(payload, names)?),
        };
        let subject = payload.get("sub").and_then(Value::as_str);
        let client = match &of {
            Of::Client(client) => Some(client.as_str()),
            Of::Organisation(_) => None,
        };
        let user = subject.or(client).map(claims::recorded).filter(|user| !user.is_empty());
        let object = |claim: &str| match payload.get(claim) {
            None | Some(Value::Null) => Ok(None),
            Some(object) if object.is_object() => Ok(Some(object)),
            Some(_) => Err(TokenFault::Claim(claim.to_owned())),
        };
        let role = object("requesting_practitioner")?.and_then(claims::role);
        let device = object("requesting_device")?.and_then(claims::described);
        Ok(Self { audiences, times, scope_claim, scope, of, user, role, device })
    }

    /// Holds the token against one request: who asks, and what is recorded of them. `organisation_of` knows the clients of
    /// its issuer.
    pub(super) fn judge(
        &self,
        issuer: &Issuer,
        organisation_of: impl FnOnce(&str) -> Option<OdsCode>,
        demand: &Demand<'_>,
    ) -> Result<(OdsCode, Origin), TokenFault> {
        let accepted = if issuer.audiences.is_empty() { demand.audiences } else { &issuer.audiences };
        claims::audience_fits(self.audiences.iter().map(String::as_str), accepted)?;
        self.times.judge(issuer.life_s_max.unwrap_or(demand.life_s_max), demand.now)?;
        let organisation = match &self.of {
            Of::Organisation(organisation) => organisation.clone(),
            Of::Client(client) => organisation_of(client).ok_or(TokenFault::ClientUnknown)?,
        };
        if !demand.need.is_met_by(&self.scope) {
            return Err(TokenFault::Scope { claim: self.scope_claim.clone(), needed: demand.need.example() });
        }
        let origin = Origin {
            consumer: Some(organisation.clone()),
            issuer: Some(claims::recorded(&issuer.name)),
            user: self.user.clone(),
            role: self.role.clone(),
            device: self.device.clone(),
            ..Origin::default()
        };
        Ok((organisation, origin))
    }
}

/// The scope and the claim it is in: a text of scopes parted by spaces, or a list of them.
fn scope(payload: &Value, names: &[String]) -> Result<(String, String), TokenFault> {
    let there = names.iter().find_map(|name| Some((name, payload.get(name.as_str())?)));
    let Some((name, value)) = there else { return Err(TokenFault::Claim(names.join("` or `"))) };
    let scope = match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => list.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|scopes| scopes.join(" ")),
        _ => None,
    };
    scope.map(|scope| (name.clone(), scope)).ok_or_else(|| TokenFault::Claim(name.clone()))
}

fn client(payload: &Value, names: &[String]) -> Result<String, TokenFault> {
    let there = names.iter().find_map(|name| Some((name, payload.get(name.as_str())?)));
    let Some((name, value)) = there else { return Err(TokenFault::Claim(names.join("` or `"))) };
    let id = value.as_str().filter(|id| !id.trim().is_empty());
    id.map(str::to_owned).ok_or_else(|| TokenFault::Claim(name.clone()))
}

/// The organisation in a claim: as the standard has it, or its ODS code as text.
fn organisation(payload: &Value, claim: &str) -> Result<OdsCode, TokenFault> {
    match payload.get(claim) {
        Some(Value::String(code)) => {
            let expected = || "an ODS code: 1 to 12 letters and digits".to_owned();
            OdsCode::parse(code).ok_or_else(|| TokenFault::ClaimValue { claim: claim.to_owned(), expected: expected() })
        }
        _ => claims::organisation(payload, claim),
    }
}
