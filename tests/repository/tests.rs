//! Goal: a test that is written is run, and its name can be read in a list. Method: the files are read as text.

use crate::root;
use std::fs;
use std::path::{Path, PathBuf};

/// A test says in its name what holds, and its comment says the rest.
const NAME_LENGTH_MAX: usize = 60;

/// The programs that the files below `tests/` belong to, by their first file.
const PROGRAMS: [&str; 3] = ["tests/in_process/main.rs", "tests/process/main.rs", "tests/repository/lib.rs"];

/// The Rust files below some folders, with their text.
fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    found
}

/// The names of functions that are too long.
fn too_long(text: &str) -> Vec<&str> {
    let words = text.lines().filter_map(|line| line.split_once("fn ").map(|(_, rest)| rest));
    let names = words.filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next());
    names.filter(|name| name.len() > NAME_LENGTH_MAX).collect()
}

/// The files that `mod` lines of a file lead to.
fn modules_of(file: &Path, text: &str) -> Vec<PathBuf> {
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let folder = file.parent().unwrap();
    let folder = if matches!(stem, "main" | "lib" | "mod") { folder.to_owned() } else { folder.join(stem) };
    let names = text.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    names.flat_map(|name| [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")]).collect()
}

#[test]
fn every_name_is_short_enough_for_a_list() {
    let long: Vec<String> = sources(&["src", "crates", "tests"])
        .iter()
        .flat_map(|(path, text)| too_long(text).into_iter().map(|name| format!("{}: {name}", path.display())).collect::<Vec<_>>())
        .collect();
    assert!(long.is_empty(), "names over {NAME_LENGTH_MAX} characters:\n{}", long.join("\n"));
}

#[test]
fn every_file_of_tests_is_part_of_a_program() {
    let files = sources(&["tests"]);
    let mut reached: Vec<PathBuf> = PROGRAMS.iter().map(PathBuf::from).collect();
    let mut at = 0;
    while let Some(file) = reached.get(at).cloned() {
        at += 1;
        let (_, text) = files.iter().find(|(path, _)| *path == file).unwrap_or_else(|| panic!("there is no {}", file.display()));
        let modules = modules_of(&file, text).into_iter().filter(|module| files.iter().any(|(path, _)| path == module));
        reached.extend(modules);
    }
    let lost: Vec<&PathBuf> = files.iter().map(|(path, _)| path).filter(|path| !reached.contains(path)).collect();
    assert!(lost.is_empty(), "no `mod` leads to these, so their tests never run: {lost:?}");
}

#[test]
fn no_test_is_ignored() {
    let attribute = ["#[", "ignore"].concat();
    let ignored: Vec<PathBuf> = sources(&["src", "crates", "tests"])
        .into_iter()
        .filter(|(_, text)| text.lines().any(|line| line.trim_start().starts_with(&attribute)))
        .map(|(path, _)| path)
        .collect();
    assert!(ignored.is_empty(), "{ignored:?}");
}

#[test]
fn long_names_and_modules_are_found() {
    let long = "x".repeat(NAME_LENGTH_MAX + 1);
    assert_eq!(too_long(&format!("    async fn {long}(app: App) {{")), [long.as_str()]);
    assert_eq!(too_long(&format!("fn {}() {{ }}", "x".repeat(NAME_LENGTH_MAX))), Vec::<&str>::new());
    let of = |file: &str| modules_of(Path::new(file), "mod a;\npub mod b;\nmod c { }\n");
    let below = |folder: &str| ["a.rs", "a/mod.rs", "b.rs", "b/mod.rs"].map(|file| PathBuf::from(format!("{folder}/{file}")));
    assert_eq!(of("tests/one/main.rs"), below("tests/one"));
    assert_eq!(of("tests/one/two.rs"), below("tests/one/two"));
}
