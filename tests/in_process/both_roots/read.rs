//! Reading schedules, slots and the directory, and searching schedules (docs/contract.md#service-roots, #wire-rules).

use serde_json::Value;
use std::collections::BTreeSet;
use testkit::{Answer, App, Ask, DENTAL, OUT_OF_HOURS, PUBLIC_URL, UTC, on_both};

const ROOM_1: &str = "9f82a69f-a923-44ba-b27f-fff750fb6630";
const SHARED: &str = "a46d5281-a2e7-41eb-85a0-3377b260c64f";
const NIGHT_DESK: &str = "31d8ef81-5b5e-4f73-95ac-45c978dc26ac";
const KINDS: [&str; 7] = ["Slot", "Schedule", "HealthcareService", "Location", "Practitioner", "PractitionerRole", "Organization"];

async fn on(app: &App, root: &'static str, path: &str) -> Answer {
    app.ask(Ask::get(path).on(root)).await
}

/// Every literal reference in a resource.
fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            into.extend(map.get("reference").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| references(value, into));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

#[on_both]
async fn every_relative_reference_resolves_under_the_same_root(app: App) {
    let includes =
        "_include=Slot:schedule&_include=Schedule:actor&_include=HealthcareService:providedBy&_include=HealthcareService:location";
    for root in ["/STU3/1/booking", "/STU3/1/provider"] {
        let mut open = BTreeSet::new();
        for service in [UTC, OUT_OF_HOURS, DENTAL] {
            let found = on(&app, root, &format!("Slot?service={service}&start=2026-02-11&{includes}")).await.expect(200);
            references(&found.json(), &mut open);
            for entry in found.json()["entry"].as_array().unwrap() {
                let url = entry["fullUrl"].as_str().unwrap();
                assert!(url.starts_with(&format!("{PUBLIC_URL}{root}/")), "{url}");
            }
        }
        let mut seen = BTreeSet::new();
        while let Some(reference) = open.pop_first() {
            if !seen.insert(reference.clone()) {
                continue;
            }
            let (kind, id) = reference.split_once('/').unwrap_or_else(|| panic!("{reference} is not relative"));
            let read = on(&app, root, &reference).await.expect(200).json();
            assert_eq!((read["resourceType"].as_str(), read["id"].as_str()), (Some(kind), Some(id)));
            references(&read, &mut open);
        }
        let kinds: BTreeSet<&str> = seen.iter().map(|reference| reference.split('/').next().unwrap()).collect();
        assert_eq!(kinds, KINDS.into_iter().filter(|kind| *kind != "Slot").collect::<BTreeSet<_>>());
    }
}

/// Proves F5, F42.
#[on_both]
async fn whatever_is_read_carries_its_version(app: App) {
    let slot = app.free_slot(UTC).await;
    let booked = app.booked(&slot).await;
    let paths = [
        format!("Slot/{}", slot.id),
        format!("HealthcareService/{UTC}"),
        "Organization/Y9Z41".to_owned(),
        "Location/5ed21cb1-e0bf-4f3f-8cd9-c12bcd77d253".to_owned(),
        "Practitioner/815a7e76-e4c8-4cc8-9f40-769725047268".to_owned(),
        "PractitionerRole/555040200101".to_owned(),
        format!("Appointment/{}", booked["id"].as_str().unwrap()),
    ];
    for path in paths {
        let read = app.get(&path).await.expect(200);
        let tag = read.header("ETag");
        assert!(tag.starts_with("W/\"") && tag.ends_with('"') && tag.len() > 4, "{path}: {tag}");
        assert_eq!(read.header("Cache-Control"), "no-store", "{path}");
        assert!(read.header("Last-Modified").ends_with(" GMT"), "{path}");
        assert!(!read.header("X-Request-ID").is_empty(), "{path}");
        assert!(read.header_if("X-Correlation-ID").is_none(), "{path}: nothing was sent to echo");
        assert!(read.json()["meta"]["profile"][0].as_str().unwrap().contains("/CareConnect-"), "{path}");
        // The same read again is the same bytes.
        assert_eq!(app.get(&path).await.body, read.body, "{path}");
    }
    // A booking is a change of its slot.
    let before = app.free_slot(UTC).await;
    let tag = app.get(&format!("Slot/{}", before.id)).await.header("ETag").to_owned();
    app.booked(&before).await;
    assert_ne!(app.get(&format!("Slot/{}", before.id)).await.header("ETag"), tag);
}

#[on_both]
async fn what_nobody_knows_is_not_found(app: App) {
    for root in ["/STU3/1/booking", "/STU3/1/provider"] {
        for kind in KINDS.into_iter().chain(["Appointment"]) {
            for id in ["95e58add-0b10-4a8c-817c-2729eb0cab75", "no%20id", "%27%3B--"] {
                let told = on(&app, root, &format!("{kind}/{id}")).await.refused(404, "not-found", "NO_RECORD_FOUND");
                assert!(told.contains(kind), "{told}");
            }
        }
    }
    // Ids are case sensitive, and of one kind.
    app.get("Organization/y9z41").await.refused(404, "not-found", "NO_RECORD_FOUND");
    app.get(&format!("Location/{UTC}")).await.refused(404, "not-found", "NO_RECORD_FOUND");
}

#[on_both]
async fn a_slot_read_alone_is_the_slot_of_the_search(app: App) {
    let answer = app.search(&format!("service={UTC}&start=2026-02-11&_count=5")).await.expect(200);
    for mut slot in answer.all("Slot") {
        let mut read = app.get(&format!("Slot/{}", slot["id"].as_str().unwrap())).await.expect(200).json();
        for resource in [&mut slot, &mut read] {
            let meta = resource["meta"].as_object_mut().unwrap();
            meta.remove("versionId");
            meta.remove("lastUpdated");
        }
        assert_eq!(read, slot);
    }
}

#[on_both]
async fn schedules_are_found_by_actor_identifier_and_id(app: App) {
    let of = async |query: &str| {
        let answer = app.get(&format!("Schedule?{query}")).await.expect(200);
        assert_eq!(answer.total(), answer.all("Schedule").len() as u64, "{query}");
        answer.ids("Schedule").into_iter().collect::<BTreeSet<_>>()
    };
    let all = of("").await;
    assert_eq!(all.len(), 7);
    for service in
        [format!("actor=HealthcareService/{UTC}"), format!("actor:HealthcareService={UTC}"), format!("actor:healthcareservice={UTC}")]
    {
        let found = of(&service).await;
        assert!(found.len() == 4 && found.contains(ROOM_1) && found.contains(SHARED), "{service}: {found:?}");
    }
    for one in [
        "actor=Practitioner/815a7e76-e4c8-4cc8-9f40-769725047268",
        "actor:Practitioner=815a7e76-e4c8-4cc8-9f40-769725047268",
        "actor:practitionerrole=555040200101",
        "identifier=https://weirside.example/Id/diary|UTC-1",
        "identifier=UTC-1",
        &format!("_id={ROOM_1}"),
    ] {
        assert_eq!(of(one).await, BTreeSet::from([ROOM_1.to_owned()]), "{one}");
    }
    assert!(of("identifier=https://elsewhere.example|UTC-1").await.is_empty());
    assert!(of("actor=HealthcareService/2000099904").await.is_empty());
    let told = app.get("Schedule?colour=blue").await.issues(400)[0]["diagnostics"].to_string();
    assert!(told.contains("colour") && told.contains("actor"), "{told}");
}

#[on_both]
async fn a_schedule_brings_its_slots_and_what_it_leads_to(app: App) {
    let plain = app.get(&format!("Schedule?_id={ROOM_1}")).await.expect(200);
    assert!(plain.all("Slot").is_empty() && plain.all("Practitioner").is_empty());
    let query = format!("Schedule?_id={ROOM_1}&_revinclude=Slot:schedule&_include=Schedule:actor:Practitioner");
    let answer = app.get(&query).await.expect(200);
    assert_eq!(answer.ids("Practitioner"), ["815a7e76-e4c8-4cc8-9f40-769725047268"]);
    assert_eq!(answer.total(), 1);
    assert!(answer.all("Slot").len() > 30);
    for entry in answer.json()["entry"].as_array().unwrap() {
        let mode = if entry["resource"]["resourceType"] == "Schedule" { "match" } else { "include" };
        assert_eq!(entry["search"]["mode"], mode);
        let resource = &entry["resource"];
        assert!(resource["resourceType"] != "Slot" || resource["schedule"]["reference"] == format!("Schedule/{ROOM_1}"));
    }
    let services = "_include=Schedule:actor:HealthcareService&_include=HealthcareService:location";
    let answer = app.get(&format!("Schedule?actor=HealthcareService/{UTC}&{services}")).await.expect(200);
    assert_eq!(answer.ids("HealthcareService"), [UTC]);
    assert_eq!(answer.ids("Location"), ["5ed21cb1-e0bf-4f3f-8cd9-c12bcd77d253"]);
}

/// Proves F26.
#[on_both]
async fn a_location_is_an_actor_where_there_is_room(app: App) {
    let actors = async |root: &'static str, id: &str| {
        let schedule = on(&app, root, &format!("Schedule/{id}")).await.expect(200).json();
        let actors = schedule["actor"].as_array().unwrap().iter().map(|actor| actor["reference"].as_str().unwrap().to_owned());
        actors.map(|reference| reference.split('/').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let four = ["HealthcareService", "Practitioner", "PractitionerRole", "Location"];
    assert_eq!(actors("/STU3/1/booking", ROOM_1).await, four[..3]);
    assert_eq!(actors("/STU3/1/provider", ROOM_1).await, four);
    for root in ["/STU3/1/booking", "/STU3/1/provider"] {
        assert_eq!(actors(root, NIGHT_DESK).await, ["HealthcareService", "Location"]);
    }
}

#[on_both]
async fn schedules_come_in_pages(app: App) {
    let all = app.get("Schedule?").await.expect(200).ids("Schedule");
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!(all, sorted);
    let (mut collected, mut next) = (Vec::new(), Some("Schedule?_count=3".to_owned()));
    while let Some(page) = next {
        let answer = app.get(&page).await.expect(200);
        assert_eq!(answer.total(), all.len() as u64);
        collected.extend(answer.ids("Schedule"));
        next = answer.link("next").map(|url| url.split("/booking/").nth(1).unwrap().to_owned());
    }
    assert_eq!(collected, all);
}

/// Proves F1.
#[on_both]
async fn the_booking_root_statement_has_the_shape_that_is_assured(app: App) {
    let statement = app.get("metadata").await.expect(200).json();
    assert_eq!((&statement["fhirVersion"], &statement["acceptUnknown"]), (&"3.0.1".into(), &"both".into()));
    assert_eq!(statement["format"], serde_json::json!(["application/fhir+json", "application/fhir+xml"]));
    assert_eq!(statement["profile"].as_array().unwrap().len(), 10);
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    assert_eq!(resources.len(), 2);
    let of = |kind: &str| resources.iter().find(|resource| resource["type"] == kind).unwrap();
    let names = |of: &Value, what: &str, name: &str| {
        of[what].as_array().unwrap().iter().map(|entry| entry[name].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(names(of("Slot"), "interaction", "code"), set(&["search-type"]));
    assert_eq!(names(of("Slot"), "searchParam", "name"), set(&["service", "status", "start"]));
    assert_eq!(of("Slot")["searchInclude"].as_array().unwrap().iter().collect::<Vec<_>>().len(), 6);
    assert_eq!(names(of("Appointment"), "searchParam", "name"), set(&["identifier", "_id", "version"]));
    assert!(names(of("Appointment"), "interaction", "code").is_superset(&set(&["read", "create", "search-type"])));
    // In both formats, by header and by parameter; the parameter wins.
    for (path, accept, kind) in [
        ("metadata", "application/fhir+xml", "application/fhir+xml"),
        ("metadata?_format=application/fhir%2Bxml", "application/fhir+json", "application/fhir+xml"),
        ("metadata?_format=application/fhir%2Bjson", "application/fhir+xml", "application/fhir+json"),
        ("metadata?_format=xml", "*/*", "application/fhir+xml"),
        ("metadata", "*/*", "application/fhir+json"),
    ] {
        let answer = app.ask(Ask::get(path).header("Accept", accept)).await.expect(200);
        assert_eq!(answer.header("Content-Type"), format!("{kind};charset=UTF-8"), "{path}, {accept}");
    }
}

#[on_both]
async fn the_statement_of_the_provider_root_names_what_is_served(app: App) {
    let statement = on(&app, "/STU3/1/provider", "metadata").await.expect(200).json();
    let served: BTreeSet<&str> =
        statement["rest"][0]["resource"].as_array().unwrap().iter().map(|resource| resource["type"].as_str().unwrap()).collect();
    assert_eq!(served, KINDS.into_iter().chain(["Appointment"]).collect());
    // `If-None-Match` is heard on every one of them, `If-Modified-Since` on none.
    let conditional = statement["rest"][0]["resource"].as_array().unwrap().iter().map(|resource| &resource["conditionalRead"]);
    assert!(conditional.into_iter().all(|told| told == "not-match"), "{statement}");
}
