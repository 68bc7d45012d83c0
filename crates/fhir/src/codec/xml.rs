//! XML: bytes to trees and back.
//!
//! It knows what FHIR makes of XML and no resource in particular.
//!
//! Pitfall: order matters here and only here. An element that stands where the schema does not allow it makes the
//! body unreadable, because readers that validate would refuse it as well. An element that no definition knows is
//! kept as text and given back in XML only; there it stands behind the known ones, because nothing says where it
//! belongs.

mod narrative;
mod read;
mod write;

#[cfg(test)]
mod tests;

use quick_xml::XmlVersion;
use quick_xml::events::BytesRef;

pub(crate) use narrative::{fault as narrative_fault, says_something as narrative_says_something};
pub use read::read;
pub(crate) use write::push_escaped;
pub use write::{write, write_inside, write_pretty};

/// The XML we speak.
const VERSION: XmlVersion = XmlVersion::Implicit1_0;

/// The most attributes one element may have: each is compared with all before it, so that a million would take hours.
const ATTRIBUTES_MAX: usize = 32;

/// The characters XML 1.0 can hold at all.
pub(crate) fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// Whether XML 1.0 can hold `text`.
pub(crate) fn is_xml_text(text: &str) -> bool {
    // Nearly all text is plain ASCII, and bytes are looked through faster than characters.
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || text.chars().all(is_xml_char)
}

/// The character a reference stands for: the five of XML, and numbers of characters it can hold.
fn resolve(reference: &BytesRef<'_>) -> Option<char> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok().flatten().filter(|c| is_xml_char(*c));
    }
    match reference.as_ref() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}
