//! The claims of a token and what each must be (docs/specification/uec.md#d-security, table; docs/contract.md#tokens).
//!
//! Pitfall: reading comes once, judging with every request, because a token that is remembered still
//! grows old, and opens one root and not the other.
//!
//! Nothing of a token is ever repeated in a message but the names of claims.

use domain::appointment::Origin;
use domain::fault::TokenFault;
use domain::ids::OdsCode;
use domain::time::Timestamp;
use fhir::stu3::naming::{ODS_ORGANISATION, SDS_ROLE};
use serde_json::Value;
use std::time::Duration;

/// Why the request is made.
pub(super) const REASON: &str = "reason_for_request";
/// How far clocks may differ, in milliseconds.
const LEEWAY_MS: i64 = 60_000;
/// Longest text of a claim that is recorded, in characters.
const RECORDED_CHARS_MAX: usize = 255;

/// What claims are held against.
pub(super) struct ClaimRules<'a> {
    pub(super) audiences: &'a [String],
    pub(super) life_s_max: i64,
    pub(super) now: Timestamp,
}

/// What a token without a signature says.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) organisation: OdsCode,
    pub(super) scope: String,
    audiences: Vec<String>,
    times: Times,
    issuer: String,
    user: String,
    role: Option<String>,
    device: Option<String>,
}

impl Claims {
    /// The claims of an unsigned token, each of which the standard prescribes.
    pub(super) fn read(payload: &Value) -> Result<Self, TokenFault> {
        let issuer = text(payload, "iss")?;
        let user = text(payload, "sub")?;
        let audiences = audiences(payload)?.into_iter().map(str::to_owned).collect();
        let times = Times::of(payload)?;
        direct_care(payload)?;
        let scope = text(payload, "requested_scope")?.to_owned();
        let device = payload.get("requesting_device").filter(|d| d.is_object()).ok_or_else(|| missing("requesting_device"))?;
        let organisation = organisation(payload, "requesting_organization")?;
        let role = practitioner(payload, user)?;
        let (issuer, user, device) = (recorded(issuer), recorded(user), described(device));
        Ok(Self { organisation, scope, audiences, times, issuer, user, role, device })
    }

    /// Whether it opens this door now.
    pub(super) fn judge(&self, rules: &ClaimRules<'_>) -> Result<(), TokenFault> {
        audience_fits(self.audiences.iter().map(String::as_str), rules.audiences)?;
        self.times.judge(rules.life_s_max, rules.now)
    }

    /// What is recorded of it.
    pub(super) fn origin(&self) -> Origin {
        Origin {
            consumer: Some(self.organisation.clone()),
            issuer: Some(self.issuer.clone()),
            user: Some(self.user.clone()),
            role: self.role.clone(),
            device: self.device.clone(),
            ..Origin::default()
        }
    }
}

fn missing(claim: &str) -> TokenFault {
    TokenFault::Claim(claim.to_owned())
}

fn wrong(claim: &str, expected: impl Into<String>) -> TokenFault {
    TokenFault::ClaimValue { claim: claim.to_owned(), expected: expected.into() }
}

fn text<'p>(payload: &'p Value, claim: &str) -> Result<&'p str, TokenFault> {
    payload.get(claim).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).ok_or_else(|| missing(claim))
}

/// The audiences a token names.
pub(super) fn audiences(payload: &Value) -> Result<Vec<&str>, TokenFault> {
    match payload.get("aud") {
        Some(Value::String(one)) => Ok(vec![one.as_str()]),
        Some(Value::Array(many)) => Ok(many.iter().filter_map(Value::as_str).collect()),
        _ => Err(missing("aud")),
    }
}

/// `aud` is one of the accepted audiences, exactly, but for a trailing slash.
pub(super) fn audience_fits<'a>(mut given: impl Iterator<Item = &'a str>, accepted: &[String]) -> Result<(), TokenFault> {
    let bare = |url: &'a str| url.strip_suffix('/').unwrap_or(url);
    let fits = given.any(|given| accepted.iter().any(|accepted| accepted.strip_suffix('/').unwrap_or(accepted) == bare(given)));
    if fits { Ok(()) } else { Err(TokenFault::Audience { accepted: accepted.to_vec() }) }
}

/// A time of a token, in seconds since 1970 with or without decimals (RFC 7519, "NumericDate"), as milliseconds. A number too
/// large for them is as large as can be: no token lives that long.
fn milliseconds(seconds: &Value) -> Option<i64> {
    let Value::Number(seconds) = seconds else { return None };
    if let Some(whole) = seconds.as_i64() {
        return Some(whole.saturating_mul(1_000));
    }
    let seconds = seconds.as_f64()?;
    // To the nearest millisecond, because few decimals are exact in binary.
    let nearest = |length: Duration| i64::try_from(length.as_micros().saturating_add(500) / 1_000).ok();
    let length = Duration::try_from_secs_f64(seconds.abs()).ok().and_then(nearest).unwrap_or(i64::MAX);
    Some(if seconds < 0.0 { length.saturating_neg() } else { length })
}

/// When a token begins and ends, in milliseconds since 1970.
#[derive(Debug)]
pub(super) struct Times {
    issued: i64,
    expires: i64,
    not_before: Option<i64>,
}

impl Times {
    pub(super) fn of(payload: &Value) -> Result<Self, TokenFault> {
        let of = |claim| payload.get(claim).and_then(milliseconds).ok_or_else(|| missing(claim));
        let not_before = payload.get("nbf").filter(|given| !given.is_null()).map(|_| of("nbf")).transpose()?;
        Ok(Self { issued: of("iat")?, expires: of("exp")?, not_before })
    }

    pub(super) fn judge(&self, life_s_max: i64, now: Timestamp) -> Result<(), TokenFault> {
        let now = now.ms();
        let begins = self.not_before.map_or(self.issued, |not_before| not_before.max(self.issued));
        if begins > now.saturating_add(LEEWAY_MS) {
            return Err(TokenFault::NotYetValid);
        }
        if self.expires.saturating_add(LEEWAY_MS) <= now {
            return Err(TokenFault::Expired);
        }
        let life = self.expires.saturating_sub(self.issued);
        if life <= 0 {
            return Err(wrong("exp", "later than `iat`"));
        }
        if life > life_s_max.saturating_mul(1_000) { Err(TokenFault::TooLong { limit_s: life_s_max }) } else { Ok(()) }
    }
}

/// Bookings are for direct care and nothing else (docs/specification/uec.md#d-security).
pub(super) fn direct_care(payload: &Value) -> Result<(), TokenFault> {
    if text(payload, REASON)? == "directcare" { Ok(()) } else { Err(wrong(REASON, "`directcare`")) }
}

/// The organisation in a claim, as the standard has it.
pub(super) fn organisation(payload: &Value, claim: &str) -> Result<OdsCode, TokenFault> {
    let organisation = payload.get(claim).filter(|o| o.is_object()).ok_or_else(|| missing(claim))?;
    let code = identifier(organisation, ODS_ORGANISATION).and_then(OdsCode::parse);
    code.ok_or_else(|| wrong(claim, format!("an organisation with an identifier of {ODS_ORGANISATION}")))
}

/// The practitioner may be missing; if there is one, it is the one the token is about (docs/specification/uec.md#d-security).
fn practitioner(payload: &Value, user: &str) -> Result<Option<String>, TokenFault> {
    let claim = "requesting_practitioner";
    match payload.get(claim) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(practitioner)) if practitioner.get("id").and_then(Value::as_str) != Some(user) => {
            Err(wrong(claim, "a practitioner whose `id` equals `sub`"))
        }
        Some(practitioner @ Value::Object(_)) => Ok(role(practitioner)),
        Some(_) => Err(missing(claim)),
    }
}

/// The role profile of a practitioner.
pub(super) fn role(practitioner: &Value) -> Option<String> {
    identifier(practitioner, SDS_ROLE).map(recorded)
}

/// The value of the identifier of a system, in a resource whose identifiers are a list or a single one.
fn identifier<'r>(resource: &'r Value, system: &str) -> Option<&'r str> {
    let identifiers = match resource.get("identifier")? {
        Value::Array(many) => many.iter().collect(),
        one => vec![one],
    };
    let of_system = identifiers.into_iter().find(|i| i.get("system").and_then(Value::as_str) == Some(system))?;
    of_system.get("value").and_then(Value::as_str)
}

/// Model, version and identifier of a device, as far as they are there.
pub(super) fn described(device: &Value) -> Option<String> {
    let identifier = match device.get("identifier") {
        Some(Value::Array(many)) => many.first(),
        other => other,
    };
    let parts = [device.get("model"), device.get("version"), identifier.and_then(|i| i.get("value"))];
    let text = parts.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
    Some(recorded(&text)).filter(|text| !text.is_empty())
}

pub(super) fn recorded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(RECORDED_CHARS_MAX).collect()
}
