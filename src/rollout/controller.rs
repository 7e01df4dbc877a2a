//! The one controller that a simulation holds, whatever the strategy.

use crate::rollout::analysis::{AnalysisRun, RunId};
use crate::rollout::argo::Rollout;
use crate::rollout::blue_green::BlueGreen;
use crate::rollout::canary::Canary;
use crate::rollout::deployment::{self, Deployment};
use crate::rollout::flagger::Flagger;
use crate::rollout::flagger_side;
use crate::rollout::{Command, Course, FleetView, Health, Measured, Phase, Routing, Rule, Version};
use crate::scenario::{Analysis, Strategy};
use crate::units::Time;

/// A rollout controller with its ReplicaSets' sizes and all that it remembers.
#[derive(Clone, Debug)]
pub struct Controller {
    strategy: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// No rollout: a fleet of one version.
    Fixed {
        spec: u32,
        replicas: u32,
    },
    Deployment(Box<Deployment>),
    Canary(Box<Canary>),
    BlueGreen(Box<BlueGreen>),
    Flagger(Box<Flagger>),
}

/// The pod template of each ReplicaSet that a strategy may make of so many templates: Flagger's two Deployments have one of
/// each, else a template has one.
pub fn pod_templates(strategy: &Strategy, templates: usize) -> Vec<Version> {
    match strategy {
        Strategy::Flagger(_) => (0..2 * templates.max(2)).map(flagger_side::template_of).collect(),
        _ => (0..templates).collect(),
    }
}

impl Controller {
    /// A controller whose version 0 runs with all its replicas available and everything behind it.
    pub fn new(strategy: &Strategy, analyses: &[Analysis], replicas: u32) -> Controller {
        let deployment = |kind, settings| Kind::Deployment(Box::new(Deployment::new(kind, settings, replicas)));
        let strategy = match strategy {
            Strategy::None => Kind::Fixed { spec: replicas, replicas },
            Strategy::Recreate(settings) => deployment(deployment::Kind::Recreate, settings),
            Strategy::Rolling(settings) => deployment(deployment::Kind::RollingUpdate, settings),
            Strategy::Canary(settings) => Kind::Canary(Box::new(Canary::new(settings, analyses, replicas))),
            Strategy::BlueGreen(settings) => Kind::BlueGreen(Box::new(BlueGreen::new(settings, analyses, replicas))),
            Strategy::Flagger(settings) => Kind::Flagger(Box::new(Flagger::new(settings, analyses, replicas))),
        };
        Controller { strategy }
    }

    /// Ships a version: the pod template becomes this one. An earlier version is a rollback. Reconcile afterwards.
    /// Without a strategy nothing is ever shipped.
    pub fn ship(&mut self, version: Version, now: Time) {
        match &mut self.strategy {
            Kind::Fixed { .. } => {}
            Kind::Deployment(deployment) => deployment.ship(version, now),
            Kind::Canary(canary) => canary.rollout.ship(version, now),
            Kind::BlueGreen(blue_green) => blue_green.rollout.ship(version, now),
            Kind::Flagger(flagger) => flagger.ship(version, now),
        }
    }

    /// Changes the number of desired replicas. Reconcile afterwards.
    pub fn set_replicas(&mut self, replicas: u32) {
        match &mut self.strategy {
            Kind::Fixed { replicas: desired, .. } => *desired = replicas,
            Kind::Deployment(deployment) => deployment.set_replicas(replicas),
            Kind::Canary(canary) => canary.rollout.set_replicas(replicas),
            Kind::BlueGreen(blue_green) => blue_green.rollout.set_replicas(replicas),
            Kind::Flagger(flagger) => flagger.set_replicas(replicas),
        }
    }

    /// Halts (`spec.paused`; Flagger's `spec.suspend`) or resumes the rollout. Reconcile afterwards.
    pub fn set_paused(&mut self, paused: bool) {
        match &mut self.strategy {
            Kind::Fixed { .. } => {}
            Kind::Deployment(deployment) => deployment.set_paused(paused),
            Kind::Canary(canary) => canary.rollout.set_paused(paused),
            Kind::BlueGreen(blue_green) => blue_green.rollout.set_paused(paused),
            Kind::Flagger(flagger) => flagger.set_suspended(paused),
        }
    }

    /// Gives an Argo Rollouts update up (`status.abort`), or asks Flagger for a rollback, which the analysis grants at its next
    /// tick; a Deployment has no such thing. Reconcile afterwards.
    pub fn abort(&mut self) {
        match &mut self.strategy {
            Kind::Flagger(flagger) => flagger.abort(),
            _ => {
                if let Some(rollout) = self.rollout_mut() {
                    rollout.abort();
                }
            }
        }
    }

    /// Takes an aborted Argo Rollouts update up again from its first step; nothing else can. Reconcile afterwards.
    pub fn retry(&mut self) {
        if let Some(rollout) = self.rollout_mut() {
            rollout.retry();
        }
    }

    /// Ends the pause that an Argo Rollouts update is in; Flagger's confirmation webhooks are not modelled. Reconcile
    /// afterwards.
    pub fn promote(&mut self) {
        if let Some(rollout) = self.rollout_mut() {
            rollout.promote();
        }
    }

    /// Skips the pauses, steps and analyses that an Argo Rollouts update still has. Reconcile afterwards.
    pub fn promote_full(&mut self) {
        if let Some(rollout) = self.rollout_mut() {
            rollout.promote_full();
        }
    }

    /// One sync at `now`: pushes what is to be done. True if another is due at this instant, after the commands were carried
    /// out and `view` was taken anew; false once nothing changes any more.
    pub fn reconcile(&mut self, view: &FleetView<'_>, now: Time, commands: &mut Vec<Command>) -> bool {
        match &mut self.strategy {
            Kind::Fixed { spec, replicas } => {
                let from = std::mem::replace(spec, *replicas);
                if from != *spec {
                    let rule = Rule::OnlySetTakesAll { desired: *replicas };
                    commands.push(Command::Scale { version: 0, from, to: *spec, rule });
                }
                false
            }
            Kind::Deployment(deployment) => deployment.reconcile(view, now, commands),
            Kind::Canary(canary) => canary.reconcile(view, now, commands),
            Kind::BlueGreen(blue_green) => blue_green.reconcile(view, now, commands),
            Kind::Flagger(flagger) => flagger.reconcile(view, now, commands),
        }
    }

    /// The pod template that analyses judge, and the one that they compare it with.
    pub fn compared(&self) -> (Version, Version) {
        let rollout = match &self.strategy {
            Kind::Fixed { .. } | Kind::Deployment(_) => return (0, 0),
            Kind::Canary(canary) => &canary.rollout,
            Kind::BlueGreen(blue_green) => &blue_green.rollout,
            Kind::Flagger(flagger) => return flagger.compared(),
        };
        (rollout.template, rollout.status.stable)
    }

    /// Hands in the measurement that a [`Command::Measure`] asked for. What it leads to follows from the next reconcile.
    pub fn measured(
        &mut self,
        run: RunId,
        template: usize,
        measured: Measured,
        now: Time,
        commands: &mut Vec<Command>,
    ) {
        match &mut self.strategy {
            Kind::Flagger(flagger) => flagger.measured(run, template, measured, commands),
            _ => {
                if let Some(rollout) = self.rollout_mut() {
                    rollout.measured(run, template, measured, now, commands);
                }
            }
        }
    }

    /// The earliest time at which a reconcile may do something although nothing happened in the fleet; never, if there is
    /// none. Always later than the last reconcile, once that was followed to its fixed point.
    pub fn next_wake(&self) -> Time {
        match &self.strategy {
            Kind::Fixed { .. } => Time::NEVER,
            Kind::Deployment(deployment) => deployment.next_wake(),
            Kind::Canary(canary) => self.next_change().min(canary.rollout.next_deadline()),
            Kind::BlueGreen(blue_green) => self.next_change().min(blue_green.rollout.next_deadline()),
            Kind::Flagger(flagger) => flagger.next_wake(),
        }
    }

    /// Like [`Controller::next_wake`], leaving out what only reports: a progress deadline that aborts nothing. If this is never
    /// and nothing happens in the fleet any more, the rollout is stuck.
    pub fn next_change(&self) -> Time {
        self.rollout().map_or(Time::NEVER, Rollout::next_measurement).min(self.next_advance())
    }

    /// Like [`Controller::next_change`], leaving out measurements of analyses that never pass: they can only abort.
    pub fn next_advance(&self) -> Time {
        let (rollout, pause_end) = match &self.strategy {
            Kind::Fixed { .. } | Kind::Deployment(_) => return Time::NEVER,
            Kind::Canary(canary) => (&canary.rollout, canary.next_pause_end()),
            Kind::BlueGreen(blue_green) => (&blue_green.rollout, blue_green.next_pause_end()),
            Kind::Flagger(flagger) => return flagger.next_change(),
        };
        let deadline = if rollout.shared.progress_deadline_abort { rollout.next_deadline() } else { Time::NEVER };
        pause_end.min(rollout.next_scale_down()).min(rollout.next_counted_measurement()).min(deadline)
    }

    /// The size of a version's ReplicaSet.
    pub fn spec(&self, version: Version) -> u32 {
        match &self.strategy {
            Kind::Fixed { spec, .. } if version == 0 => *spec,
            Kind::Fixed { .. } => 0,
            Kind::Deployment(deployment) => deployment.spec(version),
            Kind::Canary(canary) => canary.rollout.spec(version),
            Kind::BlueGreen(blue_green) => blue_green.rollout.spec(version),
            Kind::Flagger(flagger) => flagger.spec(version),
        }
    }

    /// Which of Flagger's two Deployments a ReplicaSet belongs to; `None` for controllers that have one.
    pub fn deployment(&self, set: Version) -> Option<&'static str> {
        match &self.strategy {
            Kind::Flagger(_) => Some(match flagger_side::role_of(set) {
                flagger_side::Role::Primary => "primary",
                flagger_side::Role::Target => "canary",
            }),
            _ => None,
        }
    }

    /// Where requests go.
    pub fn routing(&self) -> Routing {
        match &self.strategy {
            Kind::Fixed { .. } | Kind::Deployment(_) => Routing::All,
            Kind::Canary(canary) => canary.routing(),
            Kind::BlueGreen(blue_green) => blue_green.routing(),
            Kind::Flagger(flagger) => flagger.routing(),
        }
    }

    /// Percent of the requests that what is shipped is meant to be given: the canary's weight, or all or nothing in
    /// blue-green; `None` where a strategy has no weights. Before a reconcile that aborts, it is that of the aborted step.
    pub fn weight(&self) -> Option<u32> {
        match &self.strategy {
            Kind::Fixed { .. } | Kind::Deployment(_) => None,
            Kind::Canary(canary) => Some(canary.weight()),
            Kind::BlueGreen(blue_green) => Some(blue_green.weight()),
            Kind::Flagger(flagger) => Some(flagger.weight()),
        }
    }

    /// Where the rollout is.
    pub fn phase(&self) -> Phase {
        match &self.strategy {
            Kind::Fixed { .. } => Phase::NotStarted,
            Kind::Deployment(deployment) => deployment.phase(),
            Kind::Canary(canary) => canary.rollout.phase(),
            Kind::BlueGreen(blue_green) => blue_green.rollout.phase(),
            Kind::Flagger(flagger) => flagger.phase(),
        }
    }

    /// What the controller itself reports.
    pub fn health(&self) -> Health {
        match &self.strategy {
            Kind::Fixed { .. } => Health::Healthy,
            Kind::Deployment(deployment) => deployment.health(),
            Kind::Canary(canary) => canary.rollout.health(),
            Kind::BlueGreen(blue_green) => blue_green.rollout.health(),
            Kind::Flagger(flagger) => flagger.health(),
        }
    }

    /// A canary's current step, counted from 0; the number of steps when all are done; `None` without steps.
    pub fn step(&self) -> Option<usize> {
        self.rollout().and_then(|rollout| rollout.status.step)
    }

    /// When the rollout began: when its version was shipped.
    pub fn started_at(&self) -> Option<Time> {
        self.course().and_then(Course::started)
    }

    /// When the rollout ended. A Deployment: all replicas new and available, old ones gone but for terminating ones. Argo
    /// Rollouts: Healthy and all old ReplicaSets at zero; after an abort, all traffic on a whole stable fleet and the aborted
    /// version's ReplicaSet at zero, or kept for ever.
    pub fn finished_at(&self) -> Option<Time> {
        self.course().and_then(Course::finished).map(|(time, _)| time)
    }

    /// An AnalysisRun, by the number under which its measurements were asked for.
    pub fn analysis_run(&self, id: RunId) -> Option<&AnalysisRun> {
        self.rollout()?.run(Some(id))
    }

    /// Why the rollout was aborted, the last time it was; empty if it never was.
    pub fn abort_reason(&self) -> &str {
        match &self.strategy {
            Kind::Flagger(flagger) => flagger.abort_reason(),
            _ => self.rollout().map_or("", |rollout| &rollout.abort_reason),
        }
    }

    fn course(&self) -> Option<&Course> {
        match &self.strategy {
            Kind::Deployment(deployment) => Some(deployment.course()),
            Kind::Flagger(flagger) => Some(flagger.course()),
            _ => self.rollout().map(|rollout| &rollout.course),
        }
    }

    fn rollout(&self) -> Option<&Rollout> {
        match &self.strategy {
            Kind::Fixed { .. } | Kind::Deployment(_) | Kind::Flagger(_) => None,
            Kind::Canary(canary) => Some(&canary.rollout),
            Kind::BlueGreen(blue_green) => Some(&blue_green.rollout),
        }
    }

    fn rollout_mut(&mut self) -> Option<&mut Rollout> {
        match &mut self.strategy {
            Kind::Fixed { .. } | Kind::Deployment(_) | Kind::Flagger(_) => None,
            Kind::Canary(canary) => Some(&mut canary.rollout),
            Kind::BlueGreen(blue_green) => Some(&mut blue_green.rollout),
        }
    }
}
