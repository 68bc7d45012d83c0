//! Answers to slot searches that are given again (docs/contract.md#offered): to whoever asks the same, and only as long as
//! they are, to the letter, what would be found and written now.

use testkit::{App, Ask, OTHER_CONSUMER, Setup, Slot, UTC, booking, cancelled, found, on_both, put};

const DAY: &str = "status=free&start=ge2026-02-11T00:00:00Z&start=lt2026-02-12T00:00:00Z";
const INCLUDES: &str = "_include=Slot:schedule&_include=Schedule:actor:Practitioner&_include=Schedule:actor:HealthcareService\
                        &_include=HealthcareService.providedBy&_include=HealthcareService.location";
const DENTAL: &str = "2000099903";
const SURGERY_HIDDEN_FROM_ONE: &str = "[[consumer]]\nods = \"X9T20\"\nservices = [\"2000099901\"]\n[[consumer]]\nods = \"X9T21\"\n";

fn under(policy: &str) -> Setup {
    Setup::with(|setup| setup.policy = Some(policy.to_owned()))
}

fn forgetful() -> Setup {
    Setup::with(|setup| setup.http.answers_bytes_max = 0)
}

/// The slots of the day that a search of it shows.
async fn shown(app: &App) -> Vec<Slot> {
    found(app, &format!("service={UTC}&{DAY}")).await
}

#[on_both]
async fn what_is_given_again_is_what_would_be_written_anew(app: App) {
    let beside = app.beside(forgetful()).await;
    let queries = [
        format!("service={UTC}&{DAY}"),
        format!("schedule.actor:healthcareservice={UTC}&{DAY}&{INCLUDES}"),
        format!("service={UTC},{DENTAL}&{DAY}&{INCLUDES}"),
        format!("service={UTC}&status=free&start=ge2026-02-10T00:00:00Z&start=lt2026-02-14T00:00:00Z&_include=Slot:schedule"),
    ];
    for (number, query) in queries.iter().enumerate() {
        for root in ["/STU3/1/booking", "/STU3/1/provider"] {
            for (accept, coding) in
                [("application/fhir+json", "identity"), ("application/fhir+xml", "gzip"), ("application/fhir+json", "gzip")]
            {
                let ask = Ask::get(format!("Slot?{query}")).on(root).header("Accept", accept).header("Accept-Encoding", coding);
                let first = app.ask(ask.clone()).await.expect(200);
                let again = app.ask(ask.clone()).await.expect(200);
                let anew = beside.ask(ask.clone()).await.expect(200);
                for answer in [&first, &again] {
                    assert_eq!(answer.body, anew.body, "{query} as {accept}, {coding}");
                    for name in ["ETag", "Content-Type", "Content-Encoding", "Vary", "Cache-Control"] {
                        assert_eq!(answer.header_if(name), anew.header_if(name), "{name} of {query}");
                    }
                }
                assert_eq!(app.records().last().unwrap()["matches"], beside.records().last().unwrap()["matches"], "{number}");
            }
        }
    }
    if app.holds_what_is_on_offer() {
        // Two roots, and two formats: how an answer is compressed is no other question.
        assert_eq!(app.answers_kept(), queries.len() * 2 * 2);
    }
    assert_eq!(beside.answers_kept(), 0);
}

#[on_both]
async fn what_another_server_books_is_in_the_next_answer(app: App) {
    let beside = app.beside(Setup::default()).await;
    let all = shown(&app).await;
    for round in 0..3 {
        let slot = &all[round * 2];
        let made = beside.ask(Ask::book(&booking(slot)).of(OTHER_CONSUMER)).await.expect(201).json();
        let left: Vec<Slot> = all.iter().filter(|other| *other != slot).cloned().collect();
        assert_eq!(shown(&app).await, left, "booked elsewhere");
        assert_eq!(shown(&app).await, left, "and once more");
        assert_eq!(shown(&beside).await, left);
        let gone = Ask::cancel(made["id"].as_str().unwrap(), "W/\"1\"", &cancelled(&made)).of(OTHER_CONSUMER);
        beside.ask(gone).await.expect(200);
        assert_eq!(shown(&app).await, all, "given back elsewhere");
    }
    // What changes elsewhere in the diary leaves an answer as it is.
    let held = app.search(&format!("service={UTC}&{DAY}")).await.expect(200).header("ETag").to_owned();
    let dental = app.free_slot(DENTAL).await;
    app.booked(&dental).await;
    assert_eq!(app.search(&format!("service={UTC}&{DAY}")).await.header("ETag"), held);
}

#[on_both]
async fn a_slot_that_has_begun_is_in_no_answer_that_is_given_again(app: App) {
    let all = shown(&app).await;
    let first = all[0].start.clone();
    let later: Vec<Slot> = all.iter().filter(|slot| slot.start != first).cloned().collect();
    assert!(later.len() < all.len());
    app.it_is(&first.replace(":00.000+00:00", ":00.000Z"));
    assert_eq!(shown(&app).await, later, "one that begins now has begun");
    assert_eq!(shown(&app).await, later);
}

#[on_both]
async fn a_window_that_has_passed_is_refused_although_cached(app: App) {
    let query = format!("service={UTC}&status=free&start=ge2026-02-11T00:00:00Z&start=lt2026-02-11T00:01:00Z");
    for _ in 0..2 {
        app.search(&query).await.expect(200);
    }
    app.it_is("2026-02-11T00:01:00Z");
    app.search(&query).await.expect(400);
}

#[on_both]
async fn a_window_that_ends_with_the_present_moves_on(app: App) {
    let query = format!("service={UTC}&status=free");
    let before = found(&app, &query).await;
    assert_eq!(found(&app, &query).await, before);
    // The window is 31 days from now, so that tomorrow a day more of the diary is in it, and one less.
    app.it_is("2026-02-11T12:00:00Z");
    let after = found(&app, &query).await;
    let beside = app.beside(forgetful()).await;
    beside.it_is("2026-02-11T12:00:00Z");
    assert_eq!(after, found(&beside, &query).await);
    assert!(after != before && after.first() != before.first());
}

#[on_both(Setup::with(|setup| setup.http.window_days_max = 1))]
async fn an_open_window_moves_on_once_it_has_begun(app: App) {
    // A day that lies ahead and has nothing left: only its end, a day after its beginning, limits how long that is so.
    while let Some(slot) = found(&app, &format!("service={DENTAL}&{DAY}")).await.first() {
        app.booked(slot).await;
    }
    let query = format!("service={DENTAL}&status=free&start=ge2026-02-11T00:00:00Z");
    assert_eq!((found(&app, &query).await, found(&app, &query).await), (Vec::new(), Vec::new()));
    let beside = app.beside(Setup::with(|setup| (setup.http.window_days_max, setup.http.answers_bytes_max) = (1, 0))).await;
    // Nothing is booked or freed since, but the day that is searched now ends later.
    for time in ["2026-02-11T00:00:00Z", "2026-02-11T07:59:00Z", "2026-02-11T10:00:00Z"] {
        app.it_is(time);
        beside.it_is(time);
        assert_eq!(found(&app, &query).await, found(&beside, &query).await, "{time}");
    }
    assert_ne!(found(&app, &query).await, []);
}

#[on_both(under(SURGERY_HIDDEN_FROM_ONE))]
async fn whoever_sees_less_is_not_given_what_others_saw(app: App) {
    let ask = || Ask::get(format!("Slot?service={UTC},{DENTAL}&{DAY}"));
    let all = app.ask(ask().of(OTHER_CONSUMER)).await.expect(200).total();
    let fewer = app.ask(ask()).await.expect(200).total();
    assert!(fewer < all, "{fewer} of {all}");
    for _ in 0..2 {
        assert_eq!(app.ask(ask().of(OTHER_CONSUMER)).await.total(), all);
        assert_eq!(app.ask(ask()).await.total(), fewer);
    }
}

#[on_both(under("[default]\n"))]
async fn another_policy_is_for_the_next_search(app: App) {
    let ask = || Ask::get(format!("Slot?service={UTC},{DENTAL}&{DAY}"));
    let all = app.ask(ask()).await.expect(200).total();
    app.policy("[default]\nservices = [\"2000099901\"]\n");
    let fewer = app.ask(ask()).await.expect(200).total();
    assert!(fewer < all, "{fewer} of {all}");
    app.policy("[default]\n");
    assert_eq!(app.ask(ask()).await.total(), all);
    app.policy("[[consumer]]\nods = \"X1\"\n");
    app.ask(ask()).await.expect(403);
}

#[on_both]
async fn other_words_for_the_format_are_another_question(app: App) {
    let ask = |accept: &str| Ask::get(format!("Slot?service={UTC}&{DAY}")).header("Accept", accept);
    for _ in 0..2 {
        for (accept, type_) in [("application/fhir+json", "application/fhir+json"), ("application/fhir+xml", "application/fhir+xml")] {
            assert!(app.ask(ask(accept)).await.expect(200).header("Content-Type").starts_with(type_));
        }
        app.ask(ask("text/csv").on_provider()).await.expect(406);
        app.ask(ask("text/csv")).await.expect(415);
        let strict = Ask::get(format!("Slot?service={UTC}&{DAY}&nonsense=1")).on_provider();
        app.ask(strict.clone()).await.expect(200);
        app.ask(strict.header("Prefer", "handling=strict")).await.expect(400);
    }
}

#[on_both(Setup::with(|setup| setup.http.answers_bytes_max = 0))]
async fn none_is_kept_where_there_is_no_room(app: App) {
    let all = shown(&app).await;
    assert_eq!(shown(&app).await, all);
    app.book(&put(booking(&all[0]), "/description", "Earache")).await.expect(201);
    assert_eq!(shown(&app).await.len(), all.len() - 1);
    assert_eq!(app.answers_kept(), 0);
}
