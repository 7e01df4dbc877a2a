//! `plan.csv`: a row for each candidate.

use super::json::StandingJson;
use super::{Planned, standing};
use crate::ledger::Metric;
use crate::report::csv::{Table, cells_of, columns_of};
use crate::report::json::word;

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
    header.extend(columns_of(objective.name()));
    header.extend(columns_of("more_than_best"));
    for (at, check) in outcome.rules.checks.iter().enumerate() {
        let name = format!("check_{}_{}_{}", at + 1, check.metric, check.statistic.name());
        header.extend(columns_of(&name));
        header.push(format!("{name}_verdict"));
    }
    header.extend(metrics.iter().flat_map(|metric| columns_of(metric.name())));
    header.push("standing_text".to_owned());
    table.row(header);
    for (index, candidate) in outcome.candidates.iter().enumerate() {
        let mut cells = vec![(index + 1).to_string()];
        let value = |(axis, value): (&crate::scenario::Axis, &Option<usize>)| {
            value.map_or_else(String::new, |value| axis.values[value].clone())
        };
        cells.extend(planned.axes.iter().zip(&candidate.assignment).map(value));
        cells.extend([word(&StandingJson::from(candidate.standing)), candidate.runs.to_string()]);
        cells.extend(cells_of(Some(&candidate.metric(objective).mean)));
        cells.extend(cells_of(candidate.excess.as_ref()));
        for check in &candidate.checks {
            cells.extend(cells_of(Some(&check.estimate)));
            cells.push(word(&check.verdict));
        }
        cells.extend(metrics.iter().flat_map(|metric| cells_of(Some(&candidate.metric(*metric).mean))));
        cells.push(standing(planned, index));
        table.row(cells);
    }
    table.text()
}
