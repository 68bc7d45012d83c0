//! Paths: those of roots, which may have parameters, and those of operations below them.

/// Longest value of a parameter of a root, in characters: that of a FHIR id.
const ROOT_VALUE_CHARS_MAX: usize = 64;

/// The values in a path, by the names its pattern gives them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathValues(Vec<(&'static str, String)>);

impl PathValues {
    /// The value of that name; empty where the pattern has no such name.
    pub fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// The value of that name, where the pattern has it; that of the operation, where its root has one of that name too.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().rfind(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Adds the values of a path that matches `pattern`.
    pub fn add(&mut self, path: &str, pattern: &'static str) {
        let named = pattern.split('/').zip(path.split('/')).filter_map(|(wanted, value)| Some((name_of(wanted)?, value.to_owned())));
        self.0.extend(named);
    }
}

/// The path of a root: `/STU3/1/booking`, or with parameters `/{ods}/STU3/1/gpconnect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootPath(&'static str);

impl RootPath {
    /// A root at this path, which begins with `/` and does not end with it.
    pub const fn new(pattern: &'static str) -> Self {
        Self(pattern)
    }

    /// The pattern, as actix and OpenAPI write it too.
    pub const fn pattern(self) -> &'static str {
        self.0
    }

    /// The names of its parameters.
    pub fn parameters(self) -> impl Iterator<Item = &'static str> {
        names(self.0)
    }

    /// Parts a path that lies below the root: the root as it was called, and the rest without the slash between the two.
    /// The values of the root's parameters are added to `values`; each is of the characters of an id.
    pub fn split<'p>(self, path: &'p str, values: &mut PathValues) -> Option<(&'p str, &'p str)> {
        let mut rest = path;
        for wanted in self.0.split('/').skip(1) {
            let below = rest.strip_prefix('/')?;
            let (segment, after) = below.split_at_checked(below.find('/').unwrap_or(below.len()))?;
            match name_of(wanted) {
                Some(name) if is_root_value(segment) => values.0.push((name, segment.to_owned())),
                None if segment == wanted => {}
                _ => return None,
            }
            rest = after;
        }
        Some((path.strip_suffix(rest)?, rest.trim_start_matches('/')))
    }
}

/// Whether `path` has the form of `pattern`.
pub fn matches(path: &str, pattern: &'static str) -> bool {
    let mut given = path.split('/');
    for wanted in pattern.split('/') {
        let fits = match (given.next(), name_of(wanted)) {
            // What begins with `$` is an operation and never an id.
            (Some(value), Some(_)) => !value.is_empty() && !value.starts_with('$'),
            (Some(segment), None) => segment == wanted,
            (None, _) => false,
        };
        if !fits {
            return false;
        }
    }
    given.next().is_none()
}

/// The names in a pattern, in their order.
pub fn names(pattern: &'static str) -> impl Iterator<Item = &'static str> {
    pattern.split('/').filter_map(name_of)
}

/// The name in a segment of a pattern.
pub fn name_of(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn is_root_value(segment: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    (1..=ROOT_VALUE_CHARS_MAX).contains(&segment.len()) && segment.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pattern: &'static str, path: &'static str) -> Option<(&'static str, &'static str, PathValues)> {
        let mut values = PathValues::default();
        RootPath::new(pattern).split(path, &mut values).map(|(root, rest)| (root, rest, values))
    }

    #[test]
    fn a_root_without_parameters_is_met_to_the_letter() {
        let root = "/STU3/1/booking";
        assert_eq!(split(root, "/STU3/1/booking/Slot/1"), Some((root, "Slot/1", PathValues::default())));
        assert_eq!(split(root, "/STU3/1/booking"), Some((root, "", PathValues::default())));
        assert_eq!(split(root, "/STU3/1/booking//Slot"), Some((root, "Slot", PathValues::default())));
        for other in ["/STU3/1/bookings", "/STU3/1", "STU3/1/booking", "/stu3/1/booking/Slot", "/STU3/1/b%6foking/Slot"] {
            assert_eq!(split(root, other), None, "{other}");
        }
    }

    #[test]
    fn the_values_of_a_root_are_of_the_characters_of_an_id() {
        let root = "/{ods}/STU3/1/gpconnect";
        let (called, rest, values) = split(root, "/A82.1-x/STU3/1/gpconnect/Slot").unwrap();
        assert_eq!((called, rest, values.get("ods"), values.find("id")), ("/A82.1-x/STU3/1/gpconnect", "Slot", "A82.1-x", None));
        for other in ["//STU3/1/gpconnect", "/A%2F1/STU3/1/gpconnect", "/A_1/STU3/1/gpconnect", "/A/B/STU3/1/gpconnect"] {
            assert_eq!(split(root, other), None, "{other}");
        }
        assert_eq!(RootPath::new(root).parameters().collect::<Vec<_>>(), ["ods"]);
    }

    #[test]
    fn a_value_is_not_empty_and_no_operation() {
        let version = "Appointment/{id}/_history/{version}";
        assert!(!matches("Appointment/1/_history", version) && !matches("Appointment/1/_history/2/3", version));
        assert!(!matches("Appointment/$validate", "Appointment/{id}") && !matches("Appointment/", "Appointment/{id}"));
        assert!(!matches("Appointment/{id}", "Appointment/1"));
        assert!(matches("Appointment/1/_history/2", version));
        let mut values = PathValues::default();
        values.add("Appointment/1/_history/2", version);
        assert_eq!((values.get("id"), values.get("version"), names(version).collect::<Vec<_>>()), ("1", "2", vec!["id", "version"]));
    }
}
