//! A demo server with TLS as a process of its own, and clients that speak to it over real sockets.
//!
//! Pitfall: with TLS 1.3 a client that is refused learns of it only when it reads, so "refused" here means
//! that no answer came, and the server's log says why.

use super::pki::{Authority, Pair};
use crate::SLOTKEEPER;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use testkit::os::{free_port, signal, wait_until};
use testkit::process::{Job, Reply, parse_reply};

/// A debug build on a busy machine.
pub const WAIT: Duration = Duration::from_secs(60);

/// A server's process, its files, and the CA that its certificate comes from.
pub struct House {
    dir: TempDir,
    pub port: u16,
    pub ca: Authority,
    job: Job,
}

impl House {
    /// Starts `serve --demo` with TLS; `files` are written first, and `more` flags are added. Waits until it answers.
    pub fn open(files: &[(&str, &str)], more: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = Authority::root("Server CA");
        let server = ca.server();
        let port = free_port();
        write(dir.path(), "server.pem", &server.chain);
        write(dir.path(), "server.key", &server.key);
        for (name, text) in files {
            write(dir.path(), name, text);
        }
        let listen = format!("127.0.0.1:{port}");
        let line = ["serve", "--demo", "--listen", &listen, "--tls-cert", "server.pem", "--tls-key", "server.key"];
        // A busy machine must not look like a client that takes too long.
        let patience: &[&str] = if more.contains(&"--handshake-ms") { &[] } else { &["--handshake-ms", "60000"] };
        let line: Vec<&str> = line.iter().chain(patience).chain(more).copied().collect();
        let job = SLOTKEEPER.start_in(dir.path(), &line, &[]);
        let mut house = Self { dir, port, ca, job };
        let up = wait_until(WAIT, || house.job.is_over() || TcpStream::connect(house.addr()).is_ok());
        assert!(up && !house.job.is_over(), "the server did not start: {}", house.log());
        house
    }

    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    pub fn log(&self) -> String {
        self.job.stderr()
    }

    pub fn write(&self, name: &str, text: &str) {
        write(self.dir.path(), name, text);
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// Sends SIGHUP and waits until the log says that everything was read again, or why not.
    pub fn reload(&self) {
        let told = |log: &str| log.matches("slotkeeper::cli::reload] client certificates: ").count();
        let before = told(&self.log());
        signal("HUP", &[self.job.pid()]);
        assert!(wait_until(WAIT, || told(&self.log()) > before), "nothing was read again: {}", self.log());
    }

    /// Sends SIGHUP and waits for nothing.
    pub fn hang_up(&self) {
        signal("HUP", &[self.job.pid()]);
    }

    /// Waits until the log holds `words`.
    pub fn logs(&self, words: &str) {
        assert!(wait_until(WAIT, || self.log().contains(words)), "`{words}` is not in the log: {}", self.log());
    }

    pub fn client(&self, pair: Option<&Pair>) -> Client {
        Client::new(self.addr(), &self.ca.pem, pair, &[&TLS13, &TLS12])
    }

    pub fn client_of(&self, pair: Option<&Pair>, version: &'static SupportedProtocolVersion) -> Client {
        Client::new(self.addr(), &self.ca.pem, pair, &[version])
    }

    /// Demands that a client with this certificate is answered.
    pub fn lets_in(&self, pair: &Pair) {
        for version in [&TLS13, &TLS12] {
            let answer = self.client_of(Some(pair), version).get("/health/live");
            assert!(answer.as_ref().is_ok_and(|reply| reply.status == 200), "{answer:?}; {}", self.log());
        }
    }

    /// Demands that a client is refused in either version, and that the log says why.
    pub fn refuses(&self, pair: Option<&Pair>, why: &str) {
        for version in [&TLS13, &TLS12] {
            let before = self.log().matches(why).count();
            let answer = self.client_of(pair, version).get("/health/live");
            assert!(answer.is_err(), "answered: {answer:?}");
            assert!(wait_until(WAIT, || self.log().matches(why).count() > before), "`{why}` is not in the log: {}", self.log());
        }
    }
}

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join(name), text).unwrap();
}

/// What a client trusts and shows.
#[derive(Clone)]
pub struct Client {
    addr: SocketAddr,
    pub config: Arc<ClientConfig>,
}

impl Client {
    pub fn new(addr: SocketAddr, ca: &str, pair: Option<&Pair>, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let mut roots = RootCertStore::empty();
        for ca in CertificateDer::pem_slice_iter(ca.as_bytes()) {
            roots.add(ca.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap().with_root_certificates(roots);
        let config = match pair {
            Some(pair) => builder.with_client_auth_cert(pair.certificates(), pair.private_key()).unwrap(),
            None => builder.with_no_client_auth(),
        };
        Self { addr, config: Arc::new(config) }
    }

    /// A connection, its handshake done as far as the client can tell.
    pub fn connect(&self) -> io::Result<Line> {
        let mut socket = TcpStream::connect_timeout(&self.addr, WAIT)?;
        socket.set_read_timeout(Some(WAIT))?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let mut tls = ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        Ok(Line { stream: StreamOwned::new(tls, socket) })
    }

    /// One GET on a connection of its own.
    pub fn get(&self, path: &str) -> io::Result<Reply> {
        self.connect()?.get(path)
    }
}

/// An open connection that can be asked again and again.
pub struct Line {
    pub stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Line {
    /// One GET; the connection stays open.
    pub fn get(&mut self, path: &str) -> io::Result<Reply> {
        self.get_with(path, "")
    }

    /// The same with more headers, each with its line end.
    pub fn get_with(&mut self, path: &str, headers: &str) -> io::Result<Reply> {
        self.stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n").as_bytes())?;
        let mut answer = Vec::new();
        let mut bytes = [0; 16_384];
        loop {
            if let Some(reply) = parse_reply("GET", &answer) {
                return Ok(reply);
            }
            let read = self.stream.read(&mut bytes)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(&bytes[..read]);
        }
    }

    /// The certificate the server showed.
    pub fn shown(&self) -> Vec<u8> {
        self.stream.conn.peer_certificates().unwrap()[0].to_vec()
    }
}
