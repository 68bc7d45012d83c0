use super::*;

fn field<'t>(ty: &'t Type, name: &str) -> &'t Field {
    ty.field(name).unwrap_or_else(|| panic!("{} has no {name}", ty.name))
}

#[test]
fn every_row_of_every_table_is_understood() {
    assert_eq!(TABLE.faults, Vec::<String>::new());
    for ty in &TABLE.types {
        for field in &ty.fields {
            assert!(!field.ty().name.is_empty(), "{}.{}", ty.name, field.name);
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
            let inner = field(ty, child.name).ty();
            let inner = if matches!(inner.kind, Kind::Primitive(_)) { of_primitives() } else { inner };
            walk(inner, child);
            for slice in &child.slices {
                assert!(!slice.path.is_empty() && !slice.value.is_empty(), "slice {}", slice.name);
                let first = slice.path.split('.').next().unwrap();
                assert!(inner.field(first).is_some(), "{}", slice.path);
                walk(inner, &slice.constraint);
            }
        }
    }
    assert_eq!(TABLE.profiles.len(), 10, "{:?}", TABLE.profiles.keys());
    for (name, constraint) in &TABLE.profiles {
        walk(resource(name).unwrap(), constraint);
    }
}

#[test]
fn a_profile_that_allows_one_leaves_the_json_array_alone() {
    for (kind, name) in [("Slot", "identifier"), ("Schedule", "identifier"), ("HealthcareService", "identifier")] {
        assert!(field(resource(kind).unwrap(), name).many, "{kind}.{name}");
        let constraint = profile(kind).unwrap().children.iter().find(|c| c.name == name).unwrap();
        assert_eq!((constraint.min, constraint.max), (1, Some(1)));
    }
    assert!(field(resource("HealthcareService").unwrap(), "location").many);
    assert!(field(resource("Patient").unwrap(), "communication").many);
}

#[test]
fn every_row_of_references_names_a_reference_and_types_that_exist() {
    let rows: Vec<&str> = include_str!("references.tsv").lines().filter(|line| !line.starts_with('#')).collect();
    let of_types = |ty: &'static Type| ty.fields.iter().filter(|f| !f.targets.is_empty()).map(|f| (ty.name.as_str(), f));
    let fields: HashSet<(&str, &str)> = TABLE.types.iter().flat_map(of_types).map(|(of, field)| (of, field.name.as_str())).collect();
    assert!(rows.len() > 30 && fields.len() >= rows.len(), "{} rows, {} fields", rows.len(), fields.len());
    for row in rows {
        let (path, types) = row.split_once('\t').unwrap();
        let (of, name) = path.rsplit_once('.').unwrap();
        let ty = named(of).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(field(ty, name).ty().name, "Reference", "{path}");
        assert_eq!(field(ty, name).targets, types.split(' ').collect::<Vec<_>>(), "{path}");
        types.split(' ').for_each(|kind| assert!(any_resource(kind).is_some(), "{kind}"));
    }
    assert!(field(resource("Appointment").unwrap(), "supportingInformation").targets.is_empty());
}

#[test]
fn a_choice_has_one_field_per_type_and_one_place() {
    let extension = datatype("Extension").unwrap();
    let (code, quantity) = (field(extension, "valueCode"), field(extension, "valueQuantity"));
    assert_eq!(code.element, "value[x]");
    assert_eq!(code.order, quantity.order);
    assert_ne!(code.rank, quantity.rank);
    assert!(extension.field("value").is_none());
    assert_eq!(field(resource("Patient").unwrap(), "deceasedDateTime").ty().kind, Kind::Primitive(Primitive::DateTime));
}

#[test]
fn elements_stand_in_official_order() {
    let names: Vec<&str> = resource("Slot").unwrap().fields.iter().map(|f| f.name.as_str()).collect();
    let expected = "id meta implicitRules language text contained extension modifierExtension identifier \
        serviceCategory serviceType specialty \
                    appointmentType schedule status start end overbooked comment";
    assert_eq!(names.join(" "), expected);
    let participant = field(resource("Appointment").unwrap(), "participant").ty();
    let names: Vec<&str> = participant.fields.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names.join(" "), "id extension modifierExtension type actor required status");
}

#[test]
fn whatever_the_guess_the_element_found_is_the_one_named() {
    let extension = datatype("Extension").unwrap();
    for field in &extension.fields {
        for rank in 0..extension.fields.len() + 2 {
            assert_eq!(extension.field_near(rank, &field.name).map(|found| found.rank), Some(field.rank), "{} from {rank}", field.name);
        }
    }
    assert!(extension.field_near(0, "value").is_none());
}

#[test]
fn a_resource_without_a_definition_has_what_all_have_in_common() {
    let other = any_resource("ReferralRequest").unwrap();
    assert!(other.field("extension").is_some() && other.field("status").is_none());
    assert!(resource("ReferralRequest").is_none());
    assert!(any_resource("Referral").is_none());
    assert!(any_resource("Identifier").is_none());
}

#[test]
fn the_tables_know_slices_and_code_lists() {
    let identifier = profile("Patient").unwrap().children.iter().find(|c| c.name == "identifier").unwrap();
    let slice = identifier.slices.iter().find(|s| s.name == "nhsNumber").unwrap();
    assert_eq!((slice.path, slice.value), ("system", "https://fhir.nhs.uk/Id/nhs-number"));
    let extension = slice.constraint.children.iter().find(|c| c.name == "extension").unwrap();
    let status = &extension.slices.first().unwrap().constraint;
    assert_eq!((status.min, status.max), (1, Some(1)));
    let codes = status.children.first().unwrap().codes().unwrap();
    assert_eq!(codes.codes.len(), 8);
    assert!(codes.system.is_some());
    let status = field(resource("Appointment").unwrap(), "status").codes().unwrap();
    assert!(status.codes.contains(&"entered-in-error"));
}
