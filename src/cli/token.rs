//! `slotkeeper token`: prints a bearer token as a consumer would send it, or the key set to check it with.

use std::path::PathBuf;

use domain::ids::OdsCode;
use domain::time::Timestamp;
use load::token::{
    Claims, ISSUER_DEFAULT, KeyError, ORGANIZATION_DEFAULT, SCOPE_SLOT_READ, SUBJECT_DEFAULT, UNSIGNED_LIFETIME_S, key_set, signed,
    unsigned,
};

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
    /// Lifetime in seconds from now, 1 or more
    #[arg(long, value_name = "SECONDS", default_value_t = UNSIGNED_LIFETIME_S, value_parser = clap::value_parser!(u32).range(1..))]
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
    /// A private key that is of no use (exit 1).
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl TokenError {
    /// True when the command line is at fault (exit 2 instead of 1).
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_))
    }
}

/// The token `args` asks for, made at `now`, or the key set to check it with.
///
/// # Errors
/// An argument that no server could accept, or a key file that cannot be read or cannot sign.
pub fn print(args: &TokenArgs, now: Timestamp) -> Result<String, TokenError> {
    if let (true, Some(file)) = (args.print_jwks, &args.key) {
        return Ok(key_set(file, args.kid.as_deref())?);
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
    let mut claims = Claims::new(&args.audience, &scope, organization.as_str(), now, args.expires_in).for_subject(&args.subject);
    claims.iss.clone_from(&args.issuer);
    match &args.key {
        None => Ok(unsigned(&claims)),
        Some(file) => Ok(signed(&claims, file, args.kid.as_deref())?),
    }
}

#[cfg(test)]
mod tests;
