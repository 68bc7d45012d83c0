//! The document is what is served, what is checked in, and no more than what is understood.

use super::*;
use domain::fault::{Fault, ParameterFault};
use domain::time::Timestamp;
use fhir::search::{SearchRules, UnknownParameters};
use fhir::stu3::uec::appointment::read_booking_body;
use fhir::stu3::{self, search};
use std::collections::BTreeSet;

/// The first line in which two texts differ, with its number.
fn first_difference(left: &str, right: &str) -> Option<String> {
    let (mut left, mut right) = (left.lines(), right.lines());
    (1..)
        .map(|n| (n, left.next(), right.next()))
        .take_while(|(_, l, r)| l.is_some() || r.is_some())
        .find(|(_, l, r)| l != r)
        .map(|(n, l, r)| format!("line {n}\n checked in: {}\n made now:   {}", l.unwrap_or("(nothing)"), r.unwrap_or("(nothing)")))
}

#[test]
fn the_document_that_is_checked_in_is_the_one_that_is_served() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    if let Some(difference) = first_difference(&kept, &text()) {
        panic!("docs/openapi.json is out of date; write it anew with\n\n    slotkeeper openapi > docs/openapi.json\n\n{difference}");
    }
}

#[test]
fn every_route_is_described_once_and_nothing_else_is() {
    let document = document();
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| format!("{method} {path}")))
        .collect();
    let routes = dialects::ALL.into_iter().flat_map(|dialect| {
        let root = dialect.root.pattern();
        dialect.operations.iter().map(move |operation| format!("{} {root}/{}", operation.method.to_lowercase(), operation.path))
    });
    let others = ["get /health/live", "get /health/ready", "get /openapi.json"].map(str::to_owned);
    assert_eq!(described, routes.chain(others).collect());
    let ids: Vec<&str> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values().map(|operation| operation["operationId"].as_str().unwrap()))
        .collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| match (name.as_str(), value.as_str()) {
                ("$ref", Some(target)) => found.push(target),
                _ => walk(value, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    walk(&document, &mut found);
    assert!(found.len() > 100);
    for target in found {
        assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
    }
}

/// What a reference leads to, or the value itself.
fn resolved<'v>(document: &'v Value, value: &'v Value) -> &'v Value {
    value["$ref"].as_str().map_or(value, |target| document.pointer(target.trim_start_matches('#')).unwrap())
}

#[test]
fn the_parameters_of_each_search_are_those_it_lists() {
    let nonsense = [("nonsense".to_owned(), "1".to_owned())];
    let document = document();
    for dialect in dialects::ALL {
        let rules = SearchRules { unknown: UnknownParameters::Refused, ..dialect.rules.search };
        let named = |pair: (&str, &str)| [(pair.0.to_owned(), pair.1.to_owned()), nonsense[0].clone()];
        let listed = [
            ("Slot", search::slots(&named(("_id", "a")), &rules, Timestamp::from_ms(0)).map(drop)),
            ("Schedule", search::schedules(&nonsense, &rules).map(drop)),
            ("Appointment", search::appointments(&named(("_id", "a")), &rules).map(drop)),
        ];
        for (kind, refused) in &listed {
            let Err(Fault::Parameter(ParameterFault::Unknown { accepted, .. })) = refused else { panic!("{refused:?}") };
            let parameters =
                document["paths"][format!("{}/{kind}", dialect.root.pattern())]["get"]["parameters"].as_array().unwrap().clone();
            let parameters: Vec<&Value> = parameters.iter().map(|p| resolved(&document, p)).collect();
            let in_query = parameters.into_iter().filter(|p| p["in"] == "query").map(|p| p["name"].as_str().unwrap());
            let described: BTreeSet<&str> = in_query.collect();
            assert_eq!(described, accepted.iter().copied().collect(), "{} {kind}", dialect.root.pattern());
        }
    }
}

#[test]
fn the_examples_would_be_booked_and_agree_in_both_formats() {
    for dialect in dialects::ALL {
        let example = examples::booking(dialect);
        let body = fhir::codec::json::read(example.to_string().as_bytes(), stu3::definitions()).unwrap();
        let booked = read_booking_body(body, &dialect.rules.booking).unwrap();
        let from_xml = fhir::codec::xml::read(examples::as_xml(&example).as_bytes(), stu3::definitions()).unwrap();
        assert_eq!(from_xml.problems, []);
        assert_eq!(domain::element::differences(&booked.resource, &from_xml.tree), []);
    }
}

#[test]
fn the_statuses_are_those_of_the_table_of_answers() {
    let document = document();
    let statuses = |path: &str, method: &str| -> Vec<String> {
        document["paths"][path][method]["responses"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(statuses("/STU3/1/booking/Appointment", "post"), ["201", "400", "403", "409", "413", "414", "415", "422", "500", "503"]);
    assert_eq!(
        statuses("/STU3/1/booking/Appointment/{id}", "put"),
        ["200", "400", "403", "404", "409", "412", "413", "414", "415", "422", "500", "503"]
    );
    assert!(statuses("/STU3/1/provider/Slot", "get").contains(&"406".to_owned()));
    let taken = &document["components"]["examples"]["booking-slot-taken"]["value"]["issue"][0];
    assert_eq!((&taken["code"], &taken["diagnostics"]), (&json!("processing"), &json!("Slot no longer available")));
}
