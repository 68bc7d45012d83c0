//! Tables of queries as they are sent. What must hold for any query at all is in [`properties`].

mod directory_tables;
mod properties;
mod provider_root;

use super::{BOOKING_RULES, PROVIDER_RULES, appointments, schedules, slots};
use crate::search::{EndParameter, Query, SearchRules, UnknownParameters, cursor_text, format_of, pairs};
use domain::appointment::AppointmentStatus;
use domain::directory::DirectoryKind;
use domain::fault::{Fault, ParameterFault};
use domain::search::{AppointmentSearch, Cursor, Includes, ScheduleSearch, SlotSearch, Window};
use domain::slot::SlotStatus;
use domain::time::{DAY_MS, Timestamp};

const BOOKING: SearchRules = BOOKING_RULES;
const PROVIDER: SearchRules = PROVIDER_RULES;
const NOW: &str = "2026-02-10T16:00:00.000+00:00";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn now() -> Timestamp {
    at(NOW)
}

fn slot_query(raw: &str, rules: &SearchRules) -> Result<Query<SlotSearch>, Fault> {
    slots(&pairs(raw, rules)?, rules, now())
}

fn slot_search(raw: &str) -> SlotSearch {
    slot_query(raw, &BOOKING).unwrap_or_else(|fault| panic!("{raw}: {fault:?}")).search
}

fn schedule_search(raw: &str) -> ScheduleSearch {
    schedules(&pairs(raw, &BOOKING).unwrap(), &BOOKING).unwrap_or_else(|fault| panic!("{raw}: {fault:?}")).search
}

fn appointment_query(raw: &str, rules: &SearchRules) -> Result<Query<AppointmentSearch>, Fault> {
    appointments(&pairs(raw, rules)?, rules)
}

fn appointment_search(raw: &str) -> AppointmentSearch {
    appointment_query(raw, &BOOKING).unwrap_or_else(|fault| panic!("{raw}: {fault:?}")).search
}

fn slot_fault(raw: &str) -> ParameterFault {
    match slot_query(raw, &BOOKING) {
        Err(Fault::Parameter(fault)) => fault,
        other => panic!("{raw}: {other:?}"),
    }
}

fn faulty_name(raw: &str) -> String {
    match slot_fault(raw) {
        ParameterFault::Value { name, .. } => name,
        other => panic!("{raw}: {other:?}"),
    }
}

#[test]
fn the_search_of_the_public_test_set_is_understood() {
    let raw = "schedule.actor%3Ahealthcareservice=2000099901&start=ge2026-02-11T00:00:00%2B00:00&start=le2026-02-14T00:00:00%2B00:00\
               &status=free%2Cbusy&_include=Slot:schedule&_include=Schedule:actor:Practitioner&_include=HealthcareService.providedBy";
    let query = slot_query(raw, &BOOKING).unwrap();
    assert_eq!(query.search.services.iter().map(|s| s.as_str()).collect::<Vec<_>>(), ["2000099901"]);
    assert_eq!(query.search.statuses, [SlotStatus::Free, SlotStatus::Busy]);
    assert_eq!(query.search.start.from, Some(at("2026-02-11T00:00:00.000+00:00")));
    assert_eq!(query.search.start.until, Some(at("2026-02-14T00:00:01.000+00:00")));
    assert_eq!(query.search.includes, Includes { schedule: true, practitioner: true, provided_by: true, ..Includes::default() });
    assert_eq!(query.applied.len(), 7);
    assert!(!query.total_only && !query.pretty && !query.search.nothing);
}

#[test]
fn every_spelling_of_the_service_names_the_same_service() {
    for name in [
        "schedule.actor:healthcareservice",
        "schedule.actor:HealthcareService",
        "schedule.actor:HealthcareService.identifier",
        "service",
        "schedule.actor",
    ] {
        for value in ["2000099901", "https://weirside.example/Id/dos%7C2000099901", "HealthcareService/2000099901"] {
            let search = slot_search(&format!("{name}={value}"));
            assert_eq!(search.services.len(), 1, "{name}={value}");
            assert_eq!(search.services[0].as_str(), "2000099901", "{name}={value}");
        }
    }
    assert_eq!(slot_search("service=1,2").services.len(), 2);
}

#[test]
fn a_parameter_given_twice_means_both_and_may_leave_nothing() {
    assert_eq!(slot_search("service=1,2&service=2,3").services[0].as_str(), "2");
    assert!(slot_search("service=1&service=2").nothing);
    assert!(slot_search("_id=a&identifier=https://tools.ietf.org/html/rfc4122|b").nothing);
    assert!(!slot_search("_id=a&identifier=https://tools.ietf.org/html/rfc4122|a").nothing);
}

#[test]
fn statuses_no_slot_ever_has_match_nothing() {
    assert!(slot_search("service=1&status=busy-tentative,entered-in-error").nothing);
    assert!(slot_search("service=1&status=free&status=busy").nothing);
    let mixed = slot_search("service=1&status=free,busy-tentative");
    assert_eq!((mixed.statuses.as_slice(), mixed.nothing), ([SlotStatus::Free].as_slice(), false));
    assert_eq!(slot_search("service=1&status=busy-unavailable").statuses, [SlotStatus::Begun]);
    assert_eq!(slot_search("service=1&status=http://hl7.org/fhir/slotstatus|busy").statuses, [SlotStatus::Busy]);
    assert!(slot_search("service=1&status=https://other.example|busy").nothing);
    assert_eq!(faulty_name("service=1&status=vacant"), "status");
}

#[test]
fn an_identifier_of_another_system_matches_nothing() {
    assert!(slot_search("identifier=https://other.example|a").nothing);
    assert!(slot_search("identifier=|a").nothing);
    assert_eq!(slot_search("identifier=a").ids[0].as_str(), "a");
    assert_eq!(faulty_name("identifier=https://tools.ietf.org/html/rfc4122|"), "identifier");
}

#[test]
fn dates_are_ranges_of_london_time_and_all_must_hold() {
    let summer = slot_search("service=1&start=2026-06-11&_id=x").start;
    assert_eq!((summer.from, summer.until), (Some(at("2026-06-10T23:00:00.000+00:00")), Some(at("2026-06-11T23:00:00.000+00:00"))));
    let after = slot_search("_id=x&start=gt2026-02-11&start=lt2026-02-13T10:00").start;
    assert_eq!((after.from, after.until), (Some(at("2026-02-12T00:00:00.000+00:00")), Some(at("2026-02-13T10:00:00.000+00:00"))));
    let spaced = slot_search("_id=x&start=ge2026-06-11T09:00:00+01:00").start;
    assert_eq!(spaced.from, Some(at("2026-06-11T08:00:00.000+00:00")));
    let explicit = slot_search("_id=x&start=eq2026-02-11T09:00:00Z").start;
    assert_eq!(explicit.until, Some(at("2026-02-11T09:00:01.000+00:00")));
    for bad in
        ["sa2026-02-11", "eb2026-02-11", "ne2026-02-11", "ap2026-02-11", "GE2026-02-11", "ge", "", "2026-2-1", "ge2026-02-11,le2026-02-12"]
    {
        assert_eq!(faulty_name(&format!("service=1&start={bad}")), "start", "{bad}");
    }
}

#[test]
fn an_open_window_begins_now_and_ends_at_the_limit() {
    let open = slot_search("service=1").start;
    assert_eq!((open.from, open.until), (Some(now()), Some(now().plus_ms(31 * DAY_MS))));
    let from = slot_search("service=1&start=ge2026-02-20").start;
    assert_eq!(from.until, Some(at("2026-03-23T00:00:00.000+00:00")));
    let until = slot_search("service=1&start=le2026-02-20").start;
    assert_eq!((until.from, until.until), (Some(now()), Some(at("2026-02-21T00:00:00.000+00:00"))));
    assert!(slot_search("_id=x").start.is_open());
    assert!(slot_search("identifier=x").start.is_open());
}

#[test]
fn windows_that_cannot_be_searched_are_refused_each_in_its_way() {
    let past = ParameterFault::WindowPast { name: "start" };
    assert_eq!(slot_fault("service=1&start=ge2026-01-01&start=le2026-02-09"), past);
    assert_eq!(slot_fault("_id=x&start=lt2026-02-10"), past);
    assert_eq!(slot_fault("service=1&start=ge2026-02-01&start=le2026-01-01"), past);
    assert_eq!(slot_fault("service=1&start=ge2026-02-20&start=le2026-02-15"), ParameterFault::WindowReversed { name: "start" });
    let long = ParameterFault::WindowTooLong { name: "start", limit_days: 31 };
    assert_eq!(slot_fault("service=1&start=ge2026-02-11&start=le2026-03-14"), long);
    assert_eq!(slot_fault("service=1&start=le2026-03-20"), long);
    assert_eq!(slot_fault("service=1&start=ge2010-01-01&start=le2026-02-11"), long);
}

#[test]
fn the_past_does_not_count_where_only_free_slots_are_asked() {
    let free = slot_search("service=1&status=free&start=ge2010-01-01&start=le2026-02-11").start;
    assert_eq!((free.from, free.until), (Some(now()), Some(at("2026-02-12T00:00:00.000+00:00"))));
    assert_eq!(slot_search("service=1&status=free&start=ge2010-01-01").start.until, Some(now().plus_ms(31 * DAY_MS)));
}

#[test]
fn thirty_one_days_fit_across_the_end_of_summer_time() {
    slot_search("service=1&start=ge2026-03-01T00:00:00Z&start=le2026-04-01T00:00:00Z");
    slot_search("service=1&start=ge2026-10-01&start=le2026-10-31");
    slot_search("service=1&start=ge2026-10-01T00:00:00%2B01:00&start=lt2026-11-01T00:00:00%2B00:00");
}

#[test]
fn the_booking_root_refuses_what_the_provider_root_ignores() {
    let raw = "service=999999997&startXXXXXXX=ge2026-02-11&start=le2026-02-14";
    match slot_fault(raw) {
        ParameterFault::Unknown { name, accepted } => {
            assert_eq!(name, "startXXXXXXX");
            for known in ["schedule.actor:healthcareservice", "start", "status", "_id", "_include", "_cursor"] {
                assert!(accepted.contains(&known), "{known}");
            }
        }
        other => panic!("{other:?}"),
    }
    let lenient = slot_query(raw, &PROVIDER).unwrap();
    assert_eq!(lenient.applied.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["service", "start"]);
    assert!(matches!(slot_fault("status=free"), ParameterFault::Missing { .. }));
    assert!(slot_query("status=free", &PROVIDER).is_ok());
    // `Prefer: handling=strict` on the provider root is about names only.
    assert!(slot_query("status=free", &SearchRules { unknown: UnknownParameters::Refused, ..PROVIDER }).is_ok());
}

#[test]
fn an_unknown_modifier_is_refused_on_both_roots() {
    for raw in ["status:not=free", "_id:exact=a", "start:missing=true", "schedule.actor:Practitioner=p"] {
        let fault = slot_query(raw, &PROVIDER);
        assert!(matches!(fault, Err(Fault::Parameter(ParameterFault::Unknown { .. }))), "{raw}: {fault:?}");
    }
}

#[test]
fn every_spelling_of_every_include_is_understood() {
    let include = |spelling: &str| {
        ["_include", "_include:iterate", "_include:recurse"].map(|name| slot_search(&format!("service=1&{name}={spelling}")).includes)
    };
    let none = Includes::default();
    let table = [
        (vec!["Slot:schedule", "slot:SCHEDULE", "Slot.schedule"], Includes { schedule: true, ..none }),
        (vec!["Schedule:actor:Practitioner", "Schedule.actor.practitioner"], Includes { practitioner: true, ..none }),
        (vec!["Schedule:actor:PractitionerRole"], Includes { role: true, ..none }),
        (vec!["Schedule:actor:HealthcareService", "schedule:actor:healthcareservice"], Includes { service: true, ..none }),
        (vec!["Schedule:actor:Location"], Includes { schedule_location: true, ..none }),
        (vec!["Schedule:actor"], Includes { practitioner: true, role: true, service: true, schedule_location: true, ..none }),
        (
            vec!["HealthcareService:Organization", "HealthcareService.providedBy", "HealthcareService:providedBy"],
            Includes { provided_by: true, ..none },
        ),
        (
            vec!["HealthcareService:Location", "HealthcareService:location", "HealthcareService.location"],
            Includes { service_location: true, ..none },
        ),
        (vec!["Slot:patient", "*", "", "Schedule"], none),
    ];
    for (spellings, wanted) in table {
        for spelling in spellings {
            assert_eq!(include(spelling), [wanted; 3], "{spelling}");
        }
    }
}

#[test]
fn a_reverse_include_means_something_on_schedules_only() {
    let on_slot = slot_query("service=1&_revinclude=Slot:schedule&_revinclude=Schedule:actor:Practitioner", &BOOKING).unwrap();
    assert_eq!((on_slot.search.includes, on_slot.applied.len()), (Includes::default(), 1));
    assert!(schedule_search("_revinclude=Slot:schedule").includes.slots);
}

#[test]
fn pages_summaries_and_what_is_always_accepted() {
    let page = slot_query("service=1&_count=20&_pretty=true&_format=json&end=le2026-02-20&_lastUpdated=ge2026-02-01", &BOOKING).unwrap();
    assert_eq!((page.search.paging.count, page.pretty, page.total_only), (Some(20), true, false));
    assert_eq!(page.search.updated.from, Some(at("2026-02-01T00:00:00.000+00:00")));
    assert!(page.applied.iter().all(|(name, _)| name != "end"));
    assert_eq!(slot_search("service=1&_count=2001").paging.count, Some(2000));
    assert_eq!(slot_search("service=1&_count=99999999999999999999").paging.count, Some(2000));
    assert!(slot_query("service=1&_count=0", &BOOKING).unwrap().total_only);
    assert!(slot_query("service=1&_summary=count", &BOOKING).unwrap().total_only);
    for bad in ["_count=-1", "_count=", "_count=many", "_summary=short", "_cursor=abc", "_cursor=", "_lastUpdated=ne2026"] {
        assert_eq!(faulty_name(&format!("service=1&{bad}")), bad.split('=').next().unwrap());
    }
    let reversed = slot_fault("service=1&_lastUpdated=ge2026-02&_lastUpdated=lt2026-01");
    assert_eq!(reversed, ParameterFault::WindowReversed { name: "_lastUpdated" });
}

#[test]
fn end_restricts_where_it_has_a_meaning_and_bounds_start() {
    let older = SearchRules { end: EndParameter::Restricts, ..BOOKING };
    let query = slot_query("service=1&start=ge2026-02-11T09:00:00Z&end=le2026-02-11T10:00:00Z", &older).unwrap();
    assert_eq!(query.search.end.until, Some(at("2026-02-11T10:00:01.000+00:00")));
    assert_eq!(query.search.start.until, query.search.end.until);
    assert!(query.applied.iter().any(|(name, _)| name == "end"));
    assert_eq!(slot_query("service=1&end=le2026-02-11T10:00:00Z", &BOOKING).unwrap().search.end, Window::default());
    let fault = |raw: &str| match slot_query(raw, &older) {
        Err(Fault::Parameter(fault)) => fault,
        other => panic!("{raw}: {other:?}"),
    };
    assert_eq!(fault("service=1&end=lt2026-02-10"), ParameterFault::WindowPast { name: "end" });
    assert_eq!(fault("service=1&end=ge2026-02-13&end=lt2026-02-12"), ParameterFault::WindowReversed { name: "end" });
    assert_eq!(fault("service=1&end=le2026-04-30"), ParameterFault::WindowTooLong { name: "start", limit_days: 31 });
    assert!(matches!(fault("service=1&end=soon"), ParameterFault::Value { name, .. } if name == "end"));
}

#[test]
fn empty_and_malformed_values_are_refused_and_quoted_briefly() {
    for raw in
        ["service=", "service=a,,b", "service=,", "service=Practitioner/1", "schedule=Slot/1", "_id=a%20b", "service=a|b|c", "status="]
    {
        assert_eq!(faulty_name(raw), raw.split('=').next().unwrap(), "{raw}");
    }
    let ParameterFault::Value { value, .. } = slot_fault(&format!("service=1&status={}", "x".repeat(500))) else { panic!() };
    assert_eq!(value.chars().count(), 100);
}

#[test]
fn decoding_is_exact() {
    let decode = |raw: &str| pairs(raw, &BOOKING);
    assert_eq!(decode("a=1+2%2B3&&b&=c&d=%C3%A9").unwrap().len(), 4);
    assert_eq!(decode("a=1+2%2B3").unwrap(), [("a".to_owned(), "1 2+3".to_owned())]);
    assert_eq!(decode("a=b=c").unwrap(), [("a".to_owned(), "b=c".to_owned())]);
    for bad in ["a=%", "a=%4", "a=%4g", "a=%+1", "%zz=1", "a=%C3", "a=%FF", "a=%00", "a=%0A"] {
        let Err(Fault::Parameter(ParameterFault::Value { value, .. })) = decode(bad) else { panic!("{bad}") };
        assert_eq!(value, "…");
    }
    let many = vec!["a=1"; 201].join("&");
    assert_eq!(decode(&many), Err(Fault::TooLarge { what: "parameters", limit: 200, unit: "parameters" }));
    assert!(decode(&vec!["a=1"; 200].join("&")).is_ok());
    assert_eq!(format_of(&decode("x=1&_format=application/fhir%2Bxml").unwrap()), Some("application/fhir+xml"));
    assert_eq!(format_of(&decode("_format=").unwrap()), None);
}

#[test]
fn escaped_commas_and_bars_belong_to_the_value() {
    let search = schedule_search(r"identifier=https://weirside.example/Id/diary|TREAT\,2\|b,\\c");
    assert_eq!(
        search.identifiers,
        [(Some("https://weirside.example/Id/diary".to_owned()), "TREAT,2|b".to_owned()), (None, r"\c".to_owned())]
    );
}

#[test]
fn actors_of_schedules_are_told_apart_by_kind() {
    let services = schedule_search("actor=HealthcareService/1,HealthcareService/2&actor:healthcareservice=2");
    assert_eq!((services.services.len(), services.actors.len()), (1, 0));
    let mixed = schedule_search("actor=HealthcareService/1,Practitioner/p&actor:Location=l&actor=x");
    assert_eq!(mixed.services.len(), 0);
    let kinds: Vec<Vec<_>> = mixed.actors.iter().map(|group| group.iter().map(|a| a.kind).collect()).collect();
    assert_eq!(
        kinds,
        [vec![Some(DirectoryKind::HealthcareService), Some(DirectoryKind::Practitioner)], vec![Some(DirectoryKind::Location)], vec![None]]
    );
    assert!(schedule_search("actor=Patient/p").nothing);
    for bad in ["actor=Organization/o", "actor:Practitioner=Location/l", "actor=", "actor=a|b"] {
        assert!(schedules(&pairs(bad, &BOOKING).unwrap(), &BOOKING).is_err(), "{bad}");
    }
    assert!(schedules(&pairs("actor:Organization=o", &PROVIDER).unwrap(), &PROVIDER).is_err());
}

#[test]
fn identifiers_of_schedules_agree_when_given_twice() {
    let exact = schedule_search("identifier=a,b&identifier=s|b");
    assert_eq!(exact.identifiers, [(Some("s".to_owned()), "b".to_owned())]);
    assert!(schedule_search("identifier=s|b&identifier=t|b").nothing);
}

#[test]
fn every_spelling_of_the_patient_names_the_same_patient() {
    let names = [
        "Appointment.participant.actor:Patient.identifier",
        "Appointment.participant.actor",
        "participant.actor:Patient.identifier",
        "participant.actor",
        "patient",
        "Patient",
        "patient.identifier",
        "patient:Patient.identifier",
        "actor:Patient.identifier",
        "actor",
        "identifier",
    ];
    for name in names {
        for system in ["https://fhir.nhs.uk/Id/nhs-number|", "https%3A%2F%2Fdemographics.spineservices.nhs.uk%7C"] {
            let search = appointment_search(&format!("{name}={system}9990000018"));
            assert_eq!(search.nhs_numbers.len(), 1, "{name}");
            assert_eq!(search.nhs_numbers[0].as_str(), "9990000018", "{name}");
        }
        assert!(appointment_search(&format!("{name}=https://other.example|9990000018")).nothing, "{name}");
        assert!(appointment_search(&format!("{name}=|9990000018")).nothing, "{name}");
    }
    assert_eq!(appointment_search("identifier=9990000018").nhs_numbers.len(), 1);
    assert!(appointment_search("patient=Patient/p").nothing);
}

#[test]
fn a_wrong_nhs_number_is_refused_without_being_repeated() {
    let table = [
        "patient=https://fhir.nhs.uk/Id/nhs-number|9990000019",
        "identifier=https://fhir.nhs.uk/Id/nhs-number|999000",
        "identifier=9990000019",
        "patient=9990000018,",
        "actor=9990000019 8",
        "patient=a|9990000019|b",
        "patient=%ZZ9990000019",
    ];
    for raw in table {
        let fault = appointment_query(raw, &BOOKING).unwrap_err();
        assert!(matches!(&fault, Fault::Parameter(ParameterFault::Value { value, .. }) if value == "…"), "{raw}: {fault:?}");
        assert!(!format!("{fault:?}").contains("999000"), "{raw}");
    }
}

#[test]
fn a_booking_root_search_names_a_patient_or_an_appointment() {
    for raw in ["", "status=booked", "version=1", "date=2026-02-11", "actor=HealthcareService/1"] {
        let fault = appointment_query(raw, &BOOKING);
        assert!(matches!(fault, Err(Fault::Parameter(ParameterFault::Missing { .. }))), "{raw}: {fault:?}");
        assert!(appointment_query(raw, &PROVIDER).is_ok(), "{raw}");
    }
    let search = appointment_search("_id=a,b&version=2&status=booked,fulfilled&slot=Slot/s&actor=Location/l&start=ge2026-01-01");
    assert_eq!((search.ids.len(), search.version, search.slots.len(), search.actors.len()), (2, Some(2), 1, 1));
    assert_eq!(search.statuses, [AppointmentStatus::Booked]);
    assert!(search.date.from.is_some());
    assert!(appointment_search("_id=a&status=noshow").nothing);
    assert!(appointment_search("_id=a&version=1&version=2").nothing);
    for bad in ["status=gone", "version=0", "version=x", "_id=%20", "slot=Schedule/1", "date=ge2026-02-02&date=le2026-02-01"] {
        assert!(appointment_query(&format!("_id=a&{bad}"), &BOOKING).is_err(), "{bad}");
    }
}

#[test]
fn the_appointments_of_a_patient_are_never_paged() {
    let cursor = cursor_text(&Cursor { start: now(), id: "a".to_owned() });
    let query = appointment_query(&format!("identifier=9990000018&_count=5&_cursor={cursor}"), &BOOKING).unwrap();
    assert_eq!((query.search.paging.count, query.search.paging.after.clone(), query.applied.len()), (None, None, 1));
    assert!(appointment_query("identifier=9990000018&_count=0", &BOOKING).unwrap().total_only);
    assert_eq!(appointment_query("date=2026-02-11&_count=5", &PROVIDER).unwrap().search.paging.count, Some(5));
}
