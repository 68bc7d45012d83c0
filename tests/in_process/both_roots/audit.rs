//! What is kept of requests: the audit trail of writes, the trail of every access, and what reports are made of
//! (docs/specification/uec.md#d-security and #e-non-functional; F15, F51 to F53).

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde_json::{Value, json};
use testkit::{Answer, App, Ask, CONSUMER, Database, UTC, booking, cancelled, on_both, put};

#[derive(QueryableByName, Debug, PartialEq)]
struct Witnessed {
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    version: Option<i64>,
    /// Consumer, issuer, user, role, device, trace id and both request ids, one after the other.
    #[diesel(sql_type = Text)]
    who: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn audit(database: &Database) -> Vec<Witnessed> {
    let sql = "SELECT action, subject, version, consumer || '|' || issuer || '|' || user_id || '|' || user_role || '|' || device \
               || '|' || trace_id || '|' || request_id || '|' || answer_id AS who FROM audit WHERE action IN ('book', 'cancel') ORDER BY seq";
    on(database, || diesel::sql_query(sql))
}

/// Runs a statement on the database itself, past the service.
fn on<R: QueryableByName<diesel::pg::Pg> + QueryableByName<diesel::sqlite::Sqlite> + 'static>(
    database: &Database,
    query: impl Fn() -> diesel::query_builder::SqlQuery,
) -> Vec<R> {
    match database {
        Database::Sqlite(_) => {
            let path = database.sqlite_path().unwrap();
            query().load(&mut SqliteConnection::establish(&path.to_string_lossy()).unwrap()).unwrap()
        }
        Database::Postgresql(database) => query().load(&mut PgConnection::establish(&database.url).unwrap()).unwrap(),
    }
}

/// Proves F15.
#[on_both]
async fn who_wrote_stands_in_the_audit_trail(app: App) {
    let slot = app.free_slot(UTC).await;
    let booked = app.ask(Ask::book(&booking(&slot)).key("the-booking")).await.expect(201);
    let (id, made) = (booked.id(), booked.json());
    let ended = app.ask(Ask::cancel(&id, "W/\"1\"", &cancelled(&made)).key("the-cancel")).await.expect(200);
    let who = |key: &str, answer: &str| {
        let claims = "X9T20|https://consumer.example-iuc.thirdparty.nhs.uk/|u-3381|UNK|ExampleIUC 3.2 IUC-7";
        format!("{claims}|09a01679-2564-0fb4-5129-aecc81ea2706|{key}|{answer}")
    };
    let expected =
        [("book", 1, who("the-booking", booked.header("X-Request-ID"))), ("cancel", 2, who("the-cancel", ended.header("X-Request-ID")))];
    let expected =
        expected.map(|(action, version, who)| Witnessed { action: action.to_owned(), subject: id.clone(), version: Some(version), who });
    assert_eq!(audit(&app.database), expected);
}

/// The record of an answer.
fn record_of(app: &App, answer: &Answer) -> Value {
    let id = answer.header("X-Request-ID");
    app.records().into_iter().find(|record| record["answer_id"] == id).unwrap_or_else(|| panic!("no record of {id}"))
}

/// Proves F51.
#[on_both]
async fn a_malformed_request_is_recorded_as_the_fault_of_its_consumer(app: App) {
    let slot = app.free_slot(UTC).await;
    let wrong = put(booking(&slot), "/status", json!("proposed"));
    let twice_wrong = put(wrong, "/contained/1/gender", json!("?"));
    let cases = [
        (Ask::new("POST", "Appointment").bytes("{\"resourceType\":"), 400, 1),
        (Ask::book(&twice_wrong), 422, 2),
        (Ask::get("Slot?strat=x"), 400, 1),
    ];
    for (ask, status, refused) in cases {
        let record = record_of(&app, &app.ask(ask).await.expect(status));
        let told = (record["consumer"].as_str(), record["status"].as_u64(), record["refused"].as_array().map(Vec::len));
        assert_eq!(told, (Some(CONSUMER), Some(status.into()), Some(refused)), "{record}");
    }
    let malformed = app.ask(Ask::new("POST", "Appointment").bytes("{")).await;
    assert_eq!(record_of(&app, &malformed)["refused"][0], "structure MESSAGE_NOT_WELL_FORMED");
}

/// Proves F15, F53.
#[on_both]
async fn every_access_is_recorded_whether_served_or_refused(app: App) {
    let searched = app.search(&format!("service={UTC}&status=free&start=ge2026-02-11&start=lt2026-02-12")).await.expect(200);
    let answer = app.ask(Ask::get("Appointment/95e58add-0b10-4a8c-817c-2729eb0cab75")).await.expect(404);
    let record = record_of(&app, &answer);
    let expected = json!({
        "at": "2026-02-10T09:00:00.000+00:00", "root": "/STU3/1/booking", "method": "GET", "interaction": "read:appointment", "status": 404,
        "micros": record["micros"], "answer_id": answer.header("X-Request-ID"), "refused": ["not-found NO_RECORD_FOUND"],
        "consumer": CONSUMER, "issuer": "https://consumer.example-iuc.thirdparty.nhs.uk/", "user": "u-3381", "role": "UNK",
        "device": "ExampleIUC 3.2 IUC-7", "request_id": null, "trace_id": "09a01679-2564-0fb4-5129-aecc81ea2706",
        "from_asid": "200000000359", "to_asid": "918999198993",
        "interaction_id": "urn:nhs:names:services:careconnect:fhir:rest:read:appointment",
    });
    assert_eq!(record, expected);
    let search = record_of(&app, &searched);
    let told = (&search["interaction"], &search["services"], &search["matches"]);
    assert_eq!(told, (&json!("search:slot"), &json!([UTC]), &json!(searched.total())));
    // Whatever stands where a service or a method should be may name a patient: `recording` looks for this number.
    let unknown = record_of(&app, &app.ask(Ask::get("Slot?service=9990482136").on_provider()).await.expect(200));
    assert_eq!((&unknown["services"], &unknown["matches"]), (&Value::Null, &json!(0)));
    assert_eq!(record_of(&app, &app.ask(Ask::new("9990482136", "Slot")).await.expect(405))["method"], "other");
    for ask in [Ask::get("Slot?service=1").without_token(), Ask::get("nothing")] {
        let refused = record_of(&app, &app.ask(ask).await);
        assert_eq!((&refused["interaction"], &refused["consumer"]), (&Value::Null, &Value::Null), "nothing is known of it");
    }
}

/// See docs/specification/uec.md#c23-unrenderable-data.
#[on_both]
async fn an_unreadable_document_is_a_fault_told_without_it(app: App) {
    let slot = app.free_slot(UTC).await;
    let id = app.booked(&slot).await["id"].as_str().unwrap().to_owned();
    let spoil = "UPDATE appointment_version SET document = 'Whitlock'";
    match app.database.as_ref() {
        Database::Sqlite(_) => {
            let path = app.database.sqlite_path().unwrap();
            diesel::sql_query(spoil).execute(&mut SqliteConnection::establish(&path.to_string_lossy()).unwrap()).unwrap();
        }
        Database::Postgresql(database) => {
            diesel::sql_query(spoil).execute(&mut PgConnection::establish(&database.url).unwrap()).unwrap();
        }
    }
    let questions = [format!("Appointment/{id}"), format!("Appointment/{id}/_history/1"), "Appointment?patient=9990482136".to_owned()];
    for question in questions {
        let answer = app.ask(Ask::get(question.as_str())).await;
        let told = answer.refused(500, "exception", "INTERNAL_SERVER_ERROR");
        assert!(!told.contains("Whitlock"), "{told}");
    }
}

/// The five reports of the assurance (P38 to P42) count bookings, referrals, offers and cancels over a range of dates.
/// Proves F52.
#[on_both]
async fn what_the_reports_ask_for_is_held(app: App) {
    let slots = app.free_slots(UTC).await;
    let kept = app.booked(&slots[0]).await;
    let gone = app.booked(&slots[1]).await;
    app.cancel(gone["id"].as_str().unwrap(), "W/\"1\"", &cancelled(&gone)).await.expect(200);
    let count = |sql: &str| {
        let sql = sql.to_owned();
        on::<Count>(&app.database, move || diesel::sql_query(sql.clone())).remove(0).n
    };
    let today = app.clock_ms();
    assert_eq!(
        count(&format!("SELECT count(*) AS n FROM appointment_version WHERE version = 1 AND recorded_ms >= {today}")),
        2,
        "bookings"
    );
    assert_eq!(count(&format!("SELECT count(*) AS n FROM appointment_version WHERE NOT live AND recorded_ms >= {today}")), 1, "cancels");
    let referral = kept["contained"].as_array().unwrap().iter().find(|r| r["resourceType"] == "DocumentReference").unwrap();
    let referral = referral["identifier"][0]["value"].as_str().unwrap();
    assert_eq!(
        count(&format!("SELECT count(*) AS n FROM appointment WHERE clinical_document = '{referral}'")),
        2,
        "bookings of a referral"
    );
    assert!(count(&format!("SELECT count(*) AS n FROM slot WHERE NOT blocked AND start_ms >= {today}")) > 240, "slots offered");
    assert_eq!(count("SELECT count(*) AS n FROM slot WHERE taken > 0"), 1, "slots used");
}
