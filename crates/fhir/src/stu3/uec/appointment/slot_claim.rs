//! Which slot a booking wants, and what it states about it (docs/specification/uec.md#b5-appointment and
//! #b8-contained-slot, #c9-one-slot).
//!
//! Does not know whether the slot exists or is free: the engine compares the claim with what is stored.
//!
//! Pitfall: a contained Slot's `status` means nothing here. Consumers send `busy` as the state they want and `free`
//! as the state they found, and both are right.

use super::findings::{Findings, Place};
use super::reference::{Contained, Target};
use super::rules::BookingRules;
use crate::stu3::naming;
use domain::appointment::SlotClaim;
use domain::fault::ProblemKind;
use domain::ids::{ScheduleId, SlotId};
use domain::time::Timestamp;

/// The most identifiers of a contained Slot that are read.
const IDENTIFIERS_MAX: usize = 4;

/// The slot the booking names; `service` is not known here and left out. `None` only with a finding.
pub(super) fn read(
    appointment: &Place<'_>,
    contained: &Contained<'_>,
    rules: BookingRules<'_>,
    findings: &mut Findings,
) -> Option<SlotClaim> {
    let all = appointment.many("slot");
    for extra in all.iter().skip(1) {
        findings.invariant(extra.path.clone(), "an appointment has exactly one slot: book the others separately");
    }
    let contained_slot = contained.single("Slot", findings);
    // Before 2.0.0 the slot was named, not contained; whoever points into `contained` must still fill it.
    let named =
        all.first().and_then(|slot| slot.text("reference")).is_some_and(|text| Target::parse(text, rules.roots).id_of("Slot").is_some());
    if contained_slot.is_none() && rules.slot_demanded() && !(named && rules.slot_by_reference()) {
        // Its own row in the table of answers: 400, not 422 (docs/contract.md#statuses).
        findings.add(ProblemKind::Structure, appointment.path_of("contained"), "no Slot is contained: the slot to book must be");
    }
    // Read even when nothing points there, so that all problems come at once.
    let claimed = contained_slot.and_then(|slot| of_contained(slot, rules, findings));
    let Some(first) = all.first() else {
        let missing = if rules.slot_by_reference() {
            "`slot: Slot/<id>` is missing: the slot to book"
        } else {
            "the slot is missing: it must point at the contained Slot, `#<its id>`"
        };
        findings.missing(appointment.path_of("slot"), missing);
        return None;
    };
    let wanted = if rules.slot_by_reference() {
        "it must be `Slot/<id>` or `#<id of a contained Slot>`"
    } else {
        "it must be `#<id of the contained Slot>`"
    };
    let reference = findings.demand_text(first, "reference", wanted)?;
    match Target::parse(reference, rules.roots) {
        Target::Contained(id) if contained.has("Slot", id) => claimed,
        Target::Contained(_) => {
            findings.add(ProblemKind::Reference, first.path_of("reference"), "no contained Slot has this id");
            None
        }
        Target::Resource { kind: "Slot", id } if rules.slot_by_reference() => Some(SlotClaim {
            ids: vec![SlotId::parse(id).ok()?],
            schedule: None,
            start: None,
            end: None,
            service: None,
            expression: first.path.clone(),
        }),
        Target::Foreign { kind: "Slot", .. } if rules.slot_by_reference() => {
            findings.value(first.path_of("reference"), format!("that slot is another server's: {wanted}"));
            None
        }
        _ => {
            findings.value(first.path_of("reference"), wanted);
            None
        }
    }
}

/// What a contained Slot says of itself.
fn of_contained(slot: &Place<'_>, rules: BookingRules<'_>, findings: &mut Findings) -> Option<SlotClaim> {
    let ids = ids(slot, findings);
    let start = findings.instant(slot, "start");
    let end = findings.instant(slot, "end");
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        findings.invariant(slot.path_of("end"), "the slot ends before it begins");
    }
    let schedule = schedule(slot, rules, findings);
    (!ids.is_empty()).then(|| SlotClaim { ids, schedule, start, end, service: None, expression: slot.path.clone() })
}

/// The ids it may be known by: the value of its identifier first, then its id (docs/specification/uec.md#b8-contained-slot).
fn ids(slot: &Place<'_>, findings: &mut Findings) -> Vec<SlotId> {
    let mut ids: Vec<SlotId> = Vec::new();
    let mut values = Vec::new();
    for identifier in slot.many("identifier") {
        if identifier.one("value").is_none() {
            findings.missing(identifier.path_of("value"), "the identifier has no value: the slot's UUID");
        }
        // A slot of this server has a UUID; identifiers of other systems are the consumer's own.
        if identifier.text("system").is_none_or(|system| system == naming::UUID)
            && let Some(value) = identifier.text("value")
        {
            values.push((value.strip_prefix("urn:uuid:").unwrap_or(value), identifier.path_of("value")));
        }
    }
    match slot.text("id") {
        Some(id) => values.push((id, slot.path_of("id"))),
        None => findings.missing(slot.path_of("id"), "a contained resource needs an id, or nothing can point at it"),
    }
    // A slot has one identifier, which validation demands; a body with thousands is not worth comparing them all.
    let last = values.pop();
    for (value, path) in values.into_iter().take(IDENTIFIERS_MAX).chain(last) {
        match SlotId::parse(value) {
            Ok(id) if !ids.contains(&id) => ids.push(id),
            Ok(_) => {}
            Err(_) => findings.value(path, "it names no slot: 1 to 64 characters of A-Z, a-z, 0-9, `-` and `.`"),
        }
    }
    ids
}

fn schedule(slot: &Place<'_>, rules: BookingRules<'_>, findings: &mut Findings) -> Option<ScheduleId> {
    let wanted = "the schedule of the slot, `Schedule/<id>`";
    let Some(schedule) = slot.one("schedule") else {
        findings.missing(slot.path_of("schedule"), format!("`schedule` is missing: {wanted}"));
        return None;
    };
    if schedule.one("reference").is_none() && !rules.slot_demanded() {
        return None;
    }
    let reference = findings.demand_text(&schedule, "reference", wanted)?;
    // Which slot is meant is said by its own id. Consumers reach this server under more names than it knows of itself, so that
    // a schedule counts by its id, whatever is before it, and is compared with the slot's.
    let id = Target::parse(reference, rules.roots).id_anywhere("Schedule").and_then(|id| ScheduleId::parse(id).ok());
    if id.is_none() {
        findings.value(schedule.path_of("reference"), format!("it must be {wanted}"));
    }
    id
}

/// The appointment's own start and end, which lie within those of the contained slot
/// (docs/specification/uec.md#i-disagreements, row 34).
pub(super) fn start_and_end(appointment: &Place<'_>, claim: Option<&SlotClaim>, findings: &mut Findings) -> Option<(Timestamp, Timestamp)> {
    let start = findings.instant(appointment, "start");
    let end = findings.instant(appointment, "end");
    let (from, until) = (claim.and_then(|c| c.start), claim.and_then(|c| c.end));
    let within = |at: Timestamp| from.is_none_or(|from| from <= at) && until.is_none_or(|until| at <= until);
    if start.is_some_and(|at| !within(at)) {
        findings.invariant(appointment.path_of("start"), "the appointment does not begin within its slot");
    }
    match (start?, end?) {
        (start, end) if end <= start => findings.invariant(appointment.path_of("end"), "the appointment must end after it begins"),
        (_, end) if !within(end) => findings.invariant(appointment.path_of("end"), "the appointment does not end within its slot"),
        _ => {}
    }
    Some((start?, end?))
}
