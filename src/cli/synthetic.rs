//! `slotkeeper seed --synthetic`: an invented provider of any size, for measuring.
//!
//! It writes the directory as a seed file would have it and reads it through the same codec. Nothing is drawn by lot, so
//! seeding the same days again adds nothing, and a larger size adds what is missing.

use super::{Failure, maintenance};
use crate::engine::SeedContent;
use crate::store::Store;
use domain::directory::DirectoryRecord;
use domain::ids::ResourceId;
use domain::schedule::{Identifier, Schedule};
use domain::synthetic::{Named, ORGANIZATION, SyntheticDiary, schedule_id, schedule_number, service_id};
use domain::time::{LONDON, Timestamp};
use fhir::codec::json as fhir_json;
use fhir::stu3;
use fhir::stu3::{directory, naming};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const FAMILIES: [&str; 8] = ["Applegarth", "Brockbank", "Cleasby", "Dodgson", "Elterwater", "Fothergill", "Gilpin", "Hartsop"];
const GIVEN: [&str; 8] = ["Nadia", "Owen", "Grace", "Callum", "Sunita", "Hugh", "Mei", "Tomasz"];
const PROFILE: &str = "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-";
const SCHEDULE_SYSTEM: &str = "https://synthetic.example.nhs.uk/Id/schedule";

/// What was laid out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Laid {
    /// Slots that are new.
    pub slots_new: u64,
    /// How long it took.
    pub took: Duration,
}

/// Lays `diary` out with its directory, and tells `progress` of each so many slots that were looked at.
///
/// # Errors
/// [`Failure`], also when the database holds somebody else's diary, unless it may stand `among_others`.
pub fn seed(store: &Store, diary: &SyntheticDiary, among_others: bool, progress: &mut dyn FnMut(u64)) -> Result<Laid, Failure> {
    if !among_others && !maintenance(store).is_empty()? && !maintenance(store).is_synthetic()? {
        return Err(Failure::Failed(
            "the database holds a diary that is not synthetic: seed another database, or say --among-others".to_owned(),
        ));
    }
    let started = Instant::now();
    maintenance(store).seed(&content(diary)?, diary.first, 0)?;
    let slots_new = maintenance(store).lay_out_synthetic(diary, progress)?;
    Ok(Laid { slots_new, took: started.elapsed() })
}

/// The same with a bar on stderr.
///
/// # Errors
/// As [`seed`].
pub fn seed_with_bar(store: &Store, diary: &SyntheticDiary, among_others: bool) -> Result<Laid, Failure> {
    let bar = ProgressBar::new(diary.slot_count());
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} slots, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    let laid = seed(store, diary, among_others, &mut |more| bar.inc(more));
    bar.finish_and_clear();
    laid
}

/// The directory and the schedules; the slots come later, by number.
fn content(diary: &SyntheticDiary) -> Result<SeedContent, Failure> {
    let mut records = read(&[organization()])?;
    let mut schedules = Vec::new();
    for service in 0..u64::from(diary.services) {
        let mut resources = vec![location(service), healthcare_service(service)];
        for index in 0..u64::from(diary.schedules_of_service()) {
            let number = schedule_number(service, index);
            resources.extend([practitioner(number), role(number)]);
            schedules.push(schedule(service, index));
        }
        records.extend(read(&resources)?);
    }
    Ok(SeedContent { directory: records, schedules, working_times: Vec::new() })
}

fn read(resources: &[Value]) -> Result<Vec<DirectoryRecord>, Failure> {
    let entries: Vec<Value> = resources.iter().map(|resource| json!({"resource": resource})).collect();
    let text = json!({"resourceType": "Bundle", "type": "collection", "entry": entries}).to_string();
    let tree = fhir_json::read(text.as_bytes(), stu3::definitions()).map_err(|e| Failure::Failed(e.problem))?.tree;
    directory::read_bundle(&tree).map_err(|problems| {
        let first = problems.first().map(|problem| format!("{}: {}", problem.expression, problem.message));
        Failure::Failed(format!("the synthetic directory is wrong: {}", first.unwrap_or_default()))
    })
}

fn profile(kind: &str) -> Value {
    json!({"profile": [format!("{PROFILE}{kind}-1")]})
}

fn organization() -> Value {
    json!({
        "resourceType": "Organization",
        "id": ORGANIZATION,
        "meta": profile("Organization"),
        "identifier": [{"system": naming::ODS_ORGANISATION, "value": ORGANIZATION}],
        "active": true,
        "name": "Synthetic Urgent Care",
        "telecom": [{"system": "phone", "value": "0191 498 0200", "use": "work"}],
        "address": [{"use": "work", "line": ["1 Reckoner Row"], "city": "Durham", "postalCode": "DH1 3XX", "country": "GBR"}]
    })
}

fn location(service: u64) -> Value {
    json!({
        "resourceType": "Location",
        "id": Named::Location.id(service),
        "meta": profile("Location"),
        "identifier": [{"system": naming::ODS_SITE, "value": format!("Y9S{service:05}")}],
        "status": "active",
        "name": format!("Synthetic Site {}", service + 1),
        "mode": "instance",
        "telecom": [{"system": "phone", "value": "0191 498 0201", "use": "work"}],
        "address": {"use": "work", "line": [format!("{} Reckoner Row", service + 1)], "city": "Durham", "postalCode": "DH1 3XX", "country": "GBR"},
        "managingOrganization": {"reference": format!("Organization/{ORGANIZATION}")}
    })
}

fn healthcare_service(service: u64) -> Value {
    let id = service_id(service);
    json!({
        "resourceType": "HealthcareService",
        "id": id.as_str(),
        "meta": profile("HealthcareService"),
        "identifier": [{"system": "https://fhir.nhs.uk/Id/dos-service-id", "value": id.as_str()}],
        "active": true,
        "providedBy": {"reference": format!("Organization/{ORGANIZATION}")},
        "location": [{"reference": format!("Location/{}", Named::Location.id(service))}],
        "name": format!("Synthetic Treatment Centre {}", service + 1),
        "comment": "Invented, for measuring.",
        "telecom": [{"system": "phone", "value": "0191 498 0202", "use": "work"}]
    })
}

/// Twelve digits, as role profile ids have.
fn role_id(number: u64) -> String {
    format!("5551{number:08}")
}

fn name_of(number: u64) -> (&'static str, &'static str) {
    let pick = |names: [&'static str; 8], at: u64| usize::try_from(at % 8).ok().and_then(|at| names.get(at).copied()).unwrap_or_default();
    (pick(GIVEN, number), pick(FAMILIES, number / 8))
}

fn practitioner(number: u64) -> Value {
    let (given, family) = name_of(number);
    json!({
        "resourceType": "Practitioner",
        "id": Named::Practitioner.id(number),
        "meta": profile("Practitioner"),
        "identifier": [
            {"system": naming::SDS_USER, "value": format!("5550{number:08}")},
            {"system": naming::SDS_ROLE, "value": role_id(number)}
        ],
        "active": true,
        "name": [{"use": "official", "family": family, "given": [given], "prefix": ["Dr"]}],
        "gender": "unknown"
    })
}

fn role(number: u64) -> Value {
    json!({
        "resourceType": "PractitionerRole",
        "id": role_id(number),
        "meta": profile("PractitionerRole"),
        "identifier": [{"system": naming::SDS_ROLE, "value": role_id(number)}],
        "active": true,
        "practitioner": {"reference": format!("Practitioner/{}", Named::Practitioner.id(number))},
        "organization": {"reference": format!("Organization/{ORGANIZATION}")},
        "code": [{"coding": [{"system": naming::SDS_JOB_ROLE, "code": "R0260", "display": "General Medical Practitioner"}]}]
    })
}

fn schedule(service: u64, index: u64) -> Schedule {
    let number = schedule_number(service, index);
    let (given, family) = name_of(number);
    Schedule {
        id: schedule_id(service, index),
        identifier: Identifier { system: SCHEDULE_SYSTEM.to_owned(), value: format!("{number}") },
        name: format!("Dr {given} {family}, site {}", service + 1),
        services: vec![service_id(service)],
        practitioner: Some(ResourceId::stored(Named::Practitioner.id(number))),
        role: Some(ResourceId::stored(role_id(number))),
        location: Some(ResourceId::stored(Named::Location.id(service))),
        zone: LONDON,
        active: true,
        version: 0,
        updated: Timestamp::from_ms(0),
    }
}
