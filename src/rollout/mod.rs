//! Rollout controllers as pure state machines: (view of the fleet, now) -> commands.
//!
//! Kubernetes' Deployment (RollingUpdate, Recreate), Argo Rollouts' canary (with and without traffic routing) and
//! blue-green, with their AnalysisRuns, and Flagger's canary loop. They are level-triggered: whoever calls reconciles until nothing changes at each
//! event, then lets time pass. Nothing here knows queues, tokens, GPUs or how long anything takes.
//!
//! Whatever Kubernetes and Argo Rollouts compare strictly with the clock (`now > start + duration`) happens here at exactly
//! `start + duration`; the progress deadline alone shows a second late, as it does in both, because their own timer for it
//! adds a second.

pub mod analysis;
mod argo;
mod argo_analysis;
mod argo_pass;
mod argo_progress;
mod argo_replica_sets;
pub mod arithmetic;
mod blue_green;
mod canary;
mod canary_basic;
mod canary_routed;
mod controller;
mod deployment;
mod deployment_progress;
mod deployment_scaling;
mod flagger;
mod flagger_side;
#[cfg(test)]
mod flagger_tests;
#[cfg(test)]
mod laws;
mod limits;
pub mod mann_whitney;
mod metric;
pub mod replica_set;
mod rule;

pub use analysis::RunId;
pub use controller::{Controller, pod_templates};
pub use limits::Limits;
pub use rule::{Rule, WeightRule};

pub use crate::fleet::{ReplicaSetStatus, Routing, Version, Versions};
use crate::units::Time;

/// The fleet as the controller sees it.
#[derive(Clone, Copy, Debug)]
pub struct FleetView<'a> {
    /// The status of each version's ReplicaSet, by version; versions beyond the end have no pods.
    pub sets: &'a [ReplicaSetStatus],
}

impl FleetView<'_> {
    /// The status of a version's ReplicaSet.
    pub fn of(&self, version: Version) -> ReplicaSetStatus {
        self.sets.get(version).copied().unwrap_or_default()
    }

    /// A sum over all ReplicaSets.
    pub(crate) fn total(&self, field: impl Fn(&ReplicaSetStatus) -> u32) -> u32 {
        self.sets.iter().map(field).sum()
    }
}

/// What a controller wants done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Set a ReplicaSet's size. Its pods are to be created and deleted at once, before the next reconcile.
    Scale {
        /// Whose ReplicaSet.
        version: Version,
        /// Size until now.
        from: u32,
        /// Size from now on.
        to: u32,
        /// Why, for people.
        rule: Rule,
    },
    /// Send requests elsewhere from now on.
    Route(Routing),
    /// Take a measurement and hand it to [`Controller::measured`] before the next reconcile.
    Measure {
        /// For which AnalysisRun.
        run: RunId,
        /// Of what: an index into the scenario's analyses.
        template: usize,
    },
    /// Nothing to do; something to tell.
    Note(Note),
}

/// A row for the event log.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// The traffic router's weight of the canary.
    WeightSet {
        /// Percent.
        percent: u32,
        /// Why, for people.
        rule: WeightRule,
    },
    /// The rollout pauses.
    Paused(PauseReason),
    /// It goes on after a pause.
    Resumed,
    /// A canary's current step, counted from 0; the number of steps when all are done.
    StepReached(usize),
    /// A template's measurements begin.
    AnalysisStarted {
        /// Index into the scenario's analyses.
        template: usize,
    },
    /// A template passed, with its whole AnalysisRun.
    AnalysisPassed {
        /// Index into the scenario's analyses.
        template: usize,
        /// Measurements that counted.
        measurements: u32,
        /// Those among them that had no data.
        without_data: u32,
    },
    /// A template failed, or erred too often, and its AnalysisRun with it. Under Flagger: a check failed, of it.
    AnalysisFailed {
        /// Index into the scenario's analyses.
        template: usize,
        /// Which limit was exceeded.
        detail: String,
    },
    /// A template, and its AnalysisRun, ended without a verdict.
    AnalysisInconclusive {
        /// Index into the scenario's analyses.
        template: usize,
        /// Which limit was exceeded.
        detail: String,
    },
    /// A template that only looks on did not pass.
    AnalysisDryRun {
        /// Index into the scenario's analyses.
        template: usize,
        /// What it would have come to, and why.
        detail: String,
    },
    /// The new version became the stable one.
    Promoted,
    /// The rollout was given up; what follows restores the stable version.
    Aborted {
        /// Why.
        reason: String,
    },
    /// The rollout is over: the new version runs alone.
    Completed,
    /// The rollout is over: the version that ran before it runs again.
    RolledBack,
    /// No progress for the progress deadline.
    DeadlineExceeded,
}

/// Why a rollout pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReason {
    /// A canary's pause step.
    CanaryPauseStep,
    /// Blue-green's pause before the active Service is switched.
    BlueGreenPause,
    /// An AnalysisRun that ended without a verdict; an operator must decide.
    InconclusiveAnalysis,
    /// An operator asked for it.
    Operator,
}

impl PauseReason {
    /// The reason in the words of the event log.
    pub fn name(self) -> &'static str {
        match self {
            PauseReason::CanaryPauseStep => "canary_pause_step",
            PauseReason::BlueGreenPause => "blue_green_pause",
            PauseReason::InconclusiveAnalysis => "inconclusive_analysis",
            PauseReason::Operator => "operator",
        }
    }
}

/// A measurement, as the simulation hands it in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measured {
    /// There were enough samples.
    Value {
        /// The new version's value, in the metric's unit.
        value: f64,
        /// Samples behind it.
        samples: u64,
        /// The stable version's value, for bounds that are ratios; without it such a bound has no data.
        stable: Option<f64>,
    },
    /// How far the new version's points lie above stable's, for bounds on the shift.
    Shift {
        /// The shift, in the metric's unit.
        shift: f64,
        /// Lower end of its confidence interval.
        lower: f64,
        /// Mean of the new version's points over stable's.
        mean_ratio: f64,
        /// Points of the version that has fewer.
        points: u64,
    },
    /// There were too few.
    NoData {
        /// How many there were.
        samples: u64,
    },
}

/// Where a rollout is, in our own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing was shipped.
    NotStarted,
    /// Under way.
    Progressing,
    /// Held by a pause.
    Paused,
    /// Given up, and the stable version is not whole again yet.
    Aborted,
    /// Over: the new version runs alone.
    Completed,
    /// Over: the version before it runs again.
    RolledBack,
}

/// What the controller itself reports: Argo Rollouts' `status.phase`, or what Kubernetes' Progressing condition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Under way, and within the progress deadline.
    Progressing,
    /// Held by a pause.
    Paused,
    /// Done. Argo Rollouts says so while the old fleet is still kept for `scale_down_delay`.
    Healthy,
    /// Aborted, or without progress for the progress deadline.
    Degraded,
}

/// When a rollout began and ended, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// The version that was stable when the rollout began.
    origin: Version,
    /// When it began.
    started: Option<Time>,
    /// When and as what it ended.
    finished: Option<(Time, Phase)>,
}

impl Course {
    /// Nothing was shipped yet.
    pub(crate) fn new() -> Course {
        Course { origin: 0, started: None, finished: None }
    }

    /// A version is shipped while `stable` is the stable one. What is shipped during a rollout belongs to that rollout.
    pub(crate) fn ship(&mut self, stable: Version, now: Time) {
        if self.started.is_none() || self.finished.is_some() {
            *self = Course { origin: stable, started: Some(now), finished: None };
        }
    }

    /// The rollout takes up again after it had ended (an operator retries an aborted one).
    pub(crate) fn reopen(&mut self) {
        self.finished = None;
    }

    /// The rollout is over; `version` runs alone. Says so once.
    pub(crate) fn complete(&mut self, version: Version, now: Time, commands: &mut Vec<Command>) {
        let rolled_back = version == self.origin;
        self.finish(if rolled_back { Phase::RolledBack } else { Phase::Completed }, now, commands);
    }

    /// The rollout is over, as `phase` says. Says so once.
    pub(crate) fn finish(&mut self, phase: Phase, now: Time, commands: &mut Vec<Command>) {
        if self.is_open() {
            self.finished = Some((now, phase));
            commands.push(Command::Note(if phase == Phase::RolledBack { Note::RolledBack } else { Note::Completed }));
        }
    }

    /// Whether a rollout is under way.
    pub(crate) fn is_open(&self) -> bool {
        self.started.is_some() && self.finished.is_none()
    }

    /// When it began.
    pub(crate) fn started(&self) -> Option<Time> {
        self.started
    }

    /// When and as what it ended.
    pub(crate) fn finished(&self) -> Option<(Time, Phase)> {
        self.finished
    }
}
