//! Whether the process lives, and whether it can do its work: its database answers and takes writes. For load balancers and the machine itself; no token
//! needed.

use super::auth::AuthMode;
use super::pipeline::service::Service;
use super::pipeline::{peer, transfer};
use actix_web::rt::time::timeout;
use actix_web::{HttpRequest, HttpResponse, web};
use std::sync::Arc;
use std::time::Duration;

/// How long the database may take to answer.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

/// `GET /health/live`: 200 as long as the process answers at all.
pub async fn live(http: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    let answer = if may_ask(&http, &service) {
        HttpResponse::Ok().content_type("application/json").body(r#"{"status":"live"}"#)
    } else {
        HttpResponse::Forbidden().finish()
    };
    transfer::marked(&http, &service.settings, answer, &service.engine.new_id())
}

/// `GET /health/ready`: 200, and where searches are answered from, when the database answers and takes writes, and signed
/// tokens, if they are demanded, can be checked; else 503.
pub async fn ready(http: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    let answer = readiness(&http, &service).await;
    transfer::marked(&http, &service.settings, answer, &service.engine.new_id())
}

async fn readiness(http: &HttpRequest, service: &Service) -> HttpResponse {
    if !may_ask(http, service) {
        return HttpResponse::Forbidden().finish();
    }
    let engine = Arc::clone(&service.engine);
    let asked = web::block(move || engine.is_ready());
    // A database that has fallen silent is not ready, however long it would take to say so.
    if !matches!(timeout(DATABASE_TIMEOUT, asked).await, Ok(Ok(true))) {
        let known = service.engine.is_out_of_reach();
        return not_ready(if known { "the database is out of reach" } else { "the database does not answer, or takes no writes" });
    }
    let settings = &service.settings;
    if settings.auth == AuthMode::Jwks && !settings.trust.has_keys(service.engine.now()) {
        return not_ready("no issuer's keys could be had, so every token is refused");
    }
    // A server that still reads what is on offer into memory answers every search all the same, from the database.
    let searches = if service.engine.answers_from_memory() { "memory" } else { "database" };
    HttpResponse::Ok().content_type("application/json").body(format!(r#"{{"status":"ready","searches":"{searches}"}}"#))
}

fn not_ready(cause: &'static str) -> HttpResponse {
    let body = format!(r#"{{"status":"not ready","cause":"{cause}"}}"#);
    HttpResponse::ServiceUnavailable().content_type("application/json").body(body)
}

/// The trusted proxy's network, where one is named, and always the machine itself.
fn may_ask(http: &HttpRequest, service: &Service) -> bool {
    peer::is_trusted(http, &service.settings).is_ok() || http.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback())
}
