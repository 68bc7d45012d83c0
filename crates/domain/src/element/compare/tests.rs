use super::*;
use crate::element::{Foreign, ForeignFormat};

fn reference(name: &str, to: &str) -> Element {
    Element::complex(name).with(Element::text("reference", to))
}

fn contained(kind: &str, id: &str) -> Element {
    Element::resource(kind).renamed("contained").with(Element::text("id", id))
}

fn patient() -> Element {
    let given = ["Imogen", "Joy"].map(|given| Element::text("given", given));
    let name = Element::complex("name").with(Element::text("family", "Whitlock")).with_all(given);
    contained("Patient", "p").with(name).with(Element::text("birthDate", "2019-08-03"))
}

fn stored() -> Element {
    Element::resource("Appointment")
        .with(Element::text("id", "a1"))
        .with(Element::complex("meta").with(Element::text("versionId", "1")))
        .with(Element::complex("text").with(Element::text("status", "generated")))
        .with(patient())
        .with(contained("Slot", "s").with(Element::text("start", "2026-06-11T09:30:00+01:00")))
        .with(Element::text("status", "booked"))
        .with(Element::text("description", "ear pain"))
        .with(Element::text("start", "2026-06-11T08:30:00.000+00:00"))
        .with(reference("slot", "#s"))
        .with(Element::text("created", "2026-06-10T08:00:00.000+00:00"))
        .with(Element::complex("participant").with(reference("actor", "#p")).with(Element::text("status", "accepted")))
}

fn paths(submitted: &Element) -> Vec<String> {
    differences(&stored(), submitted).into_iter().map(|d| d.expression).collect()
}

/// The stored tree after one change.
fn changed(change: impl FnOnce(&mut Element)) -> Vec<String> {
    let mut submitted = stored();
    change(&mut submitted);
    paths(&submitted)
}

fn child<'e>(element: &'e mut Element, path: &[(&str, usize)]) -> &'e mut Element {
    path.iter().fold(element, |node, (name, index)| node.children.iter_mut().filter(|c| c.name == *name).nth(*index).unwrap())
}

#[test]
fn a_resource_does_not_differ_from_itself_nor_by_its_status() {
    assert_eq!(paths(&stored()), Vec::<String>::new());
    assert_eq!(changed(|a| a.set(Element::text("status", "cancelled"))), Vec::<String>::new());
}

#[test]
fn what_the_server_added_may_be_absent() {
    let none = changed(|a| ["meta", "text", "created", "id"].iter().for_each(|name| a.remove(name)));
    assert_eq!(none, Vec::<String>::new());
    assert_eq!(changed(|a| child(a, &[("participant", 0)]).remove("status")), Vec::<String>::new());
    let other_meta = Element::complex("meta").with(Element::text("versionId", "9"));
    assert_eq!(changed(|a| a.set(other_meta.clone())), Vec::<String>::new());
    assert_eq!(changed(|a| child(a, &[("contained", 0)]).set(other_meta)), Vec::<String>::new());
}

#[test]
fn created_is_never_compared_and_only_at_the_root() {
    let none = Vec::<String>::new();
    assert_eq!(changed(|a| a.set(Element::text("created", "2026-06-10T08:00:01Z"))), none);
    assert_eq!(changed(|a| a.set(Element::text("created", "yesterday").with(Element::text("id", "mine")))), none);
    assert_eq!(changed(|a| child(a, &[("contained", 0)]).set(Element::text("created", "2026"))), ["Appointment.contained[0].created"]);
}

#[test]
fn what_the_server_added_and_was_changed_is_a_difference() {
    assert_eq!(changed(|a| a.set(Element::text("id", "a2"))), ["Appointment.id"]);
    let declined = |a: &mut Element| child(a, &[("participant", 0)]).set(Element::text("status", "declined"));
    assert_eq!(changed(declined), ["Appointment.participant.status"]);
}

#[test]
fn order_is_no_difference_anywhere() {
    let reversed = |a: &mut Element| {
        a.children.reverse();
        child(a, &[("contained", 1), ("name", 0)]).children.reverse();
    };
    assert_eq!(changed(reversed), Vec::<String>::new());
}

#[test]
fn repeats_are_counted() {
    let twice = |a: &mut Element| child(a, &[("contained", 0), ("name", 0)]).children.push(Element::text("given", "Joy"));
    assert_eq!(changed(twice), ["Appointment.contained[0].name.given[2]"]);
    let once = |a: &mut Element| child(a, &[("contained", 0), ("name", 0)]).set(Element::text("given", "Joy"));
    assert_eq!(changed(once), ["Appointment.contained[0].name.given[0]"]);
}

#[test]
fn the_same_instant_in_another_offset_is_no_difference() {
    for same in ["2026-06-11T08:30:00Z", "2026-06-11T09:30:00+01:00", "2026-06-11T09:30:00.000000+01:00"] {
        assert_eq!(changed(|a| a.set(Element::text("start", same))), Vec::<String>::new());
    }
    for other in ["2026-06-11T08:30:00.001Z", "2026-06-11T08:30:00.0001Z", "2026-06-11T08:30:00+01:00", "2026-06-11"] {
        assert_eq!(changed(|a| a.set(Element::text("start", other))), ["Appointment.start"]);
    }
}

#[test]
fn everything_else_is_named_by_its_place() {
    let change = |a: &mut Element| {
        child(a, &[("contained", 0), ("name", 0)]).set(Element::text("family", "Other"));
        child(a, &[("contained", 1)]).set(Element::text("comment", "new"));
        a.remove("description");
        a.set(reference("slot", "#t"));
        a.set(Element::text("language", "en-GB"));
    };
    let expected = [
        "Appointment.contained[0].name.family",
        "Appointment.contained[1].comment",
        "Appointment.description",
        "Appointment.language",
        "Appointment.slot.reference",
    ];
    assert_eq!(changed(change), expected);
}

#[test]
fn contained_resources_are_compared_by_id_after_a_move() {
    let change = |a: &mut Element| {
        child(a, &[("contained", 0)]).set(Element::text("birthDate", "2019-08-04"));
        child(a, &[("contained", 1)]).set(Element::text("start", "2026-06-11T09:45:00+01:00"));
        a.children.reverse();
    };
    assert_eq!(changed(change), ["Appointment.contained[0].start", "Appointment.contained[1].birthDate"]);
}

#[test]
fn an_unknown_element_may_be_left_out_but_not_added() {
    let foreign = Foreign { format: ForeignFormat::Json, text: "1".to_owned() };
    let unknown = Element { value: Some(Value::Foreign(foreign)), ..Element::complex("novelty") };
    assert_eq!(changed(|a| a.children.push(unknown.clone())), ["Appointment.novelty"]);
    assert_eq!(changed(|a| child(a, &[("contained", 0)]).children.push(unknown.clone())).len(), 1);
    let with_novelty = stored().with(unknown);
    assert_eq!(differences(&with_novelty, &stored()), []);
    assert_eq!(differences(&with_novelty, &with_novelty), []);
    let extension = Element::complex("extension").with(Element::text("url", "u:x"));
    assert_eq!(changed(|a| child(a, &[("description", 0)]).children.push(extension)), ["Appointment.description.extension"]);
}

fn in_xml(text: &str) -> Element {
    let foreign = Foreign { format: ForeignFormat::Xml, text: text.to_owned() };
    Element { value: Some(Value::Foreign(foreign)), ..Element::complex("novelty") }
}

#[test]
fn an_unknown_xml_element_may_be_omitted_but_not_changed() {
    let with = |texts: &[&str]| stored().with_all(texts.iter().map(|text| in_xml(text)));
    let paths =
        |kept: &[&str], sent: &[&str]| -> Vec<String> { differences(&with(kept), &with(sent)).into_iter().map(|d| d.expression).collect() };
    assert_eq!(paths(&["<novelty/>", "<novelty a=\"1\"/>"], &["<novelty a=\"1\"/>", "<novelty/>"]), Vec::<String>::new());
    assert_eq!(paths(&["<novelty/>", "<novelty a=\"1\"/>"], &["<novelty a=\"1\"/>"]), Vec::<String>::new());
    assert_eq!(paths(&["<novelty/>"], &[]), Vec::<String>::new());
    assert_eq!(paths(&["<novelty/>"], &["<novelty a=\"1\"/>"]), ["Appointment.novelty"]);
    assert_eq!(paths(&["<novelty/>"], &["<novelty/>", "<novelty/>"]), ["Appointment.novelty[1]"]);
    let other_format = Foreign { format: ForeignFormat::Json, text: "1".to_owned() };
    let other_format = Element { value: Some(Value::Foreign(other_format)), ..Element::complex("novelty") };
    assert_eq!(differences(&with(&["<novelty/>"]), &stored().with(other_format)).len(), 1);
}

#[test]
fn an_element_of_unknown_ones_may_be_omitted_with_them() {
    let holder = |name: &str| Element::complex(name).with(Element::complex("period").with(in_xml("<novelty/>")));
    let kept = stored().with(holder("identifier")).with(in_xml("<novelty/>"));
    assert_eq!(differences(&kept, &stored()), []);
    assert_eq!(differences(&kept, &stored().with(in_xml("<novelty/>"))), []);
    assert_eq!(differences(&kept, &kept), []);
    assert_eq!(differences(&stored(), &kept).len(), 2);
    let fuller = stored().with(holder("identifier").with(Element::text("value", "x")));
    assert_eq!(differences(&fuller, &stored()).len(), 1);
}

#[test]
fn a_number_is_the_same_with_and_without_idle_zeros() {
    let weighing = |digits: &str| stored().with(Element::number("priority", digits));
    assert_eq!(differences(&weighing("1.500"), &weighing("1.5")), []);
    assert_eq!(differences(&weighing("1.0"), &weighing("1")), []);
    assert_eq!(differences(&weighing("100"), &weighing("1")).len(), 1);
}

#[test]
fn another_resource_is_another_resource() {
    assert_eq!(paths(&Element::resource("Slot")), ["Slot"]);
}

/// A body at the limit of size, all of one name, nothing in its old place: seconds here would be minutes for a worse method.
#[test]
fn large_trees_are_compared_in_little_time() {
    let many = |offset: usize| {
        let slots = (0..60_000).map(|i| reference("slot", &format!("#{}", (i * 7 + offset) % 60_000)));
        Element::resource("Appointment").with_all(slots)
    };
    assert_eq!(differences(&many(0), &many(3)), Vec::new());
    let other = Element::resource("Appointment").with_all((0..60_000).map(|i| reference("slot", &format!("#x{i}"))));
    assert_eq!(differences(&many(0), &other).len(), DIFFERENCES_MAX);
    let names = |prefix: &str| Element::resource("Appointment").with_all((0..60_000).map(|i| Element::text(&format!("{prefix}{i}"), "x")));
    assert_eq!(differences(&names("a"), &names("b")).len(), DIFFERENCES_MAX);
}
