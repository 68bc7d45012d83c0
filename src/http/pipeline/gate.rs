//! The gate: what a request must prove, in the order of the contract, before anything is looked up.
//!
//! Route, method, headers that come twice, declared length, token, headers, media types, body
//! (docs/contract.md#order-of-checks, "Order of checks", and 8, "Headers"). The order is what consumers are assured against:
//! it is [`authenticate`] and then [`Authenticated::admit`]. Between the two a search may be answered from the cache,
//! because whoever asked in the very same words before passed the second half.

use super::super::auth::{self, AuthMode, Caller};
use super::super::settings::HttpLimits;
use super::body::{self, Body, BodyCoding};
use super::context::RequestContext;
use super::dialect::{Dialect, MatchedOperation};
use super::headers::{self, list, text};
use super::negotiate::{self, Format};
use super::operation::{Caching, Effect, Input, Operation};
use super::path::PathValues;
use super::peer;
use super::permit::permit;
use super::prefer::Preferences;
use super::response_cache::{CacheKey, CacheScope};
use super::rules::PreferHeader;
use super::service::Service;
use actix_web::HttpRequest;
use actix_web::http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH};
use actix_web::web::{Data, Payload};
use domain::appointment::Origin;
use domain::fault::Fault;
use fhir::search::{self, SearchRules};
use fhir::stu3;
use fhir::stu3::uec::compat::ApiVersion;
use std::borrow::Cow;
use std::sync::Arc;

/// What became known of a request on its way, also of one that is refused.
#[derive(Default)]
pub struct Trace {
    /// What it asks for and on whose behalf, once its token is proven.
    pub known: Option<(&'static Operation, Arc<Origin>)>,
    /// The format its form asks for.
    pub format: Option<Format>,
}

/// A request of which it is known who asks for what; how, is still to be looked at.
pub struct Authenticated {
    /// What it asks for.
    pub operation: &'static Operation,
    dialect: &'static Dialect,
    path: PathValues,
    caller: Caller,
    compat: ApiVersion,
    preferences: Preferences,
    search_rules: SearchRules,
    root_url: String,
}

/// The first half of the gate: everything up to the headers that must be there.
///
/// # Errors
/// The first fault, in the order of the checks.
pub async fn authenticate(
    dialect: &'static Dialect,
    http: &HttpRequest,
    service: &Service,
    answer_id: &str,
    trace: &mut Trace,
) -> Result<Authenticated, Fault> {
    let settings = &service.settings;
    peer::is_trusted(http, settings)?;
    let MatchedOperation { operation, values, root } = dialect.find(http.method().as_str(), http.path())?;
    headers::single(http)?;
    declared_length(http, settings.limits.body_bytes_max)?;
    if http.query_string().len() > settings.limits.query_bytes_max {
        return Err(Fault::TooLarge { what: "query", limit: settings.limits.query_bytes_max, unit: "bytes" });
    }
    let root_url = format!("{}{root}", settings.public_url);
    let authorization = text(http, AUTHORIZATION);
    let mut caller = auth::admit(authorization, operation.scope, &root_url, &settings.token_rules(), service.engine.now()).await?;
    headers::note(Arc::make_mut(&mut caller.origin), http, answer_id);
    trace.known = Some((operation, Arc::clone(&caller.origin)));
    // Taken once: whatever is put in its place while this request is under way is for the next one.
    let in_force = service.policy.current();
    let compat = permit(service, in_force.as_deref(), operation.permission, &mut caller).await?;
    // The statement must always be readable (docs/specification/uec.md#a5-metadata).
    headers::required(&dialect.rules, &caller.origin, settings.auth != AuthMode::Off && operation.needs_token())?;
    if operation.takes_resource() {
        headers::request_id(&dialect.rules, http, compat)?;
    }
    let preferences = match dialect.rules.prefer {
        PreferHeader::Applied => Preferences::of(http),
        PreferHeader::Ignored => Preferences::default(),
    };
    let search_rules = dialect.rules.search_rules(preferences, &settings.limits, compat);
    Ok(Authenticated { operation, dialect, path: values, caller, compat, preferences, search_rules, root_url })
}

impl Authenticated {
    /// What a response may be kept under that is given again to whoever asks the same.
    pub fn cache_key(&self, http: &HttpRequest) -> Option<CacheKey> {
        if self.operation.caching == Caching::Never {
            return None;
        }
        Some(CacheKey {
            root_url: self.root_url.as_str().into(),
            query: http.query_string().into(),
            accept: list(http, ACCEPT).map(Into::into),
            content_type: text(http, CONTENT_TYPE).map(Into::into),
            rules: self.search_rules,
            scope: CacheScope::of(&self.caller.access),
        })
    }

    /// The second half of the gate: media types, parameters, body.
    ///
    /// # Errors
    /// The first fault, in the order of the checks.
    pub async fn admit(
        self,
        http: &HttpRequest,
        mut payload: Payload,
        service: &Data<Service>,
        trace: &mut Trace,
    ) -> Result<RequestContext, Fault> {
        let limits = &service.settings.limits;
        let content_type = text(http, CONTENT_TYPE);
        let (coding, body_format) = body_format(self.operation.input, http, content_type)?;
        let parameters = if self.operation.input == Input::Form {
            let form = body::read(&mut payload, coding, limits).await?;
            with_form(http.query_string(), &form.plain()?, &self.search_rules)
        } else {
            search::pairs(http.query_string(), &self.search_rules)
        };
        let wanted = parameters.as_ref().ok().and_then(|parameters| search::format_of(parameters));
        let answer_format = negotiate::of_answer(wanted, list(http, ACCEPT).as_deref(), content_type)?;
        if self.operation.input == Input::Form {
            // A fault found later is told in the format the form asks for.
            trace.format = Some(answer_format);
        }
        let mut parameters = parameters?;
        if self.operation.searches() {
            stu3::search::make_references_relative(self.operation.resource(), &mut parameters, &self.search_rules, service.roots());
        }
        let body = body_of(self.operation.input, &mut payload, coding, limits).await?;
        let request_key = if self.operation.effect == Effect::Writes { self.caller.origin.key() } else { None };
        Ok(RequestContext {
            service: service.clone(),
            rules: &self.dialect.rules,
            refuse: self.dialect.refuse,
            request_key,
            path: self.path,
            root_url: self.root_url,
            caller: self.caller,
            compat: self.compat,
            search_rules: self.search_rules,
            preferences: self.preferences,
            parameters,
            body_format,
            answer_format,
            if_match: list(http, IF_MATCH).map(Cow::into_owned),
            body,
            index_is_fresh: None,
        })
    }
}

fn declared_length(http: &HttpRequest, limit: usize) -> Result<(), Fault> {
    let declared = text(http, CONTENT_LENGTH).and_then(|length| length.trim().parse::<u64>().ok());
    let fits = declared.is_none_or(|length| usize::try_from(length).is_ok_and(|length| length <= limit));
    if fits { Ok(()) } else { Err(Fault::TooLarge { what: "body", limit, unit: "bytes" }) }
}

/// The coding of the body, and its format as far as it is a resource; a form must call itself one.
fn body_format(input: Input, http: &HttpRequest, content_type: Option<&str>) -> Result<(BodyCoding, Format), Fault> {
    match input {
        Input::Query => Ok((BodyCoding::Identity, Format::Json)),
        Input::Form => {
            let coding = body::coding(http)?;
            negotiate::is_form(content_type)?;
            Ok((coding, Format::Json))
        }
        Input::Resource => Ok((body::coding(http)?, negotiate::of_body(content_type)?)),
    }
}

/// The body where it is a resource. It is unfolded where it is parsed: a resent key wins over a body that is no gzip too.
async fn body_of(input: Input, payload: &mut Payload, coding: BodyCoding, limits: &HttpLimits) -> Result<Body, Fault> {
    match input {
        Input::Resource => body::read(payload, coding, limits).await,
        Input::Query | Input::Form => Ok(Body::new(Vec::new(), BodyCoding::Identity, 0)),
    }
}

/// The parameters of a query and of a form, as if all of them stood in the query; the bounds are those of both together.
fn with_form(query: &str, form: &[u8], rules: &SearchRules) -> Result<Vec<(String, String)>, Fault> {
    let form = std::str::from_utf8(form).map_err(|_| Fault::Unreadable { problem: "the form is not UTF-8".to_owned() })?;
    search::pairs(&format!("{query}&{}", form.trim()), rules)
}
