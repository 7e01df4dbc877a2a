//! What an analysis with `estimator = "exact"` reads: every attempt of a version, over the window that it looks back on.

use crate::ledger::Outcome;
use crate::rollout::{Measured, Version};
use crate::scenario::{Analysis, AnalysisBound, AnalysisMetric};
use crate::units::{Duration, Time};

/// The samples of one metric of one version.
#[derive(Clone, Debug, Default)]
struct Samples {
    /// (when, value), nearly in order: engines report one after the other.
    values: Vec<(Time, f64)>,
    /// Length at which old samples are next thrown away.
    prune_at: usize,
}

/// Fewer samples than this are not worth pruning.
const LEAST_PRUNED: usize = 4096;

impl Samples {
    fn push(&mut self, time: Time, value: f64, keep: Duration) {
        self.values.push((time, value));
        if self.values.len() >= self.prune_at.max(LEAST_PRUNED) {
            let oldest = time - keep;
            self.values.retain(|(at, _)| *at > oldest);
            self.prune_at = self.values.len() * 2;
        }
    }

    /// Values in (now - window, now], unordered.
    fn within(&self, now: Time, window: Duration) -> Vec<f64> {
        let oldest = now - window;
        self.values.iter().filter(|(at, _)| *at > oldest && *at <= now).map(|(_, value)| *value).collect()
    }
}

/// Samples of every metric that some analysis reads.
#[derive(Clone, Debug)]
pub(super) struct Observations {
    /// Metrics that are read, each with the longest window; empty: nothing is recorded.
    wanted: Vec<(AnalysisMetric, Duration)>,
    /// By version, then as in `wanted`.
    samples: Vec<Vec<Samples>>,
}

impl Observations {
    pub(super) fn new(analyses: &[Analysis], versions: usize) -> Observations {
        let mut wanted: Vec<(AnalysisMetric, Duration)> = Vec::new();
        for analysis in analyses {
            match wanted.iter_mut().find(|(metric, _)| *metric == analysis.metric) {
                Some((_, window)) => *window = (*window).max(analysis.window),
                None => wanted.push((analysis.metric, analysis.window)),
            }
        }
        Observations { samples: vec![vec![Samples::default(); wanted.len()]; versions], wanted }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Records one sample, if any analysis reads its metric.
    pub(super) fn record(&mut self, version: Version, metric: AnalysisMetric, time: Time, value: f64) {
        if let Some(i) = self.wanted.iter().position(|(wanted, _)| *wanted == metric) {
            self.samples[version][i].push(time, value, self.wanted[i].1);
        }
    }

    /// An attempt at a version has ended.
    pub(super) fn ended(&mut self, version: Version, outcome: Outcome, time: Time) {
        let error = matches!(outcome, Outcome::Refused | Outcome::Dropped | Outcome::Failed);
        self.record(version, AnalysisMetric::ErrorRate, time, f64::from(error));
        let truncated = outcome == Outcome::Truncated;
        self.record(version, AnalysisMetric::TruncationRate, time, f64::from(truncated));
    }

    /// A measurement of one version; `None` without any sample.
    fn value(&self, analysis: &Analysis, version: Version, now: Time) -> (Option<f64>, u64) {
        let Some(i) = self.wanted.iter().position(|(metric, _)| *metric == analysis.metric) else { return (None, 0) };
        let mut values = self.samples[version][i].within(now, analysis.window);
        let n = values.len();
        if n == 0 {
            return (None, 0);
        }
        let value = match analysis.metric {
            AnalysisMetric::ErrorRate | AnalysisMetric::TruncationRate => values.iter().sum::<f64>() / n as f64,
            _ => {
                let rank = ((analysis.quantile * n as f64).ceil() as usize).clamp(1, n);
                *values.select_nth_unstable_by(rank - 1, f64::total_cmp).1
            }
        };
        (Some(value), n as u64)
    }

    /// What an analysis of the version `subject` measures now.
    pub(super) fn measure(&self, analysis: &Analysis, subject: Version, stable: Version, now: Time) -> Measured {
        let (value, samples) = self.value(analysis, subject, now);
        let stable = match analysis.bound {
            AnalysisBound::Max(_) => None,
            AnalysisBound::MaxRatioToStable(_) => self.value(analysis, stable, now).0,
        };
        match value {
            Some(value) if samples >= analysis.min_samples => Measured::Value { value, samples, stable },
            _ => Measured::NoData { samples },
        }
    }
}
