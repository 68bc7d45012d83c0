//! `slotkeeper migrate`: brings the database to this binary's version.

use super::{DatabaseArgs, Failure, say};
use crate::store::Store;
use std::io::Write;

/// What `slotkeeper migrate` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct MigrateArgs {
    /// The database
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Only lists the migrations, and which of them the database has
    #[arg(long)]
    pub status: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub fn run(args: &MigrateArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let url = args.database.url()?;
    if args.status {
        for migration in Store::migration_status(&url)? {
            say(out, &format!("{}  {}", if migration.applied { "applied" } else { "missing" }, migration.name))?;
        }
        return Ok(());
    }
    let applied = Store::migrate(&url)?;
    if applied.is_empty() {
        return say(out, "nothing to do: the database is up to date");
    }
    applied.iter().try_for_each(|name| say(out, &format!("applied  {name}")))
}
