//! Searches of the directory: organisations, places, services, clinicians and roles.
//!
//! The directory is small, so a search is a predicate on trees and nothing the store knows of. A `string` matches
//! the beginning of any of the texts it is about, in whatever capitals (STU3 search, "string"), while a token
//! matches the whole code and nothing less.

use super::includes;
use crate::search::declaration::{Brings, Include, Parameter, ParameterKind, Searchable, Sorts};
use crate::search::parameters::read;
use crate::search::value::{ID_EXPECTED, Token, bare_or, items, list, plain, token_or_system};
use crate::search::{Query, SearchRules, value_fault};
use crate::stu3::definitions;
use domain::directory::DirectoryKind;
use domain::element::{Element, Value};
use domain::fault::Fault;
use domain::ids::{ResourceId, is_fhir_id};
use domain::search::{Paging, Window};
use domain::time::Timestamp;

/// What a parameter compares. Paths lead from the resource, through every repeat.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    /// The id.
    Id,
    /// An identifier or coding: `system`, and `value` or `code`.
    Coded(&'static str),
    /// A code or boolean, and the system it is of.
    Code(&'static str, Option<&'static str>),
    /// Any of several texts, by their beginning.
    Text(&'static [&'static str]),
    /// A reference.
    Reference(&'static str, DirectoryKind),
}

const fn token(name: &'static str, path: &'static str, about: &'static str) -> Parameter<Key> {
    Parameter::new(name, ParameterKind::Token, Key::Coded(path), about)
}
const fn code(name: &'static str, path: &'static str, system: &'static str, about: &'static str) -> Parameter<Key> {
    Parameter::new(name, ParameterKind::Token, Key::Code(path, Some(system)), about)
}
const fn text(name: &'static str, paths: &'static [&'static str], about: &'static str) -> Parameter<Key> {
    Parameter::new(name, ParameterKind::String, Key::Text(paths), about)
}
const fn reference(name: &'static str, path: &'static str, kind: DirectoryKind, about: &'static str) -> Parameter<Key> {
    Parameter::new(name, ParameterKind::Reference, Key::Reference(path, kind), about)
}
const fn include(name: &'static str, aliases: &'static [&'static str], path: &'static str) -> Include {
    Include { name, aliases, brings: Brings::Referenced(path) }
}

const ID: Parameter<Key> = Parameter::new("_id", ParameterKind::Token, Key::Id, "The id");
const IDENTIFIER: Parameter<Key> = token("identifier", "identifier", "An identifier, as <system>|<value> or the value alone");
const ACTIVE: Parameter<Key> = Parameter::new("active", ParameterKind::Token, Key::Code("active", None), "true or false");

static SERVICE: Searchable<Key> = Searchable {
    kind: "HealthcareService",
    definitions,
    parameters: &[
        IDENTIFIER,
        text("name", &["name"], "The beginning of the name"),
        reference("organization", "providedBy", DirectoryKind::Organization, "Who provides it"),
        reference("location", "location", DirectoryKind::Location, "Where it is"),
        token("category", "category.coding", "Its category"),
        token("type", "type.coding", "Its type"),
        ID,
    ],
    includes: &[
        include("HealthcareService:providedBy", &["HealthcareService:organization"], "providedBy"),
        include("HealthcareService:location", &[], "location"),
    ],
    includes_on_booking_root: includes::OF_SLOTS,
    reverse_includes: &[],
    sorts: Sorts::NONE,
};

static LOCATION: Searchable<Key> = Searchable {
    kind: "Location",
    definitions,
    parameters: &[
        IDENTIFIER,
        text("name", &["name", "alias"], "The beginning of the name or of an alias"),
        reference("organization", "managingOrganization", DirectoryKind::Organization, "Who looks after it"),
        text(
            "address",
            &["address.line", "address.city", "address.district", "address.state", "address.postalCode", "address.country", "address.text"],
            "The beginning of any part of the address",
        ),
        text("address-city", &["address.city"], "The beginning of the town"),
        text("address-postalcode", &["address.postalCode"], "The beginning of the postcode"),
        code("status", "status", "http://hl7.org/fhir/location-status", "active, suspended or inactive"),
        token("type", "type.coding", "What sort of place it is"),
        ID,
    ],
    includes: &[include("Location:organization", &["Location:managingOrganization"], "managingOrganization")],
    includes_on_booking_root: includes::OF_SLOTS,
    reverse_includes: &[],
    sorts: Sorts::NONE,
};

static ORGANIZATION: Searchable<Key> = Searchable {
    kind: "Organization",
    definitions,
    parameters: &[
        IDENTIFIER,
        text("name", &["name", "alias"], "The beginning of the name or of an alias"),
        ACTIVE,
        text("address-city", &["address.city"], "The beginning of the town"),
        text("address-postalcode", &["address.postalCode"], "The beginning of the postcode"),
        token("type", "type.coding", "What sort of organisation it is"),
        ID,
    ],
    includes: &[],
    includes_on_booking_root: includes::OF_SLOTS,
    reverse_includes: &[],
    sorts: Sorts::NONE,
};

static PRACTITIONER: Searchable<Key> = Searchable {
    kind: "Practitioner",
    definitions,
    parameters: &[
        IDENTIFIER,
        text("name", &["name.text", "name.family", "name.given", "name.prefix", "name.suffix"], "The beginning of any part of the name"),
        text("family", &["name.family"], "The beginning of the family name"),
        text("given", &["name.given"], "The beginning of a given name"),
        code("gender", "gender", "http://hl7.org/fhir/administrative-gender", "male, female, other or unknown"),
        ACTIVE,
        ID,
    ],
    includes: &[],
    includes_on_booking_root: includes::OF_SLOTS,
    reverse_includes: &[],
    sorts: Sorts::NONE,
};

static ROLE: Searchable<Key> = Searchable {
    kind: "PractitionerRole",
    definitions,
    parameters: &[
        IDENTIFIER,
        reference("practitioner", "practitioner", DirectoryKind::Practitioner, "Who has the role"),
        reference("organization", "organization", DirectoryKind::Organization, "For whom"),
        token("role", "code.coding", "What the role is"),
        ACTIVE,
        ID,
    ],
    includes: &[
        include("PractitionerRole:practitioner", &[], "practitioner"),
        include("PractitionerRole:organization", &[], "organization"),
    ],
    includes_on_booking_root: includes::OF_SLOTS,
    reverse_includes: &[],
    sorts: Sorts::NONE,
};

/// What a search of a kind takes.
pub(super) const fn searchable(kind: DirectoryKind) -> &'static Searchable<Key> {
    match kind {
        DirectoryKind::HealthcareService => &SERVICE,
        DirectoryKind::Location => &LOCATION,
        DirectoryKind::Organization => &ORGANIZATION,
        DirectoryKind::Practitioner => &PRACTITIONER,
        DirectoryKind::PractitionerRole => &ROLE,
    }
}

/// One wanted value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    /// An id, or a reference to it.
    Id(String),
    Token(Token),
    /// The beginning of a text, in small letters.
    Start(String),
}

/// A search of one kind of the directory: every condition must hold, and of its values any one.
#[derive(Debug, Clone)]
pub struct DirectorySearch {
    conditions: Vec<(Key, Vec<Wanted>)>,
    updated: Window,
    followed: Vec<&'static str>,
    /// How much.
    pub paging: Paging,
}

/// The search of `kind` in `pairs`.
///
/// # Errors
/// A [`Fault::Parameter`] that names the parameter and what would be right.
pub fn directory(kind: DirectoryKind, pairs: &[(String, String)], rules: &SearchRules) -> Result<Query<DirectorySearch>, Fault> {
    let mut conditions = Vec::new();
    let mut common = read(pairs, rules, searchable(kind), |key, name, value| {
        conditions.push((key, wanted(key, name, value)?));
        Ok(())
    })?;
    let followed = std::mem::take(&mut common.followed);
    let search = DirectorySearch { conditions, updated: common.updated, followed, paging: common.paging.clone() };
    Ok(common.query(search))
}

fn wanted(key: Key, name: &str, value: &str) -> Result<Vec<Wanted>, Fault> {
    match key {
        Key::Id => list(name, value, ID_EXPECTED, |item| is_fhir_id(item).then(|| Wanted::Id(item.to_owned()))),
        Key::Coded(_) | Key::Code(..) => {
            list(name, value, "a code, or <system>|<code>, or several separated by commas", |item| token_or_system(item).map(Wanted::Token))
        }
        Key::Text(_) => {
            let items = items(name, value, "the beginning of a text, or several separated by commas")?;
            Ok(items.into_iter().map(|item| Wanted::Start(plain(item).to_lowercase())).collect())
        }
        Key::Reference(_, kind) => items(name, value, "an id, or a resource type and an id")?
            .into_iter()
            .map(|item| match bare_or(item, kind.name()).filter(|id| is_fhir_id(id)) {
                Some(id) => Ok(Wanted::Id(id.to_owned())),
                None => Err(value_fault(name, item, "the id of a resource of the right type, with or without the type before it")),
            })
            .collect(),
    }
}

impl DirectorySearch {
    /// True when the resource matches.
    pub fn admits(&self, resource: &Element, updated: Timestamp) -> bool {
        self.updated.contains(updated)
            && self.conditions.iter().all(|(key, wanted)| wanted.iter().any(|wanted| meets(resource, *key, wanted)))
    }

    /// What the wanted includes lead to from this resource.
    pub fn led_to(&self, resource: &Element) -> Vec<(DirectoryKind, ResourceId)> {
        let references = self.followed.iter().flat_map(|path| at(resource, path)).filter_map(|e| e.text_at("reference"));
        references.filter_map(target).collect()
    }
}

/// What a relative reference names, where that is of the directory.
pub(super) fn target(reference: &str) -> Option<(DirectoryKind, ResourceId)> {
    let (kind, id) = reference.split_once('/')?;
    Some((DirectoryKind::parse(kind)?, ResourceId::parse(id).ok()?))
}

fn meets(resource: &Element, key: Key, wanted: &Wanted) -> bool {
    match (key, wanted) {
        (Key::Id, Wanted::Id(id)) => resource.text_at("id") == Some(id),
        (Key::Coded(path), Wanted::Token(token)) => at(resource, path).into_iter().any(|e| {
            let code = e.text_at("value").or_else(|| e.text_at("code"));
            token.fits(e.text_at("system"), code.unwrap_or_default())
        }),
        (Key::Code(path, system), Wanted::Token(token)) => at(resource, path).into_iter().any(|e| match &e.value {
            Some(Value::Text(code)) => token.fits(system, code),
            Some(Value::Bool(yes)) => token.fits(system, if *yes { "true" } else { "false" }),
            _ => false,
        }),
        (Key::Text(paths), Wanted::Start(start)) => {
            paths.iter().flat_map(|path| at(resource, path)).filter_map(Element::as_text).any(|t| t.to_lowercase().starts_with(start))
        }
        (Key::Reference(path, kind), Wanted::Id(id)) => {
            let references = at(resource, path).into_iter().filter_map(|e| e.text_at("reference")).filter_map(target);
            references.into_iter().any(|(found, target)| found == kind && target.as_str() == id)
        }
        _ => false,
    }
}

/// All elements at a dotted path, through every repeat.
fn at<'e>(resource: &'e Element, path: &str) -> Vec<&'e Element> {
    path.split('.')
        .fold(vec![resource], |found, name| found.into_iter().flat_map(|e| e.children.iter().filter(move |c| c.name == name)).collect())
}
