//! Looks at every FHIR answer a test sees, whatever the test is about.
//!
//! Each answer is read with the codec, checked against STU3 and the `CareConnect` profiles by the server's own
//! definitions (every entry and every contained resource), written again in its own format letter by letter, and in
//! the other format without change of meaning. What was read is asked for again in the other format, and what was
//! written is read in it: the trees must be equal. What was seen is kept for validators that others wrote, when
//! `SLOTKEEPER_TEST_ANSWERS` names a directory (`kept.rs`).
//!
//! Pitfall: an answer of the very same bytes to the very same request is examined once per
//! process, so that this costs little; and an answer may change between two requests, because others book meanwhile,
//! so that a difference counts only when the first answer is still given.

mod kept;

use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use domain::element::{Element, Value};
use domain::fault::ProblemKind;
use fhir::codec::json;
use fhir::codec::xml;
use fhir::stu3;
use fhir::stu3::naming::PROFILE_BASE;
use fhir::validate;
use flate2::read::GzDecoder;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::sync::{Mutex, PoisonError};

/// A request and what came back.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub method: String,
    /// Path and query.
    pub uri: String,
    pub status: u16,
    pub content_type: String,
    pub content_encoding: String,
    pub location: String,
    pub body: Vec<u8>,
}

impl Exchange {
    /// The exchange that ended with a response.
    pub async fn of<B: MessageBody>(method: &str, uri: &str, response: ServiceResponse<B>) -> Self {
        let header = |name: &str| response.headers().get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
        let (status, content_type) = (response.status().as_u16(), header("Content-Type"));
        let (content_encoding, location) = (header("Content-Encoding"), header("Location"));
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap_or_else(|_| panic!("a body of an answer failed"));
        Self { method: method.to_owned(), uri: uri.to_owned(), status, content_type, content_encoding, location, body: body.to_vec() }
    }
}

/// A question whose answer is compared with another.
#[derive(Debug, Clone)]
pub struct Question {
    pub uri: String,
    /// What goes into `Accept`.
    pub accept: &'static str,
    /// Whether the first request was a write, whose answer is now read: nothing of it is sent again.
    pub after_write: bool,
}

impl Question {
    /// Whether a header of the first request has no place in this one.
    pub fn replaces(&self, header: &str) -> bool {
        match header.to_ascii_lowercase().as_str() {
            "authorization" => false,
            // What was changed since then is changed in every format.
            "accept" | "if-none-match" | "if-modified-since" => true,
            _ => self.after_write,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Json,
    Xml,
}

impl Format {
    fn of(content_type: &str) -> Option<Self> {
        match content_type {
            "application/fhir+json;charset=UTF-8" => Some(Self::Json),
            "application/fhir+xml;charset=UTF-8" => Some(Self::Xml),
            other => {
                assert!(!other.contains("fhir"), "`{other}` is no Content-Type of FHIR answers");
                None
            }
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Json => Self::Xml,
            Self::Xml => Self::Json,
        }
    }

    const fn media(self) -> &'static str {
        match self {
            Self::Json => "application/fhir+json",
            Self::Xml => "application/fhir+xml",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }

    fn write(self, tree: &Element) -> String {
        match self {
            Self::Json => json::write(tree, stu3::definitions()),
            Self::Xml => xml::write(tree, stu3::definitions()),
        }
    }

    fn write_pretty(self, tree: &Element) -> String {
        match self {
            Self::Json => json::write_pretty(tree, stu3::definitions()),
            Self::Xml => xml::write_pretty(tree, stu3::definitions()),
        }
    }
}

/// An answer that passed.
struct Seen {
    format: Format,
    text: String,
    tree: Element,
}

/// Where an answer is in the format that was wanted.
const ROOTS: [&str; 2] = ["/STU3/1/booking/", "/STU3/1/provider/"];

/// How often a difference is looked at again, because somebody may have booked between the two requests.
const LOOKS_MAX: usize = 5;

/// Examines an answer. `again` asks a question in the name of whoever asked the first one, and is not examined itself.
pub async fn examine(first: Exchange, again: impl AsyncFn(Question) -> Exchange) {
    if first.method == "HEAD" || first.body.is_empty() || is_known(&first) {
        return;
    }
    let Some(mut seen) = passed(&first) else { return };
    let Some(question) = twin(&first, &seen) else { return kept::keep(&first, &seen, None) };
    for look in 1.. {
        let answer = again(question.clone()).await;
        assert_eq!(answer.status, if question.after_write { 200 } else { first.status }, "{question:?} after {}", told(&first));
        let other = passed(&answer).unwrap_or_else(|| panic!("{question:?}: no FHIR but {}", answer.content_type));
        assert_eq!(other.format, seen.format.other(), "{question:?}");
        let (one, two) = (meaning(&seen.tree), meaning(&other.tree));
        if one == two {
            return kept::keep(&first, &seen, Some(&other));
        }
        assert!(look < LOOKS_MAX && !question.after_write, "the two formats of {} say\n{one}\n{two}", told(&first));
        let question = Question { accept: seen.format.media(), uri: formatted(&first.uri, seen.format), ..question.clone() };
        seen = passed(&again(question).await).expect("a FHIR answer, as before");
    }
}

/// Whether the very same answer to the very same request was examined before.
fn is_known(exchange: &Exchange) -> bool {
    static KNOWN: Mutex<Option<HashSet<u64>>> = Mutex::new(None);
    let mut hasher = DefaultHasher::new();
    (&exchange.method, &exchange.uri, exchange.status, &exchange.content_type, &exchange.body).hash(&mut hasher);
    !KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(hasher.finish())
}

fn told(exchange: &Exchange) -> String {
    format!("{} {} ({})", exchange.method, exchange.uri, exchange.status)
}

/// The question whose answer says the same in the other format; `None` where there is none.
fn twin(first: &Exchange, seen: &Seen) -> Option<Question> {
    let other = seen.format.other();
    let is_resource = seen.tree.kind() != Some("OperationOutcome");
    match first.method.as_str() {
        // Where the format is the fault, another would be none.
        "GET" if ROOTS.iter().any(|root| first.uri.starts_with(root)) && !matches!(first.status, 406 | 415 | 500..) => {
            Some(Question { uri: formatted(&first.uri, other), accept: other.media(), after_write: false })
        }
        "POST" | "PUT" if is_resource && matches!(first.status, 200 | 201) && first.location.contains("/_history/") => {
            let (_, path) = first.location.split_once("://")?.1.split_once('/')?;
            Some(Question { uri: format!("/{path}"), accept: other.media(), after_write: true })
        }
        _ => None,
    }
}

/// The URI, with another `_format` if it has any, because that would win over `Accept`.
fn formatted(uri: &str, format: Format) -> String {
    let Some((path, query)) = uri.split_once('?') else { return uri.to_owned() };
    let part = |part: &str| if part.starts_with("_format=") { format!("_format={}", format.name()) } else { part.to_owned() };
    format!("{path}?{}", query.split('&').map(part).collect::<Vec<_>>().join("&"))
}

/// Proves that an answer is right in itself. `None` when it is no FHIR.
fn passed(exchange: &Exchange) -> Option<Seen> {
    let format = Format::of(&exchange.content_type)?;
    let text = body(exchange);
    let here = told(exchange);
    let tree = read(format, &text, &here);
    let problems = wrong(&tree);
    assert!(problems.is_empty(), "{here} is not what its definitions say:\n{}\n{text}", problems.join("\n"));
    assert!([format.write(&tree), format.write_pretty(&tree)].contains(&text), "{here}, written again, is another text:\n{text}");
    let turned = format.other().write(&tree);
    let back = read(format.other(), &turned, &here);
    assert_eq!(meaning(&back), meaning(&tree), "{here} says something else in the other format");
    Some(Seen { format, text, tree })
}

fn body(exchange: &Exchange) -> String {
    let plain = match exchange.content_encoding.as_str() {
        "" | "identity" => exchange.body.clone(),
        "gzip" => {
            let mut plain = Vec::new();
            GzDecoder::new(exchange.body.as_slice()).read_to_end(&mut plain).expect("gzip as it says");
            plain
        }
        other => panic!("nobody asked for `{other}`"),
    };
    String::from_utf8(plain).expect("an answer is UTF-8")
}

fn read(format: Format, text: &str, here: &str) -> Element {
    let read = match format {
        Format::Json => json::read(text.as_bytes(), stu3::definitions()),
        Format::Xml => xml::read(text.as_bytes(), stu3::definitions()),
    };
    let read = read.unwrap_or_else(|e| panic!("{here} cannot be read: {e}\n{text}"));
    assert!(read.problems.is_empty(), "{here} cannot be read whole: {:?}\n{text}", read.problems);
    read.tree
}

/// Everything that is wrong with a resource, and with every resource in it.
fn wrong(tree: &Element) -> Vec<String> {
    let entries: Vec<Option<&Element>> = tree.all("entry").map(|entry| entry.child("resource")).collect();
    let of_entry = |expression: &str| {
        let number = expression.strip_prefix("Bundle.entry[")?.split_once(']')?.0;
        entries.get(number.parse::<usize>().ok()?).copied().flatten()
    };
    // What was left out because nobody wanted it cannot be missing, neither for itself nor for a rule.
    let excused = |kind, expression: &str| {
        matches!(kind, ProblemKind::Required | ProblemKind::Invariant) && is_subset(of_entry(expression).unwrap_or(tree))
    };
    let found = validate::check(tree, stu3::definitions()).into_iter().filter(|p| !excused(p.kind, &p.expression));
    let mut all: Vec<String> = found.map(|p| format!("{}: {}", p.expression, p.message)).collect();
    for resource in entries.iter().copied().flatten().chain([tree]) {
        all.extend(claims(resource));
    }
    all
}

fn is_subset(resource: &Element) -> bool {
    resource.child("meta").is_some_and(|meta| meta.all("tag").any(|tag| tag.text_at("code") == Some("SUBSETTED")))
}

/// The server makes these, so they say what they are. An appointment says what its consumer said of it.
const OURS: [&str; 7] = ["Slot", "Schedule", "HealthcareService", "Location", "Practitioner", "PractitionerRole", "Organization"];

/// A profile that is not claimed; and what STU3 demands of what we answer, not of what we take.
fn claims(resource: &Element) -> Vec<String> {
    let kind = resource.kind().unwrap_or_default();
    let claimed: Vec<&str> = resource.child("meta").into_iter().flat_map(|meta| meta.all("profile")).filter_map(Element::as_text).collect();
    let own = format!("{PROFILE_BASE}CareConnect-{kind}-1");
    let mut wrong = Vec::new();
    if OURS.contains(&kind) && (claimed != [own.as_str()] || stu3::definitions().profile(kind).is_none()) {
        wrong.push(format!("{kind} does not claim to be {own} and nothing else"));
    }
    if kind == "Appointment" && !is_subset(resource) && resource.all("participant").any(|one| one.child("status").is_none()) {
        wrong.push("a participant has no status".to_owned());
    }
    wrong
}

/// What a tree says in every format: without the elements that only one format holds, the id that each refusal has of
/// its own, and the wish for a format in a link.
fn meaning(tree: &Element) -> String {
    fn common_of(element: &Element) -> Element {
        let mut common = Element { children: Vec::new(), ..element.clone() };
        let outcome = element.kind() == Some("OperationOutcome");
        for child in &element.children {
            if matches!(child.value, Some(Value::Foreign(_))) || outcome && child.name == "id" {
                continue;
            }
            let kept = common_of(child);
            // What holds nothing else is left out with it.
            if kept.value.is_some() || kept.resource.is_some() || !kept.children.is_empty() {
                common.children.push(kept);
            }
        }
        common
    }
    fn common_link(mut bundle: Element) -> Element {
        for url in bundle.children.iter_mut().filter(|c| c.name == "link").flat_map(|link| &mut link.children).filter(|c| c.name == "url") {
            let text = formatted(url.as_text().unwrap_or_default(), Format::Json);
            url.value = Some(Value::Text(text));
        }
        bundle
    }
    json::write(&common_link(common_of(tree)), stu3::definitions())
}
