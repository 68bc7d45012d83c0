//! Elements no definition knows: given back in XML, whatever they hold, and nowhere else.

use crate::stu3::definitions;
use proptest::prelude::*;

use super::{from_json, json, read, slot, tree, unreadable, write, write_pretty};
use crate::codec::json::{DEPTH_MAX, read_document, write_stored};
use crate::validate;

/// What comes back of a Slot with `content`, after the store has had it.
fn given_back(content: &str) -> String {
    let stored = write_stored(&tree(&slot(content)), definitions());
    let written = write(&read_document(&stored, definitions()).unwrap(), definitions());
    assert_eq!(write(&tree(&written), definitions()), written, "read once more, it is written the same");
    assert_eq!(write(&tree(&write_pretty(&tree(&written), definitions())), definitions()), written);
    let inside = written.split_once(r#"<Slot xmlns="http://hl7.org/fhir">"#).unwrap().1;
    inside.strip_suffix("</Slot>").unwrap().to_owned()
}

#[test]
fn unknown_xml_elements_come_back_last_and_not_in_json() {
    let text = r#"<novelty a="1"><deep>text<status value="busy"/></deep></novelty><status value="free"/><novelty/>"#;
    let back = r#"<status value="free"/><novelty a="1"><deep>text<status value="busy"/></deep></novelty><novelty/>"#;
    assert_eq!(given_back(text), back);
    assert_eq!(json::write(&tree(&slot(text)), definitions()), r#"{"resourceType":"Slot","status":"free"}"#);
    assert_eq!(json::write_pretty(&tree(&slot(text)), definitions()), "{\n  \"resourceType\": \"Slot\",\n  \"status\": \"free\"\n}\n");
}

#[test]
fn wherever_they_stand_they_come_back_there() {
    let everywhere = concat!(
        r#"<meta><versionId value="1"/><a value="1"/></meta><contained><Patient><id value="p"/><name><family value="x"/><b/></name>"#,
        r#"<c/></Patient></contained><contained><Observation><status value="final"/></Observation></contained>"#,
        r#"<identifier><d/></identifier><status value="free"><e/></status><comment id="i" value="x"><f/></comment>"#
    );
    assert_eq!(given_back(everywhere), everywhere);
    let in_json = concat!(
        r#"{"resourceType":"Slot","meta":{"versionId":"1"},"contained":[{"resourceType":"Patient","id":"p","name":[{"family":"x"}]},"#,
        r#"{"resourceType":"Observation"}],"status":"free","comment":"x","_comment":{"id":"i"}}"#
    );
    assert_eq!(json::write(&tree(&slot(everywhere)), definitions()), in_json, "and what holds nothing else is not there at all");
    assert_eq!(write(&from_json(in_json), definitions()).matches("<a ").count(), 0);
}

#[test]
fn what_means_the_same_is_kept_in_one_spelling() {
    let same = [
        r#"<novelty a="1" b="&lt;&quot;&#10;"><deep>x &lt; y</deep><deep/></novelty>"#,
        r#"<f:novelty xmlns:f="http://hl7.org/fhir" b='&lt;"&#xA;' a='1' ><f:deep>x <!-- why --> &#60; y</f:deep><f:deep></f:deep></f:novelty>"#,
        "<novelty xmlns='http://hl7.org/fhir' a=\"1\" b=\"&lt;&quot;&#10;\">\r\n  <deep>x &lt; y</deep>\n  <deep>\n</deep>\n</novelty>",
    ];
    for text in same {
        assert_eq!(given_back(&text.replace("x <!-- why --> ", "x ")), same[0], "{text}");
    }
    assert_eq!(given_back("<n>a<!-- x -->b &amp;&#x20; c]]&gt;</n>"), "<n>ab &amp;  c]]&gt;</n>");
    assert_eq!(given_back("<n>a\r\nb</n>"), "<n>a&#10;b</n>");
    assert_eq!(given_back(r#"<n xml:lang="cy">é😀</n>"#), r#"<n xml:lang="cy">é😀</n>"#);
    let div = r#"<n><div xmlns="http://www.w3.org/1999/xhtml"> <p>a &amp; b<br/></p></div></n>"#;
    assert_eq!(given_back(div), div);
}

#[test]
fn what_could_do_harm_where_it_is_given_back_is_refused() {
    let script = r#"<n><div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div></n>"#;
    let inside = [
        (script, "does not allow there"),
        (r#"<n><script xmlns="http://www.w3.org/1999/xhtml">x</script></n>"#, "one xhtml `div`"),
        (r#"<n xmlns:h="http://www.w3.org/1999/xhtml"><h:div/></n>"#, "declares xmlns"),
        (r#"<div xmlns="http://www.w3.org/1999/xhtml"/>"#, "`div` is not in the namespace http://hl7.org/fhir"),
        (r#"<n><svg xmlns="http://www.w3.org/2000/svg"/></n>"#, "`svg` is not in the namespace"),
        (r#"<n><x xmlns=""/></n>"#, "`x` is not in the namespace"),
        ("<n><x:y/></n>", "`y` is not in the namespace"),
        ("<n>&nbsp;</n>", "entities"),
        ("<n>&#1;</n>", "entities"),
        ("<n>\u{1}</n>", "characters"),
        ("<n a=\"\u{ffff}\"/>", "characters"),
        (r#"<n a="&e;"/>"#, "entities"),
        (r#"<n a="a<b"/>"#, "entities"),
        (r#"<n a="1" a="2"/>"#, "not well formed"),
        ("<n a/>", "not well formed"),
        (r#"<n xmlns:x="urn:x" x:a="1"/>"#, "no attribute of the name `x:a`"),
        (r#"<n 1a="1"/>"#, "no attribute of the name `1a`"),
        ("<n+x/>", "no element of FHIR has such a name"),
        ("<n><1/></n>", "no element of FHIR has such a name"),
        ("<n><![CDATA[x]]></n>", "CDATA"),
        ("<n><?x y?></n>", "processing instruction"),
        ("<n><!DOCTYPE n></n>", "document type"),
        ("<n><x></n></x>", "not well formed"),
    ];
    for (content, expected) in inside {
        let problem = unreadable(&slot(content));
        assert!(problem.contains(expected), "{problem:?} should say {expected:?} of {content}");
    }
}

#[test]
fn however_deep_they_stand_the_store_can_read_them_again() {
    let nested = |levels: usize, inside: &str| {
        let (open, close) = (r#"<extension url="u:x">"#.repeat(levels), "</extension>".repeat(levels));
        slot(&format!("{open}{inside}{close}"))
    };
    for inside in ["<n/>".to_owned(), "<n>".repeat(8) + &"</n>".repeat(8)] {
        let deepest = (1..100).take_while(|levels| read(nested(*levels, &inside).as_bytes(), definitions()).is_ok()).last().unwrap();
        assert!(deepest >= 27, "{deepest}");
        let tree = tree(&nested(deepest, &inside));
        let again = read_document(&write_stored(&tree, definitions()), definitions()).unwrap();
        assert_eq!(write(&again, definitions()), write(&tree, definitions()));
    }
    let alone = |levels: usize| slot(&("<n>".repeat(levels) + &"</n>".repeat(levels)));
    assert!(read(alone(DEPTH_MAX - 1).as_bytes(), definitions()).is_ok());
    assert!(read(alone(DEPTH_MAX).as_bytes(), definitions()).unwrap_err().too_deep);
}

#[test]
fn checks_pass_them_by_but_see_what_they_refer_to() {
    let patient = |inside: &str| {
        let text = format!(
            "<Patient xmlns=\"http://hl7.org/fhir\"><contained><Organization><id value=\"o\"/><name value=\"x\"/></Organization></contained>\
             <active value=\"true\"><n/></active>{inside}</Patient>"
        );
        validate::check(&tree(&text), definitions()).into_iter().map(|p| p.message).filter(|m| m.contains("dom-3")).count()
    };
    assert_eq!(patient(""), 1, "nobody refers to it");
    assert_eq!(patient(r##"<n><reference value="#o"/></n>"##), 0);
}

/// What an element may be made of, rightly and wrongly.
const PIECES: [&str; 24] = [
    "<n>",
    "</n>",
    "<n/>",
    "<a x=\"1\" y='&quot;'>",
    "</a>",
    "<a ",
    "b='<'",
    "x=\"&#10; >\"",
    "/>",
    ">",
    " ",
    "\r\n",
    "t",
    "&amp;",
    "&#x20;",
    "&#1;",
    "]]>",
    "<!-- -- -->",
    "<!-- n -->",
    "<f:n xmlns:f='http://hl7.org/fhir'/>",
    "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>é</p></div>",
    "<i xmlns=\"http://www.w3.org/1999/xhtml\"/>",
    "<\u{e9}/>",
    "\u{fffe}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is taken, what is written of it can be read, and is what it was.
    #[test]
    fn whatever_is_kept_is_given_back_as_one_document(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..7)) {
        let inside = pieces.concat();
        for content in [format!("{inside}<status value=\"free\"/>"), format!("<n>{inside}</n>")] {
            if read(slot(&content).as_bytes(), definitions()).is_ok() {
                given_back(&content);
            }
        }
    }
}
