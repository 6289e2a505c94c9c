//! Points in time and spans between them, as statements and policies write them.
//! It never reads a clock: `at` is always an argument.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in UTC, to the nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    seconds: i64,
    nanos: u32,
}

impl Time {
    /// Returns the time that many seconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`NotATime`] outside the years 0000 to 9999, which RFC 3339 cannot write.
    pub fn from_unix(seconds: i64) -> Result<Self, NotATime> {
        let time = Self { seconds, nanos: 0 };
        if (FIRST_SECOND..=LAST_SECOND).contains(&seconds) { Ok(time) } else { Err(NotATime) }
    }

    /// Returns the whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// Returns the same time without its fraction of a second.
    #[must_use]
    pub const fn whole_seconds(self) -> Self {
        Self { seconds: self.seconds, nanos: 0 }
    }

    /// Returns the time `span` later, at most the last second of the year 9999.
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        Self { seconds: self.seconds.saturating_add(span.seconds).min(LAST_SECOND), nanos: self.nanos }
    }
}

impl FromStr for Time {
    type Err = NotATime;

    /// Parses RFC 3339 §5.6, with any offset; a leap second is refused.
    fn from_str(text: &str) -> Result<Self, NotATime> {
        let parsed = DateTime::parse_from_rfc3339(text).map_err(|_| NotATime)?;
        let nanos = parsed.timestamp_subsec_nanos();
        if nanos >= 1_000_000_000 {
            return Err(NotATime);
        }
        Ok(Self { nanos, ..Self::from_unix(parsed.timestamp())? })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // INVARIANT: `seconds` lies in the years 0000 to 9999, which chrono can hold.
        let time = DateTime::<Utc>::from_timestamp(self.seconds, self.nanos).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A question whose time the clock of who asks hasn't come to, as far as clocks agree ([`Span::CLOCK_SKEW`]).
///
/// An answer to it would rest on a future that nobody knows, or on a clock that is wrong. The rule stands here so that everybody
/// who asks keeps the same; both times are theirs to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the question is asked at {at}, and this machine's clock says {now}")]
pub struct ClockBehindQuestion {
    /// When the question is asked.
    pub at: Time,
    /// What the clock says.
    pub now: Time,
}

impl ClockBehindQuestion {
    /// Refuses a question's time that the clock, which says `now`, hasn't come to.
    ///
    /// # Errors
    /// Itself, with both times.
    pub fn check(at: Time, now: Time) -> Result<(), Self> {
        if at > now.plus(Span::CLOCK_SKEW) { Err(Self { at, now }) } else { Ok(()) }
    }
}

/// A text that is not an RFC 3339 time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time of RFC 3339, such as 2026-01-01T00:00:00Z")]
pub struct NotATime;

/// A length of time, written as ISO 8601 writes durations: `P30D`, `PT10M`, `P1DT12H`.
///
/// Years and months have no fixed length and are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    seconds: i64,
}

impl Span {
    /// How far two honest clocks may disagree: five minutes.
    pub const CLOCK_SKEW: Self = Self { seconds: 300 };

    /// Returns the span of that many seconds.
    #[must_use]
    pub const fn seconds(seconds: u32) -> Self {
        Self { seconds: seconds as i64 }
    }

    /// Returns the whole seconds of this span.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.seconds
    }
}

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let rest = text.strip_prefix('P').ok_or(NotASpan)?;
        let (days, clock) = rest.split_once('T').map_or((rest, None), |(d, c)| (d, Some(c)));
        let units = |text, allowed| parse_units(text, allowed);
        let mut seconds = units(days, &[('W', 7 * DAY), ('D', DAY)])?;
        if let Some(clock) = clock {
            if clock.is_empty() {
                return Err(NotASpan);
            }
            seconds += units(clock, &[('H', 3_600), ('M', 60), ('S', 1)])?;
        } else if days.is_empty() {
            return Err(NotASpan);
        }
        // So that what is printed can be read again.
        if seconds / DAY < 10_i64.pow(DIGITS) { Ok(Self { seconds }) } else { Err(NotASpan) }
    }
}

const DAY: i64 = 86_400;
/// How many digits a number has at most.
const DIGITS: u32 = 7;

fn parse_units(text: &str, allowed: &[(char, i64)]) -> Result<i64, NotASpan> {
    let mut allowed = allowed.iter();
    let mut seconds = 0;
    for part in text.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let mut digits = part.chars();
        let unit = digits.next_back().ok_or(NotASpan)?;
        let digits = digits.as_str();
        if digits.is_empty() || digits.len() > DIGITS as usize {
            return Err(NotASpan);
        }
        let amount: i64 = digits.parse().map_err(|_| NotASpan)?;
        // Each unit at most once and in this order, as ISO 8601 has it.
        let (_, length) = allowed.find(|(name, _)| *name == unit).ok_or(NotASpan)?;
        seconds += amount * length;
    }
    Ok(seconds)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.seconds / DAY, self.seconds % DAY) {
            (days, 0) => write!(f, "P{days}D"),
            (0, seconds) => write!(f, "PT{seconds}S"),
            (days, seconds) => write!(f, "P{days}DT{seconds}S"),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is not a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a duration of ISO 8601 in weeks, days, hours, minutes or seconds, such as P30D or PT10M")]
pub struct NotASpan;

const FIRST_SECOND: i64 = -62_167_219_200; // 0000-01-01T00:00:00Z
const LAST_SECOND: i64 = 253_402_300_799; // 9999-12-31T23:59:59Z

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_any_offset_and_writes_utc() {
        let time: Time = "2025-12-31T23:30:00.250-01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-01-01T00:30:00.250Z");
        assert_eq!(time.whole_seconds().to_string(), "2026-01-01T00:30:00Z");
    }

    #[test]
    fn a_question_may_be_ahead_of_the_clock_by_five_minutes() {
        let [now, soon, later] =
            ["00:00:00Z", "00:05:00Z", "00:05:01Z"].map(|clock| format!("2026-01-01T{clock}").parse::<Time>().unwrap());
        assert_eq!(ClockBehindQuestion::check(soon, now), Ok(()));
        assert_eq!(ClockBehindQuestion::check(now, later), Ok(()));
        let error = ClockBehindQuestion::check(later, now).unwrap_err().to_string();
        assert_eq!(error, "the question is asked at 2026-01-01T00:05:01Z, and this machine's clock says 2026-01-01T00:00:00Z");
    }

    #[test]
    fn refuses_what_rfc_3339_does_not_write() {
        for text in ["", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2016-12-31T23:59:60Z", "26-01-01T00:00:00Z"] {
            assert_eq!(text.parse::<Time>(), Err(NotATime), "{text}");
        }
        assert_eq!(Time::from_unix(LAST_SECOND + 1), Err(NotATime));
    }

    #[test]
    fn reads_spans_of_fixed_length_only() {
        let seconds = |text: &str| text.parse::<Span>().map(Span::as_seconds);
        assert_eq!(seconds("P30D"), Ok(2_592_000));
        assert_eq!(seconds("PT10M"), Ok(600));
        assert_eq!(seconds("P1WT1H2S"), Ok(608_402));
        for text in ["", "P", "PT", "P1DT", "30D", "P1Y", "P1M", "PT1H1H", "PT1S1H", "P-1D", "P1.5D", "PD", "P99999999D", "P9999999W"] {
            assert_eq!(seconds(text), Err(NotASpan), "{text}");
        }
    }

    #[test]
    fn prints_spans_so_that_they_can_be_read_again() {
        for (text, printed) in [
            ("PT2111111H", "P87962DT82800S"),
            ("PT9999999H9999999M9999999S", "P423726DT69939S"),
            ("PT24H", "P1D"),
            ("PT90M", "PT5400S"),
            ("PT0S", "P0D"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.to_string(), printed, "{text}");
            assert_eq!(printed.parse(), Ok(span), "{text}");
        }
    }

    #[test]
    fn no_span_is_longer_than_it_can_be_printed() {
        assert!("P9999999DT23H59M59S".parse::<Span>().is_ok());
        for text in ["P9999999DT24H", "P1428571W3D"] {
            assert_eq!(text.parse::<Span>(), Err(NotASpan), "{text}");
        }
    }
}
