//! Waiting until the index of what is on offer is as new as the database.

use crate::engine::Engine;
use actix_web::rt::time::timeout;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a search waits for the index. A database that takes longer is asked itself.
const INDEX_TIMEOUT: Duration = Duration::from_millis(500);

/// Waits until the index is as new as the database; false where that is not to be had.
pub async fn index_is_fresh(engine: &Engine) -> bool {
    let (tell, told) = oneshot::channel();
    engine.when_fresh(Box::new(move |fresh| {
        // Nobody listens when the consumer has hung up.
        let _ = tell.send(fresh);
    }));
    matches!(timeout(INDEX_TIMEOUT, told).await, Ok(Ok(true)))
}
