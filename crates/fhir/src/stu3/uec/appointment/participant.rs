//! Who takes part: the patient, exactly one, and beside the patient a service, clinicians, places.
//!
//! Does not read the Patient.
//!
//! Pitfall: the published example names the patient by reference alone, the harness by reference, identifier and
//! display, and an ordinary FHIR client by identifier and display alone. The first two are right everywhere, the
//! last on the provider root (docs/specification/uec.md#i-disagreements, row 13; docs/contract.md#the-provider-root).

use super::BookingRules;
use super::findings::{Findings, Place};
use super::nhs_number::number_of;
use super::reference::{Contained, Target};
use crate::service_roots::ServiceRoots;
use crate::stu3::naming;
use domain::directory::DirectoryKind;
use domain::element::Element;
use domain::fault::ProblemKind;
use domain::ids::{ResourceId, ServiceId};
use domain::nhs_number::NhsNumber;

/// The actor of a participant.
pub(super) struct ParticipantActor<'e> {
    /// Where it stands.
    pub place: Place<'e>,
    /// The NHS number its identifier carries, when it is one.
    pub nhs_number: Option<NhsNumber>,
}

impl ParticipantActor<'_> {
    /// The path of the NHS number.
    pub fn number_path(&self) -> String {
        format!("{}.identifier.value", self.place.path)
    }
}

/// What the participants name.
#[derive(Default)]
pub(super) struct Participants<'e> {
    /// The actor who is the patient.
    pub patient: Option<ParticipantActor<'e>>,
    /// The service, when it takes part.
    pub service: Option<ServiceId>,
}

/// What an actor is, as far as a booking cares.
enum Role {
    Patient,
    Service,
    Other,
    /// A finding has been added for it already.
    Faulty,
}

/// Gives every participant without `status` the status `accepted` (docs/specification/uec.md#i-disagreements, row 13).
pub(super) fn accept_by_default(appointment: &mut Element) {
    for participant in appointment.children.iter_mut().filter(|c| c.name == "participant") {
        if participant.value.is_none() && participant.child("status").is_none() {
            participant.children.push(Element::text("status", "accepted"));
        }
    }
}

/// Who else takes part, by a reference to something here: staff and places that this server must know
/// (docs/specification/uec.md#c11-references). Services are compared with the slot's. Kind, id, and the path of the
/// reference.
pub fn of_the_directory(appointment: &Element, roots: ServiceRoots<'_>) -> Vec<(DirectoryKind, ResourceId, String)> {
    let known = [DirectoryKind::Practitioner, DirectoryKind::Location];
    let named = |(path, text): (String, &str)| {
        let Target::Resource { kind, id } = Target::parse(text, roots) else { return None };
        let kind = known.into_iter().find(|known| known.name() == kind)?;
        Some((kind, ResourceId::parse(id).ok()?, format!("{path}.actor.reference")))
    };
    let participants = Place::root(appointment).many("participant").into_iter();
    participants.filter_map(|one| Some((one.path, one.element.text_at("actor.reference")?))).filter_map(named).collect()
}

/// Reads all participants.
pub(super) fn read<'e>(
    appointment: &Place<'e>,
    contained: &Contained<'_>,
    rules: BookingRules<'_>,
    findings: &mut Findings,
) -> Participants<'e> {
    let mut found = Participants::default();
    let mut said = false;
    let mut others = Vec::new();
    for participant in appointment.many("participant") {
        let Some(place) = participant.one("actor") else { continue };
        let identifier = place.one("identifier").filter(|i| i.text("system") == Some(naming::NHS_NUMBER));
        let nhs_number = identifier.as_ref().and_then(|identifier| number_of(identifier, findings));
        let actor = ParticipantActor { place, nhs_number };
        match role(&actor.place, identifier.is_some(), contained, rules, findings) {
            Role::Patient if found.patient.is_none() => found.patient = Some(actor),
            Role::Patient => findings.invariant(participant.path.clone(), "another participant is the patient already: only one may be"),
            Role::Service => add_service(&actor.place, rules, &mut found, findings),
            Role::Other => others.push(actor),
            Role::Faulty => said = true,
        }
    }
    if found.patient.is_none() && !rules.patient_contained() {
        found.patient = others.into_iter().find(|actor| named_only(&actor.place));
    }
    if found.patient.is_none() && !said {
        let wanted =
            if rules.patient_contained() { "`#<id of the contained Patient>`" } else { "a contained Patient, or identifier and display" };
        findings.missing(appointment.path_of("participant"), format!("no participant is the patient: one actor must be {wanted}"));
    }
    found
}

fn role(actor: &Place<'_>, has_nhs_number: bool, contained: &Contained<'_>, rules: BookingRules<'_>, findings: &mut Findings) -> Role {
    let by_reference = "on this root the patient is named by reference: `#<id of the contained Patient>`";
    match actor.text("reference").map(|text| Target::parse(text, rules.roots)) {
        Some(Target::Contained(id)) if contained.has("Patient", id) => Role::Patient,
        Some(Target::Contained(id)) if contained.has_id(id) => Role::Other,
        Some(Target::Contained(_)) => {
            findings.add(ProblemKind::Reference, actor.path_of("reference"), "no contained resource has this id");
            Role::Faulty
        }
        Some(Target::Resource { kind: "HealthcareService", .. }) => Role::Service,
        Some(target) if has_nhs_number || target.id_anywhere("Patient").is_some() => {
            if rules.patient_contained() {
                findings.value(actor.path_of("reference"), by_reference);
                return Role::Faulty;
            }
            Role::Patient
        }
        None if has_nhs_number && rules.patient_contained() => {
            findings.missing(actor.path_of("reference"), by_reference);
            Role::Faulty
        }
        None if has_nhs_number => Role::Patient,
        _ => Role::Other,
    }
}

/// True for an actor that is only named, by identifier and display, and not as staff or organisation: a
/// patient without NHS number, say a visitor (provider root).
fn named_only(actor: &Place<'_>) -> bool {
    let known = [naming::SDS_USER, naming::SDS_ROLE, naming::ODS_ORGANISATION, naming::ODS_SITE];
    let system = actor.element.text_at("identifier.system");
    let named = actor.element.text_at("identifier.value").is_some() && actor.text("display").is_some();
    named && actor.text("reference").is_none() && system.is_none_or(|system| !known.contains(&system))
}

fn add_service(actor: &Place<'_>, rules: BookingRules<'_>, found: &mut Participants<'_>, findings: &mut Findings) {
    let id = actor.text("reference").and_then(|text| Target::parse(text, rules.roots).id_of("HealthcareService"));
    let Some(service) = id.and_then(|id| ServiceId::parse(id).ok()) else { return };
    if found.service.as_ref().is_some_and(|other| *other != service) {
        findings.invariant(actor.path_of("reference"), "another participant is a HealthcareService already: a slot belongs to one");
    }
    found.service.get_or_insert(service);
}
