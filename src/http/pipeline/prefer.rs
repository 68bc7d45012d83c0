//! `Prefer`: how a client would like to be treated (RFC 7240; STU3 http and search). One that is not known, or misspelt,
//! changes nothing.

use actix_web::HttpRequest;

/// What a write answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Returning {
    /// The resource, which is also the answer to whoever did not say.
    #[default]
    Representation,
    /// Headers alone.
    Minimal,
    /// Word that it was done.
    Outcome,
}

/// What becomes of parameters that are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Handling {
    /// What the root does by itself.
    #[default]
    Usual,
    /// They are refused.
    Strict,
}

/// What a request prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Preferences {
    /// `handling=…`.
    pub handling: Handling,
    /// `return=…`.
    pub returning: Returning,
}

impl Preferences {
    /// The preferences of a request.
    pub fn of(http: &HttpRequest) -> Self {
        let headers = http.headers().get_all("Prefer").filter_map(|value| value.to_str().ok());
        Self::read(headers)
    }

    /// Of one name the first counts (RFC 7240, 2).
    fn read<'h>(headers: impl Iterator<Item = &'h str>) -> Self {
        let mut handling = None;
        let mut returning = None;
        for wish in headers.flat_map(|header| header.split([',', ';'])) {
            let (name, value) = wish.split_once('=').unwrap_or((wish, ""));
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"').to_ascii_lowercase());
            match (name.as_str(), value.as_str()) {
                ("handling", value) => drop(handling.get_or_insert(if value == "strict" { Handling::Strict } else { Handling::Usual })),
                ("return", "minimal") => drop(returning.get_or_insert(Returning::Minimal)),
                ("return", "operationoutcome") => drop(returning.get_or_insert(Returning::Outcome)),
                ("return", "representation") => drop(returning.get_or_insert(Returning::Representation)),
                _ => {}
            }
        }
        Self { handling: handling.unwrap_or_default(), returning: returning.unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_found_in_any_order_and_spelling() {
        let read = |headers: &[&str]| Preferences::read(headers.iter().copied());
        let (handling, returning) = (Handling::Strict, Returning::Minimal);
        assert_eq!(read(&["return=minimal, handling=strict"]), Preferences { handling, returning });
        assert_eq!(read(&["handling=\"Strict\"; wait=10", "Return = MINIMAL"]), Preferences { handling, returning });
        assert_eq!(read(&["return=OperationOutcome"]).returning, Returning::Outcome);
        assert_eq!(read(&["return=representation,return=minimal"]).returning, Returning::Representation);
        assert_eq!(read(&["handling=lenient, handling=strict"]).handling, Handling::Usual);
        assert_eq!(read(&["return", "handling=stricter", "strict"]), Preferences::default());
    }
}
