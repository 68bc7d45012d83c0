//! The thin binary: settings in, command run, exit code out.

use domain::plain::{plain, plain_lines};
use slotkeeper::cli::config::{self, Refused};
use slotkeeper::cli::{self, Cli};
use std::io::Write;
use std::process::ExitCode;

/// An answer is some hundred small allocations on one thread, many of them freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut out = std::io::stdout();
    let cli: Cli = match config::of_this_process() {
        Ok(cli) => cli,
        Err(Refused::Told(text)) => {
            // Nobody is left to be told when stdout is closed.
            drop(out.write_all(text.as_bytes()));
            return ExitCode::SUCCESS;
        }
        Err(Refused::Usage(text)) => {
            eprintln!("slotkeeper: {}", plain(&text));
            return ExitCode::from(2);
        }
    };
    match cli::run(&cli, &mut out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let text = failure.to_string();
            if !text.is_empty() {
                eprintln!("slotkeeper: {}", plain_lines(&text));
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
