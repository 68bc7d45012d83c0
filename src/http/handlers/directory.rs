//! Resources of the directory: readable by the references in a Bundle (`decisions.md` 3), and searched on the provider root.

use super::{Asked, respond};
use actix_web::HttpResponse;
use domain::directory::{DirectoryEntry, DirectoryKind};
use domain::element::Element;
use domain::fault::{Fault, ParameterFault};
use domain::ids::ResourceId;
use fhir::bundle::{Entry, Mode};

/// Most matches in one answer, so that nobody is handed everything by accident.
const MATCHES_MAX: usize = 2_000;

/// `GET /<kind>/<id>`.
pub async fn read(asked: Asked, kind: DirectoryKind) -> Result<HttpResponse, Fault> {
    let (looks, shape) = asked.reading(kind.name())?;
    let id = asked.admitted.id(0).to_owned();
    let access = asked.access();
    let found = asked.engine(move |engine| engine.directory_entry(kind, &id, &access)).await?;
    respond::stored(&found.document, found.version, found.updated, looks, &shape)
}

/// `GET /<kind>?…`.
pub async fn search(asked: Asked, kind: DirectoryKind) -> Result<HttpResponse, Fault> {
    let query = fhir::stu3::search::directory(kind, &asked.admitted.parameters, &asked.rules)?;
    let access = asked.access();
    let all = asked.engine(move |engine| engine.directory_list(kind, &access)).await?;
    let mut found: Vec<(DirectoryEntry, Element)> = Vec::new();
    for entry in all {
        let tree = respond::tree(&entry.document)?;
        if query.search.admits(&tree, entry.updated) {
            found.push((entry, tree));
        }
    }
    let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let next = query.search.paging.cut(&mut found, |(entry, _)| entry.id.as_str());
    if found.len() > MATCHES_MAX {
        return Err(Fault::Parameter(ParameterFault::TooManyMatches { limit: MATCHES_MAX }));
    }
    let led_to: Vec<_> = found.iter().flat_map(|(_, tree)| query.search.led_to(tree)).collect();
    let matches = found.into_iter().map(|(entry, tree)| shown(&entry, tree, Mode::Match));
    let mut entries: Vec<Entry> = matches.collect();
    entries.extend(included(&asked, led_to).await?);
    Ok(asked.searchset(kind.name(), &query, total, next.as_ref(), entries))
}

/// What the references `led_to` name, as far as it exists.
pub async fn included(asked: &Asked, led_to: Vec<(DirectoryKind, ResourceId)>) -> Result<Vec<Entry>, Fault> {
    if led_to.is_empty() {
        return Ok(Vec::new());
    }
    let access = asked.access();
    let found = asked.engine(move |engine| engine.directory_entries(&led_to, &access)).await?;
    found.iter().map(|entry| Ok(shown(entry, respond::tree(&entry.document)?, Mode::Include))).collect()
}

fn shown(entry: &DirectoryEntry, resource: Element, mode: Mode) -> Entry {
    Entry { path: format!("{}/{}", entry.kind.name(), entry.id), resource, mode }
}
