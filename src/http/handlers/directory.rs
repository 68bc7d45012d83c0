//! Resources of the directory: readable by the references in a Bundle (`decisions.md` 3).

use super::{Asked, respond};
use crate::domain::directory::DirectoryKind;
use crate::domain::fault::Fault;
use actix_web::HttpResponse;

/// `GET /<kind>/<id>`.
pub async fn read(asked: Asked, kind: DirectoryKind) -> Result<HttpResponse, Fault> {
    let id = asked.admitted.id(0).to_owned();
    let found = asked.engine(move |engine| engine.directory_entry(kind, &id)).await?;
    respond::stored(&found.document, found.version, found.updated, asked.looks_of_read())
}
