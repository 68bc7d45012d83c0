//! How the patient, or somebody on the patient's behalf, is reached (docs/specification/uec.md#b6-patient, "Contact ranking").
//!
//! Knows telecoms and their ranks.
//!
//! Pitfall: ranks are counted over the patient's own telecoms and those of all contacts together, rank 1 is given
//! exactly once, and ties further down are right.

use super::findings::{Findings, Place};
use super::human_name::name_text;
use super::{BookingRules, ContactRanks};
use domain::element::Value;
use domain::fault::ProblemKind;

/// One way to reach somebody.
struct Contact<'e> {
    /// Its place, for findings.
    telecom: Place<'e>,
    rank: Option<u32>,
    value: Option<&'e str>,
    /// Whose it is, when it is not the patient's own.
    whose: Option<String>,
}

/// The contact of rank 1 as the diary shows it: `07700 900461 (Rosalind Whitlock)`.
pub(super) fn primary(patient: &Place<'_>, rules: BookingRules<'_>, findings: &mut Findings) -> Option<String> {
    let mut all: Vec<Contact<'_>> = patient.many("telecom").into_iter().map(|telecom| contact(telecom, None, rules, findings)).collect();
    for person in patient.many("contact") {
        let name = third_party_name(&person, findings);
        for telecom in person.many("telecom") {
            all.push(contact(telecom, Some(name.clone().unwrap_or_default()), rules, findings));
        }
    }
    check_rank_one(patient, &all, rules, findings);
    // Before there were ranks, the first contact given was the one to call.
    let primary = all.iter().position(|c| c.rank == Some(1)).unwrap_or(0);
    let first = all.into_iter().nth(primary).filter(|c| c.rank == Some(1) || rules.contacts == ContactRanks::Forgiven)?;
    let value = first.value?;
    match first.whose.filter(|name| !name.is_empty()) {
        Some(name) => Some(format!("{value} ({name})")),
        None => Some(value.to_owned()),
    }
}

/// Rank 1 exactly once. On the booking root this is a matter of structure (400) and demanded even of a
/// patient without any contact; on the provider root it is a rule like others, where contacts are given
/// (docs/contract.md#the-provider-root, #statuses). Consumers built before there were ranks need none, but what they
/// rank is ranked rightly.
fn check_rank_one(patient: &Place<'_>, all: &[Contact<'_>], rules: BookingRules<'_>, findings: &mut Findings) {
    let kind = match rules.contacts {
        ContactRanks::Demanded | ContactRanks::Forgiven => ProblemKind::Structure,
        ContactRanks::OneFirst => ProblemKind::Invariant,
    };
    let firsts: Vec<_> = all.iter().filter(|c| c.rank == Some(1)).collect();
    let due = match rules.contacts {
        ContactRanks::Demanded => true,
        ContactRanks::Forgiven => all.iter().any(|c| c.rank.is_some()),
        ContactRanks::OneFirst => !all.is_empty(),
    };
    if firsts.is_empty() && due {
        let message = "no contact has rank 1: one of the patient's or the contacts' telecoms must be the primary one";
        findings.add(kind, patient.path_of("telecom"), message);
    }
    for extra in firsts.iter().skip(1) {
        findings.add(kind, extra.telecom.path_of("rank"), "another contact has rank 1 already: only one may");
    }
}

fn contact<'e>(telecom: Place<'e>, whose: Option<String>, rules: BookingRules<'_>, findings: &mut Findings) -> Contact<'e> {
    let system = findings.demand_text(&telecom, "system", "phone, email or another contact point system");
    let value = findings.demand_text(&telecom, "value", "the number or address itself");
    if system == Some("email") && value.is_some_and(|value| !looks_like_email(value)) {
        findings.value(telecom.path_of("value"), "an email address has the form somebody@example.org");
    }
    let rank = rank(&telecom, rules, findings);
    Contact { telecom, rank, value, whose }
}

/// The rank, a positive integer; demanded of every telecom on the booking root (docs/specification/uec.md#b6-patient).
fn rank(telecom: &Place<'_>, rules: BookingRules<'_>, findings: &mut Findings) -> Option<u32> {
    let Some(value) = telecom.element.child("rank").and_then(|rank| rank.value.as_ref()) else {
        if rules.contacts_ranked() {
            findings.missing(telecom.path_of("rank"), "the rank is missing: a positive integer, 1 for the primary contact");
        }
        return None;
    };
    let rank = match value {
        // FHIR's positiveInt ends at 2^31 - 1.
        Value::Number(text) => text.parse().ok().filter(|rank| (1..=0x7FFF_FFFF).contains(rank)),
        _ => None,
    };
    if rank.is_none() {
        findings.value(telecom.path_of("rank"), "a rank is a positive integer, 1 for the primary contact");
    }
    rank
}

/// The name of a third party; it must have one, with a use (profile, docs/specification/uec.md#b6-patient).
fn third_party_name(person: &Place<'_>, findings: &mut Findings) -> Option<String> {
    let Some(name) = person.one("name") else {
        findings.missing(person.path_of("name"), "the name of the contact is missing");
        return None;
    };
    findings.demand_text(&name, "use", "official, usual or another use of names");
    name_text(&name)
}

/// Something, one `@`, and a host with a dot in it; no spaces.
fn looks_like_email(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else { return false };
    let host_fits = host.split('.').count() > 1 && host.split('.').all(|label| !label.is_empty());
    !local.is_empty() && host_fits && !host.contains('@') && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::looks_like_email;

    #[test]
    fn an_email_address_has_something_on_both_sides_of_one_at() {
        for text in ["i.whitlock@example.org", "a+b@mail.example.co.uk"] {
            assert!(looks_like_email(text), "{text}");
        }
        for text in ["", "example.org", "@example.org", "a@", "a@example", "a@b@example.org", "a @example.org", "a@example..org", "a@.org"]
        {
            assert!(!looks_like_email(text), "{text}");
        }
    }
}
