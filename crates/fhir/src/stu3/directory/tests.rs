use super::super::naming::{ODS_SITE, SDS_JOB_ROLE, SDS_ROLE, SDS_USER};
use super::*;

fn identifier(system: &str, value: &str) -> Element {
    Element::complex("identifier").with(Element::text("system", system)).with(Element::text("value", value))
}

fn link(name: &str, to: &str) -> Element {
    Element::complex(name).with(Element::text("reference", to))
}

fn service() -> Element {
    Element::resource("HealthcareService")
        .with(Element::text("id", "2000000001"))
        .with(identifier("urn:dos", "2000000001"))
        .with(link("providedBy", "Organization/A1"))
        .with(link("location", "Location/loc-1"))
        .with(Element::text("name", "Minor Injuries"))
}

fn bundle(resources: impl IntoIterator<Item = Element>) -> Element {
    Element::resource("Bundle")
        .with(Element::text("type", "collection"))
        .with_all(resources.into_iter().map(|r| Element::complex("entry").with(r.renamed("resource"))))
}

/// What is wrong, as (place, kind) pairs.
fn wrong(resource: &Element) -> Vec<(String, ProblemKind)> {
    read(resource).unwrap_err().into_iter().map(|p| (p.expression, p.kind)).collect()
}

#[test]
fn a_service_gives_its_facts_and_is_kept_whole() {
    let record = read(&service()).unwrap();
    assert_eq!(record.id.as_str(), "2000000001");
    assert_eq!(record.resource, service());
    let DirectoryFacts::HealthcareService { name, organization, location } = record.facts else { panic!("{:?}", record.facts) };
    assert_eq!(name, "Minor Injuries");
    assert_eq!(organization.unwrap().as_str(), "A1");
    assert_eq!(location.unwrap().as_str(), "loc-1");
}

#[test]
fn a_resource_from_a_bundle_is_a_root_again() {
    let records = read_bundle(&bundle([service()])).unwrap();
    assert_eq!(records[0].resource.name, "HealthcareService");
}

#[test]
fn the_other_kinds_give_their_facts_too() {
    let organization = Element::resource("Organization")
        .with(Element::text("id", "A1"))
        .with(identifier(ODS_SITE, "A101"))
        .with(identifier(ODS_ORGANISATION, "a1"));
    assert_eq!(read(&organization).unwrap().facts, DirectoryFacts::Organization { ods: OdsCode::parse("A1") });
    let location = Element::resource("Location").with(Element::text("id", "l")).with(link("managingOrganization", "Organization/A1"));
    let a1 = ResourceId::parse("A1").ok();
    assert_eq!(read(&location).unwrap().facts, DirectoryFacts::Location { organization: a1.clone() });
    let name = Element::complex("name")
        .with(Element::text("family", "Ashby"))
        .with(Element::text("given", "Mary"))
        .with(Element::text("given", "Jo"))
        .with(Element::text("prefix", "Dr"));
    let practitioner = Element::resource("Practitioner").with(Element::text("id", "p")).with(name);
    assert_eq!(read(&practitioner).unwrap().facts, DirectoryFacts::Practitioner { name: "Dr Mary Jo Ashby".to_owned() });
    let role = Element::resource("PractitionerRole")
        .with(Element::text("id", "700"))
        .with(link("practitioner", "Practitioner/p"))
        .with(link("organization", "Organization/A1"));
    let practitioner = ResourceId::parse("p").ok();
    assert_eq!(read(&role).unwrap().facts, DirectoryFacts::PractitionerRole { practitioner, organization: a1 });
}

#[test]
fn every_problem_of_a_bundle_is_listed_with_its_place() {
    let mut nameless = service();
    nameless.remove("id");
    nameless.remove("identifier");
    let mut elsewhere = service();
    elsewhere.set(link("location", "Organization/A1"));
    elsewhere.set(link("providedBy", "https://example.org/Organization/A1"));
    let patient = Element::resource("Patient");
    let mut bundle = bundle([service(), nameless, elsewhere, patient]).with(Element::complex("entry"));
    bundle.set(Element::text("type", "searchset"));
    let places: Vec<String> = read_bundle(&bundle).unwrap_err().into_iter().map(|p| p.expression).collect();
    let expected = [
        "Bundle.type",
        "Bundle.entry[1].resource.id",
        "Bundle.entry[1].resource.identifier",
        "Bundle.entry[2].resource.providedBy.reference",
        "Bundle.entry[2].resource.location.reference",
        "Bundle.entry[3].resource",
        "Bundle.entry[4]",
    ];
    assert_eq!(places, expected);
}

#[test]
fn something_other_than_a_bundle_is_refused() {
    let problems = read_bundle(&service()).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("Bundle"), "{problems:?}");
}

#[test]
fn a_service_has_one_identifier_which_is_its_id() {
    let mut other = service();
    other.set(identifier("urn:dos", "2000000002"));
    assert_eq!(wrong(&other), [("HealthcareService.identifier.value".to_owned(), ProblemKind::Value)]);
    let twice = service().with(identifier("urn:local", "MIU"));
    assert_eq!(wrong(&twice), [("HealthcareService.identifier".to_owned(), ProblemKind::Invariant)]);
}

#[test]
fn a_service_has_one_place_at_most() {
    let two = service().with(link("location", "Location/loc-2"));
    assert_eq!(wrong(&two), [("HealthcareService.location".to_owned(), ProblemKind::Invariant)]);
    let mut none = service();
    none.remove("location");
    assert!(read(&none).is_ok());
}

#[test]
fn an_id_that_is_no_fhir_id_is_refused() {
    let mut bad = service();
    bad.set(Element::text("id", "a b"));
    assert!(wrong(&bad).contains(&("HealthcareService.id".to_owned(), ProblemKind::Value)));
}

#[test]
fn a_reference_without_target_or_with_a_version_is_refused() {
    let mut bad = service();
    bad.set(Element::complex("providedBy").with(Element::text("display", "Somebody")));
    bad.set(link("location", "Location/loc-1/_history/1"));
    let expected = [
        ("HealthcareService.location.reference".to_owned(), ProblemKind::Value),
        ("HealthcareService.providedBy.reference".to_owned(), ProblemKind::Required),
    ];
    assert_eq!(wrong(&bad), expected);
}

#[test]
fn a_contained_reference_does_not_concern_the_directory() {
    let contained = service().with(link("coverageArea", "#area"));
    assert!(read(&contained).is_ok());
    assert_eq!(references(&contained).len(), 2);
}

#[test]
fn an_organisation_is_named_and_not_at_home() {
    let bare = Element::resource("Organization").with(Element::text("id", "A1"));
    assert_eq!(wrong(&bare), [("Organization".to_owned(), ProblemKind::Invariant)]);
    let home = bare
        .with(identifier(ODS_ORGANISATION, "A-1"))
        .with(identifier(ODS_ORGANISATION, "A2"))
        .with(Element::complex("address").with(Element::text("use", "home")));
    let expected = [
        ("Organization.identifier".to_owned(), ProblemKind::Invariant),
        ("Organization.identifier[0].value".to_owned(), ProblemKind::Value),
        ("Organization.address[0].use".to_owned(), ProblemKind::Invariant),
    ];
    assert_eq!(wrong(&home), expected);
}

#[test]
fn a_clinician_has_no_communication_and_one_user_id() {
    let bad = Element::resource("Practitioner")
        .with(Element::text("id", "p"))
        .with(identifier(SDS_USER, "1"))
        .with(identifier(SDS_USER, "2"))
        .with(Element::complex("identifier").with(Element::text("system", SDS_ROLE)))
        .with(Element::complex("communication"));
    let expected = [
        ("Practitioner.identifier[2].value".to_owned(), ProblemKind::Required),
        ("Practitioner.identifier".to_owned(), ProblemKind::Invariant),
        ("Practitioner.communication".to_owned(), ProblemKind::Invariant),
    ];
    assert_eq!(wrong(&bad), expected);
}

#[test]
fn a_role_names_its_job_completely_and_once() {
    let coding = |code: &str| Element::complex("coding").with(Element::text("system", SDS_JOB_ROLE)).with(Element::text("code", code));
    let bad = Element::resource("PractitionerRole")
        .with(Element::text("id", "700"))
        .with(Element::complex("identifier"))
        .with(Element::complex("code").with(coding("R0260")))
        .with(Element::complex("code").with(coding("R0260")).with(coding("R0270")));
    let places: Vec<String> = wrong(&bad).into_iter().map(|(place, _)| place).collect();
    let expected = [
        "PractitionerRole.identifier[0].system",
        "PractitionerRole.identifier[0].value",
        "PractitionerRole.code",
        "PractitionerRole.code[0].coding[0].display",
        "PractitionerRole.code[1].coding",
        "PractitionerRole.code[1].coding[0].display",
        "PractitionerRole.code[1].coding[1].display",
    ];
    assert_eq!(places, expected);
}

#[test]
fn all_references_into_the_directory_are_found() {
    let role = Element::resource("PractitionerRole")
        .with(link("practitioner", "Practitioner/p"))
        .with(link("location", "Location/a"))
        .with(link("location", "Location/b"))
        .with(link("endpoint", "Endpoint/e"));
    let found: Vec<(String, String)> = references(&role).into_iter().map(|r| (r.place, format!("{}/{}", r.kind.name(), r.id))).collect();
    let expected =
        [(".practitioner.reference", "Practitioner/p"), (".location[0].reference", "Location/a"), (".location[1].reference", "Location/b")];
    assert_eq!(found, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}
