//! The invariants of docs/contract.md#invariants, checked on the database as it is. Reads only.

use super::conn::AnyConn;
use super::{StoreError, Tx};
use diesel::prelude::*;
use diesel::sql_types::Text;

/// Most violations of one kind that are listed.
const LISTED_MAX: u32 = 50;

/// One broken invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule, in words.
    pub rule: &'static str,
    /// The id of what breaks it.
    pub subject: String,
}

#[derive(QueryableByName)]
struct ViolationRow {
    #[diesel(sql_type = Text)]
    subject: String,
}

/// Each rule with a query that finds what breaks it; the text means the same to both databases.
const RULES: [(&str, &str); 13] = [
    (
        "a slot never has more live appointments than its capacity",
        "SELECT s.id AS subject FROM slot_ever s
         WHERE (SELECT count(*) FROM appointment a WHERE a.slot_id = s.id AND a.live) > s.capacity",
    ),
    (
        "a slot's taken capacity is the number of its live appointments",
        "SELECT s.id AS subject FROM slot_ever s
         WHERE s.taken <> (SELECT count(*) FROM appointment a WHERE a.slot_id = s.id AND a.live)",
    ),
    (
        "a live appointment has a seat within its slot's capacity",
        "SELECT a.id AS subject FROM appointment a JOIN slot_ever s ON s.id = a.slot_id WHERE a.live AND a.seat > s.capacity",
    ),
    (
        "no two live appointments of a slot have the same seat",
        "SELECT a.slot_id AS subject FROM appointment a WHERE a.live GROUP BY a.slot_id, a.seat HAVING count(*) > 1",
    ),
    (
        "an appointment lies within its slot",
        "SELECT a.id AS subject FROM appointment a JOIN slot_ever s ON s.id = a.slot_id
         WHERE a.start_ms < s.start_ms OR a.end_ms > s.end_ms",
    ),
    (
        "the slot of every appointment is there",
        "SELECT a.id AS subject FROM appointment a WHERE NOT EXISTS (SELECT 1 FROM slot s WHERE s.id = a.slot_id)
         AND NOT EXISTS (SELECT 1 FROM slot_past s WHERE s.id = a.slot_id)",
    ),
    (
        "no slot is in the archive and in the diary as well",
        "SELECT p.id AS subject FROM slot_past p WHERE EXISTS (SELECT 1 FROM slot s WHERE s.id = p.id)
         OR EXISTS (SELECT 1 FROM slot s WHERE s.schedule_id = p.schedule_id AND s.start_ms = p.start_ms)",
    ),
    (
        "all versions of an appointment are kept, from 1 to the current one",
        "SELECT a.id AS subject FROM appointment a
         WHERE a.version <> (SELECT count(*) FROM appointment_version v
                             WHERE v.appointment_id = a.id AND v.version BETWEEN 1 AND a.version)
            OR EXISTS (SELECT 1 FROM appointment_version v WHERE v.appointment_id = a.id AND v.version > a.version)",
    ),
    (
        "the current version of an appointment says what the appointment says",
        "SELECT a.id AS subject FROM appointment a
         JOIN appointment_version v ON v.appointment_id = a.id AND v.version = a.version WHERE v.live <> a.live",
    ),
    (
        "a cancelled appointment stays cancelled",
        "SELECT v.appointment_id AS subject FROM appointment_version v
         JOIN appointment_version w ON w.appointment_id = v.appointment_id AND w.version > v.version WHERE w.live AND NOT v.live",
    ),
    (
        "every version of an appointment is in the audit trail exactly once",
        "SELECT v.appointment_id AS subject FROM appointment_version v
         WHERE 1 <> (SELECT count(*) FROM audit l WHERE l.subject = v.appointment_id AND l.version = v.version
                     AND l.action = CASE WHEN v.live THEN 'book' ELSE 'cancel' END)",
    ),
    (
        "every write in the audit trail is there",
        "SELECT l.subject AS subject FROM audit l WHERE l.action IN ('book', 'cancel') AND NOT EXISTS (
             SELECT 1 FROM appointment_version v WHERE v.appointment_id = l.subject AND v.version = l.version)",
    ),
    (
        "every request in the audit trail is remembered under its key, with the appointment it made or changed",
        "SELECT l.subject AS subject FROM audit l WHERE l.request_id IS NOT NULL AND l.action IN ('book', 'cancel') AND NOT EXISTS (
             SELECT 1 FROM request_key k
             WHERE k.request_id = l.request_id AND k.consumer = COALESCE(l.consumer, '') AND k.appointment_id = l.subject)",
    ),
];

impl Tx<'_> {
    /// Everything that breaks an invariant; empty when all is well.
    ///
    /// # Errors
    /// Those of the database.
    pub fn invariants_broken(&mut self) -> Result<Vec<Violation>, StoreError> {
        // On a large database a rule takes longer than a request may.
        self.run(|c| match c {
            AnyConn::Pg(pg) => diesel::sql_query("SET LOCAL statement_timeout = 0").execute(pg).map(drop),
            AnyConn::Sqlite(_) => Ok(()),
        })?;
        let mut broken = Vec::new();
        for (rule, query) in RULES {
            let sql = format!("{query} LIMIT {LISTED_MAX}");
            let found: Vec<ViolationRow> = self.run(|c| diesel::sql_query(sql).load(c))?;
            broken.extend(found.into_iter().map(|row| Violation { rule, subject: row.subject }));
        }
        Ok(broken)
    }

    /// What the invariants were checked on: slots, past ones included, appointments, versions, request keys, audit rows.
    ///
    /// # Errors
    /// Those of the database.
    pub fn invariants_scope(&mut self) -> Result<[i64; 5], StoreError> {
        use super::schema::{appointment, appointment_version, audit, request_key, slot_ever};
        Ok([
            self.run(|c| slot_ever::table.count().get_result(c))?,
            self.run(|c| appointment::table.count().get_result(c))?,
            self.run(|c| appointment_version::table.count().get_result(c))?,
            self.run(|c| request_key::table.count().get_result(c))?,
            self.run(|c| audit::table.count().get_result(c))?,
        ])
    }
}

/// The rules that are checked, in words.
pub fn rules() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(rule, _)| *rule)
}
