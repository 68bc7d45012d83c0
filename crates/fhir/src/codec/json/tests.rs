use super::*;
use crate::stu3::definitions;
use domain::element::Value;

const BOOKING: &str = include_str!("../../validate/booking.json");
const SLOTS: &str = include_str!("../../validate/slots.json");

fn tree(text: &str) -> Element {
    let read = read(text.as_bytes(), definitions()).unwrap();
    assert_eq!(read.problems, Vec::new());
    read.tree
}

/// Expressions of the problems, in order.
fn problems(text: &str) -> Vec<String> {
    read(text.as_bytes(), definitions()).unwrap().problems.into_iter().map(|p| p.expression).collect()
}

fn unreadable(bytes: &[u8]) -> String {
    read(bytes, definitions()).unwrap_err().problem
}

#[test]
fn the_published_booking_survives_reading_and_writing() {
    for text in [BOOKING, SLOTS] {
        let written = write(&tree(text), definitions());
        let before: serde_json::Value = serde_json::from_str(text).unwrap();
        let after: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(before, after);
        assert_eq!(tree(&written), tree(&write_pretty(&tree(text), definitions())));
        assert_eq!(write(&tree(&written), definitions()), written);
    }
}

#[test]
fn contained_resources_are_written_with_their_type_first() {
    let written = write(&tree(BOOKING), definitions());
    assert!(written.starts_with(r#"{"resourceType":"Appointment","meta":{"profile":["#), "{written}");
    assert!(written.contains(r#""contained":[{"resourceType":"DocumentReference","id":"cda1","#), "{written}");
}

#[test]
fn elements_are_written_in_the_order_of_their_definition() {
    let slot = r#"{"end":"b","status":"free","resourceType":"Slot","schedule":{"display":"d","reference":"r"},"id":"1"}"#;
    let expected = r#"{"resourceType":"Slot","id":"1","schedule":{"reference":"r","display":"d"},"status":"free","end":"b"}"#;
    assert_eq!(write(&tree(slot), definitions()), expected);
}

#[test]
fn what_repeats_in_base_stu3_is_an_array_in_every_profile() {
    let slot = Element::resource("Slot").with(Element::complex("identifier").with(Element::text("value", "x")));
    assert_eq!(write(&slot, definitions()), r#"{"resourceType":"Slot","identifier":[{"value":"x"}]}"#);
}

#[test]
fn primitives_keep_their_id_and_extensions() {
    let patient = concat!(
        r#"{"resourceType":"Patient","name":[{"given":["Imogen",null,"Joy"],"#,
        r#""_given":[null,{"extension":[{"url":"u:x","valueCode":"q"}]},{"id":"g"}]}],"#,
        r#""birthDate":"2019-08-03","_birthDate":{"extension":[{"url":"u:t","valueDateTime":"2019-08-03T04:05:06Z"}]},"#,
        r#""_gender":{"id":"g"}}"#
    );
    let read = tree(patient);
    let given: Vec<_> = read.child("name").unwrap().all("given").collect();
    assert_eq!(given.len(), 3);
    assert_eq!(given[1].value, None);
    assert_eq!(given[1].text_at("extension.valueCode"), Some("q"));
    assert_eq!(read.child("gender").unwrap().text_at("id"), Some("g"));
    let expected = concat!(
        r#"{"resourceType":"Patient","name":[{"given":["Imogen",null,"Joy"],"#,
        r#""_given":[null,{"extension":[{"url":"u:x","valueCode":"q"}]},{"id":"g"}]}],"#,
        r#""_gender":{"id":"g"},"birthDate":"2019-08-03","#,
        r#""_birthDate":{"extension":[{"url":"u:t","valueDateTime":"2019-08-03T04:05:06Z"}]}}"#
    );
    assert_eq!(write(&read, definitions()), expected);
}

#[test]
fn numbers_keep_their_digits() {
    let location = r#"{"resourceType":"Location","position":{"longitude":-1.570,"latitude":54.77000000000000000001,"altitude":1.50e2}}"#;
    let read = tree(location);
    assert_eq!(read.at("position.altitude").unwrap().value, Some(Value::Number("1.50e2".to_owned())));
    assert_eq!(write(&read, definitions()), location);
}

#[test]
fn a_number_that_is_none_cannot_break_the_text() {
    let slot = Element::resource("Appointment").with(Element::number("priority", "1,\"x\":2"));
    assert_eq!(write(&slot, definitions()), r#"{"resourceType":"Appointment","priority":"1,\"x\":2"}"#);
}

#[test]
fn unknown_elements_are_given_back_as_they_came() {
    let text = r#"{"resourceType":"Slot","status":"free","novelty":{"a":[1.0,{"b":null}]},"_status2":true,"meta":{"colour":"blue"}}"#;
    let expected = r#"{"resourceType":"Slot","meta":{"colour":"blue"},"status":"free","novelty":{"a":[1.0,{"b":null}]},"_status2":true}"#;
    assert_eq!(write(&tree(text), definitions()), expected);
}

#[test]
fn an_undefined_contained_resource_is_given_back_whole() {
    let text = concat!(
        r##"{"resourceType":"Appointment","contained":[{"resourceType":"ReferralRequest","id":"r","status":"active","##,
        r##""subject":{"reference":"#p"}}],"incomingReferral":[{"reference":"#r"}]}"##
    );
    assert_eq!(write(&tree(text), definitions()), text);
}

#[test]
fn everything_of_the_wrong_shape_is_listed_with_its_place() {
    let text = r##"{"resourceType":"Appointment","contained":{"resourceType":"Slot","id":"s"},"status":"booked","start":{},"end":null,
        "description":["a"],"slot":[{"reference":["#s"]},3,null,[]],"participant":"x","requestedPeriod":[],"_comment":1,
        "meta":[{"versionId":"1"}],"reason":{"coding":[{"code":{}}]}}"##;
    let expected = [
        "Appointment.contained",
        "Appointment.start",
        "Appointment.end",
        "Appointment.description",
        "Appointment.slot[0].reference",
        "Appointment.slot[1]",
        "Appointment.slot[2]",
        "Appointment.slot[3]",
        "Appointment.participant",
        "Appointment.requestedPeriod",
        "Appointment.comment",
        "Appointment.meta",
        "Appointment.reason",
        "Appointment.reason[0].coding[0].code",
    ];
    assert_eq!(problems(text), expected);
}

#[test]
fn contained_resources_of_the_wrong_sort_are_problems() {
    let text = r#"{"resourceType":"Appointment","contained":[{"id":"a"},{"resourceType":"Apointment"},{"resourceType":7},"x",null]}"#;
    let expected: Vec<String> = (0..5).map(|i| format!("Appointment.contained[{i}]")).collect();
    assert_eq!(problems(text), expected);
}

#[test]
fn null_fills_an_array_only_where_its_twin_has_something() {
    let text = r#"{"resourceType":"Patient","name":[
        {"given":["A",null],"_given":[null,null]},{"given":[null]},{"given":[null],"_given":[{"id":"x"}]}]}"#;
    assert_eq!(problems(text), ["Patient.name[0].given[1]", "Patient.name[1].given[0]"]);
}

#[test]
fn a_scalar_of_the_wrong_sort_is_left_to_validation() {
    let read = read(br#"{"resourceType":"Appointment","status":5,"priority":"1"}"#, definitions()).unwrap();
    assert_eq!(read.problems, Vec::new());
    assert_eq!(read.tree.child("status").unwrap().value, Some(Value::Number("5".to_owned())));
}

#[test]
fn the_list_of_problems_ends_somewhere() {
    let slots = vec!["1"; 100_000].join(",");
    let text = format!(r#"{{"resourceType":"Appointment","slot":[{slots}]}}"#);
    assert_eq!(problems(&text).len(), PROBLEMS_MAX);
}

#[test]
fn what_is_no_resource_is_unreadable_and_says_where() {
    let cases: [(&[u8], &str); 14] = [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"{\"resourceType\":\"Slot\",\"id\":\"\xff\"}", "not UTF-8 from byte 29"),
        (b"[]", "line 1, column 1: the body is not a JSON object"),
        (b"{}", "no member `resourceType`"),
        (b"{\"resourceType\":5}", "line 1, column 17: `resourceType` is not a string"),
        (b"{\"resourceType\":\"Slott\"}", "names no resource type"),
        (b"{\"resourceType\":\"Identifier\"}", "names no resource type"),
        (b"{\n \"resourceType\":\"Slot\",\n \"id\" 1}", "line 3, column 7: `:` was expected"),
        (b"{\"resourceType\":\"Slot\",\"id\":\"\xc3\xa9\",\"id\":\"b\"}", "line 1, column 33: this member stands here twice"),
        (b"{\"resourceType\":\"Slot\"} x", "nothing may follow"),
        (b"{\"resourceType\":\"Slot\",}", "the name of a member was expected"),
        (b"{\"resourceType\":\"Slot\"", "the body ends too early"),
        (b"{\"resourceType\":\"Slot\",\"id\":\"a\tb\"}", "control character"),
    ];
    for (bytes, expected) in cases {
        let problem = unreadable(bytes);
        assert!(problem.contains(expected), "{problem:?} should say {expected:?}");
    }
}

#[test]
fn nesting_is_read_up_to_the_limit_and_no_deeper() {
    let nested = |levels: usize| format!(r#"{{"resourceType":"Slot","x":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    assert!(read(nested(DEPTH_MAX - 1).as_bytes(), definitions()).is_ok());
    assert!(read(nested(DEPTH_MAX).as_bytes(), definitions()).unwrap_err().too_deep);
    assert!(read(nested(200_000).as_bytes(), definitions()).unwrap_err().too_deep);
}

#[test]
fn doubles_among_many_members_are_found() {
    let many: Vec<String> = (0..1000).map(|i| format!("\"m{}\":1", i % 999)).collect();
    assert!(unreadable(format!(r#"{{"resourceType":"Slot",{}}}"#, many.join(",")).as_bytes()).contains("twice"));
}

#[test]
fn documents_refuse_a_stored_text_that_is_not_right() {
    let tree = tree(BOOKING);
    assert_eq!(read_document(&write_stored(&tree, definitions()), definitions()), Ok(tree));
    assert!(read_document(r#"{"resourceType":"Slot","start":{}}"#, definitions()).unwrap_err().starts_with("Slot.start: "));
}

/// A document as the store keeps it, with one unknown element that came in XML.
const STORED: &str = r#"{"resourceType":"Slot","comment":"x","~xml":["<n a=\"1\"/>","<m>x</m>"]}"#;

#[test]
fn documents_keep_what_came_in_xml_and_nothing_else_shows_it() {
    let kept = read_document(STORED, definitions()).unwrap();
    let names: Vec<_> = kept.children.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["comment", "n", "m"]);
    assert_eq!(write_stored(&kept, definitions()), STORED);
    assert_eq!(write(&kept, definitions()), r#"{"resourceType":"Slot","comment":"x"}"#);
    assert!(!is_answer(STORED) && is_answer(&write(&kept, definitions())));
    for broken in [r#"{"resourceType":"Slot","~xml":[5]}"#, r#"{"resourceType":"Slot","~xml":{}}"#] {
        assert!(read_document(broken, definitions()).unwrap_err().starts_with("Slot.~xml: "));
    }
}

#[test]
fn a_consumers_reserved_name_is_not_taken_for_the_stores_own() {
    let sent = concat!(
        r#"{"resourceType":"Slot","meta":{"versionId":"1","\u007exml":["<script/>"]},"comment":"x","_comment":{"~xml":["<n/>"]},"#,
        r#""~xml":["<n/>"],"~~xml":["<n/>"],"~":1,"novelty":{"~xml":["<n/>"]}}"#
    );
    let tree = tree(sent);
    let stored = write_stored(&tree, definitions());
    assert_eq!(read_document(&stored, definitions()).as_ref(), Ok(&tree), "{stored}");
    assert_eq!(write(&read_document(&stored, definitions()).unwrap(), definitions()), sent.replace("\\u007e", "~"));
    assert!(!is_answer(&stored) && !crate::codec::xml::write(&tree, definitions()).contains("<n/>"));
    // Both kinds in one object do not get in each other's way.
    let both = read_document(STORED, definitions()).unwrap().with_all(tree.children.into_iter().filter(|c| c.name.starts_with('~')));
    let again = read_document(&write_stored(&both, definitions()), definitions()).unwrap();
    assert_eq!(write(&again, definitions()), r#"{"resourceType":"Slot","comment":"x","~xml":["<n/>"],"~~xml":["<n/>"],"~":1}"#);
    assert_eq!(crate::codec::xml::write(&again, definitions()).matches("<n").count(), 1);
}

/// Reads what another reader of JSON reads and nothing else; duplicates and depth apart, which are ours alone.
#[test]
fn the_grammar_is_that_of_json() {
    let words = [
        "1",
        "-0",
        "01",
        "-",
        "1.",
        ".5",
        "1e5",
        "1E+",
        "1.5e-3",
        "+1",
        "true",
        "True",
        "nul",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83dx\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\u{7f}\"",
        "\"a\nb\"",
        "\"",
        "'a'",
        "[1,]",
        "[,1]",
        "{\"a\":}",
        "{a:1}",
        "[1 2]",
        "\"\\/\\b\\f\"",
        "{\"a\":1,}",
        "\u{a0}1",
        "\"\\uD834\\uDD1E\"",
        "1 1",
        "\"\\u+123\"",
    ];
    for word in words {
        for text in [word.to_owned(), format!("[{word}]"), format!(" {{\"k\" : {word} }} ")] {
            let theirs: Result<serde_json::Value, _> = serde_json::from_str(&text);
            assert_eq!(scan::scan(&text).is_ok(), theirs.is_ok(), "{text}");
        }
    }
}

#[test]
fn strings_survive_whatever_is_in_them() {
    let text = "quote \" backslash \\ newline \n control \u{1}\u{1f} tab \t é 😀 </div>";
    let slot = Element::resource("Slot").with(Element::text("comment", text));
    assert_eq!(tree(&write(&slot, definitions())), slot);
    let parsed: serde_json::Value = serde_json::from_str(&write(&slot, definitions())).unwrap();
    assert_eq!(parsed["comment"], text);
}
