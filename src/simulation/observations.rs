//! What an analysis with `estimator = "exact"` reads: every attempt of a version, over the window that it looks back on.
//! One with `estimator = "mann_whitney"` reads the same, step by step.

use crate::ledger::Outcome;
use crate::rollout::mann_whitney::{Comparison, compare};
use crate::rollout::{Measured, Version};
use crate::scenario::{Analysis, AnalysisBound, AnalysisMetric, Estimator};
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
        (estimate(analysis, &mut values), n as u64)
    }

    /// A value for each step of the window in which a version has any sample, the latest first.
    fn points(&self, analysis: &Analysis, version: Version, now: Time, step: Duration) -> Vec<f64> {
        let Some(i) = self.wanted.iter().position(|(metric, _)| *metric == analysis.metric) else { return Vec::new() };
        let mut steps = vec![Vec::new(); (analysis.window.0 / step.0) as usize];
        for (at, value) in self.samples[version][i].values.iter().filter(|(at, _)| *at <= now) {
            if let Some(step) = steps.get_mut((now.since(*at).0 / step.0) as usize) {
                step.push(*value);
            }
        }
        steps.iter_mut().filter_map(|values| estimate(analysis, values)).collect()
    }

    /// How far the points of the second version lie above those of the first.
    fn compare(
        &self,
        analysis: &Analysis,
        versions: [Version; 2],
        now: Time,
        confidence: f64,
        step: Duration,
    ) -> Measured {
        let [stable, new] = versions.map(|version| self.points(analysis, version, now, step));
        let points = new.len().min(stable.len()) as u64;
        match compare(&new, &stable, confidence).filter(|_| points >= analysis.min_samples) {
            Some(Comparison { shift, lower, mean_ratio, .. }) => Measured::Shift { shift, lower, mean_ratio, points },
            None => Measured::NoData { samples: points },
        }
    }

    /// What an analysis of the version `subject` measures now.
    pub(super) fn measure(&self, analysis: &Analysis, subject: Version, stable: Version, now: Time) -> Measured {
        if let Estimator::MannWhitney { confidence, step } = analysis.estimator {
            return self.compare(analysis, [stable, subject], now, confidence, step);
        }
        let (value, samples) = self.value(analysis, subject, now);
        let stable = match analysis.bound {
            AnalysisBound::Max(_) | AnalysisBound::MaxShift { .. } => None,
            AnalysisBound::MaxRatioToStable(_) => self.value(analysis, stable, now).0,
        };
        match value {
            Some(value) if samples >= analysis.min_samples => Measured::Value { value, samples, stable },
            _ => Measured::NoData { samples },
        }
    }
}

/// The quantile of these samples, or their share; `None` without any.
fn estimate(analysis: &Analysis, values: &mut [f64]) -> Option<f64> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    Some(match analysis.metric {
        AnalysisMetric::ErrorRate | AnalysisMetric::TruncationRate => values.iter().sum::<f64>() / n as f64,
        _ => {
            let rank = ((analysis.quantile * n as f64).ceil() as usize).clamp(1, n);
            *values.select_nth_unstable_by(rank - 1, f64::total_cmp).1
        }
    })
}
