//! `slotkeeper check`: every invariant, asked of a database. Reads only; also while a server runs.

use super::{DatabaseArgs, Failure, maintenance, say};
use std::io::Write;

/// What `slotkeeper check` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct CheckArgs {
    /// The database
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// Runs the command. Broken invariants are printed and judged.
///
/// # Errors
/// [`Failure`]; [`Failure::Judged`] when an invariant is broken.
pub fn run(args: &CheckArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let report = maintenance(&args.database.open()?).check()?;
    for rule in &report.rules {
        let broken: Vec<_> = report.violations.iter().filter(|v| v.rule == *rule).collect();
        say(out, &format!("{}  {rule}", if broken.is_empty() { "ok    " } else { "BROKEN" }))?;
        for violation in broken {
            say(out, &format!("        {}", violation.subject))?;
        }
    }
    let [slots, appointments, versions, keys, audit] = report.scope;
    let scope = format!("{slots} slots, {appointments} appointments, {versions} versions, {keys} request keys, {audit} audit rows");
    if report.violations.is_empty() {
        say(out, &format!("clean: {scope}"))
    } else {
        say(out, &format!("NOT clean: {} violations; {scope}", report.violations.len()))?;
        Err(Failure::Judged)
    }
}
