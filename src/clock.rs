//! What time it is. (A stand-in: the real one also sleeps, and can be moved by tests.)

use std::time::{SystemTime, UNIX_EPOCH};

use routing::time::Timestamp;

/// A source of the present time. Clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock(());

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Clock {
        Clock(())
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}
