//! A token server: keys that sign, and a key set that a test may change.

use crate::app::Setup;
use crate::database::Season;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use slotkeeper::http::{AuthMode, Fetch, Fetched, Issuer, KeySource, Trust};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

/// The issuer of good tokens.
pub const ISSUER: &str = "https://tokens.example-iuc.thirdparty.nhs.uk/";

/// A key that signs.
pub struct Signer {
    pub id: &'static str,
    pub algorithm: Algorithm,
    pub private: EncodingKey,
    /// The public half, as a JWK.
    pub public: Value,
    /// The same, as a PEM file.
    pub public_pem: String,
}

impl Signer {
    fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let pair = match algorithm {
            Algorithm::ES256 => rcgen::KeyPair::generate(),
            _ => rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048),
        };
        let pair = pair.unwrap();
        let pem = pair.serialize_pem();
        let private = if algorithm == Algorithm::ES256 {
            EncodingKey::from_ec_pem(pem.as_bytes())
        } else {
            EncodingKey::from_rsa_pem(pem.as_bytes())
        };
        let private = private.unwrap();
        let mut public = Jwk::from_encoding_key(&private, algorithm).unwrap();
        public.common.key_id = Some(id.to_owned());
        let mut public = serde_json::to_value(public).unwrap();
        public.as_object_mut().unwrap().remove("alg");
        Self { id, algorithm, private, public, public_pem: pair.public_key_pem() }
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({"alg": format!("{:?}", self.algorithm), "kid": self.id, "typ": "JWT"}), claims)
    }

    /// A token with this header, whatever it says, signed with this key in its own algorithm.
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", crate::encoded(&header.to_string()), crate::encoded(&claims.to_string()));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

static SIGNERS: LazyLock<Vec<Signer>> =
    LazyLock::new(|| vec![Signer::new("a", Algorithm::RS256), Signer::new("b", Algorithm::RS256), Signer::new("c", Algorithm::ES256)]);

/// One of the signers: `a` and `b` sign with RS256, `c` with ES256.
pub fn signer(id: &str) -> &'static Signer {
    SIGNERS.iter().find(|signer| signer.id == id).unwrap()
}

/// The key set of these signers.
pub fn key_set(ids: &[&str]) -> Vec<u8> {
    let keys: Vec<&Value> = ids.iter().map(|id| &signer(id).public).collect();
    json!({"keys": keys}).to_string().into_bytes()
}

/// A place from which a key set is fetched: what is there now, and how often it was fetched.
#[derive(Clone)]
pub struct Shelf(Arc<Place>);

struct Place {
    content: Mutex<Result<Vec<u8>, String>>,
    fetched: AtomicUsize,
}

impl Shelf {
    pub fn with(ids: &[&str]) -> Self {
        Self(Arc::new(Place { content: Mutex::new(Ok(key_set(ids))), fetched: AtomicUsize::new(0) }))
    }

    pub fn put(&self, content: Result<Vec<u8>, String>) {
        *self.0.content.lock().unwrap() = content;
    }

    pub fn fetched(&self) -> usize {
        self.0.fetched.load(Ordering::SeqCst)
    }

    /// A source that fetches from here, and has not yet.
    pub fn source(&self) -> Arc<KeySource> {
        KeySource::new("the shelf", Box::new(self.clone()), true)
    }
}

impl Fetch for Shelf {
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, String>> {
        self.0.fetched.fetch_add(1, Ordering::SeqCst);
        let content = self.0.content.lock().unwrap().clone();
        async move { content.map(|text| Fetched { text, fresh_s: None }) }.boxed_local()
    }
}

impl Setup {
    /// With signed tokens of [`ISSUER`], changed, whose signers are `a` and `c`. Its key set is on a shelf of its own.
    pub fn signed(change: impl FnOnce(&mut Issuer)) -> Self {
        Self::of_shelf(&Shelf::with(&["a", "c"]), change)
    }

    /// The same with the keys of this shelf, which are fetched already.
    pub fn of_shelf(shelf: &Shelf, change: impl FnOnce(&mut Issuer)) -> Self {
        let source = shelf.source();
        let text = shelf.0.content.lock().unwrap().clone();
        if let Ok(text) = text {
            source.take(&Fetched { text, fresh_s: None }, Season::Winter.now()).unwrap();
        }
        let mut issuer = Issuer::usual(ISSUER, source);
        change(&mut issuer);
        Self::believing(vec![issuer])
    }

    /// With signed tokens of these issuers.
    pub fn believing(issuers: Vec<Issuer>) -> Self {
        Self::with(|setup| {
            setup.auth = AuthMode::Jwks;
            setup.http.token_life_s_max = AuthMode::Jwks.token_life_s_max();
            setup.trust = Arc::new(Trust::new(issuers, Box::new(|_, _| None)));
        })
    }
}
