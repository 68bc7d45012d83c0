//! Which clients get in, and what is read again at SIGHUP.

use super::pki::{Authority, Pair};
use super::world::{House, WAIT};
use crate::SLOTKEEPER;
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use testkit::os::wait_until;

const SSP: &str = "ssp.example.nhs.uk";

/// A house that demands certificates of `ca`, with an allow-list and an empty revocation list.
fn guarded(ca: &Authority, more: &[&str]) -> House {
    let crl = ca.crl(1, &[]).pem().unwrap();
    let flags = ["--client-ca", "clients.pem", "--client-crl", "clients.crl"];
    House::open(&[("clients.pem", &ca.pem), ("clients.crl", &crl)], &flags.iter().chain(more).copied().collect::<Vec<_>>())
}

/// Proves F18.
#[test]
fn only_a_valid_certificate_of_the_ca_on_the_list_gets_in() {
    let (ca, stranger) = (Authority::root("Client CA"), Authority::root("Client CA"));
    let house = guarded(&ca, &["--client-subject", SSP]);
    let ssp = ca.client(SSP);
    house.lets_in(&ssp);
    house.lets_in(&ca.client("SSP.Example.NHS.uk"));
    house.lets_in(&ca.client_called("gateway", &["other.example.nhs.uk", SSP]));
    house.refuses(None, "the client sent no certificate");
    house.refuses(Some(&stranger.client(SSP)), "was not signed by the CA it names");
    house.refuses(Some(&Authority::root("Other CA").client(SSP)), "comes from no CA that is trusted here");
    house.refuses(
        Some(&ca.client("ssp.example.nhs.uk.example.com")),
        "(CN=ssp.example.nhs.uk.example.com,O=Weirside Test) is not on the allow-list",
    );
    // Ten lines are told in ten seconds, each of the above was two: another house.
    drop(house);
    let house = guarded(&ca, &["--client-subject", "CN=ssp.example.nhs.uk,O=Weirside Test"]);
    house.lets_in(&ssp);
    house.refuses(Some(&ca.expired_client(SSP)), "has expired");
    house.refuses(Some(&ca.server()), "is not for clients");
    house.write("clients.crl", &ca.crl(2, &[ssp.serial]).pem().unwrap());
    house.reload();
    house.refuses(Some(&ssp), "is revoked");
    house.lets_in(&ca.client(SSP));
}

#[test]
fn a_certificate_revoked_in_its_chain_or_unlisted_is_refused() {
    let root = Authority::root("Client CA");
    let (good, bad) = (root.below("Good CA"), root.below("Bad CA"));
    let through = |ca: &Authority| {
        let leaf = ca.client(SSP);
        Pair { chain: format!("{}{}", leaf.chain, ca.pem), ..leaf }
    };
    // An operator who puts every CA into one file must not thereby make the revoked one a root of trust.
    let cas = format!("{}{}{}", root.pem, good.pem, bad.pem);
    let list = |ca: &Authority, revoked: &[u64]| ca.crl(1, revoked).pem().unwrap();
    let lists = format!("{}{}", list(&root, &[bad.serial]), list(&bad, &[]));
    let files = [("clients.pem", cas.as_str()), ("root.crl", &lists), ("good.crl", &list(&good, &[]))];
    let flags = ["--client-ca", "clients.pem", "--client-crl", "root.crl", "--client-crl", "good.crl"];
    let house = House::open(&files, &flags);
    house.lets_in(&through(&good));
    house.refuses(Some(&through(&bad)), "is revoked, or one of its CAs' is");
    house.refuses(Some(&bad.client(SSP)), "comes from no CA that is trusted here");
    house.logs("is revoked: its clients are refused");
    // A list of the CA that is not given any more: nobody can say.
    house.write("good.crl", &list(&root, &[]));
    house.reload();
    house.refuses(Some(&through(&good)), "comes from a CA for which there is no revocation list");
}

#[test]
fn every_list_revokes_and_an_outdated_one_lets_nobody_in() {
    let ca = Authority::root("Client CA");
    let house = guarded(&ca, &[]);
    let (one, other) = (ca.client("one"), ca.client("other"));
    house.lets_in(&one);
    let both = format!("{}{}", ca.crl(3, &[one.serial]).pem().unwrap(), ca.crl(2, &[other.serial]).pem().unwrap());
    house.write("clients.crl", &both);
    house.reload();
    house.refuses(Some(&one), "is revoked");
    house.refuses(Some(&other), "is revoked");
    // Read again, a list out of date is no reason to give up a better one.
    house.write("clients.crl", &ca.stale_crl(4, &[]).pem().unwrap());
    house.reload();
    house.logs("is out of date since 2021-01-01T00:00:00.000+00:00; fetch a newer one; what was in force stays in force");
    house.refuses(Some(&one), "is revoked");
    house.lets_in(&ca.client("third"));
    drop(house);
    let stale = ca.stale_crl(4, &[]).pem().unwrap();
    let house =
        House::open(&[("clients.pem", &ca.pem), ("stale.crl", &stale)], &["--client-ca", "clients.pem", "--client-crl", "stale.crl"]);
    house.logs("clients of its CA are refused until it is renewed");
    house.refuses(Some(&one), "the revocation list of its CA is out of date");
}

#[test]
fn sighup_brings_in_a_new_certificate() {
    let ca = Authority::root("Client CA");
    let house = guarded(&ca, &[]);
    let ssp = ca.client(SSP);
    let client = house.client(Some(&ssp));
    let mut old = client.connect().unwrap();
    let first = old.shown();
    assert_eq!(old.get("/health/live").unwrap().status, 200);
    let renewed = house.ca.server();
    house.write("server.pem", &renewed.chain);
    // Half a renewal: the key is still the old one.
    house.reload();
    house.logs("does not belong to the first certificate");
    assert_eq!(client.connect().unwrap().shown(), first);
    house.write("server.key", &renewed.key);
    house.reload();
    assert_eq!(old.get("/health/live").unwrap().status, 200);
    assert_eq!(old.shown(), first);
    let mut new = client.connect().unwrap();
    assert_eq!(new.shown(), renewed.certificates()[0].to_vec());
    assert_eq!(new.get("/health/live").unwrap().status, 200);
    // Clients of another CA, from now on; what is open stays open.
    let next = Authority::root("Next CA");
    house.write("clients.pem", &next.pem);
    house.write("clients.crl", &next.crl(1, &[]).pem().unwrap());
    house.reload();
    house.lets_in(&next.client(SSP));
    assert!(client.get("/health/live").is_err());
    assert_eq!(old.get("/health/live").unwrap().status, 200);
    for nonsense in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "nonsense"] {
        house.write("clients.pem", nonsense);
        house.write("server.pem", nonsense);
        house.reload();
        house.lets_in(&next.client(SSP));
    }
}

#[test]
fn no_session_is_resumed_so_a_revoked_client_stays_out() {
    let ca = Authority::root("Client CA");
    let house = guarded(&ca, &[]);
    let ssp = ca.client(SSP);
    for version in [&TLS13, &TLS12] {
        house.write("clients.crl", &ca.crl(1, &[]).pem().unwrap());
        house.reload();
        // One client for all connections: it keeps every ticket and session id it is given.
        let client = house.client_of(Some(&ssp), version);
        for _ in 0..3 {
            let mut line = client.connect().unwrap();
            assert_eq!(line.get("/health/live").unwrap().status, 200);
            assert_eq!(line.stream.conn.handshake_kind(), Some(HandshakeKind::Full));
        }
        house.write("clients.crl", &ca.crl(2, &[ssp.serial]).pem().unwrap());
        house.reload();
        assert!(client.get("/health/live").is_err());
    }
}

/// Goal: no request is lost to a reload. Method: connections that are kept and connections that are new are asked without a
/// pause while the files are replaced and SIGHUP is sent 20 times.
#[test]
fn twenty_reloads_under_load_drop_no_request() {
    let ca = Authority::root("Client CA");
    let house = guarded(&ca, &["--client-subject", SSP]);
    let client = house.client(Some(&ca.client(SSP)));
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let search = "/STU3/1/provider/Slot?service=2000099901&status=free&_count=1";
    std::thread::scope(|scope| {
        let asking = |kept: bool| {
            let (client, over, answered) = (client.clone(), &over, &answered);
            move || {
                let mut line = client.connect().unwrap();
                while !over.load(Ordering::Relaxed) {
                    if !kept {
                        line = client.connect().unwrap();
                    }
                    assert_eq!(line.get(search).unwrap().status, 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        let threads: Vec<_> = [true, true, false, false].map(|kept| scope.spawn(asking(kept))).into_iter().collect();
        for _ in 0..20 {
            let renewed = house.ca.server();
            house.write("server.pem", &renewed.chain);
            house.write("server.key", &renewed.key);
            house.reload();
            // Each reload has requests before it and behind it, however slow the machine is.
            let seen = answered.load(Ordering::Relaxed);
            assert!(wait_until(WAIT, || answered.load(Ordering::Relaxed) >= seen + 2), "nobody is answered any more");
        }
        over.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().unwrap();
        }
    });
    assert!(answered.load(Ordering::Relaxed) > 40, "{answered:?}");
    assert!(!house.log().contains("refused"), "{}", house.log());
}

#[test]
fn a_race_runs_over_tls_with_a_client_certificate() {
    let ca = Authority::root("Client CA");
    let house = guarded(&ca, &["--client-subject", SSP]);
    let ssp = ca.client(SSP);
    house.write("ca.pem", &house.ca.pem);
    house.write("ssp.pem", &ssp.chain);
    house.write("ssp.key", &ssp.key);
    let url = format!("https://127.0.0.1:{}", house.port);
    let race = |more: &[&str]| {
        let line = ["race", "--server", &url, "--clients", "4", "--slots", "3", "--timeout", "20"];
        let dir = house.path("");
        let line: Vec<&str> = line.iter().chain(more).copied().collect();
        SLOTKEEPER.start_in(dir.as_ref(), &line, &[]).wait(Duration::from_secs(120))
    };
    let ended = race(&["--ca", "ca.pem", "--client-cert", "ssp.pem", "--client-key", "ssp.key"]);
    assert!(ended.code == Some(0) && ended.stdout.contains("verdict: clean"), "{ended:?}");
    let ended = race(&["--ca", "ca.pem", "--client-cert", "ssp.pem"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("--client-key"), "{ended:?}");
    let ended = race(&["--client-cert", "ssp.pem", "--client-key", "ssp.key"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("--ca FILE"), "{ended:?}");
    let ended = race(&["--ca", "nowhere.pem"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("nowhere.pem"), "{ended:?}");
}
