//! Request keys: which requests have succeeded, so that a resent one is recognised.

use super::conn::AnyConn;
use super::schema::request_key;
use super::{StoreError, Tx};
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};
use domain::appointment::RequestKey;
use domain::ids::AppointmentId;
use std::collections::{HashMap, HashSet};

#[derive(QueryableByName)]
struct Undecided {
    #[diesel(sql_type = Text)]
    consumer: String,
    #[diesel(sql_type = Text)]
    request_id: String,
}

/// The same lock that a claim takes on its key; taken and let go at once.
const UNDECIDED: &str = "SELECT k.consumer, k.request_id FROM unnest($1, $2) AS k(consumer, request_id)
    WHERE NOT pg_try_advisory_xact_lock(hashtextextended(k.consumer || chr(31) || k.request_id, 0))";

impl Tx<'_> {
    /// Those of `keys` under which another process is carrying something out at this moment.
    ///
    /// # Errors
    /// Those of the database.
    pub fn key_undecided_many(&mut self, keys: &[RequestKey]) -> Result<HashSet<RequestKey>, StoreError> {
        if keys.is_empty() {
            return Ok(HashSet::new());
        }
        let (consumers, requests): (Vec<&str>, Vec<&str>) = keys.iter().map(|k| (k.consumer.as_str(), k.request_id.as_str())).unzip();
        let found: Vec<Undecided> = self.run(|c| match c {
            AnyConn::Pg(pg) => diesel::sql_query(UNDECIDED).bind::<Array<Text>, _>(&consumers).bind::<Array<Text>, _>(&requests).load(pg),
            // Another process's writer locks the whole file, and a snapshot sees what was committed before.
            AnyConn::Sqlite(_) => Ok(Vec::new()),
        })?;
        Ok(found.into_iter().map(|row| RequestKey { consumer: row.consumer, request_id: row.request_id }).collect())
    }

    /// The appointments that requests under `keys` made or changed; keys that never succeeded are left out.
    ///
    /// # Errors
    /// Those of the database.
    pub fn key_find_many(&mut self, keys: &[RequestKey]) -> Result<HashMap<RequestKey, AppointmentId>, StoreError> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<&str> = keys.iter().map(|k| k.request_id.as_str()).collect();
        let rows: Vec<(String, String, String)> = self.run(|c| {
            request_key::table
                .filter(request_key::request_id.eq_any(&ids))
                .select((request_key::request_id, request_key::consumer, request_key::appointment_id))
                .load(c)
        })?;
        let found = rows.into_iter().map(|(request_id, consumer, id)| (RequestKey { consumer, request_id }, AppointmentId::stored(id)));
        Ok(found.collect())
    }
}
