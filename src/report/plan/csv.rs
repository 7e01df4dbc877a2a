//! `plan.csv`: a row for each candidate.

use super::{Planned, standing};
use crate::ledger::Metric;
use crate::report::csv::{Table, number};
use crate::study::Estimate;

/// The metrics told of every candidate beside the objective.
const METRICS: [Metric; 5] =
    [Metric::TruncatedAttempts, Metric::RolloutDuration, Metric::PeakGpus, Metric::RolloutCost, Metric::Cost];

/// The table: settings, standing, objective, excess over the best, checks, then what every candidate does.
pub fn csv(planned: &Planned<'_>) -> String {
    let outcome = planned.outcome;
    let objective = outcome.rules.objective;
    let metrics: Vec<Metric> = METRICS.into_iter().filter(|metric| *metric != objective).collect();
    let mut table = Table::new();
    let mut header = vec!["candidate".to_owned()];
    header.extend(planned.axes.iter().map(|axis| axis.key.clone()));
    header.extend(["standing", "runs"].map(str::to_owned));
    header.extend(three(objective.name()));
    header.extend(three("more_than_best"));
    for (at, check) in outcome.rules.checks.iter().enumerate() {
        let name = format!("check_{}_{}_{}", at + 1, check.metric, check.statistic.name());
        header.extend(three(&name));
        header.push(format!("{name}_verdict"));
    }
    header.extend(metrics.iter().flat_map(|metric| three(metric.name())));
    table.row(header);
    for (index, candidate) in outcome.candidates.iter().enumerate() {
        let mut cells = vec![(index + 1).to_string()];
        let value = |(axis, value): (&crate::scenario::Axis, &Option<usize>)| {
            value.map_or_else(String::new, |value| axis.values[value].clone())
        };
        cells.extend(planned.axes.iter().zip(&candidate.assignment).map(value));
        cells.extend([standing(planned, index), candidate.runs.to_string()]);
        cells.extend(ends(&candidate.metric(objective).mean));
        cells.extend(ends(&candidate.excess.unwrap_or(Estimate { value: f64::NAN, interval: None })));
        for check in &candidate.checks {
            cells.extend(ends(&check.estimate));
            cells.push(crate::report::json::verdict(check.verdict).to_owned());
        }
        cells.extend(metrics.iter().flat_map(|metric| ends(&candidate.metric(*metric).mean)));
        table.row(cells);
    }
    table.text()
}

fn three(name: &str) -> [String; 3] {
    [name.to_owned(), format!("{name}_low"), format!("{name}_high")]
}

fn ends(estimate: &Estimate) -> [String; 3] {
    let (low, high) = estimate.interval.unwrap_or((f64::NAN, f64::NAN));
    [number(estimate.value), number(low), number(high)]
}
