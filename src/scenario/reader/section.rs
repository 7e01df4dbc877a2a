//! A table, read by asking for its keys; what nobody asked for is an unknown key.

use std::cell::{Cell, RefCell};
use std::ops::RangeInclusive;

#[cfg(test)]
use super::ASKED;
use super::{Context, Field, Real};
use crate::scenario::codes::Code;
use crate::scenario::keys::where_it_belongs;
use crate::scenario::problems::{nearest, suggestion};
use crate::scenario::tree::{Entry, Node, Place, Value};
use crate::units::{CountOrPercent, Duration};

/// A table of the scenario, or its absence.
pub struct Section<'a> {
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
    pub(super) fn new(context: &'a Context<'a>, path: String, node: Option<&'a Node>) -> Section<'a> {
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
            let near = nearest(&entry.key, &known);
            let misplaced = if near.is_none() { where_it_belongs(&entry.key, &self.path) } else { None };
            let help = misplaced.or_else(|| suggestion(&entry.key, &known));
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
