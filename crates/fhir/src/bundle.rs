//! Search answers as Bundles (docs/specification/uec.md#b4-bundle; docs/contract.md#bundles).
//!
//! Pitfall: a Bundle here has neither id nor time, so that the same answer is the same bytes and keeps its `ETag`;
//! and `total` counts the matches of the whole search, not the entries of a page.

use std::fmt::Write as _;

use super::definitions::Definitions;
use super::outcome::{self, Issue};
use super::search::cursor_text;
use super::shape::Shape;
use domain::element::Element;
use domain::search::Cursor;

/// Why a resource is in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It was searched for.
    Match,
    /// It belongs to one that was.
    Include,
    /// It is about the search itself.
    Outcome,
}

impl Mode {
    /// The code of `entry.search.mode`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Include => "include",
            Self::Outcome => "outcome",
        }
    }
}

/// One resource of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where it is found under the service root: `Slot/<id>`, `Appointment/<id>/_history/<version>`. An outcome is found
    /// nowhere.
    pub path: String,
    /// The resource.
    pub resource: Element,
    /// Why it is here.
    pub mode: Mode,
}

/// The entry that tells the sender of a search what it should know. The same warnings make the same entry, so that the
/// answer keeps its `ETag`.
pub fn warning(warnings: &[String]) -> Entry {
    let issues: Vec<Issue> = warnings.iter().cloned().map(outcome::not_supported).collect();
    Entry { path: String::new(), resource: outcome::tree("warning", &issues), mode: Mode::Outcome }
}

impl Entry {
    /// The entry as it is to be shown: `_elements` is about matches only.
    #[must_use]
    pub fn shaped(self, shape: &Shape, definitions: &Definitions) -> Self {
        let resource = match self.mode {
            Mode::Match => shape.applied(self.resource, definitions),
            Mode::Outcome => self.resource,
            Mode::Include => shape.applied_beside(self.resource, definitions),
        };
        Self { resource, ..self }
    }
}

/// The answer to a search of `self_path` (`Slot`) under `base_url`.
///
/// `applied` are the decoded parameters that had a meaning, `total` the number of all matches, `next` the
/// place where this page ended when there are more.
pub fn searchset(
    base_url: &str,
    self_path: &str,
    applied: &[(String, String)],
    total: u64,
    next: Option<&Cursor>,
    entries: Vec<Entry>,
) -> Element {
    let base = base_url.trim_end_matches('/');
    let following = next.map(|cursor| link("next", next_url(base, self_path, applied, cursor)));
    Element::resource("Bundle")
        .with(Element::text("type", "searchset"))
        .with(Element::number("total", total))
        .with(link("self", query_url(base, self_path, applied)))
        .with_all(following)
        .with_all(entries.into_iter().map(|entry| tree(base, entry)))
}

/// One version in a history.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The resource as it was made then; its `meta` says which version it is, and since when.
    pub resource: Element,
    /// Which version, from 1.
    pub version: i64,
}

/// The history of `Appointment/<id>` (`path`) under `base_url`, in the order given (STU3 http, "history"). In STU3 a
/// `fullUrl` names no version (bdl-8), and an entry of a history has no `response` (bdl-4).
pub fn history(base_url: &str, path: &str, changes: Vec<Change>) -> Element {
    let base = base_url.trim_end_matches('/');
    let kind = path.split('/').next().unwrap_or(path);
    let entry = |change: Change| {
        // The first version was posted to the type, every other put to the instance.
        let (method, url) = if change.version == 1 { ("POST", kind) } else { ("PUT", path) };
        let request = Element::complex("request").with(Element::text("method", method)).with(Element::text("url", url));
        Element::complex("entry")
            .with(Element::text("fullUrl", format!("{base}/{path}")))
            .with(change.resource.renamed("resource"))
            .with(request)
    };
    Element::resource("Bundle")
        .with(Element::text("type", "history"))
        .with(Element::number("total", changes.len()))
        .with(link("self", format!("{base}/{path}/_history")))
        .with_all(changes.into_iter().map(entry))
}

/// The URL of `path` under `base_url` with the parameters given, each name and value percent-encoded.
pub fn query_url<'p>(base_url: &str, path: &str, parameters: impl IntoIterator<Item = &'p (String, String)>) -> String {
    let mut url = format!("{}/{path}", base_url.trim_end_matches('/'));
    let mut separator = '?';
    for (name, value) in parameters {
        url.push(separator);
        separator = '&';
        encode_into(&mut url, name);
        url.push('=');
        encode_into(&mut url, value);
    }
    url
}

/// The URL of the page that begins after `cursor`: the same question, going on from another place.
pub fn next_url(base_url: &str, path: &str, applied: &[(String, String)], cursor: &Cursor) -> String {
    let place = ("_cursor".to_owned(), cursor_text(cursor));
    query_url(base_url, path, applied.iter().filter(|(name, _)| name != "_cursor").chain([&place]))
}

fn link(relation: &str, url: String) -> Element {
    Element::complex("link").with(Element::text("relation", relation)).with(Element::text("url", url))
}

fn tree(base: &str, entry: Entry) -> Element {
    let full_url = (entry.mode != Mode::Outcome).then(|| Element::text("fullUrl", format!("{base}/{}", entry.path)));
    Element::complex("entry")
        .with_all(full_url)
        .with(entry.resource.renamed("resource"))
        .with(Element::complex("search").with(Element::text("mode", entry.mode.code())))
}

/// Percent-encodes all but the characters that mean themselves everywhere in a URL (RFC 3986, 2.3), so that a
/// `+` of a time zone survives.
fn encode_into(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            url.push(char::from(byte));
        } else {
            // Writing into a String never fails.
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::stu3::definitions;
    use proptest::prelude::*;

    use super::*;
    use crate::codec::json;
    use crate::search::{SearchRules, pairs};
    use crate::stu3::search::BOOKING_RULES;
    use domain::time::Timestamp;

    const ROOT: &str = "https://weirside.example/STU3/1/booking";
    const RULES: SearchRules = BOOKING_RULES;

    fn applied(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_history_says_how_each_version_came_to_be() {
        let change = |version| Change { resource: Element::resource("Appointment"), version };
        let bundle = history(ROOT, "Appointment/a", vec![change(2), change(1)]);
        let texts = |path: &str| bundle.all("entry").map(|e| e.text_at(path).unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(bundle.text_at("type"), Some("history"));
        assert_eq!(texts("request.method"), ["PUT", "POST"]);
        assert_eq!(texts("request.url"), ["Appointment/a", "Appointment"]);
        assert_eq!(texts("fullUrl"), [format!("{ROOT}/Appointment/a"), format!("{ROOT}/Appointment/a")]);
        assert!(bundle.all("entry").all(|e| e.child("response").is_none()));
        let written = json::write(&bundle, definitions());
        assert_eq!(json::read(written.as_bytes(), definitions()).unwrap().problems, []);
    }

    #[test]
    fn a_search_answer_has_a_total_and_a_mode_for_each_entry() {
        let asked = applied(&[("schedule.actor:healthcareservice", "2000099901"), ("start", "ge2026-06-11T00:00:00+01:00")]);
        let entries = vec![
            Entry { path: "Slot/a".to_owned(), resource: Element::resource("Slot"), mode: Mode::Match },
            Entry { path: "Schedule/b".to_owned(), resource: Element::resource("Schedule"), mode: Mode::Include },
        ];
        let bundle = searchset(&format!("{ROOT}/"), "Slot", &asked, 1, None, entries);
        assert_eq!((bundle.kind(), bundle.text_at("type")), (Some("Bundle"), Some("searchset")));
        assert_eq!(bundle.child("total"), Some(&Element::number("total", 1)));
        assert_eq!(bundle.all("link").count(), 1);
        let question = "schedule.actor%3Ahealthcareservice=2000099901&start=ge2026-06-11T00%3A00%3A00%2B01%3A00";
        assert_eq!(bundle.text_at("link.url"), Some(format!("{ROOT}/Slot?{question}").as_str()));
        assert_eq!((bundle.child("id"), bundle.child("meta")), (None, None));
        let shown: Vec<_> = bundle
            .all("entry")
            .map(|e| (e.text_at("fullUrl"), e.at("resource").and_then(Element::kind), e.text_at("search.mode")))
            .collect();
        assert_eq!(
            shown,
            [
                (Some("https://weirside.example/STU3/1/booking/Slot/a"), Some("Slot"), Some("match")),
                (Some("https://weirside.example/STU3/1/booking/Schedule/b"), Some("Schedule"), Some("include")),
            ]
        );
    }

    #[test]
    fn the_next_link_replaces_the_cursor_and_nothing_else() {
        let cursor = Cursor { start: Timestamp::from_ms(5), id: "a".to_owned() };
        let asked = applied(&[("service", "1"), ("_cursor", "old"), ("_count", "2")]);
        let bundle = searchset(ROOT, "Slot", &asked, 9, Some(&cursor), Vec::new());
        let next = bundle.all("link").find(|l| l.text_at("relation") == Some("next")).and_then(|l| l.text_at("url"));
        assert_eq!(next, Some(format!("{ROOT}/Slot?service=1&_count=2&_cursor={}", cursor_text(&cursor)).as_str()));
    }

    #[test]
    fn a_search_without_parameters_has_a_link_without_question_mark() {
        assert_eq!(query_url(ROOT, "Schedule", &[]), format!("{ROOT}/Schedule"));
    }

    #[test]
    fn an_answer_is_written_as_the_standard_shows_it() {
        let slot = Element::resource("Slot").with(Element::text("id", "a"));
        let entries = vec![Entry { path: "Slot/a".to_owned(), resource: slot, mode: Mode::Match }];
        let bundle = searchset(ROOT, "Slot", &applied(&[("service", "1")]), 1, None, entries);
        let written = concat!(
            r#"{"resourceType":"Bundle","type":"searchset","total":1,"#,
            r#""link":[{"relation":"self","url":"https://weirside.example/STU3/1/booking/Slot?service=1"}],"#,
            r#""entry":[{"fullUrl":"https://weirside.example/STU3/1/booking/Slot/a","#,
            r#""resource":{"resourceType":"Slot","id":"a"},"search":{"mode":"match"}}]}"#
        );
        assert_eq!(json::write(&bundle, definitions()), written);
    }

    proptest! {
        #[test]
        fn a_link_asks_what_was_asked(asked in prop::collection::vec(("\\PC{1,8}", "\\PC{0,12}"), 1..5)) {
            let url = query_url(ROOT, "Slot", &asked);
            let (_, query) = url.split_once('?').unwrap();
            prop_assert!(query.is_ascii());
            prop_assert_eq!(pairs(query, &RULES).unwrap(), asked);
        }
    }
}
