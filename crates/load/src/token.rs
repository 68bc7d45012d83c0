//! Bearer tokens as a consumer would send them (docs/specification/uec.md#d-security and #h4-token), and the key set to
//! check signed ones with.
//!
//! Tokens are made here and never checked; checking is the server's.
//! Pitfall: an unsigned token keeps its trailing dot (`header.payload.`), because the empty signature is a part of it.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Timestamp;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// How long an unsigned token lives, in seconds (`exp` = `iat` + 300, docs/specification/uec.md#d-security).
pub const UNSIGNED_LIFETIME_S: u32 = 300;
/// The scope of every read of slots, schedules and the directory.
pub const SCOPE_SLOT_READ: &str = "organization/slot.read";
/// The scope that books, cancels and reads appointments.
pub const SCOPE_APPOINTMENT_WRITE: &str = "patient/appointment.write";
/// The consumer organisation of tokens that name none: an invented one.
pub const ORGANIZATION_DEFAULT: &str = "X9T20";

/// Claim `iss` of tokens that name none: an invented consumer's endpoint.
pub const ISSUER_DEFAULT: &str = "https://consumer.example-iuc.thirdparty.nhs.uk/";
/// Claim `sub` of tokens that name none: an invented user.
pub const SUBJECT_DEFAULT: &str = "u-3381";

const ODS_SYSTEM: &str = "https://fhir.nhs.uk/Id/ods-organization-code";

/// Why a private key is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file could not be read.
    #[error("cannot read the key file {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The key file holds no key that can sign.
    #[error("{path} holds no private key that can sign: a PEM file with an RSA key or an EC P-256 key (PKCS#8) is needed")]
    Unusable {
        /// The file.
        path: String,
    },
}

/// The payload of a token, in the order of docs/specification/uec.md#h4-token.
#[derive(Debug, Clone)]
pub struct Claims {
    /// The consumer's endpoint.
    pub iss: String,
    /// The user; equals the practitioner's id.
    pub sub: String,
    /// The FHIR root the token is for.
    pub aud: String,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// `directcare`, the only reason there is.
    pub reason_for_request: String,
    /// What it allows, separated by spaces.
    pub requested_scope: String,
    /// The system that sends the request.
    pub requesting_device: Value,
    /// The organisation that asks.
    pub requesting_organization: Value,
    /// The person who asks.
    pub requesting_practitioner: Value,
}

impl Claims {
    /// The claims of an invented consumer, `organization`, for one FHIR root and scope, good for `lifetime_s` seconds.
    pub fn new(audience: &str, scope: &str, organization: &str, now: Timestamp, lifetime_s: u32) -> Self {
        let issued = now.ms().div_euclid(1000);
        Self {
            iss: ISSUER_DEFAULT.to_owned(),
            sub: SUBJECT_DEFAULT.to_owned(),
            aud: audience.to_owned(),
            iat: issued,
            exp: issued.saturating_add(i64::from(lifetime_s)),
            reason_for_request: "directcare".to_owned(),
            requested_scope: scope.to_owned(),
            requesting_device: json!({
                "resourceType": "Device",
                "identifier": [{"system": format!("{ISSUER_DEFAULT}Id/device"), "value": "IUC-7"}],
                "model": "ExampleIUC",
                "version": "3.2"
            }),
            requesting_organization: json!({
                "resourceType": "Organization",
                "name": "Example 111 Service",
                "identifier": [{"system": ODS_SYSTEM, "value": organization}]
            }),
            requesting_practitioner: practitioner(SUBJECT_DEFAULT),
        }
    }

    /// The same for another user, who is the practitioner of the token too.
    #[must_use]
    pub fn for_subject(self, subject: &str) -> Self {
        Self { sub: subject.to_owned(), requesting_practitioner: practitioner(subject), ..self }
    }

    /// The payload as it goes into the token.
    pub fn payload(&self) -> Value {
        json!({
            "iss": self.iss,
            "sub": self.sub,
            "aud": self.aud,
            "iat": self.iat,
            "exp": self.exp,
            "reason_for_request": self.reason_for_request,
            "requested_scope": self.requested_scope,
            "requesting_device": self.requesting_device,
            "requesting_organization": self.requesting_organization,
            "requesting_practitioner": self.requesting_practitioner
        })
    }
}

fn practitioner(id: &str) -> Value {
    json!({
        "resourceType": "Practitioner",
        "id": id,
        "identifier": [
            {"system": "https://fhir.nhs.uk/Id/sds-user-id", "value": "UNK"},
            {"system": "https://fhir.nhs.uk/Id/sds-role-profile-id", "value": "UNK"},
            {"system": format!("{ISSUER_DEFAULT}Id/user"), "value": id}
        ],
        "name": [{"family": "Brierley", "given": ["Tom"]}]
    })
}

/// `claims` as an unsecured token: header `{"alg":"none","typ":"JWT"}`, payload, and a dot with nothing after it.
pub fn unsigned(claims: &Claims) -> String {
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"none","typ":"JWT"}"#);
    let payload = URL_SAFE_NO_PAD.encode(claims.payload().to_string());
    format!("{header}.{payload}.")
}

/// `claims` as a token signed with the private key in `file`: RS256 by an RSA key, ES256 by an EC P-256 key.
///
/// # Errors
/// [`KeyError`].
pub fn signed(claims: &Claims, file: &Path, kid: Option<&str>) -> Result<String, KeyError> {
    let (algorithm, key) = private_key(file)?;
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    jsonwebtoken::encode(&header, &claims.payload(), &key).map_err(|_| unusable(file))
}

/// The public half of a private key, as the only key of a set.
///
/// # Errors
/// [`KeyError`].
pub fn key_set(file: &Path, kid: Option<&str>) -> Result<String, KeyError> {
    let (algorithm, key) = private_key(file)?;
    let mut public = Jwk::from_encoding_key(&key, algorithm).map_err(|_| unusable(file))?;
    public.common.public_key_use = Some(PublicKeyUse::Signature);
    public.common.key_id = kid.map(str::to_owned);
    serde_json::to_string_pretty(&json!({"keys": [public]})).map_err(|_| unusable(file))
}

fn private_key(file: &Path) -> Result<(Algorithm, EncodingKey), KeyError> {
    let pem = fs::read(file).map_err(|source| KeyError::Unreadable { path: file.display().to_string(), source })?;
    // The label of a PKCS#8 file does not tell the kinds apart, so each is tried.
    match (EncodingKey::from_rsa_pem(&pem), EncodingKey::from_ec_pem(&pem)) {
        (Ok(key), _) => Ok((Algorithm::RS256, key)),
        (Err(_), Ok(key)) => Ok((Algorithm::ES256, key)),
        (Err(_), Err(_)) => Err(unusable(file)),
    }
}

fn unusable(file: &Path) -> KeyError {
    KeyError::Unusable { path: file.display().to_string() }
}

#[cfg(test)]
mod tests;
