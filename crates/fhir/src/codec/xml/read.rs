//! XML to a tree, by the definitions.
//!
//! It knows what FHIR makes of XML and no resource in particular.
//!
//! Pitfall: the depth that is counted is that of the same resource in JSON, because what is read here is kept as
//! JSON, and must be readable then.

mod fragment;

use std::borrow::Cow;

use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesPI, BytesStart, Event};
use quick_xml::name::{NamespaceResolver, QName, ResolveResult};
use quick_xml::reader::Reader as Events;

use crate::codec::json::{self, DEPTH_MAX, Place, Problems, Read, Unreadable};
use crate::definitions::{Definitions, Field, JsonForm, Kind, NAMESPACE, Primitive, Type};
use domain::element::{Element, Value};
use domain::fault::ProblemKind;

use super::is_xml_text;
use super::narrative::XHTML;

/// The namespace whose attributes point validating readers to a schema.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// The longest name that is repeated in a message.
const NAME_SHOWN_MAX: usize = 64;

/// The resource in an XML body.
///
/// # Errors
///
/// When the body is not well formed, an element stands where the schema has no place for it, or there is no
/// resource of a type the server knows.
pub fn read(bytes: &[u8], definitions: &Definitions) -> Result<Read, Unreadable> {
    let text = json::text_of(bytes)?;
    let mut reader = Reader::of(text, definitions);
    if text.starts_with('\u{feff}') {
        // The events would come without it, and from then on not from where they seem to.
        return Err(reader.wrong("a second byte order mark stands where a FHIR resource was expected"));
    }
    let Token::Open(tag) = reader.next()? else { return Err(reader.wrong("a FHIR resource was expected")) };
    if tag.space != Space::Fhir {
        return Err(reader.wrong(&format!("the root element is not in the namespace {NAMESPACE}")));
    }
    let Some(ty) = definitions.resource(tag.name) else {
        return Err(reader.wrong("the root element names no resource type that is read here"));
    };
    let mut tree = Element::resource(tag.name);
    reader.attributes(&tag, ty, true, &mut tree)?;
    reader.content(&tag, ty, 1, &Place::root(tag.name), &mut tree)?;
    match reader.next()? {
        Token::End => Ok(Read { tree, problems: reader.problems.into_vec() }),
        _ => Err(reader.wrong("nothing may follow the resource")),
    }
}

/// Namespaces that mean something to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Space {
    Fhir,
    Xhtml,
    Other,
}

/// The tag of an element that was opened.
struct Tag<'t> {
    /// Its name, without prefix.
    name: &'t str,
    space: Space,
    start: BytesStart<'t>,
    /// True when the tag closes itself.
    empty: bool,
}

enum Token<'t> {
    Open(Tag<'t>),
    Close,
    End,
}

struct Reader<'t, 'd> {
    text: &'t str,
    definitions: &'d Definitions,
    events: Events<&'t [u8]>,
    /// The namespaces declared so far, by all elements that are open.
    spaces: NamespaceResolver,
    /// How many elements are open.
    open: u16,
    /// Where the last event began.
    at: usize,
    problems: Problems,
}

impl<'t, 'd> Reader<'t, 'd> {
    fn of(text: &'t str, definitions: &'d Definitions) -> Self {
        let (events, spaces) = (Events::from_str(text), NamespaceResolver::default());
        Self { text, definitions, events, spaces, open: 0, at: 0, problems: Problems::default() }
    }

    fn wrong(&self, problem: &str) -> Unreadable {
        Unreadable::at(self.text, self.at, problem)
    }

    fn position(&self) -> usize {
        usize::try_from(self.events.buffer_position()).unwrap_or(usize::MAX)
    }

    /// The next event, of whatever sort, with what FHIR never uses refused.
    fn event(&mut self) -> Result<Event<'t>, Unreadable> {
        self.at = self.position();
        // What the last tag declared, if it closed itself, holds no longer.
        self.spaces.set_level(self.open);
        let event = self.events.read_event().map_err(|_| self.malformed())?;
        match &event {
            Event::Start(start) => {
                self.declared(start)?;
                self.open = self.open.saturating_add(1);
            }
            Event::Empty(start) => self.declared(start)?,
            Event::End(_) => self.open = self.open.saturating_sub(1),
            Event::DocType(_) => return Err(self.wrong("a document type declaration is not allowed in FHIR")),
            Event::PI(instruction) => self.instruction(instruction)?,
            Event::Comment(comment) if !is_xml_text(comment) => {
                return Err(self.wrong("a comment holds characters that XML does not know"));
            }
            Event::CData(_) => return Err(self.wrong("CDATA is not allowed here: values stand in attributes")),
            Event::Decl(declaration) => self.declaration(declaration)?,
            _ => {}
        }
        Ok(event)
    }

    fn malformed(&self) -> Unreadable {
        self.wrong("the XML is not well formed from here on")
    }

    /// Takes note of the namespaces a tag declares. Nearly none does, and then its attributes need not be read for it.
    fn declared(&mut self, start: &BytesStart<'t>) -> Result<(), Unreadable> {
        if only_value(start).is_some() || !start.contains("xmlns") {
            return Ok(());
        }
        self.spaces.push(start).map_err(|_| self.malformed())
    }

    fn tag(&self, start: BytesStart<'t>, empty: bool) -> Tag<'t> {
        // The name is that in the body, after `<`, so that it need not be copied out of the event.
        let from = self.at + 1;
        let name = self.text.get(from..from + start.name().0.len()).unwrap_or_default();
        let (space, name) = self.spaces.resolve_element(QName(name));
        let space = match space {
            ResolveResult::Bound(namespace) if namespace.0 == NAMESPACE => Space::Fhir,
            ResolveResult::Bound(namespace) if namespace.0 == XHTML => Space::Xhtml,
            _ => Space::Other,
        };
        Tag { name: name.into_inner(), space, start, empty }
    }

    /// Before and after the resource a processing instruction speaks to somebody else, such as the stylesheet of a browser, and
    /// is ignored; nothing it names is ever fetched.
    fn instruction(&self, instruction: &BytesPI<'_>) -> Result<(), Unreadable> {
        if self.open > 0 {
            return Err(self.wrong("a processing instruction is not allowed within a FHIR resource"));
        }
        let target = instruction.target();
        let is_name = target.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | ':'));
        if !is_name || target.eq_ignore_ascii_case("xml") || !is_xml_text(instruction) {
            return Err(self.wrong("this is no processing instruction of XML"));
        }
        Ok(())
    }

    fn declaration(&self, declaration: &BytesDecl<'_>) -> Result<(), Unreadable> {
        if self.at != 0 {
            return Err(self.wrong("an XML declaration stands at the very beginning only"));
        }
        let version = declaration.version().is_ok_and(|version| version == "1.0");
        let encoding = declaration.encoding().is_none_or(|name| name.is_ok_and(|name| name.eq_ignore_ascii_case("utf-8")));
        if version && encoding { Ok(()) } else { Err(self.wrong("FHIR is XML 1.0 in UTF-8, and nothing else")) }
    }

    /// The next tag. Between tags there is nothing but space and comments, around the resource processing instructions too.
    fn next(&mut self) -> Result<Token<'t>, Unreadable> {
        loop {
            return Ok(match self.event()? {
                Event::Start(start) => Token::Open(self.tag(start, false)),
                Event::Empty(start) => Token::Open(self.tag(start, true)),
                Event::End(_) => Token::Close,
                Event::Eof => Token::End,
                Event::Text(text) if text.bytes().all(|b| b.is_ascii_whitespace()) => continue,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
                _ => return Err(self.wrong("text stands between elements; FHIR writes values as attributes: value=\"…\"")),
            });
        }
    }

    /// The children of an element whose tag was just read.
    fn content(&mut self, tag: &Tag<'t>, ty: &Type, depth: usize, place: &Place<'_>, into: &mut Element) -> Result<(), Unreadable> {
        if tag.empty {
            return Ok(());
        }
        let mut last: Option<&Field> = None;
        let mut repeats = 0;
        loop {
            let tag = match self.next()? {
                Token::Close => return Ok(()),
                Token::End => return Err(self.wrong("the body ends too early: an element is not closed")),
                Token::Open(tag) => tag,
            };
            let near = last.map_or(0, |field| field.rank);
            let Some(field) = ty.field_near(near, tag.name).filter(|field| !field.attribute) else {
                into.children.push(self.unknown(&tag, ty, depth)?);
                continue;
            };
            let narrative = self.definitions.type_of(field).kind == Kind::Primitive(Primitive::Xhtml);
            if tag.space != (if narrative { Space::Xhtml } else { Space::Fhir }) {
                return Err(self.wrong(&format!("`{}` is not in the namespace {}", field.name, if narrative { XHTML } else { NAMESPACE })));
            }
            if let Some(before) = last.filter(|before| before.order > field.order) {
                return Err(self.wrong(&format!("`{}` stands after `{}`, but belongs before it", field.name, before.name)));
            }
            repeats = if last.is_some_and(|before| before.rank == field.rank) { repeats + 1 } else { 0 };
            last = Some(field);
            let here = place.child(&field.name, field.many.then_some(repeats));
            let mut child = Element::complex(&field.name);
            self.element(&tag, field, depth, &here, &mut child)?;
            into.children.push(child);
        }
    }

    /// One element. `depth` is that of the object it stands in, counted as in JSON.
    fn element(&mut self, tag: &Tag<'t>, field: &Field, depth: usize, place: &Place<'_>, into: &mut Element) -> Result<(), Unreadable> {
        let depth = depth + usize::from(field.many) + 1;
        if depth > DEPTH_MAX {
            return Err(Unreadable::too_deep(self.text, self.at));
        }
        let ty = self.definitions.type_of(field);
        match ty.kind {
            Kind::Primitive(Primitive::Xhtml) => into.value = Some(Value::Text(self.narrative(tag)?)),
            Kind::Primitive(primitive) => {
                let own = self.definitions.of_primitives();
                let value = self.attributes(tag, own, false, into)?;
                into.value = value.map(|text| typed(primitive, text));
                self.content(tag, own, depth, place, into)?;
            }
            Kind::AnyResource => self.inner_resource(tag, depth, place, into)?,
            Kind::Complex | Kind::Resource => {
                if self.attributes(tag, ty, false, into)?.is_some() {
                    return Err(self.wrong(&format!("`{}` has elements inside and no attribute `value`", field.name)));
                }
                self.content(tag, ty, depth, place, into)?;
            }
        }
        Ok(())
    }

    /// The resource inside `contained` or an entry of a Bundle: one element, named like its type.
    fn inner_resource(&mut self, tag: &Tag<'t>, depth: usize, place: &Place<'_>, into: &mut Element) -> Result<(), Unreadable> {
        if self.attributes(tag, Type::without_elements(), false, into)?.is_some() {
            return Err(self.wrong(&format!("`{}` has a resource inside and no attribute `value`", tag.name)));
        }
        if tag.empty {
            return Ok(());
        }
        let tag = match self.next()? {
            Token::Close => return Ok(()),
            Token::End => return Err(self.wrong("the body ends too early: an element is not closed")),
            Token::Open(tag) => tag,
        };
        if tag.space != Space::Fhir {
            return Err(self.wrong(&format!("the resource is not in the namespace {NAMESPACE}")));
        }
        if let Some(ty) = self.definitions.any_resource(tag.name) {
            into.resource = Some(tag.name.to_owned());
            if self.attributes(&tag, ty, false, into)?.is_some() {
                return Err(self.wrong("a resource has no attribute `value`"));
            }
            self.content(&tag, ty, depth, place, into)?;
        } else {
            self.problems.add(ProblemKind::Value, place, "the element inside names no resource type of FHIR STU3");
            self.skip(&tag, depth)?;
        }
        match self.next()? {
            Token::Close => Ok(()),
            _ => Err(self.wrong("one resource was expected here, and no more")),
        }
    }

    /// The attributes of a tag: those the type has become children, `value` is handed back.
    fn attributes(&self, tag: &Tag<'t>, ty: &Type, root: bool, into: &mut Element) -> Result<Option<String>, Unreadable> {
        if let Some(value) = only_value(&tag.start).filter(|_| ty.kind == Kind::Complex) {
            return Ok(Some(value.to_owned()));
        }
        let mut value = None;
        for (count, attribute) in tag.start.attributes().enumerate() {
            if count >= super::ATTRIBUTES_MAX {
                return Err(self.wrong(&format!("`{}` has more than {} attributes", shown(tag.name), super::ATTRIBUTES_MAX)));
            }
            let attribute = attribute.map_err(|_| self.wrong(&format!("the attributes of `{}` are not well formed", shown(tag.name))))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let key = attribute.key.0;
            let Some(text) = text_of(&attribute) else {
                return Err(self.wrong(&format!("attribute `{}` holds characters or entities that XML does not know", shown(key))));
            };
            if key == "value" && ty.kind == Kind::Complex {
                value = Some(text.into_owned());
            } else if ty.field(key).is_some_and(|field| field.attribute) {
                into.children.push(Element::text(key, text));
            } else if !(root && self.is_schema_hint(attribute.key)) {
                return Err(self.wrong(&format!("`{}` has no attribute of the name `{}`", shown(tag.name), shown(key))));
            }
        }
        // In JSON the order is that of the definitions; here attributes come in any.
        into.children.sort_by_key(|child| ty.field(&child.name).map(|field| field.rank));
        Ok(value)
    }

    fn is_schema_hint(&self, key: QName<'_>) -> bool {
        matches!(self.spaces.resolve_attribute(key).0, ResolveResult::Bound(namespace) if namespace.0 == SCHEMA_INSTANCE)
    }

    /// An element no definition knows is kept, because a server that does not know it has no right to drop it.
    fn unknown(&mut self, tag: &Tag<'t>, ty: &Type, depth: usize) -> Result<Element, Unreadable> {
        if ty.field(tag.name).is_some() {
            return Err(self.wrong(&format!("`{0}` is written as an attribute: {0}=\"…\"", tag.name)));
        }
        self.fragment(tag, depth)
    }

    fn skip(&mut self, tag: &Tag<'t>, depth: usize) -> Result<(), Unreadable> {
        let mut levels = usize::from(!tag.empty);
        while levels > 0 {
            match self.event()? {
                Event::Start(_) => levels += 1,
                Event::End(_) => levels -= 1,
                Event::Eof => return Err(self.wrong("the body ends too early: an element is not closed")),
                _ => {}
            }
            if depth + levels > DEPTH_MAX {
                return Err(Unreadable::too_deep(self.text, self.at));
            }
        }
        Ok(())
    }

    /// The `div` of a narrative, as it stands in the text. Whether it is a good one is for validation to say.
    fn narrative(&mut self, tag: &Tag<'t>) -> Result<String, Unreadable> {
        let from = self.at;
        self.skip(tag, 0)?;
        Ok(self.text.get(from..self.position()).unwrap_or_default().to_owned())
    }
}

/// A name as sent, as far as it is fit to be repeated.
fn shown(name: &str) -> &str {
    if name.len() <= NAME_SHOWN_MAX { name } else { "a very long name" }
}

/// The value of a tag as nearly every primitive has it: ` value="…"`, plain, and nothing else. So it need not be taken apart.
fn only_value<'s>(start: &'s BytesStart<'_>) -> Option<&'s str> {
    start.attributes_raw().strip_prefix(" value=\"")?.strip_suffix('"').filter(|value| is_plain(value))
}

/// Whether a text in quotation marks is plain ASCII that means just what it says, as nearly every value is.
fn is_plain(raw: &str) -> bool {
    // Looking to the end, whatever comes, takes many bytes at a time.
    raw.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~') & !matches!(byte, b'&' | b'<' | b'"'))
}

/// What an attribute says; nothing where it holds what XML does not know.
fn text_of<'a>(attribute: &'a Attribute<'_>) -> Option<Cow<'a, str>> {
    let raw = attribute.value.as_ref();
    if is_plain(raw) {
        return Some(Cow::Borrowed(raw));
    }
    let text = attribute.normalized_value(super::VERSION).ok()?;
    (super::is_xml_text(&text) && !raw.contains('<')).then_some(text)
}

/// The value as JSON would have it. What does not fit stays text, which validation will not take.
fn typed(primitive: Primitive, text: String) -> Value {
    match (primitive.json(), text.as_str()) {
        (JsonForm::Bool, "true") => Value::Bool(true),
        (JsonForm::Bool, "false") => Value::Bool(false),
        (JsonForm::Number, digits) if json::is_number(digits) => Value::Number(text),
        _ => Value::Text(text),
    }
}
