//! One change of the example each, and exactly what must be found. A contained resource that nothing points
//! at any more is a finding of its own (dom-3), as is a reference that points at nothing (ref-1).

use super::*;
use ProblemKind::{Invariant, NhsNumber, Reference, Required, Structure, Value};

type Row = (Change, &'static [(ProblemKind, &'static str)]);

fn check(rows: Vec<Row>, rules: &BookingRules) {
    let mut wrong = Vec::new();
    for (change, wanted) in rows {
        let what = match &change {
            Set(pointer, value) => format!("{pointer} = {value}"),
            Remove(pointer) => format!("without {pointer}"),
            Push(pointer, value) => format!("{pointer} + {value}"),
            Repeat(pointer) => format!("{pointer} twice"),
        };
        let found = faults(&read(&[change], rules));
        if found != expected(wanted) {
            wrong.push(format!("{what}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "found something else than wanted:\n{}", wrong.join("\n"));
}

#[test]
fn every_fault_of_the_appointment_itself_is_found_where_it_is() {
    check(
        vec![
            (Set("/id", json!("mine")), &[(Invariant, ".id")]),
            (Set("/implicitRules", json!("https://x.example")), &[(Invariant, ".implicitRules")]),
            (
                Set("/modifierExtension", json!([{"url": "https://x.example", "valueBoolean": true}])),
                &[(Invariant, ".modifierExtension[0]")],
            ),
            (
                Set("/contained/1/modifierExtension", json!([{"url": "https://x.example", "valueBoolean": true}])),
                &[(Invariant, ".contained[1].modifierExtension[0]")],
            ),
            (Set("/status", json!("cancelled")), &[(Value, ".status")]),
            (Set("/status", json!("proposed")), &[(Value, ".status")]),
            (Remove("/status"), &[(Required, ".status")]),
            (Remove("/description"), &[(Required, ".description")]),
            (Set("/description", json!("  ")), &[(Value, ".description")]),
            (Remove("/start"), &[(Invariant, ".start")]),
            (Set("/start", json!("2026-02-11")), &[(Value, ".start")]),
            (Set("/start", json!("2026-02-11T09:30:00")), &[(Value, ".start")]),
            (Set("/start", json!("2026-02-11T09:29:59.999Z")), &[(Invariant, ".start")]),
            (Set("/end", json!("2026-02-11T09:45:00.001Z")), &[(Invariant, ".end")]),
            (Set("/end", json!("2026-02-11T09:30:00.000Z")), &[(Invariant, ".end")]),
            (Set("/created", json!("yesterday")), &[(Value, ".created")]),
            (Remove("/slot"), &[(Invariant, ".contained[2]"), (Required, ".slot")]),
            (Repeat("/slot/0"), &[(Invariant, ".slot[1]")]),
            (Set("/slot/0/reference", json!("#other")), &[(Invariant, ".contained[2]"), (Reference, ".slot[0].reference")]),
            (Set("/slot/0/reference", json!("#pat1")), &[(Invariant, ".contained[2]"), (Reference, ".slot[0].reference")]),
            (
                Set("/slot/0/reference", json!("Slot/6c74d781-cc3b-4ca7-8c2a-f2259c62e7f0")),
                &[(Invariant, ".contained[2]"), (Value, ".slot[0].reference")],
            ),
            (Set("/slot/0", json!({"display": "half past nine"})), &[(Invariant, ".contained[2]"), (Required, ".slot[0].reference")]),
            (Remove("/supportingInformation"), &[(Invariant, ".contained[0]"), (Required, ".supportingInformation")]),
            (Repeat("/supportingInformation/0"), &[(Invariant, ".supportingInformation[1]")]),
            (
                Set("/supportingInformation/0/reference", json!("#pat1")),
                &[(Invariant, ".contained[0]"), (Reference, ".supportingInformation[0].reference")],
            ),
            (
                Set("/supportingInformation/0/reference", json!("DocumentReference/1")),
                &[(Invariant, ".contained[0]"), (Value, ".supportingInformation[0].reference")],
            ),
        ],
        &STRICT,
    );
}

#[test]
fn every_fault_of_the_participants_is_found_where_it_is() {
    check(
        vec![
            (Remove("/participant"), &[(Invariant, ".contained[1]"), (Required, ".participant")]),
            (
                Set("/participant/0/actor/reference", json!("#nobody")),
                &[(Invariant, ".contained[1]"), (Reference, ".participant[0].actor.reference")],
            ),
            (
                Set("/participant/0/actor/reference", json!("Patient/1")),
                &[(Invariant, ".contained[1]"), (Value, ".participant[0].actor.reference")],
            ),
            (Remove("/participant/0/actor/reference"), &[(Invariant, ".contained[1]"), (Required, ".participant[0].actor.reference")]),
            (
                Set("/participant/0/actor", json!({"reference": "Practitioner/1"})),
                &[(Invariant, ".contained[1]"), (Required, ".participant")],
            ),
            (Repeat("/participant/0"), &[(Invariant, ".participant[1]")]),
            (Set("/participant/0/actor/identifier/value", json!("9990482137")), &[(NhsNumber, ".participant[0].actor.identifier.value")]),
            (Set("/participant/0/actor/identifier/value", json!("9990000018")), &[(Invariant, ".participant[0].actor.identifier.value")]),
            (Remove("/participant/0/actor/identifier/value"), &[(Required, ".participant[0].actor.identifier.value")]),
        ],
        &STRICT,
    );
}

#[test]
fn every_fault_of_what_is_contained_is_found_where_it_is() {
    check(
        vec![
            (Remove("/contained/0"), &[(Required, ".contained"), (Reference, ".supportingInformation[0].reference")]),
            (Remove("/contained/1"), &[(Required, ".contained"), (Reference, ".participant[0].actor.reference")]),
            (Remove("/contained/2"), &[(Structure, ".contained"), (Reference, ".slot[0].reference")]),
            (Repeat("/contained/0"), &[(Invariant, ".contained[3]"), (Invariant, ".contained[3].id")]),
            (Repeat("/contained/1"), &[(Invariant, ".contained[3]"), (Invariant, ".contained[3].id")]),
            (Repeat("/contained/2"), &[(Invariant, ".contained[3]"), (Invariant, ".contained[3].id")]),
            (Remove("/contained/2/id"), &[(Required, ".contained[2].id"), (Reference, ".slot[0].reference")]),
            (Set("/contained/2/identifier/0/value", json!("not an id")), &[(Value, ".contained[2].identifier[0].value")]),
            (Remove("/contained/2/identifier/0/value"), &[(Required, ".contained[2].identifier[0].value")]),
            (Remove("/contained/2/start"), &[(Required, ".contained[2].start")]),
            (Set("/contained/2/end", json!("09:45")), &[(Value, ".contained[2].end")]),
            (Remove("/contained/2/schedule"), &[(Required, ".contained[2].schedule")]),
            (Set("/contained/2/schedule", json!({"display": "treatment room"})), &[(Required, ".contained[2].schedule.reference")]),
            (Set("/contained/2/schedule/reference", json!("sch-treat-2")), &[(Value, ".contained[2].schedule.reference")]),
        ],
        &STRICT,
    );
}

#[test]
fn every_fault_of_the_document_is_found_where_it_is() {
    check(
        vec![
            (Remove("/contained/0/identifier"), &[(Required, ".contained[0].identifier")]),
            (Repeat("/contained/0/identifier/0"), &[(Invariant, ".contained[0].identifier[1]")]),
            (Set("/contained/0/identifier/0/system", json!("urn:ietf:rfc:3986")), &[(Value, ".contained[0].identifier[0].system")]),
            (Set("/contained/0/identifier/0/value", json!("01883190")), &[(Value, ".contained[0].identifier[0].value")]),
            (Remove("/contained/0/identifier/0/value"), &[(Required, ".contained[0].identifier[0].value")]),
            (Set("/contained/0/status", json!("superseded")), &[(Value, ".contained[0].status")]),
            (Remove("/contained/0/type"), &[(Required, ".contained[0].type")]),
            (Set("/contained/0/type", json!({"text": "report"})), &[(Required, ".contained[0].type.coding")]),
            (Set("/contained/0/type/coding/0/system", json!("http://snomed.info/sct")), &[(Value, ".contained[0].type.coding[0].system")]),
            (Set("/contained/0/type/coding/0/code", json!("POCD_MT200001GB01")), &[(Value, ".contained[0].type.coding[0].code")]),
            (Remove("/contained/0/indexed"), &[(Required, ".contained[0].indexed")]),
            (Remove("/contained/0/content"), &[(Required, ".contained[0].content")]),
            (
                Set("/contained/0/content/0/attachment/contentType", json!("text/xml")),
                &[(Value, ".contained[0].content[0].attachment.contentType")],
            ),
            (Set("/contained/0/content/0/attachment/language", json!("cy")), &[(Value, ".contained[0].content[0].attachment.language")]),
        ],
        &STRICT,
    );
}

#[test]
fn every_fault_of_the_patient_is_found_where_it_is() {
    check(
        vec![
            (Set("/contained/1/identifier/0/value", json!("9990482137")), &[(NhsNumber, ".contained[1].identifier[0].value")]),
            (Set("/contained/1/identifier/0/value", json!("999 048 2136")), &[(NhsNumber, ".contained[1].identifier[0].value")]),
            (Remove("/contained/1/identifier/0/value"), &[(Required, ".contained[1].identifier[0].value")]),
            (Repeat("/contained/1/identifier/0"), &[(Invariant, ".contained[1].identifier")]),
            (Remove("/contained/1/identifier/0/extension"), &[(Required, ".contained[1].identifier[0].extension")]),
            (Repeat("/contained/1/identifier/0/extension/0"), &[(Invariant, ".contained[1].identifier[0].extension")]),
            (
                Set("/contained/1/identifier/0/extension/0/valueCodeableConcept/coding/0/code", json!("09")),
                &[(Value, ".contained[1].identifier[0].extension[0].valueCodeableConcept")],
            ),
            (
                Set("/contained/1/identifier/0/extension/0/valueCodeableConcept/coding/0/system", json!("https://example.org")),
                &[(Value, ".contained[1].identifier[0].extension[0].valueCodeableConcept")],
            ),
            (Remove("/contained/1/name"), &[(Required, ".contained[1].name")]),
            (Set("/contained/1/name/0/use", json!("usual")), &[(Required, ".contained[1].name")]),
            (Repeat("/contained/1/name/0"), &[(Invariant, ".contained[1].name")]),
            (Remove("/contained/1/name/0/family"), &[(Required, ".contained[1].name[0].family")]),
            (Remove("/contained/1/name/0/given"), &[(Required, ".contained[1].name[0].given")]),
            (Remove("/contained/1/gender"), &[(Required, ".contained[1].gender")]),
            (Set("/contained/1/gender", json!("f")), &[(Value, ".contained[1].gender")]),
            (Remove("/contained/1/birthDate"), &[(Required, ".contained[1].birthDate")]),
            (Set("/contained/1/birthDate", json!("2019-02-30")), &[(Value, ".contained[1].birthDate")]),
            (Set("/contained/1/birthDate", json!("2019-08-03T10:00:00Z")), &[(Value, ".contained[1].birthDate")]),
            (Remove("/contained/1/address"), &[(Required, ".contained[1].address")]),
            (Set("/contained/1/address/0/use", json!("temp")), &[(Required, ".contained[1].address")]),
            (Repeat("/contained/1/address/0"), &[(Invariant, ".contained[1].address[1]")]),
            (Remove("/contained/1/address/0/postalCode"), &[(Required, ".contained[1].address[0].postalCode")]),
            (Set("/contained/1/address/0/postalCode", json!("12345")), &[(Value, ".contained[1].address[0].postalCode")]),
        ],
        &STRICT,
    );
}

#[test]
fn every_fault_of_the_contacts_is_found_where_it_is() {
    check(
        vec![
            (Set("/contained/1/telecom/0/rank", json!(1)), &[(Structure, ".contained[1].contact[0].telecom[0].rank")]),
            (Set("/contained/1/contact/0/telecom/0/rank", json!(2)), &[(Structure, ".contained[1].telecom")]),
            (Remove("/contained/1/contact"), &[(Structure, ".contained[1].telecom")]),
            (Remove("/contained/1/telecom/0/rank"), &[(Required, ".contained[1].telecom[0].rank")]),
            (Set("/contained/1/telecom/0/rank", json!(0)), &[(Value, ".contained[1].telecom[0].rank")]),
            (Set("/contained/1/telecom/0/rank", json!(-1)), &[(Value, ".contained[1].telecom[0].rank")]),
            (Set("/contained/1/telecom/0/rank", json!(1.5)), &[(Value, ".contained[1].telecom[0].rank")]),
            (
                Remove("/contained/1/telecom/0/system"),
                &[(Invariant, ".contained[1].telecom[0]"), (Required, ".contained[1].telecom[0].system")],
            ),
            (Remove("/contained/1/telecom/0/value"), &[(Required, ".contained[1].telecom[0].value")]),
            (Set("/contained/1/telecom/0/system", json!("email")), &[(Value, ".contained[1].telecom[0].value")]),
            (Remove("/contained/1/contact/0/name"), &[(Required, ".contained[1].contact[0].name")]),
            (Remove("/contained/1/contact/0/name/use"), &[(Required, ".contained[1].contact[0].name.use")]),
        ],
        &STRICT,
    );
}
