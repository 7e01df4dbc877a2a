//! ReplicaSets of an Argo Rollouts rollout: their sizes, and the delays before they are scaled down
//! (`rollout/replicaset.go`).

use crate::rollout::argo::{Rollout, StrategyKind};
use crate::rollout::argo_pass::Pass;
use crate::rollout::{Command, Rule, Version};
use crate::units::{Duration, Time};

/// `scaleDownDelaySeconds` and `abortScaleDownDelaySeconds` where they are not set.
const DEFAULT_SCALE_DOWN_DELAY: Duration = Duration::from_seconds(30);

/// What is kept of a ReplicaSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReplicaSet {
    /// Size.
    pub(super) spec: u32,
    /// The rollout's replicas when this was last scaled: the annotation by which a scaling event is recognised.
    pub(super) desired: u32,
    /// When it is to be scaled to zero.
    pub(super) scale_down_at: Option<Time>,
    /// Higher for what was shipped later, also when it is an old template.
    pub(super) revision: u32,
}

impl Rollout {
    /// Whether the new or the stable ReplicaSet was last scaled for another number of replicas.
    pub(super) fn is_scaling_event(&self) -> bool {
        [self.template, self.status.stable]
            .into_iter()
            .filter_map(|version| self.set(version))
            .any(|set| set.spec > 0 && set.desired != self.replicas)
    }

    /// Sets a ReplicaSet's size. True if it differed.
    pub(super) fn scale(&mut self, version: Version, to: u32, rule: Rule, pass: &mut Pass<'_>) -> bool {
        let delays = self.delays_scale_down_on_abort(pass);
        let replicas = self.replicas;
        let Some(set) = self.set_mut(version) else {
            return false;
        };
        let from = set.spec;
        if from == to && set.desired == replicas {
            return false;
        }
        set.spec = to;
        set.desired = replicas;
        if to == 0 && !delays {
            set.scale_down_at = None;
        }
        if from != to {
            pass.commands.push(Command::Scale { version, from, to, rule });
        }
        from != to
    }

    /// Whether an abort keeps the new ReplicaSet for the abort delay. Not in a basic canary; not with an explicit zero; and
    /// with dynamic stable scaling only if the delay is set.
    fn delays_scale_down_on_abort(&self, pass: &Pass<'_>) -> bool {
        let delay = self.shared.abort_scale_down_delay;
        self.is_aborted(pass)
            && delay != Some(Duration::ZERO)
            && match self.kind {
                StrategyKind::BasicCanary => false,
                StrategyKind::RoutedCanary { dynamic_stable_scale } => !dynamic_stable_scale || delay.is_some(),
                StrategyKind::BlueGreen => true,
            }
    }

    /// Takes the deadline off what is new or stable again.
    pub(super) fn remove_scale_down_deadlines(&mut self, pass: &Pass<'_>) {
        if !self.delays_scale_down_on_abort(pass) {
            let template = self.template;
            self.clear_scale_down(template);
        }
        if self.status.stable != self.template {
            let stable = self.status.stable;
            self.clear_scale_down(stable);
        }
    }

    fn clear_scale_down(&mut self, version: Version) {
        if let Some(set) = self.set_mut(version) {
            set.scale_down_at = None;
        }
    }

    /// Scales the new ReplicaSet to `target`; after an abort, when its time has come. True if it was scaled.
    pub(super) fn reconcile_new(&mut self, target: u32, rule: Rule, pass: &mut Pass<'_>) -> bool {
        let new = self.template;
        if !self.delays_scale_down_on_abort(pass) {
            return self.scale(new, target, rule, pass);
        }
        let spec = self.spec(new);
        let delay = self.shared.abort_scale_down_delay.unwrap_or(DEFAULT_SCALE_DOWN_DELAY);
        match self.set(new).and_then(|set| set.scale_down_at) {
            Some(deadline) if deadline <= pass.now => self.scale(new, 0, Rule::AbortDelayOver { delay }, pass),
            Some(_) => self.scale(new, spec, rule, pass),
            None => {
                self.scale(new, spec, rule, pass);
                // The delay begins only once stable can carry everything.
                if pass.view.of(self.status.stable).available >= self.replicas
                    && let Some(set) = self.set_mut(new)
                {
                    set.scale_down_at = Some(pass.now + delay);
                }
                false
            }
        }
    }

    /// The size that an old ReplicaSet should have under `scale_down_delay`: what it has (or `full`) until its deadline,
    /// which this sets where there is none. An explicit zero sets none, and so keeps it for ever. Beyond the revision limit
    /// nothing is kept; `kept` counts those that are, in the order in which they are asked about. With the reason.
    pub(super) fn delayed_size(&mut self, version: Version, full: u32, kept: &mut u32, now: Time) -> (u32, Rule) {
        let delay = self.shared.scale_down_delay.unwrap_or(DEFAULT_SCALE_DOWN_DELAY);
        let limit = self.shared.scale_down_delay_revision_limit;
        let Some(set) = self.set_mut(version) else {
            return (0, Rule::ScaleDownDelayOver { delay });
        };
        if let Some(limit) = limit.filter(|limit| *kept >= *limit) {
            return (0, Rule::RevisionLimit { limit });
        }
        *kept += 1;
        match set.scale_down_at {
            None => {
                set.scale_down_at = (!delay.is_zero()).then_some(now + delay);
                (set.spec, Rule::KeptForDelay { delay })
            }
            Some(deadline) if deadline > now => (full, Rule::KeptForDelay { delay }),
            Some(_) => (0, Rule::ScaleDownDelayOver { delay }),
        }
    }

    /// Old ReplicaSets, the one shipped last first.
    pub(super) fn others_by_revision(&self) -> Vec<Version> {
        let mut others = self.others();
        others.sort_by_key(|version| std::cmp::Reverse(self.set(*version).map_or(0, |set| set.revision)));
        others
    }

    /// The earliest time after the last reconcile at which a ReplicaSet's scale-down delay ends.
    pub(super) fn next_scale_down(&self) -> Time {
        self.later(self.sets.iter().flatten().filter(|set| set.spec > 0).filter_map(|set| set.scale_down_at))
    }
}
