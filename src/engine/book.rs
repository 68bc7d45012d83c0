//! Booking: a checked request becomes a claim of the allocator.

use super::Engine;
use super::allocator::{Answer, BookClaim, KeyAnswer, Work};

use domain::appointment::{BookRequest, Origin, RequestKey};
use domain::ids::AppointmentId;
use domain::policy::Access;

impl Engine {
    /// Books, or says why not, through `answer`: after the commit, or as soon as the claim has lost.
    ///
    /// The appointment has its id from the start, so that a commit whose answer is lost can be looked up. A slot that
    /// `access` does not show is unknown.
    pub fn book(&self, request: BookRequest, access: Access, origin: Origin, answer: Answer) {
        let claim = self.claim(request, access, origin);
        self.allocator.submit(Work::Book(Box::new(claim), answer));
    }

    /// What a booking claims, with everything but its slot's consent.
    pub(super) fn claim(&self, request: BookRequest, access: Access, origin: Origin) -> BookClaim {
        let created = self.now();
        let id = AppointmentId::stored(self.new_id());
        let document = self.ports.documents.write(&self.ports.documents.booked(request.resource, &id, created, request.keeps_created));
        BookClaim {
            id,
            slot: request.slot,
            start: request.start,
            end: request.end,
            patient: request.patient,
            reason: request.reason,
            clinical_document: request.clinical_document,
            booked_by: origin.consumer.clone(),
            access,
            created,
            document,
            origin,
        }
    }

    /// Which appointment a request under `key` has made or changed, if any; waits for one that is being
    /// decided. For requests that will be refused for another reason: a resent key wins over those.
    pub fn key_of_earlier(&self, key: RequestKey, answer: KeyAnswer) {
        self.allocator.look_up(key, answer);
    }
}
