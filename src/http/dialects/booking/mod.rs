//! The booking root: the API as suppliers are assured with it, to the letter (docs/specification/uec.md#a-interactions;
//! docs/contract.md#service-roots).

pub mod table;

use super::super::handlers::{appointments, bookings, directory_operations as directory, metadata, schedules, slots, validate};
use super::super::pipeline::context::RequestContext;
use super::super::pipeline::dialect::Dialect;
use super::super::pipeline::operation::Operation;
use super::super::pipeline::path::RootPath;
use super::super::pipeline::reply::Reply;
use super::super::pipeline::rules::{
    AppointmentUrl, DialectRules, HeaderPresence, LocationActor, OlderVersions, PreferHeader, RequiredHeader, ScheduleVersion,
    UnknownService,
};
use super::release;
use fhir::stu3;
use fhir::stu3::search;
use fhir::stu3::uec::appointment::BookingRules;
use fhir::stu3::uec::capability;

/// Where it is.
pub const ROOT: RootPath = RootPath::new("/STU3/1/booking");

/// `/STU3/1/booking`.
pub static DIALECT: Dialect = Dialect {
    name: "booking",
    description: "The booking API as suppliers are assured with it, to the letter",
    root: ROOT,
    operations: &OPERATIONS,
    rules: RULES,
    refuse: table::refuse,
    booking_example: include_str!("example.json"),
};

/// What requests are held to.
pub const RULES: DialectRules = DialectRules {
    definitions: stu3::definitions,
    headers: &[
        RequiredHeader { name: "Ssp-TraceID", of: |origin| origin.trace_id.as_deref() },
        RequiredHeader { name: "Ssp-From", of: |origin| origin.from_asid.as_deref() },
        RequiredHeader { name: "Ssp-To", of: |origin| origin.to_asid.as_deref() },
        RequiredHeader { name: "Ssp-InteractionID", of: |origin| origin.interaction_id.as_deref() },
    ],
    request_id: HeaderPresence::Demanded,
    if_match: HeaderPresence::Demanded,
    prefer: PreferHeader::Ignored,
    older_versions: OlderVersions::Served,
    search: search::BOOKING_RULES,
    booking: BookingRules::BOOKING,
    unknown_service: UnknownService::NotFound,
    location_actor: LocationActor::WhereThereIsRoom,
    schedule_version: ScheduleVersion::Unstated,
    appointment_url: AppointmentUrl::OfVersion,
};

/// What is served. The relative references of a Bundle resolve under the same root (docs/contract.md#service-roots).
static OPERATIONS: [Operation; 17] = [
    metadata::operation(|context| Box::pin(async move { Ok(statement(context)) })),
    slots::SEARCH,
    slots::READ,
    schedules::SEARCH,
    schedules::READ,
    bookings::BOOK.with_notes(
        "The body contains the Slot, the Patient and a DocumentReference, and no `id`. Once a booking has succeeded, whatever is sent \
         under the same X-Request-ID is answered 409 and names it; a booking that failed may be sent again under the same one. Run with \
         `--compat`, the server also takes what older versions of the API allowed; its CapabilityStatement says which.",
    ),
    appointments::SEARCH,
    appointments::READ,
    bookings::CANCEL,
    validate::OF_TYPE,
    validate::OF_ONE,
    appointments::READ_VERSION,
    directory::READ_HEALTHCARE_SERVICE,
    directory::READ_LOCATION,
    directory::READ_ORGANIZATION,
    directory::READ_PRACTITIONER,
    directory::READ_PRACTITIONER_ROLE,
];

/// The statement is prescribed (docs/specification/uec.md#a5-metadata) but for what it says of older versions.
fn statement(context: &RequestContext) -> Reply {
    let mut statement = capability::booking(release::VERSION, release::DATE, &context.root_url);
    capability::say_compatible(&mut statement, context.service.settings.compat);
    Reply::resource(statement, false)
}
