//! Whether a result that was read back has all that reports take for granted: a value for each metric and bin, indices that
//! exist.
//!
//! A result of this program always has; one of a version with other metrics, or one that somebody made up, may not.

use super::result::{MetricSummary, StudyResult, Timeline};
use crate::ledger::{METRICS, SERIES};
use crate::scenario::{CanaryStep, Scenario, Strategy};

impl StudyResult {
    /// Nothing where every report of it can be made.
    ///
    /// # Errors
    /// What it lacks, for a person.
    pub fn fits(&self) -> Result<(), String> {
        metrics_fit(&self.metrics)?;
        if self.records.iter().any(|record| record.values.len() != METRICS.len()) {
            return Err("a run does not have a value for each metric".to_owned());
        }
        timeline_fits(&self.timeline)?;
        scenario_fits(&self.scenario)
    }
}

/// Whether these are the summaries of every metric, in their order.
///
/// # Errors
/// They are of other metrics.
pub fn metrics_fit(metrics: &[MetricSummary]) -> Result<(), String> {
    let fit = metrics.iter().map(|summary| summary.metric).eq(METRICS.iter().copied());
    if fit { Ok(()) } else { Err("it has other metrics".to_owned()) }
}

fn timeline_fits(timeline: &Timeline) -> Result<(), String> {
    if !timeline.series.iter().map(|series| series.name).eq(SERIES.iter().map(|(_, name)| *name)) {
        return Err("its timeline has other series".to_owned());
    }
    let bins = timeline.times.len();
    let series = timeline.series.iter().flat_map(|series| [&series.mean, &series.p5, &series.p50, &series.p95]);
    let mut columns =
        series.chain([&timeline.pooled_ttft_p50, &timeline.pooled_ttft_p99, &timeline.new_requests_per_s]);
    let is_whole = columns.all(|column| column.len() == bins);
    let has_width = timeline.bin_s > 0.0 && timeline.window_s > 0.0;
    if is_whole && has_width { Ok(()) } else { Err("its timeline does not have a value for each bin".to_owned()) }
}

fn scenario_fits(scenario: &Scenario) -> Result<(), String> {
    let named: Vec<usize> = match &scenario.rollout.strategy {
        Strategy::BlueGreen(settings) => {
            [&settings.pre_promotion_analysis[..], &settings.post_promotion_analysis].concat()
        }
        Strategy::Canary(settings) => {
            let steps = settings.steps.iter().filter_map(|step| match step {
                CanaryStep::Analysis(analyses) => Some(analyses),
                _ => None,
            });
            steps.chain([&settings.background_analysis]).flatten().copied().collect()
        }
        Strategy::Flagger(settings) => settings.analysis.clone(),
        Strategy::None | Strategy::Recreate(_) | Strategy::Rolling(_) => Vec::new(),
    };
    if named.iter().any(|analysis| *analysis >= scenario.analyses.len()) {
        return Err("its rollout names an analysis that it does not have".to_owned());
    }
    if scenario.versions.len() < 2 {
        return Err("it does not have two versions".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::samples::{record, study};

    #[test]
    fn what_reports_take_for_granted_is_looked_for() {
        let sound = || study(vec![record(0, &[]), record(1, &[])]);
        assert_eq!(sound().fits(), Ok(()));
        let lacks = |change: &dyn Fn(&mut StudyResult)| {
            let mut result = sound();
            change(&mut result);
            result.fits().is_err()
        };
        assert!(lacks(&|result| result.metrics.swap(0, 1)));
        assert!(lacks(&|result| result.metrics.truncate(3)));
        assert!(lacks(&|result| result.records[1].values.truncate(3)));
        assert!(lacks(&|result| result.timeline.series.truncate(3)));
        assert!(lacks(&|result| result.timeline.series[2].p95.clear()));
        assert!(lacks(&|result| result.timeline.times.clear()));
        assert!(lacks(&|result| result.timeline.bin_s = f64::NAN));
        assert!(lacks(&|result| result.scenario.versions.truncate(1)));
    }
}
