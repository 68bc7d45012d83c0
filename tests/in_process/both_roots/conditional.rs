//! `ETag` and `If-None-Match` (docs/specification/uec.md#a4-response-headers; RFC 9110, 13.1.2): whoever holds an
//! answer is told that it still holds, and never that one does which has changed.

use testkit::{Answer, App, Ask, UTC, booking, cancelled, on_both};

const ROOTS: [&str; 2] = ["/STU3/1/booking", "/STU3/1/provider"];

/// That an answer says nothing but that it still holds.
#[track_caller]
fn still_holds(answer: &Answer, held: &Answer) {
    assert_eq!((answer.status, answer.body.len()), (304, 0), "{}", answer.text());
    for name in ["ETag", "Last-Modified", "Content-Location", "Cache-Control", "Vary"] {
        assert_eq!(answer.header_if(name), held.header_if(name), "{name}");
    }
    for name in ["Content-Type", "Content-Encoding"] {
        assert!(answer.header_if(name).is_none(), "{name}");
    }
    assert!(answer.header_if("X-Request-ID").is_some_and(|id| id != held.header("X-Request-ID")));
}

/// Proves F5.
#[on_both]
async fn whoever_holds_an_answer_is_told_so_and_no_more(app: App) {
    let slots = app.free_slots(UTC).await;
    let made = app.booked(&slots[0]).await["id"].as_str().unwrap().to_owned();
    let on_both_roots = [
        "metadata".to_owned(),
        format!("Appointment/{made}"),
        format!("Appointment/{made}/_history/1"),
        format!("Appointment?_id={made}"),
        format!("Slot/{}", slots[1].id),
        format!("Schedule/{}", slots[0].schedule),
        format!("Slot?service={UTC}&_include=Slot:schedule"),
        format!("Schedule?actor:healthcareservice={UTC}"),
        "Organization/Y9Z41".to_owned(),
        format!("HealthcareService/{UTC}"),
    ];
    let on_provider = [
        format!("Appointment/{made}/_history"),
        "Location".to_owned(),
        format!("Appointment/{made}?_elements=start"),
        "Slot?_count=0".to_owned(),
    ];
    let asks = on_both_roots.iter().flat_map(|path| ROOTS.map(|root| Ask::get(path).on(root)));
    for ask in asks.chain(on_provider.iter().map(|path| Ask::get(path).on_provider())) {
        for format in ["application/fhir+json", "application/fhir+xml"] {
            let ask = ask.clone().header("Accept", format).header("Accept-Encoding", "gzip");
            let held = app.ask(ask.clone()).await.expect(200);
            let tag = held.header("ETag").to_owned();
            assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
            assert_eq!(app.ask(ask.clone()).await.header("ETag"), tag, "{} has another tag each time", ask.path);
            still_holds(&app.ask(ask.clone().header("If-None-Match", &tag)).await, &held);
            let head = Ask { method: "HEAD".to_owned(), ..ask.clone() };
            still_holds(&app.ask(head.header("If-None-Match", &tag)).await, &held);
            let correlated = app.ask(ask.clone().header("If-None-Match", &tag).key("mine")).await;
            assert_eq!(correlated.header("X-Correlation-ID"), "mine");
            app.ask(ask.header("If-None-Match", "W/\"other\"")).await.expect(200);
        }
    }
}

#[on_both]
async fn tags_are_compared_weakly_and_may_be_several(app: App) {
    let slot = app.free_slot(UTC).await;
    let made = app.booked(&slot).await["id"].as_str().unwrap().to_owned();
    let asked = async |held: &str| app.ask(Ask::get(format!("Appointment/{made}")).header("If-None-Match", held)).await.status;
    for held in ["W/\"1\"", "\"1\"", "*", "\"0\", W/\"1\"", "W/\"1\",W/\"2\"", " \"1\" "] {
        assert_eq!(asked(held).await, 304, "{held}");
    }
    for other in ["W/\"2\"", "1", "W/1", "\"W/\"1\"\"", "", "\"*\"", "\"11\"", "\u{e9}"] {
        assert_eq!(asked(other).await, 200, "{other}");
    }
}

#[on_both]
async fn a_booking_and_a_cancel_make_what_was_held_stale(app: App) {
    let slots = app.free_slots(UTC).await;
    let slot = &slots[0];
    let watched =
        [format!("Slot/{}", slot.id), format!("Slot?service={UTC}&status=free"), format!("Slot?service={UTC}&_count=0&status=free")];
    let tags = async |paths: &[String]| {
        let mut tags = Vec::new();
        for path in paths {
            tags.push(app.get(path).await.expect(200).header("ETag").to_owned());
        }
        tags
    };
    // What was held is stale now, and what comes in its place is new.
    let changed = async |paths: &[String], held: &[String]| {
        for (path, tag) in paths.iter().zip(held) {
            let now = app.ask(Ask::get(path).header("If-None-Match", tag)).await;
            assert_eq!(now.status, 200, "{path}");
            assert_ne!(now.header("ETag"), tag, "{path}");
        }
    };
    let held = tags(&watched).await;
    let made = app.booked(slot).await;
    changed(&watched, &held).await;
    let id = made["id"].as_str().unwrap();
    let watched = [&watched[..], &[format!("Appointment/{id}"), format!("Appointment?_id={id}")]].concat();
    let held = tags(&watched).await;
    let history = app.ask(Ask::get(format!("Appointment/{id}/_history")).on_provider()).await.header("ETag").to_owned();
    app.cancel(id, "W/\"1\"", &cancelled(&made)).await.expect(200);
    changed(&watched, &held).await;
    app.ask(Ask::get(format!("Appointment/{id}/_history")).on_provider().header("If-None-Match", &history)).await.expect(200);
    let first = app.ask(Ask::get(format!("Appointment/{id}/_history/1")).header("If-None-Match", "W/\"1\"")).await;
    assert_eq!(first.status, 304, "a version never changes");
}

#[on_both]
async fn a_version_has_one_tag_and_a_search_one_for_each_format(app: App) {
    let slot = app.free_slot(UTC).await;
    let made = app.booked(&slot).await["id"].as_str().unwrap().to_owned();
    for root in ROOTS {
        let tag = async |path: &str| app.ask(Ask::get(path).on(root)).await.expect(200).header("ETag").to_owned();
        for shown in ["", "?_format=xml", "?_pretty=true"] {
            assert_eq!(tag(&format!("Appointment/{made}{shown}")).await, "W/\"1\"");
        }
        assert_eq!(tag(&format!("Schedule/{}", slot.schedule)).await, "W/\"1\"");
        let search = format!("Appointment?_id={made}");
        let of_content = tag(&search).await;
        assert_eq!(of_content.len(), 36, "{of_content}");
        assert_ne!(of_content, tag(&format!("{search}&_format=xml")).await);
        assert_ne!(of_content, tag(&format!("{search}&_pretty=true")).await);
    }
}

#[on_both]
async fn a_slot_that_begins_is_never_said_to_be_as_it_was(app: App) {
    let slot = app.free_slot(UTC).await;
    let path = format!("Slot/{}", slot.id);
    for root in ROOTS {
        app.it_is("2026-02-10T09:00:00Z");
        let held = app.ask(Ask::get(&path).on(root)).await.expect(200);
        let ask = Ask::get(&path).on(root).header("If-None-Match", held.header("ETag"));
        assert_eq!(app.ask(ask.clone()).await.status, 304);
        app.it_is(&slot.start);
        let now = app.ask(ask).await.expect(200);
        assert_eq!((held.json()["status"].as_str(), now.json()["status"].as_str()), (Some("free"), Some("busy-unavailable")));
    }
}

#[on_both]
async fn a_refusal_is_a_refusal_whatever_is_held(app: App) {
    let slot = app.free_slot(UTC).await;
    let path = format!("Slot/{}", slot.id);
    for (ask, status) in [
        (Ask::get("Slot/nowhere"), 404),
        (Ask::get("Nothing"), 404),
        (Ask::get(&path).without_token(), 403),
        (Ask::get(&path).without("Ssp-To"), 400),
        (Ask::get(&path).header("Accept", "image/png"), 415),
        (Ask::get("Slot?nonsense=1"), 400),
        (Ask::new("DELETE", &path), 405),
    ] {
        let answer = app.ask(ask.header("If-None-Match", "*")).await;
        answer.issues(status);
        assert!(answer.header_if("ETag").is_none());
    }
    let made = app.booked(&slot).await["id"].as_str().unwrap().to_owned();
    let others = Ask::get(format!("Appointment/{made}")).of(testkit::OTHER_CONSUMER);
    assert_eq!(app.ask(others.header("If-None-Match", "W/\"1\"")).await.status, 403, "who may not see it is not told that it holds");
}

#[on_both]
async fn a_date_is_no_tag(app: App) {
    let slot = app.free_slot(UTC).await;
    let held = app.get(&format!("Slot/{}", slot.id)).await.expect(200);
    let since = |ask: Ask| ask.header("If-Modified-Since", held.header("Last-Modified"));
    app.ask(since(Ask::get(format!("Slot/{}", slot.id)))).await.expect(200);
    let both = since(Ask::get(format!("Slot/{}", slot.id))).header("If-None-Match", "W/\"other\"");
    app.ask(both).await.expect(200);
}

#[on_both]
async fn a_write_does_not_look_at_what_is_held(app: App) {
    let slot = app.free_slot(UTC).await;
    let made = app.ask(Ask::book(&booking(&slot)).header("If-None-Match", "*")).await.expect(201).json();
    let ask = Ask::cancel(made["id"].as_str().unwrap(), "W/\"1\"", &cancelled(&made)).header("If-None-Match", "W/\"2\"");
    let cancelled = app.ask(ask).await.expect(200);
    assert_eq!(cancelled.json()["status"], "cancelled");
    let search = Ask::new("POST", "Slot/_search").bytes(format!("service={UTC}")).on_provider();
    let search = search.header("Content-Type", "application/x-www-form-urlencoded").header("If-None-Match", "*");
    assert!(app.ask(search).await.expect(200).total() > 0);
}
