//! Argo Rollouts' blue-green: preview, pause, switch, and what is kept afterwards (`rollout/bluegreen.go`,
//! `rollout/service.go`).

use crate::rollout::argo::{Rollout, Shared, StrategyKind};
use crate::rollout::argo_pass::Pass;
use crate::rollout::{Command, FleetView, PauseReason, Routing, Rule, RunId, Version};
use crate::scenario::{Analysis, BlueGreenSettings};
use crate::units::{CountOrPercent, Time};

/// A blue-green rollout.
#[derive(Clone, Debug)]
pub(super) struct BlueGreen {
    settings: BlueGreenSettings,
    pub(super) rollout: Rollout,
    /// The versions behind the active and the preview Service.
    active: Version,
    preview: Version,
}

impl BlueGreen {
    /// A rollout whose version 0 is active and whole.
    pub(super) fn new(settings: &BlueGreenSettings, analyses: &[Analysis], replicas: u32) -> BlueGreen {
        let shared = Shared {
            max_surge: CountOrPercent::Count(0),
            max_unavailable: CountOrPercent::Count(0),
            progress_deadline: settings.progress_deadline,
            progress_deadline_abort: settings.progress_deadline_abort,
            scale_down_delay: settings.scale_down_delay,
            abort_scale_down_delay: settings.abort_scale_down_delay,
            scale_down_delay_revision_limit: settings.scale_down_delay_revision_limit,
            rollback_window: settings.rollback_window,
        };
        let rollout = Rollout::new(StrategyKind::BlueGreen, shared, analyses, replicas);
        BlueGreen { settings: settings.clone(), rollout, active: 0, preview: 0 }
    }

    /// Where requests go.
    pub(super) fn routing(&self) -> Routing {
        Routing::Only(self.active)
    }

    /// Percent of the requests that what is shipped gets: all or nothing.
    pub(super) fn weight(&self) -> u32 {
        if self.active == self.rollout.template { 100 } else { 0 }
    }

    /// One reconcile. True if anything changed, so that another is due at this instant.
    pub(super) fn reconcile(&mut self, view: &FleetView<'_>, now: Time, commands: &mut Vec<Command>) -> bool {
        let before =
            (commands.len(), self.active, self.preview, self.rollout.status.clone(), self.rollout.sets.clone());
        let mut pass = self.rollout.begin(view, now, commands);
        if self.rollout.is_scaling_event() {
            self.rollout.keep_status(&mut pass);
            self.reconcile_replica_sets(&mut pass);
            pass.next.available = view.of(self.rollout.status.active).available;
        } else {
            self.roll(&mut pass);
        }
        self.rollout.persist(pass);
        if self.active != before.1 {
            commands.push(Command::Route(self.routing()));
        }
        let after = (commands.len(), self.active, self.preview, &self.rollout.status, &self.rollout.sets);
        if after != (before.0, before.1, before.2, &before.3, &before.4) {
            return true;
        }
        let on_stable = self.active == self.rollout.status.stable;
        self.rollout.settle(on_stable, view, now, commands);
        commands.len() > before.0
    }

    /// A reconcile that is not a scaling event: preview Service, pods, pause, active Service, analyses.
    fn roll(&mut self, pass: &mut Pass<'_>) {
        if !self.rollout.is_halted() {
            self.preview = self.rollout.template;
        }
        if self.rollout.status.current == self.rollout.template {
            self.reconcile_replica_sets(pass);
            self.reconcile_pause(pass);
            self.reconcile_active(pass);
            self.reconcile_analyses(pass);
        }
        self.next_status(pass);
    }

    fn reconcile_replica_sets(&mut self, pass: &mut Pass<'_>) {
        self.rollout.remove_scale_down_deadlines(pass);
        let (stable, replicas) = (self.rollout.status.stable, self.rollout.replicas);
        self.rollout.scale(stable, replicas, Rule::StableWhole { desired: replicas }, pass);
        let target = self.new_size();
        let rule = match self.settings.preview_replica_count {
            _ if self.rollout.is_aborted(pass) => Rule::Aborted,
            Some(count) if target != replicas => Rule::Preview { count },
            _ => Rule::NewWhole { desired: replicas },
        };
        self.rollout.reconcile_new(target, rule, pass);
        self.scale_down_others(pass);
    }

    /// What the new ReplicaSet should have: all replicas, or until its preview passed, `preview_replica_count`.
    pub(super) fn new_size(&self) -> u32 {
        let rollout = &self.rollout;
        let replicas = rollout.replicas;
        let Some(preview) = self.settings.preview_replica_count else {
            return replicas;
        };
        let status = &rollout.status;
        let is_paused = rollout.operator_pause || !status.pauses.is_empty();
        let preview_passed = status.current == rollout.template && !is_paused && status.checkpoint;
        // A stable ReplicaSet is held whole by every reconcile. Shipping it again while another version is active must not shrink
        // it to a preview; Argo Rollouts would scale it up and down for ever.
        let is_stable = status.stable == rollout.template;
        if is_stable || status.active == rollout.template || status.promote_full || preview_passed {
            replicas
        } else {
            preview
        }
    }

    /// Scales down what is neither new nor stable after its delay. With a post-promotion analysis and no delay set, only once
    /// that has passed.
    fn scale_down_others(&mut self, pass: &mut Pass<'_>) {
        let others = self.rollout.others_by_revision();
        if others.is_empty() || self.rollout.pause(PauseReason::InconclusiveAnalysis).is_some() {
            return;
        }
        let run = self.rollout.status.post_promotion_run;
        if !self.settings.post_promotion_analysis.is_empty()
            && self.settings.scale_down_delay.is_none()
            && !self.skips_post_promotion(run, pass)
            && !self.rollout.has_passed(run)
        {
            return;
        }
        let (full, mut kept) = (self.rollout.replicas, 0);
        for version in others {
            if !self.is_referenced(version) {
                let (target, rule) = self.rollout.delayed_size(version, full, &mut kept, pass.now);
                self.rollout.scale(version, target, rule, pass);
            }
        }
    }

    fn is_referenced(&self, version: Version) -> bool {
        let status = &self.rollout.status;
        [status.stable, status.current, status.active, status.preview, self.active, self.preview].contains(&version)
    }

    /// Whether the new ReplicaSet has the pods that it should have by now.
    fn is_ready_for_pause(&self, pass: &Pass<'_>) -> bool {
        let size = self.new_size();
        let new = self.rollout.template;
        self.rollout.spec(new) == size && pass.view.of(new).available == size
    }

    /// Whether the new ReplicaSet has all replicas available.
    fn is_saturated(&self, pass: &Pass<'_>) -> bool {
        let (new, replicas) = (self.rollout.template, self.rollout.replicas);
        let is_scaled = self.rollout.set(new).is_some_and(|set| set.spec == replicas && set.desired == replicas);
        is_scaled && pass.view.of(new).available == replicas
    }

    fn is_fast_tracked(&self, pass: &Pass<'_>) -> bool {
        self.rollout.is_fast_rollback(pass) || self.rollout.status.promote_full || self.active == self.rollout.template
    }

    fn needs_pause(&self) -> bool {
        !self.settings.auto_promotion_enabled || !self.settings.auto_promotion.is_zero()
    }

    fn passed_pre_promotion(&self) -> bool {
        self.settings.pre_promotion_analysis.is_empty()
            || self.rollout.has_passed(self.rollout.status.pre_promotion_run)
    }

    fn reconcile_pause(&self, pass: &mut Pass<'_>) {
        let status = &self.rollout.status;
        if status.abort || !self.is_ready_for_pause(pass) || self.rollout.is_halted() {
            return;
        }
        if self.is_fast_tracked(pass) || status.checkpoint || !self.needs_pause() {
            pass.remove_pauses.push(PauseReason::BlueGreenPause);
        } else if !self.passed_pre_promotion() {
            // The pause begins after the analysis.
        } else if self.rollout.pause(PauseReason::BlueGreenPause).is_some() {
            if self.has_completed_pause(pass) {
                pass.remove_pauses.push(PauseReason::BlueGreenPause);
            }
        } else if !status.controller_pause {
            pass.add_pauses.push(PauseReason::BlueGreenPause);
        }
    }

    /// Whether the pause is over: by itself, or because an operator resumed.
    fn has_completed_pause(&self, pass: &Pass<'_>) -> bool {
        let status = &self.rollout.status;
        let pause = self.rollout.pause(PauseReason::BlueGreenPause);
        if !pass.add_pauses.is_empty() {
            false
        } else if status.checkpoint {
            true
        } else if !self.settings.auto_promotion_enabled {
            status.controller_pause && pause.is_none()
        } else {
            self.settings.auto_promotion.is_zero()
                || pause.is_some_and(|pause| pass.now >= pause.since + self.settings.auto_promotion)
        }
    }

    /// Switches the active Service, forward or (after an abort) back. Neither happens while the new ReplicaSet lacks pods.
    fn reconcile_active(&mut self, pass: &Pass<'_>) {
        if self.rollout.is_halted() || !self.is_ready_for_pause(pass) || !self.is_saturated(pass) {
            return;
        }
        if self.is_fast_tracked(pass) || (self.has_completed_pause(pass) && self.passed_pre_promotion()) {
            self.active = self.rollout.template;
        }
        if self.rollout.status.abort {
            self.active = self.rollout.status.stable;
        }
    }

    fn reconcile_analyses(&mut self, pass: &mut Pass<'_>) {
        let (pre, post) = (self.rollout.status.pre_promotion_run, self.rollout.status.post_promotion_run);
        if self.rollout.skips_analysis(pass) {
            self.rollout.cancel(pre);
            self.rollout.cancel(post);
            (pass.next.pre_promotion_run, pass.next.post_promotion_run) = (pre, post);
        } else {
            let skips_pre = self.skips_pre_promotion(pre, pass);
            let templates = self.settings.pre_promotion_analysis.clone();
            let run = self.reconcile_run(&templates, pre, skips_pre, pass);
            pass.next.pre_promotion_run = run;
            self.rollout.act_on_run(run, "pre-promotion", pass);
            let skips_post = self.skips_post_promotion(post, pass);
            let templates = self.settings.post_promotion_analysis.clone();
            let run = self.reconcile_run(&templates, post, skips_post, pass);
            pass.next.post_promotion_run = run;
            self.rollout.act_on_run(run, "post-promotion", pass);
        }
        self.rollout.cancel_others(&pass.next);
    }

    fn reconcile_run(
        &mut self,
        templates: &[usize],
        current: Option<RunId>,
        skips: bool,
        pass: &mut Pass<'_>,
    ) -> Option<RunId> {
        if templates.is_empty() {
            return None;
        }
        if skips {
            self.rollout.cancel(current);
            return current;
        }
        let is_inconclusive = self.rollout.pause(PauseReason::InconclusiveAnalysis).is_some();
        if !is_inconclusive && self.rollout.needs_new_run(current) {
            return self.rollout.start_run(templates, pass);
        }
        current
    }

    /// Whether there is nothing to analyse before the switch: it is done, or the preview is not whole yet.
    fn skips_pre_promotion(&self, current: Option<RunId>, pass: &Pass<'_>) -> bool {
        let (status, new) = (&self.rollout.status, self.rollout.template);
        if status.stable == new || status.active == new {
            return true;
        }
        if current.is_some() {
            return false;
        }
        match self.settings.preview_replica_count {
            Some(preview) => self.rollout.spec(new) != preview || pass.view.of(new).available != preview,
            None => !self.is_saturated(pass),
        }
    }

    /// Whether there is nothing to analyse after the switch: it is not done, or all is done.
    fn skips_post_promotion(&self, current: Option<RunId>, pass: &Pass<'_>) -> bool {
        let (status, new) = (&self.rollout.status, self.rollout.template);
        status.stable == new || status.active != new || (current.is_none() && !self.is_saturated(pass))
    }

    fn next_status(&mut self, pass: &mut Pass<'_>) {
        if self.rollout.status.current != self.rollout.template {
            self.rollout.reset_status(pass);
        }
        if self.rollout.status.promote_full || self.rollout.is_within_rollback_window() {
            pass.clear_pauses = true;
            pass.remove_abort = true;
        }
        pass.next.preview = self.preview;
        pass.next.active = self.active;
        if self.should_promote(pass) {
            self.rollout.promote_stable(pass);
        } else {
            pass.next.checkpoint = self.next_checkpoint(pass);
        }
        let active = pass.view.of(self.active);
        pass.next.available = active.available;
        pass.next.ready = active.ready;
    }

    fn should_promote(&self, pass: &Pass<'_>) -> bool {
        if pass.next.active != pass.next.current {
            return false;
        }
        let post_is_fine =
            self.settings.post_promotion_analysis.is_empty() || self.rollout.has_passed(pass.next.post_promotion_run);
        self.rollout.status.promote_full
            || self.rollout.is_fast_rollback(pass)
            || (!self.rollout.is_aborted(pass) && post_is_fine)
    }

    /// Whether the preview has passed: a trip-wire that is reset by promotion and by a new version.
    fn next_checkpoint(&self, pass: &Pass<'_>) -> bool {
        let Some(preview) = self.settings.preview_replica_count else {
            return false;
        };
        self.rollout.status.checkpoint
            || (self.passed_pre_promotion()
                && self.has_completed_pause(pass)
                && pass.view.of(self.rollout.template).available == preview)
    }

    /// When the pause before the switch ends by itself.
    pub(super) fn next_pause_end(&self) -> Time {
        match self.rollout.pause(PauseReason::BlueGreenPause) {
            Some(pause) if self.settings.auto_promotion_enabled => {
                self.rollout.later([pause.since + self.settings.auto_promotion])
            }
            _ => Time::NEVER,
        }
    }
}
