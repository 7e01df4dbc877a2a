//! The canary without a traffic router: the number of pods is the weight (`utils/replicaset/canary.go`).

use crate::rollout::arithmetic::{ReplicaSetState, counted_for_scale_down};
use crate::rollout::canary::{Canary, Targets};
use crate::rollout::{FleetView, Rule, Version};

impl Canary {
    /// The next sizes of stable and canary on their way to the weight in force, within surge and unavailable.
    pub(super) fn basic_targets(&self, view: &FleetView<'_>) -> Targets {
        let rollout = &self.rollout;
        let (replicas, limits) = (rollout.replicas, rollout.limits());
        let (new, stable) = (rollout.template, rollout.status.stable);
        let distinct = self.has_distinct_stable();
        let goal = if distinct { self.basic_goal() } else { Targets { canary: replicas, stable: 0 } };
        let mut canary = rollout.spec(new);
        let mut stable_size = if distinct { rollout.spec(stable) } else { 0 };
        let total: u32 = rollout.sets.iter().flatten().map(|set| set.spec).sum();
        let most = i64::from(replicas + limits.surge);
        let mut room = (most - i64::from(total)).max(0) as u32;
        if stable_size < goal.stable {
            let added = room.min(goal.stable - stable_size);
            stable_size += added;
            room -= added;
        }
        if canary < goal.canary {
            canary += room.min(goal.canary - canary);
        }
        if !rollout.others().is_empty() {
            return Targets { canary, stable: stable_size };
        }
        let least = i64::from(replicas - limits.unavailable);
        let increasing = goal.canary >= rollout.spec(new);
        let counted = self.counted(new, !increasing, view) + self.counted(stable, increasing, view);
        let spare = i64::from(counted) - least;
        if spare <= 0 {
            return Targets { canary, stable: stable_size };
        }
        let bounds = Bounds { most, least };
        if !increasing {
            let drained = drain(rollout.spec(new), goal.canary, spare, canary);
            let (canary, stable) = bounds.fit((drained, new), (stable_size, stable), view);
            return Targets { canary, stable };
        }
        if distinct {
            let drained = drain(rollout.spec(stable), goal.stable, spare, stable_size);
            let (stable, canary) = bounds.fit((drained, stable), (canary, new), view);
            return Targets { canary, stable };
        }
        Targets { canary, stable: stable_size }
    }

    /// The sizes that come nearest to the weight in force.
    fn basic_goal(&self) -> Targets {
        approximate(self.rollout.replicas, self.basic_weight(), self.rollout.limits().surge)
    }

    fn basic_weight(&self) -> u32 {
        let is_whole = self.rollout.status.promote_full || self.rollout.is_fully_promoted();
        if is_whole { 100 } else { self.current_weight() }
    }

    /// Why either side has the size that it should have.
    pub(super) fn basic_rule(&self) -> Rule {
        Rule::TowardsWeight { weight: self.basic_weight(), desired: self.rollout.replicas }
    }

    /// Pods that count when something is to be scaled down.
    fn counted(&self, version: Version, ignore_availability: bool, view: &FleetView<'_>) -> u32 {
        let set = ReplicaSetState { spec: self.rollout.spec(version), status: view.of(version) };
        counted_for_scale_down(set, ignore_availability)
    }
}

/// The size of a ReplicaSet that is to shrink from `spec` to `goal`, with `spare` pods more than are needed.
fn drain(spec: u32, goal: u32, spare: i64, otherwise: u32) -> u32 {
    if spec > goal { i64::from(goal).max(i64::from(spec) - spare) as u32 } else { otherwise }
}

/// How many pods there may be at most, and how many must be available at least.
struct Bounds {
    most: i64,
    least: i64,
}

impl Bounds {
    /// Takes what is too much from `other`, but gives back what availability needs, and then from `drained`. Both are a size
    /// and its version; returns their sizes in the same order.
    fn fit(&self, drained: (u32, Version), other: (u32, Version), view: &FleetView<'_>) -> (u32, u32) {
        let available = |version: Version| i64::from(view.of(version).available);
        let (mut drained_size, mut other_size) = (i64::from(drained.0), i64::from(other.0));
        let before = available(drained.1).min(drained_size);
        other_size -= (other_size + drained_size - self.most).max(0);
        let total = before + available(other.1).min(other_size);
        let lost = (available(other.1) - other_size).max(0);
        other_size += lost.min((self.least - total).max(0));
        drained_size -= (other_size + drained_size - self.most).max(0);
        (drained_size.max(0) as u32, other_size.max(0) as u32)
    }
}

/// The numbers of canary and stable pods whose ratio is nearest to a weight. Together they are `replicas`, or one more if
/// there is surge; ties give the larger canary; a weight other than 0 and 100 leaves a pod on both sides where it can
/// (`approximateWeightedCanaryStableReplicaCounts`).
pub fn approximate(replicas: u32, weight: u32, surge: u32) -> Targets {
    if replicas == 0 {
        return Targets { canary: 0, stable: 0 };
    }
    let exact = f64::from(replicas * weight) / 100.0;
    let (up, down) = (exact.ceil() as u32, exact.floor() as u32);
    let zero_allowed = weight == 0 || weight == 100 || (replicas == 1 && surge == 0);
    let tied = |total: u32| (f64::from(total) * (f64::from(weight) / 100.0)).fract() == 0.5;
    let mut options = Vec::with_capacity(4);
    if up < replicas || zero_allowed {
        options.push((up, replicas));
    }
    if !tied(replicas) && (down != 0 || zero_allowed) {
        options.push((down, replicas));
    }
    if surge > 0 {
        options.push((up, replicas + 1));
        if !tied(replicas + 1) && (down != 0 || zero_allowed) {
            options.push((down, replicas + 1));
        }
    }
    let distance = |option: &(u32, u32)| (f64::from(option.0 * 100) / f64::from(option.1) - f64::from(weight)).abs();
    let nearest = options.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    let (canary, total) = nearest.copied().unwrap_or((0, replicas));
    Targets { canary, stable: total - canary }
}
