//! What a Deployment does when its number of replicas changes: proportional scaling
//! (`pkg/controller/deployment/sync.go`, `scale`).

use crate::rollout::deployment::{Deployment, ReplicaSet};
use crate::rollout::{Command, FleetView, Rule, Version};

impl Deployment {
    /// Whether a ReplicaSet in use was last scaled for another number of replicas.
    pub(super) fn is_scaling_event(&self) -> bool {
        self.sets.iter().flatten().any(|set| set.spec > 0 && set.desired != self.replicas)
    }

    /// Scales what is there to the current number of replicas.
    pub(super) fn sync_scale(&mut self, view: &FleetView<'_>, commands: &mut Vec<Command>) {
        let active: Vec<Version> = (0..self.sets.len()).filter(|version| self.spec(*version) > 0).collect();
        if let Some(version) = self.only_active_or_newest(&active) {
            self.scale_only(version, view, commands);
        } else if self.is_saturated(view) {
            for version in self.old_sets() {
                self.scale_to(version, 0, Rule::NewIsWhole { desired: self.replicas }, commands);
            }
        } else if self.is_rolling() {
            self.scale_in_proportion(active, view, commands);
        }
    }

    /// The one active ReplicaSet; if there is none, the template's or else the newest; `None` if there are several.
    fn only_active_or_newest(&self, active: &[Version]) -> Option<Version> {
        match active {
            [] if self.set(self.template).is_some() => Some(self.template),
            [] => (0..self.sets.len()).rev().find(|version| self.set(*version).is_some()),
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Whether the new ReplicaSet has all replicas available, and knows that these are all.
    fn is_saturated(&self, view: &FleetView<'_>) -> bool {
        let available = view.of(self.template).available;
        self.set(self.template)
            .is_some_and(|set| set.spec == self.replicas && set.desired == self.replicas && available == self.replicas)
    }

    /// Gives the one ReplicaSet in use all replicas; as many of them at first as terminating pods leave room for, where
    /// these are waited for, and the rest as they go.
    fn scale_only(&mut self, version: Version, view: &FleetView<'_>, commands: &mut Vec<Command>) {
        let spec = self.spec(version);
        let target = self.new_size(spec, view);
        let rule = Rule::OnlySetTakesAll { desired: self.replicas };
        if target == self.replicas {
            return self.scale_to(version, target, rule, commands);
        }
        if let Some(set) = self.sets.get_mut(version).and_then(Option::as_mut) {
            // That it was scaled for another number stays recorded, so that it is looked at again.
            set.spec = target;
        }
        if spec != target {
            commands.push(Command::Scale { version, from: spec, to: target, rule });
        }
    }

    /// Shares out what is to be added or removed, surge included, in proportion to the sizes; the largest takes the rest.
    /// Where terminating pods are waited for, they keep a part of what is to be added until they are gone; proportions are
    /// then taken of the sizes at the beginning (KEP-3973's annotation replicaset-replicas-before-scale).
    fn scale_in_proportion(&mut self, mut active: Vec<Version>, view: &FleetView<'_>, commands: &mut Vec<Command>) {
        let allowed = if self.replicas > 0 { i64::from(self.replicas + self.limits().surge) } else { 0 };
        let wanted = allowed - active.iter().map(|version| i64::from(self.spec(*version))).sum::<i64>();
        let change = if wanted > 0 { (wanted - i64::from(self.withheld(view))).max(0) } else { wanted };
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
        for (version, size) in active.into_iter().zip(sizes) {
            self.scale_by_share(version, size as u32, change == wanted, commands);
        }
    }

    /// Sets a ReplicaSet's size; records for which number of replicas that was, if it is its whole share.
    fn scale_by_share(&mut self, version: Version, to: u32, is_whole: bool, commands: &mut Vec<Command>) {
        let (desired, max) = (self.replicas, self.replicas + self.limits().surge);
        let Some(set) = self.sets.get_mut(version).and_then(Option::as_mut) else {
            return;
        };
        let (from, rule) = (set.spec, Rule::InProportion { before: set.max, after: max });
        *set = if is_whole {
            ReplicaSet { spec: to, desired, max, before_scale: None }
        } else {
            ReplicaSet { spec: to, before_scale: Some(set.before_scale.unwrap_or(from)), ..*set }
        };
        if from != to {
            commands.push(Command::Scale { version, from, to, rule });
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
            let base = set.before_scale.unwrap_or(set.spec);
            let size = f64::from(base) * f64::from(self.replicas + self.limits().surge) / f64::from(set.max);
            size.round() as i64 - spec
        };
        let share = if change > 0 { fraction.min(rest) } else { fraction.max(rest) };
        // A share can go the other way, if the recorded sizes are of several scalings. Where terminating pods are waited for,
        // what one ReplicaSet loses is not to be had for another yet.
        match self.waits_for_terminating() {
            true if change > 0 => share.max(0),
            true => share.min(0),
            false => share,
        }
    }
}
