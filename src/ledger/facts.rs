//! What the books of a run are told: how attempts and requests end, how many replicas are in which state, what was emitted,
//! how the rollout stood.

use super::metrics::{Metric, RolloutOutcome};
use crate::units::{Duration, Time};

/// How an attempt, or a request's last one, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered whole.
    Completed,
    /// Cut after its first token.
    Truncated,
    /// Accepted by no server.
    Refused,
    /// Cut before its first token.
    Dropped,
    /// Given up by its client.
    TimedOut,
    /// Answered with an error.
    Failed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 6] = [
        Outcome::Completed,
        Outcome::Truncated,
        Outcome::Refused,
        Outcome::Dropped,
        Outcome::TimedOut,
        Outcome::Failed,
    ];

    /// The word in `requests.csv`.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Completed => "completed",
            Outcome::Truncated => "truncated",
            Outcome::Refused => "refused",
            Outcome::Dropped => "dropped",
            Outcome::TimedOut => "timed_out",
            Outcome::Failed => "failed",
        }
    }

    /// Whether a client tries again after it.
    pub fn is_retried(self) -> bool {
        matches!(self, Outcome::Truncated | Outcome::Refused | Outcome::Dropped | Outcome::Failed)
    }

    pub(super) fn metrics(self) -> (Metric, Metric) {
        match self {
            Outcome::Completed => (Metric::CompletedRequests, Metric::CompletedAttempts),
            Outcome::Truncated => (Metric::TruncatedRequests, Metric::TruncatedAttempts),
            Outcome::Refused => (Metric::RefusedRequests, Metric::RefusedAttempts),
            Outcome::Dropped => (Metric::DroppedRequests, Metric::DroppedAttempts),
            Outcome::TimedOut => (Metric::TimedOutRequests, Metric::TimedOutAttempts),
            Outcome::Failed => (Metric::FailedRequests, Metric::FailedAttempts),
        }
    }
}

/// An attempt that has ended.
#[derive(Clone, Copy, Debug)]
pub struct EndedAttempt {
    /// How.
    pub outcome: Outcome,
    /// When its server was through with it.
    pub time: Time,
    /// Which version it reached, if any.
    pub version: Option<usize>,
    /// Whether its request counts (first arrived in the window).
    pub measured: bool,
    /// Prompt length.
    pub prompt_tokens: u32,
    /// Tokens that it emitted.
    pub tokens_out: u32,
}

/// The times of a request that has ended, or that had not when the run did.
#[derive(Clone, Copy, Debug)]
pub struct RequestTimes {
    /// First arrival.
    pub arrival: Time,
    /// When the last attempt was first scheduled.
    pub scheduled: Option<Time>,
    /// The last attempt's first token.
    pub first_token: Option<Time>,
    /// The last token of a completed answer.
    pub finish: Option<Time>,
    /// Tokens of the answer.
    pub output_tokens: u32,
    /// Whether an attempt of it reached the new version.
    pub reached_new: bool,
    /// Whether one did before the verdict, see [`RunLedger::exposes`](super::RunLedger::exposes).
    pub exposed: bool,
}

/// How many replicas are in which state, and what they can do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FleetLevels {
    /// Pending, cold, ready, draining replicas of the version that ran when the simulation began.
    pub stable: [u32; 4],
    /// The same of all other versions.
    pub new: [u32; 4],
    /// What the ready ones can do, in stable replicas.
    pub capacity: f64,
    /// GPUs held.
    pub gpus_held: u32,
}

/// What was emitted and what was live at an edge of the window.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenSnapshot {
    /// Tokens emitted by all engines since the run began.
    pub emitted: u64,
    /// Of those, by terminating replicas.
    pub emitted_draining: u64,
    /// Tokens emitted by attempts that had not ended.
    pub in_flight: u64,
}

/// How the rollout of a run stood at the end of the window.
#[derive(Clone, Debug)]
pub struct RolloutResult {
    /// In a word.
    pub outcome: RolloutOutcome,
    /// From its start to the controller's own completion.
    pub duration: Option<Duration>,
    /// Why it did not complete; else empty.
    pub reason: String,
    /// Measurements that found too little data, of all.
    pub empty_measurements: (u32, u32),
    /// What an estimator other than the exact one changed.
    pub estimates: Estimates,
}

/// What an estimator other than the exact one changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimates {
    /// Measurements that came to another outcome than the exact value's.
    pub misjudged: u32,
    /// AnalysisRuns that did not pass, and would have so far with the exact values.
    pub only_failures: u32,
    /// AnalysisRuns that passed, or were under way, and would not have passed with the exact values.
    pub only_passes: u32,
}
