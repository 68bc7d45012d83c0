//! Which absolute references lead to this server: those below one of its own service roots.
//!
//! Knows URLs and no resource. Everything below another base is another server's, whatever its path looks like (STU3
//! references, "Literal References").

/// The service roots of this server, as the world knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceRoots<'s> {
    /// Start of every absolute URL, without a slash at its end.
    pub public_url: &'s str,
    /// The paths of the roots below it: `/STU3/1/booking`. A segment `{name}` stands for any one segment.
    pub paths: &'s [&'s str],
}

impl ServiceRoots<'_> {
    /// No root at all: every absolute reference is another server's.
    pub const NONE: ServiceRoots<'static> = ServiceRoots { public_url: "", paths: &[] };

    /// What follows the root in an absolute reference to something here: `Slot/<id>`. `None` for a relative reference, and
    /// for one that leads to another server.
    pub fn relative<'t>(&self, reference: &'t str) -> Option<&'t str> {
        let (base, path) = reference.split_at_checked(self.public_url.len())?;
        let ours = self.paths.iter().filter(|_| same_base(base, self.public_url));
        ours.filter_map(|root| below(path, root)).next()
    }
}

/// What follows a root in a path, without the slash between the two.
fn below<'p>(path: &'p str, root: &str) -> Option<&'p str> {
    let mut rest = path;
    for wanted in root.split('/').skip(1) {
        let (segment, _) = rest.strip_prefix('/')?.split_once('/')?;
        let fits = segment == wanted || (wanted.starts_with('{') && !segment.is_empty());
        if !fits {
            return None;
        }
        rest = rest.get(segment.len() + 1..)?;
    }
    rest.strip_prefix('/')
}

/// True when two URLs are the same: capitals do not matter before the path (RFC 3986, 6.2.2.1).
fn same_base(one: &str, other: &str) -> bool {
    let authority = other.find("://").map_or(0, |at| at + 3);
    let path = other.get(authority..).and_then(|rest| rest.find('/')).map_or(other.len(), |at| authority + at);
    match (one.split_at_checked(path), other.split_at_checked(path)) {
        (Some((host, path)), Some((wanted, rest))) => host.eq_ignore_ascii_case(wanted) && path == rest,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::ServiceRoots;

    #[test]
    fn a_reference_below_a_root_of_ours_is_ours() {
        let roots = ServiceRoots { public_url: "https://weirside.example/fhir", paths: &["/a", "/b/c", "/{ods}/d"] };
        for (reference, relative) in [
            ("https://weirside.example/fhir/a/Slot/1", Some("Slot/1")),
            ("HTTPS://Weirside.Example/fhir/b/c/Slot/1/_history/2", Some("Slot/1/_history/2")),
            ("https://weirside.example/fhir/Y9Z41/d/Organization/1", Some("Organization/1")),
            ("https://weirside.example/fhir//d/Organization/1", None),
            ("https://weirside.example/FHIR/a/Slot/1", None),
            ("https://weirside.example/fhir/A/Slot/1", None),
            ("https://weirside.example/fhir/Slot/1", None),
            ("https://weirside.example/fhir/ab/Slot/1", None),
            ("https://weirside.example/fhir/b/Slot/1", None),
            ("https://weirside.example:8080/fhir/a/Slot/1", None),
            ("https://weirside.example.elsewhere/fhir/a/Slot/1", None),
            ("http://weirside.example/fhir/a/Slot/1", None),
            ("https://weirside.exampl\u{e9}/fhir/a/Slot/1", None),
            ("Slot/1", None),
            ("/a/Slot/1", None),
            ("", None),
        ] {
            assert_eq!(roots.relative(reference), relative, "{reference}");
            assert_eq!(ServiceRoots::NONE.relative(reference), None, "{reference}");
        }
    }
}
