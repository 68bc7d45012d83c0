//! `GET /Slot`: the table of its parameters (docs/specification/uec.md#a6-slot-search).
//!
//! The directory of services id is the id *and* the identifier of a `HealthcareService`
//! (docs/specification/uec.md#b3-directory), so every spelling of the service parameter comes to the same list.

use super::includes;
use crate::search::declaration::{Parameter, ParameterKind, Roots, Searchable, Sorts, Spelled};
use crate::search::parameters::read;
use crate::search::value::{ID_EXPECTED, IDENTIFIER_EXPECTED, bare_or, both, list, narrowed, ruled_out, token};
use crate::search::window::{Limits, settled};
use crate::search::{Query, SearchRules};
use crate::stu3::{definitions, naming};
use domain::fault::{Fault, ParameterFault};
use domain::ids::{ScheduleId, ServiceId, SlotId};
use domain::search::{SlotSearch, Window};
use domain::slot::SlotStatus;
use domain::time::Timestamp;

/// The code system of a slot's status, for tokens that name it.
const STATUS_SYSTEM: &str = "http://hl7.org/fhir/slotstatus";

/// What a parameter of this search means.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    Service,
    Schedule,
    Identifier,
    Status,
    Start,
    End,
    Id,
}

/// What a search of slots takes.
pub(super) static SLOT: Searchable<Key> = Searchable {
    kind: "Slot",
    definitions,
    parameters: &PARAMETERS,
    includes: includes::OF_SLOTS,
    includes_on_booking_root: includes::OF_SLOTS,
    reverse_includes: &[],
    sorts: Sorts { by: Some("start"), about: "start or -start: the earliest or the latest first; start where it is not given" },
};

static PARAMETERS: [Parameter<Key>; 9] = [
    Parameter {
        // In whatever capitals: the public test set sends small ones.
        spelled: Spelled::Freely,
        aliases: &["schedule.actor:HealthcareService.identifier", "schedule.actor.identifier"],
        ..Parameter::new("schedule.actor:healthcareservice", ParameterKind::Reference, Key::Service, "The service whose slots they are")
    },
    Parameter {
        refers: true,
        ..Parameter::new("service", ParameterKind::Token, Key::Service, "The service, by its id in the directory of services")
    },
    Parameter::new("schedule.actor", ParameterKind::Reference, Key::Service, "The service, as HealthcareService/<id>"),
    Parameter::new("schedule", ParameterKind::Reference, Key::Schedule, "The schedule they are in"),
    Parameter::new("identifier", ParameterKind::Token, Key::Identifier, "The slot's identifier, which equals its id"),
    Parameter::new("status", ParameterKind::Token, Key::Status, "free, busy, busy-unavailable, or several separated by commas"),
    Parameter::new(
        "start",
        ParameterKind::Date,
        Key::Start,
        "When the slot begins: prefixes ge, gt, le, lt, eq; given twice to make a window; from now on where it is not given",
    ),
    Parameter::new("_id", ParameterKind::Token, Key::Id, "The slot's id"),
    // Removed from the standard in 2.0.4 (docs/specification/uec.md#g-versions).
    Parameter { roots: Roots::OlderBooking, ..Parameter::new("end", ParameterKind::Date, Key::End, "When the slot ends") },
];

const SERVICE_EXPECTED: &str = "the id of a service in the directory of services, such as 2000099901 or HealthcareService/2000099901";
const STATUS_EXPECTED: &str = "any of free, busy, busy-unavailable, busy-tentative, entered-in-error, separated by commas";
const SCHEDULE_EXPECTED: &str = "the id of a schedule, or Schedule/ and its id";

#[derive(Debug, Default)]
struct SlotConditions {
    services: Option<Vec<ServiceId>>,
    schedules: Option<Vec<ScheduleId>>,
    ids: Option<Vec<SlotId>>,
    statuses: Option<Vec<SlotStatus>>,
    start: Window,
    end: Window,
}

/// The slot search in `pairs`, its window settled at `now`.
///
/// Fails with a [`Fault::Parameter`] that names the parameter and what would be right.
pub fn slots(pairs: &[(String, String)], rules: &SearchRules, now: Timestamp) -> Result<Query<SlotSearch>, Fault> {
    let mut asked = SlotConditions::default();
    let common = read(pairs, rules, &SLOT, |key, name, value| asked.take(key, name, value))?;
    let by_id = asked.ids.is_some();
    if rules.demands_subject() && !by_id && asked.services.is_none() && asked.schedules.is_none() {
        let expected = "schedule.actor:healthcareservice=<service id> (or schedule=<id>, or _id=<id>)";
        return Err(Fault::Parameter(ParameterFault::Missing { expected }));
    }
    let nothing = ruled_out(asked.services.as_ref())
        || ruled_out(asked.schedules.as_ref())
        || ruled_out(asked.ids.as_ref())
        || ruled_out(asked.statuses.as_ref());
    let free_only = asked.statuses.as_ref().is_some_and(|statuses| *statuses == [SlotStatus::Free]);
    let start = settled(asked.start, asked.end, Limits { free_only, by_id, days_max: rules.window_days_max }, now)?;
    let search = SlotSearch {
        services: asked.services.unwrap_or_default(),
        schedules: asked.schedules.unwrap_or_default(),
        ids: asked.ids.unwrap_or_default(),
        statuses: asked.statuses.unwrap_or_default(),
        start,
        end: asked.end,
        updated: common.updated,
        nothing,
        includes: common.includes,
        sort: common.sort.unwrap_or_default(),
        paging: common.paging.clone(),
    };
    Ok(common.query(search))
}

impl SlotConditions {
    fn take(&mut self, key: Key, name: &str, value: &str) -> Result<(), Fault> {
        match key {
            Key::Service => both(&mut self.services, services(name, value)?),
            Key::Schedule => both(&mut self.schedules, list(name, value, SCHEDULE_EXPECTED, schedule)?),
            Key::Id => both(&mut self.ids, list(name, value, ID_EXPECTED, |item| SlotId::parse(item).ok())?),
            Key::Identifier => {
                let named = list(name, value, IDENTIFIER_EXPECTED, token)?.into_iter();
                let known = named.filter(|t| t.system.as_deref().is_none_or(|system| system == naming::UUID));
                both(&mut self.ids, known.filter_map(|t| SlotId::parse(&t.code).ok()).collect());
            }
            Key::Status => {
                let codes = list(name, value, STATUS_EXPECTED, status)?;
                both(&mut self.statuses, codes.into_iter().flatten().collect());
            }
            Key::Start => self.start = narrowed(self.start, name, value)?,
            Key::End => self.end = narrowed(self.end, name, value)?,
        }
        Ok(())
    }
}

fn services(name: &str, value: &str) -> Result<Vec<ServiceId>, Fault> {
    list(name, value, SERVICE_EXPECTED, service)
}

/// The service of `id`, `system|id` or `HealthcareService/id`. Its system is not prescribed
/// (docs/specification/uec.md#b3-directory), so any will do.
fn service(item: &str) -> Option<ServiceId> {
    let token = token(item)?;
    let id = bare_or(&token.code, "HealthcareService")?;
    ServiceId::parse(id).ok()
}

fn schedule(item: &str) -> Option<ScheduleId> {
    ScheduleId::parse(bare_or(item, "Schedule")?).ok()
}

/// The status of a code, `Some(None)` for a code of the value set that no slot here ever has.
#[expect(clippy::option_option, reason = "outside: is it a code at all; inside: is it one in use")]
fn status(item: &str) -> Option<Option<SlotStatus>> {
    let token = token(item)?;
    let status = match token.code.as_str() {
        "free" => Some(SlotStatus::Free),
        "busy" => Some(SlotStatus::Busy),
        "busy-unavailable" => Some(SlotStatus::Begun),
        "busy-tentative" | "entered-in-error" => None,
        _ => return None,
    };
    Some(status.filter(|_| token.system.is_none_or(|system| system == STATUS_SYSTEM)))
}
