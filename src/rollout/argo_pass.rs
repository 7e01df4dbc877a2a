//! One reconcile of an Argo Rollouts rollout: it reads the status that an earlier one stored and stores the next, with
//! pauses, abort and promotion (`rollout/context.go`, `rollout/pause.go`, `rollout/sync.go`).

use crate::rollout::argo::{Rollout, Status, StrategyKind};
use crate::rollout::argo_replica_sets::ReplicaSet;
use crate::rollout::{Command, FleetView, Health, Note, PauseReason, Phase};
use crate::units::{Duration, Time};

/// One reconcile.
pub(super) struct Pass<'a> {
    pub(super) view: &'a FleetView<'a>,
    pub(super) now: Time,
    pub(super) commands: &'a mut Vec<Command>,
    /// The status to be stored.
    pub(super) next: Status,
    /// Whether the new ReplicaSet was within its scale-down delay when this reconcile began.
    pub(super) new_within_delay: bool,
    pub(super) add_pauses: Vec<PauseReason>,
    pub(super) remove_pauses: Vec<PauseReason>,
    pub(super) clear_pauses: bool,
    pub(super) add_abort: Option<String>,
    pub(super) remove_abort: bool,
}

impl Rollout {
    /// Begins a reconcile: the template's ReplicaSet is created, empty, if it is not there.
    pub(super) fn begin<'a>(&mut self, view: &'a FleetView<'a>, now: Time, commands: &'a mut Vec<Command>) -> Pass<'a> {
        self.reconciled = now;
        self.note_pauses_in_progress(now);
        let new_within_delay =
            self.set(self.template).and_then(|set| set.scale_down_at).is_some_and(|deadline| deadline > now);
        let newest = self.sets.iter().flatten().map(|set| set.revision).max().unwrap_or(0);
        if self.sets.len() <= self.template {
            self.sets.resize(self.template + 1, None);
        }
        match &mut self.sets[self.template] {
            Some(set) if set.revision < newest => set.revision = newest + 1,
            Some(_) => {}
            missing => {
                *missing =
                    Some(ReplicaSet { spec: 0, desired: self.replicas, scale_down_at: None, revision: newest + 1 });
                self.status.progressing.created(now);
            }
        }
        let mut next = self.status.clone();
        next.current = self.template;
        next.pauses.clear();
        next.controller_pause = false;
        (next.step_run, next.background_run, next.pre_promotion_run, next.post_promotion_run) =
            (None, None, None, None);
        next.replicas = view.total(|set| set.replicas);
        next.updated = view.of(self.template).replicas;
        next.ready = view.total(|set| set.ready);
        next.available = view.total(|set| set.available);
        Pass {
            view,
            now,
            commands,
            next,
            new_within_delay,
            add_pauses: Vec::new(),
            remove_pauses: Vec::new(),
            clear_pauses: false,
            add_abort: None,
            remove_abort: self.is_fully_promoted() && self.status.abort,
        }
    }

    /// A reconcile that only scales keeps the rest of the status as it was.
    pub(super) fn keep_status(&self, pass: &mut Pass<'_>) {
        let available = pass.next.available;
        pass.next = self.status.clone();
        pass.next.available = available;
    }

    /// Whether the rollout is aborted, as this reconcile has it by now.
    pub(super) fn is_aborted(&self, pass: &Pass<'_>) -> bool {
        !pass.remove_abort && (pass.add_abort.is_some() || self.status.abort)
    }

    /// Whether the shipped version is the stable one or an older one for which the usual sequence is skipped.
    pub(super) fn is_fast_rollback(&self, pass: &Pass<'_>) -> bool {
        let is_older = self.template < self.status.stable;
        let is_kept = pass.new_within_delay && self.kind == StrategyKind::BlueGreen;
        self.template == self.status.stable || (is_older && is_kept) || self.is_within_rollback_window()
    }

    /// Whether the shipped version is older than stable, and near enough to it for `rollback_window`.
    pub(super) fn is_within_rollback_window(&self) -> bool {
        let (template, stable) = (self.template, self.status.stable);
        let between = (template + 1..stable).filter(|version| self.set(*version).is_some()).count();
        template < stable && between < self.shared.rollback_window as usize
    }

    /// The status as at the beginning of an update.
    pub(super) fn reset_status(&self, pass: &mut Pass<'_>) {
        pass.clear_pauses = true;
        pass.remove_abort = true;
        pass.next.promote_full = false;
        pass.next.checkpoint = false;
    }

    /// The shipped version becomes the stable one.
    pub(super) fn promote_stable(&self, pass: &mut Pass<'_>) {
        pass.clear_pauses = true;
        pass.remove_abort = true;
        pass.next.promote_full = false;
        pass.next.checkpoint = false;
        if pass.next.stable != pass.next.current {
            pass.next.stable = pass.next.current;
            pass.commands.push(Command::Note(Note::Promoted));
        }
    }

    /// Stores the next status and says what it changes.
    pub(super) fn persist(&mut self, mut pass: Pass<'_>) {
        self.evaluate_deadline_abort(&mut pass);
        let aborted = self.is_aborted(&pass);
        pass.next.abort = aborted;
        pass.next.abort_recorded = aborted;
        if !aborted && !pass.clear_pauses {
            self.settle_pauses(&mut pass);
        } else {
            pass.next.pauses.clear();
            pass.next.controller_pause = false;
        }
        self.judge_progress(aborted, &mut pass);
        self.tell_changes(&mut pass);
        self.observed = true;
        self.status = pass.next;
    }

    fn settle_pauses(&self, pass: &mut Pass<'_>) {
        let mut pauses = self.status.pauses.clone();
        pauses.retain(|pause| !pass.remove_pauses.contains(&pause.reason));
        let mut controller_pause = self.status.controller_pause;
        for reason in &pass.add_pauses {
            if self.pause(*reason).is_none() {
                pauses.push(reason.since(pass.now));
                controller_pause = true;
            }
        }
        pass.next.controller_pause = controller_pause && !pauses.is_empty();
        pass.next.pauses = pauses;
    }

    fn tell_changes(&mut self, pass: &mut Pass<'_>) {
        if pass.next.abort && (!self.status.abort || !self.status.abort_recorded) {
            self.abort_reason = pass.add_abort.take().unwrap_or_else(|| "aborted by an operator".to_owned());
            pass.commands.push(Command::Note(Note::Aborted { reason: self.abort_reason.clone() }));
        }
        let held = pass.next.pauses.first().map(|pause| pause.reason);
        let held = self.operator_pause.then_some(PauseReason::Operator).or(held);
        if held != self.held {
            match held {
                Some(reason) => pass.commands.push(Command::Note(Note::Paused(reason))),
                None if pass.next.abort => {}
                None => pass.commands.push(Command::Note(Note::Resumed)),
            }
            self.held = held;
        }
    }

    /// At a fixed point: notices that the rollout is over, and asks for the measurements that are due.
    pub(super) fn settle(&mut self, on_stable: bool, view: &FleetView<'_>, now: Time, commands: &mut Vec<Command>) {
        if self.status.current == self.template && self.others().is_empty() {
            if self.status.abort && on_stable && self.is_restored(view) {
                self.course.finish(Phase::RolledBack, now, commands);
            } else if !self.status.abort && self.health() == Health::Healthy {
                self.course.complete(self.template, now, commands);
            }
        }
        self.measure(now, commands);
    }

    /// Whether stable is whole and the aborted version is gone, or kept because an explicit zero says so.
    fn is_restored(&self, view: &FleetView<'_>) -> bool {
        let is_kept =
            self.kind != StrategyKind::BasicCanary && self.shared.abort_scale_down_delay == Some(Duration::ZERO);
        view.of(self.status.stable).available >= self.replicas && (is_kept || self.spec(self.template) == 0)
    }
}
