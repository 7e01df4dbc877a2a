//! What Argo Rollouts' strategies share: what a rollout remembers, and what operators do to it.
//!
//! One reconcile is in `argo_pass`, sizes and delays of ReplicaSets in `argo_replica_sets`, progress and health in
//! `argo_progress`, AnalysisRuns in `argo_analysis`, what is peculiar to a strategy in its own file.

use crate::rollout::analysis::{AnalysisRun, RunId};
use crate::rollout::argo_progress::Progressing;
use crate::rollout::argo_replica_sets::ReplicaSet;
use crate::rollout::{Course, Limits, PauseReason, Phase, Version};
use crate::scenario::Analysis;
use crate::units::{CountOrPercent, Duration, Time};

/// A pause condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) reason: PauseReason,
    pub(super) since: Time,
}

impl PauseReason {
    /// A pause for this reason.
    pub(super) fn since(self, since: Time) -> Pause {
        Pause { reason: self, since }
    }
}

/// The traffic router's weights as recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weights {
    /// Percent of the canary Service.
    pub(super) percent: u32,
    /// The version that counted as canary.
    pub(super) canary: Version,
    /// The version that counted as stable.
    pub(super) stable: Version,
}

/// The status that a reconcile stores and the next one reads.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Status {
    /// The version that was last seen as the pod template.
    pub(super) current: Version,
    /// The version that was fully promoted last.
    pub(super) stable: Version,
    /// A canary's current step; `None` without steps.
    pub(super) step: Option<usize>,
    pub(super) pauses: Vec<Pause>,
    /// Whether the controller itself paused. With no pause left, an operator resumed.
    pub(super) controller_pause: bool,
    pub(super) abort: bool,
    /// Whether the status still tells when it aborted: true for one reconcile after a retry.
    pub(super) abort_recorded: bool,
    pub(super) promote_full: bool,
    pub(super) replicas: u32,
    pub(super) updated: u32,
    pub(super) ready: u32,
    pub(super) available: u32,
    pub(super) weights: Weights,
    pub(super) step_run: Option<RunId>,
    pub(super) background_run: Option<RunId>,
    pub(super) pre_promotion_run: Option<RunId>,
    pub(super) post_promotion_run: Option<RunId>,
    /// Blue-green: the versions behind the active and the preview Service.
    pub(super) active: Version,
    pub(super) preview: Version,
    /// Blue-green: the preview passed, and is scaled up from `preview_replica_count`.
    pub(super) checkpoint: bool,
    /// Whether the Healthy condition held.
    pub(super) healthy: bool,
    pub(super) progressing: Progressing,
}

/// Settings that every strategy has.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) max_surge: CountOrPercent,
    pub(super) max_unavailable: CountOrPercent,
    pub(super) progress_deadline: Duration,
    pub(super) progress_deadline_abort: bool,
    /// `None`: unset.
    pub(super) scale_down_delay: Option<Duration>,
    /// `None`: unset.
    pub(super) abort_scale_down_delay: Option<Duration>,
    /// Most old ReplicaSets that are kept for `scale_down_delay`; `None`: any number.
    pub(super) scale_down_delay_revision_limit: Option<u32>,
    /// Shipping an older version takes the short way if fewer than so many lie between it and stable.
    pub(super) rollback_window: u32,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared {
            max_surge: CountOrPercent::Count(0),
            max_unavailable: CountOrPercent::Count(0),
            progress_deadline: Duration::from_seconds(600),
            progress_deadline_abort: false,
            scale_down_delay: None,
            abort_scale_down_delay: None,
            scale_down_delay_revision_limit: None,
            rollback_window: 0,
        }
    }
}

/// Which strategy, where the common rules differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StrategyKind {
    BasicCanary,
    RoutedCanary { dynamic_stable_scale: bool },
    BlueGreen,
}

/// A rollout: what all strategies keep.
#[derive(Clone, Debug)]
pub(super) struct Rollout {
    pub(super) kind: StrategyKind,
    pub(super) shared: Shared,
    /// Number of a canary's steps.
    pub(super) steps: usize,
    /// Steps that take their own time: pauses and analyses.
    pub(super) indefinite_steps: Vec<usize>,
    pub(super) replicas: u32,
    pub(super) template: Version,
    /// Whether the spec has been reconciled since it changed.
    pub(super) observed: bool,
    pub(super) operator_pause: bool,
    /// What it was last said to be held by.
    pub(super) held: Option<PauseReason>,
    pub(super) sets: Vec<Option<ReplicaSet>>,
    pub(super) status: Status,
    pub(super) analyses: Vec<Analysis>,
    pub(super) runs: Vec<AnalysisRun>,
    pub(super) course: Course,
    pub(super) abort_reason: String,
    /// When it was last reconciled; what was due until then has had its effect.
    pub(super) reconciled: Time,
}

impl Rollout {
    /// A rollout whose version 0 is promoted and runs with all its replicas available.
    pub(super) fn new(kind: StrategyKind, shared: Shared, analyses: &[Analysis], replicas: u32) -> Rollout {
        let set = ReplicaSet { spec: replicas, desired: replicas, scale_down_at: None, revision: 1 };
        Rollout {
            kind,
            shared,
            steps: 0,
            indefinite_steps: Vec::new(),
            replicas,
            template: 0,
            observed: true,
            operator_pause: false,
            held: None,
            sets: vec![Some(set)],
            status: Status {
                current: 0,
                stable: 0,
                step: None,
                pauses: Vec::new(),
                controller_pause: false,
                abort: false,
                abort_recorded: false,
                promote_full: false,
                replicas,
                updated: replicas,
                ready: replicas,
                available: replicas,
                weights: Weights { percent: 0, canary: 0, stable: 0 },
                step_run: None,
                background_run: None,
                pre_promotion_run: None,
                post_promotion_run: None,
                active: 0,
                preview: 0,
                checkpoint: false,
                healthy: true,
                progressing: Progressing::completed(),
            },
            analyses: analyses.to_vec(),
            runs: Vec::new(),
            course: Course::new(),
            abort_reason: String::new(),
            reconciled: Time(i64::MIN),
        }
    }

    /// Changes the pod template.
    pub(super) fn ship(&mut self, version: Version, now: Time) {
        if version != self.template {
            self.course.ship(self.status.stable, now);
            self.template = version;
            self.observed = false;
        }
    }

    /// Changes the number of replicas.
    pub(super) fn set_replicas(&mut self, replicas: u32) {
        self.replicas = replicas;
        self.observed = false;
    }

    /// An operator halts the rollout, or lets it go on.
    pub(super) fn set_paused(&mut self, paused: bool) {
        self.operator_pause = paused;
        self.observed = false;
    }

    /// An operator gives the update up.
    pub(super) fn abort(&mut self) {
        self.status.abort = true;
    }

    /// An operator takes an aborted update up again, from its first step.
    pub(super) fn retry(&mut self) {
        if self.status.abort {
            self.status.abort = false;
            self.course.reopen();
        }
    }

    /// An operator ends the current pause.
    pub(super) fn promote(&mut self) {
        self.status.pauses.clear();
    }

    /// An operator skips all pauses, steps and analyses.
    pub(super) fn promote_full(&mut self) {
        if self.status.current != self.status.stable {
            self.status.promote_full = true;
        }
    }

    /// Surge and unavailable.
    pub(super) fn limits(&self) -> Limits {
        Limits::resolve(self.shared.max_surge, self.shared.max_unavailable, self.replicas)
    }

    /// A version's ReplicaSet, if it was created.
    pub(super) fn set(&self, version: Version) -> Option<ReplicaSet> {
        self.sets.get(version).copied().flatten()
    }

    /// A version's ReplicaSet, if it was created.
    pub(super) fn set_mut(&mut self, version: Version) -> Option<&mut ReplicaSet> {
        self.sets.get_mut(version).and_then(Option::as_mut)
    }

    /// The size of a version's ReplicaSet.
    pub(super) fn spec(&self, version: Version) -> u32 {
        self.set(version).map_or(0, |set| set.spec)
    }

    /// ReplicaSets with a size that are neither the new nor the stable one, in order of creation.
    pub(super) fn others(&self) -> Vec<Version> {
        let is_other = |version: &Version| *version != self.template && *version != self.status.stable;
        (0..self.sets.len()).filter(|version| is_other(version) && self.spec(*version) > 0).collect()
    }

    /// Whether what is stable is also what is shipped, as last seen.
    pub(super) fn is_fully_promoted(&self) -> bool {
        self.status.stable == self.status.current
    }

    /// Whether progress is halted: by an operator, or by an analysis without a verdict.
    pub(super) fn is_halted(&self) -> bool {
        self.operator_pause || self.pause(PauseReason::InconclusiveAnalysis).is_some()
    }

    /// The pause condition with this reason, if there is one.
    pub(super) fn pause(&self, reason: PauseReason) -> Option<Pause> {
        self.status.pauses.iter().copied().find(|pause| pause.reason == reason)
    }

    /// Where the rollout is.
    pub(super) fn phase(&self) -> Phase {
        match (self.course.started(), self.course.finished()) {
            (None, _) => Phase::NotStarted,
            (_, Some((_, phase))) => phase,
            _ if self.status.abort => Phase::Aborted,
            _ if self.operator_pause || !self.status.pauses.is_empty() => Phase::Paused,
            _ => Phase::Progressing,
        }
    }

    /// The earliest of these times that lies after the last reconcile.
    pub(super) fn later(&self, times: impl IntoIterator<Item = Time>) -> Time {
        times.into_iter().filter(|time| *time > self.reconciled).min().unwrap_or(Time::NEVER)
    }
}
