//! FHIR STU3: its definitions and those of the `CareConnect` profiles, its resources, its searches, and under `uec` what the
//! NHS booking standard adds.

pub mod directory;
mod documents;
pub mod naming;
pub mod operation;
pub mod render;
pub mod schedule;
pub mod search;
pub mod slot;
pub mod statement;
pub mod uec;

#[cfg(test)]
#[path = "definitions/tests.rs"]
mod definitions_tests;

pub use documents::Stu3Documents;

use crate::definitions::{Definitions, Tables};
use std::sync::LazyLock;

static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| {
    Definitions::parse(&Tables {
        datatypes: include_str!("definitions/datatypes.tsv"),
        infrastructure: include_str!("definitions/infrastructure.tsv"),
        resources: include_str!("definitions/resources.tsv"),
        profiles: include_str!("definitions/profiles.tsv"),
        codes: include_str!("definitions/codes.tsv"),
        references: include_str!("definitions/references.tsv"),
        summaries: include_str!("definitions/summaries.tsv"),
        resource_types: include_str!("definitions/resource-types.txt"),
    })
});

/// What STU3 and the `CareConnect` profiles say of elements.
pub fn definitions() -> &'static Definitions {
    &DEFINITIONS
}
