//! What a search found, as a Bundle.

use super::super::pipeline::context::RequestContext;
use super::super::pipeline::reply::Reply;
use domain::search::Cursor;
use fhir::bundle::{self, Entry};
use fhir::search::Query;

/// The reply to a search of `kind`.
pub fn reply<S>(
    context: &RequestContext,
    kind: &str,
    query: &Query<S>,
    total: u64,
    next: Option<&Cursor>,
    mut entries: Vec<Entry>,
) -> Reply {
    if !query.warnings.is_empty() {
        entries.push(bundle::warning(&query.warnings));
    }
    let entries = if query.total_only {
        Vec::new()
    } else {
        entries.into_iter().map(|entry| entry.shaped(&query.shape, context.definitions())).collect()
    };
    // Whoever wants the number alone has nothing to go on with.
    let next = next.filter(|_| !query.total_only);
    let bundle = bundle::searchset(&context.root_url, kind, &query.applied, total, next, entries);
    Reply::resource(bundle, query.pretty)
}
