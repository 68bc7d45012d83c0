//! Answers: trees and stored documents to bytes, and the headers every answer carries (digest A.4).

use super::negotiate::Format;
use actix_web::http::header::HeaderValue;
use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use domain::appointment::AppointmentVersion;
use domain::document::{Document, Documents};
use domain::element::Element;
use domain::fault::Fault;
use domain::time::Timestamp;
use fhir::codec::json;
use fhir::codec::xml;
use fhir::shape::Shape;
use fhir::stu3;
use fhir::stu3::Stu3Documents;

/// How an answer is to look.
#[derive(Debug, Clone, Copy)]
pub struct Looks {
    /// Its format.
    pub format: Format,
    /// Whether people want to read it.
    pub pretty: bool,
}

/// What an answer about a write has in its body.
#[derive(Debug, Clone)]
pub enum Content<'a> {
    /// The resource, as much of it as is wanted.
    Resource(&'a Shape),
    /// Another resource instead.
    Instead(&'a Element),
    /// Nothing.
    Nothing,
}

/// An answer with a resource in it.
pub fn resource(status: StatusCode, tree: &Element, looks: Looks) -> HttpResponse {
    start(status, looks.format).body(written(tree, looks))
}

/// An answer whose text is written already.
pub fn text(status: StatusCode, text: String, format: Format) -> HttpResponse {
    start(status, format).body(text)
}

/// One version of an appointment, with its tag, time and place.
///
/// # Errors
/// `Internal` when what is stored cannot be read (digest C.23).
pub fn appointment(
    status: StatusCode,
    version: &AppointmentVersion,
    root_url: &str,
    looks: Looks,
    with_location: bool,
    content: &Content<'_>,
) -> Result<HttpResponse, Fault> {
    let place = format!("{root_url}/Appointment/{}/_history/{}", version.id, version.version);
    let mut answer = start(status, looks.format);
    tagged(&mut answer, version.version, version.recorded);
    answer.insert_header((header::CONTENT_LOCATION, place.clone()));
    if with_location {
        answer.insert_header((header::LOCATION, place));
    }
    match content {
        Content::Resource(shape) => Ok(answer.body(document(&version.document, looks, shape)?)),
        Content::Instead(tree) => Ok(answer.body(written(tree, looks))),
        Content::Nothing => {
            let mut answer = answer.finish();
            answer.headers_mut().remove(header::CONTENT_TYPE);
            Ok(answer)
        }
    }
}

/// One stored resource of the directory.
///
/// # Errors
/// `Internal` when what is stored cannot be read.
pub fn stored(stored: &Document, version: i64, updated: Timestamp, looks: Looks, shape: &Shape) -> Result<HttpResponse, Fault> {
    let mut answer = start(StatusCode::OK, looks.format);
    tagged(&mut answer, version, updated);
    Ok(answer.body(document(stored, looks, shape)?))
}

/// One resource that is made for the answer, with its version.
pub fn versioned(tree: &Element, version: i64, updated: Timestamp, looks: Looks) -> HttpResponse {
    let mut answer = start(StatusCode::OK, looks.format);
    tagged(&mut answer, version, updated);
    answer.body(written(tree, looks))
}

/// An answer whose text is written already, and whose tag is known.
pub fn tagged_text(status: StatusCode, text: Bytes, tag: HeaderValue, format: Format) -> HttpResponse {
    start(status, format).insert_header((header::ETAG, tag)).body(text)
}

fn start(status: StatusCode, format: Format) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer.insert_header((header::CONTENT_TYPE, format.content_type()));
    answer
}

fn tagged(answer: &mut HttpResponseBuilder, version: i64, at: Timestamp) {
    answer.insert_header((header::ETAG, format!("W/\"{version}\"")));
    answer.insert_header((header::LAST_MODIFIED, at.to_http()));
}

fn written(tree: &Element, looks: Looks) -> String {
    match (looks.format, looks.pretty) {
        (Format::Json, false) => json::write(tree, stu3::definitions()),
        (Format::Json, true) => json::write_pretty(tree, stu3::definitions()),
        (Format::Xml, false) => xml::write(tree, stu3::definitions()),
        (Format::Xml, true) => xml::write_pretty(tree, stu3::definitions()),
    }
}

/// Documents are stored as JSON, so the usual answer is the stored text itself, unless it holds what XML alone gives back.
fn document(document: &Document, looks: Looks, shape: &Shape) -> Result<String, Fault> {
    let text = &document.text;
    match (looks.format, looks.pretty) {
        (Format::Json, false) if shape.is_whole() && is_object(text) && json::is_answer(text) => Ok(text.clone()),
        _ => Ok(written(&shape.applied(tree(document)?, stu3::definitions()), looks)),
    }
}

/// Whether a stored text has at least the look of a resource. One that somebody spoilt must not be handed out as it is
/// (digest C.23); the codec then finds out what is wrong with it.
pub fn is_object(text: &str) -> bool {
    text.starts_with("{\"resourceType\":\"") && text.ends_with('}')
}

/// The tree of a stored document.
///
/// # Errors
/// `Internal` when it cannot be read.
pub fn tree(document: &Document) -> Result<Element, Fault> {
    Stu3Documents.read(document).map_err(|problem| {
        log::error!("a stored resource cannot be read: {problem}");
        Fault::Internal
    })
}
