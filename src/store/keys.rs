//! Request keys: which requests have succeeded, so that a resent one is recognised.

use super::schema::request_key;
use super::{StoreError, Tx};
use crate::domain::appointment::RequestKey;
use crate::domain::ids::AppointmentId;
use diesel::prelude::*;
use std::collections::HashMap;

impl Tx<'_> {
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
