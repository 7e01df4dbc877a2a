//! One of Flagger's two Deployments with the ReplicaSets that are its own.
//!
//! A Deployment numbers its ReplicaSets by pod template; in the fleet both Deployments have one of each template.

use crate::rollout::deployment::{Deployment, Kind};
use crate::rollout::{Command, FleetView, Health, Note, Version, Versions};
use crate::scenario::DeploymentSettings;
use crate::units::Time;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The Deployment that serves.
    Primary,
    /// The Deployment that users change: the canary, at zero replicas between rollouts.
    Target,
}

/// The ReplicaSet of a pod template in a Deployment. Those that every rollout needs come first: 0 is the primary's of the
/// stable template, 1 the canary's of the new one, 2 the primary's of the new one.
fn set_of(role: Role, template: Version) -> Version {
    match (role, template) {
        (Role::Primary, 0) => 0,
        (Role::Target, 1) => 1,
        (Role::Primary, 1) => 2,
        (Role::Target, 0) => 3,
        (Role::Target, later) => 2 * later,
        (Role::Primary, later) => 2 * later + 1,
    }
}

/// The Deployment that a ReplicaSet belongs to.
pub(super) fn role_of(set: Version) -> Role {
    match set {
        0 | 2 => Role::Primary,
        1 | 3 => Role::Target,
        later if later % 2 == 0 => Role::Target,
        _ => Role::Primary,
    }
}

/// The pod template of a ReplicaSet.
pub(super) fn template_of(set: Version) -> Version {
    match set {
        0 | 3 => 0,
        1 | 2 => 1,
        later => later / 2,
    }
}

/// A Deployment, its ReplicaSets found in the whole fleet.
#[derive(Clone, Debug)]
pub(super) struct Side {
    role: Role,
    deployment: Deployment,
    /// ReplicaSets that have had pods: those behind its Service.
    service: Versions,
}

impl Side {
    /// A Deployment of the stable template with all its replicas available.
    pub(super) fn new(role: Role, settings: &DeploymentSettings, replicas: u32) -> Side {
        let service = if replicas > 0 { Versions::of(set_of(role, 0)) } else { Versions::NONE };
        Side { role, deployment: Deployment::new(Kind::RollingUpdate, settings, replicas), service }
    }

    /// The ReplicaSets behind its Service.
    pub(super) fn service(&self) -> Versions {
        self.service
    }

    /// Its current pod template.
    pub(super) fn template(&self) -> Version {
        self.deployment.template()
    }

    /// Its desired replicas.
    pub(super) fn replicas(&self) -> u32 {
        self.deployment.replicas
    }

    /// Changes its pod template.
    pub(super) fn ship(&mut self, template: Version, now: Time) {
        self.deployment.ship(template, now);
    }

    /// Changes its desired replicas.
    pub(super) fn set_replicas(&mut self, replicas: u32) {
        self.deployment.set_replicas(replicas);
    }

    /// The size of a ReplicaSet; zero if it is the other Deployment's.
    pub(super) fn spec(&self, set: Version) -> u32 {
        let template = template_of(set);
        if set_of(self.role, template) == set { self.deployment.spec(template) } else { 0 }
    }

    /// One sync of the Deployment controller. True if another is due at this instant.
    pub(super) fn reconcile(&mut self, view: &FleetView<'_>, now: Time, commands: &mut Vec<Command>) -> bool {
        let templates = self.deployment.sets.len().max(self.deployment.template() + 1);
        let sets: Vec<_> = (0..templates).map(|template| view.of(set_of(self.role, template))).collect();
        let mut own = Vec::new();
        let again = self.deployment.reconcile(&FleetView { sets: &sets }, now, &mut own);
        for command in own {
            match command {
                Command::Scale { version, from, to, rule } => {
                    let version = set_of(self.role, version);
                    if to > 0 {
                        self.service = self.service.with(version);
                    }
                    commands.push(Command::Scale { version, from, to, rule });
                }
                Command::Note(Note::DeadlineExceeded) => commands.push(command),
                // When a rollout is over, Flagger decides.
                Command::Note(_) | Command::Route(_) | Command::Measure { .. } => {}
            }
        }
        again
    }

    /// When it may look at its progress deadline although nothing happened.
    pub(super) fn next_wake(&self) -> Time {
        self.deployment.next_wake()
    }

    /// Whether no pod is left but terminating ones.
    pub(super) fn is_empty(&self) -> bool {
        self.deployment.status().replicas == 0
    }

    /// Whether all its pods are of its template and available.
    pub(super) fn is_whole(&self) -> bool {
        let (status, all) = (self.deployment.status(), self.deployment.replicas);
        [status.updated, status.replicas, status.available] == [all; 3]
    }

    /// Whether Flagger takes it for ready (`isDeploymentReady`): no old pod left, and of the updated ones `threshold`
    /// percent available, rounded down. Else, since when it is given up: once it has exceeded its progress deadline, or has
    /// been unavailable for as long; never, if it may go on like this for ever.
    pub(super) fn readiness(&self, threshold: u32) -> Readiness {
        if self.deployment.health() == Health::Degraded {
            return Readiness::Waiting { given_up_at: Time(i64::MIN) };
        }
        let status = self.deployment.status();
        // In single precision, as Flagger has it.
        let enough = (status.updated as f32 * (threshold as f32 / 100.0)) as u32;
        let is_updated = status.updated >= self.deployment.replicas && status.replicas <= status.updated;
        if is_updated && status.available >= enough {
            return Readiness::Ready;
        }
        let deadline = self.deployment.settings().progress_deadline;
        let given_up_at = self.deployment.unavailable_since().map_or(Time::NEVER, |since| since + deadline);
        Readiness::Waiting { given_up_at }
    }
}

/// Whether a tick may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It may.
    Ready,
    /// The Deployment is not ready, and is given up from then on.
    Waiting { given_up_at: Time },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_replica_set_is_one_template_of_one_deployment() {
        let mut seen = Vec::new();
        for template in 0..20 {
            for role in [Role::Primary, Role::Target] {
                let set = set_of(role, template);
                assert_eq!(template_of(set), template);
                seen.push(set);
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..40).collect::<Vec<_>>());
        assert_eq!([set_of(Role::Primary, 0), set_of(Role::Target, 1), set_of(Role::Primary, 1)], [0, 1, 2]);
    }
}
