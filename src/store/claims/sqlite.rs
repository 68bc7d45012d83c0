//! Claims on SQLite: `BEGIN IMMEDIATE` has made this the only writer, so the claims are checked and carried out one
//! by one.

use super::super::audit::{AuditAction, AuditRow};
use super::super::free::is_free;
use super::super::schema::{appointment, appointment_version, audit, request_key, slot};
use super::{Cancellation, NewAppointment, key_of};
use diesel::dsl::exists;
use diesel::prelude::*;
use domain::appointment::{Origin, RequestKey};
use domain::document::Document;
use domain::ids::{AppointmentId, OdsCode};
use domain::nhs_number::NhsNumber;
use domain::time::Timestamp;
use std::collections::HashSet;

pub(super) fn book(conn: &mut SqliteConnection, claims: &[&NewAppointment], now: Timestamp) -> QueryResult<HashSet<AppointmentId>> {
    let mut won = HashSet::new();
    for claim in claims {
        if !key_is_new(conn, &claim.origin)? {
            continue;
        }
        let new = &claim.appointment;
        // The condition stands in the statement that takes, so that a slot is never taken on an older snapshot.
        let taken = diesel::update(slot::table.find(new.slot.as_str()).filter(is_free!(slot, now)))
            .set((slot::taken.eq(slot::taken + 1), slot::version.eq(slot::version + 1), slot::updated_ms.eq(now.ms())))
            .execute(conn)?;
        if taken == 0 {
            continue;
        }
        let seat = free_seat(conn, new.slot.as_str())?;
        insert_appointment(conn, claim, seat)?;
        record(conn, new.id.as_str(), 1, true, new.updated, &claim.document)?;
        witness(conn, AuditAction::Book, new.id.as_str(), 1, new.updated, &claim.origin)?;
        won.insert(new.id.clone());
    }
    Ok(won)
}

pub(super) fn cancel(conn: &mut SqliteConnection, claims: &[Cancellation]) -> QueryResult<HashSet<AppointmentId>> {
    let mut gone = HashSet::new();
    for claim in claims {
        if !key_is_new(conn, &claim.origin)? {
            continue;
        }
        let version = claim.decided_on + 1;
        // Nothing is given back to a slot that was archived: only a server whose clock is days late would want it.
        let ended = diesel::update(
            appointment::table
                .find(claim.id.as_str())
                .filter(appointment::live.eq(true))
                .filter(appointment::version.eq(claim.decided_on))
                .filter(exists(slot::table.find(claim.slot.as_str()))),
        )
        .set((appointment::live.eq(false), appointment::version.eq(version), appointment::updated_ms.eq(claim.at.ms())))
        .execute(conn)?;
        if ended == 0 {
            continue;
        }
        diesel::update(slot::table.find(claim.slot.as_str()))
            .set((slot::taken.eq(slot::taken - 1), slot::version.eq(slot::version + 1), slot::updated_ms.eq(claim.at.ms())))
            .execute(conn)?;
        record(conn, claim.id.as_str(), version, false, claim.at, &claim.document)?;
        witness(conn, AuditAction::Cancel, claim.id.as_str(), version, claim.at, &claim.origin)?;
        gone.insert(claim.id.clone());
    }
    Ok(gone)
}

fn key_is_new(conn: &mut SqliteConnection, origin: &Origin) -> QueryResult<bool> {
    if origin.request_id.is_none() {
        return Ok(true);
    }
    let RequestKey { consumer, request_id } = key_of(origin);
    let known: i64 = request_key::table.find((request_id, consumer)).count().get_result(conn)?;
    Ok(known == 0)
}

/// The lowest seat without a live appointment. The slot has room for it: the caller has just taken it.
fn free_seat(conn: &mut SqliteConnection, slot_id: &str) -> QueryResult<i32> {
    let used: Vec<i32> = appointment::table
        .filter(appointment::slot_id.eq(slot_id))
        .filter(appointment::live.eq(true))
        .order(appointment::seat)
        .select(appointment::seat)
        .load(conn)?;
    let gap = (1..).zip(&used).find(|(seat, used)| seat != *used).map(|(seat, _)| seat);
    Ok(gap.unwrap_or_else(|| used.last().map_or(1, |last| last + 1)))
}

fn insert_appointment(conn: &mut SqliteConnection, claim: &NewAppointment, seat: i32) -> QueryResult<()> {
    let new = &claim.appointment;
    let row = (
        appointment::id.eq(new.id.as_str()),
        appointment::slot_id.eq(new.slot.as_str()),
        appointment::seat.eq(seat),
        appointment::live.eq(true),
        appointment::version.eq(1i64),
        appointment::start_ms.eq(new.start.ms()),
        appointment::end_ms.eq(new.end.ms()),
        appointment::service_id.eq(new.service.as_str()),
        appointment::booked_by.eq(new.booked_by.as_ref().map(OdsCode::as_str)),
        appointment::nhs_number.eq(new.patient.nhs_number.as_ref().map(NhsNumber::as_str)),
        appointment::patient_name.eq(new.patient.name.as_deref()),
        appointment::birth_date.eq(new.patient.birth_date.as_deref()),
        appointment::contact.eq(new.patient.contact.as_deref()),
        appointment::reason.eq(&new.reason),
        appointment::clinical_document.eq(new.clinical_document.as_deref()),
        appointment::updated_ms.eq(new.updated.ms()),
    );
    diesel::insert_into(appointment::table).values(row).execute(conn).map(drop)
}

fn record(conn: &mut SqliteConnection, id: &str, version: i64, live: bool, at: Timestamp, document: &Document) -> QueryResult<()> {
    let row = (
        appointment_version::appointment_id.eq(id),
        appointment_version::version.eq(version),
        appointment_version::live.eq(live),
        appointment_version::recorded_ms.eq(at.ms()),
        appointment_version::document.eq(&document.text),
        appointment_version::release.eq(document.release.name()),
    );
    diesel::insert_into(appointment_version::table).values(row).execute(conn).map(drop)
}

fn witness(conn: &mut SqliteConnection, action: AuditAction, id: &str, version: i64, at: Timestamp, origin: &Origin) -> QueryResult<()> {
    if origin.request_id.is_some() {
        let RequestKey { consumer, request_id } = key_of(origin);
        let row = (
            request_key::request_id.eq(request_id),
            request_key::consumer.eq(consumer),
            request_key::appointment_id.eq(id),
            request_key::recorded_ms.eq(at.ms()),
        );
        diesel::insert_into(request_key::table).values(row).execute(conn)?;
    }
    diesel::insert_into(audit::table).values(AuditRow::new(at, action, id, Some(version), origin)).execute(conn).map(drop)
}
