//! Against a small token server in this process, which answers what a test wants, and when it wants. The clock is passed
//! in, so nothing waits for time to go by.

use super::*;
use crate::http::auth::algorithm::Algorithm;
use crate::http::auth::key_fetch::{Authorities, KeyPlace, OfUrl};
use actix_web::http::StatusCode;
use actix_web::{App, HttpResponse, HttpServer, web};
use futures_util::FutureExt as _;
use futures_util::future::{join, join_all};
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::Jwk;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

const NOW: Timestamp = Timestamp::from_ms(1_770_739_530_000);

/// Status, headers and body.
type Answered = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// A token server: what it answers, how often it was asked, and whether it may answer yet.
struct Stub {
    answer: Mutex<Answered>,
    asked: AtomicUsize,
    /// Every answer takes a permit.
    permits: Semaphore,
    /// Every request gives one.
    arrived: Semaphore,
}

impl Stub {
    fn new(keys: &[&str]) -> Arc<Self> {
        let (permits, arrived) = (Semaphore::new(1_000), Semaphore::new(0));
        let stub = Self { answer: Mutex::default(), asked: AtomicUsize::new(0), permits, arrived };
        stub.answers(200, &[], set(keys));
        Arc::new(stub)
    }

    fn answers(&self, status: u16, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        *self.answer.lock() = (status, headers, body.into());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Serves on a free port until the test's actix system ends; the URL of the key set.
    fn serve(self: &Arc<Self>, tls: Option<rustls::ServerConfig>) -> String {
        let stub = web::Data::from(Arc::clone(self));
        let server = HttpServer::new(move || App::new().app_data(stub.clone()).default_service(web::to(answer))).workers(1);
        let (server, scheme) = match tls {
            None => (server.bind("127.0.0.1:0").unwrap(), "http"),
            Some(tls) => (server.bind_rustls_0_23("127.0.0.1:0", tls).unwrap(), "https"),
        };
        let url = format!("{scheme}://{}/jwks?secret=1", server.addrs()[0]);
        rt::spawn(server.disable_signals().run());
        url
    }

    fn source(self: &Arc<Self>) -> Arc<KeySource> {
        KeyPlace::parse(&self.serve(None)).unwrap().source(None)
    }
}

async fn answer(stub: web::Data<Stub>) -> HttpResponse {
    stub.asked.fetch_add(1, Ordering::SeqCst);
    stub.arrived.add_permits(1);
    let _permit = stub.permits.acquire().await.unwrap();
    let (status, headers, body) = stub.answer.lock().clone();
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        response.insert_header((name, value));
    }
    response.body(body)
}

/// A key set with keys of these ids.
fn set(ids: &[&str]) -> Vec<u8> {
    let keys: Vec<_> = ids.iter().map(|id| key(id)).collect();
    serde_json::json!({"keys": keys}).to_string().into_bytes()
}

fn key(id: &str) -> serde_json::Value {
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let key = EncodingKey::from_ec_pem(pem.as_bytes()).unwrap();
    let mut public = Jwk::from_encoding_key(&key, jsonwebtoken::Algorithm::ES256).unwrap();
    public.common.key_id = Some(id.to_owned());
    serde_json::to_value(public).unwrap()
}

fn has(source: &KeySource, id: &str, now: Timestamp) -> bool {
    source.keys(now).is_some_and(|keys| keys.pick(Some(id), Algorithm::Es256).is_some())
}

/// Does what may begin a fetch, and waits until it has ended.
async fn fetched(source: &Arc<KeySource>, begin: impl FnOnce(&Arc<KeySource>)) {
    let mut ended = source.ended.subscribe();
    begin(source);
    ended.changed().await.unwrap();
}

fn on_actix<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    rt::System::new().block_on(async move {
        let ended = rt::time::timeout(Duration::from_secs(100), test()).await;
        assert!(ended.is_ok(), "the test hangs");
    });
}

#[test]
fn all_who_wait_share_one_fetch_that_none_of_them_ends() {
    on_actix(|| async {
        let stub = Stub::new(&["a"]);
        let source = stub.source();
        // No answer goes out yet.
        stub.permits.forget_permits(1_000);
        // The one who begins the fetch goes away before it ends.
        let mut first = Box::pin(source.fresher(None, NOW));
        assert!((&mut first).now_or_never().is_none());
        drop(first);
        stub.arrived.acquire().await.unwrap().forget();
        let waiting = join_all((0..50).map(|_| source.fresher(None, NOW)));
        let open = async { stub.permits.add_permits(10) };
        let (outcomes, ()) = join(waiting, open).await;
        assert!(outcomes.into_iter().all(|fresher| fresher));
        assert!(has(&source, "a", NOW));
        assert_eq!(stub.asked(), 1);
    });
}

#[test]
fn invented_keys_cost_one_fetch_in_half_a_minute() {
    on_actix(|| async {
        let stub = Stub::new(&["a"]);
        let source = stub.source();
        assert!(source.fresher(None, NOW).await);
        let keys = source.keys(NOW);
        for ms in [0, 1, 1_000, 29_999] {
            for _ in 0..100 {
                // Refused without waiting for anything.
                let refused = source.fresher(keys.as_ref(), NOW.plus_ms(ms)).now_or_never();
                assert_eq!(refused, Some(false), "after {ms} ms");
            }
        }
        assert_eq!(stub.asked(), 1);
        assert!(!source.fresher(keys.as_ref(), NOW.plus_ms(ASK_AGAIN_MS)).await, "the same keys again are no fresher ones");
        assert_eq!(stub.asked(), 2);
        // A clock that was set back does not keep anybody waiting until it has caught up.
        assert!(!source.fresher(keys.as_ref(), NOW.plus_ms(-3_600_000)).await);
        assert_eq!(stub.asked(), 3);
    });
}

#[test]
fn a_fetch_brings_new_keys_and_ends_withdrawn_ones() {
    on_actix(|| async {
        let stub = Stub::new(&["a", "b"]);
        let source = stub.source();
        assert!(!has(&source, "a", NOW));
        assert!(source.fresher(None, NOW).await);
        assert!(has(&source, "a", NOW) && has(&source, "b", NOW) && !has(&source, "c", NOW));
        let before = source.keys(NOW).unwrap();
        let later = NOW.plus_ms(ASK_AGAIN_MS);
        stub.answers(200, &[], set(&["b", "c"]));
        assert!(source.fresher(Some(&before), later).await);
        assert!(!has(&source, "a", later) && has(&source, "b", later) && has(&source, "c", later));
        // Another request that tried the keys from before need not fetch to hear that there are others.
        assert_eq!(source.fresher(Some(&before), later).now_or_never(), Some(true));
        assert_eq!(stub.asked(), 2);
    });
}

#[test]
fn keys_of_a_source_that_fails_are_believed_for_a_day() {
    on_actix(|| async {
        let stub = Stub::new(&["a"]);
        let source = stub.source();
        assert!(source.fresher(None, NOW).await);
        let keys = source.keys(NOW).unwrap();
        let failures = [
            (500, &[][..], set(&["z"])),
            (404, &[], set(&["z"])),
            (204, &[], Vec::new()),
            (302, &[("Location", "/other")], set(&["z"])),
            (200, &[("Content-Encoding", "gzip")], b"nonsense".to_vec()),
            (200, &[], b"<html>".to_vec()),
            (200, &[], br#"{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}"#.to_vec()),
            (200, &[], [set(&["z"]), vec![b' '; 300_000]].concat()),
        ];
        let mut now = NOW;
        for (index, (status, headers, body)) in failures.into_iter().enumerate() {
            stub.answers(status, headers, body);
            now = now.plus_ms(ASK_AGAIN_MS);
            assert!(!source.fresher(Some(&keys), now).await, "{index}");
            assert!(has(&source, "a", now) && !has(&source, "z", now), "{index}");
            assert_eq!(stub.asked(), index + 2);
        }
        assert!(has(&source, "a", NOW.plus_ms(STALE_MS - 1)));
        assert!(!has(&source, "a", NOW.plus_ms(STALE_MS)), "a key that may have been withdrawn a day ago");
        // It mends itself.
        stub.answers(200, &[], set(&["b"]));
        let later = NOW.plus_ms(STALE_MS);
        assert!(source.fresher(None, later).await && has(&source, "b", later));
    });
}

#[test]
fn a_server_that_is_away_or_falls_silent_is_given_up() {
    on_actix(|| async {
        // A listener that never accepts stays silent, and nobody listens on the port of one that is gone.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let silent = OfUrl { url, authorities: None, patience: Duration::from_millis(50) };
        let why = silent.fetch().await.unwrap_err();
        assert!(why.contains("no whole answer") || why.contains("no answer"), "{why}");
        drop(listener);
        let why = silent.fetch().await.unwrap_err();
        assert!(why.contains("no answer"), "{why}");
    });
}

#[test]
fn a_key_set_is_fetched_again_before_it_grows_old_within_bounds() {
    on_actix(|| async {
        for (cache_control, fresh_ms) in [("", 600_000), ("max-age=120", 120_000), ("max-age=0", 60_000), ("max-age=999999999", 3_600_000)]
        {
            let stub = Stub::new(&["a"]);
            stub.answers(200, &[("Cache-Control", cache_control)], set(&["a"]));
            let source = stub.source();
            fetched(&source, |source| source.keep_fresh(NOW)).await;
            for early in [NOW, NOW.plus_ms(fresh_ms - 1)] {
                source.keep_fresh(early);
                assert!(!source.state.lock().under_way, "{cache_control}");
            }
            fetched(&source, |source| source.keep_fresh(NOW.plus_ms(fresh_ms))).await;
            assert_eq!(stub.asked(), 2, "{cache_control}");
        }
    });
}

#[test]
fn a_fetch_that_failed_is_tried_again_after_half_a_minute() {
    on_actix(|| async {
        let stub = Stub::new(&["a"]);
        stub.answers(503, &[], "");
        let source = stub.source();
        fetched(&source, |source| source.keep_fresh(NOW)).await;
        assert!(source.keys(NOW).is_none());
        source.keep_fresh(NOW.plus_ms(ASK_AGAIN_MS - 1));
        assert!(!source.state.lock().under_way);
        stub.answers(200, &[], set(&["a"]));
        fetched(&source, |source| source.keep_fresh(NOW.plus_ms(ASK_AGAIN_MS))).await;
        assert!(has(&source, "a", NOW.plus_ms(ASK_AGAIN_MS)));
        // An operator who asks need not wait.
        stub.answers(200, &[], set(&["b"]));
        fetched(&source, |source| source.renew(NOW.plus_ms(ASK_AGAIN_MS))).await;
        assert!(has(&source, "b", NOW.plus_ms(ASK_AGAIN_MS)));
    });
}

#[test]
fn the_same_set_fetched_again_stays_the_same_object() {
    on_actix(|| async {
        let stub = Stub::new(&["a"]);
        let source = stub.source();
        fetched(&source, |source| source.renew(NOW)).await;
        let first = source.keys(NOW).unwrap();
        fetched(&source, |source| source.renew(NOW)).await;
        assert!(Arc::ptr_eq(&first, &source.keys(NOW).unwrap()));
    });
}

#[test]
fn a_key_set_is_taken_only_under_a_trusted_authority() {
    on_actix(|| async {
        let ca_key = rcgen::KeyPair::generate().unwrap();
        let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
        let ca = rcgen::Issuer::new(ca, ca_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let tls = tls.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private).unwrap();
        let stub = Stub::new(&["a"]);
        let place = KeyPlace::parse(&stub.serve(Some(tls))).unwrap();
        let trusted = place.source(Some(&Authorities::of_pem(ca_pem.as_bytes()).unwrap()));
        assert!(trusted.fresher(None, NOW).await && has(&trusted, "a", NOW));
        let public = place.source(None);
        assert!(!public.fresher(None, NOW).await && public.keys(NOW).is_none());
        assert_eq!(stub.asked(), 1);
    });
}

#[test]
fn a_file_is_read_again_for_an_unknown_key_and_never_grows_old() {
    on_actix(|| async {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), set(&["a"])).unwrap();
        let source = KeyPlace::parse(file.path().to_str().unwrap()).unwrap().source(None);
        assert!(source.fresher(None, NOW).await && has(&source, "a", NOW));
        let much_later = NOW.plus_ms(10 * STALE_MS);
        source.keep_fresh(much_later);
        assert!(has(&source, "a", much_later) && !source.state.lock().under_way);
        std::fs::write(file.path(), set(&["b"])).unwrap();
        let keys = source.keys(much_later).unwrap();
        assert!(source.fresher(Some(&keys), much_later).await && has(&source, "b", much_later));
        // A file that is gone changes nothing.
        std::fs::remove_file(file.path()).unwrap();
        let later = much_later.plus_ms(ASK_AGAIN_MS);
        assert!(!source.fresher(None, later).await || has(&source, "b", later));
    });
}
