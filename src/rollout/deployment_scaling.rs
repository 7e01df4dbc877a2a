//! What a Deployment does when its number of replicas changes: proportional scaling
//! (`pkg/controller/deployment/sync.go`, `scale`).

use crate::rollout::deployment::{Deployment, ReplicaSet};
use crate::rollout::{Command, FleetView, Version};

impl Deployment {
    /// Whether a ReplicaSet in use was last scaled for another number of replicas.
    pub(super) fn is_scaling_event(&self) -> bool {
        self.sets.iter().flatten().any(|set| set.spec > 0 && set.desired != self.replicas)
    }

    /// Scales what is there to the current number of replicas.
    pub(super) fn sync_scale(&mut self, view: &FleetView<'_>, commands: &mut Vec<Command>) {
        let active: Vec<Version> = (0..self.sets.len()).filter(|version| self.spec(*version) > 0).collect();
        if let Some(version) = self.only_active_or_newest(&active) {
            self.scale_to(version, self.replicas, commands);
        } else if self.is_saturated(view) {
            for version in self.old_sets() {
                self.scale_to(version, 0, commands);
            }
        } else if self.is_rolling() {
            self.scale_in_proportion(active, commands);
        }
    }

    /// The one active ReplicaSet; if there is none, the template's or else the newest; `None` if there are several.
    fn only_active_or_newest(&self, active: &[Version]) -> Option<Version> {
        match active {
            [] if self.set(self.template()).is_some() => Some(self.template()),
            [] => (0..self.sets.len()).rev().find(|version| self.set(*version).is_some()),
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Whether the new ReplicaSet has all replicas available, and knows that these are all.
    fn is_saturated(&self, view: &FleetView<'_>) -> bool {
        let available = view.of(self.template()).available;
        self.set(self.template())
            .is_some_and(|set| set.spec == self.replicas && set.desired == self.replicas && available == self.replicas)
    }

    /// Shares out what is to be added or removed, surge included, in proportion to the sizes; the largest takes the rest.
    fn scale_in_proportion(&mut self, mut active: Vec<Version>, commands: &mut Vec<Command>) {
        let allowed = if self.replicas > 0 { i64::from(self.replicas + self.limits().surge) } else { 0 };
        let change = allowed - active.iter().map(|version| i64::from(self.spec(*version))).sum::<i64>();
        if change > 0 {
            active.reverse();
        }
        active.sort_by_key(|version| std::cmp::Reverse(self.spec(*version)));
        let mut given = 0;
        let mut sizes = Vec::with_capacity(active.len());
        for version in &active {
            let share = self.share(*version, change, given);
            sizes.push(i64::from(self.spec(*version)) + share);
            given += share;
        }
        if let Some(largest) = sizes.first_mut() {
            *largest = (*largest + change - given).max(0);
        }
        let (desired, max) = (self.replicas, self.replicas + self.limits().surge);
        for (version, size) in active.into_iter().zip(sizes) {
            let from = self.spec(version);
            let to = size as u32;
            self.sets[version] = Some(ReplicaSet { spec: to, desired, max });
            if from != to {
                commands.push(Command::Scale { version, from, to });
            }
        }
    }

    /// What a ReplicaSet gains (or loses) of `change`, of which `given` is given to others already.
    fn share(&self, version: Version, change: i64, given: i64) -> i64 {
        let Some(set) = self.set(version) else {
            return 0;
        };
        let rest = change - given;
        if rest == 0 {
            return 0;
        }
        let spec = i64::from(set.spec);
        let fraction = if self.replicas == 0 {
            -spec
        } else {
            let size = f64::from(set.spec) * f64::from(self.replicas + self.limits().surge) / f64::from(set.max);
            size.round() as i64 - spec
        };
        if change > 0 { fraction.min(rest) } else { fraction.max(rest) }
    }
}
