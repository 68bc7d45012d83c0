//! A dialect: one root, what is served there, and what it holds requests to.

use super::error_response::ErrorTable;
use super::operation::Operation;
use super::path::{self, PathValues, RootPath};
use super::rules::DialectRules;
use domain::fault::Fault;

/// Longest path that the answer to it repeats, in characters.
const SHOWN_PATH_CHARS_MAX: usize = 200;
/// Longest method that the answer to it repeats, in characters.
const SHOWN_METHOD_CHARS_MAX: usize = 20;

/// A service root.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// What it is called where operations are listed.
    pub name: &'static str,
    /// What it is for, in one sentence without its full stop.
    pub description: &'static str,
    /// Where it is.
    pub root: RootPath,
    /// What is served.
    pub operations: &'static [Operation],
    /// What requests are held to, and how they are answered.
    pub rules: DialectRules,
    /// Fault to answer; exhaustive, without a default.
    pub refuse: ErrorTable,
    /// A booking it takes, as JSON.
    pub booking_example: &'static str,
}

/// A request whose operation was found.
pub struct MatchedOperation<'p> {
    /// The operation.
    pub operation: &'static Operation,
    /// The values in the path, those of the root first.
    pub values: PathValues,
    /// The root as it was called.
    pub root: &'p str,
}

impl Dialect {
    /// The operation of a request.
    ///
    /// # Errors
    /// `NoSuchRoute`; `MethodNotAllowed` where the path exists.
    pub fn find<'p>(&self, method: &str, path: &'p str) -> Result<MatchedOperation<'p>, Fault> {
        let mut values = PathValues::default();
        let nothing = || Fault::NoSuchRoute { path: path.chars().take(SHOWN_PATH_CHARS_MAX).collect() };
        let (root, below) = self.root.split(path, &mut values).ok_or_else(nothing)?;
        let mut allowed = Vec::new();
        for operation in self.operations.iter().filter(|operation| path::matches(below, operation.path)) {
            if operation.method == method || (method == "HEAD" && operation.method == "GET") {
                values.add(below, operation.path);
                return Ok(MatchedOperation { operation, values, root });
            }
            allowed.push(operation.method);
        }
        if allowed.is_empty() {
            return Err(nothing());
        }
        if allowed.contains(&"GET") {
            allowed.push("HEAD");
        }
        Err(Fault::MethodNotAllowed { method: method.chars().take(SHOWN_METHOD_CHARS_MAX).collect(), allowed })
    }
}
