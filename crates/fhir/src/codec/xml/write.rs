//! A tree to XML, by the definitions.
//!
//! It knows what FHIR makes of XML and no resource in particular. XML cannot hold every character, not even
//! escaped; what it cannot hold is written as U+FFFD, so that the document stays one. A tree that passed validation
//! has no such character.

use crate::definitions::{Definitions, Kind, NAMESPACE, Primitive, Type};
use domain::element::{Element, Foreign, ForeignFormat, Value};

use super::narrative::XHTML;

/// The XML of a resource, without needless space.
pub fn write(tree: &Element, definitions: &Definitions) -> String {
    document(tree, definitions, None)
}

/// The XML of a resource as it stands inside another: without declaration and namespace.
pub fn write_inside(tree: &Element, definitions: &Definitions) -> String {
    let mut writer = Writer { definitions, out: String::with_capacity(2048), indent: None };
    writer.resource(tree, None);
    writer.out
}

/// The XML of a resource, for people: two spaces a level.
pub fn write_pretty(tree: &Element, definitions: &Definitions) -> String {
    document(tree, definitions, Some(0))
}

fn document(tree: &Element, definitions: &Definitions, indent: Option<usize>) -> String {
    let mut writer = Writer { definitions, out: String::with_capacity(4096), indent };
    writer.out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    writer.resource(tree, Some(NAMESPACE));
    if indent.is_some() {
        writer.out.push('\n');
    }
    writer.out
}

struct Writer<'d> {
    definitions: &'d Definitions,
    out: String,
    /// The level, when lines are broken.
    indent: Option<usize>,
}

impl<'d> Writer<'d> {
    fn line(&mut self) {
        if let Some(level) = self.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", level));
        }
    }

    /// `<name`, to be followed by attributes.
    fn open(&mut self, name: &str) {
        self.line();
        self.out.push('<');
        self.out.push_str(name);
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        push_escaped(&mut self.out, value);
        self.out.push('"');
    }

    /// Ends the tag, writes what is inside, and closes the element.
    fn inside(&mut self, name: &str, empty: bool, content: impl FnOnce(&mut Self)) {
        if empty {
            return self.out.push_str("/>");
        }
        self.out.push('>');
        self.indent = self.indent.map(|level| level + 1);
        content(self);
        self.indent = self.indent.map(|level| level.saturating_sub(1));
        self.line();
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn resource(&mut self, element: &Element, namespace: Option<&str>) {
        let kind = element.kind().unwrap_or(&element.name);
        let ty = self.definitions.any_resource(kind).unwrap_or_else(|| self.definitions.of_primitives());
        self.open(kind);
        if let Some(namespace) = namespace {
            self.attribute("xmlns", namespace);
        }
        self.complex(element, kind, ty, None);
    }

    /// Attributes and content of an element whose tag is open.
    fn complex(&mut self, element: &Element, name: &str, ty: &Type, value: Option<&str>) {
        let mut children = ty.arranged(element);
        // An element with nothing in it but what only JSON can say would stand empty, which FHIR forbids (ele-1).
        children.retain(|(_, child)| child.is_writable_in(ForeignFormat::Xml));
        let fragments: Vec<&str> = element.children.iter().filter_map(fragment_of).collect();
        let mut written = None;
        for (field, child) in children.iter().filter(|(field, _)| field.attribute) {
            // An attribute cannot stand twice.
            if written != Some(field.rank) {
                self.attribute(&field.name, text_of(child));
            }
            written = Some(field.rank);
        }
        if let Some(value) = value {
            self.attribute("value", value);
        }
        let empty = fragments.is_empty() && children.iter().all(|(field, _)| field.attribute);
        self.inside(name, empty, |writer| {
            for (field, child) in children.iter().filter(|(field, _)| !field.attribute) {
                writer.element(child, &field.name, writer.definitions.type_of(field));
            }
            for fragment in &fragments {
                writer.line();
                writer.out.push_str(fragment);
            }
        });
    }

    fn element(&mut self, element: &Element, name: &str, ty: &Type) {
        match ty.kind {
            Kind::Primitive(Primitive::Xhtml) => self.narrative(text_of(element)),
            Kind::AnyResource => {
                self.open(name);
                self.inside(name, element.resource.is_none(), |writer| writer.resource(element, None));
            }
            Kind::Primitive(_) => {
                self.open(name);
                let value = element.value.as_ref().map(|_| text_of(element));
                self.complex(element, name, self.definitions.of_primitives(), value);
            }
            Kind::Complex | Kind::Resource => {
                self.open(name);
                self.complex(element, name, ty, None);
            }
        }
    }

    /// The text of a narrative stands as it is, if it can: it may have come from anywhere.
    fn narrative(&mut self, text: &str) {
        self.line();
        if super::narrative::fault(text).is_none() {
            return self.out.push_str(text);
        }
        self.out.push_str("<div");
        self.attribute("xmlns", XHTML);
        self.out.push('>');
        push_escaped(&mut self.out, text);
        self.out.push_str("</div>");
    }
}

/// The text of an unknown element that came in XML; the reader made it fit to stand anywhere in a document of ours.
fn fragment_of(element: &Element) -> Option<&str> {
    match &element.value {
        Some(Value::Foreign(Foreign { format: ForeignFormat::Xml, text })) => Some(text),
        _ => None,
    }
}

fn text_of(element: &Element) -> &str {
    match &element.value {
        Some(Value::Text(text) | Value::Number(text)) => text,
        Some(Value::Bool(true)) => "true",
        Some(Value::Bool(false)) => "false",
        Some(Value::Foreign(_)) | None => "",
    }
}

/// `text` as it may stand in an attribute, or between tags. Line breaks and tabs are escaped, because readers turn bare
/// ones into spaces.
pub fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    // What XML cannot hold above the control characters begins with the byte EF: U+FFFE and U+FFFF.
    while let Some(at) = rest.bytes().position(|b| b < 0x20 || matches!(b, b'&' | b'<' | b'>' | b'"' | 0xef)) {
        let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut chars = from.chars();
        match chars.next() {
            Some('&') => out.push_str("&amp;"),
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            Some('"') => out.push_str("&quot;"),
            Some('\t') => out.push_str("&#9;"),
            Some('\n') => out.push_str("&#10;"),
            Some('\r') => out.push_str("&#13;"),
            Some(c) if super::is_xml_char(c) => out.push(c),
            Some(_) => out.push('\u{fffd}'),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}
