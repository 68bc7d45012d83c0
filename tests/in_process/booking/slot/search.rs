//! Searching slots (docs/contract.md#wire-rules; docs/specification/uec.md#a6-slot-search): parameters, includes,
//! windows, what is offered, totals and pages, limits.

use serde_json::Value;
use std::collections::BTreeSet;
use testkit::{Answer, App, Ask, DENTAL, OUT_OF_HOURS, PUBLIC_URL, Slot, UTC, WALK_IN, booking, cancelled, found, on_both, starts};

/// All of Wednesday and Thursday.
const DAYS: &str = "start=ge2026-02-11&start=lt2026-02-13";
const ROOM_1: &str = "9f82a69f-a923-44ba-b27f-fff750fb6630";
const SHARED: &str = "a46d5281-a2e7-41eb-85a0-3377b260c64f";

const ALL_INCLUDES: &str = "_include=Slot:schedule&_include:iterate=Schedule:actor:Practitioner\
    &_include:iterate=Schedule:actor:PractitionerRole&_include:iterate=Schedule:actor:HealthcareService\
    &_include:iterate=HealthcareService:providedBy&_include:iterate=HealthcareService:location";

#[on_both]
async fn every_spelling_of_the_service_finds_the_same_slots(app: App) {
    let expected = found(&app, &format!("service={UTC}&{DAYS}")).await;
    assert!(expected.len() > 100, "{}", expected.len());
    for spelling in [
        format!("schedule.actor:healthcareservice={UTC}"),
        format!("schedule.actor%3Ahealthcareservice={UTC}"),
        format!("schedule.actor:HealthcareService={UTC}"),
        format!("schedule.actor:healthcareservice=HealthcareService/{UTC}"),
        format!("schedule.actor:healthcareservice=https://fhir.nhs.uk/Id/dos-service-id|{UTC}"),
        format!("schedule.actor=HealthcareService/{UTC}"),
        format!("service={UTC}&service={UTC}"),
        format!("service={UTC},2999999999"),
    ] {
        assert_eq!(found(&app, &format!("{spelling}&{DAYS}")).await, expected, "{spelling}");
    }
}

/// Proves F20.
#[on_both]
async fn every_spelling_of_an_include_gives_its_resource(app: App) {
    let to_schedule = "_include=Slot:schedule";
    let to_service = "_include=Slot:schedule&_include=Schedule:actor:HealthcareService";
    let cases: [(&str, &str, &[&str]); 6] = [
        ("", "Schedule", &["_include=Slot:schedule", "_include:iterate=Slot:schedule", "_include=slot:schedule", "_include=Slot.schedule"]),
        (
            to_schedule,
            "Practitioner",
            &[
                "_include:iterate=Schedule:actor:Practitioner",
                "_include=Schedule:actor:Practitioner",
                "_include:recurse=Schedule:actor:Practitioner",
                "_include=schedule:actor:practitioner",
                "_include%3Aiterate=Schedule%3Aactor%3APractitioner",
            ],
        ),
        (
            to_schedule,
            "PractitionerRole",
            &[
                "_include:iterate=Schedule:actor:PractitionerRole",
                "_include=Schedule:actor:PractitionerRole",
                "_include:recurse=Schedule:actor:PractitionerRole",
            ],
        ),
        (
            to_schedule,
            "HealthcareService",
            &[
                "_include:iterate=Schedule:actor:HealthcareService",
                "_include=Schedule:actor:HealthcareService",
                "_include:recurse=Schedule:actor:HealthcareService",
            ],
        ),
        (
            to_service,
            "Organization",
            &[
                "_include:iterate=HealthcareService:Organization",
                "_include=HealthcareService.providedBy",
                "_include:recurse=HealthcareService:providedBy",
                "_include=HealthcareService:providedBy",
                "_include:iterate=HealthcareService:providedBy",
            ],
        ),
        (
            to_service,
            "Location",
            &[
                "_include:iterate=HealthcareService:Location",
                "_include:iterate=HealthcareService:location",
                "_include=HealthcareService.location",
                "_include:recurse=HealthcareService:location",
            ],
        ),
    ];
    for (before, kind, spellings) in cases {
        let without = app.search(&format!("service={UTC}&{DAYS}&{before}")).await.expect(200);
        assert!(without.all(kind).is_empty(), "{kind} though not asked");
        for spelling in spellings {
            let answer = app.search(&format!("service={UTC}&{DAYS}&{before}&{spelling}")).await.expect(200);
            assert!(!answer.all(kind).is_empty(), "{spelling} gives no {kind}");
            assert_eq!(answer.ids("Slot"), without.ids("Slot"), "{spelling} changes the slots");
        }
    }
}

#[on_both]
async fn an_include_is_reached_through_the_one_before_it(app: App) {
    for orphan in [
        "_include=Schedule:actor:Practitioner",
        "_include:iterate=Schedule:actor:HealthcareService",
        "_include=Schedule:actor:HealthcareService&_include=HealthcareService.providedBy",
        "_include=Slot:schedule&_include=HealthcareService.providedBy&_include=HealthcareService:location",
    ] {
        let answer = app.search(&format!("service={UTC}&{DAYS}&{orphan}")).await.expect(200);
        let mut kinds: BTreeSet<String> = kinds_in(&answer);
        kinds.remove("Schedule");
        assert_eq!(kinds, BTreeSet::from(["Slot".to_owned()]), "{orphan}");
    }
}

fn kinds_in(answer: &Answer) -> BTreeSet<String> {
    let entries = answer.json()["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["resource"]["resourceType"].as_str().unwrap().to_owned()).collect()
}

/// Proves F31.
#[on_both]
async fn without_includes_there_are_slots_only(app: App) {
    let answer = app.search(&format!("service={UTC}&status=free&{DAYS}")).await.expect(200);
    assert_eq!(kinds_in(&answer), BTreeSet::from(["Slot".to_owned()]));
    assert_eq!(answer.total(), answer.all("Slot").len() as u64);
}

/// Proves F31.
#[on_both]
async fn an_unknown_include_and_a_reverse_include_give_nothing(app: App) {
    let plain = app.search(&format!("service={UTC}&{DAYS}")).await.expect(200);
    for include in [
        "_include=Slot:elephant",
        "_include=",
        "_include=*",
        "_revinclude=Slot:schedule",
        "_revinclude:iterate=Schedule:actor:Practitioner",
    ] {
        let answer = app.search(&format!("service={UTC}&{DAYS}&{include}")).await.expect(200);
        assert_eq!(answer.json()["entry"], plain.json()["entry"], "{include}");
    }
    // Beside real includes too.
    let asked = format!("service={UTC}&{DAYS}&_include=Slot:schedule");
    let with = app.search(&format!("{asked}&_revinclude=Slot:schedule")).await.expect(200);
    assert_eq!(with.json()["entry"], app.search(&asked).await.json()["entry"]);
}

/// Proves F21, F22, F23, F26.
#[on_both]
async fn a_bundle_passes_the_checks_of_the_official_harness(app: App) {
    for service in [UTC, OUT_OF_HOURS, DENTAL] {
        let answer = app.search(&format!("service={service}&status=free&{DAYS}&{ALL_INCLUDES}")).await.expect(200);
        assert!(answer.total() > 0);
        passes_the_harness(&answer, "2026-02-11T00:00:00.000+00:00", "2026-02-13T00:00:00.000+00:00");
    }
}

/// See docs/specification/uec.md#a6-slot-search, "Harness checks on the Bundle", 1 to 8.
fn passes_the_harness(answer: &Answer, from: &str, until: &str) {
    // 1
    for kind in ["Slot", "Schedule", "HealthcareService", "Practitioner", "PractitionerRole", "Location", "Organization"] {
        let ids = answer.ids(kind);
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{kind} twice");
    }
    let text =
        |resource: &Value, at: &str| resource.pointer(at).and_then(Value::as_str).unwrap_or_else(|| panic!("{at}: {resource}")).to_owned();
    let schedules = answer.ids("Schedule");
    // 2 and 3
    for slot in answer.all("Slot") {
        assert_eq!(text(&slot, "/meta/profile/0"), "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Slot-1");
        assert_eq!(slot["identifier"].as_array().unwrap().len(), 1);
        assert_eq!(text(&slot, "/identifier/0/system"), "https://tools.ietf.org/html/rfc4122");
        assert_eq!(text(&slot, "/identifier/0/value"), text(&slot, "/id"));
        let (start, end) = (text(&slot, "/start"), text(&slot, "/end"));
        assert!(start < end && from <= start.as_str() && start.as_str() < until, "{slot}");
        assert_eq!(text(&slot, "/status"), "free");
        let schedule = text(&slot, "/schedule/reference");
        assert!(schedules.iter().any(|id| schedule == format!("Schedule/{id}")), "{schedule}");
    }
    // 4 and 5
    for schedule in answer.all("Schedule") {
        let actors: Vec<String> = schedule["actor"].as_array().unwrap().iter().map(|actor| text(actor, "/reference")).collect();
        let of = |kind: &str| actors.iter().filter_map(|a| a.strip_prefix(&format!("{kind}/"))).map(str::to_owned).collect::<Vec<_>>();
        assert!((1..=3).contains(&actors.len()), "{actors:?}");
        assert_eq!(of("HealthcareService").len(), 1, "{actors:?}");
        assert!(of("Practitioner").len() <= 1 && of("PractitionerRole").len() <= 1, "{actors:?}");
        for kind in ["Practitioner", "HealthcareService", "PractitionerRole"] {
            assert!(of(kind).iter().all(|id| answer.ids(kind).contains(id)), "{actors:?}");
        }
        assert_eq!(schedule["identifier"].as_array().unwrap().len(), 1);
    }
    // 6
    assert_eq!(answer.all("Practitioner").len(), answer.all("PractitionerRole").len());
    for practitioner in answer.all("Practitioner") {
        let identifiers = practitioner["identifier"].as_array().unwrap();
        let role = identifiers.iter().find(|i| i["system"] == "https://fhir.nhs.uk/Id/sds-role-profile-id").expect("a role profile");
        assert!(answer.ids("PractitionerRole").contains(&text(role, "/value")));
    }
    // 7 and 8
    let providers: Vec<String> = answer.all("HealthcareService").iter().map(|service| text(service, "/providedBy/reference")).collect();
    assert_eq!(providers.len(), answer.all("Organization").len());
    for service in answer.all("HealthcareService") {
        assert!(!service["identifier"].as_array().unwrap().is_empty());
        assert_eq!(text(&service, "/identifier/0/value"), text(&service, "/id"));
        assert_eq!(service["location"].as_array().unwrap().len(), 1);
        assert!(text(&service, "/location/0/reference").starts_with("Location/"));
    }
}

/// Proves F20.
#[on_both]
async fn a_searchset_looks_as_the_standard_says(app: App) {
    let query = format!("service={UTC}&status=free&{DAYS}&_include=Slot:schedule");
    let answer = app.search(&query).await.expect(200);
    let bundle = answer.json();
    assert_eq!(bundle["type"], "searchset");
    assert!(bundle.get("id").is_none() && bundle["meta"].get("lastUpdated").is_none(), "{}", bundle["meta"]);
    let slots = answer.all("Slot").len() as u64;
    assert_eq!(answer.total(), slots);
    assert!(answer.link("next").is_none());
    let own = answer.link("self").unwrap();
    assert!(own.starts_with(&format!("{PUBLIC_URL}/STU3/1/booking/Slot?")), "{own}");
    for honoured in ["2000099901", "status=free", "Slot%3Aschedule"] {
        assert!(own.contains(honoured), "{own}");
    }
    let mut last = (String::new(), String::new());
    for entry in bundle["entry"].as_array().unwrap() {
        let resource = &entry["resource"];
        let (kind, id) = (resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        assert_eq!(entry["fullUrl"], format!("{PUBLIC_URL}/STU3/1/booking/{kind}/{id}"));
        assert_eq!(entry["search"]["mode"], if kind == "Slot" { "match" } else { "include" });
        if kind == "Slot" {
            let now = (resource["start"].as_str().unwrap().to_owned(), id.to_owned());
            assert!(last < now, "slots are not in order of start");
            last = now;
        }
    }
    // The self link asks the same question.
    let again = app.get(own.split("/booking/").nth(1).unwrap()).await.expect(200);
    assert_eq!(again.json()["entry"], bundle["entry"]);
}

#[on_both]
async fn status_is_a_list(app: App) {
    let slot = app.free_slot(UTC).await;
    app.booked(&slot).await;
    let of = async |status: &str| found(&app, &format!("service={UTC}&start=ge2026-02-10T09:00:01Z&start=lt2026-02-12{status}")).await;
    let (free, busy, all) = (of("&status=free").await, of("&status=busy").await, of("").await);
    assert!(busy.contains(&slot) && !free.contains(&slot));
    assert!(busy.len() > 1 && free.len() > busy.len());
    assert_eq!(free.len() + busy.len(), all.len());
    for both in ["&status=free,busy", "&status=busy%2Cfree", "&status=http://hl7.org/fhir/slotstatus|free,busy"] {
        assert_eq!(of(both).await, all, "{both}");
    }
    // A parameter given twice means both at once.
    assert!(of("&status=free&status=busy").await.is_empty());
    assert!(of("&status=busy-tentative").await.is_empty());
    assert!(of("&status=entered-in-error").await.is_empty());
}

/// Proves F30.
#[on_both]
async fn only_the_future_is_offered(app: App) {
    let window = format!("service={UTC}&status=free&start=ge2026-02-09&start=lt2026-02-11");
    for (now, first) in [("2026-02-10T09:00:00Z", "2026-02-10T09:00:00"), ("2026-02-10T11:59:59.999Z", "2026-02-10T11:59:59")] {
        app.it_is(now);
        let offered = found(&app, &window).await;
        assert!(!offered.is_empty());
        assert!(offered.iter().all(|slot| slot.start.as_str() > first), "{now}: {:?}", starts(&offered)[0]);
    }
    // A slot that begins now has begun.
    let next = found(&app, &window).await.remove(0);
    assert!(next.start.starts_with("2026-02-10T12:00:00"), "{}", next.start);
    app.it_is("2026-02-10T12:00:00Z");
    assert!(!found(&app, &window).await.iter().any(|slot| slot.start == next.start));
}

/// Proves F30.
#[on_both]
async fn what_is_blocked_is_never_free(app: App) {
    let lunch = |slot: &Slot| ["12:30", "12:45", "13:00"].iter().any(|time| slot.start == format!("2026-02-11T{time}:00.000+00:00"));
    let free = found(&app, &format!("schedule={ROOM_1}&status=free&start=2026-02-11")).await;
    let all = found(&app, &format!("schedule={ROOM_1}&start=2026-02-11")).await;
    assert_eq!((free.iter().filter(|s| lunch(s)).count(), all.iter().filter(|s| lunch(s)).count()), (0, 3));
    assert_eq!(all.len(), free.len() + 3);
    for slot in all.iter().filter(|slot| lunch(slot)) {
        assert_eq!(app.status_of(&slot.id).await, "busy");
    }
}

#[on_both]
async fn a_slot_that_has_begun_is_never_shown_as_free(app: App) {
    let begun = found(&app, &format!("schedule={ROOM_1}&start=ge2026-02-10T08:00:00Z&start=le2026-02-10T09:00:00Z")).await;
    assert_eq!(begun.len(), 5);
    for slot in begun {
        assert_eq!(app.status_of(&slot.id).await, "busy-unavailable");
    }
    let shown = app.search(&format!("service={UTC}&start=2026-02-10&status=free,busy,busy-unavailable")).await.expect(200);
    for slot in shown.all("Slot") {
        assert!(slot["status"] != "free" || slot["start"].as_str().unwrap() > "2026-02-10T09:00:00.000+00:00", "{slot}");
    }
}

/// Proves F25.
#[on_both]
async fn all_diaries_of_a_service_are_in_one_answer(app: App) {
    let schedules: BTreeSet<String> =
        found(&app, &format!("service={UTC}&status=free&{DAYS}")).await.into_iter().map(|s| s.schedule).collect();
    assert_eq!(schedules.len(), 4, "{schedules:?}");
    assert!(schedules.contains(SHARED));
}

#[on_both]
async fn a_shared_schedule_shows_the_service_searched_for(app: App) {
    for service in [UTC, OUT_OF_HOURS] {
        let answer = app.search(&format!("service={service}&{DAYS}&{ALL_INCLUDES}")).await.expect(200);
        assert_eq!(answer.ids("HealthcareService"), [service]);
        let shared = answer.all("Schedule").into_iter().find(|schedule| schedule["id"] == SHARED).unwrap();
        assert!(shared["actor"].as_array().unwrap().iter().any(|a| a["reference"] == format!("HealthcareService/{service}")), "{shared}");
    }
    // Without a service searched for it is the primary one.
    let answer = app.search(&format!("schedule={SHARED}&{DAYS}&{ALL_INCLUDES}")).await.expect(200);
    assert_eq!(answer.ids("HealthcareService"), [OUT_OF_HOURS]);
}

#[on_both]
async fn an_unknown_parameter_is_named_with_those_that_are_known(app: App) {
    for (unknown, name) in [
        ("startXXXXXXX=ge2026-02-11", "startXXXXXXX"),
        ("Status=free", "Status"),
        ("statuss=free", "statuss"),
        ("status:not=free", "status:not"),
        ("_sort=start", "_sort"),
    ] {
        let told = app.search(&format!("service={UTC}&{unknown}&start=le2026-02-12")).await.issues(400)[0]["diagnostics"].to_string();
        assert!(told.contains(name), "{told}");
        for known in ["schedule.actor:healthcareservice", "status", "start", "_include", "_count", "_id"] {
            assert!(told.contains(known), "{known} is not named: {told}");
        }
    }
}

#[on_both]
async fn what_is_always_accepted_is_accepted(app: App) {
    let slot = app.free_slot(UTC).await;
    for accepted in [
        "_format=json".to_owned(),
        "_format=application/fhir%2Bjson".to_owned(),
        "_pretty=true".to_owned(),
        "_summary=false".to_owned(),
        "_count=5".to_owned(),
        format!("_id={}", slot.id),
        "_lastUpdated=ge2026-01-01".to_owned(),
        "end=le2026-02-12".to_owned(),
        "_include:whatever=Slot:schedule".to_owned(),
    ] {
        app.search(&format!("service={UTC}&{DAYS}&{accepted}")).await.expect(200);
    }
    // `end` changes nothing.
    let with_end = found(&app, &format!("service={UTC}&{DAYS}&end=le2026-02-11")).await;
    assert_eq!(with_end, found(&app, &format!("service={UTC}&{DAYS}")).await);
}

#[on_both]
async fn the_provider_root_ignores_what_it_does_not_know(app: App) {
    let on_provider = |query: &str| Ask::get(format!("Slot?{query}")).on_provider();
    let asked = format!("service={UTC}&{DAYS}&colour=blue");
    let answer = app.ask(on_provider(&asked)).await.expect(200);
    assert!(answer.total() > 0 && !answer.link("self").unwrap().contains("colour"));
    let told = app.ask(on_provider(&asked).header("Prefer", "handling=strict")).await.issues(400)[0]["diagnostics"].to_string();
    assert!(told.contains("colour"), "{told}");
    // A search need not name a service there.
    assert!(app.ask(on_provider("status=free&start=2026-02-11")).await.expect(200).total() > answer.total() / 3);
}

#[on_both]
async fn a_search_names_its_service(app: App) {
    let told = app.search(&format!("status=free&{DAYS}")).await.refused(400, "required", "INVALID_PARAMETER");
    assert!(told.contains("schedule.actor:healthcareservice"), "{told}");
    app.search("").await.refused(400, "required", "INVALID_PARAMETER");
}

/// Proves F19, F27.
#[on_both]
async fn an_unknown_service_is_not_a_service_without_slots(app: App) {
    let told = app.search(&format!("service=2999999999&{DAYS}")).await.refused(404, "not-found", "NO_RECORD_FOUND");
    assert!(told.contains("2999999999"), "{told}");
    let known = app.search(&format!("service={WALK_IN}&{DAYS}&{ALL_INCLUDES}")).await.expect(200);
    assert_eq!(known.total(), 0);
    assert!(known.json().get("entry").is_none(), "{}", known.text());
    let lenient = app.ask(Ask::get(format!("Slot?service=2999999999&{DAYS}")).on_provider()).await.expect(200);
    assert_eq!(lenient.total(), 0);
    // Known, but nothing in the window.
    assert_eq!(
        app.search(&format!("service={DENTAL}&start=ge2026-02-11T20:00:00Z&start=lt2026-02-11T21:00:00Z")).await.expect(200).total(),
        0
    );
}

#[on_both]
async fn a_value_that_means_nothing_is_refused(app: App) {
    for (value, name) in [
        ("start=tomorrow", "start"),
        ("start=ge2026-13-01", "start"),
        ("start=ge2026-02-30", "start"),
        ("start=ge2026-02-11T25:00:00Z", "start"),
        ("start=ne2026-02-11", "start"),
        ("start=sa2026-02-11", "start"),
        ("start=", "start"),
        ("status=perhaps", "status"),
        ("status=free,", "status"),
        ("_count=-1", "_count"),
        ("_count=ten", "_count"),
        ("_cursor=nonsense", "_cursor"),
        ("_summary=short", "_summary"),
        ("schedule=a b c", "schedule"),
    ] {
        let told = app.search(&format!("service={UTC}&{value}")).await.refused(400, "value", "INVALID_PARAMETER");
        assert!(told.contains(&format!("`{name}`")), "{value}: {told}");
    }
    app.search("service=not/an/id").await.refused(400, "value", "INVALID_PARAMETER");
}

#[on_both]
async fn slots_are_found_by_id_identifier_and_schedule(app: App) {
    let slots = app.free_slots(UTC).await;
    let (one, two) = (&slots[3], &slots[5]);
    assert_eq!(found(&app, &format!("_id={}", one.id)).await, std::slice::from_ref(one));
    assert_eq!(found(&app, &format!("_id={},{}", two.id, one.id)).await, [one.clone(), two.clone()]);
    let by_identifier = found(&app, &format!("service={UTC}&identifier=https://tools.ietf.org/html/rfc4122|{}", one.id)).await;
    assert_eq!(by_identifier, std::slice::from_ref(one));
    assert!(found(&app, "_id=nowhere").await.is_empty());
    let of_schedule = found(&app, &format!("schedule=Schedule/{ROOM_1}&{DAYS}")).await;
    assert!(!of_schedule.is_empty() && of_schedule.iter().all(|slot| slot.schedule == ROOM_1));
    // A slot that is booked and cancelled is offered again.
    let made = app.book(&booking(one)).await.expect(201).json();
    assert!(!app.free_slots(UTC).await.contains(one));
    app.cancel(made["id"].as_str().unwrap(), "W/\"1\"", &cancelled(&made)).await.expect(200);
    assert_eq!(app.free_slots(UTC).await, slots);
}
