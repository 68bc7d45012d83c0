//! The policy in force: what each consumer organisation may see and do, and which versions it speaks (UEC-8, UEC-9, UEC-11).
//!
//! It knows organisations and clients, not the file they are written in. What a reader would get wrong: a request takes
//! the policy once, when it is let in, and what it found goes with it to the end; a policy that is put in its place
//! meanwhile is for the next request.

use super::Service;
use super::auth::Caller;
use super::dialects::Interaction;
use domain::fault::{Denial, Fault};
use domain::ids::OdsCode;
use domain::policy::{Access, Reach, Rights};
use fhir::stu3::uec::compat::ApiVersion;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

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

/// Gives a caller whose token is proven what the policy says of its organisation.
///
/// # Errors
/// [`Fault::NotPermitted`] when that does not allow what it asks for, unless the organisation provides a service here:
/// on its own services it does as it likes, and the allocator knows which those are.
pub async fn permit(service: &Service, policy: Option<&Policy>, asks: Interaction, caller: &mut Caller) -> Result<(), Fault> {
    let (Some(policy), Access::Organisation { code, .. }) = (policy, &caller.access) else { return Ok(()) };
    let code = code.clone();
    let (rights, denial) = match policy.consumer(&code) {
        Some(consumer) => {
            caller.compat = consumer.speaks.unwrap_or(caller.compat);
            (Arc::clone(&consumer.rights), denial(&consumer.rights, asks, &code))
        }
        None => (Arc::clone(&NONE), Some(Denial::Unlisted { organisation: code.clone() })),
    };
    caller.access = Access::Organisation { code: code.clone(), rights };
    match denial {
        Some(denial) if !provides(service, code).await? => Err(Fault::NotPermitted(denial)),
        _ => Ok(()),
    }
}

/// Those of whoever no policy names; one object, because answers are kept by it.
static NONE: LazyLock<Arc<Rights>> = LazyLock::new(|| Arc::new(Rights::none()));

/// What an interaction needs beyond being admitted, and the organisation has not.
fn denial(rights: &Rights, asks: Interaction, code: &OdsCode) -> Option<Denial> {
    let organisation = || code.clone();
    match asks {
        Interaction::Book if !rights.book => Some(Denial::Booking { organisation: organisation() }),
        Interaction::Update if rights.cancel == Reach::None => Some(Denial::Cancelling { organisation: organisation() }),
        _ => None,
    }
}

async fn provides(service: &Service, organisation: OdsCode) -> Result<bool, Fault> {
    service.turns.take(&service.engine, move |engine| engine.provides(&organisation)).await
}
