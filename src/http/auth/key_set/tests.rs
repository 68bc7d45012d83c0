use super::*;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::Jwk;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::json;

/// A private key and its public half as a JWK.
struct Pair {
    private: EncodingKey,
    public: Value,
}

impl Pair {
    fn rsa() -> Self {
        let pem = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap().serialize_pem();
        Self::of(EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(), Algorithm::Rs256)
    }

    fn ec(curve: &'static rcgen::SignatureAlgorithm, algorithm: Algorithm) -> Self {
        let pem = KeyPair::generate_for(curve).unwrap().serialize_pem();
        Self::of(EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(), algorithm)
    }

    fn ed() -> Self {
        // rcgen writes the public half into the file too, which the signer does not expect; the seed stands at the same place.
        let der = KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_der();
        let der = [&[0x30, 0x2e, 0x02, 0x01, 0x00][..], &der[5..48]].concat();
        Self::of(EncodingKey::from_ed_der(&der), Algorithm::EdDsa)
    }

    fn of(private: EncodingKey, algorithm: Algorithm) -> Self {
        let mut public = serde_json::to_value(Jwk::from_encoding_key(&private, algorithm.backend()).unwrap()).unwrap();
        public.as_object_mut().unwrap().remove("alg");
        Self { private, public }
    }

    fn with(&self, changes: Value) -> Value {
        let mut key = self.public.clone();
        for (name, value) in changes.as_object().unwrap() {
            key[name] = value.clone();
        }
        key
    }
}

fn set(keys: &[Value]) -> Result<KeySet, String> {
    KeySet::read(json!({"keys": keys}).to_string().as_bytes())
}

fn refused(key: Value) -> String {
    set(&[key]).unwrap_err()
}

#[test]
fn a_key_checks_the_algorithms_of_its_type_and_no_other() {
    let rsa = [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512];
    let pairs = [
        (Pair::rsa(), &rsa[..]),
        (Pair::ec(&PKCS_ECDSA_P256_SHA256, Algorithm::Es256), &[Algorithm::Es256]),
        (Pair::ec(&PKCS_ECDSA_P384_SHA384, Algorithm::Es384), &[Algorithm::Es384]),
        (Pair::ed(), &[Algorithm::EdDsa]),
    ];
    for (pair, fitting) in pairs {
        let set = set(std::slice::from_ref(&pair.public)).unwrap();
        for algorithm in Algorithm::ALL {
            let Some(key) = set.pick(None, algorithm) else {
                assert!(!fitting.contains(&algorithm), "{algorithm}");
                continue;
            };
            assert!(fitting.contains(&algorithm), "{algorithm}");
            let signature = jsonwebtoken::crypto::sign(b"a.b", &pair.private, algorithm.backend()).unwrap();
            assert!(key.signed(b"a.b", &signature, algorithm), "{algorithm}");
            assert!(!key.signed(b"a.c", &signature, algorithm), "{algorithm}");
            assert!(!key.signed(b"a.b", "", algorithm) && !key.signed(b"a.b", "%%%", algorithm), "{algorithm}");
            for other in fitting.iter().filter(|other| **other != algorithm) {
                assert!(!key.signed(b"a.b", &signature, *other), "{algorithm} taken for {other}");
            }
        }
    }
}

#[test]
fn the_key_id_picks_the_key_unless_there_is_only_one() {
    let (one, two) = (Pair::rsa(), Pair::rsa());
    let ec = Pair::ec(&PKCS_ECDSA_P256_SHA256, Algorithm::Es256);
    let both = set(&[one.with(json!({"kid": "1"})), two.with(json!({"kid": "2"})), ec.with(json!({"kid": "3"}))]).unwrap();
    let signature = jsonwebtoken::crypto::sign(b"m", &two.private, jsonwebtoken::Algorithm::RS256).unwrap();
    assert!(both.pick(Some("2"), Algorithm::Rs256).unwrap().signed(b"m", &signature, Algorithm::Rs256));
    assert!(!both.pick(Some("1"), Algorithm::Rs256).unwrap().signed(b"m", &signature, Algorithm::Rs256));
    assert!(both.pick(None, Algorithm::Rs256).is_none(), "nobody can tell which of two is meant");
    assert!(both.pick(None, Algorithm::Es256).is_some());
    for unknown in ["", "4", "1 "] {
        assert!(both.pick(Some(unknown), Algorithm::Rs256).is_none(), "{unknown}");
    }
    assert!(both.pick(Some("1"), Algorithm::Es256).is_none(), "the id fits, the type does not");
    let doubled = set(&[one.with(json!({"kid": "1"})), two.with(json!({"kid": "1"}))]).unwrap();
    assert!(doubled.pick(Some("1"), Algorithm::Rs256).is_none(), "two keys of one id");
    let nameless = set(std::slice::from_ref(&one.public)).unwrap();
    assert!(nameless.pick(None, Algorithm::Rs256).is_some() && nameless.pick(Some("1"), Algorithm::Rs256).is_none());
}

#[test]
fn a_key_signs_only_with_the_algorithm_it_names() {
    let named = set(&[Pair::rsa().with(json!({"alg": "PS256"}))]).unwrap();
    assert!(named.pick(None, Algorithm::Ps256).is_some() && named.pick(None, Algorithm::Rs256).is_none());
    for wrong in ["HS256", "none", "ES256", "RSA-OAEP", "rs256"] {
        assert!(refused(Pair::rsa().with(json!({"alg": wrong}))).contains("`alg`"), "{wrong}");
    }
}

#[test]
fn an_unusable_key_is_passed_over_with_its_reason() {
    let rsa = Pair::rsa();
    let ec = Pair::ec(&PKCS_ECDSA_P256_SHA256, Algorithm::Es256);
    let weak = URL_SAFE_NO_PAD.encode([0xa5; 128]);
    let padded_weak = URL_SAFE_NO_PAD.encode([&[0; 128][..], &[0xa5; 128]].concat());
    let huge = URL_SAFE_NO_PAD.encode([0xa5; 1_025]);
    let cases = [
        (json!({"kty": "oct", "k": "c2VjcmV0", "kid": "s"}), "shared secret"),
        (rsa.with(json!({"use": "enc"})), "`use`"),
        (rsa.with(json!({"key_ops": ["encrypt", "sign"]})), "verify"),
        (rsa.with(json!({"n": weak})), "1024 bits"),
        (rsa.with(json!({"n": padded_weak})), "1024 bits"),
        (rsa.with(json!({"n": huge})), "8200 bits"),
        (rsa.with(json!({"n": "not base64!"})), "`n` is not base64url"),
        (rsa.with(json!({"n": 7})), "`n` is missing"),
        (rsa.with(json!({"kid": 7})), "`kid`"),
        (rsa.with(json!({"kid": "k".repeat(300)})), "`kid`"),
        (ec.with(json!({"crv": "P-521"})), "type"),
        (ec.with(json!({"crv": "P-384"})), "48 bytes"),
        (ec.with(json!({"x": "AAAA"})), "32 bytes"),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}), "32 bytes"),
        (json!({"kty": "OKP", "crv": "X25519", "x": "AAAA"}), "type"),
        (json!({}), "type"),
        (json!("key"), "type"),
    ];
    for (key, told) in cases {
        assert!(refused(key.clone()).contains(told), "{told}: {}", refused(key));
        let beside = set(&[key, ec.public.clone()]).unwrap();
        assert_eq!((beside.len(), beside.passed_over().len()), (1, 1), "{told}");
        assert!(beside.passed_over()[0].contains(told) && beside.passed_over()[0].contains("keys[0]"));
    }
    assert!(set(&[rsa.with(json!({"key_ops": ["verify"], "use": "sig", "alg": "RS256"}))]).is_ok());
}

#[test]
fn what_is_no_key_set_is_refused_in_words() {
    let many: Vec<Value> = vec![json!({}); 101];
    for (text, told) in [
        (String::new(), "no JSON"),
        ("<html>".to_owned(), "no JSON"),
        ("[]".to_owned(), "`keys`"),
        (r#"{"keys": {}}"#.to_owned(), "`keys`"),
        (r#"{"keys": []}"#.to_owned(), "empty"),
        (json!({"keys": many}).to_string(), "101 keys"),
        (format!(r#"{{"keys": [], "x": "{}"}}"#, "x".repeat(KEY_SET_BYTES_MAX)), "bytes"),
    ] {
        let why = KeySet::read(text.as_bytes()).unwrap_err();
        assert!(why.contains(told) && !why.contains('\n'), "{told}: {why}");
    }
}
