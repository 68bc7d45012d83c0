//! Appointments: what a booking requests, what is stored, and who may do what with it.
//!
//! Deciding whether a booking or a cancel goes ahead is pure and lives in [`decide`].

pub mod decide;

use super::document::Document;
use super::element::Element;
use super::ids::{AppointmentId, OdsCode, ResourceId, ScheduleId, ServiceId, SlotId};
use super::nhs_number::NhsNumber;
use super::time::Timestamp;

/// What a consumer requests when it books, read from a body that passed every check of shape.
#[derive(Debug, Clone, PartialEq)]
pub struct BookRequest {
    /// The slot, as the body names it.
    pub slot: SlotClaim,
    /// `Appointment.start`.
    pub start: Timestamp,
    /// `Appointment.end`.
    pub end: Timestamp,
    /// Who is coming.
    pub patient: Patient,
    /// `Appointment.description`: why.
    pub reason: String,
    /// The identifier of the clinical document (CDA) that goes with it.
    pub clinical_document: Option<String>,
    /// True when `Appointment.created` is the consumer's and stays as sent (before 2.0.2 of the standard:
    /// docs/specification/uec.md#g-versions).
    pub keeps_created: bool,
    /// The body as sent. What the server adds (id, meta, created) is not in it yet.
    pub resource: Element,
}

/// The slot a body names, and what it states about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotClaim {
    /// Ids the slot may have, best first: identifier value, then id (docs/specification/uec.md#b8-contained-slot). Never empty.
    pub ids: Vec<SlotId>,
    /// The schedule the contained slot names.
    pub schedule: Option<ScheduleId>,
    /// `start` of the contained slot.
    pub start: Option<Timestamp>,
    /// `end` of the contained slot.
    pub end: Option<Timestamp>,
    /// The service the appointment names as a participant, if it does.
    pub service: Option<ServiceId>,
    /// Path of the reference, for messages: `Appointment.slot[0]` or `Appointment.contained[2]`.
    pub expression: String,
}

/// What the provider's diary needs to know of a patient. Never logged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patient {
    /// The NHS number, where there is one.
    pub nhs_number: Option<NhsNumber>,
    /// True when its verification status is `01`, "Number present and verified".
    pub verified: bool,
    /// The name as people read it: `Imogen Whitlock`.
    pub name: Option<String>,
    /// `birthDate`, as sent.
    pub birth_date: Option<String>,
    /// The contact of rank 1, with whose it is when it is not the patient's: `07700 900461 (Rosalind Whitlock)`.
    pub contact: Option<String>,
}

/// Where an appointment stands. There is no way back from cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppointmentStatus {
    /// Somebody is coming.
    Booked,
    /// Nobody is coming, and its slot was given back.
    Cancelled,
}

impl AppointmentStatus {
    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Cancelled => "cancelled",
        }
    }
    /// The status of a code.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Booked, Self::Cancelled].into_iter().find(|s| s.code() == code)
    }
}

/// The facts of a stored appointment.
#[derive(Debug, Clone, PartialEq)]
pub struct Appointment {
    /// Its id.
    pub id: AppointmentId,
    /// The slot it has, or had.
    pub slot: SlotId,
    /// Where it stands.
    pub status: AppointmentStatus,
    /// The current version, from 1.
    pub version: i64,
    /// `Appointment.start`.
    pub start: Timestamp,
    /// `Appointment.end`.
    pub end: Timestamp,
    /// The organisation that booked it; `None` when authentication was off.
    pub booked_by: Option<OdsCode>,
    /// The service it was booked for.
    pub service: ServiceId,
    /// Who is coming.
    pub patient: Patient,
    /// Why.
    pub reason: String,
    /// The identifier of the clinical document.
    pub clinical_document: Option<String>,
    /// When the current version was made.
    pub updated: Timestamp,
}

/// One version of an appointment, as it is handed out.
#[derive(Debug, Clone, PartialEq)]
pub struct AppointmentVersion {
    /// The appointment.
    pub id: AppointmentId,
    /// Which version, from 1.
    pub version: i64,
    /// Its status in that version.
    pub status: AppointmentStatus,
    /// When the version was made.
    pub recorded: Timestamp,
    /// The resource, as the codec wrote it.
    pub document: Document,
}

/// For whom a request acts, and what is known of it; recorded with every write (docs/specification/uec.md#d-security, F15).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The consumer organisation of the token; `None` when authentication is off or the provider itself acts.
    pub consumer: Option<OdsCode>,
    /// `iss` of the token.
    pub issuer: Option<String>,
    /// `sub` of the token.
    pub user: Option<String>,
    /// The role profile id of the practitioner in the token.
    pub role: Option<String>,
    /// The device in the token.
    pub device: Option<String>,
    /// `X-Request-ID` as sent: with the consumer, the key that settles a resent request.
    pub request_id: Option<String>,
    /// `X-Request-ID` of the answer.
    pub answer_id: Option<String>,
    /// `Ssp-TraceID`.
    pub trace_id: Option<String>,
    /// `Ssp-From`.
    pub from_asid: Option<String>,
    /// `Ssp-To`.
    pub to_asid: Option<String>,
    /// `Ssp-InteractionID`.
    pub interaction_id: Option<String>,
}

/// The key under which a request is recognised when it is sent again (docs/contract.md#resent-requests).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey {
    /// The consumer's ODS code; empty when authentication is off.
    pub consumer: String,
    /// `X-Request-ID`.
    pub request_id: String,
}

impl Origin {
    /// The key of this request, when it carries an `X-Request-ID`.
    pub fn key(&self) -> Option<RequestKey> {
        let request_id = self.request_id.clone()?;
        let consumer = self.consumer.as_ref().map_or_else(String::new, |ods| ods.as_str().to_owned());
        Some(RequestKey { consumer, request_id })
    }
}

/// An appointment as the diary shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct DiaryAppointment {
    /// The appointment's facts.
    pub appointment: Appointment,
    /// The schedule it is in.
    pub schedule: ScheduleId,
    /// The place, where the schedule has one.
    pub location: Option<ResourceId>,
}
