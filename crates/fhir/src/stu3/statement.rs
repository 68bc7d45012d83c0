//! What the provider root declares: everything that is served there, and nothing else (docs/contract.md#the-provider-root).
//!
//! Which routes there are comes from the dialect, which parameters a search takes from the tables that queries are
//! read by. No list of anything served may stand here, because a second list would sooner or later differ.

use super::uec::capability::booking;
use crate::search::{Declared, DeclaredParameter};
use crate::stu3::naming::PROFILE_BASE;
use domain::element::Element;

const DESCRIPTION: &str = "The provider's own root: slots, schedules, appointments and the directory for ordinary FHIR clients. \
    Bookings made here and on the booking root go through the same allocator. A request sent again with the X-Request-ID of one that \
    has succeeded is answered 409 and changes nothing.";

/// Headers that change an answer, which a statement has no element for.
const HEADERS: &str = "Prefer: handling=strict refuses parameters that are not known instead of leaving them out; \
    Prefer: return=minimal, representation or OperationOutcome says what a create or update answers with. If-Match is honoured on \
    update and not demanded, If-None-Match on every read and search. A relative reference resolves under this root. \
    $validate on Appointment, on the type and on one, says what a booking or a cancel would be told, and does neither.";

/// A resource type that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The resource type.
    pub kind: &'static str,
    /// What can be done with it: the code of the interaction, and how it is called.
    pub interactions: Vec<(&'static str, String)>,
    /// What its search takes, where it can be searched.
    pub search: Option<Declared>,
}

impl Served {
    fn can(&self, code: &str) -> bool {
        self.interactions.iter().any(|(known, _)| *known == code)
    }
}

/// An operation that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServedOperation {
    /// What it is called, without the `$`.
    pub name: &'static str,
    /// URL of its definition.
    pub definition: &'static str,
}

/// The statement of the provider root at `base_url`, which serves `resources` and `operations`.
pub fn statement(
    software_version: &str,
    release_date: &str,
    base_url: &str,
    resources: &[Served],
    operations: &[ServedOperation],
) -> Element {
    let mut statement = booking(software_version, release_date, base_url);
    statement.set(Element::text("version", software_version));
    statement.set(Element::text("name", "Slotkeeper provider root"));
    statement.set(Element::text("description", DESCRIPTION));
    let security = Element::complex("security").with(Element::boolean("cors", false));
    let rest = Element::complex("rest")
        .with(Element::text("mode", "server"))
        .with(Element::text("documentation", HEADERS))
        .with(security)
        .with_all(resources.iter().map(resource))
        .with_all(operations.iter().map(operation));
    statement.set(rest);
    statement
}

/// Says whether pages of other origins may call, which is the operator's to decide.
pub fn say_cors(statement: &mut Element, allowed: bool) {
    let rest = statement.children.iter_mut().find(|child| child.name == "rest");
    let security = rest.and_then(|rest| rest.children.iter_mut().find(|child| child.name == "security"));
    if let Some(security) = security {
        security.set(Element::boolean("cors", allowed));
    }
}

fn operation(served: &ServedOperation) -> Element {
    let definition = Element::complex("definition").with(Element::text("reference", served.definition));
    Element::complex("operation").with(Element::text("name", served.name)).with(definition)
}

fn resource(served: &Served) -> Element {
    let interactions = served.interactions.iter().map(|(code, documentation)| {
        Element::complex("interaction").with(Element::text("code", *code)).with(Element::text("documentation", documentation.as_str()))
    });
    let names = |element: &'static str, names: &[&'static str]| names.iter().map(|name| Element::text(element, *name)).collect::<Vec<_>>();
    let search = served.search.iter().flat_map(|search| {
        let parameters = search.parameters.iter().map(parameter);
        let includes = names("searchInclude", &search.includes).into_iter();
        includes.chain(names("searchRevInclude", &search.reverse_includes)).chain(parameters).collect::<Vec<_>>()
    });
    let profile = format!("{PROFILE_BASE}CareConnect-{}-1", served.kind);
    Element::complex("resource")
        .with(Element::text("type", served.kind))
        .with(Element::complex("profile").with(Element::text("reference", profile)))
        .with_all(interactions)
        .with(Element::text("versioning", "versioned"))
        .with(Element::boolean("readHistory", served.can("vread")))
        .with(Element::boolean("updateCreate", false))
        .with(Element::text("conditionalRead", "not-match"))
        .with_all(search)
}

fn parameter(declared: &DeclaredParameter) -> Element {
    Element::complex("searchParam")
        .with(Element::text("name", declared.name))
        .with(Element::text("type", declared.kind.code()))
        .with(Element::text("documentation", declared.documentation.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::stu3::definitions;
    use crate::stu3::search;
    use crate::validate;

    #[test]
    fn the_statement_is_valid_and_says_what_it_was_handed() {
        let interactions = vec![("read", "GET Slot/[id]".to_owned()), ("search-type", "GET Slot".to_owned())];
        let served = Served { kind: "Slot", interactions, search: search::declared("Slot", &search::PROVIDER_RULES) };
        let statement = statement("0.1.0", "2026-02-11", "https://weirside.example/STU3/1/provider", &[served], &[]);
        let read = json::read(json::write(&statement, definitions()).as_bytes(), definitions()).unwrap();
        assert_eq!((read.problems.as_slice(), validate::check_read(&read, definitions())), ([].as_slice(), Vec::new()));
        let slot = read.tree.at("rest.resource").unwrap();
        assert_eq!(slot.all("interaction").filter_map(|i| i.text_at("code")).collect::<Vec<_>>(), ["read", "search-type"]);
        let names: Vec<_> = slot.all("searchParam").filter_map(|p| p.text_at("name")).collect();
        assert!(names.contains(&"start") && names.contains(&"_elements") && !names.contains(&"end"), "{names:?}");
        assert!(!names.contains(&"_revinclude"), "it brings nothing along with slots");
        assert!(slot.all("searchInclude").any(|i| i.as_text() == Some("Slot:schedule")));
    }
}
