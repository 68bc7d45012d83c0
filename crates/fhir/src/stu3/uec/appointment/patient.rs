//! Who is coming: the contained Patient, or the actor that names one (docs/specification/uec.md#b6-patient,
//! docs/contract.md#the-provider-root).
//!
//! Knows no register of patients: a number counts as verified because the consumer says so.
//!
//! Pitfall: the NHS number may stand in the participant alone, which is how the official harness books somebody
//! "without NHS number"; it is then the patient's number, but not a verified one.

use super::contacts;
use super::findings::{Findings, Place};
use super::human_name::name_text;
use super::nhs_number::number_of;
use super::participant::ParticipantActor;
use super::postcode::is_postcode;
use super::rules::BookingRules;
use crate::stu3::naming;
use domain::appointment::Patient;
use domain::fault::ProblemKind;
use domain::nhs_number::NhsNumber;
use domain::time::{LONDON, Span};

/// The patient of a contained resource, whose number `actor` may repeat.
pub(super) fn read(patient: &Place<'_>, actor: Option<&ParticipantActor<'_>>, rules: BookingRules<'_>, findings: &mut Findings) -> Patient {
    findings.demand_text(patient, "id", "a contained resource needs an id, or nothing can point at it");
    let own = own_number(patient, rules, findings);
    let named = actor.and_then(|actor| actor.nhs_number.as_ref());
    if let (Some(own), Some(named), Some(actor)) = (own.number.as_ref(), named, actor)
        && own != named
    {
        findings.invariant(actor.number_path(), "the participant carries another NHS number than the contained Patient");
    }
    let number = own.number.or_else(|| named.cloned());
    if rules.require_verified_nhs_number && !own.verified {
        findings.add(ProblemKind::NhsNumberRequired, own.path, "this server books only with a verified NHS number (status 01)");
    }
    let name = official_name(patient, findings);
    let contact = contacts::primary(patient, rules, findings);
    gender(patient, findings);
    let birth_date = birth_date(patient, findings);
    home_address(patient, findings);
    Patient { nhs_number: number, verified: own.verified, name, birth_date, contact }
}

/// The patient an actor names by identifier and display, where no Patient is contained (provider root).
pub(super) fn read_actor(actor: &ParticipantActor<'_>, rules: BookingRules<'_>, findings: &mut Findings) -> Patient {
    let place = &actor.place;
    match place.one("identifier") {
        None => findings.missing(place.path_of("identifier"), "without a contained Patient, the actor names the patient by identifier"),
        // A missing value of an NHS number has been found where participants were read.
        Some(identifier) if identifier.text("system") != Some(naming::NHS_NUMBER) => {
            findings.demand_text(&identifier, "value", "without a contained Patient, the actor names the patient by identifier");
        }
        Some(_) => {}
    }
    let name = findings.demand_text(place, "display", "without a contained Patient, the actor says the patient's name");
    if rules.require_verified_nhs_number {
        let message = "this server books only with a verified NHS number: contain a Patient with its verification status";
        findings.add(ProblemKind::NhsNumberRequired, place.path_of("identifier"), message);
    }
    Patient { nhs_number: actor.nhs_number.clone(), name: name.map(str::to_owned), ..Patient::default() }
}

/// The NHS number a contained Patient has.
struct OwnNumber {
    number: Option<NhsNumber>,
    verified: bool,
    /// Where a verified number would have to be.
    path: String,
}

fn own_number(patient: &Place<'_>, rules: BookingRules<'_>, findings: &mut Findings) -> OwnNumber {
    let all = patient.many("identifier");
    let mut numbers = all.iter().filter(|identifier| identifier.text("system") == Some(naming::NHS_NUMBER));
    let Some(first) = numbers.next() else {
        if rules.nhs_number_only() && !all.is_empty() {
            // See docs/specification/uec.md#b6-patient and #b10-prohibited.
            let message = "without an NHS number a patient has no identifier on this root: leave it out";
            findings.invariant(patient.path_of("identifier"), message);
        }
        return OwnNumber { number: None, verified: false, path: patient.path_of("identifier") };
    };
    for extra in numbers {
        findings.invariant(extra.path.clone(), "a patient has one NHS number: leave this one out");
    }
    if first.one("use").is_some_and(|of| rules.nhs_number_only() && of.element.as_text().is_some_and(|text| text != "official")) {
        findings.value(first.path_of("use"), "an NHS number is the `official` identifier; `use` may be left out");
    }
    let verified = verification(first, findings).is_some_and(|code| code == naming::VERIFIED);
    OwnNumber { number: number_of(first, findings), verified, path: first.path_of("extension") }
}

/// How far the number was verified: one extension, with a code `01` to `08` (docs/specification/uec.md#b6-patient).
fn verification<'e>(identifier: &Place<'e>, findings: &mut Findings) -> Option<&'e str> {
    let all = identifier.many("extension");
    let mut statuses = all.iter().filter(|extension| extension.text("url") == Some(naming::VERIFICATION_EXTENSION));
    let Some(status) = statuses.next() else {
        let message = format!("the verification status is missing: one extension `{}`", naming::VERIFICATION_EXTENSION);
        findings.missing(identifier.path_of("extension"), message);
        return None;
    };
    for extra in statuses {
        findings.invariant(extra.path.clone(), "an NHS number has one verification status: leave this one out");
    }
    let Some(concept) = status.one("valueCodeableConcept") else {
        findings.missing(status.path_of("valueCodeableConcept"), "the verification status has no value: a code 01 to 08");
        return None;
    };
    let codings = concept.many("coding");
    let ours = codings.iter().find(|coding| coding.text("system") == Some(naming::VERIFICATION_CODES));
    let Some(coding) = ours.or(codings.first()) else {
        findings.missing(concept.path_of("coding"), "the verification status has no code: 01 to 08");
        return None;
    };
    findings.demand_exactly(coding, "system", naming::VERIFICATION_CODES);
    let code = findings.demand_text(coding, "code", "01 to 08")?;
    if matches!(code, "01" | "02" | "03" | "04" | "05" | "06" | "07" | "08") {
        return ours.is_some().then_some(code);
    }
    findings.value(coding.path_of("code"), "a verification status is a code 01 to 08");
    None
}

/// The official name, exactly one, as people read it.
fn official_name(patient: &Place<'_>, findings: &mut Findings) -> Option<String> {
    let all = patient.many("name");
    let mut official = all.iter().filter(|name| name.text("use") == Some("official"));
    let Some(first) = official.next() else {
        findings.missing(patient.path_of("name"), "the name of use `official` is missing");
        return None;
    };
    for extra in official {
        findings.invariant(extra.path.clone(), "a patient has one name of use `official`: leave this one out");
    }
    findings.demand_text(first, "family", "the family name");
    let given = first.many("given");
    // One without a value, whose extension says why it is not known, may stand among others.
    if given.iter().all(|name| name.element.value.is_none()) {
        findings.missing(first.path_of("given"), "`given` is missing: at least one given name");
    }
    for name in given {
        if name.element.value.is_some() && name.element.as_text().is_none_or(|text| text.trim().is_empty()) {
            findings.value(name.path, "a given name must be a text that is not blank");
        }
    }
    name_text(first)
}

fn gender(patient: &Place<'_>, findings: &mut Findings) {
    let wanted = "male, female, other or unknown";
    let gender = findings.demand_text(patient, "gender", wanted);
    if gender.is_some_and(|code| !matches!(code, "male" | "female" | "other" | "unknown")) {
        findings.value(patient.path_of("gender"), format!("`gender` must be {wanted}"));
    }
}

fn birth_date(patient: &Place<'_>, findings: &mut Findings) -> Option<String> {
    let text = findings.demand_text(patient, "birthDate", "a date, such as 2019-08-03")?;
    // A date of FHIR may be a year or a month; one with a time is no date.
    let is_date = matches!(text.len(), 4 | 7 | 10) && text.trim_end() == text && Span::of_date(text, LONDON).is_some();
    if !is_date {
        findings.value(patient.path_of("birthDate"), "`birthDate` must be a date, such as 2019-08-03");
    }
    is_date.then(|| text.to_owned())
}

/// One address of use `home`, with a postcode (docs/specification/uec.md#b6-patient). Other addresses may stand beside it.
fn home_address(patient: &Place<'_>, findings: &mut Findings) {
    let all = patient.many("address");
    let mut homes = all.iter().filter(|address| address.text("use") == Some("home"));
    let Some(home) = homes.next() else {
        findings.missing(patient.path_of("address"), "the address of use `home` is missing");
        return;
    };
    for extra in homes {
        findings.invariant(extra.path.clone(), "a patient has one address of use `home`: leave this one out");
    }
    let postcode = findings.demand_text(home, "postalCode", "a UK postcode");
    if postcode.is_some_and(|text| !is_postcode(text)) {
        findings.value(home.path_of("postalCode"), "it has not the form of a UK postcode, such as DH7 9QQ");
    }
}
