//! Goal: the module graph stays the one ARCHITECTURE.md draws, and both databases have the same tables.
//! Method: read the files under `src/`, `crates/` and `migrations/` and compare what they name with the tables below.
//! Nothing is compiled, so a rule is broken as soon as the text names what it may not.
//!
//! Between packages the compiler holds the walls; what is held here is that no manifest opens a door in one. Within
//! `src` nothing but this test holds them.
//!
//! Pitfall: unit tests (`#[cfg(test)] mod …`, files `tests.rs` and folders `tests/`) may use any outside crate and the
//! environment, but they look down the layers like all other code.

mod schema;
mod source;

use crate::root;
use schema::{Schema, apply};
use source::{Named, Target, named_in};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A package of `crates/` and the packages of this repository it may depend on. `slotkeeper` is the root package.
const PACKAGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("fhir", &["domain"]),
    ("load", &["domain", "fhir"]),
    ("race", &["domain", "fhir", "load"]),
    ("bench", &["domain", "fhir", "load", "race", "slotkeeper"]),
    ("testkit", &["domain", "fhir", "load", "race", "slotkeeper", "testkit-macros"]),
    ("testkit-macros", &[]),
];

/// What the root package may depend on; `testkit` only for its tests.
const ROOT_MAY: &[&str] = &["domain", "fhir", "load", "race"];

/// Packages that are pure, with every dependency they may have: no clock, database, network or runtime is among them.
const PURE: &[(&str, &[&str])] =
    &[("domain", &["chrono", "chrono-tz", "thiserror"]), ("fhir", &["base64", "chrono", "domain", "quick-xml", "serde_json", "thiserror"])];

/// A layer of `src` and the other layers it may name. `main.rs` and `lib.rs` put everything together and may name all.
const LAYERS: &[(&str, &[&str])] = &[("store", &[]), ("engine", &["store"]), ("http", &["engine"]), ("cli", &["store", "engine", "http"])];

/// Crates that only the layers of `src` named may name.
const GUARDED: &[(&str, &[&str])] = &[
    ("actix_cors", &["http"]),
    ("actix_web", &["http", "cli"]),
    ("awc", &["http", "cli"]),
    ("base64", &["http", "cli"]),
    ("chrono_tz", &["cli"]),
    ("clap", &["cli"]),
    ("csv", &["cli"]),
    ("diesel", &["store"]),
    ("diesel_migrations", &["store"]),
    ("env_logger", &["cli"]),
    ("fhir", &["http", "cli"]),
    ("flate2", &["http", "cli"]),
    ("futures_util", &["http", "cli"]),
    ("indicatif", &["cli"]),
    ("ipnet", &["http", "cli"]),
    ("jsonwebtoken", &["http", "cli"]),
    ("libsqlite3_sys", &["store"]),
    ("load", &["cli"]),
    // The allocator of the whole program is chosen in `main.rs` alone.
    ("mimalloc", &[]),
    ("parking_lot", &["store", "engine", "http"]),
    ("plotters", &["cli"]),
    ("pq_sys", &["store"]),
    ("quick_cache", &["http"]),
    ("r2d2", &["store"]),
    ("race", &["cli"]),
    ("rustls", &["http", "cli"]),
    ("serde", &["http", "cli"]),
    ("serde_json", &["http", "cli"]),
    ("tokio", &["http", "cli"]),
    ("toml", &["cli"]),
    ("uuid", &["engine"]),
    ("x509_parser", &["http"]),
    ("xxhash_rust", &["http"]),
];

/// Crates that every layer of `src` may name.
const FREE: &[&str] = &["chrono", "domain", "log", "thiserror"];

/// The one place of `src` that reads the environment. No pure package does.
const READS_ENVIRONMENT: [&str; 2] = ["cli", "config"];

const LINES_MAX: usize = 450;
const NAMES_THAT_SAY_NOTHING: &[&str] = &["utils", "util", "common", "helpers", "helper", "misc"];

/// What is wrong with any source file, wherever it lies: its length and its name. `file` is its path below its `src/`.
fn faults_of_any(file: &Path, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!("has {lines} lines, more than {LINES_MAX}: make two of it"));
    }
    for part in parts_of(file).iter().filter(|part| NAMES_THAT_SAY_NOTHING.contains(part)) {
        faults.push(format!("is called `{part}`, which does not say what is in it"));
    }
    faults
}

/// What is wrong with a file of the root package: what it names. `file` is its path below `src/`.
fn faults_of(file: &Path, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let layer = parts_of(file).first().copied().unwrap_or_default();
    let Some((_, may_name)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        if !matches!(layer, "main" | "lib") {
            faults.push(format!("lies in no layer known to the test of the architecture: `{layer}`"));
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
            Target::Environment(call) if !in_tests && !parts_of(file).starts_with(&READS_ENVIRONMENT) => {
                faults.push(format!("line {line}: `env::{call}`, but only `cli/config` reads the environment"));
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

/// What is wrong with a file of a pure package: that it reads the environment.
fn faults_of_pure(file: &Path, text: &str) -> Vec<String> {
    let named = named_in(file, text).into_iter().filter(|named| !named.in_tests);
    let readers = named.filter_map(|Named { line, target, .. }| match target {
        Target::Environment(call) => Some(format!("line {line}: `env::{call}`, in a package that is pure")),
        Target::Layer(_) | Target::Crate(_) => None,
    });
    readers.collect()
}

/// The folders and the name of a file, without its extension.
fn parts_of(file: &Path) -> Vec<&str> {
    file.iter().filter_map(|part| part.to_str()).map(|part| part.trim_end_matches(".rs")).collect()
}

/// The names in a section such as `[dependencies]` of a manifest.
fn dependencies(manifest: &str, section: &str) -> BTreeSet<String> {
    let lines = manifest.lines().skip_while(|line| *line != section).skip(1).take_while(|line| !line.starts_with('['));
    let keys = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    keys.map(|(name, _)| name.trim().trim_end_matches(".workspace").to_owned()).collect()
}

/// What is wrong with the dependencies of one of our packages.
fn faults_of_manifest(package: &str, manifest: &str) -> Vec<String> {
    let Some((_, may)) = PACKAGES.iter().find(|(name, _)| *name == package) else {
        return vec![format!("say in PACKAGES which of our packages `{package}` may depend on")];
    };
    let ours = |name: &str| name == "slotkeeper" || PACKAGES.iter().any(|(package, _)| *package == name);
    let pure = PURE.iter().find(|(name, _)| *name == package).map(|(_, all)| all);
    let named = dependencies(manifest, "[dependencies]");
    let refused =
        named.iter().filter(|name| ours(name) && !may.contains(&name.as_str()) || pure.is_some_and(|all| !all.contains(&name.as_str())));
    refused.map(|name| format!("`{package}` must not depend on `{name}`")).collect()
}

#[test]
fn every_source_file_keeps_to_its_layer() {
    let src = root().join("src");
    let faults = faults_below(&src, |file, text| [faults_of_any(file, text), faults_of(file, text)].concat());
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_file_of_a_package_is_short_and_a_pure_one_is_pure() {
    for package in packages() {
        let pure = PURE.iter().any(|(name, _)| *name == package);
        let faults = faults_below(&root().join("crates").join(&package).join("src"), |file, text| {
            let reads = if pure { faults_of_pure(file, text) } else { Vec::new() };
            [faults_of_any(file, text), reads].concat()
        });
        assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    }
}

#[test]
fn every_package_depends_on_what_it_may() {
    let packages = packages();
    for (pure, _) in PURE {
        assert!(packages.iter().any(|package| package == pure), "{pure} was not found: {packages:?}");
    }
    for package in packages {
        let manifest = fs::read_to_string(root().join("crates").join(&package).join("Cargo.toml")).unwrap();
        let faults = faults_of_manifest(&package, &manifest);
        assert!(faults.is_empty(), "crates/{package}/Cargo.toml: {}", faults.join("; "));
    }
}

#[test]
fn every_dependency_of_the_root_has_its_place() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let names = dependencies(&manifest, "[dependencies]");
    assert!(names.contains("diesel"), "the dependencies were not read: {names:?}");
    let refused = |name: &&String| PACKAGES.iter().any(|(package, _)| package == name) && !ROOT_MAY.contains(&name.as_str());
    let refused: Vec<&String> = names.iter().filter(refused).collect();
    assert!(refused.is_empty(), "the root package must not depend on {refused:?}");
    let placed = |name: &str| FREE.contains(&name) || GUARDED.iter().any(|(guarded, _)| *guarded == name);
    let missing: Vec<&String> = names.iter().filter(|name| !placed(&name.replace('-', "_"))).collect();
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

/// The packages below `crates/`.
fn packages() -> Vec<String> {
    let manifests = fs::read_dir(root().join("crates")).unwrap().flatten().filter(|entry| entry.path().join("Cargo.toml").is_file());
    manifests.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// The faults of every Rust file below a `src`, with its path.
fn faults_below(src: &Path, faults_of: impl Fn(&Path, &str) -> Vec<String>) -> Vec<String> {
    let files: Vec<PathBuf> =
        files_under(src).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect();
    assert!(!files.is_empty(), "no file was found under {}", src.display());
    let faults = files.iter().flat_map(|path| {
        let faults = faults_of(path.strip_prefix(src).unwrap(), &fs::read_to_string(path).unwrap());
        faults.into_iter().map(|fault| format!("{}: {fault}", path.strip_prefix(root()).unwrap().display()))
    });
    faults.collect()
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
            "use crate::http::Service;",
            "use crate::{store::Slot, http::{Service, Tx}};",
            "use crate::{self as all, http};",
            "fn f() { crate :: http::open() }",
            "use super::super::http::Service;",
            "mod inner { use super::super::super::http::Service; }",
            "pub(in crate::http) fn f() {}",
            "fn f() -> Result<crate::http::Service, ()> { g(r#\"crate::store\"#) }",
            "macro_rules! m { () => { $crate::http::open() } }",
            "#[cfg(test)]\nmod tests { use crate::http::Service; }",
        ] {
            assert!(faults("engine/book.rs", text).contains("`engine` must not name `http`"), "not found in: {text}");
        }
        assert!(faults("http/mod.rs", "use crate::store::Store;").contains("`http` must not name `store`"));
        assert!(faults("engine/mod.rs", "use super::http::Service;").contains("`engine` must not name `http`"));
        assert!(faults("store/slots.rs", "use crate::engine::Engine;").contains("`store` must not name `engine`"));
        assert!(faults("engine/book.rs", "use crate::*;").contains("`*`"));
    }

    #[test]
    fn lets_pass_what_looks_down_or_names_nothing() {
        for text in [
            "use crate::store::Slot; use super::cancel; use super::super::store::Slot; use crate::engine::cancel;",
            "// crate::http\n/* crate::http /* nested crate::http */ crate::http */ /// crate::http\nfn f() {}",
            "const A: &str = \"crate::http \\\" crate::http\"; const B: &str = r##\"\"# crate::http\"##;",
            "const Q: char = '\"'; use crate::store::Slot; const R: &[u8] = b\"crate::http\";",
            "fn f<'a>(x: &'a str) -> &'a str { let c = '\\''; x }",
            "fn toml(diesel: u32) -> u32 { let serde = diesel; self.toml::<u32>(serde) }",
            "mod http { } use self::http::Thing;",
            "use super::super::engine::cancel; mod inner { use super::super::cancel; }",
        ] {
            assert_eq!(faults("engine/book.rs", text), "", "in: {text}");
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
        assert!(faults("store/slots.rs", "use fhir::codec::json;").contains("`store` must not name `fhir`"));
        let only_in_tests = "#[cfg(test)]\n#[rustfmt::skip]\nmod tests { use diesel::A; } mod tail { }";
        assert_eq!(faults("engine/book.rs", only_in_tests), "");
        assert_eq!(faults("engine/book/tests.rs", "use diesel::prelude::*;"), "");
        assert!(faults("engine/book.rs", "#[cfg(test)]\nmod tests { }\nuse diesel::A;").contains("line 3"));
        assert!(faults("engine/book.rs", "#[cfg(test)]\nmod tests;\nuse diesel::A;").contains("line 3"));
        assert!(faults("engine/book.rs", "#[cfg(not(test))]\nmod real { use diesel::A; }").contains("line 2"));
    }

    #[test]
    fn finds_what_a_package_may_not_depend_on() {
        let faults =
            |package: &str, text: &str| faults_of_manifest(package, &format!("[dependencies]\n{text}\n[lints]\nx = 1\n")).join("\n");
        assert_eq!(faults("domain", "chrono = { workspace = true }"), "");
        assert!(faults("domain", "diesel = \"2\"").contains("`domain` must not depend on `diesel`"));
        assert!(faults("domain", "fhir = { workspace = true }").contains("`domain` must not depend on `fhir`"));
        assert!(faults("fhir", "domain.workspace = true\nactix-web = \"4\"").ends_with("`fhir` must not depend on `actix-web`"));
        assert!(faults("load", "awc = \"3\"\nslotkeeper = { path = \"../..\" }").ends_with("`load` must not depend on `slotkeeper`"));
        assert!(faults("more", "").contains("PACKAGES"));
    }

    #[test]
    fn finds_readers_of_the_environment() {
        for text in [
            "fn f() { std::env::var(\"A\") }",
            "use std::env; fn f() { env::vars_os() }",
            "use std::env::{args, var_os};",
            "use std::{env::var, fs};",
        ] {
            assert!(faults("cli/serve.rs", text).contains("only `cli/config` reads the environment"), "in: {text}");
            assert_eq!(faults("cli/config.rs", text), "");
            assert!(faults_of_pure(Path::new("time.rs"), text).concat().contains("pure"), "in: {text}");
        }
        assert_eq!(faults("cli/serve.rs", "fn f() { std::env::args(); env!(\"CARGO_PKG_VERSION\"); }"), "");
    }

    #[test]
    fn finds_long_files_and_names_that_say_nothing() {
        let faults_of_any = |file: &str, text: &str| faults_of_any(Path::new(file), text).join("\n");
        assert_eq!(faults_of_any("http/mod.rs", &"\n".repeat(LINES_MAX)), "");
        assert!(faults_of_any("http/mod.rs", &"\n".repeat(LINES_MAX + 1)).contains("451 lines"));
        assert!(faults_of_any("http/utils.rs", "").contains("`utils`"));
        assert!(faults_of_any("json/common/mod.rs", "").contains("`common`"));
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
