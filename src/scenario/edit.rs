//! A scenario's file with other settings: the text as its author wrote it, comments and order included, with some values
//! changed.

use std::cell::RefCell;
use std::collections::BTreeSet;

use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::overrides::dotted_path;

/// A scenario's text under revision.
#[derive(Clone, Debug)]
pub struct Revision {
    document: DocumentMut,
}

impl Revision {
    /// Of this text, which must be TOML.
    ///
    /// # Errors
    /// What is wrong with it as TOML.
    pub fn of(text: &str) -> Result<Revision, String> {
        let text = text.trim_start_matches('\u{feff}');
        text.parse().map(|document| Revision { document }).map_err(|error: toml_edit::TomlError| error.to_string())
    }

    /// Applies a `KEY=VALUE` as `--set` does.
    ///
    /// # Errors
    /// The key names no place in this document.
    pub fn set(&mut self, setting: &str) -> Result<(), String> {
        let wrong = || format!("`{setting}` cannot be written into the scenario");
        let (key, value) = setting.split_once('=').ok_or_else(wrong)?;
        let path = dotted_path(key).ok_or_else(wrong)?;
        let value = value.trim();
        let value = value.parse::<Value>().unwrap_or_else(|_| Value::from(value));
        set_in(self.document.as_table_mut(), &path, value).ok_or_else(wrong)
    }

    /// Takes out a table or key of the document.
    pub fn remove(&mut self, key: &str) {
        self.document.remove(key);
    }

    /// The files that it names, in no order that matters: the trace, and those of empirical distributions.
    pub fn files(&self) -> BTreeSet<String> {
        let files = RefCell::new(BTreeSet::new());
        self.clone().rename_files(&|name| {
            files.borrow_mut().insert(name.to_owned());
            None
        });
        files.into_inner()
    }

    /// Names each file by what `name` makes of its name, where it makes something of it.
    pub fn rename_files(&mut self, name: &dyn Fn(&str) -> Option<String>) {
        rename(self.document.as_table_mut(), "", name);
    }

    /// The whole text, with these lines of comment before it.
    pub fn text(&self, comment: &[String]) -> String {
        let lines: Vec<String> = comment.iter().map(|line| format!("# {line}\n")).collect();
        let separator = if lines.is_empty() { "" } else { "\n" };
        format!("{}{separator}{}", lines.concat(), self.document)
    }
}

/// Sets the value of this path below a table, making tables that it lacks; `None` where a single value is in the way.
fn set_in(table: &mut dyn TableLike, path: &[String], value: Value) -> Option<()> {
    let (key, rest) = path.split_first()?;
    if rest.is_empty() {
        set_item(table.entry(key).or_insert(Item::None), value);
        return Some(());
    }
    if table.get(key).is_none_or(Item::is_none) {
        let mut below = Table::new();
        // A table of nothing but tables needs no heading.
        below.set_implicit(true);
        table.insert(key, Item::Table(below));
    }
    set_below(table.get_mut(key)?, rest, value)
}

fn set_below(item: &mut Item, path: &[String], value: Value) -> Option<()> {
    match item {
        Item::Table(table) => {
            if path.len() == 1 {
                table.set_implicit(false);
            }
            set_in(table, path, value)
        }
        Item::ArrayOfTables(tables) => {
            let (index, rest) = path.split_first()?;
            let table = tables.get_mut(index.parse().ok()?)?;
            if rest.is_empty() { None } else { set_in(table, rest, value) }
        }
        Item::Value(inline) => set_in_value(inline, path, value),
        Item::None => None,
    }
}

fn set_in_value(inline: &mut Value, path: &[String], value: Value) -> Option<()> {
    match inline {
        Value::InlineTable(table) => set_in_inline(table, path, value),
        Value::Array(list) => {
            let (index, rest) = path.split_first()?;
            let element = list.get_mut(index.parse().ok()?)?;
            if rest.is_empty() {
                *element = decorated(value, element);
                return Some(());
            }
            set_in_value(element, rest, value)
        }
        _ => None,
    }
}

fn set_in_inline(table: &mut InlineTable, path: &[String], value: Value) -> Option<()> {
    let (key, rest) = path.split_first()?;
    if rest.is_empty() {
        let value = match table.get(key) {
            Some(old) => decorated(value, old),
            None => value,
        };
        table.insert(key, value);
        return Some(());
    }
    if !table.contains_key(key) {
        table.insert(key, InlineTable::new().into());
    }
    set_in_value(table.get_mut(key)?, rest, value)
}

/// Puts a value in the place of what stands there, with the spaces and comments around it.
fn set_item(item: &mut Item, value: Value) {
    *item = Item::Value(match item {
        Item::Value(old) => decorated(value, old),
        _ => value,
    });
}

fn decorated(mut value: Value, old: &Value) -> Value {
    *value.decor_mut() = old.decor().clone();
    value
}

/// Whether a key at this path of a table holds a file's name.
fn names_a_file(table: &dyn TableLike, path: &str, key: &str) -> bool {
    let is_empirical = || table.get("distribution").and_then(Item::as_str) == Some("empirical");
    (path == "traffic" && key == "trace") || (key == "file" && is_empirical())
}

/// Names each file below a table, whose key is `path`, by what `name` makes of its name.
fn rename(table: &mut dyn TableLike, path: &str, name: &dyn Fn(&str) -> Option<String>) {
    let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    for key in keys {
        let is_file = names_a_file(table, path, &key);
        let Some(item) = table.get_mut(&key) else { continue };
        if let Some(new) = item.as_str().filter(|_| is_file).and_then(name) {
            set_item(item, new.into());
        }
        match item {
            Item::Table(below) => rename(below, &key, name),
            Item::ArrayOfTables(tables) => tables.iter_mut().for_each(|below| rename(below, &key, name)),
            Item::Value(Value::InlineTable(below)) => rename(below, &key, name),
            Item::Value(Value::Array(list)) => {
                for below in list.iter_mut().filter_map(Value::as_inline_table_mut) {
                    rename(below, &key, name);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# What it is.
name = \"A\"          # for people

[traffic]
trace = \"traces/t.csv.gz\"

[cold_start]
image_pull = { distribution = \"empirical\", file = \"../pulls.csv\", column = \"s\" }
engine_start = { distribution = \"mixture\", parts = [{ weight = 1.0, distribution = \"empirical\", file = \"e.csv\", column = \"s\" }] }

[termination]
grace_period = \"30s\"  # to SIGKILL

[plan]                 # choices
minimize = \"dollars\"

[plan.choices]
\"termination.grace_period\" = [\"30s\"]

[[check]]
metric = \"truncated_attempts\"
statistic = \"mean\"
max = 1
";

    #[test]
    fn settings_change_values_and_leave_comments_where_they_are() {
        let mut revision = Revision::of(TEXT).unwrap();
        for setting in [
            "name=A: best",
            "termination.grace_period=2m",
            "rollout.strategy=rolling",
            "rollout.rolling.max_surge=25%",
            "fleet.replicas=9",
            "check.0.max=5",
            "cold_start.image_pull.column=t",
            "cold_start.engine_start.parts.0.weight=2.0",
        ] {
            revision.set(setting).unwrap();
        }
        revision.remove("plan");
        let text = revision.text(&["Made.".to_owned()]);
        assert!(text.starts_with("# Made.\n\n# What it is.\nname = \"A: best\"          # for people\n"), "{text}");
        assert!(text.contains("grace_period = \"2m\"  # to SIGKILL\n"), "{text}");
        assert!(text.contains("max = 5\n") && !text.contains("plan") && !text.contains("choices"), "{text}");
        assert!(text.contains("column = \"t\" }") && text.contains("weight = 2.0,"), "{text}");
        let read: toml::Table = text.parse().unwrap();
        assert_eq!(read["rollout"]["strategy"].as_str(), Some("rolling"));
        assert_eq!(read["rollout"]["rolling"]["max_surge"].as_str(), Some("25%"));
        assert_eq!(read["fleet"]["replicas"].as_integer(), Some(9));
        for wrong in ["name.x=1", "check.1.max=2", "novalue", "check.0=1"] {
            assert!(revision.set(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn files_are_found_and_renamed_wherever_they_are_named() {
        let mut revision = Revision::of(TEXT).unwrap();
        let names: Vec<String> = revision.files().into_iter().collect();
        assert_eq!(names, ["../pulls.csv", "e.csv", "traces/t.csv.gz"]);
        revision.rename_files(&|name| (name == "../pulls.csv").then(|| "data/pulls.csv".to_owned()));
        let names: Vec<String> = revision.files().into_iter().collect();
        assert_eq!(names, ["data/pulls.csv", "e.csv", "traces/t.csv.gz"]);
    }
}
