//! The directory: organisations, places, services, clinicians and roles, as documents and as facts.

use super::appointments::document;
use super::conn::AnyConn;
use super::dialect::OrIgnore;
use super::schema::{directory, service};
use super::{StoreError, Tx};
use diesel::prelude::*;
use domain::directory::{DirectoryEntry, DirectoryKind, Service};
use domain::document::Document;
use domain::ids::{OdsCode, ResourceId, ServiceId};
use domain::time::Timestamp;

#[derive(Queryable, Selectable)]
#[diesel(table_name = directory)]
struct DirectoryRow {
    kind: String,
    id: String,
    version: i64,
    updated_ms: i64,
    document: String,
    release: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = service)]
struct ServiceRow {
    id: String,
    name: String,
    organization_id: Option<String>,
    ods: Option<String>,
    location_id: Option<String>,
}

impl TryFrom<DirectoryRow> for DirectoryEntry {
    type Error = StoreError;

    fn try_from(row: DirectoryRow) -> Result<Self, StoreError> {
        let kind = DirectoryKind::parse(&row.kind).ok_or_else(|| StoreError::Corrupt(format!("directory kind `{}`", row.kind)))?;
        let updated = Timestamp::from_ms(row.updated_ms);
        Ok(Self { kind, id: ResourceId::stored(row.id), version: row.version, updated, document: document(row.document, &row.release)? })
    }
}

impl From<ServiceRow> for Service {
    fn from(row: ServiceRow) -> Self {
        Self {
            id: ServiceId::stored(row.id),
            name: row.name,
            organization: row.organization_id.map(ResourceId::stored),
            ods: row.ods.map(OdsCode::stored),
            location: row.location_id.map(ResourceId::stored),
        }
    }
}

impl Tx<'_> {
    /// One resource of the directory.
    ///
    /// # Errors
    /// Those of the database.
    pub fn directory_find(&mut self, kind: DirectoryKind, id: &str) -> Result<Option<DirectoryEntry>, StoreError> {
        let row: Option<DirectoryRow> =
            self.run(|c| directory::table.find((kind.name(), id)).select(DirectoryRow::as_select()).first(c).optional())?;
        row.map(TryInto::try_into).transpose()
    }

    /// The resources of one kind that exist among `ids`, in id order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn directory_find_many(&mut self, kind: DirectoryKind, ids: &[&str]) -> Result<Vec<DirectoryEntry>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<DirectoryRow> = self.run(|c| {
            directory::table
                .filter(directory::kind.eq(kind.name()))
                .filter(directory::id.eq_any(ids))
                .order(directory::id)
                .select(DirectoryRow::as_select())
                .load(c)
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// All resources of one kind, in id order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn directory_list(&mut self, kind: DirectoryKind) -> Result<Vec<DirectoryEntry>, StoreError> {
        let rows: Vec<DirectoryRow> = self.run(|c| {
            directory::table.filter(directory::kind.eq(kind.name())).order(directory::id).select(DirectoryRow::as_select()).load(c)
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// How many resources the directory holds.
    ///
    /// # Errors
    /// Those of the database.
    pub fn directory_count(&mut self) -> Result<i64, StoreError> {
        self.run(|c| directory::table.count().get_result(c))
    }

    /// Keeps a resource. One that is there already gets a new version if it differs. True when anything changed.
    ///
    /// # Errors
    /// Those of the database.
    pub fn directory_put(&mut self, kind: DirectoryKind, id: &ResourceId, document: &Document, now: Timestamp) -> Result<bool, StoreError> {
        match self.directory_find(kind, id.as_str())? {
            Some(known) if known.document == *document => Ok(false),
            Some(known) => {
                let change = (
                    directory::document.eq(&document.text),
                    directory::release.eq(document.release.name()),
                    directory::version.eq(known.version + 1),
                    directory::updated_ms.eq(now.ms()),
                );
                self.run(|c| diesel::update(directory::table.find((kind.name(), id.as_str()))).set(change).execute(c))?;
                Ok(true)
            }
            None => {
                let row = (
                    directory::kind.eq(kind.name()),
                    directory::id.eq(id.as_str()),
                    directory::version.eq(1),
                    directory::updated_ms.eq(now.ms()),
                    directory::document.eq(&document.text),
                    directory::release.eq(document.release.name()),
                );
                self.run(|c| diesel::insert_into(directory::table).values(row).execute(c))?;
                Ok(true)
            }
        }
    }

    /// Keeps the facts of a service.
    ///
    /// # Errors
    /// Those of the database.
    pub fn service_put(&mut self, new: &Service) -> Result<(), StoreError> {
        let facts = (
            service::name.eq(&new.name),
            service::organization_id.eq(new.organization.as_ref().map(ResourceId::as_str)),
            service::ods.eq(new.ods.as_ref().map(OdsCode::as_str)),
            service::location_id.eq(new.location.as_ref().map(ResourceId::as_str)),
        );
        let row = (service::id.eq(new.id.as_str()), facts);
        self.run(|c: &mut AnyConn| OrIgnore(diesel::insert_into(service::table).values(row)).execute(c))?;
        self.run(|c| diesel::update(service::table.find(new.id.as_str())).set(facts).execute(c)).map(drop)
    }

    /// The services that exist among `ids`; every service when `ids` is `None`. In id order.
    ///
    /// # Errors
    /// Those of the database.
    pub fn service_find_many(&mut self, ids: Option<&[ServiceId]>) -> Result<Vec<Service>, StoreError> {
        let rows: Vec<ServiceRow> = self.run(|c| match ids {
            Some(ids) => service::table
                .filter(service::id.eq_any(ids.iter().map(ServiceId::as_str)))
                .order(service::id)
                .select(ServiceRow::as_select())
                .load(c),
            None => service::table.order(service::id).select(ServiceRow::as_select()).load(c),
        })?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// True when an organisation provides any service.
    ///
    /// # Errors
    /// Those of the database.
    pub fn service_is_provided_by(&mut self, organisation: &OdsCode) -> Result<bool, StoreError> {
        let provided = service::table.filter(service::ods.eq(organisation.as_str())).select(service::id);
        Ok(self.run(|c| provided.first::<String>(c).optional())?.is_some())
    }
}
