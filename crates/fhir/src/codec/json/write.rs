//! A tree to JSON, by the definitions.
//!
//! It knows what FHIR makes of JSON and no resource in particular. Children stand in a tree in any order; they are
//! written in the order of their definition, repeats in their own.

use crate::definitions::{Definitions, Field, Kind, Type};
use domain::element::{Element, Foreign, ForeignFormat, Value};

use super::{FRAGMENTS, RESERVED};

/// The JSON of a resource, without needless space.
pub fn write(tree: &Element, definitions: &Definitions) -> String {
    let mut writer = Writer { definitions, out: String::with_capacity(4096), indent: None, stored: false };
    writer.resource(tree);
    writer.out
}

/// The JSON of a resource as the store keeps it: see [`super::FRAGMENTS`].
pub fn write_stored(tree: &Element, definitions: &Definitions) -> String {
    let mut writer = Writer { definitions, out: String::with_capacity(4096), indent: None, stored: true };
    writer.resource(tree);
    writer.out
}

/// The JSON of a resource, for people: two spaces a level.
pub fn write_pretty(tree: &Element, definitions: &Definitions) -> String {
    let mut writer = Writer { definitions, out: String::with_capacity(8192), indent: Some(0), stored: false };
    writer.resource(tree);
    writer.out.push('\n');
    writer.out
}

struct Writer<'d> {
    definitions: &'d Definitions,
    out: String,
    /// The level, when lines are broken.
    indent: Option<usize>,
    /// Whether unknown elements that came in XML are written as well.
    stored: bool,
}

impl<'d> Writer<'d> {
    fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        self.indent = self.indent.map(|level| level + 1);
    }

    fn close(&mut self, bracket: char, empty: bool) {
        self.indent = self.indent.map(|level| level.saturating_sub(1));
        if !empty {
            self.line();
        }
        self.out.push(bracket);
    }

    fn line(&mut self) {
        if let Some(level) = self.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", level));
        }
    }

    /// Between members or items.
    fn next(&mut self, first: &mut bool) {
        if !std::mem::replace(first, false) {
            self.out.push(',');
        }
        self.line();
    }

    fn member(&mut self, prefix: &str, name: &str, first: &mut bool) {
        self.next(first);
        self.out.push('"');
        self.out.push_str(prefix);
        push_escaped(&mut self.out, name);
        self.out.push_str(if self.indent.is_some() { "\": " } else { "\":" });
    }

    fn resource(&mut self, element: &Element) {
        let kind = element.kind().unwrap_or_default();
        let ty = self.definitions.any_resource(kind).unwrap_or_else(|| self.definitions.of_primitives());
        self.open('{');
        let mut first = true;
        if !kind.is_empty() {
            self.member("", "resourceType", &mut first);
            self.text(kind);
        }
        self.members(element, ty, &mut first);
        self.close('}', first);
    }

    fn object(&mut self, element: &Element, ty: &Type) {
        self.open('{');
        let mut first = true;
        self.members(element, ty, &mut first);
        self.close('}', first);
    }

    fn members(&mut self, element: &Element, ty: &Type, first: &mut bool) {
        let mut known = ty.arranged(element);
        // An element with nothing in it but what only XML can say would stand empty, which FHIR forbids (ele-1).
        known.retain(|(_, child)| self.stored || child.is_writable_in(ForeignFormat::Json));
        for repeats in known.chunk_by(|a, b| a.0.rank == b.0.rank) {
            if let Some((field, _)) = repeats.first() {
                self.element(field, repeats, first);
            }
        }
        for child in &element.children {
            if let Some(Value::Foreign(Foreign { format: ForeignFormat::Json, text })) = &child.value {
                let apart = if self.stored && child.name.starts_with(RESERVED) { "~" } else { "" };
                self.member(apart, &child.name, first);
                self.out.push_str(text);
            }
        }
        if self.stored {
            self.fragments(element, first);
        }
    }

    /// The unknown elements that came in XML.
    fn fragments(&mut self, element: &Element, first: &mut bool) {
        let mut first_of_all = true;
        for child in &element.children {
            if let Some(Value::Foreign(Foreign { format: ForeignFormat::Xml, text })) = &child.value {
                if first_of_all {
                    self.member("", FRAGMENTS, first);
                    self.open('[');
                }
                self.next(&mut first_of_all);
                self.text(text);
            }
        }
        if !first_of_all {
            self.close(']', false);
        }
    }

    /// Whether something stands beside the value of a primitive: its id, its extensions.
    fn has_twin(&self, element: &Element) -> bool {
        !element.children.is_empty() && (self.stored || element.children.iter().any(|child| child.is_writable_in(ForeignFormat::Json)))
    }

    /// One element with all its repeats.
    fn element(&mut self, field: &Field, repeats: &[(&Field, &Element)], first: &mut bool) {
        // Too many of an element that does not repeat is a mistake of the code that built the tree; nothing is lost here.
        let as_array = field.many || repeats.len() > 1;
        let ty = self.definitions.type_of(field);
        if !matches!(ty.kind, Kind::Primitive(_)) {
            self.member("", &field.name, first);
            self.list(repeats, as_array, |writer, element| match ty.kind {
                Kind::AnyResource => writer.resource(element),
                _ => writer.object(element, ty),
            });
            return;
        }
        let twins = repeats.iter().any(|(_, element)| self.has_twin(element));
        if repeats.iter().any(|(_, element)| element.value.is_some()) || !twins {
            self.member("", &field.name, first);
            self.list(repeats, as_array, |writer, element| writer.value(element.value.as_ref()));
        }
        if twins {
            self.member("_", &field.name, first);
            self.list(repeats, as_array, |writer, element| {
                if writer.has_twin(element) {
                    writer.object(element, writer.definitions.of_primitives());
                } else {
                    writer.out.push_str("null");
                }
            });
        }
    }

    fn list(&mut self, repeats: &[(&Field, &Element)], as_array: bool, mut item: impl FnMut(&mut Self, &Element)) {
        if !as_array {
            for (_, element) in repeats {
                item(self, element);
            }
            return;
        }
        self.open('[');
        let mut first = true;
        for (_, element) in repeats {
            self.next(&mut first);
            item(self, element);
        }
        self.close(']', first);
    }

    fn value(&mut self, value: Option<&Value>) {
        match value {
            Some(Value::Text(text)) => self.text(text),
            // What is no number would make the whole text unreadable.
            Some(Value::Number(digits)) if super::is_number(digits) => self.out.push_str(digits),
            Some(Value::Number(other)) => self.text(other),
            Some(Value::Bool(b)) => self.out.push_str(if *b { "true" } else { "false" }),
            Some(Value::Foreign(_)) | None => self.out.push_str("null"),
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        push_escaped(&mut self.out, text);
        self.out.push('"');
    }
}

/// `text` as it stands inside quotation marks.
pub fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| b < 0x20 || b == b'"' || b == b'\\') {
        let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut chars = from.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(control) => {
                let code = u32::from(control);
                out.push_str("\\u00");
                out.extend([code >> 4, code & 15].iter().filter_map(|digit| char::from_digit(*digit, 16)));
            }
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}
