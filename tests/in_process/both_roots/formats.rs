//! What survives from one format to the other, over HTTP (docs/contract.md#statuses; docs/specification/uec.md#a3-formats).

use serde_json::{Value, json};
use testkit::{App, Ask, UTC, booking, cancelled, on_both, put, xml_of};

const XML: &str = "application/fhir+xml";
const BOOKED: &str = r#"<status value="booked"/>"#;

fn unknown(value: &Value) -> Value {
    json!([{"url": "https://example.org/unknown", "valueQuantity": {"value": value}}])
}

#[on_both]
async fn extensions_nobody_knows_are_kept_in_both_formats(app: App) {
    let slots = app.free_slots(UTC).await;
    let sent = |at: usize| {
        let body = put(booking(&slots[at]), "/extension", unknown(&json!(1)));
        let body = put(body, "/contained/1/name/0/extension", unknown(&json!(2)));
        let body = put(body, "/contained/1/name/0/_family", json!({"id": "f", "extension": unknown(&json!(3))}));
        // A value that has an extension instead, between two that have none.
        let body = put(body, "/contained/1/name/0/given", json!(["Imogen", null, "Joy"]));
        let body = put(body, "/contained/1/name/0/_given", json!([null, {"extension": unknown(&json!(4))}, null]));
        put(body, "/contained/1/_birthDate", json!({"extension": unknown(&json!(5))}))
    };
    let in_json = app.book(&sent(0)).await.expect(201).json();
    let ask = Ask::new("POST", "Appointment").bytes(xml_of(&sent(1))).header("Content-Type", XML).header("Accept", "application/fhir+json");
    let in_xml = app.ask(ask).await.expect(201).json();
    for (made, at) in [(&in_json, 0), (&in_xml, 1)] {
        for place in ["/extension", "/contained/1/name", "/contained/1/_birthDate"] {
            assert_eq!(made.pointer(place), sent(at).pointer(place), "{place}");
        }
        let ask = Ask::get(format!("Appointment/{}", made["id"].as_str().unwrap())).header("Accept", XML);
        let text = app.ask(ask).await.expect(200).text();
        for number in 1..=5 {
            assert!(text.contains(&format!(r#"<value value="{number}"/>"#)), "{number}: {text}");
        }
        assert!(text.contains(r#"<family id="f" value="Whitlock"><extension url="https://example.org/unknown">"#), "{text}");
    }
}

#[on_both]
async fn an_element_nobody_knows_comes_back_in_json_and_not_in_xml(app: App) {
    let body = put(booking(&app.free_slot(UTC).await), "/contained/1/novelty", json!({"a": [1.50, null]}));
    let made = app.book(&put(body, "/contained/1/meta", json!({"colour": "blue"}))).await.expect(201);
    assert!(made.text().contains(r#""novelty":{"a":[1.5,null]}"#) && made.text().contains(r#""colour":"blue""#), "{}", made.text());
    let text = app.ask(Ask::get(format!("Appointment/{}", made.id())).header("Accept", XML)).await.expect(200).text();
    assert!(!text.contains("novelty") && !text.contains("colour") && !text.contains("<meta/>"), "{text}");
}

/// A cancel of `id` in XML, answered in the format that is wanted.
fn cancel_in_xml(id: &str, body: &str, wanted: &str) -> Ask {
    let body = body.replace(BOOKED, r#"<status value="cancelled"/>"#);
    let ask = Ask::new("PUT", format!("Appointment/{id}")).bytes(body).header("Content-Type", XML);
    ask.header("Accept", wanted).header("If-Match", "W/\"1\"")
}

#[on_both]
async fn an_element_nobody_knows_comes_back_in_xml_and_not_in_json(app: App) {
    let slots = app.free_slots(UTC).await;
    let novelties = [
        r#"<novelty number="1"><deep value="a &amp; b"/></novelty></Appointment>"#,
        r#"<novelty number="2"/></Patient>"#,
        r#"<novelty number="3"/></name>"#,
        r#"<novelty number="4"/></participant>"#,
    ];
    let all_there = |text: &str| novelties.iter().all(|novelty| text.contains(novelty));
    let mut made = Vec::new();
    for slot in slots.iter().take(2) {
        let mut body = xml_of(&booking(slot));
        for novelty in novelties {
            let end = &novelty[novelty.rfind("</").unwrap()..];
            body = body.replacen(end, novelty, 1);
        }
        // An element that holds nothing else is not there in JSON.
        body = body.replacen(BOOKED, &format!("<identifier><novelty number=\"5\"/></identifier>{BOOKED}"), 1);
        let ask = Ask::new("POST", "Appointment").bytes(body).header("Content-Type", XML);
        let answer = app.ask(ask).await.expect(201);
        assert!(all_there(&answer.text()), "{}", answer.text());
        made.push(answer.header("Location").split('/').rev().nth(2).unwrap().to_owned());
    }
    let in_format = |id: &str, format: &str| Ask::get(format!("Appointment/{id}")).header("Accept", format);
    let json = "application/fhir+json";
    let texts = [
        app.ask(in_format(&made[0], json)).await.expect(200).text(),
        app.ask(Ask::get(format!("Appointment/{}?_pretty=true", made[0])).header("Accept", json)).await.expect(200).text(),
        app.ask(Ask::get(format!("Appointment?_id={}", made[0])).header("Accept", json)).await.expect(200).text(),
    ];
    for text in texts {
        assert!(!text.contains("novelty") && !text.contains('~') && !text.contains("identifier\":[{}]"), "{text}");
    }
    let text = app.ask(in_format(&made[0], XML)).await.expect(200).text();
    assert!(all_there(&text) && text.contains(r#"<identifier><novelty number="5"/></identifier>"#), "{text}");
    for (old, new) in
        [("</Patient>", "<added/></Patient>"), (r#"number="2""#, r#"number="22""#), ("</Appointment>", "<novelty/></Appointment>")]
    {
        let ask = cancel_in_xml(&made[0], &text.replacen(old, new, 1), json);
        app.ask(ask).await.refused(422, "business-rule", "CONFLICTING_VALUES");
    }
    let cancelled_text = app.ask(cancel_in_xml(&made[0], &text, XML)).await.expect(200).text();
    assert!(all_there(&cancelled_text), "{cancelled_text}");
    let read = app.ask(in_format(&made[1], json)).await.expect(200).json();
    app.cancel(&made[1], "W/\"1\"", &cancelled(&read)).await.expect(200);
    for id in &made {
        let text = app.ask(in_format(id, XML)).await.expect(200).text();
        assert!(all_there(&text) && text.contains(r#"<status value="cancelled"/>"#), "{text}");
        let text = app.ask(in_format(id, json)).await.expect(200).text();
        assert!(!text.contains("novelty"), "{text}");
    }
}

#[on_both]
async fn a_member_named_like_one_of_the_store_comes_back_as_it_was(app: App) {
    let body = put(booking(&app.free_slot(UTC).await), "/~xml", json!(["<novelty/>"]));
    let made = app.book(&put(body, "/contained/1/~xml", json!(["<novelty/>"]))).await.expect(201);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    for read in [made.json(), app.get(&format!("Appointment/{id}")).await.expect(200).json()] {
        assert_eq!(read["~xml"], json!(["<novelty/>"]));
        assert_eq!(read["contained"][1]["~xml"], json!(["<novelty/>"]));
    }
    let text = app.ask(Ask::get(format!("Appointment/{id}")).header("Accept", XML)).await.expect(200).text();
    assert!(!text.contains("novelty"), "{text}");
    app.cancel(&id, "W/\"1\"", &cancelled(&made.json())).await.expect(200);
}

#[on_both]
async fn a_cancel_that_says_two_statuses_is_refused(app: App) {
    let made = app.booked(&app.free_slot(UTC).await).await;
    let id = made["id"].as_str().unwrap();
    let body = xml_of(&cancelled(&made));
    for statuses in [["cancelled", "booked"], ["booked", "cancelled"], ["cancelled", "cancelled"]] {
        let both: String = statuses.map(|status| format!(r#"<status value="{status}"/>"#)).concat();
        let twice = body.replace(r#"<status value="cancelled"/>"#, &both);
        assert_ne!(twice, body);
        let ask = Ask::new("PUT", format!("Appointment/{id}")).bytes(twice).header("Content-Type", XML).header("If-Match", "W/\"1\"");
        let answer = app.ask(ask.header("Accept", "application/fhir+json")).await;
        assert!(matches!(answer.status, 400 | 422), "{statuses:?}: {} {}", answer.status, answer.text());
    }
    assert_eq!(app.get(&format!("Appointment/{id}")).await.expect(200).json(), made);
}

/// Proves F2.
#[on_both]
async fn the_wish_for_a_format_is_heard_in_its_order(app: App) {
    let body = xml_of(&json!({"resourceType": "Appointment", "status": "booked"}));
    let json = "application/fhir+json";
    // `_format`, `Accept`, `Content-Type`, and what comes of them.
    let cases = [
        (Some("json"), Some(XML), Some(XML), json),
        (Some("xml"), Some(json), Some(json), XML),
        (None, Some(json), Some(XML), json),
        (None, Some("application/fhir+xml;q=0.2, application/fhir+json;q=0.8"), Some(XML), json),
        (None, Some("application/fhir+json;q=0.2, application/fhir+xml;q=0.8"), Some(json), XML),
        (None, Some("*/*"), Some(XML), XML),
        (None, None, Some(XML), XML),
        (None, None, Some(json), json),
    ];
    for (format, accept, content_type, wanted) in cases {
        let mut ask = Ask::new("POST", format.map_or("Appointment".to_owned(), |format| format!("Appointment?_format={format}")));
        ask = ask.bytes(body.clone()).header("Content-Type", content_type.unwrap());
        if let Some(accept) = accept {
            ask = ask.header("Accept", accept);
        }
        let answer = app.ask(ask).await;
        assert!(answer.status >= 400, "{}", answer.text());
        assert_eq!(answer.header("Content-Type"), format!("{wanted};charset=UTF-8"), "{format:?} {accept:?} {content_type:?}");
    }
    assert_eq!(app.get("metadata").await.expect(200).header("Content-Type"), "application/fhir+json;charset=UTF-8");
}
