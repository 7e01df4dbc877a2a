//! `--set KEY=VALUE`: any key of a scenario, by its dotted path, from the command line.
//!
//! The value replaces what the file says before anything is checked, so a mistake in it is reported like one in the file.

use toml::de::{DeTable, DeValue};

use super::tree::{Entry, Node, Place, Value};

/// Deepest path that a `--set` may name; no key of a scenario lies deeper.
const DEEPEST: usize = 32;

/// Why a `--set` cannot be applied: the key, what was expected.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Dotted path of the key; empty if there is none.
    pub key: String,
    /// What was expected instead.
    pub expected: String,
}

/// Applies the `--set` of this index to the tree.
///
/// # Errors
/// The text names no key, or one below a value that has none; the tree is then as before.
pub(super) fn apply(root: &mut Node, index: usize, set: &str) -> Result<(), Refusal> {
    let refuse = |key: &str, expected: String| Refusal { key: key.to_owned(), expected };
    let Some((key, value)) = set.split_once('=') else {
        return Err(refuse("", "expected KEY=VALUE, such as `fleet.replicas=10`".to_owned()));
    };
    let Some(path) = dotted_path(key) else {
        return Err(refuse("", format!("expected a dotted key such as `fleet.replicas` before `=`, found `{key}`")));
    };
    let slot = descend(root, &path, index).map_err(|expected| refuse(&path.join("."), expected))?;
    *slot = read_value(value.trim(), index);
    Ok(())
}

/// The parts of a dotted TOML key.
pub(super) fn dotted_path(key: &str) -> Option<Vec<String>> {
    // A key is one line and no comment; anything else would smuggle in more than one assignment.
    if key.contains(['\n', '\r', '#', '=']) {
        return None;
    }
    let text = format!("{key} = 0");
    let document = DeTable::parse(&text).ok()?;
    let mut table = document.get_ref();
    let mut path = Vec::new();
    loop {
        let (part, value) = table.iter().next()?;
        path.push(part.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(inner) if path.len() < DEEPEST => table = inner,
            DeValue::Integer(_) => return Some(path),
            _ => return None,
        }
    }
}

/// A TOML value, or the text itself where it is none: `60s` needs no quotes.
fn read_value(text: &str, index: usize) -> Node {
    match DeValue::parse(text) {
        Ok(value) => Node::new(&value, Some(index)),
        Err(_) => Node { value: Value::Text(text.to_owned()), place: Place::Set(index) },
    }
}

/// Whether a text is a TOML value by itself, so that it would not be taken for plain text.
pub(super) fn is_toml(text: &str) -> bool {
    DeValue::parse(text).is_ok()
}

/// The value of this path, made where tables lack it.
fn descend<'n>(root: &'n mut Node, path: &[String], index: usize) -> Result<&'n mut Node, String> {
    let mut node = root;
    for (depth, part) in path.iter().enumerate() {
        let so_far = path[..depth].join(".");
        node = match &mut node.value {
            Value::Table(entries) => child(entries, part, index),
            Value::List(list) => {
                let count = list.len();
                part.parse::<usize>().ok().and_then(|at| list.get_mut(at)).ok_or_else(|| {
                    format!(
                        "expected an index into `{so_far}`, which has {count} elements, counted from 0, found `{part}`"
                    )
                })?
            }
            _ => return Err(format!("`{so_far}` is a single value here, not a table that could have a key `{part}`")),
        };
    }
    Ok(node)
}

/// The value of a key, an empty table if it is new.
fn child<'n>(entries: &'n mut Vec<Entry>, key: &str, index: usize) -> &'n mut Node {
    let at = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
        let node = Node { value: Value::Table(Vec::new()), place: Place::Set(index) };
        entries.push(Entry { key: key.to_owned(), place: Place::Set(index), node });
        entries.len() - 1
    });
    &mut entries[at].node
}
