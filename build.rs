//! Rebuilds when a migration changes: `embed_migrations!` reads the files at compile time, and cargo does not see that.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
