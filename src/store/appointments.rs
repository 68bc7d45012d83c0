//! Appointments: reading them. Making and cancelling them is the claims' business.

use super::dialect::{Db, by_start};
use super::schema::{appointment, appointment_version, schedule, service, slot, slot_ever};
use super::{StoreError, Tx};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use domain::appointment::{Appointment, AppointmentStatus, AppointmentVersion, DiaryAppointment, Patient};
use domain::document::{Document, Release};
use domain::ids::{AppointmentId, OdsCode, ResourceId, ScheduleId, ServiceId, SlotId};
use domain::nhs_number::NhsNumber;
use domain::policy::{Access, AccessFacts, Names, Reach, Rights};
use domain::search::{ActedIn, AppointmentSearch, Cursor, Identified, SortDirection};
use domain::time::{Span, Timestamp};
use std::collections::HashMap;

#[derive(Queryable, Selectable)]
#[diesel(table_name = appointment)]
struct AppointmentRow {
    id: String,
    slot_id: String,
    live: bool,
    version: i64,
    start_ms: i64,
    end_ms: i64,
    service_id: String,
    booked_by: Option<String>,
    nhs_number: Option<String>,
    patient_name: Option<String>,
    birth_date: Option<String>,
    contact: Option<String>,
    reason: String,
    clinical_document: Option<String>,
    updated_ms: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = appointment_version)]
struct VersionRow {
    appointment_id: String,
    version: i64,
    live: bool,
    recorded_ms: i64,
    document: String,
    release: String,
}

/// An appointment, the schedule it is in, and the ODS code of the organisation that provides its service.
#[derive(Debug, Clone, PartialEq)]
pub struct Owned {
    /// The appointment.
    pub appointment: Appointment,
    /// The schedule of its slot.
    pub schedule: ScheduleId,
    /// The provider.
    pub provider: Option<OdsCode>,
}

impl Owned {
    /// What decides who may see it.
    pub const fn access_facts(&self) -> AccessFacts<'_> {
        let Self { appointment, schedule, provider } = self;
        AccessFacts { booked_by: appointment.booked_by.as_ref(), provider: provider.as_ref(), schedule, service: &appointment.service }
    }
}

/// One version of an appointment, with what decides who may read it.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnedVersion {
    /// The version.
    pub version: AppointmentVersion,
    /// The organisation that booked it.
    pub booked_by: Option<OdsCode>,
    /// The service it is for.
    pub service: ServiceId,
    /// The schedule of its slot.
    pub schedule: ScheduleId,
    /// The provider of the service.
    pub provider: Option<OdsCode>,
}

impl OwnedVersion {
    /// What decides who may see it.
    pub const fn access_facts(&self) -> AccessFacts<'_> {
        let Self { booked_by, service, schedule, provider, .. } = self;
        AccessFacts { booked_by: booked_by.as_ref(), provider: provider.as_ref(), schedule, service }
    }
}

/// A document as it is stored.
pub(super) fn document(text: String, release: &str) -> Result<Document, StoreError> {
    let release = Release::parse(release).ok_or_else(|| StoreError::Corrupt(format!("a document of FHIR release `{release}`")))?;
    Ok(Document { release, text })
}

pub(super) const fn status(live: bool) -> AppointmentStatus {
    if live { AppointmentStatus::Booked } else { AppointmentStatus::Cancelled }
}

impl From<AppointmentRow> for Appointment {
    fn from(row: AppointmentRow) -> Self {
        Self {
            id: AppointmentId::stored(row.id),
            slot: SlotId::stored(row.slot_id),
            status: status(row.live),
            version: row.version,
            start: Timestamp::from_ms(row.start_ms),
            end: Timestamp::from_ms(row.end_ms),
            booked_by: row.booked_by.map(OdsCode::stored),
            service: ServiceId::stored(row.service_id),
            patient: Patient {
                nhs_number: row.nhs_number.map(NhsNumber::stored),
                verified: false,
                name: row.patient_name,
                birth_date: row.birth_date,
                contact: row.contact,
            },
            reason: row.reason,
            clinical_document: row.clinical_document,
            updated: Timestamp::from_ms(row.updated_ms),
        }
    }
}

impl TryFrom<VersionRow> for AppointmentVersion {
    type Error = StoreError;

    fn try_from(row: VersionRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: AppointmentId::stored(row.appointment_id),
            version: row.version,
            status: status(row.live),
            recorded: Timestamp::from_ms(row.recorded_ms),
            document: document(row.document, &row.release)?,
        })
    }
}

impl Tx<'_> {
    /// An appointment's facts and whose service it is for.
    ///
    /// # Errors
    /// Those of the database.
    pub fn appointment_find(&mut self, id: &str) -> Result<Option<Owned>, StoreError> {
        Ok(self.appointment_find_many(&[id])?.pop())
    }

    /// The appointments that exist among `ids`, in id order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn appointment_find_many(&mut self, ids: &[&str]) -> Result<Vec<Owned>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        type OwnedRow = (AppointmentRow, Option<String>, Option<String>);
        let rows: Vec<OwnedRow> = self.run(|c| {
            appointment::table
                .left_join(slot::table)
                .left_join(service::table)
                .filter(appointment::id.eq_any(ids))
                .order(appointment::id)
                .select((AppointmentRow::as_select(), slot::schedule_id.nullable(), service::ods.nullable()))
                .load(c)
        })?;
        // Nearly all are still to come, so the archive is read only where one is missing.
        let archived: Vec<&str> = rows.iter().filter(|(_, found, _)| found.is_none()).map(|(row, _, _)| row.slot_id.as_str()).collect();
        let past = self.schedules_past(&archived)?;
        let owned = |(row, found, ods): OwnedRow| {
            let schedule = ScheduleId::stored(found.or_else(|| past.get(&row.slot_id).cloned())?);
            Some(Owned { appointment: row.into(), schedule, provider: ods.map(OdsCode::stored) })
        };
        Ok(rows.into_iter().filter_map(owned).collect())
    }

    /// One version of an appointment, the current one where `number` is `None`: everything a read needs, in one statement
    /// unless its slot is archived.
    ///
    /// # Errors
    /// Those of the database.
    pub fn version_find(&mut self, id: &str, number: Option<i64>) -> Result<Option<OwnedVersion>, StoreError> {
        type OwnedVersionRow = (VersionRow, Option<String>, String, String, Option<String>, Option<String>);
        let row: Option<OwnedVersionRow> = self.run(|c| {
            let versions = appointment_version::table
                .inner_join(appointment::table.left_join(slot::table).left_join(service::table))
                .filter(appointment_version::appointment_id.eq(id))
                .select((
                    VersionRow::as_select(),
                    appointment::booked_by,
                    appointment::service_id,
                    appointment::slot_id,
                    slot::schedule_id.nullable(),
                    service::ods.nullable(),
                ));
            match number {
                Some(number) => versions.filter(appointment_version::version.eq(number)).first(c).optional(),
                None => versions.filter(appointment_version::version.eq(appointment::version)).first(c).optional(),
            }
        })?;
        let Some((version, booked_by, service, slot, schedule, ods)) = row else { return Ok(None) };
        let schedule = match schedule {
            Some(schedule) => Some(schedule),
            None => self.schedules_past(&[slot.as_str()])?.remove(&slot),
        };
        let version = version.try_into()?;
        Ok(schedule.map(|schedule| OwnedVersion {
            version,
            booked_by: booked_by.map(OdsCode::stored),
            service: ServiceId::stored(service),
            schedule: ScheduleId::stored(schedule),
            provider: ods.map(OdsCode::stored),
        }))
    }

    /// The schedules of slots that were not in the diary a moment ago, by the slot. Both tables are read in one statement, so
    /// that a slot which moves meanwhile, whichever way, is found.
    fn schedules_past(&mut self, slots: &[&str]) -> Result<HashMap<String, String>, StoreError> {
        if slots.is_empty() {
            return Ok(HashMap::new());
        }
        let theirs = slot_ever::table.filter(slot_ever::id.eq_any(slots)).select((slot_ever::id, slot_ever::schedule_id));
        Ok(self.run(|c| theirs.load::<(String, String)>(c))?.into_iter().collect())
    }

    /// Every version of an appointment, the newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn version_list(&mut self, id: &str) -> Result<Vec<AppointmentVersion>, StoreError> {
        let rows: Vec<VersionRow> = self.run(|c| {
            appointment_version::table
                .filter(appointment_version::appointment_id.eq(id))
                .order(appointment_version::version.desc())
                .select(VersionRow::as_select())
                .load(c)
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The current versions of the appointments that match and that `access` lets a caller see, each with its start: by start
    /// and id as the search is sorted, from where the page begins, at most `limit`. `actors` is what the search's groups of
    /// actors come to.
    ///
    /// # Errors
    /// Those of the database.
    pub fn appointment_search(
        &mut self,
        search: &AppointmentSearch,
        actors: &[ActedIn],
        access: &Access,
        limit: i64,
    ) -> Result<Vec<(Timestamp, AppointmentVersion)>, StoreError> {
        let found: Vec<(String, i64)> = self.run(|c| {
            let query = appointment_matches(search, actors, access);
            let query = by_start!(query, appointment::start_ms, appointment::id, search.sort, search.paging.after);
            query.select((appointment::id, appointment::start_ms)).limit(limit).load(c)
        })?;
        let ids = found.iter().map(|(id, _)| id);
        let rows: Vec<VersionRow> =
            self.run(|c| {
                appointment::table
                    .inner_join(appointment_version::table.on(
                        appointment_version::appointment_id.eq(appointment::id).and(appointment_version::version.eq(appointment::version)),
                    ))
                    .filter(appointment::id.eq_any(ids))
                    .select(VersionRow::as_select())
                    .load(c)
            })?;
        let mut by_id: HashMap<String, VersionRow> = rows.into_iter().map(|row| (row.appointment_id.clone(), row)).collect();
        let in_order = found.into_iter().filter_map(|(id, start)| Some((Timestamp::from_ms(start), by_id.remove(&id)?)));
        in_order.map(|(start, row)| Ok((start, row.try_into()?))).collect()
    }

    /// How many appointments match and that `access` lets a caller see, wherever a page begins.
    ///
    /// # Errors
    /// Those of the database.
    pub fn appointment_count(&mut self, search: &AppointmentSearch, actors: &[ActedIn], access: &Access) -> Result<i64, StoreError> {
        self.run(|c| appointment_matches(search, actors, access).count().get_result(c))
    }

    /// Who is coming to `schedules` in `span`, ordered by start: live appointments, and `cancelled` ones on request.
    ///
    /// # Errors
    /// Those of the database.
    pub fn diary_search(&mut self, schedules: &[ScheduleId], span: Span, cancelled: bool) -> Result<Vec<DiaryAppointment>, StoreError> {
        let rows: Vec<(AppointmentRow, String, Option<String>)> = self.run(|c| {
            let found = appointment::table
                .inner_join(slot_ever::table.inner_join(schedule::table))
                .filter(slot_ever::schedule_id.eq_any(schedules.iter().map(ScheduleId::as_str)))
                .filter(slot_ever::start_ms.ge(span.from.ms()))
                .filter(slot_ever::start_ms.lt(span.until.ms()))
                .order((slot_ever::start_ms, appointment::id))
                .select((AppointmentRow::as_select(), schedule::id, schedule::location_id))
                .into_boxed::<Db>();
            if cancelled { found.load(c) } else { found.filter(appointment::live.eq(true)).load(c) }
        })?;
        let entry = |(row, schedule, location): (AppointmentRow, String, Option<String>)| DiaryAppointment {
            appointment: row.into(),
            schedule: ScheduleId::stored(schedule),
            location: location.map(ResourceId::stored),
        };
        Ok(rows.into_iter().map(entry).collect())
    }
}

/// Every condition of a search but its page.
fn appointment_matches<'a>(search: &'a AppointmentSearch, actors: &'a [ActedIn], access: &'a Access) -> appointment::BoxedQuery<'a, Db> {
    let mut query = appointment::table.into_boxed::<Db>();
    if !search.nhs_numbers.is_empty() {
        query = query.filter(appointment::nhs_number.eq_any(search.nhs_numbers.iter().map(NhsNumber::as_str)));
    }
    for Identified { nhs_numbers, documents } in &search.identified {
        let of_patient = appointment::nhs_number.eq_any(nhs_numbers.iter().map(NhsNumber::as_str));
        // A column that may be null compares to null, which an "or" would pass on.
        let of_patient = appointment::nhs_number.is_not_null().and(of_patient);
        let of_document = appointment::clinical_document.eq_any(documents);
        let of_document = appointment::clinical_document.is_not_null().and(of_document);
        query = query.filter(of_patient.or(of_document));
    }
    if !search.ids.is_empty() {
        query = query.filter(appointment::id.eq_any(search.ids.iter().map(AppointmentId::as_str)));
    }
    if let Some(version) = search.version {
        query = query.filter(appointment::version.eq(version));
    }
    if let [status] = search.statuses.as_slice() {
        query = query.filter(appointment::live.eq(*status == AppointmentStatus::Booked));
    }
    if !search.slots.is_empty() {
        query = query.filter(appointment::slot_id.eq_any(search.slots.iter().map(SlotId::as_str)));
    }
    for ActedIn { services, schedules } in actors {
        let of_them = slot_ever::schedule_id.eq_any(schedules.iter().map(ScheduleId::as_str));
        let in_schedules = slot_ever::table.filter(of_them).select(slot_ever::id);
        let for_services = appointment::service_id.eq_any(services.iter().map(ServiceId::as_str));
        query = query.filter(for_services.or(appointment::slot_id.eq_any(in_schedules)));
    }
    if let Some(from) = search.updated.from {
        query = query.filter(appointment::updated_ms.ge(from.ms()));
    }
    if let Some(until) = search.updated.until {
        query = query.filter(appointment::updated_ms.lt(until.ms()));
    }
    if let Some(from) = search.date.from {
        query = query.filter(appointment::start_ms.ge(from.ms()));
    }
    if let Some(until) = search.date.until {
        query = query.filter(appointment::start_ms.lt(until.ms()));
    }
    match access {
        Access::Organisation { code, rights } if !access.reads_everything() => query.filter(readable(code, rights)),
        Access::Everyone | Access::Organisation { .. } => query,
    }
}

type Condition<'a> = Box<dyn BoxableExpression<appointment::table, Db, SqlType = Bool> + 'a>;

/// The same distinction as [`Access::may_read`], said to the database.
fn readable<'a>(code: &'a OdsCode, rights: &'a Rights) -> Condition<'a> {
    let own = service::table.filter(service::ods.eq(code.as_str())).select(service::id);
    let booked = appointment::booked_by.is_not_null().and(appointment::booked_by.assume_not_null().eq(code.as_str()));
    let mut condition: Condition<'_> = Box::new(booked.or(appointment::service_id.eq_any(own)));
    for view in rights.views.iter().filter(|_| rights.read == Reach::All) {
        let services: Condition<'_> = match &view.services {
            Names::All => Box::new(appointment::service_id.eq(appointment::service_id)),
            Names::Only(ids) => Box::new(appointment::service_id.eq_any(ids.iter().map(ServiceId::as_str))),
        };
        let schedules: Condition<'_> = match &view.schedules {
            Names::All => Box::new(appointment::slot_id.eq(appointment::slot_id)),
            Names::Only(ids) => {
                let of_them = slot_ever::schedule_id.eq_any(ids.iter().map(ScheduleId::as_str));
                let in_them = slot_ever::table.filter(of_them).select(slot_ever::id);
                Box::new(appointment::slot_id.eq_any(in_them))
            }
        };
        condition = Box::new(condition.or(services.and(schedules)));
    }
    condition
}
