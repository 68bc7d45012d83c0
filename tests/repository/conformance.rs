//! Goal: `docs/conformance.md` says of every numbered requirement of the standard's provider checklist which tests
//! prove it, and says nothing that is not so.
//! Method: a test that proves a requirement says so in its doc comment (`/// Proves F34, F35.`). The table and the
//! comments are read as text and must name the same pairs of number and test, in both directions.

use crate::root;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// How many requirements the checklist has.
const LAST: u32 = 54;
/// What the second column of the table may say.
const STANDINGS: [&str; 3] = ["met", "in part", "not ours"];

/// A requirement and a test that proves it.
type Pair = (u32, String);

/// One row of the table.
#[derive(Debug)]
struct Row {
    number: u32,
    standing: String,
    how: String,
    tests: BTreeSet<String>,
}

fn rows(page: &str) -> Vec<Row> {
    let of_line = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("| F")?.strip_suffix('|')?.split('|').map(str::trim).collect();
        let [number, _requirement, standing, how, tests] = cells[..] else { panic!("not five cells: {line}") };
        let named = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let number = number.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        Some(Row { number, standing: standing.to_owned(), how: how.to_owned(), tests: named })
    };
    page.lines().filter_map(of_line).collect()
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src"), root().join("crates"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("repository/conformance.rs") {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

/// The numbers in a comment such as `/// Proves F34, F35.`; nothing where it is another comment.
fn proven_by(line: &str) -> Option<Vec<u32>> {
    let numbers = line.trim().strip_prefix("/// Proves ").filter(|rest| rest.starts_with('F'))?.trim_end_matches('.');
    let number =
        |text: &str| text.trim().strip_prefix('F').and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no requirement: {line}"));
    Some(numbers.split(',').map(number).collect())
}

/// `#[test]`, `#[actix_web::test]` and `#[on_both…`, which may go on below.
fn is_test_attribute(line: &&str) -> bool {
    let line = line.trim();
    line.ends_with("test]") || line.starts_with("#[on_both")
}

fn function_named(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| *word != "fn").skip(1);
    words.next()?.split('(').next()
}

/// The pairs that one source file claims. A claim must belong to something that runs as a test.
fn claims(path: &Path, text: &str) -> Vec<Pair> {
    let lines: Vec<&str> = text.lines().collect();
    let mut claims = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(numbers) = proven_by(line) else { continue };
        let following = || lines[at..].iter().take_while(|line| !line.trim().is_empty());
        let name =
            following().find_map(|line| function_named(line)).unwrap_or_else(|| panic!("{}: no test follows {line}", path.display()));
        let attribute = following().take_while(|line| function_named(line).is_none()).any(is_test_attribute);
        assert!(attribute, "{}: `{name}` is no test", path.display());
        claims.extend(numbers.into_iter().map(|number| (number, name.to_owned())));
    }
    claims
}

#[test]
fn the_table_and_the_tests_name_each_other() {
    let page = fs::read_to_string(root().join("docs/conformance.md")).unwrap();
    let told: BTreeSet<Pair> = rows(&page).into_iter().flat_map(|row| row.tests.into_iter().map(move |test| (row.number, test))).collect();
    let claimed: BTreeSet<Pair> = sources().iter().flat_map(|(path, text)| claims(path, text)).collect();
    let only_told: Vec<&Pair> = told.difference(&claimed).collect();
    let only_claimed: Vec<&Pair> = claimed.difference(&told).collect();
    assert!(only_told.is_empty(), "in docs/conformance.md, but no test says `/// Proves F…`: {only_told:?}");
    assert!(only_claimed.is_empty(), "tests that docs/conformance.md does not name: {only_claimed:?}");
}

#[test]
fn every_requirement_has_one_row_that_says_how_it_stands() {
    let page = fs::read_to_string(root().join("docs/conformance.md")).unwrap();
    let mut found = BTreeMap::new();
    for row in rows(&page) {
        assert!(STANDINGS.contains(&row.standing.as_str()), "F{}: `{}` is none of {STANDINGS:?}", row.number, row.standing);
        assert!(row.standing == "not ours" || !row.tests.is_empty(), "F{} is `{}`, yet no test proves it", row.number, row.standing);
        assert!(!row.how.is_empty(), "F{} does not say how", row.number);
        assert!(found.insert(row.number, row.standing).is_none(), "F{} has two rows", row.number);
    }
    let missing: Vec<u32> = (1..=LAST).filter(|number| !found.contains_key(number)).collect();
    let beyond: Vec<&u32> = found.keys().filter(|number| **number > LAST).collect();
    assert!(missing.is_empty() && beyond.is_empty(), "missing: {missing:?}; not in the checklist: {beyond:?}");
}

#[test]
fn a_claim_is_read_where_a_test_follows() {
    let text = "/// Proves F1, F22.\n#[on_both]\nasync fn one(app: App) {}\n\n/// Proves F3.\n#[test]\nfn two() {}\n";
    assert_eq!(claims(Path::new("x.rs"), text), [(1, "one".to_owned()), (22, "one".to_owned()), (3, "two".to_owned())]);
    let no_test = std::panic::catch_unwind(|| claims(Path::new("x.rs"), "/// Proves F1.\nfn one() {}\n"));
    assert!(no_test.is_err());
    let row = &rows("| F7 | Cache-Control | met | on every answer | `one`, `two` |")[0];
    assert_eq!((row.number, row.standing.as_str(), row.tests.len()), (7, "met", 2));
}
