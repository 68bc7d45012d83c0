//! The xhtml of a narrative: whether a text is one that may be handed on as it stands.
//!
//! It must not know the rest of FHIR.
//!
//! Pitfall: the text comes from strangers and goes into XML documents *verbatim*, and onto pages of people; what
//! passes here can neither end the document around it nor run anything.

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use crate::codec::json::DEPTH_MAX;

/// The namespace of a narrative.
pub(crate) const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// What the narrative of a resource may be made of (txt-1).
const ELEMENTS: &str = " a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 \
    hr i img kbd li ol p \
                        pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var ";

const NOT_WELL_FORMED: &str = "the narrative is not well-formed xhtml";

/// Why `text` is no narrative; `None` when it is one.
pub(crate) fn fault(text: &str) -> Option<&'static str> {
    if !text.starts_with('<') || !text.ends_with('>') {
        return Some("the narrative is one xhtml `div` element and nothing around it");
    }
    let mut reader = NsReader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut depth = 0_usize;
    let mut closed = false;
    loop {
        let Ok((namespace, event)) = reader.read_resolved_event() else { return Some(NOT_WELL_FORMED) };
        let in_xhtml = matches!(namespace, ResolveResult::Bound(ns) if ns.0 == XHTML);
        match event {
            Event::Start(_) | Event::Empty(_) if closed => return Some("only one `div` stands in a narrative"),
            Event::Start(_) | Event::Empty(_) if !in_xhtml => {
                return Some("the `div` of a narrative declares xmlns=\"http://www.w3.org/1999/xhtml\"");
            }
            Event::Start(start) => {
                if let Some(fault) = element_fault(&start, depth) {
                    return Some(fault);
                }
                depth += 1;
                if depth > DEPTH_MAX {
                    return Some("the narrative is nested too deep");
                }
            }
            Event::Empty(start) => {
                if let Some(fault) = element_fault(&start, depth) {
                    return Some(fault);
                }
                closed = depth == 0;
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                closed = depth == 0;
            }
            Event::Text(_) | Event::GeneralRef(_) | Event::Comment(_) if depth == 0 => {
                return Some("nothing stands around the `div` of a narrative");
            }
            Event::Text(text) | Event::Comment(text) if text.contains("]]>") || !super::is_xml_text(&text) => {
                return Some(NOT_WELL_FORMED);
            }
            Event::GeneralRef(reference) if super::resolve(&reference).is_none() => {
                return Some("a narrative uses no entities but &amp; &lt; &gt; &quot; &apos;");
            }
            Event::Text(_) | Event::Comment(_) | Event::GeneralRef(_) => {}
            Event::Eof => return if closed { None } else { Some(NOT_WELL_FORMED) },
            Event::CData(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {
                return Some("a narrative holds no CDATA, declarations or instructions");
            }
        }
    }
}

fn element_fault(start: &BytesStart<'_>, depth: usize) -> Option<&'static str> {
    let local = start.local_name().into_inner();
    if depth == 0 && local != "div" {
        return Some("the narrative is one xhtml `div` element");
    }
    if !ELEMENTS.contains(&format!(" {local} ")) {
        return Some(
            "the narrative holds an element that FHIR does not allow there: only basic formatting, lists, tables, links and images",
        );
    }
    for (count, attribute) in start.attributes().enumerate() {
        if count >= super::ATTRIBUTES_MAX {
            return Some("an element of the narrative has too many attributes");
        }
        let value = attribute.as_ref().ok().and_then(|a| a.normalized_value(super::VERSION).ok());
        let (Ok(attribute), Some(value)) = (attribute, value) else { return Some(NOT_WELL_FORMED) };
        let name = attribute.key.local_name().into_inner().to_ascii_lowercase();
        let scheme: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).take(11).collect();
        if attribute.value.contains('<') || !super::is_xml_text(&value) {
            return Some(NOT_WELL_FORMED);
        }
        if name.starts_with("on") || scheme.eq_ignore_ascii_case("javascript:") {
            return Some("a narrative runs no scripts");
        }
    }
    None
}

/// Whether a narrative without faults has something to say: text that is not space, or an image (txt-2).
pub(crate) fn says_something(text: &str) -> bool {
    let mut reader = NsReader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Text(text)) if text.chars().all(char::is_whitespace) => {}
            Ok(Event::Text(_) | Event::GeneralRef(_)) => return true,
            Ok(Event::Start(start) | Event::Empty(start)) if start.local_name().into_inner() == "img" => return true,
            Ok(Event::Eof) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}
