//! The real clock and the real source of ids. Tests pass their own.

use domain::ids::Ids;
use domain::time::{Clock, Timestamp};

/// The machine's clock, in UTC.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(chrono::Utc::now().timestamp_millis())
    }
}

/// Random UUIDs, version 4.
#[derive(Debug, Clone, Copy, Default)]
pub struct UuidIds;

impl Ids for UuidIds {
    #[expect(clippy::disallowed_methods, reason = "the one place where ids are drawn")]
    fn uuid(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}
