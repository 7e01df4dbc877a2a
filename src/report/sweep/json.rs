//! `sweep.json`: every metric of every point, for scripts; numbers and estimates are written as in `summary.json`.

use serde::Serialize;
use serde::ser::Serializer;

use super::saved_point;
use crate::ledger::RolloutOutcome;
use crate::report::json::{CheckJson, EstimateJson, Ordered, SCHEMA_VERSION, pretty};
use crate::study::{Difference, MetricSummary, Overall, Point, Sweep};

/// An object with keys that are not known beforehand, in their order.
struct Keyed<'a, T>(Vec<(&'a str, T)>);

impl<T: Serialize> Serialize for Keyed<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[derive(Serialize)]
struct ProvenanceJson<'a> {
    version: String,
    scenario: &'a str,
    /// Of the scenario as written.
    scenario_hash: &'a str,
    seed: u64,
    /// Of each point.
    runs: u64,
    points: usize,
    points_asked_for: usize,
    partial: bool,
}

#[derive(Serialize)]
struct AxisJson<'a> {
    key: &'a str,
    values: Vec<String>,
}

#[derive(Serialize)]
struct ReferenceJson<'a> {
    /// Place in the grid, from 0.
    point: usize,
    as_written: bool,
    values: Keyed<'a, String>,
}

#[derive(Serialize)]
struct BestJson {
    points_that_hold: usize,
    points_that_fail: usize,
    points_undecided: usize,
    /// Place in the grid, from 0.
    cheapest_that_holds: Option<usize>,
}

/// Quantiles over runs and the share above zero.
#[derive(Serialize)]
struct SpreadJson {
    p50: EstimateJson,
    p90: EstimateJson,
    p95: EstimateJson,
    p99: EstimateJson,
    probability_positive: EstimateJson,
}

#[derive(Serialize)]
struct MetricJson {
    unit: &'static str,
    runs: u64,
    mean: EstimateJson,
    /// Of the main metrics only.
    #[serde(flatten)]
    spread: Option<SpreadJson>,
    /// Of the mean, from the reference's, run by run.
    difference: EstimateJson,
    change: &'static str,
}

impl MetricJson {
    fn of(summary: &MetricSummary, difference: &Difference, is_main: bool) -> MetricJson {
        let spread = SpreadJson {
            p50: (&summary.p50).into(),
            p90: (&summary.p90).into(),
            p95: (&summary.p95).into(),
            p99: (&summary.p99).into(),
            probability_positive: (&summary.probability_positive).into(),
        };
        MetricJson {
            unit: summary.metric.description().unit,
            runs: summary.runs,
            mean: (&summary.mean).into(),
            spread: is_main.then_some(spread),
            difference: (&difference.difference).into(),
            change: difference.change.words(),
        }
    }
}

#[derive(Serialize)]
struct PointJson<'a> {
    /// Place in the grid, from 0.
    point: usize,
    values: Keyed<'a, String>,
    scenario_hash: &'a str,
    runs_file: String,
    verdict: Option<&'static str>,
    checks: Vec<CheckJson<'a>>,
    outcomes: Ordered<EstimateJson>,
    metrics: Ordered<MetricJson>,
}

#[derive(Serialize)]
struct SweepJson<'a> {
    schema_version: u32,
    provenance: ProvenanceJson<'a>,
    axes: Vec<AxisJson<'a>>,
    reference: ReferenceJson<'a>,
    /// The keys that make points meet other requests than the reference.
    unequal: &'a [&'static str],
    /// What the tables and charts show.
    selected: Vec<String>,
    best: Option<BestJson>,
    points: Vec<PointJson<'a>>,
}

/// The word for how a point's checks came out.
pub(super) fn verdict(overall: Overall) -> &'static str {
    match overall {
        Overall::Passed => "passed",
        Overall::Failed => "failed",
        Overall::Inconclusive => "inconclusive",
    }
}

/// The sweep as JSON.
pub(super) fn json(sweep: &Sweep) -> String {
    let done = sweep.done().count();
    let best = sweep.best().map(|best| BestJson {
        points_that_hold: best.hold,
        points_that_fail: best.fail,
        points_undecided: best.undecided,
        cheapest_that_holds: best.cheapest,
    });
    let axis = |axis: &'_ crate::scenario::Axis| (0..axis.values.len()).map(|index| axis.label(index)).collect();
    pretty(&SweepJson {
        schema_version: SCHEMA_VERSION,
        provenance: ProvenanceJson {
            version: sweep.scenario.read_by.clone(),
            scenario: &sweep.scenario.name,
            scenario_hash: &sweep.scenario.hash,
            seed: sweep.scenario.study.seed,
            runs: sweep.scenario.study.runs,
            points: done,
            points_asked_for: sweep.points.len(),
            partial: sweep.partial(),
        },
        axes: sweep.grid.axes().iter().map(|of| AxisJson { key: &of.key, values: axis(of) }).collect(),
        reference: ReferenceJson {
            point: sweep.reference,
            as_written: sweep.as_written,
            values: values(sweep, sweep.reference),
        },
        unequal: &sweep.unequal,
        selected: sweep.selected.iter().map(|selection| selection.name()).collect(),
        best,
        points: sweep.done().map(|(at, point)| point_json(sweep, at, point)).collect(),
    })
}

fn values(sweep: &Sweep, point: usize) -> Keyed<'_, String> {
    let keys = sweep.grid.axes().iter().map(|axis| axis.key.as_str());
    Keyed(keys.zip(sweep.grid.labels(point)).collect())
}

fn point_json<'a>(sweep: &'a Sweep, at: usize, point: &'a Point) -> PointJson<'a> {
    let main = sweep.main_metrics();
    let metric = |(summary, difference): (&MetricSummary, &Difference)| {
        (summary.metric.name(), MetricJson::of(summary, difference, main.contains(&summary.metric)))
    };
    let metrics = point.metrics.iter().zip(&point.differences);
    let outcome = |(outcome, share): &(RolloutOutcome, _)| (outcome.name(), EstimateJson::from(share));
    PointJson {
        point: at,
        values: values(sweep, at),
        scenario_hash: &point.scenario_hash,
        runs_file: saved_point(&point.scenario_hash),
        verdict: point.verdict().map(verdict),
        checks: point.checks.iter().map(CheckJson::from).collect(),
        outcomes: Ordered(point.outcomes.iter().map(outcome).collect()),
        metrics: Ordered(metrics.map(metric).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::METRICS;
    use crate::report::sweep::example;

    #[test]
    fn every_point_has_its_values_every_metric_and_its_difference() {
        let mut sweep = example::over(&["termination.grace_period=30s,60s,2m", "rollout.rolling.max_surge=1,25%"]);
        sweep.points[5] = None;
        let json: serde_json::Value = serde_json::from_str(&json(&sweep)).unwrap();
        assert_eq!(json["provenance"]["partial"], true);
        assert_eq!((&json["provenance"]["points"], &json["provenance"]["points_asked_for"]), (&5.into(), &6.into()));
        assert_eq!(json["axes"][1]["values"][1], "25%");
        assert_eq!((&json["reference"]["point"], &json["reference"]["as_written"]), (&1.into(), &true.into()));
        let points = json["points"].as_array().unwrap();
        assert_eq!(points.len(), 5);
        assert_eq!(points[3]["values"]["termination.grace_period"], "60s");
        for point in points {
            assert_eq!(point["metrics"].as_object().unwrap().len(), METRICS.len());
        }
        let cut = |at: usize| &points[at]["metrics"]["truncated_attempts"];
        let step = cut(3)["mean"]["value"].as_f64().unwrap() - cut(1)["mean"]["value"].as_f64().unwrap();
        assert!((cut(3)["difference"]["value"].as_f64().unwrap() - step).abs() < 1e-9);
        assert_eq!(points[1]["metrics"]["cost_usd"]["change"], "identical");
        assert!(points[1]["metrics"]["cost_usd"]["p90"]["low"].is_number());
        assert!(points[1]["metrics"]["retries"].get("p90").is_none(), "quantiles are of the main metrics");
    }
}
