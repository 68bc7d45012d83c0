//! Schedules and the services they serve.

use super::conn::AnyConn;
use super::dialect::{Db, OrIgnore, insert_many};
use super::schema::{schedule, schedule_service, service, slot_ever};
use super::{StoreError, Tx};
use diesel::prelude::*;
use domain::ids::{OdsCode, ResourceId, ScheduleId, ServiceId};
use domain::schedule::{Identifier, OfferedService, Offering, Schedule};
use domain::search::Window;
use domain::time::{LONDON, Timestamp};
use std::collections::HashMap;

#[derive(Queryable, Selectable)]
#[diesel(table_name = schedule)]
struct ScheduleRow {
    id: String,
    identifier_system: String,
    identifier_value: String,
    name: String,
    practitioner_id: Option<String>,
    role_id: Option<String>,
    location_id: Option<String>,
    zone: String,
    active: bool,
    version: i64,
    updated_ms: i64,
}

impl ScheduleRow {
    fn with_services(self, services: Vec<ServiceId>) -> Result<Schedule, StoreError> {
        let zone = self.zone.parse().map_err(|_| StoreError::Corrupt(format!("zone `{}` of schedule {}", self.zone, self.id)))?;
        Ok(Schedule {
            id: ScheduleId::stored(self.id),
            identifier: Identifier { system: self.identifier_system, value: self.identifier_value },
            name: self.name,
            services,
            practitioner: self.practitioner_id.map(ResourceId::stored),
            role: self.role_id.map(ResourceId::stored),
            location: self.location_id.map(ResourceId::stored),
            zone,
            active: self.active,
            version: self.version,
            updated: Timestamp::from_ms(self.updated_ms),
        })
    }
}

impl Tx<'_> {
    /// The services of schedules, primary first.
    fn schedule_services(&mut self, schedules: &[ScheduleId]) -> Result<HashMap<ScheduleId, Vec<ServiceId>>, StoreError> {
        if schedules.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(String, String)> = self.run(|c| {
            schedule_service::table
                .filter(schedule_service::schedule_id.eq_any(schedules.iter().map(ScheduleId::as_str)))
                .order((schedule_service::schedule_id, schedule_service::rank))
                .select((schedule_service::schedule_id, schedule_service::service_id))
                .load(c)
        })?;
        let mut services: HashMap<ScheduleId, Vec<ServiceId>> = HashMap::new();
        for (id, service) in rows {
            services.entry(ScheduleId::stored(id)).or_default().push(ServiceId::stored(service));
        }
        Ok(services)
    }

    /// The offerings of schedules: their services, primary first, who provides each, and the zone of their days.
    ///
    /// # Errors
    /// Those of the database.
    pub fn schedule_offerings(&mut self, schedules: &[ScheduleId]) -> Result<HashMap<ScheduleId, Offering>, StoreError> {
        if schedules.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(String, String, String, Option<String>)> = self.run(|c| {
            schedule_service::table
                .inner_join(schedule::table.on(schedule::id.eq(schedule_service::schedule_id)))
                .inner_join(service::table.on(service::id.eq(schedule_service::service_id)))
                .filter(schedule_service::schedule_id.eq_any(schedules.iter().map(ScheduleId::as_str)))
                .order((schedule_service::schedule_id, schedule_service::rank))
                .select((schedule_service::schedule_id, schedule::zone, schedule_service::service_id, service::ods))
                .load(c)
        })?;
        let mut offerings: HashMap<ScheduleId, Offering> = HashMap::new();
        for (id, zone, service, ods) in rows {
            // A zone was proven when it was stored. One that this binary no longer knows must not stop the schedules
            // that are read together with it; what shows the schedule itself reports it.
            let offering = || Offering { zone: zone.parse().unwrap_or(LONDON), services: Vec::new() };
            let offered = OfferedService { service: ServiceId::stored(service), provider: ods.map(OdsCode::stored) };
            offerings.entry(ScheduleId::stored(id)).or_insert_with(offering).services.push(offered);
        }
        Ok(offerings)
    }

    /// The schedules that serve any of `services`; all schedules when `services` is empty.
    ///
    /// # Errors
    /// Those of the database.
    pub fn schedule_ids_of(&mut self, services: &[ServiceId]) -> Result<Vec<ScheduleId>, StoreError> {
        let ids: Vec<String> = self.run(|c| {
            if services.is_empty() {
                return schedule::table.order(schedule::id).select(schedule::id).load(c);
            }
            schedule_service::table
                .filter(schedule_service::service_id.eq_any(services.iter().map(ServiceId::as_str)))
                .order(schedule_service::schedule_id)
                .select(schedule_service::schedule_id)
                .distinct()
                .load(c)
        })?;
        Ok(ids.into_iter().map(ScheduleId::stored).collect())
    }

    /// The schedules that exist among `ids`, in id order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn schedule_find_many(&mut self, ids: &[ScheduleId]) -> Result<Vec<Schedule>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.schedule_list(Some(ids), Window::default())
    }

    /// The schedules among `ids` (of all, when `None`) that last changed in the window, in id order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn schedule_list(&mut self, ids: Option<&[ScheduleId]>, updated: Window) -> Result<Vec<Schedule>, StoreError> {
        let rows: Vec<ScheduleRow> = self.run(|c| {
            let mut query = schedule::table.order(schedule::id).select(ScheduleRow::as_select()).into_boxed::<Db>();
            if let Some(ids) = ids {
                query = query.filter(schedule::id.eq_any(ids.iter().map(ScheduleId::as_str)));
            }
            if let Some(from) = updated.from {
                query = query.filter(schedule::updated_ms.ge(from.ms()));
            }
            if let Some(until) = updated.until {
                query = query.filter(schedule::updated_ms.lt(until.ms()));
            }
            query.load(c)
        })?;
        let ids: Vec<ScheduleId> = rows.iter().map(|row| ScheduleId::stored(row.id.clone())).collect();
        let mut services = self.schedule_services(&ids)?;
        rows.into_iter().zip(ids).map(|(row, id)| row.with_services(services.remove(&id).unwrap_or_default())).collect()
    }

    /// The schedules that have slots in a window.
    ///
    /// # Errors
    /// Those of the database.
    pub fn schedule_with_slots(&mut self, window: Window) -> Result<Vec<ScheduleId>, StoreError> {
        let ids: Vec<String> = self.run(|c| {
            let mut query = slot_ever::table.select(slot_ever::schedule_id).distinct().into_boxed::<Db>();
            if let Some(from) = window.from {
                query = query.filter(slot_ever::end_ms.gt(from.ms()));
            }
            if let Some(until) = window.until {
                query = query.filter(slot_ever::start_ms.lt(until.ms()));
            }
            query.load(c)
        })?;
        Ok(ids.into_iter().map(ScheduleId::stored).collect())
    }

    /// Keeps a schedule and the services it serves.
    ///
    /// # Errors
    /// Those of the database.
    pub fn schedule_put(&mut self, new: &Schedule, now: Timestamp) -> Result<(), StoreError> {
        let known = self.schedule_find_many(std::slice::from_ref(&new.id))?;
        let same = |known: &Schedule| *known == Schedule { version: known.version, updated: known.updated, ..new.clone() };
        if known.first().is_some_and(same) {
            return Ok(());
        }
        let facts = (
            schedule::identifier_system.eq(&new.identifier.system),
            schedule::identifier_value.eq(&new.identifier.value),
            schedule::name.eq(&new.name),
            schedule::practitioner_id.eq(new.practitioner.as_ref().map(ResourceId::as_str)),
            schedule::role_id.eq(new.role.as_ref().map(ResourceId::as_str)),
            schedule::location_id.eq(new.location.as_ref().map(ResourceId::as_str)),
            schedule::zone.eq(new.zone.name()),
            schedule::active.eq(new.active),
            schedule::updated_ms.eq(now.ms()),
        );
        let row = (schedule::id.eq(new.id.as_str()), schedule::version.eq(0), facts);
        self.run(|c: &mut AnyConn| OrIgnore(diesel::insert_into(schedule::table).values(row)).execute(c))?;
        let change = (facts, schedule::version.eq(schedule::version + 1));
        self.run(|c| diesel::update(schedule::table.find(new.id.as_str())).set(change).execute(c))?;
        self.run(|c| diesel::delete(schedule_service::table.filter(schedule_service::schedule_id.eq(new.id.as_str()))).execute(c))?;
        let services: Vec<_> = (0i32..)
            .zip(&new.services)
            .map(|(rank, service)| {
                (
                    schedule_service::schedule_id.eq(new.id.as_str()),
                    schedule_service::service_id.eq(service.as_str()),
                    schedule_service::rank.eq(rank),
                )
            })
            .collect();
        self.run(|c| insert_many!(c, schedule_service::table, &services)).map(drop)
    }
}
