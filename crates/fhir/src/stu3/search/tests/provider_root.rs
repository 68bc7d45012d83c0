//! What the provider root understands and the booking root does not.

use super::{BOOKING, PROVIDER, appointment_query, slot_query};
use crate::search::{SearchRules, UnknownParameters, pairs, reading};
use crate::stu3::definitions;
use crate::stu3::search::{declared, schedules};
use domain::directory::DirectoryKind;
use domain::fault::{Fault, ParameterFault};

const STRICT: SearchRules = SearchRules { unknown: UnknownParameters::Refused, ..PROVIDER };

fn is_unknown<T: std::fmt::Debug>(result: Result<T, Fault>) -> bool {
    matches!(result, Err(Fault::Parameter(ParameterFault::Unknown { .. })))
}

#[test]
fn an_identifier_is_the_patients_or_the_clinical_documents() {
    let search = |value: &str| appointment_query(&format!("identifier={value}"), &PROVIDER).unwrap().search;
    assert_eq!(search("https://fhir.nhs.uk/Id/nhs-number|9990482136").nhs_numbers.len(), 1);
    assert_eq!(search("9990482136").nhs_numbers.len(), 1);
    let document = search("https://tools.ietf.org/html/rfc4122|01883190-10fd-4c0a-87eb-eec757dd1c62");
    assert_eq!(document.identified[0].documents, ["01883190-10fd-4c0a-87eb-eec757dd1c62"]);
    let either = search("9990482136,01883190-10fd-4c0a-87eb-eec757dd1c62");
    assert_eq!((either.nhs_numbers.len(), either.identified[0].nhs_numbers.len(), either.identified[0].documents.len()), (0, 1, 1));
    assert!(search("https://other.example|1").nothing);
    assert!(appointment_query("identifier=https://fhir.nhs.uk/Id/nhs-number|123", &PROVIDER).is_err());
    let value = "identifier=01883190-10fd-4c0a-87eb-eec757dd1c62";
    assert!(appointment_query(value, &BOOKING).is_err(), "the booking root knows patients only");
}

#[test]
fn a_page_of_appointments_is_given_where_no_patient_is_named() {
    let paging = |raw: &str| appointment_query(raw, &PROVIDER).unwrap().search.paging.count;
    assert_eq!(paging("identifier=abc&_count=2"), Some(2));
    assert_eq!(paging("identifier=9990482136&_count=2"), None);
}

#[test]
fn names_of_the_provider_root_are_unknown_on_the_booking_root() {
    for raw in ["patient=9990482136&practitioner=p", "patient=9990482136&location=l", "patient=9990482136&_elements=id"] {
        assert!(appointment_query(raw, &STRICT).is_ok() && is_unknown(appointment_query(raw, &BOOKING)), "{raw}");
    }
    assert!(slot_query("_sort=start", &STRICT).is_ok() && is_unknown(slot_query("service=1&_sort=start", &BOOKING)));
    let active = pairs("active=true", &PROVIDER).unwrap();
    assert!(schedules(&active, &STRICT).is_ok() && is_unknown(schedules(&active, &BOOKING)));
    assert!(is_unknown(slot_query("end=le2026-02-20", &STRICT)));
}

#[test]
fn another_order_is_refused_only_where_handling_is_strict() {
    assert_eq!(slot_query("_sort=-status", &PROVIDER).unwrap().applied, []);
    assert!(matches!(slot_query("_sort=-status", &STRICT), Err(Fault::Parameter(ParameterFault::Value { .. }))));
}

#[test]
fn summaries_and_elements_are_named_in_the_self_link() {
    let query = slot_query("_elements=start,nonsense&_summary=true", &PROVIDER).unwrap();
    assert!(!query.shape.is_whole());
    assert_eq!(query.applied[0], ("_elements".to_owned(), "start".to_owned()));
    let booking = slot_query("service=1&_summary=true", &BOOKING).unwrap();
    assert!(booking.shape.is_whole() && booking.applied.len() == 1);
    let text = slot_query("_summary=text&_include=Slot:schedule", &PROVIDER).unwrap();
    assert!(!text.search.includes.schedule && text.applied.len() == 1);
}

#[test]
fn a_read_takes_the_shape_of_its_answer_and_nothing_else() {
    let read = |raw: &str, rules: &SearchRules| reading(&pairs(raw, rules).unwrap(), rules, "Slot", definitions);
    let shaped = read("_elements=start&_pretty=true&foo=1", &PROVIDER).unwrap();
    assert!(shaped.pretty && !shaped.shape.is_whole());
    assert!(is_unknown(read("_count=1", &STRICT)) && read("_summary=count", &PROVIDER).is_err());
    let booking = read("_elements=start&_pretty=true&_summary=count", &BOOKING).unwrap();
    assert!(booking.pretty && booking.shape.is_whole());
}

#[test]
fn exactly_the_declared_parameters_are_known() {
    let kinds = DirectoryKind::ALL.map(DirectoryKind::name);
    for kind in kinds.into_iter().chain(["Slot", "Schedule", "Appointment"]) {
        let declared: Vec<&str> = declared(kind, &PROVIDER).unwrap().parameters.iter().map(|p| p.name).collect();
        let asked = |name: &str| vec![(name.to_owned(), "1".to_owned())];
        let outcome = |name: &str| match kind {
            "Slot" => crate::stu3::search::slots(&asked(name), &STRICT, super::now()).map(drop),
            "Schedule" => schedules(&asked(name), &STRICT).map(drop),
            "Appointment" => crate::stu3::search::appointments(&asked(name), &STRICT).map(drop),
            _ => crate::stu3::search::directory(DirectoryKind::parse(kind).unwrap(), &asked(name), &STRICT).map(drop),
        };
        for name in &declared {
            assert!(!is_unknown(outcome(name)), "{kind}.{name} is declared and not known");
        }
        // The list an error gives is the list of what is accepted.
        let Err(Fault::Parameter(ParameterFault::Unknown { accepted, .. })) = outcome("nonsense") else { panic!("{kind}") };
        assert_eq!(accepted, declared, "{kind}");
    }
    assert_eq!(declared("Patient", &PROVIDER), None);
}
