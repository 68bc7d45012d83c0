//! Pages of other origins: which of them may call, and what they may read of the answer (Fetch standard, "CORS").
//!
//! This guards nobody but people in browsers. Whoever is not a browser calls as before, and needs a token as before; a page
//! of an origin that is not named gets the same answer, which its browser keeps from it.

use super::super::super::settings::Settings;
use super::super::dialect::Dialect;
use super::super::headers::{REQUEST_ID, list};
use super::super::service::Service;
use super::super::{error_response, negotiate, peer};
use super::sent_plainly;
use actix_cors::Cors;
use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, VARY};
use actix_web::middleware::{Condition, Next};
use domain::fault::Fault;

/// Stands for every origin.
pub const ANY: &str = "*";
/// How long a browser need not ask again, in seconds.
const MAX_AGE_S: usize = 3_600;
/// What the roots are called with.
const METHODS: [Method; 4] = [Method::GET, Method::HEAD, Method::POST, Method::PUT];
/// What a page may send beside what every page may.
const REQUEST_HEADERS: [&str; 13] = [
    "Accept",
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "If-Match",
    "If-None-Match",
    "Prefer",
    "Ssp-From",
    "Ssp-InteractionID",
    "Ssp-To",
    "Ssp-TraceID",
    "X-Correlation-ID",
    "X-Request-ID",
];
/// What a page may read of an answer beside what every page may.
const ANSWER_HEADERS: [&str; 8] =
    ["Allow", "Content-Location", "ETag", "Last-Modified", "Location", "Retry-After", "X-Correlation-ID", "X-Request-ID"];

/// An origin in the form in which browsers name it, or `*`: scheme, host, and a port that is not the scheme's own.
///
/// `None` when it is no origin.
pub fn origin(text: &str) -> Option<String> {
    if text == ANY {
        return Some(ANY.to_owned());
    }
    let text = text.to_ascii_lowercase();
    let (scheme, rest) = text.split_once("://")?;
    let own_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let host = rest.strip_suffix(own_port).unwrap_or(rest);
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let bracketed = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let named = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')),
    };
    let reached = port.is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0));
    (named && reached).then(|| format!("{scheme}://{host}"))
}

/// What answers preflights and says who may read; does nothing where no origin is named.
pub fn layer(settings: &Settings) -> Condition<Cors> {
    let origins = &settings.cors_origins;
    let cors = Cors::default().allowed_methods(METHODS).allowed_headers(REQUEST_HEADERS).expose_headers(ANSWER_HEADERS).max_age(MAX_AGE_S);
    let cors = if origins.iter().any(|origin| origin == ANY) {
        cors.allow_any_origin().send_wildcard()
    } else {
        origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
    };
    Condition::new(!origins.is_empty(), cors)
}

/// Makes a whole answer of what the layer says by itself: headers as every answer has them, and an `OperationOutcome`
/// where it refuses.
///
/// # Errors
/// Those of what it goes round, which makes none.
pub async fn completed(
    dialect: &'static Dialect,
    service: &Service,
    asked: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let preflight = asked.method() == Method::OPTIONS && asked.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    // The layer knows nothing of peers: whoever may not connect is not told who may.
    let untrusted = peer::is_trusted(asked.request(), &service.settings).err().filter(|_| preflight);
    let answered = match untrusted {
        Some(fault) => {
            let (http, _) = asked.into_parts();
            let refused = refusal(dialect, service, &http, &fault);
            ServiceResponse::new(http, refused)
        }
        None => next.call(asked).await?.map_into_boxed_body(),
    };
    if answered.headers().contains_key(REQUEST_ID) {
        return Ok(answered);
    }
    let problem = answered.response().error().map(ToString::to_string);
    let (http, response) = answered.into_parts();
    let response = match problem {
        Some(problem) => {
            let methods: Vec<&str> = METHODS.iter().map(Method::as_str).collect();
            let possible = format!("origins the operator named, {}, and the headers {}", methods.join(", "), REQUEST_HEADERS.join(", "));
            refusal(dialect, service, &http, &Fault::CrossOrigin { problem: format!("{problem}; possible: {possible}") })
        }
        None => response,
    };
    let answer_id = service.engine.new_id();
    let response = sent_plainly(&http, &service.settings, response, &answer_id);
    Ok(ServiceResponse::new(http, response))
}

fn refusal(dialect: &Dialect, service: &Service, http: &actix_web::HttpRequest, fault: &Fault) -> actix_web::HttpResponse {
    let format = negotiate::of_refusal(None, list(http, "Accept").as_deref(), None);
    let mut response = error_response::to(dialect.refuse, fault, &service.engine.new_id(), format, (dialect.rules.definitions)()).response;
    response.headers_mut().insert(VARY, HeaderValue::from_static("Origin"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_named_as_browsers_name_it() {
        let same = |text: &str| origin(text).as_deref() == Some(text);
        for text in ["https://diary.example.nhs.uk", "http://127.0.0.1:3000", "https://[::1]:8443", "http://[::1]", "*"] {
            assert!(same(text), "{text}");
        }
        assert_eq!(origin("HTTPS://Diary.Example.nhs.uk:443").as_deref(), Some("https://diary.example.nhs.uk"));
        assert_eq!(origin("http://localhost:80").as_deref(), Some("http://localhost"));
        for text in [
            "",
            "null",
            "diary.example.nhs.uk",
            "https://",
            "https://*.nhs.uk",
            "https://a/",
            "https://a/b",
            "https://a?b",
            "https://a b",
            "https://u@a",
            "https://a:port",
            "https://a:0",
            "https://a:65536",
            "https://a:",
            "https://[::1",
            "https://[x]",
            "ftp://a",
            "https://a\r\nb",
        ] {
            assert_eq!(origin(text), None, "{text}");
        }
    }
}
