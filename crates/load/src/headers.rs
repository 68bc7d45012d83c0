//! The headers that every consumer sends (docs/specification/uec.md#a2-request-headers).

/// The media type of every body.
pub const FHIR_JSON: &str = "application/fhir+json";
/// An invented ASID of the consumer (`Ssp-From`): 12 digits.
pub const ASID_FROM: &str = "200000012345";
/// An invented ASID of the provider (`Ssp-To`).
pub const ASID_TO: &str = "200000067890";
/// What every `Ssp-InteractionID` begins with; `search:slot` or the like follows.
pub const INTERACTION_PREFIX: &str = "urn:nhs:names:services:careconnect:fhir:rest:";
