//! Goal: `slotkeeper diary` shows who is coming on a day or in a week, by service, schedule, clinician or place, with what
//! was cancelled only on request. Method: the demo provider on both databases; a booking and a cancelled one made over HTTP
//! in this process; the command as it is typed, its output caught.

use actix_web::{App, rt, test as calls};
use chrono::{Datelike, Days, NaiveDate, Weekday};
use clap::Parser;
use serde_json::{Value, json};
use slotkeeper::cli::{self, Cli, CliCommand, Failure};
use slotkeeper::engine::{Engine, Limits};
use slotkeeper::http::{AuthMode, Service, Settings, configure};
use slotkeeper::store::{DatabaseUrl, Store};
use std::sync::Arc;
use testkit::examiner::{Exchange, examine};
use testkit::on_both;
use testkit::place::Place;

const ROOT: &str = "/STU3/1/provider";
/// Urgent treatment, room 1: Dr Nadia Rehman, at the Weirside Urgent Care Centre.
const SCHEDULE: &str = "9f82a69f-a923-44ba-b27f-fff750fb6630";

/// A seeded database with one appointment and one cancelled one in the same slot.
struct House {
    url: String,
    service: Arc<Service>,
    day: String,
}

impl House {
    fn open(url: &str) -> Self {
        let store = Store::open(&DatabaseUrl::parse(url).unwrap(), true).unwrap();
        cli::demo::load(&store).unwrap().stop();
        let engine = Arc::new(Engine::start(store, cli::ports(), Limits::default()).unwrap());
        let settings = Settings { auth: AuthMode::Off, ..Settings::at("http://127.0.0.1") };
        let mut house = Self {
            url: url.to_owned(),
            service: Arc::new(Service::new(engine, settings, &slotkeeper::http::ROOT_PATHS)),
            day: String::new(),
        };
        let found = house.send("GET", &format!("Slot?schedule={SCHEDULE}&status=free"), None);
        let slots = found["entry"].as_array().unwrap().iter().map(|entry| entry["resource"].clone());
        // A day about a week ahead, so that the whole week around it has been laid out. The room works in the middle
        // of the day, so the date in UTC is the local one.
        let day = |slot: &Value| slot["start"].as_str().unwrap()[..10].parse::<NaiveDate>().unwrap();
        let slots: Vec<Value> = slots.collect();
        let wanted = day(&slots[0]) + Days::new(6);
        let slot = slots.into_iter().find(|slot| day(slot) == wanted).unwrap();
        house.day = wanted.to_string();
        let gone = house.book(&slot, "Tom Brierley", "9990482136");
        let mut cancel = gone.clone();
        cancel["status"] = json!("cancelled");
        let path = format!("Appointment/{}", gone["id"].as_str().unwrap());
        assert_eq!(house.send("PUT", &path, Some(&cancel))["status"], "cancelled");
        house.book(&slot, "Imogen Whitlock", "9990482136");
        house
    }

    fn book(&self, slot: &Value, name: &str, nhs_number: &str) -> Value {
        let identifier = json!({"system": "https://fhir.nhs.uk/Id/nhs-number", "value": nhs_number});
        let made = self.send(
            "POST",
            "Appointment",
            Some(&json!({
                "resourceType": "Appointment", "status": "booked", "description": "Sore throat",
                "start": slot["start"], "end": slot["end"], "slot": [{"reference": format!("Slot/{}", slot["id"].as_str().unwrap())}],
                "participant": [{"status": "accepted", "actor": {"display": name, "identifier": identifier}}]
            })),
        );
        assert_eq!(made["status"], "booked", "{made}");
        made
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let service = Arc::clone(&self.service);
        rt::System::new().block_on(async move {
            let app = calls::init_service(App::new().configure(configure(service))).await;
            let uri = format!("{ROOT}/{path}");
            let mut request = calls::TestRequest::with_uri(&uri).method(method.parse().unwrap());
            if let Some(body) = body {
                request = request.insert_header(("Content-Type", "application/fhir+json")).set_payload(body.to_string());
            }
            let exchange = Exchange::of(method, &uri, calls::call_service(&app, request.to_request()).await).await;
            let body = serde_json::from_slice(&exchange.body).unwrap();
            examine(exchange, async |again| {
                let request = calls::TestRequest::with_uri(&again.uri).insert_header(("Accept", again.accept));
                Exchange::of("GET", &again.uri, calls::call_service(&app, request.to_request()).await).await
            })
            .await;
            body
        })
    }

    fn try_diary(&self, more: &[&str]) -> Result<String, Failure> {
        let typed = ["slotkeeper", "diary", "--database-url", &self.url, "--day", &self.day];
        let CliCommand::Diary(args) = Cli::try_parse_from(typed.iter().chain(more)).unwrap().command else { panic!() };
        let mut out = Vec::new();
        cli::diary::run(&args, &mut out).map(|()| String::from_utf8(out).unwrap())
    }

    fn diary(&self, more: &[&str]) -> String {
        self.try_diary(more).unwrap_or_else(|failure| panic!("{more:?}: {failure}"))
    }

    /// The schedules that are shown.
    fn shown(&self, more: &[&str]) -> Vec<String> {
        let json: Value = serde_json::from_str(&self.diary(&[more, &["--json"]].concat())).unwrap();
        let days = json["week"].as_array().cloned().unwrap_or_else(|| vec![json.clone()]);
        let slots = days.iter().flat_map(|day| day["slots"].as_array().unwrap());
        let mut schedules: Vec<String> = slots.map(|slot| slot["schedule"].as_str().unwrap().to_owned()).collect();
        schedules.sort();
        schedules.dedup();
        schedules
    }
}

#[on_both]
fn a_day_shows_what_was_cancelled_only_on_request(place: Place) {
    let house = House::open(&place.typed());
    for form in [&[][..], &["--json"], &["--csv"], &["--print"]] {
        let usual = house.diary(form);
        assert!(usual.contains("Imogen Whitlock") && !usual.contains("Tom Brierley"), "{form:?}: {usual}");
        let whole = house.diary(&[form, &["--cancelled"]].concat());
        assert!(whole.contains("Imogen Whitlock") && whole.contains("Tom Brierley"), "{form:?}: {whole}");
    }
    let csv = house.diary(&["--csv", "--cancelled", "--schedule", SCHEDULE]);
    let status = |name: &str| csv.lines().find(|line| line.contains(name)).unwrap().split(',').rev().nth(6).unwrap().to_owned();
    assert_eq!((status("Imogen Whitlock").as_str(), status("Tom Brierley").as_str()), ("booked", "cancelled"), "{csv}");
    assert!(csv.contains("Dr Nadia Rehman") && csv.contains("Weirside Urgent Care Centre"), "{csv}");
}

#[on_both]
fn a_week_is_seven_days_from_monday(place: Place) {
    let house = House::open(&place.typed());
    let json: Value = serde_json::from_str(&house.diary(&["--week", "--json"])).unwrap();
    let days: Vec<NaiveDate> = json["week"].as_array().unwrap().iter().map(|day| day["day"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(days.len(), 7);
    assert_eq!(days[0].weekday(), Weekday::Mon);
    assert!(days.contains(&house.day.parse().unwrap()));
    let alone: Value = serde_json::from_str(&house.diary(&["--json"])).unwrap();
    let same = json["week"].as_array().unwrap().iter().find(|day| day["day"] == house.day.as_str()).unwrap();
    assert_eq!(same, &alone);
    let pages = house.diary(&["--week", "--print", "--schedule", SCHEDULE]);
    assert!(pages.matches('\u{c}').count() >= 6, "a form feed between days");
    assert!(pages.starts_with("Weirside Urgent Care - "), "{}", pages.lines().next().unwrap());
}

#[on_both]
fn schedules_are_chosen_by_service_clinician_and_place(place: Place) {
    let house = House::open(&place.typed());
    let all = house.shown(&["--week"]);
    assert!(all.len() > 3);
    for by_clinician in ["rehman", "815a7e76-e4c8-4cc8-9f40-769725047268", "Dr Nadia"] {
        assert_eq!(house.shown(&["--week", "--clinician", by_clinician]), [SCHEDULE], "{by_clinician}");
    }
    let at_clinic = house.shown(&["--week", "--place", "lambton"]);
    let at_centre = house.shown(&["--week", "--place", "5ed21cb1-e0bf-4f3f-8cd9-c12bcd77d253"]);
    assert!(!at_clinic.is_empty() && !at_centre.is_empty());
    assert_eq!(at_clinic.len() + at_centre.len(), all.len());
    assert!(at_centre.contains(&SCHEDULE.to_owned()));
    let of_service = house.shown(&["--week", "--service", "2000099901"]);
    assert!(of_service.contains(&SCHEDULE.to_owned()) && of_service.len() < all.len());
    assert_eq!(house.shown(&["--week", "--service", "2000099904"]), Vec::<String>::new());
    for (flag, value) in [("--service", "1"), ("--schedule", "1"), ("--clinician", "Nobody"), ("--place", "Nowhere")] {
        let failure = house.try_diary(&[flag, value]).unwrap_err();
        assert!(failure.exit_code() == 1 && failure.to_string().starts_with(flag), "{failure}");
    }
}
