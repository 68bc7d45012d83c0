//! Keeps answers for validators that others wrote: each kind once, and a sample of the rest.
//!
//! A kind is root, interaction, status, resource type and the set of elements in it. Each lies there as two files of one
//! name, `.json` and `.xml`: the two answers where the server was asked for both, else the answer and what the codec
//! makes of it. Answers that give back unknown elements, or null in a list, are not among them. Pitfall:
//! several test programs write here one after the other, and each may run many threads, so that whoever creates a
//! file first wins, and names depend on nothing but what is kept.

use super::{Exchange, Format, Seen};
use domain::element::{Element, Value};
use std::collections::{BTreeSet, HashMap};
use std::fs::{File, create_dir_all};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Names the directory.
const VARIABLE: &str = "SLOTKEEPER_TEST_ANSWERS";
/// Of one root, interaction, status and type, a process keeps so many.
const OF_ONE_SORT_MAX: usize = 12;
/// The longest text that is kept: validators are slow, and long answers repeat themselves.
const LENGTH_MAX: usize = 200_000;
/// Of answers of a kind that is there already, one in so many is kept as well.
const SAMPLE: u64 = 16;

#[expect(clippy::disallowed_methods, reason = "a test is configured by its environment alone")]
pub(super) fn keep(exchange: &Exchange, seen: &Seen, twin: Option<&Seen>) {
    let Some(directory) = std::env::var_os(VARIABLE) else { return };
    let other = twin.map_or_else(|| seen.format.other().write(&seen.tree), |twin| twin.text.clone());
    let (json, xml) = if seen.format == Format::Json { (seen.text.clone(), other) } else { (other, seen.text.clone()) };
    let unknown = [Some(seen), twin].into_iter().flatten().any(|one| holds_unknown(&one.tree));
    // Validators know no elements but those of STU3, and some do not know that STU3 fills lists of primitives with null.
    if unknown || json.contains(",null") || json.contains("[null") || json.len() > LENGTH_MAX {
        return;
    }
    let kind = seen.tree.kind().unwrap_or_default();
    let sort = format!("{}-{}-{kind}", asked(exchange), exchange.status);
    let mut paths = BTreeSet::new();
    collect(&seen.tree, kind.to_owned(), &mut paths);
    let content = hash(&seen.text);
    let name =
        if content.is_multiple_of(SAMPLE) { format!("{sort}-sample-{content:016x}") } else { format!("{sort}-{:016x}", hash(&paths)) };
    if !has_room(&sort, &name) {
        return;
    }
    create_dir_all(&directory).expect("a directory for answers");
    for (text, ending) in [(xml, "xml"), (json, "json")] {
        match File::create_new(Path::new(&directory).join(format!("{name}.{ending}"))) {
            Ok(mut file) => file.write_all(text.as_bytes()).expect("room for an answer"),
            Err(there) if there.kind() == std::io::ErrorKind::AlreadyExists => return,
            Err(e) => panic!("{VARIABLE}: {e}"),
        }
    }
}

/// Root and interaction, as part of a file's name: `booking-search`.
fn asked(exchange: &Exchange) -> String {
    let path = exchange.uri.split('?').next().unwrap_or_default();
    let root = ["booking", "provider"].into_iter().find(|root| path.contains(&format!("/{root}"))).unwrap_or("none");
    let depth = path.split('/').skip(4).filter(|part| !part.is_empty()).count();
    let interaction = match (exchange.method.as_str(), depth) {
        ("GET", _) if path.contains("/_history/") => "vread",
        ("GET", _) if path.ends_with("/_history") => "history",
        ("GET", _) if path.ends_with("/metadata") => "capabilities",
        ("GET", 1) | ("POST", 2) => "search",
        ("GET", 2) => "read",
        ("POST", 1) => "create",
        ("PUT", 2) => "update",
        _ => "other",
    };
    format!("{root}-{interaction}")
}

/// The dotted path of every element, with the names of types where resources stand.
fn collect(element: &Element, path: String, into: &mut BTreeSet<String>) {
    for child in &element.children {
        let below = format!("{path}.{}", child.kind().unwrap_or(&child.name));
        collect(child, below.clone(), into);
        into.insert(below);
    }
}

/// Whether a consumer sent elements that nobody defined, which were given back.
fn holds_unknown(element: &Element) -> bool {
    element.children.iter().any(|child| matches!(child.value, Some(Value::Foreign(_))) || holds_unknown(child))
}

fn has_room(sort: &str, name: &str) -> bool {
    static KEPT: Mutex<Option<HashMap<String, BTreeSet<String>>>> = Mutex::new(None);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let names = kept.get_or_insert_default().entry(sort.to_owned()).or_default();
    names.len() < OF_ONE_SORT_MAX && names.insert(name.to_owned())
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
