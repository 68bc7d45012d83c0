//! Bodies as consumers send them: what is read from right ones, and that nothing is missed in wrong ones.

use super::*;
use crate::service_roots::ServiceRoots;
use domain::appointment::SlotClaim;
use domain::element::Value;
use domain::ids::{ScheduleId, ServiceId, SlotId};
use domain::nhs_number::NhsNumber;
use domain::time::Timestamp;
use proptest::prelude::*;

const VERIFIED_ONLY: BookingRules<'static> = BookingRules { require_verified_nhs_number: true, ..STRICT };

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn accepted(changes: &[Change], rules: &BookingRules<'_>) -> BookRequest {
    read(changes, rules).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn the_published_booking_is_read_whole() {
    let request = accepted(&[], &STRICT);
    let slot = |text| SlotId::parse(text).unwrap();
    let start = at("2026-02-11T09:30:00Z");
    let end = at("2026-02-11T09:45:00Z");
    let claim = SlotClaim {
        ids: vec![slot("6c74d781-cc3b-4ca7-8c2a-f2259c62e7f0"), slot("9f2c41d0-nurse-0930")],
        schedule: Some(ScheduleId::parse("sch-treat-2").unwrap()),
        start: Some(start),
        end: Some(end),
        service: None,
        expression: "Appointment.contained[2]".to_owned(),
    };
    assert_eq!(request.slot, claim);
    assert_eq!((request.start, request.end), (start, end));
    assert_eq!(request.reason, "Persistent ear pain, face to face assessment within 24 hours");
    assert_eq!(request.clinical_document.as_deref(), Some("01883190-10fd-4c0a-87eb-eec757dd1c62"));
    assert_eq!(request.patient.nhs_number.as_ref().map(NhsNumber::as_str), Some("9990482136"));
    assert!(request.patient.verified);
    assert_eq!(request.patient.name.as_deref(), Some("Imogen Whitlock"));
    assert_eq!(request.patient.birth_date.as_deref(), Some("2019-08-03"));
    assert_eq!(request.patient.contact.as_deref(), Some("07700 900461 (Rosalind Whitlock)"));
    assert_eq!(request.resource, tree(&example()));
}

#[test]
fn what_the_sources_disagree_about_is_right_either_way() {
    let right = [
        vec![Set("/contained/2/status", json!("free"))],
        vec![Set("/contained/0/content/0/attachment/language", json!("en-GB"))],
        vec![Remove("/contained/0/content/0/attachment/language")],
        vec![Set("/contained/0/identifier/0/value", json!("urn:uuid:01883190-10FD-4C0A-87EB-EEC757DD1C62"))],
        vec![Remove("/language")],
        vec![Remove("/created")],
        vec![Set("/end", json!("2026-02-11T10:40:00+01:00"))],
        vec![Set("/contained/2/schedule/reference", json!("https://x.example/STU3/1/booking/Schedule/sch-treat-2"))],
        vec![Set("/contained/1/address/0/postalCode", json!("zz993vz"))],
        vec![Set("/participant/0", json!({"actor": {"reference": "#pat1"}}))],
        vec![Push("/participant", json!({"actor": {"reference": "Practitioner/prac-061"}, "status": "accepted"}))],
        vec![Push("/contained/1/name", json!({"use": "nickname", "text": "Immy"}))],
        vec![Push("/contained/1/address", json!({"use": "temp", "text": "with her aunt"}))],
        // Ties are right, but for rank 1.
        vec![Repeat("/contained/1/telecom/0")],
    ];
    for changes in right {
        accepted(&changes, &STRICT);
    }
}

#[test]
fn the_appointments_times_are_normalised_and_the_slots_stay() {
    let changes = [
        Set("/start", json!("2026-02-11T10:30:00+01:00")),
        Set("/end", json!("2026-02-11T09:45:00Z")),
        Set("/_start", json!({"id": "s"})),
        Set("/contained/2/start", json!("2026-02-11T09:30:00Z")),
    ];
    let resource = accepted(&changes, &STRICT).resource;
    assert_eq!(resource.text_at("start"), Some("2026-02-11T09:30:00.000+00:00"));
    assert_eq!(resource.text_at("end"), Some("2026-02-11T09:45:00.000+00:00"));
    assert_eq!(resource.text_at("start.id"), Some("s"), "what hangs on the value is kept");
    let slot = resource.all("contained").find(|contained| contained.kind() == Some("Slot")).unwrap();
    assert_eq!(slot.text_at("start"), Some("2026-02-11T09:30:00Z"));
}

#[test]
fn a_participant_without_status_has_accepted() {
    let request = accepted(&[Remove("/participant/0/status")], &STRICT);
    assert_eq!(request.resource.text_at("participant.status"), Some("accepted"));
}

#[test]
fn a_service_that_takes_part_becomes_part_of_the_claim() {
    let service = json!({"actor": {"reference": "HealthcareService/2000099901"}, "status": "accepted"});
    let request = accepted(&[Push("/participant", service.clone())], &STRICT);
    assert_eq!(request.slot.service, Some(ServiceId::parse("2000099901").unwrap()));
    let other = json!({"actor": {"reference": "HealthcareService/2000099902"}, "status": "accepted"});
    let result = read(&[Push("/participant", service), Push("/participant", other)], &STRICT);
    assert_eq!(faults(&result), expected(&[(ProblemKind::Invariant, ".participant[2].actor.reference")]));
}

#[test]
fn a_number_of_the_participant_alone_is_not_verified() {
    let request = accepted(&[Remove("/contained/1/identifier")], &STRICT);
    assert_eq!(request.patient.nhs_number.as_ref().map(NhsNumber::as_str), Some("9990482136"));
    assert!(!request.patient.verified);
}

#[test]
fn a_patient_without_any_number_is_accepted() {
    let request = accepted(&[Remove("/contained/1/identifier"), Remove("/participant/0/actor/identifier")], &STRICT);
    assert_eq!(request.patient.nhs_number, None);
}

#[test]
fn a_server_that_demands_verified_numbers_takes_no_other() {
    accepted(&[], &VERIFIED_ONLY);
    let code = "/contained/1/identifier/0/extension/0/valueCodeableConcept/coding/0";
    let coding = |code: &str| json!({"system": crate::stu3::naming::VERIFICATION_CODES, "code": code, "display": "Trace required"});
    let needed = ProblemKind::NhsNumberRequired;
    let untraced = read(&[Set(code, coding("03"))], &VERIFIED_ONLY);
    assert_eq!(faults(&untraced), expected(&[(needed, ".contained[1].identifier[0].extension")]));
    let none = read(&[Remove("/contained/1/identifier")], &VERIFIED_ONLY);
    assert_eq!(faults(&none), expected(&[(needed, ".contained[1].identifier")]));
    assert!(!accepted(&[Set(code, coding("03"))], &STRICT).patient.verified);
}

#[test]
fn the_patients_own_contact_stands_without_a_name() {
    let request = accepted(&[Remove("/contained/1/contact"), Set("/contained/1/telecom/0/rank", json!(1))], &STRICT);
    assert_eq!(request.patient.contact.as_deref(), Some("0191 498 0123"));
}

#[test]
fn all_faults_come_together_in_the_order_of_the_document() {
    let body = [
        Set("/end", json!("soon")),
        Set("/contained/1/identifier/0/value", json!("9990482137")),
        Set("/contained/0/status", json!("superseded")),
        Remove("/contained/1/gender"),
        Set("/contained/1/telecom/0/rank", json!(1)),
        Set("/id", json!("mine")),
        Remove("/slot"),
    ];
    // The members of these test documents stand in alphabetical order; what is missing comes last.
    let wanted = expected(&[
        (ProblemKind::Value, ".contained[0].status"),
        (ProblemKind::Structure, ".contained[1].contact[0].telecom[0].rank"),
        (ProblemKind::NhsNumber, ".contained[1].identifier[0].value"),
        (ProblemKind::Required, ".contained[1].gender"),
        (ProblemKind::Invariant, ".contained[2]"),
        (ProblemKind::Value, ".end"),
        (ProblemKind::Invariant, ".id"),
        (ProblemKind::Required, ".slot"),
    ]);
    assert_eq!(faults(&read(&body, &STRICT)), wanted);
}

#[test]
fn what_the_codec_could_not_read_is_listed_once() {
    use ProblemKind::{Invariant, Value};
    let rows = [
        (Set("/slot", json!("half past nine")), vec![(Value, ".slot"), (Invariant, ".contained[2]")]),
        (Set("/contained/0/identifier", json!([])), vec![(Value, ".contained[0].identifier")]),
        (Set("/contained/1/gender", json!({"code": "f"})), vec![(Value, ".contained[1].gender")]),
        (Set("/start", json!(930)), vec![(Value, ".start")]),
    ];
    for (change, wanted) in rows {
        let found = faults(&read(&[change], &STRICT));
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        assert!(expected(&wanted).iter().all(|problem| found.contains(problem)), "{found:?}");
    }
    let id = AppointmentId::parse("a").unwrap();
    let cancel = body(&changed(&[Set("/id", json!("a")), Set("/status", json!(["cancelled"])), Set("/start", json!([]))]));
    assert!(!cancel.problems.is_empty());
    assert_eq!(read_cancel_body(&cancel, &id).unwrap_err(), cancel.problems);
}

#[test]
fn no_message_repeats_what_was_sent_of_a_patient() {
    let body = [
        Set("/contained/1/identifier/0/value", json!("9990482137")),
        Set("/contained/1/address/0/postalCode", json!("Quarry-Rise")),
        Set("/contained/1/gender", json!("Whitlock")),
        Set("/contained/1/birthDate", json!("Whitlock")),
        Set("/contained/1/telecom/0/system", json!("email")),
        Set("/contained/2/identifier/0/value", json!("Imogen Whitlock")),
        Set("/slot/0/reference", json!("#Whitlock")),
        Set("/participant/0/actor/reference", json!("#Imogen")),
    ];
    let problems = read(&body, &STRICT).unwrap_err();
    assert!(problems.len() >= 8, "{problems:#?}");
    for problem in problems {
        for secret in ["Imogen", "Whitlock", "999048", "Quarry", "0191"] {
            assert!(!problem.message.contains(secret), "{problem:?}");
        }
    }
}

#[test]
fn another_resource_is_no_booking_and_no_cancel() {
    let patient = tree(&json!({"resourceType": "Patient", "id": "1"}));
    let problems = read_booking(patient.clone(), &STRICT).unwrap_err();
    assert_eq!((problems[0].kind, problems[0].expression.as_str(), problems.len()), (ProblemKind::Structure, "Patient", 1));
    let id = AppointmentId::parse("1").unwrap();
    assert_eq!(read_cancel(&patient, &id).unwrap_err()[0].kind, ProblemKind::Structure);
}

#[test]
fn a_cancel_names_the_appointment_of_its_url() {
    let id = AppointmentId::parse("43359409-1e68-4f08-96ba-fcaa4dc9e11b").unwrap();
    let body = [Set("/id", json!(id.as_str())), Set("/status", json!("cancelled"))];
    let cancel = read_cancel(&tree(&changed(&body)), &id).unwrap();
    assert_eq!((cancel.status.as_str(), cancel.id), ("cancelled", id.clone()));
    for (changes, kind, place) in [
        (vec![Set("/id", json!("another"))], ProblemKind::Structure, "Appointment.id"),
        (vec![], ProblemKind::Structure, "Appointment.id"),
        (vec![Set("/id", json!(id.as_str())), Remove("/status")], ProblemKind::Required, "Appointment.status"),
    ] {
        let problems = read_cancel(&tree(&changed(&changes)), &id).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert_eq!((problems[0].kind, problems[0].expression.as_str()), (kind, place));
    }
}

/// What an ordinary FHIR client sends: no profile, nothing contained.
fn plain() -> Json {
    json!({
        "resourceType": "Appointment",
        "status": "booked",
        "slot": [{"reference": "Slot/6c74d781-cc3b-4ca7-8c2a-f2259c62e7f0"}],
        "start": "2026-02-11T09:30:00Z",
        "end": "2026-02-11T09:45:00Z",
        "participant": [{
            "actor": {"identifier": {"system": crate::stu3::naming::NHS_NUMBER, "value": "9990482136"}, "display": "Imogen Whitlock"},
            "status": "accepted"
        }]
    })
}

#[test]
fn an_ordinary_client_books_on_the_provider_root_by_name() {
    let request = read_booking(tree(&plain()), &PROVIDER).unwrap();
    assert_eq!(request.slot.ids, [SlotId::parse("6c74d781-cc3b-4ca7-8c2a-f2259c62e7f0").unwrap()]);
    assert_eq!(request.slot.expression, "Appointment.slot[0]");
    assert_eq!((request.slot.start, request.slot.schedule), (None, None));
    assert_eq!(request.patient.name.as_deref(), Some("Imogen Whitlock"));
    assert_eq!(request.patient.nhs_number.as_ref().map(NhsNumber::as_str), Some("9990482136"));
    assert_eq!((request.patient.verified, request.clinical_document, request.reason), (false, None, String::new()));
    assert!(faults(&read_booking(tree(&plain()), &STRICT)).contains(&(ProblemKind::Structure, "Appointment.contained".to_owned())));
}

#[test]
fn the_provider_root_takes_visitors_and_the_strict_body() {
    accepted(&[], &PROVIDER);
    let mut absolute = plain();
    apply(&mut absolute, &Set("/slot/0/reference", json!("https://x.example/STU3/1/provider/Slot/s-1")));
    let own = BookingRules { roots: ServiceRoots { public_url: "https://x.example", paths: &["/STU3/1/provider"] }, ..PROVIDER };
    assert_eq!(read_booking(tree(&absolute), &own).unwrap().slot.ids, [SlotId::parse("s-1").unwrap()]);
    assert_eq!(faults(&read_booking(tree(&absolute), &PROVIDER)), [(ProblemKind::Value, "Appointment.slot[0].reference".to_owned())]);
    let mut visitor = plain();
    apply(&mut visitor, &Set("/participant/0/actor/identifier/system", json!("https://example.org/Id/visitor")));
    assert_eq!(read_booking(tree(&visitor), &PROVIDER).unwrap().patient.nhs_number, None);
    let no_contacts = [Remove("/contained/1/contact"), Remove("/contained/1/telecom")];
    assert_eq!(accepted(&no_contacts, &PROVIDER).patient.contact, None);
}

#[test]
fn the_provider_root_still_refuses_what_leads_nowhere() {
    use ProblemKind::{Invariant, NhsNumber, Reference, Required, Value};
    let rows = [
        (Remove("/participant/0/actor/display"), (Required, ".participant[0].actor.display")),
        (Set("/participant/0/actor/identifier/value", json!("9990482137")), (NhsNumber, ".participant[0].actor.identifier.value")),
        (Set("/participant/0/actor", json!({"reference": "Practitioner/1"})), (Required, ".participant")),
        (Repeat("/participant/0"), (Invariant, ".participant[1]")),
        (Set("/slot/0/reference", json!("#none")), (Reference, ".slot[0].reference")),
        (Set("/slot/0/reference", json!("Schedule/1")), (Value, ".slot[0].reference")),
        (Set("/supportingInformation", list(json!({"reference": "#none"}))), (Reference, ".supportingInformation[0].reference")),
    ];
    for (change, wanted) in rows {
        let mut body = plain();
        apply(&mut body, &change);
        assert_eq!(faults(&read_booking(tree(&body), &PROVIDER)), expected(&[wanted]));
    }
    let two_firsts = read(&[Set("/contained/1/telecom/0/rank", json!(1))], &PROVIDER);
    assert_eq!(faults(&two_firsts), expected(&[(Invariant, ".contained[1].contact[0].telecom[0].rank")]));
}

/// Values and names a booking is made of, thrown together.
fn arbitrary_tree() -> impl Strategy<Value = Element> {
    let name = prop::sample::select(vec![
        "id",
        "contained",
        "identifier",
        "system",
        "value",
        "extension",
        "url",
        "valueCodeableConcept",
        "coding",
        "code",
        "status",
        "slot",
        "reference",
        "participant",
        "actor",
        "display",
        "telecom",
        "rank",
        "contact",
        "name",
        "use",
        "family",
        "given",
        "start",
        "end",
        "type",
        "content",
        "attachment",
        "address",
        "postalCode",
        "birthDate",
        "supportingInformation",
        "description",
        "schedule",
    ]);
    let text = prop::sample::select(vec![
        "",
        "#a",
        "a",
        "Slot/a",
        "home",
        "official",
        "9990482136",
        crate::stu3::naming::NHS_NUMBER,
        crate::stu3::naming::UUID,
        crate::stu3::naming::VERIFICATION_EXTENSION,
        "2026-02-11T09:30:00Z",
        "booked",
        "é",
        "email",
        "\u{2028}/_history/",
        "#",
    ]);
    let value = prop_oneof![
        3 => text.prop_map(|t| Some(Value::Text(t.to_owned()))),
        1 => any::<i64>().prop_map(|n| Some(Value::Number(n.to_string()))),
        1 => any::<bool>().prop_map(|b| Some(Value::Bool(b))),
        3 => Just(None),
    ];
    let kind = prop::sample::select(vec![None, Some("Patient"), Some("Slot"), Some("DocumentReference"), Some("Appointment")]);
    let leaf = (name.clone(), value.clone()).prop_map(|(name, value)| Element { value, ..Element::complex(name) });
    leaf.prop_recursive(5, 60, 8, move |inner| {
        (name.clone(), value.clone(), kind.clone(), prop::collection::vec(inner, 0..8)).prop_map(|(name, value, kind, children)| Element {
            name: name.to_owned(),
            resource: kind.map(str::to_owned),
            value,
            children,
        })
    })
}

proptest! {
    #[test]
    fn no_tree_makes_reading_panic_or_fail_without_a_problem(children in prop::collection::vec(arbitrary_tree(), 0..12), strict: bool) {
        let body = Element::resource("Appointment").with_all(children);
        let rules = BookingRules { require_verified_nhs_number: strict, ..if strict { STRICT } else { PROVIDER } };
        if let Err(problems) = read_booking(body.clone(), &rules) {
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|p| p.expression.starts_with("Appointment") && !p.message.is_empty()));
            prop_assert!(problems.iter().enumerate().all(|(at, p)| !problems.iter().take(at).any(|q| p == q)), "{problems:#?}");
        }
        drop(read_cancel(&body, &AppointmentId::parse("a").unwrap()));
    }
}
