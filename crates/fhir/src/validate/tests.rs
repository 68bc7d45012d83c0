use super::*;
use crate::codec::json;
use crate::stu3::definitions;
use domain::fault::ProblemKind::{Invariant, Reference, Required, Value as Wrong};

const BOOKING: &str = include_str!("booking.json");
const SLOTS: &str = include_str!("slots.json");

fn found(text: &str) -> Vec<(ProblemKind, String)> {
    let read = json::read(text.as_bytes(), definitions()).unwrap();
    check_read(&read, definitions()).into_iter().map(|p| (p.kind, p.expression)).collect()
}

/// What is wrong with the published booking after one replacement in its text.
fn broken(from: &str, to: &str) -> Vec<(ProblemKind, String)> {
    assert!(BOOKING.contains(from), "{from}");
    found(&BOOKING.replacen(from, to, 1))
}

fn one(kind: ProblemKind, expression: &str) -> Vec<(ProblemKind, String)> {
    vec![(kind, expression.to_owned())]
}

#[test]
fn the_published_booking_is_valid() {
    assert_eq!(found(BOOKING), Vec::new());
}

#[test]
fn the_published_search_answer_is_valid_with_everything_in_it() {
    assert_eq!(found(SLOTS), Vec::new());
}

#[test]
fn the_status_of_a_participant_may_be_absent() {
    assert_eq!(broken(",\n   \"status\": \"accepted\"", ""), Vec::new());
    let all = found(r##"{"resourceType":"Appointment","status":"proposed","participant":[{"actor":{"display":"x"}}]}"##);
    assert_eq!(all, Vec::new());
}

#[test]
fn every_demand_of_the_base_definitions_is_listed_at_once() {
    let expected = [
        (Required, "Appointment.status"),
        (Required, "Appointment.participant"),
        (Required, "Appointment.start"),
        (Required, "Appointment.end"),
    ];
    assert_eq!(found(r#"{"resourceType":"Appointment"}"#), expected.map(|(k, e)| (k, e.to_owned())));
}

#[test]
fn profiles_bind_contained_resources_as_well() {
    let text = r##"{"resourceType":"Appointment","status":"proposed","participant":[{"actor":{"reference":"#p"}}],
        "slot":[{"reference":"#s"}],"supportingInformation":[{"reference":"#d"}],"contained":[
        {"resourceType":"Patient","id":"p","animal":{"species":{"text":"cat"}},"communication":[{"language":{"text":"en"}}],
         "identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number"}],"telecom":[{"rank":0}],"name":[{"use":"usual","family":"x"}],
         "contact":[{"name":{"family":"y"}},{"gender":"female"}]},
        {"resourceType":"Slot","id":"s","identifier":[{"value":"1"},{"value":"2"}],"status":"taken"},
        {"resourceType":"DocumentReference","id":"d","status":"current","type":{"coding":[{"version":"1"}]},
         "identifier":[{}],"content":[{}]}]}"##;
    let contained = |i: usize, rest: &str| format!("Appointment.contained[{i}].{rest}");
    let expected = vec![
        (Required, contained(0, "identifier[0].extension")),
        (Required, contained(0, "identifier[0].value")),
        (Wrong, contained(0, "telecom[0].rank")),
        (Required, contained(0, "telecom[0].system")),
        (Required, contained(0, "telecom[0].value")),
        (Required, contained(0, "contact[0].name.use")),
        (Required, contained(0, "contact[1].name")),
        (Invariant, contained(0, "contact[1]")),
        (Invariant, contained(0, "animal")),
        (Invariant, contained(0, "communication")),
        (Required, contained(0, "name")),
        (Invariant, contained(1, "identifier")),
        (Wrong, contained(1, "status")),
        (Required, contained(1, "schedule")),
        (Required, contained(1, "start")),
        (Required, contained(1, "end")),
        (Required, contained(2, "type.coding[0].system")),
        (Required, contained(2, "type.coding[0].code")),
        (Required, contained(2, "type.coding[0].display")),
        (Invariant, contained(2, "type.coding[0].version")),
        (Invariant, contained(2, "identifier[0]")),
        (Invariant, contained(2, "content[0]")),
        (Required, contained(2, "indexed")),
    ];
    let mut found = found(text);
    for problem in expected {
        let at = found.iter().position(|p| *p == problem);
        assert!(at.is_some(), "{problem:?} is not among {found:#?}");
        found.remove(at.unwrap());
    }
    assert_eq!(found, Vec::new());
}

#[test]
fn an_nhs_number_needs_a_verification_status() {
    let place = "Appointment.contained[1].identifier[0].extension[0].valueCodeableConcept";
    assert_eq!(broken(r#""code": "01""#, r#""code": "09""#), one(Wrong, place));
    assert_eq!(broken("CodeSystem/CareConnect-NHSNumberVerificationStatus-1", "CodeSystem/Other"), one(Wrong, place));
    let other = broken("StructureDefinition/Extension-CareConnect-NHSNumberVerificationStatus-1", "StructureDefinition/Other");
    assert_eq!(other, one(Required, "Appointment.contained[1].identifier[0].extension"));
}

#[test]
fn codes_outside_a_required_list_are_never_repeated() {
    let read = json::read(BOOKING.replacen(r#""gender": "female""#, r#""gender": "Imogen""#, 1).as_bytes(), definitions()).unwrap();
    let problems = check_read(&read, definitions());
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].expression, "Appointment.contained[1].gender");
    assert!(problems[0].message.contains("male, female, other, unknown"), "{}", problems[0].message);
    assert!(!problems[0].message.contains("Imogen"));
}

#[test]
fn what_the_reader_reported_is_not_reported_again() {
    assert_eq!(broken(r#""status": "booked""#, r#""status": {}"#), one(Wrong, "Appointment.status"));
    let text = r#"{"resourceType":"Appointment","status":5,"participant":"x","start":{},"end":null,"contained":{"resourceType":"Slott"}}"#;
    let expected = ["participant", "start", "end", "contained", "contained[0]", "status"].map(|e| (Wrong, format!("Appointment.{e}")));
    assert_eq!(found(text), expected);
}

#[test]
fn start_and_end_of_an_appointment_stand_together() {
    assert_eq!(broken(", \"end\": \"2026-02-11T09:45:00.000+00:00\", \"slot\"", ", \"slot\""), one(Invariant, "Appointment.end"));
    let cancelled = r#"{"resourceType":"Appointment","status":"cancelled","participant":[{"actor":{"display":"x"}}]}"#;
    assert_eq!(found(cancelled), Vec::new());
}

#[test]
fn contained_resources_and_local_references_match() {
    let expected =
        vec![(Invariant, "Appointment.contained[1]".to_owned()), (Reference, "Appointment.participant[0].actor.reference".to_owned())];
    assert_eq!(broken(r##""reference": "#pat1""##, r##""reference": "#pat2""##), expected);
    assert_eq!(broken(r#""id": "cda1", "#, "").first(), Some(&(Required, "Appointment.contained[0].id".to_owned())));
}

#[test]
fn contained_resources_contain_nothing_and_have_no_version() {
    let text = r##"{"resourceType":"Appointment","status":"proposed","participant":[{"actor":{"reference":"#l"}}],"contained":[
        {"resourceType":"Location","id":"l","meta":{"versionId":"1","lastUpdated":"2026-02-11T09:30:00Z"},
         "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},
         "contained":[{"resourceType":"Location","id":"l"}]}]}"##;
    let expected =
        ["contained", "text", "meta.versionId", "meta.lastUpdated"].map(|e| (Invariant, format!("Appointment.contained[0].{e}")));
    assert_eq!(found(text), expected);
}

#[test]
fn references_lead_to_types_their_element_allows() {
    let with = |element: &str| {
        let other = if element.contains("participant") { "" } else { r#""participant":[{"actor":{"display":"x"}}],"# };
        format!(r#"{{"resourceType":"Appointment","status":"proposed",{other}{element}}}"#)
    };
    let wrong = [
        (r#""slot":[{"reference":"Schedule/1"}]"#, Wrong, "slot[0]"),
        (r#""slot":[{"reference":"https://x.example/base/Schedule/1/_history/2"}]"#, Wrong, "slot[0]"),
        (r#""participant":[{"actor":{"reference":"PractitionerRole/1"}}]"#, Wrong, "participant[0].actor"),
        (r#""incomingReferral":[{"reference":"Patient/1"}]"#, Wrong, "incomingReferral[0]"),
        (r#""identifier":[{"value":"1","assigner":{"reference":"Practitioner/1"}}]"#, Wrong, "identifier[0].assigner"),
        (r##""slot":[{"reference":"#p"}],"contained":[{"resourceType":"Location","id":"p"}]"##, Reference, "slot[0]"),
    ];
    for (element, kind, place) in wrong {
        assert_eq!(found(&with(element)), one(kind, &format!("Appointment.{place}.reference")), "{element}");
    }
    let right = [
        r#""slot":[{"reference":"Slot/1"},{"reference":"https://x.example/base/Slot/1"},{"reference":"urn:uuid:1"},{"display":"x"}]"#,
        r#""participant":[{"actor":{"reference":"Practitioner/1"}},{"actor":{"reference":"https://x.example/somebody"}}]"#,
        r#""supportingInformation":[{"reference":"Slot/1"},{"reference":"Condition/1"}]"#,
    ];
    for element in right {
        assert_eq!(found(&with(element)), [], "{element}");
    }
}

#[test]
fn an_extension_of_a_profile_holds_what_the_profile_says() {
    let base = "https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-";
    let with = |name: &str, value: &str| {
        let extension = format!(r#"{{"url":"{base}{name}-1",{value}}}"#);
        found(&format!(
            r#"{{"resourceType":"Appointment","status":"proposed","participant":[{{"actor":{{"display":"x"}}}}],"extension":[{extension}]}}"#
        ))
    };
    let place = |name: &str| format!("Appointment.extension[0].{name}");
    assert_eq!(with("DeliveryChannel", r#""valueCode":"Telephone""#), []);
    assert_eq!(with("DeliveryChannel", r#""valueString":"Telephone""#), one(Wrong, &place("valueString")));
    assert_eq!(with("BookingOrganisation", r#""valueReference":{"reference":"Organization/1"}"#), []);
    assert_eq!(with("BookingOrganisation", r#""valueString":"X9T20""#), one(Wrong, &place("valueString")));
    assert_eq!(with("AppointmentCancellationReason", r#""valueString":"better""#), []);
    assert_eq!(with("AppointmentCancellationReason", r#""valueCode":"better""#), one(Required, &place("valueString")));
}

#[test]
fn rules_between_elements_are_checked() {
    let cases = [
        (r#""requestedPeriod":[{"start":"2026-02-12","end":"2026-02-11T10:00:00Z"}]"#, "requestedPeriod[0]"),
        (r#""identifier":[{}]"#, "identifier[0]"),
        (r#""extension":[{"url":"u:x"}]"#, "extension[0]"),
        (r#""extension":[{"url":"u:x","valueCode":"a","extension":[{"url":"u:y","valueCode":"b"}]}]"#, "extension[0]"),
        (r#""extension":[{"url":"u:x","valueCode":"a","valueString":"b"}]"#, "extension[0].value[x]"),
        (r#""extension":[{"url":"u:x","valueContactPoint":{"value":"1"}}]"#, "extension[0].valueContactPoint"),
        (r#""extension":[{"url":"u:x","valueAttachment":{"data":"AAAA"}}]"#, "extension[0].valueAttachment"),
        (r#""extension":[{"url":"u:x","valueDuration":{"code":"s"}}]"#, "extension[0].valueDuration"),
        (r#""_comment":{"id":"x"}"#, "comment"),
        (r#""participant":[{"status":"accepted"}]"#, "participant[0]"),
    ];
    for (element, place) in cases {
        let participant = if element.contains("participant") { "" } else { r#""participant":[{"actor":{"display":"x"}}],"# };
        let text = format!(r#"{{"resourceType":"Appointment","status":"proposed",{participant}{element}}}"#);
        assert_eq!(found(&text), one(Invariant, &format!("Appointment.{place}")), "{element}");
    }
    let same_day = r#"{"resourceType":"Appointment","status":"proposed","participant":[{"actor":{"display":"x"}}],
        "requestedPeriod":[{"start":"2026-02-12T10:00:00Z","end":"2026-02-12"}]}"#;
    assert_eq!(found(same_day), Vec::new());
    let home = r#"{"resourceType":"Organization","address":[{"use":"home"}],"telecom":[{"system":"phone","use":"home"}]}"#;
    let expected = ["Organization.address[0]", "Organization.telecom[0]", "Organization"].map(|e| (Invariant, e.to_owned()));
    assert_eq!(found(home), expected);
}

#[test]
fn elements_that_do_not_repeat_stand_once() {
    let tree = Element::resource("Slot").with_all(["a", "b"].map(|c| Element::text("comment", c)));
    assert!(check(&tree, definitions()).iter().any(|p| p.expression == "Slot.comment" && p.kind == Invariant));
    let deceased =
        r#"{"resourceType":"Patient","name":[{"use":"official","family":"x"}],"deceasedBoolean":true,"deceasedDateTime":"2020"}"#;
    assert_eq!(found(deceased), one(Invariant, "Patient.deceased[x]"));
}

#[test]
fn values_have_the_form_of_their_type() {
    use Primitive::*;
    let good = [
        (Id, "9f2c41d0-nurse.0930"),
        (Code, "a b"),
        (Uri, "urn:oid:1.2"),
        (Oid, "urn:oid:2.16.840.1"),
        (Instant, "2026-02-11T09:30:00Z"),
        (Instant, "2026-02-11T09:30:00.123456-14:00"),
        (DateTime, "2026"),
        (DateTime, "2026-02"),
        (DateTime, "2024-02-29"),
        (DateTime, "2026-02-11T09:30:00+01:00"),
        (DateTime, "2026-02-11T09:30:00"),
        (Date, "2026-02-11"),
        (Time, "23:59:60"),
        (Time, "09:30:00.5"),
        (Integer, "-5"),
        (Integer, "0"),
        (PositiveInt, "1"),
        (UnsignedInt, "0"),
        (Decimal, "-0.50"),
        (Base64, "AA ==\n"),
        (String, " spaces\n and lines "),
        (Xhtml, r#"<div xmlns="http://www.w3.org/1999/xhtml"><p class="x">a &amp; b &#233;<br/></p><!-- c --></div>"#),
        (Xhtml, r#"<h:div xmlns:h="http://www.w3.org/1999/xhtml">x</h:div>"#),
        (Xhtml, r#"<div xmlns="http://www.w3.org/1999/xhtml"><img src="a.png"/></div>"#),
    ];
    for (primitive, text) in good {
        assert_eq!(formats::fault(primitive, text), None, "{primitive:?} {text}");
    }
    let bad = [
        (Id, "a_b"),
        (Id, "12345678901234567890123456789012345678901234567890123456789012345"),
        (Code, " a"),
        (Code, "a  b"),
        (Code, "a "),
        (Uri, "a b"),
        (Oid, "urn:oid:9.1"),
        (Instant, "2026-02-11T09:30:00"),
        (Instant, "2026-02-11T09:30Z"),
        (Instant, "2026-02-30T09:30:00Z"),
        (Instant, "2026-02-11 09:30:00Z"),
        (Instant, "2026-02-11T24:00:00Z"),
        (Instant, "2026-02-11T09:30:00z"),
        (Instant, "2026-02-11T09:30:00+0100"),
        (Instant, "2026-02-11T09:30:00+15:00"),
        (Instant, "2026-02-11T09:30:00Zx"),
        (Instant, "2026-02-11"),
        (DateTime, "2026-13"),
        (DateTime, "2026-02-11T09:30"),
        (DateTime, "11/02/2026"),
        (DateTime, "0000"),
        (Date, "2026-02-11T09:30:00Z"),
        (Date, "2026-2-1"),
        (Time, "9:30:00"),
        (Time, "09:30"),
        (Integer, "5.0"),
        (Integer, "2147483648"),
        (Integer, "1e3"),
        (PositiveInt, "0"),
        (UnsignedInt, "-1"),
        (Decimal, "1e3"),
        (Base64, "AAA"),
        (Base64, "A=AA"),
        (Base64, "===="),
        (String, "\u{1}"),
        (String, ""),
        (Xhtml, "<div>a</div>"),
        (Xhtml, "<div xmlns=\"http://www.w3.org/1999/xhtml\"/>"),
        (Xhtml, "<div xmlns=\"http://www.w3.org/1999/xhtml\"> <p>\n</p><!-- nothing --></div>"),
        (Xhtml, r#"<div xmlns="http://www.w3.org/1999/xhtml">"#),
        (Xhtml, r#"<div xmlns="http://www.w3.org/1999/xhtml"/><div xmlns="http://www.w3.org/1999/xhtml"/>"#),
        (Xhtml, r#"<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>"#),
        (Xhtml, r#"<div xmlns="http://www.w3.org/1999/xhtml"><p onclick="x"/></div>"#),
        (Xhtml, r#"<div xmlns="http://www.w3.org/1999/xhtml"><a href=" java&#x0A;script:x"/></div>"#),
        (Xhtml, r#"<div xmlns="http://www.w3.org/1999/xhtml">&nbsp;</div>"#),
        (Xhtml, r#"<div xmlns="http://www.w3.org/1999/xhtml"><p></div></p>"#),
        (Xhtml, r#"<div xmlns="http://www.w3.org/1999/xhtml"><![CDATA[x]]></div>"#),
        (Xhtml, r#"<!DOCTYPE d><div xmlns="http://www.w3.org/1999/xhtml"/>"#),
        (Xhtml, r#"<p xmlns="http://www.w3.org/1999/xhtml"/>"#),
        (Xhtml, r#"<div xmlns="http://www.w3.org/1999/xhtml"><p a="1" a="2"/></div>"#),
        (Xhtml, "<div xmlns=\"http://www.w3.org/1999/xhtml\">\u{1}</div>"),
        (Xhtml, r#"<div xmlns="http://www.w3.org/1999/xhtml"></div></x><x>"#),
    ];
    for (primitive, text) in bad {
        assert!(formats::fault(primitive, text).is_some(), "{primitive:?} {text}");
    }
}

#[test]
fn outcomes_and_statements_are_checked_by_base_definitions() {
    let outcome = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing","diagnostics":"x"}]}"#;
    assert_eq!(found(outcome), Vec::new());
    assert_eq!(found(r#"{"resourceType":"OperationOutcome"}"#), one(Required, "OperationOutcome.issue"));
}

#[test]
fn a_hostile_body_is_checked_in_bounded_time_and_length() {
    let entry = r##"{"reference":"#x"}"##;
    let slots = vec![entry; 50_000].join(",");
    let text = format!(r#"{{"resourceType":"Appointment","slot":[{slots}]}}"#);
    assert_eq!(found(&text).len(), json::PROBLEMS_MAX);
}
