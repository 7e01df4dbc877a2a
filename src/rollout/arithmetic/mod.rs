//! Single decisions of the controllers as pure functions of plain data: what one would do with a fleet in a given state.
//!
//! The controllers decide by the same code. Here it can be asked without replaying a rollout up to that state, which is how
//! it is held against recorded calls of the real functions.

mod canary;
mod deployment;
mod status;

pub use canary::{
    BlueGreenState, CanaryState, blue_green_size, canary_sizes, canary_weight, canary_weight_for_pods,
    is_canary_at_its_sizes,
};
pub use deployment::{
    DeploymentState, ScaledSet, cleaned_up_sizes, new_replica_set_size, old_replica_set_sizes, scaled_down_sizes,
    sizes_for_another_number,
};
pub use status::{RolloutStatus, has_rollout_progressed, is_rollout_healthy};

use crate::rollout::ReplicaSetStatus;
pub use crate::rollout::canary::Targets;
pub use crate::rollout::canary_basic::approximate;
pub use crate::rollout::deployment_progress::Status as DeploymentStatus;
pub use crate::rollout::limits::fenceposts;
use crate::units::{CountOrPercent, Duration, Time};

/// A ReplicaSet in a given state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaSetState {
    /// Size.
    pub spec: u32,
    /// What became of it.
    pub status: ReplicaSetStatus,
}

/// The statuses of ReplicaSets, by their place.
fn statuses(sets: &[ReplicaSetState]) -> Vec<ReplicaSetStatus> {
    sets.iter().map(|set| set.status).collect()
}

/// Whether of `desired` pods enough are available for a canary to go on: all of them, or as many as
/// `replicaProgressThreshold` says (`ReplicaProgressThresholdMet` of Argo Rollouts' `utils/replicaset/canary.go`). Without
/// a threshold the ReplicaSet's size must be the desired one too.
pub fn is_threshold_met(threshold: Option<CountOrPercent>, spec: u32, available: u32, desired: u32) -> bool {
    match threshold {
        None => spec == desired && available == desired,
        Some(CountOrPercent::Count(pods)) => available >= pods,
        // The original compares floating-point percentages within 1e-10, which comes to the same.
        Some(CountOrPercent::Percent(percent)) => u64::from(available) * 100 >= u64::from(percent) * u64::from(desired),
    }
}

/// Pods of a ReplicaSet that count when it is asked how many may go: those available, or all of them where availability is
/// ignored (`GetReplicasForScaleDown`, same file).
pub fn counted_for_scale_down(set: ReplicaSetState, ignore_availability: bool) -> u32 {
    if ignore_availability { set.spec } else { set.spec.min(set.status.available) }
}

/// Whether a rollout that last showed progress at `updated` has passed its progress deadline; the moment itself is within
/// it (`DeploymentTimedOut`, `RolloutTimedOut`).
pub fn has_passed_deadline(updated: Time, deadline: Duration, now: Time) -> bool {
    !deadline.is_forever() && now > updated + deadline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_of_nothing_is_met_by_nothing_and_one_of_all_by_all() {
        let percent = |percent| Some(CountOrPercent::Percent(percent));
        assert!(is_threshold_met(percent(80), 10, 8, 10) && !is_threshold_met(percent(81), 10, 8, 10));
        assert!(is_threshold_met(percent(100), 3, 0, 0) && !is_threshold_met(None, 3, 0, 0));
        assert!(is_threshold_met(Some(CountOrPercent::Count(2)), 5, 2, 5));
        // More than asked for is not what was asked for.
        assert!(is_threshold_met(None, 5, 5, 5) && !is_threshold_met(None, 6, 5, 5));
    }
}
