//! The directory as a list. It is small, so a search reads all of a kind.

use super::Engine;
use super::failure::fault_of;
use super::visibility::services_seen;
use crate::store::Lane;
use domain::directory::{DirectoryEntry, DirectoryKind};
use domain::fault::Fault;
use domain::ids::ResourceId;
use domain::policy::Access;

impl Engine {
    /// All resources of one kind, in id order; of the services those that `access` shows.
    ///
    /// # Errors
    /// A fault of the store.
    pub fn directory_list(&self, kind: DirectoryKind, access: &Access) -> Result<Vec<DirectoryEntry>, Fault> {
        let found = self.store.on(Lane::Reads).query(|tx| {
            let found = tx.directory_list(kind)?;
            services_seen(tx, found, access)
        });
        found.map_err(|e| fault_of("listing the directory", &e))
    }

    /// Those of `wanted` that exist, each once, by kind and id; of the services those that `access` shows.
    ///
    /// # Errors
    /// A fault of the store.
    pub fn directory_entries(&self, wanted: &[(DirectoryKind, ResourceId)], access: &Access) -> Result<Vec<DirectoryEntry>, Fault> {
        let found = self.store.on(Lane::Reads).query(|tx| {
            let mut found = Vec::new();
            for kind in DirectoryKind::ALL {
                let mut ids: Vec<&str> = wanted.iter().filter(|(of, _)| *of == kind).map(|(_, id)| id.as_str()).collect();
                ids.sort_unstable();
                ids.dedup();
                found.extend(tx.directory_find_many(kind, &ids)?);
            }
            services_seen(tx, found, access)
        });
        found.map_err(|e| fault_of("reading the directory", &e))
    }
}
