//! What Kubernetes' Deployment does with its ReplicaSets in a given state (`pkg/controller/deployment/rolling.go`,
//! `sync.go`).

use super::{ReplicaSetState, statuses};
use crate::rollout::deployment::{Deployment, Kind, ReplicaSet};
use crate::rollout::{FleetView, ReplicaSetStatus};
use crate::scenario::DeploymentSettings;
use crate::units::Time;

/// A rolling update in a given state.
#[derive(Clone, Debug, Default)]
pub struct DeploymentState {
    /// Desired replicas.
    pub replicas: u32,
    /// What is shipped.
    pub new: ReplicaSetState,
    /// What ran before, the oldest first.
    pub old: Vec<ReplicaSetState>,
}

impl DeploymentState {
    /// The controller in this state, with what it sees: the new version comes last.
    fn midway(&self, settings: &DeploymentSettings) -> (Deployment, Vec<ReplicaSetStatus>) {
        let sets: Vec<ReplicaSetState> = self.old.iter().copied().chain([self.new]).collect();
        let recorded = |set: &ReplicaSetState| {
            Some(ScaledSet { spec: set.spec, recorded_replicas: self.replicas, recorded_max: self.replicas })
        };
        let recorded: Vec<_> = sets.iter().map(recorded).collect();
        (with_sets(settings, self.replicas, &recorded), statuses(&sets))
    }
}

/// A Deployment with these ReplicaSets, of which the last one belongs to the template.
fn with_sets(settings: &DeploymentSettings, replicas: u32, sets: &[Option<ScaledSet>]) -> Deployment {
    let mut deployment = Deployment::new(Kind::RollingUpdate, settings, replicas);
    deployment.ship(sets.len().saturating_sub(1), Time::ZERO);
    let set = |set: &ScaledSet| ReplicaSet {
        spec: set.spec,
        desired: set.recorded_replicas,
        max: set.recorded_max,
        before_scale: None,
    };
    deployment.sets = sets.iter().map(|state| state.as_ref().map(set)).collect();
    deployment
}

/// The sizes that the old ReplicaSets have after `change`.
fn old_sizes(deployment: &Deployment, old: usize) -> Vec<u32> {
    (0..old).map(|version| deployment.spec(version)).collect()
}

/// The size that the new ReplicaSet gets (`NewRSNewReplicas`).
pub fn new_replica_set_size(settings: &DeploymentSettings, state: &DeploymentState) -> u32 {
    let (deployment, statuses) = state.midway(settings);
    deployment.new_size(state.new.spec, &FleetView { sets: &statuses })
}

/// The sizes that the old ReplicaSets get (`reconcileOldReplicaSets`).
pub fn old_replica_set_sizes(settings: &DeploymentSettings, state: &DeploymentState) -> Vec<u32> {
    let (mut deployment, statuses) = state.midway(settings);
    deployment.shrink_old(&FleetView { sets: &statuses }, &mut Vec::new());
    old_sizes(&deployment, state.old.len())
}

/// The sizes that the old ReplicaSets get when at most so many of their unavailable pods go (`cleanupUnhealthyReplicas`).
pub fn cleaned_up_sizes(settings: &DeploymentSettings, state: &DeploymentState, most: u32) -> Vec<u32> {
    let (mut deployment, statuses) = state.midway(settings);
    deployment.clean_up_old(i64::from(most), &FleetView { sets: &statuses }, &mut Vec::new());
    old_sizes(&deployment, state.old.len())
}

/// The sizes that the old ReplicaSets get when as many go as availability allows
/// (`scaleDownOldReplicaSetsForRollingUpdate`).
pub fn scaled_down_sizes(settings: &DeploymentSettings, state: &DeploymentState) -> Vec<u32> {
    let (mut deployment, statuses) = state.midway(settings);
    deployment.scale_down_old(&FleetView { sets: &statuses }, &mut Vec::new());
    old_sizes(&deployment, state.old.len())
}

/// A ReplicaSet with what is recorded at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaledSet {
    /// Size.
    pub spec: u32,
    /// The Deployment's replicas when it was last scaled.
    pub recorded_replicas: u32,
    /// These and the surge of that moment.
    pub recorded_max: u32,
}

/// The sizes that ReplicaSets get when the number of replicas was changed to this (`scale`): in proportion, as a rule.
/// The last one belongs to what is shipped; `None`: it was not created yet. Nothing is available.
pub fn sizes_for_another_number(settings: &DeploymentSettings, replicas: u32, sets: &[Option<ScaledSet>]) -> Vec<u32> {
    let mut deployment = with_sets(settings, replicas, sets);
    deployment.sync_scale(&FleetView { sets: &[] }, &mut Vec::new());
    old_sizes(&deployment, sets.len())
}
