//! What a signed token must say, and for whom it then speaks.

use super::*;
use testkit::on_both;

/// Proves F11.
#[on_both(Setup::signed(|_| ()))]
async fn every_claim_of_a_signed_token_is_checked(app: App) {
    let good = claims(&app);
    let ods = "/requesting_organization/identifier/0";
    let cases = [
        (take(good.clone(), "/aud"), "`aud`"),
        (put(good.clone(), "/aud", "https://elsewhere.example/"), "accepted: https://booking"),
        (take(good.clone(), "/exp"), "`exp`"),
        (put(good.clone(), "/exp", "soon"), "`exp`"),
        (take(good.clone(), "/iat"), "`iat`"),
        (put(good.clone(), "/nbf", "soon"), "`nbf`"),
        (take(good.clone(), "/reason_for_request"), "`reason_for_request`"),
        (put(good.clone(), "/reason_for_request", "secondaryuses"), "`directcare`"),
        (take(good.clone(), "/requested_scope"), "`requested_scope` or `scope` or `scp`"),
        (put(good.clone(), "/requested_scope", 7), "`requested_scope`"),
        (put(good.clone(), "/requested_scope", json!(["a", 7])), "`requested_scope`"),
        (put(good.clone(), "/requested_scope", "patient/appointment.write"), "organization/slot.read"),
        (take(good.clone(), "/requesting_organization"), "`requesting_organization`"),
        (put(good.clone(), "/requesting_organization", json!([])), "`requesting_organization`"),
        (put(good.clone(), &format!("{ods}/value"), "no code!"), "`requesting_organization`"),
        (put(good.clone(), "/requesting_practitioner", "secret-user"), "`requesting_practitioner`"),
        (put(good.clone(), "/requesting_device", json!([])), "`requesting_device`"),
    ];
    for (claims, told) in cases {
        refused(&bearing(&app, &signer("a").token(&claims)).await, told, &claims.to_string());
    }
    for claim in ["sub", "requesting_practitioner", "requesting_device"] {
        bearing(&app, &signer("a").token(&take(good.clone(), &format!("/{claim}")))).await.expect(200);
    }
}

#[on_both(Setup::signed(|_| ()))]
async fn a_signed_token_lives_an_hour_at_most_and_begins_when_it_says(app: App) {
    let now = app.clock_ms() / 1000;
    let cases = [
        ("an hour", 0, None, 3_600, None),
        ("longer", 0, None, 3_601, Some("3600")),
        ("endless", 0, None, 4_000_000_000, Some("3600")),
        ("within the leeway", -3_000, None, -59, None),
        ("at its end", -3_000, None, -60, Some("expired")),
        ("of a clock ahead", 60, None, 300, None),
        ("of the future", 61, None, 300, Some("future")),
        ("not before now", 0, Some(60), 300, None),
        ("not before later", 0, Some(61), 300, Some("future")),
        ("ending before it begins", 0, None, -10, Some("exp")),
    ];
    for (name, issued, not_before, expires, told) in cases {
        let mut claims = claims(&app);
        (claims["iat"], claims["exp"]) = (json!(now + issued), json!(now + expires));
        if let Some(not_before) = not_before {
            claims["nbf"] = json!(now + not_before);
        }
        let answer = bearing(&app, &signer("a").token(&claims)).await;
        match told {
            None => assert_eq!(answer.status, 200, "{name}: {}", answer.text()),
            Some(told) => refused(&answer, told, name),
        }
    }
}

#[on_both(Setup::signed(|_| ()))]
async fn times_of_a_signed_token_may_have_decimals(app: App) {
    let now = app.clock_ms() as f64 / 1000.0;
    let cases = [
        ("all three", 0.25, 0.5, 3_600.25, None),
        ("a thousandth too long", 0.25, 0.5, 3_600.251, Some("3600")),
        ("not before now", 0.0, 60.0, 300.5, None),
        ("not before later", 0.0, 60.001, 300.5, Some("future")),
        ("within the leeway", -3_000.5, -3_000.5, -59.999, None),
        ("at its end", -3_000.5, -3_000.5, -60.001, Some("expired")),
    ];
    for (name, issued, not_before, expires, told) in cases {
        let mut claims = claims(&app);
        (claims["iat"], claims["nbf"], claims["exp"]) = (json!(now + issued), json!(now + not_before), json!(now + expires));
        let answer = bearing(&app, &signer("a").token(&claims)).await;
        match told {
            None => assert_eq!(answer.status, 200, "{name}: {}", answer.text()),
            Some(told) => refused(&answer, told, name),
        }
    }
}

/// Proves F14.
#[on_both(Setup::signed(|_| ()))]
async fn a_scope_is_found_under_every_name_and_in_every_form(app: App) {
    let without = take(claims(&app), "/requested_scope");
    for scopes in ["organization/slot.read", "slot/*.read", "openid schedule/*.read profile"] {
        let list: Vec<&str> = scopes.split(' ').collect();
        for name in ["requested_scope", "scope", "scp"] {
            for form in [json!(scopes), json!(list)] {
                let token = signer("c").token(&put(without.clone(), &format!("/{name}"), form));
                bearing(&app, &token).await.expect(200);
                refused(&app.ask(Ask::get("Appointment/1").authorization(&format!("Bearer {token}"))).await, name, scopes);
            }
        }
    }
    // The first that is there counts, and the others do not make up for it.
    let both = put(put(without, "/requested_scope", "patient/appointment.read"), "/scope", "organization/slot.read");
    refused(&bearing(&app, &signer("c").token(&both)).await, "`requested_scope`", "both");
}

fn demanding(issuer: &mut Issuer) {
    issuer.audiences = vec!["api://slotkeeper".to_owned()];
    issuer.life_s_max = Some(600);
    issuer.required = vec!["jti".to_owned()];
    issuer.scope_claims = vec!["roles".to_owned()];
    issuer.reason_demanded = false;
}

#[on_both(Setup::signed(demanding))]
async fn an_issuer_may_have_audiences_a_life_and_demands_of_its_own(app: App) {
    let now = app.clock_ms() / 1000;
    let mut good = take(claims(&app), "/reason_for_request");
    (good["aud"], good["jti"], good["exp"]) = (json!("api://slotkeeper"), json!("1"), json!(now + 600));
    good["roles"] = json!([SCOPES]);
    bearing(&app, &signer("a").token(&good)).await.expect(200);
    let cases = [
        (put(good.clone(), "/aud", format!("{PUBLIC_URL}/STU3/1/booking")), "api://slotkeeper"),
        (put(good.clone(), "/exp", now + 601), "600"),
        (take(good.clone(), "/jti"), "`jti`"),
        (put(good.clone(), "/jti", Value::Null), "`jti`"),
        (take(good.clone(), "/roles"), "`roles`"),
        (put(good, "/reason_for_request", "administration"), "directcare"),
    ];
    for (claims, told) in cases {
        refused(&bearing(&app, &signer("a").token(&claims)).await, told, told);
    }
}

#[on_both(Setup::signed(|issuer| issuer.organisation = Organisation::Claim("ods_code".to_owned())))]
async fn an_organisation_may_stand_in_a_claim_of_another_name(app: App) {
    let without = take(claims(&app), "/requesting_organization");
    let of = |code: Value| format!("Bearer {}", signer("a").token(&put(without.clone(), "/ods_code", code)));
    let slot = free_slot(&app, &of(json!("x9t20"))).await;
    let id = app.ask(Ask::book(&booking(&slot)).authorization(&of(json!("X9T20")))).await.expect(201).id();
    app.ask(Ask::get(format!("Appointment/{id}")).authorization(&of(json!("x9t20")))).await.expect(200);
    app.ask(Ask::get(format!("Appointment/{id}")).authorization(&of(json!("X9T21")))).await.expect(403);
    for wrong in [json!("no code!"), json!(""), json!(7), Value::Null] {
        let answer = app.ask(Ask::get(format!("Slot?service={UTC}")).authorization(&of(wrong.clone()))).await;
        refused(&answer, "`ods_code`", &wrong.to_string());
    }
}

fn through_client(issuer: &mut Issuer) {
    issuer.organisation = Organisation::Client(slotkeeper::http::CLIENT_CLAIMS.map(str::to_owned).to_vec());
    issuer.clients = [("example-111".to_owned(), OdsCode::parse(CONSUMER).unwrap())].into();
    issuer.reason_demanded = false;
}

/// What a general token server says: nothing of the standard's claims.
fn general_claims(app: &App) -> Value {
    let now = app.clock_ms() / 1000;
    let audience = format!("{PUBLIC_URL}/STU3/1/booking");
    json!({"iss": ISSUER, "aud": audience, "iat": now, "exp": now + 3_600, "scope": SCOPES, "client_id": "example-111"})
}

#[on_both(Setup::signed(through_client))]
async fn an_organisation_may_be_found_through_the_client(app: App) {
    let good = general_claims(&app);
    bearing(&app, &signer("a").token(&good)).await.expect(200);
    for name in ["azp", "appid", "sub"] {
        let renamed = put(take(good.clone(), "/client_id"), &format!("/{name}"), "example-111");
        bearing(&app, &signer("a").token(&renamed)).await.expect(200);
    }
    let cases = [
        (put(good.clone(), "/client_id", "somebody"), "no consumer known"),
        (put(good.clone(), "/client_id", "Example-111"), "no consumer known"),
        (put(put(good.clone(), "/client_id", "somebody"), "/sub", "example-111"), "no consumer known"),
        (put(good.clone(), "/client_id", ""), "`client_id`"),
        (put(good.clone(), "/client_id", 7), "`client_id`"),
        (take(good.clone(), "/client_id"), "`client_id` or `azp` or `appid` or `sub`"),
        (put(good.clone(), "/reason_for_request", "administration"), "directcare"),
    ];
    for (claims, told) in cases {
        refused(&bearing(&app, &signer("a").token(&claims)).await, told, told);
    }
    // What a token claims of its organisation does not count here.
    let claimed = put(good, "/requesting_organization", claims(&app)["requesting_organization"].clone());
    let claimed = put(claimed, "/requesting_organization/identifier/0/value", OTHER_CONSUMER);
    let bearer = format!("Bearer {}", signer("a").token(&claimed));
    let slot = free_slot(&app, &bearer).await;
    let id = app.ask(Ask::book(&booking(&slot)).authorization(&bearer)).await.expect(201).id();
    let plain = format!("Bearer {}", signer("a").token(&general_claims(&app)));
    app.ask(Ask::get(format!("Appointment/{id}")).authorization(&plain)).await.expect(200);
}

#[on_both(Setup::signed(through_client))]
async fn a_client_the_issuer_does_not_list_is_looked_up_elsewhere(app: App) {
    let listed = |issuer: &str, client: &str| (issuer == ISSUER && client == "in-the-policy").then(|| OdsCode::parse("X9T21"))?;
    let issuers = app.trust.issuers();
    let mut issuer = Issuer::usual(ISSUER, Arc::clone(&issuers[0].keys));
    through_client(&mut issuer);
    let trust = Trust::new(vec![issuer], Box::new(listed));
    let settings = slotkeeper::http::Settings {
        auth: slotkeeper::http::AuthMode::Jwks,
        trust: Arc::new(trust),
        limits: slotkeeper::http::HttpLimits { token_life_s_max: 3_600, ..Default::default() },
        ..slotkeeper::http::Settings::at(PUBLIC_URL)
    };
    let root = format!("{PUBLIC_URL}/STU3/1/booking");
    let now = Timestamp::from_ms(app.clock_ms());
    for (client, organisation) in [("example-111", Some("X9T20")), ("in-the-policy", Some("X9T21")), ("somebody", None)] {
        let token = format!("Bearer {}", signer("a").token(&put(general_claims(&app), "/client_id", client)));
        let caller = slotkeeper::http::admit(Some(&token), slotkeeper::http::Need::ReadSlots, &root, &settings, now).await;
        let consumer = caller.ok().and_then(|caller| caller.origin.consumer.clone());
        assert_eq!(consumer.as_ref().map(OdsCode::as_str), organisation, "{client}");
    }
}
