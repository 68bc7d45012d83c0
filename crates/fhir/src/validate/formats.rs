//! The forms of primitive values, as STU3 gives them (datatypes, "Primitive Types").
//!
//! It must not know elements. STU3 demands a zone of a `dateTime` with a time; docs/contract.md#names-ids-time takes one without
//! as London time, so that only an `instant` must have it.

use crate::codec::xml;
use crate::definitions::Primitive;
use domain::time::{self, Timestamp};

/// The longest logical id.
const ID_LENGTH_MAX: usize = 64;

/// The form of a value of this type, in words.
pub(super) const fn expected(primitive: Primitive) -> &'static str {
    match primitive {
        Primitive::Boolean => "true or false",
        Primitive::Integer => "a whole number",
        Primitive::UnsignedInt => "a whole number, 0 or more",
        Primitive::PositiveInt => "a whole number, 1 or more",
        Primitive::Decimal => "a decimal number without exponent",
        Primitive::String | Primitive::Markdown => "some text, without control characters",
        Primitive::Uri => "a URI, without spaces",
        Primitive::Oid => "an OID as a URI: urn:oid:1.2.3",
        Primitive::Id => "1 to 64 letters, digits, `-` and `.`",
        Primitive::Code => "a code: no space at its ends, none doubled",
        Primitive::Base64 => "base 64",
        Primitive::Instant => "an instant: YYYY-MM-DDThh:mm:ss.sss+hh:mm (or Z)",
        Primitive::DateTime => "a date (YYYY, YYYY-MM, YYYY-MM-DD) or a date and time: YYYY-MM-DDThh:mm:ss+hh:mm",
        Primitive::Date => "a date: YYYY, YYYY-MM or YYYY-MM-DD",
        Primitive::Time => "a time of day: hh:mm:ss",
        Primitive::Xhtml => "an xhtml div",
    }
}

/// What is wrong with a value, and what would be right; `None` when it is well formed.
pub(super) fn fault(primitive: Primitive, text: &str) -> Option<String> {
    if primitive == Primitive::Xhtml {
        let empty = || (!xml::narrative_says_something(text)).then_some("a narrative says something: it is never blank (txt-2)");
        return xml::narrative_fault(text).or_else(empty).map(str::to_owned);
    }
    if text.is_empty() {
        return Some(format!("a value is never empty; expected {}", expected(primitive)));
    }
    let fits = match primitive {
        Primitive::Boolean => text == "true" || text == "false",
        Primitive::Integer => is_integer(text),
        Primitive::UnsignedInt => is_integer(text) && !text.starts_with('-'),
        Primitive::PositiveInt => is_integer(text) && !text.starts_with('-') && text != "0",
        Primitive::Decimal => is_decimal(text),
        Primitive::String | Primitive::Markdown => xml::is_xml_text(text),
        Primitive::Uri => is_uri(text),
        Primitive::Oid => text.strip_prefix("urn:oid:").is_some_and(is_oid),
        Primitive::Id => text.len() <= ID_LENGTH_MAX && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.'),
        Primitive::Code => is_code(text),
        Primitive::Base64 => is_base64(text),
        Primitive::Instant => is_instant(text),
        Primitive::DateTime => is_date(text) || is_date_time(text),
        Primitive::Date => is_date(text),
        Primitive::Time => is_time(text),
        Primitive::Xhtml => true,
    };
    (!fits).then(|| format!("expected {}", expected(primitive)))
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Two digits that make a number up to `max`.
fn pair(text: &str, max: u8) -> bool {
    text.len() == 2 && digits(text) && text.parse::<u8>().is_ok_and(|n| n <= max)
}

fn is_integer(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    digits(unsigned) && (unsigned == "0" || !unsigned.starts_with('0')) && text.parse::<i32>().is_ok()
}

fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    digits(whole) && (whole == "0" || !whole.starts_with('0')) && digits(fraction)
}

fn is_uri(text: &str) -> bool {
    // Nearly every URI is plain ASCII, and bytes are looked through faster than characters.
    text.bytes().all(|byte| byte.is_ascii_graphic()) || text.chars().all(|c| !c.is_whitespace() && !c.is_control() && xml::is_xml_char(c))
}

fn is_oid(text: &str) -> bool {
    text.contains('.')
        && text.starts_with(['0', '1', '2'])
        && text.split('.').all(|arc| digits(arc) && (arc == "0" || !arc.starts_with('0')))
}

fn is_code(text: &str) -> bool {
    let mut spaced = true;
    for c in text.chars() {
        let space = c.is_whitespace();
        if (space && spaced) || !xml::is_xml_char(c) {
            return false;
        }
        spaced = space;
    }
    !spaced
}

fn is_base64(text: &str) -> bool {
    let mut count = 0_usize;
    let mut padding = 0_usize;
    for byte in text.bytes().filter(|b| !b.is_ascii_whitespace()) {
        let letter = byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        if !(letter && padding == 0 || byte == b'=') {
            return false;
        }
        padding += usize::from(byte == b'=');
        count += 1;
    }
    count > 0 && count.is_multiple_of(4) && padding <= 2
}

/// `YYYY`, `YYYY-MM` or a day that exists.
fn is_date(text: &str) -> bool {
    match text.len() {
        4 => digits(text) && text != "0000",
        7 => time::parse_day(&format!("{text}-01")).is_some(),
        _ => time::parse_day(text).is_some(),
    }
}

/// `hh:mm:ss`, with a fraction or without.
fn is_time(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').map_or((text, "0"), |(clock, fraction)| (clock, fraction));
    let mut parts = clock.split(':');
    let hours = parts.next().is_some_and(|h| pair(h, 23));
    let minutes = parts.next().is_some_and(|m| pair(m, 59));
    // A leap second counts to 60.
    let seconds = parts.next().is_some_and(|s| pair(s, 60));
    hours && minutes && seconds && parts.next().is_none() && digits(fraction)
}

/// Splits `…T09:30:00+01:00` into day, time and zone.
fn split_instant(text: &str) -> Option<(&str, &str, &str)> {
    let (day, rest) = text.split_once('T')?;
    let at = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at_checked(at)?;
    Some((day, clock, zone))
}

fn is_zone(zone: &str) -> bool {
    let offset = zone.strip_prefix(['+', '-']).and_then(|offset| offset.split_once(':'));
    zone == "Z" || offset.is_some_and(|(hours, minutes)| pair(hours, 13) && pair(minutes, 59) || (hours, minutes) == ("14", "00"))
}

fn is_date_time(text: &str) -> bool {
    split_instant(text)
        .is_some_and(|(day, clock, zone)| time::parse_day(day).is_some() && is_time(clock) && (zone.is_empty() || is_zone(zone)))
}

fn is_instant(text: &str) -> bool {
    let shape = split_instant(text).is_some_and(|(day, clock, zone)| time::parse_day(day).is_some() && is_time(clock) && is_zone(zone));
    // What has the shape must be understood too, because everything after this relies on it.
    shape && Timestamp::parse(text).is_some()
}
