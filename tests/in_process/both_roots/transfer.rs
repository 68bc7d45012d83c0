//! How requests and answers travel (docs/specification/uec.md#a2-request-headers, #a3-formats): compressed or not,
//! whole or in parts, with or without a body, and the headers that every answer carries.

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use slotkeeper::http::AuthMode;
use std::io::{Read, Write};
use std::time::{Duration, Instant};
use testkit::{Answer, App, Ask, PUBLIC_URL, Setup, UTC, booking, booking_text, booking_xml, on_both, put, take};

const ROOTS: [&str; 2] = ["/STU3/1/booking", "/STU3/1/provider"];

fn gzip(plain: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(packed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(packed).read_to_end(&mut plain).unwrap();
    plain
}

fn post(body: Vec<u8>) -> Ask {
    Ask::new("POST", "Appointment").bytes(body)
}

fn packed(body: Vec<u8>) -> Ask {
    post(body).header("Content-Encoding", "gzip")
}

/// Proves F4.
#[on_both]
async fn a_compressed_booking_is_booked(app: App) {
    let mut slots = app.free_slots(UTC).await.into_iter();
    let mut next = || slots.next().unwrap();
    for root in ROOTS {
        for coding in ["gzip", "x-gzip", "GZIP", " gzip ", "identity, gzip", "gzip,"] {
            let ask = post(gzip(booking_text(&next()))).header("Content-Encoding", coding);
            app.ask(ask.on(root)).await.expect(201);
        }
        for coding in ["identity", "", "Identity"] {
            app.ask(post(booking_text(&next()).into_bytes()).header("Content-Encoding", coding).on(root)).await.expect(201);
        }
        let in_xml = packed(gzip(booking_xml(&next()))).header("Content-Type", "application/fhir+xml").on(root);
        assert!(app.ask(in_xml).await.expect(201).text().contains("<Appointment"));
        // Several members are one body (RFC 1952, 2.2).
        let text = booking_text(&next());
        let (one, other) = text.as_bytes().split_at(500);
        app.ask(packed([gzip(one), gzip(""), gzip(other)].concat()).on(root)).await.expect(201);
        // Nobody has to say beforehand how long it is.
        app.ask(packed(gzip(booking_text(&next()))).without("Content-Length").on(root)).await.expect(201);
    }
    let made = app.booked(&next()).await;
    let cancel = put(made.clone(), "/status", "cancelled").to_string();
    let ask = Ask::new("PUT", format!("Appointment/{}", made["id"].as_str().unwrap())).header("If-Match", "W/\"1\"");
    app.ask(ask.bytes(gzip(cancel)).header("Content-Encoding", "gzip")).await.expect(200);
}

#[on_both]
async fn a_compressed_form_is_read(app: App) {
    let form = |body: Vec<u8>| {
        let ask = Ask::new("POST", "Slot/_search").bytes(body).on_provider();
        ask.header("Content-Type", "application/x-www-form-urlencoded").header("Content-Encoding", "gzip")
    };
    let found = app.ask(form(gzip(format!("service={UTC}&_count=3&status=free")))).await.expect(200);
    assert_eq!(found.ids("Slot").len(), 3);
    app.ask(form(gzip("%zz=1"))).await.refused(400, "value", "INVALID_PARAMETER");
    app.ask(form(b"_count=3".to_vec())).await.refused(400, "structure", "MESSAGE_NOT_WELL_FORMED");
    app.ask(form(gzip(vec![b'x'; 4_194_305]))).await.refused(413, "too-long", "BAD_REQUEST");
    let ask = form(gzip("_count=3")).header("Content-Encoding", "br");
    app.ask(ask).await.refused(415, "not-supported", "UNSUPPORTED_MEDIA_TYPE");
}

#[on_both]
async fn a_coding_that_is_not_read_is_named_with_those_that_are(app: App) {
    let slot = app.free_slot(UTC).await;
    for root in ROOTS {
        for coding in ["br", "deflate", "zstd", "compress", "gzip, gzip", "gzip, br", "gzipped", "*", "gzip;q=1", "\u{e9}"] {
            let answer = app.ask(post(gzip(booking_text(&slot))).header("Content-Encoding", coding).on(root)).await;
            let told = answer.refused(415, "not-supported", "UNSUPPORTED_MEDIA_TYPE");
            assert!(told.contains("gzip, identity") && (coding.is_ascii() == told.contains(coding)), "{coding}: {told}");
            assert_eq!(answer.header("Accept-Encoding"), "gzip, identity");
        }
    }
    assert_eq!(app.status_of(&slot.id).await, "free");
}

#[on_both(Setup::with(|setup| setup.http.inflated_bytes_max = 100_000))]
async fn a_body_that_unfolds_to_too_much_is_refused(app: App) {
    let slots = app.free_slots(UTC).await;
    let padded = |size: usize, slot| {
        let mut body = booking_text(slot).into_bytes();
        body.resize(size, b' ');
        packed(gzip(body))
    };
    for root in ROOTS {
        let told = app.ask(padded(100_001, &slots[0]).on(root)).await.refused(413, "too-long", "BAD_REQUEST");
        assert!(told.contains("inflated") && told.contains("100000"), "{told}");
    }
    assert_eq!(app.status_of(&slots[0].id).await, "free");
    app.ask(padded(100_000, &slots[0])).await.expect(201);
    app.ask(padded(100_000, &slots[1]).on_provider()).await.expect(201);
}

#[on_both]
async fn a_bomb_is_never_unfolded(app: App) {
    let zeros = gzip(vec![0; 1 << 26]);
    let bomb = zeros.repeat(16);
    assert!(bomb.len() < 1_048_576, "1 GiB of zeros are sent as {} bytes", bomb.len());
    let began = Instant::now();
    for root in ROOTS {
        let told = app.ask(packed(bomb.clone()).on(root)).await.refused(413, "too-long", "BAD_REQUEST");
        assert!(told.contains("4194304"), "{told}");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "unfolded it all: {:?}", began.elapsed());
    // What is too large as it is sent is not looked into.
    let told = app.ask(packed(zeros.repeat(17))).await.refused(413, "too-long", "BAD_REQUEST");
    assert!(told.contains("1048576"), "{told}");
    // And 50,000 members with nothing in them are an empty body.
    let nothing = gzip("");
    app.ask(packed(nothing.repeat(1_048_576 / nothing.len()))).await.refused(400, "structure", "MESSAGE_NOT_WELL_FORMED");
}

#[on_both]
async fn what_is_not_gzip_throughout_is_malformed(app: App) {
    let slot = app.free_slot(UTC).await;
    let text = booking_text(&slot);
    let good = gzip(&text);
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    let mut wrong_sum = good.clone();
    let sum = wrong_sum.len() - 6;
    wrong_sum[sum] ^= 1;
    let bodies = [
        ("plain", text.clone().into_bytes()),
        ("empty", Vec::new()),
        ("cut short", good[..good.len() - 1].to_vec()),
        ("half", good[..middle].to_vec()),
        ("a header alone", good[..10].to_vec()),
        ("garbage behind it", [good.as_slice(), b"garbage"].concat()),
        ("half a second member", [good.as_slice(), &good[..20]].concat()),
        ("a flipped bit", flipped),
        ("a wrong sum", wrong_sum),
        ("a zip archive", b"PK\x03\x04".repeat(20)),
    ];
    for root in ROOTS {
        for (name, body) in &bodies {
            let told = app.ask(packed(body.clone()).on(root)).await.refused(400, "structure", "MESSAGE_NOT_WELL_FORMED");
            assert!(told.contains("gzip"), "{name}: {told}");
        }
        // And gzip that does not say so is no JSON.
        app.ask(post(good.clone()).on(root)).await.refused(400, "structure", "MESSAGE_NOT_WELL_FORMED");
        // Gzip of gzip is one layer too many.
        app.ask(packed(gzip(&good)).on(root)).await.refused(400, "structure", "MESSAGE_NOT_WELL_FORMED");
    }
    assert_eq!(app.status_of(&slot.id).await, "free");
}

#[on_both]
async fn a_resent_key_wins_over_a_body_that_is_no_gzip(app: App) {
    let slot = app.free_slot(UTC).await;
    let made = app.ask(packed(gzip(booking_text(&slot))).key("mine")).await.expect(201).id();
    for again in [packed(gzip(booking_text(&slot))), post(booking_text(&slot).into_bytes()), packed(b"nonsense".to_vec())] {
        let told = app.ask(again.key("mine")).await.refused(409, "duplicate", "DUPLICATE_REJECTED");
        assert!(told.contains(&made), "{told}");
    }
}

#[on_both]
async fn the_coding_is_looked_at_in_its_place(app: App) {
    let slot = app.free_slot(UTC).await;
    let brotli = || post(booking_text(&slot).into_bytes()).header("Content-Encoding", "br");
    assert_eq!(app.ask(brotli().without_token()).await.status, 403);
    assert_eq!(app.ask(brotli().without("X-Request-ID")).await.status, 400);
    assert_eq!(app.ask(brotli().header("Content-Length", "1048577")).await.status, 413);
    assert_eq!(app.ask(brotli().header("Accept", "image/png").on_provider()).await.status, 415);
    // A read has no body to be coded.
    app.ask(Ask::get("metadata").header("Content-Encoding", "br")).await.expect(200);
    let nonsense = || packed(b"nonsense".to_vec());
    assert_eq!(app.ask(nonsense().header("Content-Type", "text/plain")).await.status, 415);
    assert_eq!(app.ask(nonsense().header("Accept", "image/png").on_provider()).await.status, 406);
    let unknown = Ask::new("PUT", "Appointment/nobody").bytes(b"nonsense".to_vec()).header("Content-Encoding", "gzip");
    assert_eq!(app.ask(unknown).await.status, 400, "it is parsed before anything is looked for");
}

/// That an answer is the plain one, compressed, with the same tag.
#[track_caller]
fn is_packed(answer: &Answer, plain: &Answer) {
    assert_eq!(answer.header_if("Content-Encoding"), Some("gzip"), "{:?}", answer.headers);
    assert_eq!(gunzip(&answer.body), plain.body);
    assert!(answer.body.len() < plain.body.len() / 2);
    assert_eq!(answer.header_if("ETag"), plain.header_if("ETag"));
    assert_eq!(answer.header_if("Content-Type"), plain.header_if("Content-Type"));
}

/// Proves F4.
#[on_both]
async fn an_answer_is_compressed_where_that_is_wanted_and_worth_it(app: App) {
    let slot = app.free_slot(UTC).await;
    for root in ROOTS {
        for path in ["metadata".to_owned(), format!("Slot?service={UTC}"), format!("Slot?service={UTC}&_format=xml")] {
            let plain = app.ask(Ask::get(&path).on(root)).await.expect(200);
            assert!(plain.header_if("Content-Encoding").is_none());
            for wanted in ["gzip", "x-gzip", "*", "br;q=1.0, gzip;q=0.8, *;q=0.1", "deflate, GZIP;q=0.001", "gzip, identity;q=0.5"] {
                is_packed(&app.ask(Ask::get(&path).header("Accept-Encoding", wanted).on(root)).await, &plain);
            }
            for unwanted in ["", "br", "identity", "gzip;q=0", "*;q=0", "gzip;q=0, *;q=1", "identity;q=1, gzip;q=0.5", "gzip;q=x", "\u{e9}"]
            {
                let answer = app.ask(Ask::get(&path).header("Accept-Encoding", unwanted).on(root)).await;
                assert!(answer.header_if("Content-Encoding").is_none(), "{unwanted}");
                assert_eq!(answer.body, plain.body);
            }
            for answer in [&plain, &app.ask(Ask::get(&path).header("Accept-Encoding", "gzip").on(root)).await] {
                assert_eq!(answer.header("Vary"), "Accept, Accept-Encoding");
            }
        }
        // What fits into a packet stays as it is, unless that is refused.
        let small = Ask::get(format!("Slot/{}", slot.id)).on(root);
        let plain = app.ask(small.clone().header("Accept-Encoding", "gzip")).await.expect(200);
        assert!(plain.header_if("Content-Encoding").is_none() && plain.body.len() < 1_024);
        let only = app.ask(small.header("Accept-Encoding", "gzip, identity;q=0")).await.expect(200);
        assert_eq!((only.header("Content-Encoding"), gunzip(&only.body)), ("gzip", plain.body));
    }
    let openapi = Ask { root: "", ..Ask::get("openapi.json") };
    let plain = app.ask(openapi.clone()).await.expect(200);
    is_packed(&app.ask(openapi.header("Accept-Encoding", "gzip")).await, &plain);
}

#[on_both]
async fn refusals_and_writes_are_compressed_too(app: App) {
    let slots = app.free_slots(UTC).await;
    // One problem more for every participant without an actor.
    let mut wrong = booking(&slots[0]);
    for _ in 0..20 {
        wrong = put(wrong, "/participant/-", serde_json::json!({"status": "nonsense"}));
    }
    let refused = app.ask(Ask::book(&wrong).header("Accept-Encoding", "gzip")).await;
    assert_eq!((refused.status, refused.header("Content-Encoding")), (422, "gzip"));
    let outcome: serde_json::Value = serde_json::from_slice(&gunzip(&refused.body)).unwrap();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    let booked = app.ask(Ask::book(&booking(&slots[0])).header("Accept-Encoding", "gzip")).await.expect(201);
    let made: serde_json::Value = serde_json::from_slice(&gunzip(&booked.body)).unwrap();
    assert_eq!((booked.header("ETag"), made["meta"]["versionId"].as_str()), ("W/\"1\"", Some("1")));
    let body = take(take(take(booking(&slots[1]), "/contained/2"), "/contained/0"), "/supportingInformation");
    let body = put(body, "/slot/0/reference", format!("Slot/{}", slots[1].id));
    let ask = Ask::book(&body).on_provider().header("Accept-Encoding", "gzip, identity;q=0").header("Prefer", "return=minimal");
    let minimal = app.ask(ask).await;
    assert_eq!((minimal.status, minimal.body.len(), minimal.header_if("Content-Encoding")), (201, 0, None));
}

#[on_both]
async fn a_head_has_every_header_of_its_get(app: App) {
    let slot = app.free_slot(UTC).await;
    let made = app.booked(&slot).await["id"].as_str().unwrap().to_owned();
    let paths = [
        "metadata".to_owned(),
        format!("Slot/{}", slot.id),
        format!("Schedule/{}", slot.schedule),
        format!("Slot?service={UTC}"),
        format!("Appointment/{made}"),
        format!("Appointment/{made}/_history/1"),
        format!("Appointment?_id={made}"),
        "Organization/Y9Z41".to_owned(),
        "Slot/nowhere".to_owned(),
        "Slot?nonsense=%zz".to_owned(),
    ];
    for root in ROOTS {
        for path in &paths {
            for (name, value) in [("Accept-Encoding", "gzip"), ("Accept", "application/fhir+xml"), ("If-None-Match", "*")] {
                let [get, head] = ["GET", "HEAD"].map(|method| Ask::new(method, path).header(name, value).on(root));
                let (get, head) = (app.ask(get).await, app.ask(head).await);
                assert_eq!(head.status, get.status, "{root} {path}");
                let headers = |answer: &Answer| {
                    let all = answer.headers.iter().filter(|(name, _)| name.as_str() != "x-request-id");
                    let mut all: Vec<String> = all.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
                    all.sort();
                    all
                };
                assert_eq!(headers(&head), headers(&get), "{root} {path}");
            }
        }
    }
}

/// Proves F6.
#[on_both]
async fn every_answer_has_its_own_id_and_repeats_the_one_sent(app: App) {
    let slot = app.free_slot(UTC).await;
    let outside = |path: &str| Ask { root: "", ..Ask::get(path) };
    let asks = [
        Ask::get("metadata"),
        Ask::get(format!("Slot/{}", slot.id)),
        Ask::get(format!("Slot/{}", slot.id)).header("If-None-Match", "*"),
        Ask::get("Slot/nowhere"),
        Ask::get("Nothing"),
        Ask::new("OPTIONS", "Slot"),
        Ask::new("DELETE", "Slot"),
        Ask::get("Slot").without_token(),
        Ask::new("POST", "Appointment").bytes("{"),
        outside("health/live"),
        outside("health/ready"),
        outside("openapi.json"),
        outside("nothing"),
    ];
    let mut own = Vec::new();
    for ask in asks {
        let name = format!("{} {}", ask.method, ask.path);
        let sent = "A b-c/\"d\";e, f";
        let answer = app.ask(ask.clone().key(sent)).await;
        assert_eq!(answer.header("X-Correlation-ID"), sent, "{name}");
        assert_eq!(answer.header("Cache-Control"), "no-store", "{name}");
        assert_eq!(answer.header("Strict-Transport-Security"), "max-age=31536000", "{name}: the server is reached at {PUBLIC_URL}");
        own.push(answer.header("X-Request-ID").to_owned());
        assert!(app.ask(ask.without("X-Request-ID")).await.header_if("X-Correlation-ID").is_none(), "{name}");
    }
    let count = own.len();
    own.sort();
    own.dedup();
    assert_eq!(own.len(), count, "two answers have one id");
}

#[on_both(Setup::with(|setup| {
        setup.auth = AuthMode::Off;
        setup.public_url = "http://127.0.0.1:8080".to_owned();
    }))]
async fn over_plain_http_nothing_is_said_of_tls(app: App) {
    for path in ["metadata", "Nothing", "Slot/nowhere"] {
        for root in ROOTS {
            assert!(app.ask(Ask::get(path).on(root)).await.header_if("Strict-Transport-Security").is_none());
        }
    }
}
