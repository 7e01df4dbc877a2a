//! `sweep.csv`: a row for each point that is done.
//!
//! Columns: a key for each axis; `scenario_hash` and `runs_file`, where the point's runs are; `runs`; `verdict` of all
//! checks and of each, `check.N.METRIC.STATISTIC`, N from 0 as in `--set check.N...`; the shares of runs by outcome; of
//! every metric `.mean`, of the main ones also `.p50`, `.p95`, `.probability_positive` and `.difference`, the mean's from the
//! reference. An estimate's column is followed by its `_low` and `_high`, the ends of its 95 % interval.

use super::saved_point;
use crate::ledger::{METRICS, Metric, RolloutOutcome};
use crate::report::csv::{Table, cells_of, columns_of};
use crate::report::json::word;
use crate::scenario::Statistic;
use crate::study::{Change, CheckResult, Estimate, Measure, Point, Sweep};

/// The statistics of the main metrics beside the mean.
const MAIN: [Statistic; 3] = [Statistic::P50, Statistic::P95, Statistic::ProbabilityPositive];

/// An estimate of a point.
#[derive(Clone, Copy)]
enum Column {
    Outcome(RolloutOutcome),
    Selected(Measure),
    Difference(Metric),
}

impl Column {
    fn name(self) -> String {
        match self {
            Column::Outcome(outcome) => format!("rollout_outcome.{}", outcome.name()),
            Column::Selected(selection) => selection.name(),
            Column::Difference(metric) => format!("{}.difference", metric.name()),
        }
    }

    fn of(self, point: &Point) -> Estimate {
        match self {
            Column::Outcome(outcome) => {
                let share = point.outcomes.iter().find(|(occurred, _)| *occurred == outcome);
                // A share of no runs has Wilson's interval as any other, which depends on the number of runs alone.
                share.map_or_else(|| none_of(point), |(_, share)| *share)
            }
            Column::Selected(selection) => point.estimate(selection),
            Column::Difference(metric) => match point.difference(metric) {
                // A mean over those rollouts that finished at both points would be taken for one over all.
                of if of.change == Change::NotComparable => Estimate { value: f64::NAN, interval: None },
                of => of.difference,
            },
        }
    }
}

/// The share of an outcome that did not occur.
fn none_of(point: &Point) -> Estimate {
    let runs = point.metrics[Metric::Requests as usize].runs;
    Estimate { value: 0.0, interval: crate::study::wilson(0, runs) }
}

fn estimates(sweep: &Sweep) -> Vec<Column> {
    let main = sweep.main_metrics();
    let mut columns: Vec<Column> = RolloutOutcome::ALL.into_iter().map(Column::Outcome).collect();
    for metric in METRICS {
        let asked = sweep.selected.iter().filter(|selection| selection.metric == *metric).map(|one| one.statistic);
        let mut statistics = vec![Statistic::Mean];
        if main.contains(metric) {
            statistics.extend(MAIN);
        }
        statistics.extend(asked.filter(|statistic| !MAIN.contains(statistic) && *statistic != Statistic::Mean));
        columns
            .extend(statistics.into_iter().map(|statistic| Column::Selected(Measure { metric: *metric, statistic })));
        columns.extend(main.contains(metric).then_some(Column::Difference(*metric)));
    }
    columns
}

/// The checks of the point that has most of them, by which the columns are named.
fn check_columns(sweep: &Sweep) -> Vec<String> {
    let checks = sweep.done().map(|(_, point)| &point.checks).max_by_key(|checks| checks.len());
    let name = |(at, check): (usize, &CheckResult)| format!("check.{at}.{}.{}", check.metric, check.statistic.name());
    checks.into_iter().flatten().enumerate().map(name).collect()
}

/// The sweep as CSV.
pub(super) fn csv(sweep: &Sweep) -> String {
    let (estimates, checks) = (estimates(sweep), check_columns(sweep));
    let mut table = Table::new();
    let mut header: Vec<String> = sweep.grid.axes().iter().map(|axis| axis.key.clone()).collect();
    header.extend(["scenario_hash", "runs_file", "runs", "verdict"].map(str::to_owned));
    header.extend(checks.iter().cloned());
    for column in &estimates {
        header.extend(columns_of(&column.name()));
    }
    table.row(header);
    for (at, point) in sweep.done() {
        let mut row = sweep.grid.labels(at);
        row.extend([point.scenario_hash.clone(), saved_point(&point.scenario_hash)]);
        row.extend([
            sweep.scenario.study.runs.to_string(),
            point.verdict().map_or_else(String::new, |verdict| word(&verdict)),
        ]);
        row.extend(
            (0..checks.len())
                .map(|check| point.checks.get(check).map_or_else(String::new, |check| word(&check.verdict))),
        );
        for column in &estimates {
            row.extend(cells_of(Some(&column.of(point))));
        }
        table.row(row);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::csv::tests::read;
    use crate::report::sweep::example;

    #[test]
    fn every_point_has_a_row_and_every_metric_its_mean_with_its_interval() {
        let sweep = example::over(&["termination.grace_period=30s,60s,2m", "rollout.rolling.max_surge=1,25%"]);
        let (header, rows) = read(&csv(&sweep));
        assert_eq!(header[..2], ["termination.grace_period", "rollout.rolling.max_surge"]);
        assert_eq!(rows.len(), 6);
        let at = |name: &str| header.iter().position(|column| column == name).unwrap_or_else(|| panic!("{name}"));
        for metric in METRICS {
            let mean = at(&format!("{}.mean", metric.name()));
            assert_eq!(header[mean + 1..mean + 3], ["_low", "_high"].map(|end| format!("{}.mean{end}", metric.name())));
        }
        let verdict = at("verdict");
        assert_eq!(rows.iter().map(|row| row[verdict].as_str()).collect::<Vec<&str>>()[..2], ["failed", "failed"]);
        assert_eq!(header[verdict + 1], "check.0.truncated_attempts.p90");
        let number = |row: usize, name: &str| rows[row][at(name)].parse::<f64>().unwrap();
        let step = number(4, "truncated_attempts.mean") - number(1, "truncated_attempts.mean");
        assert!((number(4, "truncated_attempts.difference") - step).abs() < 1e-9);
        assert!(number(0, "rollout_outcome.stuck") == 0.0 && number(0, "rollout_outcome.stuck_high") > 0.0);
        let mut names = header.clone();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), header.len(), "every column has a name of its own");
    }
}
