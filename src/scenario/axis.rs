//! `KEY=VALUES`: a key of a scenario and the values that it is to take one after the other.
//!
//! Values are written as for `--set`, separated by commas; `LOW..HIGH/STEP` counts up by a step and `LOW..HIGH*FACTOR`
//! multiplies by a factor, both ends included where they are met. Whether the key exists and takes such values shows
//! when a scenario is read with each of them set.

use serde::{Deserialize, Serialize};

use crate::units::{Duration, parse_duration};

/// Most values that one axis may have.
const MOST_VALUES: usize = 1_000;

/// Share of a step by which a range may miss its end: what rounding binary fractions takes.
const ROUNDING: f64 = 1e-9;

/// A key and the values that it takes, in the order given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// Dotted path of the key.
    pub key: String,
    /// The values as a person writes them, no two equal.
    pub values: Vec<String>,
}

impl Axis {
    /// Reads `KEY=VALUES`.
    ///
    /// # Errors
    /// What was expected, for a person.
    pub fn parse(text: &str) -> Result<Axis, String> {
        let expected =
            "expected KEY=VALUES, such as `termination.grace_period=30s,60s,120s` or `fleet.replicas=4..12/2`";
        let (key, values) = text.split_once('=').ok_or(expected)?;
        if key.trim().is_empty() {
            return Err(expected.to_owned());
        }
        Ok(Axis { key: key.trim().to_owned(), values: parse_values(values)? })
    }

    /// What sets the key to its value of this index, as for `--set`.
    pub fn setting(&self, index: usize) -> String {
        format!("{}={}", self.key, self.values[index])
    }

    /// The value of this index as people read it: without the quotes that TOML would want.
    pub fn label(&self, index: usize) -> String {
        unquoted(&self.values[index]).to_owned()
    }

    /// The values as numbers, in seconds where they are durations; `None` unless all are numbers of one unit.
    pub fn numbers(&self) -> Option<(Vec<f64>, Unit)> {
        let read: Vec<(f64, Unit)> =
            self.values.iter().map(|value| quantity(unquoted(value))).collect::<Option<Vec<_>>>()?;
        let (_, unit) = *read.first()?;
        let same = read.iter().all(|(_, other)| *other == unit);
        same.then(|| (read.into_iter().map(|(number, _)| number).collect(), unit))
    }
}

/// A value without the quotes around it.
fn unquoted(value: &str) -> &str {
    let within = |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

/// Reads a list of values and ranges: `30s,60s`, `1,25%,50%`, `30s..5m/30s`, `1..64*2`.
///
/// # Errors
/// What was expected, for a person: no value, one that stands twice, an endless range, a bracket that is not closed.
pub fn parse_values(text: &str) -> Result<Vec<String>, String> {
    let mut values: Vec<String> = Vec::new();
    for item in split_list(text, ',')? {
        let item = item.trim();
        if item.is_empty() {
            return Err(format!("expected values separated by commas, found an empty one in `{text}`"));
        }
        values.extend(range(item)?.unwrap_or_else(|| vec![item.to_owned()]));
        if values.len() > MOST_VALUES {
            return Err(format!("expected at most {MOST_VALUES} values, found more in `{text}`"));
        }
    }
    match values.iter().enumerate().find(|(at, value)| values[..*at].contains(value)) {
        Some((_, value)) => Err(format!("the value `{value}` stands twice in `{text}`")),
        None => Ok(values),
    }
}

/// The parts between separators that are not within quotes, brackets or braces.
///
/// # Errors
/// What was expected: quotes, brackets and braces that end what they begin.
pub fn split_list(text: &str, separator: char) -> Result<Vec<&str>, String> {
    let (mut parts, mut begin, mut depth, mut quote) = (Vec::new(), 0, 0_u32, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => {
                let opened = depth.checked_sub(1);
                depth = opened.ok_or_else(|| format!("`{c}` closes nothing that was opened before it in `{text}`"))?;
            }
            (None, c) if c == separator && depth == 0 => {
                parts.push(&text[begin..at]);
                begin = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    match (quote, depth) {
        (Some(quote), _) => Err(format!("expected another {quote} that ends the text begun in `{text}`")),
        (None, 1..) => Err(format!("expected `]` or `}}` for each `[` and `{{`, found too few in `{text}`")),
        (None, 0) => Ok(parts),
    }
}

/// What numbers are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nothing: a count or a factor.
    Plain,
    /// Percent.
    Percent,
    /// Seconds, from durations.
    Seconds,
}

fn quantity(text: &str) -> Option<(f64, Unit)> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
    match text.trim().strip_suffix('%') {
        Some(percent) => Some((number(percent)?, Unit::Percent)),
        None => match number(text) {
            Some(value) => Some((value, Unit::Plain)),
            None => parse_duration(text.trim()).ok().map(|duration| (duration.seconds(), Unit::Seconds)),
        },
    }
}

/// As a person writes it, without the last bits of binary fractions.
fn written(value: f64, unit: Unit) -> String {
    let rounded = || format!("{value:.9}").trim_end_matches('0').trim_end_matches('.').to_owned();
    match unit {
        Unit::Plain => rounded(),
        Unit::Percent => format!("{}%", rounded()),
        Unit::Seconds => Duration::from_seconds_f64(value).to_string(),
    }
}

/// The values of `LOW..HIGH/STEP` or `LOW..HIGH*FACTOR`; `None` where the text is no range but a single value.
fn range(text: &str) -> Result<Option<Vec<String>>, String> {
    if text.starts_with(['"', '\'', '[', '{']) {
        return Ok(None);
    }
    // A path may have two dots too: what begins no number begins no range.
    let Some((low, rest)) = text.split_once("..").filter(|(low, _)| quantity(low).is_some()) else { return Ok(None) };
    let expected =
        || format!("expected a range such as `30s..5m/30s` (in steps of 30 s) or `1..64*2` (doubling), found `{text}`");
    let at = rest.find(['/', '*']).ok_or_else(expected)?;
    let (high, step) = (&rest[..at], &rest[at + 1..]);
    let multiplies = rest[at..].starts_with('*');
    let ((low, unit), (high, unit_high)) = quantity(low).zip(quantity(high)).ok_or_else(expected)?;
    let (step, unit_step) = quantity(step).ok_or_else(expected)?;
    let unit_expected = if multiplies { Unit::Plain } else { unit };
    if unit_high != unit || unit_step != unit_expected {
        return Err(format!("{}; its numbers must be of one unit", expected()));
    }
    if low > high {
        return Err(format!("the range `{text}` is empty: it begins above its end"));
    }
    let grows = if multiplies { step > 1.0 && low > 0.0 } else { step > 0.0 };
    if !grows {
        return Err(format!("the range `{text}` does not end: its step must lead upwards"));
    }
    let value = |i: usize| if multiplies { low * step.powi(i as i32) } else { low + step * i as f64 };
    let end = if multiplies { high * (1.0 + ROUNDING) } else { high + step * ROUNDING };
    let values = (0..=MOST_VALUES).map(value).take_while(|value| *value <= end);
    Ok(Some(values.map(|value| written(value, unit)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges_are_read_in_their_order() {
        for (text, expected) in [
            ("30s,60s,2m", vec!["30s", "60s", "2m"]),
            ("1, 25%,50%", vec!["1", "25%", "50%"]),
            ("30s..2m/30s", vec!["30s", "1m", "1m30s", "2m"]),
            ("1..10*2,12", vec!["1", "2", "4", "8", "12"]),
            ("0..0.3/0.1", vec!["0", "0.1", "0.2", "0.3"]),
            ("10%..30%/10%", vec!["10%", "20%", "30%"]),
            ("4..4/1", vec!["4"]),
            ("\"a,b\",c", vec!["\"a,b\"", "c"]),
            (
                "{ distribution = \"lognormal\", median = \"60s\", p99 = \"4m\" },90s",
                vec!["{ distribution = \"lognormal\", median = \"60s\", p99 = \"4m\" }", "90s"],
            ),
            ("[1, 2],[3]", vec!["[1, 2]", "[3]"]),
            ("../a.csv,b..c/2.csv", vec!["../a.csv", "b..c/2.csv"]),
            ("\"a]\",b", vec!["\"a]\"", "b"]),
        ] {
            assert_eq!(parse_values(text).unwrap(), expected, "{text}");
        }
        let axis = Axis::parse("termination.grace_period=30s,60s").unwrap();
        assert_eq!(axis.setting(1), "termination.grace_period=60s");
    }

    #[test]
    fn values_are_numbers_only_if_all_are_of_one_unit() {
        let of = |text: &str| Axis::parse(text).unwrap().numbers();
        assert_eq!(of("a=30s,\"2m\""), Some((vec![30.0, 120.0], Unit::Seconds)));
        assert_eq!(of("a=5%,50%"), Some((vec![5.0, 50.0], Unit::Percent)));
        assert_eq!(of("a=1,-2.5"), Some((vec![1.0, -2.5], Unit::Plain)));
        for mixed in ["a=1,25%", "a=rolling,canary", "a=1,[2]"] {
            assert_eq!(of(mixed), None, "{mixed}");
        }
        let quoted = Axis::parse("a=\"x y\",'z',\"w").map(|axis| axis.label(0));
        assert!(quoted.is_err(), "a text without an end is no value");
        let axis = Axis::parse("a=\"x y\",'z',w").unwrap();
        assert_eq!([0, 1, 2].map(|index| axis.label(index)), ["x y", "z", "w"]);
    }

    #[test]
    fn what_is_no_list_of_values_is_refused_with_what_was_expected() {
        for (text, said) in [
            ("", "empty one"),
            ("1,,2", "empty one"),
            ("1,2,1", "stands twice"),
            ("5..1/1", "is empty"),
            ("1..5/0", "does not end"),
            ("1..5*1", "does not end"),
            ("0..5*2", "does not end"),
            ("1..5", "expected a range such as"),
            ("30s..5/30s", "of one unit"),
            ("30s..5m*30s", "of one unit"),
            ("1..100000/1", "at most 1000"),
            ("1..2..3/1", "expected a range such as"),
            ("[1,2", "found too few"),
            ("{ a = 1,2", "found too few"),
            ("1],2", "closes nothing"),
            ("\"a,b", "expected another \""),
        ] {
            let error = parse_values(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        for text in ["fleet.replicas", "=3"] {
            assert!(Axis::parse(text).unwrap_err().starts_with("expected KEY=VALUES"), "{text}");
        }
    }
}
