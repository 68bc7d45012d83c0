//! What must hold for any query at all: nothing panics, what is applied asks the same again, cursors survive.

use proptest::prelude::*;

use super::{BOOKING, PROVIDER, now};
use crate::search::{Query, SearchRules, UnknownParameters, cursor_text, pairs, parse_cursor};
use crate::stu3::search::{appointments, schedules, slots};
use domain::search::Cursor;
use domain::time::Timestamp;

/// Pieces that make queries worth trying, mixed with arbitrary text.
fn any_query() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        4 => prop::sample::select(vec![
            "schedule.actor:healthcareservice", "service", "schedule", "_id", "identifier", "status", "start", "date", "_lastUpdated",
            "_include", "_include:iterate", "_revinclude", "_format", "_pretty", "_summary", "_count", "_cursor", "end", "actor",
            "actor:Location", "patient", "Appointment.participant.actor", "version", "slot", "_elements", "_sort", "active", "practitioner",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ];
    let value = prop_oneof![
        6 => prop::sample::select(vec![
            "2000099901", "HealthcareService/1,HealthcareService/2", "free", "free,busy", "busy-tentative", "ge2026-02-11", "le2026-02-20",
            "lt2026-02-28T10:00:00 00:00", "2026-02", "Slot:schedule", "Schedule:actor", "https://fhir.nhs.uk/Id/nhs-number|9990000018",
            "https://tools.ietf.org/html/rfc4122|a", "3", "0", "count", "true", "Practitioner/p,x", "booked", "text", "status,foo", "Appointment:slot", r"a\,b|c\|d", "MTIzL2E",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,20}",
        1 => "[%0-9a-fA-F|,/\\\\+ -]{0,20}",
    ];
    prop::collection::vec((name, value), 0..6)
        .prop_map(|list| list.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"))
}

proptest! {
    #[test]
    fn no_query_panics_and_the_applied_parameters_are_equivalent(raw in any_query()) {
        for rules in [BOOKING, PROVIDER] {
            let Ok(found) = pairs(&raw, &rules) else { continue };
            // Strict about names, so that the property also says that only known names are applied.
            let strictly = SearchRules { unknown: UnknownParameters::Refused, ..rules };
            // A warning is of what is not applied.
            macro_rules! asks_the_same {
                ($again:expr, $query:expr) => {
                    prop_assert_eq!($again.unwrap(), Query { warnings: Vec::new(), ..$query })
                };
            }
            if let Ok(query) = slots(&found, &rules, now()) {
                asks_the_same!(slots(&query.applied, &strictly, now()), query.clone());
            }
            if let Ok(query) = schedules(&found, &rules) {
                asks_the_same!(schedules(&query.applied, &strictly), query.clone());
            }
            if let Ok(query) = appointments(&found, &rules) {
                asks_the_same!(appointments(&query.applied, &strictly), query.clone());
            }
        }
    }

    #[test]
    fn any_text_at_all_is_decoded_or_refused(raw in "\\PC{0,200}") {
        let _ = pairs(&raw, &BOOKING).and_then(|found| slots(&found, &BOOKING, now()));
    }

    #[test]
    fn a_cursor_survives_its_text(ms in any::<i64>(), id in "[A-Za-z0-9.-]{1,64}") {
        let cursor = Cursor { start: Timestamp::from_ms(ms), id };
        let text = cursor_text(&cursor);
        prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        prop_assert_eq!(parse_cursor(&text), Some(cursor));
    }

    #[test]
    fn a_text_is_no_cursor_or_the_only_text_of_its_cursor(text in "[A-Za-z0-9_=+/-]{0,40}") {
        if let Some(cursor) = parse_cursor(&text) {
            prop_assert_eq!(cursor_text(&cursor), text);
        }
    }
}
