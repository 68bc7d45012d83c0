//! The neutral element tree: what a FHIR resource is before JSON or XML and after.
//!
//! It knows names, values and nesting, and nothing of formats, cardinalities or types: those are the
//! codec's. A repeated element is several children of one name, in order. A primitive may have children
//! too (its `id` and `extension`). Children may stand in any order: the codec writes them in the order of
//! their definition.

mod compare;

pub use compare::{Difference, differences};

/// One node of the tree: a resource, a complex value or a primitive.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// Element name as FHIR spells it (`status`, `valueCode`); for a root, the resource type.
    pub name: String,
    /// The resource type, where this node holds a resource (a root, an entry of `contained`).
    pub resource: Option<String>,
    /// The value of a primitive. A primitive with extensions only has none.
    pub value: Option<Value>,
    /// Child elements. A repeated element is several children of the same name.
    pub children: Vec<Element>,
}

/// The value of a primitive, as it was written.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Everything that JSON writes as a string.
    Text(String),
    /// A number, kept digit for digit (`1.50` stays `1.50`).
    Number(String),
    /// `true` or `false`.
    Bool(bool),
    /// An element no definition knows, kept as raw text of the format it came in and only given back there.
    Foreign(Foreign),
}

/// Raw text of an unknown element.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreign {
    /// The format whose text this is.
    pub format: ForeignFormat,
    /// The raw text of the element's value.
    pub text: String,
}

/// The format a foreign element came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignFormat {
    /// A JSON value.
    Json,
    /// An XML element.
    Xml,
}

impl Element {
    /// A complex element without children yet.
    pub fn complex(name: &str) -> Self {
        Self { name: name.to_owned(), resource: None, value: None, children: Vec::new() }
    }

    /// A resource at the root of a tree.
    pub fn resource(kind: &str) -> Self {
        Self { name: kind.to_owned(), resource: Some(kind.to_owned()), value: None, children: Vec::new() }
    }

    /// A primitive that JSON writes as a string.
    pub fn text(name: &str, value: impl Into<String>) -> Self {
        Self { value: Some(Value::Text(value.into())), ..Self::complex(name) }
    }

    /// A primitive that JSON writes as a number.
    pub fn number(name: &str, value: impl std::fmt::Display) -> Self {
        Self { value: Some(Value::Number(value.to_string())), ..Self::complex(name) }
    }

    /// A boolean.
    pub fn boolean(name: &str, value: bool) -> Self {
        Self { value: Some(Value::Bool(value)), ..Self::complex(name) }
    }

    /// This element with one more child.
    #[must_use]
    pub fn with(mut self, child: Element) -> Self {
        self.children.push(child);
        self
    }

    /// This element with all of `children` added.
    #[must_use]
    pub fn with_all(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.children.extend(children);
        self
    }

    /// The same node under another name: a root becomes an entry of `contained`, say.
    #[must_use]
    pub fn renamed(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// The resource type, where this node holds one.
    pub fn kind(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    /// The first child called `name`.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }

    /// All children called `name`, in order.
    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The element at a dotted path, taking the first of repeats: `at("meta.versionId")`.
    pub fn at(&self, path: &str) -> Option<&Element> {
        path.split('.').try_fold(self, |node, name| node.child(name))
    }

    /// The string value at a dotted path.
    pub fn text_at(&self, path: &str) -> Option<&str> {
        self.at(path).and_then(Element::as_text)
    }

    /// The value of this primitive, when it is a string.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether anything of this element can be written in `format`. One that holds nothing but unknown elements of the
    /// other format cannot, and would stand empty.
    pub fn is_writable_in(&self, format: ForeignFormat) -> bool {
        match &self.value {
            Some(Value::Foreign(foreign)) => foreign.format == format,
            Some(_) => true,
            None => self.resource.is_some() || self.children.is_empty() || self.children.iter().any(|child| child.is_writable_in(format)),
        }
    }

    /// Replaces every child of that name by `child`, or adds it.
    pub fn set(&mut self, child: Element) {
        match self.children.iter().position(|c| c.name == child.name) {
            Some(at) => {
                let name = child.name.clone();
                if let Some(place) = self.children.get_mut(at) {
                    *place = child;
                }
                let mut seen = false;
                self.children.retain(|c| c.name != name || !std::mem::replace(&mut seen, true));
            }
            None => self.children.push(child),
        }
    }

    /// Removes every child called `name`.
    pub fn remove(&mut self, name: &str) {
        self.children.retain(|c| c.name != name);
    }
}
