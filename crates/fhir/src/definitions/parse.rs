//! Turns the tables into definitions, once.
//!
//! It knows the shape of the tables and nothing of what is in them. A row it cannot understand is not
//! fatal: it is listed in [`Definitions::faults`], and a test of each release demands that none is.

use super::{CodeList, Constraint, Definitions, Field, Kind, Primitive, Rule, Slice, Type};
use std::collections::HashMap;

/// The tables of one release, as text: tab-separated rows, `#` for comments.
#[derive(Debug, Clone, Copy)]
pub struct Tables {
    /// Datatypes, an element a row.
    pub datatypes: &'static str,
    /// What resources are made of.
    pub infrastructure: &'static str,
    /// Resources, an element a row.
    pub resources: &'static str,
    /// What profiles demand.
    pub profiles: &'static str,
    /// Code lists of required bindings.
    pub codes: &'static str,
    /// The types to which references may lead.
    pub references: &'static str,
    /// The elements of each resource type that are its summary.
    pub summaries: &'static str,
    /// The names of all resource types of the release.
    pub resource_types: &'static str,
}

const PRIMITIVES: [(&str, Primitive); 17] = [
    ("boolean", Primitive::Boolean),
    ("integer", Primitive::Integer),
    ("unsignedInt", Primitive::UnsignedInt),
    ("positiveInt", Primitive::PositiveInt),
    ("decimal", Primitive::Decimal),
    ("string", Primitive::String),
    ("markdown", Primitive::Markdown),
    ("uri", Primitive::Uri),
    ("oid", Primitive::Oid),
    ("id", Primitive::Id),
    ("code", Primitive::Code),
    ("base64Binary", Primitive::Base64),
    ("instant", Primitive::Instant),
    ("dateTime", Primitive::DateTime),
    ("date", Primitive::Date),
    ("time", Primitive::Time),
    ("xhtml", Primitive::Xhtml),
];

const RULES: [(&str, Rule); 13] = [
    ("app-1", Rule::App1),
    ("app-2", Rule::App2),
    ("app-3", Rule::App3),
    ("per-1", Rule::Per1),
    ("cpt-2", Rule::Cpt2),
    ("ref-1", Rule::Ref1),
    ("pat-1", Rule::Pat1),
    ("att-1", Rule::Att1),
    ("ext-1", Rule::Ext1),
    ("org-1", Rule::Org1),
    ("org-2", Rule::Org2),
    ("org-3", Rule::Org3),
    ("qty-3", Rule::Qty3),
];

/// The base type of a resource.
const RESOURCE_BASES: [&str; 2] = ["Resource", "DomainResource"];

/// One row of a table of definitions.
#[derive(Clone, Copy)]
struct Row {
    path: &'static str,
    /// Cardinality; of a type's own row, what it extends.
    second: &'static str,
    types: &'static str,
    codes: &'static str,
    rules: &'static str,
}

impl Definitions {
    /// Parses the tables of a release.
    pub fn parse(tables: &Tables) -> Self {
        let mut parsed = Self { resource_names: tables.resource_types.split_whitespace().collect(), ..Self::default() };
        for columns in rows(tables.codes) {
            let [name, system, codes, ..] = columns;
            let system = Some(system).filter(|s| *s != "-");
            parsed.lists.push(CodeList { name, system, codes: codes.split(' ').collect() });
        }
        for (name, primitive) in PRIMITIVES {
            add_type(&mut parsed, name, Kind::Primitive(primitive), "");
        }
        let definitions = [tables.datatypes, tables.infrastructure, tables.resources];
        let rows: Vec<Row> = definitions.into_iter().flat_map(definition_rows).collect();
        // Every name first, so that a type may be used in a row before its own.
        for row in &rows {
            declare(&mut parsed, *row);
        }
        for row in rows.iter().filter(|row| !row.path.contains('.')) {
            fill(&mut parsed, &rows, row.path);
        }
        add_targets(&mut parsed, tables.references);
        for columns in self::rows(tables.profiles) {
            add_constraint(&mut parsed, columns);
        }
        parsed.summaries = self::rows(tables.summaries).map(|[kind, names, ..]| (kind, names.split(' ').collect())).collect();
        match parsed.by_name.get("Element") {
            Some(at) => parsed.of_primitives = *at,
            None => parsed.faults.push("no row defines Element".to_owned()),
        }
        parsed
    }
}

fn rows(text: &'static str) -> impl Iterator<Item = [&'static str; 5]> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(|line| {
        let mut columns = line.split('\t');
        std::array::from_fn(|_| columns.next().unwrap_or_default())
    })
}

fn definition_rows(text: &'static str) -> impl Iterator<Item = Row> {
    rows(text).map(|[path, second, types, codes, rules]| Row { path, second, types, codes, rules })
}

fn declare(table: &mut Definitions, row: Row) {
    if !row.path.contains('.') {
        let kind = match row.second {
            "-" if row.path == "Resource" => Kind::AnyResource,
            base if RESOURCE_BASES.contains(&base) && !RESOURCE_BASES.contains(&row.path) => Kind::Resource,
            _ => Kind::Complex,
        };
        add_type(table, row.path, kind, row.rules);
    } else if matches!(row.types, "BackboneElement" | "Element") {
        add_type(table, row.path, Kind::Complex, "");
    }
}

fn add_type(table: &mut Definitions, name: &str, kind: Kind, rules: &str) {
    let rules = parse_rules(table, rules);
    let ty = Type { name: name.to_owned(), kind, fields: Vec::new(), by_name: Vec::new(), rules };
    if table.by_name.insert(name.to_owned(), table.types.len()).is_some() {
        table.faults.push(format!("type {name} is defined twice"));
    }
    table.types.push(ty);
}

fn parse_rules(table: &mut Definitions, names: &str) -> Vec<Rule> {
    let mut rules = Vec::new();
    for name in names.split_whitespace() {
        match RULES.iter().find(|(known, _)| *known == name) {
            Some((_, rule)) => rules.push(*rule),
            None => table.faults.push(format!("rule {name} is not known")),
        }
    }
    rules
}

/// The rows that make up a type: its bases' first, then its own.
fn rows_of(table: &mut Definitions, rows: &[Row], name: &str) -> Vec<Row> {
    let own = rows.iter().find(|row| row.path == name);
    let base = match own {
        Some(row) if row.path.contains('.') => row.types,
        Some(row) => row.second,
        None => {
            table.faults.push(format!("no row defines {name}"));
            "-"
        }
    };
    let mut found = if base == "-" { Vec::new() } else { rows_of(table, rows, base) };
    found.extend(rows.iter().filter(|row| row.path.rsplit_once('.').is_some_and(|(parent, _)| parent == name)));
    found
}

/// Gives the type `name` its fields, and the types of its parts theirs.
fn fill(table: &mut Definitions, rows: &[Row], name: &str) {
    let mut fields: Vec<Field> = Vec::new();
    for (order, row) in rows_of(table, rows, name).into_iter().enumerate() {
        let own = row.path.rsplit_once('.').is_some_and(|(parent, _)| parent == name);
        if own && matches!(row.types, "BackboneElement" | "Element") {
            fill(table, rows, row.path);
        }
        add_fields(table, &mut fields, order, row);
    }
    let mut by_name: Vec<(String, usize)> = fields.iter().map(|f| (f.name.clone(), f.rank)).collect();
    by_name.sort();
    let rules = inherited_rules(table, rows, name);
    let place = table.by_name.get(name).copied();
    if let Some(ty) = place.and_then(|at| table.types.get_mut(at)) {
        ty.fields = fields;
        ty.by_name = by_name;
        ty.rules = rules;
    }
}

/// A type's own rules and those of what it extends: `Duration` is a Quantity.
fn inherited_rules(table: &mut Definitions, rows: &[Row], name: &str) -> Vec<Rule> {
    let Some(row) = rows.iter().find(|row| row.path == name && !row.path.contains('.')) else { return Vec::new() };
    let mut rules = if row.second == "-" { Vec::new() } else { inherited_rules(table, rows, row.second) };
    rules.extend(parse_rules(table, row.rules));
    rules
}

fn add_fields(table: &mut Definitions, fields: &mut Vec<Field>, order: usize, row: Row) {
    let element = row.path.rsplit_once('.').map_or(row.path, |(_, name)| name);
    let Some((min, max)) = row.second.split_once("..") else {
        table.faults.push(format!("{} has no cardinality", row.path));
        return;
    };
    let rules = parse_rules(table, row.rules);
    let codes = list_place(table, row.codes);
    for type_name in row.types.split('|') {
        let attribute = type_name.starts_with('@');
        let bare = type_name.trim_start_matches('@');
        let target = match bare {
            "BackboneElement" | "Element" => row.path,
            other => other.trim_start_matches('='),
        };
        let Some(ty) = table.by_name.get(target).copied() else {
            table.faults.push(format!("{}: no type {target}", row.path));
            continue;
        };
        let name = element.strip_suffix("[x]").map_or_else(|| element.to_owned(), |stem| format!("{stem}{}", capitalised(bare)));
        let element = element.to_owned();
        let min = min.parse().unwrap_or_default();
        let (rank, many, rules, targets) = (fields.len(), max == "*", rules.clone(), Vec::new());
        fields.push(Field { name, element, path: row.path, rank, order, min, many, attribute, codes, rules, targets, ty });
    }
}

/// Adds the types to which references may lead; a row names an element by the type that defines it.
fn add_targets(table: &mut Definitions, references: &'static str) {
    let rows: HashMap<&str, Vec<&'static str>> = rows(references).map(|[of, types, ..]| (of, types.split(' ').collect())).collect();
    for field in table.types.iter_mut().flat_map(|ty| ty.fields.iter_mut()) {
        if let Some(targets) = rows.get(field.path) {
            field.targets.clone_from(targets);
        }
    }
}

fn list_place(table: &mut Definitions, name: &str) -> Option<usize> {
    if name.is_empty() {
        return None;
    }
    let place = table.lists.iter().position(|list| list.name == name);
    if place.is_none() {
        table.faults.push(format!("no code list {name}"));
    }
    place
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Adds one row of the profiles: walks to the constraint its path names, making what is not there yet.
fn add_constraint(table: &mut Definitions, [path, cardinality, discriminator, codes, _]: [&'static str; 5]) {
    let codes = list_place(table, codes);
    let is_choice = path.ends_with("[x]");
    let mut steps = path.split('.');
    let Some(resource) = steps.next() else { return };
    let mut steps = steps.peekable();
    let mut node = table.profiles.entry(resource).or_insert_with(|| Constraint { name: resource, ..Constraint::default() });
    while let Some(step) = steps.next() {
        let (name, slice) = step.split_once(':').map_or((step, None), |(name, slice)| (name, Some(slice)));
        let at = find_or_add(&mut node.children, |c| c.name == name, || Constraint { name, ..Constraint::default() });
        let Some(child) = node.children.get_mut(at) else { return };
        node = child;
        if let Some(slice_name) = slice {
            let Some((path, value)) = discriminator.split_once('=').or_else(|| steps.peek().map(|_| ("", ""))) else { return };
            let fresh = || Slice { name: slice_name, path, value, constraint: Constraint { name, ..Constraint::default() } };
            let at = find_or_add(&mut node.slices, |s| s.name == slice_name, fresh);
            let Some(found) = node.slices.get_mut(at) else { return };
            node = &mut found.constraint;
        }
    }
    let Some((min, max)) = cardinality.split_once("..") else {
        table.faults.push(format!("profile row {path} has no cardinality"));
        return;
    };
    node.min = min.parse().unwrap_or_default();
    node.max = max.parse().ok();
    node.codes = codes;
    if is_choice {
        node.only = discriminator.split(' ').collect();
    }
}

fn find_or_add<T>(list: &mut Vec<T>, is_it: impl Fn(&T) -> bool, fresh: impl FnOnce() -> T) -> usize {
    list.iter().position(is_it).unwrap_or_else(|| {
        list.push(fresh());
        list.len() - 1
    })
}
