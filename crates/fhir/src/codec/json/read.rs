//! JSON to a tree, by the definitions.
//!
//! It knows what FHIR makes of JSON and no resource in particular.
//!
//! Pitfall: a scalar of the wrong sort (`"status": 5`) is kept as it is, because validation will report it; only
//! what has the wrong *shape* is reported here, and an empty element takes its place, so that it is not reported
//! missing as well.

use crate::definitions::{Definitions, Field, Kind, Primitive, Type};
use domain::element::{Element, Foreign, ForeignFormat, Value};
use domain::fault::ProblemKind;

use super::scan::{Json, Member, Node, scan};
use super::{FRAGMENTS, Place, Problems, RESERVED, Read, Unreadable};

/// The resource in a JSON body.
///
/// # Errors
///
/// When the body is no JSON, or no resource of a type the server knows.
pub fn read(bytes: &[u8], definitions: &Definitions) -> Result<Read, Unreadable> {
    resource(bytes, definitions, false)
}

/// The resource in a text of the store: see [`super::FRAGMENTS`].
pub(super) fn read_stored(text: &str, definitions: &Definitions) -> Result<Read, Unreadable> {
    resource(text.as_bytes(), definitions, true)
}

fn resource(bytes: &[u8], definitions: &Definitions, stored: bool) -> Result<Read, Unreadable> {
    let text = super::text_of(bytes)?;
    let node = scan(text)?;
    let Json::Object(members) = &node.value else {
        return Err(Unreadable::at(text, node.at, "the body is not a JSON object; a FHIR resource was expected"));
    };
    let kind = match members.iter().find(|m| m.name == "resourceType") {
        None => return Err(Unreadable::new("the body has no member `resourceType`, which names the resource")),
        Some(Member { node: Node { value: Json::Text(kind), .. }, .. }) => kind,
        Some(member) => return Err(Unreadable::at(text, member.node.at, "`resourceType` is not a string")),
    };
    let Some(ty) = definitions.resource(kind) else {
        return Err(Unreadable::new("`resourceType` names no resource type that is read here"));
    };
    let mut reader = Reader { text, definitions, stored, problems: Problems::default() };
    let mut tree = Element::resource(kind);
    tree.children = reader.members(members, ty, &Place::root(kind));
    Ok(Read { tree, problems: reader.problems.into_vec() })
}

struct Reader<'t, 'd> {
    text: &'t str,
    definitions: &'d Definitions,
    /// Whether this is a text of the store, in which some names are reserved.
    stored: bool,
    problems: Problems,
}

impl<'t> Reader<'t, '_> {
    fn wrong(&mut self, place: &Place<'_>, message: &str) {
        self.problems.add(ProblemKind::Value, place, message);
    }

    /// The children that the members of an object stand for.
    fn members(&mut self, members: &[Member<'t>], ty: &Type, place: &Place<'_>) -> Vec<Element> {
        let mut children = Vec::with_capacity(members.len());
        let twins = members.iter().any(|m| m.name.starts_with('_'));
        let of_resource = matches!(ty.kind, Kind::Resource | Kind::AnyResource) || ty.name == "DomainResource";
        let mut rank = 0;
        for member in members {
            let name = member.name.as_ref();
            if of_resource && name == "resourceType" {
                continue;
            }
            if let Some(field) = ty.field_near(rank, name) {
                rank = field.rank;
                let twin = if twins && has_twin(field, self.definitions) { twin_of(members, field) } else { None };
                self.element(field, Some(&member.node), twin, &place.child(name, None), &mut children);
                continue;
            }
            let plain = name.strip_prefix('_').and_then(|plain| ty.field(plain)).filter(|field| has_twin(field, self.definitions));
            match plain {
                // Already read together with its value.
                Some(field) if members.iter().any(|m| m.name == field.name) => {}
                Some(field) => self.element(field, None, Some(&member.node), &place.child(&field.name, None), &mut children),
                None if self.stored && name == FRAGMENTS => self.fragments(&member.node, &place.child(FRAGMENTS, None), &mut children),
                None => children.push(self.foreign(member)),
            }
        }
        children
    }

    /// An element nobody defined: kept, because a server that does not know it has no right to drop it.
    fn foreign(&self, member: &Member<'t>) -> Element {
        let text = self.text.get(member.node.at..member.node.end).unwrap_or("null").to_owned();
        let value = Some(Value::Foreign(Foreign { format: ForeignFormat::Json, text }));
        let name = member.name.strip_prefix(RESERVED).filter(|_| self.stored).unwrap_or(&member.name);
        Element { value, ..Element::complex(name) }
    }

    /// The unknown elements that came in XML, as the store keeps them.
    fn fragments(&mut self, node: &Node<'t>, place: &Place<'_>, out: &mut Vec<Element>) {
        for item in items(Some(node)).0 {
            let Json::Text(text) = &item.value else { return self.wrong(place, "an XML element was expected, as a string") };
            let name = text.trim_start_matches('<').split([' ', '/', '>']).next().unwrap_or_default();
            let value = Some(Value::Foreign(Foreign { format: ForeignFormat::Xml, text: text.clone().into_owned() }));
            out.push(Element { value, ..Element::complex(name) });
        }
    }

    /// One element with all its repeats.
    fn element(&mut self, field: &Field, value: Option<&Node<'t>>, twin: Option<&Node<'t>>, place: &Place<'_>, out: &mut Vec<Element>) {
        let (values, value_is_array) = items(value);
        let (twins, twin_is_array) = items(twin);
        if field.many {
            if !(value_is_array || value.is_none()) || !(twin_is_array || twin.is_none()) {
                self.wrong(place, "this element repeats, so JSON writes it as an array: [ … ]");
                // Where neither the array nor what belongs in it is there, one problem says enough.
                let fits = matches!(self.definitions.type_of(field).kind, Kind::Primitive(_))
                    || matches!(value.map(|v| &v.value), Some(Json::Object(_)));
                if !fits {
                    return out.push(Element::complex(&field.name));
                }
            } else if values.is_empty() && twins.is_empty() {
                self.wrong(place, "an array is never empty: leave the element out");
                out.push(Element::complex(&field.name));
            }
        } else if value_is_array || twin_is_array {
            self.wrong(place, "this element does not repeat, so JSON writes it without an array");
            if values.is_empty() && twins.is_empty() {
                out.push(Element::complex(&field.name));
            }
        }
        for i in 0..values.len().max(twins.len()) {
            if self.problems.is_full() {
                return;
            }
            let here = if field.many { place.repeat(i) } else { *place };
            let padded = value_is_array || twin_is_array;
            out.push(self.one(field, values.get(i), twins.get(i), padded, &here));
        }
    }

    fn one(&mut self, field: &Field, value: Option<&Node<'t>>, twin: Option<&Node<'t>>, padded: bool, place: &Place<'_>) -> Element {
        let ty = self.definitions.type_of(field);
        if let Kind::Primitive(_) = ty.kind {
            return self.primitive(field, value, twin, padded, place);
        }
        let mut element = Element::complex(&field.name);
        match value.map(|node| &node.value) {
            Some(Json::Object(members)) if ty.kind == Kind::AnyResource => self.inner_resource(&mut element, members, place),
            Some(Json::Object(members)) => element.children = self.members(members, ty, place),
            Some(Json::Null) => self.wrong(place, "`null` is no value: leave the element out"),
            Some(Json::Array(_)) => self.wrong(place, "an array stands in an array; an object was expected: { … }"),
            _ if ty.kind == Kind::AnyResource => self.wrong(place, "a resource was expected, as an object: { \"resourceType\": … }"),
            _ => self.wrong(place, &format!("{} was expected, as an object: {{ … }}", a_type(&ty.name))),
        }
        element
    }

    /// A resource inside another: `contained`, or an entry of a Bundle.
    fn inner_resource(&mut self, element: &mut Element, members: &[Member<'t>], place: &Place<'_>) {
        let kind = members.iter().find(|m| m.name == "resourceType").map(|m| &m.node.value);
        let Some(Json::Text(kind)) = kind else {
            return self.wrong(place, "the resource has no `resourceType`, a string which names its type");
        };
        let Some(ty) = self.definitions.any_resource(kind) else {
            return self.wrong(place, "`resourceType` names no resource type of this FHIR release");
        };
        element.resource = Some(kind.clone().into_owned());
        element.children = self.members(members, ty, place);
    }

    fn primitive(&mut self, field: &Field, value: Option<&Node<'t>>, twin: Option<&Node<'t>>, padded: bool, place: &Place<'_>) -> Element {
        let mut element = Element::complex(&field.name);
        let has_twin = matches!(twin.map(|t| &t.value), Some(Json::Object(_)));
        match value.map(|node| &node.value) {
            None => {}
            Some(Json::Bool(b)) => element.value = Some(Value::Bool(*b)),
            Some(Json::Number(digits)) => element.value = Some(Value::Number((*digits).to_owned())),
            Some(Json::Text(text)) => element.value = Some(Value::Text(text.clone().into_owned())),
            // In an array null only fills the place of a value that has extensions instead.
            Some(Json::Null) if padded && has_twin => {}
            Some(Json::Null) => self.wrong(place, "`null` is no value: leave the element out"),
            Some(Json::Object(_) | Json::Array(_)) => {
                self.wrong(place, &format!("{} was expected, which is a single value", a_type(&self.definitions.type_of(field).name)));
            }
        }
        match twin.map(|t| &t.value) {
            None => {}
            Some(Json::Object(members)) => element.children = self.members(members, self.definitions.of_primitives(), place),
            Some(Json::Null) if padded && element.value.is_some() => {}
            Some(Json::Null) if padded && value.is_some() => {}
            Some(_) => self.wrong(place, &format!("`_{}` holds the id and extensions of the value, as an object: {{ … }}", field.name)),
        }
        element
    }
}

/// The nodes of an array, or the one node there is, and whether it is an array.
fn items<'n, 't>(node: Option<&'n Node<'t>>) -> (&'n [Node<'t>], bool) {
    match node {
        None => (&[], false),
        Some(Node { value: Json::Array(items), .. }) => (items, true),
        Some(single) => (std::slice::from_ref(single), false),
    }
}

fn has_twin(field: &Field, definitions: &Definitions) -> bool {
    // What XML writes as an attribute has no place for extensions, nor has the text of a narrative.
    !field.attribute && matches!(definitions.type_of(field).kind, Kind::Primitive(primitive) if primitive != Primitive::Xhtml)
}

fn twin_of<'n, 't>(members: &'n [Member<'t>], field: &Field) -> Option<&'n Node<'t>> {
    members.iter().find(|m| m.name.strip_prefix('_') == Some(&field.name)).map(|m| &m.node)
}

/// A type as it is named in a sentence.
fn a_type(name: &str) -> String {
    if name.contains('.') {
        return "an element with content of its own".to_owned();
    }
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']) { "an" } else { "a" };
    format!("{article} {name}")
}
