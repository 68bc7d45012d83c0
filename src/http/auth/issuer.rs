//! A token server that is believed, and how its tokens are read.

use super::algorithm::Algorithm;
use super::key_source::KeySource;
use domain::ids::OdsCode;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The claims in which the client's id is looked for, the first that is there, where an issuer does not say.
pub const CLIENT_CLAIMS: [&str; 4] = ["client_id", "azp", "appid", "sub"];
/// The claims in which the scope is looked for, the first that is there, where an issuer does not say.
pub const SCOPE_CLAIMS: [&str; 3] = ["requested_scope", "scope", "scp"];
/// The claim that names the organisation in the standard (docs/specification/uec.md#d-security).
pub const ORGANISATION_CLAIM: &str = "requesting_organization";

/// How the organisation of a token is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Organisation {
    /// In this claim: an Organization with an ODS code, or the code as text.
    Claim(String),
    /// Through the client the token was issued to, whose id is in the first of these claims that is there.
    Client(Vec<String>),
}

/// A token server that is believed.
#[derive(Debug)]
pub struct Issuer {
    /// `iss`, to the letter.
    pub name: String,
    /// The algorithms it signs with.
    pub algorithms: Vec<Algorithm>,
    /// The audiences of its tokens; empty for those of the server.
    pub audiences: Vec<String>,
    /// How it says for whom a token was made.
    pub organisation: Organisation,
    /// Its clients and their organisations, before anybody else is asked.
    pub clients: BTreeMap<String, OdsCode>,
    /// The claims in which the scope may be, the first that is there.
    pub scope_claims: Vec<String>,
    /// Longest life of its tokens, in seconds, where it is not the server's.
    pub life_s_max: Option<i64>,
    /// Claims that must be there besides those that always must.
    pub required: Vec<String>,
    /// Whether its tokens must say `reason_for_request`; where it is said, it is `directcare`.
    pub reason_demanded: bool,
    /// Its keys.
    pub keys: Arc<KeySource>,
}

impl Issuer {
    /// An issuer of tokens as the standard has them, of which nothing else is said.
    pub fn usual(name: impl Into<String>, keys: Arc<KeySource>) -> Self {
        Self {
            name: name.into(),
            algorithms: Algorithm::USUAL.to_vec(),
            audiences: Vec::new(),
            organisation: Organisation::Claim(ORGANISATION_CLAIM.to_owned()),
            clients: BTreeMap::new(),
            scope_claims: SCOPE_CLAIMS.map(str::to_owned).to_vec(),
            life_s_max: None,
            required: Vec::new(),
            reason_demanded: true,
            keys,
        }
    }
}
