//! What tokens are held to, as far as the operator decides.

use super::trust::Trust;

/// Whom the service believes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Nobody needs a token. For one's own machine only.
    Off,
    /// Tokens without a signature, as the standard prescribes behind the Spine proxy (docs/specification/uec.md#d-security).
    Unsigned,
    /// Tokens signed by a trusted issuer, checked with its published keys (JWKS).
    Jwks,
}

impl AuthMode {
    /// Longest life of a token where nothing is set, in seconds (docs/contract.md#tokens).
    pub const fn token_life_s_max(self) -> i64 {
        match self {
            Self::Off | Self::Unsigned => 300,
            Self::Jwks => 3_600,
        }
    }
}

/// What tokens are held to.
#[derive(Debug, Clone, Copy)]
pub struct TokenRules<'a> {
    /// Whether a token is demanded, and what proves it.
    pub mode: AuthMode,
    /// Audiences a token may name; empty for the root that is called.
    pub audiences: &'a [String],
    /// Whose signed tokens are believed.
    pub trust: &'a Trust,
    /// Longest life of a token, in seconds.
    pub life_s_max: i64,
}
