//! The gate: what a request must prove, in the order of the contract, before anything is looked up.
//!
//! Route, method, declared length, token, headers, media types, body (`decisions.md` 5, "Order of checks").
//! What a reader would get wrong: the order is what consumers are assured against; it is one function here so
//! that nobody changes it by moving an extractor.

use super::Service;
use super::access::Known;
use super::auth::{self, Caller};
use super::dialects::{Dialect, Found, Interaction};
use super::negotiate::{self, Format};
use super::policy;
use super::settings::{AuthMode, HttpLimits, Settings};
use super::transfer::coding::{self, Body, Coding};
use crate::domain::appointment::RequestKey;
use crate::domain::fault::Fault;
use crate::fhir::compat::ApiVersion;
use crate::fhir::search::{self, SearchRules};
use actix_web::web::Payload;
use actix_web::{HttpMessage, HttpRequest};
use futures_util::StreamExt;
use std::time::Duration;

/// Longest `X-Request-ID`, in characters.
const REQUEST_ID_CHARS_MAX: usize = 64;
/// Longest header that is recorded with a write, in characters.
const RECORDED_CHARS_MAX: usize = 255;

/// A request that passed the gate.
pub struct Admitted {
    /// What it asks for.
    pub interaction: Interaction,
    /// The ids in its path.
    pub ids: Vec<String>,
    /// Who asks.
    pub caller: Caller,
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

/// Lets a request in, or says why not.
pub async fn admit(
    dialect: &Dialect,
    http: &HttpRequest,
    mut payload: Payload,
    service: &Service,
    answer_id: &str,
) -> Result<Admitted, Fault> {
    let settings = &service.settings;
    trusted_peer(http, service)?;
    let path = http.path().strip_prefix(dialect.root).unwrap_or_default().trim_start_matches('/');
    let found = dialect.find(http.method().as_str(), path)?;
    declared_length(http, settings.limits.body_bytes_max)?;
    if http.query_string().len() > settings.limits.query_bytes_max {
        return Err(Fault::TooLarge { what: "query", limit: settings.limits.query_bytes_max, unit: "bytes" });
    }
    let root_url = format!("{}{}", settings.public_url, dialect.root);
    let need = found.interaction.need();
    let mut caller = auth::admit(text(http, "Authorization"), need, &root_url, settings, service.engine.now()).await?;
    note_headers(&mut caller, http, answer_id);
    http.extensions_mut().insert(Known { interaction: found.interaction, origin: caller.origin.clone() });
    // Taken once: whatever is put in its place while this request is under way is for the next one.
    let in_force = service.policy.current();
    policy::permit(service, in_force.as_deref(), found.interaction, &mut caller).await?;
    headers(dialect, http, found.interaction, settings, caller.compat)?;
    let rules = super::handlers::search_rules(dialect, http, settings, caller.compat);
    let content_type = text(http, "Content-Type");
    let (coding, body_format) = body_format(&found, http, content_type)?;
    let limits = &settings.limits;
    let parameters = if found.form {
        let form = read_body(&mut payload, coding, limits).await?;
        with_form(http.query_string(), &form.plain()?, &rules)
    } else {
        search::pairs(http.query_string(), &rules)
    };
    let wanted = parameters.as_ref().ok().and_then(|parameters| search::format_of(parameters));
    let answer_format = negotiate::of_answer(wanted, text(http, "Accept"), content_type)?;
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
    let if_match = text(http, "If-Match").map(str::to_owned);
    Ok(Admitted {
        interaction: found.interaction,
        ids: found.ids,
        caller,
        parameters,
        body_format,
        answer_format,
        if_match,
        body,
        root_url,
    })
}

/// A header as text; one that is not text counts as empty, which no check accepts.
pub fn text<'r>(http: &'r HttpRequest, name: &str) -> Option<&'r str> {
    http.headers().get(name).map(|value| value.to_str().unwrap_or_default())
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
    let declared = text(http, "Content-Length").and_then(|length| length.trim().parse::<u64>().ok());
    let fits = declared.is_none_or(|length| usize::try_from(length).is_ok_and(|length| length <= limit));
    if fits { Ok(()) } else { Err(Fault::TooLarge { what: "body", limit, unit: "bytes" }) }
}

fn headers(dialect: &Dialect, http: &HttpRequest, interaction: Interaction, settings: &Settings, compat: ApiVersion) -> Result<(), Fault> {
    // The statement must always be readable (digest A.5).
    if settings.auth != AuthMode::Off && interaction != Interaction::Capability {
        for name in dialect.headers_demanded {
            if text(http, name).is_none_or(|value| value.trim().is_empty()) {
                return Err(Fault::HeaderMissing { name });
            }
        }
    }
    // Consumers built before 2.0.2 know no X-Request-ID (digest G).
    let demanded = dialect.request_id_demanded && !compat.leniencies().request_id_optional;
    let name = "X-Request-ID";
    match http.headers().get(name) {
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
    let recorded = |name| text(http, name).map(|value| value.chars().take(RECORDED_CHARS_MAX).collect::<String>());
    let origin = &mut caller.origin;
    origin.request_id = recorded("X-Request-ID").filter(|id| is_request_id(id.as_bytes()));
    origin.answer_id = Some(answer_id.to_owned());
    origin.trace_id = recorded("Ssp-TraceID");
    origin.from_asid = recorded("Ssp-From");
    origin.to_asid = recorded("Ssp-To");
    origin.interaction_id = recorded("Ssp-InteractionID");
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
