//! What is wrong between seed files: names used twice, and references that lead nowhere or to the wrong
//! thing.
//!
//! It judges what was read and knows no file format. Pitfall: where a file could not
//! be read at all, nothing is said about references, since their targets may be in that file.

use super::SeedProblem;
use super::diary::Entry;
use crate::cli::toml_table::Mistakes;
use domain::directory::{DirectoryFacts, DirectoryKind, DirectoryRecord};
use fhir::stu3::directory::{identifiers, references};
use fhir::stu3::naming::SDS_ROLE;
use std::collections::HashMap;

/// The directory as the files give it.
#[derive(Debug, Default)]
pub struct Found {
    /// True when a file could not be read, so that what seems to be missing may be in it.
    pub incomplete: bool,
    records: Vec<Sourced>,
    by_name: HashMap<(DirectoryKind, String), usize>,
}

/// A record, and the file and entry it is from.
#[derive(Debug)]
struct Sourced {
    file: String,
    entry: usize,
    record: DirectoryRecord,
}

impl Sourced {
    fn problem(&self, below: &str, message: String) -> SeedProblem {
        SeedProblem { file: self.file.clone(), place: format!("Bundle.entry[{}].resource{below}", self.entry), message }
    }
}

impl Found {
    /// Takes in what a file holds; each record comes with the number of its entry.
    pub fn add(&mut self, file: &str, records: Vec<(usize, DirectoryRecord)>) {
        for (entry, record) in records {
            let name = (record.facts.kind(), record.id.as_str().to_owned());
            self.by_name.entry(name).or_insert(self.records.len());
            self.records.push(Sourced { file: file.to_owned(), entry, record });
        }
    }

    /// The records, in the order in which they were read.
    pub fn into_records(self) -> Vec<DirectoryRecord> {
        self.records.into_iter().map(|sourced| sourced.record).collect()
    }

    /// What is wrong within the directory.
    pub fn check(&self, problems: &mut Vec<SeedProblem>) {
        for (index, sourced) in self.records.iter().enumerate() {
            let (kind, id) = (sourced.record.facts.kind(), sourced.record.id.as_str());
            let first = self.by_name.get(&(kind, id.to_owned())).copied().unwrap_or(index);
            if let Some(first) = self.records.get(first).filter(|_| first != index) {
                let message = format!("{}/{id} is already in {}, entry {}; ids are unique", kind.name(), first.file, first.entry);
                problems.push(sourced.problem(".id", message));
            }
            if !self.incomplete {
                self.check_references(sourced, problems);
                self.check_role_profiles(sourced, problems);
            }
        }
    }

    fn check_references(&self, sourced: &Sourced, problems: &mut Vec<SeedProblem>) {
        for reference in references(&sourced.record.resource) {
            if self.get(reference.kind, reference.id.as_str()).is_none() {
                problems.push(sourced.problem(&reference.place, no_such(reference.kind, reference.id.as_str())));
            }
        }
    }

    /// Consumers find a clinician's role through the clinician's role profile ids
    /// (docs/specification/uec.md#a6-slot-search, check 6).
    fn check_role_profiles(&self, sourced: &Sourced, problems: &mut Vec<SeedProblem>) {
        let (DirectoryFacts::Practitioner { .. }, id) = (&sourced.record.facts, &sourced.record.id) else { return };
        for value in identifiers(&sourced.record.resource, SDS_ROLE) {
            let role = self.get(DirectoryKind::PractitionerRole, value).map(|record| &record.facts);
            let is_theirs = matches!(role, Some(DirectoryFacts::PractitionerRole { practitioner: Some(holder), .. }) if holder == id);
            if !is_theirs {
                let message = format!("`{value}` must be the id of a PractitionerRole whose practitioner is Practitioner/{id}");
                problems.push(sourced.problem(".identifier", message));
            }
        }
    }

    /// What is wrong between the diary and the directory, and among schedules.
    pub fn check_diary(&self, entries: &[Entry], mistakes: &mut Mistakes) {
        let mut ids = HashMap::new();
        let mut identifiers = HashMap::new();
        for entry in entries {
            let schedule = &entry.schedule;
            if let Some(name) = ids.insert(&schedule.id, &schedule.name) {
                mistakes.add(entry.places.id, format!("the id is already that of schedule `{name}`; draw a new one"));
            }
            let identifier = (&schedule.identifier.system, &schedule.identifier.value);
            if let Some(name) = identifiers.insert(identifier, &schedule.name) {
                mistakes.add(entry.places.identifier, format!("the identifier is already that of schedule `{name}`"));
            }
            for (index, (service, at)) in schedule.services.iter().zip(&entry.places.services).enumerate() {
                if schedule.services.iter().take(index).any(|earlier| earlier == service) {
                    mistakes.add(*at, format!("service `{service}` is named twice"));
                }
            }
            if !self.incomplete {
                self.check_place(entry, mistakes);
                self.check_clinician(entry, mistakes);
            }
        }
    }

    /// A schedule is where its services are (docs/contract.md#schedule-and-service): a service shows one place, and patients are
    /// sent there.
    fn check_place(&self, entry: &Entry, mistakes: &mut Mistakes) {
        let location = entry.schedule.location.as_ref();
        if let Some(id) = location.filter(|id| self.get(DirectoryKind::Location, id.as_str()).is_none()) {
            mistakes.add(entry.places.location, no_such(DirectoryKind::Location, id.as_str()));
        }
        for (service, at) in entry.schedule.services.iter().zip(&entry.places.services) {
            let Some(DirectoryFacts::HealthcareService { location: shown, .. }) =
                self.get(DirectoryKind::HealthcareService, service.as_str()).map(|record| &record.facts)
            else {
                mistakes.add(*at, no_such(DirectoryKind::HealthcareService, service.as_str()));
                continue;
            };
            if shown.as_ref() != location {
                let (place, right) = match shown {
                    Some(id) => (format!("Location/{id}"), format!("give `location = \"{id}\"`")),
                    None => ("no place".to_owned(), "leave `location` out".to_owned()),
                };
                let message = format!(
                    "service `{service}` shows {place}, the schedule another; patients would be sent to the wrong site: \
                     {right}, or name a service of the schedule's place"
                );
                mistakes.add(*at, message);
            }
        }
    }

    fn check_clinician(&self, entry: &Entry, mistakes: &mut Mistakes) {
        let places = &entry.places;
        let practitioner = entry.schedule.practitioner.as_ref();
        let clinician = practitioner.map(|id| (id, self.get(DirectoryKind::Practitioner, id.as_str())));
        if let Some((id, None)) = clinician {
            mistakes.add(places.practitioner, no_such(DirectoryKind::Practitioner, id.as_str()));
        }
        let profiles: Vec<&str> = match clinician {
            Some((_, Some(record))) => identifiers(&record.resource, SDS_ROLE).collect(),
            _ => Vec::new(),
        };
        let Some(role) = entry.schedule.role.as_ref() else {
            if !profiles.is_empty() {
                let message = format!("the practitioner has a role profile, so the schedule needs `role`: one of {}", profiles.join(", "));
                mistakes.add(places.practitioner, message);
            }
            return;
        };
        match self.get(DirectoryKind::PractitionerRole, role.as_str()).map(|record| &record.facts) {
            Some(DirectoryFacts::PractitionerRole { practitioner: holder, .. }) => {
                if let Some(id) = practitioner.filter(|id| holder.as_ref() != Some(id)) {
                    let message = format!("PractitionerRole/{role} is not a role of Practitioner/{id}; name one that is");
                    mistakes.add(places.role, message);
                } else if let Some((id, Some(_))) = clinician
                    && !profiles.contains(&role.as_str())
                {
                    let message = format!("Practitioner/{id} has no identifier of system {SDS_ROLE} with value `{role}`; add it");
                    mistakes.add(places.role, message);
                }
            }
            _ => mistakes.add(places.role, no_such(DirectoryKind::PractitionerRole, role.as_str())),
        }
    }

    fn get(&self, kind: DirectoryKind, id: &str) -> Option<&DirectoryRecord> {
        let index = self.by_name.get(&(kind, id.to_owned()))?;
        self.records.get(*index).map(|sourced| &sourced.record)
    }
}

fn no_such(kind: DirectoryKind, id: &str) -> String {
    format!("{}/{id} is in none of the files; add it or correct the id", kind.name())
}
