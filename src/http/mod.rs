//! HTTP: routes, headers, tokens, negotiation. The server and the tests put the same service together here.
//!
//! It knows FHIR and the engine, never the store. What a reader would get wrong: each FHIR root is one actix
//! resource that takes everything below it; which route a request is on, and in which order it is checked, is
//! decided by our own table and gate (`request`), because actix runs extractors in no order one could promise.

mod access;
mod answers;
mod aside;
mod auth;
mod dialects;
mod fault;
mod handlers;
mod health;
mod negotiate;
pub mod openapi;
mod policy;
mod prefer;
mod request;
mod respond;
mod settings;
pub mod tls;
mod transfer;

pub use access::AccessSink;
pub use answers::Answers;
pub use aside::Turns;
pub use auth::{
    ASK_AGAIN_MS, Algorithm, Authorities, CLIENT_CLAIMS, Caller, ClientDirectory, Fetch, Fetched, Issuer, KeyPlace, KeySet, KeySource,
    Need, ORGANISATION_CLAIM, Organisation, SCOPE_CLAIMS, STALE_MS, Trust, admit, read_key_file,
};
pub use policy::{Client, Consumer, Policy, PolicyInForce};
pub use settings::{AuthMode, HttpLimits, Settings};
pub use transfer::cors::{ANY as ANY_ORIGIN, origin};

use crate::engine::Engine;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use std::sync::Arc;

/// What every handler shares.
pub struct Service {
    /// Everything the service does.
    pub engine: Arc<Engine>,
    /// How it is reached and guarded.
    pub settings: Settings,
    /// What consumer organisations may see and do.
    pub policy: Arc<PolicyInForce>,
    /// Where every access is recorded, if anywhere.
    pub access: Option<AccessSink>,
    /// Answers to searches of slots that may be given again.
    pub answers: Answers,
    /// Who is next to wait for the database.
    pub turns: Turns,
}

impl Service {
    /// A service under no policy, whose accesses nobody records.
    pub fn new(engine: Arc<Engine>, settings: Settings) -> Self {
        let answers = Answers::new(settings.limits.answers_bytes_max);
        let turns = Turns::of(&engine);
        Self { engine, settings, policy: Arc::default(), access: None, answers, turns }
    }
}

/// Adds every route of the service to an actix application.
pub fn configure(service: Arc<Service>) -> impl FnOnce(&mut ServiceConfig) + Clone {
    move |config| {
        config.app_data(web::Data::from(Arc::clone(&service)));
        for dialect in dialects::ALL {
            let root =
                web::scope(dialect.root).default_service(web::to(move |req, body, service| handlers::serve(dialect, req, body, service)));
            let completed = Arc::clone(&service);
            let completed = from_fn(move |asked, next| {
                let service = Arc::clone(&completed);
                async move { transfer::cors::completed(dialect, &service, asked, next).await }
            });
            // What is wrapped last is outermost: it also sees what the layer within answers by itself.
            config.service(root.wrap(transfer::cors::layer(&service.settings)).wrap(completed));
        }
        config.route("/health/live", web::route().to(health::live));
        config.route("/health/ready", web::route().to(health::ready));
        let openapi = web::resource("/openapi.json").route(web::get().to(openapi::serve)).route(web::head().to(openapi::serve));
        config.service(openapi);
        config.default_service(web::to(handlers::nothing_here));
    }
}
