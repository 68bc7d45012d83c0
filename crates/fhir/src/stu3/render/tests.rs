use super::*;
use crate::bundle::{Entry, searchset};
use crate::definitions::Definitions;
use crate::stu3::definitions;
use crate::stu3::{schedule, slot};
use domain::directory::DirectoryKind;
use domain::element::Element;
use domain::ids::{ResourceId, ScheduleId, ServiceId, SlotId};
use domain::schedule::{Identifier, Schedule};
use domain::slot::Channel;
use domain::time::LONDON;
use proptest::prelude::*;
use std::borrow::Cow;

const ROOTS: [&str; 3] =
    ["https://weirside.example/STU3/1/booking", "https://weirside.example/provider/STU3/", "http://[::1]:8080/a\"<&>é"];

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,12}", "[a-z0-9.-]{1,36}", "[\"\\\\<>&'\t\n\r\u{0}\u{1f}é]{0,6}"]
}

fn some_slot() -> impl Strategy<Value = Slot> {
    let channel = prop::option::of(prop::sample::select(vec![Channel::InPerson, Channel::Telephone, Channel::Video]));
    let when = (-62_000_000_000_000i64..253_000_000_000_000, -1i64..100_000_000_000);
    (text(), text(), when, 0..3, any::<bool>(), channel).prop_map(|(id, of, (start, length), taken, blocked, channel)| Slot {
        id: SlotId::stored(id),
        schedule: ScheduleId::stored(of),
        start: Timestamp::from_ms(start),
        end: Timestamp::from_ms(start + length),
        capacity: 2,
        taken,
        blocked,
        channel,
        version: 1,
        updated: Timestamp::from_ms(0),
    })
}

fn some_schedule() -> impl Strategy<Value = Schedule> {
    let id = || prop::option::of(text().prop_map(ResourceId::stored));
    (text(), text(), text(), text(), prop::collection::vec(text().prop_map(ServiceId::stored), 1..3), id(), id(), id(), any::<bool>())
        .prop_map(|(id, system, value, name, services, practitioner, role, location, active)| Schedule {
            id: ScheduleId::stored(id),
            identifier: Identifier { system, value },
            name,
            services,
            practitioner,
            role,
            location,
            zone: LONDON,
            active,
            version: 1,
            updated: Timestamp::from_ms(0),
        })
}

/// A resource of the directory, with what makes one hard to write: an extension without value, markup, line breaks.
fn some_document() -> impl Strategy<Value = (String, Element)> {
    let kinds = vec![DirectoryKind::Organization, DirectoryKind::HealthcareService, DirectoryKind::Practitioner, DirectoryKind::Location];
    (prop::sample::select(kinds), "[a-z0-9]{1,8}", "[ -~é\n]{1,20}", any::<bool>()).prop_map(|(kind, id, name, extended)| {
        let extension = Element::complex("extension").with(Element::text("url", "https://weirside.example/e"));
        let named = Element { children: if extended { vec![extension] } else { Vec::new() }, ..Element::text("name", name.as_str()) };
        let named = if kind == DirectoryKind::Practitioner { Element::complex("name").with(Element::text("text", name)) } else { named };
        (format!("{}/{id}", kind.name()), Element::resource(kind.name()).with(Element::text("id", id)).with(named))
    })
}

proptest! {
    #[test]
    fn the_bytes_are_those_that_the_tree_would_give(
        root in prop::sample::select(ROOTS.to_vec()),
        applied in prop::collection::vec((text(), text()), 0..4),
        total in any::<u64>(),
        now in -62_000_000_000_000i64..253_000_000_000_000,
        slots in prop::collection::vec(some_slot(), 0..6),
        schedules in prop::collection::vec(some_schedule(), 0..3),
        location_always in any::<bool>(),
        documents in prop::collection::vec(some_document(), 0..4),
    ) {
        let now = Timestamp::from_ms(now);
        let trees: Vec<(String, Element)> = schedules
            .iter()
            .filter_map(|s| Some((format!("Schedule/{}", s.id), schedule::tree(s, s.services.first()?, location_always))))
            .chain(documents)
            .collect();
        let matches = slots.iter().map(|s| Entry { path: format!("Slot/{}", s.id), resource: slot::tree(s, now), mode: Mode::Match });
        let includes = trees.iter().map(|(path, tree)| Entry { path: path.clone(), resource: tree.clone(), mode: Mode::Include });
        let bundle = searchset(root, "Slot", &applied, total, None, matches.chain(includes).collect());
        let head = Head { base_url: root, applied: &applied, total };
        let included = |write: fn(&Element, &Definitions) -> String| -> Vec<Included<'static>> {
            trees.iter().map(|(path, tree)| Included { path: path.clone(), text: Cow::Owned(write(tree, definitions())) }).collect()
        };
        prop_assert_eq!(json(head, &slots, now, &included(json::write)), json::write(&bundle, definitions()));
        prop_assert_eq!(xml(head, &slots, now, &included(xml::write_inside)), xml::write(&bundle, definitions()));
    }

    #[test]
    fn an_instant_is_written_as_everywhere_else(first in -62_000_000_000_000i64..253_000_000_000_000, later in 0i64..200_000_000) {
        let mut days = Days::default();
        for at in [first, first + later, first].map(Timestamp::from_ms) {
            let mut out = String::new();
            days.push(&mut out, at);
            prop_assert_eq!(out, at.to_fhir());
        }
    }
}
