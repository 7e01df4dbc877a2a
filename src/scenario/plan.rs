//! `[plan]`: which settings may be chosen, what is to be as small as possible, and how closely that must be known.
//!
//! Whether a choice's key exists and takes its values shows when the scenario is read with each of them set; how the
//! best combination is found is the business of the study.

use serde::{Deserialize, Serialize};

use super::axis::Axis;
use super::checks;
use super::codes::Code;
use super::overrides::is_toml;
use super::reader::{Field, Section};
use super::tree::{Entry, Node, Value};

/// Words for the usual objectives, and the metrics that they stand for.
pub const OBJECTIVES: [(&str, &str); 4] = [
    ("dollars", "rollout_cost_usd"),
    ("duration", "rollout_duration_s"),
    ("peak_gpus", "peak_gpus"),
    ("exposure", "exposed_requests"),
];

/// What is minimised where nothing is said.
pub const DEFAULT_OBJECTIVE: &str = "cost_usd";

/// `[plan]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the metric whose mean over runs is to be as small as possible.
    pub minimize: String,
    /// Differences that do not matter.
    pub tolerance: Tolerance,
    /// Most runs of a candidate; `None`: `study.runs`.
    pub max_runs: Option<u64>,
    /// The choices, in the order of the file.
    pub choices: Vec<Axis>,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            minimize: DEFAULT_OBJECTIVE.to_owned(),
            tolerance: Tolerance::Share(0.01),
            max_runs: None,
            choices: Vec::new(),
        }
    }
}

/// Up to which difference of the objective two candidates count as equally good.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Tolerance {
    /// This share of the better one's value.
    Share(f64),
    /// This much, in the objective's unit.
    Absolute(f64),
}

impl Tolerance {
    /// Reads `1%` or a number.
    ///
    /// # Errors
    /// What was expected, for a person.
    pub fn parse(text: &str) -> Result<Tolerance, String> {
        if text.trim().starts_with('-') {
            return Err(format!(
                "a tolerance cannot be negative: expected a percentage such as `1%`, or a number from 0, found `{text}`"
            ));
        }
        let expected = || format!("expected a percentage such as `1%`, or a number from 0, found `{text}`");
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| (0.0..=1e15).contains(number));
        match text.trim().strip_suffix('%') {
            Some(percent) => number(percent).map(|percent| Tolerance::Share(percent / 100.0)),
            None => number(text).map(Tolerance::Absolute),
        }
        .ok_or_else(expected)
    }
}

/// The metric that a word or a metric's name stands for.
pub fn objective(word: &str) -> &str {
    OBJECTIVES.iter().find(|(known, _)| *known == word).map_or(word, |(_, metric)| metric)
}

/// Why this key may not be a choice: candidates that differ in it could not be compared, or not at all.
pub fn no_choice(key: &str) -> Option<&'static str> {
    match key.split('.').next().unwrap_or_default() {
        "study" => Some("candidates are compared over the same window and the same runs"),
        "check" => Some("the checks are what every candidate must meet"),
        "plan" | "name" => Some("it changes nothing that is simulated"),
        _ => None,
    }
}

/// Reads `[plan]`; `metrics` are the names that may be minimised.
pub(super) fn read(section: &Section<'_>, metrics: &[&str]) -> Plan {
    let default = Plan::default();
    let words: Vec<&str> = OBJECTIVES.iter().map(|(word, _)| *word).chain(metrics.iter().copied()).collect();
    let minimize = section.field("minimize").and_then(|field| match &field.node.value {
        Value::Text(text) if words.contains(&text.as_str()) => Some(objective(text).to_owned()),
        _ => checks::unknown_metric(&field, &words),
    });
    let tolerance = section.field("tolerance").and_then(|field| read_tolerance(&field));
    let mut choices = Vec::new();
    if let Some(field) = section.field("choices") {
        collect(&field, "", &mut choices);
    }
    Plan {
        minimize: minimize.unwrap_or(default.minimize),
        tolerance: tolerance.unwrap_or(default.tolerance),
        max_runs: section.optional_whole("max_runs", 2..=10_000_000),
        choices,
    }
}

fn read_tolerance(field: &Field<'_>) -> Option<Tolerance> {
    let text = match &field.node.value {
        Value::Text(text) if text.trim().ends_with('%') => text.clone(),
        _ => field.number().map(|number| number.to_string()).unwrap_or_default(),
    };
    match Tolerance::parse(&text) {
        Ok(tolerance) => Some(tolerance),
        Err(_) => field.wrong(Code::WRONG_VALUE, "a percentage such as \"1%\", or a number from 0"),
    }
}

/// Collects the lists below a table with their dotted paths: `"rollout.strategy" = [...]`, with or without quotes.
fn collect(field: &Field<'_>, above: &str, choices: &mut Vec<Axis>) {
    let Value::Table(entries) = &field.node.value else {
        return field.wrong::<()>(Code::WRONG_TYPE, "a list of values, such as [\"30s\", \"2m\"]").unwrap_or_default();
    };
    for entry in entries {
        let key = if above.is_empty() { entry.key.clone() } else { format!("{above}.{}", entry.key) };
        let below = Field { context: field.context, path: format!("{}.{}", field.path, entry.key), node: &entry.node };
        match &entry.node.value {
            Value::List(list) => choices.extend(axis(&below, key, list, choices)),
            _ => collect(&below, &key, choices),
        }
    }
}

fn axis(field: &Field<'_>, key: String, list: &[Node], earlier: &[Axis]) -> Option<Axis> {
    if let Some(why) = no_choice(&key) {
        return field.wrong_because(Code::CHOICES, format!("`{key}` cannot be a choice: {why}"), None);
    }
    if earlier.iter().any(|axis| axis.key == key) {
        return field.wrong_because(
            Code::CHOICES,
            format!("`{key}` is a choice already, written in another way"),
            None,
        );
    }
    let values: Vec<String> = list.iter().map(written).collect();
    if values.is_empty() {
        return field.wrong(Code::CHOICES, "at least one value");
    }
    if let Some(again) = values.iter().enumerate().find_map(|(at, value)| values[..at].contains(value).then_some(value))
    {
        return field.wrong_because(Code::CHOICES, format!("expected different values, found {again} twice"), None);
    }
    Some(Axis { key, values })
}

/// The value as `--set` takes it: TOML, without quotes where a text is no TOML of another meaning.
fn written(node: &Node) -> String {
    match &node.value {
        Value::Text(text) if !is_toml(text) && text.trim() == text && !text.is_empty() => text.clone(),
        _ => in_toml(node),
    }
}

/// The value as TOML on one line.
fn in_toml(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => quoted(text),
        Value::Whole(number) => number.to_string(),
        Value::Real(number) => format!("{number:?}"),
        Value::Boolean(truth) => truth.to_string(),
        Value::Date(date) => date.clone(),
        Value::List(list) => format!("[{}]", list.iter().map(in_toml).collect::<Vec<String>>().join(", ")),
        Value::Table(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Table(entries) => {
            let pair = |entry: &Entry| format!("{} = {}", key_in_toml(&entry.key), in_toml(&entry.node));
            format!("{{ {} }}", entries.iter().map(pair).collect::<Vec<String>>().join(", "))
        }
    }
}

fn key_in_toml(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(is_bare) { key.to_owned() } else { quoted(key) }
}

/// A basic string of TOML: what JSON escapes, TOML does in the same way.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}
