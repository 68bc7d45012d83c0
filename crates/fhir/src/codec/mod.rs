//! Bytes to trees and back. It knows how FHIR uses JSON and XML, is handed the definitions of a release, and knows none.

pub mod json;
pub mod xml;
