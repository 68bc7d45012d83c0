//! Tokens, scopes and the headers of the Spine (docs/contract.md#scopes, #tokens, #headers;
//! docs/specification/uec.md#d-security).

use serde_json::{Value, json};
use testkit::{Answer, App, Ask, PUBLIC_URL, Setup, UTC, booking, encoded, on_both, put, take};

/// What must never be seen in an answer.
const SECRETS: [&str; 4] = ["secret-consumer", "secret-user", "secret-device", "SecretName"];

/// The claims of a good token for slots, with things in it that must not be repeated.
fn claims(app: &App) -> Value {
    let mut claims = app.claims("/STU3/1/booking", "organization/slot.read", "X9T20").payload();
    claims["iss"] = json!("https://secret-consumer.example/");
    claims["sub"] = json!("secret-user");
    claims["requesting_practitioner"]["id"] = json!("secret-user");
    claims["requesting_device"]["model"] = json!("secret-device");
    claims["requesting_practitioner"]["name"][0]["family"] = json!("SecretName");
    claims
}

fn token(claims: &Value) -> String {
    format!("{}.{}.", encoded(r#"{"alg":"none","typ":"JWT"}"#), encoded(&claims.to_string()))
}

async fn bearing(app: &App, authorization: &str) -> Answer {
    app.ask(Ask::get(format!("Slot?service={UTC}&start=2026-02-11")).authorization(authorization)).await
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

/// Proves F11.
#[on_both]
async fn every_claim_is_checked(app: App) {
    let good = claims(&app);
    bearing(&app, &format!("Bearer {}", token(&good))).await.expect(200);
    let mut cases = Vec::new();
    for claim in
        ["iss", "sub", "aud", "exp", "iat", "reason_for_request", "requested_scope", "requesting_device", "requesting_organization"]
    {
        cases.push((take(good.clone(), &format!("/{claim}")), claim));
        cases.push((put(good.clone(), &format!("/{claim}"), Value::Null), claim));
        cases.push((put(good.clone(), &format!("/{claim}"), json!([true])), if claim == "aud" { "aud" } else { claim }));
    }
    let ods = "/requesting_organization/identifier/0";
    cases.extend([
        (put(good.clone(), "/iss", "  "), "iss"),
        (put(good.clone(), "/iss", 7), "iss"),
        (put(good.clone(), "/exp", "soon"), "exp"),
        (put(good.clone(), "/iat", 1.5), "iat"),
        (put(good.clone(), "/reason_for_request", "secondaryuses"), "directcare"),
        (put(good.clone(), "/reason_for_request", "DirectCare"), "directcare"),
        (put(good.clone(), "/requested_scope", "organization/slot.write"), "organization/slot.read"),
        (put(good.clone(), "/requested_scope", "Organization/slot.read"), "organization/slot.read"),
        (put(good.clone(), "/requesting_device", "secret-device"), "requesting_device"),
        (put(good.clone(), &format!("{ods}/system"), "https://example.org/Id"), "requesting_organization"),
        (put(good.clone(), &format!("{ods}/value"), "X9T20; secret-user"), "requesting_organization"),
        (take(good.clone(), "/requesting_organization/identifier"), "requesting_organization"),
        (put(good.clone(), "/requesting_practitioner/id", "somebody-else"), "requesting_practitioner"),
        (take(good.clone(), "/requesting_practitioner/id"), "requesting_practitioner"),
        (put(good.clone(), "/requesting_practitioner", "SecretName"), "requesting_practitioner"),
    ]);
    for (claims, told) in cases {
        refused(&bearing(&app, &format!("Bearer {}", token(&claims))).await, told, &claims.to_string());
    }
}

/// Proves F12.
#[on_both]
async fn a_token_ends_and_begins_with_a_minute_of_leeway(app: App) {
    let now = app.clock_ms() / 1000;
    let cases = [
        ("fresh", 0, 300, None),
        ("nearly over", -240, 60, None),
        ("just over", -300, 0, None),
        ("within the leeway", -359, -59, None),
        ("at its end", -360, -60, Some("expired")),
        ("long over", -4000, -3700, Some("expired")),
        ("of a clock ahead", 60, 360, None),
        ("of the future", 61, 361, Some("future")),
        ("too long", 0, 301, Some("300")),
        ("endless", 0, 4_000_000_000, Some("300")),
        ("ending before it begins", 0, -10, Some("exp")),
        ("without a life", 0, 0, Some("exp")),
        ("overflowing", i64::MIN, i64::MAX, Some("300")),
        ("overflowing backwards", i64::MAX, i64::MIN, Some("")),
    ];
    for (name, issued, expires, told) in cases {
        let at = |offset: i64| now.saturating_add(offset);
        let answer = bearing(&app, &format!("Bearer {}", token(&put(put(claims(&app), "/iat", at(issued)), "/exp", at(expires))))).await;
        match told {
            None => assert_eq!(answer.status, 200, "{name}: {}", answer.text()),
            Some(told) => refused(&answer, told, name),
        }
    }
}

#[on_both]
async fn times_with_decimals_are_numbers(app: App) {
    let now = app.clock_ms() / 1000;
    let cases = [
        ("decimals", format!("{now}.25"), format!("{}.25", now + 300), None),
        ("nothing behind the point", format!("{now}.0"), format!("{}.000", now + 300), None),
        ("an exponent", format!("{}e-3", now * 1000), format!("{}E-3", (now + 300) * 1000), None),
        ("as many as there are", format!("{now}.123456789012345678"), format!("{}.5", now + 299), None),
        ("a thousandth too long", format!("{now}.250"), format!("{}.251", now + 300), Some("300")),
        ("within the leeway", format!("{}.5", now - 300), format!("{}.001", now - 60), None),
        ("at its end", format!("{}.5", now - 300), format!("{}.0", now - 60), Some("expired")),
        ("of a clock ahead", format!("{}.0", now + 60), format!("{}.0", now + 120), None),
        ("of the future", format!("{}.001", now + 60), format!("{}.0", now + 120), Some("future")),
        ("of long ago", "-1.5".to_owned(), "-0.5".to_owned(), Some("expired")),
        ("endless", format!("{now}.5"), "1e300".to_owned(), Some("300")),
        ("beyond whole numbers", format!("{now}"), "18446744073709551615".to_owned(), Some("300")),
        ("never begun", "1e300".to_owned(), "1e301".to_owned(), Some("future")),
        ("a text", format!("\"{now}\""), format!("{}", now + 300), Some("`iat`")),
    ];
    for (nbf, told) in [("60.0", None), ("60.001", Some("future")), ("61", Some("future")), ("null", None), ("\"soon\"", Some("`nbf`"))] {
        let offset = nbf.parse::<f64>().map(|offset| json!(now as f64 + offset));
        let claims = put(claims(&app), "/nbf", offset.unwrap_or_else(|_| nbf.parse().unwrap()));
        let answer = bearing(&app, &format!("Bearer {}", token(&claims))).await;
        match told {
            None => assert_eq!(answer.status, 200, "{nbf}: {}", answer.text()),
            Some(told) => refused(&answer, told, nbf),
        }
    }
    for (name, issued, expires, told) in cases {
        let text = put(put(claims(&app), "/iat", "<iat>"), "/exp", "<exp>").to_string();
        let payload = text.replace("\"<iat>\"", &issued).replace("\"<exp>\"", &expires);
        let token = format!("{}.{}.", encoded(r#"{"alg":"none","typ":"JWT"}"#), encoded(&payload));
        let answer = bearing(&app, &format!("Bearer {token}")).await;
        match told {
            None => assert_eq!(answer.status, 200, "{name}: {}", answer.text()),
            Some(told) => refused(&answer, told, name),
        }
    }
}

/// Proves F11.
#[on_both]
async fn a_token_is_of_the_form_of_the_standard(app: App) {
    let payload = encoded(&claims(&app).to_string());
    let none = encoded(r#"{"alg":"none","typ":"JWT"}"#);
    for accepted in [format!("Bearer {none}.{payload}."), format!("bearer {none}.{payload}."), format!("Bearer  {none}.{payload}.")] {
        bearing(&app, &accepted).await.expect(200);
    }
    let cases = [
        (String::new(), "Bearer"),
        ("Bearer".to_owned(), "Bearer"),
        ("Bearer ".to_owned(), "Bearer"),
        (format!("Basic {none}.{payload}."), "Bearer"),
        (format!("{none}.{payload}."), "Bearer"),
        (format!("Bearer {none}.{payload}"), "trailing dot"),
        (format!("Bearer {none}.{payload}.."), "form"),
        (format!("Bearer {none}.{payload}.c2ln"), "none"),
        (format!("Bearer {}.{payload}.c2ln", encoded(r#"{"alg":"HS256"}"#)), "none"),
        (format!("Bearer {}.{payload}.", encoded(r#"{"alg":"NONE"}"#)), "none"),
        (format!("Bearer {}.{payload}.", encoded("{}")), "alg"),
        (format!("Bearer {}.{payload}.", encoded("secret-user")), "header"),
        (format!("Bearer .{payload}."), "header"),
        (format!("Bearer {none}.."), "payload"),
        (format!("Bearer {none}.%%%."), "payload"),
        (format!("Bearer {none}.{}.", encoded("secret-user")), "payload"),
        (format!("Bearer {none}.{}.", encoded("[]")), "iss"),
        (format!("Bearer {none}.{}.", encoded("{}")), "iss"),
        (format!("Bearer {none}.{}.", "A".repeat(20_000)), "16 KiB"),
    ];
    for (authorization, told) in cases {
        refused(&bearing(&app, &authorization).await, told, &authorization.chars().take(60).collect::<String>());
    }
}

/// Proves F13.
#[on_both]
async fn the_audience_is_the_root_that_is_called(app: App) {
    let own = format!("{PUBLIC_URL}/STU3/1/booking");
    let with = |audience: Value| format!("Bearer {}", token(&put(claims(&app), "/aud", audience)));
    for accepted in [json!(own), json!(format!("{own}/")), json!(["https://elsewhere.example", own])] {
        bearing(&app, &with(accepted)).await.expect(200);
    }
    for wrong in [
        json!("https://elsewhere.example/STU3/1/booking"),
        json!(format!("{PUBLIC_URL}/STU3/1/provider")),
        json!(PUBLIC_URL),
        json!(format!("{own}/Slot")),
        json!(format!("{own}//")),
        json!(own.to_uppercase()),
        json!(own.replace("https", "http")),
        json!(""),
    ] {
        let told = bearing(&app, &with(wrong.clone())).await;
        refused(&told, "aud", &wrong.to_string());
    }
    // A good token of one root opens no door of the other.
    let ask = Ask::get(format!("Slot?service={UTC}&start=2026-02-11")).on_provider();
    refused(&app.ask(ask.authorization(&with(json!(own)))).await, "aud", "the other root");
}

/// Proves F13.
#[on_both(Setup::with(|setup| setup.audiences = vec!["https://spine.example/booking/".to_owned()]))]
async fn the_operator_may_name_other_audiences(app: App) {
    let with = |audience: &str| format!("Bearer {}", token(&put(claims(&app), "/aud", audience)));
    bearing(&app, &with("https://spine.example/booking")).await.expect(200);
    refused(&bearing(&app, &with(&format!("{PUBLIC_URL}/STU3/1/booking"))).await, "spine.example", "the root itself");
}

/// Proves F17.
#[on_both]
async fn what_may_be_missing_may_be_missing(app: App) {
    let good = claims(&app);
    for claims in [
        take(good.clone(), "/requesting_practitioner"),
        put(good.clone(), "/requesting_practitioner", Value::Null),
        take(good.clone(), "/requesting_practitioner/name"),
        put(good.clone(), "/requesting_device", json!({})),
        take(good.clone(), "/requesting_organization/name"),
        put(good, "/something_new", json!({"a": 1})),
    ] {
        bearing(&app, &format!("Bearer {}", token(&claims))).await.expect(200);
    }
}

/// Proves F14.
#[on_both]
async fn every_scope_opens_its_own_doors(app: App) {
    let appointment = app.booked(&app.free_slot(UTC).await).await;
    let id = appointment["id"].as_str().unwrap();
    let read_slots = Ask::get(format!("Slot?service={UTC}&start=2026-02-11"));
    let read_directory = Ask::get("Organization/Y9Z41");
    let read_appointment = Ask::get(format!("Appointment/{id}"));
    // A body that is refused for its content shows that the door was open.
    let book = Ask::new("POST", "Appointment").bytes("{}");
    let cancel = Ask::cancel(id, "W/\"1\"", &json!({}));
    let everything = [&read_slots, &read_directory, &read_appointment, &book, &cancel];
    let reads = [true, true, false, false, false];
    let table = [
        ("organization/slot.read", reads),
        ("slot/*.read", reads),
        ("schedule/*.read", reads),
        ("location/*.read", reads),
        ("organization/*.read", reads),
        ("healthcareservice/*.read", reads),
        ("practitioner/*.read", reads),
        ("patient/appointment.read", [false, false, true, false, false]),
        ("appointment/*.read", [false, false, true, false, false]),
        ("patient/appointment.write", [false, false, true, true, true]),
        ("appointment/*.write", [false, false, true, true, true]),
        ("organization/slot.read patient/appointment.write", [true; 5]),
        ("openid  appointment/*.write   slot/*.read", [true; 5]),
        ("patient/*.read", [false; 5]),
        ("*/*.*", [false; 5]),
        ("patient/appointment.writer organization/slot.readonly", [false; 5]),
        ("organization/slot.read,patient/appointment.write", [false; 5]),
    ];
    for (scope, doors) in table {
        for root in ["/STU3/1/booking", "/STU3/1/provider"] {
            for (ask, open) in everything.iter().zip(doors) {
                let answer = app.ask((*ask).clone().on(root).scope(scope)).await;
                assert_eq!(answer.status != 403, open, "{scope} at {} {root}/{}: {}", ask.method, ask.path, answer.text());
                if !open {
                    refused(&answer, "requested_scope", scope);
                }
            }
        }
    }
}

#[on_both]
async fn nothing_is_done_without_a_token(app: App) {
    let slot = app.free_slot(UTC).await;
    for root in ["/STU3/1/booking", "/STU3/1/provider"] {
        for ask in [
            Ask::get(format!("Slot?service={UTC}")),
            Ask::get(format!("Slot/{}", slot.id)),
            Ask::get("Schedule"),
            Ask::get("Organization/Y9Z41"),
            Ask::get("Appointment?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|9990482136"),
            Ask::get("Appointment/1"),
            Ask::get("Appointment/1/_history/1"),
            Ask::book(&booking(&slot)),
            Ask::cancel("1", "W/\"1\"", &json!({})),
        ] {
            refused(&app.ask(ask.on(root).without_token()).await, "Authorization", root);
        }
    }
    assert_eq!(app.status_of(&slot.id).await, "free");
}

#[on_both]
async fn the_statement_and_the_health_need_no_token(app: App) {
    for root in ["/STU3/1/booking", "/STU3/1/provider"] {
        let ask = Ask::get("metadata").on(root).without("Ssp-TraceID").without("Ssp-From").without("Ssp-To").without("Ssp-InteractionID");
        let first = app.ask(ask.clone().without_token()).await.expect(200).body;
        for bad in ["", "Bearer nonsense", "Basic abc"] {
            assert_eq!(app.ask(ask.clone().authorization(bad)).await.expect(200).body, first);
        }
    }
    for path in ["/health/live", "/health/ready"] {
        let ask = Ask { root: "", ..Ask::get(&path[1..]) };
        app.ask(ask.clone().without_token()).await.expect(200);
        app.ask(ask.authorization("Bearer nonsense")).await.expect(200);
    }
}

const SPINE_HEADERS: [&str; 4] = ["Ssp-TraceID", "Ssp-From", "Ssp-To", "Ssp-InteractionID"];

#[on_both]
async fn the_headers_of_the_spine_are_demanded_on_the_booking_root(app: App) {
    let slot = app.free_slot(UTC).await;
    for name in SPINE_HEADERS {
        for ask in [
            Ask::get(format!("Slot?service={UTC}")),
            Ask::get("Organization/Y9Z41"),
            Ask::get("Appointment/1"),
            Ask::book(&booking(&slot)),
            Ask::cancel("1", "W/\"1\"", &json!({})),
        ] {
            for without in [ask.clone().without(name), ask.clone().header(name, " ")] {
                let told = app.ask(without.clone()).await.refused(400, "required", "MISSING_OR_INVALID_HEADER");
                assert!(told.contains(name), "{told}");
                // The provider root does without.
                let lenient = app.ask(without.on_provider()).await;
                assert!(!told_of_header(&lenient), "{name}: {}", lenient.text());
            }
        }
    }
}

fn told_of_header(answer: &Answer) -> bool {
    answer.text().contains("MISSING_OR_INVALID_HEADER")
}

#[on_both]
async fn the_headers_of_the_spine_are_never_judged(app: App) {
    let query = format!("Slot?service={UTC}&start=2026-02-11");
    for (name, value) in [
        ("Ssp-InteractionID", "urn:nhs:names:services:careconnect:fhir:rest:read:slot"),
        ("Ssp-InteractionID", "nonsense"),
        ("Ssp-From", "not an ASID"),
        ("Ssp-To", "0"),
        ("Ssp-TraceID", "x"),
    ] {
        app.ask(Ask::get(&query).header(name, value)).await.expect(200);
    }
    let slot = app.free_slot(UTC).await;
    let odd = Ask::book(&booking(&slot)).header("Ssp-InteractionID", "urn:nhs:names:services:careconnect:fhir:rest:search:slot");
    app.ask(odd.header("Ssp-TraceID", &"x".repeat(3_000))).await.expect(201);
}

#[on_both]
async fn a_request_id_is_demanded_where_something_is_written(app: App) {
    let slot = app.free_slot(UTC).await;
    for ask in [Ask::book(&booking(&slot)), Ask::cancel("1", "W/\"1\"", &json!({}))] {
        let told = app.ask(ask.without("X-Request-ID")).await.refused(400, "required", "MISSING_OR_INVALID_HEADER");
        assert!(told.contains("X-Request-ID"), "{told}");
    }
    // A read may carry one or not.
    let read = Ask::get(format!("Slot/{}", slot.id));
    assert!(app.ask(read.clone()).await.expect(200).header_if("X-Correlation-ID").is_none());
    assert_eq!(app.ask(read.key("mine")).await.expect(200).header("X-Correlation-ID"), "mine");
}

#[on_both]
async fn a_request_id_is_printable_and_not_too_long(app: App) {
    let slots = app.free_slots(UTC).await;
    for wrong in ["", &"k".repeat(65), "tab\there"] {
        for root in ["/STU3/1/booking", "/STU3/1/provider"] {
            let told = app.ask(Ask::book(&booking(&slots[0])).key(wrong).on(root)).await.issues(400);
            assert!(told[0]["diagnostics"].as_str().unwrap().contains("X-Request-ID"), "{told:?}");
        }
    }
    for (slot, right) in slots.iter().zip(["k", &"k".repeat(64), "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"]) {
        let answer = app.ask(Ask::book(&booking(slot)).key(right)).await.expect(201);
        assert_eq!(answer.header("X-Correlation-ID"), right);
    }
}
