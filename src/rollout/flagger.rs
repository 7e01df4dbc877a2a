//! Flagger's canary loop (`pkg/controller/scheduler.go`): what it does at each tick of its interval.
//!
//! Two Deployments: the primary serves; the target, at zero replicas between rollouts, becomes the canary. When the canary
//! has passed, its template is copied to the primary, which is then updated as any Deployment is: every rollout pays for two
//! cold starts. All of Flagger happens at ticks, which are the multiples of the interval from time zero; the Deployments
//! (`flagger_side`) react at once. Webhooks, mirroring, A/B tests, iterations and autoscalers do not exist here.

use crate::rollout::analysis::{self, Outcome};
use crate::rollout::flagger_side::{Readiness, Role, Side};
use crate::rollout::{
    Command, Course, FleetView, Health, Measured, Note, PauseReason, Phase, Routing, RunId, Version, WeightRule,
};
use crate::scenario::{Analysis, FlaggerSettings, FlaggerWeights};
use crate::units::Time;

/// The phase of the Canary resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// At rest; nothing was rolled out yet.
    Initialized,
    /// The canary starts, or is analysed.
    Progressing,
    /// The primary is updated.
    Promoting,
    /// The canary takes no more requests.
    Finalising,
    /// At rest; the last rollout was promoted.
    Succeeded,
    /// At rest; the last rollout was given up.
    Failed,
}

/// A tick's check of its metrics, one after the other.
#[derive(Clone, Copy, Debug)]
struct Check {
    run: RunId,
    /// Place in the list of analyses of the one that is measured, or was last.
    place: usize,
    /// Whether it passed; `None` while measurements are out.
    passed: Option<bool>,
}

/// A canary under Flagger.
#[derive(Clone, Debug)]
pub(super) struct Flagger {
    settings: FlaggerSettings,
    analyses: Vec<Analysis>,
    primary: Side,
    target: Side,
    stage: Stage,
    /// Percent of the requests that the canary gets.
    weight: u32,
    failed_checks: u32,
    /// The template that was analysed last, or is.
    last_applied: Version,
    /// The template that was promoted last.
    last_promoted: Version,
    suspended: bool,
    /// Whether the suspension was told.
    suspension_told: bool,
    /// Whether an operator asked for a rollback.
    rollback_asked: bool,
    check: Option<Check>,
    checks: u32,
    /// The last tick that had anything to look at.
    ticked: Option<Time>,
    reconciled: Time,
    course: Course,
    abort_reason: String,
}

impl Flagger {
    /// The template of the canary's pods, and of the primary's.
    pub(super) fn compared(&self) -> (Version, Version) {
        (self.target.template(), self.primary.template())
    }

    /// A primary whose replicas are all available, and a target at zero.
    pub(super) fn new(settings: &FlaggerSettings, analyses: &[Analysis], replicas: u32) -> Flagger {
        let mut settings = settings.clone();
        settings.analysis.retain(|template| *template < analyses.len());
        Flagger {
            primary: Side::new(Role::Primary, &settings.deployment, replicas),
            target: Side::new(Role::Target, &settings.deployment, 0),
            settings,
            analyses: analyses.to_vec(),
            stage: Stage::Initialized,
            weight: 0,
            failed_checks: 0,
            last_applied: 0,
            last_promoted: 0,
            suspended: false,
            suspension_told: false,
            rollback_asked: false,
            check: None,
            checks: 0,
            ticked: None,
            reconciled: Time(i64::MIN),
            course: Course::new(),
            abort_reason: String::new(),
        }
    }

    /// Changes the target's pod template, which the next tick sees. The one that was promoted last is not a new version.
    pub(super) fn ship(&mut self, template: Version, now: Time) {
        if template == self.target.template() {
            return;
        }
        self.target.ship(template, now);
        if self.course.is_open() || self.has_changed() {
            self.course.ship(self.primary.template(), now);
        }
    }

    /// Changes the desired replicas of the primary, and of the canary while it is up.
    pub(super) fn set_replicas(&mut self, replicas: u32) {
        self.primary.set_replicas(replicas);
        if self.is_active() || self.target.replicas() > 0 {
            self.target.set_replicas(replicas);
        }
    }

    /// Suspends the Canary resource (`spec.suspend`), or lets it go on: no ticks meanwhile.
    pub(super) fn set_suspended(&mut self, suspended: bool) {
        self.suspended = suspended;
    }

    /// Asks for a rollback, as the gate of a rollback webhook does: the next tick that finds the canary ready grants it.
    /// Once the canary is promoted, or at rest, nobody asks.
    pub(super) fn abort(&mut self) {
        self.rollback_asked = self.stage == Stage::Progressing;
    }

    /// The size of a ReplicaSet.
    pub(super) fn spec(&self, set: Version) -> u32 {
        self.primary.spec(set) + self.target.spec(set)
    }

    /// Where requests go.
    pub(super) fn routing(&self) -> Routing {
        Routing::Split { stable: self.primary.service(), canary: self.target.service(), canary_percent: self.weight }
    }

    /// The canary's weight, percent.
    pub(super) fn weight(&self) -> u32 {
        self.weight
    }

    /// When the rollout began and ended.
    pub(super) fn course(&self) -> &Course {
        &self.course
    }

    /// Why the canary was given up, the last time it was.
    pub(super) fn abort_reason(&self) -> &str {
        &self.abort_reason
    }

    /// Where the rollout is.
    pub(super) fn phase(&self) -> Phase {
        match (self.course.started(), self.course.finished()) {
            (None, _) => Phase::NotStarted,
            (_, Some((_, phase))) => phase,
            _ if self.suspended => Phase::Paused,
            _ if self.stage == Stage::Failed && !self.has_changed() => Phase::Aborted,
            _ => Phase::Progressing,
        }
    }

    /// What the Canary resource says.
    pub(super) fn health(&self) -> Health {
        match self.stage {
            _ if self.suspended => Health::Paused,
            Stage::Initialized | Stage::Succeeded => Health::Healthy,
            Stage::Progressing | Stage::Promoting | Stage::Finalising => Health::Progressing,
            Stage::Failed => Health::Degraded,
        }
    }

    /// One sync of both Deployments; once they are settled, the tick that is due, if one is. True if another is due at this
    /// instant.
    pub(super) fn reconcile(&mut self, view: &FleetView<'_>, now: Time, commands: &mut Vec<Command>) -> bool {
        let (before, routing) = (commands.len(), self.routing());
        self.reconciled = now;
        self.tell_suspension(commands);
        let mut again = self.primary.reconcile(view, now, commands);
        again |= self.target.reconcile(view, now, commands);
        if !again {
            again = self.conclude_check(now, commands) || self.tick_if_due(now, commands);
        }
        if !again {
            self.settle(now, commands);
        }
        if self.routing() != routing {
            commands.push(Command::Route(self.routing()));
        }
        again || commands.len() > before
    }

    fn tell_suspension(&mut self, commands: &mut Vec<Command>) {
        if self.suspended != self.suspension_told {
            self.suspension_told = self.suspended;
            let note = if self.suspended { Note::Paused(PauseReason::Operator) } else { Note::Resumed };
            commands.push(Command::Note(note));
        }
    }

    /// Ends the rollout when Flagger is at rest with all requests on the primary. It is over when it succeeded, or when the
    /// primary is whole.
    fn settle(&mut self, now: Time, commands: &mut Vec<Command>) {
        let at_rest = !self.is_active() && !self.has_changed() && self.weight == 0 && self.target.is_empty();
        if at_rest && (self.stage == Stage::Succeeded || self.primary.is_whole()) {
            self.course.complete(self.primary.template(), now, commands);
        }
    }

    /// Whether every tick goes on with a rollout.
    fn is_active(&self) -> bool {
        matches!(self.stage, Stage::Progressing | Stage::Promoting | Stage::Finalising)
    }

    /// Whether the target's template is a new version: neither the one promoted last nor the one analysed last.
    fn has_changed(&self) -> bool {
        let template = self.target.template();
        template != self.last_promoted && template != self.last_applied
    }

    /// After a failure each tick takes the target's template for analysed, whatever else comes of the tick.
    fn forgets_a_change(&self) -> bool {
        self.stage == Stage::Failed && self.last_applied != self.target.template()
    }

    fn tick_if_due(&mut self, now: Time, commands: &mut Vec<Command>) -> bool {
        let has_work = self.is_active() || self.has_changed() || self.forgets_a_change();
        let is_due = self.tick_from(now) == now && self.ticked != Some(now);
        if self.suspended || !has_work || !is_due {
            return false;
        }
        self.ticked = Some(now);
        self.tick(now, commands);
        true
    }

    /// One tick: the first of these rules that applies, and no other.
    fn tick(&mut self, now: Time, commands: &mut Vec<Command>) {
        let has_changed = self.has_changed();
        if self.stage == Stage::Failed {
            self.last_applied = self.target.template();
        }
        if !self.is_active() && !has_changed {
            return;
        }
        if let Readiness::Waiting { given_up_at } = self.primary.readiness(self.settings.primary_ready_threshold) {
            match self.stage {
                _ if given_up_at > now => {}
                Stage::Promoting | Stage::Finalising => self.fail_promotion(commands),
                _ => self.roll_back(self.deadline("primary"), commands),
            }
            return;
        }
        if !self.is_active() {
            return self.begin();
        }
        if self.stage == Stage::Progressing && has_changed {
            return self.begin_again(commands);
        }
        if let Readiness::Waiting { given_up_at } = self.target.readiness(self.settings.canary_ready_threshold) {
            if given_up_at <= now {
                self.roll_back(self.deadline("canary"), commands);
            }
            return;
        }
        match self.stage {
            Stage::Promoting => self.shift_back(commands),
            Stage::Finalising => self.finalise(),
            _ => self.analyse(now, commands),
        }
    }

    fn deadline(&self, which: &str) -> String {
        format!("{which} not ready within progress_deadline ({})", self.settings.deployment.progress_deadline)
    }

    /// A new version: the target is scaled up from zero, to the primary's size.
    fn begin(&mut self) {
        if self.target.replicas() == 0 {
            self.target.set_replicas(self.primary.replicas().max(1));
        }
        self.begin_analysis();
    }

    /// Another version during the analysis: it starts anew.
    fn begin_again(&mut self, commands: &mut Vec<Command>) {
        self.set_weight(0, WeightRule::Restarted, commands);
        self.begin_analysis();
    }

    fn begin_analysis(&mut self) {
        self.stage = Stage::Progressing;
        self.last_applied = self.target.template();
        (self.failed_checks, self.rollback_asked) = (0, false);
    }

    /// The canary is ready. A threshold that was reached at the last tick rolls back at this one; without requests there is
    /// nothing to check.
    fn analyse(&mut self, now: Time, commands: &mut Vec<Command>) {
        if self.rollback_asked {
            self.roll_back("asked for".to_owned(), commands);
        } else if self.failed_checks >= self.settings.threshold {
            self.roll_back(format!("failed checks ({}) reached threshold", self.failed_checks), commands);
        } else if let Some(template) = self.settings.analysis.first().copied().filter(|_| self.weight > 0) {
            let run = RunId(self.checks);
            self.checks += 1;
            self.check = Some(Check { run, place: 0, passed: None });
            commands.push(Command::Measure { run, template });
        } else {
            self.advance(now, commands);
        }
    }

    /// Takes a measurement in, and asks for the next one if it passed. No data does not pass, whatever its template says.
    pub(super) fn measured(&mut self, run: RunId, template: usize, measured: Measured, commands: &mut Vec<Command>) {
        let Some(check) = self.check.as_mut().filter(|check| check.run == run && check.passed.is_none()) else {
            return;
        };
        let Some(analysis) = self.analyses.get(template) else { return };
        let judgement = analysis::judge(analysis, measured);
        if judgement.outcome != Outcome::Successful || judgement.without_data {
            check.passed = Some(false);
            return;
        }
        match self.settings.analysis.get(check.place + 1) {
            Some(next) => {
                check.place += 1;
                commands.push(Command::Measure { run, template: *next });
            }
            None => check.passed = Some(true),
        }
    }

    /// The rest of a tick whose measurements are in: on with the canary, or one failed check more.
    fn conclude_check(&mut self, now: Time, commands: &mut Vec<Command>) -> bool {
        let Some((check, passed)) = self.check.and_then(|check| Some((check, check.passed?))) else { return false };
        self.check = None;
        if passed {
            self.advance(now, commands);
        } else {
            self.failed_checks += 1;
            let template = self.settings.analysis[check.place];
            let detail = format!("failed check {} of {}", self.failed_checks, self.settings.threshold);
            commands.push(Command::Note(Note::AnalysisFailed { template, detail }));
        }
        true
    }

    /// The next weight; from the last one, the promotion: the target's template and size become the primary's.
    fn advance(&mut self, now: Time, commands: &mut Vec<Command>) {
        if let Some(weight) = self.settings.weights.after(self.weight) {
            return self.set_weight(weight, WeightRule::ChecksPassed, commands);
        }
        self.primary.set_replicas(self.target.replicas());
        self.primary.ship(self.target.template(), now);
        self.stage = Stage::Promoting;
        commands.push(Command::Note(Note::Promoted));
    }

    /// The primary is updated: requests go back to it.
    fn shift_back(&mut self, commands: &mut Vec<Command>) {
        let step = match self.settings.step_weight_promotion {
            0 => self.weight,
            step => step,
        };
        self.set_weight(self.weight.saturating_sub(step), WeightRule::PrimaryUpdated, commands);
        if self.weight == 0 {
            self.stage = Stage::Finalising;
        }
    }

    fn finalise(&mut self) {
        self.target.set_replicas(0);
        self.stage = Stage::Succeeded;
        self.last_promoted = self.last_applied;
    }

    /// Back to the primary at once.
    fn roll_back(&mut self, reason: String, commands: &mut Vec<Command>) {
        self.set_weight(0, WeightRule::Aborted, commands);
        self.target.set_replicas(0);
        self.fail(reason, commands);
    }

    /// The updated primary does not come up: the canary, which is known to be good, takes all requests. Somebody must come.
    fn fail_promotion(&mut self, commands: &mut Vec<Command>) {
        self.set_weight(100, WeightRule::PrimaryFailed, commands);
        self.fail(format!("promotion failed: {}", self.deadline("primary")), commands);
    }

    fn fail(&mut self, reason: String, commands: &mut Vec<Command>) {
        self.stage = Stage::Failed;
        self.last_applied = self.target.template();
        (self.failed_checks, self.rollback_asked) = (0, false);
        self.abort_reason.clone_from(&reason);
        commands.push(Command::Note(Note::Aborted { reason }));
    }

    fn set_weight(&mut self, weight: u32, rule: WeightRule, commands: &mut Vec<Command>) {
        if weight != self.weight {
            self.weight = weight;
            commands.push(Command::Note(Note::WeightSet { percent: weight, rule }));
        }
    }

    /// The first tick that is not before `time`.
    fn tick_from(&self, time: Time) -> Time {
        if time.is_never() {
            return time;
        }
        let interval = i64::try_from(self.settings.interval.0).unwrap_or(i64::MAX).max(1);
        let number = time.0.div_euclid(interval) + i64::from(time.0.rem_euclid(interval) > 0);
        Time(number.saturating_mul(interval))
    }

    /// The next tick after the last reconcile that is not before `time`.
    fn next_tick(&self, time: Time) -> Time {
        self.tick_from(time.max(Time(self.reconciled.0.saturating_add(1))))
    }

    /// When a tick may do something although nothing happens in the fleet: ticks that only wait for pods do nothing, until
    /// they give up.
    pub(super) fn next_change(&self) -> Time {
        let has_changed = self.has_changed();
        if self.suspended || !(self.is_active() || has_changed) {
            return Time::NEVER;
        }
        let given_up = |side: &Side, threshold| match side.readiness(threshold) {
            Readiness::Ready => None,
            Readiness::Waiting { given_up_at } => Some(given_up_at.min(side.next_wake())),
        };
        let primary = given_up(&self.primary, self.settings.primary_ready_threshold);
        let looks_at_target = self.is_active() && !(self.stage == Stage::Progressing && has_changed);
        let waits = primary.or_else(|| {
            looks_at_target.then(|| given_up(&self.target, self.settings.canary_ready_threshold)).flatten()
        });
        self.next_tick(waits.unwrap_or(self.reconciled))
    }

    /// When the next reconcile may do something although nothing happens in the fleet.
    pub(super) fn next_wake(&self) -> Time {
        let forgets = !self.suspended && self.forgets_a_change();
        let tick = if forgets { self.next_tick(self.reconciled) } else { self.next_change() };
        tick.min(self.primary.next_wake()).min(self.target.next_wake())
    }
}

impl FlaggerWeights {
    /// The weight that follows a passed tick; `None` if it is time to promote.
    fn after(&self, weight: u32) -> Option<u32> {
        match self {
            FlaggerWeights::Step { step, max } => (weight < *max).then(|| (weight + step).min(100)),
            FlaggerWeights::List(weights) => weights.iter().copied().find(|next| *next > weight),
        }
    }
}
