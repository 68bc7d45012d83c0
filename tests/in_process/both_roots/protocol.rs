//! What HTTP and the formats demand (docs/contract.md#statuses; docs/specification/uec.md#a2-request-headers to
//! #a4-response-headers): routes, methods, lengths, media types, and bodies that are no bookings at all, none of which
//! may end in a fault of ours.

use serde_json::json;
use testkit::{App, Ask, UTC, booking, booking_text, booking_xml, on_both};

const ROOTS: [&str; 2] = ["/STU3/1/booking", "/STU3/1/provider"];

#[on_both]
async fn what_is_not_served_is_not_found(app: App) {
    for root in ROOTS {
        for path in ["", "Nothing", "slot", "Slot/1/2", "Slot/1/_history/1", "Patient/1", "$export", "metadata/1", "Slot/"] {
            let told = app.ask(Ask::get(path).on(root)).await.refused(404, "not-found", "NO_RECORD_FOUND");
            assert!(told.contains("metadata"), "{path}: {told}");
        }
    }
    for path in ["", "/", "/STU3", "/STU3/1", "/STU3/2/booking/Slot", "/stu3/1/booking/Slot", "/STU3/1/bookings", "/favicon.ico"] {
        let answer = app.ask(Ask { root: "", ..Ask::get(path.trim_start_matches('/')) }).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
}

/// Proves F9.
#[on_both]
async fn a_method_that_is_not_served_is_told_those_that_are(app: App) {
    let cases = [
        ("POST", "Slot?service=2000099901", "GET, HEAD"),
        ("DELETE", "Slot/1", "GET, HEAD"),
        ("PUT", "Appointment", "POST, GET, HEAD"),
        ("DELETE", "Appointment/1", "GET, PUT, HEAD"),
        ("PATCH", "Appointment/1", "GET, PUT, HEAD"),
        ("OPTIONS", "Appointment/1", "GET, PUT, HEAD"),
        ("PUT", "Appointment/1/_history/1", "GET, HEAD"),
        ("POST", "metadata", "GET, HEAD"),
        ("TRACE", "Schedule", "GET, HEAD"),
        ("BREW", "HealthcareService/1", "GET, HEAD"),
    ];
    let sorted = |list: &str| {
        let mut names: Vec<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
        names.sort();
        names
    };
    for root in ROOTS {
        for (method, path, allowed) in cases {
            let answer = app.ask(Ask::new(method, path).on(root)).await;
            let told = answer.refused(405, "not-supported", "BAD_REQUEST");
            assert_eq!(sorted(answer.header("Allow")), sorted(allowed), "{method} {path}");
            assert!(told.contains(method), "{told}");
        }
    }
}

#[on_both]
async fn a_head_is_a_get_without_its_body(app: App) {
    let slot = app.free_slot(UTC).await;
    for path in ["metadata".to_owned(), format!("Slot/{}", slot.id)] {
        let got = app.get(&path).await.expect(200);
        let head = app.ask(Ask::new("HEAD", &path)).await.expect(200);
        assert_eq!(head.header_if("ETag"), got.header_if("ETag"));
        assert_eq!(head.header("Content-Type"), got.header("Content-Type"));
    }
    assert_eq!(app.ask(Ask::new("HEAD", "Slot/nowhere")).await.status, 404);
}

const MEBIBYTE: usize = 1_048_576;

#[on_both]
async fn a_body_has_a_largest_size(app: App) {
    let slot = app.free_slot(UTC).await;
    let padded = |size: usize| {
        let mut body = booking_text(&slot).into_bytes();
        body.resize(size, b' ');
        Ask::new("POST", "Appointment").bytes(body)
    };
    for root in ROOTS {
        // Declared, whether it comes or not; and not declared, but coming.
        let declared = Ask::book(&booking(&slot)).header("Content-Length", "1048577").on(root);
        for ask in [declared, padded(MEBIBYTE + 1).on(root), padded(MEBIBYTE + 1).without("Content-Length").on(root)] {
            let told = app.ask(ask).await.refused(413, "too-long", "BAD_REQUEST");
            assert!(told.contains("1048576"), "{told}");
        }
    }
    assert_eq!(app.status_of(&slot.id).await, "free");
    // One that just fits is read.
    app.ask(padded(MEBIBYTE).without("Content-Length")).await.expect(201);
}

#[on_both]
async fn a_query_has_a_largest_size(app: App) {
    let service = format!("service={UTC}&start=2026-02-11");
    let told = app.search(&format!("{service}&_id={}", "a".repeat(8_200))).await.refused(414, "too-long", "BAD_REQUEST");
    assert!(told.contains("8192"), "{told}");
    let told = app.search(&format!("{service}{}", "&_pretty=true".repeat(200))).await.refused(400, "too-long", "BAD_REQUEST");
    assert!(told.contains("200"), "{told}");
    app.search(&format!("{service}{}", "&_pretty=true".repeat(198))).await.expect(200);
}

/// Proves F10.
#[on_both]
async fn a_body_is_in_a_format_of_fhir(app: App) {
    let slot = app.free_slot(UTC).await;
    for refused in
        ["application/xml", "text/plain", "text/json", "application/fhir", "application/x-www-form-urlencoded", "*/*", "json", ""]
    {
        for root in ROOTS {
            let ask = Ask::book(&booking(&slot)).header("Content-Type", refused).on(root);
            let told = app.ask(ask).await.refused(415, "not-supported", "UNSUPPORTED_MEDIA_TYPE");
            assert!(told.contains("application/fhir+json") && told.contains(refused), "{told}");
        }
    }
    app.ask(Ask::book(&booking(&slot)).without("Content-Type")).await.refused(415, "not-supported", "UNSUPPORTED_MEDIA_TYPE");
    // What it is called decides how it is read.
    let as_xml = Ask::book(&booking(&slot)).header("Content-Type", "application/fhir+xml").header("Accept", "application/fhir+json");
    app.ask(as_xml).await.refused(400, "structure", "MESSAGE_NOT_WELL_FORMED");
    let mut slots = app.free_slots(UTC).await.into_iter();
    for accepted in ["application/fhir+json", "application/json", "application/json+fhir", "Application/FHIR+JSON ; charset=utf-8"] {
        app.ask(Ask::book(&booking(&slots.next().unwrap())).header("Content-Type", accepted)).await.expect(201);
    }
    for accepted in ["application/fhir+xml", "application/xml+fhir", "application/fhir+xml;charset=UTF-8"] {
        let body = booking_xml(&slots.next().unwrap());
        app.ask(Ask::new("POST", "Appointment").bytes(body).header("Content-Type", accepted)).await.expect(201);
    }
}

/// Proves F3.
#[on_both]
async fn an_answer_is_in_a_format_of_fhir(app: App) {
    let slot = app.free_slot(UTC).await;
    let path = format!("Slot/{}", slot.id);
    let (json, xml) = ("application/fhir+json;charset=UTF-8", "application/fhir+xml;charset=UTF-8");
    for (accept, expected) in [
        ("*/*", json),
        ("application/*", json),
        ("application/json", json),
        ("application/fhir+json", json),
        ("application/json+fhir", json),
        ("application/xml", xml),
        ("text/xml", xml),
        ("application/fhir+xml", xml),
        ("text/html, application/fhir+xml;q=0.5", xml),
        ("application/fhir+json;q=0.2, application/fhir+xml;q=0.7", xml),
    ] {
        let answer = app.ask(Ask::get(&path).header("Accept", accept)).await;
        assert_eq!((answer.status, answer.header("Content-Type")), (200, expected), "{accept}");
    }
    for (format, expected) in
        [("json", json), ("xml", xml), ("application/fhir%2Bxml", xml), ("application/fhir+xml", xml), ("text/xml", xml)]
    {
        let answer = app.ask(Ask::get(format!("{path}?_format={format}")).header("Accept", "image/png")).await;
        assert_eq!((answer.status, answer.header("Content-Type")), (200, expected), "{format}");
    }
    // What cannot be written is 415 where the standard says so, and 406 where HTTP does.
    for (root, status) in [(ROOTS[0], 415), (ROOTS[1], 406)] {
        for ask in [Ask::get(&path).header("Accept", "image/png"), Ask::get(format!("{path}?_format=yaml"))] {
            app.ask(ask.on(root)).await.refused(status, "not-supported", "UNSUPPORTED_MEDIA_TYPE");
        }
        let ask = Ask::book(&booking(&slot)).header("Accept", "image/png").on(root);
        app.ask(ask).await.refused(status, "not-supported", "UNSUPPORTED_MEDIA_TYPE");
    }
    assert_eq!(app.status_of(&slot.id).await, "free");
}

/// Proves F6, F7, F8.
#[on_both]
async fn every_refusal_carries_its_headers_and_is_in_the_format_asked(app: App) {
    let refusals = [
        Ask::get("Nothing"),
        Ask::new("DELETE", "Appointment/1"),
        Ask::get("Slot").without_token(),
        Ask::get("Slot").without("Ssp-To"),
        Ask::get("Slot"),
        Ask::get("Slot/nowhere"),
        Ask::new("POST", "Appointment").bytes("{"),
        Ask::new("POST", "Appointment").bytes("{}"),
        Ask::cancel("1", "W/\"1\"", &json!({})),
    ];
    for ask in refusals {
        let name = format!("{} {}", ask.method, ask.path);
        let plain = app.ask(ask.clone().key("mine")).await;
        plain.issues(plain.status);
        for header in ["X-Request-ID", "Cache-Control"] {
            assert!(plain.header_if(header).is_some(), "{name} without {header}");
        }
        assert_eq!(plain.header("X-Correlation-ID"), "mine", "{name}");
        assert_ne!(plain.header("X-Request-ID"), "mine", "{name}");
        let in_xml = app.ask(ask.key("mine").header("Accept", "application/fhir+xml")).await.expect(plain.status);
        assert_eq!(in_xml.header("Content-Type"), "application/fhir+xml;charset=UTF-8", "{name}");
        assert!(in_xml.text().contains("<OperationOutcome"), "{name}: {}", in_xml.text());
    }
}

fn post(body: impl Into<Vec<u8>>) -> Ask {
    Ask::new("POST", "Appointment").bytes(body)
}

#[on_both]
async fn malformed_json_is_pointed_at(app: App) {
    for (body, place) in [
        ("{\"resourceType\": \"Appointment\",\n  \"status\" \"booked\"}", "line 2, column 12"),
        ("{\"resourceType\": \"Appointment\",\n\n  }", "line 3"),
        ("{\"resourceType\": \"Appointment\", \"a\": tru}", "line 1"),
        ("{\"resourceType\": \"Appointment\"} x", "line 1, column 33"),
        ("{\"resourceType\": \"Appointment\", \"a\": \"\\x\"}", "line 1"),
        ("{\"resourceType\": \"Appointment\", \"a\": 01}", "line 1"),
        ("{\"resourceType\": \"Appointment\", \"a\": \"b", "line 1"),
        ("{'resourceType': 'Appointment'}", "line 1, column 2"),
        (
            "{\"resourceType\": \"Appointment\", \"status\": \"booked\", \"status\": \"booked\"}",
            "line 1, column 53: this member stands here twice",
        ),
    ] {
        let told = app.ask(post(body)).await.refused(400, "structure", "MESSAGE_NOT_WELL_FORMED");
        assert!(told.contains(place), "{body}: {told}");
    }
    let told = app.ask(post("")).await.issues(400)[0]["diagnostics"].to_string();
    assert!(told.contains("empty") || told.contains("line 1"), "{told}");
    // XML too.
    let broken = post("<Appointment xmlns=\"http://hl7.org/fhir\">\n <status value=\"booked\">\n</Appointment>");
    let told = app.ask(broken.header("Content-Type", "application/fhir+xml").header("Accept", "application/fhir+json")).await;
    assert!(told.refused(400, "structure", "MESSAGE_NOT_WELL_FORMED").contains("line 3"), "{}", told.text());
}

#[on_both]
async fn what_is_no_appointment_is_malformed(app: App) {
    for body in [
        "{}",
        "[]",
        "null",
        "7",
        "\"Appointment\"",
        "{\"resourceType\": \"Patient\"}",
        "{\"resourceType\": \"appointment\"}",
        "{\"resourceType\": 5}",
        "{\"resourceType\": \"Bundle\", \"type\": \"transaction\", \"entry\": []}",
        "{\"status\": \"booked\"}",
        "\u{feff}",
        "\u{0}",
    ] {
        app.ask(post(body)).await.issues(400);
    }
    app.ask(post(b"{\"resourceType\": \"App\xffointment\"}".to_vec())).await.issues(400);
    for body in [
        "<Patient xmlns=\"http://hl7.org/fhir\"/>",
        "<Appointment/>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><Appointment xmlns=\"http://hl7.org/fhir\"><description value=\"&b;\"/></Appointment>",
        "<Appointment xmlns=\"http://hl7.org/fhir\"><start value=\"2026-02-11T09:00:00Z\"/><status value=\"booked\"/></Appointment>",
    ] {
        let ask = post(body).header("Content-Type", "application/fhir+xml").header("Accept", "application/fhir+json");
        app.ask(ask).await.issues(400);
    }
}

#[on_both]
async fn a_body_may_not_be_nested_too_deep(app: App) {
    let slot = app.free_slot(UTC).await;
    for (open, close, inner) in [("[", "]", ""), ("{\"extension\":[", "]}", ""), ("{\"a\":", "}", "1")] {
        for depth in [70, 1_000, 200_000 / open.len()] {
            let nested = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            app.ask(post(nested.clone())).await.issues(400);
            let text = booking_text(&slot).replacen("\"status\": \"booked\"", &format!("\"x\": {nested}, \"status\": \"booked\""), 1);
            let told = app.ask(post(text)).await.issues(400)[0]["diagnostics"].to_string();
            assert!(told.contains("64"), "{told}");
        }
    }
    let deep = format!("<Appointment xmlns=\"http://hl7.org/fhir\">{}{}</Appointment>", "<a>".repeat(50_000), "</a>".repeat(50_000));
    app.ask(post(deep).header("Content-Type", "application/fhir+xml").header("Accept", "application/fhir+json")).await.issues(400);
    assert_eq!(app.status_of(&slot.id).await, "free");
}
