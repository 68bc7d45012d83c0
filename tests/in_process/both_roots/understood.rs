//! What is written otherwise than usual and understood all the same: processing instructions around a document, a `+` of a
//! URL that nobody encoded, a booking that does not say which slot it is for.

use testkit::{Answer, App, Ask, UTC, booking, booking_xml, on_both, put, take};

const XML: &str = "application/fhir+xml";
const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
const SHEET: &str = r#"<?xml-stylesheet type="text/xsl" href="https://elsewhere.example/fhir.xsl"?>"#;

/// A booking in XML between two texts, without a declaration of its own.
async fn booked_between(app: &App, before: &str, after: &str) -> Answer {
    let slot = app.free_slot(UTC).await;
    let body = booking_xml(&slot);
    let root = body.find("<Appointment").unwrap();
    let ask = Ask::new("POST", "Appointment").bytes(format!("{before}{}{after}", &body[root..]));
    app.ask(ask.header("Content-Type", XML).header("Accept", "application/fhir+json")).await
}

#[on_both]
async fn processing_instructions_around_a_document_are_ignored(app: App) {
    let cases = [
        (SHEET.to_owned(), ""),
        (format!("{DECLARATION}{SHEET}"), ""),
        (format!("{DECLARATION}\n<!-- a -->\n{SHEET}\n<?editor a > b, & <c> ?>"), "\n"),
        (DECLARATION.to_owned(), "\n<?editor fold?><!-- the end -->\n<?done?>"),
    ];
    for (before, after) in cases {
        let answer = booked_between(&app, &before, after).await;
        assert_eq!(answer.status, 201, "{before} … {after}: {}", answer.text());
        assert!(!answer.text().contains("elsewhere.example"), "nothing of it is kept");
    }
}

#[on_both]
async fn processing_instructions_within_a_document_are_refused(app: App) {
    let within = booking_xml(&app.free_slot(UTC).await).replacen("<status", "<?editor fold?><status", 1);
    let answer =
        app.ask(Ask::new("POST", "Appointment").bytes(within).header("Content-Type", XML).header("Accept", "application/fhir+json")).await;
    let told = answer.refused(400, "structure", "MESSAGE_NOT_WELL_FORMED");
    assert!(told.contains("processing instruction"), "{told}");
    let cases = [
        (format!("{DECLARATION}{DECLARATION}"), ""),
        (format!("{SHEET}{DECLARATION}"), ""),
        (r#"<?XML version="1.0"?>"#.to_owned(), ""),
        ("<??>".to_owned(), ""),
        ("<? sheet?>".to_owned(), ""),
        ("<?sheet \u{1}?>".to_owned(), ""),
        ("<!-- \u{1} -->".to_owned(), ""),
        ("<?sheet".to_owned(), ""),
        (DECLARATION.to_owned(), DECLARATION),
        (DECLARATION.to_owned(), "<?Xml a?>"),
        (DECLARATION.to_owned(), "<?sheet?>&amp;"),
        (format!("{DECLARATION}{SHEET}<!DOCTYPE Appointment [<!ENTITY a \"b\">]>"), ""),
        (format!("{SHEET}&a;"), ""),
    ];
    for (before, after) in cases {
        let answer = booked_between(&app, &before, after).await;
        assert_eq!(answer.status, 400, "{before} … {after}: {}", answer.text());
    }
}

#[on_both]
async fn a_raw_plus_is_written_back_as_what_was_understood(app: App) {
    let encoded = "start=ge2026-02-11T00:00:00%2B00:00&start=lt2026-02-12T00:00:00%2B00:00&_lastUpdated=ge2020-01-01T00:00:00%2B00:00";
    for (path, root) in [(format!("Slot?service={UTC}"), "/STU3/1/booking"), (format!("Slot?service={UTC}"), "/STU3/1/provider")] {
        for format in ["", "&_format=application/fhir%2Bjson"] {
            let ask = |query: String| Ask { root, ..Ask::get(format!("{path}&{query}")) };
            let meant = app.ask(ask(format!("{encoded}{format}"))).await.expect(200);
            assert!(meant.total() > 0);
            for plus in ["+", "%20"] {
                let answer = app.ask(ask(format!("{encoded}{format}").replace("%2B", plus))).await.expect(200);
                assert_eq!(answer.link("self"), meant.link("self"), "{plus}");
                assert_eq!(answer.json(), meant.json());
            }
        }
    }
    let date =
        async |plus: &str| app.get(&format!("Appointment?_id=a&date=ge2026-02-11T00:00:00{plus}00:00")).await.expect(200).link("self");
    assert_eq!(date("+").await, date("%2B").await);
    // Where a space was meant, it stays one.
    let ask = Ask::get("Location?name=Weirside+Urgent").on_provider();
    assert!(app.ask(ask).await.expect(200).link("self").unwrap().ends_with("?name=Weirside%20Urgent"));
    // The next page asks what was understood, too.
    let paged = app.search(&format!("service={UTC}&start=ge2026-02-11T00:00:00+00:00&_count=2")).await.expect(200);
    assert!(paged.link("next").unwrap().contains("ge2026-02-11T00%3A00%3A00%2B00%3A00"));
}

#[on_both]
async fn a_booking_without_a_slot_is_told_how_to_name_it(app: App) {
    let whole = booking(&app.free_slot(UTC).await);
    let body = take(take(whole.clone(), "/contained/2"), "/slot");
    let told = async |ask: Ask| {
        let issues = app.ask(ask).await.issues(422);
        let of_slot = issues.iter().find(|issue| issue["expression"][0] == "Appointment.slot").expect("an issue of the slot");
        of_slot["diagnostics"].as_str().unwrap().to_owned()
    };
    let on_provider = told(Ask::book(&body).on_provider()).await;
    assert!(on_provider.contains("`slot: Slot/<id>` is missing"), "{on_provider}");
    let validated = app.ask(Ask { path: "Appointment/$validate".to_owned(), ..Ask::book(&body).on_provider() }).await.expect(200);
    assert!(validated.text().contains(&on_provider), "{}", validated.text());
    // Nor does an entry without reference speak of what need not be there.
    let empty = put(body, "/slot", serde_json::json!([{"display": "half past nine"}]));
    let answer = app.ask(Ask::book(&empty).on_provider()).await;
    assert_eq!(answer.expressions(422), ["Appointment.slot[0].reference"]);
    assert!(answer.text().contains("Slot/<id>"), "{}", answer.text());
    // On the booking root it is the contained one that is missing.
    let answer = app.book(&take(whole, "/slot")).await;
    assert!(answer.issues(422).iter().any(|issue| issue["diagnostics"].as_str().unwrap().contains("contained Slot")), "{}", answer.text());
}
