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

use crate::search::{
    Declared, DeclaredParameter, EndParameter, ParameterNames, SearchRules, SearchSubject, UnknownParameters, parameters, value,
};
use crate::service_roots::ServiceRoots;
use domain::directory::DirectoryKind;
use domain::element::Element;
use domain::ids::ResourceId;

/// The resources of the directory that take part in an appointment, as far as it refers to them.
pub fn participants(appointment: &Element, roots: ServiceRoots<'_>) -> Vec<(DirectoryKind, ResourceId)> {
    let references = appointment.all("participant").filter_map(|p| p.text_at("actor.reference"));
    references.filter_map(|reference| directory::target(roots.relative(reference).unwrap_or(reference))).collect()
}

/// Makes the references in a search of `kind` that lead to this server by their whole URL relative, as everything after
/// this understands them. What leads elsewhere stays as it is, and is refused where it is read.
pub fn make_references_relative(kind: &str, pairs: &mut [(String, String)], rules: &SearchRules, roots: ServiceRoots<'_>) {
    for (name, value) in pairs.iter_mut().filter(|(_, value)| value.contains("://")) {
        let refers = match kind {
            "Slot" => slots::SLOT.refers(name, rules),
            "Schedule" => schedules::SCHEDULE.refers(name, rules),
            "Appointment" => appointments::APPOINTMENT.refers(name, rules),
            _ => DirectoryKind::parse(kind).is_some_and(|kind| directory::searchable(kind).refers(name, rules)),
        };
        if refers {
            *value = value::each_item(value, |item| roots.relative(item).unwrap_or(item));
        }
    }
}

/// Rules of the booking root, with the usual bounds.
pub const BOOKING_RULES: SearchRules = SearchRules {
    unknown: UnknownParameters::Refused,
    subject: SearchSubject::Demanded,
    names: ParameterNames::Booking,
    window_days_max: 31,
    parameters_max: 200,
    end: EndParameter::MeansNothing,
};

/// Rules of the provider root, with the usual bounds.
pub const PROVIDER_RULES: SearchRules =
    SearchRules { unknown: UnknownParameters::Ignored, subject: SearchSubject::Optional, names: ParameterNames::Provider, ..BOOKING_RULES };

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
