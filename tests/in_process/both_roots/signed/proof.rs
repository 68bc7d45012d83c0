//! Whether a token is proven to be its issuer's, and everything that proves nothing.

use super::*;
use testkit::on_both;

#[on_both(Setup::signed(|_| ()))]
async fn a_signed_token_books_and_cancels_for_its_organisation_alone(app: App) {
    let bearer = format!("Bearer {}", signer("a").token(&claims(&app)));
    let of_other = put(claims(&app), "/requesting_organization/identifier/0/value", OTHER_CONSUMER);
    let other = format!("Bearer {}", signer("c").token(&of_other));
    let slot = free_slot(&app, &bearer).await;
    let booked = app.ask(Ask::book(&booking(&slot)).authorization(&bearer)).await.expect(201);
    let appointment = booked.json();
    let id = booked.id();
    app.ask(Ask::get(format!("Appointment/{id}")).authorization(&bearer)).await.expect(200);
    app.ask(Ask::get(format!("Appointment/{id}")).authorization(&other)).await.expect(403);
    let cancel = Ask::cancel(&id, booked.header("ETag"), &cancelled(&appointment));
    app.ask(cancel.clone().authorization(&other)).await.expect(403);
    app.ask(cancel.authorization(&bearer)).await.expect(200);
    for root in ["/STU3/1/booking", "/STU3/1/provider"] {
        let ask = Ask::get(format!("Slot?service={UTC}&start=2026-02-11")).on(root);
        refused(&app.ask(ask.clone().without_token()).await, "Authorization", root);
        let token = signer("c").token(&put(claims(&app), "/aud", format!("{PUBLIC_URL}{root}")));
        app.ask(ask.authorization(&format!("Bearer {token}"))).await.expect(200);
    }
}

#[on_both(Setup::signed(|_| ()))]
async fn an_unsigned_token_is_refused_where_signatures_are_demanded(app: App) {
    let payload = encoded(&claims(&app).to_string());
    for algorithm in ["none", "None", "NONE", "nOnE", ""] {
        let header = encoded(&json!({"alg": algorithm, "kid": "a"}).to_string());
        refused(&bearing(&app, &format!("{header}.{payload}.")).await, "RS256, ES256", algorithm);
        // Even with a good signature over it.
        let signed = signer("a").token_with(&json!({"alg": algorithm, "kid": "a"}), &claims(&app));
        refused(&bearing(&app, &signed).await, "RS256, ES256", algorithm);
    }
    // A signature that is simply left out.
    let signed = signer("a").token(&claims(&app));
    let (message, _) = signed.rsplit_once('.').unwrap();
    refused(&bearing(&app, &format!("{message}.")).await, "signature", "left out");
}

#[on_both]
async fn a_signed_token_is_refused_where_none_is_prescribed(app: App) {
    refused(&bearing(&app, &signer("a").token(&claims(&app))).await, "must be `none`", "unsigned mode");
}

/// Proves F11.
#[on_both(Setup::signed(|_| ()))]
async fn a_public_key_used_as_a_shared_secret_proves_nothing(app: App) {
    // In every form in which an attacker may have it.
    let signer = signer("a");
    let modulus = signer.public["n"].as_str().unwrap();
    let secrets = [
        signer.public_pem.clone().into_bytes(),
        signer.public_pem.trim_end().as_bytes().to_vec(),
        signer.public.to_string().into_bytes(),
        modulus.as_bytes().to_vec(),
        URL_SAFE_NO_PAD.decode(modulus).unwrap(),
        key_set(&["a", "c"]),
    ];
    for secret in secrets {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let mut header = jsonwebtoken::Header::new(algorithm);
            header.kid = Some("a".to_owned());
            let token = jsonwebtoken::encode(&header, &claims(&app), &EncodingKey::from_secret(&secret)).unwrap();
            refused(&bearing(&app, &token).await, "algorithm", "HMAC");
            // The same signature under the name of an algorithm that is accepted.
            let message = format!("{}.{}", encoded(&json!({"alg": "RS256", "kid": "a"}).to_string()), encoded(&claims(&app).to_string()));
            let hmac = jsonwebtoken::crypto::sign(message.as_bytes(), &EncodingKey::from_secret(&secret), algorithm).unwrap();
            refused(&bearing(&app, &format!("{message}.{hmac}")).await, "signature", "HMAC under another name");
        }
    }
}

/// Proves F11.
#[on_both(Setup::signed(|_| ()))]
async fn a_broken_signature_is_refused(app: App) {
    let good = signer("a").token(&claims(&app));
    bearing(&app, &good).await.expect(200);
    let parts: Vec<&str> = good.split('.').collect();
    let changed = |part: &str, at: usize| {
        let mut text = part.to_owned();
        let other = if &part[at..=at] == "A" { "B" } else { "A" };
        text.replace_range(at..=at, other);
        text
    };
    let other_claims = encoded(&put(claims(&app), "/requesting_organization/identifier/0/value", OTHER_CONSUMER).to_string());
    let elliptic = signer("c").token(&claims(&app));
    let cases = [
        ("first character", format!("{}.{}.{}", parts[0], parts[1], changed(parts[2], 0))),
        ("in the middle", format!("{}.{}.{}", parts[0], parts[1], changed(parts[2], 170))),
        ("cut short", good[..good.len() - 4].to_owned()),
        ("longer", format!("{good}AAAA")),
        ("padded", format!("{good}==")),
        ("not base64", format!("{}.{}.%%%", parts[0], parts[1])),
        ("other claims", format!("{}.{other_claims}.{}", parts[0], parts[2])),
        ("another header", format!("{}.{}.{}", encoded(&header(&json!({"typ": "at+jwt"})).to_string()), parts[1], parts[2])),
        ("a key that is not theirs", signer("b").token_with(&header(&json!({})), &claims(&app))),
        ("another key of theirs", signer("c").token_with(&header(&json!({"alg": "RS256"})), &claims(&app))),
        ("an elliptic signature", format!("{}.{}.{}", parts[0], parts[1], elliptic.rsplit_once('.').unwrap().1)),
    ];
    for (case, token) in cases {
        refused(&bearing(&app, &token).await, "signature", case);
    }
    bearing(&app, &good).await.expect(200);
    bearing(&app, &elliptic).await.expect(200);
}

#[on_both(Setup::signed(|_| ()))]
async fn a_header_that_demands_an_extension_is_refused(app: App) {
    for crit in [json!(["b64"]), json!(["exp"]), json!(["http://example.org/unknown"]), json!([]), json!("x"), json!(null)] {
        let token = signer("a").token_with(&header(&json!({"crit": crit, "b64": false, "exp": 1})), &claims(&app));
        refused(&bearing(&app, &token).await, "crit", &crit.to_string());
    }
    let harmless = signer("a").token_with(&header(&json!({"typ": "at+jwt", "something": [1]})), &claims(&app));
    bearing(&app, &harmless).await.expect(200);
}

#[on_both(Setup::signed(|_| ()))]
async fn a_key_that_a_token_brings_along_is_never_looked_at(app: App) {
    let own = &signer("b").public;
    let brought = json!({
        "jwk": own,
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example/certificate",
        "x5c": [STANDARD.encode("certificate")],
    });
    for kid in ["a", "b"] {
        let mut header = header(&brought);
        header["kid"] = json!(kid);
        let told = if kid == "a" { "signature" } else { "key is not known" };
        refused(&bearing(&app, &signer("b").token_with(&header, &claims(&app))).await, told, kid);
    }
    bearing(&app, &signer("a").token_with(&header(&brought), &claims(&app))).await.expect(200);
}

#[on_both(Setup::signed(|issuer| issuer.algorithms = vec![slotkeeper::http::Algorithm::Es256]))]
async fn an_algorithm_its_issuer_may_not_use_is_refused(app: App) {
    bearing(&app, &signer("c").token(&claims(&app))).await.expect(200);
    refused(&bearing(&app, &signer("a").token(&claims(&app))).await, "from its issuer: ES256", "RS256");
    for algorithm in ["ES384", "EdDSA", "PS256", "ES512", "es256", "RSA-OAEP"] {
        let token = signer("c").token_with(&header(&json!({"alg": algorithm, "kid": "c"})), &claims(&app));
        refused(&bearing(&app, &token).await, "ES256", algorithm);
    }
}

fn two_issuers() -> Vec<Issuer> {
    let now = Timestamp::parse("2026-02-10T09:00:00Z").unwrap();
    [(ISSUER, "a"), (OTHER_ISSUER, "b")]
        .map(|(name, id)| {
            let source = Shelf::with(&[id]).source();
            source.take(&slotkeeper::http::Fetched { text: key_set(&[id]), fresh_s: None }, now).unwrap();
            Issuer::usual(name, source)
        })
        .into()
}

#[on_both(Setup::believing(two_issuers()))]
async fn an_issuer_signs_only_for_itself_and_only_if_trusted(app: App) {
    let of = |issuer: &str, key: &str| {
        let header = header(&json!({"kid": key}));
        signer(key).token_with(&header, &put(claims(&app), "/iss", issuer))
    };
    bearing(&app, &of(ISSUER, "a")).await.expect(200);
    bearing(&app, &of(OTHER_ISSUER, "b")).await.expect(200);
    for (issuer, key) in [(ISSUER, "b"), (OTHER_ISSUER, "a")] {
        refused(&bearing(&app, &of(issuer, key)).await, "key is not known", issuer);
    }
    let bare = ISSUER.trim_end_matches('/');
    for issuer in ["https://tokens.example/", bare, &ISSUER.to_uppercase(), &format!("{ISSUER} "), ""] {
        refused(&bearing(&app, &of(issuer, "a")).await, "`iss`", issuer);
    }
    for issuer in [json!([ISSUER]), json!(null), json!(7)] {
        let token = signer("a").token(&put(claims(&app), "/iss", issuer.clone()));
        refused(&bearing(&app, &token).await, "`iss`", &issuer.to_string());
    }
}

#[on_both(Setup::signed(|_| ()))]
async fn a_token_that_is_not_of_three_parts_is_refused(app: App) {
    let good = signer("a").token(&claims(&app));
    let parts: Vec<&str> = good.split('.').collect();
    let twice = encoded(r#"{"alg":"RS256","alg":"none","kid":"a"}"#);
    let cases = [
        (String::new(), "Bearer"),
        ("x".to_owned(), "form"),
        (parts[..2].join("."), "form"),
        (format!("{good}.AAAA"), "form"),
        (format!("{good}.AAAA.AAAA"), "form"),
        (format!(".{}.{}", parts[1], parts[2]), "header"),
        (format!("{twice}.{}.{}", parts[1], parts[2]), "header"),
        (format!("{}.{}.{}", encoded("{}"), parts[1], parts[2]), "header"),
        (format!("{}.{}.{}", encoded(r#"{"alg":"RS256","kid":7}"#), parts[1], parts[2]), "header"),
        (format!("{}.%%%.{}", parts[0], parts[2]), "payload"),
        (format!("{}.{}.{}", parts[0], encoded("secret-user"), parts[2]), "payload"),
        (format!("{}.{}.{}", parts[0], encoded("[]"), parts[2]), "`iss`"),
        (format!("{}.{}.{}", parts[0], "A".repeat(20_000), parts[2]), "16 KiB"),
    ];
    for (token, told) in cases {
        refused(&bearing(&app, &token).await, told, &token.chars().take(40).collect::<String>());
    }
}

#[on_both(Setup::signed(|_| ()))]
async fn the_statement_needs_no_signature_either(app: App) {
    for root in ["/STU3/1/booking", "/STU3/1/provider"] {
        for bearer in ["", "Bearer nonsense", "Bearer a.b.c"] {
            app.ask(Ask::get("metadata").on(root).authorization(bearer)).await.expect(200);
        }
        app.ask(Ask::get("metadata").on(root).without_token()).await.expect(200);
    }
}
