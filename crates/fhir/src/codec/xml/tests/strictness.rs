//! What XML can do and FHIR does not: each refused, or proven to do no harm.

use super::{json, read, slot, tree, unreadable};
use crate::stu3::definitions;
use crate::validate;

#[test]
fn bytes_of_another_encoding_are_refused() {
    let utf16: Vec<u8> = "\u{feff}<Slot xmlns=\"http://hl7.org/fhir\"/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(read(&utf16, definitions()).unwrap_err().problem.contains("not UTF-8"));
    let latin = b"<?xml version=\"1.0\"?><Slot xmlns=\"http://hl7.org/fhir\"><comment value=\"caf\xe9\"/></Slot>";
    assert!(read(latin, definitions()).unwrap_err().problem.contains("not UTF-8"));
    for encoding in ["UTF-16", "windows-1252", "US-ASCII"] {
        let text = format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{}", slot(""));
        assert!(unreadable(&text).contains("UTF-8"), "{encoding}");
    }
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let text = format!("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>{}", slot(r#"<status value="free"/>"#));
    assert_eq!(tree(&text).text_at("status"), Some("free"));
}

#[test]
fn no_document_type_of_any_form_is_read() {
    for doctype in [
        "<!DOCTYPE Slot>",
        "<!DOCTYPE Slot SYSTEM \"file:///etc/passwd\">",
        "<!DOCTYPE Slot PUBLIC \"-//x\" \"http://x.example/x.dtd\">",
        "<!DOCTYPE Slot [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>",
        "<!DOCTYPE Slot [<!ATTLIST status value CDATA \"free\">]>",
    ] {
        for text in [format!("{doctype}{}", slot("")), format!("<?xml version=\"1.0\"?>\n{doctype}\n{}", slot(""))] {
            assert!(unreadable(&text).contains("document type declaration"), "{text}");
        }
    }
    assert!(read(slot("<!DOCTYPE Slot>").as_bytes(), definitions()).is_err(), "nor inside");
}

#[test]
fn no_entity_but_those_of_xml_is_known() {
    for entity in
        ["&nbsp;", "&e;", "&xxe;", "&#0;", "&#x0;", "&#xFFFE;", "&#xD800;", "&#x110000;", "&#99999999999;", "&", "&;", "&#;", "&#x;"]
    {
        assert!(read(slot(&format!(r#"<comment value="a{entity}b"/>"#)).as_bytes(), definitions()).is_err(), "{entity}");
    }
    let known = slot(r#"<comment value="&amp;&lt;&gt;&quot;&apos;&#9;&#xE9;&#128512;"/>"#);
    assert_eq!(tree(&known).text_at("comment"), Some("&<>\"'\té😀"));
    assert_eq!(tree(&slot(r#"<comment value="&amp;lt;"/>"#)).text_at("comment"), Some("&lt;"), "resolved once, not twice");
}

#[test]
fn processing_instructions_stand_around_a_resource_only() {
    let sheet = "<?xml-stylesheet href=\"http://x.example/x.xsl\"?>";
    let within = [slot(sheet), slot(&format!("<novelty>{sheet}</novelty>")), slot(&format!("<extension url=\"x\">{sheet}</extension>"))];
    for text in within {
        assert!(unreadable(&text).contains("processing instruction"), "{text}");
    }
    let plain = tree(&slot(""));
    for text in [format!("{sheet}{}", slot("")), format!("{}{sheet}\n<!-- x --><?y?>", slot("")), format!("<?y a<b>&c;?>{}", slot(""))] {
        assert_eq!(tree(&text), plain, "{text}");
    }
    for wrong in ["<??>", "<? x?>", "<?1?>", "<?XmL?>", "<?x \u{1}?>", "<!-- \u{fffe} -->", "<?x"] {
        assert!(read(format!("{wrong}{}", slot("")).as_bytes(), definitions()).is_err(), "{wrong}");
        assert!(read(format!("{}{wrong}", slot("")).as_bytes(), definitions()).is_err(), "{wrong}");
    }
}

#[test]
fn character_data_is_refused_wherever_it_stands() {
    for content in ["<![CDATA[]]>", "<status value=\"free\"><![CDATA[x]]></status>", "<schedule><![CDATA[ ]]></schedule>"] {
        assert!(unreadable(&slot(content)).contains("CDATA"), "{content}");
    }
    assert!(read(format!("<![CDATA[x]]>{}", slot("")).as_bytes(), definitions()).is_err());
}

#[test]
fn comments_say_nothing_wherever_they_stand() {
    let told =
        slot("<!-- a --><schedule><!-- x --><reference value=\"Schedule/1\"/></schedule><status value=\"free\"><!-- <b> & --></status>");
    let plain = slot(r#"<schedule><reference value="Schedule/1"/></schedule><status value="free"/>"#);
    assert_eq!(tree(&format!("<!-- before -->{told}<!-- after -->")), tree(&plain));
}

#[test]
fn an_attribute_stands_once_under_whatever_name() {
    assert!(unreadable(&slot(r#"<status value="free" value="busy"/>"#)).contains("not well formed"));
    let twice = r#"<status xmlns:a="http://hl7.org/fhir" a:value="free" value="busy"/>"#;
    assert!(read(slot(twice).as_bytes(), definitions()).is_err(), "an attribute of FHIR has no namespace");
    for attribute in [r#"x:value="free""#, r#"Value="free""#, r#"xml:lang="en""#, r#"xml:id="a""#, r#"xml:base="http://x.example""#] {
        let text = slot(&format!(r#"<status xmlns:x="urn:x" {attribute}/>"#));
        assert!(unreadable(&text).contains("no attribute of the name"), "{attribute}");
    }
}

#[test]
fn an_element_in_no_namespace_or_another_is_none_of_fhir() {
    for content in [
        r#"<status xmlns="" value="free"/>"#,
        r#"<a:status xmlns:a="http://hl7.org/fhir/" value="free"/>"#,
        r#"<a:status xmlns:a="HTTP://hl7.org/fhir" value="free"/>"#,
        r#"<contained><Slot xmlns="urn:x"/></contained>"#,
        r#"<text><status value="generated"/><div xmlns="http://hl7.org/fhir">x</div></text>"#,
    ] {
        assert!(unreadable(&slot(content)).contains("not in the namespace"), "{content}");
    }
    let prefixed = r#"<a:status xmlns:a="http://hl7.org/fhir" value="free"/>"#;
    assert_eq!(tree(&slot(prefixed)).text_at("status"), Some("free"), "the prefix does not matter");
}

#[test]
fn repeats_stand_together() {
    let patient = |content: &str| format!(r#"<Patient xmlns="http://hl7.org/fhir"><name>{content}</name></Patient>"#);
    let apart = patient(r#"<given value="a"/><prefix value="b"/><given value="c"/>"#);
    assert!(unreadable(&apart).contains("`given` stands after `prefix`"));
    let together = patient(r#"<family value="x"/><given value="a"/><given value="c"/><prefix value="b"/>"#);
    assert_eq!(tree(&together).child("name").unwrap().all("given").count(), 2);
}

#[test]
fn what_does_not_repeat_is_refused_when_it_does() {
    let read = read(slot(r#"<status value="free"/><status value="busy"/>"#).as_bytes(), definitions()).unwrap();
    assert!(validate::check_read(&read, definitions()).iter().any(|p| p.expression == "Slot.status" && p.message.contains("2 times")));
}

#[test]
fn order_counts_at_every_depth_and_in_contained_resources() {
    for (content, wrong) in [
        (r#"<identifier><value value="1"/><system value="u:x"/></identifier>"#, "`system` stands after `value`"),
        (r#"<contained><Patient><gender value="male"/><active value="true"/></Patient></contained>"#, "`active` stands after `gender`"),
        (
            r#"<status value="free"><extension url="u:x"><valueCode value="a"/><extension url="u:y"/></extension></status>"#,
            "`extension` stands after",
        ),
        (r#"<meta><profile value="u:x"/><versionId value="1"/></meta>"#, "`versionId` stands after `profile`"),
    ] {
        assert!(unreadable(&slot(content)).contains(wrong), "{content}: {}", unreadable(&slot(content)));
    }
}

#[test]
fn a_value_is_an_attribute_and_nothing_beside_it() {
    for content in
        ["<status>free</status>", r#"<status value="free">free</status>"#, r#"<schedule>x<reference value="Schedule/1"/></schedule>"#]
    {
        assert!(unreadable(&slot(content)).contains("values as attributes"), "{content}");
    }
}

#[test]
fn space_is_ignored_between_elements_and_kept_in_values() {
    let text = slot("\r\n\t<status value=\"free\">\n</status>\n <comment value=\"&#10; a &#x20;\"/>\n");
    assert_eq!(json::write(&tree(&text), definitions()), r#"{"resourceType":"Slot","status":"free","comment":"\n a  "}"#);
    assert!(read(slot("\u{a0}<status value=\"free\"/>").as_bytes(), definitions()).is_err(), "a no-break space is text");
}

#[test]
fn a_body_that_ends_early_or_late_is_refused() {
    let whole = slot(r#"<status value="free"/>"#);
    for end in 1..whole.len() {
        if let Some(cut) = whole.get(..end) {
            assert!(read(cut.as_bytes(), definitions()).is_err(), "{cut}");
        }
    }
    for more in ["x", "<a/>", "</Slot>", "&amp;", "<![CDATA[x]]>"] {
        assert!(read(format!("{whole}{more}").as_bytes(), definitions()).is_err(), "{more}");
    }
}
