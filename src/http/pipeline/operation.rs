//! An operation of a root: how it is called, what it needs, what it does, and what is said of it.
//!
//! Routes, the order of checks, the statement, OpenAPI and the trail of accesses read these values. There is no other list
//! of what is served.

use super::super::auth::Need;
use super::context::RequestContext;
use super::documentation::{Documentation, FaultSample};
use super::reply::Reply;
use super::rules::DialectRules;
use domain::fault::Fault;
use std::future::Future;
use std::pin::Pin;

/// A reply that is being made.
pub type HandlerFuture<'c> = Pin<Box<dyn Future<Output = Result<Reply, Fault>> + 'c>>;
/// What makes the reply to a request that passed the gate.
pub type Handler = for<'c> fn(&'c RequestContext) -> HandlerFuture<'c>;

/// What an operation takes besides its path and its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Parameters in the URL.
    Query,
    /// Parameters in the URL and in a form in the body.
    Form,
    /// A resource in the body.
    Resource,
}

/// Whether anything is different afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing is.
    Reads,
    /// An appointment is made or changed.
    Writes,
}

/// What the provider's policy must allow an organisation beyond being admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Nothing.
    Admission,
    /// To book.
    Book,
    /// To cancel.
    Cancel,
}

/// Whether a response may be kept and given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// Never.
    Never,
    /// To the same query, as long as what it was made from stands. The handler says how long with its reply.
    ByQuery,
}

/// What the capability statement says of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stated {
    /// Nothing: it is the statement itself.
    Nowhere,
    /// That its resource type has this interaction.
    Interaction(&'static str),
    /// That there is an operation of this name and definition.
    Operation {
        /// What it is called, without the `$`.
        name: &'static str,
        /// URL of its definition.
        definition: &'static str,
    },
}

/// The code of a search among the interactions of a statement.
pub const SEARCH_TYPE: &str = "search-type";

/// An operation of a root.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// `GET`, `POST` or `PUT`; HEAD goes where GET goes.
    pub method: &'static str,
    /// The path below the root, its segments parted by `/`; `{name}` stands for one value.
    pub path: &'static str,
    /// What it needs of a token.
    pub scope: Need,
    /// What it needs of the provider's policy.
    pub permission: Permission,
    /// Its name in the trail of accesses: the interaction ids of the standard, without their prefix
    /// (docs/specification/uec.md#a0-summary).
    pub audit: &'static str,
    /// What it takes.
    pub input: Input,
    /// Whether it writes.
    pub effect: Effect,
    /// Whether its responses may be kept.
    pub caching: Caching,
    /// What the statement says of it.
    pub stated: Stated,
    /// What makes its reply.
    pub handler: Handler,
    /// The faults it can answer besides those of the gate, each with an example.
    pub faults: fn(&DialectRules) -> Vec<FaultSample>,
    /// What OpenAPI says of it.
    pub documentation: Documentation,
}

impl Operation {
    /// The same search with its parameters in the body (STU3 http, "search").
    #[must_use]
    pub const fn by_form(self, path: &'static str) -> Self {
        Self { method: "POST", path, input: Input::Form, caching: Caching::Never, ..self }
    }

    /// The same operation with something else to be known of it.
    #[must_use]
    pub const fn with_notes(mut self, notes: &'static str) -> Self {
        self.documentation.notes = Some(notes);
        self
    }

    /// The resource type in its path.
    pub fn resource(&self) -> &'static str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// Whether a token is looked at.
    pub fn needs_token(&self) -> bool {
        self.scope != Need::Nothing
    }

    /// Whether its body is a resource.
    pub fn takes_resource(&self) -> bool {
        self.input == Input::Resource
    }

    /// Whether it finds what matches.
    pub fn searches(&self) -> bool {
        self.stated == Stated::Interaction(SEARCH_TYPE)
    }
}
