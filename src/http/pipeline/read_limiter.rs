//! Reads of the database, run on threads of their own so that no connection of a client waits with them.
//!
//! Pitfall: more threads do not read more. Only as many run at once as there are connections for readers, because threads
//! wait for a connection in no order, and single reads took a second while others were served. Here whoever came first is
//! first.

use crate::engine::Engine;
use actix_web::rt::time::timeout;
use actix_web::web;
use domain::fault::Fault;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a request waits for its turn before it is told to come again: as long as for a connection.
const TURN_TIMEOUT: Duration = Duration::from_secs(3);
/// When to come again, in seconds.
const RETRY_AFTER_S: u32 = 2;

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
    /// What `work` returns; [`Fault::Busy`] when there was no turn in time, [`Fault::Internal`] when it panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        engine: &Arc<Engine>,
        work: impl FnOnce(&Engine) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let Ok(Ok(turn)) = timeout(TURN_TIMEOUT, Arc::clone(&self.0).acquire_owned()).await else {
            log::warn!("no connection for readers was free for {} s", TURN_TIMEOUT.as_secs());
            return Err(Fault::Busy { retry_after_s: RETRY_AFTER_S });
        };
        let engine = Arc::clone(engine);
        let done = web::block(move || {
            let outcome = work(&engine);
            drop(turn);
            outcome
        });
        done.await.unwrap_or_else(|_| {
            log::error!("an operation of the engine panicked");
            Err(Fault::Internal)
        })
    }
}
