//! Tokens with a signature, `--auth jwks` (docs/contract.md#tokens): what is refused, and who is believed for what.

mod claims;
mod keys;
mod proof;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::ids::OdsCode;
use domain::time::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use slotkeeper::http::{ASK_AGAIN_MS, Issuer, Organisation, Trust};
use std::sync::Arc;
use testkit::{
    Answer, App, Ask, CONSUMER, ISSUER, OTHER_CONSUMER, PUBLIC_URL, Setup, Shelf, Slot, UTC, booking, cancelled, encoded, key_set, put,
    signer, take,
};

/// What must never be seen in an answer.
const SECRETS: [&str; 3] = ["secret-user", "secret-device", "eyJ"];
const SCOPES: &str = "organization/slot.read patient/appointment.write";

fn claims(app: &App) -> Value {
    let mut claims = app.claims("/STU3/1/booking", SCOPES, CONSUMER).payload();
    claims["iss"] = json!(ISSUER);
    claims["sub"] = json!("secret-user");
    claims["requesting_device"]["model"] = json!("secret-device");
    claims
}

async fn bearing(app: &App, token: &str) -> Answer {
    app.ask(Ask::get(format!("Slot?service={UTC}&start=2026-02-11")).authorization(&format!("Bearer {token}"))).await
}

/// That the answer is a 403 that says this much and gives nothing of the token away.
#[track_caller]
fn refused(answer: &Answer, told: &str, case: &str) {
    assert_eq!(answer.status, 403, "{case}: {}", answer.text());
    let diagnostics = answer.refused(403, "forbidden", "ACCESS DENIED");
    assert!(diagnostics.contains(told), "{case}: {diagnostics}");
    for secret in SECRETS {
        assert!(!answer.text().contains(secret), "{case} gives {secret} away: {}", answer.text());
    }
}

/// The header of a good token of signer `a`, changed.
fn header(changes: &Value) -> Value {
    let mut header = json!({"alg": "RS256", "kid": "a", "typ": "JWT"});
    for (name, value) in changes.as_object().unwrap() {
        header[name] = value.clone();
    }
    header
}

const OTHER_ISSUER: &str = "https://other.example/";

/// The first slot that this bearer finds free on the day after.
async fn free_slot(app: &App, bearer: &str) -> Slot {
    let found = app.ask(Ask::get(format!("Slot?service={UTC}&status=free&start=2026-02-11")).authorization(bearer)).await.expect(200);
    Slot::of(&found.all("Slot")[0])
}
