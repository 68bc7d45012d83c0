//! The contained `DocumentReference`: which clinical document (CDA) goes with the booking
//! (docs/specification/uec.md#b7-document).
//!
//! The document itself travels another way, so nothing here opens an attachment. The identifier is the document's
//! own id, the only thing that will tie the two together later.

use super::findings::{Findings, Place};
use super::reference::{Contained, Target};
use super::rules::BookingRules;
use crate::stu3::naming;
use domain::fault::ProblemKind;

const KIND: &str = "DocumentReference";

/// The identifier of the clinical document the booking names, as sent.
pub(super) fn read(appointment: &Place<'_>, contained: &Contained<'_>, rules: BookingRules<'_>, findings: &mut Findings) -> Option<String> {
    let document = contained.single(KIND, findings);
    if document.is_none() && rules.document_contained() {
        findings.missing(appointment.path_of("contained"), "no DocumentReference is contained: one must name the clinical document");
    }
    supporting_information(appointment, contained, rules, findings);
    let document = document?;
    findings.demand_exactly(document, "status", "current");
    document_type(document, findings);
    findings.instant(document, "indexed");
    attachments(document, findings);
    identifier(document, findings)
}

/// `supportingInformation` points at the contained document: exactly once on the booking root
/// (docs/specification/uec.md#b5-appointment).
fn supporting_information(appointment: &Place<'_>, contained: &Contained<'_>, rules: BookingRules<'_>, findings: &mut Findings) {
    let given = appointment.many("supportingInformation");
    if given.is_empty() && rules.document_contained() {
        findings.missing(appointment.path_of("supportingInformation"), "it must point at the contained DocumentReference: `#<its id>`");
    }
    for (at, entry) in given.iter().enumerate() {
        if at > 0 && rules.document_only() {
            findings.invariant(entry.path.clone(), "a booking has one supportingInformation: leave this one out");
            continue;
        }
        let reference = entry.text("reference");
        match reference.map(|text| Target::parse(text, rules.roots)) {
            Some(Target::Contained(id)) => {
                let leads = if rules.document_only() { contained.has(KIND, id) } else { contained.has_id(id) };
                if !leads {
                    let message = "no contained DocumentReference has this id";
                    findings.add(ProblemKind::Reference, entry.path_of("reference"), message);
                }
            }
            None if rules.document_only() => {
                findings.missing(entry.path_of("reference"), "it must be `#<id of the contained DocumentReference>`")
            }
            Some(_) if rules.document_only() => {
                findings.value(entry.path_of("reference"), "it must be `#<id of the contained DocumentReference>`");
            }
            _ => {}
        }
    }
}

fn identifier(document: &Place<'_>, findings: &mut Findings) -> Option<String> {
    let all = document.many("identifier");
    for extra in all.iter().skip(1) {
        findings.invariant(extra.path.clone(), "a clinical document has one identifier, its UUID: leave this one out");
    }
    let Some(first) = all.first() else {
        findings.missing(document.path_of("identifier"), "the identifier of the clinical document is missing: its UUID");
        return None;
    };
    findings.demand_exactly(first, "system", naming::UUID);
    let value = findings.demand_text(first, "value", "the UUID of the clinical document")?;
    if is_uuid(value.strip_prefix("urn:uuid:").unwrap_or(value)) {
        return Some(value.to_owned());
    }
    findings.value(first.path_of("value"), "it must be a UUID, such as 01883190-10fd-4c0a-87eb-eec757dd1c62");
    None
}

fn document_type(document: &Place<'_>, findings: &mut Findings) {
    let Some(kind) = document.one("type") else {
        findings.missing(document.path_of("type"), "the type of the document is missing: Integrated Urgent Care Report");
        return;
    };
    let codings = kind.many("coding");
    let fits = |coding: &Place<'_>| {
        coding.text("system") == Some(naming::DOCUMENT_TYPES) && coding.text("code") == Some(naming::URGENT_CARE_REPORT)
    };
    if codings.iter().any(fits) {
        return;
    }
    match codings.first() {
        None => findings.missing(kind.path_of("coding"), format!("a coding with `{}` is missing", naming::URGENT_CARE_REPORT)),
        Some(coding) => {
            findings.demand_exactly(coding, "system", naming::DOCUMENT_TYPES);
            findings.demand_exactly(coding, "code", naming::URGENT_CARE_REPORT);
        }
    }
}

fn attachments(document: &Place<'_>, findings: &mut Findings) {
    let contents = document.many("content");
    if contents.is_empty() {
        findings.missing(document.path_of("content"), "the content is missing: its attachment gives media type and language");
    }
    for content in contents {
        let Some(attachment) = content.one("attachment") else {
            findings.missing(content.path_of("attachment"), "the attachment is missing: it gives media type and language");
            continue;
        };
        findings.demand_exactly(&attachment, "contentType", naming::CLINICAL_DOCUMENT_MEDIA_TYPE);
        // The sources disagree between `en` and `en-GB` (docs/specification/uec.md#i-disagreements, row 14): either is right.
        if attachment.one("language").is_some() && !matches!(attachment.text("language"), Some("en" | "en-GB")) {
            findings.value(attachment.path_of("language"), "the document is in English: `en` or `en-GB`");
        }
    }
}

/// True for 8-4-4-4-12 hexadecimal digits of either case.
fn is_uuid(text: &str) -> bool {
    let hyphen = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    text.len() == 36 && text.bytes().enumerate().all(|(at, b)| if hyphen(at) { b == b'-' } else { b.is_ascii_hexdigit() })
}
