//! What is kept of one run, and of all runs' requests together.

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;
use super::metrics::{METRICS, Metric, RolloutOutcome};

/// One run: a value for each metric, and how its rollout stood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Number of the run, from 0.
    pub run: u64,
    /// A value for each of [`METRICS`], in their order; NaN where it is empty.
    pub values: Vec<f64>,
    /// How the rollout stood at the end of the window.
    pub outcome: RolloutOutcome,
    /// Why, in a few words, where the rollout did not complete ("analysis ttft failed: ..."); else empty.
    pub reason: String,
    /// A value for each of [`SERIES`] and bin, series by series; NaN where it is empty. A study that is summed up has its
    /// timeline over runs instead, and none of each.
    #[serde(skip)]
    pub timeline: Vec<f32>,
    /// Measurements that found too little data, of all.
    pub empty_measurements: (u32, u32),
}

impl RunRecord {
    /// The value of a metric; NaN where it is empty.
    pub fn value(&self, metric: Metric) -> f64 {
        debug_assert_eq!(self.values.len(), METRICS.len());
        self.values[metric as usize]
    }
}

/// A series of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Series {
    /// Ready stable replicas, mean over the bin; so for all counts of replicas.
    ReadyStable,
    /// Ready new replicas.
    ReadyNew,
    /// Stable replicas between GPUs held and readiness, back-off included.
    StartingStable,
    /// New replicas between GPUs held and readiness.
    StartingNew,
    /// Stable replicas that wait for GPUs.
    PendingStable,
    /// New replicas that wait for GPUs.
    PendingNew,
    /// Terminating stable replicas.
    DrainingStable,
    /// Terminating new replicas.
    DrainingNew,
    /// Ready replicas, least in the bin.
    LeastReady,
    /// Capacity in stable replicas, mean over the bin.
    Capacity,
    /// GPUs held, mean over the bin.
    GpusHeld,
    /// Attempts that went to the new version, of all that reached a version; empty without any.
    NewVersionShare,
    /// First arrivals per second.
    RequestsPerSecond,
    /// Responses cut after their first token in the bin.
    Truncated,
    /// Attempts refused, dropped or failed in the bin.
    Errors,
    /// Median TTFT of the requests that arrived in the bin; empty without any.
    TtftP50,
    /// 99 % quantile of TTFT of the requests that arrived in the bin.
    TtftP99,
}

/// Every series with its name in `timeline.csv`.
pub const SERIES: [(Series, &str); 17] = [
    (Series::ReadyStable, "ready_stable"),
    (Series::ReadyNew, "ready_new"),
    (Series::StartingStable, "starting_stable"),
    (Series::StartingNew, "starting_new"),
    (Series::PendingStable, "pending_stable"),
    (Series::PendingNew, "pending_new"),
    (Series::DrainingStable, "draining_stable"),
    (Series::DrainingNew, "draining_new"),
    (Series::LeastReady, "least_ready"),
    (Series::Capacity, "capacity"),
    (Series::GpusHeld, "gpus_held"),
    (Series::NewVersionShare, "new_version_share"),
    (Series::RequestsPerSecond, "requests_per_s"),
    (Series::Truncated, "truncated"),
    (Series::Errors, "errors"),
    (Series::TtftP50, "ttft_p50_s"),
    (Series::TtftP99, "ttft_p99_s"),
];

/// The counts of replicas that a rollout changes, by version and state.
pub const REPLICA_SERIES: [Series; 8] = [
    Series::ReadyStable,
    Series::ReadyNew,
    Series::StartingStable,
    Series::StartingNew,
    Series::PendingStable,
    Series::PendingNew,
    Series::DrainingStable,
    Series::DrainingNew,
];

/// All runs' requests together. Merging adds counts, so the order of runs does not matter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pooled {
    /// Time to first token.
    pub ttft: Histogram,
    /// Time per output token.
    pub tpot: Histogram,
    /// End to end, completed requests.
    pub e2e: Histogram,
    /// Queueing time.
    pub queue_time: Histogram,
    /// TTFT by the timeline bin in which the request arrived.
    pub ttft_by_bin: Vec<Histogram>,
    /// The same of the requests of which an attempt reached the new version.
    pub ttft_new_by_bin: Vec<Histogram>,
    /// Of each answer in flight when its replica was told to terminate: the grace period that would have let it finish.
    /// For those that were cut, estimated from the tokens that were missing and the last step's length.
    pub needed_grace: Histogram,
}

impl Pooled {
    /// Empty, with so many timeline bins.
    pub fn new(bins: usize) -> Pooled {
        let empty = || vec![Histogram::new(); bins];
        Pooled { ttft_by_bin: empty(), ttft_new_by_bin: empty(), ..Pooled::default() }
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Pooled) {
        self.ttft.merge(&other.ttft);
        self.tpot.merge(&other.tpot);
        self.e2e.merge(&other.e2e);
        self.queue_time.merge(&other.queue_time);
        self.needed_grace.merge(&other.needed_grace);
        let all = self.ttft_by_bin.iter_mut().zip(&other.ttft_by_bin);
        let new = self.ttft_new_by_bin.iter_mut().zip(&other.ttft_new_by_bin);
        for (mine, theirs) in all.chain(new) {
            mine.merge(theirs);
        }
    }
}
