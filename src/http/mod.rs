//! HTTP: roots, headers, tokens, negotiation. The server and the tests put the same service together here.
//!
//! It knows FHIR and the engine, never the store. `pipeline` is what every root shares, `handlers` are operations on
//! resources, and a folder of `dialects` is a root: a list of operations, what it holds requests to, its table of answers,
//! its statement. Pitfall: each root is one actix resource that takes everything below it. Which operation a request is for,
//! and in which order it is checked, is decided in `pipeline`, because actix runs extractors in no order one could promise.

mod access;
mod auth;
pub mod dialects;
pub mod handlers;
mod health;
pub mod openapi;
pub mod pipeline;
mod policy;
mod settings;
#[cfg(test)]
mod tests;
pub mod tls;

pub use access::{AccessSink, SearchSummary};
pub use auth::{
    ASK_AGAIN_MS, Algorithm, AuthMode, Authorities, CLIENT_CLAIMS, Caller, ClientDirectory, Fetch, Fetched, Issuer, KeyPlace, KeySet,
    KeySource, Need, ORGANISATION_CLAIM, Organisation, SCOPE_CLAIMS, STALE_MS, TokenRules, Trust, admit, read_key_file,
};
pub use dialects::ROOT_PATHS;
pub use pipeline::read_limiter::ReadLimiter;
pub use pipeline::response_cache::ResponseCache;
pub use pipeline::service::Service;
pub use pipeline::transfer::cors::{ANY as ANY_ORIGIN, origin};
pub use policy::{Client, Consumer, Policy, PolicyInForce};
pub use settings::{HttpLimits, Settings};

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use pipeline::dialect::Dialect;
use pipeline::serve::{nothing_here, serve};
use pipeline::transfer::cors;
use std::sync::Arc;

/// Adds everything that is served to an actix application.
pub fn configure(service: Arc<Service>) -> impl FnOnce(&mut ServiceConfig) + Clone {
    configure_roots(service, &dialects::ALL)
}

/// The same with these roots.
pub fn configure_roots(service: Arc<Service>, roots: &'static [&'static Dialect]) -> impl FnOnce(&mut ServiceConfig) + Clone {
    move |config| {
        config.app_data(web::Data::from(Arc::clone(&service)));
        for dialect in roots {
            add_root(config, dialect, &service);
        }
        config.route("/health/live", web::route().to(health::live));
        config.route("/health/ready", web::route().to(health::ready));
        let openapi = web::resource("/openapi.json").route(web::get().to(openapi::serve)).route(web::head().to(openapi::serve));
        config.service(openapi);
        config.default_service(web::to(|http, service| nothing_here(&dialects::booking::DIALECT, http, service)));
    }
}

/// Adds a root.
fn add_root(config: &mut ServiceConfig, dialect: &'static Dialect, service: &Arc<Service>) {
    let answering = web::to(move |http, payload, service| serve(dialect, http, payload, service));
    let completing = Arc::clone(service);
    let completed = from_fn(move |request, next| {
        let service = Arc::clone(&completing);
        async move { cors::completed(dialect, &service, request, next).await }
    });
    let root = web::scope(dialect.root.pattern()).default_service(answering);
    // What is wrapped last is outermost: it also sees what the layer within answers by itself.
    config.service(root.wrap(cors::layer(&service.settings)).wrap(completed));
}
