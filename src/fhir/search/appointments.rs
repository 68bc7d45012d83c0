//! `GET /Appointment`: the table of its parameters (digest A.10).
//!
//! What a reader would get wrong: a fault about a patient's identifier never repeats the value, not even a
//! malformed one; and a system that is not the NHS number's is not malformed, it matches nothing.

use super::actor::actors;
use super::parameters::{Common, Taken, read, reversed};
use super::value::{ID_EXPECTED, bare_or, both, items, list, narrowed, ruled_out, token};
use super::{Query, SearchRules, value_fault};
use crate::domain::appointment::AppointmentStatus;
use crate::domain::fault::{Fault, ParameterFault};
use crate::domain::ids::{AppointmentId, SlotId};
use crate::domain::nhs_number::NhsNumber;
use crate::domain::search::{Actor, AppointmentSearch, Window};

/// The system of NHS numbers, and the one that versions before 1.0.6 of the standard used (digest A.10).
const NHS_NUMBER_SYSTEMS: [&str; 2] = ["https://fhir.nhs.uk/Id/nhs-number", "https://demographics.spineservices.nhs.uk"];

/// The code system of an appointment's status, for tokens that name it.
const STATUS_SYSTEM: &str = "http://hl7.org/fhir/appointmentstatus";

const NAMES: [&str; 10] = [
    "Appointment.participant.actor:Patient.identifier",
    "Appointment.participant.actor",
    "patient",
    "patient.identifier",
    "identifier",
    "version",
    "status",
    "date",
    "slot",
    "actor",
];

const PATIENT_EXPECTED: &str = "https://fhir.nhs.uk/Id/nhs-number| and ten digits of which the last is the right check digit";
const ACTOR_EXPECTED: &str = "HealthcareService/<id>, Practitioner/<id>, PractitionerRole/<id>, Location/<id>, or an NHS number as a token";
const VERSION_EXPECTED: &str = "one version number, 1 or more";
const SLOT_EXPECTED: &str = "the id of a slot, or Slot/ and its id";
const STATUS_EXPECTED: &str =
    "any of proposed, pending, booked, arrived, fulfilled, cancelled, noshow, entered-in-error, separated by commas";

#[derive(Debug, Default)]
struct Asked {
    nhs_numbers: Option<Vec<NhsNumber>>,
    ids: Option<Vec<AppointmentId>>,
    versions: Option<Vec<i64>>,
    statuses: Option<Vec<AppointmentStatus>>,
    slots: Option<Vec<SlotId>>,
    actors: Vec<Vec<Actor>>,
    date: Window,
    nothing: bool,
}

/// The appointment search in `pairs`. It needs no present: a window may begin, and end, in the past.
///
/// Fails with a [`Fault::Parameter`] that names the parameter and what would be right.
pub fn appointments(pairs: &[(String, String)], rules: &SearchRules) -> Result<Query<AppointmentSearch>, Fault> {
    let mut asked = Asked::default();
    let mut common = read(pairs, rules, &NAMES, false, |name, value| asked.take(name, value))?;
    if rules.must_name && asked.nhs_numbers.is_none() && asked.ids.is_none() {
        let expected = "a patient, as patient.identifier=https://fhir.nhs.uk/Id/nhs-number|<number> or identifier=<the same>, or _id=<id>";
        return Err(Fault::Parameter(ParameterFault::Missing { expected }));
    }
    if reversed(&asked.date) {
        return Err(Fault::Parameter(ParameterFault::WindowReversed { name: "date" }));
    }
    if asked.nhs_numbers.is_some() {
        // A patient's appointments are never paged (digest A.10).
        common.unpaged();
    }
    Ok(asked.query(common))
}

impl Asked {
    fn query(self, common: Common) -> Query<AppointmentSearch> {
        let nothing = self.nothing
            || ruled_out(self.nhs_numbers.as_ref())
            || ruled_out(self.ids.as_ref())
            || ruled_out(self.versions.as_ref())
            || ruled_out(self.statuses.as_ref())
            || ruled_out(self.slots.as_ref());
        let search = AppointmentSearch {
            nhs_numbers: self.nhs_numbers.unwrap_or_default(),
            ids: self.ids.unwrap_or_default(),
            version: self.versions.and_then(|versions| versions.first().copied()),
            statuses: self.statuses.unwrap_or_default(),
            slots: self.slots.unwrap_or_default(),
            actors: self.actors,
            date: self.date,
            updated: common.updated,
            nothing,
            paging: common.paging.clone(),
        };
        common.query(search)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<Taken, Fault> {
        match name {
            "_id" => both(&mut self.ids, list(name, value, ID_EXPECTED, |item| AppointmentId::parse(item).ok())?),
            "identifier" => both(&mut self.nhs_numbers, patients(name, value)?),
            "version" => {
                let version = value.parse().ok().filter(|version| *version >= 1);
                both(&mut self.versions, vec![version.ok_or_else(|| value_fault(name, value, VERSION_EXPECTED))?]);
            }
            "status" => {
                let codes = list(name, value, STATUS_EXPECTED, status)?;
                both(&mut self.statuses, codes.into_iter().flatten().collect());
            }
            "date" | "start" => self.date = narrowed(self.date, name, value)?,
            "slot" => both(&mut self.slots, list(name, value, SLOT_EXPECTED, |item| SlotId::parse(bare_or(item, "Slot")?).ok())?),
            _ => match spelling(name) {
                Some(Spelling::Patient) => both(&mut self.nhs_numbers, patients(name, value)?),
                Some(Spelling::Actor) if names_patients(value) => both(&mut self.nhs_numbers, patients(name, value)?),
                // The value may be a patient's number after all, so it is not repeated.
                Some(Spelling::Actor) => match actors(name, value, None).map_err(|_| value_fault(name, "…", ACTOR_EXPECTED))? {
                    // Kinds of actor that no appointment here has.
                    group if group.is_empty() => self.nothing = true,
                    group => self.actors.push(group),
                },
                None => return Ok(Taken::Unknown),
            },
        }
        Ok(Taken::Honoured)
    }
}

/// What a parameter about participants asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// A patient.
    Patient,
    /// Whoever the value names.
    Actor,
}

/// Every spelling of "the patient" in the versions of the standard and in STU3 itself, in whatever capitals (digest A.10).
fn spelling(name: &str) -> Option<Spelling> {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix("appointment.").unwrap_or(&name) {
        "patient"
        | "patient.identifier"
        | "patient:patient"
        | "patient:patient.identifier"
        | "participant.actor:patient"
        | "participant.actor:patient.identifier"
        | "participant.actor.identifier"
        | "actor:patient"
        | "actor:patient.identifier"
        | "actor.identifier" => Some(Spelling::Patient),
        "participant.actor" | "actor" => Some(Spelling::Actor),
        _ => None,
    }
}

/// True when the value of an actor is a token, which only a patient is named by.
fn names_patients(value: &str) -> bool {
    value.contains('|') || value.starts_with("Patient/") || NhsNumber::parse(value.trim()).is_ok()
}

/// The NHS numbers of a list of tokens; those of other systems, and references to Patient resources, of which
/// there are none, are left out.
fn patients(name: &str, value: &str) -> Result<Vec<NhsNumber>, Fault> {
    let fault = || value_fault(name, "…", PATIENT_EXPECTED);
    let mut numbers = Vec::new();
    for item in items(name, value, PATIENT_EXPECTED).map_err(|_| fault())? {
        let token = token(item).ok_or_else(fault)?;
        let matchable = match &token.system {
            Some(system) => NHS_NUMBER_SYSTEMS.contains(&system.as_str()),
            None => !token.code.starts_with("Patient/"),
        };
        if matchable {
            numbers.push(NhsNumber::parse(&token.code).map_err(|_| fault())?);
        }
    }
    Ok(numbers)
}

/// The status of a code, `Some(None)` for a code of the value set that no appointment here ever has.
#[expect(clippy::option_option, reason = "outside: is it a code at all; inside: is it one in use")]
fn status(item: &str) -> Option<Option<AppointmentStatus>> {
    let token = token(item)?;
    let status = AppointmentStatus::parse(&token.code);
    let known =
        status.is_some() || matches!(token.code.as_str(), "proposed" | "pending" | "arrived" | "fulfilled" | "noshow" | "entered-in-error");
    known.then(|| status.filter(|_| token.system.is_none_or(|system| system == STATUS_SYSTEM)))
}
