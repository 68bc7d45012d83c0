//! How the service is reached and guarded: everything an operator may set, already checked.

use super::auth::{AuthMode, TokenRules, Trust};
use fhir::stu3::uec::compat::ApiVersion;
use ipnet::IpNet;
use std::sync::Arc;

/// Bounds on a request, each with a flag of its own (docs/contract.md#limits).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// Largest body as it is sent, in bytes.
    pub body_bytes_max: usize,
    /// Largest body as it unfolds where it is sent compressed, in bytes.
    pub inflated_bytes_max: usize,
    /// Longest query, in bytes.
    pub query_bytes_max: usize,
    /// Most parameters of a query.
    pub parameters_max: usize,
    /// Longest window of one slot search, in days.
    pub window_days_max: i64,
    /// How long a body may take to arrive, in milliseconds.
    pub body_wait_ms: u64,
    /// Longest life of a token, in seconds.
    pub token_life_s_max: i64,
    /// Bytes of the answers that are kept to be given again; 0 keeps none.
    pub answers_bytes_max: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 1_048_576,
            inflated_bytes_max: 4_194_304,
            query_bytes_max: 8_192,
            parameters_max: 200,
            window_days_max: 31,
            body_wait_ms: 15_000,
            token_life_s_max: AuthMode::Unsigned.token_life_s_max(),
            answers_bytes_max: 134_217_728,
        }
    }
}

/// What an operator set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Start of every absolute URL, without a trailing slash.
    pub public_url: String,
    /// Whom the service believes.
    pub auth: AuthMode,
    /// Audiences a token may name; empty for the root that is called.
    pub audiences: Vec<String>,
    /// Whose signed tokens are believed; nobody's unless `auth` says so.
    pub trust: Arc<Trust>,
    /// The only peers that may connect, when given.
    pub trusted_proxy: Option<IpNet>,
    /// Whether a booking needs a verified NHS number.
    pub require_verified_nhs_number: bool,
    /// The oldest version of the booking API whose consumers are served on the booking root
    /// (docs/specification/uec.md#g-versions).
    pub compat: ApiVersion,
    /// Origins whose pages may call, as browsers name them, or `*`.
    pub cors_origins: Vec<String>,
    /// Bounds.
    pub limits: HttpLimits,
}

impl Settings {
    /// What holds where nothing is set: unsigned tokens for the root that is called, no proxy, the usual bounds.
    pub fn at(public_url: impl Into<String>) -> Self {
        Self {
            public_url: public_url.into(),
            auth: AuthMode::Unsigned,
            audiences: Vec::new(),
            trust: Arc::new(Trust::nobody()),
            trusted_proxy: None,
            require_verified_nhs_number: false,
            compat: ApiVersion::LATEST,
            cors_origins: Vec::new(),
            limits: HttpLimits::default(),
        }
    }

    /// What tokens are held to.
    pub fn token_rules(&self) -> TokenRules<'_> {
        TokenRules { mode: self.auth, audiences: &self.audiences, trust: &self.trust, life_s_max: self.limits.token_life_s_max }
    }

    /// `Strict-Transport-Security`, where the service is reached over TLS, its own or that of a proxy in front: a year,
    /// for this host alone (docs/specification/uec.md#a3-formats).
    pub fn hsts(&self) -> Option<&'static str> {
        let scheme = self.public_url.split_once("://").map(|(scheme, _)| scheme);
        scheme.filter(|scheme| scheme.eq_ignore_ascii_case("https")).map(|_| "max-age=31536000")
    }
}
