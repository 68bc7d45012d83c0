//! Goal: the signature check of a booking's token and the validation of its body take less than 60 µs together (RS256).
//! Method: the token of docs/specification/uec.md#h4-token, signed, and the body of
//! docs/specification/uec.md#h2-booking; what the server itself calls, on one thread, with nothing around it. Beside it
//! the library's own way of decoding a token, and a token that was proven a moment ago.
//!
//! Pitfall: the row that counts is "a booking", which remembers nothing.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "a benchmark may panic, and criterion's macros have no documentation"
)]

use criterion::{Criterion, criterion_group, criterion_main};
use domain::appointment::BookRequest;
use domain::time::Timestamp;
use fhir::codec::json;
use fhir::stu3::definitions;
use fhir::stu3::uec::appointment::{BookingRules, read_booking_body};
use futures_util::FutureExt as _;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use load::token::{Claims, SCOPE_APPOINTMENT_WRITE};
use serde_json::{Value, json};
use slotkeeper::http::{AuthMode, Caller, Fetch, Fetched, HttpLimits, Issuer, KeySource, Need, Settings, Trust, admit};
use std::hint::black_box;
use std::sync::Arc;

const URL: &str = "https://booking.example-uec.thirdparty.nhs.uk";
const ROOT: &str = "https://booking.example-uec.thirdparty.nhs.uk/STU3/1/booking";
const BODY: &[u8] = include_bytes!("../crates/testkit/src/bodies/booking.json");
const NOW: Timestamp = Timestamp::from_ms(1_770_739_530_000);

/// A key, a token signed with it, and the issuer's key set.
struct Signed {
    token: String,
    key: DecodingKey,
    algorithm: Algorithm,
    key_set: Vec<u8>,
    issuer: String,
}

fn signed(algorithm: Algorithm) -> Signed {
    let private = match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_pem(rcgen::KeyPair::generate().unwrap().serialize_pem().as_bytes()),
        _ => {
            let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
            EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes())
        }
    };
    let private = private.unwrap();
    let mut public = Jwk::from_encoding_key(&private, algorithm).unwrap();
    public.common.key_id = Some("a".to_owned());
    let claims = Claims::new(ROOT, SCOPE_APPOINTMENT_WRITE, "X9T20", NOW, 3_600);
    let mut header = Header::new(algorithm);
    header.kid = Some("a".to_owned());
    Signed {
        token: jsonwebtoken::encode(&header, &claims.payload(), &private).unwrap(),
        key: DecodingKey::from_jwk(&public).unwrap(),
        algorithm,
        key_set: json!({"keys": [public]}).to_string().into_bytes(),
        issuer: claims.iss,
    }
}

/// The keys are put in by hand.
struct Nowhere;

impl Fetch for Nowhere {
    fn fetch(&self) -> futures_util::future::LocalBoxFuture<'_, Result<Fetched, String>> {
        std::future::ready(Err("nothing is fetched here".to_owned())).boxed_local()
    }
}

fn settings(signed: &Signed, remembering: bool) -> Settings {
    let keys = KeySource::new("keys", Box::new(Nowhere), false);
    keys.take(&Fetched { text: signed.key_set.clone(), fresh_s: None }, NOW).unwrap();
    let trust = Trust::new(vec![Issuer::usual(&signed.issuer, keys)], Box::new(|_, _| None));
    Settings {
        auth: AuthMode::Jwks,
        trust: Arc::new(if remembering { trust } else { trust.forgetful() }),
        limits: HttpLimits { token_life_s_max: 3_600, ..HttpLimits::default() },
        ..Settings::at(URL)
    }
}

fn check(authorization: &str, settings: &Settings) -> Caller {
    admit(Some(authorization), Need::WriteAppointments, ROOT, &settings.token_rules(), NOW).now_or_never().unwrap().unwrap()
}

fn validate(rules: &BookingRules<'_>) -> BookRequest {
    read_booking_body(json::read(black_box(BODY), definitions()).unwrap(), rules).unwrap()
}

fn token(c: &mut Criterion) {
    let rules = BookingRules::BOOKING;
    for algorithm in [Algorithm::RS256, Algorithm::ES256] {
        let signed = signed(algorithm);
        let authorization = format!("Bearer {}", signed.token);
        let (forgetful, remembering) = (settings(&signed, false), settings(&signed, true));
        let (message, signature) = signed.token.rsplit_once('.').unwrap();
        let mut plain = Validation::new(algorithm);
        plain.validate_exp = false;
        plain.set_audience(&[ROOT]);
        let mut group = c.benchmark_group(format!("{algorithm:?}"));
        group.bench_function("the signature alone", |b| {
            b.iter(|| {
                let good = jsonwebtoken::crypto::verify(black_box(signature), message.as_bytes(), &signed.key, signed.algorithm);
                assert!(good.unwrap());
            });
        });
        group.bench_function("for comparison: the library's own decode", |b| {
            b.iter(|| jsonwebtoken::decode::<Value>(black_box(&signed.token), &signed.key, &plain).unwrap());
        });
        group.bench_function("signature and claims", |b| b.iter(|| check(black_box(&authorization), &forgetful)));
        group.bench_function("the same token again", |b| b.iter(|| check(black_box(&authorization), &remembering)));
        group.bench_function("a booking: signature, claims, body", |b| {
            b.iter(|| (check(black_box(&authorization), &forgetful), validate(&rules)));
        });
        group.bench_function("a booking with the same token again", |b| {
            b.iter(|| (check(black_box(&authorization), &remembering), validate(&rules)));
        });
        group.finish();
    }
    c.bench_function("the body alone", |b| b.iter(|| validate(&rules)));
}

criterion_group!(benches, token);
criterion_main!(benches);
