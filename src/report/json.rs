//! `summary.json`: everything in the report, for scripts.
//!
//! Version 1 of its shape. An estimate is `{ "value", "low", "high" }`, `low` and `high` the ends of its 95 %
//! interval, both null where the runs give none. An empty number is null; infinity, which an unfinished rollout puts
//! into quantiles of its duration, is the string `"inf"`, because JSON has no number for it. Seconds, US dollars and
//! shares from 0 to 1 throughout.

use serde::{Serialize, Serializer};

use super::content;
use super::gate::BaselineJson;
use crate::ledger::Histogram;
use crate::study::{
    Against, CheckResult, Ended, Estimate, MetricSummary, Precision, SHARE_TO_FINISH, Standing, StudyResult, Verdict,
    planning, requests_hash, why,
};

/// Version of the shape of the file; it grows when a key changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// A number that JSON may not be able to write.
#[derive(Clone, Copy)]
pub(super) struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_nan() => serializer.serialize_none(),
            f64::INFINITY => serializer.serialize_str("inf"),
            f64::NEG_INFINITY => serializer.serialize_str("-inf"),
            value => serializer.serialize_f64(value),
        }
    }
}

/// An object whose keys keep their order.
pub(super) struct Ordered<T>(pub Vec<(&'static str, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// An [`Estimate`].
#[derive(Serialize)]
pub(super) struct EstimateJson {
    value: Number,
    low: Option<Number>,
    high: Option<Number>,
}

impl From<&Estimate> for EstimateJson {
    fn from(estimate: &Estimate) -> EstimateJson {
        EstimateJson {
            value: Number(estimate.value),
            low: estimate.interval.map(|(low, _)| Number(low)),
            high: estimate.interval.map(|(_, high)| Number(high)),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Provenance {
    version: String,
    scenario: String,
    scenario_hash: String,
    requests_hash: String,
    seed: u64,
    runs: u64,
    runs_asked_for: u64,
    partial: bool,
}

impl Provenance {
    /// Where a result comes from.
    pub(super) fn of(result: &StudyResult) -> Provenance {
        Provenance {
            version: result.scenario.read_by.clone(),
            scenario: result.scenario.name.clone(),
            scenario_hash: result.scenario.hash.clone(),
            requests_hash: requests_hash(&result.scenario),
            seed: result.scenario.study.seed,
            runs: result.records.len() as u64,
            runs_asked_for: result.scenario.study.runs,
            partial: result.partial,
        }
    }
}

/// A check and how it came out.
#[derive(Serialize)]
pub(super) struct CheckJson<'a> {
    metric: &'a str,
    statistic: &'static str,
    min: Option<f64>,
    max: Option<f64>,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    estimate: EstimateJson,
    verdict: &'static str,
    explanation: &'a str,
}

/// The word for how a check came out.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Inconclusive => "inconclusive",
    }
}

impl<'a> From<&'a CheckResult> for CheckJson<'a> {
    fn from(check: &'a CheckResult) -> CheckJson<'a> {
        CheckJson {
            metric: &check.metric,
            statistic: check.statistic.name(),
            min: check.min,
            max: check.max,
            severity: check.severity.name(),
            description: check.description.as_deref(),
            estimate: (&check.estimate).into(),
            verdict: verdict(check.verdict),
            explanation: &check.explanation,
        }
    }
}

#[derive(Serialize)]
struct MetricJson {
    unit: &'static str,
    meaning: &'static str,
    runs: u64,
    mean: EstimateJson,
    standard_deviation: Number,
    min: Number,
    max: Number,
    p50: EstimateJson,
    p90: EstimateJson,
    p95: EstimateJson,
    p99: EstimateJson,
    probability_positive: EstimateJson,
}

impl From<&MetricSummary> for MetricJson {
    fn from(summary: &MetricSummary) -> MetricJson {
        MetricJson {
            unit: summary.metric.description().unit,
            meaning: summary.metric.description().meaning,
            runs: summary.runs,
            mean: (&summary.mean).into(),
            standard_deviation: Number(summary.standard_deviation),
            min: Number(summary.min),
            max: Number(summary.max),
            p50: (&summary.p50).into(),
            p90: (&summary.p90).into(),
            p95: (&summary.p95).into(),
            p99: (&summary.p99).into(),
            probability_positive: (&summary.probability_positive).into(),
        }
    }
}

/// Quantiles over all runs' requests, seconds.
#[derive(Serialize)]
struct LatencyJson {
    unit: &'static str,
    count: u64,
    p50: Number,
    p90: Number,
    p99: Number,
    p999: Number,
}

impl From<&Histogram> for LatencyJson {
    fn from(histogram: &Histogram) -> LatencyJson {
        let quantile = |q| Number(histogram.quantile(q));
        LatencyJson {
            unit: "s",
            count: histogram.count(),
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            p999: quantile(0.999),
        }
    }
}

#[derive(Serialize)]
struct FactsJson {
    saturated_tokens_per_second: Number,
    saturated_batch: Number,
    mean_prompt_tokens: Number,
    mean_output_tokens: Number,
    mean_requests_per_second: Number,
}

#[derive(Serialize)]
struct PlanningJson {
    text: String,
    window_s: EstimateJson,
    share_to_finish: f64,
    grace_s: Option<Number>,
    current_grace_s: Number,
    cut_share: Option<Number>,
}

impl PlanningJson {
    fn of(result: &StudyResult) -> PlanningJson {
        let planning = planning(result);
        PlanningJson {
            text: content::plain(&content::planning_line(result)),
            window_s: (&planning.window_s).into(),
            share_to_finish: SHARE_TO_FINISH,
            grace_s: planning.grace_s.map(Number),
            current_grace_s: Number(planning.current_grace_s),
            cut_share: planning.cut_share.map(Number),
        }
    }
}

/// How narrow an interval was to be, and became.
#[derive(Serialize)]
struct TargetJson {
    measure: String,
    relative: f64,
    absolute: f64,
    distance: Number,
    allowed: Number,
    reached: bool,
}

#[derive(Serialize)]
struct PrecisionJson {
    ended: &'static str,
    looks: Vec<u64>,
    standard_errors: f64,
    targets: Vec<TargetJson>,
}

impl From<&Precision> for PrecisionJson {
    fn from(precision: &Precision) -> PrecisionJson {
        let target = |standing: &Standing| TargetJson {
            measure: standing.target.measure.name(),
            relative: standing.target.relative,
            absolute: standing.target.absolute,
            distance: Number(standing.distance),
            allowed: Number(standing.allowed),
            reached: standing.is_reached(),
        };
        PrecisionJson {
            ended: match precision.ended {
                Ended::Reached => "reached",
                Ended::AllRuns => "all_runs",
                Ended::OutOfTime => "out_of_time",
                Ended::Interrupted => "interrupted",
            },
            looks: precision.looks.clone(),
            standard_errors: precision.standard_errors,
            targets: precision.standings.iter().map(target).collect(),
        }
    }
}

#[derive(Serialize)]
struct Measurements {
    all: u64,
    empty: u64,
}

#[derive(Serialize)]
struct Summary<'a> {
    schema_version: u32,
    provenance: Provenance,
    answer: String,
    why: String,
    planning: PlanningJson,
    outcomes: Ordered<EstimateJson>,
    checks: Vec<CheckJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<PrecisionJson>,
    measurements: Measurements,
    facts: FactsJson,
    pooled: Ordered<LatencyJson>,
    metrics: Ordered<MetricJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<BaselineJson<'a>>,
}

/// The text of `summary.json`.
pub fn summary(result: &StudyResult) -> String {
    summary_against(result, None)
}

/// What `summary.json` holds, and what changed since a baseline.
pub fn summary_against(result: &StudyResult, baseline: Option<&Against>) -> String {
    let pooled = &result.pooled;
    let counts = |of: fn(&(u32, u32)) -> u32| {
        result.records.iter().map(|record| u64::from(of(&record.empty_measurements))).sum::<u64>()
    };
    let summary = Summary {
        schema_version: SCHEMA_VERSION,
        provenance: Provenance::of(result),
        answer: content::plain(&content::answer(result)),
        why: why(result),
        planning: PlanningJson::of(result),
        outcomes: Ordered(result.outcomes.iter().map(|(outcome, share)| (outcome.name(), share.into())).collect()),
        checks: result.checks.iter().map(CheckJson::from).collect(),
        precision: result.precision.as_ref().map(PrecisionJson::from),
        measurements: Measurements { all: counts(|(_, all)| *all), empty: counts(|(empty, _)| *empty) },
        facts: FactsJson {
            saturated_tokens_per_second: Number(result.facts.saturated_rate),
            saturated_batch: Number(result.facts.saturated_batch),
            mean_prompt_tokens: Number(result.facts.mean_prompt_tokens),
            mean_output_tokens: Number(result.facts.mean_output_tokens),
            mean_requests_per_second: Number(result.facts.mean_rate),
        },
        pooled: Ordered(vec![
            ("ttft", (&pooled.ttft).into()),
            ("tpot", (&pooled.tpot).into()),
            ("e2e", (&pooled.e2e).into()),
            ("queue_time", (&pooled.queue_time).into()),
            ("needed_grace", (&pooled.needed_grace).into()),
        ]),
        metrics: Ordered(result.metrics.iter().map(|summary| (summary.metric.name(), summary.into())).collect()),
        baseline: baseline.map(BaselineJson::from),
    };
    pretty(&summary)
}

/// Indented JSON that ends in a newline.
pub(super) fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("plain data becomes JSON") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{METRICS, Metric};
    use crate::report::example;
    use serde_json::Value;

    fn read(result: &StudyResult) -> Value {
        serde_json::from_str(&summary(result)).unwrap()
    }

    #[test]
    fn every_metric_is_there_with_its_statistics() {
        let result = example::study();
        let json = read(&result);
        assert_eq!(json["schema_version"], 1);
        for metric in METRICS {
            let entry = &json["metrics"][metric.name()];
            for key in ["mean", "min", "max", "p50", "p90", "p95", "p99", "probability_positive", "unit"] {
                assert!(entry.get(key).is_some(), "{} {key}", metric.name());
            }
        }
        let truncated = &json["metrics"]["truncated_attempts"]["mean"];
        assert_eq!(truncated["value"].as_f64(), Some(result.metric(Metric::TruncatedAttempts).mean.value));
    }

    #[test]
    fn what_is_empty_is_null_and_infinity_is_a_word() {
        let json = read(&example::study());
        let duration = &json["metrics"]["rollout_duration_s"];
        assert_eq!(duration["mean"]["value"], Value::Null);
        assert_eq!(duration["mean"]["low"], Value::Null);
        assert_eq!(duration["max"], "inf");
        assert_eq!(json["metrics"]["requests"]["p95"]["low"], Value::Null);
    }

    #[test]
    fn provenance_outcomes_checks_and_pooled_latencies_are_there() {
        let mut result = example::study();
        result.partial = true;
        let json = read(&result);
        assert_eq!(json["provenance"]["seed"], 1);
        assert_eq!(json["provenance"]["runs"], 40);
        assert_eq!(json["provenance"]["partial"], true);
        assert_eq!(json["provenance"]["scenario_hash"], result.scenario.hash);
        assert_eq!(json["outcomes"]["completed"]["value"], 0.975);
        assert_eq!(json["checks"][1]["verdict"], "failed");
        assert_eq!(json["pooled"]["ttft"]["count"], 999);
        assert!(json["pooled"]["e2e"]["p999"].is_number());
        assert!(json["why"].as_str().is_some_and(|why| !why.is_empty()));
        assert!(json["planning"]["grace_s"].is_number());
    }
}
