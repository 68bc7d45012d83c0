//! Which related resources are wanted: every spelling the versions of the standard have used.
//!
//! What a reader would get wrong: an include that nobody knows is not an error, it gives nothing (digest A.6);
//! and whether one include is reached through another is for the answer to decide, not for the spelling.

use super::declaration::{Brings, Include};
use domain::search::Includes;

const fn related(name: &'static str, also: &'static [&'static str], set: fn(&mut Includes)) -> Include {
    Include { name, also, brings: Brings::Related(set) }
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

/// What a search of slots can bring along; on the booking root every search understands these (digest A.6).
pub(crate) const OF_SLOTS: &[Include] = &[SCHEDULE, ACTORS, PRACTITIONER, ROLE, SERVICE, PLACE, PROVIDED_BY, SERVICE_PLACE];
/// What a search of schedules can bring along.
pub(crate) const OF_SCHEDULES: &[Include] = &[ACTORS, PRACTITIONER, ROLE, SERVICE, PLACE, PROVIDED_BY, SERVICE_PLACE];
/// What `_revinclude` brings along with schedules.
pub(crate) const TO_SCHEDULES: &[Include] = &[related("Slot:schedule", &["Slot:schedule:Schedule"], |into| into.slots = true)];
/// What a search of appointments can bring along.
pub(crate) const OF_APPOINTMENTS: &[Include] = &[
    related("Appointment:slot", &["Appointment:slot:Slot"], |into| into.appointment_slots = true),
    related("Appointment:actor", &[], |into| into.appointment_actors = true),
];

/// The entry of `table` that a value asks for. `None` when it asks for nothing known.
pub(crate) fn asked(table: &'static [Include], value: &str) -> Option<&'static Include> {
    // Capitals never matter, and `.` and `:` are both in use (digest A.6, "_include forms by version").
    let spelling = value.trim().replace('.', ":");
    let is = |name: &str| name.eq_ignore_ascii_case(&spelling);
    table.iter().find(|include| is(include.name) || include.also.iter().any(|name| is(name)))
}
