//! Whether a search is answered from memory or by the database, written at once or built as a tree: it is the same
//! answer. And what is booked and cancelled over HTTP is seen by the next search.

use fhir::stu3;
use serde_json::Value;
use testkit::{App, Ask, Setup, Slot, UTC, cancelled, on_both};

const INCLUDES: &str = "_include=Slot:schedule&_include:recurse=Schedule:actor:Practitioner&_include:recurse=Schedule:actor:PractitionerRole\
    &_include:recurse=Schedule:actor:HealthcareService&_include:recurse=HealthcareService:providedBy&_include:recurse=HealthcareService:location";

fn entries(answer: &Value) -> &Value {
    &answer["entry"]
}

#[on_both]
async fn every_way_of_answering_gives_the_same_answer(app: App) {
    for (root, what) in
        [("booking", format!("service={UTC}&{INCLUDES}")), ("provider", INCLUDES.to_owned()), ("booking", format!("service={UTC}"))]
    {
        let query = format!("Slot?{what}&status=free&start=ge2026-02-10&start=lt2026-02-12");
        let ask = |more: &str| {
            let ask = Ask::get(format!("{query}{more}"));
            if root == "provider" { ask.on_provider() } else { ask }
        };
        let usual = app.ask(ask("")).await.expect(200).json();
        let built = app.ask(ask("&_pretty=true")).await.expect(200).json();
        let paged = app.ask(ask("&_count=2000")).await.expect(200).json();
        assert!(usual["total"].as_u64().unwrap() > 10, "{root}: too few slots for the test to mean anything");
        assert_eq!(entries(&usual), entries(&built), "{root}");
        assert_eq!(usual["total"], built["total"], "{root}");
        assert_eq!(entries(&usual), entries(&paged), "{root}: the database was asked for a page");
        let of_json = fhir::codec::json::read(usual.to_string().as_bytes(), stu3::definitions()).unwrap().tree;
        let in_xml = app.ask(ask("&_format=xml")).await.expect(200);
        let of_xml = fhir::codec::xml::read(in_xml.text().as_bytes(), stu3::definitions()).unwrap().tree;
        let written = |tree| fhir::codec::json::write(tree, stu3::definitions()).replace("&_format=xml", "");
        assert_eq!(written(&of_xml), written(&of_json), "{root}");
    }
}

#[on_both(Setup::with(|setup| setup.engine.availability = false))]
async fn every_way_of_answering_agrees_without_the_index(app: App) {
    every_way_of_answering_gives_the_same_answer(app).await;
}

#[on_both]
async fn what_is_booked_is_gone_and_what_is_cancelled_is_back(app: App) {
    let before = app.free_slots(UTC).await;
    for slot in before.iter().take(5) {
        let booked = app.booked(slot).await;
        let left: Vec<Slot> = before.iter().filter(|other| *other != slot).cloned().collect();
        assert_eq!(app.free_slots(UTC).await, left);
        let id = booked["id"].as_str().unwrap();
        app.cancel(id, "W/\"1\"", &cancelled(&booked)).await.expect(200);
        assert_eq!(app.free_slots(UTC).await, before);
    }
}
