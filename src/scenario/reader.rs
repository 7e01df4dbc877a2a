//! Reading tables key by key: every problem is noted and reading goes on, so that all are reported at once.
//!
//! A reader of a section asks for the keys that it knows; whatever nobody asked for is an unknown key. Values that are
//! wrong are replaced by their defaults, which nobody will see: a scenario with a problem is never handed out.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::ops::RangeInclusive;

use super::codes::Code;
use super::problems::{Beside, Lines, Problem, nearest, suggestion};
use super::tree::{Entry, Node, Place, Value};
use crate::units::{self, CountOrPercent, Duration};

#[cfg(test)]
thread_local! {
    /// Every key that a reader asked for in this thread: what the catalogue is held against.
    pub(super) static ASKED: RefCell<std::collections::BTreeSet<String>> = RefCell::default();
}

/// Greatest number that any key takes.
const GREATEST: f64 = 1e15;

/// Which real numbers a key takes.
pub(super) struct Real {
    /// In words: "a number above 0".
    pub expected: &'static str,
    /// Whether a finite number is one of them.
    pub holds: fn(f64) -> bool,
}

/// Factors, rates, sizes.
pub(super) const POSITIVE: Real =
    Real { expected: "a number above 0, at most 1e15", holds: |x| x > 0.0 && x <= GREATEST };
/// Probabilities and shares.
pub(super) const PROBABILITY: Real = Real { expected: "a number from 0 to 1", holds: |x| (0.0..=1.0).contains(&x) };
/// Quantiles.
pub(super) const QUANTILE: Real =
    Real { expected: "a number above 0 and below 1, such as 0.99", holds: |x| x > 0.0 && x < 1.0 };
/// Any number that is not absurd.
pub(super) const FINITE: Real =
    Real { expected: "a number between -1e15 and 1e15", holds: |x| (-GREATEST..=GREATEST).contains(&x) };

/// What the sections of one scenario share: the tree, and what was found to be wrong so far.
pub(super) struct Context<'a> {
    /// The document with every `--set` applied.
    pub root: &'a Node,
    problems: RefCell<Vec<(Place, Problem)>>,
    /// Digests of what is in the files that the scenario names, and what a profile holds, in the order in which they were
    /// read.
    contents: RefCell<Vec<String>>,
}

impl<'a> Context<'a> {
    /// Nothing found yet.
    pub fn new(root: &'a Node) -> Context<'a> {
        Context { root, problems: RefCell::default(), contents: RefCell::default() }
    }

    /// The whole document as a section.
    pub fn section(&'a self) -> Section<'a> {
        Section::new(self, String::new(), Some(self.root))
    }

    /// Notes a problem.
    pub fn problem(
        &self,
        code: Code,
        place: &Place,
        key: &str,
        message: String,
        expected: String,
        help: Option<String>,
    ) {
        let problem = Problem { expected, help, ..Problem::new(code, message, key) };
        self.problems.borrow_mut().push((place.clone(), problem));
    }

    /// Notes a problem between several keys, at the place where this one was written.
    pub fn conflict(
        &self,
        code: Code,
        key: &str,
        message: impl Into<String>,
        expected: impl Into<String>,
        help: Option<String>,
    ) {
        self.problem(code, &self.root.place_of(key), key, message.into(), expected.into(), help);
    }

    /// Points at another key that the problem noted last has to do with, where it was written; says what it is there.
    pub fn beside(&self, key: &str, label: impl Into<String>) {
        let Some(Place::Span(span)) = self.root.at(key).map(|node| node.place.clone()) else { return };
        if let Some((_, problem)) = self.problems.borrow_mut().last_mut() {
            problem.beside.push(Beside { span, label: label.into() });
        }
    }

    /// Notes what a name in the scenario stands for (the digest of a file, what a profile holds): it counts as a part of the
    /// scenario.
    pub fn note_content(&self, digest: &str) {
        self.contents.borrow_mut().push(digest.to_owned());
    }

    /// SHA-256 of the scenario as run, and of what it names.
    pub fn hash(&self) -> String {
        self.root.hash(&self.contents.borrow())
    }

    /// Whether the value of this dotted path was written, in the file or in a `--set`: else its default holds.
    pub fn is_written(&self, key: &str) -> bool {
        self.root.at(key).is_some()
    }

    /// Whether a problem was noted at this very key.
    fn has_problem_at(&self, key: &str) -> bool {
        self.problems.borrow().iter().any(|(_, problem)| problem.key == key)
    }

    /// Whether nothing is wrong with these keys, so that comparing them makes sense.
    pub fn are_sound(&self, keys: &[&str]) -> bool {
        let problems = self.problems.borrow();
        let concerns = |problem: &Problem, key: &str| {
            problem.key.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        !keys.iter().any(|key| problems.iter().any(|(_, problem)| concerns(problem, key)))
    }

    /// The problems, if there are any, in order and with their places.
    pub fn finish(self, source: &str, sets: &[String]) -> Vec<Problem> {
        let mut found = self.problems.into_inner();
        drop_slips(&mut found);
        found.sort_by_key(|(place, _)| match place {
            Place::Whole => (0, 0),
            Place::Span(span) => (1, span.start),
            Place::Set(index) => (2, *index),
        });
        let lines = Lines::new(source);
        found.into_iter().map(|(place, problem)| problem.at(&place, &lines, sets)).collect()
    }
}

/// Drops what is said of a missing key where an unknown one of the same table is a slip of it: that says more.
fn drop_slips(found: &mut Vec<(Place, Problem)>) {
    let split = |key: &str| {
        let (table, leaf) = key.rsplit_once('.').unwrap_or(("", key));
        (table.to_owned(), leaf.to_owned())
    };
    let unknown: Vec<(String, String)> =
        found.iter().filter(|(_, it)| it.code == Code::UNKNOWN_KEY).map(|(_, it)| split(&it.key)).collect();
    found.retain(|(_, problem)| {
        let (table, leaf) = split(&problem.key);
        let is_slip = |(of, name): &(String, String)| *of == table && nearest(name, &[leaf.as_str()]).is_some();
        problem.code != Code::MISSING_KEY || !unknown.iter().any(is_slip)
    });
}

/// A table of the scenario, or its absence.
pub(super) struct Section<'a> {
    /// Where problems are noted.
    pub context: &'a Context<'a>,
    /// Dotted path of the table; empty for the whole document.
    pub path: String,
    node: Option<&'a Node>,
    asked: RefCell<Vec<&'static str>>,
    /// Those of the asked keys that are not worth suggesting: this version does not act on them.
    unsupported: RefCell<Vec<&'static str>>,
    takes_any_key: Cell<bool>,
}

impl<'a> Section<'a> {
    fn new(context: &'a Context<'a>, path: String, node: Option<&'a Node>) -> Section<'a> {
        Section {
            context,
            path,
            node,
            asked: RefCell::default(),
            unsupported: RefCell::default(),
            takes_any_key: Cell::new(false),
        }
    }

    /// The dotted path of a key here.
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Where the table was written.
    pub fn place(&self) -> Place {
        self.node.map_or(Place::Whole, |node| node.place.clone())
    }

    /// Whether the key is there. Does not count as asking for it.
    pub fn has(&self, key: &str) -> bool {
        self.node.is_some_and(|node| node.entry(key).is_some())
    }

    /// The value of a key, if it is there.
    pub fn field(&self, key: &'static str) -> Option<Field<'a>> {
        if !self.asked.borrow().contains(&key) {
            self.asked.borrow_mut().push(key);
        }
        #[cfg(test)]
        ASKED.with_borrow_mut(|asked| asked.insert(self.path_of(key)));
        let entry = self.node?.entry(key)?;
        Some(Field { context: self.context, path: self.path_of(key), node: &entry.node })
    }

    /// The value of a key that must be there.
    pub fn required(&self, key: &'static str, expected: &str) -> Option<Field<'a>> {
        self.required_or(Code::MISSING_KEY, key, expected)
    }

    /// The same, and which kind of problem its absence is.
    pub fn required_or(&self, code: Code, key: &'static str, expected: &str) -> Option<Field<'a>> {
        let field = self.field(key);
        // Where the table itself is no table, that has been said.
        if field.is_none() && !self.context.has_problem_at(&self.path) {
            let path = self.path_of(key);
            let message = format!("missing key `{path}`");
            let expected = format!("expected {expected}");
            self.context.problem(code, &self.place(), &path, message, expected, None);
        }
        field
    }

    /// Every key with its value, whatever its name.
    pub fn all_fields(&self) -> Vec<(&'a str, Field<'a>)> {
        self.takes_any_key.set(true);
        let Some(Node { value: Value::Table(entries), .. }) = self.node else { return Vec::new() };
        let field =
            |entry: &'a Entry| Field { context: self.context, path: self.path_of(&entry.key), node: &entry.node };
        entries.iter().map(|entry| (entry.key.as_str(), field(entry))).collect()
    }

    /// Reads the table of a key; if it is absent, an empty one: every key takes its default.
    pub fn read<T>(&self, key: &'static str, read: impl FnOnce(&Section<'a>) -> T) -> T {
        let section = self
            .field(key)
            .and_then(|field| field.table())
            .unwrap_or_else(|| Section::new(self.context, self.path_of(key), None));
        section.read_whole(read)
    }

    /// Reads this table, and notes the keys that the reader did not ask for.
    pub fn read_whole<T>(self, read: impl FnOnce(&Section<'a>) -> T) -> T {
        let value = read(&self);
        self.note_unknown_keys();
        value
    }

    fn note_unknown_keys(&self) {
        let Some(Node { value: Value::Table(entries), .. }) = self.node else { return };
        let asked = self.asked.borrow();
        if self.takes_any_key.get() {
            return;
        }
        let unsupported = self.unsupported.borrow();
        let known: Vec<&str> = asked.iter().copied().filter(|key| !unsupported.contains(key)).collect();
        for entry in entries.iter().filter(|entry| !asked.contains(&entry.key.as_str())) {
            let (message, expected) = if self.path.is_empty() {
                (format!("unknown key `{}`", entry.key), "not a key or table of a scenario".to_owned())
            } else {
                (format!("unknown key `{}` in `{}`", entry.key, self.path), format!("not a key of `{}`", self.path))
            };
            let help = suggestion(&entry.key, &known);
            self.context.problem(Code::UNKNOWN_KEY, &entry.place, &self.path_of(&entry.key), message, expected, help);
        }
    }

    /// Keys of the format that this version does not act on: said so, rather than called unknown.
    pub fn not_supported(&self, keys: &'static [&'static str]) {
        self.unsupported.borrow_mut().extend(keys);
        for field in keys.iter().filter_map(|key| self.field(key)) {
            field.not_supported(&format!("`{}`", field.path));
        }
    }

    /// Keys that belong to something else than what was chosen: said so, rather than called unknown.
    pub fn not_taken(&self, code: Code, keys: &'static [&'static str], whose: &str, expected: &str) {
        self.unsupported.borrow_mut().extend(keys);
        for field in keys.iter().filter_map(|key| self.field(key)) {
            let message = format!("`{}` is {whose}", field.path);
            self.context.problem(code, &field.node.place, &field.path, message, expected.to_owned(), None);
        }
    }

    /// A duration; zero is legal.
    pub fn duration(&self, key: &'static str, default: Duration) -> Duration {
        self.optional_duration(key).unwrap_or(default)
    }

    /// A duration without a default.
    pub fn optional_duration(&self, key: &'static str) -> Option<Duration> {
        self.field(key)?.duration()
    }

    /// A duration above zero.
    pub fn positive_duration(&self, key: &'static str, default: Duration) -> Duration {
        self.optional_positive_duration(key).unwrap_or(default)
    }

    /// A duration above zero without a default.
    pub fn optional_positive_duration(&self, key: &'static str) -> Option<Duration> {
        self.field(key)?.positive_duration()
    }

    /// A whole number.
    pub fn whole<T: TryFrom<u64>>(&self, key: &'static str, range: RangeInclusive<u64>, default: T) -> T {
        self.optional_whole(key, range).unwrap_or(default)
    }

    /// A whole number without a default.
    pub fn optional_whole<T: TryFrom<u64>>(&self, key: &'static str, range: RangeInclusive<u64>) -> Option<T> {
        T::try_from(self.field(key)?.whole(range)?).ok()
    }

    /// A real number.
    pub fn real(&self, key: &'static str, which: &Real, default: f64) -> f64 {
        self.optional_real(key, which).unwrap_or(default)
    }

    /// A real number without a default.
    pub fn optional_real(&self, key: &'static str, which: &Real) -> Option<f64> {
        self.field(key)?.real(which)
    }

    /// Yes or no.
    pub fn boolean(&self, key: &'static str, default: bool) -> bool {
        self.field(key).and_then(|field| field.boolean()).unwrap_or(default)
    }

    /// One of several words.
    pub fn choice<T: Copy>(&self, key: &'static str, words: &[(&str, T)], unsupported: &[&str], default: T) -> T {
        self.field(key).and_then(|field| field.choice(words, unsupported)).unwrap_or(default)
    }

    /// A number of replicas or a percentage of the desired ones.
    pub fn count_or_percent(&self, key: &'static str, default: CountOrPercent) -> CountOrPercent {
        self.field(key).and_then(|field| field.count_or_percent()).unwrap_or(default)
    }
}

/// A value with its path.
pub(super) struct Field<'a> {
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
            Value::Text(text) => super::problems::nearest(text, words).map(|word| format!("did you mean `{word}`?")),
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
