//! What `_include` and `_revinclude` can bring along: every spelling the versions of the standard have used.

use crate::search::declaration::{Brings, Include};
use domain::search::Includes;

const fn related(name: &'static str, aliases: &'static [&'static str], set: fn(&mut Includes)) -> Include {
    Include { name, aliases, brings: Brings::Related(set) }
}

const SCHEDULE: Include = related("Slot:schedule", &["Slot:schedule:Schedule"], |into| into.schedule = true);
const ACTORS: Include = related("Schedule:actor", &[], |into| {
    into.practitioner = true;
    into.role = true;
    into.service = true;
    into.schedule_location = true;
});
const PRACTITIONER: Include = related("Schedule:actor:Practitioner", &[], |into| into.practitioner = true);
const ROLE: Include = related("Schedule:actor:PractitionerRole", &[], |into| into.role = true);
const SERVICE: Include = related("Schedule:actor:HealthcareService", &[], |into| into.service = true);
const PLACE: Include = related("Schedule:actor:Location", &[], |into| into.schedule_location = true);
const PROVIDED_BY: Include = related(
    "HealthcareService:providedBy",
    &["HealthcareService:organization", "HealthcareService:providedBy:Organization", "HealthcareService:organization:Organization"],
    |into| into.provided_by = true,
);
const SERVICE_PLACE: Include =
    related("HealthcareService:location", &["HealthcareService:location:Location"], |into| into.service_location = true);

/// What a search of slots can bring along; on the booking root every search understands these
/// (docs/specification/uec.md#a6-slot-search).
pub(super) const OF_SLOTS: &[Include] = &[SCHEDULE, ACTORS, PRACTITIONER, ROLE, SERVICE, PLACE, PROVIDED_BY, SERVICE_PLACE];
/// What a search of schedules can bring along.
pub(super) const OF_SCHEDULES: &[Include] = &[ACTORS, PRACTITIONER, ROLE, SERVICE, PLACE, PROVIDED_BY, SERVICE_PLACE];
/// What `_revinclude` brings along with schedules.
pub(super) const TO_SCHEDULES: &[Include] = &[related("Slot:schedule", &["Slot:schedule:Schedule"], |into| into.slots = true)];
/// What a search of appointments can bring along.
pub(super) const OF_APPOINTMENTS: &[Include] = &[
    related("Appointment:slot", &["Appointment:slot:Slot"], |into| into.appointment_slots = true),
    related("Appointment:actor", &[], |into| into.appointment_actors = true),
];
