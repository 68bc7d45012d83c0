//! `slotkeeper token`: prints a bearer token as a consumer would send it (digest D and H.4), or the key to check it with.
//!
//! It makes tokens and never checks one; checking is the server's. What a reader would get wrong: an unsigned token keeps
//! its trailing dot (`header.payload.`), because the empty signature is still a part of it.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use domain::ids::OdsCode;
use domain::time::Timestamp;
use fhir::stu3::naming::ODS_ORGANISATION;

/// How long an unsigned token lives, in seconds (`exp` = `iat` + 300, digest D).
pub const UNSIGNED_LIFETIME_S: u32 = 300;
/// The scope of every read of slots, schedules and the directory.
pub const SCOPE_SLOT_READ: &str = "organization/slot.read";
/// The scope that books, cancels and reads appointments.
pub const SCOPE_APPOINTMENT_WRITE: &str = "patient/appointment.write";
/// The consumer organisation of tokens that name none: an invented one.
pub const ORGANIZATION_DEFAULT: &str = "X9T20";

const ISSUER_DEFAULT: &str = "https://consumer.example-iuc.thirdparty.nhs.uk/";
const SUBJECT_DEFAULT: &str = "u-3381";

/// What `slotkeeper token` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct TokenArgs {
    /// What the token allows; repeatable, or several in one text separated by spaces
    #[arg(long = "scope", value_name = "SCOPE", default_value = SCOPE_SLOT_READ)]
    pub scope: Vec<String>,
    /// The FHIR root the token is for (claim `aud`), exactly as the server accepts it
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/STU3/1/booking")]
    pub audience: String,
    /// ODS code of the consumer organisation the token acts for
    #[arg(long, value_name = "ODS", default_value = ORGANIZATION_DEFAULT)]
    pub organization: String,
    /// Lifetime in seconds from now
    #[arg(long, value_name = "SECONDS", default_value_t = UNSIGNED_LIFETIME_S)]
    pub expires_in: u32,
    /// PEM file with a private key (RSA gives RS256, EC P-256 gives ES256); without it the token is unsigned
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Key id in the header of a signed token
    #[arg(long, value_name = "ID", requires = "key")]
    pub kid: Option<String>,
    /// Prints no token but the public half of --key as a key set (JWKS), for `serve --auth jwks --jwks`
    #[arg(long, requires = "key")]
    pub print_jwks: bool,
    /// Claim `iss`: the consumer's endpoint
    #[arg(long, value_name = "URL", default_value = ISSUER_DEFAULT)]
    pub issuer: String,
    /// Claim `sub`: the user, who is also the practitioner of the token
    #[arg(long, value_name = "ID", default_value = SUBJECT_DEFAULT)]
    pub subject: String,
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// An argument that cannot be used; wrong usage (exit 2).
    #[error("{0}")]
    Usage(String),
    /// The key file could not be read (exit 1).
    #[error("cannot read the key file {path}: {source}")]
    KeyFile {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The key file holds no key that can sign (exit 1).
    #[error("{path} holds no private key that can sign: a PEM file with an RSA key or an EC P-256 key (PKCS#8) is needed")]
    KeyUnusable {
        /// The file.
        path: String,
    },
}

impl TokenError {
    /// True when the command line is at fault (exit 2 instead of 1).
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_))
    }
}

/// The payload of a token, in the order of digest H.4.
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
                "identifier": [{"system": ODS_ORGANISATION, "value": organization}]
            }),
            requesting_practitioner: practitioner(SUBJECT_DEFAULT),
        }
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

/// The token `args` asks for, made at `now`, or the key set to check it with.
///
/// # Errors
/// An argument that no server could accept, or a key file that cannot be read or cannot sign.
pub fn print(args: &TokenArgs, now: Timestamp) -> Result<String, TokenError> {
    if let (true, Some(file)) = (args.print_jwks, &args.key) {
        return key_set(file, args.kid.as_deref());
    }
    let scope = args.scope.iter().flat_map(|text| text.split_whitespace()).collect::<Vec<_>>().join(" ");
    if scope.is_empty() {
        return Err(TokenError::Usage(format!("--scope is empty; for example: --scope {SCOPE_SLOT_READ}")));
    }
    if !args.audience.contains("://") {
        return Err(TokenError::Usage(format!(
            "--audience `{}` is no URL; for example: http://127.0.0.1:8080/STU3/1/booking",
            args.audience
        )));
    }
    let Some(organization) = OdsCode::parse(&args.organization) else {
        return Err(TokenError::Usage(format!("--organization `{}` is no ODS code: 1 to 12 letters and digits", args.organization)));
    };
    let mut claims = Claims::new(&args.audience, &scope, organization.as_str(), now, args.expires_in);
    claims.iss.clone_from(&args.issuer);
    claims.sub.clone_from(&args.subject);
    claims.requesting_practitioner = practitioner(&args.subject);
    match &args.key {
        None => Ok(unsigned(&claims)),
        Some(file) => signed(&claims, file, args.kid.as_deref()),
    }
}

/// `claims` as an unsecured token: header `{"alg":"none","typ":"JWT"}`, payload, and a dot with nothing after it.
pub fn unsigned(claims: &Claims) -> String {
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"none","typ":"JWT"}"#);
    let payload = URL_SAFE_NO_PAD.encode(claims.payload().to_string());
    format!("{header}.{payload}.")
}

fn signed(claims: &Claims, file: &Path, kid: Option<&str>) -> Result<String, TokenError> {
    let (algorithm, key) = private_key(file)?;
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    jsonwebtoken::encode(&header, &claims.payload(), &key).map_err(|_| unusable(file))
}

/// The public half of a private key, as the only key of a set.
fn key_set(file: &Path, kid: Option<&str>) -> Result<String, TokenError> {
    let (algorithm, key) = private_key(file)?;
    let mut public = Jwk::from_encoding_key(&key, algorithm).map_err(|_| unusable(file))?;
    public.common.public_key_use = Some(PublicKeyUse::Signature);
    public.common.key_id = kid.map(str::to_owned);
    serde_json::to_string_pretty(&json!({"keys": [public]})).map_err(|_| unusable(file))
}

fn private_key(file: &Path) -> Result<(Algorithm, EncodingKey), TokenError> {
    let pem = fs::read(file).map_err(|source| TokenError::KeyFile { path: file.display().to_string(), source })?;
    // The label of a PKCS#8 file does not tell the kinds apart, so each is tried.
    match (EncodingKey::from_rsa_pem(&pem), EncodingKey::from_ec_pem(&pem)) {
        (Ok(key), _) => Ok((Algorithm::RS256, key)),
        (Err(_), Ok(key)) => Ok((Algorithm::ES256, key)),
        (Err(_), Err(_)) => Err(unusable(file)),
    }
}

fn unusable(file: &Path) -> TokenError {
    TokenError::KeyUnusable { path: file.display().to_string() }
}

#[cfg(test)]
mod tests;
