//! Kubernetes' Deployment: RollingUpdate and Recreate, one sync at a time (`pkg/controller/deployment` of v1.20.2).
//!
//! Scaling and its proportions are in `deployment_scaling`, status and progress in `deployment_progress`.

use crate::rollout::deployment_progress::{Progress, Status};
use crate::rollout::{Command, Course, FleetView, Limits, Phase, ReplicaSetStatus, Rule, Version};
use crate::scenario::{DeploymentSettings, PodReplacementPolicy};
use crate::units::Time;

/// How pods of an old version give way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A few at a time, within surge and unavailable.
    RollingUpdate,
    /// All at once, before the first new one.
    Recreate,
}

/// What the Deployment controller keeps of a ReplicaSet.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplicaSet {
    /// Size.
    pub(super) spec: u32,
    /// The Deployment's replicas when this was last scaled: the annotation by which a scaling event is recognised.
    pub(super) desired: u32,
    /// The Deployment's replicas and surge when this was last scaled: what proportions are taken of.
    pub(super) max: u32,
    /// The size before a change of replicas that waits for terminating pods: what proportions are taken from.
    pub(super) before_scale: Option<u32>,
}

/// A Deployment with its ReplicaSets.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    kind: Kind,
    pub(super) settings: DeploymentSettings,
    pub(super) replicas: u32,
    pub(super) template: Version,
    /// The version that was complete last.
    pub(super) stable: Version,
    pub(super) sets: Vec<Option<ReplicaSet>>,
    pub(super) paused: bool,
    pub(super) status: Status,
    pub(super) progress: Progress,
    pub(super) last_progress: Time,
    /// Since when the Available condition is false; `None` while it holds.
    pub(super) unavailable_since: Option<Time>,
    pub(super) course: Course,
}

impl Deployment {
    /// A Deployment whose version 0 runs with all its replicas available.
    pub(super) fn new(kind: Kind, settings: &DeploymentSettings, replicas: u32) -> Deployment {
        let mut deployment = Deployment {
            kind,
            settings: settings.clone(),
            replicas,
            template: 0,
            stable: 0,
            sets: Vec::new(),
            paused: false,
            status: Status { replicas, updated: replicas, ready: replicas, available: replicas },
            progress: Progress::Available,
            last_progress: Time::ZERO,
            unavailable_since: None,
            course: Course::new(),
        };
        let max = replicas + deployment.limits().surge;
        deployment.sets.push(Some(ReplicaSet { spec: replicas, desired: replicas, max, before_scale: None }));
        deployment
    }

    /// Surge and unavailable; Recreate has neither.
    pub(super) fn limits(&self) -> Limits {
        match self.kind {
            Kind::RollingUpdate => {
                Limits::resolve(self.settings.max_surge, self.settings.max_unavailable, self.replicas)
            }
            Kind::Recreate => Limits { surge: 0, unavailable: 0 },
        }
    }

    /// Whether pods are replaced a few at a time.
    pub(super) fn is_rolling(&self) -> bool {
        self.kind == Kind::RollingUpdate
    }

    /// The size of a version's ReplicaSet.
    pub(super) fn spec(&self, version: Version) -> u32 {
        self.set(version).map_or(0, |set| set.spec)
    }

    /// A version's ReplicaSet, if it was created.
    pub(super) fn set(&self, version: Version) -> Option<ReplicaSet> {
        self.sets.get(version).copied().flatten()
    }

    /// The version of the current pod template.
    pub(super) fn template(&self) -> Version {
        self.template
    }

    /// Its settings.
    pub(super) fn settings(&self) -> &DeploymentSettings {
        &self.settings
    }

    /// Changes the pod template.
    pub(super) fn ship(&mut self, version: Version, now: Time) {
        if version != self.template {
            self.course.ship(self.stable, now);
            self.template = version;
        }
    }

    /// Changes the number of replicas.
    pub(super) fn set_replicas(&mut self, replicas: u32) {
        self.replicas = replicas;
    }

    /// Halts or resumes rolling.
    pub(super) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// When the rollout began and ended.
    pub(super) fn course(&self) -> &Course {
        &self.course
    }

    /// Where the rollout is.
    pub(super) fn phase(&self) -> Phase {
        match (self.course.started(), self.course.finished()) {
            (None, _) => Phase::NotStarted,
            (_, Some((_, phase))) => phase,
            _ if self.paused => Phase::Paused,
            _ => Phase::Progressing,
        }
    }

    /// The status that the last sync stored.
    pub(super) fn status(&self) -> Status {
        self.status
    }

    /// Since when the Available condition is false: fewer pods are available than `max_unavailable` allows.
    pub(super) fn unavailable_since(&self) -> Option<Time> {
        self.unavailable_since
    }

    /// One sync. True if anything changed, so that another is due at this instant.
    pub(super) fn reconcile(&mut self, view: &FleetView<'_>, now: Time, commands: &mut Vec<Command>) -> bool {
        let before = (commands.len(), self.status, self.progress, self.is_scaling_event());
        self.note_pause(now, commands);
        if self.paused || self.is_scaling_event() {
            // Neither judges progress: the status is stored as it is.
            self.sync_scale(view, commands);
            self.status = self.observe(view);
        } else {
            match self.kind {
                Kind::RollingUpdate => self.roll(view, now, commands),
                Kind::Recreate => self.recreate(view, now, commands),
            }
            self.sync_status(view, now, commands);
        }
        let is_available = self.status.available >= self.replicas - self.limits().unavailable;
        self.unavailable_since = if is_available { None } else { self.unavailable_since.or(Some(now)) };
        (commands.len(), self.status, self.progress, self.is_scaling_event()) != before
    }

    /// RollingUpdate: grow the new ReplicaSet, or else shrink the old ones.
    fn roll(&mut self, view: &FleetView<'_>, now: Time, commands: &mut Vec<Command>) {
        if self.set(self.template).is_none() {
            let (size, rule) = (self.new_size(0, view), self.new_rule(view));
            self.create(size, rule, now, commands);
        }
        let spec = self.spec(self.template);
        let target = self.new_size(spec, view);
        if target != spec {
            self.scale_to(self.template, target, self.new_rule(view), commands);
            return;
        }
        self.shrink_old(view, commands);
    }

    /// Recreate: the new ReplicaSet waits until the last old pod is gone, or only terminates, if that is the policy.
    fn recreate(&mut self, view: &FleetView<'_>, now: Time, commands: &mut Vec<Command>) {
        let old: Vec<Version> = self.old_sets();
        if !old.is_empty() {
            for version in old {
                self.scale_to(version, 0, Rule::RecreateOldGo, commands);
            }
            return;
        }
        let waits_for = |set: &ReplicaSetStatus| match self.settings.pod_replacement_policy {
            Some(PodReplacementPolicy::TerminationStarted) => set.replicas,
            None | Some(PodReplacementPolicy::TerminationComplete) => set.replicas + set.terminating,
        };
        if view.total(waits_for) > waits_for(&view.of(self.template)) {
            return;
        }
        let target = self.new_size(self.spec(self.template), view);
        let rule = Rule::RecreateNewCome { desired: self.replicas };
        if self.set(self.template).is_none() {
            self.create(target, rule, now, commands);
        } else {
            self.scale_to(self.template, target, rule, commands);
        }
    }

    /// Creates the template's ReplicaSet, already scaled. Its creation counts as progress.
    fn create(&mut self, size: u32, rule: Rule, now: Time, commands: &mut Vec<Command>) {
        if self.sets.len() <= self.template {
            self.sets.resize(self.template + 1, None);
        }
        let max = self.replicas + self.limits().surge;
        self.sets[self.template] = Some(ReplicaSet { spec: size, desired: self.replicas, max, before_scale: None });
        self.progress = Progress::Updated;
        self.last_progress = now;
        if size > 0 {
            commands.push(Command::Scale { version: self.template, from: 0, to: size, rule });
        }
    }

    /// The size that the new ReplicaSet should have, being `spec` now: what room the old ones' sizes leave under surge, and
    /// terminating pods, if they are to be waited for.
    pub(super) fn new_size(&self, spec: u32, view: &FleetView<'_>) -> u32 {
        if spec >= self.replicas {
            return self.replicas;
        }
        let most = self.replicas + self.limits().surge;
        let room = most.saturating_sub(self.total_spec() + self.withheld(view));
        spec + room.min(self.replicas - spec)
    }

    /// Why the new ReplicaSet has the size that it should have.
    fn new_rule(&self, view: &FleetView<'_>) -> Rule {
        if self.spec(self.template) > self.replicas {
            return Rule::NewBeyondDesired { desired: self.replicas };
        }
        let most = self.replicas + self.limits().surge;
        Rule::NewWithinSurge { pods: self.total_spec(), terminating: self.withheld(view), most }
    }

    /// Terminating pods that hold their place until they are gone.
    pub(super) fn withheld(&self, view: &FleetView<'_>) -> u32 {
        if self.waits_for_terminating() { view.total(|set| set.terminating) } else { 0 }
    }

    /// Whether a terminating pod holds its place until it is gone.
    pub(super) fn waits_for_terminating(&self) -> bool {
        self.settings.pod_replacement_policy == Some(PodReplacementPolicy::TerminationComplete)
    }

    fn total_spec(&self) -> u32 {
        self.sets.iter().flatten().map(|set| set.spec).sum()
    }

    /// Old ReplicaSets that have a size, oldest first.
    pub(super) fn old_sets(&self) -> Vec<Version> {
        (0..self.sets.len()).filter(|version| *version != self.template && self.spec(*version) > 0).collect()
    }

    /// Shrinks the old ReplicaSets: unhealthy pods first, then as many as availability allows, oldest first.
    pub(super) fn shrink_old(&mut self, view: &FleetView<'_>, commands: &mut Vec<Command>) {
        let minimum = i64::from(self.replicas - self.limits().unavailable);
        let new_unavailable = i64::from(self.spec(self.template)) - i64::from(view.of(self.template).available);
        let most = i64::from(self.total_spec()) - minimum - new_unavailable;
        if self.old_sets().is_empty() || most <= 0 {
            return;
        }
        if self.clean_up_old(most, view, commands) {
            self.scale_down_old(view, commands);
        }
    }

    /// Removes unavailable pods of old ReplicaSets, at most so many, oldest ReplicaSet first. False if a status is stale: the
    /// controller then gives the pass up and looks again.
    pub(super) fn clean_up_old(&mut self, most: i64, view: &FleetView<'_>, commands: &mut Vec<Command>) -> bool {
        let mut left = most;
        for version in self.old_sets() {
            let (spec, available) = (self.spec(version), view.of(version).available);
            if left <= 0 {
                break;
            }
            if available > spec {
                return false;
            }
            let cleaned = left.min(i64::from(spec - available));
            let rule = Rule::OldUnavailableGo { unavailable: spec - available, most: left as u32 };
            self.scale_to(version, spec - cleaned as u32, rule, commands);
            left -= cleaned;
        }
        true
    }

    /// Shrinks old ReplicaSets, the oldest first, by as many pods as are available beyond those needed.
    pub(super) fn scale_down_old(&mut self, view: &FleetView<'_>, commands: &mut Vec<Command>) {
        let minimum = i64::from(self.replicas - self.limits().unavailable);
        let available = view.total(|set| set.available);
        let pods = view.total(|set| set.replicas);
        let rule = Rule::OldAsAvailabilityAllows { available, pods, needed: minimum as u32 };
        let mut spare = i64::from(available) - minimum;
        for version in self.old_sets() {
            let spec = self.spec(version);
            let taken = spare.clamp(0, i64::from(spec));
            self.scale_to(version, spec - taken as u32, rule, commands);
            spare -= taken;
        }
    }

    /// Sets a ReplicaSet's size, if it differs, and records for which number of replicas that was.
    pub(super) fn scale_to(&mut self, version: Version, to: u32, rule: Rule, commands: &mut Vec<Command>) {
        let (desired, max) = (self.replicas, self.replicas + self.limits().surge);
        let Some(set) = self.sets.get_mut(version).and_then(Option::as_mut) else {
            return;
        };
        if set.spec != to {
            commands.push(Command::Scale { version, from: set.spec, to, rule });
            *set = ReplicaSet { spec: to, desired, max, before_scale: None };
        }
    }
}
