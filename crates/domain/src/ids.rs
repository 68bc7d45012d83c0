//! Names of things, as types, so that a slot's id is never passed where a schedule's is meant.
//!
//! A name is opaque: nothing here knows which ids exist. FHIR ids are case sensitive and at most 64
//! characters of `[A-Za-z0-9.-]` (STU3 datatypes, `id`).

use std::fmt;

/// Longest id FHIR allows, in characters.
pub const ID_LENGTH_MAX: usize = 64;

/// A text that is not a FHIR id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: 1 to 64 characters of A-Z, a-z, 0-9, `-` and `.`")]
pub struct NotAnId(pub String);

/// True when `text` is a FHIR `id`.
pub fn is_fhir_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= ID_LENGTH_MAX && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

macro_rules! id_types {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The id in `text`, or [`NotAnId`] when it is not one.
            pub fn parse(text: &str) -> Result<Self, NotAnId> {
                if is_fhir_id(text) { Ok(Self(text.to_owned())) } else { Err(NotAnId(text.to_owned())) }
            }
            /// An id that was proven before it was stored.
            pub fn stored(text: String) -> Self { Self(text) }
            /// The id as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )*};
}

id_types! {
    /// A slot: one bookable piece of a schedule's time.
    SlotId;
    /// A schedule: the diary of one clinician or room.
    ScheduleId;
    /// A healthcare service, named by its directory of services (DoS) id.
    ServiceId;
    /// An appointment.
    AppointmentId;
    /// Any other resource of the directory (organisation, place, clinician, role).
    ResourceId;
}

/// The ODS code of an organisation (`https://fhir.nhs.uk/Id/ods-organization-code`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OdsCode(String);

impl OdsCode {
    /// The code in `text`: 1 to 12 letters and digits, kept in capitals as ODS writes them.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| Self(text.to_ascii_uppercase()))
    }
    /// A code that was proven before it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OdsCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where new ids come from; a port, so that tests can count instead of drawing lots.
pub trait Ids: Send + Sync {
    /// A new UUID (version 4 in production), in lower case with hyphens.
    fn uuid(&self) -> String;
}
