//! The demo: an invented provider out of nothing but the binary, its diary kept full for as long as it runs.

use super::seed::{content, evening_before};
use super::{Failure, maintenance, say, seed_files, today};
use crate::engine::{Engine, report};
use crate::http::{AuthMode, Settings};
use crate::store::{Store, StoreError};
use domain::ids::ServiceId;
use domain::policy::Access;
use domain::rota::WorkingTimes;
use domain::search::{Paging, SlotSearch, Window};
use domain::slot::{Slot, SlotStatus};
use domain::time::{DAY_MS, MINUTE_MS};
use load::token;
use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How far ahead the diary is kept filled, in days.
const AHEAD_DAYS: u16 = 14;
/// How often it is looked at: a new day is noticed within this time.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// The service whose slot the printed commands use.
const SERVICE: &str = "2000099901";
/// An invented patient of the commands.
const NHS_NUMBER: &str = "9990482136";

/// Keeps the diary filled until it is stopped.
pub struct Filler {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Filler {
    /// Stops it.
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            log::error!("the thread that fills the diary ended in a panic");
        }
    }
}

/// Loads the demo provider if the database is empty, fills its diary and keeps it filled.
///
/// # Errors
/// [`Failure`].
pub fn load(store: &Store) -> Result<Filler, Failure> {
    let plan = seed_files::demo().map_err(|e| Failure::Failed(e.to_string()))?;
    let times = plan.working_times.clone();
    if maintenance(store).is_empty()? {
        let seeded = maintenance(store).seed(&content(plan), evening_before(today()), AHEAD_DAYS + 2)?;
        log::info!("loaded the demo provider: {} slots", seeded.slots_new);
    } else {
        fill(store, &times)?;
    }
    let (stop, stopped) = channel();
    let store = store.clone();
    let keep_full = move || {
        while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            if let Err(error) = fill(&store, &times) {
                report("the diary could not be filled, trying again later", &error);
            }
        }
    };
    let thread = std::thread::Builder::new().name("filler".to_owned()).spawn(keep_full);
    Ok(Filler { stop, thread: thread.map_err(|e| Failure::Failed(format!("cannot start threads: {e}")))? })
}

fn fill(store: &Store, times: &[WorkingTimes]) -> Result<(), StoreError> {
    let filled = maintenance(store).fill(times, evening_before(today()), AHEAD_DAYS + 2)?;
    if filled.slots_new > 0 {
        log::info!("filled the diary: {} new slots", filled.slots_new);
    }
    Ok(())
}

/// A free slot and where to book it: what the printed commands are made of.
pub struct Tryable {
    root: String,
    slot: Slot,
    /// A header with a token, where the server wants one; it lives as long as the server accepts.
    token: String,
    /// What is to be said of it.
    of_token: &'static str,
}

impl Tryable {
    /// Finds a slot that will be free long enough to be tried; `None` when everything is booked.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn find(engine: &Engine, settings: &Settings) -> Result<Option<Self>, Failure> {
        let service = ServiceId::parse(SERVICE).map_err(|e| Failure::Failed(e.to_string()))?;
        let from = engine.now().plus_ms(60 * MINUTE_MS);
        let search = SlotSearch {
            services: vec![service],
            statuses: vec![SlotStatus::Free],
            start: Window { from: Some(from), until: Some(from.plus_ms(i64::from(AHEAD_DAYS) * DAY_MS)) },
            paging: Paging { count: Some(1), after: None },
            ..SlotSearch::default()
        };
        let found = engine
            .search_slots(&search, &Access::Everyone)
            .map_err(|_| Failure::Failed("the diary cannot be read; the log says why".to_owned()))?;
        let Some(slot) = found.slots.into_iter().next() else { return Ok(None) };
        let root = format!("{}/STU3/1/provider", settings.public_url);
        let (token, of_token) = match settings.auth {
            AuthMode::Off => (String::new(), ""),
            // Only the issuer can make one.
            AuthMode::Jwks => (" -H \"Authorization: Bearer $TOKEN\"".to_owned(), " (with a token of your issuer in $TOKEN)"),
            AuthMode::Unsigned => {
                let audience = settings.audiences.first().unwrap_or(&root);
                let scope = format!("{} {}", token::SCOPE_SLOT_READ, token::SCOPE_APPOINTMENT_WRITE);
                let claims = token::Claims::new(audience, &scope, token::ORGANIZATION_DEFAULT, engine.now(), token::UNSIGNED_LIFETIME_S);
                (format!(" -H 'Authorization: Bearer {}'", token::unsigned(&claims)), " (their token lives five minutes)")
            }
        };
        Ok(Some(Self { root, slot, token, of_token }))
    }

    /// Prints three commands that work as pasted: search, book, read back.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn print(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let Self { root, slot, token, of_token } = self;
        // From the slot on, or those that begin sooner would fill the page. A `+` would have to be encoded.
        let from = slot.start.to_fhir().replace("+00:00", "Z");
        let (start, end) = (slot.start.to_fhir(), slot.end.to_fhir());
        say(out, &format!("The demo provider is open. Three commands to try, in another terminal{of_token}:\n"))?;
        if root.starts_with("https://") {
            say(out, "# Add --cacert FILE with the CA of this server's certificate, and --cert and --key where clients need one\n")?;
        }
        say(out, "# 1. Search free slots of the urgent treatment centre")?;
        say(out, &format!("curl -s '{root}/Slot?service={SERVICE}&status=free&start=ge{from}&_count=5&_pretty=true'{token}\n"))?;
        say(out, "# 2. Book one of them; book it twice and the second answer says that it is gone")?;
        say(
            out,
            &format!(
                "curl -s -X POST '{root}/Appointment?_pretty=true' -H 'Content-Type: application/fhir+json'{token} -d '{{\
                 \"resourceType\": \"Appointment\", \"status\": \"booked\", \"description\": \"Sore throat, seen today\", \
                 \"start\": \"{start}\", \"end\": \"{end}\", \"slot\": [{{\"reference\": \"Slot/{slot}\"}}], \
                 \"participant\": [{{\"status\": \"accepted\", \"actor\": {{\"display\": \"Imogen Whitlock\", \"identifier\": \
                 {{\"system\": \"https://fhir.nhs.uk/Id/nhs-number\", \"value\": \"{NHS_NUMBER}\"}}}}}}]}}'\n",
                slot = slot.id,
            ),
        )?;
        say(out, "# 3. Read back who is coming to that slot")?;
        say(out, &format!("curl -s '{root}/Appointment?slot=Slot/{}&_pretty=true'{token}\n", slot.id))
    }
}
