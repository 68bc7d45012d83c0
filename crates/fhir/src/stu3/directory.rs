//! Organisations, places, services, clinicians and roles as seed files give them: tree to domain.
//!
//! It checks what the booking standard asks of these resources (docs/specification/uec.md#b3-directory) and takes out
//! the facts the engine needs; the resource itself is kept whole. Whether a reference leads anywhere is not known here,
//! because that takes all files together. Only relative references (`Location/<id>`) are taken, since consumers resolve
//! them inside a Bundle and under either root.

mod rules;
#[cfg(test)]
mod tests;

use super::naming::ODS_ORGANISATION;
use domain::directory::{DirectoryFacts, DirectoryKind, DirectoryRecord};
use domain::element::Element;
use domain::fault::{Problem, ProblemKind};
use domain::ids::{OdsCode, ResourceId, is_fhir_id};

/// The most resources one seed Bundle may hold.
pub const ENTRIES_MAX: usize = 10_000;

/// A reference found anywhere in a resource, to a resource of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryReference {
    /// Where it stands, below the resource: `.providedBy.reference`.
    pub place: String,
    /// What it refers to.
    pub kind: DirectoryKind,
    /// The id it refers to.
    pub id: ResourceId,
}

/// What a Bundle holds, as far as it can be read.
#[derive(Debug, Default)]
pub struct Survey {
    /// The records, each with the number of its entry (from 0). One with problems is here, too, if it has an
    /// id: who checks references then does not report it as missing.
    pub records: Vec<(usize, DirectoryRecord)>,
    /// Everything wrong, in order.
    pub problems: Vec<Problem>,
}

/// The records of a Bundle of type `collection`, or everything wrong with it.
///
/// # Errors
/// Every problem found, each with its place (`Bundle.entry[3].resource.identifier`).
pub fn read_bundle(bundle: &Element) -> Result<Vec<DirectoryRecord>, Vec<Problem>> {
    let Survey { records, problems } = survey(bundle);
    if problems.is_empty() { Ok(records.into_iter().map(|(_, record)| record).collect()) } else { Err(problems) }
}

/// As [`read_bundle`], but with the records that could be read beside the problems of the others.
pub fn survey(bundle: &Element) -> Survey {
    if bundle.kind() != Some("Bundle") {
        let found = bundle.kind().unwrap_or(&bundle.name).to_owned();
        let message = format!("a {found} where a Bundle of type `collection` belongs");
        let problems = vec![Problem { kind: ProblemKind::Structure, expression: found, message }];
        return Survey { problems, ..Survey::default() };
    }
    let mut findings = Findings::at("Bundle");
    match bundle.text_at("type") {
        Some("collection") => {}
        given => findings.add(".type", ProblemKind::Value, format!("{}; it must be `collection`", quoted_or_missing(given))),
    }
    if bundle.all("entry").nth(ENTRIES_MAX).is_some() {
        findings.add(".entry", ProblemKind::Structure, format!("more than {ENTRIES_MAX} entries; put the rest into another file"));
    }
    let mut records = Vec::new();
    for (index, entry) in bundle.all("entry").take(ENTRIES_MAX).enumerate() {
        let Some(resource) = entry.child("resource") else {
            findings.add(&format!(".entry[{index}]"), ProblemKind::Required, "has no resource".to_owned());
            continue;
        };
        let mut below = Findings::at(&format!("Bundle.entry[{index}].resource"));
        records.extend(record(resource, &mut below).map(|record| (index, record)));
        findings.problems.append(&mut below.problems);
    }
    Survey { records, problems: findings.problems }
}

/// The record of one resource, or everything wrong with it.
///
/// # Errors
/// Every problem found, each with its place (`HealthcareService.identifier`).
pub fn read(resource: &Element) -> Result<DirectoryRecord, Vec<Problem>> {
    let mut findings = Findings::at(resource.kind().unwrap_or(&resource.name));
    match record(resource, &mut findings) {
        Some(record) => findings.result(record),
        None => Err(findings.problems),
    }
}

/// Every relative reference in a resource that names a kind of the directory, wherever it stands.
pub fn references(resource: &Element) -> Vec<DirectoryReference> {
    let mut found = Vec::new();
    rules::walk(resource, &mut |place, element| {
        let target = (element.name == "reference").then(|| element.as_text()).flatten().and_then(split_reference);
        if let Some((Some(kind), id)) = target.map(|(kind, id)| (DirectoryKind::parse(kind), id)) {
            found.push(DirectoryReference { place: place.to_owned(), kind, id });
        }
    });
    found
}

/// The identifier values a resource has in one naming system.
pub fn identifiers<'e>(resource: &'e Element, system: &'e str) -> impl Iterator<Item = &'e str> {
    resource.all("identifier").filter(move |i| i.text_at("system") == Some(system)).filter_map(|i| i.text_at("value"))
}

/// Problems collected below one place.
struct Findings {
    place: String,
    problems: Vec<Problem>,
}

impl Findings {
    fn at(place: &str) -> Self {
        Self { place: place.to_owned(), problems: Vec::new() }
    }
    /// One more problem; `below` begins with a dot or is empty.
    fn add(&mut self, below: &str, kind: ProblemKind, message: String) {
        self.problems.push(Problem { kind, expression: format!("{}{below}", self.place), message });
    }
    fn result<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.problems.is_empty() { Ok(value) } else { Err(self.problems) }
    }
}

/// The record as far as it can be made; what is wrong with it goes into `findings`.
fn record(resource: &Element, findings: &mut Findings) -> Option<DirectoryRecord> {
    let name = resource.kind().unwrap_or(&resource.name);
    let Some(kind) = DirectoryKind::parse(name) else {
        let known = DirectoryKind::ALL.map(DirectoryKind::name).join(", ");
        findings.add("", ProblemKind::Structure, format!("a {name} is no part of the directory; it holds {known}"));
        return None;
    };
    let id = resource.text_at("id").map(ResourceId::parse);
    match &id {
        Some(Ok(_)) => {}
        Some(Err(not_an_id)) => findings.add(".id", ProblemKind::Value, not_an_id.to_string()),
        None => findings.add(".id", ProblemKind::Required, "is missing; directory resources keep the id they are given".to_owned()),
    }
    rules::check(kind, resource, findings);
    let facts = facts(kind, resource, findings);
    Some(DirectoryRecord { id: id?.ok()?, facts, resource: resource.clone().renamed(name) })
}

fn facts(kind: DirectoryKind, resource: &Element, findings: &mut Findings) -> DirectoryFacts {
    let mut link = |name: &str, kind: DirectoryKind| reference(resource, name, kind, findings);
    match kind {
        DirectoryKind::Organization => {
            DirectoryFacts::Organization { ods: identifiers(resource, ODS_ORGANISATION).find_map(OdsCode::parse) }
        }
        DirectoryKind::Location => DirectoryFacts::Location { organization: link("managingOrganization", DirectoryKind::Organization) },
        DirectoryKind::HealthcareService => DirectoryFacts::HealthcareService {
            name: resource.text_at("name").or_else(|| resource.text_at("id")).unwrap_or_default().to_owned(),
            organization: link("providedBy", DirectoryKind::Organization),
            location: link("location", DirectoryKind::Location),
        },
        DirectoryKind::Practitioner => DirectoryFacts::Practitioner { name: person_name(resource) },
        DirectoryKind::PractitionerRole => DirectoryFacts::PractitionerRole {
            practitioner: link("practitioner", DirectoryKind::Practitioner),
            organization: link("organization", DirectoryKind::Organization),
        },
    }
}

/// The id a child refers to; a reference to another kind, or of another form, is a problem.
fn reference(resource: &Element, name: &str, kind: DirectoryKind, findings: &mut Findings) -> Option<ResourceId> {
    let child = resource.child(name)?;
    let place = format!(".{name}.reference");
    let wanted = kind.name();
    let Some(text) = child.text_at("reference") else {
        findings.add(&place, ProblemKind::Required, format!("is missing; it must be `{wanted}/<id>`"));
        return None;
    };
    match split_reference(text) {
        Some((found, id)) if found == wanted => Some(id),
        // The form as such is judged for every reference of the resource, by `rules::check`.
        None => None,
        Some(_) => {
            findings.add(&place, ProblemKind::Value, format!("`{text}` must be `{wanted}/<id>`"));
            None
        }
    }
}

/// `Location/loc-1` as its two halves; anything else (absolute, `urn:uuid:…`, versioned) is none.
fn split_reference(text: &str) -> Option<(&str, ResourceId)> {
    let (kind, id) = text.split_once('/')?;
    let is_kind = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphabetic());
    (is_kind && is_fhir_id(id)).then(|| ResourceId::parse(id).ok().map(|id| (kind, id))).flatten()
}

/// The first name as people read it: `text`, else prefix, given names and family.
fn person_name(practitioner: &Element) -> String {
    let Some(name) = practitioner.child("name") else {
        return practitioner.text_at("id").unwrap_or_default().to_owned();
    };
    if let Some(text) = name.text_at("text") {
        return text.to_owned();
    }
    let parts = ["prefix", "given", "family"].into_iter().flat_map(|part| name.all(part)).filter_map(Element::as_text);
    parts.collect::<Vec<_>>().join(" ")
}

fn quoted_or_missing(given: Option<&str>) -> String {
    given.map_or_else(|| "is missing".to_owned(), |text| format!("is `{text}`"))
}
