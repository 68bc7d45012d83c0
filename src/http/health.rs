//! Whether the process lives, and whether it can do its work. For load balancers and the machine itself; no token
//! needed.

use super::{Service, request};
use actix_web::{HttpRequest, HttpResponse, web};
use std::sync::Arc;

/// `GET /health/live`: 200 as long as the process answers at all.
pub async fn live(http: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    if !may_ask(&http, &service) {
        return HttpResponse::Forbidden().finish();
    }
    HttpResponse::Ok().content_type("application/json").body(r#"{"status":"live"}"#)
}

/// `GET /health/ready`: 200 when the database answers, else 503.
pub async fn ready(http: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    if !may_ask(&http, &service) {
        return HttpResponse::Forbidden().finish();
    }
    let engine = Arc::clone(&service.engine);
    if web::block(move || engine.is_ready()).await.unwrap_or(false) {
        HttpResponse::Ok().content_type("application/json").body(r#"{"status":"ready"}"#)
    } else {
        HttpResponse::ServiceUnavailable()
            .content_type("application/json")
            .body(r#"{"status":"not ready","cause":"the database does not answer"}"#)
    }
}

/// The trusted proxy's network, where one is named, and always the machine itself.
fn may_ask(http: &HttpRequest, service: &Service) -> bool {
    request::trusted_peer(http, service).is_ok() || http.peer_addr().is_some_and(|peer| peer.ip().is_loopback())
}
