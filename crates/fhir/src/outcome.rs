//! Refusals as `OperationOutcome` (docs/specification/uec.md#b9-operationoutcome).
//!
//! Which fault becomes which issue is the dialects' table; here it only becomes a tree.
//!
//! Pitfall: `Spine-OperationOutcome-1` is never claimed, because it forbids `issue.expression`, which says where
//! the problem is (docs/contract.md#error-bodies).

use domain::element::Element;

/// The profile every outcome claims.
pub const PROFILE: &str = "http://hl7.org/fhir/StructureDefinition/OperationOutcome";

/// The coding of a slot that is no longer free, as the assurance of suppliers demands it
/// (docs/specification/uec.md#b9-operationoutcome).
pub const PROCESSING_FAILURE: Coding =
    Coding { system: "http://hl7.org/fhir/issue-type", code: "processing", display: "Processing Failure" };

/// A code, the system it is of and how people read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coding {
    /// The code system, a URI.
    pub system: &'static str,
    /// The code.
    pub code: &'static str,
    /// The display the system gives it.
    pub display: &'static str,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing more was checked.
    Fatal,
    /// The request failed.
    Error,
    /// The request went through, but.
    Warning,
    /// Only said.
    Information,
}

impl Severity {
    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }
}

/// The value set `issue-type` of STU3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueCode {
    /// Invalid content.
    Invalid,
    /// A structural problem: not well formed.
    Structure,
    /// Something that must be there is missing.
    Required,
    /// A value of the wrong form or size.
    Value,
    /// A rule between elements is broken.
    Invariant,
    /// A security problem.
    Security,
    /// The caller must identify itself.
    Login,
    /// The caller is not known.
    Unknown,
    /// The session is over.
    Expired,
    /// The caller may not do this.
    Forbidden,
    /// Some information is kept back.
    Suppressed,
    /// Processing failed.
    Processing,
    /// Not supported here.
    NotSupported,
    /// It has been done already.
    Duplicate,
    /// Nothing is there.
    NotFound,
    /// Too long.
    TooLong,
    /// Not a code of its system.
    CodeInvalid,
    /// An extension is not acceptable here.
    Extension,
    /// Too much was requested at once.
    TooCostly,
    /// A rule of the business says no.
    BusinessRule,
    /// Somebody else changed it meanwhile.
    Conflict,
    /// The answer is not whole.
    Incomplete,
    /// It may work later.
    Transient,
    /// It is locked.
    LockError,
    /// The store is not there.
    NoStore,
    /// The server failed.
    Exception,
    /// It took too long.
    Timeout,
    /// Too many requests.
    Throttled,
    /// No problem at all.
    Informational,
}

impl IssueCode {
    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Structure => "structure",
            Self::Required => "required",
            Self::Value => "value",
            Self::Invariant => "invariant",
            Self::Security => "security",
            Self::Login => "login",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Forbidden => "forbidden",
            Self::Suppressed => "suppressed",
            Self::Processing => "processing",
            Self::NotSupported => "not-supported",
            Self::Duplicate => "duplicate",
            Self::NotFound => "not-found",
            Self::TooLong => "too-long",
            Self::CodeInvalid => "code-invalid",
            Self::Extension => "extension",
            Self::TooCostly => "too-costly",
            Self::BusinessRule => "business-rule",
            Self::Conflict => "conflict",
            Self::Incomplete => "incomplete",
            Self::Transient => "transient",
            Self::LockError => "lock-error",
            Self::NoStore => "no-store",
            Self::Exception => "exception",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::Informational => "informational",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// How bad it is.
    pub severity: Severity,
    /// What sort of thing.
    pub code: IssueCode,
    /// The same in the Spine's words, where it has one.
    pub coding: Option<Coding>,
    /// What is wrong and what would be right. Never repeats a patient's data.
    pub diagnostics: String,
    /// Where, as paths: `Appointment.contained[1].telecom[0].rank`.
    pub expressions: Vec<String>,
}

/// Word that something was done.
pub const fn informational(diagnostics: String) -> Issue {
    Issue { severity: Severity::Information, code: IssueCode::Informational, coding: None, diagnostics, expressions: Vec::new() }
}

/// Word that something was asked in vain.
pub const fn not_supported(diagnostics: String) -> Issue {
    Issue { severity: Severity::Warning, code: IssueCode::NotSupported, coding: None, diagnostics, expressions: Vec::new() }
}

/// The outcome `id` (a new UUID each time) with all of `issues`, of which there is at least one.
pub fn tree(id: &str, issues: &[Issue]) -> Element {
    Element::resource("OperationOutcome")
        .with(Element::text("id", id))
        .with(Element::complex("meta").with(Element::text("profile", PROFILE)))
        .with_all(issues.iter().map(issue))
}

fn issue(issue: &Issue) -> Element {
    let details = issue.coding.map(|coding| {
        let coding = Element::complex("coding")
            .with(Element::text("system", coding.system))
            .with(Element::text("code", coding.code))
            .with(Element::text("display", coding.display));
        Element::complex("details").with(coding)
    });
    // An empty string is no FHIR value.
    let diagnostics = Some(issue.diagnostics.as_str()).filter(|text| !text.is_empty());
    Element::complex("issue")
        .with(Element::text("severity", issue.severity.code()))
        .with(Element::text("code", issue.code.code()))
        .with_all(details)
        .with_all(diagnostics.map(|text| Element::text("diagnostics", speakable(text))))
        .with_all(issue.expressions.iter().map(|place| Element::text("expression", speakable(place))))
}

/// The text without what no FHIR string may hold: a refusal may repeat a name that was sent, whatever is in it.
fn speakable(text: &str) -> String {
    text.chars().map(|c| if super::codec::xml::is_xml_char(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stu3::definitions;

    #[test]
    fn a_taken_slot_reads_as_the_assurance_demands() {
        let taken = Issue {
            severity: Severity::Error,
            code: IssueCode::Processing,
            coding: Some(PROCESSING_FAILURE),
            diagnostics: "Slot no longer available".to_owned(),
            expressions: Vec::new(),
        };
        let tree = tree("4266bd15-db38-4506-8130-d19495657151", &[taken]);
        let of = |path: &str| tree.text_at(path).unwrap_or_default().to_owned();
        assert_eq!((tree.kind(), of("id").as_str()), (Some("OperationOutcome"), "4266bd15-db38-4506-8130-d19495657151"));
        assert_eq!(of("meta.profile"), "http://hl7.org/fhir/StructureDefinition/OperationOutcome");
        assert_eq!((of("issue.severity").as_str(), of("issue.code").as_str()), ("error", "processing"));
        assert_eq!(of("issue.details.coding.system"), "http://hl7.org/fhir/issue-type");
        assert_eq!(of("issue.details.coding.code"), "processing");
        assert_eq!(of("issue.details.coding.display"), "Processing Failure");
        assert_eq!(of("issue.diagnostics"), "Slot no longer available");
        let written = crate::codec::json::write(&tree, definitions());
        let details = r#"{"coding":[{"system":"http://hl7.org/fhir/issue-type","code":"processing","display":"Processing Failure"}]}"#;
        assert!(
            written.contains(&format!(r#""issue":[{{"severity":"error","code":"processing","details":{details},"diagnostics""#)),
            "{written}"
        );
    }

    /// Proves F8.
    #[test]
    fn every_problem_is_listed_with_its_places() {
        let issue = |places: &[&str]| Issue {
            severity: Severity::Error,
            code: IssueCode::BusinessRule,
            coding: None,
            diagnostics: String::new(),
            expressions: places.iter().map(|p| (*p).to_owned()).collect(),
        };
        let tree = tree("x", &[issue(&["Appointment.start", "Appointment.end"]), issue(&[])]);
        let places: Vec<_> = tree.all("issue").map(|i| i.all("expression").filter_map(Element::as_text).collect::<Vec<_>>()).collect();
        assert_eq!(places, [vec!["Appointment.start", "Appointment.end"], vec![]]);
        assert!(tree.all("issue").all(|i| i.child("details").is_none() && i.child("diagnostics").is_none()));
    }

    #[test]
    fn what_no_fhir_string_may_hold_is_not_repeated() {
        let issue = Issue {
            diagnostics: "no attribute `valu\u{6}e`,\n\tnor `\u{fffe}é😀`".to_owned(),
            expressions: vec!["Slot.\u{0}".to_owned()],
            ..informational(String::new())
        };
        let tree = tree("x", &[issue]);
        assert_eq!(tree.text_at("issue.diagnostics"), Some("no attribute `valu\u{fffd}e`,\n\tnor `\u{fffd}é😀`"));
        assert_eq!(tree.text_at("issue.expression"), Some("Slot.\u{fffd}"));
        assert_eq!(crate::validate::check(&tree, definitions()), []);
    }
}
