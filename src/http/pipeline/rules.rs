//! What dialects differ in: a named choice for each question, made once, where a dialect is defined.

use super::super::settings::HttpLimits;
use super::prefer::{Handling, Preferences};
use domain::appointment::Origin;
use fhir::search::{DefinitionsOf, EndParameter, SearchRules, UnknownParameters};
use fhir::stu3::uec::appointment::BookingRules;
use fhir::stu3::uec::compat::ApiVersion;

/// A header that must be there, and where it is found once it was noted.
#[derive(Debug, Clone, Copy)]
pub struct RequiredHeader {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub of: fn(&Origin) -> Option<&str>,
}

/// Whether a header must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderPresence {
    /// It must.
    Demanded,
    /// It is looked at where it is there.
    Optional,
}

/// What becomes of the header `Prefer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreferHeader {
    /// It is followed.
    Applied,
    /// It changes nothing.
    Ignored,
}

/// Whether consumers built on versions before the latest are served, where the operator says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OlderVersions {
    /// They are: what their version allowed is forgiven.
    Served,
    /// The root has no versions.
    Unknown,
}

/// What a search of slots of a service that is not known comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownService {
    /// 404.
    NotFound,
    /// No matches.
    NoMatches,
}

/// Whether the place of a schedule is among its actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocationActor {
    /// Where three actors are not exceeded.
    WhereThereIsRoom,
    /// Always.
    Always,
}

/// What a schedule that is read by id says of its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleVersion {
    /// Nothing.
    Unstated,
    /// Its number and time, in `meta`.
    InMeta,
}

/// What `fullUrl` names in a search of appointments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppointmentUrl {
    /// The version that was found. STU3 forbids it (bdl-8), and the booking standard wants it
    /// (docs/specification/uec.md#a10-appointment-search).
    OfVersion,
    /// The appointment.
    OfAppointment,
}

/// What a dialect holds requests to, and how it answers.
#[derive(Debug, Clone, Copy)]
pub struct DialectRules {
    /// What the release that is spoken here says of elements.
    pub definitions: DefinitionsOf,
    /// Headers that every request must carry, unless authentication is off.
    pub headers: &'static [RequiredHeader],
    /// `X-Request-ID`, where a resource is sent.
    pub request_id: HeaderPresence,
    /// `If-Match`, where an appointment is changed.
    pub if_match: HeaderPresence,
    /// `Prefer`.
    pub prefer: PreferHeader,
    /// Older versions of the API.
    pub older_versions: OlderVersions,
    /// What queries are held to; the operator's bounds replace those in it.
    pub search: SearchRules,
    /// What bookings are held to.
    pub booking: BookingRules<'static>,
    /// Searches of services that are not known.
    pub unknown_service: UnknownService,
    /// The places of schedules.
    pub location_actor: LocationActor,
    /// The versions of schedules.
    pub schedule_version: ScheduleVersion,
    /// The URLs of appointments that were found.
    pub appointment_url: AppointmentUrl,
}

impl DialectRules {
    /// What a query is held to: the dialect's rules, what the client prefers, the operator's bounds, and the version spoken
    /// with whoever asks.
    pub fn search_rules(&self, preferences: Preferences, limits: &HttpLimits, compat: ApiVersion) -> SearchRules {
        let mut rules = SearchRules { window_days_max: limits.window_days_max, parameters_max: limits.parameters_max, ..self.search };
        if preferences.handling == Handling::Strict {
            rules.unknown = UnknownParameters::Refused;
        }
        if self.older_versions == OlderVersions::Served && compat.leniencies().end_parameter {
            rules.end = EndParameter::Restricts;
        }
        rules
    }

    /// What the body of a booking is held to.
    pub fn booking_rules(&self, require_verified_nhs_number: bool, compat: ApiVersion) -> BookingRules<'static> {
        let rules = BookingRules { require_verified_nhs_number, ..self.booking };
        match self.older_versions {
            OlderVersions::Served => rules.forgiving(compat.leniencies()),
            OlderVersions::Unknown => rules,
        }
    }

    /// Whether `X-Request-ID` must be sent with a resource. Consumers built before 2.0.2 do not know it
    /// (docs/specification/uec.md#g-versions).
    pub fn demands_request_id(&self, compat: ApiVersion) -> bool {
        self.request_id == HeaderPresence::Demanded && !compat.leniencies().request_id_optional
    }
}
