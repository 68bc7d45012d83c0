//! An include that nobody knows brings nothing, and on the provider root the answer says so: an `OperationOutcome` among
//! the entries, of the search mode `outcome` (STU3 search, "Include").

use serde_json::Value;
use testkit::{Answer, App, Ask, UTC, on_both};

/// The searches, each with a match, and an include that it knows.
const SEARCHES: [(&str, &str); 4] = [
    ("Slot?service=2000099901&status=free&start=2026-02-11", "_include=Slot:schedule"),
    ("Schedule?actor=HealthcareService/2000099901", "_revinclude=Slot:schedule"),
    ("Appointment?date=ge2026-02-01", "_include=Appointment:slot"),
    ("HealthcareService?_id=2000099901", "_include=HealthcareService:location"),
];

async fn asked(app: &App, path: &str) -> Answer {
    app.ask(Ask::get(path).on_provider()).await.expect(200)
}

/// The warnings of an answer, each in an entry that is as such an entry must be.
#[track_caller]
fn warnings(answer: &Answer) -> Vec<String> {
    let bundle = answer.json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let is_outcome = |entry: &&Value| entry["search"]["mode"] == "outcome" || entry["resource"]["resourceType"] == "OperationOutcome";
    let mut outcomes = entries.iter().filter(is_outcome);
    let Some(outcome) = outcomes.next() else { return Vec::new() };
    assert!(outcomes.next().is_none(), "one outcome holds all: {bundle}");
    assert_eq!((&outcome["search"]["mode"], &outcome["resource"]["resourceType"]), (&"outcome".into(), &"OperationOutcome".into()));
    assert!(outcome.get("fullUrl").is_none(), "it is found nowhere: {outcome}");
    let issues = outcome["resource"]["issue"].as_array().unwrap();
    assert!(issues.iter().all(|issue| issue["severity"] == "warning" && issue["code"] == "not-supported"), "{outcome}");
    issues.iter().map(|issue| issue["diagnostics"].as_str().unwrap().to_owned()).collect()
}

/// The same Bundle without its warnings.
fn without_warnings(answer: &Answer) -> Value {
    let mut bundle = answer.json();
    if let Some(entries) = bundle["entry"].as_array_mut() {
        entries.retain(|entry| entry["search"]["mode"] != "outcome");
    }
    bundle
}

async fn one_booked(app: &App) {
    app.booked(&app.free_slot(UTC).await).await;
}

#[on_both]
async fn an_include_nobody_knows_is_told_on_the_provider_root(app: App) {
    one_booked(&app).await;
    for (search, known) in SEARCHES {
        for unknown in ["_include=Patient:link", "_revinclude=Provenance:target", "_include:iterate=Slot.colour", "_include="] {
            let told = warnings(&asked(&app, &format!("{search}&{unknown}&{known}")).await);
            assert_eq!(told.len(), 1, "{search}&{unknown}: {told:?}");
            let (name, value) = unknown.split_once('=').unwrap();
            assert!(told[0].contains(&format!("`{name}={value}`")), "{told:?}");
        }
        let several = format!("{search}&_include=a&{known}&_include=b&_include=a");
        assert_eq!(warnings(&asked(&app, &several).await).len(), 2, "each is told once");
        let xml = app.ask(Ask::get(format!("{search}&_include=a<b")).on_provider().header("Accept", "application/fhir+xml")).await;
        assert!(xml.text().contains(r#"<search><mode value="outcome"/></search>"#) && xml.text().contains("a&lt;b"), "{}", xml.text());
    }
    // Where a search brings nothing along at all, no name of an include is known.
    assert_eq!(warnings(&asked(&app, "Practitioner?_include=Practitioner:name").await).len(), 1);
    let form = Ask::new("POST", "Slot/_search").bytes("start=2026-02-11&_include=a").on_provider();
    let form = form.header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(warnings(&app.ask(form.scope("organization/slot.read")).await.expect(200)).len(), 1);
}

#[on_both]
async fn a_warning_is_the_same_each_time_and_changes_nothing_else(app: App) {
    one_booked(&app).await;
    for (search, known) in SEARCHES {
        let plain = asked(&app, &format!("{search}&{known}")).await;
        let path = format!("{search}&{known}&_include=Patient:link");
        let first = asked(&app, &path).await;
        assert_eq!(without_warnings(&first), plain.json(), "{search}: nothing else changes, neither total nor self link");
        for _ in 0..3 {
            let again = asked(&app, &path).await;
            assert_eq!((again.text(), again.header("ETag")), (first.text(), first.header("ETag")), "{search}");
        }
        let unchanged = Ask::get(path).on_provider().header("If-None-Match", first.header("ETag"));
        app.ask(unchanged).await.expect(304);
        // Nor has the answer with the warning become that of the question without it.
        assert_eq!(asked(&app, &format!("{search}&{known}")).await.text(), plain.text());
    }
}

#[on_both]
async fn a_warning_comes_with_pages_and_with_nothing_found(app: App) {
    let page = asked(&app, &format!("Slot?service={UTC}&start=2026-02-11&_count=2&_include=a")).await;
    assert_eq!((page.ids("Slot").len(), warnings(&page).len()), (2, 1));
    let nothing = asked(&app, "Slot?_id=nothing&_include=a").await;
    assert_eq!((nothing.total(), warnings(&nothing).len()), (0, 1));
    let shaped = asked(&app, &format!("Slot?service={UTC}&start=2026-02-11&_elements=start&_include=a")).await;
    assert_eq!(warnings(&shaped).len(), 1);
    for summary in ["true", "data", "text"] {
        let shaped = asked(&app, &format!("Slot?service={UTC}&start=2026-02-11&_summary={summary}&_include=a")).await;
        assert_eq!(warnings(&shaped).len(), 1, "{summary}");
    }
    // Whoever wants the number alone gets the number alone.
    let count = asked(&app, &format!("Slot?service={UTC}&start=2026-02-11&_summary=count&_include=a")).await;
    assert!(count.json().get("entry").is_none());
    // Where unknown names are refused, those of includes are still no error, as long as there are includes.
    let strict = Ask::get(format!("Slot?service={UTC}&start=2026-02-11&_include=a")).on_provider().header("Prefer", "handling=strict");
    assert_eq!(warnings(&app.ask(strict).await.expect(200)).len(), 1);
}

#[on_both]
async fn nobody_is_warned_where_all_is_known(app: App) {
    one_booked(&app).await;
    for (search, known) in SEARCHES {
        assert_eq!(warnings(&asked(&app, search).await), Vec::<String>::new());
        assert_eq!(warnings(&asked(&app, &format!("{search}&{known}")).await), Vec::<String>::new(), "{known}");
    }
}

#[on_both]
async fn the_booking_root_gives_nothing_and_says_nothing(app: App) {
    let plain = app.search(&format!("service={UTC}&start=2026-02-11")).await.expect(200);
    let answer = app.search(&format!("service={UTC}&start=2026-02-11&_include=Patient:link&_revinclude=a")).await.expect(200);
    assert_eq!(answer.json(), plain.json());
}
