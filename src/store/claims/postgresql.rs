//! Claims on PostgreSQL: one statement for a whole batch, prepared once a connection.
//!
//! The condition "still free" stands inside the locking read: a loser is never locked, writes no log and waits for
//! no flush. Rows are locked in id order and what is locked elsewhere is skipped, so that two servers can neither
//! deadlock nor wait for each other.
//!
//! Pitfall: the statement sees the database as it was when it began. A row that changed since is re-checked when it
//! is locked; a request key or a seat that appeared since is caught by its unique index, which fails the batch, and
//! the batch is then tried claim by claim.

use super::super::free::IS_FREE_AT;
use super::super::origin::{COLUMNS, OriginArrays};
use super::{Cancellation, NewAppointment, key_of};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use domain::appointment::Origin;
use domain::ids::{AppointmentId, OdsCode};
use domain::nhs_number::NhsNumber;
use domain::time::Timestamp;
use std::collections::HashSet;

/// One column of a batch: an array with one entry a claim.
enum Column<'b> {
    Texts(&'b Vec<String>),
    MaybeTexts(&'b Vec<Option<String>>),
    Numbers(&'b Vec<i64>),
}
use Column::{MaybeTexts, Numbers, Texts};

/// Binds arrays, parted by commas.
fn bind<'b>(out: &mut AstPass<'_, 'b, Pg>, columns: impl IntoIterator<Item = Column<'b>>) -> QueryResult<()> {
    for (index, column) in columns.into_iter().enumerate() {
        if index > 0 {
            out.push_sql(", ");
        }
        match column {
            Texts(values) => out.push_bind_param::<Array<Text>, _>(values)?,
            MaybeTexts(values) => out.push_bind_param::<Array<Nullable<Text>>, _>(values)?,
            Numbers(values) => out.push_bind_param::<Array<BigInt>, _>(values)?,
        }
    }
    Ok(())
}

/// The origin, and the consumer as it stands in the request key.
#[derive(Debug, Default)]
struct Origins {
    consumer_key: Vec<String>,
    columns: OriginArrays,
}

impl Origins {
    fn push(&mut self, origin: &Origin) {
        self.consumer_key.push(key_of(origin).consumer);
        self.columns.push(origin);
    }

    /// The arrays: the key's consumer, then the columns of the origin.
    fn columns(&self) -> impl Iterator<Item = Column<'_>> {
        std::iter::once(Texts(&self.consumer_key)).chain(self.columns.arrays().map(MaybeTexts))
    }
}

/// Leaves out the claims whose request key another transaction is deciding on, or has decided. The key is looked up by a scalar
/// subquery, which can only be an index lookup a claim: `NOT EXISTS` is planned, and kept, as one hash of every key there is.
const KEYED: &str = ")), keyed AS MATERIALIZED (
    SELECT c.* FROM claim c WHERE c.request_id IS NULL OR (
        pg_try_advisory_xact_lock(hashtextextended(c.consumer_key || chr(31) || c.request_id, 0))
        AND (SELECT k.appointment_id FROM request_key k WHERE k.request_id = c.request_id AND k.consumer = c.consumer_key) IS NULL)
), ";

/// What the consumer of a request key is called; the columns of the origin follow.
const KEY_COLUMN: &str = "consumer_key, ";

const HEAD: &str = "WITH claim AS MATERIALIZED (SELECT c.* FROM unnest(";

/// The condition of [`IS_FREE_AT`] and the current time follow.
const BOOK_TAKE: &str = "free AS MATERIALIZED (
    SELECT k.* FROM keyed k JOIN slot s ON s.id = k.slot_id
    WHERE ";

/// What is needed of a claim goes with its slot from step to step, so that nothing is joined twice.
const BOOK_TAIL: &str = "
    ORDER BY s.id FOR UPDATE OF s SKIP LOCKED
), taken AS (
    UPDATE slot s SET taken = s.taken + 1, version = s.version + 1, updated_ms = f.at_ms
    FROM free f WHERE s.id = f.slot_id RETURNING f.*, s.capacity
), won AS MATERIALIZED (
    SELECT t.*, CASE WHEN t.capacity = 1 THEN 1 ELSE (
        SELECT min(seats.n) FROM generate_series(1, t.capacity) AS seats (n)
        WHERE NOT EXISTS (SELECT 1 FROM appointment a WHERE a.slot_id = t.slot_id AND a.live AND a.seat = seats.n)) END AS seat
    FROM taken t
), made AS (
    INSERT INTO appointment (id, slot_id, seat, live, version, start_ms, end_ms, service_id, booked_by, nhs_number, patient_name,
        birth_date, contact, reason, clinical_document, updated_ms)
    SELECT id, slot_id, seat, true, 1, start_ms, end_ms, service_id, consumer, nhs_number, patient_name,
        birth_date, contact, reason, clinical_document, at_ms FROM won
), recorded AS (
    INSERT INTO appointment_version (appointment_id, version, live, recorded_ms, document, release)
    SELECT id, 1, true, at_ms, document, release FROM won
), remembered AS (
    INSERT INTO request_key (request_id, consumer, appointment_id, recorded_ms)
    SELECT request_id, consumer_key, id, at_ms FROM won WHERE request_id IS NOT NULL
), witnessed AS (
    INSERT INTO audit (recorded_ms, action, subject, version, ";

/// The columns of the origin stand before this, and follow it.
const BOOK_AUDITED: &str = ") SELECT at_ms, 'book', id, 1, ";

const BOOK_END: &str = " FROM won
) SELECT id FROM won";

const CANCEL_TAIL: &str = "mine AS MATERIALIZED (
    SELECT a.id, a.slot_id FROM appointment a JOIN keyed k ON k.id = a.id AND k.decided_on = a.version
    WHERE a.live ORDER BY a.id FOR UPDATE OF a SKIP LOCKED
), held AS MATERIALIZED (
    SELECT s.id FROM slot s WHERE s.id IN (SELECT slot_id FROM mine) ORDER BY s.id FOR UPDATE SKIP LOCKED
), freed AS (
    UPDATE slot s SET taken = s.taken - n.n, version = s.version + 1, updated_ms = n.at_ms
    FROM (SELECT m.slot_id, count(*)::int AS n, max(k.at_ms) AS at_ms
          FROM mine m JOIN held h ON h.id = m.slot_id JOIN keyed k ON k.id = m.id GROUP BY m.slot_id) n
    WHERE s.id = n.slot_id RETURNING s.id
), gone AS MATERIALIZED (
    SELECT k.*, k.decided_on + 1 AS version FROM keyed k JOIN mine m ON m.id = k.id JOIN freed f ON f.id = m.slot_id
), ended AS (
    UPDATE appointment a SET live = false, version = g.version, updated_ms = g.at_ms FROM gone g WHERE a.id = g.id
), recorded AS (
    INSERT INTO appointment_version (appointment_id, version, live, recorded_ms, document, release)
    SELECT id, version, false, at_ms, document, release FROM gone
), remembered AS (
    INSERT INTO request_key (request_id, consumer, appointment_id, recorded_ms)
    SELECT request_id, consumer_key, id, at_ms FROM gone WHERE request_id IS NOT NULL
), witnessed AS (
    INSERT INTO audit (recorded_ms, action, subject, version, ";

const CANCEL_AUDITED: &str = ") SELECT at_ms, 'cancel', id, version, ";

const CANCEL_END: &str = " FROM gone
) SELECT id FROM gone";

#[derive(Debug, Default)]
struct Book {
    now_ms: i64,
    id: Vec<String>,
    slot_id: Vec<String>,
    start_ms: Vec<i64>,
    end_ms: Vec<i64>,
    service_id: Vec<String>,
    nhs_number: Vec<Option<String>>,
    patient_name: Vec<Option<String>>,
    birth_date: Vec<Option<String>>,
    contact: Vec<Option<String>>,
    reason: Vec<String>,
    clinical_document: Vec<Option<String>>,
    document: Vec<String>,
    release: Vec<String>,
    at_ms: Vec<i64>,
    origins: Origins,
}

impl Book {
    fn of(claims: &[&NewAppointment], now: Timestamp) -> Self {
        let mut book = Self { now_ms: now.ms(), ..Self::default() };
        for claim in claims {
            let new = &claim.appointment;
            book.id.push(new.id.as_str().to_owned());
            book.slot_id.push(new.slot.as_str().to_owned());
            book.start_ms.push(new.start.ms());
            book.end_ms.push(new.end.ms());
            book.service_id.push(new.service.as_str().to_owned());
            book.nhs_number.push(new.patient.nhs_number.as_ref().map(NhsNumber::as_str).map(str::to_owned));
            book.patient_name.push(new.patient.name.clone());
            book.birth_date.push(new.patient.birth_date.clone());
            book.contact.push(new.patient.contact.clone());
            book.reason.push(new.reason.clone());
            book.clinical_document.push(new.clinical_document.clone());
            book.document.push(claim.document.text.clone());
            book.release.push(claim.document.release.name().to_owned());
            book.at_ms.push(new.updated.ms());
            // Whom it is booked by and on whose behalf the request came is one and the same organisation.
            debug_assert_eq!(new.booked_by.as_ref().map(OdsCode::as_str), claim.origin.consumer.as_ref().map(OdsCode::as_str));
            book.origins.push(&claim.origin);
        }
        book
    }
}

const BOOK_COLUMNS: &str = "id, slot_id, start_ms, end_ms, service_id, nhs_number, patient_name, birth_date, contact, reason, \
     clinical_document, document, release, at_ms, ";

impl QueryFragment<Pg> for Book {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let own = [
            Texts(&self.id),
            Texts(&self.slot_id),
            Numbers(&self.start_ms),
            Numbers(&self.end_ms),
            Texts(&self.service_id),
            MaybeTexts(&self.nhs_number),
            MaybeTexts(&self.patient_name),
            MaybeTexts(&self.birth_date),
            MaybeTexts(&self.contact),
            Texts(&self.reason),
            MaybeTexts(&self.clinical_document),
            Texts(&self.document),
            Texts(&self.release),
            Numbers(&self.at_ms),
        ];
        out.push_sql(HEAD);
        bind(&mut out, own.into_iter().chain(self.origins.columns()))?;
        for sql in [") AS c(", BOOK_COLUMNS, KEY_COLUMN, &COLUMNS, KEYED, BOOK_TAKE, IS_FREE_AT] {
            out.push_sql(sql);
        }
        out.push_bind_param::<BigInt, _>(&self.now_ms)?;
        for sql in [BOOK_TAIL, &COLUMNS, BOOK_AUDITED, &COLUMNS, BOOK_END] {
            out.push_sql(sql);
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Cancel {
    id: Vec<String>,
    decided_on: Vec<i64>,
    document: Vec<String>,
    release: Vec<String>,
    at_ms: Vec<i64>,
    origins: Origins,
}

impl QueryFragment<Pg> for Cancel {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let own = [Texts(&self.id), Numbers(&self.decided_on), Texts(&self.document), Texts(&self.release), Numbers(&self.at_ms)];
        out.push_sql(HEAD);
        bind(&mut out, own.into_iter().chain(self.origins.columns()))?;
        let parts = [") AS c(id, decided_on, document, release, at_ms, ", KEY_COLUMN, &COLUMNS, KEYED];
        for sql in parts.into_iter().chain([CANCEL_TAIL, &COLUMNS, CANCEL_AUDITED, &COLUMNS, CANCEL_END]) {
            out.push_sql(sql);
        }
        Ok(())
    }
}

/// Both statements have one text each, so diesel may prepare them once a connection and keep them.
macro_rules! prepared_once {
    ($name:ident) => {
        impl QueryId for $name {
            type QueryId = $name;
            const HAS_STATIC_QUERY_ID: bool = true;
        }
        impl diesel::query_builder::Query for $name {
            type SqlType = Text;
        }
        impl RunQueryDsl<PgConnection> for $name {}
    };
}
prepared_once!(Book);
prepared_once!(Cancel);

pub(super) fn book(conn: &mut PgConnection, claims: &[&NewAppointment], now: Timestamp) -> QueryResult<HashSet<AppointmentId>> {
    let won: Vec<String> = Book::of(claims, now).load(conn)?;
    Ok(won.into_iter().map(AppointmentId::stored).collect())
}

pub(super) fn cancel(conn: &mut PgConnection, claims: &[Cancellation]) -> QueryResult<HashSet<AppointmentId>> {
    let mut cancel = Cancel::default();
    for claim in claims {
        cancel.id.push(claim.id.as_str().to_owned());
        cancel.decided_on.push(claim.decided_on);
        cancel.document.push(claim.document.text.clone());
        cancel.release.push(claim.document.release.name().to_owned());
        cancel.at_ms.push(claim.at.ms());
        cancel.origins.push(&claim.origin);
    }
    let gone: Vec<String> = cancel.load(conn)?;
    Ok(gone.into_iter().map(AppointmentId::stored).collect())
}
