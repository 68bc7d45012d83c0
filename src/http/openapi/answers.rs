//! What is answered: every status with what it means, and for every fault the very OperationOutcome it gets.
//!
//! Pitfall: no status of a refusal is written down here. Each fault that an operation can answer is put to the root's own
//! table, and whatever that says is what the document says.

use super::super::auth::Need;
use super::super::dialects;
use super::super::pipeline::dialect::Dialect;
use super::super::pipeline::documentation::FaultSample;
use super::super::pipeline::operation::{Effect, Operation};
use super::examples;
use domain::fault::{Denial, Fault, TokenFault};
use domain::ids::OdsCode;
use fhir::codec::json as fhir_json;
use fhir::{outcome, stu3};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const ID_OF_OUTCOME: &str = "4266bd15-db38-4506-8130-d19495657151";

/// The responses of an operation.
pub fn of(dialect: &Dialect, operation: &Operation) -> Value {
    let documentation = operation.documentation;
    let answer = documentation.answer;
    let mut responses = Map::new();
    let mut names = vec!["X-Request-ID", "X-Correlation-ID", "Cache-Control"];
    match answer {
        "OperationOutcome" => {}
        "Bundle" | "CapabilityStatement" => names.push("ETag"),
        _ => names.extend(["ETag", "Last-Modified"]),
    }
    if answer == "Appointment" {
        names.push("Content-Location");
    }
    if operation.effect == Effect::Writes {
        names.push("Location");
    }
    let schema = json!({"$ref": format!("#/components/schemas/{answer}")});
    let content = match examples::answer(dialect, documentation.example) {
        Some(example) => json!({
            "application/fhir+xml": {"schema": {"type": "string"}, "example": examples::as_xml(&example)},
            "application/fhir+json": {"schema": schema, "example": example},
        }),
        None => json!({"application/fhir+xml": {"schema": {"type": "string"}}, "application/fhir+json": {"schema": schema}}),
    };
    let (status, says) = documentation.success;
    responses.insert(status.to_string(), json!({"description": says, "headers": references(&names), "content": content}));
    if operation.method == "GET" {
        let says = "Not modified: the answer whose ETag If-None-Match names still holds";
        let names = ["X-Request-ID", "X-Correlation-ID", "Cache-Control", "ETag"];
        responses.insert("304".to_owned(), json!({"description": says, "headers": references(&names)}));
    }
    let mut by_status: BTreeMap<u16, Vec<FaultSample>> = BTreeMap::new();
    for sample in faults(dialect, operation) {
        by_status.entry((dialect.refuse)(&sample.fault).status).or_default().push(sample);
    }
    for (status, samples) in by_status {
        responses.insert(status.to_string(), refusal(dialect, &samples));
    }
    Value::Object(responses)
}

/// The examples that refusals refer to.
pub fn examples() -> Value {
    let mut all = Map::new();
    for dialect in dialects::ALL {
        for FaultSample { name, meaning, fault } in dialect.operations.iter().flat_map(|operation| faults(dialect, operation)) {
            let tree = outcome::tree(ID_OF_OUTCOME, &(dialect.refuse)(&fault).issues);
            let value: Value = serde_json::from_str(&fhir_json::write(&tree, stu3::definitions())).unwrap_or_default();
            all.insert(format!("{}-{name}", dialect.name), json!({"summary": meaning, "value": value}));
        }
    }
    Value::Object(all)
}

/// The headers that answers refer to.
pub fn headers() -> Value {
    let header = |says: &str, example: &str| json!({"description": says, "schema": {"type": "string"}, "example": example});
    json!({
        "X-Request-ID": header("The server's own id of this answer; its log has it too", "73d7da71-8574-43c7-b4ea-dd05a4bcc3b9"),
        "X-Correlation-ID": header("X-Request-ID of the request, where it had one", "6c92ab9c-0cf4-4997-bac2-a4a8bd151902"),
        "Cache-Control": header("no-store", "no-store"),
        "ETag": header("The version, for If-Match; of a Bundle or statement its content. For If-None-Match in any case", "W/\"1\""),
        "Last-Modified": header("When the version was made", "Tue, 10 Feb 2026 16:05:31 GMT"),
        "Location": header("The version, absolute", "http://127.0.0.1:8080/STU3/1/booking/Appointment/43359409-1e68-4f08-96ba-fcaa4dc9e11b/_history/1"),
        "Content-Location": header("The version, absolute", "http://127.0.0.1:8080/STU3/1/booking/Appointment/43359409-1e68-4f08-96ba-fcaa4dc9e11b/_history/1"),
        "Retry-After": header("When to try again, in seconds", "1"),
    })
}

fn references(names: &[&str]) -> Value {
    let pairs = names.iter().map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")})));
    Value::Object(pairs.collect())
}

fn refusal(dialect: &Dialect, samples: &[FaultSample]) -> Value {
    let says: Vec<&str> = samples.iter().map(|sample| sample.meaning).collect();
    let named = samples.iter().map(|sample| {
        let name = format!("{}-{}", dialect.name, sample.name);
        (name.clone(), json!({"$ref": format!("#/components/examples/{name}")}))
    });
    let mut names = vec!["X-Request-ID", "X-Correlation-ID", "Cache-Control"];
    if samples.iter().any(|sample| matches!(sample.fault, Fault::Busy { .. })) {
        names.push("Retry-After");
    }
    let schema = json!({"$ref": "#/components/schemas/OperationOutcome"});
    json!({
        "description": says.join("; "),
        "headers": references(&names),
        "content": {
            "application/fhir+json": {"schema": schema, "examples": named.collect::<Map<_, _>>()},
            "application/fhir+xml": {"schema": {"type": "string"}},
        },
    })
}

/// Every fault an operation can answer, in the order of the checks (docs/contract.md#order-of-checks).
fn faults(dialect: &Dialect, operation: &Operation) -> Vec<FaultSample> {
    let mut all = gate(dialect, operation);
    all.extend((operation.faults)(&dialect.rules));
    all.push(FaultSample::new("internal", "the server failed", Fault::Internal));
    all
}

fn gate(dialect: &Dialect, operation: &Operation) -> Vec<FaultSample> {
    let mut all = Vec::new();
    let query = Fault::TooLarge { what: "query", limit: 8_192, unit: "bytes" };
    all.push(FaultSample::new("query-too-large", "the query is too long", query));
    if operation.needs_token() {
        let needed = operation.scope.example();
        let token = Fault::Token(TokenFault::Scope { claim: "requested_scope".to_owned(), needed });
        let name = match operation.scope {
            Need::WriteAppointments => "token-write",
            Need::ReadAppointments => "token-appointments",
            Need::Nothing | Need::ReadSlots => "token-slots",
        };
        let meaning = "no token, or one that is unreadable, expired, for another audience or without the scope";
        all.push(FaultSample::new(name, meaning, token));
        let unlisted = Fault::NotPermitted(Denial::Unlisted { organisation: OdsCode::stored("X9T20".to_owned()) });
        all.push(FaultSample::new("not-admitted", "the provider's policy does not admit the organisation", unlisted));
        if let Some(header) = dialect.rules.headers.first() {
            let missing = Fault::HeaderMissing { name: header.name };
            all.push(FaultSample::new("header-missing", "a header that is demanded is missing", missing));
        }
    }
    let format = Fault::NotAcceptable { given: "text/csv".to_owned() };
    all.push(FaultSample::new("format-unknown", "the answer cannot be written in the format asked for", format));
    all
}
