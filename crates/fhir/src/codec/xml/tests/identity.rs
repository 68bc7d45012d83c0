//! JSON to a tree to XML to a tree to JSON is the identity: of everything that is defined, one by one and thrown
//! together.
//!
//! The trees here are not valid resources. A code that is no code must survive as well, because what is wrong with
//! it is for validation to say.

use proptest::prelude::*;
use std::collections::BTreeSet;

use super::super::{is_xml_char, write, write_pretty};
use super::tree as read_xml;
use crate::codec::json;
use crate::definitions::{JsonForm, Kind, Primitive, Type};
use crate::stu3::definitions;
use domain::element::{Element, Value};
use domain::fault::Problem;

const RESOURCE_TYPES: &str = include_str!("../../../stu3/definitions/resource-types.txt");
const DIVS: [&str; 5] = [
    "<div xmlns=\"http://www.w3.org/1999/xhtml\"/>",
    "<div xmlns=\"http://www.w3.org/1999/xhtml\"> <p>a &lt;\n</p></div>",
    "<h:div xmlns:h=\"http://www.w3.org/1999/xhtml\"><h:p class='x'>é😀 &#233;</h:p></h:div>",
    "<div xmlns=\"http://www.w3.org/1999/xhtml\">\r\n\t<!-- a > b --><br/>]]&gt; &quot;&apos;&amp;</div>",
    "<div xmlns=\"http://www.w3.org/1999/xhtml\"><img alt=\"a&#10;b\" src=\"#x\"/></div>",
];
const TEXTS: [&str; 12] = [
    "a",
    "",
    " ",
    " é😀\t\n\r\"<&>'\\ ",
    "2026-02-11T09:30:00Z",
    "]]>",
    "&amp;&#10;&lt;",
    "\r\n",
    "\u{a0}\u{85}\u{2028}\u{feff}\u{7f}",
    "\u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}",
    "e\u{301}\u{202e}\u{5d0}",
    "</div><x>\u{200b}",
];
/// Their digits count, and their form too.
const NUMBERS: [&str; 10] =
    ["0", "-0", "1", "-1.50", "0.000", "12345678901234567890", "0.1000000000000000000000000000000000001", "1e-5", "1.0E+10", "-1.20e3"];

/// Every resource type that has a definition of its own.
fn kinds() -> Vec<&'static str> {
    RESOURCE_TYPES.split_whitespace().filter(|name| definitions().resource(name).is_some()).collect()
}

/// A resource in both formats, plain and for people, and back.
fn says_the_same(resource: &Element) -> Result<(), TestCaseError> {
    let first = json::write(resource, definitions());
    let back = json::read(first.as_bytes(), definitions()).map_err(|e| TestCaseError::fail(format!("{e}: {first}")))?;
    prop_assert_eq!(&back.problems, &Vec::<Problem>::new(), "{}", first);
    prop_assert_eq!(&back.tree, resource, "{}", first);
    for xml in [write(resource, definitions()), write_pretty(resource, definitions())] {
        let through = super::super::read(xml.as_bytes(), definitions()).map_err(|e| TestCaseError::fail(format!("{e}: {xml}")))?;
        prop_assert_eq!(&through.problems, &Vec::<Problem>::new(), "{}", xml);
        prop_assert_eq!(json::write(&through.tree, definitions()), first.as_str(), "{}", xml);
        prop_assert_eq!(write(&through.tree, definitions()), write(resource, definitions()));
    }
    let pretty = json::read(json::write_pretty(resource, definitions()).as_bytes(), definitions())
        .map_err(|e| TestCaseError::fail(e.to_string()))?;
    prop_assert_eq!(json::write(&pretty.tree, definitions()), first);
    Ok(())
}

/// Something for an element of a type: the smallest that is not nothing.
fn least(ty: &Type) -> Element {
    let mut element = Element::complex("x");
    match ty.kind {
        Kind::Primitive(Primitive::Xhtml) => element.value = Some(Value::Text(DIVS[1].to_owned())),
        Kind::Primitive(primitive) => element.value = Some(value(primitive, 1)),
        Kind::AnyResource => {
            element.resource = Some("Basic".to_owned());
            element.children = vec![Element::text("id", "b")];
        }
        Kind::Complex | Kind::Resource => element.children = vec![Element::text("id", "i")],
    }
    element
}

fn value(primitive: Primitive, nth: usize) -> Value {
    match primitive.json() {
        JsonForm::Text => Value::Text(TEXTS[nth % TEXTS.len()].to_owned()),
        JsonForm::Number => Value::Number(NUMBERS[nth % NUMBERS.len()].to_owned()),
        JsonForm::Bool => Value::Bool(nth.is_multiple_of(2)),
    }
}

/// All that one element may look like: once, several times, and a primitive with extensions beside or instead of its value.
fn forms(ty: &Type, many: bool, attribute: bool) -> Vec<Vec<Element>> {
    let one = least(ty);
    let mut forms = vec![vec![one.clone()]];
    if many {
        forms.push(vec![one.clone(), one.clone()]);
    }
    let Kind::Primitive(primitive) = ty.kind else { return forms };
    if primitive == Primitive::Xhtml {
        return forms.into_iter().chain(DIVS.iter().map(|div| vec![Element::text("x", *div)])).collect();
    }
    forms.extend((0..12).map(|nth| vec![Element { value: Some(value(primitive, nth)), ..Element::complex("x") }]));
    if attribute {
        return forms;
    }
    let extension = Element::complex("extension").with(Element::text("url", "u:x")).with(Element::text("valueCode", "q"));
    let beside = Element { children: vec![Element::text("id", "i"), extension.clone()], ..one.clone() };
    let instead = Element { value: None, children: vec![extension], ..one.clone() };
    forms.push(vec![beside.clone()]);
    forms.push(vec![instead.clone()]);
    if many {
        forms.push(vec![instead.clone(), one.clone(), instead.clone()]);
        forms.push(vec![one.clone(), instead.clone(), beside, one]);
    }
    forms
}

/// Tries every element of a type, once per type, in a resource that `around` builds of it; counts them.
fn try_all(ty: &'static Type, around: &dyn Fn(Element) -> Element, seen: &mut BTreeSet<String>, tried: &mut usize) {
    if !seen.insert(ty.name.clone()) {
        return;
    }
    for field in &ty.fields {
        let named = |mut element: Element| {
            element.name.clone_from(&field.name);
            element
        };
        for form in forms(definitions().type_of(field), field.many, field.attribute) {
            let resource = around(Element { children: form.into_iter().map(named).collect(), ..Element::complex("x") });
            says_the_same(&resource).unwrap_or_else(|e| panic!("{}.{}: {e}", ty.name, field.name));
        }
        *tried += 1;
        let inner = |content: Element| around(Element::complex("x").with(named(content)));
        match definitions().type_of(field).kind {
            Kind::Complex => try_all(definitions().type_of(field), &inner, seen, tried),
            Kind::Primitive(primitive) if primitive != Primitive::Xhtml && !field.attribute => {
                try_all(definitions().of_primitives(), &inner, seen, tried);
            }
            _ => {}
        }
    }
}

#[test]
fn every_defined_element_is_the_same_through_both_formats() {
    let (mut seen, mut tried) = (BTreeSet::new(), 0);
    let kinds = kinds();
    assert!(kinds.len() >= 14, "{kinds:?}");
    for kind in kinds {
        let around = |content: Element| Element { children: content.children, ..Element::resource(kind) };
        try_all(definitions().resource(kind).unwrap(), &around, &mut seen, &mut tried);
    }
    for name in ["Extension", "Element", "Timing.repeat", "SampledData", "Signature", "Patient.animal", "Bundle.entry.response"] {
        assert!(seen.contains(name), "{name} was not reached");
    }
    assert!(tried > 600, "only {tried} elements");
}

#[test]
fn any_stu3_resource_is_contained_the_same_in_both_formats() {
    for kind in RESOURCE_TYPES.split_whitespace() {
        let mut inner = Element::resource(kind).renamed("contained").with(Element::text("id", "r")).with(Element::text("language", "en"));
        if definitions().any_resource(kind).is_some_and(|ty| ty.field("extension").is_some()) {
            inner =
                inner.with(Element::complex("extension").with(Element::text("url", "u:x")).with(Element::number("valueDecimal", "1.50")));
        }
        says_the_same(&Element::resource("Appointment").with(inner)).unwrap_or_else(|e| panic!("{kind}: {e}"));
    }
}

#[test]
fn what_only_json_can_say_is_all_that_xml_loses() {
    let with = r#"{"resourceType":"Patient","id":"p","active":true,"novelty":[1,{"a":null}],"name":[{"family":"x","shade":"blue"}]}"#;
    let without = r#"{"resourceType":"Patient","id":"p","active":true,"name":[{"family":"x"}]}"#;
    assert_eq!(json::write(&read_xml(&write(&super::from_json(with), definitions())), definitions()), without);
}

/// Turns a list of numbers into a tree of what the definitions allow; when they run out, what is left is small.
struct Grower {
    choices: std::vec::IntoIter<u16>,
}

impl Grower {
    fn pick(&mut self, of: usize) -> usize {
        usize::from(self.choices.next().unwrap_or_default()) % of.max(1)
    }

    fn resource(&mut self, kind: &str, level: usize) -> Element {
        let mut element = Element::resource(kind);
        element.children = self.children(definitions().any_resource(kind).unwrap(), level);
        element
    }

    fn children(&mut self, ty: &Type, level: usize) -> Vec<Element> {
        let mut children = Vec::new();
        for field in &ty.fields {
            // One in three at the top, fewer further down.
            if self.pick(3 + level * 4) != 1 {
                continue;
            }
            let repeats = if field.many { 1 + self.pick(3) } else { 1 };
            for _ in 0..repeats {
                let mut element = match definitions().type_of(field).kind {
                    Kind::Primitive(primitive) => self.primitive(primitive, field.attribute, level),
                    Kind::AnyResource if level > 1 => continue,
                    Kind::AnyResource => {
                        // One of another type has only what all resources have in common.
                        let kinds: Vec<&str> = kinds().into_iter().chain(["ReferralRequest", "Basic"]).collect();
                        let kind = kinds[self.pick(kinds.len())];
                        self.resource(kind, level + 2)
                    }
                    _ if level > 6 => continue,
                    _ => Element { children: self.children(definitions().type_of(field), level + 1), ..Element::complex("x") },
                };
                element.name.clone_from(&field.name);
                children.push(element);
            }
        }
        children
    }

    /// Any characters that XML can hold.
    fn text(&mut self) -> String {
        (0..self.pick(8)).filter_map(|_| char::from_u32(u32::try_from(self.pick(0x1_0000)).unwrap())).filter(|c| is_xml_char(*c)).collect()
    }

    fn primitive(&mut self, primitive: Primitive, attribute: bool, level: usize) -> Element {
        let value = match primitive.json() {
            JsonForm::Text if primitive == Primitive::Xhtml => Value::Text(DIVS[self.pick(DIVS.len())].to_owned()),
            JsonForm::Text if self.pick(3) == 1 => Value::Text(self.text()),
            _ => value(primitive, self.pick(60)),
        };
        let mut element = Element { value: Some(value), ..Element::complex("x") };
        if !attribute && primitive != Primitive::Xhtml && level < 5 && self.pick(8) == 1 {
            element.children = self.children(definitions().of_primitives(), level + 2);
            if !element.children.is_empty() && self.pick(2) == 1 {
                element.value = None;
            }
        }
        element
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the definitions allow says the same in JSON, in XML, and in JSON again.
    /// Proves F2.
    #[test]
    fn json_to_xml_and_back_is_the_identity(
        kind in prop::sample::select(kinds()),
        choices in prop::collection::vec(any::<u16>(), 0..1500),
    ) {
        says_the_same(&Grower { choices: choices.into_iter() }.resource(kind, 0))?;
    }
}
