//! What the provider root does and the booking root does not (docs/contract.md#the-provider-root).

use super::house::{BOOKING, DOCUMENT, House, PATIENTS, PROVIDER, SCHEDULE, SERVICE, booking};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use slotkeeper::http::AuthMode;
use std::collections::BTreeSet;
use testkit::on_both;

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn ids(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    entries.map(|e| e["resource"]["id"].as_str().unwrap().to_owned()).collect()
}

fn link(bundle: &Value, relation: &str) -> Option<String> {
    let found = bundle["link"].as_array().unwrap().iter().find(|l| l["relation"] == relation)?;
    Some(found["url"].as_str().unwrap().split_once("/provider/").unwrap().1.to_owned())
}

/// Proves F40.
#[on_both]
async fn appointments_are_found_by_whatever_names_them(house: House) {
    let booked = house.book(3).await;
    let found = async |query: &str| ids(&house.read(&format!("Appointment?{query}")).await).into_iter().collect::<BTreeSet<_>>();
    let set = |of: &[usize]| of.iter().map(|at| booked[*at].clone()).collect::<BTreeSet<_>>();
    let all = set(&[0, 1, 2]);
    assert_eq!(found("").await, all);
    assert_eq!(found(&format!("patient={}", PATIENTS[0])).await, set(&[0, 2]));
    assert_eq!(found(&format!("identifier={DOCUMENT}")).await, set(&[0]));
    assert_eq!(found(&format!("identifier={DOCUMENT},{}", PATIENTS[1])).await, set(&[0, 1]), "a comma means or");
    assert_eq!(found(&format!("identifier={DOCUMENT}&identifier={}", PATIENTS[1])).await, set(&[]), "twice means and");
    for actor in ["HealthcareService/2000099901", "815a7e76-e4c8-4cc8-9f40-769725047268", "PractitionerRole/555040200101"] {
        assert_eq!(found(&format!("actor={actor}")).await, all, "{actor}");
    }
    assert_eq!(found("actor=HealthcareService/2000099901&actor=Practitioner/nobody").await, set(&[]), "every group must hold");
    assert_eq!(found("actor=Practitioner/2000099901").await, set(&[]), "an id of another kind is another id");
    assert_eq!(found("date=2026-02-11&status=cancelled").await, set(&[]));
    assert_eq!(house.cancel(&booked[1], &[]).await.status, 200);
    assert_eq!(found("status=cancelled").await, set(&[1]));
    let slots = house.read("Appointment?_include=Appointment:slot&_include=Appointment:actor").await;
    let kinds: Vec<_> = slots["entry"].as_array().unwrap().iter().map(|e| e["resource"]["resourceType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Appointment", "Appointment", "Appointment", "Slot", "Slot", "Slot", "HealthcareService"]);
}

#[on_both]
async fn pages_have_no_gap_or_repeat_while_others_book(house: House) {
    house.book(5).await;
    for kind in ["Appointment", "Practitioner", "Schedule", "Slot?start=le2026-02-11T09:00Z&status=free"] {
        let separator = if kind.contains('?') { '&' } else { '?' };
        let whole = ids(&house.read(kind).await);
        let mut paged = Vec::new();
        let mut next = Some(format!("{kind}{separator}_count=2"));
        while let Some(path) = next {
            let page = house.read(&path).await;
            assert!(ids(&page).len() <= 2);
            paged.extend(ids(&page));
            next = link(&page, "next");
            if kind.starts_with("Slot") && paged.len() == 2 {
                // The slot after the next page's first one goes to somebody else meanwhile.
                let slot = house.read(&format!("Slot/{}", whole[3])).await;
                assert_eq!(house.post("Appointment", &[], &booking(&slot, PATIENTS[0], false)).await.status, 201);
            }
        }
        let taken_meanwhile = kind.starts_with("Slot").then(|| whole[3].clone());
        let wanted: Vec<_> = whole.into_iter().filter(|id| Some(id) != taken_meanwhile.as_ref()).collect();
        assert_eq!(paged, wanted, "{kind}");
    }
    let patient = house.read(&format!("Appointment?patient={}&_count=1", PATIENTS[0])).await;
    assert_eq!((ids(&patient).len(), link(&patient, "next")), (4, None), "a patient's appointments are never paged");
}

#[on_both]
async fn a_form_asks_what_a_query_asks_and_both_together_count(house: House) {
    let post = async |path: &str, header: (&str, &str), body: &str| {
        house.call("POST", &format!("{PROVIDER}/{path}"), &[header, ("Prefer", "handling=strict")], body).await
    };
    let asked = post("Slot/_search?status=free", FORM, "schedule=9f82a69f-a923-44ba-b27f-fff750fb6630&_count=3&_pretty=false").await;
    let wanted = house.read(&format!("Slot?status=free&schedule={SCHEDULE}&_count=3&_pretty=false")).await;
    assert_eq!((asked.status, asked.json()), (200, wanted));
    assert_eq!(post("Slot/_search", ("Content-Type", "application/json"), "").await.status, 415);
    assert_eq!(post("Slot/_search", FORM, "nonsense=1&_format=xml").await.header("content-type"), "application/fhir+xml;charset=UTF-8");
    assert_eq!(post("Slot/_search", FORM, "%zz=1").await.status, 400);
    let many = "_id=a&".repeat(150);
    assert_eq!(post(&format!("Slot/_search?{many}"), FORM, &many).await.status, 400, "the limit is that of both together");
    let large = "x".repeat(1_048_577);
    assert_eq!(post("Slot/_search", FORM, &large).await.status, 413);
    assert_eq!(house.call("DELETE", &format!("{PROVIDER}/Location/_search"), &[], "").await.header("allow"), "POST, GET, HEAD");
}

#[on_both]
async fn a_write_answers_as_the_client_prefers(house: House) {
    let slots = house.free(3).await;
    let book =
        async |at: usize, prefer: &str| house.post("Appointment", &[("Prefer", prefer)], &booking(&slots[at], PATIENTS[0], false)).await;
    let minimal = book(0, "return=minimal").await;
    assert_eq!((minimal.status, minimal.body.as_str(), minimal.header("etag")), (201, "", "W/\"1\""));
    assert!(minimal.header("location").contains("/provider/Appointment/") && minimal.header("content-type").is_empty());
    let outcome = book(1, "return=OperationOutcome").await;
    let told = outcome.json();
    assert_eq!(
        (outcome.status, &told["resourceType"], &told["issue"][0]["severity"]),
        (201, &json!("OperationOutcome"), &json!("information"))
    );
    let whole = book(2, "return=representation").await.json();
    assert_eq!(whole["resourceType"], "Appointment");
    let cancelled = house.cancel(whole["id"].as_str().unwrap(), &[("Prefer", "return=minimal"), ("If-Match", "W/\"1\"")]).await;
    assert_eq!((cancelled.status, cancelled.body.as_str(), cancelled.header("etag")), (200, "", "W/\"2\""));
}

#[on_both]
async fn a_history_has_every_version_the_newest_first(house: House) {
    let id = house.book(1).await.remove(0);
    assert_eq!(house.cancel(&id, &[]).await.status, 200);
    let history = house.read(&format!("Appointment/{id}/_history")).await;
    let told = |path: &str| history["entry"].as_array().unwrap().iter().map(|e| e.pointer(path).unwrap().clone()).collect::<Vec<_>>();
    assert_eq!((&history["type"], &history["total"]), (&json!("history"), &json!(2)));
    assert_eq!(told("/resource/status"), ["cancelled", "booked"]);
    assert_eq!(told("/resource/meta/versionId"), ["2", "1"]);
    assert_eq!(told("/request/method"), ["PUT", "POST"]);
    let url = json!(format!("https://weirside.example{PROVIDER}/Appointment/{id}"));
    assert_eq!(told("/fullUrl"), [url.clone(), url], "it names no version (bdl-8)");
    for version in ["1", "2"] {
        let one = house.read(&format!("Appointment/{id}/_history/{version}")).await;
        assert!(told("/resource").contains(&one), "version {version} is in the history as it is read by itself");
    }
    assert_eq!(house.get("Appointment/nobody/_history").await.status, 404);
}

/// A token as the standard prescribes it, for an organisation.
fn token(ods: &str, root: &str) -> String {
    let now = domain::time::Timestamp::parse("2026-02-10T16:00:00Z").unwrap().ms() / 1_000;
    let claims = json!({
        "iss": "https://consumer.example", "sub": "1", "aud": format!("https://weirside.example{root}"), "iat": now, "exp": now + 300,
        "reason_for_request": "directcare", "requested_scope": "organization/slot.read patient/appointment.write",
        "requesting_device": {"resourceType": "Device"},
        "requesting_organization": {"resourceType": "Organization",
            "identifier": [{"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": ods}]}
    });
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("Bearer {}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&claims))
}

#[on_both(Some(AuthMode::Unsigned))]
async fn only_who_booked_and_the_provider_see_an_appointment(house: House) {
    let [consumer, other, provider] = ["A1001", "B2002", "Y9Z41"].map(|ods| token(ods, PROVIDER));
    let get = async |token: &str, path: &str| house.call("GET", &format!("{PROVIDER}/{path}"), &[("Authorization", token)], "").await;
    let slot = get(&consumer, &format!("Slot?schedule={SCHEDULE}&status=free&_count=1")).await.json()["entry"][0]["resource"].clone();
    let body = booking(&slot, PATIENTS[0], false);
    let made = house.post("Appointment", &[("Authorization", &consumer)], &body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    for (token, status, total) in [(&consumer, 200, 1), (&provider, 200, 1), (&other, 403, 0)] {
        assert_eq!(get(token, &format!("Appointment/{id}/_history")).await.status, status);
        assert_eq!(get(token, "Appointment?actor=HealthcareService/2000099901").await.json()["total"], total);
        assert_eq!(get(token, "Appointment?_count=5").await.json()["total"], total);
    }
    assert_eq!(house.get(&format!("Appointment/{id}/_history")).await.status, 403, "without a token");
    assert_eq!(house.call("POST", &format!("{PROVIDER}/Location/_search"), &[FORM], "").await.status, 403, "a form needs one too");
}

#[on_both]
async fn answers_show_as_much_as_was_asked_for_and_say_so(house: House) {
    let id = house.book(1).await.remove(0);
    let tag = json!([{"system": "http://hl7.org/fhir/v3/ObservationValue", "code": "SUBSETTED"}]);
    let keys = |resource: &Value| resource.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let elements = house.read(&format!("Appointment/{id}?_elements=start")).await;
    assert_eq!(keys(&elements), ["id", "meta", "participant", "resourceType", "start", "status"]);
    assert_eq!(elements["meta"]["tag"], tag);
    let found = house.read("Appointment?_elements=start").await;
    assert_eq!(found["entry"][0]["resource"], elements);
    let organisation = async |summary: &str| house.read(&format!("Organization/Y9Z42?_summary={summary}")).await;
    assert_eq!(keys(&organisation("text").await), ["id", "meta", "resourceType", "text"]);
    assert_eq!(keys(&organisation("true").await), ["active", "id", "identifier", "meta", "name", "resourceType", "type"]);
    let (data, whole) = (organisation("data").await, organisation("false").await);
    assert!(data["text"].is_null() && !data["telecom"].is_null() && data["meta"]["tag"] == tag && whole["meta"]["tag"].is_null());
    let history = house.read(&format!("Appointment/{id}/_history?_elements=start")).await;
    assert_eq!(history["entry"][0]["resource"], elements);
    let schedule = house.get("Schedule/9f82a69f-a923-44ba-b27f-fff750fb6630").await;
    assert_eq!((schedule.header("etag"), &schedule.json()["meta"]["versionId"]), ("W/\"1\"", &json!("1")));
}

#[on_both]
async fn the_booking_root_has_none_of_it(house: House) {
    let get = async |path: &str, headers: &[(&str, &str)]| house.call("GET", &format!("{BOOKING}/{path}"), headers, "").await;
    assert_eq!(get("Location", &[]).await.status, 404);
    let post = async |path: &str| house.call("POST", &format!("{BOOKING}/{path}"), &[FORM, ("X-Request-ID", "1")], "").await;
    assert_eq!(post("Slot/_search").await.status, 405);
    let id = house.book(1).await.remove(0);
    assert_eq!(get(&format!("Appointment/{id}/_history"), &[]).await.status, 404);
    assert_eq!(get(&format!("Slot?service={SERVICE}&_elements=id"), &[]).await.status, 400);
    let plain = get(&format!("Appointment/{id}"), &[]).await.body;
    assert_eq!(get(&format!("Appointment/{id}?_elements=id&_summary=true"), &[]).await.body, plain);
    let schedule = get("Schedule/9f82a69f-a923-44ba-b27f-fff750fb6630", &[]).await;
    assert_eq!((schedule.header("etag"), &schedule.json()["meta"]["versionId"]), ("W/\"1\"", &Value::Null));
    let refused = house
        .call("POST", &format!("{BOOKING}/Appointment"), &[("Content-Type", "application/fhir+json"), ("Prefer", "return=minimal")], "{}")
        .await;
    assert_eq!((refused.status, refused.body.contains("X-Request-ID")), (400, true));
    assert_eq!(get("Slot", &[("Accept", "text/html")]).await.status, 415);
    assert_eq!(house.call("GET", &format!("{PROVIDER}/Slot"), &[("Accept", "text/html")], "").await.status, 406);
}
