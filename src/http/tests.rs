//! The modules of this layer form no cycle, neither as files nor as the folders below it.
//!
//! Read from the sources: an edge is a path in a `use`, or one that begins with the name of a module of the same folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module by its path below `src/http`, such as `pipeline/transfer/coding`; the layer itself is empty.
type Module = String;
type Graph = BTreeMap<Module, BTreeSet<Module>>;

fn sources(folder: &Path, below: &str, found: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let inner = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if path.is_dir() {
            sources(&path, &inner, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests" {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let module = if name == "mod" { below.to_owned() } else { inner };
            found.insert(module, lines.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// The paths of a use tree, groups taken apart.
fn paths(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else { return vec![tree.split(" as ").next().unwrap().trim().to_owned()] };
    let (mut parts, mut depth, mut part) = (Vec::new(), 0, String::new());
    for c in group.strip_suffix('}').unwrap().chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(c);
        }
    }
    parts.push(part);
    parts.iter().filter(|part| !part.trim().is_empty()).flat_map(|part| paths(part)).map(|path| format!("{head}{path}")).collect()
}

/// The module a path of `from` leads to, where it is one of this layer.
fn target(path: &str, from: &str, modules: &BTreeSet<Module>) -> Option<Module> {
    let mut at: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    let mut steps = path.split("::").map(str::trim).peekable();
    let mut is_ours = false;
    if steps.peek() == Some(&"crate") {
        steps.next();
        at.clear();
        is_ours = steps.next()? == "http";
        if !is_ours {
            return None;
        }
    }
    while let Some(step @ ("self" | "super")) = steps.peek().copied() {
        if step == "super" && at.pop().is_none() {
            return None;
        }
        is_ours = true;
        steps.next();
    }
    for step in steps {
        at.push(step);
        if !modules.contains(&at.join("/")) {
            at.pop();
            break;
        }
        is_ours = true;
    }
    Some(at.join("/")).filter(|module| is_ours && module != from)
}

fn graph() -> Graph {
    let mut found = BTreeMap::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http"), "", &mut found);
    let modules: BTreeSet<Module> = found.keys().cloned().collect();
    assert!(modules.len() > 50, "too few modules were found for this to mean anything");
    let of = |module: &Module, code: &String| {
        let code = format!("\n{code}");
        let uses =
            ["\nuse ", "\npub use "].into_iter().flat_map(|start| code.split(start).skip(1)).filter_map(|after| after.split(';').next());
        let mut targets: BTreeSet<Module> = uses.flat_map(paths).filter_map(|path| target(&path, module, &modules)).collect();
        // Within a folder's own file its modules are named without a `use`.
        for child in modules.iter().filter(|child| child.rsplit_once('/').map_or("", |(parent, _)| parent) == module) {
            let name = child.rsplit('/').next().unwrap();
            if !child.is_empty() && code.contains(&format!("{name}::")) {
                targets.insert(child.clone());
            }
        }
        targets.remove(module);
        (module.clone(), targets)
    };
    found.iter().map(|(module, code)| of(module, code)).collect()
}

/// A way from a module back to itself.
fn cycle(graph: &Graph) -> Option<Vec<Module>> {
    fn walk(at: &Module, graph: &Graph, way: &mut Vec<Module>, done: &mut BTreeSet<Module>) -> bool {
        if way.contains(at) {
            way.push(at.clone());
            return true;
        }
        if !done.insert(at.clone()) {
            return false;
        }
        way.push(at.clone());
        if graph.get(at).is_some_and(|next| next.iter().any(|next| walk(next, graph, way, done))) {
            return true;
        }
        way.pop();
        false
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|start| {
        let mut way = Vec::new();
        walk(start, graph, &mut way, &mut done).then_some(way)
    })
}

#[test]
fn no_file_of_this_layer_is_in_a_cycle() {
    let graph = graph();
    assert!(graph["pipeline/response_cache"].contains("pipeline/transfer/coding"), "the sources were not read rightly");
    assert!(graph["handlers/slots"].contains("pipeline/context") && graph[""].contains("dialects"));
    assert_eq!(cycle(&graph), None);
}

#[test]
fn no_folder_of_this_layer_is_in_a_cycle() {
    let folder = |module: &str| module.split('/').next().unwrap().to_owned();
    let mut folders = Graph::new();
    for (from, targets) in graph() {
        let others = targets.iter().map(|target| folder(target)).filter(|target| *target != folder(&from));
        folders.entry(folder(&from)).or_default().extend(others);
    }
    assert_eq!(cycle(&folders), None);
    // What every root shares names no root and no operation, and tokens are checked without the settings.
    let names = |from: &str, to: &str| folders[from].contains(to);
    assert!(!names("pipeline", "handlers") && !names("pipeline", "dialects") && !names("handlers", "dialects"));
    assert!(!names("auth", "settings") && names("settings", "auth"));
}
