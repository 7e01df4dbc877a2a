//! A value, read as what a key takes; a wrong one is noted with what was expected and what is there.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::{Context, Real, Section};
use crate::scenario::codes::Code;
use crate::scenario::problems::nearest;
use crate::scenario::tree::{Node, Value};
use crate::units::{self, CountOrPercent, Duration};

/// A value with its path.
pub struct Field<'a> {
    /// Where problems are noted.
    pub context: &'a Context<'a>,
    /// Dotted path of the value.
    pub path: String,
    /// The value.
    pub node: &'a Node,
}

impl<'a> Field<'a> {
    /// Notes that something else was expected.
    pub fn wrong<T>(&self, code: Code, expected: impl Display) -> Option<T> {
        self.wrong_because(code, format!("expected {expected}, found {}", self.found()), None)
    }

    /// Notes that a number was expected, or another one.
    pub fn wrong_number<T>(&self, expected: impl Display) -> Option<T> {
        self.wrong(if self.number().is_some() { Code::WRONG_VALUE } else { Code::WRONG_TYPE }, expected)
    }

    /// Notes a wrong value in other words.
    pub fn wrong_because<T>(&self, code: Code, expected: String, help: Option<String>) -> Option<T> {
        let message = format!("wrong value for `{}`", self.path);
        self.context.problem(code, &self.node.place, &self.path, message, expected, help);
        None
    }

    /// Notes that this version does not act on something that the format names.
    pub fn not_supported(&self, what: &str) {
        let message = format!("{what} is not supported yet");
        let expected = "the format has it, this version does not simulate it".to_owned();
        self.context.problem(Code::NOT_SUPPORTED, &self.node.place, &self.path, message, expected, None);
    }

    /// Notes a word that is none of those known.
    pub fn unknown_word<T>(&self, code: Code, words: &[&str]) -> Option<T> {
        let help = match &self.node.value {
            Value::Text(text) => nearest(text, words).map(|word| format!("did you mean `{word}`?")),
            _ => None,
        };
        self.unknown_name(code, words, help)
    }

    /// Notes a name that is none of those known, with what may have been meant.
    pub fn unknown_name<T>(&self, code: Code, words: &[&str], help: Option<String>) -> Option<T> {
        let listed: Vec<String> = words.iter().take(12).map(|word| format!("\"{word}\"")).collect();
        let more = if words.len() > listed.len() { ", ..." } else { "" };
        let expected = match words.is_empty() {
            true => format!("there is no such name: found {}", self.found()),
            false => format!("expected one of {}{more}, found {}", listed.join(", "), self.found()),
        };
        self.wrong_because(code, expected, help)
    }

    /// The value in words.
    pub fn found(&self) -> String {
        match &self.node.value {
            Value::Text(text) if text.chars().count() > 40 => {
                format!("{:?}...", text.chars().take(40).collect::<String>())
            }
            Value::Text(text) => format!("{text:?}"),
            Value::Whole(number) => number.to_string(),
            Value::Real(number) => format!("{number:?}"),
            Value::Boolean(truth) => truth.to_string(),
            Value::Date(date) => format!("the date {date}"),
            Value::List(list) if list.is_empty() => "an empty list".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Table(entries) if entries.is_empty() => "an empty table".to_owned(),
            Value::Table(_) => "a table".to_owned(),
        }
    }

    /// The value as a table of its own.
    pub fn table(&self) -> Option<Section<'a>> {
        match &self.node.value {
            Value::Table(_) => Some(Section::new(self.context, self.path.clone(), Some(self.node))),
            _ => self.wrong(Code::WRONG_TYPE, "a table"),
        }
    }

    /// The elements of a list.
    pub fn list(&self, expected: &str) -> Option<Vec<Field<'a>>> {
        let Value::List(list) = &self.node.value else { return self.wrong(Code::WRONG_TYPE, expected) };
        let element = |(index, node)| Field { context: self.context, path: format!("{}.{index}", self.path), node };
        Some(list.iter().enumerate().map(element).collect())
    }

    /// A text.
    pub fn text(&self, expected: &str) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            _ => self.wrong(Code::WRONG_TYPE, expected),
        }
    }

    /// Yes or no.
    pub fn boolean(&self) -> Option<bool> {
        match self.node.value {
            Value::Boolean(truth) => Some(truth),
            _ => self.wrong(Code::WRONG_TYPE, "true or false"),
        }
    }

    /// One of several words.
    pub fn choice<T: Copy>(&self, words: &[(&str, T)], unsupported: &[&str]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let Value::Text(text) = &self.node.value else { return self.unknown_word(Code::UNKNOWN_WORD, &names) };
        if unsupported.contains(&text.as_str()) {
            self.not_supported(&format!("`{} = {text:?}`", self.path));
            return None;
        }
        match words.iter().find(|(name, _)| name == text) {
            Some((_, value)) => Some(*value),
            None => self.unknown_word(Code::UNKNOWN_WORD, &names),
        }
    }

    /// A whole number within a range.
    pub fn whole(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let number = match self.node.value {
            Value::Whole(number) => u64::try_from(number).ok(),
            _ => None,
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => self.wrong_number(format_args!("a whole number from {} to {}", range.start(), range.end())),
        }
    }

    /// A number as written, whole or not; `None` if it is none.
    pub fn number(&self) -> Option<f64> {
        match self.node.value {
            Value::Whole(number) => Some(number as f64),
            Value::Real(number) => Some(number),
            _ => None,
        }
    }

    /// A real number.
    pub fn real(&self, which: &Real) -> Option<f64> {
        match self.number().filter(|number| number.is_finite() && (which.holds)(*number)) {
            Some(number) => Some(number),
            None => self.wrong_number(which.expected),
        }
    }

    /// Nanoseconds of a written duration, fractions kept.
    pub fn nanoseconds(&self) -> Option<f64> {
        let Value::Text(text) = &self.node.value else {
            let help = self
                .number()
                .filter(|x| *x >= 0.0 && x.is_finite())
                .map(|x| format!("a duration carries its unit: `\"{x}s\"` or `\"{x}ms\"`, in quotes"));
            let expected = "expected a duration such as \"90s\", \"5m\", \"1h30m\" or \"20ms\"";
            let code = if self.number().is_some() { Code::WRONG_UNIT } else { Code::WRONG_TYPE };
            return self.wrong_because(code, format!("{expected}, found {}", self.found()), help);
        };
        match units::parse_nanoseconds(text) {
            Ok(nanoseconds) => Some(nanoseconds),
            Err(expected) => {
                // Its number may be wrong too.
                let code = if expected.contains("unit") { Code::WRONG_UNIT } else { Code::WRONG_VALUE };
                self.wrong_because(code, format!("{expected}, found {}", self.found()), None)
            }
        }
    }

    /// A duration; zero is legal.
    pub fn duration(&self) -> Option<Duration> {
        self.nanoseconds().map(|nanoseconds| Duration(nanoseconds.round() as u64))
    }

    /// A duration within a range.
    pub fn duration_within(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        match self.duration()? {
            duration if range.contains(&duration) => Some(duration),
            _ => self.wrong(Code::WRONG_VALUE, format_args!("a duration from {} to {}", range.start(), range.end())),
        }
    }

    /// A duration above zero.
    pub fn positive_duration(&self) -> Option<Duration> {
        match self.duration()? {
            Duration::ZERO => self.wrong(Code::WRONG_VALUE, "a duration above zero"),
            duration => Some(duration),
        }
    }

    /// A number of replicas or a percentage of the desired ones.
    pub fn count_or_percent(&self) -> Option<CountOrPercent> {
        const EXPECTED: &str = "a whole number of replicas from 0 to 10000, or a percentage such as \"25%\"";
        match &self.node.value {
            Value::Whole(count @ 0..=10_000) => Some(CountOrPercent::Count(*count as u32)),
            Value::Text(text) => units::parse_percent(text).ok().or_else(|| {
                let help = text.parse::<u32>().ok().map(|count| format!("write {count} or \"{count}%\""));
                let code = if help.is_some() { Code::WRONG_UNIT } else { Code::WRONG_VALUE };
                self.wrong_because(code, format!("expected {EXPECTED}, found {}", self.found()), help)
            }),
            _ => self.wrong_number(EXPECTED),
        }
    }
}
