//! The built binary as a process of its own, in an empty directory, to be killed and started again.
//!
//! Knows the command line (`serve --listen`) and `/health/ready`, nothing else of the product. Pitfall:
//! `restart()` keeps port, arguments and directory, so a SQLite file named with a
//! relative path is still there; and no `SLOTKEEPER_…` variable of the caller's environment is passed on.

use crate::os::{free_port, signal, wait_until};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A debug build on a busy two-core machine that migrates and seeds first.
const READY_WAIT: Duration = Duration::from_secs(60);
const STOP_WAIT: Duration = Duration::from_secs(60);
const REPLY_WAIT: Duration = Duration::from_secs(60);

/// The built binary. Cargo tells its path only to the tests of its own package, so they hand it in:
/// `Program::at(env!("CARGO_BIN_EXE_slotkeeper"))`.
#[derive(Clone, Copy, Debug)]
pub struct Program(&'static str);

impl Program {
    /// The binary that lies there.
    pub const fn at(path: &'static str) -> Self {
        Self(path)
    }

    /// Where it lies.
    pub const fn path(self) -> &'static str {
        self.0
    }

    /// Runs `serve --listen 127.0.0.1:<free port> <args…>` and waits until it is ready. Panics with what it
    /// wrote to stderr if it ends or is not ready in time.
    pub fn serve(self, args: &[&str]) -> Spawned {
        self.try_serve(args).unwrap_or_else(|ended| panic!("the server ended (code {:?}): {}", ended.code, ended.stderr))
    }

    /// The same, for a server that is expected to refuse its arguments: gives how it ended.
    pub fn try_serve(self, args: &[&str]) -> Result<Spawned, Ended> {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        let dir = tempfile::tempdir().unwrap();
        let mut spawned = Spawned { program: self, args, port: free_port(), dir, running: None, starts: 0 };
        spawned.launch()?;
        Ok(spawned)
    }

    /// Runs one command to its end in an empty directory and gives what it wrote. Panics if it is still running
    /// after `limit`.
    pub fn run(self, args: &[&str], limit: Duration) -> Ended {
        let dir = tempfile::tempdir().unwrap();
        self.run_in(dir.path(), args, &[], limit)
    }

    /// The same in a directory of the caller's choice and with environment variables.
    pub fn run_in(self, dir: &Path, args: &[&str], environment: &[(&str, &str)], limit: Duration) -> Ended {
        self.start_in(dir, args, environment).wait(limit)
    }

    /// Starts a command in `dir`.
    pub fn start_in(self, dir: &Path, args: &[&str], environment: &[(&str, &str)]) -> Job {
        let output = tempfile::tempdir().unwrap();
        let mut command = self.command(dir);
        command.args(args).envs(environment.iter().copied());
        let file = |name: &str| File::create(output.path().join(name)).unwrap();
        command.stdout(file("stdout")).stderr(file("stderr"));
        let running = Running::watched(command.spawn().unwrap());
        Job { line: args.join(" "), output, running: Some(running) }
    }

    /// A command in `dir`, without the caller's settings.
    fn command(self, dir: &Path) -> Command {
        let mut command = Command::new(self.0);
        command.current_dir(dir).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SLOTKEEPER_") {
                command.env_remove(name);
            }
        }
        command
    }
}

/// A running `slotkeeper serve`. Dropped: killed, its directory removed.
#[derive(Debug)]
pub struct Spawned {
    program: Program,
    args: Vec<String>,
    port: u16,
    dir: TempDir,
    running: Option<Running>,
    starts: u32,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// The answer to an HTTP request.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Names in lower case and values, in the order sent.
    pub headers: Vec<(String, String)>,
    /// The body, without its transfer encoding.
    pub body: Vec<u8>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Kills the child when this process ends in whatever way.
    watch: Child,
    watch_input: Option<ChildStdin>,
}

impl Spawned {
    /// Starts it again after `kill_9` or `stop` (a running one is stopped first) and waits until it is ready.
    pub fn restart(&mut self) {
        if self.running.is_some() {
            self.stop();
        }
        self.launch().unwrap_or_else(|ended| panic!("the server did not start again (code {:?}): {}", ended.code, ended.stderr));
    }

    /// Ends it with SIGKILL, as a crash would.
    pub fn kill_9(&mut self) {
        if let Some(mut running) = self.running.take() {
            let _ = running.child.kill();
            running.collect();
        }
    }

    /// Asks it to end with SIGTERM and waits for that. Panics if it goes on for a minute.
    pub fn stop(&mut self) -> ExitStatus {
        let mut running = self.running.take().expect("the server runs");
        signal("TERM", &[running.child.id()]);
        let mut status = None;
        wait_until(STOP_WAIT, || {
            status = running.child.try_wait().unwrap();
            status.is_some()
        });
        let Some(status) = status else {
            let _ = running.child.kill();
            running.collect();
            panic!("the server did not end within {STOP_WAIT:?} of SIGTERM: {}", self.stderr());
        };
        running.collect();
        status
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Its process id. Panics if it does not run.
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("the server runs").child.id()
    }

    /// The directory it was started in.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What the last started process wrote to stderr so far.
    pub fn stderr(&self) -> String {
        read_text(&self.file("stderr"))
    }

    /// What the last started process wrote to stdout so far.
    pub fn stdout(&self) -> String {
        read_text(&self.file("stdout"))
    }

    /// One request on a connection of its own; see `request`.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
        request(self.addr(), method, path, headers, body)
    }

    /// A GET that must be answered.
    pub fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[], &[]).unwrap()
    }

    /// The output files lie beside the working directory, which stays empty for the server.
    fn file(&self, what: &str) -> std::path::PathBuf {
        self.dir.path().with_extension(format!("{}.{what}", self.starts))
    }

    fn launch(&mut self) -> Result<(), Ended> {
        self.remove_files();
        self.starts += 1;
        let listen = self.addr().to_string();
        let mut command = self.program.command(self.dir.path());
        command.args(["serve", "--listen", &listen]).args(&self.args);
        command.stdout(File::create(self.file("stdout")).unwrap()).stderr(File::create(self.file("stderr")).unwrap());
        let mut running = Running::watched(command.spawn().unwrap());
        let addr = self.addr();
        let mut ended = None;
        let settled = wait_until(READY_WAIT, || {
            ended = running.child.try_wait().unwrap();
            ended.is_some() || request(addr, "GET", "/health/ready", &[], &[]).is_ok_and(|reply| reply.status == 200)
        });
        if let Some(status) = ended {
            running.collect();
            let ended = Ended { code: status.code(), stdout: self.stdout(), stderr: self.stderr() };
            self.remove_files();
            return Err(ended);
        }
        self.running = Some(running);
        assert!(settled, "the server is not ready after {READY_WAIT:?}: {}", self.stderr());
        Ok(())
    }

    fn remove_files(&self) {
        let _ = std::fs::remove_file(self.file("stdout"));
        let _ = std::fs::remove_file(self.file("stderr"));
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        self.kill_9();
        self.remove_files();
    }
}

impl Running {
    fn watched(child: Child) -> Self {
        // Ends without a kill when it reads a line, kills when its input closes without one.
        let script = "trap '' HUP INT TERM; read -r done || kill -s KILL \"$1\"";
        let mut watch = Command::new("sh");
        watch.args(["-c", script, "watch", &child.id().to_string()]);
        let mut watch = watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let watch_input = watch.stdin.take();
        Self { child, watch, watch_input }
    }

    /// Waits for the ended child and calls the watch off.
    fn collect(mut self) {
        // First the watch: once the child is collected its number may belong to another process.
        if let Some(mut input) = self.watch_input.take() {
            let _ = input.write_all(b"done\n");
        }
        let _ = self.watch.wait();
        let _ = self.child.wait();
    }
}

/// One command of the binary that is under way. Dropped: killed.
#[derive(Debug)]
pub struct Job {
    line: String,
    output: TempDir,
    running: Option<Running>,
}

impl Job {
    /// Its process id. Panics if it was killed.
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("the job was not killed").child.id()
    }

    /// What it wrote to stderr so far.
    pub fn stderr(&self) -> String {
        read_text(&self.output.path().join("stderr"))
    }

    /// True once it has ended by itself.
    pub fn is_over(&mut self) -> bool {
        self.running.as_mut().is_none_or(|running| running.child.try_wait().unwrap().is_some())
    }

    /// Ends it with SIGKILL.
    pub fn kill_9(mut self) {
        self.kill();
    }

    /// Waits for its end. Panics if it is still running after `limit`.
    pub fn wait(mut self, limit: Duration) -> Ended {
        let over = wait_until(limit, || self.is_over());
        let code = self.running.as_mut().and_then(|running| running.child.try_wait().unwrap()).and_then(|status| status.code());
        self.kill();
        let (stdout, stderr) = (read_text(&self.output.path().join("stdout")), read_text(&self.output.path().join("stderr")));
        assert!(over, "`slotkeeper {}` still ran after {limit:?}: {stderr}", self.line);
        Ended { code, stdout, stderr }
    }

    fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            // An error means that it has ended already.
            let _ = running.child.kill();
            running.collect();
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One HTTP request on a connection of its own. `Host`, `Connection: close` and, with a body,
/// `Content-Length` are added. An error means that no complete answer came.
pub fn request(addr: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
    let mut stream = TcpStream::connect_timeout(&addr, REPLY_WAIT)?;
    stream.set_read_timeout(Some(REPLY_WAIT))?;
    stream.set_nodelay(true)?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || matches!(method, "POST" | "PUT") {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut message = head.into_bytes();
    message.extend_from_slice(body);
    stream.write_all(&message)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse_reply(method, &answer).ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the answer is not complete"))
}

impl Reply {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(is, _)| is == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// An answer as it came over the wire. `None` if it was cut off.
pub fn parse_reply(method: &str, answer: &[u8]) -> Option<Reply> {
    let head_length = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let (head, rest) = (std::str::from_utf8(answer.get(..head_length)?).ok()?, answer.get(head_length + 4..)?);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let split = lines.filter_map(|line| line.split_once(':'));
    let headers = split.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let mut reply = Reply { status, headers, body: Vec::new() };
    let bodiless = method == "HEAD" || matches!(status, 204 | 304);
    reply.body = if bodiless {
        Vec::new()
    } else if reply.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        joined_chunks(rest)?
    } else {
        match reply.header("content-length") {
            Some(length) => rest.get(..length.parse().ok()?)?.to_vec(),
            None => rest.to_vec(),
        }
    };
    Some(reply)
}

fn joined_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_length = rest.windows(2).position(|bytes| bytes == b"\r\n")?;
        let line = std::str::from_utf8(rest.get(..line_length)?).ok()?;
        let length = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        let begin = line_length + 2;
        body.extend_from_slice(rest.get(begin..begin + length)?);
        rest = rest.get(begin + length + 2..)?;
    }
}

fn read_text(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
