//! What a handler answers, as a value: nothing here knows how it goes out.

use super::super::access::SearchSummary;
use crate::engine::IndexVersion;
use domain::document::Document;
use domain::element::Element;
use domain::time::Timestamp;
use fhir::shape::Shape;

/// Whether something was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// 200.
    Ok,
    /// 201.
    Created,
}

/// What goes into the body.
#[derive(Debug, Clone)]
pub enum Content {
    /// Nothing.
    Nothing,
    /// A resource.
    Resource(Element),
    /// A stored document, as much of it as is wanted.
    Stored(Document, Shape),
    /// Text that is written already, in the format of the answer.
    Written(String),
}

/// Which version of a resource it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceVersion {
    /// Its number.
    pub number: i64,
    /// When it was made.
    pub at: Timestamp,
}

/// Where a version is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceUrl {
    /// It was read: `Content-Location`.
    Of(String),
    /// It was made: `Location` too.
    New(String),
}

/// What the tag of a reply proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validator {
    /// Whoever names it holds this very content.
    Proves,
    /// Nothing: the content depends on more than its version. A slot that nobody booked stops being free when it begins, and
    /// a schedule shows another service when the policy hides the one it showed.
    ProvesNothing,
}

/// As long as what a reply stays right.
#[derive(Debug, Clone)]
pub struct Validity {
    /// As long as this version of the index is the current one, as far as it goes,
    pub version: IndexVersion,
    /// from then on,
    pub from: Timestamp,
    /// and before that.
    pub until: Timestamp,
}

/// What a handler answers.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Whether something was made.
    pub status: Status,
    /// What goes into the body.
    pub content: Content,
    /// Whether people want to read it.
    pub pretty: bool,
    /// Which version of a resource it is, if it is one.
    pub version: Option<ResourceVersion>,
    /// Where that is to be found, if that is said.
    pub place: Option<ResourceUrl>,
    /// What its tag proves.
    pub validator: Validator,
    /// What a search of slots came to, for the trail of accesses.
    pub search: Option<SearchSummary>,
    /// As long as what it may be given again to the same question; never, when `None`.
    pub validity: Option<Validity>,
}

impl Reply {
    /// A reply with this content.
    pub const fn new(content: Content, pretty: bool) -> Self {
        Self { status: Status::Ok, content, pretty, version: None, place: None, validator: Validator::Proves, search: None, validity: None }
    }

    /// A reply with a resource in it.
    pub const fn resource(tree: Element, pretty: bool) -> Self {
        Self::new(Content::Resource(tree), pretty)
    }

    /// The same, of which it is known which version of a resource it is.
    #[must_use]
    pub fn of_version(self, number: i64, at: Timestamp) -> Self {
        Self { version: Some(ResourceVersion { number, at }), ..self }
    }
}
