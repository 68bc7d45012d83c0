//! The command line from outside: what is refused, in which words, and what the server says when it starts.

use crate::SLOTKEEPER;
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;
use testkit::os::{free_port, wait_until};
use testkit::process::{Ended, request};

const LIMIT: Duration = Duration::from_secs(60);

fn assert_refused(ended: &Ended, parts: &[&str]) {
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    for part in parts {
        assert!(ended.stderr.contains(part), "`{part}`: {}", ended.stderr);
    }
}

#[test]
fn negative_numbers_are_refused_by_the_name_of_their_flag() {
    for (command, flag, value) in [
        ("token", "--expires-in", "-100"),
        ("token", "--expires-in", "0"),
        ("diary", "--day", "-3"),
        ("archive", "--archive-after-days", "-1"),
        ("serve", "--archive-after-days", "-1"),
        ("serve", "--queue-max", "-1"),
        ("serve", "--answers-bytes-max", "-1"),
        ("serve", "--token-life-s-max", "-300"),
        ("serve", "--window-days-max", "-1"),
        ("serve", "--handshake-ms", "-1"),
        ("race", "--clients", "-1"),
        ("race", "--timeout", "-1"),
        ("race", "--rate", "-0.5"),
    ] {
        assert_refused(&SLOTKEEPER.run(&[command, flag, value], LIMIT), &[flag, value]);
        assert_refused(&SLOTKEEPER.run(&[command, &format!("{flag}={value}")], LIMIT), &[flag, value]);
    }
    for (flag, value) in [("--days", "-1"), ("--from", "-3")] {
        assert_refused(&SLOTKEEPER.run(&["seed", "seed", flag, value], LIMIT), &[flag, value]);
        assert_refused(&SLOTKEEPER.run(&["seed", "seed", &format!("{flag}={value}")], LIMIT), &[flag, value]);
    }
}

#[test]
fn a_misspelt_setting_is_refused_with_the_nearest_name() {
    let dir = tempfile::tempdir().unwrap();
    let with = |environment: &[(&str, &str)], args: &[&str]| SLOTKEEPER.run_in(dir.path(), args, environment, LIMIT);
    let misspelt = with(&[("SLOTKEEPER_DATABSE_URL", "sqlite://here.db")], &["migrate"]);
    assert_refused(&misspelt, &["SLOTKEEPER_DATABSE_URL", "did you mean SLOTKEEPER_DATABASE_URL?"]);
    std::fs::write(dir.path().join("keeper.toml"), "database_url = \"sqlite://here.db\"\n\nlisten = \"127.0.0.1:0\"\nqueu_max = 5\n")
        .unwrap();
    let key = with(&[], &["migrate", "--config", "keeper.toml"]);
    assert_refused(&key, &["keeper.toml:4: ", "`queu_max`", "did you mean `queue_max`?"]);
    assert!(!key.stderr.contains("batch_max"), "{}", key.stderr);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was begun");
    // What another command reads, what Kubernetes sets, and what our scripts use.
    let others =
        [("SLOTKEEPER_LISTEN", "x"), ("SLOTKEEPER_PORT_80_TCP", "tcp://10.0.0.1:80"), ("SLOTKEEPER_BIN", "target/debug/slotkeeper")];
    let done = with(&others, &["migrate", "--status", "--database-url", "sqlite://none.db"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
}

#[test]
fn what_is_said_of_wrong_usage_hides_nothing() {
    let ended = SLOTKEEPER.run(&["diary", "--day", "\u{1b}[2J\u{202e}tomorrow"], LIMIT);
    assert_refused(&ended, &["--day is ` [2J tomorrow`"]);
    let ended = SLOTKEEPER.run(&["serve", "--\u{202e}\u{9b}listen", "x"], LIMIT);
    assert!(ended.code == Some(2) && !ended.stderr.contains(['\u{202e}', '\u{9b}']), "{:?}", ended.stderr);
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

#[test]
fn localhost_is_listened_on_and_the_start_line_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let listen = format!("localhost:{port}");
    let server = SLOTKEEPER.start_in(dir.path(), &["serve", "--demo", "--listen", &listen], &[]);
    let ready = |addr: SocketAddr| request(addr, "GET", "/health/ready", &[], &[]).is_ok_and(|reply| reply.status == 200);
    let both = [SocketAddr::from(([127, 0, 0, 1], port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))];
    assert!(wait_until(LIMIT, || ready(both[0])), "{}", server.stderr());
    let mut listening = format!("listens on 127.0.0.1:{port}");
    if has_ipv6() {
        assert!(ready(both[1]), "{}", server.stderr());
        listening.push_str(&format!(" and [::1]:{port}"));
    }
    let line = format!("{listening}, public URL http://localhost:{port}, database sqlite://");
    assert!(server.stderr().contains(&line), "`{line}`: {}", server.stderr());
    // The port is in use, under whichever name.
    for listen in [&listen, &format!("127.0.0.1:{port}")] {
        let second = SLOTKEEPER.run_in(dir.path(), &["serve", "--demo", "--listen", listen], &[], LIMIT);
        assert!(second.code == Some(1) && second.stderr.contains("another program"), "{}", second.stderr);
    }
    server.kill_9();
}

#[test]
fn the_start_line_names_the_address_beside_another_public_url() {
    let dir = tempfile::tempdir().unwrap();
    let line = ["serve", "--demo", "--listen", "127.0.0.1:0", "--public-url", "https://booking.example.nhs.uk/"];
    let server = SLOTKEEPER.start_in(dir.path(), &line, &[]);
    assert!(wait_until(LIMIT, || server.stderr().contains("listens on")), "{}", server.stderr());
    let told = server.stderr();
    let started = told.lines().find(|line| line.contains("listens on")).unwrap();
    let (_, rest) = started.split_once("listens on 127.0.0.1:").unwrap();
    let (port, rest) = rest.split_once(", ").unwrap();
    assert_ne!(port.parse::<u16>().unwrap(), 0, "the port that was given: {started}");
    assert!(rest.starts_with("public URL https://booking.example.nhs.uk, database sqlite://"), "{started}");
    server.kill_9();
}

#[test]
fn an_open_server_is_refused_on_a_name_that_leaves_this_machine() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.7:0"] {
        assert_refused(&SLOTKEEPER.run(&["serve", "--auth", "off", "--listen", listen], LIMIT), &["--auth off", "not loopback"]);
    }
    for listen in ["localhost", "nowhere.invalid:8080", "http://localhost:8080"] {
        assert_refused(&SLOTKEEPER.run(&["serve", "--auth", "off", "--listen", listen], LIMIT), &["--listen", "localhost:8080"]);
    }
}
