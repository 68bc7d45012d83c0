//! The NHS number in an identifier, of a participant or of a contained Patient.

use super::findings::{Findings, Place};
use domain::fault::ProblemKind;
use domain::nhs_number::NhsNumber;

/// The NHS number in an identifier of that system. Neither the number nor its digits are ever repeated.
pub(super) fn number_of(identifier: &Place<'_>, findings: &mut Findings) -> Option<NhsNumber> {
    let wanted = "an NHS number; leave the whole identifier out where none is known";
    let text = findings.demand_text(identifier, "value", wanted)?;
    match NhsNumber::parse(text) {
        Ok(number) => Some(number),
        Err(wrong) => {
            findings.add(ProblemKind::NhsNumber, identifier.path_of("value"), wrong.to_string());
            None
        }
    }
}
