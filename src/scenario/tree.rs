//! A TOML document as a tree whose every value knows where it was written, in the file or in a `--set`.
//!
//! What the values mean is none of this module's business.

use std::fmt::Write as _;
use std::ops::Range;

use sha2::{Digest as _, Sha256};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere in particular: the file as a whole.
    Whole,
    /// These bytes of the file.
    Span(Range<usize>),
    /// The `--set` of this index.
    Set(usize),
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// What was written.
    pub value: Value,
    /// Where.
    pub place: Place,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A string.
    Text(String),
    /// A whole number; one too long for this type is read as a [`Value::Real`], too large for any key.
    Whole(i128),
    /// A number with a point or an exponent; not necessarily finite.
    Real(f64),
    /// True or false.
    Boolean(bool),
    /// A date or a time, which no key takes.
    Date(String),
    /// An array, of tables or otherwise.
    List(Vec<Node>),
    /// A table, inline or not.
    Table(Vec<Entry>),
}

/// A key of a table with its value, in the order of the file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The key, without its table.
    pub key: String,
    /// Where the key was written.
    pub place: Place,
    /// Its value.
    pub node: Node,
}

impl Node {
    /// The tree of a parsed document.
    pub fn document(table: &DeTable<'_>) -> Node {
        Node { value: Value::Table(entries(table, None)), place: Place::Whole }
    }

    /// A parsed value: from the file, or, with an index, from that `--set`.
    pub fn new(value: &Spanned<DeValue<'_>>, set: Option<usize>) -> Node {
        let place = set.map_or(Place::Span(value.span()), Place::Set);
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(digits) => i128::from_str_radix(digits.as_str(), digits.radix())
                .map_or_else(|_| Value::Real(digits.as_str().parse().unwrap_or(f64::INFINITY)), Value::Whole),
            DeValue::Float(digits) => Value::Real(digits.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(truth) => Value::Boolean(*truth),
            DeValue::Datetime(date) => Value::Date(date.to_string()),
            DeValue::Array(list) => Value::List(list.iter().map(|element| Node::new(element, set)).collect()),
            DeValue::Table(table) => Value::Table(entries(table, set)),
        };
        Node { value, place }
    }

    /// The entry of this key, if this is a table that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Table(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The value of a key of a table, or of an index of a list.
    fn child(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(_) => self.entry(key).map(|entry| &entry.node),
            Value::List(list) => key.parse::<usize>().ok().and_then(|index| list.get(index)),
            _ => None,
        }
    }

    /// The value of this dotted path, if it was written.
    pub fn at(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |node, key| node.child(key))
    }

    /// Where the value of this dotted path was written, or the innermost table on the way to it that was.
    pub fn place_of(&self, path: &str) -> Place {
        let mut node = self;
        for key in path.split('.') {
            match node.child(key) {
                Some(next) => node = next,
                None => break,
            }
        }
        node.place.clone()
    }

    /// SHA-256 of the canonical text, in hexadecimal: the same for any formatting, comments and order of keys.
    pub fn hash(&self, contents: &[String]) -> String {
        let mut text = String::new();
        self.write_canonical(&mut text);
        text.extend(contents.iter().map(String::as_str));
        Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hexadecimal, byte| {
            let _ = write!(hexadecimal, "{byte:02x}");
            hexadecimal
        })
    }

    /// Writes the value with sorted keys and nothing optional.
    fn write_canonical(&self, text: &mut String) {
        // Writing to a string cannot fail.
        let _ = match &self.value {
            Value::Text(value) => write!(text, "{value:?}"),
            Value::Whole(value) => write!(text, "{value}"),
            Value::Real(value) => write!(text, "{value:?}"),
            Value::Boolean(value) => write!(text, "{value}"),
            Value::Date(value) => write!(text, "{value}"),
            Value::List(list) => {
                text.push('[');
                for element in list {
                    element.write_canonical(text);
                    text.push(',');
                }
                write!(text, "]")
            }
            Value::Table(entries) => {
                let mut sorted: Vec<&Entry> = entries.iter().collect();
                sorted.sort_by(|a, b| a.key.cmp(&b.key));
                text.push('{');
                for entry in sorted {
                    let _ = write!(text, "{:?}=", entry.key);
                    entry.node.write_canonical(text);
                    text.push(',');
                }
                write!(text, "}}")
            }
        };
    }
}

fn entries(table: &DeTable<'_>, set: Option<usize>) -> Vec<Entry> {
    let mut written: Vec<_> = table.iter().collect();
    written.sort_by_key(|(key, _)| key.span().start);
    written
        .into_iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            place: set.map_or(Place::Span(key.span()), Place::Set),
            node: Node::new(value, set),
        })
        .collect()
}
