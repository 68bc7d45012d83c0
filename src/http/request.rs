//! The gate: what a request must prove, in the order of the contract, before anything is looked up.
//!
//! Route, method, declared length, token, headers, media types, body (`decisions.md` 5, "Order of checks").
//! What a reader would get wrong: the order is what consumers are assured against; it is [`enter`] and then
//! [`Entered::admit`], so that nobody changes it by moving an extractor. A search that was asked before in the very same
//! words may be answered between the two: then the second half has said yes before.

use super::Service;
use super::access::Known;
use super::answers::{Question, Seer};
use super::auth::{self, Caller};
use super::dialects::{Demanded, Dialect, Found, Interaction};
use super::negotiate::{self, Format};
use super::policy;
use super::settings::{AuthMode, HttpLimits, Settings};
use super::transfer::REQUEST_ID;
use super::transfer::coding::{self, Body, Coding};
use actix_web::http::header::{
    ACCEPT, AUTHORIZATION, AsHeaderName, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE,
    IF_UNMODIFIED_SINCE, ORIGIN,
};
use actix_web::web::Payload;
use actix_web::{HttpMessage, HttpRequest};
use domain::appointment::RequestKey;
use domain::fault::Fault;
use fhir::search::{self, SearchRules};
use futures_util::StreamExt;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// Longest `X-Request-ID`, in characters.
const REQUEST_ID_CHARS_MAX: usize = 64;
/// Longest header that is recorded with a write, in characters.
const RECORDED_CHARS_MAX: usize = 255;

const SSP_TRACE_ID: HeaderName = HeaderName::from_static("ssp-traceid");
const SSP_FROM: HeaderName = HeaderName::from_static("ssp-from");
const SSP_TO: HeaderName = HeaderName::from_static("ssp-to");
const SSP_INTERACTION_ID: HeaderName = HeaderName::from_static("ssp-interactionid");

/// Headers with a single meaning, and how they are written. All others are lists, or mean nothing here.
const SINGLE: [(HeaderName, &str); 12] = [
    (REQUEST_ID, "X-Request-ID"),
    (AUTHORIZATION, "Authorization"),
    (CONTENT_TYPE, "Content-Type"),
    (CONTENT_LENGTH, "Content-Length"),
    (SSP_TRACE_ID, "Ssp-TraceID"),
    (SSP_FROM, "Ssp-From"),
    (SSP_TO, "Ssp-To"),
    (SSP_INTERACTION_ID, "Ssp-InteractionID"),
    (HOST, "Host"),
    (ORIGIN, "Origin"),
    (IF_MODIFIED_SINCE, "If-Modified-Since"),
    (IF_UNMODIFIED_SINCE, "If-Unmodified-Since"),
];

/// A request that passed the gate.
pub struct Admitted {
    /// What it asks for.
    pub interaction: Interaction,
    /// The ids in its path.
    pub ids: Vec<String>,
    /// Who asks.
    pub caller: Caller,
    /// What its query is held to.
    pub rules: SearchRules,
    /// The decoded parameters of its query.
    pub parameters: Vec<(String, String)>,
    /// The format of its body.
    pub body_format: Format,
    /// The format of the answer.
    pub answer_format: Format,
    /// `If-Match`, as sent.
    pub if_match: Option<String>,
    /// The body as it was sent; empty where there is none.
    pub body: Body,
    /// Absolute URL of the root that was called.
    pub root_url: String,
}

impl Admitted {
    /// The key of the request, where it carries an `X-Request-ID` and writes.
    pub fn key(&self) -> Option<RequestKey> {
        self.caller.origin.key().filter(|_| self.interaction.writes())
    }

    /// An id of its path; the route table has seen to it that there is one.
    pub fn id(&self, at: usize) -> &str {
        self.ids.get(at).map_or("", String::as_str)
    }
}

/// A request of which it is known who asks for what; how, is still to be looked at.
pub struct Entered {
    found: Found,
    /// Who asks.
    pub caller: Caller,
    /// What its query is held to.
    pub rules: SearchRules,
    /// Absolute URL of the root that was called.
    pub root_url: String,
}

/// The first half of the gate: everything up to the headers that must be there.
pub async fn enter(dialect: &Dialect, http: &HttpRequest, service: &Service, answer_id: &str) -> Result<Entered, Fault> {
    let settings = &service.settings;
    trusted_peer(http, service)?;
    let path = http.path().strip_prefix(dialect.root).unwrap_or_default().trim_start_matches('/');
    let found = dialect.find(http.method().as_str(), path)?;
    single(http)?;
    declared_length(http, settings.limits.body_bytes_max)?;
    if http.query_string().len() > settings.limits.query_bytes_max {
        return Err(Fault::TooLarge { what: "query", limit: settings.limits.query_bytes_max, unit: "bytes" });
    }
    let root_url = format!("{}{}", settings.public_url, dialect.root);
    let need = found.interaction.need();
    let mut caller = auth::admit(text(http, AUTHORIZATION), need, &root_url, settings, service.engine.now()).await?;
    note_headers(&mut caller, http, answer_id);
    http.extensions_mut().insert(Known { interaction: found.interaction, origin: Arc::clone(&caller.origin) });
    // Taken once: whatever is put in its place while this request is under way is for the next one.
    let in_force = service.policy.current();
    policy::permit(service, in_force.as_deref(), found.interaction, &mut caller).await?;
    headers(dialect, http, found.interaction, settings, &caller)?;
    let rules = super::handlers::search_rules(dialect, http, settings, caller.compat);
    Ok(Entered { found, caller, rules, root_url })
}

impl Entered {
    /// What an answer may have been kept under that is given again to whoever asks the same: a search of slots in its URL.
    pub fn question(&self, http: &HttpRequest) -> Option<Question> {
        if self.found.interaction != Interaction::SearchSlots || self.found.form {
            return None;
        }
        Some(Question {
            root_url: self.root_url.as_str().into(),
            query: http.query_string().into(),
            accept: list(http, ACCEPT).map(Into::into),
            content_type: text(http, CONTENT_TYPE).map(Into::into),
            rules: self.rules,
            seer: Seer::of(&self.caller.access),
        })
    }

    /// The second half of the gate: media types, parameters, body.
    pub async fn admit(self, http: &HttpRequest, mut payload: Payload, limits: &HttpLimits) -> Result<Admitted, Fault> {
        let Self { found, caller, rules, root_url } = self;
        let content_type = text(http, CONTENT_TYPE);
        let (coding, body_format) = body_format(&found, http, content_type)?;
        let parameters = if found.form {
            let form = read_body(&mut payload, coding, limits).await?;
            with_form(http.query_string(), &form.plain()?, &rules)
        } else {
            search::pairs(http.query_string(), &rules)
        };
        let wanted = parameters.as_ref().ok().and_then(|parameters| search::format_of(parameters));
        let answer_format = negotiate::of_answer(wanted, list(http, ACCEPT).as_deref(), content_type)?;
        if found.form {
            // A fault found later is told in the format the form asks for.
            http.extensions_mut().insert(super::handlers::Wanted(answer_format));
        }
        let parameters = parameters?;
        // It is unfolded where it is parsed: a resent key wins over a body that is no gzip too.
        let body = if found.interaction.takes_resource() {
            read_body(&mut payload, coding, limits).await?
        } else {
            Body::new(Vec::new(), Coding::Identity, 0)
        };
        let if_match = list(http, IF_MATCH).map(Cow::into_owned);
        let Found { interaction, ids, .. } = found;
        Ok(Admitted { interaction, ids, caller, rules, parameters, body_format, answer_format, if_match, body, root_url })
    }
}

/// A header as text; one that is not text counts as empty, which no check accepts.
pub fn text(http: &HttpRequest, name: impl AsHeaderName) -> Option<&str> {
    http.headers().get(name).map(plain)
}

/// All headers of one name as one list (RFC 9110, 5.3); a line that is not text counts as empty.
pub fn list(http: &HttpRequest, name: impl AsHeaderName) -> Option<Cow<'_, str>> {
    let mut lines = http.headers().get_all(name).map(plain);
    let mut all = Cow::Borrowed(lines.next()?);
    for line in lines {
        let all = all.to_mut();
        all.push(',');
        all.push_str(line);
    }
    Some(all)
}

/// Proves that no header with a single meaning was sent twice, even with the same value.
fn single(http: &HttpRequest) -> Result<(), Fault> {
    let headers = http.headers();
    // Nothing comes twice in nearly all requests.
    if headers.len() == headers.len_keys() {
        return Ok(());
    }
    match SINGLE.iter().find(|(name, _)| headers.get_all(name).nth(1).is_some()) {
        Some((_, name)) => Err(Fault::HeaderInvalid { name, expected: "sent once" }),
        None => Ok(()),
    }
}

/// Control characters are refused before a request exists; what is left to look for goes by whole words of the processor.
fn plain(value: &HeaderValue) -> &str {
    std::str::from_utf8(value.as_bytes()).ok().filter(|text| text.is_ascii()).unwrap_or_default()
}

/// Refuses whoever did not come through the trusted proxy, where one is named.
///
/// # Errors
/// [`Fault::UntrustedPeer`].
pub fn trusted_peer(http: &HttpRequest, service: &Service) -> Result<(), Fault> {
    let Some(proxy) = &service.settings.trusted_proxy else { return Ok(()) };
    let peer = http.peer_addr().map(|addr| addr.ip().to_canonical());
    if peer.is_some_and(|peer| proxy.contains(&peer)) { Ok(()) } else { Err(Fault::UntrustedPeer) }
}

fn declared_length(http: &HttpRequest, limit: usize) -> Result<(), Fault> {
    let declared = text(http, CONTENT_LENGTH).and_then(|length| length.trim().parse::<u64>().ok());
    let fits = declared.is_none_or(|length| usize::try_from(length).is_ok_and(|length| length <= limit));
    if fits { Ok(()) } else { Err(Fault::TooLarge { what: "body", limit, unit: "bytes" }) }
}

fn headers(dialect: &Dialect, http: &HttpRequest, interaction: Interaction, settings: &Settings, caller: &Caller) -> Result<(), Fault> {
    let (origin, compat) = (&caller.origin, caller.compat);
    // The statement must always be readable (digest A.5).
    if settings.auth != AuthMode::Off && interaction != Interaction::Capability {
        for Demanded { name, of } in dialect.headers_demanded {
            if of(origin).is_none_or(|value| value.trim().is_empty()) {
                return Err(Fault::HeaderMissing { name });
            }
        }
    }
    // Consumers built before 2.0.2 know no X-Request-ID (digest G).
    let demanded = dialect.request_id_demanded && !compat.leniencies().request_id_optional;
    let name = "X-Request-ID";
    match http.headers().get(REQUEST_ID) {
        None if demanded && interaction.takes_resource() => Err(Fault::HeaderMissing { name }),
        Some(value) if interaction.takes_resource() && !is_request_id(value.as_bytes()) => {
            Err(Fault::HeaderInvalid { name, expected: "1 to 64 printable characters" })
        }
        _ => Ok(()),
    }
}

/// 1 to 64 printable characters, no space at either end (HTTP would drop it).
fn is_request_id(bytes: &[u8]) -> bool {
    (1..=REQUEST_ID_CHARS_MAX).contains(&bytes.len()) && bytes.iter().all(|b| (b' '..=b'~').contains(b)) && bytes.trim_ascii() == bytes
}

fn note_headers(caller: &mut Caller, http: &HttpRequest, answer_id: &str) {
    let recorded = |name: HeaderName| text(http, name).map(|value| clipped(value).to_owned());
    let origin = Arc::make_mut(&mut caller.origin);
    origin.request_id = recorded(REQUEST_ID).filter(|id| is_request_id(id.as_bytes()));
    origin.answer_id = Some(answer_id.to_owned());
    origin.trace_id = recorded(SSP_TRACE_ID);
    origin.from_asid = recorded(SSP_FROM);
    origin.to_asid = recorded(SSP_TO);
    origin.interaction_id = recorded(SSP_INTERACTION_ID);
}

/// As much of a header as is recorded.
fn clipped(value: &str) -> &str {
    // It is ASCII throughout, so that every byte is a character.
    value.get(..RECORDED_CHARS_MAX).unwrap_or(value)
}

/// The coding of the body, and its format as far as it is a resource; a form must call itself one.
fn body_format(found: &Found, http: &HttpRequest, content_type: Option<&str>) -> Result<(Coding, Format), Fault> {
    if found.form {
        let coding = coding::of_body(http)?;
        negotiate::is_form(content_type)?;
        return Ok((coding, Format::Json));
    }
    if found.interaction.takes_resource() {
        return Ok((coding::of_body(http)?, negotiate::of_body(content_type)?));
    }
    Ok((Coding::Identity, Format::Json))
}

/// The parameters of a query and of a form, as if all of them stood in the query; the bounds are those of both together.
fn with_form(query: &str, form: &[u8], rules: &SearchRules) -> Result<Vec<(String, String)>, Fault> {
    let form = std::str::from_utf8(form).map_err(|_| Fault::Unreadable { problem: "the form is not UTF-8".to_owned() })?;
    search::pairs(&format!("{query}&{}", form.trim()), rules)
}

async fn read_body(payload: &mut Payload, coding: Coding, limits: &HttpLimits) -> Result<Body, Fault> {
    let (limit, wait_ms) = (limits.body_bytes_max, limits.body_wait_ms);
    let read = async {
        let mut body = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|e| Fault::Unreadable { problem: format!("the body did not arrive whole: {e}") })?;
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(Fault::TooLarge { what: "body", limit, unit: "bytes" });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Body::new(body, coding, limits.inflated_bytes_max))
    };
    match actix_web::rt::time::timeout(Duration::from_millis(wait_ms), read).await {
        Ok(body) => body,
        Err(_) => Err(Fault::Unreadable { problem: format!("the body did not arrive within {wait_ms} milliseconds") }),
    }
}
