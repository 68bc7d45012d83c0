//! The parameters every search takes, and what happens to an unknown name.
//!
//! Pitfall: leniency has an end. A known name with a modifier that is not known here (`status:not`) is refused on
//! both roots, because an answer that ignores it would be the opposite of what was wanted (STU3 search,
//! "Modifiers"); only a name wholly unknown is ignored on the provider root.

use super::declaration::{Brings, Declared, DeclaredParameter, DefinitionsOf, Parameter, ParameterKind, Roots, Searchable, Sorts};
use super::value::narrowed;
use super::{COUNT_MAX, Query, SearchRules, cursor, include, quoted, value_fault};
use crate::definitions::Definitions;
use crate::shape::{Shape, Summary};
use domain::fault::{Fault, ParameterFault};
use domain::search::{Includes, Paging, SortDirection, Window};

/// What a common parameter means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Include,
    RevInclude,
    Format,
    Pretty,
    Summary,
    Count,
    Cursor,
    LastUpdated,
    Elements,
    Sort,
    End,
}

const fn of_provider(parameter: Parameter<Key>) -> Parameter<Key> {
    Parameter { roots: Roots::Provider, ..parameter }
}

/// What every search takes (docs/contract.md#statuses, "unknown or misspelt parameter"), in the order in which errors list it.
static COMMON: [Parameter<Key>; 11] = [
    Parameter::new("_include", ParameterKind::String, Key::Include, "Brings related resources along; searchInclude lists the values"),
    Parameter::new(
        "_revinclude",
        ParameterKind::String,
        Key::RevInclude,
        "Brings what refers to a match; searchRevInclude lists the values",
    ),
    Parameter::new("_format", ParameterKind::Token, Key::Format, "The format of the answer: json or xml, or a media type"),
    Parameter::new("_pretty", ParameterKind::Token, Key::Pretty, "true: the answer is laid out for people"),
    Parameter::new("_summary", ParameterKind::Token, Key::Summary, "true, text, data, false, or count for the number of matches alone"),
    Parameter::new("_count", ParameterKind::Number, Key::Count, "Matches in one answer; the next link leads to those after them"),
    Parameter::new("_cursor", ParameterKind::String, Key::Cursor, "Where a page begins; taken from a next link, unchanged"),
    Parameter::new("_lastUpdated", ParameterKind::Date, Key::LastUpdated, "When the resource last changed: prefixes ge, gt, le, lt, eq"),
    of_provider(Parameter::new("_elements", ParameterKind::String, Key::Elements, "The elements wanted of each match, by name")),
    of_provider(Parameter::new("_sort", ParameterKind::String, Key::Sort, "The order of the matches")),
    // Removed from the standard in 2.0.4, still sent by some (docs/specification/uec.md#a6-slot-search).
    Parameter { roots: Roots::Booking, ..Parameter::new("end", ParameterKind::Date, Key::End, "Ignored") },
];

/// What a read by id takes of those.
const OF_READS: [Key; 4] = [Key::Format, Key::Pretty, Key::Summary, Key::Elements];

/// What a parameter came to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Taken {
    /// It has its effect, and the self link repeats it.
    Applied,
    /// It was understood as this, which the self link repeats in its place.
    AppliedAs(String),
    /// It is known and has no effect.
    Ignored,
    /// It is not known.
    Unknown,
}

/// What the common parameters want.
#[derive(Debug, Clone, Default)]
pub(crate) struct Common {
    /// `_include` and `_revinclude`, as far as the engine follows them.
    pub(crate) includes: Includes,
    /// Paths of the matching resource whose references are to be followed.
    pub(crate) followed: Vec<&'static str>,
    /// `_count` and `_cursor`.
    pub(crate) paging: Paging,
    /// `_lastUpdated`.
    pub(crate) updated: Window,
    /// `_sort`: the first order that was asked for. Those after it order only what is equal, and nothing is.
    pub(crate) sort: Option<SortDirection>,
    warnings: Vec<String>,
    applied: Vec<(String, String)>,
    summary_count: bool,
    pretty: bool,
    shape: Shape,
}

/// Reads all `pairs`: first by the table of one resource, then by the common table. `own` is handed what a name of
/// the resource's table means, the name and the value.
pub(crate) fn read<K: Copy>(
    pairs: &[(String, String)],
    rules: &SearchRules,
    searchable: &Searchable<K>,
    mut own: impl FnMut(K, &str, &str) -> Result<(), Fault>,
) -> Result<Common, Fault> {
    let mut common = Common { shape: Shape::of(searchable.kind), ..Common::default() };
    for (name, value) in pairs {
        let taken = match searchable.find(name, rules) {
            Some(parameter) => {
                own(parameter.key, name, value)?;
                if parameter.kind == ParameterKind::Date { Taken::AppliedAs(with_plus(value)) } else { Taken::Applied }
            }
            None => common.take(name, value, rules, searchable)?,
        };
        match taken {
            Taken::Applied => common.applied.push((name.clone(), value.clone())),
            Taken::AppliedAs(part) => common.applied.push((name.clone(), part)),
            Taken::Unknown if rules.refuses_unknown() || modifies(name, rules, searchable) => return Err(unknown(name, rules, searchable)),
            Taken::Unknown | Taken::Ignored => common.warn_of_include(name, value, rules, searchable),
        }
    }
    if reversed(&common.updated) {
        return Err(Fault::Parameter(ParameterFault::WindowReversed { name: "_lastUpdated" }));
    }
    if common.shape.is_text() {
        common.without_includes();
    }
    Ok(common)
}

/// How the answer to a read by id is wanted; on the booking root nothing but `_pretty` (docs/contract.md#service-roots).
///
/// # Errors
/// [`Fault::Parameter`]; names nobody knows only where the rules refuse them.
pub(crate) fn read_one(
    pairs: &[(String, String)],
    rules: &SearchRules,
    kind: &'static str,
    definitions: DefinitionsOf,
) -> Result<(Shape, bool), Fault> {
    let mut common = Common { shape: Shape::of(kind), ..Common::default() };
    let nothing: Searchable<()> = Searchable {
        kind,
        definitions,
        parameters: &[],
        includes: &[],
        includes_on_booking_root: &[],
        reverse_includes: &[],
        sorts: Sorts::NONE,
    };
    for (name, value) in pairs {
        if rules.names_of_booking() {
            common.pretty |= name == "_pretty" && value == "true";
            continue;
        }
        match common_parameter(name, rules).filter(|p| OF_READS.contains(&p.key)) {
            // There is nothing to count where one thing is read.
            Some(p) if p.key == Key::Summary && value == "count" => {
                return Err(value_fault(name, value, "true, text, data or false: a read has nothing to count"));
            }
            Some(_) => drop(common.take(name, value, rules, &nothing)?),
            None if rules.refuses_unknown() => {
                let accepted = COMMON.iter().filter(|p| OF_READS.contains(&p.key)).map(|p| p.name).collect();
                return Err(Fault::Parameter(ParameterFault::Unknown { name: quoted(name), accepted }));
            }
            None => {}
        }
    }
    Ok((common.shape, common.pretty))
}

/// What a search takes on the root that has such rules.
pub(crate) fn declared<K>(searchable: &Searchable<K>, rules: &SearchRules) -> Declared {
    let common = COMMON.iter().filter(|p| p.roots.include(rules) && (rules.names_of_booking() || means_something(p.key, searchable)));
    let declared = |parameter: &Parameter<Key>| match parameter.key {
        Key::Sort => DeclaredParameter { documentation: searchable.sorts.about.to_owned(), ..DeclaredParameter::of(parameter) },
        _ => DeclaredParameter::of(parameter),
    };
    searchable.declared(rules, common.map(declared))
}

/// What a read by id takes there.
pub(crate) fn declared_of_reads(rules: &SearchRules) -> Vec<DeclaredParameter> {
    let of_booking = [Key::Format, Key::Pretty];
    let known: &[Key] = if rules.names_of_booking() { &of_booking } else { &OF_READS };
    COMMON.iter().filter(|p| known.contains(&p.key)).map(DeclaredParameter::of).collect()
}

/// Whether a common parameter can do anything on this resource.
const fn means_something<K>(key: Key, searchable: &Searchable<K>) -> bool {
    match key {
        Key::Include => !searchable.includes.is_empty(),
        Key::RevInclude => !searchable.reverse_includes.is_empty(),
        Key::Sort => searchable.sorts.by.is_some(),
        _ => true,
    }
}

/// True when the window ends before it begins, or as it begins: `ge2026-02-02` with `le2026-02-01` leaves the
/// empty stretch between the two days, and its sender would take an empty answer for a full diary.
pub(crate) fn reversed(window: &Window) -> bool {
    matches!((window.from, window.until), (Some(from), Some(until)) if until <= from)
}

impl Common {
    /// Without pages: the answer is given whole, so the self link does not repeat `_cursor` and `_count`.
    pub(crate) fn unpaged(&mut self) {
        let total_only = self.paging.count == Some(0);
        self.summary_count |= total_only;
        self.paging = Paging::default();
        self.applied.retain(|(name, _)| name != "_cursor" && (name != "_count" || total_only));
    }

    /// STU3 search, "Summary": `_summary=text` and includes exclude each other.
    fn without_includes(&mut self) {
        self.includes = Includes::default();
        self.followed.clear();
        self.applied.retain(|(name, _)| !name.starts_with("_include") && !name.starts_with("_revinclude"));
    }

    /// The whole query, with what the common parameters want.
    pub(crate) fn query<S>(self, search: S) -> Query<S> {
        let total_only = self.summary_count || self.paging.count == Some(0);
        let Self { applied, pretty, shape, warnings, .. } = self;
        Query { search, applied, total_only, pretty, shape, warnings }
    }

    /// Notes an include that brings nothing. On the booking root nobody is told (docs/specification/uec.md#a6-slot-search).
    fn warn_of_include<K>(&mut self, name: &str, value: &str, rules: &SearchRules, searchable: &Searchable<K>) {
        let known = match common_parameter(name, rules).map(|parameter| parameter.key) {
            Some(Key::Include) if !rules.names_of_booking() => searchable.includes,
            Some(Key::RevInclude) if !rules.names_of_booking() => searchable.reverse_includes,
            _ => return,
        };
        let known: Vec<&str> = known.iter().map(|include| include.name).collect();
        let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
        let warning = format!("`{}={}` is not known here and brings nothing; known: {known}", quoted(name), quoted(value));
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    fn take<K>(&mut self, name: &str, value: &str, rules: &SearchRules, searchable: &Searchable<K>) -> Result<Taken, Fault> {
        let known = common_parameter(name, rules).filter(|p| rules.names_of_booking() || means_something(p.key, searchable));
        let Some(parameter) = known else { return Ok(Taken::Unknown) };
        let had_effect = match parameter.key {
            Key::Include => {
                let table = if rules.names_of_booking() { searchable.includes_on_booking_root } else { searchable.includes };
                self.bring(include::find(table, value).map(|include| include.brings))
            }
            Key::RevInclude => self.bring(include::find(searchable.reverse_includes, value).map(|include| include.brings)),
            // The format was chosen before the query is read.
            Key::Format if !value.is_empty() => return Ok(Taken::AppliedAs(with_plus(value))),
            Key::Format => false,
            Key::Pretty => {
                self.pretty = value == "true";
                true
            }
            Key::Summary => self.summary(value, rules)?,
            Key::Count => {
                self.paging.count = Some(count(value).ok_or_else(|| value_fault(name, value, "a number of entries, 0 or more"))?);
                true
            }
            Key::Cursor => {
                let expected = "a cursor from the `next` link of an answer, unchanged";
                self.paging.after = Some(cursor::parse_cursor(value).ok_or_else(|| value_fault(name, value, expected))?);
                true
            }
            Key::LastUpdated => {
                self.updated = narrowed(self.updated, name, value)?;
                return Ok(Taken::AppliedAs(with_plus(value)));
            }
            Key::Elements => return self.elements(name, value, rules, (searchable.definitions)()),
            Key::Sort => return self.sort(name, value, rules, searchable.sorts),
            Key::End => false,
        };
        Ok(if had_effect { Taken::Applied } else { Taken::Ignored })
    }

    fn sort(&mut self, name: &str, value: &str, rules: &SearchRules, sorts: Sorts) -> Result<Taken, Fault> {
        let mut taken = Taken::Ignored;
        for item in value.split(',').map(str::trim) {
            match sorts.direction(item) {
                None if rules.refuses_unknown() => return Err(value_fault(name, item, sorts.about)),
                Some(direction) if self.sort.is_none() => {
                    self.sort = Some(direction);
                    taken = Taken::AppliedAs(item.to_owned());
                }
                _ => {}
            }
        }
        Ok(taken)
    }

    fn bring(&mut self, brings: Option<Brings>) -> bool {
        match brings {
            Some(Brings::Related(set)) => set(&mut self.includes),
            Some(Brings::Referenced(path)) => self.followed.push(path),
            None => return false,
        }
        true
    }

    /// On the booking root only `count` is applied: the other summaries leave elements out where a server likes to.
    fn summary(&mut self, value: &str, rules: &SearchRules) -> Result<bool, Fault> {
        let booking = rules.names_of_booking();
        let summary = match value {
            "count" => {
                self.summary_count = true;
                return Ok(true);
            }
            "true" | "false" | "text" | "data" if booking => return Ok(false),
            _ if booking => {
                return Err(value_fault("_summary", value, "count (true, false, text and data are accepted and change nothing)"));
            }
            "true" => Some(Summary::Short),
            "text" => Some(Summary::Text),
            "data" => Some(Summary::Data),
            "false" => None,
            _ => return Err(value_fault("_summary", value, "true, text, data, count or false")),
        };
        self.shape.summarise(summary);
        Ok(true)
    }

    fn elements(&mut self, name: &str, value: &str, rules: &SearchRules, definitions: &Definitions) -> Result<Taken, Fault> {
        let mut known = Vec::new();
        for element in value.split(',').map(str::trim) {
            if self.shape.want(element, definitions) {
                known.push(element);
            } else if rules.refuses_unknown() {
                return Err(value_fault(name, element, "names of elements at the top of the resource, separated by commas"));
            }
        }
        Ok(if known.is_empty() { Taken::Ignored } else { Taken::AppliedAs(known.join(",")) })
    }
}

/// The common parameter of that name, where the root knows it. `_include:iterate`, `_include:recurse` and whatever
/// else mean the same as `_include`: the answer iterates anyway (docs/specification/uec.md#a6-slot-search).
fn common_parameter(name: &str, rules: &SearchRules) -> Option<&'static Parameter<Key>> {
    let base = name.split(':').next().unwrap_or(name);
    let is = |p: &&Parameter<Key>| match p.key {
        Key::Include | Key::RevInclude => p.name == base,
        _ => p.name == name,
    };
    COMMON.iter().filter(|p| p.roots.include(rules)).find(is)
}

/// The text with the `+` that was sent without being encoded, and so arrived as a space.
fn with_plus(value: &str) -> String {
    value.trim().replace(' ', "+")
}

fn count(value: &str) -> Option<u32> {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    // More digits than a number holds are still more than the limit.
    digits.then(|| value.parse::<u32>().map_or(COUNT_MAX, |count| count.min(COUNT_MAX)))
}

/// The names that are known, as errors list them.
fn names<K>(rules: &SearchRules, searchable: &Searchable<K>) -> Vec<&'static str> {
    let common = COMMON.iter().filter(|p| p.roots.include(rules) && (rules.names_of_booking() || means_something(p.key, searchable)));
    searchable.names(rules).chain(common.map(|p| p.name)).collect()
}

/// True when `name` is a name known here, followed by a modifier or a chain that is not.
fn modifies<K>(name: &str, rules: &SearchRules, searchable: &Searchable<K>) -> bool {
    let known = names(rules, searchable);
    name.match_indices(':').any(|(at, _)| name.get(..at).is_some_and(|base| known.contains(&base)))
}

fn unknown<K>(name: &str, rules: &SearchRules, searchable: &Searchable<K>) -> Fault {
    Fault::Parameter(ParameterFault::Unknown { name: quoted(name), accepted: names(rules, searchable) })
}
