//! Which related resources are wanted: every spelling the versions of the standard have used.
//!
//! What a reader would get wrong: an include that nobody knows is not an error, it gives nothing (digest A.6);
//! and whether one include is reached through another is for the answer to decide, not for the spelling.

use crate::domain::search::Includes;

/// Adds what one `_include` asks for. False when it asks for nothing known.
pub(super) fn include(into: &mut Includes, value: &str) -> bool {
    // Capitals never matter, and `.` and `:` are both in use (digest A.6, "_include forms by version").
    let spelling = value.trim().to_ascii_lowercase().replace('.', ":");
    match spelling.as_str() {
        "slot:schedule" | "slot:schedule:schedule" => into.schedule = true,
        "schedule:actor" => {
            into.practitioner = true;
            into.role = true;
            into.service = true;
            into.schedule_location = true;
        }
        "schedule:actor:practitioner" => into.practitioner = true,
        "schedule:actor:practitionerrole" => into.role = true,
        "schedule:actor:healthcareservice" => into.service = true,
        "schedule:actor:location" => into.schedule_location = true,
        "healthcareservice:providedby"
        | "healthcareservice:organization"
        | "healthcareservice:providedby:organization"
        | "healthcareservice:organization:organization" => into.provided_by = true,
        "healthcareservice:location" | "healthcareservice:location:location" => into.service_location = true,
        _ => return false,
    }
    true
}

/// Adds what one `_revinclude` asks for. False when it asks for nothing known.
pub(super) fn revinclude(into: &mut Includes, value: &str) -> bool {
    let spelling = value.trim().to_ascii_lowercase().replace('.', ":");
    let known = matches!(spelling.as_str(), "slot:schedule" | "slot:schedule:schedule");
    into.slots |= known;
    known
}
