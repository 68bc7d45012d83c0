//! Everything that can go wrong, as data.
//!
//! No prose for consumers and no status codes: a dialect of the HTTP layer turns each of these into an
//! answer, in one exhaustive table. A [`Refusal`] is a decision of the booking rules; everything else here
//! is about the request, the token or the server.

use super::ids::{AppointmentId, OdsCode, ServiceId};
use super::time::Timestamp;
use chrono::NaiveDate;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// No such path.
    NoSuchRoute {
        /// The path as called.
        path: String,
    },
    /// The path exists, the method does not.
    MethodNotAllowed {
        /// The method as called.
        method: String,
        /// The methods that exist, for the `Allow` header.
        allowed: Vec<&'static str>,
    },
    /// Something is larger than the server takes.
    TooLarge {
        /// What: `body`, `inflated body`, `query`, `parameters`, `nesting`.
        what: &'static str,
        /// The most that is taken, in `unit`s.
        limit: usize,
        /// `bytes`, `parameters`, `levels`.
        unit: &'static str,
    },
    /// The token does not authorise the request.
    Token(TokenFault),
    /// The connection did not come through the trusted proxy.
    UntrustedPeer,
    /// A header that must be there is not.
    HeaderMissing {
        /// Its name.
        name: &'static str,
    },
    /// A header is there, but not as it must be.
    HeaderInvalid {
        /// Its name.
        name: &'static str,
        /// What would be right.
        expected: &'static str,
    },
    /// The body is in a format the server does not read.
    ContentType {
        /// The header as sent; empty when absent.
        given: String,
    },
    /// The body is compressed in a way the server does not read.
    ContentCoding {
        /// `Content-Encoding` as sent.
        given: String,
    },
    /// A preflight request of a page of another origin is refused (CORS).
    CrossOrigin {
        /// What is refused.
        problem: String,
    },
    /// The body of a search is no form.
    NotAForm {
        /// The header as sent; empty when absent.
        given: String,
    },
    /// The answer is wanted in a format the server does not write.
    NotAcceptable {
        /// `Accept` or `_format` as sent.
        given: String,
    },
    /// The body is not what its format demands.
    Unreadable {
        /// What is wrong, and where (line and column, or path).
        problem: String,
    },
    /// Search parameters that are wrong or unknown.
    Parameter(ParameterFault),
    /// Nothing is stored under this name.
    NotFound {
        /// The resource type.
        kind: &'static str,
        /// The id (and version) as requested.
        id: String,
    },
    /// `If-Match` is missing where it must be.
    VersionMissing,
    /// `If-Match` names another version than the current one.
    VersionStale {
        /// `If-Match` as sent, or the version the caller decided on.
        given: String,
        /// The current version.
        current: i64,
    },
    /// The caller may not see or touch this.
    NotYours {
        /// The resource type.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// The provider's policy does not give the caller this right.
    NotPermitted(Denial),
    /// The resource in the body breaks rules; all of them are listed.
    Invalid(Vec<Problem>),
    /// The booking rules refuse it.
    Refused(Refusal),
    /// This `X-Request-ID` has already succeeded.
    Duplicate {
        /// The `X-Request-ID`.
        request_id: String,
        /// The appointment it made or changed.
        appointment: AppointmentId,
    },
    /// The server cannot keep up. Nothing was done, and nothing will be.
    Busy {
        /// When to try again, in seconds.
        retry_after_s: u32,
    },
    /// The database cannot be reached. Nothing was done, and nothing will be.
    DatabaseUnreachable {
        /// When to try again, in seconds.
        retry_after_s: u32,
    },
    /// The commit was sent and its answer lost, and asking again failed as well.
    OutcomeUnknown,
    /// The server is at fault. The details are in its log and nowhere else.
    Internal,
}

/// A right that the provider's policy does not give to an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// Any at all: the policy does not name it and has no default.
    Unlisted {
        /// The organisation.
        organisation: OdsCode,
    },
    /// Booking.
    Booking {
        /// The organisation.
        organisation: OdsCode,
    },
    /// Cancelling, even what it booked.
    Cancelling {
        /// The organisation.
        organisation: OdsCode,
    },
    /// Cancelling what others booked.
    CancellingOthers {
        /// The organisation.
        organisation: OdsCode,
    },
}

/// What is wrong with a token. Never carries the token.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenFault {
    /// No `Authorization` header.
    Missing,
    /// Not a bearer token of three parts, or not decodable.
    Malformed(&'static str),
    /// A signed token where the standard prescribes unsigned ones, or the other way round.
    Algorithm(String),
    /// A claim that must be there is not, or is of the wrong type.
    Claim(String),
    /// A claim has a value it must not have.
    ClaimValue {
        /// The claim.
        claim: String,
        /// What it must be.
        expected: String,
    },
    /// `aud` names another server.
    Audience {
        /// What is accepted.
        accepted: Vec<String>,
    },
    /// `exp` has passed.
    Expired,
    /// `iat` or `nbf` lies in the future.
    NotYetValid,
    /// It lives longer than allowed.
    TooLong {
        /// The longest life, in seconds.
        limit_s: i64,
    },
    /// Its scope does not allow this.
    Scope {
        /// The claim the scope is in.
        claim: String,
        /// A scope that would.
        needed: &'static str,
    },
    /// Its issuer must not sign with this algorithm, or nobody may.
    AlgorithmRefused {
        /// Those that are accepted from its issuer.
        accepted: Vec<&'static str>,
    },
    /// It demands an extension (`crit`), and none is understood.
    Critical,
    /// `iss` is nobody whose tokens are believed.
    IssuerUnknown,
    /// There are no keys of its issuer now.
    KeysUnavailable,
    /// Its issuer has no such key, or the token does not name one.
    KeyUnknown,
    /// The signature is not its issuer's.
    Signature,
    /// The client it was issued to belongs to no known organisation.
    ClientUnknown,
}

/// What is wrong with the parameters of a search.
#[derive(Debug, Clone, PartialEq)]
pub enum ParameterFault {
    /// A name nobody knows here.
    Unknown {
        /// The name as sent.
        name: String,
        /// The names that are known.
        accepted: Vec<&'static str>,
    },
    /// A value that means nothing.
    Value {
        /// The parameter.
        name: String,
        /// The value as sent.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A parameter that must be there is not.
    Missing {
        /// What would do, in words.
        expected: &'static str,
    },
    /// The window ends in the past.
    WindowPast {
        /// The parameter.
        name: &'static str,
    },
    /// The window ends before it begins.
    WindowReversed {
        /// The parameter.
        name: &'static str,
    },
    /// The window is longer than the server searches at once.
    WindowTooLong {
        /// The parameter.
        name: &'static str,
        /// The longest window, in days.
        limit_days: i64,
    },
    /// More matches than the server gives at once.
    TooManyMatches {
        /// The most it gives.
        limit: usize,
    },
}

/// One thing wrong with a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What sort of thing.
    pub kind: ProblemKind,
    /// Where, as a path: `Appointment.contained[1].telecom[0].rank`.
    pub expression: String,
    /// What is wrong and what would be right. Never repeats a patient's data.
    pub message: String,
}

/// Sorts of problems. Where several are found, the answer is that of the gravest; all are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// Something the booking standard treats as malformed (400): no contained Slot, contact ranks, a body id that is not the URL's.
    Structure,
    /// An element that must be there is not (422).
    Required,
    /// A value of the wrong type, code or form (422).
    Value,
    /// A rule between elements is broken, or an element stands where none may (422).
    Invariant,
    /// The NHS number's check digit is wrong, or its form (422).
    NhsNumber,
    /// A reference leads nowhere (422).
    Reference,
    /// An NHS number is demanded by this server and absent, or not verified (422).
    NhsNumberRequired,
}

/// A no of the booking rules.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// The slot is used up or blocked.
    SlotTaken,
    /// The slot has begun.
    SlotBegun {
        /// When it began.
        start: Timestamp,
    },
    /// There is no such slot.
    SlotUnknown {
        /// Where the body names it.
        expression: String,
    },
    /// The body contradicts the stored slot.
    SlotContradicted(Vec<Contradiction>),
    /// The organisation has as many appointments on that day as the provider's policy lets it have.
    CeilingReached {
        /// The organisation.
        organisation: OdsCode,
        /// The service whose appointments count; all when `None`.
        service: Option<ServiceId>,
        /// The local day on which they begin.
        day: NaiveDate,
        /// The most there may be.
        per_day: u32,
    },
    /// The appointment lies in the past.
    AppointmentPast {
        /// When it began.
        start: Timestamp,
    },
    /// The appointment is cancelled already.
    AlreadyCancelled,
    /// An update may only set `status` to `cancelled`, and this one does not.
    NotACancel {
        /// The status it wants.
        status: String,
    },
    /// An update changes more than the status.
    MoreThanStatus {
        /// Where the resource differs from the stored one.
        expressions: Vec<String>,
    },
}

/// One statement of a booking about its slot that contradicts the stored slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// Its place in the body.
    pub expression: String,
    /// What is so.
    pub stored: String,
}
