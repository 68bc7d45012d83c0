//! What a FHIR release says of elements: order, cardinality, types, code lists; and what profiles add.
//!
//! The model and its parser, without data: each release brings its tables. Code that reads, writes or checks resources is
//! handed [`Definitions`] and names no element itself. Pitfall: [`Field::many`] is the *base* cardinality, because it decides
//! whether JSON writes an array; a profile that allows one `Slot.identifier` changes nothing about that, and stands in
//! [`Constraint`].

mod parse;

pub use parse::Tables;

use std::collections::{HashMap, HashSet};

use domain::element::{Element, Value};

/// The namespace of every FHIR element in XML.
pub const NAMESPACE: &str = "http://hl7.org/fhir";

/// How far [`Type::field_near`] looks before it searches all names.
const NEAR: usize = 8;

/// What an unresolved type name stands for. The tests prove that no table has one.
static NOTHING: Type = Type { name: String::new(), kind: Kind::Complex, fields: Vec::new(), by_name: Vec::new(), rules: Vec::new() };

/// The definitions of one release, parsed.
#[derive(Debug, Default)]
pub struct Definitions {
    types: Vec<Type>,
    by_name: HashMap<String, usize>,
    lists: Vec<CodeList>,
    profiles: HashMap<&'static str, Constraint>,
    /// The elements that the release marks as summary.
    summaries: HashMap<&'static str, Vec<&'static str>>,
    resource_names: HashSet<&'static str>,
    /// What every primitive may have beside its value; found once, because it is asked for with nearly every value.
    of_primitives: usize,
    /// Rows that could not be understood; a test of each release demands that there are none.
    faults: Vec<String>,
}

/// A resource, a datatype, or the anonymous type of an element with content of its own.
#[derive(Debug)]
pub struct Type {
    /// `Appointment`, `Identifier`, `string`, `Appointment.participant`.
    pub name: String,
    /// What sort of type.
    pub kind: Kind,
    /// Its elements in official order; a choice `value[x]` is one field per type.
    pub fields: Vec<Field>,
    /// Element names in bytewise order, each with its place in `fields`.
    by_name: Vec<(String, usize)>,
    /// Invariants on every value of this type.
    pub rules: Vec<Rule>,
}

/// Sorts of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A value; it may have an `id` and extensions too.
    Primitive(Primitive),
    /// A datatype or a part of a resource.
    Complex,
    /// A resource with a definition of its own.
    Resource,
    /// Any resource: what `contained` holds.
    AnyResource,
}

/// The primitive types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Primitive {
    /// `true` or `false`.
    Boolean,
    /// A signed whole number of 32 bits.
    Integer,
    /// A whole number from 0.
    UnsignedInt,
    /// A whole number from 1.
    PositiveInt,
    /// A decimal whose digits count.
    Decimal,
    /// Text.
    String,
    /// Text with markup.
    Markdown,
    /// A URI.
    Uri,
    /// A URI of the form `urn:oid:…`.
    Oid,
    /// A logical id.
    Id,
    /// A code.
    Code,
    /// Bytes in base 64.
    Base64,
    /// A point in time with zone.
    Instant,
    /// A date, or a date and time.
    DateTime,
    /// A date, or a month or year.
    Date,
    /// A time of day.
    Time,
    /// The content of a narrative.
    Xhtml,
}

/// How JSON writes a primitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonForm {
    /// As a string.
    Text,
    /// As a number.
    Number,
    /// As `true` or `false`.
    Bool,
}

/// One element of a type.
#[derive(Debug)]
pub struct Field {
    /// Name on the wire: `status`, `valueCode`.
    pub name: String,
    /// The element as defined: `status`, `value[x]`. Cardinality is counted per element, not per name.
    pub element: String,
    /// Where it is defined: `Appointment.status`, also of a type that inherits it.
    path: &'static str,
    /// Place among the fields; what writers sort by.
    pub rank: usize,
    /// Place among the elements: the same for every type of a choice.
    pub order: usize,
    /// How many there are at least, in the base definition.
    pub min: u32,
    /// Whether the base definition allows several. Then JSON writes an array, however many there are.
    pub many: bool,
    /// Whether XML writes the value as an attribute (`id` of datatypes, `url` of extensions).
    pub attribute: bool,
    /// The codes that are allowed, where the binding is required and its list small.
    codes: Option<usize>,
    /// Invariants on this element.
    pub rules: Vec<Rule>,
    /// The types a reference may lead to; none when it may lead anywhere.
    pub targets: Vec<&'static str>,
    ty: usize,
}

/// A rule between elements, by its name in the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A participant has a type or an actor.
    App1,
    /// Start and end stand together.
    App2,
    /// Only proposed and cancelled appointments lack start and end.
    App3,
    /// A period starts before it ends.
    Per1,
    /// A contact value has a system.
    Cpt2,
    /// A local reference leads to a contained resource.
    Ref1,
    /// A patient's contact has details.
    Pat1,
    /// Attached data has a content type.
    Att1,
    /// An extension has a value or extensions, not both.
    Ext1,
    /// An organisation has a name or an identifier.
    Org1,
    /// An organisation's address is no home.
    Org2,
    /// An organisation's telephone is not at home.
    Org3,
    /// A coded unit names its system.
    Qty3,
}

/// The codes of a required binding.
#[derive(Debug, PartialEq, Eq)]
pub struct CodeList {
    /// The last part of the value set's URL.
    pub name: &'static str,
    /// The code system, where a `Coding` or `CodeableConcept` is bound.
    pub system: Option<&'static str>,
    /// The codes.
    pub codes: Vec<&'static str>,
}

/// What a profile demands of an element beyond the base definition.
#[derive(Debug, Default)]
pub struct Constraint {
    /// The element (or the name on the wire, of a choice).
    pub name: &'static str,
    /// How many there are at least.
    pub min: u32,
    /// How many there are at most; `None` when the profile does not say.
    pub max: Option<u32>,
    /// The codes that are allowed.
    codes: Option<usize>,
    /// Of a choice (`value[x]`), the names on the wire that are allowed; none when all are.
    pub only: Vec<&'static str>,
    /// Demands on its children.
    pub children: Vec<Constraint>,
    /// Demands on some of its repeats.
    pub slices: Vec<Slice>,
}

/// Those repeats of an element in which one value is fixed.
#[derive(Debug)]
pub struct Slice {
    /// Its name in the profile: `nhsNumber`.
    pub name: &'static str,
    /// Dotted path of the discriminator, from the element: `system`.
    pub path: &'static str,
    /// The value it has in this slice.
    pub value: &'static str,
    /// How many, and demands on their children.
    pub constraint: Constraint,
}

impl Type {
    /// A type that has nothing: what stands around a resource in XML.
    pub fn without_elements() -> &'static Self {
        &NOTHING
    }

    /// The element of that name on the wire.
    pub fn field(&self, name: &str) -> Option<&Field> {
        let at = self.by_name.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        self.by_name.get(at).and_then(|(_, place)| self.fields.get(*place))
    }

    /// The element of that name on the wire, looked for where it most likely stands: `rank` is that of its last sibling,
    /// and siblings come in official order nearly always. A guess that is right is cheaper than any search.
    pub fn field_near(&self, rank: usize, name: &str) -> Option<&Field> {
        let near = self.fields.get(rank..).and_then(|rest| rest.iter().take(NEAR).find(|field| field.name == name));
        near.or_else(|| self.field(name))
    }

    /// The children of `element` that this type defines, in official order; repeats in their own.
    pub fn arranged<'e>(&self, element: &'e Element) -> Vec<(&Field, &'e Element)> {
        let mut rank = 0;
        let mut known = Vec::with_capacity(element.children.len());
        for child in &element.children {
            if let Some(field) = self.field_near(rank, &child.name) {
                rank = field.rank;
                known.push((field, child));
            }
        }
        // Whoever builds a tree from parts that do not exist would lose them without a word.
        let is_foreign = |child: &Element| matches!(child.value, Some(Value::Foreign(_)));
        debug_assert!(
            element.children.iter().all(|child| is_foreign(child) || self.field(&child.name).is_some()),
            "a child of {} has no definition",
            self.name
        );
        known.retain(|(_, child)| !is_foreign(child));
        known.sort_by_key(|(field, _)| field.rank);
        known
    }
}

impl Primitive {
    /// How JSON writes values of this type.
    pub const fn json(self) -> JsonForm {
        match self {
            Self::Boolean => JsonForm::Bool,
            Self::Integer | Self::UnsignedInt | Self::PositiveInt | Self::Decimal => JsonForm::Number,
            _ => JsonForm::Text,
        }
    }
}

impl Definitions {
    /// The definition of a resource type the server knows in full.
    pub fn resource(&self, name: &str) -> Option<&Type> {
        self.named(name).filter(|ty| ty.kind == Kind::Resource)
    }

    /// The definition of a resource type; of the release's other types, what all resources have in common.
    ///
    /// `None` when the release has no such type.
    pub fn any_resource(&self, name: &str) -> Option<&Type> {
        self.resource(name).or_else(|| if self.resource_names.contains(name) { self.named("DomainResource") } else { None })
    }

    /// The definition of a datatype: `Identifier`, `string`, `BackboneElement`.
    pub fn datatype(&self, name: &str) -> Option<&Type> {
        self.named(name).filter(|ty| matches!(ty.kind, Kind::Primitive(_) | Kind::Complex))
    }

    /// What every primitive may have beside its value: `id` and `extension`.
    pub fn of_primitives(&self) -> &Type {
        self.types.get(self.of_primitives).unwrap_or(&NOTHING)
    }

    /// What the profile of a resource type demands.
    pub fn profile(&self, resource: &str) -> Option<&Constraint> {
        self.profiles.get(resource)
    }

    /// The elements that the release marks as summary of a resource type.
    pub fn summary(&self, resource: &str) -> &[&'static str] {
        self.summaries.get(resource).map_or(&[], Vec::as_slice)
    }

    /// All of those, by resource type.
    pub fn summaries(&self) -> impl Iterator<Item = (&'static str, &[&'static str])> {
        self.summaries.iter().map(|(kind, names)| (*kind, names.as_slice()))
    }

    /// The names of all types that have a profile.
    pub fn profiled(&self) -> impl Iterator<Item = &'static str> {
        self.profiles.keys().copied()
    }

    /// The type of an element.
    pub fn type_of(&self, field: &Field) -> &Type {
        self.types.get(field.ty).unwrap_or(&NOTHING)
    }

    /// The codes that an element may have, where the list is known.
    pub fn codes_of(&self, field: &Field) -> Option<&CodeList> {
        field.codes.and_then(|at| self.lists.get(at))
    }

    /// The codes that a profile allows, where the list is known.
    pub fn codes_allowed(&self, constraint: &Constraint) -> Option<&CodeList> {
        constraint.codes.and_then(|at| self.lists.get(at))
    }

    /// Every type.
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    /// Rows of the tables that could not be understood.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    fn named(&self, name: &str) -> Option<&Type> {
        self.by_name.get(name).and_then(|at| self.types.get(*at))
    }
}
