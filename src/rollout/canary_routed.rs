//! The canary behind a traffic router: Services, weights, and how many pods follow from a weight
//! (`rollout/trafficrouting.go`, `rollout/service.go`, `utils/replicaset/canary.go`).

use crate::rollout::argo::Weights;
use crate::rollout::argo_pass::Pass;
use crate::rollout::canary::{Canary, Targets};
use crate::rollout::{Command, FleetView, Note, Version, WeightRule};
use crate::scenario::{CanaryScale, CanaryStep};
use crate::units::Duration;

/// Pods that carry `percent` of the traffic out of `replicas`, rounded up.
fn pods_for(percent: u32, replicas: u32) -> u32 {
    (u64::from(percent) * u64::from(replicas)).div_ceil(100) as u32
}

impl Canary {
    /// What stable and canary should have. `percent` is the weight that the canary has in fact: with dynamic stable scaling no
    /// side shrinks below the traffic it takes.
    pub(super) fn routed_targets(&self, percent: Option<u32>, view: &FleetView<'_>) -> Targets {
        let replicas = self.rollout.replicas;
        let (explicit, weight) = self.canary_replicas_or_weight(view);
        let canary = explicit.unwrap_or_else(|| self.at_least_minimum(pods_for(weight, replicas)));
        if !self.settings.dynamic_stable_scale {
            return Targets { canary, stable: replicas };
        }
        let (mut canary, mut stable) = (canary, pods_for(100u32.saturating_sub(weight), replicas));
        if let Some(percent) = percent {
            stable = stable.max(pods_for(100u32.saturating_sub(percent), replicas));
            if self.rollout.status.abort {
                canary = canary.max(pods_for(percent, replicas));
            }
        }
        Targets { canary: self.at_least_minimum(canary), stable: self.at_least_minimum(stable) }
    }

    fn at_least_minimum(&self, count: u32) -> u32 {
        match self.settings.min_pods_per_replica_set {
            Some(minimum) if count > 0 => count.max(minimum.min(self.rollout.replicas)),
            _ => count,
        }
    }

    /// An explicit number of canary pods, or else the weight that they are to carry.
    fn canary_replicas_or_weight(&self, view: &FleetView<'_>) -> (Option<u32>, u32) {
        if self.rollout.status.promote_full || self.rollout.is_fully_promoted() {
            return (None, 100);
        }
        match self.canary_scale() {
            Some(CanaryScale::Replicas(replicas)) => (Some(replicas), 0),
            Some(CanaryScale::Weight(weight)) => (None, weight),
            Some(CanaryScale::MatchTrafficWeight) | None => (None, self.desired_weight(view)),
        }
    }

    /// The `set_canary_scale` in force. After an abort there is none, unless the canary is to be kept.
    pub(super) fn canary_scale(&self) -> Option<CanaryScale> {
        if self.rollout.status.abort && self.settings.abort_scale_down_delay != Some(Duration::ZERO) {
            return None;
        }
        let (index, _) = self.current_step()?;
        self.settings.steps[..=index].iter().rev().find_map(|step| match step {
            CanaryStep::SetCanaryScale(scale) => Some(*scale),
            _ => None,
        })
    }

    /// The weight that decides on pods: the one in force, or while an aborted canary gives way to a stable fleet that had been
    /// shrunk, the greatest `set_weight` step from the end that asks for fewer canary pods than are still needed.
    pub(super) fn desired_weight(&self, view: &FleetView<'_>) -> u32 {
        if !(self.rollout.status.abort && self.settings.dynamic_stable_scale) {
            return self.current_weight();
        }
        let replicas = self.rollout.replicas;
        let missing = i64::from(replicas) - i64::from(view.of(self.rollout.status.stable).available);
        let keeps_canary = self.settings.abort_scale_down_delay.is_some_and(|delay| !delay.is_zero());
        let needed =
            if keeps_canary { missing } else { missing.max(i64::from(view.of(self.rollout.template).available)) };
        let gives_way = |step: &CanaryStep| match step {
            CanaryStep::SetWeight(weight) if i64::from(pods_for(*weight, replicas)) < needed => Some(*weight),
            _ => None,
        };
        self.settings.steps.iter().rev().find_map(gives_way).unwrap_or(0)
    }

    /// Whether a dynamically scaled stable fleet must grow before it can take back what the former canary carries.
    fn is_rolling_back_dynamically(&self, view: &FleetView<'_>) -> bool {
        self.settings.dynamic_stable_scale
            && self.rollout.is_fully_promoted()
            && self.rollout.status.weights.canary != self.rollout.template
            && view.of(self.rollout.template).available < self.rollout.replicas
    }

    /// Points the Services at stable and canary, once these have an available pod.
    pub(super) fn reconcile_services(&mut self, pass: &mut Pass<'_>) {
        let stable = self.rollout.status.stable;
        if pass.view.of(stable).available > 0 {
            self.stable_service = stable;
        }
        let new = self.rollout.template;
        if !self.is_rolling_back_dynamically(pass.view) && pass.view.of(new).available > 0 {
            self.canary_service = new;
        }
    }

    /// Sets the weight, unless stable cannot carry its share: then everything stays as it is.
    pub(super) fn reconcile_weight(&mut self, pass: &mut Pass<'_>) {
        let (new, stable) = (self.rollout.template, self.rollout.status.stable);
        let rolls_back = self.is_rolling_back_dynamically(pass.view);
        let (percent, rule) = self.weight_to_set(rolls_back, pass);
        let is_giving_up = !rolls_back && !self.rollout.is_fully_promoted() && self.rollout.is_aborted(pass);
        if is_giving_up && (!self.settings.dynamic_stable_scale || percent == 0) {
            self.canary_service = stable;
        }
        let share = (u64::from(100u32.saturating_sub(percent)) * u64::from(self.rollout.replicas) / 100) as u32;
        if pass.view.of(stable).available < share && !self.is_threshold_met(stable, share, pass.view) {
            return;
        }
        let canary = if rolls_back { self.rollout.status.weights.canary } else { new };
        if percent != self.rollout.status.weights.percent {
            pass.commands.push(Command::Note(Note::WeightSet { percent, rule }));
        }
        pass.next.weights = Weights { percent, canary, stable };
    }

    /// The weight to be set, and why.
    fn weight_to_set(&self, rolls_back: bool, pass: &Pass<'_>) -> (u32, WeightRule) {
        let status = &self.rollout.status;
        let available = pass.view.of(self.rollout.template).available;
        if rolls_back {
            return self.weight_on_abort(pass);
        }
        if self.rollout.is_fully_promoted() {
            return (0, WeightRule::NoCanary);
        }
        if self.rollout.is_aborted(pass) {
            return self.weight_on_abort(pass);
        }
        if available == 0 {
            return (0, WeightRule::NoCanaryPods);
        }
        if status.promote_full {
            let carried = 100 * available / self.rollout.replicas.max(1);
            let percent = if self.settings.dynamic_stable_scale { carried } else { status.weights.percent };
            return (percent, WeightRule::PromotedInFull);
        }
        match status.step {
            None => (0, WeightRule::Step),
            Some(index) if !self.is_at_targets(None, pass.view) => {
                let before = index.checked_sub(1).and_then(|before| self.weight_at(before)).unwrap_or(0);
                (before, WeightRule::StepBefore)
            }
            Some(index) if index != self.rollout.steps => (self.current_weight(), WeightRule::Step),
            Some(_) => (100, WeightRule::StepsDone),
        }
    }

    /// The weight while the canary gives way: nothing, unless a dynamically scaled stable fleet must grow first.
    fn weight_on_abort(&self, pass: &Pass<'_>) -> (u32, WeightRule) {
        let replicas = self.rollout.replicas;
        if !self.settings.dynamic_stable_scale || replicas == 0 {
            return (0, WeightRule::Aborted);
        }
        let available = pass.view.of(self.rollout.status.stable).available;
        let carried = 100 * available / replicas;
        let current = self.rollout.status.weights.percent;
        let desired = self.desired_weight(pass.view);
        let percent = if desired == 0 {
            current.min(100u32.saturating_sub(carried))
        } else if carried < 100u32.saturating_sub(desired) {
            current
        } else {
            current.min(desired)
        };
        (percent, WeightRule::AsStableGrows { available, desired: replicas })
    }

    /// Whether a Service or a recorded weight still refers to a version.
    pub(super) fn is_referenced(&self, version: Version) -> bool {
        let status = &self.rollout.status;
        [
            status.stable,
            status.current,
            status.weights.canary,
            status.weights.stable,
            self.stable_service,
            self.canary_service,
        ]
        .contains(&version)
    }
}
