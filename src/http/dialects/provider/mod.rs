//! The provider root: the same engine for ordinary FHIR clients and the provider's own systems (`decisions.md` 3).
//!
//! It understands what the booking root understands and demands less. What is served is said in its
//! statement, which is made from the route table below.

mod statement;

use super::booking::table;
use super::{Dialect, Interaction, Refused, Route};
use domain::directory::DirectoryKind;
use domain::fault::Fault;

/// `/STU3/1/provider`.
pub const DIALECT: Dialect = Dialect {
    root: "/STU3/1/provider",
    routes: &PROVIDER_ROUTES,
    headers_demanded: &[],
    request_id_demanded: false,
    if_match_demanded: false,
    strict: false,
    refuse,
    capability: |root_url| statement::of_routes(&PROVIDER_ROUTES, root_url),
};

const fn route(method: &'static str, path: &'static str, interaction: Interaction) -> Route {
    Route { method, path, interaction, form: false }
}

/// A search whose parameters come in the body (STU3 http, "search").
const fn form(path: &'static str, interaction: Interaction) -> Route {
    Route { method: "POST", path, interaction, form: true }
}

/// What is served; the statement is made from it.
pub const PROVIDER_ROUTES: [Route; 31] = [
    route("GET", "metadata", Interaction::Capability),
    route("GET", "Slot", Interaction::SearchSlots),
    form("Slot/_search", Interaction::SearchSlots),
    route("GET", "Slot/*", Interaction::ReadSlot),
    route("GET", "Schedule", Interaction::SearchSchedules),
    form("Schedule/_search", Interaction::SearchSchedules),
    route("GET", "Schedule/*", Interaction::ReadSchedule),
    route("POST", "Appointment", Interaction::Book),
    route("GET", "Appointment", Interaction::SearchAppointments),
    form("Appointment/_search", Interaction::SearchAppointments),
    route("GET", "Appointment/*", Interaction::ReadAppointment),
    route("PUT", "Appointment/*", Interaction::Update),
    route("POST", "Appointment/$validate", Interaction::Validate),
    route("POST", "Appointment/*/$validate", Interaction::Validate),
    route("GET", "Appointment/*/_history", Interaction::ReadHistory),
    route("GET", "Appointment/*/_history/*", Interaction::ReadVersion),
    route("GET", "HealthcareService", Interaction::SearchDirectory(DirectoryKind::HealthcareService)),
    form("HealthcareService/_search", Interaction::SearchDirectory(DirectoryKind::HealthcareService)),
    route("GET", "HealthcareService/*", Interaction::ReadDirectory(DirectoryKind::HealthcareService)),
    route("GET", "Location", Interaction::SearchDirectory(DirectoryKind::Location)),
    form("Location/_search", Interaction::SearchDirectory(DirectoryKind::Location)),
    route("GET", "Location/*", Interaction::ReadDirectory(DirectoryKind::Location)),
    route("GET", "Organization", Interaction::SearchDirectory(DirectoryKind::Organization)),
    form("Organization/_search", Interaction::SearchDirectory(DirectoryKind::Organization)),
    route("GET", "Organization/*", Interaction::ReadDirectory(DirectoryKind::Organization)),
    route("GET", "Practitioner", Interaction::SearchDirectory(DirectoryKind::Practitioner)),
    form("Practitioner/_search", Interaction::SearchDirectory(DirectoryKind::Practitioner)),
    route("GET", "Practitioner/*", Interaction::ReadDirectory(DirectoryKind::Practitioner)),
    route("GET", "PractitionerRole", Interaction::SearchDirectory(DirectoryKind::PractitionerRole)),
    form("PractitionerRole/_search", Interaction::SearchDirectory(DirectoryKind::PractitionerRole)),
    route("GET", "PractitionerRole/*", Interaction::ReadDirectory(DirectoryKind::PractitionerRole)),
];

/// The booking root's table, but for the one status on which the two roots differ.
fn refuse(fault: &Fault) -> Refused {
    let refused = table::refuse(fault);
    match fault {
        Fault::NotAcceptable { .. } => Refused { status: 406, ..refused },
        _ => refused,
    }
}
