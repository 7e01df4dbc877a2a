//! How many users met a new version before anyone knew whether it is good, and what giving it up takes and costs.

use crate::units::{Duration, Time};

/// What an abort costs from the moment of the abort to the restored stable fleet, within the window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AbortCost {
    pub(super) dip_replica_seconds: f64,
    pub(super) seconds_overloaded: f64,
    pub(super) replicas_created: u64,
}

/// One run's exposure to the new version. Every time is in the window: what comes after it is not seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Exposure {
    /// The version whose rollout is looked at: the one shipped last, and after an abort the one that was given up.
    pub(super) version: usize,
    /// The first attempt that was routed to it.
    pub(super) first_routed: Option<Time>,
    /// The first verdict on it: promoted, aborted, or over.
    pub(super) verdict: Option<Time>,
    /// The first abort.
    pub(super) aborted: Option<Time>,
    /// The new version's weight then, percent.
    pub(super) weight_at_abort: Option<u32>,
    /// Since when the router has sent nothing to the new version, after the abort.
    pub(super) safe: Option<Time>,
    /// Whether the rollout was over after the abort.
    pub(super) is_over: bool,
    pub(super) cost: AbortCost,
}

impl Exposure {
    /// Whether an abort is under way: its costs are counted.
    pub(super) fn is_aborting(&self) -> bool {
        self.aborted.is_some() && !self.is_over
    }

    /// From the first attempt at the new version to the abort; zero where the abort came first, `None` without one.
    pub(super) fn time_to_detect(&self) -> Option<Duration> {
        self.aborted.map(|aborted| self.since_first_routed(aborted))
    }

    /// From the first attempt at the new version until the router sent nothing to it any more after the abort.
    pub(super) fn time_to_safety(&self) -> Option<Duration> {
        self.safe.map(|safe| self.since_first_routed(safe))
    }

    fn since_first_routed(&self, time: Time) -> Duration {
        self.first_routed.filter(|first| *first < time).map_or(Duration::ZERO, |first| time.since(first))
    }
}
