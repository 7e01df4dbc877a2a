//! `sweep.json`: every metric of every point, for scripts.

use schemars::JsonSchema;
use serde::Serialize;

use super::saved_point;
use crate::ledger::RolloutOutcome;
use crate::report::json::{
    CheckJson, Document, EstimateJson, EveryMetric, Kind, Named, Ordered, Outcomes, Provenance, document,
};
use crate::study::{Change, Difference, MetricSummary, Overall, Point, Sweep};

/// A key that is varied.
#[derive(Serialize, JsonSchema)]
struct AxisJson<'a> {
    /// The scenario's key.
    key: &'a str,
    /// Its values.
    values: Vec<String>,
}

/// The point that the others are compared with.
#[derive(Serialize, JsonSchema)]
struct ReferenceJson {
    /// Its place in the grid, from 0.
    point: usize,
    /// Whether it is the scenario as written.
    as_written: bool,
    /// The value of each key.
    values: Ordered<String>,
}

/// How the points stand to the checks.
#[derive(Serialize, JsonSchema)]
struct BestJson {
    /// Points at which every check holds.
    points_that_hold: usize,
    /// Points at which one does not.
    points_that_fail: usize,
    /// Points at which the runs do not tell.
    points_undecided: usize,
    /// Place in the grid, from 0, of the cheapest at which every check holds; null where there is none.
    cheapest_that_holds: Option<usize>,
}

/// Quantiles over runs and the share above zero.
#[derive(Serialize, JsonSchema)]
struct SpreadJson {
    /// Median over runs.
    p50: EstimateJson,
    /// 90 % quantile over runs.
    p90: EstimateJson,
    /// 95 % quantile over runs.
    p95: EstimateJson,
    /// 99 % quantile over runs.
    p99: EstimateJson,
    /// Share of runs in which it is above zero.
    probability_positive: EstimateJson,
}

/// A metric at a point.
#[derive(Serialize, JsonSchema)]
struct MetricJson {
    /// Its unit, empty for a share.
    unit: &'static str,
    /// Runs in which it has a value.
    runs: u64,
    /// Mean over runs.
    mean: EstimateJson,
    /// Of the main metrics only.
    #[serde(flatten)]
    spread: Option<SpreadJson>,
    /// Of the mean, from the reference's, run by run.
    difference: EstimateJson,
    /// How it stands to the reference's.
    change: Change,
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
            change: difference.change,
        }
    }
}

/// A point of the grid.
#[derive(Serialize, JsonSchema)]
struct PointJson<'a> {
    /// Place in the grid, from 0.
    point: usize,
    /// The value of each key.
    values: Ordered<String>,
    /// SHA-256 of its scenario.
    scenario_hash: &'a str,
    /// File beside this one with its runs.
    runs_file: String,
    /// How its checks came out as a whole; null without any.
    verdict: Option<Overall>,
    /// The checks.
    checks: Vec<CheckJson<'a>>,
    /// Share of runs by how their rollout ended; those outcomes that occur.
    outcomes: Named<Outcomes, EstimateJson>,
    /// Every metric.
    metrics: Named<EveryMetric, MetricJson>,
}

/// What `cutover sweep` finds. The provenance has the hash of the scenario as written, and the runs of each point.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct SweepJson<'a> {
    /// What is varied.
    axes: Vec<AxisJson<'a>>,
    /// Points of the grid; those that are missing among `points` were interrupted.
    points_asked_for: usize,
    /// What the points are compared with.
    reference: ReferenceJson,
    /// The keys that make points meet other requests than the reference.
    unequal: &'a [&'static str],
    /// What the tables and charts show.
    selected: Vec<String>,
    /// How the points stand to the checks; null without any.
    best: Option<BestJson>,
    /// The points that are done, in the order of the grid.
    points: Vec<PointJson<'a>>,
}

impl Document for SweepJson<'_> {
    const KIND: Kind = Kind::Sweep;
    type Provenance = Provenance;
}

/// The sweep as JSON.
pub(super) fn json(sweep: &Sweep) -> String {
    let best = sweep.best().map(|best| BestJson {
        points_that_hold: best.hold,
        points_that_fail: best.fail,
        points_undecided: best.undecided,
        cheapest_that_holds: best.cheapest,
    });
    let axis = |axis: &'_ crate::scenario::Axis| (0..axis.values.len()).map(|index| axis.label(index)).collect();
    let body = SweepJson {
        axes: sweep.grid.axes().iter().map(|of| AxisJson { key: &of.key, values: axis(of) }).collect(),
        points_asked_for: sweep.points.len(),
        reference: ReferenceJson {
            point: sweep.reference,
            as_written: sweep.as_written,
            values: values(sweep, sweep.reference),
        },
        unequal: &sweep.unequal,
        selected: sweep.selected.iter().map(|selection| selection.name()).collect(),
        best,
        points: sweep.done().map(|(at, point)| point_json(sweep, at, point)).collect(),
    };
    document(Provenance::of_runs(&sweep.scenario, sweep.scenario.study.runs, sweep.partial()), body)
}

fn values(sweep: &Sweep, point: usize) -> Ordered<String> {
    let keys = sweep.grid.axes().iter().map(|axis| axis.key.clone());
    Ordered(keys.zip(sweep.grid.labels(point)).collect())
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
        verdict: point.verdict(),
        checks: point.checks.iter().map(CheckJson::from).collect(),
        outcomes: point.outcomes.iter().map(outcome).collect(),
        metrics: metrics.map(metric).collect(),
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
        assert_eq!(json["points_asked_for"], 6);
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
