//! Goal: a server run with `--compat 1.0.6` serves consumers of that version on the booking root, in their form, and one
//! run without it holds them to 2.0.4 (docs/specification/uec.md#g-versions). Method: the whole service in this
//! process, on both databases, with the demo provider; the bodies are those a supplier of 1.0.6 sends.

use actix_web::http::{Method, StatusCode};
use actix_web::{App, rt, test as calls};
use fhir::stu3::uec::compat::ApiVersion;
use serde_json::{Value, json};
use slotkeeper::cli;
use slotkeeper::engine::{Engine, Limits};
use slotkeeper::http::{AuthMode, Service, Settings, configure};
use slotkeeper::store::{DatabaseUrl, Store};
use std::sync::Arc;
use testkit::examiner::{Exchange, examine};
use testkit::on_both;
use testkit::place::Place;

const ROOT: &str = "/STU3/1/booking";
const CREATED: &str = "2026-02-10T16:05:31+01:00";

/// A service on a seeded database of its own.
struct House(Arc<Service>);

/// What came back.
struct Answer {
    status: StatusCode,
    etag: String,
    body: Value,
}

impl House {
    fn open(url: &str, compat: ApiVersion) -> Self {
        let store = Store::open(&DatabaseUrl::parse(url).unwrap(), true).unwrap();
        cli::demo::load(&store).unwrap().stop();
        let engine = Arc::new(Engine::start(store, cli::ports(), Limits::default()).unwrap());
        let settings = Settings { auth: AuthMode::Off, compat, ..Settings::at("http://127.0.0.1") };
        Self(Arc::new(Service::new(engine, settings, &slotkeeper::http::ROOT_PATHS)))
    }

    fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let service = Arc::clone(&self.0);
        let uri = format!("{ROOT}/{path}");
        rt::System::new().block_on(async move {
            let app = calls::init_service(App::new().configure(configure(service))).await;
            let mut request = calls::TestRequest::with_uri(&uri).method(method.clone());
            for header in headers {
                request = request.insert_header(*header);
            }
            if let Some(body) = body {
                request = request.insert_header(("Content-Type", "application/fhir+json")).set_payload(body.to_string());
            }
            let response = calls::call_service(&app, request.to_request()).await;
            let status = response.status();
            let etag = response.headers().get("ETag").map_or_else(String::new, |tag| tag.to_str().unwrap().to_owned());
            let exchange = Exchange::of(method.as_str(), &uri, response).await;
            let body = serde_json::from_slice(&exchange.body).unwrap();
            examine(exchange, async |again| {
                let request = calls::TestRequest::with_uri(&again.uri).insert_header(("Accept", again.accept));
                Exchange::of("GET", &again.uri, calls::call_service(&app, request.to_request()).await).await
            })
            .await;
            Answer { status, etag, body }
        })
    }

    fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None)
    }

    /// Free slots of the urgent treatment centre, as entries of a Bundle.
    fn free(&self, more: &str) -> Vec<Value> {
        let found = self.get(&format!("Slot?schedule.actor:healthcareservice=2000099901&status=free{more}"));
        assert_eq!(found.status, 200, "{}", found.body);
        found.body["entry"].as_array().cloned().unwrap_or_default().into_iter().map(|entry| entry["resource"].clone()).collect()
    }

    /// A slot that will stay free until the test is over.
    fn slot(&self) -> Value {
        self.free("&_count=200").pop().unwrap()
    }
}

/// A booking as 1.0.6 has it: the slot by reference, `created` the consumer's, no ranks.
fn body_of_1_0_6(slot: &Value) -> Value {
    let verified = json!([{
        "url": "https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-NHSNumberVerificationStatus-1",
        "valueCodeableConcept": {"coding": [{
            "system": "https://fhir.hl7.org.uk/STU3/CodeSystem/CareConnect-NHSNumberVerificationStatus-1", "code": "01",
            "display": "Number present and verified"
        }]}
    }]);
    json!({
        "resourceType": "Appointment",
        "meta": {"profile": ["https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Appointment-1"]},
        "language": "en",
        "contained": [
            {
                "resourceType": "DocumentReference", "id": "cda1",
                "identifier": [{"system": "https://tools.ietf.org/html/rfc4122", "value": "01883190-10fd-4c0a-87eb-eec757dd1c62"}],
                "status": "current", "indexed": "2026-02-10T16:05:30.000+00:00",
                "type": {"coding": [{"system": "urn:oid:2.16.840.1.113883.2.1.3.2.4.18.17", "code": "POCD_MT200001GB02",
                    "display": "Integrated Urgent Care Report"}]},
                "content": [{"attachment": {"contentType": "application/hl7-v3+xml", "language": "en"}}]
            },
            {
                "resourceType": "Patient", "id": "pat1",
                "identifier": [{"extension": verified, "use": "official", "system": "https://fhir.nhs.uk/Id/nhs-number",
                    "value": "9990482136"}],
                "name": [{"use": "official", "family": "Whitlock", "given": ["Imogen"]}],
                "telecom": [{"system": "phone", "value": "0191 498 0123", "use": "home"}],
                "gender": "female", "birthDate": "2019-08-03",
                "address": [{"use": "home", "line": ["27 Quarry Rise"], "city": "Durham", "postalCode": "DH7 9QQ"}]
            }
        ],
        "status": "booked", "description": "Persistent ear pain", "supportingInformation": [{"reference": "#cda1"}],
        "start": slot["start"], "end": slot["end"], "created": CREATED,
        "slot": [{"reference": format!("Slot/{}", slot["id"].as_str().unwrap())}],
        "participant": [{"actor": {"reference": "#pat1"}, "status": "accepted"}]
    })
}

/// Proves F54.
#[on_both]
fn a_consumer_of_1_0_6_books_reads_and_cancels_in_its_own_form(place: Place) {
    let house = House::open(&place.typed(), ApiVersion::V1_0_6);
    let slot = house.slot();
    let body = body_of_1_0_6(&slot);
    let booked = house.send(Method::POST, "Appointment", &[], Some(&body));
    assert_eq!(booked.status, 201, "{}", booked.body);
    for kept in ["slot", "created", "contained", "language", "participant"] {
        assert_eq!(booked.body[kept], body[kept], "{kept}");
    }
    let path = format!("Appointment/{}", booked.body["id"].as_str().unwrap());
    assert_eq!(house.get(&path).body, booked.body);
    let busy = house.get(&format!("Slot/{}", slot["id"].as_str().unwrap()));
    assert_eq!(busy.body["status"], "busy");

    // Its own template again, with the id it was given: what the server added need not come back.
    let mut cancel = body.clone();
    cancel["id"] = booked.body["id"].clone();
    cancel["status"] = json!("cancelled");
    let mut altered = cancel.clone();
    altered["slot"][0]["reference"] = json!("Slot/11111111-1111-4111-8111-111111111111");
    let refused = house.send(Method::PUT, &path, &[("If-Match", &booked.etag)], Some(&altered));
    assert_eq!(refused.status, 422, "another slot is a difference: {}", refused.body);
    let cancelled = house.send(Method::PUT, &path, &[("If-Match", &booked.etag)], Some(&cancel));
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    assert_eq!((&cancelled.body["status"], &cancelled.body["slot"]), (&json!("cancelled"), &body["slot"]));
    assert_ne!(cancelled.etag, booked.etag);
    let free = house.get(&format!("Slot/{}", slot["id"].as_str().unwrap()));
    assert_eq!(free.body["status"], "free");
}

#[on_both]
fn consumers_of_other_versions_are_served_beside_it(place: Place) {
    let house = House::open(&place.typed(), ApiVersion::V1_0_6);
    // 2.0.3: a contained Slot; no document, no contained Patient; with X-Request-ID, which works as ever.
    let slot = house.slot();
    let mut body = body_of_1_0_6(&slot);
    body["contained"] = json!([{
        "resourceType": "Slot", "id": "s", "identifier": slot["identifier"], "schedule": slot["schedule"], "status": "busy",
        "start": slot["start"], "end": slot["end"]
    }]);
    body["slot"] = json!([{"reference": "#s"}]);
    body.as_object_mut().unwrap().remove("supportingInformation");
    let number = json!({"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990482136"});
    body["participant"] = json!([{"actor": {"identifier": number, "display": "Imogen Whitlock"}, "status": "accepted"}]);
    let key = [("X-Request-ID", "6c92ab9c-0cf4-4997-bac2-a4a8bd151902")];
    let booked = house.send(Method::POST, "Appointment", &key, Some(&body));
    assert_eq!(booked.status, 201, "{}", booked.body);
    assert_eq!(house.send(Method::POST, "Appointment", &key, Some(&body)).status, 409);
    // Both forms race for the same slots: the loser hears the one sentence.
    let late = house.send(Method::POST, "Appointment", &[], Some(&body_of_1_0_6(&slot)));
    assert_eq!(
        (late.status, late.body["issue"][0]["diagnostics"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("Slot no longer available"))
    );
    // Whoever points into `contained` must fill it.
    body["contained"] = json!([]);
    body.as_object_mut().unwrap().remove("contained");
    assert_eq!(house.send(Method::POST, "Appointment", &[], Some(&body)).status, 400);
}

#[on_both]
fn without_the_flag_the_same_consumer_is_held_to_2_0_4(place: Place) {
    let house = House::open(&place.typed(), ApiVersion::LATEST);
    let slot = house.slot();
    let body = body_of_1_0_6(&slot);
    let unnamed = house.send(Method::POST, "Appointment", &[], Some(&body));
    assert_eq!(unnamed.status, 400);
    assert!(unnamed.body.to_string().contains("X-Request-ID"), "{}", unnamed.body);
    let key = [("X-Request-ID", "6c92ab9c-0cf4-4997-bac2-a4a8bd151902")];
    let refused = house.send(Method::POST, "Appointment", &key, Some(&body));
    assert_eq!(refused.status, 400, "no Slot is contained: {}", refused.body);
    let told = house.get("metadata").body["description"].as_str().unwrap().to_owned();
    assert!(!told.contains("Compatibility"), "{told}");
}

#[on_both]
fn end_restricts_the_search_of_older_consumers_and_is_stated(place: Place) {
    end_restricts(&House::open(&place.typed(), ApiVersion::V2_0_3), true);
}

#[on_both]
fn end_restricts_no_search_of_later_consumers(place: Place) {
    end_restricts(&House::open(&place.typed(), ApiVersion::LATEST), false);
}

/// Whether `end` restricts a search, and the statement says so.
fn end_restricts(house: &House, restricts: bool) {
    let free = house.free("");
    let bound = free[free.len() / 2]["end"].as_str().unwrap().to_owned();
    let query = format!("&end=le{}", bound.replace('+', "%2B"));
    let found = house.free(&query);
    // Every time is written alike, so texts compare as instants do.
    let within = free.iter().filter(|slot| slot["end"].as_str().unwrap() <= bound.as_str()).count();
    assert_eq!(found.len(), if restricts { within } else { free.len() });
    assert!(within < free.len() && within > 0);
    let told = house.get("metadata").body["description"].as_str().unwrap().to_owned();
    assert_eq!(told.contains("version 2.0.3 and later"), restricts, "{told}");
    assert_eq!(house.get("metadata").body["version"], "2.0.4");
}
