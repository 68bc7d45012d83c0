//! A request: by default everything a well-behaved consumer sends, changed where a test wants it otherwise.

use crate::examiner::Question;
use load::token::{SCOPE_APPOINTMENT_WRITE, SCOPE_SLOT_READ};
use serde_json::Value;

/// Start of every absolute URL.
pub const PUBLIC_URL: &str = "https://booking.example-uec.thirdparty.nhs.uk";
/// The two service roots.
pub const BOOKING: &str = "/STU3/1/booking";
pub const PROVIDER: &str = "/STU3/1/provider";

/// What goes into `Authorization`.
#[derive(Debug, Clone)]
pub enum Bearer {
    /// A good token for the organisation and the scope that the request needs.
    Good { organisation: String, scope: Option<String> },
    /// This, whatever it is.
    Exactly(String),
    /// No such header.
    Missing,
}

/// A request that is yet to be sent.
#[derive(Debug, Clone)]
pub struct Ask {
    pub method: String,
    pub root: &'static str,
    pub path: String,
    pub bearer: Bearer,
    /// Headers in place of the usual ones; `None` leaves the usual one out.
    pub headers: Vec<(String, Option<String>)>,
    pub body: Option<Vec<u8>>,
}

impl Ask {
    pub fn new(method: &str, path: impl Into<String>) -> Self {
        let bearer = Bearer::Good { organisation: crate::CONSUMER.to_owned(), scope: None };
        Self { method: method.to_owned(), root: BOOKING, path: path.into(), bearer, headers: Vec::new(), body: None }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    /// A booking.
    pub fn book(body: &Value) -> Self {
        Self::new("POST", "Appointment").bytes(body.to_string())
    }

    /// A cancel of an appointment, deciding on the version of `etag`.
    pub fn cancel(id: &str, etag: &str, body: &Value) -> Self {
        Self::new("PUT", format!("Appointment/{id}")).bytes(body.to_string()).header("If-Match", etag)
    }

    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// On the provider root instead of the booking root.
    pub fn on_provider(mut self) -> Self {
        self.root = PROVIDER;
        self
    }

    pub fn on(mut self, root: &'static str) -> Self {
        self.root = root;
        self
    }

    /// For another organisation.
    pub fn of(mut self, ods: &str) -> Self {
        let scope = match self.bearer {
            Bearer::Good { scope, .. } => scope,
            _ => None,
        };
        self.bearer = Bearer::Good { organisation: ods.to_owned(), scope };
        self
    }

    /// With another scope than the one that is needed.
    pub fn scope(mut self, wanted: &str) -> Self {
        let organisation = match self.bearer {
            Bearer::Good { organisation, .. } => organisation,
            _ => crate::CONSUMER.to_owned(),
        };
        self.bearer = Bearer::Good { organisation, scope: Some(wanted.to_owned()) };
        self
    }

    pub fn authorization(mut self, value: &str) -> Self {
        self.bearer = Bearer::Exactly(value.to_owned());
        self
    }

    pub fn without_token(mut self) -> Self {
        self.bearer = Bearer::Missing;
        self
    }

    /// With this header, in place of the usual one of its name.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), Some(value.to_owned())));
        self
    }

    /// Without this header.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.push((name.to_owned(), None));
        self
    }

    /// Under this request id.
    pub fn key(self, request_id: &str) -> Self {
        self.header("X-Request-ID", request_id)
    }

    /// The same request, in the name of the same consumer, for another format; after a write, what was written is read.
    pub fn again(&self, question: &Question) -> Self {
        let mut ask = self.clone();
        if question.after_write {
            ask = Self { method: "GET".to_owned(), body: None, ..ask };
        }
        ask.path = question.uri.strip_prefix(self.root).unwrap_or(&question.uri).trim_start_matches('/').to_owned();
        ask.headers.retain(|(name, _)| !question.replaces(name));
        ask.header("Accept", question.accept)
    }

    pub fn uri(&self) -> String {
        let bare = !self.root.is_empty() && (self.path.is_empty() || self.path.starts_with('?'));
        format!("{}{}{}", self.root, if bare { "" } else { "/" }, escaped(&self.path))
    }

    /// The scope that the standard prescribes for this request (docs/specification/uec.md#a0-summary).
    pub fn usual_scope(&self) -> &'static str {
        if self.path.starts_with("Appointment") { SCOPE_APPOINTMENT_WRITE } else { SCOPE_SLOT_READ }
    }

    /// The headers to send, the usual ones and those of the test; `Authorization` not among them.
    pub fn all_headers(&self, request_id: &str) -> Vec<(String, String)> {
        let interaction = format!("urn:nhs:names:services:careconnect:fhir:rest:{}", self.interaction());
        let mut usual = vec![
            ("Ssp-TraceID", "09a01679-2564-0fb4-5129-aecc81ea2706"),
            ("Ssp-From", "200000000359"),
            ("Ssp-To", "918999198993"),
            ("Ssp-InteractionID", interaction.as_str()),
        ];
        if self.method == "POST" || self.method == "PUT" {
            usual.push(("X-Request-ID", request_id));
        }
        let length = self.body.as_ref().map_or(0, Vec::len).to_string();
        if self.body.is_some() {
            usual.push(("Content-Type", "application/fhir+json"));
            usual.push(("Content-Length", length.as_str()));
        }
        let overridden = |name: &str| self.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        let kept = usual.into_iter().filter(|(name, _)| !overridden(name)).map(|(name, value)| (name.to_owned(), value.to_owned()));
        let own = self.headers.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        kept.chain(own).collect()
    }

    fn interaction(&self) -> &'static str {
        match (self.method.as_str(), self.path.as_str()) {
            ("POST", _) => "create:appointment",
            ("PUT", _) => "update:appointment",
            (_, "metadata") => "read:metadata",
            (_, path) if path.starts_with("Appointment?") => "search:appointment",
            (_, path) if path.starts_with("Appointment") => "read:appointment",
            _ => "search:slot",
        }
    }
}

/// What may not stand in a URL, percent-encoded. `+`, `%` and `&` are sent as they are, so that tests decide.
fn escaped(path: &str) -> String {
    let mut url = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'!' | b'#'..=b';' | b'=' | b'?'..=b'[' | b']' | b'_' | b'a'..=b'z' | b'~' => url.push(char::from(byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}
