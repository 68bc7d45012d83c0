//! The requests of the bench as bytes: bookings, reads, searches, each with the headers that the booking root demands
//! (docs/specification/uec.md#a2-request-headers) and a token.
//!
//! A booking is a whole body of docs/specification/uec.md#h2-booking, made once for each of a few invented people and
//! cut at what differs from slot to slot. Putting the pieces together again costs the client next to nothing, and the
//! server sees nothing but ordinary bookings.

use crate::client::workload::Script;
use domain::search::Window;
use domain::synthetic::{Named, SyntheticDiary, SyntheticSlot, service_id};
use domain::time::Timestamp;
use load::headers::{ASID_FROM, ASID_TO, FHIR_JSON, INTERACTION_PREFIX};
use load::patient::{FoundSlot, booking, invent};
use load::random::SeededRng;
use std::sync::atomic::{AtomicU64, Ordering};

const PEOPLE: usize = 40;
/// What a slot taken is answered with (docs/contract.md#statuses).
const TAKEN: &[u8] = b"Slot no longer available";

/// Where requests go and on whose behalf.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// `127.0.0.1:40123`
    pub(crate) host: String,
    /// Path of the FHIR root.
    pub(crate) root: &'static str,
    /// The bearer token.
    pub(crate) token: String,
}

impl Caller {
    fn head(&self, method: &str, path: &str, interaction: &str) -> String {
        let Self { host, root, token } = self;
        format!(
            "{method} {root}{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nAccept: {FHIR_JSON}\r\n\
             Ssp-TraceID: 3f1c5a52-7a0c-4a55-9d35-5a2f3d0c9d11\r\nSsp-From: {ASID_FROM}\r\nSsp-To: {ASID_TO}\r\n\
             Ssp-InteractionID: {INTERACTION_PREFIX}{interaction}\r\n"
        )
    }

    /// A read of an appointment.
    pub(crate) fn read(&self, appointment: &str) -> Vec<u8> {
        format!("{}\r\n", self.head("GET", &format!("/Appointment/{appointment}"), "read:appointment")).into_bytes()
    }

    /// A search of everything free of a service in a window, with all includes (docs/specification/uec.md#h1-search).
    pub(crate) fn search(&self, service: &str, window: Window, more_headers: &str) -> Vec<u8> {
        let text = |at: Option<Timestamp>| at.map(|at| at.to_fhir().replace('+', "%2B")).unwrap_or_default();
        let path = format!(
            "/Slot?schedule.actor%3Ahealthcareservice={service}&status=free&start=ge{}&start=lt{}&_include=Slot%3Aschedule\
             &_include=Schedule%3Aactor%3APractitioner&_include=Schedule%3Aactor%3APractitionerRole\
             &_include=Schedule%3Aactor%3AHealthcareService&_include=HealthcareService.providedBy&_include=HealthcareService.location",
            text(window.from),
            text(window.until),
        );
        format!("{}{more_headers}\r\n", self.head("GET", &path, "search:slot")).into_bytes()
    }
}

/// A part of a booking: text, or what differs.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Slot,
    Schedule,
    Start,
    End,
}

/// Bookings of slots of a synthetic diary, ready to be put together.
#[derive(Debug, Clone)]
pub(crate) struct BookingTemplates {
    head: String,
    people: Vec<Vec<Piece>>,
    body_bytes: Vec<usize>,
    run_seed: u64,
}

impl BookingTemplates {
    /// Bookings that `caller` sends. `run_seed` makes the request ids of a run its own.
    pub(crate) fn new(caller: &Caller, run_seed: u64, now: Timestamp) -> Self {
        let markers = FoundSlot {
            id: "@slot@".to_owned(),
            identifier: "@slot@".to_owned(),
            schedule: "Schedule/@schedule@".to_owned(),
            start: "@start@".to_owned(),
            end: "@end@".to_owned(),
        };
        let bodies = invent(PEOPLE, run_seed)
            .iter()
            .map(|person| booking(person, &markers, &mut SeededRng::of(&[run_seed]), now))
            .collect::<Vec<_>>();
        let people: Vec<Vec<Piece>> = bodies.iter().map(|body| cut(body)).collect();
        let body_bytes = people.iter().map(|pieces| pieces.iter().map(Piece::bytes).sum()).collect();
        let head = format!("{}Content-Type: {FHIR_JSON}\r\n", caller.head("POST", "/Appointment", "create:appointment"));
        Self { head, people, body_bytes, run_seed }
    }

    /// Writes the booking of `slot` by somebody, the `number`th of this run.
    pub(crate) fn write(&self, slot: &SyntheticSlot, number: u64, out: &mut Vec<u8>) {
        let who = usize::try_from(number).unwrap_or_default().checked_rem(self.people.len()).unwrap_or_default();
        let (Some(pieces), Some(bytes)) = (self.people.get(who), self.body_bytes.get(who)) else { return };
        out.extend_from_slice(self.head.as_bytes());
        let request_id = SeededRng::of(&[self.run_seed, number]).uuid();
        out.extend_from_slice(format!("X-Request-ID: {request_id}\r\nContent-Length: {bytes}\r\n\r\n").as_bytes());
        let (start, end) = (slot.start.to_fhir(), slot.end.to_fhir());
        for piece in pieces {
            let text = match piece {
                Piece::Text(text) => text,
                Piece::Slot => slot.id.as_str(),
                Piece::Schedule => slot.schedule.as_str(),
                Piece::Start => &start,
                Piece::End => &end,
            };
            out.extend_from_slice(text.as_bytes());
        }
    }
}

impl Piece {
    /// Its length once it is written: ids are UUIDs, instants are written in one way.
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Slot | Self::Schedule => 36,
            Self::Start | Self::End => 29,
        }
    }
}

fn cut(body: &str) -> Vec<Piece> {
    let piece = |text: &str| match text {
        "slot" => Piece::Slot,
        "schedule" => Piece::Schedule,
        "start" => Piece::Start,
        "end" => Piece::End,
        text => Piece::Text(text.to_owned()),
    };
    body.split('@').map(piece).collect()
}

/// Books one slot after the other, each once.
pub(crate) struct BookDistinct {
    bookings: BookingTemplates,
    diary: SyntheticDiary,
    next: AtomicU64,
}

impl BookDistinct {
    /// From the `first`th slot of the diary on.
    pub(crate) const fn new(bookings: BookingTemplates, diary: SyntheticDiary, first: u64) -> Self {
        Self { bookings, diary, next: AtomicU64::new(first) }
    }
}

impl Script for BookDistinct {
    fn write(&self, out: &mut Vec<u8>) -> bool {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(slot) = self.diary.slot_at(index) else { return false };
        self.bookings.write(&slot, index, out);
        true
    }

    fn fits(&self, status: u16, _: &[u8]) -> bool {
        status == 201
    }
}

/// Everybody books the same slot.
pub(crate) struct BookOne {
    bookings: BookingTemplates,
    slot: SyntheticSlot,
    next: AtomicU64,
}

impl BookOne {
    /// `slot` is the one.
    pub(crate) const fn new(bookings: BookingTemplates, slot: SyntheticSlot) -> Self {
        Self { bookings, slot, next: AtomicU64::new(0) }
    }
}

impl Script for BookOne {
    fn write(&self, out: &mut Vec<u8>) -> bool {
        self.bookings.write(&self.slot, self.next.fetch_add(1, Ordering::Relaxed), out);
        true
    }

    fn fits(&self, status: u16, body: &[u8]) -> bool {
        status == 201 || status == 422 && body.windows(TAKEN.len()).any(|part| part == TAKEN)
    }
}

/// The same few requests in turn, answered with one status and, where it is known, so many bytes or about.
pub(crate) struct InTurn {
    requests: Vec<Vec<u8>>,
    status: u16,
    bytes: Option<usize>,
    next: AtomicU64,
}

impl InTurn {
    /// `requests` in turn, each to be answered with `status`.
    pub(crate) const fn new(requests: Vec<Vec<u8>>, status: u16, bytes: Option<usize>) -> Self {
        Self { requests, status, bytes, next: AtomicU64::new(0) }
    }
}

impl Script for InTurn {
    fn write(&self, out: &mut Vec<u8>) -> bool {
        let number = usize::try_from(self.next.fetch_add(1, Ordering::Relaxed)).unwrap_or_default();
        let request = number.checked_rem(self.requests.len()).and_then(|at| self.requests.get(at));
        out.extend_from_slice(request.map(Vec::as_slice).unwrap_or_default());
        request.is_some()
    }

    fn fits(&self, status: u16, body: &[u8]) -> bool {
        // Names differ by a digit or two from service to service.
        status == self.status && self.bytes.is_none_or(|bytes| body.len().abs_diff(bytes) <= bytes / 20)
    }
}

/// Reads of the appointments on the first `count` slots of a diary, in a scattered order.
pub(crate) fn reads(caller: &Caller, diary: &SyntheticDiary, count: u64, distinct: usize) -> Vec<Vec<u8>> {
    let mut rng = SeededRng::of(&[count, 0x4EAD]);
    let below = usize::try_from(count).unwrap_or(usize::MAX);
    let indexes = (0..distinct).map(|_| u64::try_from(rng.below(below)).unwrap_or_default());
    indexes.filter_map(|index| diary.slot_at(index)).map(|slot| caller.read(&Named::Appointment.id(slot.number))).collect()
}

/// Searches of one service's day each, over all services and the days from `first` on, in a scattered order.
pub(crate) fn searches(caller: &Caller, diary: &SyntheticDiary, first: u32, distinct: usize) -> Vec<Vec<u8>> {
    let mut rng = SeededRng::of(&[0x5EA2C4]);
    let below = |rng: &mut SeededRng, bound: u32| u32::try_from(rng.below(usize::try_from(bound).unwrap_or(1))).unwrap_or_default();
    (0..distinct)
        .map(|_| {
            let (service, ahead) = (below(&mut rng, diary.services), first + below(&mut rng, diary.days.saturating_sub(first)));
            caller.search(service_id(u64::from(service)).as_str(), day_window(diary, ahead), "")
        })
        .collect()
}

/// The whole `ahead`th day of a diary.
pub(crate) fn day_window(diary: &SyntheticDiary, ahead: u32) -> Window {
    let day = domain::time::Span::of_day(diary.day(ahead), domain::time::LONDON);
    Window { from: Some(day.from), until: Some(day.until) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;
    use fhir::codec::json;

    #[test]
    fn a_booking_has_the_length_it_says_and_names_its_slot() {
        let caller = Caller { host: "127.0.0.1:1".into(), root: "/STU3/1/booking", token: "t".into() };
        let diary = SyntheticDiary::parse("3x3x50", NaiveDate::from_ymd_opt(2026, 7, 1).unwrap()).unwrap();
        let bookings = BookingTemplates::new(&caller, 7, Timestamp::from_ms(0));
        let slot = diary.slot_at(333).unwrap();
        for number in 0..PEOPLE as u64 {
            let mut out = Vec::new();
            bookings.write(&slot, number, &mut out);
            let text = String::from_utf8(out).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(
                head.contains(&format!("Content-Length: {}\r\n", body.len())) || head.ends_with(&format!("Content-Length: {}", body.len())),
                "{head}"
            );
            assert!(json::read(body.as_bytes(), fhir::stu3::definitions()).is_ok() && !body.contains('@'), "{body}");
            assert_eq!(body.matches(slot.id.as_str()).count(), 3, "{body}");
            assert_eq!(body.matches(&slot.start.to_fhir()).count(), 2, "{body}");
        }
    }
}
