//! Replies to responses: content to bytes in the format asked for, and what is known of it to headers
//! (docs/specification/uec.md#a4-response-headers).

use super::super::access::SearchSummary;
use super::negotiate::Format;
use super::reply::{Content, Reply, ResourceUrl, Status, Validator};
use super::response_cache::CachedResponse;
use super::stored::{is_object, tree};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use domain::document::Document;
use domain::element::Element;
use domain::fault::Fault;
use fhir::codec::{json, xml};
use fhir::definitions::Definitions;
use fhir::shape::Shape;
use std::sync::Arc;

/// A response on its way out, and what is known of it that is not for the client.
pub struct Outgoing {
    /// The response.
    pub response: HttpResponse,
    /// What its tag proves.
    pub validator: Validator,
    /// What a search of slots came to, unless that is kept with the response.
    pub search: Option<SearchSummary>,
    /// Where it is kept, if it is.
    pub cached: Option<Arc<CachedResponse>>,
    /// The codes of a refusal.
    pub refused: Vec<String>,
}

impl Outgoing {
    /// A response of which nothing else is known.
    pub const fn new(response: HttpResponse) -> Self {
        Self { response, validator: Validator::Proves, search: None, cached: None, refused: Vec::new() }
    }

    /// The response that is kept here.
    pub fn again(cached: Arc<CachedResponse>) -> Self {
        let mut response = start(StatusCode::OK, cached.format);
        response.insert_header((header::ETAG, cached.tag.clone()));
        let response = response.body(cached.content.plain().clone());
        Self { cached: Some(cached), ..Self::new(response) }
    }
}

/// The response to a request that was carried out.
///
/// # Errors
/// `Internal` when what is stored cannot be read (docs/specification/uec.md#c23-unrenderable-data).
pub fn to(reply: Reply, format: Format, definitions: &Definitions) -> Result<Outgoing, Fault> {
    let mut response = start(if reply.status == Status::Created { StatusCode::CREATED } else { StatusCode::OK }, format);
    if let Some(version) = reply.version {
        response.insert_header((header::ETAG, format!("W/\"{}\"", version.number)));
        response.insert_header((header::LAST_MODIFIED, version.at.to_http()));
    }
    match reply.place {
        None => {}
        Some(ResourceUrl::Of(place)) => drop(response.insert_header((header::CONTENT_LOCATION, place))),
        Some(ResourceUrl::New(place)) => {
            response.insert_header((header::CONTENT_LOCATION, place.clone()));
            response.insert_header((header::LOCATION, place));
        }
    }
    let response = match reply.content {
        Content::Resource(tree) => response.body(written(&tree, format, reply.pretty, definitions)),
        Content::Stored(stored, shape) => response.body(document(stored, &shape, (format, reply.pretty), definitions)?),
        Content::Written(text) => response.body(text),
        Content::Nothing => {
            let mut response = response.finish();
            response.headers_mut().remove(header::CONTENT_TYPE);
            response
        }
    };
    Ok(Outgoing { validator: reply.validator, search: reply.search, ..Outgoing::new(response) })
}

/// The response with a resource in it and nothing else said.
pub fn resource(status: StatusCode, tree: &Element, format: Format, definitions: &Definitions) -> HttpResponse {
    start(status, format).body(written(tree, format, false, definitions))
}

fn start(status: StatusCode, format: Format) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_TYPE, format.content_type()));
    response
}

fn written(tree: &Element, format: Format, pretty: bool, definitions: &Definitions) -> String {
    match (format, pretty) {
        (Format::Json, false) => json::write(tree, definitions),
        (Format::Json, true) => json::write_pretty(tree, definitions),
        (Format::Xml, false) => xml::write(tree, definitions),
        (Format::Xml, true) => xml::write_pretty(tree, definitions),
    }
}

/// Documents are stored as JSON, so the usual answer is the stored text itself, unless it holds what XML alone gives back.
fn document(document: Document, shape: &Shape, (format, pretty): (Format, bool), definitions: &Definitions) -> Result<String, Fault> {
    match (format, pretty) {
        (Format::Json, false) if shape.is_whole() && is_object(&document.text) && json::is_answer(&document.text) => Ok(document.text),
        _ => Ok(written(&shape.applied(tree(&document)?, definitions), format, pretty, definitions)),
    }
}
