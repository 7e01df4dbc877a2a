//! What the status of an Argo Rollouts rollout says of its progress (`utils/conditions/conditions.go`).

use crate::rollout::argo::{Rollout, Shared, Status, StrategyKind};
use crate::scenario::Strategy;

/// What of a rollout's status tells its progress. Versions are numbers; which ones does not matter, only which are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RolloutStatus {
    /// Pods.
    pub replicas: u32,
    /// Those of what is shipped.
    pub updated: u32,
    /// Those that are ready.
    pub ready: u32,
    /// Those that are available.
    pub available: u32,
    /// A canary's current step.
    pub step: Option<usize>,
    /// What is shipped.
    pub current: usize,
    /// What was promoted last.
    pub stable: usize,
    /// Blue-green: what is behind the active Service.
    pub active: usize,
    /// Blue-green: what is behind the preview Service.
    pub preview: usize,
    /// Whether the controller has seen the rollout as it is.
    pub is_observed: bool,
}

impl RolloutStatus {
    fn midway(&self, strategy: &Strategy, replicas: u32) -> (Rollout, Status) {
        let (kind, steps) = match strategy {
            Strategy::Canary(settings) if settings.traffic_routing => (
                StrategyKind::RoutedCanary { dynamic_stable_scale: settings.dynamic_stable_scale },
                settings.steps.len(),
            ),
            Strategy::Canary(settings) => (StrategyKind::BasicCanary, settings.steps.len()),
            _ => (StrategyKind::BlueGreen, 0),
        };
        let mut rollout = Rollout::new(kind, Shared::default(), &[], replicas);
        (rollout.steps, rollout.observed) = (steps, self.is_observed);
        let status = Status {
            replicas: self.replicas,
            updated: self.updated,
            ready: self.ready,
            available: self.available,
            step: self.step,
            current: self.current,
            stable: self.stable,
            active: self.active,
            preview: self.preview,
            ..rollout.status.clone()
        };
        (rollout, status)
    }
}

/// Whether a status shows progress over an earlier one (`RolloutProgressing`). The strategy is Argo Rollouts'.
pub fn has_rollout_progressed(strategy: &Strategy, before: &RolloutStatus, after: &RolloutStatus) -> bool {
    let (mut rollout, status) = before.midway(strategy, 0);
    rollout.status = status;
    rollout.has_progressed(&after.midway(strategy, 0).1)
}

/// Whether a status says that the rollout is done (`RolloutHealthy`). The strategy is Argo Rollouts'.
pub fn is_rollout_healthy(strategy: &Strategy, replicas: u32, status: &RolloutStatus) -> bool {
    let (rollout, status) = status.midway(strategy, replicas);
    rollout.is_healthy(&status)
}
