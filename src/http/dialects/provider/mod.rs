//! The provider root: the same engine for ordinary FHIR clients and the provider's own systems
//! (docs/contract.md#the-provider-root).
//!
//! It understands what the booking root understands and demands less. What is served is said in its statement, which is made
//! from the operations below.

mod statement;

use super::super::handlers::{appointments, bookings, directory_operations as directory, metadata, schedules, slots, validate};
use super::super::pipeline::dialect::Dialect;
use super::super::pipeline::error_response::ErrorResponse;
use super::super::pipeline::operation::Operation;
use super::super::pipeline::path::RootPath;
use super::super::pipeline::reply::Reply;
use super::super::pipeline::rules::{
    AppointmentUrl, DialectRules, HeaderPresence, LocationActor, OlderVersions, PreferHeader, ScheduleVersion, UnknownService,
};
use super::booking::table;
use domain::fault::Fault;
use fhir::stu3;
use fhir::stu3::uec::appointment::BookingRules;
use fhir::stu3::{search, statement as stated};

/// Where it is.
pub const ROOT: RootPath = RootPath::new("/STU3/1/provider");

/// `/STU3/1/provider`.
pub static DIALECT: Dialect = Dialect {
    name: "provider",
    description: "The same engine for ordinary FHIR clients and the provider's own systems",
    root: ROOT,
    operations: &OPERATIONS,
    rules: RULES,
    refuse,
    booking_example: include_str!("example.json"),
};

/// What requests are held to.
pub const RULES: DialectRules = DialectRules {
    definitions: stu3::definitions,
    headers: &[],
    request_id: HeaderPresence::Optional,
    if_match: HeaderPresence::Optional,
    prefer: PreferHeader::Applied,
    older_versions: OlderVersions::Unknown,
    search: search::PROVIDER_RULES,
    booking: BookingRules::PROVIDER,
    unknown_service: UnknownService::NoMatches,
    location_actor: LocationActor::Always,
    schedule_version: ScheduleVersion::InMeta,
    appointment_url: AppointmentUrl::OfAppointment,
};

/// What is served; the statement is made from it.
static OPERATIONS: [Operation; 31] = [
    metadata::operation(|context| {
        Box::pin(async move {
            let mut statement = statement::of(&OPERATIONS, &context.root_url);
            stated::say_cors(&mut statement, !context.service.settings.cors_origins.is_empty());
            Ok(Reply::resource(statement, false))
        })
    }),
    slots::SEARCH,
    slots::SEARCH.by_form("Slot/_search"),
    slots::READ,
    schedules::SEARCH,
    schedules::SEARCH.by_form("Schedule/_search"),
    schedules::READ,
    bookings::BOOK.with_notes(
        "The slot may be `Slot/<id>`, and the patient a participant's actor with identifier and display. With an X-Request-ID, a request \
         that is sent again is recognised.",
    ),
    appointments::SEARCH,
    appointments::SEARCH.by_form("Appointment/_search"),
    appointments::READ,
    bookings::CANCEL,
    validate::OF_TYPE,
    validate::OF_ONE,
    appointments::HISTORY,
    appointments::READ_VERSION,
    directory::SEARCH_HEALTHCARE_SERVICES,
    directory::SEARCH_HEALTHCARE_SERVICES.by_form("HealthcareService/_search"),
    directory::READ_HEALTHCARE_SERVICE,
    directory::SEARCH_LOCATIONS,
    directory::SEARCH_LOCATIONS.by_form("Location/_search"),
    directory::READ_LOCATION,
    directory::SEARCH_ORGANIZATIONS,
    directory::SEARCH_ORGANIZATIONS.by_form("Organization/_search"),
    directory::READ_ORGANIZATION,
    directory::SEARCH_PRACTITIONERS,
    directory::SEARCH_PRACTITIONERS.by_form("Practitioner/_search"),
    directory::READ_PRACTITIONER,
    directory::SEARCH_PRACTITIONER_ROLES,
    directory::SEARCH_PRACTITIONER_ROLES.by_form("PractitionerRole/_search"),
    directory::READ_PRACTITIONER_ROLE,
];

/// The booking root's table, but for the one status on which the two roots differ.
fn refuse(fault: &Fault) -> ErrorResponse {
    let refused = table::refuse(fault);
    match fault {
        Fault::NotAcceptable { .. } => ErrorResponse { status: 406, ..refused },
        _ => refused,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::pipeline::operation::Stated;
    use super::*;

    #[test]
    fn the_statement_has_every_operation_and_nothing_else() {
        let statement = statement::of(&OPERATIONS, "https://weirside.example/STU3/1/provider");
        let calls: Vec<String> = statement
            .at("rest")
            .unwrap()
            .all("resource")
            .flat_map(|r| r.all("interaction"))
            .flat_map(|i| i.text_at("documentation").unwrap().split(", ").map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let stated = OPERATIONS.iter().filter(|operation| matches!(operation.stated, Stated::Interaction(_)));
        let served: Vec<String> = stated.map(statement::call).collect();
        for call in &served {
            assert!(calls.contains(call), "{call} is served and not stated");
        }
        assert_eq!((calls.len(), served.len()), (28, 28));
        let operations: Vec<&str> = statement.at("rest").unwrap().all("operation").filter_map(|o| o.text_at("name")).collect();
        assert_eq!(operations, ["validate"]);
    }
}
