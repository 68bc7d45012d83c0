//! The service under test: a database of its own, the demo provider with a little more in it, three appointments.

use actix_web::body::BoxBody;
use actix_web::dev::Service as _;
use actix_web::dev::ServiceResponse;
use actix_web::{App, test};
use chrono::NaiveDate;
use domain::directory::{DirectoryKind, DirectoryRecord};
use domain::element::Element;
use domain::ids::{Ids, ResourceId};
use domain::time::{Clock, Timestamp};
use fhir::stu3::Stu3Documents;
use serde_json::{Value, json};
use slotkeeper::cli::seed_files;
use slotkeeper::engine::{Engine, Limits, Maintenance, Ports, SeedContent};
use slotkeeper::http::{AuthMode, Service, Settings, configure};
use slotkeeper::store::Store;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::examiner::{Exchange, examine};
use testkit::place::Place;
use testkit::{Kind, World};

pub const PROVIDER: &str = "/STU3/1/provider";
pub const BOOKING: &str = "/STU3/1/booking";
pub const SERVICE: &str = "2000099901";
/// The schedule of one clinician of that service.
pub const SCHEDULE: &str = "9f82a69f-a923-44ba-b27f-fff750fb6630";
pub const PATIENTS: [&str; 2] = ["9990482136", "9990000018"];
pub const DOCUMENT: &str = "01883190-10fd-4c0a-87eb-eec757dd1c62";
const NOW: &str = "2026-02-10T16:00:00Z";
const URL: &str = "https://weirside.example";

struct FixedClock;
impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::parse(NOW).unwrap()
    }
}

#[derive(Default)]
struct CountedIds(AtomicU64);
impl Ids for CountedIds {
    fn uuid(&self) -> String {
        format!("00000000-0000-4000-8000-{:012}", self.0.fetch_add(1, Ordering::SeqCst))
    }
}

type Caller = Box<dyn Fn(test::TestRequest) -> std::pin::Pin<Box<dyn Future<Output = ServiceResponse<BoxBody>>>>>;

pub struct House {
    app: Caller,
    // Dropped after the service that uses it.
    _place: Place,
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
    fn exchange(&self, method: &str, uri: &str) -> Exchange {
        Exchange {
            method: method.to_owned(),
            uri: uri.to_owned(),
            status: self.status,
            content_type: self.header("content-type").to_owned(),
            content_encoding: self.header("content-encoding").to_owned(),
            location: self.header("location").to_owned(),
            body: self.body.clone().into_bytes(),
        }
    }
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

impl World for House {
    /// How consumers show who they are; nobody is asked, unless said otherwise.
    type Setup = Option<AuthMode>;

    async fn on(kind: Kind, auth: Option<AuthMode>) -> Self {
        let place = Place::of(kind);
        let store = Store::open(&place.url, true).unwrap();
        let ports = Ports { clock: Arc::new(FixedClock), ids: Arc::new(CountedIds::default()), documents: Arc::new(Stu3Documents) };
        Maintenance::new(store.clone(), ports.clone()).seed(&content(), NaiveDate::from_ymd_opt(2026, 2, 9).unwrap(), 4).unwrap();
        let settings = Settings { auth: auth.unwrap_or(AuthMode::Off), ..Settings::at(URL) };
        let engine = Engine::start(store, ports, Limits::default()).unwrap();
        let service = Arc::new(Service::new(Arc::new(engine), settings));
        let app = test::init_service(App::new().configure(configure(service))).await;
        let app = std::rc::Rc::new(app);
        let app: Caller = Box::new(move |request| {
            let app = std::rc::Rc::clone(&app);
            Box::pin(async move { app.call(request.to_request()).await.unwrap().map_into_boxed_body() })
        });
        Self { app, _place: place }
    }
}

impl House {
    /// Sends a request. Whatever FHIR comes back is examined.
    pub async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let answer = self.send(method, path, headers, body).await;
        examine(answer.exchange(method, path), async |again| {
            let mut kept: Vec<_> = headers.iter().filter(|(name, _)| !again.replaces(name)).copied().collect();
            kept.push(("Accept", again.accept));
            self.send("GET", &again.uri, &kept, "").await.exchange("GET", &again.uri)
        })
        .await;
        answer
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = test::TestRequest::with_uri(&path.replace('|', "%7C").replace(' ', "%20")).method(method.parse().unwrap());
        for (name, value) in headers {
            request = request.insert_header((*name, *value));
        }
        let response = (self.app)(request.set_payload(body.to_owned())).await;
        let header = |(name, value): (&actix_web::http::header::HeaderName, &actix_web::http::header::HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
        };
        let headers = response.headers().iter().map(header).collect();
        let status = response.status().as_u16();
        let body = String::from_utf8(test::read_body(response).await.to_vec()).unwrap();
        Answer { status, headers, body }
    }

    /// GET below the provider root.
    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", &format!("{PROVIDER}/{path}"), &[], "").await
    }

    /// GET below the provider root, which must succeed.
    pub async fn read(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// GET that refuses names it does not know.
    pub async fn get_strictly(&self, path: &str) -> Answer {
        self.call("GET", &format!("{PROVIDER}/{path}"), &[("Prefer", "handling=strict")], "").await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut all = vec![("Content-Type", "application/fhir+json")];
        all.extend_from_slice(headers);
        self.call("POST", &format!("{PROVIDER}/{path}"), &all, &body.to_string()).await
    }

    /// Free slots of the first service's first clinician, in order.
    pub async fn free(&self, count: usize) -> Vec<Value> {
        let found = self.read(&format!("Slot?schedule={SCHEDULE}&status=free&_count={count}")).await;
        found["entry"].as_array().unwrap().iter().map(|e| e["resource"].clone()).collect()
    }

    /// Books so many slots: the patients in turn, the first with a clinical document. The appointments' ids.
    pub async fn book(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for (at, slot) in self.free(count).await.iter().enumerate() {
            let answer = self.post("Appointment", &[], &booking(slot, PATIENTS[at % 2], at == 0)).await;
            assert_eq!(answer.status, 201, "{}", answer.body);
            ids.push(answer.json()["id"].as_str().unwrap().to_owned());
        }
        ids
    }

    pub async fn cancel(&self, id: &str, headers: &[(&str, &str)]) -> Answer {
        let mut body = self.read(&format!("Appointment/{id}")).await;
        body["status"] = json!("cancelled");
        let mut all = vec![("Content-Type", "application/fhir+json")];
        all.extend_from_slice(headers);
        self.call("PUT", &format!("{PROVIDER}/Appointment/{id}"), &all, &body.to_string()).await
    }
}

/// A booking as an ordinary FHIR client sends it.
pub fn booking(slot: &Value, nhs_number: &str, with_document: bool) -> Value {
    let identifier = json!({"system": "https://fhir.nhs.uk/Id/nhs-number", "value": nhs_number});
    let mut body = json!({
        "resourceType": "Appointment", "status": "booked", "start": slot["start"], "end": slot["end"],
        "description": "Ear pain",
        "slot": [{"reference": format!("Slot/{}", slot["id"].as_str().unwrap())}],
        "participant": [
            {"actor": {"identifier": identifier, "display": "Imogen Whitlock"}, "status": "accepted"},
            {"actor": {"reference": format!("HealthcareService/{SERVICE}")}, "status": "accepted"}
        ]
    });
    if with_document {
        body["contained"] = json!([{
            "resourceType": "DocumentReference", "id": "cda", "status": "current", "indexed": "2026-02-10T16:00:00.000+00:00",
            "identifier": [{"system": "https://tools.ietf.org/html/rfc4122", "value": DOCUMENT}],
            "type": {"coding": [{"system": "urn:oid:2.16.840.1.113883.2.1.3.2.4.18.17", "code": "POCD_MT200001GB02", "display": "Integrated Urgent Care Report"}]},
            "content": [{"attachment": {"contentType": "application/hl7-v3+xml", "language": "en"}}]
        }]);
        body["supportingInformation"] = json!([{"reference": "#cda"}]);
    }
    body
}

/// The demo provider with a second organisation, which has a narrative, and a service that says of what type it is.
fn content() -> SeedContent {
    let plan = seed_files::demo().unwrap();
    let mut directory: Vec<DirectoryRecord> = plan.directory;
    for record in &mut directory {
        if record.facts.kind() == DirectoryKind::HealthcareService && record.id.as_str() == SERVICE {
            let coded = |name, code| Element::complex(name).with(Element::complex("coding").with(Element::text("code", code)));
            record.resource.children.extend([coded("type", "utc"), coded("category", "urgent")]);
        }
    }
    let mut second = directory.iter().find(|r| r.facts.kind() == DirectoryKind::Organization).unwrap().clone();
    second.id = ResourceId::parse("Y9Z42").unwrap();
    second.resource.set(Element::text("id", "Y9Z42"));
    second.resource.set(Element::text("name", "Fellside Trust"));
    let narrative = Element::text("div", r#"<div xmlns="http://www.w3.org/1999/xhtml">Fellside Trust</div>"#);
    second.resource.set(Element::complex("text").with(Element::text("status", "generated")).with(narrative));
    directory.push(second);
    SeedContent { directory, schedules: plan.schedules, working_times: plan.working_times }
}
