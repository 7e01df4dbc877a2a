//! The result of a study: everything that a report or a chart shows, as plain data.

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::explore::Explored;
use super::intervals::{Confidence, Moments};
use super::precision::Precision;
use crate::ledger::{Metric, Pooled, RolloutOutcome, RunRecord, SERIES, Series};
use crate::scenario::{Scenario, Severity, Statistic};

/// An estimate with its 95 % interval; `None` where the runs cannot give one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The point estimate; NaN where there is none.
    pub value: f64,
    /// Lower and upper end of the interval.
    pub interval: Option<(f64, f64)>,
}

impl Estimate {
    /// The mean of these values of independent runs; without interval of fewer than two.
    pub fn of_mean(values: &[f64]) -> Estimate {
        let moments = Moments::of(values);
        Estimate { value: moments.mean, interval: Confidence::NINETY_FIVE.mean(moments, values.len() as u64) }
    }
}

/// One metric over all runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MetricSummary {
    /// Which.
    pub metric: Metric,
    /// At which every interval is taken: 95 % over all looks at the study.
    pub confidence: Confidence,
    /// Runs in which it has a value.
    pub runs: u64,
    /// Mean; NaN with no interval where an unfinished rollout leaves it infinite.
    pub mean: Estimate,
    /// Standard deviation over runs.
    pub standard_deviation: f64,
    /// Least; no interval.
    pub min: f64,
    /// Greatest; no interval.
    pub max: f64,
    /// Median over runs.
    pub p50: Estimate,
    /// 90 % quantile over runs.
    pub p90: Estimate,
    /// 95 % quantile over runs.
    pub p95: Estimate,
    /// 99 % quantile over runs.
    pub p99: Estimate,
    /// Share of runs in which it is above zero.
    pub probability_positive: Estimate,
}

impl MetricSummary {
    /// One statistic over runs; the least and the greatest have no interval.
    pub fn statistic(&self, statistic: Statistic) -> Estimate {
        match statistic {
            Statistic::Mean => self.mean,
            Statistic::Min => Estimate { value: self.min, interval: None },
            Statistic::Max => Estimate { value: self.max, interval: None },
            Statistic::P50 => self.p50,
            Statistic::P90 => self.p90,
            Statistic::P95 => self.p95,
            Statistic::P99 => self.p99,
            Statistic::ProbabilityPositive => self.probability_positive,
        }
    }
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds, with the interval clear of the bound.
    Passed,
    /// It does not.
    Failed,
    /// The interval straddles the bound, or there is none.
    Inconclusive,
}

/// A check and how it came out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckResult {
    /// Metric's name.
    pub metric: String,
    /// Statistic over runs.
    pub statistic: Statistic,
    /// Lower bound.
    pub min: Option<f64>,
    /// Upper bound.
    pub max: Option<f64>,
    /// What was found.
    pub estimate: Estimate,
    /// What it means for the gate where it does not hold.
    pub severity: Severity,
    /// Why it is promised, for people.
    pub description: Option<String>,
    /// How it came out.
    pub verdict: Verdict,
    /// Why it is inconclusive, and what would settle it; or why it failed without an estimate; else empty.
    pub explanation: String,
}

/// The name of a series: one of [`SERIES`].
pub type SeriesName = &'static str;

/// The series of the name that a saved result has.
fn series_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SeriesName, D::Error> {
    let text = String::deserialize(deserializer)?;
    let known = SERIES.iter().map(|(_, name)| *name).find(|name| *name == text);
    known.ok_or_else(|| D::Error::custom(format!("there is no series `{text}`")))
}

/// One series of the timeline over runs, a value a bin; NaN where no run has one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeriesSummary {
    /// Its name in `timeline.csv`.
    #[serde(deserialize_with = "series_name")]
    pub name: SeriesName,
    /// Mean over runs.
    pub mean: Vec<f64>,
    /// 5 % quantile over runs.
    pub p5: Vec<f64>,
    /// Median over runs.
    pub p50: Vec<f64>,
    /// 95 % quantile over runs.
    pub p95: Vec<f64>,
}

/// The timeline over runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Timeline {
    /// Width of a bin, seconds; the last one may be cut short by the end of the window.
    pub bin_s: f64,
    /// Length of the window, seconds.
    pub window_s: f64,
    /// Beginning of each bin, seconds from time zero.
    pub times: Vec<f64>,
    /// The series, in the order of [`crate::ledger::SERIES`].
    pub series: Vec<SeriesSummary>,
    /// Median TTFT of all runs' requests that arrived in the bin, seconds.
    pub pooled_ttft_p50: Vec<f64>,
    /// 99 % quantile of TTFT of all runs' requests that arrived in the bin, seconds.
    pub pooled_ttft_p99: Vec<f64>,
    /// First arrivals per second that go to the new version, mean over runs: each run's rate by its share.
    pub new_requests_per_s: Vec<f64>,
    /// Of each run, in the order of their numbers, the bins in which responses were cut, with how many.
    pub truncated_by_run: Vec<Vec<(u32, f32)>>,
    /// The same of attempts that were refused, dropped or failed.
    pub errors_by_run: Vec<Vec<(u32, f32)>>,
    /// Of each run, in the order of their numbers, the bin in which the new version got its first request.
    pub first_new_by_run: Vec<Option<u32>>,
}

impl Timeline {
    /// What a series counts in each run, in the order of their numbers, as pairs of bin and count: of cut responses and of
    /// errors; of other series nothing is kept.
    pub fn by_run(&self, series: Series) -> &[Vec<(u32, f32)>] {
        match series {
            Series::Truncated => &self.truncated_by_run,
            Series::Errors => &self.errors_by_run,
            _ => &[],
        }
    }

    /// When a bin ends, seconds from time zero.
    pub fn end_of(&self, bin: usize) -> f64 {
        (self.times[bin] + self.bin_s).min(self.window_s)
    }
}

/// Figures that follow from the scenario alone.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Facts {
    /// Saturated rate of a stable replica, output tokens/s.
    pub saturated_rate: f64,
    /// Batch at which it is reached, sequences; NaN where the scenario gives the rate.
    pub saturated_batch: f64,
    /// Mean prompt, tokens.
    pub mean_prompt_tokens: f64,
    /// Mean answer, tokens.
    pub mean_output_tokens: f64,
    /// Mean arrival rate, requests/s.
    pub mean_rate: f64,
}

/// A whole study.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StudyResult {
    /// The scenario as run.
    pub scenario: Scenario,
    /// What follows from it alone.
    pub facts: Facts,
    /// Every run, in order of its number.
    pub records: Vec<RunRecord>,
    /// Whether it was interrupted: `records` holds what was finished.
    pub partial: bool,
    /// How it came to its number of runs, where a precision was asked for.
    pub precision: Option<Precision>,
    /// Every metric, in the order of [`crate::ledger::METRICS`].
    pub metrics: Vec<MetricSummary>,
    /// Share of runs by outcome, those that occur.
    pub outcomes: Vec<(RolloutOutcome, Estimate)>,
    /// All runs' requests together.
    pub pooled: Pooled,
    /// The timeline.
    pub timeline: Timeline,
    /// The checks, in the order of the scenario.
    pub checks: Vec<CheckResult>,
    /// The runs that were looked at one by one; none where nobody asked for it.
    pub explored: Explored,
}

impl StudyResult {
    /// The summary of one metric.
    pub fn metric(&self, metric: Metric) -> &MetricSummary {
        &self.metrics[metric as usize]
    }

    /// Offered tokens over what the needed replicas emit saturated: above 1 no rollout is needed to make users wait.
    pub fn offered_load(&self) -> f64 {
        let facts = &self.facts;
        facts.mean_rate * facts.mean_output_tokens / (facts.saturated_rate * self.scenario.fleet.needed_replicas)
    }
}
