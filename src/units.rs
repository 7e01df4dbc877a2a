//! Quantities and how people write them: instants, durations, byte rates, counts or percent.
//!
//! Everything here is plain data with only the operators that mean something. Nothing here knows the model.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// An instant of simulated time, in nanoseconds from time zero (the end of the warm-up, which is negative).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Time(pub i64);

/// A length of simulated time in nanoseconds; never negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Duration(pub u64);

impl Time {
    /// The end of the warm-up: where measuring begins.
    pub const ZERO: Time = Time(0);
    /// Later than anything that happens: the time of an event that never comes.
    pub const NEVER: Time = Time(i64::MAX);

    /// Seconds from time zero.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// The length of time from `earlier` to here; zero if `earlier` is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    /// Whether this instant is the one that never comes.
    pub fn is_never(self) -> bool {
        self == Time::NEVER
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);
    /// Longer than any run: a stage that does not end.
    pub const FOREVER: Duration = Duration(u64::MAX);

    /// A whole number of seconds.
    pub const fn from_seconds(seconds: u64) -> Duration {
        Duration(seconds * NANOS_PER_SECOND)
    }

    /// Real-valued seconds, rounded to the nearest nanosecond; negative and NaN become zero, what is longer than any
    /// run becomes [`Duration::FOREVER`].
    pub fn from_seconds_f64(seconds: f64) -> Duration {
        if seconds >= 9e9 {
            Duration::FOREVER
        } else if seconds > 0.0 {
            // To the nearest, half a nanosecond up: quicker than the library's rounding on plain x86-64.
            let nanoseconds = seconds * NANOS_PER_SECOND as f64;
            let whole = nanoseconds as i64;
            Duration(whole as u64 + u64::from(nanoseconds - whole as f64 >= 0.5))
        } else {
            Duration::ZERO
        }
    }

    /// Seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// Whether this is no time at all.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether this never ends.
    pub fn is_forever(self) -> bool {
        self == Duration::FOREVER
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    /// Saturates at [`Time::NEVER`].
    fn add(self, length: Duration) -> Time {
        Time(self.0.saturating_add_unsigned(length.0))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, length: Duration) {
        *self = *self + length;
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, length: Duration) -> Time {
        Time(self.0.saturating_sub_unsigned(length.0))
    }
}

impl Add for Duration {
    type Output = Duration;
    /// Saturates at [`Duration::FOREVER`].
    fn add(self, other: Duration) -> Duration {
        Duration(self.0.saturating_add(other.0))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_never() { write!(f, "never") } else { write!(f, "{}s", self.seconds()) }
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Writes a duration as people do: `"1h30m"`, `"90s"` becomes `"1m30s"`, `"20ms"`, `"never"`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_forever() {
            return write!(f, "never");
        }
        if self.0 == 0 {
            return write!(f, "0s");
        }
        let mut rest = self.0;
        for (unit, name) in DURATION_UNITS.iter().rev() {
            // Micro symbol and days are read, never written.
            if *name == "µs" || *name == "d" {
                continue;
            }
            let n = rest / unit;
            if n > 0 {
                write!(f, "{n}{name}")?;
                rest -= n * unit;
            }
        }
        Ok(())
    }
}

/// Units of a written duration, shortest first, with their nanoseconds.
const DURATION_UNITS: [(u64, &str); 8] = [
    (1, "ns"),
    (1_000, "us"),
    (1_000, "µs"),
    (1_000_000, "ms"),
    (NANOS_PER_SECOND, "s"),
    (60 * NANOS_PER_SECOND, "m"),
    (3_600 * NANOS_PER_SECOND, "h"),
    (86_400 * NANOS_PER_SECOND, "d"),
];

/// Longest duration that a scenario may name: 100 years.
const LONGEST_SECONDS: f64 = 100.0 * 365.25 * 86_400.0;

/// Splits `"1h30m"` into numbers with their units; `None` where the text is not of that form.
fn number_unit_pairs(text: &str) -> Option<Vec<(f64, &str)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        pairs.push((number, rest[..letters].trim()));
        rest = &rest[letters..];
    }
    (!pairs.is_empty()).then_some(pairs)
}

/// Nanoseconds in a written duration, fractions of a nanosecond kept: step-time coefficients are finer than [`Duration`].
///
/// # Errors
/// What was expected, for a person.
pub fn parse_nanoseconds(text: &str) -> Result<f64, String> {
    const EXPECTED: &str = "a duration such as \"90s\", \"5m\", \"1h30m\" or \"20ms\"";
    if text.trim_start().starts_with('-') {
        return Err(format!("expected {EXPECTED}; a duration cannot be negative"));
    }
    let pairs = number_unit_pairs(text).ok_or_else(|| format!("expected {EXPECTED}"))?;
    let mut nanoseconds = 0.0;
    for (number, name) in pairs {
        let unit = DURATION_UNITS.iter().find(|(_, n)| *n == name);
        let Some((unit, _)) = unit else {
            return Err(if name.is_empty() {
                format!("expected {EXPECTED}; the unit is missing")
            } else {
                format!("expected {EXPECTED}; unknown unit `{name}` (ns, us, ms, s, m, h, d)")
            });
        };
        nanoseconds += number * *unit as f64;
    }
    if nanoseconds > LONGEST_SECONDS * NANOS_PER_SECOND as f64 {
        return Err("expected a duration of at most 100 years".to_owned());
    }
    Ok(nanoseconds)
}

/// A written duration, to the nanosecond.
///
/// # Errors
/// What was expected, for a person.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    parse_nanoseconds(text).map(|nanoseconds| Duration(nanoseconds.round() as u64))
}

/// A number of replicas, or a share of the desired ones: Kubernetes' int-or-percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CountOrPercent {
    /// So many replicas.
    Count(u32),
    /// So many percent of the desired replicas.
    Percent(u32),
}

impl CountOrPercent {
    /// The number of replicas out of `desired`, a percentage rounded up (Kubernetes rounds surge so).
    pub fn round_up(self, desired: u32) -> u32 {
        match self {
            CountOrPercent::Count(count) => count,
            CountOrPercent::Percent(percent) => (u64::from(desired) * u64::from(percent)).div_ceil(100) as u32,
        }
    }

    /// The number of replicas out of `desired`, a percentage rounded down (Kubernetes rounds unavailable so).
    pub fn round_down(self, desired: u32) -> u32 {
        match self {
            CountOrPercent::Count(count) => count,
            CountOrPercent::Percent(percent) => (u64::from(desired) * u64::from(percent) / 100) as u32,
        }
    }
}

impl fmt::Display for CountOrPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CountOrPercent::Count(count) => write!(f, "{count}"),
            CountOrPercent::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// Reads `"25%"`.
///
/// # Errors
/// What was expected, for a person: in particular, a bare `"25"` is neither.
pub fn parse_percent(text: &str) -> Result<CountOrPercent, String> {
    const EXPECTED: &str = "expected a whole number of replicas (2) or a percentage (\"25%\")";
    text.trim()
        .strip_suffix('%')
        .and_then(|digits| digits.trim().parse::<u32>().ok())
        .filter(|percent| *percent <= 10_000)
        .map(CountOrPercent::Percent)
        .ok_or_else(|| EXPECTED.to_owned())
}

/// Reads a bandwidth such as `"1.5 GB/s"` or `"700MB/s"`, in gigabytes (10^9 bytes) per second.
///
/// # Errors
/// What was expected, for a person.
pub fn parse_gigabytes_per_second(text: &str) -> Result<f64, String> {
    const EXPECTED: &str = "expected gigabytes per second: a number (1.5) or text such as \"1.5 GB/s\" or \"700 MB/s\"";
    let pairs = number_unit_pairs(text).filter(|pairs| pairs.len() == 1).ok_or(EXPECTED)?;
    let (number, unit) = pairs[0];
    match unit {
        "GB/s" => Ok(number),
        "MB/s" => Ok(number / 1e3),
        "TB/s" => Ok(number * 1e3),
        "GiB/s" => Ok(number * 1.073_741_824),
        "MiB/s" => Ok(number * 1.048_576 / 1e3),
        _ => Err(EXPECTED.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, nanoseconds) in [
            ("90s", 90_000_000_000),
            ("5m", 300_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("20ms", 20_000_000),
            ("50us", 50_000),
            ("1.5s", 1_500_000_000),
            ("0s", 0),
            ("1m30s", 90_000_000_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration(nanoseconds)), "{text}");
        }
        for text in ["", "s", "5", "5 parsecs", "-5s", "1..5s", "inf", "NaN", "1e400s", "99999999999h"] {
            assert!(parse_duration(text).is_err(), "{text} should not be a duration");
        }
    }

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["1h30m", "1m30s", "20ms", "0s", "1s500ms", "24h", "7us"] {
            assert_eq!(parse_duration(text).unwrap().to_string(), text);
        }
        assert_eq!(Duration::FOREVER.to_string(), "never");
    }

    #[test]
    fn percentages_round_as_kubernetes_does() {
        let quarter = parse_percent("25%").unwrap();
        assert_eq!((quarter.round_up(10), quarter.round_down(10)), (3, 2));
        assert!(parse_percent("25").is_err());
        assert!(parse_percent("-25%").is_err());
    }

    #[test]
    fn bandwidths_need_their_unit() {
        assert_eq!(parse_gigabytes_per_second("1.5 GB/s"), Ok(1.5));
        assert_eq!(parse_gigabytes_per_second("700MB/s"), Ok(0.7));
        assert!(parse_gigabytes_per_second("1.5").is_err());
        assert!(parse_gigabytes_per_second("1.5 Gb/s").is_err());
    }
}
