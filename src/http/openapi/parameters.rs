//! What can stand in a URL and in the headers of a request.
//!
//! The names are those of the tables by which the searches read their queries, so the two cannot drift.

use super::super::pipeline::dialect::Dialect;
use super::super::pipeline::operation::{Input, Operation};
use super::super::pipeline::path;
use super::super::pipeline::rules::{HeaderPresence, PreferHeader};
use fhir::search::{DeclaredParameter, ParameterKind};
use fhir::stu3::search;
use serde_json::{Map, Value, json};

/// Everything an operation takes beside its body.
pub fn of(dialect: &Dialect, operation: &Operation) -> Vec<Value> {
    let mut all: Vec<Value> = dialect.root.parameters().chain(path::names(operation.path)).map(in_path).collect();
    if operation.input != Input::Form {
        all.extend(asked(dialect, operation).into_iter().map(in_query));
    }
    if operation.needs_token() {
        let spine = ["Ssp-TraceID", "Ssp-From", "Ssp-To", "Ssp-InteractionID"];
        let demanded = |name: &str| dialect.rules.headers.iter().any(|header| header.name == name);
        all.extend(spine.into_iter().map(|name| header(name, demanded(name), SSP, example_of(name))));
    }
    if operation.takes_resource() {
        let example = "6c92ab9c-0cf4-4997-bac2-a4a8bd151902";
        let demanded = dialect.rules.request_id == HeaderPresence::Demanded;
        all.push(header("X-Request-ID", demanded, "1 to 64 printable characters; the same when sent again", example));
    }
    all.extend(
        operation
            .documentation
            .query
            .iter()
            .map(|(name, says)| in_query(DeclaredParameter { name, kind: ParameterKind::Token, documentation: (*says).to_owned() })),
    );
    if operation.method == "GET" {
        all.push(header("If-None-Match", false, "The ETag of an answer that is held: 304 if it still holds", "W/\"1\""));
    }
    // What is put is put in the place of a version.
    if operation.method == "PUT" {
        let demanded = dialect.rules.if_match == HeaderPresence::Demanded;
        all.push(header("If-Match", demanded, "The ETag of the version that was read", "W/\"1\""));
    }
    if dialect.rules.prefer == PreferHeader::Applied {
        let says =
            "handling=strict: unknown parameters are refused; return=minimal, representation or OperationOutcome: what a write answers";
        all.push(header("Prefer", false, says, "handling=strict"));
    }
    all
}

const SSP: &str = "What the Spine proxy adds; recorded, never used for routing. Not demanded with --auth off";

fn example_of(header: &str) -> &'static str {
    match header {
        "Ssp-TraceID" => "09a01679-2564-0fb4-5129-aecc81ea2706",
        "Ssp-From" => "200000000359",
        "Ssp-To" => "918999198993",
        _ => "urn:nhs:names:services:careconnect:fhir:rest:search:slot",
    }
}

fn in_path(name: &str) -> Value {
    let (says, schema) = match name {
        "version" => ("The version, from 1", json!({"type": "string", "pattern": "^[0-9]+$"})),
        "ods" => ("The ODS code of a provider", json!({"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"})),
        _ => ("The id", json!({"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"})),
    };
    json!({"name": name, "in": "path", "required": true, "description": says, "schema": schema})
}

/// The parameters of an operation, wherever they stand.
fn asked(dialect: &Dialect, operation: &Operation) -> Vec<DeclaredParameter> {
    let rules = &dialect.rules.search;
    let declared = if operation.searches() { search::declared(operation.resource(), rules) } else { None };
    declared.map_or_else(|| search::declared_of_reads(rules), |declared| declared.parameters)
}

/// The form of a search that is posted.
pub fn form(dialect: &Dialect, operation: &Operation) -> Value {
    let declared = asked(dialect, operation).into_iter();
    let fields = declared.map(|p| (p.name.to_owned(), json!({"type": "string", "description": p.documentation})));
    let schema = json!({"type": "object", "properties": Value::Object(fields.collect::<Map<_, _>>())});
    json!({"description": "The same parameters as in a URL", "content": {"application/x-www-form-urlencoded": {"schema": schema}}})
}

fn in_query(parameter: DeclaredParameter) -> Value {
    let DeclaredParameter { name, kind, documentation } = parameter;
    let text = json!({"type": "string"});
    // A date is given twice to make a window, an include once for each thing wanted.
    if kind == ParameterKind::Date || name.ends_with("include") {
        let schema = json!({"type": "array", "items": text});
        return json!({"name": name, "in": "query", "description": documentation, "style": "form", "explode": true, "schema": schema});
    }
    json!({"name": name, "in": "query", "description": documentation, "schema": text})
}

fn header(name: &str, required: bool, says: &str, example: &str) -> Value {
    json!({"name": name, "in": "header", "required": required, "description": says, "schema": {"type": "string"}, "example": example})
}
