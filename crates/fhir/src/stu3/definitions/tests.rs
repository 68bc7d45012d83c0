//! The tables of STU3: every row is understood, and means what the standard says.

use super::definitions;
use crate::definitions::{Constraint, Field, Kind, Primitive, Type};
use std::collections::HashSet;

fn field<'t>(ty: &'t Type, name: &str) -> &'t Field {
    ty.field(name).unwrap_or_else(|| panic!("{} has no {name}", ty.name))
}

#[test]
fn every_row_of_every_table_is_understood() {
    assert_eq!(definitions().faults(), Vec::<String>::new());
    for ty in definitions().types() {
        for field in &ty.fields {
            assert!(!definitions().type_of(field).name.is_empty(), "{}.{}", ty.name, field.name);
            assert_eq!(ty.field(&field.name).map(|f| f.rank), Some(field.rank));
        }
    }
}

#[test]
fn every_constraint_of_a_profile_names_an_element_that_exists() {
    fn walk(ty: &Type, constraint: &Constraint) {
        for child in &constraint.children {
            if child.name.ends_with("[x]") {
                assert!(!child.only.is_empty(), "{}", child.name);
                child.only.iter().for_each(|name| assert_eq!(field(ty, name).element, child.name));
                continue;
            }
            let inner = definitions().type_of(field(ty, child.name));
            let inner = if matches!(inner.kind, Kind::Primitive(_)) { definitions().of_primitives() } else { inner };
            walk(inner, child);
            for slice in &child.slices {
                assert!(!slice.path.is_empty() && !slice.value.is_empty(), "slice {}", slice.name);
                let first = slice.path.split('.').next().unwrap();
                assert!(inner.field(first).is_some(), "{}", slice.path);
                walk(inner, &slice.constraint);
            }
        }
    }
    assert_eq!(definitions().profiled().count(), 10);
    for (name, constraint) in definitions().profiled().filter_map(|name| Some((name, definitions().profile(name)?))) {
        walk(definitions().resource(name).unwrap(), constraint);
    }
}

#[test]
fn a_profile_that_allows_one_leaves_the_json_array_alone() {
    for (kind, name) in [("Slot", "identifier"), ("Schedule", "identifier"), ("HealthcareService", "identifier")] {
        assert!(field(definitions().resource(kind).unwrap(), name).many, "{kind}.{name}");
        let constraint = definitions().profile(kind).unwrap().children.iter().find(|c| c.name == name).unwrap();
        assert_eq!((constraint.min, constraint.max), (1, Some(1)));
    }
    assert!(field(definitions().resource("HealthcareService").unwrap(), "location").many);
    assert!(field(definitions().resource("Patient").unwrap(), "communication").many);
}

#[test]
fn every_row_of_references_names_what_exists() {
    let rows: Vec<&str> = include_str!("references.tsv").lines().filter(|line| !line.starts_with('#')).collect();
    let of_types = |ty: &'static Type| ty.fields.iter().filter(|f| !f.targets.is_empty()).map(|f| (ty.name.as_str(), f));
    let fields: HashSet<(&str, &str)> =
        definitions().types().iter().flat_map(of_types).map(|(of, field)| (of, field.name.as_str())).collect();
    assert!(rows.len() > 30 && fields.len() >= rows.len(), "{} rows, {} fields", rows.len(), fields.len());
    for row in rows {
        let (path, types) = row.split_once('\t').unwrap();
        let (of, name) = path.rsplit_once('.').unwrap();
        let ty = definitions().types().iter().find(|ty| ty.name == of).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(definitions().type_of(field(ty, name)).name, "Reference", "{path}");
        assert_eq!(field(ty, name).targets, types.split(' ').collect::<Vec<_>>(), "{path}");
        types.split(' ').for_each(|kind| assert!(definitions().any_resource(kind).is_some(), "{kind}"));
    }
    assert!(field(definitions().resource("Appointment").unwrap(), "supportingInformation").targets.is_empty());
}

#[test]
fn a_choice_has_one_field_per_type_and_one_place() {
    let extension = definitions().datatype("Extension").unwrap();
    let (code, quantity) = (field(extension, "valueCode"), field(extension, "valueQuantity"));
    assert_eq!(code.element, "value[x]");
    assert_eq!(code.order, quantity.order);
    assert_ne!(code.rank, quantity.rank);
    assert!(extension.field("value").is_none());
    assert_eq!(
        definitions().type_of(field(definitions().resource("Patient").unwrap(), "deceasedDateTime")).kind,
        Kind::Primitive(Primitive::DateTime)
    );
}

#[test]
fn elements_stand_in_official_order() {
    let names: Vec<&str> = definitions().resource("Slot").unwrap().fields.iter().map(|f| f.name.as_str()).collect();
    let expected = "id meta implicitRules language text contained extension modifierExtension identifier \
        serviceCategory serviceType specialty \
                    appointmentType schedule status start end overbooked comment";
    assert_eq!(names.join(" "), expected);
    let participant = definitions().type_of(field(definitions().resource("Appointment").unwrap(), "participant"));
    let names: Vec<&str> = participant.fields.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names.join(" "), "id extension modifierExtension type actor required status");
}

#[test]
fn whatever_the_guess_the_element_found_is_the_one_named() {
    let extension = definitions().datatype("Extension").unwrap();
    for field in &extension.fields {
        for rank in 0..extension.fields.len() + 2 {
            assert_eq!(extension.field_near(rank, &field.name).map(|found| found.rank), Some(field.rank), "{} from {rank}", field.name);
        }
    }
    assert!(extension.field_near(0, "value").is_none());
}

#[test]
fn a_resource_without_a_definition_has_what_all_have_in_common() {
    let other = definitions().any_resource("ReferralRequest").unwrap();
    assert!(other.field("extension").is_some() && other.field("status").is_none());
    assert!(definitions().resource("ReferralRequest").is_none());
    assert!(definitions().any_resource("Referral").is_none());
    assert!(definitions().any_resource("Identifier").is_none());
}

#[test]
fn the_tables_know_slices_and_code_lists() {
    let identifier = definitions().profile("Patient").unwrap().children.iter().find(|c| c.name == "identifier").unwrap();
    let slice = identifier.slices.iter().find(|s| s.name == "nhsNumber").unwrap();
    assert_eq!((slice.path, slice.value), ("system", "https://fhir.nhs.uk/Id/nhs-number"));
    let extension = slice.constraint.children.iter().find(|c| c.name == "extension").unwrap();
    let status = &extension.slices.first().unwrap().constraint;
    assert_eq!((status.min, status.max), (1, Some(1)));
    let codes = definitions().codes_allowed(status.children.first().unwrap()).unwrap();
    assert_eq!(codes.codes.len(), 8);
    assert!(codes.system.is_some());
    let status = definitions().codes_of(field(definitions().resource("Appointment").unwrap(), "status")).unwrap();
    assert!(status.codes.contains(&"entered-in-error"));
}
