//! The codes of `Spine-ErrorOrWarningCode-1`, each with the display the code system gives it.
//!
//! `ACCESS DENIED` is spelled with a space, and there is no code for a slot that is no longer free
//! (docs/specification/uec.md#b9-operationoutcome).

use crate::outcome::Coding;

/// The code system (not the value set of the same name, which older examples use;
/// docs/specification/uec.md#i-disagreements, row 26).
pub const SYSTEM: &str = "https://fhir.nhs.uk/STU3/CodeSystem/Spine-ErrorOrWarningCode-1";

macro_rules! spine_codes {
    ($($name:ident $code:literal $display:literal;)*) => {
        /// A code of the Spine's code system.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum SpineCode {
            $(#[doc = $display] $name,)*
        }

        impl SpineCode {
            /// Every code, in the order of the code system.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code with its system and display.
            pub const fn coding(self) -> Coding {
                match self {
                    $(Self::$name => Coding { system: SYSTEM, code: $code, display: $display },)*
                }
            }
        }
    };
}

spine_codes! {
    NoRecordFound "NO_RECORD_FOUND" "No record found";
    PatientNotFound "PATIENT_NOT_FOUND" "Patient not found";
    InvalidNhsNumber "INVALID_NHS_NUMBER" "Invalid NHS number";
    InvalidCodeSystem "INVALID_CODE_SYSTEM" "Invalid code system";
    InvalidCodeValue "INVALID_CODE_VALUE" "Invalid code value";
    InvalidValue "INVALID_VALUE" "An input field has an invalid value for its type";
    InvalidIdentifierSystem "INVALID_IDENTIFIER_SYSTEM" "Invalid identifier system";
    InvalidIdentifierValue "INVALID_IDENTIFIER_VALUE" "Invalid identifier value";
    ConflictingValues "CONFLICTING_VALUES" "Conflicting values have been specified in different fields";
    InvalidElement "INVALID_ELEMENT" "Invalid element";
    AuthorCredentialsError "AUTHOR_CREDENTIALS_ERROR" "Author credentials error";
    InvalidParameter "INVALID_PARAMETER" "Invalid parameter";
    RequestUnmatched "REQUEST_UNMATCHED" "Request does not match authorisation token";
    MessageNotWellFormed "MESSAGE_NOT_WELL_FORMED" "Message not well formed";
    NoPatientConsent "NO_PATIENT_CONSENT" "Patient has not provided consent to share data";
    NoOrganisationalConsent "NO_ORGANISATIONAL_CONSENT" "Organisation has not provided consent to share data";
    BadRequest "BAD_REQUEST" "Bad request";
    InvalidResource "INVALID_RESOURCE" "Invalid validation of resource";
    OrganisationNotFound "ORGANISATION_NOT_FOUND" "Organisation not found";
    PractitionerNotFound "PRACTITIONER_NOT_FOUND" "Practitioner not found";
    PatientSensitive "PATIENT_SENSITIVE" "Patient sensitive";
    NoRelationship "NO_RELATIONSHIP" "No legitimate relationship exists with this patient";
    FhirConstraintViolation "FHIR_CONSTRAINT_VIOLATION" "FHIR constraint violated";
    FlagAlreadySet "FLAG_ALREADY_SET" "Flag value was already set";
    InvalidRequestState "INVALID_REQUEST_STATE" "The request exists but is not in an appropriate state for the call to succeed";
    InvalidRequestType "INVALID_REQUEST_TYPE" "The type of request is not supported by the API call";
    AccessDenied "ACCESS DENIED" "Access has been denied to process this request";
    AsidCheckFailed "ASID_CHECK_FAILED" "The sender or receiver's ASID is not authorised for this interaction";
    MissingOrInvalidHeader "MISSING_OR_INVALID_HEADER" "There is a required header missing or invalid";
    AccessDeniedSsl "ACCESS_DENIED_SSL" "SSL Protocol or Cipher requirements not met";
    MsgResourceIdFail "MSG_RESOURCE_ID_FAIL" "Client is not permitted to assign an id";
    DuplicateRejected "DUPLICATE_REJECTED" "Create would lead to creation of a duplicate resource";
    ResourceCreated "RESOURCE_CREATED" "New resource created";
    ResourceDeleted "RESOURCE_DELETED" "Resource removed";
    ResourceUpdated "RESOURCE_UPDATED" "Resource has been successfully updated";
    InvalidRequestMessage "INVALID_REQUEST_MESSAGE" "Invalid request message";
    InternalServerError "INTERNAL_SERVER_ERROR" "Unexpected internal server error";
    InvalidPatientDemographics "INVALID_PATIENT_DEMOGRAPHICS" "Invalid patient demographics";
    NotImplemented "NOT_IMPLEMENTED" "Not implemented";
    ReferenceNotFound "REFERENCE_NOT_FOUND" "Reference not found";
    Deprecated "DEPRECATED" "Event message type has been deprecated";
    NoLongerSupported "NO_LONGER_SUPPORTED" "Event message type is no longer supported";
    Withdrawn "WITHDRAWN" "Event message type has been withdrawn";
    UnsupportedMediaType "UNSUPPORTED_MEDIA_TYPE" "Unsupported media type";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spine_codes_are_spelled_as_the_code_system_spells_them() {
        assert_eq!(SpineCode::AccessDenied.coding().code, "ACCESS DENIED");
        assert_eq!(SpineCode::DuplicateRejected.coding().display, "Create would lead to creation of a duplicate resource");
        let codes: std::collections::BTreeSet<_> = SpineCode::ALL.iter().map(|c| c.coding().code).collect();
        assert_eq!((codes.len(), SpineCode::ALL.len()), (44, 44));
        assert!(SpineCode::ALL.iter().all(|c| c.coding().system == SYSTEM));
    }
}
