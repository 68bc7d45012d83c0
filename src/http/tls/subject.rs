//! The allow-list of client certificates: how an operator names a system, and whether a certificate bears that name.
//!
//! It must not decide whether a certificate is genuine; it is asked only about those that are. A name means the whole of a common name or DNS name, and a subject the whole subject. Nothing is a pattern, so that a
//! certificate with more in it than was named is not let in by accident.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

/// Attributes by the names they are written with (RFC 4514, RFC 4519); any other is written as its number.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.25", "DC"),
];
/// Attributes of people: surname, title, given name, initials, pseudonym, user id, e-mail address.
const PERSONAL: &[&str] = &["2.5.4.4", "2.5.4.12", "2.5.4.42", "2.5.4.43", "2.5.4.65", "0.9.2342.19200300.100.1.1", "1.2.840.113549.1.9.1"];
/// Longest subject that is logged, in characters.
const SHOWN_CHARS_MAX: usize = 200;

/// One entry of the allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The common name, or a DNS name among the subject's alternative names.
    Name(String),
    /// Every attribute of the subject, in any order.
    Whole(Vec<(String, String)>),
}

impl Subject {
    /// Reads an entry: a name, or a subject as `CN=…,O=…,C=…` or `/C=…/O=…/CN=…`.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no subject; write a name such as ssp.example.nhs.uk, or the whole subject: CN=ssp.example.nhs.uk,O=NHS,C=GB"
            )
        };
        let text = text.trim();
        let (parts, separator) = match text.strip_prefix('/') {
            Some(rest) => (rest, '/'),
            None => (text, ','),
        };
        if !has_bare(parts, '=') && separator == ',' {
            return if text.is_empty() { Err(wrong()) } else { Ok(Self::Name(text.to_ascii_lowercase())) };
        }
        let mut attributes = Vec::new();
        for part in split(parts, separator) {
            let (kind, value) = part.split_once('=').ok_or_else(wrong)?;
            let (kind, value) = (kind.trim(), unescaped(value.trim()));
            if kind.is_empty() || value.is_empty() {
                return Err(wrong());
            }
            attributes.push((kind.to_ascii_lowercase(), value.to_ascii_lowercase()));
        }
        attributes.sort();
        Ok(Self::Whole(attributes))
    }
}

/// What a certificate calls its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Common names and DNS names, in lower case.
    names: Vec<String>,
    /// Every attribute of the subject, in lower case, sorted; `None` if one of them is not text.
    whole: Option<Vec<(String, String)>>,
    /// The subject as it is written on the allow-list, fit for a log.
    pub shown: String,
}

impl Bearer {
    /// What `certificate` says.
    pub fn of(certificate: &X509Certificate<'_>) -> Self {
        let mut names = Vec::new();
        let mut whole = Some(Vec::new());
        let mut shown = Vec::new();
        let mut personal = false;
        for attribute in certificate.subject().iter_attributes() {
            let number = attribute.attr_type().to_id_string();
            personal |= PERSONAL.contains(&number.as_str());
            let kind = ATTRIBUTES.iter().find(|(known, _)| *known == number).map_or(number.as_str(), |(_, name)| *name);
            let Ok(value) = attribute.as_str() else {
                whole = None;
                continue;
            };
            if kind == "CN" {
                names.push(value.to_ascii_lowercase());
            }
            if let Some(whole) = &mut whole {
                whole.push((kind.to_ascii_lowercase(), value.to_ascii_lowercase()));
            }
            shown.push(format!("{kind}={}", escaped(value)));
        }
        if let Ok(Some(alternatives)) = certificate.subject_alternative_name() {
            for name in &alternatives.value.general_names {
                match name {
                    GeneralName::DNSName(name) => names.push(name.to_ascii_lowercase()),
                    GeneralName::RFC822Name(_) => personal = true,
                    _ => {}
                }
            }
        }
        if let Some(whole) = &mut whole {
            whole.sort();
        }
        // Certificates of people come along by mistake; whose they are is not for a log.
        let shown = if personal { "a person's certificate".to_owned() } else { loggable(&shown.join(",")) };
        Self { names, whole, shown }
    }

    /// Whether an entry of the allow-list means this holder.
    pub fn is(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Name(name) => self.names.contains(name),
            Subject::Whole(attributes) => self.whole.as_ref() == Some(attributes),
        }
    }
}

/// `text` without what could fake a line of a log, and no longer than a line should be.
fn loggable(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).map(|c| if c.is_control() || !(c.is_ascii() || c.is_alphanumeric()) { '?' } else { c }).collect()
}

/// Whether `wanted` stands in `text` without a backslash before it.
fn has_bare(text: &str, wanted: char) -> bool {
    split(text, wanted).len() > 1
}

/// The parts of `text` between bare separators; a backslash makes the next character a plain one.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut plain = false;
    for c in text.chars() {
        if c == separator && !plain {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        plain = c == '\\' && !plain;
    }
    parts
}

fn unescaped(text: &str) -> String {
    let mut plain = false;
    let keep = |c: &char| {
        plain = *c == '\\' && !plain;
        !plain
    };
    text.chars().filter(keep).collect()
}

fn escaped(text: &str) -> String {
    let mut written = String::new();
    for c in text.chars() {
        if matches!(c, ',' | '\\') {
            written.push('\\');
        }
        written.push(c);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    fn bearer(subject: &[(DnType, &str)], dns: &[&str]) -> Bearer {
        let mut params = CertificateParams::new(dns.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in subject {
            params.distinguished_name.push(kind.clone(), *value);
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        Bearer::of(&x509_parser::parse_x509_certificate(certificate.der()).unwrap().1)
    }

    fn allows(entry: &str, bearer: &Bearer) -> bool {
        bearer.is(&Subject::parse(entry).unwrap())
    }

    #[test]
    fn a_name_is_a_whole_common_name_or_dns_name_in_any_case() {
        let ssp = bearer(&[(DnType::CommonName, "SSP.example.nhs.uk"), (DnType::OrganizationName, "NHS")], &["a.example.nhs.uk"]);
        for entry in ["ssp.example.nhs.uk", "SSP.EXAMPLE.NHS.UK", "A.example.nhs.uk", " ssp.example.nhs.uk "] {
            assert!(allows(entry, &ssp), "{entry}");
        }
        for entry in ["example.nhs.uk", "ssp.example.nhs.uk.", "NHS", "*.example.nhs.uk", "ssp"] {
            assert!(!allows(entry, &ssp), "{entry}");
        }
        let wildcard = bearer(&[(DnType::CommonName, "x")], &["*.example.nhs.uk"]);
        assert!(!allows("ssp.example.nhs.uk", &wildcard), "a wildcard in a certificate is no pattern");
    }

    #[test]
    fn a_subject_is_the_whole_subject_in_any_order() {
        let names = [(DnType::CountryName, "GB"), (DnType::OrganizationName, "Weirside, Ltd"), (DnType::CommonName, "ssp")];
        let ssp = bearer(&names, &["ssp.example.nhs.uk"]);
        assert_eq!(ssp.shown, "C=GB,O=Weirside\\, Ltd,CN=ssp");
        for entry in [&ssp.shown, "CN=ssp, O=weirside\\, ltd, c=gb", "/C=GB/O=Weirside, Ltd/CN=ssp"] {
            assert!(allows(entry, &ssp), "{entry}");
        }
        for entry in ["CN=ssp", "CN=ssp,O=Weirside\\, Ltd", "CN=ssp,O=Weirside\\, Ltd,C=GB,OU=x", "CN=ssp.example.nhs.uk"] {
            assert!(!allows(entry, &ssp), "{entry}");
        }
        assert!(allows("CN=ssp", &bearer(&[(DnType::CommonName, "ssp")], &[])));
    }

    #[test]
    fn what_is_no_subject_is_refused_with_what_would_be_right() {
        for entry in ["", "  ", "CN=", "=x", "CN=x,", "CN=x,y", "/", "/CN"] {
            assert!(Subject::parse(entry).unwrap_err().contains("ssp.example.nhs.uk"), "{entry}");
        }
    }

    #[test]
    fn a_certificate_shows_no_person_and_fakes_no_log_line() {
        let person = bearer(&[(DnType::CommonName, "Imogen Whitlock"), (DnType::CustomDnType(vec![2, 5, 4, 42]), "Imogen")], &[]);
        assert_eq!(person.shown, "a person's certificate");
        let liar = bearer(&[(DnType::CommonName, "x\n[INFO] all is well")], &[]);
        assert_eq!(liar.shown, "CN=x?[INFO] all is well");
        assert_eq!(bearer(&[(DnType::CommonName, &"x".repeat(500))], &[]).shown.len(), SHOWN_CHARS_MAX);
    }
}
