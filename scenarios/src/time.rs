//! Times as a story writes them: spans with a unit, and instants since its start.

use std::fmt;

use chrono::{DateTime, SecondsFormat};
use routing::time::Timestamp;

/// A length of time, in milliseconds. Written with units: `30s`, `1h 30m`, `500ms`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Span(pub i64);

/// A moment of a story.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Instant {
    /// So long after the start, or before it: `31s`, `-5m`.
    SinceStart(Span),
    /// A date and time: `2026-01-05T17:00:00Z`.
    Absolute(Timestamp),
}

/// The units, the longest first.
const UNITS: [(&str, i64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Span {
    /// Reads `1h 30m`. Only instants may be negative; that is the caller's to check.
    pub(crate) fn parse(text: &str) -> Option<Span> {
        let (sign, parts) = match text.strip_prefix('-') {
            Some(parts) => (-1, parts),
            None => (1, text),
        };
        let mut total: i64 = 0;
        for part in parts.split_whitespace() {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, unit) = part.split_at(digits);
            let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
            total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(*milliseconds)?)?;
        }
        (!parts.trim().is_empty()).then_some(Span(sign * total))
    }

    /// The same in whole seconds, where it is one that a command can carry.
    pub(crate) fn whole_seconds(self) -> Option<u32> {
        if self.0 % 1_000 == 0 { u32::try_from(self.0 / 1_000).ok() } else { None }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let mut parts = Vec::new();
        for (name, milliseconds) in UNITS {
            let count = rest / milliseconds.unsigned_abs();
            rest %= milliseconds.unsigned_abs();
            if count > 0 {
                parts.push(format!("{count}{name}"));
            }
        }
        let text = if parts.is_empty() { "0s".to_owned() } else { format!("{sign}{}", parts.join(" ")) };
        formatter.pad(&text)
    }
}

impl Instant {
    /// Reads a span since the start, or a date and time with its offset from UTC.
    pub(crate) fn parse(text: &str) -> Option<Instant> {
        parse_date_time(text).map(Instant::Absolute).or_else(|| Span::parse(text).map(Instant::SinceStart))
    }

    /// When that is in a story that starts at `start`.
    pub(crate) fn after(self, start: Timestamp) -> Timestamp {
        match self {
            Instant::SinceStart(span) => Timestamp(start.0.saturating_add(span.0)),
            Instant::Absolute(at) => at,
        }
    }
}

/// Reads `2026-01-05T09:00:00Z`.
pub(crate) fn parse_date_time(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| Timestamp(at.timestamp_millis()))
}

/// The date and time, in UTC.
pub(crate) fn date_time(at: Timestamp) -> String {
    let text =
        DateTime::from_timestamp_millis(at.0).map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    text.unwrap_or_else(|| format!("{} ms since 1970", at.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_as_it_is_written() {
        for text in ["0s", "500ms", "31s", "9s 999ms", "1h 30m", "2d", "-5m"] {
            assert_eq!(Span::parse(text).map(|span| span.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Span::parse("90s"), Some(Span(90_000)));
        for wrong in
            ["", "-", "31", "s", "1.5s", "31 s", "+1s", "1w", "99999999999999999999d", "9999999999999d"]
        {
            assert_eq!(Span::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_instant_is_a_span_since_the_start_or_a_date_and_time() {
        let start = parse_date_time("2026-01-05T09:00:00Z").expect("a date and time");
        let after = |text: &str| Instant::parse(text).map(|instant| date_time(instant.after(start)));
        assert_eq!(after("1h").as_deref(), Some("2026-01-05T10:00:00Z"));
        assert_eq!(after("-1d").as_deref(), Some("2026-01-04T09:00:00Z"));
        assert_eq!(after("2026-01-05T12:00:00+02:00").as_deref(), Some("2026-01-05T10:00:00Z"));
        assert_eq!(after("2026-01-05"), None);
    }
}
