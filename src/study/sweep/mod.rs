//! A scenario at every point of a grid of settings, as plain data: what each point gave, which hold the checks, and how
//! they differ, run by run, from the scenario as written.
//!
//! Neither simulates, which is the business of `run`, nor knows where results are kept.

mod grid;

use serde::{Deserialize, Serialize};

use super::checks::{Overall, evaluate, overall};
use super::compare::{Change, Difference, HEADLINES, paired_difference};
use super::intervals::Confidence;
use super::measure::Measure;
use super::requests::unequal_requests;
use super::result::{CheckResult, Estimate, MetricSummary};
use super::summary::{outcomes, summarize_runs};
use crate::ledger::{METRICS, Metric, RolloutOutcome, RunRecord};
use crate::scenario::Scenario;

pub use grid::{Grid, overrides, setting};

/// What is looked at where neither the user nor a check names a metric, as far as it varies.
const USUAL: [Metric; 5] = [
    Metric::TruncatedAttempts,
    Metric::TtftP99,
    Metric::CapacityDip,
    Metric::RolloutDuration,
    Metric::UsdPerMillionOutput,
];

/// What the cheapest point is told by.
pub const PRICE: Metric = Metric::UsdPerMillionOutput;

/// A point of the grid that is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Point {
    /// Hash of its scenario.
    pub scenario_hash: String,
    /// Every metric over its runs, in the order of [`METRICS`].
    pub metrics: Vec<MetricSummary>,
    /// Share of runs by outcome, those that occur.
    pub outcomes: Vec<(RolloutOutcome, Estimate)>,
    /// The checks, in the order of the scenario.
    pub checks: Vec<CheckResult>,
    /// Every metric's mean against the reference, run by run, in the order of [`METRICS`].
    pub differences: Vec<Difference>,
}

impl Point {
    /// From the runs of a scenario, and those of the reference; both in order of their numbers.
    pub fn new(scenario: &Scenario, records: &[RunRecord], reference: &[RunRecord]) -> Point {
        let metrics: Vec<MetricSummary> =
            METRICS.iter().map(|metric| summarize_runs(scenario, *metric, records)).collect();
        Point {
            scenario_hash: scenario.hash.clone(),
            checks: scenario.checks.iter().map(|check| evaluate(check, &metrics)).collect(),
            outcomes: outcomes(records, Confidence::NINETY_FIVE),
            differences: METRICS.iter().map(|metric| paired_difference(*metric, reference, records)).collect(),
            metrics,
        }
    }

    /// A statistic of a metric.
    pub fn estimate(&self, selection: Measure) -> Estimate {
        self.metrics[selection.metric as usize].statistic(selection.statistic)
    }

    /// How its mean of a metric differs from the reference's.
    pub fn difference(&self, metric: Metric) -> &Difference {
        &self.differences[metric as usize]
    }

    /// How its checks came out as a whole; `None` without any.
    pub fn verdict(&self) -> Option<Overall> {
        (!self.checks.is_empty()).then(|| overall(&self.checks))
    }
}

/// A scenario at every point of a grid.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sweep {
    /// The scenario as written.
    pub scenario: Scenario,
    /// The points' settings.
    pub grid: Grid,
    /// The point that the others are held against.
    pub reference: usize,
    /// Whether that is the scenario as written; else it is the first point.
    pub as_written: bool,
    /// The keys that make points meet other requests than the reference; empty where all meet the same.
    #[serde(deserialize_with = "crate::study::read_keys")]
    pub unequal: Vec<&'static str>,
    /// Whether points measure windows of different lengths, over which sums cannot be compared.
    pub windows_differ: bool,
    /// What is shown; see [`Sweep::select`].
    pub selected: Vec<Measure>,
    /// The points that are done; `None` where one is not.
    pub points: Vec<Option<Point>>,
}

/// What the points say about where the checks hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Best {
    /// Points at which every check holds.
    pub hold: usize,
    /// Points at which one fails.
    pub fail: usize,
    /// The other points that are done.
    pub undecided: usize,
    /// The one of least price among those that hold; of equals the first. `None` where none holds or has a price.
    pub cheapest: Option<usize>,
}

impl Sweep {
    /// A sweep of which no point is done. `scenarios` are those of the grid's points, in their order.
    pub fn new(scenario: Scenario, grid: Grid, scenarios: &[Scenario]) -> Sweep {
        debug_assert_eq!(grid.points(), scenarios.len());
        let written = setting(&scenario);
        let as_written = scenarios.iter().position(|point| setting(point) == written);
        let reference = as_written.unwrap_or(0);
        let mut unequal: Vec<&'static str> = Vec::new();
        for key in scenarios.iter().flat_map(|point| unequal_requests(&scenarios[reference], point)) {
            if !unequal.contains(&key) {
                unequal.push(key);
            }
        }
        let windows_differ = scenarios.iter().any(|point| point.study.duration != scenarios[reference].study.duration);
        let points = vec![None; grid.points()];
        let as_written = as_written.is_some();
        Sweep { scenario, grid, reference, as_written, unequal, windows_differ, selected: Vec::new(), points }
    }

    /// The order in which points are best run: the reference first, which all others are held against.
    pub fn order(&self) -> Vec<usize> {
        std::iter::once(self.reference).chain((0..self.points.len()).filter(|point| *point != self.reference)).collect()
    }

    /// The points that are done, with their places in the grid.
    pub fn done(&self) -> impl Iterator<Item = (usize, &Point)> {
        self.points.iter().enumerate().filter_map(|(at, point)| Some((at, point.as_ref()?)))
    }

    /// Whether some points are not done.
    pub fn partial(&self) -> bool {
        self.points.iter().any(Option::is_none)
    }

    /// Chooses what is shown: what was asked for; else what the checks are about and, where it varies, the price; else of
    /// the usual metrics those that vary.
    pub fn select(&mut self, asked: &[Measure]) {
        let mut selected: Vec<Measure> = Vec::new();
        let mut add = |selection: Measure| {
            if !selected.contains(&selection) {
                selected.push(selection);
            }
        };
        let checks = self.done().flat_map(|(_, point)| &point.checks);
        let checked: Vec<Measure> = checks
            .filter_map(|check| Some(Measure { metric: Metric::by_name(&check.metric)?, statistic: check.statistic }))
            .collect();
        if !asked.is_empty() {
            asked.iter().copied().for_each(&mut add);
        } else {
            let usual: &[Metric] = if checked.is_empty() { &USUAL } else { &[PRICE] };
            checked.into_iter().for_each(&mut add);
            usual.iter().filter(|metric| self.varies(**metric)).for_each(|metric| add(Measure::mean(*metric)));
        }
        if selected.is_empty() {
            selected.push(Measure::mean(Metric::TruncatedAttempts));
        }
        self.selected = selected;
    }

    /// Whether some point's mean of a metric is known to differ from the reference's, or there are too few runs to know.
    fn varies(&self, metric: Metric) -> bool {
        let same = |change| matches!(change, Change::Identical | Change::NotShown);
        self.done().any(|(_, point)| !same(point.difference(metric).change))
    }

    /// The metrics of which more than the mean is written down: the headlines, the price and what is shown.
    pub fn main_metrics(&self) -> Vec<Metric> {
        let is_main = |metric: &Metric| {
            HEADLINES.contains(metric)
                || *metric == PRICE
                || self.selected.iter().any(|selection| selection.metric == *metric)
        };
        METRICS.iter().copied().filter(is_main).collect()
    }

    /// Where the checks hold; `None` if no point has any.
    pub fn best(&self) -> Option<Best> {
        let verdicts: Vec<(usize, Overall)> =
            self.done().filter_map(|(at, point)| Some((at, point.verdict()?))).collect();
        if verdicts.is_empty() {
            return None;
        }
        let count = |verdict| verdicts.iter().filter(|(_, of)| *of == verdict).count();
        let price =
            |at: usize| self.points[at].as_ref().map_or(f64::NAN, |point| point.metrics[PRICE as usize].mean.value);
        let holding = verdicts.iter().filter(|(at, verdict)| *verdict == Overall::Passed && price(*at).is_finite());
        Some(Best {
            hold: count(Overall::Passed),
            fail: count(Overall::Failed),
            undecided: count(Overall::Inconclusive),
            cheapest: holding.map(|(at, _)| *at).min_by(|one, other| price(*one).total_cmp(&price(*other))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Axis, Statistic};
    use crate::study::samples::{check, record, scenario};
    use crate::units::Duration;

    /// A sweep over grace periods of 0, 30 (as written) and 60 s, none of its points done.
    fn sweep() -> (Sweep, Vec<Scenario>) {
        let grid = Grid::new(vec![Axis::parse("termination.grace_period=0s,30s,60s").unwrap()]).unwrap();
        let mut base = scenario(20);
        base.checks = vec![check(Metric::TruncatedAttempts, Statistic::Max, None, Some(3.0))];
        let scenarios: Vec<Scenario> = [0, 30, 60]
            .into_iter()
            .map(|seconds| {
                let mut point = base.clone();
                point.termination.grace_period = Duration::from_seconds(seconds);
                point
            })
            .collect();
        (Sweep::new(base, grid, &scenarios), scenarios)
    }

    /// Twenty runs with so many responses cut and such a price.
    fn records(cut: f64, price: f64) -> Vec<RunRecord> {
        let values =
            |run: u64| [(Metric::TruncatedAttempts, cut + (run % 2) as f64), (Metric::Requests, 9.0), (PRICE, price)];
        (0..20).map(|run| record(run, &values(run))).collect()
    }

    fn finish(sweep: &mut Sweep, scenarios: &[Scenario], results: &[(f64, f64)]) {
        let reference = records(results[sweep.reference].0, results[sweep.reference].1);
        for (at, (cut, price)) in results.iter().enumerate() {
            sweep.points[at] = Some(Point::new(&scenarios[at], &records(*cut, *price), &reference));
        }
    }

    #[test]
    fn the_scenario_as_written_is_the_reference_and_is_run_first() {
        let (sweep, mut scenarios) = self::sweep();
        assert_eq!((sweep.reference, sweep.as_written), (1, true));
        assert_eq!(sweep.order(), [1, 0, 2]);
        assert!(sweep.partial() && sweep.unequal.is_empty());
        scenarios[1].fleet.replicas += 1;
        let elsewhere = Sweep::new(sweep.scenario.clone(), sweep.grid.clone(), &scenarios);
        assert_eq!((elsewhere.reference, elsewhere.as_written), (0, false));
        scenarios[2].study.warm_up = Duration::ZERO;
        assert_eq!(Sweep::new(sweep.scenario, sweep.grid, &scenarios).unequal, ["study.warm_up"]);
    }

    #[test]
    fn the_cheapest_point_that_holds_every_check_is_named() {
        let (mut sweep, scenarios) = self::sweep();
        finish(&mut sweep, &scenarios, &[(9.0, 1.0), (2.0, 3.0), (0.0, 2.0)]);
        assert_eq!(sweep.best(), Some(Best { hold: 2, fail: 1, undecided: 0, cheapest: Some(2) }));
        finish(&mut sweep, &scenarios, &[(9.0, 1.0), (8.0, 3.0), (7.0, 2.0)]);
        assert_eq!(sweep.best(), Some(Best { hold: 0, fail: 3, undecided: 0, cheapest: None }));
        let mut unchecked = scenarios.clone();
        unchecked.iter_mut().for_each(|point| point.checks.clear());
        finish(&mut sweep, &unchecked, &[(9.0, 1.0), (8.0, 3.0), (7.0, 2.0)]);
        assert_eq!(sweep.best(), None);
    }

    #[test]
    fn differences_are_taken_run_by_run_against_the_reference() {
        let (mut sweep, scenarios) = self::sweep();
        finish(&mut sweep, &scenarios, &[(9.0, 1.0), (2.0, 3.0), (0.0, 2.0)]);
        let difference = |at: usize| sweep.points[at].as_ref().unwrap().difference(Metric::TruncatedAttempts).clone();
        assert_eq!(difference(0).difference, Estimate { value: 7.0, interval: Some((7.0, 7.0)) });
        assert_eq!((difference(0).change, difference(1).change), (Change::Worse, Change::Identical));
        assert_eq!(difference(2).difference.value, -2.0);
    }

    #[test]
    fn what_is_shown_is_what_was_asked_for_else_checked_else_varies() {
        let (mut sweep, scenarios) = self::sweep();
        finish(&mut sweep, &scenarios, &[(9.0, 1.0), (2.0, 3.0), (0.0, 2.0)]);
        let names = |sweep: &Sweep| sweep.selected.iter().map(|selection| selection.name()).collect::<Vec<String>>();
        sweep.select(&[]);
        assert_eq!(names(&sweep), ["truncated_attempts.max", "usd_per_million_output_tokens.mean"]);
        sweep.select(&[Measure::mean(Metric::Cost), Measure::mean(Metric::Cost)]);
        assert_eq!(names(&sweep), ["cost_usd.mean"]);
        let mut unchecked = scenarios;
        unchecked.iter_mut().for_each(|point| point.checks.clear());
        finish(&mut sweep, &unchecked, &[(9.0, 1.0), (2.0, 1.0), (0.0, 1.0)]);
        sweep.select(&[]);
        assert_eq!(names(&sweep), ["truncated_attempts.mean"]);
        assert!(sweep.main_metrics().contains(&PRICE));
    }
}
