//! Regular expressions for text with a unit. They take whatever [`units`](crate::units) reads; no look-around, which not
//! every editor's engine has.

use serde_json::{Value, json};

/// A number without a sign.
const NUMBER: &str = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)";
/// A number that is not zero.
const ABOVE_ZERO: &str = r"(?:[0-9]*[1-9][0-9]*\.?[0-9]*|[0-9]*\.[0-9]*[1-9][0-9]*)";
/// Units of durations.
const UNITS: &str = r"\s*(?:ns|us|µs|ms|s|m|h|d)\s*";

/// `"1h30m"`.
pub(super) fn duration(above_zero: bool) -> Value {
    let any = format!("(?:{NUMBER}{UNITS})");
    let (title, pattern) = match above_zero {
        true => ("duration above zero", format!(r"^\s*{any}*{ABOVE_ZERO}{UNITS}{any}*$")),
        false => ("duration", format!(r"^\s*{any}+$")),
    };
    json!({ "title": title, "type": "string", "pattern": pattern })
}

/// `"25%"`.
pub(super) fn percent(title: &str) -> Value {
    json!({ "title": title, "type": "string", "pattern": r"^\s*\+?[0-9]+\s*%\s*$" })
}

/// `"0.5%"`.
pub(super) fn share(title: &str) -> Value {
    json!({ "title": title, "type": "string", "pattern": format!(r"^\s*\+?{NUMBER}(?:[eE][+-]?[0-9]+)?\s*%\s*$") })
}

/// `"700 MB/s"`.
pub(super) fn bandwidth(title: &str) -> Value {
    json!({ "title": title, "type": "string", "pattern": format!(r"^\s*{NUMBER}\s*(?:GB/s|MB/s|TB/s|GiB/s|MiB/s)\s*$") })
}
