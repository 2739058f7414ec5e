//! Instants and how far they are apart. There is no clock here: the time of a decision is an argument.

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

const MINUTE_MS: i64 = 60_000;

impl Timestamp {
    /// The instant `seconds` later. Saturates at the end of time instead of wrapping around.
    #[must_use]
    pub fn plus_seconds(self, seconds: u32) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::from(seconds) * 1000))
    }

    /// The number of its minute since the epoch. Expressions see the time of day in minutes.
    #[must_use]
    pub fn minute(self) -> i64 {
        self.0.div_euclid(MINUTE_MS)
    }

    /// When the minute after it begins.
    #[must_use]
    pub fn next_minute(self) -> Timestamp {
        Timestamp((self.minute() + 1).saturating_mul(MINUTE_MS))
    }

    /// Milliseconds from `earlier` to `self`; negative when `earlier` is the later one.
    #[must_use]
    pub fn milliseconds_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole seconds from `earlier` to `self`, at least 0.
    #[must_use]
    pub fn seconds_since(self, earlier: Timestamp) -> i64 {
        (self.milliseconds_since(earlier) / 1000).max(0)
    }
}
