//! What a booking's body is held to on a root: a named choice for each question on which dialects, or versions of one, differ.

use super::super::compat::Leniencies;
use crate::service_roots::ServiceRoots;

/// What a booking's body is held to: one choice for each question on which dialects, or versions of one, differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookingRules<'r> {
    /// Whose references are this server's own.
    pub roots: ServiceRoots<'r>,
    /// How the slot is named.
    pub slot: SlotReference,
    /// How the patient is named.
    pub patient: PatientReference,
    /// What identifiers a patient may have.
    pub identifiers: PatientIdentifiers,
    /// Whether contacts are ranked.
    pub contacts: ContactRanks,
    /// What stands in `supportingInformation`.
    pub document: SupportingDocument,
    /// Whether the reason for the call must be given.
    pub reason: BookingReason,
    /// Who sets `created`.
    pub created: CreatedBy,
    /// True when a patient without a verified NHS number is refused (`--require-verified-nhs-number`).
    pub require_verified_nhs_number: bool,
}

/// How a booking names its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotReference {
    /// By reference to the contained Slot.
    Contained,
    /// The same, or as `Slot/<id>` where none is contained; one of the two must be there.
    ContainedOrNamed,
    /// As `Slot/<id>`, or by a contained Slot, of which little need be said.
    Any,
}

/// How a booking names its patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatientReference {
    /// By reference to the contained Patient.
    Contained,
    /// The same, or by identifier and display of a participant's actor.
    ContainedOrActor,
}

/// The identifiers of a contained Patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatientIdentifiers {
    /// The official NHS number, or none at all.
    NhsNumberOnly,
    /// Whatever the consumer knows the patient by.
    Any,
}

/// Ranks of the patient's contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactRanks {
    /// Every contact is ranked, and one has rank 1, even where there is no contact yet; otherwise the body is malformed.
    Demanded,
    /// The same, but contacts without any rank are taken.
    Forgiven,
    /// Where contacts are given, one has rank 1.
    OneFirst,
}

/// The contained `DocumentReference` and what points at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SupportingDocument {
    /// It must be there.
    Demanded,
    /// Where `supportingInformation` is given, it points at it.
    ContainedOnly,
    /// `supportingInformation` may be anything.
    Any,
}

/// The reason for the call, in `description`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookingReason {
    /// It must be given.
    Demanded,
    /// It may be left out.
    Optional,
}

/// Who says when an appointment was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreatedBy {
    /// The server, whatever was sent.
    Server,
    /// The consumer, where it says so.
    Consumer,
}

impl BookingRules<'static> {
    /// The API as it is assured (docs/specification/uec.md#a7-book, #b5-appointment to #b8-contained-slot).
    pub const BOOKING: Self = Self {
        roots: ServiceRoots::NONE,
        slot: SlotReference::Contained,
        patient: PatientReference::Contained,
        identifiers: PatientIdentifiers::NhsNumberOnly,
        contacts: ContactRanks::Demanded,
        document: SupportingDocument::Demanded,
        reason: BookingReason::Demanded,
        created: CreatedBy::Server,
        require_verified_nhs_number: false,
    };

    /// What ordinary clients need to say (docs/contract.md#service-roots).
    pub const PROVIDER: Self = Self {
        slot: SlotReference::Any,
        patient: PatientReference::ContainedOrActor,
        identifiers: PatientIdentifiers::Any,
        contacts: ContactRanks::OneFirst,
        document: SupportingDocument::Any,
        reason: BookingReason::Optional,
        ..Self::BOOKING
    };
}

impl<'r> BookingRules<'r> {
    /// The same rules where references to these roots are this server's own.
    #[must_use]
    pub const fn below(self, roots: ServiceRoots<'_>) -> BookingRules<'_> {
        let Self { slot, patient, identifiers, contacts, document, reason, created, require_verified_nhs_number, .. } = self;
        BookingRules { roots, slot, patient, identifiers, contacts, document, reason, created, require_verified_nhs_number }
    }

    /// The rules of the booking root where consumers built on older versions are served too
    /// (docs/specification/uec.md#g-versions).
    #[must_use]
    pub const fn forgiving(mut self, lenient: Leniencies) -> Self {
        if lenient.slot_by_reference {
            self.slot = SlotReference::ContainedOrNamed;
        }
        if lenient.patient_by_actor {
            self.patient = PatientReference::ContainedOrActor;
        }
        if lenient.contacts_unranked {
            self.contacts = ContactRanks::Forgiven;
        }
        if lenient.document_optional {
            self.document = SupportingDocument::ContainedOnly;
        }
        if lenient.created_by_consumer {
            self.created = CreatedBy::Consumer;
        }
        self
    }

    /// Whether a Patient must be contained and the patient be named by reference to it.
    pub(super) const fn patient_contained(self) -> bool {
        matches!(self.patient, PatientReference::Contained)
    }

    /// Whether a `DocumentReference` must be contained.
    pub(super) const fn document_contained(self) -> bool {
        matches!(self.document, SupportingDocument::Demanded)
    }

    /// Whether `supportingInformation`, where it is given, must point at a contained `DocumentReference`.
    pub(super) const fn document_only(self) -> bool {
        !matches!(self.document, SupportingDocument::Any)
    }

    /// Whether the slot may be named as `Slot/<id>`.
    pub(super) const fn slot_by_reference(self) -> bool {
        !matches!(self.slot, SlotReference::Contained)
    }

    /// Whether a slot that is neither contained nor named makes the body malformed.
    pub(super) const fn slot_demanded(self) -> bool {
        !matches!(self.slot, SlotReference::Any)
    }

    /// Whether every telecom must have a rank, one of them 1.
    pub(super) const fn contacts_ranked(self) -> bool {
        matches!(self.contacts, ContactRanks::Demanded)
    }

    /// Whether the reason for the call must be given.
    pub(super) const fn reason_demanded(self) -> bool {
        matches!(self.reason, BookingReason::Demanded)
    }

    /// Whether `created` is the consumer's to set.
    pub(super) const fn created_by_consumer(self) -> bool {
        matches!(self.created, CreatedBy::Consumer)
    }

    /// Whether a patient has no identifier but the official NHS number.
    pub(super) const fn nhs_number_only(self) -> bool {
        matches!(self.identifiers, PatientIdentifiers::NhsNumberOnly)
    }
}
