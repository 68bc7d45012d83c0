//! The names a booking is spelt with: profiles, identifier systems and codes, exactly as the standard has them.
//!
//! Data only.
//!
//! Pitfall: these are names, not links. They are compared letter by letter, and one that differs in case, or in a
//! slash at its end, is another name.

/// Start of every `CareConnect` profile: `{PROFILE_BASE}CareConnect-Slot-1`.
pub const PROFILE_BASE: &str = "https://fhir.hl7.org.uk/STU3/StructureDefinition/";
/// Profile of an appointment.
pub const APPOINTMENT_PROFILE: &str = "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Appointment-1";
/// Profile of a slot.
pub const SLOT_PROFILE: &str = "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Slot-1";
/// Profile of a schedule.
pub const SCHEDULE_PROFILE: &str = "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Schedule-1";
/// Extension of a slot that says how the patient is seen.
pub const DELIVERY_CHANNEL: &str = "https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-DeliveryChannel-1";
/// Identifier system of NHS numbers before version 1.0.6 of the standard (docs/specification/uec.md#a10-appointment-search).
pub const NHS_NUMBER_BEFORE_1_0_6: &str = "https://demographics.spineservices.nhs.uk";
/// Identifier system of NHS numbers.
pub const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// Identifier system of UUIDs: slots and clinical documents (docs/specification/uec.md#b7-document, #b8-contained-slot).
pub const UUID: &str = "https://tools.ietf.org/html/rfc4122";
/// Identifier system of organisations (ODS).
pub const ODS_ORGANISATION: &str = "https://fhir.nhs.uk/Id/ods-organization-code";
/// Identifier system of sites (ODS).
pub const ODS_SITE: &str = "https://fhir.nhs.uk/Id/ods-site-code";
/// Identifier system of members of staff (SDS).
pub const SDS_USER: &str = "https://fhir.nhs.uk/Id/sds-user-id";
/// Identifier system of the roles members of staff have (SDS); the value is the id of a `PractitionerRole`
/// (docs/specification/uec.md#a6-slot-search, check 6).
pub const SDS_ROLE: &str = "https://fhir.nhs.uk/Id/sds-role-profile-id";
/// Code system of what a role's holder does (SDS).
pub const SDS_JOB_ROLE: &str = "https://fhir.hl7.org.uk/STU3/CodeSystem/CareConnect-SDSJobRoleName-1";
/// Extension of an NHS number that says how far it was verified.
pub const VERIFICATION_EXTENSION: &str =
    "https://fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-NHSNumberVerificationStatus-1";
/// Code system of that extension: `01` to `08`.
pub const VERIFICATION_CODES: &str = "https://fhir.hl7.org.uk/STU3/CodeSystem/CareConnect-NHSNumberVerificationStatus-1";
/// The one of its codes that means "Number present and verified".
pub const VERIFIED: &str = "01";
/// Code system of a clinical document's type.
pub const DOCUMENT_TYPES: &str = "urn:oid:2.16.840.1.113883.2.1.3.2.4.18.17";
/// The type of the document that goes with a booking: "Integrated Urgent Care Report".
pub const URGENT_CARE_REPORT: &str = "POCD_MT200001GB02";
/// Media type of that document.
pub const CLINICAL_DOCUMENT_MEDIA_TYPE: &str = "application/hl7-v3+xml";
