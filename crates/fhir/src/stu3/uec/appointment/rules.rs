//! Which rules a booking body must keep: those of its service root, less what older versions of the standard
//! allowed.

use super::super::compat::Leniencies;

/// The rules that a body must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookingRules {
    /// True on the booking root (the API as assured), false on the provider root (decisions 3).
    pub strict: bool,
    /// True when a patient without a verified NHS number is refused (`--require-verified-nhs-number`).
    pub require_verified_nhs_number: bool,
    /// What of older versions is forgiven on the booking root (digest G); the provider root does not use it.
    pub lenient: Leniencies,
}

impl BookingRules {
    /// Whether a Patient must be contained and the patient be named by reference to it.
    pub(super) const fn patient_contained(self) -> bool {
        self.strict && !self.lenient.patient_by_actor
    }

    /// Whether a `DocumentReference` must be contained.
    pub(super) const fn document_contained(self) -> bool {
        self.strict && !self.lenient.document_optional
    }

    /// Whether the slot may be named as `Slot/<id>`.
    pub(super) const fn slot_by_reference(self) -> bool {
        !self.strict || self.lenient.slot_by_reference
    }

    /// Whether every telecom must have a rank, one of them 1.
    pub(super) const fn contacts_ranked(self) -> bool {
        self.strict && !self.lenient.contacts_unranked
    }

    /// Whether `created` is the consumer's to set.
    pub(super) const fn created_by_consumer(self) -> bool {
        self.strict && self.lenient.created_by_consumer
    }
}
