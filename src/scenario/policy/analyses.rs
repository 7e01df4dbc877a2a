//! `[analysis]`: what is measured of a version, and what passes.

use serde::{Deserialize, Serialize};

use crate::units::Duration;

/// `[analysis.NAME]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Analysis {
    /// Its name.
    pub name: String,
    /// What is measured.
    pub metric: AnalysisMetric,
    /// Quantile of a latency.
    pub quantile: f64,
    /// What a measurement must not exceed to succeed.
    pub bound: AnalysisBound,
    /// Above this, in the bound's terms (a value, or a ratio to stable's), it fails; between the two it is inconclusive.
    /// `None`: whatever exceeds the bound fails.
    pub fail_above: Option<f64>,
    /// Time between measurements.
    pub interval: Duration,
    /// Measurements until it passes; `None`: as long as it runs (a background analysis).
    pub count: Option<u32>,
    /// Failed measurements that are tolerated; `None`: any number.
    pub failure_limit: Option<u32>,
    /// Inconclusive measurements that are tolerated.
    pub inconclusive_limit: u32,
    /// Consecutive errors that are tolerated.
    pub consecutive_error_limit: u32,
    /// Successes in a row by which it passes at once, and without which it does not pass; 0: none are asked for.
    pub consecutive_success_limit: u32,
    /// Whether it only looks on: its verdict is told, and decides nothing.
    pub dry_run: bool,
    /// Wait before the first measurement.
    pub initial_delay: Duration,
    /// What a measurement looks back on.
    pub window: Duration,
    /// Fewer samples than this are no data.
    pub min_samples: u64,
    /// What no data counts as.
    pub no_data: NoData,
    /// How the value is come by.
    pub estimator: Estimator,
}

/// How an analysis comes by its values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Estimator {
    /// From every attempt.
    Exact,
    /// From what a Prometheus server scraped of the replicas.
    Prometheus {
        /// Time between scrapes of a replica.
        scrape_interval: Duration,
    },
    /// From a comparison of the versions' points, one for each step of the window, as Kayenta compares time series.
    MannWhitney {
        /// Two-sided confidence of the shift's interval.
        confidence: f64,
        /// Time that a point stands for.
        step: Duration,
    },
}

/// What a scenario gets that sets nothing; metric and bound, which must be set, are those of an error rate of zero.
impl Default for Analysis {
    fn default() -> Analysis {
        Analysis {
            name: String::new(),
            metric: AnalysisMetric::ErrorRate,
            quantile: 0.99,
            bound: AnalysisBound::Max(0.0),
            fail_above: None,
            interval: Duration::from_seconds(60),
            count: None,
            failure_limit: Some(0),
            inconclusive_limit: 0,
            consecutive_error_limit: 4,
            consecutive_success_limit: 0,
            dry_run: false,
            initial_delay: Duration::ZERO,
            window: Duration::from_seconds(60),
            min_samples: 0,
            no_data: NoData::Success,
            estimator: Estimator::Exact,
        }
    }
}

/// What an analysis measures, of the new version's attempts, from arrival at the replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AnalysisMetric {
    /// Time to first token, seconds.
    Ttft,
    /// Time per output token after the first, seconds.
    Tpot,
    /// Time to the last token, seconds.
    EndToEnd,
    /// Share of ended attempts that failed, were refused or dropped.
    ErrorRate,
    /// Share of ended attempts that were cut after their first token.
    TruncationRate,
    /// Time until first scheduled, seconds.
    QueueTime,
}

/// When a measurement succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum AnalysisBound {
    /// Value at most this (seconds, or a share).
    Max(f64),
    /// Value at most this many times stable's.
    MaxRatioToStable(f64),
    /// Not surely shifted above stable's.
    MaxShift {
        /// The interval's lower end must exceed this share of the shift to count as sure.
        tolerance: f64,
        /// So must the ratio of the means to this.
        ratio: f64,
    },
}

/// What a measurement without enough data counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoData {
    /// A success.
    Success,
    /// An error: measured again after 10 s, not counted.
    Error,
    /// Inconclusive.
    Inconclusive,
}
