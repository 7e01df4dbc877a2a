//! What a key takes, and how that is said in words.

use std::fmt::Write as _;

use super::Table;
use super::quantity::Extra;

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A title: text without control characters, at most 200 characters.
    Title,
    /// Any text; in words, what of.
    Text(&'static str),
    /// `true` or `false`.
    Boolean,
    /// `true` and nothing else.
    True,
    /// A duration from the first to the last; an empty text is no bound. `"+"` as the least: above zero.
    Duration(&'static str, &'static str),
    /// A whole number from the first to the last.
    Whole(i64, i64),
    /// A real number.
    Real(Reals),
    /// One of several words.
    Choice(&'static [Word]),
    /// The name of a metric of one run.
    Metric,
    /// What `plan` minimises: a word of its own or the name of a metric.
    Objective,
    /// The name of a hardware profile, or the beginning of one.
    Profile,
    /// A number of replicas, or a percentage of the desired ones up to this.
    CountOrPercent(u32),
    /// A bandwidth: gigabytes per second, or text with its unit.
    Bandwidth,
    /// A percentage, or a number in the metric's unit.
    Tolerance,
    /// A quantity that varies, and what its table may hold besides.
    Quantity(Unit, Extra),
    /// A parameter of a distribution, in the unit of its quantity.
    InUnit(Bound),
    /// Names of `[analysis]` tables, at least so many.
    Analyses(usize),
    /// A list of at least so many.
    List(&'static Kind, usize),
    /// A list of exactly these two.
    Pair(&'static [Kind; 2]),
    /// One of several kinds.
    Either(&'static [Kind]),
    /// A table.
    Table(&'static Table),
    /// A list of tables.
    Tables(&'static Table),
    /// A table for each name.
    Named(&'static Table),
    /// An arrival process: a table whose `process` says which keys it has.
    Process,
    /// A list of parts of a mixture.
    Parts,
    /// Lists of values under the dotted path of a key.
    Choices,
}

/// A word that a key takes.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// The word.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
}

/// Shorthand for a [`Word`].
pub(super) const fn word(name: &'static str, about: &'static str) -> Word {
    Word { name, about }
}

/// The unit of a quantity that varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Durations.
    Seconds,
    /// Numbers of tokens.
    Tokens,
    /// Gigabytes (10^9 bytes) per second.
    GigabytesPerSecond,
}

/// What a parameter of a distribution may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Zero or more.
    Any,
    /// A value that can be drawn: at least one token, a bandwidth above zero, any duration.
    Value,
    /// The same, or `"never"` for a duration.
    ValueOrNever,
    /// Above zero.
    Positive,
}

/// A range of real numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reals {
    /// Least.
    pub least: f64,
    /// Whether the least itself is outside.
    pub above_least: bool,
    /// Greatest.
    pub greatest: f64,
    /// Whether the greatest itself is outside.
    pub below_greatest: bool,
    /// Whether zero is taken too, though it lies outside.
    pub or_zero: bool,
}

impl Reals {
    /// Both ends included.
    pub(super) const fn from_to(least: f64, greatest: f64) -> Reals {
        Reals { least, above_least: false, greatest, below_greatest: false, or_zero: false }
    }

    /// Above zero, up to this.
    pub(super) const fn positive(greatest: f64) -> Reals {
        Reals { above_least: true, ..Reals::from_to(0.0, greatest) }
    }

    /// These, or zero.
    pub(super) const fn or_zero(self) -> Reals {
        Reals { or_zero: true, ..self }
    }
}

/// Probabilities and shares.
pub(super) const PROBABILITY: Kind = Kind::Real(Reals::from_to(0.0, 1.0));
/// Quantiles: neither 0 nor 1.
pub(super) const QUANTILE: Kind =
    Kind::Real(Reals { above_least: true, below_greatest: true, ..Reals::from_to(0.0, 1.0) });
/// Factors by which versions differ and waits grow.
pub(super) const FACTOR: Kind = Kind::Real(Reals::from_to(0.001, 1000.0));
/// Any duration.
pub(super) const DURATION: Kind = Kind::Duration("", "");
/// A duration above zero.
pub(super) const POSITIVE_DURATION: Kind = Kind::Duration("+", "");
/// Most runs of anything.
pub(super) const MOST_RUNS: i64 = 10_000_000;

impl Kind {
    /// What it takes, in words; Markdown.
    pub fn words(&self) -> String {
        match self {
            Kind::Title => "text, at most 200 characters".to_owned(),
            Kind::Text(what) => format!("text: {what}"),
            Kind::Boolean => "`true` or `false`".to_owned(),
            Kind::True => "`true`".to_owned(),
            Kind::Duration(least, most) => duration_words(least, most),
            Kind::Whole(0, i64::MAX) => "whole number, at least 0".to_owned(),
            Kind::Whole(least, most) => format!("whole number, {} to {}", grouped(*least), grouped(*most)),
            Kind::Real(reals) => reals.words(),
            Kind::Choice(words) => listed(&words.iter().map(|word| format!("`\"{}\"`", word.name)).collect::<Vec<_>>()),
            Kind::Metric => "name of a [metric](metrics.md)".to_owned(),
            Kind::Objective => "a word below, or the name of a [metric](metrics.md)".to_owned(),
            Kind::Profile => "name of a [hardware profile](profiles.md), or the beginning of one".to_owned(),
            Kind::CountOrPercent(most) => format!("whole number, or percentage up to `\"{most}%\"`"),
            Kind::Bandwidth => "GB/s, or text such as `\"700 MB/s\"`".to_owned(),
            Kind::Tolerance => "percentage such as `\"1%\"`, or number".to_owned(),
            Kind::Quantity(unit, _) => format!("{}, or [distribution](#quantities-that-vary)", unit.words()),
            Kind::InUnit(Bound::Any) => "value".to_owned(),
            Kind::InUnit(Bound::Value) => "value that can be drawn".to_owned(),
            Kind::InUnit(Bound::ValueOrNever) => "value that can be drawn, or `\"never\"`".to_owned(),
            Kind::InUnit(Bound::Positive) => "value above zero".to_owned(),
            Kind::Analyses(_) => "list of names of `[analysis]` tables".to_owned(),
            Kind::List(of, _) => format!("list, each {}", of.words()),
            Kind::Pair(pair) => format!("pair of {} and {}", pair[0].words(), pair[1].words()),
            Kind::Either(kinds) => kinds.iter().map(Kind::words).collect::<Vec<_>>().join("; or "),
            Kind::Table(_) => "table".to_owned(),
            Kind::Tables(_) => "list of tables".to_owned(),
            Kind::Named(_) => "a table for each name".to_owned(),
            Kind::Process => "[arrival process](#traffic)".to_owned(),
            Kind::Parts => "list of distributions, each with a `weight`".to_owned(),
            Kind::Choices => "a list of values for each key".to_owned(),
        }
    }
}

impl Unit {
    /// How a constant of it is written.
    pub fn words(self) -> &'static str {
        match self {
            Unit::Seconds => "duration",
            Unit::Tokens => "number of tokens, 1 to 10^9",
            Unit::GigabytesPerSecond => "GB/s above 0, or text such as `\"700 MB/s\"`",
        }
    }
}

impl Reals {
    fn words(&self) -> String {
        let mut words = String::from("number");
        let (least, greatest) = (number(self.least), number(self.greatest));
        let _ = match (self.above_least, self.below_greatest) {
            (false, false) => write!(words, ", {least} to {greatest}"),
            (true, false) => write!(words, " above {least}, at most {greatest}"),
            (false, true) => write!(words, " from {least}, below {greatest}"),
            (true, true) => write!(words, " above {least}, below {greatest}"),
        };
        if self.or_zero {
            words += ", or 0";
        }
        words
    }
}

fn duration_words(least: &str, most: &str) -> String {
    match (least, most) {
        ("", "") => "duration".to_owned(),
        ("+", "") => "duration above zero".to_owned(),
        ("+", most) => format!("duration above zero, at most {most}"),
        ("", most) => format!("duration, at most {most}"),
        (least, "") => format!("duration, at least {least}"),
        (least, most) => format!("duration, {least} to {most}"),
    }
}

/// A number as people write it: powers of ten where it is large or small.
fn number(number: f64) -> String {
    let power = number.abs().log10();
    match number.abs() {
        size if size >= 1e5 && power.fract() == 0.0 => {
            format!("{}10^{power}", if number < 0.0 { "-" } else { "" })
        }
        size if size > 0.0 && size < 1e-4 => format!("{number:e}"),
        _ => number.to_string(),
    }
}

/// A whole number with commas between thousands.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "a, b or c".
pub(super) fn listed(words: &[String]) -> String {
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}
