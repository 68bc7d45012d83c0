//! Goal: the policy file of the real binary: refused with its lines, shown, and read again at SIGHUP while the server
//! goes on. Method: processes of their own, judged from outside.

use crate::SLOTKEEPER;
use domain::time::Clock;
use load::token::{Claims, SCOPE_SLOT_READ, unsigned};
use slotkeeper::engine::SystemClock;
use std::path::Path;
use std::time::Duration;
use testkit::os::{signal, wait_until};
use testkit::process::Spawned;

const LIMIT: Duration = Duration::from_secs(60);
const BROKEN: &str = "[[consumer]]\nods = \"X9T20\"\nboook = true\n";

fn written(dir: &Path, text: &str) -> String {
    let file = dir.join("policy.toml");
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

/// The status of a search that `ods` makes.
fn search(server: &Spawned, ods: &str) -> u16 {
    let root = format!("{}/STU3/1/provider", server.base_url());
    let token = unsigned(&Claims::new(&root, SCOPE_SLOT_READ, ods, SystemClock.now(), 300));
    let authorization = format!("Bearer {token}");
    server.request("GET", "/STU3/1/provider/HealthcareService", &[("Authorization", &authorization)], &[]).unwrap().status
}

#[track_caller]
fn logged(server: &Spawned, part: &str) {
    assert!(wait_until(LIMIT, || server.stderr().contains(part)), "`{part}` was not logged: {}", server.stderr());
}

#[test]
fn a_file_with_a_mistake_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), BROKEN);
    let place = format!("{file}:3:1: unknown key `boook`");
    for args in [&["policy", &file][..], &["serve", "--migrate", "--listen", "127.0.0.1:0", "--policy", &file]] {
        let ended = SLOTKEEPER.run_in(dir.path(), args, &[], LIMIT);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(&place), "{}", ended.stderr);
    }
    assert!(!dir.path().join("slotkeeper.db").exists(), "a database was made");
    let good = written(dir.path(), "[default]\n");
    let ended = SLOTKEEPER.run_in(dir.path(), &["serve", "--auth", "off", "--policy", &good], &[], LIMIT);
    assert!(ended.code == Some(2) && ended.stderr.contains("--policy tells organisations apart"), "{}", ended.stderr);
}

#[test]
fn what_each_consumer_may_do_is_shown_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[[consumer]]\nods = \"X9T20\"\nname = \"Example\"\nservices = [\"2000099901\"]\ncancel = \"none\"\ndaily_ceiling = 7\n\
        clients = [\"iuc-7\"]\nspeaks = \"1.0.6\"\n";
    let ended = SLOTKEEPER.run_in(dir.path(), &["policy", &written(dir.path(), text)], &[], LIMIT);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let shown = "X9T20  Example\n    sees     services 2000099901\n    books    yes, at most 7 a day\n    reads    what it booked\n    \
        cancels  nothing\n    speaks   1.0.6 and later\n    clients  iuc-7\nevery other organisation is refused\n\
        whatever this says, an organisation that provides a service here sees and does everything there, without ceilings; \
        --database-url URL names such organisations\n";
    assert_eq!(ended.stdout, shown);
}

/// The provider is not held to its own policy, whether the file names it or not, and whatever the file says of it.
#[test]
fn what_really_holds_is_said_of_the_provider_itself() {
    let dir = tempfile::tempdir().unwrap();
    let server = crate::SLOTKEEPER.serve(&["--demo", "--database-url", &format!("sqlite://{}/demo.db", dir.path().display())]);
    drop(server);
    let database = format!("sqlite://{}/demo.db", dir.path().display());
    let shown = |text: &str| {
        let ended = crate::SLOTKEEPER.run_in(dir.path(), &["policy", &written(dir.path(), text), "--database-url", &database], &[], LIMIT);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.stdout
    };
    let everything = "    provides services 2000099901, 2000099902, 2000099903, 2000099904: there it sees, books, reads and cancels everything, \
                      without ceilings\n";
    let unnamed = shown("[[consumer]]\nods = \"X9T20\"\n");
    let end = format!("Y9Z41\n{everything}    elsewhere sees nothing\nevery other organisation is refused\n");
    assert!(unnamed.ends_with(&end), "{unnamed}");
    let named = shown("[[consumer]]\nods = \"Y9Z41\"\nservices = [\"2000099901\"]\nbook = false\ncancel = \"none\"\n");
    let begin = format!("Y9Z41\n{everything}    elsewhere as follows\n    sees     services 2000099901\n    books    no\n");
    assert!(named.starts_with(&begin), "{named}");
    let default = shown("[default]\nbook = false\n");
    assert!(default.starts_with(&format!("Y9Z41\n{everything}    elsewhere as every other organisation\n")), "{default}");
}

#[test]
fn sighup_reads_the_file_again_and_ignores_a_broken_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), "[[consumer]]\nods = \"X9T20\"\nservices = [\"2000099901\", \"2999999999\"]\n");
    let server = SLOTKEEPER.serve(&["--demo", "--auth", "unsigned", "--policy", &file]);
    logged(&server, "organisations named: 1; all others are refused");
    logged(&server, &format!("{file}:3:27: there is no service 2999999999 yet"));
    assert_eq!((search(&server, "X9T20"), search(&server, "X9T21")), (200, 403));
    let hangup = || signal("HUP", &[server.pid()]);
    written(dir.path(), "[[consumer]]\nods = \"X9T21\"\n");
    hangup();
    assert!(wait_until(LIMIT, || search(&server, "X9T21") == 200), "{}", server.stderr());
    assert_eq!(search(&server, "X9T20"), 403);
    written(dir.path(), BROKEN);
    hangup();
    logged(&server, &format!("{file}:3:1: unknown key `boook`; known here: "));
    logged(&server, "what was in force stays in force");
    assert_eq!((search(&server, "X9T21"), search(&server, "X9T20")), (200, 403));
    std::fs::remove_file(&file).unwrap();
    hangup();
    logged(&server, &format!("{file}: cannot be read"));
    assert_eq!((search(&server, "X9T21"), search(&server, "X9T20")), (200, 403));
    written(dir.path(), "[default]\n");
    hangup();
    assert!(wait_until(LIMIT, || search(&server, "X9T20") == 200), "{}", server.stderr());
}

/// Signed tokens that name a client and no organisation: the policy says for whom the client acts.
#[test]
fn a_client_acts_for_the_organisation_that_the_policy_gives_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(at("key.pem"), rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let token = |args: &[&str]| {
        let key = at("key.pem");
        let args = [&["token", "--key", &key, "--kid", "one"], args].concat();
        let ended = SLOTKEEPER.run_in(dir.path(), &args, &[], LIMIT);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.stdout.trim().to_owned()
    };
    std::fs::write(at("keys.json"), token(&["--print-jwks"])).unwrap();
    let policy = written(dir.path(), "[[consumer]]\nods = \"X9T20\"\nclients = [\"iuc-7\"]\n");
    let issuer = "https://tokens.example";
    let of_file = ["--jwks", &at("keys.json"), "--issuer", issuer, "--token-organisation", "client", "--policy", &policy];
    let server = SLOTKEEPER.serve(&[&["--demo", "--auth", "jwks"][..], &of_file[..]].concat());
    let root = format!("{}/STU3/1/provider", server.base_url());
    let status = |client: &str| {
        let bearer = token(&["--issuer", issuer, "--audience", &root, "--subject", client]);
        let authorization = format!("Bearer {bearer}");
        server.request("GET", "/STU3/1/provider/HealthcareService", &[("Authorization", &authorization)], &[]).unwrap().status
    };
    assert_eq!((status("iuc-7"), status("iuc-8")), (200, 403));
    written(dir.path(), "[[consumer]]\nods = \"X9T20\"\nclients = [\"iuc-8\"]\n");
    signal("HUP", &[server.pid()]);
    assert!(wait_until(LIMIT, || status("iuc-8") == 200), "{}", server.stderr());
    assert_eq!(status("iuc-7"), 403);
}
