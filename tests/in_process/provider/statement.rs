//! The statement cannot lie: everything it says is called and has an effect, and everything that has one is said.
//!
//! Pitfall: the tables here are not lists of what is served. They say how to tell that
//! something is, and a name of the statement that is missing in them fails the test.

use super::house::{Answer, DOCUMENT, House, PATIENTS, PROVIDER, SERVICE};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use testkit::on_both;

const KINDS: [&str; 8] =
    ["Appointment", "HealthcareService", "Location", "Organization", "Practitioner", "PractitionerRole", "Schedule", "Slot"];

/// What the statement says of one resource type.
struct Stated {
    interactions: BTreeMap<String, BTreeSet<String>>,
    parameters: Vec<String>,
    documentation: String,
    includes: Vec<String>,
    reverse_includes: Vec<String>,
}

async fn stated(house: &House) -> BTreeMap<String, Stated> {
    let statement = house.read("metadata").await;
    let texts = |of: &Value, key: &str| of.as_array().into_iter().flatten().map(|e| e[key].as_str().unwrap().to_owned()).collect();
    let plain = |of: &Value| of.as_array().into_iter().flatten().map(|e| e.as_str().unwrap().to_owned()).collect();
    let one = |r: &Value| {
        let calls = |i: &Value| i["documentation"].as_str().unwrap().split(", ").map(str::to_owned).collect();
        let interactions = r["interaction"].as_array().unwrap().iter().map(|i| (i["code"].as_str().unwrap().to_owned(), calls(i)));
        let stated = Stated {
            interactions: interactions.collect(),
            parameters: texts(&r["searchParam"], "name"),
            documentation: r["searchParam"].to_string(),
            includes: plain(&r["searchInclude"]),
            reverse_includes: plain(&r["searchRevInclude"]),
        };
        (r["type"].as_str().unwrap().to_owned(), stated)
    };
    statement["rest"][0]["resource"].as_array().unwrap().iter().map(one).collect()
}

/// Ids and values that the probes need.
struct Known {
    first: BTreeMap<&'static str, Value>,
    cursor: BTreeMap<&'static str, String>,
    appointment: String,
    slot: String,
}

async fn known(house: &House) -> Known {
    let booked = house.book(3).await;
    assert_eq!(house.cancel(&booked[1], &[]).await.status, 200);
    let appointment = house.read(&format!("Appointment/{}", booked[0])).await;
    let slot = appointment["slot"][0]["reference"].as_str().unwrap().trim_start_matches("Slot/").to_owned();
    let (mut first, mut cursor) = (BTreeMap::new(), BTreeMap::new());
    for kind in KINDS {
        let page = house.read(&format!("{kind}?_count=1")).await;
        let next = page["link"].as_array().unwrap().iter().find(|l| l["relation"] == "next").expect(kind);
        cursor.insert(kind, next["url"].as_str().unwrap().split_once("_cursor=").unwrap().1.to_owned());
        first.insert(kind, page["entry"][0]["resource"].clone());
    }
    Known { first, cursor, appointment: booked[0].clone(), slot }
}

/// Two queries whose answers must differ if the parameter does anything.
fn probe(kind: &str, name: &str, known: &Known) -> (String, String) {
    let first = &known.first[kind];
    let text = |path: &str| first.pointer(path).unwrap_or_else(|| panic!("{kind}{path}")).as_str().unwrap().to_owned();
    let pair = |right: &str, wrong: &str| (format!("{name}={right}"), format!("{name}={wrong}"));
    match (kind, name) {
        (_, "_id") => pair(&text("/id"), "nobody"),
        (_, "_lastUpdated") => pair("ge2026-02-10", "lt2026-02-10"),
        (_, "_count") => pair("1", "2"),
        (_, "_cursor") => ("_count=1".to_owned(), format!("_count=1&_cursor={}", known.cursor[kind])),
        (_, "_summary") => pair("count", "false"),
        (_, "_elements") => (String::new(), pair("id", "").0),
        (_, "_format") => pair("json", "xml"),
        (_, "_pretty") => pair("true", "false"),
        ("Appointment", "_sort") => pair("date", "-date"),
        (_, "_sort") => pair("start", "-start"),
        ("Slot", "_include") => (String::new(), "_include=Slot:schedule".to_owned()),
        ("Schedule", "_include") => (String::new(), "_include=Schedule:actor".to_owned()),
        ("Schedule", "_revinclude") => (String::new(), "_revinclude=Slot:schedule".to_owned()),
        ("Appointment", "_include") => (String::new(), "_include=Appointment:slot".to_owned()),
        ("HealthcareService" | "Location" | "PractitionerRole", "_include") => (String::new(), format!("_include={kind}:organization")),
        ("Slot", "schedule.actor:healthcareservice" | "service" | "schedule.actor") => pair(SERVICE, "2000099902"),
        ("Slot", "schedule") => pair(&text("/schedule/reference"), "Schedule/nobody"),
        ("Slot", "identifier") => pair(&known.slot, "nobody"),
        ("Slot", "status") => pair("free", "busy"),
        ("Slot", "start") => pair("ge2026-02-11", "ge2026-02-12"),
        ("Schedule", "actor") => pair(&text("/actor/1/reference"), "Location/nobody"),
        ("Schedule", "actor:healthcareservice") => pair(SERVICE, "2000099904"),
        ("Schedule", "actor:practitioner") => pair("815a7e76-e4c8-4cc8-9f40-769725047268", "nobody"),
        ("Schedule", "actor:practitionerrole") => pair("555040200101", "nobody"),
        ("Schedule", "actor:location") => pair("5ed21cb1-e0bf-4f3f-8cd9-c12bcd77d253", "nobody"),
        ("Schedule", "date") => pair("2026-02-11", "2031-02-11"),
        ("Schedule", "identifier") => pair(&text("/identifier/0/value"), "nobody"),
        (_, "active") => pair("true", "false"),
        ("Appointment", "identifier") => pair(DOCUMENT, PATIENTS[0]),
        ("Appointment", "version") => pair("1", "2"),
        ("Appointment", "status") => pair("booked", "cancelled"),
        ("Appointment", "date") => pair("ge2026-02-10", "ge2031-02-10"),
        ("Appointment", "slot") => pair(&known.slot, "nobody"),
        ("Appointment", "practitioner") => pair("815a7e76-e4c8-4cc8-9f40-769725047268", "nobody"),
        ("Appointment", "location") => pair("5ed21cb1-e0bf-4f3f-8cd9-c12bcd77d253", "34d2a985-ffef-479d-899e-2315db0afa32"),
        ("Appointment", "actor") => pair("HealthcareService/2000099901", "HealthcareService/2000099902"),
        ("Appointment", "Appointment.participant.actor") => pair(PATIENTS[0], PATIENTS[1]),
        ("Appointment", "patient" | "patient.identifier" | "Appointment.participant.actor:Patient.identifier") => {
            pair(&format!("https://fhir.nhs.uk/Id/nhs-number|{}", PATIENTS[0]), PATIENTS[1])
        }
        (_, "identifier") => pair(&text("/identifier/0/value"), "nobody"),
        ("Practitioner", "name" | "family") => pair(&text("/name/0/family")[..3], "nobody"),
        ("Practitioner", "given") => pair(&text("/name/0/given/0")[..3], "nobody"),
        (_, "name") => pair(&text("/name")[..3].to_lowercase(), "nobody"),
        ("Practitioner", "gender") => pair("female", "male"),
        ("HealthcareService", "organization") | ("PractitionerRole" | "Location", "organization") => pair("Y9Z41", "Organization/Y9Z42"),
        ("HealthcareService", "location") => pair("5ed21cb1-e0bf-4f3f-8cd9-c12bcd77d253", "Location/nobody"),
        ("HealthcareService", "type") => pair("utc", "other"),
        ("HealthcareService", "category") => pair("urgent", "other"),
        ("Location", "status") => pair("active", "inactive"),
        ("Location", "type") => pair("http://hl7.org/fhir/v3/RoleCode|OF", "OTHER"),
        ("Location", "address") => pair("1 Full", "Nowhere"),
        ("Location" | "Organization", "address-city") => pair("durh", "Nowhere"),
        ("Location" | "Organization", "address-postalcode") => pair("DH", "ZZ"),
        ("Organization", "type") => pair("prov", "other"),
        ("PractitionerRole", "practitioner") => pair(&text("/practitioner/reference"), "nobody"),
        ("PractitionerRole", "role") => pair(&text("/code/0/coding/0/code"), "nobody"),
        _ => panic!("{kind} states the parameter {name}: say here how to tell that it does something"),
    }
}

/// What an answer says, without the link that repeats the question.
fn said(answer: &Answer, name: &str) -> String {
    if name == "_pretty" || name == "_format" {
        return answer.body.replace("true", "").replace("false", "");
    }
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("link");
    body.to_string()
}

#[on_both]
async fn every_stated_parameter_and_include_has_an_effect(house: House) {
    let known = known(&house).await;
    let stated = stated(&house).await;
    assert_eq!(stated.keys().map(String::as_str).collect::<Vec<_>>(), KINDS);
    for (kind, stated) in &stated {
        for name in &stated.parameters {
            let (one, other) = probe(kind, name, &known);
            let (first, second) = (house.get(&format!("{kind}?{one}")).await, house.get(&format!("{kind}?{other}")).await);
            assert_eq!((first.status, second.status), (200, 200), "{kind}?{one}: {}\n{kind}?{other}: {}", first.body, second.body);
            assert_ne!(said(&first, name), said(&second, name), "{kind} states {name}, but {one} and {other} say the same");
        }
        for include in &stated.includes {
            let needs = match include.split(':').next().unwrap() {
                "Schedule" if kind == "Slot" => "_include=Slot:schedule&",
                "HealthcareService" if kind == "Slot" => "_include=Slot:schedule&_include=Schedule:actor:HealthcareService&",
                "HealthcareService" if kind == "Schedule" => "_include=Schedule:actor:HealthcareService&",
                _ => "",
            };
            let (without, with) =
                (house.read(&format!("{kind}?{needs}")).await, house.read(&format!("{kind}?{needs}_include={include}")).await);
            let entries = |of: &Value| of["entry"].as_array().unwrap().len();
            assert!(entries(&with) > entries(&without), "{kind} states {include}, but it brings nothing");
        }
        for include in &stated.reverse_includes {
            let with = house.read(&format!("{kind}?_revinclude={include}")).await;
            assert!(with["entry"].as_array().unwrap().iter().any(|e| e["search"]["mode"] == "include"), "{kind}: {include}");
        }
    }
}

#[on_both]
async fn every_stated_interaction_answers(house: House) {
    let known = known(&house).await;
    for (kind, stated) in &stated(&house).await {
        let id =
            if kind == "Appointment" { known.appointment.clone() } else { known.first[kind.as_str()]["id"].as_str().unwrap().to_owned() };
        for (code, calls) in &stated.interactions {
            for call in calls {
                let (method, path) = call.split_once(' ').unwrap();
                let path = path.replacen("[id]", &id, 1).replace("[id]", "1");
                let form = [("Content-Type", "application/x-www-form-urlencoded")];
                let answer = match (code.as_str(), method) {
                    ("create", _) => {
                        let slot = house.free(1).await.remove(0);
                        house.post(&path, &[], &super::house::booking(&slot, PATIENTS[0], false)).await
                    }
                    ("update", _) => continue,
                    (_, "POST") => house.call("POST", &format!("{PROVIDER}/{path}"), &form, "_count=1").await,
                    _ => house.get(&path).await,
                };
                let wanted = if code == "create" { 201 } else { 200 };
                assert_eq!(answer.status, wanted, "{kind} states {code}, {method} {path}: {}", answer.body);
                let body = answer.json();
                match code.as_str() {
                    "search-type" => assert_eq!(
                        (&body["type"], &body["entry"][0]["resource"]["resourceType"]),
                        (&"searchset".into(), &kind.as_str().into())
                    ),
                    "history-instance" => assert_eq!(body["type"], "history"),
                    "read" | "vread" => assert_eq!(body["id"], id.as_str()),
                    "create" => assert_eq!(body["resourceType"], kind.as_str()),
                    other => panic!("{kind} states {other}: say here how to tell that it is served"),
                }
            }
        }
    }
    // Last, because it changes what the others read.
    assert_eq!(house.cancel(&known.appointment, &[]).await.json()["status"], "cancelled");
}

/// Proves F1.
#[on_both]
async fn everything_that_is_served_is_stated(house: House) {
    let stated = stated(&house).await;
    let mut names: BTreeSet<String> = stated.values().flat_map(|s| s.parameters.iter().cloned()).collect();
    // STU3's other parameters of these resources, and what the booking root alone knows.
    names.extend(
        "end _sort _revinclude _include _text _content _has _type _query _list _profile _tag _security _containedType _contained \
         _since appointment-type incomingreferral part-status service-type slot-type type characteristic endpoint programname \
         address-country address-state address-use near near-distance operational-status partof phonetic communication email phone \
         telecom service specialty location practitioner birthdate subject"
            .split(' ')
            .map(str::to_owned),
    );
    for (kind, stated) in &stated {
        for name in &names {
            let answer = house.get_strictly(&format!("{kind}?{name}=1")).await;
            let unknown = answer.status == 400 && answer.body.contains("is not known here");
            // A name may be stated as another spelling of a parameter.
            let is_stated = stated.parameters.contains(name) || stated.documentation.contains(&format!("also understood as {name}\""));
            assert_eq!(unknown, !is_stated, "{kind}?{name}=1: {} {}", answer.status, answer.body);
        }
    }
    let statement = house.read("metadata").await;
    let operations = statement["rest"][0]["operation"].as_array().unwrap().iter().map(|o| o["name"].as_str().unwrap().to_owned());
    let operations: Vec<String> = operations.collect();
    let forms = ["", "/x", "/_search", "/_history", "/x/_history", "/x/_history/1", "/x/y", "/$validate", "/x/$validate", "/metadata"];
    for kind in KINDS.into_iter().chain(["Patient", "Bundle", "$process"]) {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            for form in forms {
                let answer = house.call(method, &format!("{PROVIDER}/{kind}{form}"), &[], "").await;
                let served = !matches!(answer.status, 404 | 405) || (answer.status == 404 && !answer.body.contains("there is nothing at"));
                let call = format!("{method} {kind}{}", form.replace("/x", "/[id]").replace("/_history/1", "/_history/[id]"));
                // Taken for an id, of which nothing is ever found.
                let odd_id = matches!(method, "GET" | "PUT") && matches!(form, "/_search" | "/_history" | "/metadata");
                let interaction = stated.get(kind).is_some_and(|s| s.interactions.values().any(|calls| calls.contains(&call)));
                // Of an operation STU3 states the name alone.
                let operation =
                    (method, kind) == ("POST", "Appointment") && operations.iter().any(|name| form.ends_with(&format!("/${name}")));
                let is_stated = interaction || operation;
                assert_eq!(served && !odd_id, is_stated, "{call}: {} {}", answer.status, answer.body);
            }
        }
    }
}
