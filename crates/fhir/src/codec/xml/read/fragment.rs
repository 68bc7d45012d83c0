//! Elements no definition knows, kept as text that can be given back in XML.
//!
//! It knows the reader's events and nothing of JSON. The text is not the sender's but written anew, with one
//! spelling for what means the same (no prefixes, attributes in one order, no space between elements), because it
//! goes verbatim into documents that declare other prefixes, and is compared with what a consumer sends back.

use quick_xml::events::Event;

use crate::codec::json::{DEPTH_MAX, Unreadable};
use crate::codec::xml::{ATTRIBUTES_MAX, is_xml_text, narrative, resolve, write::push_escaped};
use crate::definitions::NAMESPACE;
use domain::element::{Element, Foreign, ForeignFormat, Value};

use super::{Reader, Space, Tag, shown, text_of};

/// The text of an element that is being read.
#[derive(Default)]
struct Fragment<'t> {
    out: String,
    /// The names of the elements that are open.
    open: Vec<&'t str>,
    /// True while the last tag lacks its end: `>` or `/>`.
    pending: bool,
    /// Text since the last tag.
    run: String,
}

impl<'t> Fragment<'t> {
    fn start(&mut self, name: &'t str) {
        self.content();
        self.out.push('<');
        self.out.push_str(name);
        self.open.push(name);
        self.pending = true;
    }

    fn end(&mut self) {
        self.text();
        let name = self.open.pop().unwrap_or_default();
        if std::mem::replace(&mut self.pending, false) {
            return self.out.push_str("/>");
        }
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// Makes ready for an element inside the one that is open.
    fn content(&mut self) {
        self.text();
        if std::mem::replace(&mut self.pending, false) {
            self.out.push('>');
        }
    }

    /// Writes the text that was collected, unless it is but space between elements.
    fn text(&mut self) {
        let run = std::mem::take(&mut self.run);
        if run.bytes().all(|b| b.is_ascii_whitespace()) {
            return;
        }
        if std::mem::replace(&mut self.pending, false) {
            self.out.push('>');
        }
        push_escaped(&mut self.out, &run);
    }
}

impl<'t> Reader<'t, '_> {
    /// The unknown element whose tag was just read. `depth` is that of the object it stands in, counted as in JSON.
    pub(super) fn fragment(&mut self, tag: &Tag<'t>, depth: usize) -> Result<Element, Unreadable> {
        let mut fragment = Fragment::default();
        self.enter(tag, depth, &mut fragment)?;
        while !fragment.open.is_empty() {
            match self.event()? {
                Event::Start(start) => self.enter(&self.tag(start, false), depth, &mut fragment)?,
                Event::Empty(start) => self.enter(&self.tag(start, true), depth, &mut fragment)?,
                Event::End(_) => fragment.end(),
                Event::Text(text) if is_xml_text(&text) => fragment.run.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => match resolve(&reference) {
                    Some(c) => fragment.run.push(c),
                    None => return Err(self.characters(tag)),
                },
                Event::Eof => return Err(self.wrong("the body ends too early: an element is not closed")),
                Event::Comment(_) => {}
                _ => return Err(self.characters(tag)),
            }
        }
        let value = Some(Value::Foreign(Foreign { format: ForeignFormat::Xml, text: fragment.out }));
        Ok(Element { value, ..Element::complex(tag.name) })
    }

    fn characters(&self, tag: &Tag<'_>) -> Unreadable {
        self.wrong(&format!("`{}` holds characters or entities that XML does not know", shown(tag.name)))
    }

    fn enter(&mut self, tag: &Tag<'t>, depth: usize, into: &mut Fragment<'t>) -> Result<(), Unreadable> {
        // Kept with a document it is a text in an array, which is one level deeper than the element around it.
        if depth + into.open.len() + 1 > DEPTH_MAX {
            return Err(Unreadable::too_deep(self.text, self.at));
        }
        if tag.space == Space::Xhtml && !into.open.is_empty() {
            // It will be given back as it stands, so it must be fit for that: see `narrative`.
            let text = self.narrative(tag)?;
            if let Some(fault) = narrative::fault(&text) {
                return Err(self.wrong(fault));
            }
            into.content();
            into.out.push_str(&text);
            return Ok(());
        }
        if tag.space != Space::Fhir {
            return Err(self.wrong(&format!("`{}` is not in the namespace {NAMESPACE}", shown(tag.name))));
        }
        if !is_name(tag.name) {
            return Err(self.wrong("no element of FHIR has such a name: a name is made of letters and digits"));
        }
        let attributes = self.attributes_of_unknown(tag)?;
        into.start(tag.name);
        for (name, value) in attributes {
            into.out.push(' ');
            into.out.push_str(&name);
            into.out.push_str("=\"");
            push_escaped(&mut into.out, &value);
            into.out.push('"');
        }
        if tag.empty {
            into.end();
        }
        Ok(())
    }

    /// The attributes by name; none has a namespace but that of XML itself, whose prefix is never declared.
    fn attributes_of_unknown(&self, tag: &Tag<'t>) -> Result<Vec<(String, String)>, Unreadable> {
        let mut attributes = Vec::new();
        for (count, attribute) in tag.start.attributes().enumerate() {
            if count >= ATTRIBUTES_MAX {
                return Err(self.wrong(&format!("`{}` has more than {ATTRIBUTES_MAX} attributes", shown(tag.name))));
            }
            let attribute = attribute.map_err(|_| self.wrong(&format!("the attributes of `{}` are not well formed", shown(tag.name))))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let key = attribute.key.0;
            if !is_name(key.strip_prefix("xml:").unwrap_or(key)) {
                return Err(self.wrong(&format!("`{}` can have no attribute of the name `{}`", shown(tag.name), shown(key))));
            }
            let text = text_of(&attribute).ok_or_else(|| self.characters(tag))?;
            attributes.push((key.to_owned(), text.into_owned()));
        }
        attributes.sort();
        Ok(attributes)
    }
}

/// Whether it is a name in XML, as far as ASCII goes, which all names of FHIR do.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}
