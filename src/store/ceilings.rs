//! Ceilings: how many appointments an organisation has on a day, and which bookings there is room for.
//!
//! The one rule that spans slots. It locks where a ceiling is configured and nowhere else, by organisation and day.
//!
//! Pitfall: nothing here waits and nothing here refuses. A booking whose lock another transaction holds, or for
//! which there is no room *now*, is left alone like one whose slot is locked; it is refused when a snapshot of the
//! committed state finds the ceiling reached, and not before, because the holder of the lock may roll back.

use super::claims::NewAppointment;
use super::conn::AnyConn;
use super::schema::appointment;
use super::{StoreError, Tx};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use domain::policy::Tally;
use std::collections::{HashMap, HashSet};

/// How many appointments of each tally there are, in one round trip. `live` stands in the words of its index.
const COUNT: &str = "SELECT q.place, (SELECT count(*) FROM appointment a WHERE a.live AND a.booked_by = q.organisation
        AND a.start_ms >= q.from_ms AND a.start_ms < q.until_ms AND (q.service IS NULL OR a.service_id = q.service)) AS n
    FROM unnest($1, $2, $3, $4, $5) AS q(place, organisation, service, from_ms, until_ms)";

/// The days of organisations that no other transaction has locked; the locks are kept until the transaction ends. The seed 1
/// keeps these locks apart from those of request keys.
const LOCK: &str = "SELECT k.organisation, k.day FROM unnest($1, $2) AS k(organisation, day)
    WHERE pg_try_advisory_xact_lock(hashtextextended('ceiling' || chr(31) || k.organisation || chr(31) || k.day, 1))";

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Text)]
    organisation: String,
    #[diesel(sql_type = BigInt)]
    day: i64,
}

impl Tx<'_> {
    /// How many live appointments each tally counts, as far as this statement can see.
    ///
    /// # Errors
    /// Those of the database.
    pub fn tally_count_many(&mut self, tallies: Vec<Tally>) -> Result<HashMap<Tally, i64>, StoreError> {
        if tallies.is_empty() {
            return Ok(HashMap::new());
        }
        let counts: Vec<Counted> = self.run(|c| match c {
            AnyConn::Pg(pg) => count_postgresql(pg, &tallies),
            AnyConn::Sqlite(sqlite) => (0..).zip(&tallies).map(|(place, tally)| count_sqlite(sqlite, place, tally)).collect(),
        })?;
        let counts: HashMap<i64, i64> = counts.into_iter().map(|counted| (counted.place, counted.n)).collect();
        Ok((0..).zip(tallies).filter_map(|(place, tally)| Some((tally, *counts.get(&place)?))).collect())
    }

    /// The bookings that every ceiling over them has room for, first come, first served.
    pub(super) fn within_ceilings<'b>(&mut self, bookings: &'b [NewAppointment]) -> Result<Vec<&'b NewAppointment>, StoreError> {
        let tallies: HashSet<&Tally> = bookings.iter().flat_map(|new| &new.quotas).map(|quota| &quota.tally).collect();
        if tallies.is_empty() {
            return Ok(bookings.iter().collect());
        }
        let locked = self.tally_lock_many(&tallies.into_iter().collect::<Vec<_>>())?;
        // Counted in a statement of its own, which sees everything that was committed before the locks were had.
        let counts = self.tally_count_many(locked)?;
        Ok(with_room(bookings, counts))
    }

    /// Those of `tallies` that no other transaction can add to until this transaction ends.
    fn tally_lock_many(&mut self, tallies: &[&Tally]) -> Result<Vec<Tally>, StoreError> {
        let days: HashSet<(&str, i64)> =
            tallies.iter().flat_map(|tally| tally.days_touched().map(|day| (tally.organisation.as_str(), day))).collect();
        let (organisations, days): (Vec<&str>, Vec<i64>) = days.into_iter().unzip();
        let locked: Option<Vec<Locked>> = self.run(|c| match c {
            AnyConn::Pg(pg) => {
                diesel::sql_query(LOCK).bind::<Array<Text>, _>(&organisations).bind::<Array<BigInt>, _>(&days).load(pg).map(Some)
            }
            // BEGIN IMMEDIATE made this the only writer there is.
            AnyConn::Sqlite(_) => Ok(None),
        })?;
        let Some(locked) = locked else { return Ok(tallies.iter().copied().cloned().collect()) };
        let locked: HashSet<(String, i64)> = locked.into_iter().map(|row| (row.organisation, row.day)).collect();
        let is_ours = |tally: &&&Tally| tally.days_touched().all(|day| locked.contains(&(tally.organisation.as_str().to_owned(), day)));
        Ok(tallies.iter().filter(is_ours).copied().cloned().collect())
    }
}

/// Walks the bookings in the order in which they came. One that goes ahead counts for all that come after it, also for
/// ceilings it is not itself under: it may have come under an older policy.
fn with_room(bookings: &[NewAppointment], mut counts: HashMap<Tally, i64>) -> Vec<&NewAppointment> {
    let mut ahead = Vec::new();
    for booking in bookings {
        let has_room = |counts: &HashMap<Tally, i64>| {
            booking.quotas.iter().all(|quota| counts.get(&quota.tally).is_some_and(|count| !quota.is_full(*count)))
        };
        if !has_room(&counts) {
            continue;
        }
        let new = &booking.appointment;
        for (_, count) in counts.iter_mut().filter(|(tally, _)| tally.counts(new.booked_by.as_ref(), &new.service, new.start)) {
            *count += 1;
        }
        ahead.push(booking);
    }
    ahead
}

fn count_postgresql(pg: &mut PgConnection, tallies: &[Tally]) -> QueryResult<Vec<Counted>> {
    let places: Vec<i64> = (0..).zip(tallies).map(|(place, _)| place).collect();
    let organisations: Vec<&str> = tallies.iter().map(|t| t.organisation.as_str()).collect();
    let services: Vec<Option<&str>> = tallies.iter().map(|t| t.service.as_ref().map(domain::ids::ServiceId::as_str)).collect();
    let (from, until): (Vec<i64>, Vec<i64>) = tallies.iter().map(|t| (t.span.from.ms(), t.span.until.ms())).unzip();
    diesel::sql_query(COUNT)
        .bind::<Array<BigInt>, _>(places)
        .bind::<Array<Text>, _>(organisations)
        .bind::<Array<Nullable<Text>>, _>(services)
        .bind::<Array<BigInt>, _>(from)
        .bind::<Array<BigInt>, _>(until)
        .load(pg)
}

fn count_sqlite(sqlite: &mut SqliteConnection, place: i64, tally: &Tally) -> QueryResult<Counted> {
    // `live` alone, not compared with anything: only so does SQLite see that its partial index will do.
    let counted = appointment::table
        .filter(appointment::live)
        .filter(appointment::booked_by.eq(tally.organisation.as_str()))
        .filter(appointment::start_ms.ge(tally.span.from.ms()))
        .filter(appointment::start_ms.lt(tally.span.until.ms()));
    let n = match &tally.service {
        Some(service) => counted.filter(appointment::service_id.eq(service.as_str())).count().get_result(sqlite)?,
        None => counted.count().get_result(sqlite)?,
    };
    Ok(Counted { place, n })
}

#[cfg(test)]
mod tests;
