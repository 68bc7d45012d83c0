//! The searches of STU3: a table of parameters for each resource, and what they come to.

mod actor;
mod appointments;
mod directory;
mod includes;
mod schedules;
mod slots;

#[cfg(test)]
mod tests;

pub use appointments::appointments;
pub use directory::{DirectorySearch, directory};
pub use schedules::schedules;
pub use slots::slots;

use crate::search::{Declared, DeclaredParameter, SearchRules, parameters};
use domain::directory::DirectoryKind;
use domain::element::Element;
use domain::ids::ResourceId;

/// The resources of the directory that take part in an appointment, as far as it refers to them.
pub fn participants(appointment: &Element) -> Vec<(DirectoryKind, ResourceId)> {
    let references = appointment.all("participant").filter_map(|p| p.text_at("actor.reference"));
    references.filter_map(directory::target).collect()
}

/// Rules of the provider root, as far as they decide what is declared.
pub const PROVIDER_RULES: SearchRules =
    SearchRules { strict: true, must_name: false, window_days_max: 31, parameters_max: 200, end_restricts: false };

/// What a search of a resource type takes on the root that has such rules; `None` where there is no such search.
pub fn declared(kind: &str, rules: &SearchRules) -> Option<Declared> {
    match kind {
        "Slot" => Some(parameters::declared(&slots::SLOT, rules)),
        "Schedule" => Some(parameters::declared(&schedules::SCHEDULE, rules)),
        "Appointment" => Some(parameters::declared(&appointments::APPOINTMENT, rules)),
        _ => DirectoryKind::parse(kind).map(|kind| parameters::declared(directory::searchable(kind), rules)),
    }
}

/// What a read by id takes on the root that has such rules.
pub fn declared_of_reads(rules: &SearchRules) -> Vec<DeclaredParameter> {
    parameters::declared_of_reads(rules)
}
