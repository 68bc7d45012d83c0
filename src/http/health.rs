//! Whether the process lives, and whether it can do its work. For load balancers; no token needed.

use super::Service;
use actix_web::{HttpResponse, web};
use std::sync::Arc;

/// `GET /health/live`: 200 as long as the process answers at all.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(r#"{"status":"live"}"#)
}

/// `GET /health/ready`: 200 when the database answers, else 503.
pub async fn ready(service: web::Data<Service>) -> HttpResponse {
    let engine = Arc::clone(&service.engine);
    if web::block(move || engine.is_ready()).await.unwrap_or(false) {
        HttpResponse::Ok().content_type("application/json").body(r#"{"status":"ready"}"#)
    } else {
        HttpResponse::ServiceUnavailable()
            .content_type("application/json")
            .body(r#"{"status":"not ready","cause":"the database does not answer"}"#)
    }
}
