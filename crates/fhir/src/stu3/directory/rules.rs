//! What each kind of directory resource must and must not have (docs/specification/uec.md#b3-directory and the
//! `CareConnect` profiles).
//!
//! Only rules that matter for being found and booked, or that the profiles add to base FHIR; types, cardinalities
//! and codes in general are for `validate`. The service's identifier must repeat its id, because consumers of
//! different ages search for one or the other.

use super::super::naming::{ODS_ORGANISATION, ODS_SITE, SDS_JOB_ROLE, SDS_ROLE, SDS_USER};
use super::{Findings, quoted_or_missing, split_reference};
use domain::directory::DirectoryKind;
use domain::element::Element;
use domain::fault::ProblemKind;
use domain::ids::OdsCode;
use std::collections::HashMap;

/// Every rule that needs no other resource.
pub fn check(kind: DirectoryKind, resource: &Element, findings: &mut Findings) {
    identifiers_have_values(kind, resource, findings);
    references_are_relative(resource, findings);
    match kind {
        DirectoryKind::Organization => organization(resource, findings),
        DirectoryKind::Location => at_most_one_identifier(resource, ODS_SITE, findings),
        DirectoryKind::HealthcareService => healthcare_service(resource, findings),
        DirectoryKind::Practitioner => practitioner(resource, findings),
        DirectoryKind::PractitionerRole => practitioner_role(resource, findings),
    }
}

/// Calls `visit` with every element of a resource and its place below it (`.name[1].family`). Repeats are
/// numbered from 0, and only where there are several.
pub fn walk(resource: &Element, visit: &mut impl FnMut(&str, &Element)) {
    descend(resource, "", visit);
}

fn descend(element: &Element, place: &str, visit: &mut impl FnMut(&str, &Element)) {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for child in &element.children {
        *count.entry(&child.name).or_default() += 1;
    }
    let mut next: HashMap<&str, usize> = HashMap::new();
    for child in &element.children {
        let index = next.entry(&child.name).or_default();
        let repeated = count.get(child.name.as_str()).is_some_and(|n| *n > 1);
        let below = if repeated { format!("{place}.{}[{index}]", child.name) } else { format!("{place}.{}", child.name) };
        *index += 1;
        visit(&below, child);
        descend(child, &below, visit);
    }
}

fn references_are_relative(resource: &Element, findings: &mut Findings) {
    walk(resource, &mut |place, element| {
        let Some(text) = element.as_text().filter(|_| element.name == "reference") else { return };
        if !text.starts_with('#') && split_reference(text).is_none() {
            let message = format!("`{text}` must be relative, `<resource type>/<id>`, so that it resolves under every root");
            findings.add(place, ProblemKind::Value, message);
        }
    });
}

fn identifiers_have_values(kind: DirectoryKind, resource: &Element, findings: &mut Findings) {
    // A role's identifier has both parts by its profile; the slices of the others have both, too.
    let systems = [ODS_ORGANISATION, ODS_SITE, SDS_USER, SDS_ROLE];
    for (index, identifier) in resource.all("identifier").enumerate() {
        let system = identifier.text_at("system");
        let must = kind == DirectoryKind::PractitionerRole || system.is_some_and(|s| systems.contains(&s));
        if must && system.is_none() {
            findings.add(&format!(".identifier[{index}].system"), ProblemKind::Required, "is missing".to_owned());
        }
        if must && identifier.text_at("value").is_none() {
            findings.add(&format!(".identifier[{index}].value"), ProblemKind::Required, "is missing".to_owned());
        }
    }
}

fn at_most_one_identifier(resource: &Element, system: &str, findings: &mut Findings) {
    let count = resource.all("identifier").filter(|i| i.text_at("system") == Some(system)).count();
    if count > 1 {
        findings.add(".identifier", ProblemKind::Invariant, format!("{count} of system {system}; the profile allows one"));
    }
}

fn organization(resource: &Element, findings: &mut Findings) {
    at_most_one_identifier(resource, ODS_ORGANISATION, findings);
    at_most_one_identifier(resource, ODS_SITE, findings);
    for (index, identifier) in resource.all("identifier").enumerate() {
        let code = identifier.text_at("value").filter(|_| identifier.text_at("system") == Some(ODS_ORGANISATION));
        if code.is_some_and(|code| OdsCode::parse(code).is_none()) {
            let message = "is no ODS code: 1 to 12 letters and digits".to_owned();
            findings.add(&format!(".identifier[{index}].value"), ProblemKind::Value, message);
        }
    }
    // STU3 org-1, org-2 and org-3.
    if resource.child("name").is_none() && resource.child("identifier").is_none() {
        findings.add("", ProblemKind::Invariant, "has neither name nor identifier; it needs at least one of them".to_owned());
    }
    for name in ["telecom", "address"] {
        for (index, contact) in resource.all(name).enumerate() {
            if contact.text_at("use") == Some("home") {
                let message = "is `home`, which an organisation does not have; `work` is usual".to_owned();
                findings.add(&format!(".{name}[{index}].use"), ProblemKind::Invariant, message);
            }
        }
    }
}

fn healthcare_service(resource: &Element, findings: &mut Findings) {
    let id = resource.text_at("id").unwrap_or_default();
    let mut identifiers = resource.all("identifier");
    match (identifiers.next(), identifiers.next()) {
        (Some(identifier), None) => {
            let value = identifier.text_at("value");
            if value != Some(id) {
                let found = quoted_or_missing(value);
                let message = format!("{found}; it must equal the id, `{id}`, which is the directory of services id");
                findings.add(".identifier.value", ProblemKind::Value, message);
            }
        }
        (None, _) => {
            findings.add(".identifier", ProblemKind::Required, "is missing; its value is the directory of services id".to_owned());
        }
        (Some(_), Some(_)) => {
            let count = resource.all("identifier").count();
            findings.add(".identifier", ProblemKind::Invariant, format!("{count} of them; the profile has exactly one"));
        }
    }
    let places = resource.all("location").count();
    if places > 1 {
        let message = format!("{places} of them; a service shows one place, so give every place its own service");
        findings.add(".location", ProblemKind::Invariant, message);
    }
}

fn practitioner(resource: &Element, findings: &mut Findings) {
    at_most_one_identifier(resource, SDS_USER, findings);
    if resource.child("communication").is_some() {
        let message = "must not be there: CareConnect-Practitioner-1 prohibits it".to_owned();
        findings.add(".communication", ProblemKind::Invariant, message);
    }
}

fn practitioner_role(resource: &Element, findings: &mut Findings) {
    let is_job = |code: &&Element| code.all("coding").any(|c| c.text_at("system") == Some(SDS_JOB_ROLE));
    if resource.all("code").filter(is_job).count() > 1 {
        findings.add(".code", ProblemKind::Invariant, format!("several of system {SDS_JOB_ROLE}; the profile allows one"));
    }
    for (index, code) in resource.all("code").enumerate().filter(|(_, code)| is_job(code)) {
        if code.all("coding").count() != 1 {
            let message = format!("must be exactly one where its system is {SDS_JOB_ROLE}");
            findings.add(&format!(".code[{index}].coding"), ProblemKind::Invariant, message);
        }
        for (nth, coding) in code.all("coding").enumerate() {
            for part in ["code", "display"].into_iter().filter(|part| coding.text_at(part).is_none()) {
                let place = format!(".code[{index}].coding[{nth}].{part}");
                findings.add(&place, ProblemKind::Required, "is missing".to_owned());
            }
        }
    }
}
