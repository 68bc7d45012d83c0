//! `slotkeeper-bench static`: the reference of rows B7 and B8, a server with one body and nothing behind it.
//!
//! The same HTTP library and the same number of workers as `serve`. It does not look at what is asked beyond path and
//! `If-None-Match`, because it stands for what HTTP alone costs.

use crate::error::BenchError;
use actix_web::http::header;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use load::headers::FHIR_JSON;
use std::net::SocketAddr;
use std::path::PathBuf;

const ETAG: &str = "W/\"1\"";

/// What `slotkeeper-bench static` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct StaticArgs {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// The file that is every answer's body
    #[arg(long, value_name = "FILE")]
    pub body: PathBuf,
}

/// Serves until it is stopped.
///
/// # Errors
/// [`BenchError`].
pub fn run(args: &StaticArgs) -> Result<(), BenchError> {
    let body = std::fs::read(&args.body).map_err(|error| BenchError::failed(format!("cannot read {}: {error}", args.body.display())))?;
    let body = web::Data::new(Bytes::from(body));
    let listen = args.listen;
    let outcome = actix_web::rt::System::new().block_on(async move {
        HttpServer::new(move || App::new().app_data(body.clone()).route("/body", web::get().to(answer))).bind(listen)?.run().await
    });
    outcome.map_err(|error| BenchError::failed(format!("cannot serve on {listen}: {error}")))
}

async fn answer(request: HttpRequest, body: web::Data<Bytes>) -> HttpResponse {
    if request.headers().contains_key(header::IF_NONE_MATCH) {
        return HttpResponse::NotModified().insert_header((header::ETAG, ETAG)).finish();
    }
    HttpResponse::Ok().insert_header((header::ETAG, ETAG)).content_type(FHIR_JSON).body(Bytes::clone(&body))
}
