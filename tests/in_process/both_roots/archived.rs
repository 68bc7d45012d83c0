//! Goal: whether a slot is archived changes nothing that a consumer is told. Method: appointments are made, one of them is
//! cancelled, days pass, and everything that can be asked of those days is asked before and after archiving, byte for byte.

use chrono::NaiveDate;
use domain::time::Timestamp;
use serde_json::Value;
use slotkeeper::engine::{DiaryFilter, Maintenance};
use slotkeeper::store::DatabaseUrl;
use testkit::{App, Ask, OUT_OF_HOURS, PROVIDER_ORGANISATION, Slot, UTC, booking, cancelled, on_both, take};

/// Ten days after the clock stood: all that was laid out is over, and what is older than a day is archived.
const LATER: &str = "2026-02-20T09:00:00Z";

/// Archives what ended a day ago or earlier; how many slots.
fn archive(app: &App) -> usize {
    app.archive(1).slots
}

/// What a request is answered: status, entity tag and body. Of a refusal without its id, which is drawn anew each time.
async fn answer(app: &App, ask: Ask) -> (u16, Option<String>, String) {
    let answer = app.ask(ask).await;
    let body = if answer.status == 200 { answer.text() } else { take(answer.json(), "/id").to_string() };
    (answer.status, answer.header_if("ETag").map(str::to_owned), body)
}

/// An appointment, and one that was cancelled, in two slots of a service.
async fn made(app: &App) -> (Slot, Value, Slot, Value) {
    let slots = app.free_slots(UTC).await;
    let (kept, gone) = (slots[3].clone(), slots[40].clone());
    let live = app.booked(&kept).await;
    let made = app.booked(&gone).await;
    let ended = app.cancel(made["id"].as_str().unwrap(), "W/\"1\"", &cancelled(&made)).await.expect(200).json();
    (kept, live, gone, ended)
}

/// Every question about the days in February that were laid out.
fn questions(live: &Value, ended: &Value, kept: &Slot, gone: &Slot) -> Vec<Ask> {
    let window = "start=ge2026-02-09&start=lt2026-02-19";
    let includes = "_include=Slot:schedule&_include=Schedule:actor&_include=HealthcareService:providedBy";
    let mut asks = Vec::new();
    for id in [live, ended].map(|appointment| appointment["id"].as_str().unwrap()) {
        asks.extend(["", "/_history", "/_history/1", "/_history/2"].map(|more| format!("Appointment/{id}{more}")));
    }
    for slot in [kept, gone] {
        asks.extend([
            format!("Slot/{}", slot.id),
            format!("Slot?_id={}", slot.id),
            format!("Appointment?slot=Slot/{}&date=ge2026-02-01", slot.id),
        ]);
    }
    for what in
        ["", "&status=busy", "&status=free", "&status=busy-unavailable", "&status=busy,busy-unavailable", "&_lastUpdated=ge2026-02-10"]
    {
        asks.push(format!("Slot?service={UTC}&{window}{what}"));
    }
    asks.extend([
        format!("Slot?service={UTC}&{window}&{includes}"),
        format!("Slot?{window}&_count=50"),
        format!("Slot?schedule={}&{window}&end=lt2026-02-12", kept.schedule),
        format!("Slot?service={OUT_OF_HOURS}&{window}&_count=0"),
        "Schedule?date=2026-02-11&_revinclude=Slot:schedule".to_owned(),
        "Appointment?date=ge2026-02-01&_include=Appointment:slot".to_owned(),
        format!("Appointment?actor=HealthcareService/{UTC}&date=ge2026-02-01"),
        "Appointment?actor=Location/5ed21cb1-e0bf-4f3f-8cd9-c12bcd77d253&date=ge2026-02-01&status=booked".to_owned(),
        "Appointment?actor=Location/5ed21cb1-e0bf-4f3f-8cd9-c12bcd77d253&date=ge2026-02-01&_count=1".to_owned(),
        "Appointment?date=lt2026-02-20&_count=0".to_owned(),
    ]);
    asks.into_iter().map(|path| Ask::get(path).on_provider()).collect()
}

#[on_both]
async fn whatever_is_asked_of_the_past_is_answered_as_before(app: App) {
    let (kept, live, gone, ended) = made(&app).await;
    app.it_is(LATER);
    let questions = questions(&live, &ended, &kept, &gone);
    // The consumer, another one, the provider, and one whose rights hang on the schedule.
    app.policy(&format!(
        "[[consumer]]\nods = \"X9T21\"\nread = \"all\"\nschedules = [\"{}\"]\n[[consumer]]\nods = \"X9T20\"\n[[consumer]]\nods = \"Y9Z41\"\n",
        kept.schedule
    ));
    let mut before = Vec::new();
    for ask in &questions {
        for organisation in ["X9T20", "X9T21", PROVIDER_ORGANISATION] {
            before.push((ask.clone().of(organisation), answer(&app, ask.clone().of(organisation)).await));
        }
    }
    let found = before.iter().filter(|(_, (status, _, text))| *status == 200 && text.contains(&kept.id)).count();
    assert!(found > 20, "only {found} answers tell of the slot");
    let diary_before = diary(&app);
    assert!(diary_before.contains("Imogen Whitlock"));
    let in_all = archive(&app);
    assert!(in_all > 500, "only {in_all} slots were archived");
    for (ask, was) in before {
        assert_eq!(answer(&app, ask.clone()).await, was, "{}", ask.uri());
    }
    assert_eq!(diary(&app), diary_before);
    assert_eq!(archive(&app), 0);
}

#[on_both]
async fn an_archived_slot_has_begun_and_its_appointment_is_past(app: App) {
    let (kept, live, gone, _) = made(&app).await;
    let free = app.free_slot(UTC).await;
    app.it_is(LATER);
    let id = live["id"].as_str().unwrap();
    let refusals = async || {
        let mut told = Vec::new();
        for slot in [&kept, &gone, &free] {
            told.push(app.book(&booking(slot)).await.refused(422, "business-rule", "INVALID_REQUEST_STATE"));
        }
        told.push(app.cancel(id, "W/\"1\"", &cancelled(&live)).await.refused(422, "business-rule", "INVALID_REQUEST_STATE"));
        told
    };
    let before = refusals().await;
    assert!(before.iter().all(|told| told.contains("2026-02-1")), "each says when it began: {before:?}");
    assert!(archive(&app) > 0);
    assert_eq!(refusals().await, before);
}

#[on_both]
async fn what_is_still_to_come_is_left_where_it_is(app: App) {
    let free = app.free_slots(UTC).await;
    assert_eq!(app.archive(2).slots, 0, "nothing ended two days ago");
    app.it_is("2026-02-11T20:00:00Z");
    let (first, left) = (archive(&app), app.free_slots(UTC).await);
    assert!(first > 0 && left.iter().any(|slot| free.contains(slot)));
    let slot = left.into_iter().next().unwrap();
    let made = app.booked(&slot).await;
    app.cancel(made["id"].as_str().unwrap(), "W/\"1\"", &cancelled(&made)).await.expect(200);
}

/// The diary of the days that were laid out, with what was cancelled.
fn diary(app: &App) -> String {
    let store = slotkeeper::store::Store::open(&DatabaseUrl::parse(&app.database.url()).unwrap(), false).unwrap();
    let filter = DiaryFilter { cancelled: true, ..DiaryFilter::default() };
    let day = |day| NaiveDate::from_ymd_opt(2026, 2, day).unwrap();
    let now = Timestamp::parse(LATER).unwrap();
    format!("{:?}", Maintenance::new(store.clone(), slotkeeper::cli::ports()).diary(&filter, (day(9), day(18)), now).unwrap().unwrap())
}
