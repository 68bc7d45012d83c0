//! Bodies as consumers of older versions send them (docs/specification/uec.md#g-versions): taken where that version is
//! served, refused where not.

use super::*;
use crate::stu3::uec::compat::ApiVersion;
use ApiVersion::{V1_0_6, V2_0_0, V2_0_1, V2_0_2, V2_0_3, V2_0_4};
use ProblemKind::{Required, Structure};

fn serving(oldest: ApiVersion) -> BookingRules<'static> {
    STRICT.forgiving(oldest.leniencies())
}

/// The example as 1.0.6 had it: no contained Slot, and a reference to the slot itself.
fn by_reference() -> Vec<Change> {
    vec![Remove("/contained/2"), Set("/slot/0/reference", json!("Slot/6c74d781-cc3b-4ca7-8c2a-f2259c62e7f0"))]
}

/// Without any rank, as before the rules of contacts.
fn unranked() -> Vec<Change> {
    vec![Remove("/contained/1/telecom/0/rank"), Remove("/contained/1/contact/0/telecom/0/rank")]
}

fn without_document() -> Vec<Change> {
    vec![Remove("/supportingInformation"), Remove("/contained/0")]
}

fn patient_by_actor() -> Vec<Change> {
    vec![Remove("/contained/1"), Remove("/participant/0/actor/reference")]
}

#[test]
fn each_form_is_taken_until_its_last_version_is_served() {
    let forms = [
        ("Slot/<id>", by_reference(), V1_0_6),
        ("contacts without rank", unranked(), V2_0_1),
        ("no contacts", vec![Remove("/contained/1/telecom"), Remove("/contained/1/contact")], V2_0_1),
        ("no DocumentReference", without_document(), V2_0_3),
        ("no contained Patient", patient_by_actor(), V2_0_3),
        ("the form of 2.0.4", vec![], V2_0_4),
    ];
    for (form, changes, last) in forms {
        for oldest in ApiVersion::ALL {
            let taken = read(&changes, &serving(oldest)).is_ok();
            assert_eq!(taken, oldest <= last, "{form}, serving {} and later", oldest.number());
        }
    }
}

#[test]
fn what_was_sent_is_kept_as_it_was_sent() {
    let all: Vec<Change> = [by_reference(), unranked()].concat();
    let booked = read(&all, &serving(V1_0_6)).unwrap();
    assert_eq!(booked.resource.text_at("slot.reference"), Some("Slot/6c74d781-cc3b-4ca7-8c2a-f2259c62e7f0"));
    assert!(!booked.resource.all("contained").any(|c| c.kind() == Some("Slot")));
    assert_eq!(booked.slot.ids.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["6c74d781-cc3b-4ca7-8c2a-f2259c62e7f0"]);
    assert_eq!(booked.patient.contact.as_deref(), Some("0191 498 0123"), "the first contact is the one to call");
}

#[test]
fn created_is_the_consumers_until_2_0_1_and_the_servers_since() {
    for (oldest, keeps) in [(V1_0_6, true), (V2_0_0, true), (V2_0_1, true), (V2_0_2, false), (V2_0_3, false), (V2_0_4, false)] {
        assert_eq!(read(&[], &serving(oldest)).unwrap().keeps_created, keeps, "{}", oldest.number());
    }
    assert!(!read(&[Remove("/created")], &serving(V1_0_6)).unwrap().keeps_created, "there is nothing to keep");
    assert!(!read(&[], &PROVIDER).unwrap().keeps_created, "not on the provider root");
}

#[test]
fn what_no_version_allowed_is_refused_however_old_the_consumer() {
    let rules = serving(V1_0_6);
    let of = |changes: &[Change]| faults(&read(changes, &rules));
    assert_eq!(of(&[Remove("/description")]), expected(&[(Required, ".description")]));
    // Whoever points into `contained` must fill it: still malformed, not merely wrong.
    let pointing = of(&[Remove("/contained/2")]);
    assert!(pointing.contains(&(Structure, "Appointment.contained".to_owned())), "{pointing:?}");
    let two_first = of(&[Set("/contained/1/telecom/0/rank", json!(1))]);
    assert_eq!(two_first.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [Structure]);
    let none_first = of(&[Remove("/contained/1/contact/0/telecom/0/rank")]);
    assert_eq!(none_first, expected(&[(Structure, ".contained[1].telecom")]), "what is ranked is ranked rightly");
    assert!(!of(&[Remove("/participant"), Remove("/contained/1")]).is_empty(), "somebody must be coming");
}
