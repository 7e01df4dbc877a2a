//! A check and how it came out, as every document tells it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::EstimateJson;
use crate::scenario::{Severity, Statistic};
use crate::study::{CheckResult, Verdict};

/// A check and how it came out.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct CheckJson<'a> {
    /// The metric's name.
    metric: &'a str,
    /// The statistic over runs.
    #[schemars(schema_with = "statistic")]
    statistic: &'static str,
    /// The least that is allowed, in the metric's unit; null for no such bound.
    min: Option<f64>,
    /// The most that is allowed, in the metric's unit; null for no such bound.
    max: Option<f64>,
    /// What it means for the gate where it does not hold.
    severity: Severity,
    /// Why it is promised; left out where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// What was found.
    estimate: EstimateJson,
    /// How it came out.
    verdict: Verdict,
    /// Why it is inconclusive, and what would settle it; or why it failed without an estimate; else empty.
    explanation: &'a str,
}

fn statistic(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": Statistic::ALL.map(|(_, name)| name) })
}

impl<'a> From<&'a CheckResult> for CheckJson<'a> {
    fn from(check: &'a CheckResult) -> CheckJson<'a> {
        CheckJson {
            metric: &check.metric,
            statistic: check.statistic.name(),
            min: check.min,
            max: check.max,
            severity: check.severity,
            description: check.description.as_deref(),
            estimate: (&check.estimate).into(),
            verdict: check.verdict,
            explanation: &check.explanation,
        }
    }
}
