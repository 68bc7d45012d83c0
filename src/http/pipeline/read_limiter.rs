//! Reads of the database, run on threads of their own so that no connection of a client waits with them.
//!
//! Pitfall: more threads do not read more. Only as many run at once as there are connections for readers, because threads
//! wait for a connection in no order, and single reads took a second while others were served. Here whoever came first is
//! first.

use crate::engine::{Engine, READ_TIMEOUT};
use actix_web::rt::time::timeout;
use actix_web::web;
use domain::fault::Fault;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a request waits for its turn before it is told to come again: as long as for a connection.
const TURN_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a read may take once it has its turn: a little longer than it is tried again where its connection is cut.
const ANSWER_TIMEOUT: Duration = READ_TIMEOUT.saturating_add(Duration::from_millis(500));

/// Bounds how many reads of the database there are at once.
pub struct ReadLimiter(Arc<Semaphore>);

impl ReadLimiter {
    /// As many at once as the engine has connections for.
    pub fn of(engine: &Engine) -> Self {
        Self(Arc::new(Semaphore::new(engine.readers_max())))
    }

    /// Runs `work` when it is its turn. A turn lasts until the work is done, even if nobody waits for it any more.
    ///
    /// # Errors
    /// What `work` returns; [`Fault::Busy`] when there was no turn in time, [`Fault::DatabaseUnreachable`] when the database
    /// is silent, [`Fault::Internal`] when `work` panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        engine: &Arc<Engine>,
        work: impl FnOnce(&Engine) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let Ok(Ok(turn)) = timeout(TURN_TIMEOUT, Arc::clone(&self.0).acquire_owned()).await else {
            if !engine.is_out_of_reach() {
                log::warn!("no connection for readers was free for {} s", TURN_TIMEOUT.as_secs());
            }
            return Err(engine.no_turn());
        };
        let on_thread = Arc::clone(engine);
        let done = web::block(move || {
            let outcome = work(&on_thread);
            drop(turn);
            outcome
        });
        match timeout(ANSWER_TIMEOUT, done).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => {
                log::error!("an operation of the engine panicked");
                Err(Fault::Internal)
            }
            Err(_) => Err(engine.fell_silent(ANSWER_TIMEOUT)),
        }
    }
}
