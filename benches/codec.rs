//! What it costs to make trees of bodies and bodies of trees, in XML beside JSON, and to check them.
//!
//! Three documents stand for the traffic: the booking a consumer posts, a page of fifty slots with all that
//! belongs to them, and a refusal. Pitfall: JSON is the reference *of the same run*.
//! Times of different runs, or of different machines, say nothing about what XML costs beside it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a benchmark may panic, and its macros make the functions")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use domain::element::Element;
use fhir::codec::json;
use fhir::codec::xml;
use fhir::outcome::{self, Issue, IssueCode, PROCESSING_FAILURE, Severity};
use fhir::stu3::definitions;
use fhir::validate;
use std::hint::black_box;

const SLOTS: usize = 50;

/// The same resource in both formats.
struct Document {
    name: &'static str,
    json: String,
    xml: String,
    tree: Element,
}

impl Document {
    /// As the server writes it.
    fn written(name: &'static str, tree: Element) -> Self {
        Self { name, json: json::write(&tree, definitions()), xml: xml::write(&tree, definitions()), tree }
    }

    /// As consumers send it.
    fn sent(name: &'static str, json: &str, xml: &str) -> Self {
        let tree = json::read(json.as_bytes(), definitions()).expect("the JSON can be read").tree;
        let same = xml::read(xml.as_bytes(), definitions()).expect("the XML can be read").tree;
        assert_eq!(json::write(&tree, definitions()), json::write(&same, definitions()), "the two formats of {name} say the same");
        Self { name, json: json.to_owned(), xml: xml.to_owned(), tree }
    }
}

fn documents() -> [Document; 3] {
    [
        Document::sent(
            "booking",
            include_str!("../crates/testkit/src/bodies/booking.json"),
            include_str!("../crates/testkit/src/bodies/booking.xml"),
        ),
        Document::written("slots", slots()),
        Document::written("outcome", refusal()),
    ]
}

/// The published search answer, with its first slot fifty times, each with ids of its own.
fn slots() -> Element {
    let published = include_str!("../crates/fhir/src/validate/slots.json");
    let mut bundle = json::read(published.as_bytes(), definitions()).expect("the Bundle can be read").tree;
    let kind_of = |entry: &Element| entry.child("resource").and_then(Element::kind).map(str::to_owned);
    let first = bundle.child("entry").expect("the Bundle has entries").clone();
    bundle.children.retain(|child| kind_of(child).as_deref() != Some("Slot"));
    let includes = bundle.children.iter().position(|child| child.name == "entry").expect("the Bundle has includes");
    let entries = (0..SLOTS).map(|i| {
        let mut entry = first.clone();
        let id = format!("6c74d781-cc3b-4ca7-8c2a-f2259c62{i:04}");
        entry.set(Element::text("fullUrl", format!("https://weirside.example/STU3/1/booking/Slot/{id}")));
        let slot = entry.children.iter_mut().find(|child| child.name == "resource").expect("an entry has a resource");
        slot.set(Element::text("id", id));
        entry
    });
    bundle.children.splice(includes..includes, entries);
    bundle.set(Element::number("total", SLOTS));
    bundle
}

/// A booking refused for two reasons.
fn refusal() -> Element {
    let issue = |diagnostics: &str, places: &[&str]| Issue {
        severity: Severity::Error,
        code: IssueCode::Processing,
        coding: Some(PROCESSING_FAILURE),
        diagnostics: diagnostics.to_owned(),
        expressions: places.iter().map(|place| (*place).to_owned()).collect(),
    };
    let issues = [
        issue("Slot no longer available", &["Appointment.slot[0]"]),
        issue("`start` and `end` are not those of the slot", &["Appointment.start", "Appointment.end"]),
    ];
    outcome::tree("4266bd15-db38-4506-8130-d19495657151", &issues)
}

type Step = fn(&Document);

fn read_json(document: &Document) {
    black_box(json::read(document.json.as_bytes(), definitions()).unwrap());
}

fn read_xml(document: &Document) {
    black_box(xml::read(document.xml.as_bytes(), definitions()).unwrap());
}

fn write_json(document: &Document) {
    black_box(json::write(&document.tree, definitions()));
}

fn write_xml(document: &Document) {
    black_box(xml::write(&document.tree, definitions()));
}

fn identity_json(document: &Document) {
    black_box(json::write(&json::read(document.json.as_bytes(), definitions()).unwrap().tree, definitions()));
}

fn identity_xml(document: &Document) {
    black_box(xml::write(&xml::read(document.xml.as_bytes(), definitions()).unwrap().tree, definitions()));
}

/// Each document in JSON and then at once in XML, so that both meet the machine in the same mood.
fn compare(criterion: &mut Criterion, what: &str, in_json: Step, in_xml: Step) {
    let mut group = criterion.benchmark_group(what);
    for document in documents() {
        for (format, step, text) in [("json", in_json, &document.json), ("xml", in_xml, &document.xml)] {
            group.throughput(Throughput::Bytes(text.len().try_into().unwrap()));
            group.bench_with_input(BenchmarkId::new(document.name, format), &document, |bencher, document| bencher.iter(|| step(document)));
        }
    }
    group.finish();
}

fn read(criterion: &mut Criterion) {
    compare(criterion, "read", read_json, read_xml);
}

fn write(criterion: &mut Criterion) {
    compare(criterion, "write", write_json, write_xml);
}

/// Read and written again: what a body costs that comes and goes.
fn identity(criterion: &mut Criterion) {
    compare(criterion, "identity", identity_json, identity_xml);
}

/// Trees have no format, so that this is the same for both.
fn check(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("validate");
    for document in documents() {
        assert!(validate::check(&document.tree, definitions()).is_empty(), "{} is valid", document.name);
        group.bench_with_input(BenchmarkId::from_parameter(document.name), &document, |bencher, document| {
            bencher.iter(|| black_box(validate::check(&document.tree, definitions())));
        });
    }
    group.finish();
}

criterion_group!(benches, read, write, identity, check);
criterion_main!(benches);
