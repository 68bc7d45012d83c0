//! The claims of a token and what each must be (digest D, table; `decisions.md` 5, "Tokens").
//!
//! Nothing of a token is ever repeated in a message but the names of claims.

use crate::domain::appointment::Origin;
use crate::domain::fault::TokenFault;
use crate::domain::ids::OdsCode;
use crate::domain::time::Instant;
use serde_json::Value;

/// How far clocks may differ, in seconds.
const LEEWAY_S: i64 = 60;
const ODS_SYSTEM: &str = "https://fhir.nhs.uk/Id/ods-organization-code";
const ROLE_SYSTEM: &str = "https://fhir.nhs.uk/Id/sds-role-profile-id";
/// Longest text of a claim that is recorded, in characters.
const RECORDED_CHARS_MAX: usize = 255;

/// What claims are held against.
pub(super) struct Rules<'a> {
    pub(super) audiences: &'a [String],
    pub(super) life_s_max: i64,
    pub(super) now: Instant,
}

/// What a token says, once proven.
pub(super) struct Claims {
    pub(super) organisation: OdsCode,
    pub(super) scope: String,
    issuer: String,
    user: String,
    role: Option<String>,
    device: Option<String>,
}

impl Claims {
    pub(super) fn into_origin(self) -> Origin {
        Origin {
            consumer: Some(self.organisation),
            issuer: Some(self.issuer),
            user: Some(self.user),
            role: self.role,
            device: self.device,
            ..Origin::default()
        }
    }
}

pub(super) fn check(payload: &Value, rules: &Rules<'_>) -> Result<Claims, TokenFault> {
    let issuer = text(payload, "iss")?;
    let user = text(payload, "sub")?;
    audience(payload, rules.audiences)?;
    times(payload, rules)?;
    if text(payload, "reason_for_request")? != "directcare" {
        return Err(TokenFault::ClaimValue { claim: "reason_for_request", expected: "`directcare`".to_owned() });
    }
    let scope = text(payload, "requested_scope")?.to_owned();
    let device = payload.get("requesting_device").filter(|d| d.is_object()).ok_or(TokenFault::Claim("requesting_device"))?;
    let organisation = organisation(payload)?;
    let role = practitioner(payload, user)?;
    Ok(Claims { organisation, scope, issuer: recorded(issuer), user: recorded(user), role, device: described(device) })
}

fn text<'p>(payload: &'p Value, claim: &'static str) -> Result<&'p str, TokenFault> {
    payload.get(claim).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).ok_or(TokenFault::Claim(claim))
}

/// `aud` is one of the accepted audiences, exactly, but for a trailing slash.
fn audience(payload: &Value, accepted: &[String]) -> Result<(), TokenFault> {
    let given: Vec<&str> = match payload.get("aud") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => return Err(TokenFault::Claim("aud")),
    };
    let bare = |url: &str| url.strip_suffix('/').unwrap_or(url).to_owned();
    let fits = given.iter().any(|given| accepted.iter().any(|accepted| bare(accepted) == bare(given)));
    if fits { Ok(()) } else { Err(TokenFault::Audience { accepted: accepted.to_vec() }) }
}

fn times(payload: &Value, rules: &Rules<'_>) -> Result<(), TokenFault> {
    let seconds = |claim| payload.get(claim).and_then(Value::as_i64).ok_or(TokenFault::Claim(claim));
    let (issued, expires) = (seconds("iat")?, seconds("exp")?);
    let now = rules.now.ms().div_euclid(1_000);
    if issued > now.saturating_add(LEEWAY_S) {
        return Err(TokenFault::NotYetValid);
    }
    if expires.saturating_add(LEEWAY_S) <= now {
        return Err(TokenFault::Expired);
    }
    let life = expires.saturating_sub(issued);
    if life <= 0 {
        return Err(TokenFault::ClaimValue { claim: "exp", expected: "later than `iat`".to_owned() });
    }
    if life > rules.life_s_max { Err(TokenFault::TooLong { limit_s: rules.life_s_max }) } else { Ok(()) }
}

fn organisation(payload: &Value) -> Result<OdsCode, TokenFault> {
    let claim = "requesting_organization";
    let organisation = payload.get(claim).filter(|o| o.is_object()).ok_or(TokenFault::Claim(claim))?;
    let code = identifier(organisation, ODS_SYSTEM).and_then(OdsCode::parse);
    code.ok_or_else(|| TokenFault::ClaimValue { claim, expected: format!("an organisation with an identifier of {ODS_SYSTEM}") })
}

/// The practitioner may be missing; if there is one, it is the one the token is about (digest D).
fn practitioner(payload: &Value, user: &str) -> Result<Option<String>, TokenFault> {
    let claim = "requesting_practitioner";
    match payload.get(claim) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(practitioner)) if practitioner.get("id").and_then(Value::as_str) != Some(user) => {
            Err(TokenFault::ClaimValue { claim, expected: "a practitioner whose `id` equals `sub`".to_owned() })
        }
        Some(practitioner @ Value::Object(_)) => Ok(identifier(practitioner, ROLE_SYSTEM).map(recorded)),
        Some(_) => Err(TokenFault::Claim(claim)),
    }
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
fn described(device: &Value) -> Option<String> {
    let identifier = match device.get("identifier") {
        Some(Value::Array(many)) => many.first(),
        other => other,
    };
    let parts = [device.get("model"), device.get("version"), identifier.and_then(|i| i.get("value"))];
    let text = parts.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
    Some(recorded(&text)).filter(|text| !text.is_empty())
}

fn recorded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(RECORDED_CHARS_MAX).collect()
}
