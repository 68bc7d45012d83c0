//! `/openapi.json`: everything that is served, said in OpenAPI 3.0, made from the operations and the tables of answers.
//!
//! It does not know what a handler does; it knows what is promised. The same text is checked in as `docs/openapi.json`, and a
//! test holds the two equal. After a change here or of an operation, write it anew with
//! `slotkeeper openapi > docs/openapi.json`.

mod answers;
mod examples;
mod operations;
mod parameters;
mod schemas;
mod shared;
#[cfg(test)]
mod tests;

use super::dialects;
use super::pipeline::service::Service;
use super::pipeline::{peer, transfer};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// Written once: a third of a megabyte that never changes while the process lives.
static TEXT: LazyLock<String> = LazyLock::new(text);

/// `GET /openapi.json`. No token is needed: it says nothing that the documentation does not.
pub async fn serve(http: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    let answer = match peer::is_trusted(&http, &service.settings) {
        Ok(()) => HttpResponse::Ok().content_type("application/json").body(TEXT.as_str()),
        Err(_) => HttpResponse::Forbidden().finish(),
    };
    transfer::sent_plainly(&http, &service.settings, answer, &service.engine.new_id())
}

/// The document as it is served and checked in.
pub fn text() -> String {
    // Text and numbers alone always have a text.
    let written = serde_json::to_string_pretty(&document()).unwrap_or_default();
    format!("{written}\n")
}

fn document() -> Value {
    let mut paths = Map::new();
    for dialect in dialects::ALL {
        for operation in dialect.operations {
            let path = format!("{}/{}", dialect.root.pattern(), operation.path);
            let item = paths.entry(path).or_insert_with(|| json!({}));
            if let Some(item) = item.as_object_mut() {
                item.insert(operation.method.to_ascii_lowercase(), operations::of(dialect, operation));
            }
        }
    }
    paths.insert("/health/live".to_owned(), health("live", "Whether the process lives", None));
    paths.insert(
        "/health/ready".to_owned(),
        health("ready", "Whether the database answers", Some("the database does not answer, or takes no writes")),
    );
    paths.insert(
        "/openapi.json".to_owned(),
        json!({"get": {
            "operationId": "openapi", "tags": ["operations"], "summary": "This document", "security": [],
            "responses": {"200": {"description": "This document", "content": {"application/json": {"schema": {"type": "object"}}}}},
        }}),
    );
    let mut tags: Vec<Value> =
        dialects::ALL.iter().map(|dialect| json!({"name": dialect.name, "description": dialect.description})).collect();
    tags.push(json!({"name": "operations", "description": "For load balancers and tools"}));
    let mut document = json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Slotkeeper",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "MIT OR Apache-2.0", "url": "https://opensource.org/license/mit"},
        },
        "servers": [{"url": "/", "description": "The server this document came from"}],
        "tags": tags,
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "A JWT of the consumer: aud is the root that is called, reason_for_request is directcare, \
                    requested_scope (with --auth jwks also scope or scp) is a list of scopes parted by spaces. `slotkeeper token` prints one. \
                    Not needed with --auth off.",
            }},
            "schemas": schemas::all(),
            "headers": answers::headers(),
            "examples": answers::examples(),
        },
    });
    shared::factored(&mut document);
    document
}

const DESCRIPTION: &str = "Offers a healthcare provider's time over FHIR STU3 and never books a slot twice.\n\nTwo roots serve the same \
    slots and appointments. Bodies and answers are JSON or XML: `_format` beats `Accept`, which beats the request's own `Content-Type`; \
    JSON otherwise. gzip is read and written, by `Content-Encoding` and `Accept-Encoding`. Every answer carries `X-Request-ID`, and `X-Correlation-ID` with what the request sent; every 4xx and 5xx of a FHIR \
    root is an OperationOutcome. HEAD is possible wherever GET is, and so is `If-None-Match`; preflights (OPTIONS) are answered where \
    the operator named origins whose pages may call; any other method is answered 405 with `Allow`, any other path 404. \
    Names, numbers and places in the examples are invented.";

fn health(what: &str, summary: &str, not: Option<&str>) -> Value {
    let body = |example: Value| json!({"application/json": {"schema": {"type": "object"}, "example": example}});
    let yes = if what == "ready" { json!({"status": what, "searches": "memory"}) } else { json!({"status": what}) };
    let mut responses = json!({"200": {"description": "Yes", "content": body(yes)}});
    if let (Some(why), Some(responses)) = (not, responses.as_object_mut()) {
        responses.insert("503".to_owned(), json!({"description": format!("No: {why}"), "content": body(json!({"status": "not ready"}))}));
    }
    let id = format!("health_{what}");
    json!({"get": {"operationId": id, "tags": ["operations"], "summary": summary, "security": [], "responses": responses}})
}
