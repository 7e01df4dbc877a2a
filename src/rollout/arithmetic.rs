//! Single decisions of the controllers as pure functions of plain data.

use crate::units::CountOrPercent;

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
