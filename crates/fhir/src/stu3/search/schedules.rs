//! `GET /Schedule`: the table of its parameters.
//!
//! Pitfall: an actor given by a bare id may be of any kind, and one list may mix kinds; only a list of nothing but
//! services becomes [`ScheduleSearch::services`], which also decides the service that each schedule shows.

use super::actor::{actors, of_services};
use super::includes;
use crate::search::declaration::{Parameter, ParameterKind, Roots, Searchable, Sorts, Spelled};
use crate::search::parameters::{read, reversed};
use crate::search::value::{ID_EXPECTED, IDENTIFIER_EXPECTED, both, list, narrowed, ruled_out, token};
use crate::search::{Query, SearchRules, value_fault};
use crate::stu3::definitions;
use domain::directory::DirectoryKind;
use domain::fault::{Fault, ParameterFault};
use domain::ids::{ScheduleId, ServiceId};
use domain::search::{Actor, ScheduleSearch, Window};

/// What a parameter of this search means.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    Actor(Option<DirectoryKind>),
    Date,
    Identifier,
    Active,
    Id,
}

/// What a search of schedules takes.
pub(super) static SCHEDULE: Searchable<Key> = Searchable {
    kind: "Schedule",
    definitions,
    parameters: &PARAMETERS,
    includes: includes::OF_SCHEDULES,
    includes_on_booking_root: includes::OF_SLOTS,
    reverse_includes: includes::TO_SCHEDULES,
    sorts: Sorts::NONE,
};

const fn of_kind(name: &'static str, kind: DirectoryKind, about: &'static str) -> Parameter<Key> {
    Parameter { spelled: Spelled::FreeAfterColon, ..Parameter::new(name, ParameterKind::Reference, Key::Actor(Some(kind)), about) }
}

static PARAMETERS: [Parameter<Key>; 9] = [
    Parameter::new("actor", ParameterKind::Reference, Key::Actor(None), "Whose time it is: a service, clinician, role or place"),
    of_kind("actor:healthcareservice", DirectoryKind::HealthcareService, "The service it serves"),
    of_kind("actor:practitioner", DirectoryKind::Practitioner, "The clinician"),
    of_kind("actor:practitionerrole", DirectoryKind::PractitionerRole, "The clinician's role"),
    of_kind("actor:location", DirectoryKind::Location, "The place"),
    Parameter::new("date", ParameterKind::Date, Key::Date, "A time in which the schedule has slots"),
    Parameter::new("identifier", ParameterKind::Token, Key::Identifier, "The provider's own name for the schedule"),
    Parameter {
        roots: Roots::Provider,
        ..Parameter::new("active", ParameterKind::Token, Key::Active, "Whether it takes bookings: true or false")
    },
    Parameter::new("_id", ParameterKind::Token, Key::Id, "The schedule's id"),
];

/// A system, if one was given, and a value.
type IdentifierCondition = (Option<String>, String);

#[derive(Debug, Default)]
struct ScheduleConditions {
    ids: Option<Vec<ScheduleId>>,
    services: Option<Vec<ServiceId>>,
    actors: Vec<Vec<Actor>>,
    identifiers: Option<Vec<IdentifierCondition>>,
    actives: Option<Vec<bool>>,
    date: Window,
    nothing: bool,
}

/// The schedule search in `pairs`. It does not depend on the current time: a schedule has no window unless one is given.
///
/// Fails with a [`Fault::Parameter`] that names the parameter and what would be right.
pub fn schedules(pairs: &[(String, String)], rules: &SearchRules) -> Result<Query<ScheduleSearch>, Fault> {
    let mut asked = ScheduleConditions::default();
    let common = read(pairs, rules, &SCHEDULE, |key, name, value| asked.take(key, name, value))?;
    if reversed(&asked.date) {
        return Err(Fault::Parameter(ParameterFault::WindowReversed { name: "date" }));
    }
    let nothing = asked.nothing
        || ruled_out(asked.ids.as_ref())
        || ruled_out(asked.services.as_ref())
        || ruled_out(asked.identifiers.as_ref())
        || ruled_out(asked.actives.as_ref());
    let search = ScheduleSearch {
        ids: asked.ids.unwrap_or_default(),
        services: asked.services.unwrap_or_default(),
        actors: asked.actors,
        identifiers: asked.identifiers.unwrap_or_default(),
        actives: asked.actives.unwrap_or_default(),
        date: asked.date,
        updated: common.updated,
        nothing,
        includes: common.includes,
        paging: common.paging.clone(),
    };
    Ok(common.query(search))
}

impl ScheduleConditions {
    fn take(&mut self, key: Key, name: &str, value: &str) -> Result<(), Fault> {
        match key {
            Key::Id => both(&mut self.ids, list(name, value, ID_EXPECTED, |item| ScheduleId::parse(item).ok())?),
            Key::Identifier => {
                let tokens = list(name, value, IDENTIFIER_EXPECTED, token)?;
                self.identify(tokens.into_iter().map(|t| (t.system, t.code)).collect());
            }
            Key::Date => self.date = narrowed(self.date, name, value)?,
            Key::Actor(kind) => self.act(actors(name, value, kind)?),
            Key::Active => {
                let active = value.parse().map_err(|_| value_fault(name, value, "true or false"))?;
                both(&mut self.actives, vec![active]);
            }
        }
        Ok(())
    }

    fn act(&mut self, group: Vec<Actor>) {
        match of_services(&group) {
            _ if group.is_empty() => self.nothing = true,
            Some(services) => both(&mut self.services, services),
            None => self.actors.push(group),
        }
    }

    /// A schedule has one identifier, so of two lists the pairs that agree are left, each as exact as it can be.
    fn identify(&mut self, wanted: Vec<IdentifierCondition>) {
        let Some(kept) = self.identifiers.take() else {
            self.identifiers = Some(wanted);
            return;
        };
        let agreed = kept.iter().flat_map(|one| wanted.iter().filter_map(move |other| agreed(one, other)));
        self.identifiers = Some(agreed.collect());
    }
}

fn agreed(one: &IdentifierCondition, other: &IdentifierCondition) -> Option<IdentifierCondition> {
    let systems_fit = one.0.is_none() || other.0.is_none() || one.0 == other.0;
    (systems_fit && one.1 == other.1).then(|| (one.0.clone().or_else(|| other.0.clone()), one.1.clone()))
}
