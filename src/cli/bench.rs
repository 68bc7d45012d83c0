//! `slotkeeper bench`: where the bench went.

use super::Failure;

/// Whatever was meant for the bench.
#[derive(Debug, Clone, clap::Args)]
pub struct BenchArgs {
    /// Flags of slotkeeper-bench
    #[arg(value_name = "FLAGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub flags: Vec<String>,
}

/// What to run instead.
pub fn moved(args: &BenchArgs) -> Failure {
    let line = std::iter::once("slotkeeper-bench").chain(args.flags.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    Failure::Usage(format!("the bench is a program of its own: run `{line}` (built by cargo build --release -p slotkeeper-bench)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, CliCommand};
    use clap::Parser;

    #[test]
    fn the_bench_of_old_says_what_to_run_with_the_same_flags() {
        let cli = Cli::try_parse_from(["slotkeeper", "bench", "--quick", "--only", "B1,B4"]).unwrap();
        let CliCommand::Bench(args) = &cli.command else { panic!("{cli:?}") };
        let told = moved(args);
        assert!(told.exit_code() == 2 && told.to_string().contains("`slotkeeper-bench --quick --only B1,B4`"), "{told}");
    }
}
