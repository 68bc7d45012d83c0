//! Searches of the directory: what admits a resource and what does not.

use super::{BOOKING, PROVIDER};
use crate::codec::json;
use crate::search::{SearchRules, UnknownParameters, pairs};
use crate::stu3::definitions;
use crate::stu3::search::directory;
use domain::directory::DirectoryKind;
use domain::element::Element;
use domain::time::Timestamp;

const PRACTITIONER: &str = r#"{"resourceType":"Practitioner","id":"p-1","active":true,
    "identifier":[{"system":"https://fhir.nhs.uk/Id/sds-user-id","value":"A1"},{"value":"B|2"}],
    "name":[{"family":"Élan","given":["Nadia","Rose"],"prefix":["Dr"]},{"text":"Smith, N"}],"gender":"female"}"#;
const ROLE: &str = r#"{"resourceType":"PractitionerRole","id":"r-1","practitioner":{"reference":"Practitioner/p-1"},
    "organization":{"reference":"Organization/Y9Z41"},"code":[{"coding":[{"system":"https://x.example","code":"R0260"}]}]}"#;
const PLACE: &str = r#"{"resourceType":"Location","id":"l-1","name":"Lambton Street Clinic","alias":["Old Baths"],"status":"active",
    "address":{"line":["1 Fulling Mill Rise"],"city":"Durham","postalCode":"DH1 3XX"}}"#;

fn tree(text: &str) -> Element {
    json::read(text.as_bytes(), definitions()).unwrap().tree
}

fn admits(kind: DirectoryKind, resource: &str, raw: &str) -> bool {
    let query = directory(kind, &pairs(raw, &PROVIDER).unwrap(), &PROVIDER).unwrap_or_else(|fault| panic!("{raw}: {fault:?}"));
    query.search.admits(&tree(resource), Timestamp::parse("2026-02-10T16:00:00Z").unwrap())
}

#[test]
fn each_parameter_admits_what_it_names_and_nothing_else() {
    use DirectoryKind::{Location, Practitioner, PractitionerRole};
    let table = [
        (Practitioner, PRACTITIONER, "name", "nadia,Zoe", "adia"),
        (Practitioner, PRACTITIONER, "name", "smith", "mith"),
        (Practitioner, PRACTITIONER, "family", "éL", "Nadia"),
        (Practitioner, PRACTITIONER, "given", "rose", "Dr"),
        (Practitioner, PRACTITIONER, "gender", "http://hl7.org/fhir/administrative-gender|female", "male"),
        (Practitioner, PRACTITIONER, "active", "true", "false"),
        (Practitioner, PRACTITIONER, "identifier", "https://fhir.nhs.uk/Id/sds-user-id|A1", "https://fhir.nhs.uk/Id/sds-user-id|A"),
        (Practitioner, PRACTITIONER, "identifier", "https://fhir.nhs.uk/Id/sds-user-id|", "https://other.example|"),
        (Practitioner, PRACTITIONER, "identifier", r"|B\|2", "|A1"),
        (Practitioner, PRACTITIONER, "_id", "x,p-1", "P-1"),
        (Practitioner, PRACTITIONER, "_lastUpdated", "ge2026-02-10", "lt2026-02-10"),
        (PractitionerRole, ROLE, "practitioner", "Practitioner/p-1", "p-2"),
        (PractitionerRole, ROLE, "organization", "Y9Z41", "Organization/y9z41"),
        (PractitionerRole, ROLE, "role", "https://x.example|R0260", "https://y.example|R0260"),
        (Location, PLACE, "name", "old", "street"),
        (Location, PLACE, "address", "1 fulling", "fulling"),
        (Location, PLACE, "address-city", "dur", "DH1"),
        (Location, PLACE, "address-postalcode", "dh1", "DH2"),
        (Location, PLACE, "status", "active", "inactive"),
    ];
    for (kind, resource, name, right, wrong) in table {
        assert!(admits(kind, resource, &format!("{name}={right}")), "{name}={right}");
        assert!(!admits(kind, resource, &format!("{name}={wrong}")), "{name}={wrong}");
    }
    assert!(!admits(Practitioner, PRACTITIONER, "given=nadia&given=zoe"), "given twice means both");
    assert!(admits(Practitioner, PRACTITIONER, "given=nadia&given=rose"));
}

#[test]
fn includes_lead_to_what_the_resource_refers_to() {
    let asked = pairs("_include=PractitionerRole:practitioner&_include=PractitionerRole.organization&_include=Slot:schedule", &PROVIDER);
    let query = directory(DirectoryKind::PractitionerRole, &asked.unwrap(), &PROVIDER).unwrap();
    let led_to = query.search.led_to(&tree(ROLE));
    let names: Vec<_> = led_to.iter().map(|(kind, id)| format!("{}/{id}", kind.name())).collect();
    assert_eq!(names, ["Practitioner/p-1", "Organization/Y9Z41"]);
    assert_eq!(query.applied.len(), 2, "an include that brings nothing is not repeated");
}

#[test]
fn what_means_nothing_is_refused() {
    let rules = SearchRules { unknown: UnknownParameters::Refused, ..PROVIDER };
    let fails = |raw: &str, rules: &SearchRules| directory(DirectoryKind::Location, &pairs(raw, rules).unwrap(), rules).is_err();
    for raw in ["_id=a/b", "organization=Practitioner/x", "name=", "identifier=|", "name:exact=x", "_count=x"] {
        assert!(fails(raw, &PROVIDER), "{raw}");
    }
    for raw in ["family=x", "_sort=name", "_revinclude=Slot:schedule", "_elements=family", "end=2026-02-10"] {
        assert!(!fails(raw, &PROVIDER) && fails(raw, &rules), "{raw}");
    }
    assert!(fails("family=x", &BOOKING));
}
