//! Rows of Argo Rollouts' own tests of analyses (`analysis/analysis_test.go`).

use cutover::rollout::analysis::{Counts, RunPhase};
use cutover::scenario::Analysis;
use serde_json::Value;

use super::{Row, Table};
use crate::analysis_runs::template;
use crate::harness::count;

/// What becomes of a table.
pub(super) fn table(name: &str) -> Table {
    match name {
        "assessMetricStatus" => Table::Rows(status_row),
        "assessMetricFailureInconclusiveOrError" => Table::Rows(exceeded_row),
        _ => Table::NotApplicable("no function of ours"),
    }
}

/// A row's metric with what its measurements came to.
fn metric(row: &Value) -> (Analysis, Counts) {
    let mut metric = row["in"]["metric"].clone();
    if metric["name"].is_null() {
        metric["name"] = "metric".into();
    }
    let result = &row["in"]["result"];
    let counts = Counts {
        taken: result["measurements"].as_u64().unwrap_or(1) as u32,
        counted: count(&result["count"]),
        failed: count(&result["failed"]),
        inconclusive: count(&result["inconclusive"]),
        consecutive_errors: count(&result["consecutiveError"]),
        consecutive_successes: count(&result["consecutiveSuccess"]),
    };
    (template(&metric), counts)
}

fn status_row(row: &Value) -> Row {
    if row["in"]["result"]["lastMeasurementPhase"] == "Running" {
        return Row::NotApplicable("measurements take no time here");
    }
    let (analysis, counts) = metric(row);
    let (phase, _) = counts.assess(&analysis, row["in"]["terminating"] == true);
    let recorded = match row["out"].as_str() {
        // Not measured yet.
        Some("Pending") => "Running",
        other => other.expect("a phase"),
    };
    Row::of(format!("{phase:?}"), recorded.to_owned())
}

fn exceeded_row(row: &Value) -> Row {
    let (analysis, counts) = metric(row);
    let (phase, message) = counts.exceeded(&analysis).unwrap_or((RunPhase::Running, String::new()));
    let phase = if phase == RunPhase::Running { String::new() } else { format!("{phase:?}") };
    let recorded = |key: &str| row["out"][key].as_str().expect("text").to_owned();
    Row::of((phase, in_camel_case(&message)), (recorded("phase"), recorded("message")))
}

/// Our keys in Argo Rollouts' spelling.
fn in_camel_case(text: &str) -> String {
    let mut parts = text.split('_');
    let mut spelled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (first, rest) = part.split_at(1);
        spelled.push_str(&first.to_uppercase());
        spelled.push_str(rest);
    }
    spelled
}
