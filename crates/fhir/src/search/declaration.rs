//! What a search takes, declared once: the tables that names are looked up in are the tables the provider root's
//! statement is made of.
//!
//! A name is accepted only because it stands in a table. No other code compares a parameter's name, so nothing can
//! be served that is not stated, or the other way round.

use super::SearchRules;
use crate::definitions::Definitions;
use domain::search::{Includes, SortDirection};

/// Sorts of search parameters (STU3 search, "Search Parameter Types").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// A date, with a prefix.
    Date,
    /// A whole number.
    Number,
    /// A reference to another resource.
    Reference,
    /// Text, compared by its beginning.
    String,
    /// A code or identifier, with or without its system.
    Token,
}

impl ParameterKind {
    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Number => "number",
            Self::Reference => "reference",
            Self::String => "string",
            Self::Token => "token",
        }
    }
}

/// On which root a parameter is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Roots {
    Both,
    Booking,
    /// The booking root, while it serves versions before 2.0.4 (`--compat`).
    OlderBooking,
    Provider,
}

impl Roots {
    /// True when these are among the roots that have such rules.
    pub(crate) const fn include(self, rules: &SearchRules) -> bool {
        match self {
            Self::Both => true,
            Self::Booking => rules.names_of_booking(),
            Self::OlderBooking => rules.names_of_booking() && rules.end_restricts(),
            Self::Provider => !rules.names_of_booking(),
        }
    }
}

/// How exactly a name must be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelled {
    /// Letter by letter.
    Exactly,
    /// Capitals do not matter after the first colon.
    FreeAfterColon,
    /// Capitals do not matter.
    Freely,
    /// Capitals do not matter, and `Appointment.` may stand before it or not (docs/specification/uec.md#a10-appointment-search).
    WithType,
}

/// One search parameter. `K` is what it means to the resource that has it.
#[derive(Debug)]
pub(crate) struct Parameter<K: 'static> {
    /// The name that is stated.
    pub(crate) name: &'static str,
    /// Other names of the same.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) spelled: Spelled,
    pub(crate) kind: ParameterKind,
    /// What it means, for people.
    pub(crate) about: &'static str,
    pub(crate) roots: Roots,
    /// Whether its values may be references, whatever its sort.
    pub(crate) refers: bool,
    pub(crate) key: K,
}

impl<K> Parameter<K> {
    /// A parameter of both roots, spelt exactly.
    pub(crate) const fn new(name: &'static str, kind: ParameterKind, key: K, about: &'static str) -> Self {
        let refers = matches!(kind, ParameterKind::Reference);
        Self { name, aliases: &[], spelled: Spelled::Exactly, kind, about, roots: Roots::Both, refers, key }
    }

    fn is_called(&self, given: &str) -> bool {
        let bare = |name: &'static str| match self.spelled {
            Spelled::WithType => without_type(name),
            _ => name,
        };
        let same = |known: &str| match self.spelled {
            Spelled::Exactly => known == given,
            Spelled::Freely => known.eq_ignore_ascii_case(given),
            Spelled::WithType => known.eq_ignore_ascii_case(without_type(given)),
            Spelled::FreeAfterColon => match (known.split_once(':'), given.split_once(':')) {
                (Some((base, modifier)), Some((given, of))) => base == given && modifier.eq_ignore_ascii_case(of),
                _ => known == given,
            },
        };
        same(bare(self.name)) || self.aliases.iter().any(|name| same(name))
    }
}

fn without_type(name: &str) -> &str {
    const TYPE: &str = "appointment.";
    match name.get(..TYPE.len()) {
        Some(start) if start.eq_ignore_ascii_case(TYPE) => name.get(TYPE.len()..).unwrap_or_default(),
        _ => name,
    }
}

/// What an include brings.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Brings {
    /// Something the engine knows of.
    Related(fn(&mut Includes)),
    /// What the references at a path of the matching resource lead to.
    Referenced(&'static str),
}

/// One value of `_include` or `_revinclude`, `:` wherever a `.` may stand too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Include {
    /// The spelling that is stated.
    pub(crate) name: &'static str,
    /// Other spellings.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) brings: Brings,
}

/// Where the definitions of a release come from.
pub type DefinitionsOf = fn() -> &'static Definitions;

/// Everything a search of one resource type takes.
#[derive(Debug)]
pub(crate) struct Searchable<K: 'static> {
    /// The resource type.
    pub(crate) kind: &'static str,
    /// What its release says of elements.
    pub(crate) definitions: DefinitionsOf,
    /// Its own parameters, in the order in which errors list them.
    pub(crate) parameters: &'static [Parameter<K>],
    /// What `_include` means on it.
    pub(crate) includes: &'static [Include],
    /// What it means there on the booking root.
    pub(crate) includes_on_booking_root: &'static [Include],
    /// What `_revinclude` means on it.
    pub(crate) reverse_includes: &'static [Include],
    /// The orders `_sort` can ask for.
    pub(crate) sorts: Sorts,
}

/// What `_sort` can ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sorts {
    /// The parameter by which matches are ordered in any case; none where that is the id.
    pub(crate) by: Option<&'static str>,
    /// The values and what they do, for people.
    pub(crate) about: &'static str,
}

impl Sorts {
    /// Matches come by their id, and nothing else can be asked.
    pub(crate) const NONE: Self = Self { by: None, about: "" };

    /// The order that one item of a value asks for.
    pub(crate) fn direction(self, item: &str) -> Option<SortDirection> {
        let (name, direction) = match item.strip_prefix('-') {
            Some(name) => (name, SortDirection::Descending),
            None => (item, SortDirection::Ascending),
        };
        self.by.filter(|by| *by == name).map(|_| direction)
    }
}

impl<K> Searchable<K> {
    /// The parameter of that name, where the root knows it.
    pub(crate) fn find(&self, name: &str, rules: &SearchRules) -> Option<&'static Parameter<K>> {
        self.parameters.iter().find(|p| p.roots.include(rules) && p.is_called(name))
    }

    /// Whether the values of that parameter may be references.
    pub(crate) fn refers(&self, name: &str, rules: &SearchRules) -> bool {
        self.find(name, rules).is_some_and(|parameter| parameter.refers)
    }

    /// The names of its own parameters, as errors list them.
    pub(crate) fn names(&self, rules: &SearchRules) -> impl Iterator<Item = &'static str> {
        let rules = *rules;
        self.parameters.iter().filter(move |p| p.roots.include(&rules)).map(|p| p.name)
    }

    /// What a root with such rules takes; `common` are the parameters every search there takes.
    pub(crate) fn declared(&self, rules: &SearchRules, common: impl Iterator<Item = DeclaredParameter>) -> Declared {
        let own = self.parameters.iter().filter(|p| p.roots.include(rules)).map(DeclaredParameter::of);
        let names = |includes: &'static [Include]| includes.iter().map(|i| i.name).collect();
        Declared { parameters: own.chain(common).collect(), includes: names(self.includes), reverse_includes: names(self.reverse_includes) }
    }
}

/// What a search of one resource type takes, for a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its parameters.
    pub parameters: Vec<DeclaredParameter>,
    /// The values of `_include` that bring something.
    pub includes: Vec<&'static str>,
    /// The values of `_revinclude` that bring something.
    pub reverse_includes: Vec<&'static str>,
}

/// One search parameter, for a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredParameter {
    /// Its name.
    pub name: &'static str,
    /// Its sort.
    pub kind: ParameterKind,
    /// What it means, and its other names.
    pub documentation: String,
}

impl DeclaredParameter {
    pub(crate) fn of<K>(parameter: &Parameter<K>) -> Self {
        let documentation = match parameter.aliases {
            [] => parameter.about.to_owned(),
            aliases => format!("{}; also understood as {}", parameter.about, aliases.join(", ")),
        };
        Self { name: parameter.name, kind: parameter.kind, documentation }
    }
}
