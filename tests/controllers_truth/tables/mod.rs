//! Single decisions against tables: rows of the projects' own tests, which are not ours to copy and are read where they
//! are, and rows generated for us by calls of the real functions.

use serde_json::Value;

use crate::{directory_of_tables, say, text};

mod analysis;
mod argo;
mod conditions;
mod generated;
mod kubernetes;

/// How a row went.
pub(super) enum Row {
    /// Ours gives what was recorded.
    Agrees,
    /// Ours gives something else.
    Differs(String),
    /// It asks for what a simulation cannot have.
    NotApplicable(&'static str),
}

impl Row {
    /// A row that gives `ours` where `recorded` was.
    pub(super) fn of<T: PartialEq + std::fmt::Debug>(ours: T, recorded: T) -> Row {
        if ours == recorded { Row::Agrees } else { Row::Differs(format!("recorded {recorded:?}, ours {ours:?}")) }
    }
}

/// What becomes of a table of this name.
pub(super) enum Table {
    /// Its rows are compared by this.
    Rows(fn(&Value) -> Row),
    /// None of them is about a decision of ours.
    NotApplicable(&'static str),
}

/// Compares the tables of a file; says how many rows agree and which are not applicable; panics with those that differ.
fn compare(what: &str, tables: &Value, find: impl Fn(&str) -> Table) {
    let (mut agreeing, mut applicable, mut differing, mut report) = (0, 0, Vec::new(), String::new());
    for (name, rows) in tables.as_object().expect("tables") {
        let rows = rows.as_array().expect("rows");
        let compare = match find(name) {
            Table::Rows(compare) => compare,
            Table::NotApplicable(reason) => {
                report.push_str(&format!("{what}: {name} ({} rows) is not applicable: {reason}\n", rows.len()));
                continue;
            }
        };
        for (number, row) in rows.iter().enumerate() {
            match compare(row) {
                Row::NotApplicable(reason) => {
                    report.push_str(&format!("{what}: {name}, row {number} is not applicable: {reason}\n"));
                    continue;
                }
                Row::Agrees => agreeing += 1,
                Row::Differs(difference) => differing.push(format!("{name}, row {number}: {difference}\n  {row}")),
            }
            applicable += 1;
        }
    }
    say(&format!("{report}{what}: {agreeing} of {applicable} rows agree\n"));
    assert!(differing.is_empty(), "{} rows of the {what} differ\n{}", differing.len(), differing.join("\n"));
}

fn tables_of(name: &str, what: &str) -> Option<Value> {
    let text = text(directory_of_tables(), name, what)?;
    let file: Value = serde_json::from_str(&text).expect("JSON");
    file.get("tables").cloned()
}

#[test]
fn rows_of_kubernetes_own_tests_agree() {
    let what = "kubernetes tables";
    if let Some(tables) = tables_of("kubernetes_tables.json", what) {
        compare(what, &tables, kubernetes::table);
    }
}

#[test]
fn rows_of_argo_rollouts_own_tests_agree() {
    let what = "argo tables";
    if let Some(tables) = tables_of("argo_canary_tables.json.gz", what) {
        compare(what, &tables, argo::table);
    }
}

#[test]
fn rows_of_argo_rollouts_own_tests_of_analyses_agree() {
    let what = "argo analysis tables";
    if let Some(tables) = tables_of("argo_analysis_runs.json", what) {
        compare(what, &tables, analysis::table);
    }
}
