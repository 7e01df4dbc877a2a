//! Quantities that vary: a constant, or `{ distribution = NAME, ... }`, in seconds, tokens or gigabytes per second.
//!
//! What is drawn from them, and how, lives in `random`.

use super::codes::Code;
use super::reader::{Field, Real, Section};
use super::tree::Value;
use crate::random::{Distribution, Family, NORMAL_P99};
use crate::trace::read_column;
use crate::units;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// The unit of a quantity, which decides how people write it and what is absurd.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Durations, read as seconds.
    Seconds,
    /// Numbers of tokens.
    Tokens,
    /// Bandwidths, read as gigabytes (10^9 bytes) per second.
    GigabytesPerSecond,
}

/// Most tokens that a prompt or an answer may be said to have.
const MOST_TOKENS: f64 = 1e9;
/// Fastest bandwidth, in gigabytes per second.
const FASTEST: f64 = 1e6;
/// Most values of a Zipf distribution: its weights are summed one by one.
const ZIPF_MOST: f64 = 1e7;

/// Shapes and tail exponents.
const SHAPE: Real = Real { expected: "a number from 0.01 to 1000", holds: |x| (0.01..=1000.0).contains(&x) };
/// Coefficients of variation: zero is a constant, and just above it the sampler's shape, 1 / cv^2, is beyond its reach.
const VARIATION: Real = Real {
    expected: "0 (a constant) or a number from 0.01 to 100",
    holds: |x| x == 0.0 || (0.01..=100.0).contains(&x),
};
/// Standard deviations of a logarithm.
const SIGMA: Real = Real { expected: "a number from 0 to 20", holds: |x| (0.0..=20.0).contains(&x) };
/// Exponents of a Zipf distribution.
const EXPONENT: Real = Real { expected: "a number from 0 to 100", holds: |x| (0.0..=100.0).contains(&x) };
/// Weights of a mixture.
const WEIGHT: Real = Real { expected: "a number above 0, at most 1e9", holds: |x| x > 0.0 && x <= 1e9 };

/// The names of the families.
const FAMILIES: [&str; 11] = [
    "constant",
    "uniform",
    "exponential",
    "lognormal",
    "gamma",
    "weibull",
    "pareto",
    "zipf",
    "sequence",
    "empirical",
    "mixture",
];

/// What the values of one quantity have in common.
#[derive(Clone, Copy)]
pub(super) struct Quantity<'d> {
    /// Their unit.
    pub unit: Unit,
    /// Where the files of empirical distributions are looked for.
    pub directory: &'d Path,
}

impl Quantity<'_> {
    /// Reads a constant or a distribution.
    pub fn read(self, field: &Field<'_>) -> Option<Distribution> {
        match &field.node.value {
            Value::Table(_) => field.table()?.read_whole(|section| self.read_table(section)),
            _ => self.value(field).map(Distribution::constant),
        }
    }

    /// Reads the table of a distribution.
    pub fn read_table(self, section: &Section<'_>) -> Option<Distribution> {
        let expected = "the name of a distribution, such as \"lognormal\"";
        let name = section.required("distribution", expected);
        // The cut is read first, so that it is a known key whatever else is wrong.
        let max = section.field("max");
        let Some(name) = name else {
            // Which parameters belong here cannot be known.
            section.all_fields();
            return None;
        };
        let Some(family) =
            FAMILIES.iter().find(|family| matches!(&name.node.value, Value::Text(text) if text == *family))
        else {
            section.all_fields();
            return name.unknown_word(Code::UNKNOWN_WORD, &FAMILIES);
        };
        if *family == "zipf" {
            let family = self.zipf(section, max)?;
            return Some(Distribution { family, max: f64::INFINITY });
        }
        let family = self.family(family, section);
        let max = match max {
            Some(max) if self.unit == Unit::Tokens => self.value(&max)?,
            Some(max) => self.positive(&max)?,
            None => f64::INFINITY,
        };
        Some(Distribution { family: family?, max })
    }

    fn family(self, name: &str, section: &Section<'_>) -> Option<Family> {
        match name {
            "constant" => self.one(section, "value").map(Family::Constant),
            "uniform" => self.uniform(section),
            "exponential" => self.scale(section, "mean").map(|mean| Family::Exponential { mean }),
            "lognormal" => self.lognormal(section),
            "gamma" => {
                let (mean, cv) = (self.scale(section, "mean"), parameter(section, "cv", &VARIATION));
                Some(Family::Gamma { mean: mean?, cv: cv? })
            }
            "weibull" => {
                let (scale, shape) = (self.scale(section, "scale"), parameter(section, "shape", &SHAPE));
                Some(Family::Weibull { scale: scale?, shape: shape? })
            }
            "pareto" => {
                let (minimum, alpha) = (self.scale(section, "minimum"), parameter(section, "alpha", &SHAPE));
                Some(Family::Pareto { minimum: minimum?, alpha: alpha? })
            }
            "sequence" => self.sequence(section),
            "empirical" => self.empirical(section),
            _ => self.mixture(section),
        }
    }

    fn uniform(self, section: &Section<'_>) -> Option<Family> {
        let (low, high) = (self.bound(section, "low"), self.bound(section, "high"));
        let (low, high) = (low?, high?);
        if low > high {
            let field = section.field("high")?;
            return field.wrong_because(
                Code::DISTRIBUTION,
                "expected `high` to be no less than `low`".to_owned(),
                None,
            );
        }
        Some(Family::Uniform { low, high })
    }

    fn lognormal(self, section: &Section<'_>) -> Option<Family> {
        let median = self.scale(section, "median");
        let (p99, sigma) = (section.field("p99"), section.field("sigma"));
        let sigma = match (p99, sigma) {
            (Some(p99), None) => {
                let (value, median) = (self.positive(&p99)?, median?);
                if value < median {
                    let expected = format!("expected a P99 of at least the median, found {}", p99.found());
                    return p99.wrong_because(Code::DISTRIBUTION, expected, None);
                }
                (value / median).ln() / NORMAL_P99
            }
            (None, Some(sigma)) => sigma.real(&SIGMA)?,
            (Some(_), Some(sigma)) => {
                return sigma.wrong_because(
                    Code::EXCLUSIVE_KEYS,
                    "expected only one of `p99` and `sigma`".to_owned(),
                    None,
                );
            }
            (None, None) => {
                let message = format!("missing key `{}`", section.path_of("p99"));
                let expected = "a lognormal distribution needs `p99` or `sigma` beside its median".to_owned();
                section.context.problem(
                    Code::MISSING_KEY,
                    &section.place(),
                    &section.path_of("p99"),
                    message,
                    expected,
                    None,
                );
                return None;
            }
        };
        Some(Family::Lognormal { median: median?, sigma })
    }

    fn zipf(self, section: &Section<'_>, max: Option<Field<'_>>) -> Option<Family> {
        let exponent = parameter(section, "exponent", &EXPONENT);
        let max = match max {
            Some(max) => max,
            None => section.required("max", "the greatest value, from 1 to 10 million")?,
        };
        let greatest = self.positive(&max)?;
        if !(1.0..=ZIPF_MOST).contains(&greatest) {
            return max.wrong(Code::WRONG_VALUE, "a greatest value from 1 to 10 million");
        }
        Some(Family::Zipf { exponent: exponent?, max: greatest.floor() })
    }

    fn sequence(self, section: &Section<'_>) -> Option<Family> {
        let field = section.required("values", "a list of values")?;
        let elements = field.list("a list of values")?;
        if elements.is_empty() {
            return field.wrong_because(
                Code::WRONG_VALUE,
                "expected at least one value, found an empty list".to_owned(),
                None,
            );
        }
        let never = |field: &Field<'_>| matches!(&field.node.value, Value::Text(text) if text == "never");
        let read: Vec<Option<f64>> = elements
            .iter()
            .map(|element| match self.unit {
                Unit::Seconds if never(element) => Some(f64::INFINITY),
                _ => self.value(element),
            })
            .collect();
        read.into_iter().collect::<Option<Vec<f64>>>().map(Family::Sequence)
    }

    fn empirical(self, section: &Section<'_>) -> Option<Family> {
        let (file, column) = (
            section.required("file", "a CSV or JSON Lines file, as text"),
            section.required("column", "the name of a column of the file"),
        );
        let (file, column) = (file?, column?);
        let (name, column_name) =
            (file.text("a CSV or JSON Lines file, as text")?, column.text("the name of a column, as text")?);
        let least = if self.unit == Unit::Tokens { 1.0 } else { 0.0 };
        match read_column(&self.directory.join(name), name, column_name, least) {
            Ok(mut values) => {
                values.sort_by(f64::total_cmp);
                file.context.note_content(&digest(&values));
                Some(Family::Empirical(values.into()))
            }
            Err(reason) => file.wrong_because(Code::COLUMN, reason, None),
        }
    }

    fn mixture(self, section: &Section<'_>) -> Option<Family> {
        let expected = "a list such as [{ weight = 0.9, distribution = \"constant\", value = ... }, ...]";
        let field = section.required("parts", expected)?;
        let elements = field.list(expected)?;
        if elements.is_empty() {
            return field.wrong_because(
                Code::WRONG_VALUE,
                "expected at least one part, found an empty list".to_owned(),
                None,
            );
        }
        let read: Vec<Option<(f64, Distribution)>> = elements
            .iter()
            .map(|element| {
                element.table()?.read_whole(|part| {
                    let (weight, distribution) = (parameter(part, "weight", &WEIGHT), self.read_table(part));
                    Some((weight?, distribution?))
                })
            })
            .collect();
        let parts = read.into_iter().collect::<Option<Vec<_>>>()?;
        let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
        Some(Family::Mixture(parts.into_iter().map(|(weight, part)| (weight / total, part)).collect()))
    }

    /// A parameter that is a possible value: a constant.
    fn one(self, section: &Section<'_>, key: &'static str) -> Option<f64> {
        self.value(&section.required(key, self.expected())?)
    }

    /// A parameter that is a bound of the values: zero is legal, a draw is rounded up to whole tokens anyway.
    fn bound(self, section: &Section<'_>, key: &'static str) -> Option<f64> {
        self.quantity(&section.required(key, self.expected())?)
    }

    /// A parameter above zero in the unit of the values.
    fn scale(self, section: &Section<'_>, key: &'static str) -> Option<f64> {
        self.positive(&section.required(key, self.expected())?)
    }

    /// A value that may be drawn.
    fn value(self, field: &Field<'_>) -> Option<f64> {
        match self.quantity(field)? {
            tokens if self.unit == Unit::Tokens && tokens < 1.0 => field.wrong(Code::WRONG_VALUE, "at least 1 token"),
            0.0 if self.unit == Unit::GigabytesPerSecond => field.wrong(Code::WRONG_VALUE, "a bandwidth above zero"),
            value => Some(value),
        }
    }

    fn positive(self, field: &Field<'_>) -> Option<f64> {
        match self.quantity(field)? {
            0.0 => field.wrong(Code::WRONG_VALUE, format_args!("{} above zero", self.expected())),
            value => Some(value),
        }
    }

    /// A quantity in its unit, zero or more.
    fn quantity(self, field: &Field<'_>) -> Option<f64> {
        match self.unit {
            Unit::Seconds => field.nanoseconds().map(|nanoseconds| nanoseconds / units::NANOS_PER_SECOND as f64),
            Unit::Tokens => match field.number().filter(|tokens| (0.0..=MOST_TOKENS).contains(tokens)) {
                Some(tokens) => Some(tokens),
                None => field.wrong_number(self.expected()),
            },
            Unit::GigabytesPerSecond => gigabytes_per_second(field),
        }
    }

    fn expected(self) -> &'static str {
        match self.unit {
            Unit::Seconds => "a duration such as \"90s\"",
            Unit::Tokens => "a number of tokens, 0 to 1e9",
            Unit::GigabytesPerSecond => "a bandwidth such as 1.5 or \"1.5 GB/s\"",
        }
    }
}

/// A bandwidth, as a number or with its unit.
pub(super) fn gigabytes_per_second(field: &Field<'_>) -> Option<f64> {
    let bandwidth = match &field.node.value {
        Value::Text(text) => units::parse_gigabytes_per_second(text).ok(),
        _ => field.number(),
    };
    let code = match (&field.node.value, bandwidth) {
        (Value::Text(_), None) => Code::WRONG_UNIT,
        (_, None) => Code::WRONG_TYPE,
        (_, Some(_)) => Code::WRONG_VALUE,
    };
    match bandwidth.filter(|bandwidth| (0.0..=FASTEST).contains(bandwidth)) {
        Some(bandwidth) => Some(bandwidth),
        None => field.wrong(code, "gigabytes per second: a number (1.5) or text such as \"1.5 GB/s\" or \"700 MB/s\""),
    }
}

/// SHA-256 of some values, in hexadecimal.
fn digest(values: &[f64]) -> String {
    let mut digest = Sha256::new();
    values.iter().for_each(|value| digest.update(value.to_le_bytes()));
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A parameter that is a plain number.
fn parameter(section: &Section<'_>, key: &'static str, which: &Real) -> Option<f64> {
    section.required(key, which.expected)?.real(which)
}
