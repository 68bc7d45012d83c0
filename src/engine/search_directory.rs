//! The directory as a list. It is small, so whoever searches it looks at all of a kind.

use super::Engine;
use super::failure::fault_of;
use crate::domain::directory::{DirectoryEntry, DirectoryKind};
use crate::domain::fault::Fault;
use crate::domain::ids::ResourceId;

impl Engine {
    /// All resources of one kind, in id order.
    ///
    /// # Errors
    /// A fault of the store.
    pub fn directory_list(&self, kind: DirectoryKind) -> Result<Vec<DirectoryEntry>, Fault> {
        self.store.read_one(|tx| tx.directory_list(kind)).map_err(|e| fault_of("listing the directory", &e))
    }

    /// Those of `wanted` that exist, each once, by kind and id.
    ///
    /// # Errors
    /// A fault of the store.
    pub fn directory_entries(&self, wanted: &[(DirectoryKind, ResourceId)]) -> Result<Vec<DirectoryEntry>, Fault> {
        let found = self.store.read_one(|tx| {
            let mut found = Vec::new();
            for kind in DirectoryKind::ALL {
                let mut ids: Vec<&str> = wanted.iter().filter(|(of, _)| *of == kind).map(|(_, id)| id.as_str()).collect();
                ids.sort_unstable();
                ids.dedup();
                found.extend(tx.directory_find_many(kind, &ids)?);
            }
            Ok(found)
        });
        found.map_err(|e| fault_of("reading the directory", &e))
    }
}
