//! The service roots. Each speaks a dialect: its route table, its header rules, its table of answers, its statement.

pub mod booking;
pub mod provider;

use super::auth::Need;
use domain::appointment::Origin;
use domain::directory::DirectoryKind;
use domain::element::Element;
use domain::fault::Fault;
use fhir::outcome::Issue;
use fhir::service_roots::ServiceRoots;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interaction {
    /// The capability statement.
    Capability,
    /// Slots that match.
    SearchSlots,
    /// One slot.
    ReadSlot,
    /// Schedules that match.
    SearchSchedules,
    /// One schedule.
    ReadSchedule,
    /// Resources of one kind of the directory that match.
    SearchDirectory(DirectoryKind),
    /// One resource of the directory.
    ReadDirectory(DirectoryKind),
    /// Appointments that match.
    SearchAppointments,
    /// One appointment.
    ReadAppointment,
    /// One version of an appointment.
    ReadVersion,
    /// Every version of an appointment.
    ReadHistory,
    /// Book.
    Book,
    /// Cancel.
    Update,
    /// Say what a booking or a cancel would be told, and do nothing.
    Validate,
}

impl Interaction {
    /// What it needs of a token.
    pub const fn need(self) -> Need {
        match self {
            Self::Capability => Need::Nothing,
            Self::SearchSlots | Self::ReadSlot | Self::SearchSchedules | Self::ReadSchedule => Need::ReadSlots,
            Self::SearchDirectory(_) | Self::ReadDirectory(_) => Need::ReadSlots,
            Self::SearchAppointments | Self::ReadAppointment | Self::ReadVersion | Self::ReadHistory => Need::ReadAppointments,
            Self::Book | Self::Update | Self::Validate => Need::WriteAppointments,
        }
    }

    /// Its name in the trail of accesses: the interaction ids of the standard, without their prefix (digest A.0).
    pub const fn word(self) -> &'static str {
        match self {
            Self::Capability => "read:metadata",
            Self::SearchSlots => "search:slot",
            Self::ReadSlot => "read:slot",
            Self::SearchSchedules => "search:schedule",
            Self::ReadSchedule => "read:schedule",
            Self::SearchDirectory(_) => "search:directory",
            Self::ReadDirectory(_) => "read:directory",
            Self::SearchAppointments => "search:appointment",
            Self::ReadAppointment => "read:appointment",
            Self::ReadVersion => "vread:appointment",
            Self::ReadHistory => "history:appointment",
            Self::Book => "create:appointment",
            Self::Update => "update:appointment",
            Self::Validate => "validate:appointment",
        }
    }

    /// The resource type it searches, where it is a search.
    pub const fn searches(self) -> Option<&'static str> {
        match self {
            Self::SearchSlots => Some("Slot"),
            Self::SearchSchedules => Some("Schedule"),
            Self::SearchAppointments => Some("Appointment"),
            Self::SearchDirectory(kind) => Some(kind.name()),
            _ => None,
        }
    }

    /// True when it writes.
    pub const fn writes(self) -> bool {
        matches!(self, Self::Book | Self::Update)
    }

    /// True when its body is a resource.
    pub const fn takes_resource(self) -> bool {
        self.writes() || matches!(self, Self::Validate)
    }
}

/// One line of a route table. `*` in the path stands for one id.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// `GET`, `POST` or `PUT`; HEAD goes where GET goes.
    pub method: &'static str,
    /// The path below the root, its segments parted by `/`.
    pub path: &'static str,
    /// What it asks for.
    pub interaction: Interaction,
    /// Whether its parameters come as a form in the body.
    pub form: bool,
}

/// An answer to a fault: status, issues, headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// What goes into the OperationOutcome; at least one.
    pub issues: Vec<Issue>,
    /// Headers that belong to this status: `Allow`, `Retry-After`.
    pub headers: Vec<(&'static str, String)>,
}

/// A header that must be there, and where it is found once it was noted.
#[derive(Debug, Clone, Copy)]
pub struct Demanded {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub of: fn(&Origin) -> Option<&str>,
}

/// A service root.
#[derive(Clone, Copy)]
pub struct Dialect {
    /// Its path.
    pub root: &'static str,
    /// What is served.
    pub routes: &'static [Route],
    /// Headers that every request must carry unless authentication is off.
    pub headers_demanded: &'static [Demanded],
    /// Whether POST and PUT must carry `X-Request-ID`.
    pub request_id_demanded: bool,
    /// Whether PUT must carry `If-Match`.
    pub if_match_demanded: bool,
    /// Whether bodies and queries are held to the standard to the letter.
    pub strict: bool,
    /// Fault to answer; exhaustive, without a default.
    pub refuse: fn(&Fault) -> Refused,
    /// The capability statement, given the absolute URL of the root.
    pub capability: fn(&str) -> Element,
}

/// Every root that is served.
pub const ALL: [&Dialect; 2] = [&booking::DIALECT, &provider::DIALECT];

/// The paths of all of them.
const PATHS: [&str; 2] = [booking::DIALECT.root, provider::DIALECT.root];

/// Where references lead that are this server's own: to any of its roots, whichever was called.
pub const fn service_roots(public_url: &str) -> ServiceRoots<'_> {
    ServiceRoots { public_url, paths: &PATHS }
}

/// A request found in a route table: what it asks for, and the ids in its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it asks for.
    pub interaction: Interaction,
    /// The ids, in order.
    pub ids: Vec<String>,
    /// Whether its parameters come as a form in the body.
    pub form: bool,
}

impl Dialect {
    /// The route of a request.
    ///
    /// # Errors
    /// `NoSuchRoute`; `MethodNotAllowed` where the path exists.
    pub fn find(&self, method: &str, path: &str) -> Result<Found, Fault> {
        let mut allowed = Vec::new();
        for route in self.routes {
            let Some(ids) = ids_in(path, route.path) else { continue };
            if route.method == method || (method == "HEAD" && route.method == "GET") {
                return Ok(Found { interaction: route.interaction, ids, form: route.form });
            }
            allowed.push(route.method);
        }
        if allowed.is_empty() {
            return Err(Fault::NoSuchRoute { path: format!("{}/{}", self.root, path).chars().take(200).collect() });
        }
        if allowed.contains(&"GET") {
            allowed.push("HEAD");
        }
        Err(Fault::MethodNotAllowed { method: method.chars().take(20).collect(), allowed })
    }
}

/// The ids in `path` if it has the form of `pattern`.
fn ids_in(path: &str, pattern: &str) -> Option<Vec<String>> {
    let mut ids = Vec::new();
    let mut given = path.split('/');
    for wanted in pattern.split('/') {
        match (given.next(), wanted) {
            // What begins with `$` is an operation and never an id.
            (Some(id), "*") if !id.is_empty() && !id.starts_with('$') => ids.push(id.to_owned()),
            (Some(segment), wanted) if segment == wanted && wanted != "*" => {}
            _ => return None,
        }
    }
    given.next().is_none().then_some(ids)
}
