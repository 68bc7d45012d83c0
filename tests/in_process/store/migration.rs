//! Goal: a database with bookings becomes one of this version without losing a row, a key or an index, or stays exactly what
//! it was; and the migrations lead back. Method: a database as the version before left it, made of the migrations of then.

use domain::time::{Clock, DAY_MS, Timestamp};
use fhir::stu3::Stu3Documents;
use slotkeeper::engine::{Maintenance, Ports, UuidIds};
use slotkeeper::store::{Lane, Store, StoreError};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use testkit::place::{NOW, Place};
use testkit::{Kind, on_both};

/// The migrations that the version before had.
const BEFORE: [&str; 3] = ["2026-11-20-000001_diary", "2026-11-20-000002_booked_by", "2026-11-20-000003_feed"];
/// Those that lead from there to here.
const SINCE: [&str; 4] = ["2026-11-28-000004_past", "2026-11-28-000005_offer", "2026-11-28-000006_documents", "2026-12-01-000007_release"];

/// Tables of then, with columns enough to tell rows apart.
const KEPT: [(&str, &[&str]); 6] = [
    ("slot", &["id", "schedule_id", "start_ms", "end_ms", "capacity", "taken", "blocked", "channel", "version", "updated_ms"]),
    (
        "appointment",
        &[
            "id",
            "slot_id",
            "seat",
            "live",
            "version",
            "start_ms",
            "end_ms",
            "service_id",
            "booked_by",
            "nhs_number",
            "patient_name",
            "birth_date",
            "contact",
            "reason",
            "clinical_document",
            "updated_ms",
        ],
    ),
    ("appointment_version", &["appointment_id", "version", "live", "recorded_ms", "document"]),
    ("request_key", &["request_id", "consumer", "appointment_id", "recorded_ms"]),
    ("audit", &["recorded_ms", "action", "subject", "version"]),
    ("schedule", &["id", "name", "zone", "version"]),
];

struct Standing(Timestamp);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        self.0
    }
}

trait OfBefore: Sized {
    /// Lays it out as the version before left it: an appointment and a cancelled one in one slot, and a slot that is free.
    fn lay_out_as_before(&self);
    fn content(&self) -> String;
    /// Tables, columns, keys, checks, indexes, views and triggers.
    fn schema(&self) -> String;
}

impl OfBefore for Place {
    fn lay_out_as_before(&self) {
        if self.database.is_none() {
            self.by_hand("PRAGMA journal_mode = WAL; PRAGMA application_id = 1397509972");
        }
        self.by_hand("CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)");
        for name in BEFORE {
            self.by_hand(&sql(self, name, "up"));
            self.by_hand(&format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{}')", version(name)));
        }
        self.by_hand(&rows());
    }

    fn content(&self) -> String {
        let of_table = |(table, columns): (&str, &[&str])| {
            let row = columns.iter().map(|column| format!("COALESCE(CAST({column} AS TEXT), '-')")).collect::<Vec<_>>().join(" || '|' || ");
            format!("{table}\n{}\n", self.told(&format!("SELECT {row} AS answer FROM {table} ORDER BY 1")))
        };
        KEPT.into_iter().map(of_table).collect()
    }

    fn schema(&self) -> String {
        if self.database.is_none() {
            // A table that was renamed has its name in quotes.
            let all = self.told("SELECT sql AS answer FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name");
            return all.replace("\"appointment\"", "appointment");
        }
        self.told(
            "SELECT answer FROM (
                 SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || COALESCE(collation_name, '') AS answer
                     FROM information_schema.columns WHERE table_schema = 'public'
                 UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
                 UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
                     WHERE connamespace = 'public'::regnamespace
                 UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
                 UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
                 UNION ALL SELECT viewname || definition FROM pg_views WHERE schemaname = 'public') AS everything ORDER BY 1",
        )
    }
}

/// The version of a migration of this name.
fn version(name: &str) -> String {
    name.split('_').next().unwrap().replace('-', "")
}

fn sql(place: &Place, name: &str, way: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(place.kind).join(name).join(format!("{way}.sql"));
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn rows() -> String {
    let (start, end, now) = (NOW.ms() + 3_600_000, NOW.ms() + 4_500_000, NOW.ms());
    let made = |of: &str, version: i32, live: bool| {
        let action = if live { "book" } else { "cancel" };
        format!(
            "INSERT INTO appointment_version VALUES ('{of}', {version}, {live}, {now}, '{{\"of\":\"{of}\"}}');
             INSERT INTO audit (recorded_ms, action, subject, version, request_id, consumer)
                 VALUES ({now}, '{action}', '{of}', {version}, '{of}-{version}', 'X9T20');
             INSERT INTO request_key VALUES ('{of}-{version}', 'X9T20', '{of}', {now});"
        )
    };
    let appointment = |id: &str, live: bool, version: i32| {
        format!(
            "INSERT INTO appointment VALUES ('{id}', 'taken', 1, {live}, {version}, {start}, {end}, 'service', 'X9T20', '9990482136',
                 'Imogen Whitlock', '1984-03-07', '01632 960145', 'Earache', NULL, {now});"
        )
    };
    [
        "INSERT INTO service VALUES ('service', 'Service', NULL, NULL, NULL);".to_owned(),
        format!(
            "INSERT INTO schedule VALUES ('schedule', 'system', 'value', 'Room one', NULL, NULL, NULL, 'Europe/London', true, 1, {now});"
        ),
        "INSERT INTO schedule_service VALUES ('schedule', 'service', 0);".to_owned(),
        format!(
            "INSERT INTO slot (id, schedule_id, start_ms, end_ms, capacity, taken, blocked, channel, version, updated_ms) VALUES
                 ('taken', 'schedule', {start}, {end}, 1, 1, false, 'In-person', 4, {now}),
                 ('free', 'schedule', {end}, {end} + 900000, 1, 0, false, NULL, 1, {now});"
        ),
        appointment("gone", false, 2),
        appointment("live", true, 1),
        made("gone", 1, true),
        made("gone", 2, false),
        made("live", 1, true),
    ]
    .concat()
}

#[on_both]
fn a_database_is_migrated_and_led_back_without_loss(place: Place) {
    place.lay_out_as_before();
    let (schema, content) = (place.schema(), place.content());
    assert_eq!(Store::migrate(&place.url).unwrap(), SINCE.map(version), "{}", place.kind);
    assert_eq!(place.content(), content, "{}", place.kind);
    let store = Store::open(&place.url, false).unwrap();
    assert_eq!(store.on(Lane::Reads).read(|tx| tx.invariants_broken()).unwrap(), [], "{}", place.kind);
    // What refers to appointments refers to those of the new table.
    assert!(place.try_by_hand("DELETE FROM appointment").is_err(), "{}", place.kind);
    assert!(place.try_by_hand("INSERT INTO request_key VALUES ('r', 'c', 'nobody', 0)").is_err(), "{}", place.kind);
    assert!(
        place.try_by_hand("UPDATE appointment SET live = true WHERE id = 'gone'").is_err(),
        "{}: two live appointments have one seat",
        place.kind
    );
    let ports = Ports { clock: Arc::new(Standing(NOW.plus_ms(9 * DAY_MS))), ids: Arc::new(UuidIds), documents: Arc::new(Stu3Documents) };
    assert_eq!(Maintenance::new(store.clone(), ports.clone()).archive(7, &mut |_| true).unwrap().slots, 2, "{}", place.kind);
    place.by_hand("DELETE FROM audit WHERE action = 'archive'");
    drop(store);
    for name in SINCE.iter().rev() {
        let off = if place.database.is_none() { "PRAGMA foreign_keys = OFF; BEGIN;" } else { "BEGIN;" };
        place.by_hand(&format!("{off} {} COMMIT", sql(&place, name, "down")));
    }
    assert_eq!(place.schema(), schema, "{}", place.kind);
    assert_eq!(place.content(), content, "{}: what was archived is back", place.kind);
}

#[on_both]
fn a_migration_that_fails_leaves_the_database_as_it_was(place: Place) {
    place.lay_out_as_before();
    // In the way of the last step but one.
    place.by_hand("CREATE VIEW slot_ever AS SELECT 1 AS mine");
    let (schema, content) = (place.schema(), place.content());
    let failed = Store::open(&place.url, true).err();
    assert!(matches!(failed, Some(StoreError::Broken(_))), "{}: {failed:?}", place.kind);
    assert_eq!((place.schema(), place.content()), (schema, content), "{}", place.kind);
    assert_eq!(Store::migration_status(&place.url).unwrap().iter().filter(|m| m.applied).count(), 3, "{}", place.kind);
    place.by_hand("DROP VIEW slot_ever");
    Store::open(&place.url, true).unwrap();
}

/// Foreign keys are off while SQLite migrates: what they would have refused is found before the commit.
#[test]
fn on_sqlite_a_database_with_dangling_rows_is_not_migrated() {
    let place = Place::of(Kind::Sqlite);
    place.lay_out_as_before();
    place.by_hand("PRAGMA foreign_keys = OFF; INSERT INTO appointment_version VALUES ('nobody', 1, true, 0, '{}')");
    let (schema, content) = (place.schema(), place.content());
    let failed = Store::migrate(&place.url).unwrap_err().to_string();
    assert!(failed.contains("appointment_version") && failed.contains("nothing was migrated"), "{failed}");
    assert_eq!((place.schema(), place.content()), (schema, content));
}

#[on_both]
fn several_who_migrate_at_once_do_it_once(place: Place) {
    place.lay_out_as_before();
    let content = place.content();
    let applied: usize = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| Store::migrate(&place.url).unwrap().len())).collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!((applied, place.content()), (SINCE.len(), content), "{}", place.kind);
}
