//! What several operations say in the same words is said once, under `components`, and referred to.
//!
//! Names are given in the order of the document, so that they stay the same as long
//! as the document does.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Moves parameters and responses that occur more than once into `components`.
pub fn factored(document: &mut Value) {
    let parameters = moved(document, "parameters", |at| at.get("name").and_then(Value::as_str).map(str::to_owned));
    let responses = moved(document, "responses", |_| None);
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("parameters".to_owned(), Value::Object(parameters));
        components.insert("responses".to_owned(), Value::Object(responses));
    }
}

/// One parameter or response where it stands, and a name for it.
struct Seen<'v> {
    value: &'v mut Value,
    name: String,
}

fn moved(document: &mut Value, kind: &str, own_name: fn(&Value) -> Option<String>) -> Map<String, Value> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for seen in all(document, kind, own_name) {
        *counts.entry(seen.value.to_string()).or_default() += 1;
    }
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut shared = Map::new();
    for Seen { value, name } in all(document, kind, own_name) {
        let text = value.to_string();
        if counts.get(&text).is_none_or(|count| *count < 2) {
            continue;
        }
        let name = names.entry(text).or_insert_with(|| {
            let fresh = (1_u32..).map(|n| if n == 1 { name.clone() } else { format!("{name}-{n}") }).find(|n| !shared.contains_key(n));
            fresh.unwrap_or_default()
        });
        let reference = json!({"$ref": format!("#/components/{kind}/{name}")});
        shared.insert(name.clone(), std::mem::replace(value, reference));
    }
    shared
}

/// Every parameter, or every response, of every operation.
fn all<'v>(document: &'v mut Value, kind: &str, own_name: fn(&Value) -> Option<String>) -> Vec<Seen<'v>> {
    let mut found = Vec::new();
    let items = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flat_map(|paths| paths.values_mut());
    for operation in items.filter_map(Value::as_object_mut).flat_map(|item| item.values_mut()) {
        match operation.get_mut(kind) {
            Some(Value::Array(list)) => {
                found.extend(list.iter_mut().map(|value| {
                    let name = clean(&own_name(value).unwrap_or_default());
                    Seen { value, name }
                }));
            }
            Some(Value::Object(by_status)) => {
                found.extend(by_status.iter_mut().map(|(status, value)| Seen { name: format!("status-{status}"), value }));
            }
            _ => {}
        }
    }
    found
}

/// A name as `components` allows it.
fn clean(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' }).collect()
}
