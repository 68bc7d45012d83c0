//! Goal: matches come in one order, appointments and slots by start and id, the other way round where it is asked for, and
//! pages lead through it without gap or repeat. Method: random questions about a diary with equal starts, with cancelled
//! appointments and with slots in the archive; each answer is compared with a list that is filtered and sorted here.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use testkit::{App, Ask, OUT_OF_HOURS, PROVIDER_ORGANISATION, Slot, UTC, booking, cancelled, on_both, put};

const PATIENTS: [&str; 2] = ["9990482136", "9990000018"];
/// Questions asked of each database.
const CASES: usize = 40;
/// When questions are asked: two days of the diary are archived, one is past and not archived, the rest is still to come.
const LATER: &str = "2026-02-13T09:10:00Z";

#[derive(Debug, Clone)]
struct Made {
    id: String,
    start: String,
    patient: &'static str,
    cancelled: bool,
}

/// Appointments in so many slots, booked in another order than that of their times.
async fn diary(app: &App, count: usize) -> Vec<Made> {
    let mut slots = app.free_slots(UTC).await;
    slots.extend(app.free_slots(OUT_OF_HOURS).await);
    slots.sort_by_key(|slot| (slot.start.clone(), slot.id.clone()));
    // One diary may serve both.
    slots.dedup();
    // Two by two, because those of two rooms begin at the same time.
    let ties: Vec<&[Slot]> = slots.chunk_by(|one, other| one.start == other.start).filter(|tie| tie.len() > 1).collect();
    let mut chosen: Vec<&Slot> = ties.iter().step_by(2 * ties.len() / count).flat_map(|tie| &tie[..2]).take(count).collect();
    assert_eq!(chosen.len(), count);
    chosen.sort_by_key(|slot| slot.id.bytes().rev().collect::<Vec<_>>());
    let mut made = Vec::new();
    for (at, slot) in chosen.into_iter().enumerate() {
        let patient = PATIENTS[usize::from(at % 3 == 0)];
        let body = put(booking(slot), "/contained/1/identifier/0/value", patient);
        let body = put(body, "/participant/0/actor/identifier/value", patient);
        let appointment = app.book(&body).await.expect(201).json();
        let id = appointment["id"].as_str().unwrap().to_owned();
        let is_cancelled = at % 5 == 1;
        if is_cancelled {
            app.cancel(&id, "W/\"1\"", &cancelled(&appointment)).await.expect(200);
        }
        made.push(Made { id, start: slot.start.clone(), patient, cancelled: is_cancelled });
    }
    made
}

/// What is asked of appointments.
#[derive(Debug, Clone)]
struct Question {
    patient: Option<&'static str>,
    cancelled: Option<bool>,
    from: &'static str,
    sort: Option<&'static str>,
    count: Option<usize>,
}

fn any_question() -> impl Strategy<Value = Question> {
    let froms = prop::sample::select(vec!["2026-02-01", "2026-02-11T12:00:00Z", "2026-02-13", "2026-02-13T12:00:00Z"]);
    let sorts = prop::option::of(prop::sample::select(vec!["date", "-date"]));
    let patients = prop::option::weighted(0.2, prop::sample::select(PATIENTS.to_vec()));
    let parts = (patients, prop::option::weighted(0.3, any::<bool>()), froms, sorts);
    (parts, prop::option::weighted(0.7, 2..8usize)).prop_map(|((patient, cancelled, from, sort), count)| Question {
        patient,
        cancelled,
        from,
        sort,
        count,
    })
}

impl Question {
    fn path(&self) -> String {
        let mut path = format!("Appointment?date=ge{}", self.from);
        let mut add = |name: &str, value: Option<&str>| value.map_or((), |value| path.push_str(&format!("&{name}={value}")));
        add("patient", self.patient);
        add("status", self.cancelled.map(|cancelled| if cancelled { "cancelled" } else { "booked" }));
        add("_sort", self.sort);
        add("_count", self.count.map(|count| count.to_string()).as_deref());
        path
    }

    /// The answer of somebody who looks at everything.
    fn naive(&self, all: &[Made]) -> Vec<String> {
        let from = self.from.trim_end_matches('Z');
        let fits = |one: &&Made| {
            self.patient.is_none_or(|patient| one.patient == patient)
                && self.cancelled.is_none_or(|cancelled| one.cancelled == cancelled)
                && one.start.as_str() >= from
        };
        let mut found: Vec<&Made> = all.iter().filter(fits).collect();
        found.sort_by_key(|one| (&one.start, &one.id));
        if self.sort == Some("-date") {
            found.reverse();
        }
        found.into_iter().map(|one| one.id.clone()).collect()
    }
}

/// The ids of `kind` on every page of a search on the provider root, and how many pages there are; `between` comes between
/// two of them.
async fn pages(app: &App, path: &str, kind: &str, between: impl AsyncFn()) -> (Vec<String>, usize) {
    let (mut ids, mut count, mut next) = (Vec::new(), 0, Some(path.to_owned()));
    while let Some(path) = next {
        let page = app.ask(Ask::get(path).on_provider().of(PROVIDER_ORGANISATION)).await.expect(200);
        ids.extend(page.ids(kind));
        next = page.link("next").map(|url| url.split_once("/STU3/1/provider/").unwrap().1.to_owned());
        count += 1;
        if next.is_some() {
            between().await;
        }
    }
    (ids, count)
}

#[on_both]
async fn appointments_come_by_start_and_id(app: App) {
    let all = diary(&app, 36).await;
    app.it_is(LATER);
    assert!(app.archive(1).slots > 0);
    let mut runner = TestRunner::deterministic();
    let mut paged = 0;
    for _ in 0..CASES {
        let question = any_question().new_tree(&mut runner).unwrap().current();
        let (found, count) = pages(&app, &question.path(), "Appointment", async || ()).await;
        assert_eq!(found, question.naive(&all), "{question:?}");
        // A patient's appointments are never paged (docs/specification/uec.md#a10-appointment-search).
        assert!(question.patient.is_none() || count == 1, "{question:?}");
        paged += usize::from(count > 2);
        if let (Some(_), None) = (question.patient, question.sort) {
            let ask = Ask::get(question.path());
            assert_eq!(app.ask(ask).await.expect(200).ids("Appointment"), question.naive(&all), "{question:?} on the booking root");
        }
    }
    assert!(paged > 5, "only {paged} questions were answered in pages");
    let link = app.ask(Ask::get("Appointment?_sort=-date&date=ge2026-02-01").on_provider()).await.expect(200).link("self").unwrap();
    assert!(link.ends_with("Appointment?_sort=-date&date=ge2026-02-01"), "{link}");
}

#[on_both]
async fn slots_come_by_start_and_id(app: App) {
    diary(&app, 20).await;
    app.it_is(LATER);
    assert!(app.archive(1).slots > 0);
    let all = app.ask(Ask::get("Slot?start=ge2026-02-09&start=lt2026-02-17").on_provider().of(PROVIDER_ORGANISATION)).await.expect(200);
    let all: Vec<Value> = all.all("Slot");
    let (services, statuses) = ([UTC, OUT_OF_HOURS], ["", "free", "busy", "busy-unavailable", "free,busy"]);
    let windows = [("2026-02-09", "2026-02-14"), ("2026-02-12", "2026-02-15"), ("2026-02-14", "2026-02-16")];
    let picks = (any::<[Index; 3]>(), any::<bool>(), any::<Option<bool>>(), any::<Option<Index>>());
    let schedules: Vec<Vec<String>> = {
        let mut of = Vec::new();
        for service in services {
            of.push(app.get(&format!("Schedule?actor=HealthcareService/{service}")).await.expect(200).ids("Schedule"));
        }
        of
    };
    let mut runner = TestRunner::deterministic();
    let mut answered = 0;
    for _ in 0..CASES {
        let ([service, status, window], both, sort, count) = picks.new_tree(&mut runner).unwrap().current();
        let (service, status, (from, until)) = (service.index(2), *status.get(&statuses), *window.get(&windows));
        let services = if both { services.join(",") } else { services[service].to_owned() };
        let mut path = format!("Slot?service={services}&start=ge{from}&start=lt{until}");
        if let Some(descending) = sort {
            path.push_str(if descending { "&_sort=-start" } else { "&_sort=start" });
        }
        if !status.is_empty() {
            path.push_str(&format!("&status={status}"));
        }
        if let Some(count) = count {
            path.push_str(&format!("&_count={}", 40 + count.index(90)));
        }
        let text = |slot: &Value, name: &str| slot[name].as_str().unwrap().to_owned();
        let fits = |slot: &&Value| {
            let schedule = text(&slot["schedule"], "reference");
            let served = |of: &Vec<String>| of.iter().any(|id| schedule == format!("Schedule/{id}"));
            let start = text(slot, "start");
            (if both { schedules.iter().any(served) } else { served(&schedules[service]) })
                && (status.is_empty() || status.split(',').any(|status| text(slot, "status") == status))
                && start.as_str() >= from
                && start.as_str() < until
        };
        let mut naive: Vec<(String, String)> = all.iter().filter(fits).map(|slot| (text(slot, "start"), text(slot, "id"))).collect();
        naive.sort();
        if sort == Some(true) {
            naive.reverse();
        }
        let naive: Vec<String> = naive.into_iter().map(|(_, id)| id).collect();
        let (found, _) = pages(&app, &path, "Slot", async || ()).await;
        assert_eq!(found, naive, "{path}");
        answered += usize::from(!naive.is_empty());
    }
    assert!(answered > CASES / 3, "only {answered} questions were answered with slots");
}

#[on_both]
async fn pages_stay_where_they_are_while_others_book(app: App) {
    let all = diary(&app, 14).await;
    let mut left = app.free_slots(UTC).await;
    // Those that are booked meanwhile lie all over the time that is searched.
    left.sort_by_key(|slot| slot.id.bytes().rev().collect::<Vec<_>>());
    let left = std::cell::RefCell::new(left);
    for sort in ["", "&_sort=date", "&_sort=-date"] {
        let path = format!("Appointment?date=ge2026-02-01&status=booked,cancelled&_count=3{sort}");
        let before = Question { patient: None, cancelled: None, from: "2026-02-01", sort: sort.strip_prefix("&_sort="), count: None };
        let (found, count) = pages(&app, &path, "Appointment", async || {
            let other = || left.borrow_mut().pop().unwrap();
            let (here, there) = (other(), other());
            app.booked(&here).await;
            let gone = app.booked(&there).await;
            app.cancel(gone["id"].as_str().unwrap(), "W/\"1\"", &cancelled(&gone)).await.expect(200);
        })
        .await;
        assert!(count > 4, "{count} pages");
        let known = before.naive(&all);
        let kept: Vec<&String> = found.iter().filter(|id| known.contains(id)).collect();
        assert_eq!(kept, known.iter().collect::<Vec<_>>(), "{sort}: every one that was there, once and in its order");
        let mut each = found.clone();
        each.sort();
        each.dedup();
        assert_eq!(each.len(), found.len(), "{sort}: nobody comes twice");
    }
}

#[on_both]
async fn the_directory_comes_by_id(app: App) {
    for kind in ["HealthcareService", "Location", "Organization", "Practitioner", "PractitionerRole", "Schedule"] {
        let (whole, _) = pages(&app, kind, kind, async || ()).await;
        let mut sorted = whole.clone();
        sorted.sort();
        assert_eq!(whole, sorted, "{kind}");
        assert_eq!(pages(&app, &format!("{kind}?_count=2"), kind, async || ()).await.0, sorted, "{kind}");
    }
}

#[on_both]
async fn another_order_is_left_out_or_refused(app: App) {
    for (search, accepted) in
        [("Appointment?date=ge2026-02-01&_sort=", "date or -date"), ("Slot?start=2026-02-11&_sort=", "start or -start")]
    {
        for other in ["status", "-status", "-_id", "", "date:asc"] {
            let ask = Ask::get(format!("{search}{other}")).on_provider();
            let lenient = app.ask(ask.clone()).await.expect(200).link("self").unwrap();
            assert!(!lenient.contains("_sort"), "{lenient}");
            let told = app.ask(ask.header("Prefer", "handling=strict")).await.refused(400, "value", "INVALID_PARAMETER");
            assert!(told.contains(accepted), "{told}");
        }
    }
    // The first that is known decides, because those after it only order what is equal.
    let link = async |sort: &str| {
        let ask = Ask::get(format!("Appointment?date=ge2026-02-01{sort}")).on_provider();
        app.ask(ask).await.expect(200).link("self").unwrap().split_once("2026-02-01").unwrap().1.to_owned()
    };
    assert_eq!(link("&_sort=-date,date").await, "&_sort=-date");
    assert_eq!(link("&_sort=date&_sort=-date").await, "&_sort=date");
    assert_eq!(link("&_sort=status,-date").await, "&_sort=-date");
    let strict = Ask::get("Appointment?date=ge2026-02-01&_sort=date,status").on_provider().header("Prefer", "handling=strict");
    app.ask(strict).await.refused(400, "value", "INVALID_PARAMETER");
    // On the booking root it is a parameter that nobody knows.
    let told = app.get("Appointment?patient=9990482136&_sort=date").await.issues(400)[0]["diagnostics"].to_string();
    assert!(told.contains("_sort"), "{told}");
}
