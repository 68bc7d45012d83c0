//! The server's side of TLS: what is spoken, what is not, and what it refuses to start with.

use super::pki::Authority;
use super::world::{Client, House};
use crate::SLOTKEEPER;
use rustls::version::{TLS12, TLS13};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;
use testkit::os::{free_port, wait_until};
use testkit::process::{Ended, request};

#[test]
fn tls_1_3_and_1_2_are_served_with_http_1_and_2() {
    let house = House::open(&[], &[]);
    for version in [&TLS13, &TLS12] {
        let mut line = house.client_of(None, version).connect().unwrap();
        let statement = line.get("/STU3/1/provider/metadata").unwrap();
        assert_eq!(statement.status, 200);
        assert_eq!(line.stream.conn.protocol_version(), Some(version.version));
        let found = line.get("/STU3/1/provider/Slot?service=2000099901&status=free&_count=1").unwrap().text();
        assert!(found.contains(&format!("https://127.0.0.1:{}/STU3/1/provider/Slot", house.port)), "{found}");
    }
    let url = format!("https://127.0.0.1:{}/STU3/1/provider/Slot?service=2000099901&status=free&_count=2", house.port);
    for protocol in ["h2", "http/1.1"] {
        let mut config = (*house.client(None).config).clone();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let (status, version, body) = actix_web::rt::System::new().block_on(async {
            let connector = awc::Connector::new().rustls_0_23(Arc::new(config));
            let client = awc::Client::builder().connector(connector).timeout(Duration::from_secs(60)).finish();
            let body = r#"{"resourceType": "Appointment"}"#;
            let posting = client.post(format!("{}/Appointment", url.split("/Slot").next().unwrap()));
            let refused = posting.insert_header(("Content-Type", "application/fhir+json")).send_body(body).await.unwrap();
            assert!(matches!(refused.status().as_u16(), 400 | 422), "{refused:?}");
            let mut answer = client.get(&url).send().await.unwrap();
            (answer.status().as_u16(), format!("{:?}", answer.version()), answer.body().limit(1_000_000).await.unwrap())
        });
        assert_eq!((status, version.as_str()), (200, if protocol == "h2" { "HTTP/2.0" } else { "HTTP/1.1" }));
        assert!(String::from_utf8_lossy(&body).contains("searchset"));
    }
}

#[test]
fn versions_below_1_2_and_plain_http_and_nonsense_end_cleanly() {
    let house = House::open(&[], &[]);
    // The ClientHello of TLS 1.1, but for its version one that the server could agree to.
    let mut hello = vec![0x16, 0x03, 0x01, 0, 55, 0x01, 0, 0, 51, 0x03, 0x02];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3]);
    let mut socket = TcpStream::connect(house.addr()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    socket.write_all(&hello).unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    // A fatal alert: protocol_version.
    assert_eq!(answer.get(..1), Some(&[0x15][..]), "{answer:?}");
    assert_eq!(answer.get(5..7), Some(&[2, 70][..]), "{answer:?}");
    assert!(request(house.addr(), "GET", "/health/live", &[], &[]).is_err());
    for nonsense in [&b""[..], b"\x16\x03\x01\xff\xff", &[0; 5_000], b"\x16\x03\x01\0\x05\x01\xff\xff\xff\xff"] {
        let mut socket = TcpStream::connect(house.addr()).unwrap();
        // It may be gone before all of it is sent.
        let _ = socket.write_all(nonsense);
    }
    assert_eq!(house.client(None).get("/health/live").unwrap().status, 200);
    assert!(!house.log().contains("panicked"), "{}", house.log());
    let stranger = Authority::root("Other CA");
    assert!(Client::new(house.addr(), &stranger.pem, None, &[&TLS13]).get("/health/live").is_err(), "the test's client must check");
}

/// Goal: whoever connects and says nothing holds no place for good. Method: one place, and a short wait.
#[test]
fn a_slow_handshake_is_given_up_and_its_place_is_free() {
    let house = House::open(&[], &["--handshakes-max", "1", "--handshake-ms", "500"]);
    let silent: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(house.addr()).unwrap()).collect();
    assert!(wait_until(Duration::from_secs(60), || house.client(None).get("/health/live").is_ok_and(|reply| reply.status == 200)));
    drop(silent);
}

/// Proves F18.
#[test]
fn forwarding_headers_are_believed_by_nobody_under_tls() {
    let house = House::open(&[], &["--trusted-proxy", "10.20.0.0/24"]);
    let client = house.client(None);
    let forwarded = "X-Forwarded-For: 10.20.0.5\r\nForwarded: for=10.20.0.5;proto=https;host=evil.example\r\nX-Real-IP: 10.20.0.5\r\nX-Forwarded-Host: evil.example\r\n";
    for (path, status) in
        [("/STU3/1/provider/metadata", 403), ("/openapi.json", 403), ("/nowhere", 403), ("/health/live", 200), ("/health/ready", 200)]
    {
        let reply = client.connect().unwrap().get_with(path, forwarded).unwrap();
        assert_eq!(reply.status, status, "{path}");
        assert!(!reply.text().contains("evil.example"));
    }
    drop(house);
    let house = House::open(&[], &["--trusted-proxy", "127.0.0.0/8"]);
    let reply = house.client(None).connect().unwrap().get_with("/STU3/1/provider/Slot?service=2000099901&_count=1", forwarded).unwrap();
    assert_eq!(reply.status, 200);
    assert!(!reply.text().contains("evil.example"));
}

#[test]
fn the_start_refuses_what_it_cannot_use_on_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Authority::root("CA");
    let (server, other) = (ca.server(), ca.server());
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (name, text) in [
        ("server.pem", server.chain.as_str()),
        ("server.key", &server.key),
        ("other.key", &other.key),
        ("ca.pem", &ca.pem),
        ("empty", ""),
        ("encrypted.key", encrypted),
    ] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let listen = format!("127.0.0.1:{}", free_port());
    let serve = |more: &[&str]| {
        let own: &[&str] = if more.contains(&"--listen") { &[] } else { &["--listen", &listen] };
        let line: Vec<&str> = ["serve", "--log", "error"].iter().chain(own).chain(more).copied().collect();
        SLOTKEEPER.run_in(dir.path(), &line, &[], Duration::from_secs(60))
    };
    let pair = ["--tls-cert", "server.pem", "--tls-key", "server.key"];
    let with = |more: &[&'static str]| pair.iter().chain(more).copied().collect::<Vec<_>>();
    for (line, code, words) in [
        (vec!["--tls-cert", "server.pem"], 2, "--tls-key FILE"),
        (vec!["--tls-key", "server.key"], 2, "--tls-cert FILE"),
        (vec!["--client-ca", "ca.pem"], 2, "--tls-cert FILE"),
        (vec!["--client-subject", "x"], 2, "--client-ca FILE"),
        (with(&["--client-crl", "x"]), 2, "--client-ca FILE"),
        (with(&["--client-ca", "ca.pem", "--client-subject", "CN="]), 2, "ssp.example.nhs.uk"),
        (vec!["--tls-cert", "server.pem", "--tls-key", "nowhere.key"], 1, "nowhere.key"),
        (vec!["--tls-cert", "server.pem", "--tls-key", "other.key"], 1, "does not belong to"),
        (vec!["--tls-cert", "empty", "--tls-key", "server.key"], 1, "-----BEGIN CERTIFICATE-----"),
        (vec!["--tls-cert", "server.pem", "--tls-key", "server.pem"], 1, "-----BEGIN PRIVATE KEY-----"),
        (vec!["--tls-cert", "server.pem", "--tls-key", "encrypted.key"], 1, "without a passphrase"),
        (with(&["--client-ca", "empty"]), 1, "-----BEGIN CERTIFICATE-----"),
        (with(&["--client-ca", "server.pem"]), 1, "no CA's"),
        (with(&["--client-ca", "ca.pem", "--client-crl", "ca.pem"]), 1, "-----BEGIN X509 CRL-----"),
        (vec!["--listen", "0.0.0.0:1"], 2, "--client-ca FILE"),
        (with(&["--listen", "0.0.0.0:1"]), 2, "--client-ca FILE"),
        (with(&["--listen", "0.0.0.0:1", "--client-ca", "ca.pem", "--auth", "off"]), 2, "not loopback"),
        // Allowed; there is no database to serve.
        (with(&["--listen", "0.0.0.0:1", "--client-ca", "ca.pem"]), 1, "run `slotkeeper migrate`"),
    ] {
        let Ended { code: ended, stderr, .. } = serve(&line);
        assert_eq!(ended, Some(code), "{line:?}: {stderr}");
        assert!(stderr.contains(words) && stderr.trim_end().lines().count() == 1, "{line:?}: {stderr}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 6, "a refused start left a file behind");
}

#[test]
fn an_expired_certificate_and_an_open_key_are_warned_of() {
    let house = House::open(&[], &[]);
    house.write("expired.pem", &house.ca.expired_client("localhost").chain);
    let expired = house.ca.expired_client("localhost");
    house.write("server.pem", &expired.chain);
    house.write("server.key", &expired.key);
    std::fs::set_permissions(house.path("server.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    house.hang_up();
    house.logs("has expired at 2021-01-01T00:00:00.000+00:00: consumers will refuse it");
    house.logs("anybody on this machine can read the key in server.key: chmod 600 server.key");
    assert!(wait_until(Duration::from_secs(60), || house.client(None).get("/health/live").is_err()), "the test's client must check");
}
