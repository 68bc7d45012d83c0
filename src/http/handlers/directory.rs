//! Resources of the directory: readable by the references in a Bundle (docs/contract.md#service-roots), and searched on
//! the provider root.

use super::super::pipeline::context::RequestContext;
use super::super::pipeline::reply::{Content, Reply};
use super::super::pipeline::stored;
use super::found;
use domain::directory::{DirectoryEntry, DirectoryKind};
use domain::element::Element;
use domain::fault::{Fault, ParameterFault};
use domain::ids::ResourceId;
use fhir::bundle::{Entry, Mode};
use fhir::search::Reading;
use fhir::stu3::search;

/// Most matches in one answer, so that nobody is handed everything by accident.
const MATCHES_MAX: usize = 2_000;

/// `GET /<kind>/<id>`.
pub async fn read(context: &RequestContext, kind: DirectoryKind) -> Result<Reply, Fault> {
    let Reading { pretty, shape } = context.reading(kind.name())?;
    let id = context.id().to_owned();
    let access = context.access();
    let found = context.engine(move |engine| engine.directory_entry(kind, &id, &access)).await?;
    Ok(Reply::new(Content::Stored(found.document, shape), pretty).of_version(found.version, found.updated))
}

/// `GET /<kind>?…`.
pub async fn search(context: &RequestContext, kind: DirectoryKind) -> Result<Reply, Fault> {
    let query = search::directory(kind, &context.parameters, &context.search_rules)?;
    let access = context.access();
    let all = context.engine(move |engine| engine.directory_list(kind, &access)).await?;
    let mut matches: Vec<(DirectoryEntry, Element)> = Vec::new();
    for entry in all {
        let tree = stored::tree(&entry.document)?;
        if query.search.admits(&tree, entry.updated) {
            matches.push((entry, tree));
        }
    }
    let total = u64::try_from(matches.len()).unwrap_or(u64::MAX);
    let next = query.search.paging.cut(&mut matches, |(entry, _)| entry.id.as_str());
    if matches.len() > MATCHES_MAX {
        return Err(Fault::Parameter(ParameterFault::TooManyMatches { limit: MATCHES_MAX }));
    }
    let led_to: Vec<_> = matches.iter().flat_map(|(_, tree)| query.search.led_to(tree)).collect();
    let mut entries: Vec<Entry> = matches.into_iter().map(|(entry, tree)| shown(&entry, tree, Mode::Match)).collect();
    entries.extend(included(context, led_to).await?);
    Ok(found::reply(context, kind.name(), &query, total, next.as_ref(), entries))
}

/// What the references `led_to` name, as far as it exists.
pub async fn included(context: &RequestContext, led_to: Vec<(DirectoryKind, ResourceId)>) -> Result<Vec<Entry>, Fault> {
    if led_to.is_empty() {
        return Ok(Vec::new());
    }
    let access = context.access();
    let found = context.engine(move |engine| engine.directory_entries(&led_to, &access)).await?;
    found.iter().map(|entry| Ok(shown(entry, stored::tree(&entry.document)?, Mode::Include))).collect()
}

fn shown(entry: &DirectoryEntry, resource: Element, mode: Mode) -> Entry {
    Entry { path: format!("{}/{}", entry.kind.name(), entry.id), resource, mode }
}
