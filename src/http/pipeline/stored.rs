//! Stored documents, which are JSON whatever they were sent as.

use domain::document::{Document, Documents};
use domain::element::Element;
use domain::fault::Fault;
use fhir::stu3::Stu3Documents;

/// Whether a stored text has at least the look of a resource. One that somebody spoilt must not be handed out as it is
/// (docs/specification/uec.md#c23-unrenderable-data); the codec then finds out what is wrong with it.
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
