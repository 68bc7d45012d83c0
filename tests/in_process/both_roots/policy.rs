//! The provider's policy: what each consumer organisation sees, and what it may do (docs/contract.md#who-sees-whom;
//! docs/specification/infrastructure.md#uec-8, #uec-9 and #uec-11). What is hidden is as if it did not exist, wherever one asks.

use fhir::stu3::uec::compat::ApiVersion;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{
    Answer, App, Ask, CONSUMER, DENTAL, OTHER_CONSUMER, OUT_OF_HOURS, PROVIDER_ORGANISATION, PUBLIC_URL, Setup, Slot, UTC, booking,
    cancelled, found, on_both, put,
};

const ROOM_1: &str = "9f82a69f-a923-44ba-b27f-fff750fb6630";
const ROOM_2: &str = "036354c0-3dab-4d76-b059-4ddb798d5b1a";
const SHARED: &str = "a46d5281-a2e7-41eb-85a0-3377b260c64f";
const SURGERY: &str = "9fdc5bfd-17e7-4a9c-8b06-4f714e6f258f";
const DAYS: &str = "start=ge2026-02-11&start=lt2026-02-13";

const ONE_CONSUMER: &str = "[[consumer]]\nods = \"X9T20\"\n";
/// Everything but the dental surgery; the other consumer sees that as well.
const NO_DENTAL: &str = r#"
[[consumer]]
ods = "X9T20"
services = ["2000099901", "2000099902"]
read = "all"
[[consumer]]
ods = "X9T21"
"#;
/// Urgent treatment, also where it shares a schedule with the out of hours service, which is hidden.
const TWO_SERVICES: &str = "[[consumer]]\nods = \"X9T20\"\nservices = [\"2000099901\", \"2000099902\"]\n[default]\n";
const URGENT_ONLY: &str = "[[consumer]]\nods = \"X9T20\"\nservices = [\"2000099901\"]\n[default]\n";
const SETTINGS: &str = r#"
[[care_setting]]
name = "urgent, room 1"
services = ["2000099901"]
schedules = ["9f82a69f-a923-44ba-b27f-fff750fb6630"]
[[care_setting]]
name = "dental"
services = ["2000099903"]
[[consumer]]
ods = "X9T20"
care_settings = ["urgent, room 1", "dental"]
[[consumer]]
ods = "X9T21"
care_settings = ["urgent, room 1", "dental"]
services = ["2000099903"]
"#;
const VERSIONS: &str = "[[consumer]]\nods = \"X9T20\"\nspeaks = \"1.0.6\"\n[[consumer]]\nods = \"X9T21\"\n";

fn under(policy: &str) -> Setup {
    Setup::with(|setup| setup.policy = Some(policy.to_owned()))
}

/// An answer as JSON, but for what no two answers share.
fn bare(answer: &Answer, id: &str) -> String {
    let mut json = answer.json();
    if let Some(map) = json.as_object_mut() {
        map.remove("id");
    }
    format!("{} {}", answer.status, json.to_string().replace(id, "<id>"))
}

/// The first free slots of a service, as the provider sees them.
async fn slots_of(app: &App, service: &str) -> Vec<Slot> {
    let ask = Ask::get(format!("Slot?service={service}&status=free&{DAYS}")).of(PROVIDER_ORGANISATION);
    app.ask(ask).await.expect(200).all("Slot").iter().map(Slot::of).collect()
}

#[track_caller]
fn denied(answer: &Answer, says: &str) {
    let told = answer.refused(403, "forbidden", "ACCESS DENIED");
    assert!(told.contains(says), "{told}");
}

/// Proves F16.
#[on_both(under(ONE_CONSUMER))]
async fn whoever_is_not_named_is_refused_and_the_provider_is_not(app: App) {
    let slot = app.free_slot(UTC).await;
    let paths = ["Slot?service=2000099901&status=free", "Schedule", "HealthcareService/2000099901", "Appointment?_id=1", "Appointment/1"];
    for path in paths {
        denied(&app.ask(Ask::get(path).of("X1")).await, "does not admit organisation X1");
        denied(&app.ask(Ask::get(path).of("X1").on_provider()).await, "does not admit organisation X1");
        assert_ne!(app.ask(Ask::get(path)).await.status, 403, "{path}");
        assert_ne!(app.ask(Ask::get(path).of(PROVIDER_ORGANISATION)).await.status, 403, "{path}");
    }
    denied(&app.ask(Ask::book(&booking(&slot)).of("X1")).await, "does not admit organisation X1");
    app.ask(Ask::get("metadata").of("X1")).await.expect(200);
    assert_eq!(app.status_of(&slot.id).await, "free");
    // The provider does on its own services as it likes, named or not.
    let made = app.ask(Ask::book(&booking(&slot)).of(PROVIDER_ORGANISATION)).await.expect(201).json();
    let id = made["id"].as_str().unwrap();
    app.ask(Ask::cancel(id, "W/\"1\"", &cancelled(&made)).of(PROVIDER_ORGANISATION)).await.expect(200);
}

#[on_both(under("[default]\nbook = false\n"))]
async fn a_default_is_for_all_who_are_not_named(app: App) {
    let slot = app.free_slot(UTC).await;
    denied(&app.ask(Ask::book(&booking(&slot)).of("X1")).await, "does not let organisation X1 book");
    assert_eq!(app.status_of(&slot.id).await, "free");
}

/// What is hidden from the usual consumer: a slot, its schedule, its service.
async fn hidden_is_nowhere(app: &App, root: &'static str) {
    let slot = slots_of(app, DENTAL).await.swap_remove(0);
    let ask = async |path: String| app.ask(Ask::get(path).on(root)).await;
    let nothing = "00000000-0000-4000-8000-000000000000";
    for (path, id) in [("Slot", slot.id.as_str()), ("Schedule", SURGERY), ("HealthcareService", DENTAL)] {
        let (hidden, unknown) = (ask(format!("{path}/{id}")).await, ask(format!("{path}/{nothing}")).await);
        assert_eq!((hidden.status, bare(&hidden, id)), (404, bare(&unknown, nothing)), "{path}");
        app.ask(Ask::get(format!("{path}/{id}")).on(root).of(OTHER_CONSUMER)).await.expect(200);
    }
    let (hidden, unknown) = (ask(format!("Slot?service={DENTAL}&{DAYS}")).await, ask(format!("Slot?service=2999999999&{DAYS}")).await);
    assert_eq!(bare(&hidden, DENTAL), bare(&unknown, "2999999999"));
    let searched = [
        format!("Slot?_id={}", slot.id),
        format!("Slot?schedule={SURGERY}&{DAYS}"),
        format!("Schedule?_id={SURGERY}"),
        format!("Schedule?actor=HealthcareService/{DENTAL}"),
    ];
    for path in searched {
        let answer = ask(path.clone()).await.expect(200);
        assert_eq!((answer.total(), answer.json()["entry"].as_array().map_or(0, Vec::len)), (0, 0), "{path}");
    }
    // With what is seen beside it, only that is found.
    let seen = slots_of(app, UTC).await.swap_remove(0);
    assert_eq!(ask(format!("Slot?_id={},{}", slot.id, seen.id)).await.ids("Slot"), [seen.id]);
    let both = ask(format!("Slot?service={DENTAL},{UTC}&{DAYS}&_include=Slot:schedule&_include=Schedule:actor:HealthcareService")).await;
    assert!(!both.ids("Slot").is_empty() && both.ids("HealthcareService") == [UTC]);
    assert!(both.all("Slot").iter().all(|found| found["schedule"]["reference"] != format!("Schedule/{SURGERY}")));
    let all = ask("Schedule?_revinclude=Slot:schedule&date=2026-02-11".to_owned()).await.expect(200);
    assert!(!all.text().contains(SURGERY) && !all.text().contains(DENTAL) && all.text().contains(ROOM_1));
}

/// Proves F30.
#[on_both(under(NO_DENTAL))]
async fn what_is_hidden_is_nowhere_on_the_booking_root(app: App) {
    hidden_is_nowhere(&app, "/STU3/1/booking").await;
}

#[on_both(under(NO_DENTAL))]
async fn what_is_hidden_is_nowhere_on_the_provider_root(app: App) {
    hidden_is_nowhere(&app, "/STU3/1/provider").await;
    let services = app.ask(Ask::get("HealthcareService").on_provider()).await.expect(200);
    assert_eq!((services.ids("HealthcareService"), services.total()), (vec![UTC.to_owned(), OUT_OF_HOURS.to_owned()], 2));
    let every = app.ask(Ask::get(format!("Slot?{DAYS}")).on_provider()).await.expect(200);
    assert!(!every.text().contains(SURGERY));
    // Through an appointment of somebody who sees more, which reads-all does not reach either.
    let slot = slots_of(&app, DENTAL).await.swap_remove(0);
    let made = app.ask(Ask::book(&booking(&slot)).of(OTHER_CONSUMER)).await.expect(201).json();
    let id = made["id"].as_str().unwrap();
    app.ask(Ask::get(format!("Appointment/{id}"))).await.refused(403, "forbidden", "ACCESS DENIED");
    for query in [format!("slot=Slot/{}", slot.id), format!("_id={id}"), format!("actor=HealthcareService/{DENTAL}")] {
        let path = format!("Appointment?{query}&_include=Appointment:slot&_include=Appointment:actor");
        let found = app.ask(Ask::get(path.as_str()).on_provider()).await.expect(200);
        assert_eq!((found.total(), found.json()["entry"].as_array().map_or(0, Vec::len)), (0, 0), "{path}");
        assert_eq!(app.ask(Ask::get(path.as_str()).on_provider().of(OTHER_CONSUMER)).await.total(), 1, "{path}");
    }
}

/// Proves F30.
#[on_both(under(NO_DENTAL))]
async fn booking_a_hidden_slot_is_as_if_it_never_was(app: App) {
    let slots = slots_of(&app, DENTAL).await;
    let nothing = Slot { id: "00000000-0000-4000-8000-000000000000".to_owned(), ..slots[0].clone() };
    let unknown = bare(&app.book(&booking(&nothing)).await, &nothing.id);
    assert!(unknown.starts_with("422") && unknown.contains("there is no such slot here"), "{unknown}");
    // Free, taken, contradicted, begun: all the same to whoever does not see it.
    for _ in 0..2 {
        app.ask(Ask::book(&booking(&slots[1])).of(OTHER_CONSUMER)).await.expect(201);
    }
    let begun = app
        .ask(Ask::get(format!("Slot?schedule={SURGERY}&status=busy-unavailable&start=ge2026-02-10&start=le2026-02-11")).of(OTHER_CONSUMER))
        .await;
    let begun = begun.all("Slot").iter().map(Slot::of).next_back().expect("a slot that has begun");
    let cases =
        [booking(&slots[0]), booking(&slots[1]), put(booking(&slots[0]), "/contained/2/schedule/reference", "Schedule/1"), booking(&begun)];
    for (body, slot) in cases.iter().zip([&slots[0], &slots[1], &slots[0], &begun]) {
        assert_eq!(bare(&app.book(body).await, &slot.id), unknown);
    }
    let direct = |slot: &Slot| {
        let participant = json!([{"status": "accepted", "actor": {"display": "Imogen Whitlock",
            "identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990482136"}}}]);
        json!({"resourceType": "Appointment", "status": "booked", "description": "Toothache", "start": slot.start, "end": slot.end,
            "slot": [{"reference": format!("Slot/{}", slot.id)}], "participant": participant})
    };
    let asked = app.ask(Ask::book(&direct(&slots[0])).on_provider()).await;
    assert_eq!(bare(&asked, &slots[0].id), bare(&app.ask(Ask::book(&direct(&nothing)).on_provider()).await, &nothing.id));
    assert_eq!(app.live_in(&slots[0].id).await, 0);
    app.ask(Ask::book(&direct(&slots[0])).on_provider().of(OTHER_CONSUMER)).await.expect(201);
}

#[on_both(under(NO_DENTAL))]
async fn validating_tells_a_hidden_slot_from_nothing_either(app: App) {
    let slots = slots_of(&app, DENTAL).await;
    let nothing = Slot { id: "00000000-0000-4000-8000-000000000000".to_owned(), ..slots[0].clone() };
    let validate = |slot: &Slot| Ask::new("POST", "Appointment/$validate").bytes(booking(slot).to_string());
    let hidden = app.ask(validate(&slots[0])).await.expect(200);
    assert!(hidden.text().contains("there is no such slot here"), "{}", hidden.text());
    assert_eq!(bare(&hidden, &slots[0].id), bare(&app.ask(validate(&nothing)).await, &nothing.id));
    assert!(app.ask(validate(&slots[0]).of(OTHER_CONSUMER)).await.expect(200).text().contains("All OK"));
}

#[on_both(under(TWO_SERVICES))]
async fn a_schedule_that_shows_another_service_has_changed(app: App) {
    let shared = "Schedule/a46d5281-a2e7-41eb-85a0-3377b260c64f";
    for root in ["/STU3/1/booking", "/STU3/1/provider"] {
        app.policy(TWO_SERVICES);
        let before = app.ask(Ask::get(shared).on(root)).await.expect(200);
        app.policy(URGENT_ONLY);
        let after = app.ask(Ask::get(shared).on(root).header("If-None-Match", before.header("ETag"))).await.expect(200);
        let shown = |answer: &Answer| answer.json()["actor"][0]["reference"].as_str().unwrap().to_owned();
        assert_eq!((shown(&before).as_str(), shown(&after).as_str()), ("HealthcareService/2000099902", "HealthcareService/2000099901"));
    }
}

#[on_both(under(URGENT_ONLY))]
async fn a_schedule_is_not_reached_through_a_service_that_is_hidden(app: App) {
    let include = "_include=Slot:schedule&_include=Schedule:actor:HealthcareService";
    app.search(&format!("service={OUT_OF_HOURS}&{DAYS}")).await.refused(404, "not-found", "NO_RECORD_FOUND");
    let shared = app.search(&format!("schedule={SHARED}&{DAYS}&{include}")).await.expect(200);
    assert!(!shared.ids("Slot").is_empty());
    // Its primary service is the hidden one.
    assert!(!shared.text().contains(OUT_OF_HOURS) && shared.ids("HealthcareService") == [UTC]);
    for root in ["/STU3/1/booking", "/STU3/1/provider"] {
        let schedule = app.ask(Ask::get(format!("Schedule/{SHARED}")).on(root)).await.expect(200).text();
        assert!(schedule.contains(UTC) && !schedule.contains(OUT_OF_HOURS), "{schedule}");
    }
    let none = app.ask(Ask::get(format!("Schedule?actor=HealthcareService/{OUT_OF_HOURS}"))).await.expect(200);
    assert_eq!(none.total(), 0);
    let free = shared.all("Slot").into_iter().find(|slot| slot["status"] == "free").expect("a free slot");
    let slot = Slot::of(&free);
    let of_hidden = |service: &str| {
        put(booking(&slot), "/participant/-", json!({"actor": {"reference": format!("HealthcareService/{service}")}, "status": "accepted"}))
    };
    let (hidden, unknown) = (app.book(&of_hidden(OUT_OF_HOURS)).await, app.book(&of_hidden("2999999999")).await);
    assert_eq!((hidden.status, bare(&hidden, OUT_OF_HOURS)), (422, bare(&unknown, "2999999999")));
    // What it books is for the service it sees.
    let made = app.booked(&slot).await;
    let of = |service: &str| Ask::get(format!("Appointment?actor=HealthcareService/{service}&slot={}", slot.id)).on_provider();
    assert_eq!(app.ask(of(UTC).of(PROVIDER_ORGANISATION)).await.ids("Appointment"), [made["id"].as_str().unwrap()]);
    assert_eq!(app.ask(of(UTC)).await.total(), 1);
}

#[on_both(Setup::with(|setup| {
        setup.policy = Some(URGENT_ONLY.to_owned());
        setup.engine.slots_max = 100;
    }))]
async fn totals_pages_and_limits_count_what_is_seen(app: App) {
    let day = "start=ge2026-02-11T00:00:00Z&start=lt2026-02-12T00:00:00Z";
    let room = format!("schedule={ROOM_1},{SURGERY}&{day}");
    let seen = found(&app, &format!("schedule={ROOM_1}&{day}")).await;
    assert_eq!(found(&app, &room).await, seen);
    assert_eq!(app.search(&format!("{room}&_count=0")).await.total(), u64::try_from(seen.len()).unwrap());
    let (mut pages, mut next) = (Vec::new(), Some(format!("Slot?{room}&_count=7")));
    while let Some(path) = next {
        let page = app.get(&path).await.expect(200);
        assert_eq!(page.total(), u64::try_from(seen.len()).unwrap());
        pages.extend(page.all("Slot").iter().map(Slot::of));
        next = page.link("next").map(|url| url.strip_prefix(&format!("{PUBLIC_URL}/STU3/1/booking/")).unwrap().to_owned());
    }
    assert_eq!(pages, seen);
    // Too many for whoever sees all of them; few enough for whoever does not.
    let few = format!("Slot?schedule={ROOM_1},{SHARED},{SURGERY},31d8ef81-5b5e-4f73-95ac-45c978dc26ac&{day}");
    app.ask(Ask::get(few.as_str()).of(OTHER_CONSUMER)).await.refused(422, "too-costly", "INVALID_PARAMETER");
    app.get(&few).await.expect(200);
    let schedules = app.ask(Ask::get("Schedule?_count=2").on_provider()).await.expect(200);
    assert_eq!((schedules.total(), schedules.ids("Schedule").len()), (4, 2));
}

/// Numbers that look like chance and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    /// Some of `all`, at least one; or all, as `None`.
    fn some<'a>(&mut self, all: &[&'a str]) -> Option<BTreeSet<&'a str>> {
        if self.below(3) == 0 {
            return None;
        }
        let always = self.below(all.len());
        Some(all.iter().enumerate().filter(|(at, _)| *at == always || self.below(2) == 0).map(|(_, id)| *id).collect())
    }
}

fn list(key: &str, names: Option<&BTreeSet<&str>>) -> String {
    names.map_or_else(String::new, |names| format!("{key} = {:?}\n", names.iter().collect::<Vec<_>>()))
}

/// Goal: what a search gives under a policy is what it gives without, less what is hidden. Method: random policies, and
/// for each the whole diary once unfiltered, filtered here by a rule of its own, and once through the policy.
#[on_both]
async fn a_search_under_a_policy_leaves_out_only_what_is_hidden(app: App) {
    let services = [UTC, OUT_OF_HOURS, DENTAL];
    let everything = app.ask(Ask::get(format!("Slot?{DAYS}")).on_provider()).await.expect(200);
    let slots: Vec<Slot> = everything.all("Slot").iter().map(Slot::of).collect();
    let mut serves: Vec<(String, &str)> = Vec::new();
    for service in services {
        let of = app.ask(Ask::get(format!("Schedule?actor=HealthcareService/{service}")).on_provider()).await;
        serves.extend(of.ids("Schedule").into_iter().map(|schedule| (schedule, service)));
    }
    let schedules: Vec<&str> = serves.iter().map(|(schedule, _)| schedule.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    let mut dice = Dice(20_260_211);
    for round in 0..25 {
        let views: Vec<_> = (0..1 + dice.below(3)).map(|_| (dice.some(&services), dice.some(&schedules))).collect();
        let settings: String = views.iter().enumerate().fold(String::new(), |text, (n, (services, schedules))| {
            format!(
                "{text}[[care_setting]]\nname = \"{n}\"\n{}{}",
                list("services", services.as_ref()),
                list("schedules", schedules.as_ref())
            )
        });
        let named: Vec<String> = (0..views.len()).map(|n| n.to_string()).collect();
        let policy = format!("{settings}[[consumer]]\nods = \"X9T20\"\ncare_settings = {named:?}\n[default]\n");
        app.policy(&policy);
        let sees = |schedule: &str, service: &str| {
            let admits = |names: &Option<BTreeSet<&str>>, id: &str| names.as_ref().is_none_or(|names| names.contains(id));
            views.iter().any(|(services, schedules)| admits(services, service) && admits(schedules, schedule))
        };
        let through = |schedule: &str, asked: &[&str]| {
            serves.iter().any(|(of, service)| of == schedule && asked.contains(service) && sees(schedule, service))
        };
        let asks = |asked: &[&str]| slots.iter().filter(|slot| through(&slot.schedule, asked)).cloned().collect::<Vec<_>>();
        let got = app.ask(Ask::get(format!("Slot?{DAYS}")).on_provider()).await.expect(200);
        assert_eq!(got.all("Slot").iter().map(Slot::of).collect::<Vec<_>>(), asks(&services), "round {round}: {policy}");
        assert_eq!(got.total(), u64::try_from(asks(&services).len()).unwrap(), "round {round}: {policy}");
        let service = services[dice.below(3)];
        let got = app.ask(Ask::get(format!("Slot?service={service}&{DAYS}")).on_provider()).await.expect(200);
        assert_eq!(got.all("Slot").iter().map(Slot::of).collect::<Vec<_>>(), asks(&[service]), "round {round}, {service}: {policy}");
        let got = app.ask(Ask::get("Schedule").on_provider()).await.expect(200);
        let seen: Vec<&str> = schedules.iter().copied().filter(|schedule| through(schedule, &services)).collect();
        assert_eq!(got.ids("Schedule"), seen, "round {round}: {policy}");
        let slot = &slots[dice.below(slots.len())];
        let status = if through(&slot.schedule, &services) { 200 } else { 404 };
        assert_eq!(app.get(&format!("Slot/{}", slot.id)).await.status, status, "round {round}: {policy}");
    }
}

#[on_both(under(SETTINGS))]
async fn care_settings_add_up_and_own_lists_narrow_them(app: App) {
    let schedules = async |ods: &str| app.ask(Ask::get("Schedule").of(ods)).await.expect(200).ids("Schedule");
    assert_eq!(schedules(CONSUMER).await, [ROOM_1, SURGERY]);
    assert_eq!(schedules(OTHER_CONSUMER).await, [SURGERY]);
    app.get(&format!("Schedule/{ROOM_2}")).await.refused(404, "not-found", "NO_RECORD_FOUND");
    let slots = slots_of(&app, UTC).await;
    for (slot, ods) in slots.iter().take(40).flat_map(|slot| [(slot, CONSUMER), (slot, OTHER_CONSUMER)]) {
        let answer = app.ask(Ask::book(&booking(slot)).of(ods)).await;
        let status = if slot.schedule == ROOM_1 && ods == CONSUMER { 201 } else { 422 };
        assert_eq!(answer.status, status, "{} {ods}: {}", slot.schedule, answer.text());
    }
}

/// Proves F16.
#[on_both(under("[[consumer]]\nods = \"X9T20\"\nbook = false\n"))]
async fn whoever_may_not_book_is_told_so(app: App) {
    let slot = app.free_slot(UTC).await;
    for ask in [Ask::book(&booking(&slot)), Ask::book(&booking(&slot)).on_provider(), Ask::book(&json!({"resourceType": "nonsense"}))] {
        denied(&app.ask(ask).await, "does not let organisation X9T20 book");
    }
    assert_eq!(app.status_of(&slot.id).await, "free");
}

/// Proves F46.
#[on_both]
async fn whoever_may_not_cancel_is_told_so(app: App) {
    let made = app.booked(&app.free_slot(UTC).await).await;
    let cancel = Ask::cancel(made["id"].as_str().unwrap(), "W/\"1\"", &cancelled(&made));
    app.policy("[[consumer]]\nods = \"X9T20\"\ncancel = \"none\"\n[default]\n");
    denied(&app.ask(cancel.clone()).await, "does not let organisation X9T20 cancel");
    assert_eq!(app.get(&format!("Appointment/{}", made["id"].as_str().unwrap())).await.expect(200).json()["status"], "booked");
    app.ask(cancel.of(PROVIDER_ORGANISATION)).await.expect(200);
}

#[on_both]
async fn whoever_reads_all_reads_what_others_booked_in_what_it_sees(app: App) {
    let urgent = app.booked(&app.free_slot(UTC).await).await;
    let dental = app.booked(&app.free_slot(DENTAL).await).await;
    let [urgent_id, dental_id] = [&urgent, &dental].map(|made| made["id"].as_str().unwrap());
    let patient = "Appointment?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|9990482136";
    let others = |path: &str| Ask::get(path).of(OTHER_CONSUMER);
    app.policy("[[consumer]]\nods = \"X9T21\"\nservices = [\"2000099901\"]\nread = \"all\"\n[default]\n");
    app.ask(others(&format!("Appointment/{urgent_id}"))).await.expect(200);
    app.ask(others(&format!("Appointment/{urgent_id}/_history/1"))).await.expect(200);
    app.ask(others(&format!("Appointment/{urgent_id}/_history")).on_provider()).await.expect(200);
    app.ask(others(&format!("Appointment/{dental_id}"))).await.refused(403, "forbidden", "ACCESS DENIED");
    let found = app.ask(others(patient)).await.expect(200);
    assert_eq!((found.ids("Appointment"), found.total()), (vec![urgent_id.to_owned()], 1));
    // Reading is not cancelling.
    let cancel = Ask::cancel(urgent_id, "W/\"1\"", &cancelled(&urgent)).of(OTHER_CONSUMER);
    denied(&app.ask(cancel).await, "lets organisation X9T21 read it, not cancel it");
    app.policy("[[consumer]]\nods = \"X9T21\"\nschedules = [\"9fdc5bfd-17e7-4a9c-8b06-4f714e6f258f\"]\nread = \"all\"\n[default]\n");
    assert_eq!(app.ask(others(patient)).await.expect(200).ids("Appointment"), [dental_id]);
    app.policy("[[consumer]]\nods = \"X9T21\"\nread = \"all\"\n[default]\n");
    assert_eq!(app.ask(others(patient)).await.expect(200).total(), 2);
    app.policy("[default]\n");
    assert_eq!(app.ask(others(patient)).await.expect(200).total(), 0);
}

/// Proves F46.
#[on_both]
async fn whoever_cancels_all_cancels_what_others_booked(app: App) {
    let urgent = app.booked(&app.free_slot(UTC).await).await;
    let dental = app.booked(&app.free_slot(DENTAL).await).await;
    let cancel = |made: &Value| Ask::cancel(made["id"].as_str().unwrap(), "W/\"1\"", &cancelled(made)).of(OTHER_CONSUMER);
    app.policy("[[consumer]]\nods = \"X9T21\"\nservices = [\"2000099901\"]\nread = \"all\"\ncancel = \"all\"\n[default]\n");
    app.ask(cancel(&dental)).await.refused(403, "forbidden", "ACCESS DENIED");
    app.ask(cancel(&urgent)).await.expect(200);
}

#[on_both]
async fn its_own_bookings_stay_its_own_when_their_service_is_hidden(app: App) {
    let slot = app.free_slot(DENTAL).await;
    let made = app.booked(&slot).await;
    let id = made["id"].as_str().unwrap();
    app.policy(NO_DENTAL);
    app.get(&format!("Appointment/{id}")).await.expect(200);
    let patient = "Appointment?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|9990482136";
    let listed = app.ask(Ask::get(format!("{patient}&_include=Appointment:slot")).on_provider()).await.expect(200);
    assert_eq!((listed.ids("Appointment"), listed.ids("Slot").len()), (vec![id.to_owned()], 0));
    app.get(&format!("Slot/{}", slot.id)).await.refused(404, "not-found", "NO_RECORD_FOUND");
    app.cancel(id, "W/\"1\"", &cancelled(&made)).await.expect(200);
    let there =
        app.ask(Ask::get(format!("{patient}&_include=Appointment:slot&date=ge2026-02-10")).on_provider().of(PROVIDER_ORGANISATION)).await;
    assert_eq!(there.ids("Slot"), [slot.id]);
}

#[on_both(under(ONE_CONSUMER))]
async fn another_policy_is_for_the_next_request(app: App) {
    let ask = Ask::get("Schedule").of(OTHER_CONSUMER);
    denied(&app.ask(ask.clone()).await, "does not admit organisation X9T21");
    app.policy("[[consumer]]\nods = \"x9t21\"\n");
    app.ask(ask).await.expect(200);
    denied(&app.ask(Ask::get("Schedule")).await, "does not admit organisation X9T20");
}

#[on_both(under(VERSIONS))]
async fn each_consumer_is_spoken_to_in_its_version(app: App) {
    let slots = slots_of(&app, UTC).await;
    let without_key = |at: usize, ods: &str| Ask::book(&booking(&slots[at])).without("X-Request-ID").of(ods);
    app.ask(without_key(0, CONSUMER)).await.expect(201);
    app.ask(without_key(1, OTHER_CONSUMER)).await.refused(400, "required", "MISSING_OR_INVALID_HEADER");
    // `created` is the consumer's until 2.0.2.
    let kept = app.ask(Ask::book(&put(booking(&slots[2]), "/created", "2026-02-01T00:00:00+00:00"))).await.expect(201).json();
    assert_eq!(kept["created"], "2026-02-01T00:00:00+00:00");
    let set = app.ask(Ask::book(&put(booking(&slots[3]), "/created", "2026-02-01T00:00:00+00:00")).of(OTHER_CONSUMER)).await.expect(201);
    assert_eq!(set.json()["created"], "2026-02-10T09:00:00.000+00:00");
    // `end` is a parameter until 2.0.4.
    let ends = format!("Slot?service={UTC}&{DAYS}&end=lt2026-02-11T10:00:00Z");
    let (restricted, ignored) =
        (app.get(&ends).await.expect(200).total(), app.ask(Ask::get(ends.as_str()).of(OTHER_CONSUMER)).await.total());
    assert!(restricted < ignored, "{restricted} {ignored}");
}

#[on_both(Setup::with(|setup| {
        setup.policy = Some("[[consumer]]\nods = \"X9T20\"\nspeaks = \"2.0.4\"\n[default]\n".to_owned());
        setup.compat = ApiVersion::V1_0_6;
    }))]
async fn a_consumer_may_be_held_to_a_later_version_than_the_others(app: App) {
    let slots = slots_of(&app, UTC).await;
    let without_key = |at: usize, ods: &str| Ask::book(&booking(&slots[at])).without("X-Request-ID").of(ods);
    app.ask(without_key(0, OTHER_CONSUMER)).await.expect(201);
    app.ask(without_key(1, CONSUMER)).await.refused(400, "required", "MISSING_OR_INVALID_HEADER");
}
