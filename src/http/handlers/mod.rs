//! What happens to a request on a FHIR root: gate, interaction, answer, and the headers every answer carries.

mod appointments;
mod books;
mod directory;
mod schedules;
mod slots;
mod validate;

use super::dialects::{self, Dialect, Interaction};
use super::negotiate::Format;
use super::prefer::Preferences;
use super::request::{self, Admitted};
use super::respond::{self, Looks};
use super::settings::Settings;
use super::{Service, access, fault, negotiate, transfer};
use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use domain::appointment::Origin;
use domain::fault::Fault;
use domain::policy::Access;
use domain::search::Cursor;
use fhir::bundle::{self, Entry};
use fhir::search::{self, Query, SearchRules};
use fhir::shape::Shape;
use fhir::stu3;
use fhir::stu3::uec::capability;
use fhir::stu3::uec::compat::ApiVersion;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

/// Answers one request on a FHIR root.
pub async fn serve(dialect: &'static Dialect, http: HttpRequest, payload: web::Payload, service: web::Data<Service>) -> HttpResponse {
    let began = Instant::now();
    let answer_id = service.engine.new_id();
    let outcome = AssertUnwindSafe(answer(dialect, &http, payload, &service, &answer_id)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|_| {
        log::error!("a handler panicked; request {answer_id}");
        Err(Fault::Internal)
    });
    let response = outcome.unwrap_or_else(|fault| refuse(dialect, &http, &service, &fault));
    let response = transfer::sent(&http, &service.settings, response, &answer_id);
    access::record(&service, dialect, &http, &response, &answer_id, began);
    response
}

/// The format a form asked for, noted for answers to faults.
pub struct Wanted(pub Format);

/// Anything outside the roots.
pub async fn nothing_here(http: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    let nothing = Fault::NoSuchRoute { path: http.path().chars().take(200).collect() };
    let fault = request::trusted_peer(&http, &service).err().unwrap_or(nothing);
    let refused = fault::answer(&dialects::booking::DIALECT, &fault, &service.engine.new_id(), negotiate::Format::Json);
    transfer::sent(&http, &service.settings, refused, &service.engine.new_id())
}

fn refuse(dialect: &Dialect, http: &HttpRequest, service: &Service, fault: &Fault) -> HttpResponse {
    let rules = search_rules(dialect, http, &service.settings, service.settings.compat);
    let parameters = search::pairs(http.query_string(), &rules).unwrap_or_default();
    let of_form = http.extensions().get::<Wanted>().map(|Wanted(format)| *format);
    let of_query =
        || negotiate::of_refusal(search::format_of(&parameters), request::text(http, "Accept"), request::text(http, "Content-Type"));
    fault::answer(dialect, fault, &service.engine.new_id(), of_form.unwrap_or_else(of_query))
}

async fn answer(
    dialect: &'static Dialect,
    http: &HttpRequest,
    payload: web::Payload,
    service: &web::Data<Service>,
    answer_id: &str,
) -> Result<HttpResponse, Fault> {
    let entered = request::enter(dialect, http, service, answer_id).await?;
    let asked_before = match entered.question(http) {
        Some(question) => match slots::again(service, question).await {
            Ok(answer) => return Ok(answer),
            Err(anew) => Some(anew),
        },
        None => None,
    };
    let admitted = entered.admit(http, payload, &service.settings.limits).await?;
    let asked = Asked { dialect, service: service.clone(), rules: admitted.rules, preferences: Preferences::of(http), admitted };
    match asked.admitted.interaction {
        Interaction::Capability => {
            let mut statement = (dialect.capability)(&asked.admitted.root_url);
            if dialect.strict {
                capability::say_compatible(&mut statement, service.settings.compat);
            } else {
                fhir::stu3::statement::say_cors(&mut statement, !service.settings.cors_origins.is_empty());
            }
            Ok(respond::resource(StatusCode::OK, &statement, asked.looks(false)))
        }
        Interaction::SearchSlots => slots::search(asked, asked_before).await,
        Interaction::ReadSlot => slots::read(asked).await,
        Interaction::SearchSchedules => schedules::search(asked).await,
        Interaction::ReadSchedule => schedules::read(asked).await,
        Interaction::SearchDirectory(kind) => directory::search(asked, kind).await,
        Interaction::ReadDirectory(kind) => directory::read(asked, kind).await,
        Interaction::SearchAppointments => appointments::search(asked).await,
        Interaction::ReadAppointment => appointments::read(asked, false).await,
        Interaction::ReadVersion => appointments::read(asked, true).await,
        Interaction::ReadHistory => appointments::history(asked).await,
        Interaction::Book => books::book(asked).await,
        Interaction::Update => books::update(asked).await,
        Interaction::Validate => validate::validate(asked).await,
    }
}

/// What a query is held to: the root's rules, the operator's limits, and the version spoken with whoever asks.
pub fn search_rules(dialect: &Dialect, http: &HttpRequest, settings: &Settings, compat: ApiVersion) -> SearchRules {
    SearchRules {
        strict: dialect.strict || Preferences::of(http).strict,
        must_name: dialect.strict,
        window_days_max: settings.limits.window_days_max,
        parameters_max: settings.limits.parameters_max,
        end_restricts: dialect.strict && compat.leniencies().end_parameter,
    }
}

/// A request in a handler's hands.
struct Asked {
    dialect: &'static Dialect,
    service: web::Data<Service>,
    rules: SearchRules,
    preferences: Preferences,
    admitted: Admitted,
}

impl Asked {
    const fn looks(&self, pretty: bool) -> Looks {
        Looks { format: self.admitted.answer_format, pretty }
    }

    /// `_pretty` of a write, which has no other parameters.
    fn looks_of_write(&self) -> Looks {
        let pretty = self.admitted.parameters.iter().any(|(name, value)| name == "_pretty" && value == "true");
        self.looks(pretty)
    }

    /// How the answer to a read of `kind` is to look, and how much of the resource is wanted.
    fn reading(&self, kind: &'static str) -> Result<(Looks, Shape), Fault> {
        let reading = search::reading(&self.admitted.parameters, &self.rules, kind, stu3::definitions)?;
        Ok((self.looks(reading.pretty), reading.shape))
    }

    /// The answer to a search of `kind`.
    fn searchset<S>(&self, kind: &str, query: &Query<S>, total: u64, next: Option<&Cursor>, entries: Vec<Entry>) -> HttpResponse {
        let entries = if query.total_only {
            Vec::new()
        } else {
            entries.into_iter().map(|entry| entry.shaped(&query.shape, stu3::definitions())).collect()
        };
        // Whoever wants the number alone has nothing to go on with.
        let next = next.filter(|_| !query.total_only);
        let bundle = bundle::searchset(&self.admitted.root_url, kind, &query.applied, total, next, entries);
        respond::resource(StatusCode::OK, &bundle, self.looks(query.pretty))
    }

    /// What whoever asks may see and do.
    fn access(&self) -> Access {
        self.admitted.caller.access.clone()
    }

    /// What is recorded of whoever asks.
    fn origin(&self) -> Origin {
        self.admitted.caller.origin.as_ref().clone()
    }

    /// Runs an operation of the engine aside, because it waits for the database.
    async fn engine<T: Send + 'static>(
        &self,
        work: impl FnOnce(&crate::engine::Engine) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.service.turns.take(&self.service.engine, work).await
    }
}
