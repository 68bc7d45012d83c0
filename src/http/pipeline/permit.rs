//! What the policy in force says of a caller whose token is proven.

use super::super::auth::Caller;
use super::super::policy::Policy;
use super::operation::Permission;
use super::service::Service;
use domain::fault::{Denial, Fault};
use domain::ids::OdsCode;
use domain::policy::{Access, Reach, Rights};
use fhir::stu3::uec::compat::ApiVersion;
use std::sync::{Arc, LazyLock};

/// Gives a caller what the policy says of its organisation, and says which version is spoken with it.
///
/// # Errors
/// [`Fault::NotPermitted`] when that does not allow what it asks for, unless the organisation provides a service here:
/// on its own services it does as it likes, and the allocator knows which those are.
pub async fn permit(service: &Service, policy: Option<&Policy>, asks: Permission, caller: &mut Caller) -> Result<ApiVersion, Fault> {
    let usual = service.settings.compat;
    let (Some(policy), Access::Organisation { code, .. }) = (policy, &caller.access) else { return Ok(usual) };
    let code = code.clone();
    let (rights, compat, denial) = match policy.consumer(&code) {
        Some(consumer) => (Arc::clone(&consumer.rights), consumer.speaks.unwrap_or(usual), denial(&consumer.rights, asks, &code)),
        None => (Arc::clone(&NONE), usual, Some(Denial::Unlisted { organisation: code.clone() })),
    };
    caller.access = Access::Organisation { code: code.clone(), rights };
    match denial {
        Some(denial) if !provides(service, code).await? => Err(Fault::NotPermitted(denial)),
        _ => Ok(compat),
    }
}

/// Those of whoever no policy names; one object, because responses are kept by it.
static NONE: LazyLock<Arc<Rights>> = LazyLock::new(|| Arc::new(Rights::none()));

/// What an operation needs beyond being admitted, and the organisation has not.
fn denial(rights: &Rights, asks: Permission, code: &OdsCode) -> Option<Denial> {
    let organisation = || code.clone();
    match asks {
        Permission::Book if !rights.book => Some(Denial::Booking { organisation: organisation() }),
        Permission::Cancel if rights.cancel == Reach::None => Some(Denial::Cancelling { organisation: organisation() }),
        Permission::Admission | Permission::Book | Permission::Cancel => None,
    }
}

async fn provides(service: &Service, organisation: OdsCode) -> Result<bool, Fault> {
    service.read_limiter.run(&service.engine, move |engine| engine.provides(&organisation)).await
}
