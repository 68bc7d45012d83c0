//! Goal: the module graph stays the one ARCHITECTURE.md draws, and both databases have the same tables.
//! Method: read the files under `src/` and `migrations/` and compare the paths they name with the tables
//! below. Nothing is compiled, so a rule is broken as soon as the text names what it may not.
//!
//! What a reader would get wrong: unit tests (`#[cfg(test)] mod …`, files `tests.rs` and folders `tests/`)
//! may use any outside crate and the environment, but they look down the layers like all other code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic"
)]

#[path = "architecture/schema.rs"]
mod schema;
#[path = "architecture/source.rs"]
mod source;

use schema::{Schema, apply};
use source::{Named, Target, named_in};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A layer and the other layers it may name. `main.rs` and `lib.rs` put everything together and may name all.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("fhir", &["domain"]),
    ("store", &["domain"]),
    ("engine", &["domain", "store"]),
    ("http", &["domain", "fhir", "engine"]),
    ("cli", &["domain", "fhir", "store", "engine", "http", "config"]),
    ("config", &["domain", "fhir", "store", "engine", "http", "cli"]),
];

/// Outside crates that only the layers named may name.
const GUARDED: &[(&str, &[&str])] = &[
    ("actix_cors", &["http"]),
    ("actix_web", &["http", "cli"]),
    ("awc", &["http", "cli"]),
    ("base64", &["fhir", "http", "cli"]),
    ("chrono_tz", &["domain", "config", "cli"]),
    ("clap", &["cli", "config"]),
    ("csv", &["cli"]),
    ("diesel", &["store"]),
    ("diesel_migrations", &["store"]),
    ("env_logger", &["cli", "config"]),
    ("flate2", &["http", "cli"]),
    ("futures_util", &["http", "cli"]),
    ("indicatif", &["cli", "config"]),
    ("ipnet", &["http", "cli", "config"]),
    ("jsonwebtoken", &["http", "cli"]),
    ("libsqlite3_sys", &["store"]),
    // The allocator of the whole program is chosen in `main.rs` alone.
    ("mimalloc", &[]),
    ("parking_lot", &["engine", "http"]),
    ("plotters", &["cli"]),
    ("pq_sys", &["store"]),
    ("quick_cache", &["http"]),
    ("quick_xml", &["fhir"]),
    ("r2d2", &["store"]),
    ("rrule", &["domain"]),
    ("rustls", &["http", "cli"]),
    ("serde", &["fhir", "http", "cli", "config"]),
    ("serde_json", &["fhir", "http", "cli", "config"]),
    ("tokio", &["http", "cli"]),
    ("toml", &["cli", "config"]),
    ("uuid", &["engine"]),
    ("x509_parser", &["http"]),
    ("xxhash_rust", &["http"]),
];

/// Outside crates that every layer may name.
const FREE: &[&str] = &["chrono", "log", "thiserror"];

/// The one layer that reads the environment.
const READS_ENVIRONMENT: &str = "config";

const LINES_MAX: usize = 450;
const NAMES_THAT_SAY_NOTHING: &[&str] = &["utils", "util", "common", "helpers", "helper", "misc"];

/// Everything wrong with one source file, one sentence each. `file` is its path below `src/`.
fn faults_of(file: &Path, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!("has {lines} lines, more than {LINES_MAX}: make two of it"));
    }
    let parts: Vec<&str> = file.iter().filter_map(|part| part.to_str()).map(|part| part.trim_end_matches(".rs")).collect();
    for part in parts.iter().filter(|part| NAMES_THAT_SAY_NOTHING.contains(part)) {
        faults.push(format!("is called `{part}`, which does not say what is in it"));
    }
    let layer = parts.first().copied().unwrap_or_default();
    let Some((_, may_name)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        if !matches!(layer, "main" | "lib") {
            faults.push(format!("lies in no layer known to tests/architecture.rs: `{layer}`"));
        }
        return faults;
    };
    for Named { line, in_tests, target } in named_in(file, text) {
        match target {
            Target::Layer(other) if other == layer || may_name.contains(&other.as_str()) => {}
            Target::Layer(other) if LAYERS.iter().any(|(name, _)| *name == other) => {
                faults.push(format!("line {line}: `{layer}` must not name `{other}`"));
            }
            Target::Layer(other) => {
                faults.push(format!("line {line}: names `{other}` in the crate root; name the layer it comes from"));
            }
            Target::Environment(call) if !in_tests && layer != READS_ENVIRONMENT => {
                faults.push(format!("line {line}: `env::{call}`, but only `{READS_ENVIRONMENT}` reads the environment"));
            }
            Target::Crate(name) if !in_tests => {
                let guard = GUARDED.iter().find(|(guarded, _)| *guarded == name);
                if let Some((_, layers)) = guard.filter(|(_, layers)| !layers.contains(&layer)) {
                    faults.push(format!("line {line}: `{layer}` must not name `{name}`, only {} may", layers.join(", ")));
                }
            }
            Target::Crate(_) | Target::Environment(_) => {}
        }
    }
    faults
}

#[test]
fn every_source_file_keeps_to_its_layer() {
    let src = root().join("src");
    let files = files_under(&src);
    assert!(files.len() > 10, "too few files were found under src/ for the check to mean anything");
    let mut faults = Vec::new();
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let file = path.strip_prefix(&src).unwrap();
        let text = fs::read_to_string(path).unwrap();
        faults.extend(faults_of(file, &text).into_iter().map(|fault| format!("src/{}: {fault}", file.display())));
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_dependency_has_its_place_in_the_table() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, after) = manifest.split_once("\n[dependencies]\n").expect("Cargo.toml has dependencies");
    let (section, _) = after.split_once("\n[").unwrap_or((after, ""));
    let keys = section.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    let names: BTreeSet<String> = keys.map(|(name, _)| name.trim().replace('-', "_")).collect();
    assert!(names.contains("diesel"), "the dependencies were not read: {names:?}");
    let placed = |name: &String| FREE.contains(&name.as_str()) || GUARDED.iter().any(|(guarded, _)| guarded == name);
    let missing: Vec<&String> = names.iter().filter(|name| !placed(name)).collect();
    assert!(missing.is_empty(), "say in GUARDED or FREE which layers may name {missing:?}");
}

#[test]
fn both_databases_have_the_same_migrations_and_the_same_tables() {
    let [sqlite, postgresql] = ["sqlite", "postgresql"].map(|side| root().join("migrations").join(side));
    let names = migration_names(&sqlite);
    assert!(!names.is_empty(), "no migrations were found");
    assert_eq!(names, migration_names(&postgresql), "both databases need migrations of the same names");
    let (mut left, mut right) = (Schema::new(), Schema::new());
    for name in &names {
        for (side, schema) in [(&sqlite, &mut left), (&postgresql, &mut right)] {
            for file in ["up.sql", "down.sql"] {
                let path = side.join(name).join(file);
                let text = fs::read_to_string(&path).unwrap_or_default();
                assert!(!text.trim().is_empty(), "{} is missing or empty", path.display());
            }
            apply(schema, &fs::read_to_string(side.join(name).join("up.sql")).unwrap());
        }
        assert_eq!(left, right, "the tables differ between SQLite (left) and PostgreSQL (right) after {name}");
    }
    assert!(!left.is_empty(), "the migrations were read and create no table");
}

fn migration_names(side: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(side).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir());
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a directory, in a fixed order.
fn files_under(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() { found.extend(files_under(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

mod the_checker_itself {
    use super::*;

    /// The faults of a snippet as if it stood in this file.
    fn faults(file: &str, text: &str) -> String {
        faults_of(Path::new(file), text).join("\n")
    }

    #[test]
    fn finds_every_way_of_naming_a_higher_layer() {
        for text in [
            "use crate::store::Store;",
            "use crate::{domain::Slot, store::{Store, Tx}};",
            "use crate::{self as all, store};",
            "fn f() { crate :: store::open() }",
            "use super::super::store::Store;",
            "mod inner { use super::super::super::store::Store; }",
            "pub(in crate::store) fn f() {}",
            "fn f() -> Result<crate::store::Store, ()> { g(r#\"crate::domain\"#) }",
            "macro_rules! m { () => { $crate::store::open() } }",
            "#[cfg(test)]\nmod tests { use crate::store::Store; }",
        ] {
            assert!(faults("fhir/json.rs", text).contains("`fhir` must not name `store`"), "not found in: {text}");
        }
        assert!(faults("http/mod.rs", "use crate::store::Store;").contains("`http` must not name `store`"));
        assert!(faults("fhir/mod.rs", "use super::store::Store;").contains("`fhir` must not name `store`"));
        assert!(faults("domain/slot.rs", "use crate::fhir::codec::json;").contains("`domain` must not name `fhir`"));
        assert!(faults("fhir/json.rs", "use crate::*;").contains("`*`"));
    }

    #[test]
    fn lets_pass_what_looks_down_or_names_nothing() {
        for text in [
            "use crate::domain::Slot; use super::xml; use super::super::domain::Slot; use crate::fhir::codec::xml;",
            "// crate::store\n/* crate::store /* nested crate::store */ crate::store */ /// crate::store\nfn f() {}",
            "const A: &str = \"crate::store \\\" crate::store\"; const B: &str = r##\"\"# crate::store\"##;",
            "const Q: char = '\"'; use crate::domain::Slot; const R: &[u8] = b\"crate::store\";",
            "fn f<'a>(x: &'a str) -> &'a str { let c = '\\''; x }",
            "fn uuid(diesel: u32) -> u32 { let serde = diesel; self.uuid::<u32>(serde) }",
            "mod store { } use self::store::Thing;",
            "use super::super::fhir::codec::xml; mod inner { use super::super::xml; }",
        ] {
            assert_eq!(faults("fhir/json.rs", text), "", "in: {text}");
        }
        assert_eq!(faults("main.rs", "use slotkeeper::store::Store; use diesel::Connection;"), "");
        assert_eq!(faults("engine/book.rs", "use crate::store::Store; use uuid::Uuid; use parking_lot::Mutex;"), "");
    }

    #[test]
    fn finds_outside_crates_in_the_wrong_layer() {
        for text in [
            "use diesel::prelude::*;",
            "use {chrono::Utc, diesel::Connection};",
            "use diesel;",
            "use diesel as d;",
            "extern crate diesel;",
            "fn f() { ::diesel::insert_into(t) }",
            "#[derive(diesel::Queryable)] struct A;",
            "diesel::table! { a (b) { } }",
            "impl From<diesel::result::Error> for A {}",
        ] {
            assert!(faults("engine/book.rs", text).contains("`engine` must not name `diesel`, only store may"), "in: {text}");
        }
        assert!(faults("store/rows.rs", "use serde::Serialize;").contains("`store` must not name `serde`"));
        assert!(faults("domain/slot.rs", "use uuid::Uuid;").contains("`domain` must not name `uuid`"));
        let only_in_tests = "#[cfg(test)]\n#[rustfmt::skip]\nmod tests { use diesel::A; } mod tail { }";
        assert_eq!(faults("engine/book.rs", only_in_tests), "");
        assert_eq!(faults("engine/book/tests.rs", "use diesel::prelude::*;"), "");
        assert!(faults("engine/book.rs", "#[cfg(test)]\nmod tests { }\nuse diesel::A;").contains("line 3"));
        assert!(faults("engine/book.rs", "#[cfg(test)]\nmod tests;\nuse diesel::A;").contains("line 3"));
        assert!(faults("engine/book.rs", "#[cfg(not(test))]\nmod real { use diesel::A; }").contains("line 2"));
    }

    #[test]
    fn finds_readers_of_the_environment() {
        for text in [
            "fn f() { std::env::var(\"A\") }",
            "use std::env; fn f() { env::vars_os() }",
            "use std::env::{args, var_os};",
            "use std::{env::var, fs};",
        ] {
            assert!(faults("cli/serve.rs", text).contains("only `config` reads the environment"), "in: {text}");
            assert_eq!(faults("config/mod.rs", text), "");
        }
        assert_eq!(faults("cli/serve.rs", "fn f() { std::env::args(); env!(\"CARGO_PKG_VERSION\"); }"), "");
    }

    #[test]
    fn finds_long_files_and_names_that_say_nothing() {
        assert_eq!(faults("http/mod.rs", &"\n".repeat(LINES_MAX)), "");
        assert!(faults("http/mod.rs", &"\n".repeat(LINES_MAX + 1)).contains("451 lines"));
        assert!(faults("http/utils.rs", "").contains("`utils`"));
        assert!(faults("fhir/common/mod.rs", "").contains("`common`"));
        assert!(faults("extra/mod.rs", "").contains("no layer"));
        assert!(faults("http/mod.rs", "use crate::VERSION;").contains("crate root"));
    }

    #[test]
    fn reads_tables_from_sql() {
        let schema = |sql: &str| {
            let mut schema = Schema::new();
            apply(&mut schema, sql);
            format!("{schema:?}")
        };
        let plain = "-- CREATE TABLE no (x int);\nCREATE TABLE a (id TEXT NOT NULL PRIMARY KEY, n BIGINT CHECK (n IN (1, 2)), \
                     note TEXT DEFAULT ', b (', CONSTRAINT one UNIQUE (id, n), FOREIGN KEY (n) REFERENCES z (n));";
        assert_eq!(schema(plain), r#"{"a": ["id", "n", "note"]}"#);
        let other =
            "create table IF NOT EXISTS public.\"a\" (\"id\" text /* , x int */, N bigint, note text, PRIMARY KEY (id)) WITHOUT ROWID;";
        assert_eq!(schema(other), r#"{"a": ["id", "n", "note"]}"#);
        assert_ne!(schema("CREATE TABLE a (x int, y int);"), schema("CREATE TABLE a (y int, x int);"));
        let changed = "CREATE TABLE a (x int); ALTER TABLE a ADD COLUMN y int; ALTER TABLE a ADD CONSTRAINT q CHECK (x > 0); \
                       ALTER TABLE a RENAME COLUMN x TO w; CREATE TABLE b (z int); DROP TABLE IF EXISTS b; ALTER TABLE a RENAME TO c;";
        assert_eq!(schema(changed), r#"{"c": ["w", "y"]}"#);
        assert_eq!(schema("CREATE TABLE a (x int, y int); ALTER TABLE a DROP COLUMN x; CREATE INDEX i ON a (y);"), r#"{"a": ["y"]}"#);
        assert_eq!(schema("CREATE FUNCTION f() AS $$ BEGIN DROP TABLE a; END $$; CREATE TABLE t (x int);"), r#"{"t": ["x"]}"#);
    }
}
