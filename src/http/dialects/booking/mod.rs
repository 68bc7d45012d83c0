//! The booking root: the API as suppliers are assured with it, to the letter (digest A; `decisions.md` 3).

pub mod table;

use super::{Demanded, Dialect, Interaction, Route};
use domain::directory::DirectoryKind;
use fhir::stu3::uec::capability;

/// The day this version was released, for the statement.
pub const RELEASE_DATE: &str = "2026-11-20";

/// `/STU3/1/booking`.
pub const DIALECT: Dialect = Dialect {
    root: "/STU3/1/booking",
    routes: &BOOKING_ROUTES,
    headers_demanded: &[
        Demanded { name: "Ssp-TraceID", of: |origin| origin.trace_id.as_deref() },
        Demanded { name: "Ssp-From", of: |origin| origin.from_asid.as_deref() },
        Demanded { name: "Ssp-To", of: |origin| origin.to_asid.as_deref() },
        Demanded { name: "Ssp-InteractionID", of: |origin| origin.interaction_id.as_deref() },
    ],
    request_id_demanded: true,
    if_match_demanded: true,
    strict: true,
    refuse: table::refuse,
    capability: |root_url| capability::booking(env!("CARGO_PKG_VERSION"), RELEASE_DATE, root_url),
};

const fn route(method: &'static str, path: &'static str, interaction: Interaction) -> Route {
    Route { method, path, interaction, form: false }
}

/// What is served. The relative references of a Bundle resolve under the same root (`decisions.md` 3).
pub const BOOKING_ROUTES: [Route; 17] = [
    route("GET", "metadata", Interaction::Capability),
    route("GET", "Slot", Interaction::SearchSlots),
    route("GET", "Slot/*", Interaction::ReadSlot),
    route("GET", "Schedule", Interaction::SearchSchedules),
    route("GET", "Schedule/*", Interaction::ReadSchedule),
    route("POST", "Appointment", Interaction::Book),
    route("GET", "Appointment", Interaction::SearchAppointments),
    route("GET", "Appointment/*", Interaction::ReadAppointment),
    route("PUT", "Appointment/*", Interaction::Update),
    route("POST", "Appointment/$validate", Interaction::Validate),
    route("POST", "Appointment/*/$validate", Interaction::Validate),
    route("GET", "Appointment/*/_history/*", Interaction::ReadVersion),
    route("GET", "HealthcareService/*", Interaction::ReadDirectory(DirectoryKind::HealthcareService)),
    route("GET", "Location/*", Interaction::ReadDirectory(DirectoryKind::Location)),
    route("GET", "Organization/*", Interaction::ReadDirectory(DirectoryKind::Organization)),
    route("GET", "Practitioner/*", Interaction::ReadDirectory(DirectoryKind::Practitioner)),
    route("GET", "PractitionerRole/*", Interaction::ReadDirectory(DirectoryKind::PractitionerRole)),
];
