//! The policy in force: what each consumer organisation may see and do, and which versions it speaks
//! (docs/specification/infrastructure.md#uec-8, #uec-9, #uec-11).
//!
//! It knows organisations and clients, not the file they are written in. A request takes the policy once, when it is let
//! in, and what it found goes with it to the end; a policy that is put in its place meanwhile is for the next request.

use domain::ids::OdsCode;
use domain::policy::Rights;
use fhir::stu3::uec::compat::ApiVersion;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;

/// What a policy says of one organisation, or of all that it does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// What it may see and do.
    pub rights: Arc<Rights>,
    /// The oldest version of the booking API it speaks; what the server speaks with everybody, when `None`.
    pub speaks: Option<ApiVersion>,
}

/// A client of an authorisation server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Client {
    /// The authorisation server (`iss`); any that is trusted, when `None`.
    pub issuer: Option<String>,
    /// The client's id there.
    pub id: String,
}

/// What the provider lets consumers see and do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The organisations it names.
    pub consumers: HashMap<OdsCode, Consumer>,
    /// What it says of all others; nothing, and they are refused.
    pub others: Option<Consumer>,
    /// The clients that act for an organisation. No client acts for two.
    pub clients: HashMap<Client, OdsCode>,
}

impl Policy {
    /// What it says of an organisation. `None`: it is refused.
    pub fn consumer(&self, organisation: &OdsCode) -> Option<&Consumer> {
        self.consumers.get(organisation).or(self.others.as_ref())
    }

    /// The organisation that a client acts for, for tokens that carry none.
    pub fn consumer_of_client(&self, issuer: &str, client: &str) -> Option<&OdsCode> {
        let of = |issuer: Option<&str>| self.clients.get(&Client { issuer: issuer.map(str::to_owned), id: client.to_owned() });
        of(Some(issuer)).or_else(|| of(None))
    }
}

/// Where the policy hangs: taken by every request, put in its place as a whole.
#[derive(Debug, Default)]
pub struct PolicyInForce(RwLock<Option<Arc<Policy>>>);

impl PolicyInForce {
    /// The policy of this moment; `None` where there is none and every organisation has the usual rights.
    pub fn current(&self) -> Option<Arc<Policy>> {
        self.0.read().clone()
    }

    /// Puts another one in its place.
    pub fn replace(&self, policy: Policy) {
        *self.0.write() = Some(Arc::new(policy));
    }
}
