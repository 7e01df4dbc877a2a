//! What Argo Rollouts' canary and blue-green ask for in a given state (`utils/replicaset/canary.go`,
//! `utils/replicaset/replicaset.go`).

use super::{ReplicaSetState, statuses};
use crate::rollout::argo_replica_sets::ReplicaSet;
use crate::rollout::blue_green::BlueGreen;
use crate::rollout::canary::{Canary, Targets};
use crate::rollout::{FleetView, PauseReason, ReplicaSetStatus};
use crate::scenario::{BlueGreenSettings, CanarySettings};
use crate::units::Time;

/// A canary in the middle of an update.
#[derive(Clone, Copy, Debug, Default)]
pub struct CanaryState {
    /// Desired replicas.
    pub replicas: u32,
    /// What is shipped.
    pub canary: ReplicaSetState,
    /// What was promoted last; `None`: what is shipped was.
    pub stable: Option<ReplicaSetState>,
    /// All others together.
    pub older: ReplicaSetState,
    /// The current step, counted from 0; their number when all are done.
    pub step: usize,
    /// Whether the update was given up.
    pub is_aborted: bool,
    /// Whether an operator skipped the steps that are left.
    pub is_promoted_in_full: bool,
    /// The weight that the traffic router gives the canary, percent; `None`: it was not asked.
    pub weight: Option<u32>,
}

impl CanaryState {
    /// The controller in this state, with what it sees: stable is version 0, the canary the last one.
    fn midway(&self, settings: &CanarySettings) -> (Canary, Vec<ReplicaSetStatus>) {
        let mut canary = Canary::new(settings, &[], self.replicas);
        let sets = [self.stable.unwrap_or_default(), self.older, self.canary];
        let rollout = &mut canary.rollout;
        let set = |set: &ReplicaSetState| ReplicaSet {
            spec: set.spec,
            desired: self.replicas,
            scale_down_at: None,
            revision: 1,
        };
        rollout.sets = sets.iter().map(|state| Some(set(state))).collect();
        (rollout.template, rollout.status.current) = (2, 2);
        rollout.status.stable = if self.stable.is_some() { 0 } else { 2 };
        rollout.status.step = (rollout.steps > 0).then_some(self.step);
        rollout.status.abort = self.is_aborted;
        rollout.status.promote_full = self.is_promoted_in_full;
        (canary, statuses(&sets))
    }
}

/// The sizes that canary and stable get next (`CalculateReplicaCountsForBasicCanary`,
/// `CalculateReplicaCountsForTrafficRoutedCanary`).
pub fn canary_sizes(settings: &CanarySettings, state: &CanaryState) -> Targets {
    let (canary, statuses) = state.midway(settings);
    canary.targets(state.weight, &FleetView { sets: &statuses })
}

/// The weight that the steps ask for, percent (`GetCurrentSetWeight`).
pub fn canary_weight(settings: &CanarySettings, state: &CanaryState) -> u32 {
    state.midway(settings).0.current_weight()
}

/// The weight that decides on pods, percent (`GetDesiredCanaryWeight`): while an aborted canary gives way to a stable fleet
/// that had been shrunk, it is more than the steps ask for.
pub fn canary_weight_for_pods(settings: &CanarySettings, state: &CanaryState) -> u32 {
    let (canary, statuses) = state.midway(settings);
    canary.desired_weight(&FleetView { sets: &statuses })
}

/// Whether both sides have the pods that the step asks for (`AtDesiredReplicaCountsForCanary`).
pub fn is_canary_at_its_sizes(settings: &CanarySettings, state: &CanaryState) -> bool {
    let (canary, statuses) = state.midway(settings);
    canary.is_at_targets(state.weight, &FleetView { sets: &statuses })
}

/// Blue-green in the middle of an update.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlueGreenState {
    /// Desired replicas.
    pub replicas: u32,
    /// Whether the active Service has what is shipped behind it.
    pub is_active: bool,
    /// Whether the controller has seen what is shipped.
    pub is_observed: bool,
    /// Whether it is held by a pause.
    pub is_paused: bool,
    /// Whether the preview has passed.
    pub preview_passed: bool,
    /// Whether an operator skipped what is left.
    pub is_promoted_in_full: bool,
}

/// The size that what is shipped gets (`NewRSNewReplicas`).
pub fn blue_green_size(settings: &BlueGreenSettings, state: &BlueGreenState) -> u32 {
    let mut blue_green = BlueGreen::new(settings, &[], state.replicas);
    let rollout = &mut blue_green.rollout;
    rollout.template = 1;
    let status = &mut rollout.status;
    status.current = if state.is_observed { 1 } else { 0 };
    status.active = if state.is_active { 1 } else { 0 };
    status.checkpoint = state.preview_passed;
    status.promote_full = state.is_promoted_in_full;
    if state.is_paused {
        status.pauses.push(PauseReason::BlueGreenPause.since(Time::ZERO));
    }
    blue_green.new_size()
}
