//! What can stand in a URL and in the headers of a request.
//!
//! The names are those of the tables by which the searches read their queries, so the two cannot drift.

use super::super::dialects::{Dialect, Interaction, Route};
use fhir::search::{self, DeclaredParameter, ParameterKind, SearchRules};
use serde_json::{Map, Value, json};

/// Everything a route takes beside its body.
pub fn of(dialect: &Dialect, route: Route) -> Vec<Value> {
    let mut all: Vec<Value> = ["id", "version"].into_iter().take(route.path.matches('*').count()).map(in_path).collect();
    if !route.form {
        all.extend(asked(dialect, route).into_iter().map(in_query));
    }
    if route.interaction != Interaction::Capability {
        let spine = ["Ssp-TraceID", "Ssp-From", "Ssp-To", "Ssp-InteractionID"];
        all.extend(
            spine
                .into_iter()
                .map(|name| header(name, dialect.headers_demanded.iter().any(|demanded| demanded.name == name), SSP, example_of(name))),
        );
    }
    if route.interaction.takes_resource() {
        let example = "6c92ab9c-0cf4-4997-bac2-a4a8bd151902";
        all.push(header("X-Request-ID", dialect.request_id_demanded, "1 to 64 printable characters; the same when sent again", example));
    }
    if route.interaction == Interaction::Validate {
        all.push(in_query(DeclaredParameter {
            name: "mode",
            kind: ParameterKind::Token,
            documentation: "create, update or delete, where the body does not say".to_owned(),
        }));
    }
    if route.method == "GET" {
        all.push(header("If-None-Match", false, "The ETag of an answer that is held: 304 if it still holds", "W/\"1\""));
    }
    if route.interaction == Interaction::Update {
        all.push(header("If-Match", dialect.if_match_demanded, "The ETag of the version that was read", "W/\"1\""));
    }
    if !dialect.strict {
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
        _ => ("The id", json!({"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"})),
    };
    json!({"name": name, "in": "path", "required": true, "description": says, "schema": schema})
}

/// The parameters of a route, wherever they stand.
fn asked(dialect: &Dialect, route: Route) -> Vec<DeclaredParameter> {
    let rules = rules(dialect);
    let kind = route.path.split('/').next().unwrap_or_default();
    let searches = route.form || (!route.path.contains('/') && route.method == "GET");
    let of_search = search::declared(kind, &rules).filter(|_| searches).map(|declared| declared.parameters);
    of_search.unwrap_or_else(|| search::declared_of_reads(&rules))
}

/// The rules of a root, as far as they decide which names are known.
pub fn rules(dialect: &Dialect) -> SearchRules {
    if dialect.strict { search::BOOKING_RULES } else { search::PROVIDER_RULES }
}

/// The form of a search that is posted.
pub fn form(dialect: &Dialect, route: Route) -> Value {
    let fields = asked(dialect, route).into_iter().map(|p| (p.name.to_owned(), json!({"type": "string", "description": p.documentation})));
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
