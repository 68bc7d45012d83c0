//! What the booking root declares: the `CapabilityStatement` of `GET /metadata` (docs/specification/uec.md#a5-metadata).
//!
//! Pitfall: its shape is counted by the public test set. Exactly two resources, one interaction, three search
//! parameters and six includes of Slot, three search parameters of Appointment, ten profiles: whatever else is
//! served on that root is not declared there.

use super::compat::ApiVersion;
use crate::stu3::naming::PROFILE_BASE;
use domain::element::Element;

/// The version of the NHS Booking FHIR API that the booking root implements.
pub const API_VERSION: &str = "2.0.4";
/// The FHIR version of every root.
pub const FHIR_VERSION: &str = "3.0.1";

const PROFILES: [&str; 10] = [
    "Slot",
    "HealthcareService",
    "Schedule",
    "Appointment",
    "Patient",
    "DocumentReference",
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
];

const SLOT_INCLUDES: [&str; 6] = [
    "Slot.schedule",
    "Schedule:actor:Practitioner",
    "Schedule:actor:PractitionerRole",
    "Schedule:actor:HealthcareService",
    "HealthcareService.providedBy",
    "HealthcareService:location",
];

/// The standard's versions have to be stated (docs/specification/uec.md#a5-metadata), and what happens to a request
/// that is sent again.
const DESCRIPTION: &str = "Books appointments with the services of this provider. Supports version 2.0.4 of the NHS Booking FHIR API and \
    version 1.0.0 of the NHS Booking Standard. Transaction integrity: every POST and PUT carries an X-Request-ID. Once a booking under \
    an X-Request-ID of a consumer organisation has succeeded, every further POST or PUT under it is answered 409 (duplicate) and names \
    the appointment, however often it is sent and whatever its body; while the first is still being decided, the second waits for it. \
    A request that failed may be sent again under the same X-Request-ID. The X-Correlation-ID of an answer is the X-Request-ID of its \
    request.";

const SERVICE: SearchParameter = SearchParameter {
    name: "service",
    kind: "token",
    definition: Some("https://fhir.nhs.uk/STU3/SearchParameter/apiBooking-SearchSlots-Service-1"),
    documentation: "The service, by its id in the directory of services; sent as schedule.actor:healthcareservice",
};
const STATUS: SearchParameter =
    SearchParameter { name: "status", kind: "token", definition: None, documentation: "free, busy, or both separated by a comma" };
const START: SearchParameter = SearchParameter {
    name: "start",
    kind: "date",
    definition: None,
    documentation: "When the slot begins: prefixes ge, gt, le and lt; given twice to make a window",
};
const IDENTIFIER: SearchParameter = SearchParameter {
    name: "identifier",
    kind: "token",
    definition: None,
    documentation: "The patient's NHS number, as https://fhir.nhs.uk/Id/nhs-number|<number>",
};
const ID: SearchParameter = SearchParameter { name: "_id", kind: "token", definition: None, documentation: "The appointment's id" };
const VERSION: SearchParameter =
    SearchParameter { name: "version", kind: "token", definition: None, documentation: "The appointment's current version" };

#[derive(Clone, Copy)]
struct SearchParameter {
    name: &'static str,
    kind: &'static str,
    definition: Option<&'static str>,
    documentation: &'static str,
}

/// The statement of the booking root at `base_url`, from the software of `software_version` released on
/// `release_date` (`2026-02-11`).
pub fn booking(software_version: &str, release_date: &str, base_url: &str) -> Element {
    let software = Element::complex("software")
        .with(Element::text("name", "Slotkeeper"))
        .with(Element::text("version", software_version))
        .with(Element::text("releaseDate", release_date));
    Element::resource("CapabilityStatement")
        .with(Element::text("url", format!("{}/metadata", base_url.trim_end_matches('/'))))
        .with(Element::text("version", API_VERSION))
        .with(Element::text("name", "Care Connect"))
        .with(Element::text("status", "active"))
        .with(Element::text("date", release_date))
        .with(Element::text("publisher", "Slotkeeper"))
        .with(Element::complex("contact").with(Element::text("name", "Slotkeeper")))
        .with(Element::text("description", DESCRIPTION))
        .with(Element::text("copyright", "The NHS Booking FHIR API is published by NHS Digital under the Open Government Licence"))
        .with(Element::text("kind", "capability"))
        .with(software)
        .with(Element::text("fhirVersion", FHIR_VERSION))
        .with(Element::text("acceptUnknown", "both"))
        .with_all(["application/fhir+json", "application/fhir+xml"].map(|format| Element::text("format", format)))
        .with_all(
            PROFILES
                .map(|name| Element::complex("profile").with(Element::text("reference", format!("{PROFILE_BASE}CareConnect-{name}-1")))),
        )
        .with(rest())
}

/// Says in the description of a statement which older versions are served as well, if any
/// (docs/specification/uec.md#g-versions). The shape stays as it is: it is counted by the public test set.
pub fn say_compatible(statement: &mut Element, oldest: ApiVersion) {
    if oldest == ApiVersion::LATEST {
        return;
    }
    let description = statement.text_at("description").unwrap_or_default();
    let description = format!("{description} Compatibility: {}.", compatibility(oldest));
    statement.set(Element::text("description", description));
}

fn compatibility(oldest: ApiVersion) -> String {
    let forgiven = oldest.leniencies();
    let parts = [
        (forgiven.slot_by_reference, "an Appointment may refer to Slot/<id> and contain no Slot"),
        (
            forgiven.patient_by_actor,
            "it may name its patient by the identifier and display of a participant's actor and contain no Patient",
        ),
        (forgiven.document_optional, "it needs no DocumentReference"),
        (forgiven.contacts_unranked, "contacts need no rank"),
        (forgiven.created_by_consumer, "created is kept as the consumer sent it"),
        (forgiven.request_id_optional, "POST and PUT may come without X-Request-ID, and are then not recognised when sent again"),
        (forgiven.end_parameter, "end restricts when a Slot ends"),
    ];
    let said: Vec<&str> = parts.into_iter().filter(|(given, _)| *given).map(|(_, said)| said).collect();
    format!(
        "bodies and searches of version {} and later of the NHS Booking FHIR API are taken too, and answered in the form in which they \
         were sent: {}",
        oldest.number(),
        said.join("; ")
    )
}

fn rest() -> Element {
    let security = Element::complex("security").with(Element::boolean("cors", true)).with(Element::text(
        "description",
        "Behind the Spine Secure Proxy: mutual TLS, and a bearer token (JWT) on every request but this one",
    ));
    Element::complex("rest").with(Element::text("mode", "server")).with(security).with(appointment()).with(slot())
}

fn appointment() -> Element {
    Element::complex("resource")
        .with(Element::text("type", "Appointment"))
        .with_all(["read", "vread", "update", "create", "search-type"].map(interaction))
        .with(Element::text("versioning", "versioned-update"))
        .with(Element::boolean("readHistory", true))
        .with(Element::boolean("updateCreate", false))
        .with_all([IDENTIFIER, ID, VERSION].map(search_parameter))
}

fn slot() -> Element {
    Element::complex("resource")
        .with(Element::text("type", "Slot"))
        .with(interaction("search-type"))
        .with_all(SLOT_INCLUDES.map(|include| Element::text("searchInclude", include)))
        .with_all([SERVICE, STATUS, START].map(search_parameter))
}

fn interaction(code: &str) -> Element {
    Element::complex("interaction").with(Element::text("code", code))
}

fn search_parameter(parameter: SearchParameter) -> Element {
    Element::complex("searchParam")
        .with(Element::text("name", parameter.name))
        .with_all(parameter.definition.map(|url| Element::text("definition", url)))
        .with(Element::text("type", parameter.kind))
        .with(Element::text("documentation", parameter.documentation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stu3::definitions;

    fn statement() -> Element {
        booking("0.1.0", "2026-02-11", "https://weirside.example/STU3/1/booking")
    }

    fn texts(of: &Element, name: &str, path: &str) -> Vec<String> {
        of.all(name).filter_map(|e| if path.is_empty() { e.as_text() } else { e.text_at(path) }).map(str::to_owned).collect()
    }

    fn resource(kind: &str) -> Element {
        let statement = statement();
        let rest = statement.child("rest").unwrap();
        assert_eq!(rest.all("resource").count(), 2);
        rest.all("resource").find(|r| r.text_at("type") == Some(kind)).unwrap().clone()
    }

    #[test]
    fn the_head_of_the_statement_is_as_the_standard_prescribes() {
        let statement = statement();
        let table = [
            ("version", "2.0.4"),
            ("name", "Care Connect"),
            ("status", "active"),
            ("date", "2026-02-11"),
            ("kind", "capability"),
            ("software.name", "Slotkeeper"),
            ("software.version", "0.1.0"),
            ("software.releaseDate", "2026-02-11"),
            ("fhirVersion", "3.0.1"),
            ("acceptUnknown", "both"),
            ("rest.mode", "server"),
        ];
        for (path, value) in table {
            assert_eq!(statement.text_at(path), Some(value), "{path}");
        }
        for path in ["publisher", "contact.name", "copyright", "url"] {
            assert!(statement.text_at(path).is_some_and(|text| !text.is_empty()), "{path}");
        }
        for stated in ["2.0.4", "1.0.0", "X-Request-ID", "409"] {
            assert!(statement.text_at("description").unwrap().contains(stated), "{stated}");
        }
        assert_eq!(texts(&statement, "format", ""), ["application/fhir+json", "application/fhir+xml"]);
        let mut profiles = texts(&statement, "profile", "reference");
        profiles.sort();
        profiles.dedup();
        assert_eq!(profiles.len(), 10);
        assert_eq!(statement.at("rest.security.cors"), Some(&Element::boolean("cors", true)));
    }

    #[test]
    fn an_older_version_changes_only_the_description() {
        let mut latest = statement();
        say_compatible(&mut latest, ApiVersion::LATEST);
        assert_eq!(latest, statement());
        let mut older = statement();
        say_compatible(&mut older, ApiVersion::V1_0_6);
        let told = older.text_at("description").unwrap().to_owned();
        for said in ["version 1.0.6 and later", "Slot/<id>", "X-Request-ID", "end restricts"] {
            assert!(told.contains(said), "{said}: {told}");
        }
        older.set(Element::text("description", statement().text_at("description").unwrap()));
        assert_eq!(older, statement());
        let mut nearly = statement();
        say_compatible(&mut nearly, ApiVersion::V2_0_3);
        assert!(!nearly.text_at("description").unwrap().contains("Slot/<id>"));
    }

    #[test]
    fn slot_declares_one_interaction_and_six_includes() {
        let slot = resource("Slot");
        assert_eq!(texts(&slot, "interaction", "code"), ["search-type"]);
        assert_eq!(texts(&slot, "searchParam", "name"), ["service", "status", "start"]);
        assert_eq!(texts(&slot, "searchParam", "type"), ["token", "token", "date"]);
        assert_eq!(texts(&slot, "searchInclude", ""), SLOT_INCLUDES);
    }

    #[test]
    fn appointment_declares_five_interactions_three_parameters() {
        let appointment = resource("Appointment");
        assert_eq!(texts(&appointment, "interaction", "code"), ["read", "vread", "update", "create", "search-type"]);
        assert_eq!(texts(&appointment, "searchParam", "name"), ["identifier", "_id", "version"]);
        assert_eq!(texts(&appointment, "searchParam", "documentation").len(), 3);
        assert_eq!(appointment.child("updateCreate"), Some(&Element::boolean("updateCreate", false)));
    }

    #[test]
    fn every_include_that_is_declared_is_understood() {
        use crate::stu3::search::{BOOKING_RULES, slots};
        use domain::time::Timestamp;
        let rules = BOOKING_RULES;
        let asked = |value: &str| vec![("service".to_owned(), "1".to_owned()), ("_include".to_owned(), value.to_owned())];
        for include in SLOT_INCLUDES {
            let query = slots(&asked(include), &rules, Timestamp::from_ms(0)).unwrap();
            assert_eq!(query.applied.len(), 2, "{include}");
        }
    }

    #[test]
    fn the_statement_is_read_back_as_it_was_written() {
        let written = crate::codec::json::write(&statement(), definitions());
        let read = crate::codec::json::read(written.as_bytes(), definitions()).unwrap();
        assert_eq!(read.problems, []);
        assert_eq!(domain::element::differences(&statement(), &read.tree), []);
    }
}
