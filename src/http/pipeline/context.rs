//! A request that passed the gate, in a handler's hands.

use super::super::auth::Caller;
use super::body::Body;
use super::error_response::ErrorTable;
use super::negotiate::Format;
use super::path::PathValues;
use super::prefer::Preferences;
use super::rules::DialectRules;
use super::service::Service;
use crate::engine::Engine;
use actix_web::web;
use domain::appointment::{Origin, RequestKey};
use domain::fault::Fault;
use domain::policy::Access;
use fhir::definitions::Definitions;
use fhir::search::{self, Reading, SearchRules};
use fhir::service_roots::ServiceRoots;
use fhir::stu3::uec::appointment::BookingRules;
use fhir::stu3::uec::compat::ApiVersion;

/// A request that passed the gate.
pub struct RequestContext {
    /// What every request shares.
    pub service: web::Data<Service>,
    /// What the dialect holds requests to.
    pub rules: &'static DialectRules,
    /// What the dialect answers to faults.
    pub refuse: ErrorTable,
    /// The key under which the request is recognised when it is sent again, where it writes and has one.
    pub request_key: Option<RequestKey>,
    /// The values in the path: those of the root, and those of the operation.
    pub path: PathValues,
    /// Absolute URL of the root that was called.
    pub root_url: String,
    /// Who asks.
    pub caller: Caller,
    /// The oldest version of the API that is spoken with them.
    pub compat: ApiVersion,
    /// What the query is held to.
    pub search_rules: SearchRules,
    /// What the client prefers, where the dialect follows that.
    pub preferences: Preferences,
    /// The decoded parameters of the query and the form.
    pub parameters: Vec<(String, String)>,
    /// The format of the body.
    pub body_format: Format,
    /// The format of the answer.
    pub answer_format: Format,
    /// `If-Match`, as sent.
    pub if_match: Option<String>,
    /// The body as it was sent; empty where there is none.
    pub body: Body,
    /// Whether the index in memory is as new as the database, where that was waited for already.
    pub index_is_fresh: Option<bool>,
}

impl RequestContext {
    /// The id in the path; the pattern of the operation has seen to it that there is one.
    pub fn id(&self) -> &str {
        self.path.get("id")
    }

    /// The value of the first parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// `_pretty` of a write, which has no other parameters.
    pub fn pretty(&self) -> bool {
        self.parameters.iter().any(|(name, value)| name == "_pretty" && value == "true")
    }

    /// How the answer to a read of `kind` is to look, and how much of the resource is wanted.
    ///
    /// # Errors
    /// [`Fault::Parameter`], where the dialect refuses parameters.
    pub fn reading(&self, kind: &'static str) -> Result<Reading, Fault> {
        search::reading(&self.parameters, &self.search_rules, kind, self.rules.definitions)
    }

    /// What the release that is spoken here says of elements.
    pub fn definitions(&self) -> &'static Definitions {
        (self.rules.definitions)()
    }

    /// What whoever asks may see and do.
    pub fn access(&self) -> Access {
        self.caller.access.clone()
    }

    /// What is recorded of whoever asks.
    pub fn origin(&self) -> Origin {
        self.caller.origin.as_ref().clone()
    }

    /// What the body of a booking is held to.
    pub fn booking_rules(&self) -> BookingRules<'_> {
        self.rules.booking_rules(self.service.settings.require_verified_nhs_number, self.compat).below(self.service_roots())
    }

    /// Where references lead that are this server's own: to any of its roots, whichever was called.
    pub fn service_roots(&self) -> ServiceRoots<'_> {
        self.service.roots()
    }

    /// Runs an operation of the engine that waits for the database, when it is its turn.
    ///
    /// # Errors
    /// What `work` returns, and those of [`ReadLimiter::run`](super::read_limiter::ReadLimiter::run).
    pub async fn engine<T: Send + 'static>(&self, work: impl FnOnce(&Engine) -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
        self.service.read_limiter.run(&self.service.engine, work).await
    }
}
