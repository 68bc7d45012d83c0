//! Where a bench lives: a directory and processes of its own, gone when it is gone, however it ends.
//!
//! Each of them is in the care of a small shell whose standard input is a pipe from here. When the pipe closes, because its
//! owner was dropped, or because this process was interrupted, killed or panicked, the shell stops what it cares for and
//! removes it.
//! Pitfall: nothing here handles signals. The shells stand in groups of their own, so that Ctrl-C reaches the bench alone,
//! and its end is what they act upon.

use crate::error::BenchError;
use crate::programs;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Makes a directory, names it, and removes it at the end. A process that is just dying may still write into it.
const KEEPER: &str = r#"
trap '' HUP INT TERM
umask 077
cd / || exit 1
dir=$(mktemp -d /tmp/skbench.XXXXXX) || exit 1
echo "$dir"
read -r _
for _ in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$dir" 2>/dev/null && break
    sleep 0.2
done
"#;

/// Runs `$2…` with its output in the file `$1`, names its process, and kills it at the end: what it serves is thrown away.
const GUARDIAN: &str = r#"
trap '' HUP INT TERM
log=$1
shift
"$@" </dev/null >>"$log" 2>&1 &
pid=$!
echo "$pid"
read -r _
kill -KILL "$pid" 2>/dev/null
wait "$pid" 2>/dev/null
"#;

/// A shell that cares for something. Dropped: waits until that is gone.
#[derive(Debug)]
pub(crate) struct Guardian {
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Guardian {
    /// Starts `script` with `words` as its arguments, as `user` when one is named.
    pub(crate) fn start(script: &str, words: &[&OsStr], user: Option<&str>) -> Result<Self, BenchError> {
        let mut command = match user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--", "sh"]);
                command
            }
            None => Command::new("sh"),
        };
        // A SLOTKEEPER_… variable of the caller must not change what is measured.
        let path = std::iter::once(PathBuf::from("/usr/sbin")).chain(programs::directories());
        let path = path.map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(":");
        command.env_clear().env("PATH", path).env("LC_ALL", "C.UTF-8");
        command.args(["-c", script, "ward"]).args(words).current_dir("/").process_group(0);
        let mut shell = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| BenchError::failed(format!("cannot start a shell: {error}")))?;
        let (Some(orders), Some(answers)) = (shell.stdin.take(), shell.stdout.take()) else {
            return Err(BenchError::failed("a shell has no input or output"));
        };
        Ok(Self { shell, orders: Some(orders), answers: BufReader::new(answers) })
    }

    /// Gives an order to a shell that takes them.
    pub(crate) fn order(&mut self, words: &str) -> Result<(), BenchError> {
        let told = self.orders.as_mut().map(|pipe| writeln!(pipe, "{words}").and_then(|()| pipe.flush()));
        told.transpose().map(drop).map_err(|error| BenchError::failed(format!("a shell takes no orders: {error}")))
    }

    /// The next line it says.
    pub(crate) fn answer(&mut self) -> Result<String, BenchError> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(|error| BenchError::failed(format!("a shell does not answer: {error}")))?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        // The end of its input is the order to stop and clean up.
        self.orders = None;
        if let Err(error) = self.shell.wait() {
            log::warn!("a shell of the bench cannot be waited for: {error}");
        }
    }
}

/// A directory that vanishes with the bench.
#[derive(Debug)]
pub(crate) struct WorkDir {
    dir: PathBuf,
    _keeper: Guardian,
}

impl WorkDir {
    /// An empty directory.
    pub(crate) fn new() -> Result<Self, BenchError> {
        let mut keeper = Guardian::start(KEEPER, &[], None)?;
        let dir = PathBuf::from(keeper.answer()?);
        if !dir.is_dir() {
            return Err(BenchError::failed("cannot make a directory under /tmp"));
        }
        Ok(Self { dir, _keeper: keeper })
    }

    /// The path of a file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// A running program that ends with the bench.
#[derive(Debug)]
pub(crate) struct Process {
    log: PathBuf,
    pid: u32,
    _guardian: Guardian,
}

impl Process {
    /// Starts `program` with `words`; what it says goes into the file `log`.
    pub(crate) fn start(program: &Path, words: &[&str], log: &Path) -> Result<Self, BenchError> {
        File::create(log).map_err(|error| BenchError::failed(format!("cannot write {}: {error}", log.display())))?;
        let mut all = vec![log.as_os_str(), program.as_os_str()];
        all.extend(words.iter().map(OsStr::new));
        let mut guardian = Guardian::start(GUARDIAN, &all, None)?;
        let pid = guardian.answer()?;
        let pid = pid.parse().map_err(|_| BenchError::failed(format!("{} cannot be started", program.display())))?;
        Ok(Self { log: log.to_owned(), pid, _guardian: guardian })
    }

    /// False once it has ended.
    pub(crate) fn runs(&self) -> bool {
        // `pid (name) state …`; a process that ended and was not collected is in state Z.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
        state.is_some_and(|state| state != 'Z')
    }

    /// The last words it said.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(4)..).unwrap_or_default().join(" | ")
    }
}

/// A port of 127.0.0.1 that is free now. Somebody may take it before it is used, so whoever starts a server tries again.
pub(crate) fn free_address() -> Result<SocketAddr, BenchError> {
    let found = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    found.map_err(|error| BenchError::failed(format!("no free port on 127.0.0.1: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn a_place_and_a_process_are_gone_when_they_are_dropped() {
        let workdir = WorkDir::new().unwrap();
        let dir = workdir.file("");
        let process = Process::start(Path::new("sleep"), &["600"], &workdir.file("log")).unwrap();
        let pid = process.pid;
        assert!(process.runs() && dir.is_dir());
        drop(process);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
        drop(workdir);
        assert!(!dir.exists());
    }

    #[test]
    fn a_program_that_ended_is_seen_with_its_last_words() {
        let workdir = WorkDir::new().unwrap();
        let process = Process::start(Path::new("ls"), &["/nowhere"], &workdir.file("log")).unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        while process.runs() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(!process.runs());
        assert!(process.last_words().contains("/nowhere"), "{}", process.last_words());
    }
}
