//! `GET /Appointment`: the table of its parameters (docs/specification/uec.md#a10-appointment-search).
//!
//! Pitfall: a fault about a patient's identifier never repeats the value, not even a malformed one; and a system
//! that is not the NHS number's is not malformed, it matches nothing.

use super::actor::actors;
use super::includes;
use crate::search::declaration::{Parameter, ParameterKind, Roots, Searchable, Sorts, Spelled};
use crate::search::parameters::{Common, read, reversed};
use crate::search::value::{ID_EXPECTED, Token, bare_or, both, items, list, narrowed, ruled_out, token};
use crate::search::{Query, SearchRules, value_fault};
use crate::stu3::{definitions, naming};
use domain::appointment::AppointmentStatus;
use domain::directory::DirectoryKind;
use domain::fault::{Fault, ParameterFault};
use domain::ids::{AppointmentId, SlotId};
use domain::nhs_number::NhsNumber;
use domain::search::{Actor, AppointmentSearch, Identified, Window};

/// The system of NHS numbers, and the one that versions before 1.0.6 of the standard used
/// (docs/specification/uec.md#a10-appointment-search).
const NHS_NUMBER_SYSTEMS: [&str; 2] = [naming::NHS_NUMBER, naming::NHS_NUMBER_BEFORE_1_0_6];

/// The code system of an appointment's status, for tokens that name it.
const STATUS_SYSTEM: &str = "http://hl7.org/fhir/appointmentstatus";

/// What a parameter of this search means.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    Patient,
    /// The actors that the value names; with a kind, only actors of that kind.
    Actor(Option<DirectoryKind>),
    Identifier,
    Version,
    Status,
    Date,
    Slot,
    Id,
}

/// What a search of appointments takes.
pub(super) static APPOINTMENT: Searchable<Key> = Searchable {
    kind: "Appointment",
    definitions,
    parameters: &PARAMETERS,
    includes: includes::OF_APPOINTMENTS,
    includes_on_booking_root: includes::OF_SLOTS,
    reverse_includes: &[],
    sorts: Sorts { by: Some("date"), about: "date or -date: the earliest or the latest first; date where it is not given" },
};

const fn of_participant(name: &'static str, aliases: &'static [&'static str], key: Key, about: &'static str) -> Parameter<Key> {
    Parameter { spelled: Spelled::WithType, aliases, ..Parameter::new(name, ParameterKind::Reference, key, about) }
}

const fn of_provider(name: &'static str, kind: DirectoryKind, about: &'static str) -> Parameter<Key> {
    Parameter { roots: Roots::Provider, ..Parameter::new(name, ParameterKind::Reference, Key::Actor(Some(kind)), about) }
}

const PATIENT_ABOUT: &str = "The patient's NHS number, as https://fhir.nhs.uk/Id/nhs-number|<number>";
const ACTOR_ABOUT: &str = "Who takes part: a service, or the clinician, role or place of the slot's schedule, or a patient's NHS number";

/// Every spelling of "the patient" in the versions of the standard and in STU3 itself
/// (docs/specification/uec.md#a10-appointment-search).
static PARAMETERS: [Parameter<Key>; 13] = [
    of_participant(
        "Appointment.participant.actor:Patient.identifier",
        &["participant.actor:Patient", "participant.actor.identifier", "actor:Patient", "actor:Patient.identifier", "actor.identifier"],
        Key::Patient,
        PATIENT_ABOUT,
    ),
    of_participant("Appointment.participant.actor", &[], Key::Actor(None), ACTOR_ABOUT),
    of_participant("patient", &["patient:Patient"], Key::Patient, PATIENT_ABOUT),
    of_participant("patient.identifier", &["patient:Patient.identifier"], Key::Patient, PATIENT_ABOUT),
    Parameter::new(
        "identifier",
        ParameterKind::Token,
        Key::Identifier,
        "The patient's NHS number, or the identifier of the clinical document that goes with the appointment (no system, or https://tools.ietf.org/html/rfc4122)",
    ),
    Parameter::new("version", ParameterKind::Token, Key::Version, "The current version of the appointment"),
    Parameter::new("status", ParameterKind::Token, Key::Status, "booked, cancelled, or both separated by a comma"),
    Parameter {
        aliases: &["start"],
        ..Parameter::new(
            "date",
            ParameterKind::Date,
            Key::Date,
            "When it begins: prefixes ge, gt, le, lt, eq; from now on where neither date nor _id is given",
        )
    },
    Parameter::new("slot", ParameterKind::Reference, Key::Slot, "The slot it has, or had"),
    of_participant("actor", &[], Key::Actor(None), ACTOR_ABOUT),
    of_provider("practitioner", DirectoryKind::Practitioner, "The clinician whose schedule the slot is in"),
    of_provider("location", DirectoryKind::Location, "The place of the schedule the slot is in"),
    Parameter::new("_id", ParameterKind::Token, Key::Id, "The appointment's id"),
];

const PATIENT_EXPECTED: &str = "https://fhir.nhs.uk/Id/nhs-number| and ten digits of which the last is the right check digit";
const ACTOR_EXPECTED: &str = "HealthcareService/<id>, Practitioner/<id>, PractitionerRole/<id>, Location/<id>, or an NHS number as a token";
const IDENTIFIER_EXPECTED: &str =
    "https://fhir.nhs.uk/Id/nhs-number| and an NHS number, or the identifier of a clinical document, or several separated by commas";
const VERSION_EXPECTED: &str = "one version number, 1 or more";
const SLOT_EXPECTED: &str = "the id of a slot, or Slot/ and its id";
const STATUS_EXPECTED: &str =
    "any of proposed, pending, booked, arrived, fulfilled, cancelled, noshow, entered-in-error, separated by commas";

#[derive(Debug, Default)]
struct AppointmentConditions {
    nhs_numbers: Option<Vec<NhsNumber>>,
    ids: Option<Vec<AppointmentId>>,
    versions: Option<Vec<i64>>,
    statuses: Option<Vec<AppointmentStatus>>,
    slots: Option<Vec<SlotId>>,
    identified: Vec<Identified>,
    actors: Vec<Vec<Actor>>,
    date: Window,
    nothing: bool,
}

/// The appointment search in `pairs`. It does not depend on the current time: a window may begin, and end, in the past.
///
/// Fails with a [`Fault::Parameter`] that names the parameter and what would be right.
pub fn appointments(pairs: &[(String, String)], rules: &SearchRules) -> Result<Query<AppointmentSearch>, Fault> {
    let mut asked = AppointmentConditions::default();
    let mut common = read(pairs, rules, &APPOINTMENT, |key, name, value| asked.take(key, name, value, rules))?;
    if rules.demands_subject() && asked.nhs_numbers.is_none() && asked.ids.is_none() {
        let expected = "a patient, as patient.identifier=https://fhir.nhs.uk/Id/nhs-number|<number> or identifier=<the same>, or _id=<id>";
        return Err(Fault::Parameter(ParameterFault::Missing { expected }));
    }
    if reversed(&asked.date) {
        return Err(Fault::Parameter(ParameterFault::WindowReversed { name: "date" }));
    }
    if asked.nhs_numbers.is_some() {
        // A patient's appointments are never paged (docs/specification/uec.md#a10-appointment-search).
        common.unpaged();
    }
    Ok(asked.query(common))
}

impl AppointmentConditions {
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
            identified: self.identified,
            includes: common.includes,
            sort: common.sort.unwrap_or_default(),
            date: self.date,
            updated: common.updated,
            nothing,
            paging: common.paging.clone(),
        };
        common.query(search)
    }

    fn take(&mut self, key: Key, name: &str, value: &str, rules: &SearchRules) -> Result<(), Fault> {
        match key {
            Key::Id => both(&mut self.ids, list(name, value, ID_EXPECTED, |item| AppointmentId::parse(item).ok())?),
            Key::Identifier if rules.names_of_booking() => both(&mut self.nhs_numbers, patients(name, value)?),
            Key::Identifier => self.identify(name, value)?,
            Key::Version => {
                let version = value.parse().ok().filter(|version| *version >= 1);
                both(&mut self.versions, vec![version.ok_or_else(|| value_fault(name, value, VERSION_EXPECTED))?]);
            }
            Key::Status => {
                let codes = list(name, value, STATUS_EXPECTED, status)?;
                both(&mut self.statuses, codes.into_iter().flatten().collect());
            }
            Key::Date => self.date = narrowed(self.date, name, value)?,
            Key::Slot => both(&mut self.slots, list(name, value, SLOT_EXPECTED, |item| SlotId::parse(bare_or(item, "Slot")?).ok())?),
            Key::Patient => both(&mut self.nhs_numbers, patients(name, value)?),
            Key::Actor(None) if names_patients(value) => both(&mut self.nhs_numbers, patients(name, value)?),
            // The value may be a patient's number after all, so it is not repeated.
            Key::Actor(kind) => match actors(name, value, kind).map_err(|_| value_fault(name, "…", ACTOR_EXPECTED))? {
                // Kinds of actor that no appointment here has.
                group if group.is_empty() => self.nothing = true,
                group => self.actors.push(group),
            },
        }
        Ok(())
    }

    /// `identifier` on the provider root: of the patient or of the clinical document (docs/contract.md#the-provider-root).
    fn identify(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let mut wanted = Identified::default();
        for token in list(name, value, IDENTIFIER_EXPECTED, token).map_err(|_| value_fault(name, "…", IDENTIFIER_EXPECTED))? {
            sorted(&mut wanted, token).ok_or_else(|| value_fault(name, "…", IDENTIFIER_EXPECTED))?;
        }
        if wanted.documents.is_empty() {
            // A question about patients alone, so that their appointments are not paged
            // (docs/specification/uec.md#a10-appointment-search).
            both(&mut self.nhs_numbers, wanted.nhs_numbers);
        } else {
            self.identified.push(wanted);
        }
        Ok(())
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

/// Puts an identifier where it belongs; those of other systems match nothing. `None` for what calls itself an NHS
/// number and is none.
fn sorted(into: &mut Identified, token: Token) -> Option<()> {
    match token.system.as_deref() {
        Some(system) if NHS_NUMBER_SYSTEMS.contains(&system) => into.nhs_numbers.push(NhsNumber::parse(&token.code).ok()?),
        Some(naming::UUID) => into.documents.push(token.code),
        None => match NhsNumber::parse(&token.code) {
            Ok(number) => into.nhs_numbers.push(number),
            Err(_) => into.documents.push(token.code),
        },
        Some(_) => {}
    }
    Some(())
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
