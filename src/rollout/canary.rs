//! Argo Rollouts' canary: steps, pauses, promotion, and the order of one reconcile (`rollout/canary.go`).
//!
//! How many pods each side should have is in `canary_basic` and `canary_routed`; the weights are in the latter.

use crate::rollout::argo::{Rollout, Shared, StrategyKind};
use crate::rollout::argo_pass::Pass;
use crate::rollout::{Command, FleetView, Note, PauseReason, Routing, Rule, RunId, Version, Versions, arithmetic};
use crate::scenario::{Analysis, CanaryScale, CanarySettings, CanaryStep};
use crate::units::Time;

/// A canary rollout.
#[derive(Clone, Debug)]
pub(super) struct Canary {
    pub(super) settings: CanarySettings,
    pub(super) rollout: Rollout,
    /// The versions behind the stable and the canary Service.
    pub(super) stable_service: Version,
    pub(super) canary_service: Version,
}

/// What a canary and a stable ReplicaSet should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Targets {
    /// Pods of what is shipped.
    pub canary: u32,
    /// Pods of what was promoted last.
    pub stable: u32,
}

impl Canary {
    /// A rollout whose version 0 is promoted and whole.
    pub(super) fn new(settings: &CanarySettings, analyses: &[Analysis], replicas: u32) -> Canary {
        let kind = if settings.traffic_routing {
            StrategyKind::RoutedCanary { dynamic_stable_scale: settings.dynamic_stable_scale }
        } else {
            StrategyKind::BasicCanary
        };
        let shared = Shared {
            max_surge: settings.max_surge,
            max_unavailable: settings.max_unavailable,
            progress_deadline: settings.progress_deadline,
            progress_deadline_abort: settings.progress_deadline_abort,
            scale_down_delay: settings.scale_down_delay,
            abort_scale_down_delay: settings.abort_scale_down_delay,
            scale_down_delay_revision_limit: settings.scale_down_delay_revision_limit,
            rollback_window: settings.rollback_window,
        };
        let mut rollout = Rollout::new(kind, shared, analyses, replicas);
        rollout.steps = settings.steps.len();
        rollout.status.step = (rollout.steps > 0).then_some(rollout.steps);
        rollout.indefinite_steps = (0..rollout.steps)
            .filter(|step| matches!(settings.steps[*step], CanaryStep::Pause(_) | CanaryStep::Analysis(_)))
            .collect();
        Canary { settings: settings.clone(), rollout, stable_service: 0, canary_service: 0 }
    }

    /// Where requests go.
    pub(super) fn routing(&self) -> Routing {
        self.routing_at(self.rollout.status.weights.percent)
    }

    /// The canary's weight, percent: the router's or, without one, that of the step.
    pub(super) fn weight(&self) -> u32 {
        let status = &self.rollout.status;
        match status.step {
            _ if self.settings.traffic_routing => status.weights.percent,
            Some(index) if index < self.settings.steps.len() => self.weight_at(index).unwrap_or(0),
            _ => 100,
        }
    }

    fn routing_at(&self, canary_percent: u32) -> Routing {
        if self.settings.traffic_routing {
            let (stable, canary) = (Versions::of(self.stable_service), Versions::of(self.canary_service));
            Routing::Split { stable, canary, canary_percent }
        } else {
            Routing::All
        }
    }

    /// One reconcile. True if anything changed, so that another is due at this instant.
    pub(super) fn reconcile(&mut self, view: &FleetView<'_>, now: Time, commands: &mut Vec<Command>) -> bool {
        let before = (commands.len(), self.routing(), self.rollout.status.clone(), self.rollout.sets.clone());
        let mut pass = self.rollout.begin(view, now, commands);
        if self.rollout.is_scaling_event() {
            self.rollout.keep_status(&mut pass);
            self.reconcile_replica_sets(&mut pass);
        } else {
            self.roll(&mut pass);
        }
        self.rollout.persist(pass);
        let after = (commands.len(), self.routing(), &self.rollout.status, &self.rollout.sets);
        if after != (before.0, before.1, &before.2, &before.3) {
            return true;
        }
        let on_stable = self.rollout.status.weights.percent == 0;
        self.rollout.settle(on_stable, view, now, commands);
        commands.len() > before.0
    }

    /// A reconcile that is not a scaling event: Services and weights before analyses, these before pods, those before pauses.
    fn roll(&mut self, pass: &mut Pass<'_>) {
        if self.rollout.status.current == self.rollout.template {
            if self.settings.traffic_routing {
                let before = self.routing();
                self.reconcile_services(pass);
                self.reconcile_weight(pass);
                let routing = self.routing_at(pass.next.weights.percent);
                if routing != before {
                    pass.commands.push(Command::Route(routing));
                }
            }
            self.reconcile_analyses(pass);
            if pass.add_pauses.is_empty() && !self.reconcile_replica_sets(pass) {
                self.reconcile_pause(pass);
            }
        }
        self.next_status(pass);
    }

    /// The current step and its index; no step when all are done or there are none.
    pub(super) fn current_step(&self) -> Option<(usize, &CanaryStep)> {
        let index = self.rollout.status.step?;
        self.settings.steps.get(index).map(|step| (index, step))
    }

    /// The weight of the last `set_weight` at or before a step, if there is one.
    pub(super) fn weight_at(&self, index: usize) -> Option<u32> {
        self.settings.steps.iter().take(index + 1).rev().find_map(|step| match step {
            CanaryStep::SetWeight(weight) => Some(*weight),
            _ => None,
        })
    }

    /// The weight in force: of the last `set_weight`; 0 if aborted, 100 after the last step.
    pub(super) fn current_weight(&self) -> u32 {
        match self.current_step() {
            _ if self.rollout.status.abort => 0,
            Some((index, _)) => self.weight_at(index).unwrap_or(0),
            None => 100,
        }
    }

    /// Whether stable and new are two ReplicaSets.
    pub(super) fn has_distinct_stable(&self) -> bool {
        self.rollout.status.stable != self.rollout.template
    }

    /// What stable and canary should have next; `percent` is the weight of the canary as recorded.
    pub(super) fn targets(&self, percent: Option<u32>, view: &FleetView<'_>) -> Targets {
        if self.settings.traffic_routing { self.routed_targets(percent, view) } else { self.basic_targets(view) }
    }

    /// Whether both sides have the pods that the step asks for. With a traffic router other ReplicaSets may have pods too.
    pub(super) fn is_at_targets(&self, percent: Option<u32>, view: &FleetView<'_>) -> bool {
        let targets = self.targets(percent, view);
        let (new, stable) = (self.rollout.template, self.rollout.status.stable);
        let canary_is_available = self.is_threshold_met(new, targets.canary, view);
        let stable_is_created =
            self.rollout.spec(stable) == targets.stable && view.of(stable).replicas == targets.stable;
        if self.settings.traffic_routing {
            return canary_is_available && (self.settings.dynamic_stable_scale || stable_is_created);
        }
        let is_other = |version: &Version| *version != new && *version != stable;
        let others = (0..view.sets.len()).filter(is_other).all(|version| view.of(version).available == 0);
        canary_is_available && stable_is_created && others
    }

    /// Whether of `desired` pods of a version enough are available: all, unless `replica_progress_threshold` says less.
    pub(super) fn is_threshold_met(&self, version: Version, desired: u32, view: &FleetView<'_>) -> bool {
        let threshold = self.settings.replica_progress_threshold;
        arithmetic::is_threshold_met(threshold, self.rollout.spec(version), view.of(version).available, desired)
    }

    /// Scales stable, or else the canary, or else the others. True if anything was scaled.
    fn reconcile_replica_sets(&mut self, pass: &mut Pass<'_>) -> bool {
        if self.rollout.is_halted() {
            return false;
        }
        self.rollout.remove_scale_down_deadlines(pass);
        // Stable follows the weight as stored by an earlier reconcile, the canary the one just set.
        let stored = Some(self.rollout.status.weights.percent);
        if self.has_distinct_stable() {
            let target = self.targets(stored, pass.view).stable;
            let rule = self.stable_rule(pass);
            if self.rollout.scale(self.rollout.status.stable, target, rule, pass) {
                return true;
            }
        }
        let target = self.targets(Some(pass.next.weights.percent), pass.view).canary;
        let rule = self.new_rule(pass);
        self.rollout.reconcile_new(target, rule, pass) || self.scale_down_others(pass)
    }

    /// Why stable has the size that it should have.
    fn stable_rule(&self, pass: &Pass<'_>) -> Rule {
        let desired = self.rollout.replicas;
        if !self.settings.traffic_routing {
            return self.basic_rule();
        }
        if !self.settings.dynamic_stable_scale {
            return Rule::StableWhole { desired };
        }
        let canary = self.desired_weight(pass.view).min(self.rollout.status.weights.percent);
        Rule::StableForTraffic { percent: 100u32.saturating_sub(canary), desired }
    }

    /// Why the new version has the size that it should have.
    fn new_rule(&self, pass: &Pass<'_>) -> Rule {
        let desired = self.rollout.replicas;
        if !self.has_distinct_stable() {
            return Rule::NewWhole { desired };
        }
        if !self.settings.traffic_routing {
            return self.basic_rule();
        }
        match (self.rollout.is_aborted(pass), self.canary_scale()) {
            (false, _) if self.rollout.status.promote_full || self.current_step().is_none() => {
                Rule::NewWhole { desired }
            }
            (_, Some(CanaryScale::Replicas(replicas))) => Rule::CanaryScaleReplicas { replicas },
            (_, Some(CanaryScale::Weight(weight))) => Rule::CanaryScaleWeight { weight, desired },
            (true, _) if !self.settings.dynamic_stable_scale => Rule::Aborted,
            _ => Rule::CanaryForWeight { weight: self.desired_weight(pass.view), desired },
        }
    }

    /// Scales down what is neither new nor stable: first all that is unavailable, then the newest revisions.
    fn scale_down_others(&mut self, pass: &mut Pass<'_>) -> bool {
        let mut scaled = false;
        for version in &self.rollout.others() {
            let available = pass.view.of(*version).available;
            if available > self.rollout.spec(*version) {
                return false;
            }
            let unavailable = self.rollout.spec(*version) - available;
            scaled |= self.rollout.scale(*version, available, Rule::OtherUnavailableGo { unavailable }, pass);
        }
        let minimum = i64::from(self.rollout.replicas - self.rollout.limits().unavailable);
        let mut spare = i64::from(pass.view.total(|set| set.available)) - minimum;
        if spare <= 0 {
            return false;
        }
        let mut kept = 0;
        for version in self.rollout.others_by_revision() {
            let spec = self.rollout.spec(version);
            if spare <= 0 || spec == 0 || (self.settings.traffic_routing && self.is_referenced(version)) {
                continue;
            }
            let (target, rule) = self.other_target(version, spare, &mut kept, pass);
            scaled |= self.rollout.scale(version, target, rule, pass);
            spare -= i64::from(spec) - i64::from(target);
        }
        scaled
    }

    /// The size of a ReplicaSet that is neither new nor stable. Basic: as availability allows, as its pods take requests.
    /// Routed: a former stable one is kept for its delay; one that never got that far goes at once. With the reason.
    fn other_target(&mut self, version: Version, spare: i64, kept: &mut u32, pass: &Pass<'_>) -> (u32, Rule) {
        let set = self.rollout.set(version);
        let spec = self.rollout.spec(version);
        if !self.settings.traffic_routing {
            let rule = Rule::OldAsAvailabilityAllows {
                available: pass.view.total(|set| set.available),
                pods: pass.view.total(|set| set.replicas),
                needed: self.rollout.replicas - self.rollout.limits().unavailable,
            };
            return (i64::from(spec).saturating_sub(spare).max(0) as u32, rule);
        }
        let was_stable = self.rollout.is_fully_promoted() || set.is_some_and(|set| set.scale_down_at.is_some());
        match (was_stable, self.settings.dynamic_stable_scale) {
            (true, false) => self.rollout.delayed_size(version, spec, kept, pass.now),
            (true, true) => (0, Rule::FormerStableGoes),
            (false, _) => (0, Rule::Superseded),
        }
    }

    fn reconcile_pause(&mut self, pass: &mut Pass<'_>) {
        let at_pause = matches!(self.current_step(), Some((_, CanaryStep::Pause(_))));
        let status = &self.rollout.status;
        if at_pause
            && !self.rollout.operator_pause
            && !status.promote_full
            && !status.controller_pause
            && self.rollout.pause(PauseReason::CanaryPauseStep).is_none()
        {
            pass.add_pauses.push(PauseReason::CanaryPauseStep);
        }
    }

    fn reconcile_analyses(&mut self, pass: &mut Pass<'_>) {
        let (step_run, background_run) = (self.rollout.status.step_run, self.rollout.status.background_run);
        if !self.rollout.skips_analysis(pass) {
            pass.next.step_run = self.reconcile_step_run(step_run, pass);
            pass.next.background_run = self.reconcile_background_run(background_run, pass);
        }
        self.rollout.cancel_others(&pass.next);
    }

    fn reconcile_step_run(&mut self, current: Option<RunId>, pass: &mut Pass<'_>) -> Option<RunId> {
        if !self.rollout.status.pauses.is_empty() || self.rollout.status.abort {
            return current;
        }
        let Some((_, CanaryStep::Analysis(templates))) = self.current_step() else {
            return None;
        };
        let templates = templates.clone();
        if templates.is_empty() {
            return None;
        }
        if self.rollout.needs_new_run(current) {
            return self.rollout.start_run(&templates, pass);
        }
        self.rollout.act_on_run(current, "step", pass);
        current
    }

    fn reconcile_background_run(&mut self, current: Option<RunId>, pass: &mut Pass<'_>) -> Option<RunId> {
        let templates = self.settings.background_analysis.clone();
        let before_start =
            self.rollout.status.step.is_some_and(|step| step < self.settings.background_starting_step as usize);
        if templates.is_empty() || before_start {
            return None;
        }
        if self.rollout.pause(PauseReason::InconclusiveAnalysis).is_some() {
            return current;
        }
        if self.rollout.needs_new_run(current) {
            return self.rollout.start_run(&templates, pass);
        }
        self.rollout.act_on_run(current, "background", pass);
        current
    }

    /// Works out the status to be stored: a reset, a promotion, an abort or at most one step.
    fn next_status(&mut self, pass: &mut Pass<'_>) {
        let steps = (self.rollout.steps > 0).then_some(self.rollout.steps);
        let status = &self.rollout.status;
        if status.current != self.rollout.template {
            self.rollout.reset_status(pass);
            let skips_steps = self.rollout.is_within_rollback_window() && self.rollout.spec(self.rollout.template) > 0;
            let is_stable = status.stable == self.rollout.template;
            pass.next.step = if is_stable || skips_steps { steps } else { steps.map(|_| 0) };
            return;
        }
        let skips_steps = status.promote_full || self.rollout.is_within_rollback_window();
        if skips_steps {
            pass.clear_pauses = true;
            pass.remove_abort = true;
            pass.next.step = steps;
        }
        if self.should_promote(pass) {
            self.rollout.promote_stable(pass);
            pass.next.step = steps;
        } else if self.rollout.is_aborted(pass) {
            pass.next.step = if status.stable == pass.next.current { steps } else { steps.map(|_| 0) };
        } else if !skips_steps && self.has_completed_step(pass) {
            let reached = status.step.map(|step| step + 1);
            pass.next.step = reached;
            pass.next.step_run = None;
            pass.remove_pauses.push(PauseReason::CanaryPauseStep);
            pass.commands.extend(reached.map(|step| Command::Note(Note::StepReached(step))));
        }
    }

    fn should_promote(&self, pass: &Pass<'_>) -> bool {
        let all_steps_done = self.rollout.status.step.is_none_or(|step| step == self.rollout.steps);
        let (new, replicas) = (self.rollout.template, self.rollout.replicas);
        let is_available = pass.view.of(new).available >= replicas || self.is_threshold_met(new, replicas, pass.view);
        !self.rollout.is_aborted(pass)
            && is_available
            && (self.rollout.status.promote_full || self.rollout.is_fast_rollback(pass) || all_steps_done)
    }

    fn has_completed_step(&self, pass: &Pass<'_>) -> bool {
        if self.rollout.operator_pause {
            return false;
        }
        let Some((_, step)) = self.current_step() else {
            return false;
        };
        match step {
            CanaryStep::SetWeight(_) | CanaryStep::SetCanaryScale(_) => {
                self.is_at_targets(Some(pass.next.weights.percent), pass.view)
            }
            CanaryStep::Analysis(_) => self.rollout.has_passed(pass.next.step_run),
            CanaryStep::Pause(duration) => match (self.rollout.pause(PauseReason::CanaryPauseStep), duration) {
                (None, _) => self.rollout.status.controller_pause,
                (Some(pause), Some(duration)) => pass.now >= pause.since + *duration,
                (Some(_), None) => false,
            },
        }
    }

    /// The earliest time at which a pause step ends.
    pub(super) fn next_pause_end(&self) -> Time {
        let pause = self.rollout.pause(PauseReason::CanaryPauseStep);
        match (pause, self.current_step()) {
            (Some(pause), Some((_, CanaryStep::Pause(Some(duration))))) => {
                self.rollout.later([pause.since + *duration])
            }
            _ => Time::NEVER,
        }
    }
}
