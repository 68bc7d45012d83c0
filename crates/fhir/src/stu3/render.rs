//! The answer to a search of slots, written straight into one text: the same bytes as `json::write` and
//! `xml::write` make of [`super::bundle::searchset`], without the tree.
//!
//! It knows the entry of a slot and nothing of how slots are found.
//!
//! Pitfall: this writes a second time what `slot.rs` and `bundle.rs` write, and must write the same; a property
//! test compares them, so a change of one is a change of both.

use super::naming::{DELIVERY_CHANNEL, SLOT_PROFILE, UUID};
use crate::bundle::{Mode, query_url};
use crate::codec::{json, xml};
use crate::definitions::NAMESPACE;
use domain::slot::Slot;
use domain::time::{DAY_MS, Timestamp};
use std::fmt::Write as _;

/// About as long is the entry of a slot, in bytes: what is set aside so that the text need not grow.
const ENTRY_BYTES: usize = 800;

/// What an answer says beside its entries.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The service root.
    pub base_url: &'a str,
    /// The decoded parameters that had a meaning.
    pub applied: &'a [(String, String)],
    /// How many match.
    pub total: u64,
}

/// A resource that is in an answer because it belongs to a match.
#[derive(Debug, Clone)]
pub struct Included<'a> {
    /// Where it is found under the service root.
    pub path: String,
    /// Its text in the format of the answer, as `json::write` or `xml::write_inside` give it.
    pub text: std::borrow::Cow<'a, str>,
}

/// The answer in JSON; every slot as it is at `now`.
pub fn json(head: Head<'_>, slots: &[Slot], now: Timestamp, included: &[Included<'_>]) -> String {
    let base = escaped(head.base_url.trim_end_matches('/'), json::push_escaped);
    let mut out = room(slots, included);
    // Writing to a String cannot fail.
    let _ = write!(out, r#"{{"resourceType":"Bundle","type":"searchset","total":{},"link":[{{"relation":"self","url":""#, head.total);
    json::push_escaped(&mut out, &query_url(head.base_url, "Slot", head.applied));
    out.push_str("\"}]");
    let mut opening = r#","entry":[{"fullUrl":""#;
    let (mut days, mut id) = (Days::default(), String::new());
    for slot in slots {
        push_all(&mut out, &[opening, &base, "/Slot/"]);
        id.clear();
        json::push_escaped(&mut id, slot.id.as_str());
        push_all(
            &mut out,
            &[&id, r#"","resource":{"resourceType":"Slot","id":""#, &id, r#"","meta":{"profile":[""#, SLOT_PROFILE, r#""]},"#],
        );
        if let Some(channel) = slot.channel {
            push_all(&mut out, &[r#""extension":[{"url":""#, DELIVERY_CHANNEL, r#"","valueCode":""#, channel.code(), r#""}],"#]);
        }
        push_all(&mut out, &[r#""identifier":[{"system":""#, UUID, r#"","value":""#, &id, r#""}],"schedule":{"reference":"Schedule/"#]);
        json::push_escaped(&mut out, slot.schedule.as_str());
        push_all(&mut out, &[r#""},"status":""#, slot.status(now).code(), r#"","start":""#]);
        days.push(&mut out, slot.start);
        out.push_str(r#"","end":""#);
        days.push(&mut out, slot.end);
        push_all(&mut out, &[r#""},"search":{"mode":""#, Mode::Match.code(), r#""}}"#]);
        opening = r#",{"fullUrl":""#;
    }
    for resource in included {
        push_all(&mut out, &[opening, &base, "/"]);
        json::push_escaped(&mut out, &resource.path);
        push_all(&mut out, &[r#"","resource":"#, &resource.text, r#","search":{"mode":""#, Mode::Include.code(), r#""}}"#]);
        opening = r#",{"fullUrl":""#;
    }
    out.push_str(if slots.is_empty() && included.is_empty() { "}" } else { "]}" });
    out
}

/// The answer in XML; every slot as it is at `now`.
pub fn xml(head: Head<'_>, slots: &[Slot], now: Timestamp, included: &[Included<'_>]) -> String {
    let base = escaped(head.base_url.trim_end_matches('/'), xml::push_escaped);
    let mut out = room(slots, included);
    push_all(&mut out, &[r#"<?xml version="1.0" encoding="UTF-8"?><Bundle xmlns=""#, NAMESPACE]);
    // Writing to a String cannot fail.
    let _ = write!(out, r#""><type value="searchset"/><total value="{}"/><link><relation value="self"/><url value=""#, head.total);
    xml::push_escaped(&mut out, &query_url(head.base_url, "Slot", head.applied));
    out.push_str(r#""/></link>"#);
    let (mut days, mut id) = (Days::default(), String::new());
    for slot in slots {
        id.clear();
        xml::push_escaped(&mut id, slot.id.as_str());
        push_all(&mut out, &[r#"<entry><fullUrl value=""#, &base, "/Slot/", &id, r#""/><resource><Slot><id value=""#, &id]);
        push_all(&mut out, &[r#""/><meta><profile value=""#, SLOT_PROFILE, r#""/></meta>"#]);
        if let Some(channel) = slot.channel {
            let code = channel.code();
            push_all(&mut out, &[r#"<extension url=""#, DELIVERY_CHANNEL, r#""><valueCode value=""#, code, r#""/></extension>"#]);
        }
        push_all(&mut out, &[r#"<identifier><system value=""#, UUID, r#""/><value value=""#, &id]);
        out.push_str(r#""/></identifier><schedule><reference value="Schedule/"#);
        xml::push_escaped(&mut out, slot.schedule.as_str());
        push_all(&mut out, &[r#""/></schedule><status value=""#, slot.status(now).code(), r#""/><start value=""#]);
        days.push(&mut out, slot.start);
        out.push_str(r#""/><end value=""#);
        days.push(&mut out, slot.end);
        push_all(&mut out, &[r#""/></Slot></resource><search><mode value=""#, Mode::Match.code(), r#""/></search></entry>"#]);
    }
    for resource in included {
        push_all(&mut out, &[r#"<entry><fullUrl value=""#, &base, "/"]);
        xml::push_escaped(&mut out, &resource.path);
        push_all(&mut out, &[r#""/><resource>"#, &resource.text, r#"</resource><search><mode value=""#, Mode::Include.code()]);
        out.push_str(r#""/></search></entry>"#);
    }
    out.push_str("</Bundle>");
    out
}

fn room(slots: &[Slot], included: &[Included<'_>]) -> String {
    let included: usize = included.iter().map(|resource| resource.text.len() + resource.path.len() + 200).sum();
    String::with_capacity(1_000 + slots.len() * ENTRY_BYTES + included)
}

fn push_all(out: &mut String, pieces: &[&str]) {
    for piece in pieces {
        out.push_str(piece);
    }
}

fn escaped(text: &str, push: fn(&mut String, &str)) -> String {
    let mut out = String::with_capacity(text.len());
    push(&mut out, text);
    out
}

/// Instants as [`Timestamp::to_fhir`] writes them. Neighbours are mostly of one day, and only a new day is worked out.
#[derive(Debug, Default)]
struct Days {
    day: Option<i64>,
    text: String,
}

impl Days {
    fn push(&mut self, out: &mut String, at: Timestamp) {
        let day = at.ms().div_euclid(DAY_MS);
        if self.day != Some(day) {
            let whole = Timestamp::from_ms(day.saturating_mul(DAY_MS)).to_fhir();
            self.text.clear();
            self.text.push_str(whole.split_once('T').map_or(whole.as_str(), |(date, _)| date));
            self.day = Some(day);
        }
        out.push_str(&self.text);
        let ms = at.ms().rem_euclid(DAY_MS);
        out.push('T');
        two_digits(out, ms / 3_600_000);
        out.push(':');
        two_digits(out, ms / 60_000 % 60);
        if ms % 60_000 == 0 {
            // As nearly always.
            return out.push_str(":00.000+00:00");
        }
        out.push(':');
        two_digits(out, ms / 1_000 % 60);
        out.push('.');
        two_digits(out, ms % 1_000 / 10);
        digit(out, ms % 10);
        out.push_str("+00:00");
    }
}

fn two_digits(out: &mut String, number: i64) {
    digit(out, number / 10);
    digit(out, number % 10);
}

/// Writes a number from 0 to 9.
fn digit(out: &mut String, number: i64) {
    out.push(u8::try_from(number).map_or('?', |number| char::from(b'0' + number % 10)));
}

#[cfg(test)]
mod tests;
