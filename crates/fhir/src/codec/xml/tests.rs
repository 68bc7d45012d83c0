mod identity;
mod strictness;
mod unknown;

use crate::stu3::definitions;
use proptest::prelude::*;

use super::*;
use crate::codec::json;
use crate::validate;
use domain::element::Element;
use domain::fault::Problem;

const BOOKING: &str = include_str!("../../validate/booking.json");
const SLOTS: &str = include_str!("../../validate/slots.json");

fn tree(text: &str) -> Element {
    let read = read(text.as_bytes(), definitions()).unwrap_or_else(|e| panic!("{e}: {text}"));
    assert_eq!(read.problems, Vec::<Problem>::new());
    read.tree
}

fn from_json(text: &str) -> Element {
    json::read(text.as_bytes(), definitions()).unwrap().tree
}

fn unreadable(text: &str) -> String {
    read(text.as_bytes(), definitions()).map(|read| format!("{:?}", read.tree)).unwrap_err().problem
}

/// A Slot with `content` between its tags.
fn slot(content: &str) -> String {
    format!(r#"<Slot xmlns="http://hl7.org/fhir">{content}</Slot>"#)
}

#[test]
fn the_published_booking_is_the_same_and_valid_through_xml() {
    for text in [BOOKING, SLOTS] {
        let before = from_json(text);
        let xml = write(&before, definitions());
        let after = tree(&xml);
        assert_eq!(json::write(&after, definitions()), json::write(&before, definitions()));
        assert_eq!(validate::check(&after, definitions()), Vec::new());
        assert_eq!(write(&after, definitions()), xml);
        assert_eq!(json::write(&tree(&write_pretty(&before, definitions())), definitions()), json::write(&before, definitions()));
    }
}

#[test]
fn xml_is_written_as_fhir_prescribes() {
    let patient = concat!(
        r#"{"resourceType":"Patient","id":"p","text":{"status":"generated","#,
        r#""div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a &amp; b<br/></p></div>"},"#,
        r#""contained":[{"resourceType":"Organization","id":"o","name":"<&\">\n"}],"active":true,"#,
        r#""name":[{"id":"n","given":["A",null],"_given":[null,{"id":"g","extension":[{"url":"u:x","valueDecimal":1.50}]}]}]}"#
    );
    let expected = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Patient xmlns="http://hl7.org/fhir"><id value="p"/>"#,
        r#"<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p>a &amp; b<br/></p></div></text>"#,
        r#"<contained><Organization><id value="o"/><name value="&lt;&amp;&quot;&gt;&#10;"/></Organization></contained>"#,
        r#"<active value="true"/>"#,
        r#"<name id="n"><given value="A"/>"#,
        r#"<given id="g"><extension url="u:x"><valueDecimal value="1.50"/></extension></given></name></Patient>"#
    );
    let before = from_json(patient);
    assert_eq!(write(&before, definitions()), expected);
    assert_eq!(json::write(&tree(expected), definitions()), patient);
}

#[test]
fn prefixes_comments_and_declarations_do_not_matter() {
    let text = concat!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- a slot -->\n",
        "<f:Slot xmlns:f='http://hl7.org/fhir' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' ",
        "xsi:schemaLocation='http://hl7.org/fhir slot.xsd'>\n <f:status value='free'/><!-- x -->\n",
        "<f:comment value='a&#x9;b&apos;\nc'></f:comment></f:Slot>\n<!-- end -->"
    );
    assert_eq!(json::write(&tree(text), definitions()), r#"{"resourceType":"Slot","status":"free","comment":"a\tb' c"}"#);
}

#[test]
fn a_namespace_holds_only_inside_the_element_that_declares_it() {
    let elsewhere = [
        // Declared by a tag that closes itself, and by one that is closed.
        r#"<id xmlns:f="http://hl7.org/fhir" value="1"/><f:status value="free"/>"#,
        r#"<id xmlns:f="http://hl7.org/fhir" value="1"></id><f:status value="free"/>"#,
        // Declared further out, but as something else in between.
        r#"<meta xmlns:f="http://hl7.org/fhir"><f:tag xmlns:f="urn:other"><f:code value="x"/></f:tag></meta>"#,
    ];
    for content in elsewhere {
        assert!(unreadable(&slot(content)).contains("is not in the namespace http://hl7.org/fhir"), "{content}");
    }
    let back = r#"<meta xmlns:f="http://hl7.org/fhir"><f:tag xmlns:f="http://hl7.org/fhir"/><f:tag><f:code value="x"/></f:tag></meta>"#;
    assert_eq!(tree(&slot(back)).at("meta").map(|meta| meta.all("tag").count()), Some(2));
    let narrative = r#"<text><status value="empty"/><div xmlns="http://www.w3.org/1999/xhtml"><p/></div></text><status value="free"/>"#;
    assert_eq!(tree(&slot(narrative)).text_at("status"), Some("free"));
}

/// The plain form of a value is read by a shorter way, which must lead to the same place.
#[test]
fn however_a_value_is_quoted_it_is_the_same() {
    for attribute in
        ["value=\"it's\"", " value=\"it's\" ", "value = \"it's\"", "value='it&apos;s'", "\nvalue=\"it&#39;s\"", "value=\"it's\" id=\"a\""]
    {
        for text in [format!("<comment {attribute}/>"), format!("<comment {attribute}></comment>")] {
            assert_eq!(tree(&slot(&text)).text_at("comment"), Some("it's"), "{text}");
        }
    }
    for attribute in ["value=\"a\"b\"", "value=\"a\" value=\"b\"", "value=\"a\"\"", "value=a"] {
        assert!(unreadable(&slot(&format!("<comment {attribute}/>"))).contains("not well formed"), "{attribute}");
    }
}

#[test]
fn elements_out_of_order_are_named_with_their_place() {
    let problem = unreadable("<Slot xmlns=\"http://hl7.org/fhir\">\n <status value=\"free\"/>\n <id value=\"1\"/></Slot>");
    assert_eq!(problem, "line 3, column 2: `id` stands after `status`, but belongs before it");
    let choice = r#"<extension url="u:x"><valueCode value="a"/><id value="b"/></extension>"#;
    assert!(unreadable(&slot(choice)).contains("`id` is written as an attribute"));
}

#[test]
fn what_is_no_fhir_in_xml_is_unreadable_and_says_why() {
    let cases = [
        ("", "the body is empty"),
        ("{}", "text stands between elements"),
        ("\u{feff}\u{feff}<Slot xmlns=\"http://hl7.org/fhir\"/>", "line 1, column 1: a second byte order mark"),
        ("<Slot/>", "not in the namespace http://hl7.org/fhir"),
        (r#"<Slot xmlns="http://hl7.org/fhir/">"#, "not in the namespace http://hl7.org/fhir"),
        (r#"<Slott xmlns="http://hl7.org/fhir"/>"#, "names no resource type"),
        (r#"<Slot xmlns="http://hl7.org/fhir"><status value="free"></Slot>"#, "not well formed"),
        (r#"<Slot xmlns="http://hl7.org/fhir"><status value="free"/>"#, "ends too early"),
        (r#"<Slot xmlns="http://hl7.org/fhir"/><Slot xmlns="http://hl7.org/fhir"/>"#, "nothing may follow"),
        (r#"<!DOCTYPE Slot [<!ENTITY e "x">]><Slot xmlns="http://hl7.org/fhir"/>"#, "document type declaration"),
        (r#"<?xml version="1.0" encoding="ISO-8859-1"?><Slot xmlns="http://hl7.org/fhir"/>"#, "UTF-8"),
        (r#"<?xml version="1.1"?><Slot xmlns="http://hl7.org/fhir"/>"#, "XML 1.0"),
        (r#" <?xml version="1.0"?><Slot xmlns="http://hl7.org/fhir"/>"#, "at the very beginning only"),
        (r#"<Slot xmlns="http://hl7.org/fhir" id="1"/>"#, "no attribute of the name `id`"),
    ];
    for (text, expected) in cases {
        let problem = unreadable(text);
        assert!(problem.contains(expected), "{problem:?} should say {expected:?} of {text}");
    }
    let inside = [
        ("<?php x?>", "processing instruction"),
        ("<![CDATA[x]]>", "CDATA"),
        ("x", "text stands between"),
        ("&amp;", "text stands between"),
        (r#"<status value="&e;"/>"#, "entities"),
        (r#"<status value="&#1;"/>"#, "entities"),
        (r#"<status value="a<b"/>"#, "entities"),
        (r#"<status value="a" value="b"/>"#, "not well formed"),
        (r#"<status xmlns="urn:other" value="free"/>"#, "`status` is not in the namespace"),
        (r#"<x:status value="free"/>"#, "`status` is not in the namespace"),
        (r#"<novelty xmlns="urn:other"/>"#, "`novelty` is not in the namespace"),
        (r#"<status code="free"/>"#, "`status` has no attribute of the name `code`"),
        (r#"<schedule value="x"/>"#, "no attribute `value`"),
        (r#"<text><status value="empty"/><div/></text>"#, "`div` is not in the namespace http://www.w3.org/1999/xhtml"),
        (r#"<contained><Slot/><Slot/></contained>"#, "one resource was expected"),
        (r#"<contained value="x"/>"#, "no attribute `value`"),
        ("<novelty><![CDATA[x]]></novelty>", "CDATA"),
    ];
    for (content, expected) in inside {
        let problem = unreadable(&slot(content));
        assert!(problem.contains(expected), "{problem:?} should say {expected:?} of {content}");
    }
    assert!(
        read(b"<Slot xmlns=\"http://hl7.org/fhir\"><comment value=\"\xff\"/></Slot>", definitions()).unwrap_err().problem.contains("UTF-8")
    );
}

#[test]
fn a_contained_resource_of_an_unknown_type_is_a_problem() {
    let read = read(slot("<contained><Slot/></contained><contained><Slott><a/></Slott></contained>").as_bytes(), definitions()).unwrap();
    let places: Vec<_> = read.problems.iter().map(|p| p.expression.as_str()).collect();
    assert_eq!(places, ["Slot.contained[1]"]);
}

#[test]
fn values_that_do_not_fit_their_type_are_left_to_validation() {
    let read = read(slot(r#"<status value=""/><start value="x"/><overbooked value="yes"/>"#).as_bytes(), definitions()).unwrap();
    let wrong: Vec<_> = validate::check_read(&read, definitions()).into_iter().map(|p| p.expression).collect();
    for expected in ["Slot.status", "Slot.start", "Slot.overbooked"] {
        assert!(wrong.iter().any(|e| e == expected), "{expected} is not in {wrong:?}");
    }
    // A number that is none must not end up bare in JSON.
    let text = r#"<Appointment xmlns="http://hl7.org/fhir"><priority value="1,&quot;x&quot;:2"/></Appointment>"#;
    assert_eq!(json::write(&tree(text), definitions()), r#"{"resourceType":"Appointment","priority":"1,\"x\":2"}"#);
}

/// Each attribute is compared with all before it: without a limit this test would not end.
#[test]
fn a_tag_has_only_so_many_attributes() {
    let many: String = (0..100_000).map(|i| format!(" a{i}=\"\"")).collect();
    let hints = many.replace(" a", " x:a");
    let root = format!("<Slot xmlns=\"http://hl7.org/fhir\" xmlns:x=\"http://www.w3.org/2001/XMLSchema-instance\"{hints}/>");
    assert!(unreadable(&root).contains("more than 32 attributes"));
    assert!(unreadable(&slot(&format!("<status{many}/>"))).contains("no attribute of the name `a0`"));
    let div = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"{many}/>");
    assert!(narrative_fault(&div).unwrap().contains("too many attributes"));
    assert!(unreadable(&slot(&format!("<novelty{many}/>"))).contains("more than 32 attributes"));
}

#[test]
fn what_xml_cannot_hold_does_not_break_the_document() {
    let text = Element::complex("text").with(Element::text("div", "</div><script>")).with(Element::text("status", "additional"));
    let broken = Element::resource("Slot").with(text).with(Element::text("comment", "a\u{0}b\u{ffff}"));
    let read = tree(&write(&broken, definitions()));
    assert_eq!(read.text_at("comment"), Some("a\u{fffd}b\u{fffd}"));
    let div = r#"<div xmlns="http://www.w3.org/1999/xhtml">&lt;/div&gt;&lt;script&gt;</div>"#;
    assert_eq!(read.text_at("text.div"), Some(div));
}

#[test]
fn whatever_depth_is_read_in_xml_can_be_read_again_in_json() {
    let nested = |levels: usize| {
        let open = r#"<extension url="u:x">"#.repeat(levels);
        slot(&format!("{open}<valueCode value=\"a\"/>{}", "</extension>".repeat(levels)))
    };
    let deepest = (1..100).take_while(|levels| read(nested(*levels).as_bytes(), definitions()).is_ok()).last().unwrap();
    assert_eq!(deepest, 31);
    assert!(json::read(json::write(&tree(&nested(deepest)), definitions()).as_bytes(), definitions()).is_ok());
    assert!(read(nested(deepest + 1).as_bytes(), definitions()).unwrap_err().too_deep);
    assert!(read(slot(&"<x>".repeat(100_000)).as_bytes(), definitions()).unwrap_err().too_deep);
    let div = format!("<text><div xmlns=\"{}\">{}", narrative::XHTML, "<p>".repeat(100_000));
    assert!(read(slot(&div).as_bytes(), definitions()).unwrap_err().too_deep);
}

#[test]
fn an_element_that_holds_only_what_json_can_say_is_left_out() {
    let text = concat!(
        r#"{"resourceType":"Patient","meta":{"colour":"blue"},"name":[{"id":"n","shade":1},{"period":{"era":"stone"}}],"#,
        r#""_gender":{"mood":"bad"},"birthDate":"2019-08-03","_birthDate":{"mood":"good"}}"#
    );
    let xml = write(&from_json(text), definitions());
    assert!(xml.ends_with(r#"<Patient xmlns="http://hl7.org/fhir"><name id="n"/><birthDate value="2019-08-03"/></Patient>"#), "{xml}");
    assert_eq!(json::write(&from_json(text), definitions()), text, "JSON gives it back");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing anyone sends makes a reader or the checks panic.
    #[test]
    fn broken_bodies_never_panic(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..40, "[\\]\\[{}\":,<>/&a0 -]{0,4}"), 1..6),
    ) {
        for text in [BOOKING.to_owned(), write(&from_json(BOOKING), definitions())] {
            let mut chars: Vec<char> = text.chars().collect();
            for (at, length, insert) in &cuts {
                let from = at.index(chars.len());
                let to = (from + length).min(chars.len());
                chars.splice(from..to, insert.chars());
            }
            let text: String = chars.into_iter().collect();
            for read in [json::read(text.as_bytes(), definitions()), read(text.as_bytes(), definitions())].into_iter().flatten() {
                let problems = validate::check_read(&read, definitions());
                if read.problems.is_empty() && problems.is_empty() {
                    prop_assert!(json::read(json::write(&read.tree, definitions()).as_bytes(), definitions()).is_ok());
                }
            }
        }
    }
}
