//! One operation: what it is called, what it takes, what it answers.

use super::super::pipeline::dialect::Dialect;
use super::super::pipeline::documentation::BodySample;
use super::super::pipeline::operation::{Input, Operation, Stated};
use super::{answers, examples, parameters};
use serde_json::{Value, json};

/// An operation of a root.
pub fn of(dialect: &Dialect, operation: &Operation) -> Value {
    let documentation = operation.documentation;
    let mut description = format!("{}.", documentation.summary);
    if operation.needs_token() {
        description = format!("{description} Scope: `{}` or one that means the same.", operation.scope.example());
    }
    if let Some(more) = documentation.notes {
        description = format!("{description} {more}");
    }
    let mut described = json!({
        "operationId": id(dialect, operation),
        "tags": [dialect.name],
        "summary": documentation.summary,
        "description": description,
        "parameters": parameters::of(dialect, operation),
        "responses": answers::of(dialect, operation),
    });
    if let Some(fields) = described.as_object_mut() {
        if !operation.needs_token() {
            fields.insert("security".to_owned(), json!([]));
        }
        match operation.input {
            Input::Query => None,
            Input::Form => fields.insert("requestBody".to_owned(), parameters::form(dialect, operation)),
            Input::Resource => fields.insert("requestBody".to_owned(), body(dialect, documentation.body)),
        };
    }
    described
}

/// What an operation is called: its root, its resource and what it does.
fn id(dialect: &Dialect, operation: &Operation) -> String {
    let (root, verb) = (dialect.name, operation.documentation.verb);
    match (operation.stated, operation.input) {
        (Stated::Nowhere, _) => format!("{root}_{verb}"),
        (_, Input::Form) => format!("{root}_{}_{verb}_by_form", operation.resource()),
        (_, Input::Query | Input::Resource) => format!("{root}_{}_{verb}", operation.resource()),
    }
}

/// The body of a booking or a cancel, in both formats.
fn body(dialect: &Dialect, sample: BodySample) -> Value {
    let example = match sample {
        BodySample::Cancel => examples::cancelled(dialect),
        BodySample::None | BodySample::Booking | BodySample::Validation => examples::booking(dialect),
    };
    let appointment = json!({"$ref": "#/components/schemas/Appointment"});
    let schema = match sample {
        BodySample::Validation => json!({"oneOf": [appointment, {"$ref": "#/components/schemas/Parameters"}]}),
        BodySample::None | BodySample::Booking | BodySample::Cancel => appointment,
    };
    let description = "An Appointment. `application/json`, `application/json+fhir` and `application/xml+fhir` are understood as well, \
        and `Content-Encoding: gzip`.";
    json!({
        "required": true,
        "description": description,
        "content": {
            "application/fhir+json": {"schema": schema, "example": example},
            "application/fhir+xml": {"schema": {"type": "string"}, "example": examples::as_xml(&example)},
        },
    })
}
