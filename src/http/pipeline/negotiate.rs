//! Which format a body is in and which one an answer is wanted in (docs/specification/uec.md#a3-formats;
//! docs/contract.md#statuses).
//!
//! `_format`, then `Accept` by its q values, then the request's own `Content-Type`, then JSON. Pitfall: more spellings are
//! understood for what is wanted than for what is sent. A body that calls itself `application/xml` is refused, because the
//! assurance of suppliers tests just that.

use domain::fault::Fault;

/// A format of FHIR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `application/fhir+json`.
    Json,
    /// `application/fhir+xml`.
    Xml,
}

impl Format {
    /// The value of `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/fhir+json;charset=UTF-8",
            Self::Xml => "application/fhir+xml;charset=UTF-8",
        }
    }
}

/// The format of a body, by its `Content-Type`.
///
/// # Errors
/// [`Fault::ContentType`] for anything that is not one of the five accepted types.
pub fn of_body(content_type: Option<&str>) -> Result<Format, Fault> {
    let given = content_type.unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/fhir+json" | "application/json" | "application/json+fhir" => Ok(Format::Json),
        "application/fhir+xml" | "application/xml+fhir" => Ok(Format::Xml),
        _ => Err(Fault::ContentType { given: quoted(given) }),
    }
}

/// Proves that the body of a search calls itself a form.
///
/// # Errors
/// [`Fault::NotAForm`].
pub fn is_form(content_type: Option<&str>) -> Result<(), Fault> {
    let given = content_type.unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let is_form = essence.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    if is_form { Ok(()) } else { Err(Fault::NotAForm { given: quoted(given) }) }
}

/// The format of the answer.
///
/// # Errors
/// [`Fault::NotAcceptable`] when none of what is wanted can be written.
pub fn of_answer(format: Option<&str>, accept: Option<&str>, content_type: Option<&str>) -> Result<Format, Fault> {
    if let Some(wanted) = format {
        // An unencoded `+` arrives as a space.
        return named(&wanted.replace(' ', "+")).ok_or_else(|| Fault::NotAcceptable { given: quoted(wanted) });
    }
    let own = of_body(content_type).unwrap_or(Format::Json);
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return Ok(own) };
    preferred(accept, own).ok_or_else(|| Fault::NotAcceptable { given: quoted(accept) })
}

/// What to answer in when the wish itself was at fault.
pub fn of_refusal(format: Option<&str>, accept: Option<&str>, content_type: Option<&str>) -> Format {
    of_answer(format, accept, content_type).unwrap_or(Format::Json)
}

/// The best of an `Accept` header: the highest q; of equals, the first.
fn preferred(accept: &str, own: Format) -> Option<Format> {
    let quality_of = |range: &str| {
        let parameters = range.split(';').skip(1);
        parameters.filter_map(|p| p.trim().strip_prefix(['q', 'Q'])?.strip_prefix('=')).find_map(thousandths).unwrap_or(1_000)
    };
    let kind_of = |range: &str| range.split(';').next().unwrap_or_default().trim().to_owned();
    // "Anything" is anything but what was ruled out by name.
    let is_any = |kind: &str| matches!(kind, "*/*" | "application/*");
    let ruled_out = |format| accept.split(',').any(|r| !is_any(&kind_of(r)) && named(&kind_of(r)) == Some(format) && quality_of(r) == 0);
    let other = if own == Format::Json { Format::Xml } else { Format::Json };
    let mut best: Option<(u32, Format)> = None;
    for range in accept.split(',') {
        let kind = kind_of(range);
        let format = if is_any(&kind) { [own, other].into_iter().find(|format| !ruled_out(*format)) } else { named(&kind) };
        let quality = quality_of(range);
        if let Some(format) = format
            && quality > best.map_or(0, |(q, _)| q)
        {
            best = Some((quality, format));
        }
    }
    best.map(|(_, format)| format)
}

/// A q value in thousandths (RFC 9110, 12.4.2).
fn thousandths(text: &str) -> Option<u32> {
    let value: f32 = text.trim().parse().ok()?;
    (1..=1_000u16).rev().find(|step| f32::from(*step) / 1_000.0 <= value).map(u32::from).or(Some(0))
}

fn named(kind: &str) -> Option<Format> {
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "json" | "application/json" | "application/fhir+json" | "application/json+fhir" | "text/json" | "*/*" => Some(Format::Json),
        "xml" | "text/xml" | "application/xml" | "application/fhir+xml" | "application/xml+fhir" => Some(Format::Xml),
        _ => None,
    }
}

fn quoted(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves F3.
    #[test]
    fn the_parameter_beats_the_header_and_the_header_beats_the_body() {
        assert_eq!(of_answer(Some("xml"), Some("application/fhir+json"), None), Ok(Format::Xml));
        assert_eq!(of_answer(Some("application/fhir json"), Some("application/fhir+xml"), None), Ok(Format::Json));
        assert_eq!(of_answer(None, Some("application/fhir+json"), Some("application/fhir+xml")), Ok(Format::Json));
        assert_eq!(of_answer(None, None, Some("application/fhir+xml")), Ok(Format::Xml));
        assert_eq!(of_answer(None, Some("*/*"), Some("application/fhir+xml")), Ok(Format::Xml));
        assert_eq!(of_answer(None, None, None), Ok(Format::Json));
    }

    #[test]
    fn the_highest_q_wins_and_zero_never_does() {
        assert_eq!(of_answer(None, Some("application/fhir+json;q=0.1, application/fhir+xml;q=0.9"), None), Ok(Format::Xml));
        assert_eq!(of_answer(None, Some("text/html, application/fhir+xml;q=0.2, */*;q=0.1"), None), Ok(Format::Xml));
        assert!(of_answer(None, Some("application/fhir+xml;q=0"), None).is_err());
        assert_eq!(of_answer(None, Some("application/fhir+json;q=0, */*"), None), Ok(Format::Xml));
        assert_eq!(of_answer(None, Some("*/*;q=0.1, application/fhir+xml;q=0"), Some("application/fhir+xml")), Ok(Format::Json));
        assert!(of_answer(None, Some("json;q=0, xml;q=0, */*"), None).is_err());
        // The names of parameters have no case (RFC 9110, 5.6.6).
        assert_eq!(of_answer(None, Some("application/fhir+json;Q=0.1, application/fhir+xml;Q=0.9"), None), Ok(Format::Xml));
        assert!(of_answer(None, Some("application/fhir+xml; Q=0"), None).is_err());
        assert!(of_answer(None, Some("text/html"), None).is_err());
    }

    #[test]
    fn only_a_form_is_a_form() {
        assert_eq!(is_form(Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8")), Ok(()));
        assert!(is_form(Some("application/json")).is_err() && is_form(None).is_err());
    }

    #[test]
    fn a_body_must_call_itself_fhir() {
        assert_eq!(of_body(Some("application/fhir+json; charset=UTF-8")), Ok(Format::Json));
        assert_eq!(of_body(Some("application/json")), Ok(Format::Json));
        assert_eq!(of_body(Some("application/xml+fhir")), Ok(Format::Xml));
        for refused in [Some("application/xml"), Some("text/plain"), Some(""), None] {
            assert!(of_body(refused).is_err(), "{refused:?}");
        }
    }
}
