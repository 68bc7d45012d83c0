//! The input of `$validate`: a resource by itself, or a `Parameters` resource around it (STU3 resource operations).
//!
//! It must not know what is checked. Problems that the reader of the body found inside the resource are the
//! resource's, and are given on with it under its own paths; a `Parameters` resource that is itself wrong cannot be
//! carried out at all.

use crate::codec::json::Read;
use domain::element::{Element, Value};
use domain::fault::{Problem, ProblemKind};

/// What a call of `$validate` hands over.
#[derive(Debug, Clone, PartialEq)]
pub struct Handed {
    /// The resource to validate, where there is one.
    pub resource: Option<Read>,
    /// What it is meant for: `create`, `update` or `delete`, as sent.
    pub mode: Option<String>,
    /// The profile it is to be validated against, as sent.
    pub profile: Option<String>,
}

/// The resource and parameters in a body.
///
/// # Errors
/// What is wrong with a `Parameters` resource: a parameter that is not known, stands there twice, or has no value of
/// its type.
pub fn validate(body: Read) -> Result<Handed, Vec<Problem>> {
    if body.tree.kind() != Some("Parameters") {
        return Ok(Handed { resource: Some(body), mode: None, profile: None });
    }
    let mut handed = Handed { resource: None, mode: None, profile: None };
    let mut wrong = Vec::new();
    let mut within = Vec::new();
    for (at, parameter) in body.tree.all("parameter").enumerate() {
        let path = format!("Parameters.parameter[{at}]");
        let value = |name: &str| parameter.child(name).and_then(Element::as_text).map(str::to_owned);
        let given = match parameter.text_at("name") {
            Some("resource") => {
                let resource = parameter.child("resource").filter(|_| handed.resource.is_none()).and_then(renamed_to_its_kind);
                within.push((format!("{path}.resource"), resource.as_ref().map(|tree| tree.name.clone()).unwrap_or_default()));
                resource.map(|tree| handed.resource = Some(Read { tree, problems: Vec::new() })).ok_or("one resource")
            }
            Some("mode") => {
                let mode = value("valueCode").filter(|_| handed.mode.is_none());
                mode.map(|mode| handed.mode = Some(mode)).ok_or("one valueCode")
            }
            Some("profile") => {
                let profile = value("valueUri").filter(|_| handed.profile.is_none());
                profile.map(|profile| handed.profile = Some(profile)).ok_or("one valueUri")
            }
            _ => Err("called resource, mode or profile"),
        };
        if let Err(expected) = given {
            let message = format!("this parameter must be {expected}");
            wrong.push(Problem { kind: ProblemKind::Structure, expression: path, message });
        }
    }
    let mut own = Vec::new();
    for problem in body.problems {
        let inside = within.iter().find_map(|(path, kind)| problem.expression.strip_prefix(path).map(|rest| format!("{kind}{rest}")));
        match inside {
            Some(expression) => own.push(Problem { expression, ..problem }),
            None => wrong.push(Problem { kind: ProblemKind::Structure, ..problem }),
        }
    }
    if let Some(resource) = &mut handed.resource {
        resource.problems = own;
    }
    if wrong.is_empty() { Ok(handed) } else { Err(wrong) }
}

/// The resource that stands in an element, as a resource by itself.
fn renamed_to_its_kind(element: &Element) -> Option<Element> {
    let kind = element.kind()?;
    (!matches!(element.value, Some(Value::Foreign(_)))).then(|| element.clone().renamed(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{json, xml};
    use crate::stu3::definitions;

    fn parameters(parameter: &str) -> Result<Handed, Vec<Problem>> {
        validate(
            json::read(format!("{{\"resourceType\": \"Parameters\", \"parameter\": [{parameter}]}}").as_bytes(), definitions()).unwrap(),
        )
    }

    #[test]
    fn a_resource_comes_alone_or_as_a_parameter_in_both_formats() {
        let alone = validate(json::read(br#"{"resourceType": "Appointment", "status": "booked"}"#, definitions()).unwrap()).unwrap();
        assert_eq!((alone.mode.as_deref(), alone.profile.as_deref()), (None, None));
        let wrapped = parameters(
            r#"{"name": "mode", "valueCode": "create"}, {"name": "profile", "valueUri": "urn:x"},
               {"name": "resource", "resource": {"resourceType": "Appointment", "status": "booked"}}"#,
        )
        .unwrap();
        assert_eq!((wrapped.mode.as_deref(), wrapped.profile.as_deref()), (Some("create"), Some("urn:x")));
        assert_eq!(wrapped.resource, alone.resource);
        let in_xml = br#"<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="resource"/><resource><Appointment>
            <status value="booked"/></Appointment></resource></parameter></Parameters>"#;
        assert_eq!(validate(xml::read(in_xml, definitions()).unwrap()).unwrap().resource, alone.resource);
    }

    #[test]
    fn problems_in_the_resource_carry_paths_of_the_resource() {
        let handed = parameters(
            r#"{"name": "mode", "valueCode": "create"},
               {"name": "resource", "resource": {"resourceType": "Appointment", "participant": [{"actor": []}], "slot": {}}}"#,
        );
        let problems = handed.unwrap().resource.unwrap().problems;
        let places: Vec<&str> = problems.iter().map(|p| p.expression.as_str()).collect();
        assert_eq!(places, ["Appointment.participant[0].actor", "Appointment.slot"]);
    }

    #[test]
    fn parameters_that_are_wrong_themselves_are_all_told() {
        for parameter in [
            r#"{"name": "resource"}"#,
            r#"{"name": "resource", "valueString": "Appointment"}"#,
            r#"{"name": "mode", "valueString": "create"}"#,
            r#"{"name": "profile", "valueCode": "x"}"#,
            r#"{"name": "mood", "valueCode": "create"}"#,
            r#"{"valueCode": "create"}"#,
            r#"{"name": ["mode"], "valueCode": "create"}"#,
        ] {
            let wrong = parameters(parameter).unwrap_err();
            assert!(
                wrong.iter().all(|p| p.kind == ProblemKind::Structure && p.expression.starts_with("Parameters.parameter[0]")),
                "{wrong:?}"
            );
        }
        let twice = r#"{"name": "mode", "valueCode": "create"}, {"name": "mode", "valueCode": "create"}"#;
        assert_eq!(parameters(twice).unwrap_err().len(), 1);
        assert!(!parameters("").unwrap_err().is_empty(), "an array is never empty");
    }
}
