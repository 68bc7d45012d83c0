//! One booking as the server keeps it: what the references write, so that they write the same rows.
//!
//! It is booked over HTTP on a database of its own, and read back.
//! Pitfall: the document is the stored one, with what the server added, not the body that was sent.

use crate::error::BenchError;
use crate::requests::BookingTemplates;
use crate::server::Server;
use domain::appointment::{Appointment, AppointmentStatus, Origin, Patient};
use domain::document::{Document, Release};
use domain::ids::{AppointmentId, OdsCode};
use domain::nhs_number::NhsNumber;
use domain::synthetic::{Named, SyntheticDiary, SyntheticSlot, service_id};
use domain::time::{Clock, Timestamp};
use load::headers::{ASID_FROM, ASID_TO, INTERACTION_PREFIX};
use load::token::ORGANIZATION_DEFAULT;
use slotkeeper::store::NewAppointment;

/// Invented, of the widths that real ones have.
const NHS_NUMBER: &str = "9990482136";
const NAME: &str = "Imogen Ingleborrow";
const BORN: &str = "1987-04-21";
const CONTACT: &str = "07700 900461";
const REASON: &str = "Persistent ear pain, face to face assessment within 24 hours";
const DOCUMENT_ID: &str = "01883190-10fd-4c0a-87eb-eec757dd1c62";
const ISSUER: &str = "https://consumer.example-iuc.thirdparty.nhs.uk/";
const USER: &str = "u-3381";
const ROLE: &str = "UNK";
const DEVICE: &str = "https://consumer.example-iuc.thirdparty.nhs.uk/Id/device|IUC-7";
const TRACE: &str = "3f1c5a52-7a0c-4a55-9d35-5a2f3d0c9d11";

/// The texts of a booking.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    document: String,
    now: Timestamp,
}

impl Sample {
    /// Books the first slot of `diary` on a server and reads back what it keeps.
    pub(crate) fn take(server: &Server, diary: &SyntheticDiary, clock: &dyn Clock, run_seed: u64) -> Result<Self, BenchError> {
        let caller = server.caller(clock);
        let slot = diary.slot_at(0).ok_or_else(|| BenchError::failed("the diary is empty"))?;
        let mut request = Vec::new();
        BookingTemplates::new(&caller, run_seed, clock.now()).write(&slot, 0, &mut request);
        let booked = server.ask(&request)?;
        let location = booked.header("location").unwrap_or_default();
        let id = location.split("/Appointment/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        if booked.status != 201 || id.is_empty() {
            let said: String = String::from_utf8_lossy(&booked.body).chars().take(300).collect();
            return Err(BenchError::failed(format!("a booking was answered {}: {said}", booked.status)));
        }
        let read = server.ask(&caller.read(id))?;
        if read.status != 200 {
            return Err(BenchError::failed(format!("reading back a booking was answered {}", read.status)));
        }
        Ok(Self { document: String::from_utf8_lossy(&read.body).into_owned(), now: clock.now() })
    }

    /// What the scripts write, by the names of their variables.
    pub(crate) fn columns(&self) -> Vec<(&'static str, String)> {
        let now_ms = self.now.ms().to_string();
        let service = service_id(0).to_string();
        let interaction = format!("{INTERACTION_PREFIX}create:appointment");
        [
            ("now_ms", now_ms.as_str()),
            ("service", &service),
            ("consumer", ORGANIZATION_DEFAULT),
            ("nhs_number", NHS_NUMBER),
            ("patient_name", NAME),
            ("birth_date", BORN),
            ("contact", CONTACT),
            ("reason", REASON),
            ("clinical_document", DOCUMENT_ID),
            ("document", &self.document),
            ("issuer", ISSUER),
            ("user_id", USER),
            ("user_role", ROLE),
            ("device", DEVICE),
            ("trace_id", TRACE),
            ("from_asid", ASID_FROM),
            ("to_asid", ASID_TO),
            ("interaction_id", &interaction),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec()
    }

    /// The claim on a slot, with everything decided, as the allocator's writer gets it.
    pub(crate) fn claim(&self, slot: &SyntheticSlot, request_id: String) -> NewAppointment {
        let text = |text: &str| Some(text.to_owned());
        let consumer = OdsCode::parse(ORGANIZATION_DEFAULT);
        let appointment = Appointment {
            id: AppointmentId::stored(Named::Appointment.id(slot.number)),
            slot: slot.id.clone(),
            status: AppointmentStatus::Booked,
            version: 1,
            start: slot.start,
            end: slot.end,
            booked_by: consumer.clone(),
            service: service_id(slot.number / 100_000_000),
            patient: Patient {
                nhs_number: NhsNumber::parse(NHS_NUMBER).ok(),
                verified: true,
                name: text(NAME),
                birth_date: text(BORN),
                contact: text(CONTACT),
            },
            reason: REASON.to_owned(),
            clinical_document: text(DOCUMENT_ID),
            updated: self.now,
        };
        let origin = Origin {
            consumer,
            issuer: text(ISSUER),
            user: text(USER),
            role: text(ROLE),
            device: text(DEVICE),
            answer_id: Some(request_id.clone()),
            request_id: Some(request_id),
            trace_id: text(TRACE),
            from_asid: text(ASID_FROM),
            to_asid: text(ASID_TO),
            interaction_id: Some(format!("{INTERACTION_PREFIX}create:appointment")),
        };
        NewAppointment {
            appointment,
            document: Document { release: Release::Stu3, text: self.document.clone() },
            origin,
            quotas: Vec::new(),
        }
    }
}
