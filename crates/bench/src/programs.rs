//! The programs a bench starts: the server that is measured, and itself as the static reference.

use crate::error::BenchError;
use std::path::{Path, PathBuf};

/// The file name of the server.
const SERVER: &str = "slotkeeper";

/// Where they are.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    /// `slotkeeper`, the subject.
    pub(crate) server: PathBuf,
    /// This program.
    pub(crate) bench: PathBuf,
}

impl Programs {
    /// The server that was named, else the one beside this program.
    pub(crate) fn find(named: Option<&Path>) -> Result<Self, BenchError> {
        let bench = std::env::current_exe().map_err(|error| BenchError::failed(format!("cannot find this program: {error}")))?;
        let server = named.map_or_else(|| bench.with_file_name(SERVER), Path::to_owned);
        // What it starts runs in other directories.
        let server = std::path::absolute(&server).unwrap_or(server);
        if !server.is_file() {
            return Err(BenchError::failed(format!(
                "there is no server at {}: build it (cargo build --release --workspace), or name one with --server-bin PATH",
                server.display()
            )));
        }
        Ok(Self { server, bench })
    }
}

/// The directories in which programs are looked for.
#[expect(clippy::disallowed_methods, reason = "the one workdir of the bench that reads the environment")]
pub(crate) fn directories() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_not_there_is_told_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let told = Programs::find(Some(&dir.path().join("nobody"))).unwrap_err();
        assert!(!told.is_usage() && told.to_string().contains("--server-bin") && told.to_string().contains("nobody"), "{told}");
        let file = dir.path().join("server");
        std::fs::write(&file, "").unwrap();
        assert_eq!(Programs::find(Some(&file)).unwrap().server, file);
    }
}
