//! A booking server in memory, on real sockets, that can be told to break one promise. It is written apart from the product on
//! purpose, so that a mistake of the product is not shared by what it is measured with.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use domain::time::Timestamp;
use serde_json::{Value, json};

pub const NOW: Timestamp = Timestamp::from_ms(1_770_739_530_000);
pub const SLOTS: i64 = 12;

/// What the server does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Every fifth loser is booked as well.
    BooksTwice,
    /// Losers hear something that is nearly right.
    WrongOutcome,
    /// Answers 201 and keeps nothing.
    LosesBooking,
    /// A request that is sent again hears that its own slot is taken.
    ForgetsRequests,
    /// Every fifth winner hears 503.
    BooksAndRefuses,
    /// Cancelling keeps the slot.
    KeepsSlot,
    /// Through the second server slots look free.
    SecondServerIsBehind,
    /// Every third request that is sent again names another appointment.
    NamesAnother,
    /// Not wrong: every seventh booking, won or lost, is answered too late.
    AnswersLate,
    /// Not wrong: every third booking is refused for load, and nothing is done.
    RefusesForLoad,
    /// Not wrong: the first searches are refused, as while the database is away.
    RefusesFirstSearches,
}

pub struct Slot {
    pub id: String,
    pub start: Timestamp,
    pub busy: bool,
}

#[derive(Default)]
pub struct Memory {
    pub slots: Vec<Slot>,
    pub appointments: BTreeMap<String, Value>,
    pub keys: BTreeMap<String, String>,
    pub headers_missing: usize,
}

pub struct Stub {
    pub fault: Fault,
    pub memory: Mutex<Memory>,
    pub count: AtomicUsize,
}

impl Stub {
    fn every(&self, nth: usize) -> bool {
        self.count.fetch_add(1, Ordering::SeqCst) % nth == nth - 1
    }
}

struct Here {
    stub: Arc<Stub>,
    second: bool,
}

fn outcome(code: &str, system: &str, detail: &str, diagnostics: &str) -> Value {
    json!({"resourceType": "OperationOutcome", "issue": [{
        "severity": "error", "code": code,
        "details": {"coding": [{"system": system, "code": detail}]}, "diagnostics": diagnostics
    }]})
}

fn taken() -> HttpResponse {
    let body = outcome("processing", "http://hl7.org/fhir/issue-type", "processing", "Slot no longer available");
    HttpResponse::UnprocessableEntity().json(body)
}

fn slot_json(slot: &Slot, looks_free: bool) -> Value {
    json!({"resource": {
        "resourceType": "Slot", "id": slot.id, "identifier": [{"system": "https://tools.ietf.org/html/rfc4122", "value": slot.id}],
        "schedule": {"reference": "Schedule/a"}, "status": if slot.busy && !looks_free { "busy" } else { "free" },
        "start": slot.start.to_fhir(), "end": slot.start.plus_ms(900_000).to_fhir()
    }})
}

fn note_headers(memory: &mut Memory, request: &HttpRequest, needs_id: bool) {
    let has = |name: &str| request.headers().contains_key(name);
    let all = ["Authorization", "Ssp-TraceID", "Ssp-From", "Ssp-To", "Ssp-InteractionID", "Accept"].iter().all(|name| has(name));
    if !all || (needs_id && !(has("X-Request-ID") && has("Content-Type"))) {
        memory.headers_missing += 1;
    }
}

/// More than fit into three timeouts of a second.
pub const SEARCHES_REFUSED: usize = 12;

async fn search(here: web::Data<Here>, request: HttpRequest, query: web::Query<Vec<(String, String)>>) -> HttpResponse {
    let mut memory = here.stub.memory.lock().unwrap();
    note_headers(&mut memory, &request, false);
    if here.stub.fault == Fault::RefusesFirstSearches && here.stub.count.fetch_add(1, Ordering::SeqCst) < SEARCHES_REFUSED {
        return HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "2")).finish();
    }
    let values = |name: &str| query.iter().filter(|(key, _)| key == name).map(|(_, v)| v.clone()).collect::<Vec<_>>();
    let bounds: Vec<(bool, Timestamp)> =
        values("start").iter().map(|text| (text.starts_with("ge"), Timestamp::parse(&text[2..]).unwrap())).collect();
    let looks_free = here.second && here.stub.fault == Fault::SecondServerIsBehind;
    let found = memory.slots.iter().filter(|slot| match values("_id").first() {
        Some(id) => slot.id == *id,
        None => !slot.busy && bounds.iter().all(|(from, at)| if *from { slot.start >= *at } else { slot.start < *at }),
    });
    let entry: Vec<Value> = found.map(|slot| slot_json(slot, looks_free)).collect();
    HttpResponse::Ok().json(json!({"resourceType": "Bundle", "type": "searchset", "total": entry.len(), "entry": entry}))
}

/// Decides a booking in memory; `late` and `refused` are for the caller to act on.
fn decide(stub: &Stub, request: &HttpRequest, body: &Value) -> HttpResponse {
    let mut memory = stub.memory.lock().unwrap();
    note_headers(&mut memory, request, true);
    if stub.fault == Fault::RefusesForLoad && stub.every(3) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let key = request.headers().get("X-Request-ID").unwrap().to_str().unwrap().to_owned();
    if let Some(id) = memory.keys.get(&key) {
        let id = if stub.fault == Fault::NamesAnother && stub.every(3) { "elsewhere" } else { id };
        let body = outcome("duplicate", "s", "DUPLICATE_REJECTED", &format!("{key} has already booked Appointment/{id}"));
        return if stub.fault == Fault::ForgetsRequests { taken() } else { HttpResponse::Conflict().json(body) };
    }
    let named = body["slot"][0]["reference"].as_str().unwrap().trim_start_matches('#').to_owned();
    let slot = memory.slots.iter_mut().find(|slot| slot.id == named).unwrap();
    if slot.busy && !(stub.fault == Fault::BooksTwice && stub.every(5)) {
        return match stub.fault {
            Fault::WrongOutcome => HttpResponse::UnprocessableEntity().json(outcome("processing", "s", "processing", "Slot taken")),
            _ => taken(),
        };
    }
    slot.busy = true;
    let id = format!("appointment-{}", memory.appointments.len() + 1);
    let mut stored = body.clone();
    stored["id"] = json!(id);
    stored["meta"]["versionId"] = json!("1");
    memory.appointments.insert(id.clone(), stored.clone());
    memory.keys.insert(key, id.clone());
    match stub.fault {
        Fault::LosesBooking if stub.every(5) => {
            memory.appointments.insert(id, Value::Null);
        }
        Fault::BooksAndRefuses if stub.every(5) => return HttpResponse::ServiceUnavailable().finish(),
        _ => {}
    }
    HttpResponse::Created().insert_header(("ETag", "W/\"1\"")).json(stored)
}

async fn book(here: web::Data<Here>, request: HttpRequest, body: web::Json<Value>) -> HttpResponse {
    let answer = decide(&here.stub, &request, &body);
    if here.stub.fault == Fault::AnswersLate && here.stub.every(7) {
        actix_web::rt::time::sleep(Duration::from_millis(1300)).await;
    }
    answer
}

async fn read(here: web::Data<Here>, id: web::Path<String>) -> HttpResponse {
    let memory = here.stub.memory.lock().unwrap();
    match memory.appointments.get(id.as_str()).filter(|found| !found.is_null()) {
        Some(found) => {
            let etag = format!("W/\"{}\"", found["meta"]["versionId"].as_str().unwrap());
            HttpResponse::Ok().insert_header(("ETag", etag)).json(found)
        }
        None => HttpResponse::NotFound().json(outcome("not-found", "s", "NO_RECORD_FOUND", "no such appointment")),
    }
}

async fn cancel(here: web::Data<Here>, request: HttpRequest, id: web::Path<String>, body: web::Json<Value>) -> HttpResponse {
    let mut memory = here.stub.memory.lock().unwrap();
    note_headers(&mut memory, &request, true);
    let Some(mut found) = memory.appointments.get(id.as_str()).filter(|found| !found.is_null()).cloned() else {
        return HttpResponse::NotFound().finish();
    };
    let version = request.headers().get("If-Match").map(|value| value.to_str().unwrap().to_owned());
    if version.as_deref() != Some("W/\"1\"") || body["status"] != "cancelled" || found["status"] != "booked" {
        return HttpResponse::Conflict().json(outcome("conflict", "s", "c", "wrong version"));
    }
    let key = request.headers().get("X-Request-ID").unwrap().to_str().unwrap().to_owned();
    if memory.keys.insert(key, id.to_string()).is_some() {
        return HttpResponse::Conflict().json(outcome("duplicate", "s", "DUPLICATE_REJECTED", "used already"));
    }
    found["status"] = json!("cancelled");
    found["meta"]["versionId"] = json!("2");
    memory.appointments.insert(id.to_string(), found.clone());
    let named = found["slot"][0]["reference"].as_str().unwrap().trim_start_matches('#').to_owned();
    if here.stub.fault != Fault::KeepsSlot {
        let others = memory.appointments.values().filter(|a| a["status"] == "booked" && a["slot"] == found["slot"]).count();
        memory.slots.iter_mut().filter(|slot| slot.id == named).for_each(|slot| slot.busy = others > 0);
    }
    HttpResponse::Ok().insert_header(("ETag", "W/\"2\"")).json(found)
}

/// Serves `stub` on `port` (0: any that is free) in a thread of its own, and says on which and how to stop it.
pub fn serve(stub: &Arc<Stub>, second: bool, port: u16) -> (u16, ServerHandle) {
    let stub = Arc::clone(stub);
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let here = web::Data::new(Here { stub, second });
            let server = HttpServer::new(move || {
                let root = web::scope("/STU3/1/booking")
                    .route("/Slot", web::get().to(search))
                    .route("/Appointment", web::post().to(book))
                    .route("/Appointment/{id}", web::get().to(read))
                    .route("/Appointment/{id}", web::put().to(cancel));
                App::new().app_data(here.clone()).service(root)
            });
            let server = server.workers(1).disable_signals().bind(("127.0.0.1", port)).unwrap();
            let port = server.addrs()[0].port();
            let server = server.run();
            tell.send((port, server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    told.recv().unwrap()
}
