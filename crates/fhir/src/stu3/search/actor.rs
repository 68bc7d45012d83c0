//! Actors of a schedule, as references.
//!
//! Pitfall: FHIR allows patients and devices as actors of a schedule, so asking for one is not malformed; no
//! schedule here has one, so it matches nothing.

use crate::search::value::{list, token};
use domain::directory::DirectoryKind;
use domain::fault::Fault;
use domain::ids::{ResourceId, ServiceId};
use domain::search::Actor;

const ACTOR_EXPECTED: &str = "HealthcareService/<id>, Practitioner/<id>, PractitionerRole/<id>, Location/<id> or an id alone";

/// The actors that one parameter names, any of whom will do; `kind` is that of the parameter's modifier.
///
/// Empty when all of those named are of kinds that no schedule has.
pub(super) fn actors(name: &str, value: &str, kind: Option<DirectoryKind>) -> Result<Vec<Actor>, Fault> {
    let named = list(name, value, ACTOR_EXPECTED, |item| actor(item, kind))?;
    Ok(named.into_iter().flatten().collect())
}

/// The services of `group`, when it names nothing else.
pub(super) fn of_services(group: &[Actor]) -> Option<Vec<ServiceId>> {
    let service = |actor: &Actor| match actor.kind {
        Some(DirectoryKind::HealthcareService) => ServiceId::parse(actor.id.as_str()).ok(),
        _ => None,
    };
    group.iter().map(service).collect()
}

/// The actor of one item; `Some(None)` when it is of a kind that no schedule has.
#[expect(clippy::option_option, reason = "outside: is it a reference at all; inside: can it match")]
fn actor(item: &str, kind: Option<DirectoryKind>) -> Option<Option<Actor>> {
    let token = token(item)?;
    // Only a service is known by an identifier, which equals its id (docs/specification/uec.md#b3-directory).
    if token.system.is_some() && kind != Some(DirectoryKind::HealthcareService) {
        return None;
    }
    let (kind, id) = match token.code.split_once('/') {
        None => (kind, token.code.as_str()),
        Some(("Patient" | "RelatedPerson" | "Device", _)) if kind.is_none() => return Some(None),
        Some((given, id)) => {
            let given = DirectoryKind::parse(given).filter(|given| *given != DirectoryKind::Organization)?;
            if kind.is_some_and(|kind| kind != given) {
                return None;
            }
            (Some(given), id)
        }
    };
    Some(Some(Actor { kind, id: ResourceId::parse(id).ok()? }))
}
