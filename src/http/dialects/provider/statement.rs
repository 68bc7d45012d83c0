//! The provider root's capability statement, made from its operations so that it cannot promise what is not served.

use super::super::super::pipeline::operation::{Operation, Stated};
use super::super::super::pipeline::path::name_of;
use super::super::release;
use domain::element::Element;
use fhir::stu3::search;
use fhir::stu3::statement::{self as stated, Served, ServedOperation};
use std::collections::BTreeMap;

/// The statement of a root with these operations.
pub fn of(operations: &[Operation], root_url: &str) -> Element {
    let mut served: BTreeMap<&str, Served> = BTreeMap::new();
    let mut named: Vec<ServedOperation> = Vec::new();
    for operation in operations {
        let code = match operation.stated {
            Stated::Nowhere => continue,
            Stated::Operation { name, definition } => {
                let stated = ServedOperation { name, definition };
                if !named.contains(&stated) {
                    named.push(stated);
                }
                continue;
            }
            Stated::Interaction(code) => code,
        };
        let kind = operation.resource();
        let resource = served.entry(kind).or_insert_with(|| Served { kind, interactions: Vec::new(), search: None });
        let call = call(operation);
        match resource.interactions.iter_mut().find(|(known, _)| *known == code) {
            Some((_, calls)) => *calls = format!("{calls}, {call}"),
            None => resource.interactions.push((code, call)),
        }
        if operation.searches() {
            resource.search = search::declared(kind, &search::PROVIDER_RULES);
        }
    }
    let served: Vec<Served> = served.into_values().collect();
    stated::statement(release::VERSION, release::DATE, root_url, &served, &named)
}

/// How an operation is called.
pub fn call(operation: &Operation) -> String {
    let segments = operation.path.split('/').map(|segment| if name_of(segment).is_some() { "[id]" } else { segment });
    format!("{} {}", operation.method, segments.collect::<Vec<_>>().join("/"))
}
