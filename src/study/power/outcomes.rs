//! What became of one canary and one version over all runs.

use serde::{Deserialize, Serialize};

use super::canary::{Stage, weight_at_abort};
use crate::ledger::{Metric, RunRecord};
use crate::study::intervals::Confidence;
use crate::study::result::Estimate;
use crate::study::summary::{share_of, summarize_metric};
use crate::study::why::most_common_reason;

/// One canary's rollouts of one version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcomes {
    /// Runs.
    pub runs: u64,
    /// Share of runs in which the rollout was aborted within the window: the power, or the false alarms.
    pub caught: Estimate,
    /// Share of runs in which it completed.
    pub promoted: Estimate,
    /// Share of runs in which it did neither within the window.
    pub undecided: Estimate,
    /// Share of runs aborted at this weight or before, for each stage.
    pub caught_by: Vec<Estimate>,
    /// Median time from the first attempt at the new version to the abort over the runs with an abort, seconds.
    pub detected_p50: Estimate,
    /// Its 95 % quantile.
    pub detected_p95: Estimate,
    /// Median number of requests that met the new version before the verdict, over all runs.
    pub exposed_p50: Estimate,
    /// Its 95 % quantile.
    pub exposed_p95: Estimate,
    /// Share of a run's measurements that found too little data, mean over runs.
    pub without_data: Estimate,
    /// Why most rollouts were given up; empty where none was.
    pub reason: String,
}

impl Outcomes {
    /// Over these runs.
    pub(super) fn of(records: &[RunRecord], stages: &[Stage]) -> Outcomes {
        let runs = records.len() as u64;
        let share = |holds: &dyn Fn(&RunRecord) -> bool| {
            share_of(records.iter().filter(|record| holds(record)).count() as u64, runs, Confidence::NINETY_FIVE)
        };
        let values = |metric: Metric| records.iter().map(|record| record.value(metric)).collect::<Vec<f64>>();
        let detected = summarize_metric(Metric::TimeToDetect, &values(Metric::TimeToDetect), 0);
        let exposed = summarize_metric(Metric::ExposedRequests, &values(Metric::ExposedRequests), 0);
        let by = |stage: &Stage| share(&|record| weight_at_abort(record).is_some_and(|weight| weight <= stage.weight));
        Outcomes {
            runs,
            caught: share(&was_caught),
            promoted: share(&was_promoted),
            undecided: share(&|record| !was_caught(record) && !was_promoted(record)),
            caught_by: stages.iter().map(by).collect(),
            detected_p50: detected.p50,
            detected_p95: detected.p95,
            exposed_p50: exposed.p50,
            exposed_p95: exposed.p95,
            without_data: without_data(records),
            reason: most_common_reason(records.iter().filter(|record| was_caught(record)))
                .map_or_else(String::new, |reason| reason.text.to_owned()),
        }
    }
}

/// Whether the rollout was aborted within the window.
fn was_caught(record: &RunRecord) -> bool {
    !record.value(Metric::TimeToDetect).is_nan()
}

/// Whether it completed, never having been aborted.
fn was_promoted(record: &RunRecord) -> bool {
    record.value(Metric::RolloutCompleted) > 0.0 && !was_caught(record)
}

fn without_data(records: &[RunRecord]) -> Estimate {
    let measured = records.iter().map(|record| record.empty_measurements).filter(|(_, all)| *all > 0);
    let shares: Vec<f64> = measured.map(|(empty, all)| f64::from(empty) / f64::from(all)).collect();
    let mean = Estimate::of_mean(&shares);
    Estimate { interval: mean.interval.map(|(low, high)| (low.max(0.0), high.min(1.0))), ..mean }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::samples::record;

    /// A run aborted at this weight after this time, or completed.
    fn run(number: u64, aborted: Option<(f64, f64)>) -> RunRecord {
        let (weight, after) = aborted.unwrap_or((f64::NAN, f64::NAN));
        let completed = f64::from(u8::from(aborted.is_none()));
        let values = [
            (Metric::WeightAtAbort, weight),
            (Metric::TimeToDetect, after),
            (Metric::RolloutCompleted, completed),
            (Metric::ExposedRequests, 10.0 * number as f64),
        ];
        record(number, &values)
    }

    #[test]
    fn shares_add_up_and_stages_accumulate() {
        let stage = |weight| Stage { weight, name: format!("{weight} %") };
        let mut runs: Vec<RunRecord> = (0..60).map(|i| run(i, (i < 45).then_some((0.05, 60.0)))).collect();
        for record in &mut runs[..30] {
            *record = run(record.run, Some((0.25, 240.0)));
        }
        let mut unfinished = run(60, None);
        unfinished.values[Metric::RolloutCompleted as usize] = 0.0;
        runs.push(unfinished);
        let outcomes = Outcomes::of(&runs, &[stage(1), stage(5), stage(25)]);
        let counts = [&outcomes.caught, &outcomes.promoted, &outcomes.undecided].map(|it| (it.value * 61.0).round());
        assert_eq!(counts, [45.0, 15.0, 1.0]);
        let by: Vec<f64> = outcomes.caught_by.iter().map(|it| (it.value * 61.0).round()).collect();
        assert_eq!(by, [0.0, 15.0, 45.0]);
        assert_eq!(outcomes.caught.interval, crate::study::wilson(45, 61));
        assert_eq!((outcomes.detected_p50.value, outcomes.detected_p95.value), (240.0, 240.0));
        assert_eq!(outcomes.exposed_p50.value, 300.0);
        assert!(outcomes.without_data.value.is_nan(), "nothing was measured");
    }
}
