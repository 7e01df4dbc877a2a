//! Progress, the progress deadline and health of an Argo Rollouts rollout (`rollout/sync.go`, `utils/conditions`).

use crate::rollout::argo::{Rollout, Status, StrategyKind};
use crate::rollout::argo_pass::Pass;
use crate::rollout::arithmetic::has_passed_deadline;
use crate::rollout::{Command, Health, Note};
use crate::units::{Duration, Time};

/// Why the Progressing condition is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    NewReplicaSet,
    Updated,
    Available,
    Paused,
    Resumed,
    Aborted,
    Retried,
    TimedOut,
}

/// The Progressing condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progressing {
    reason: Reason,
    updated: Time,
}

impl Progressing {
    /// Of a rollout that is complete.
    pub(super) fn completed() -> Progressing {
        Progressing { reason: Reason::Available, updated: Time::ZERO }
    }

    /// A ReplicaSet was created.
    pub(super) fn created(&mut self, now: Time) {
        self.set(Reason::NewReplicaSet, now);
    }

    /// Sets another reason; the same one keeps its time.
    fn set(&mut self, reason: Reason, now: Time) {
        if self.reason != reason {
            *self = Progressing { reason, updated: now };
        }
    }
}

impl Rollout {
    /// Before a reconcile: pausing, resuming and retrying restart the deadline's clock.
    pub(super) fn note_pauses_in_progress(&mut self, now: Time) {
        if !self.observed {
            return;
        }
        let paused = self.operator_pause || !self.status.pauses.is_empty();
        let aborted = self.status.progressing.reason == Reason::Aborted;
        let promoted = self.is_fully_promoted();
        let progressing = &mut self.status.progressing;
        if paused != (progressing.reason == Reason::Paused) && !aborted && !promoted {
            progressing.set(if paused { Reason::Paused } else { Reason::Resumed }, now);
        }
        if !self.status.abort && aborted {
            progressing.set(Reason::Retried, now);
        }
    }

    /// Aborts an update that has run past its deadline, if that is asked for.
    pub(super) fn evaluate_deadline_abort(&self, pass: &mut Pass<'_>) {
        let in_flight = pass.next.stable != pass.next.current;
        if self.shared.progress_deadline_abort
            && in_flight
            && !self.is_aborted(pass)
            && !self.has_progressed(&pass.next)
            && !self.waits_without_deadline()
            && self.has_timed_out(&self.status, pass.now)
        {
            pass.add_abort = Some("progress deadline exceeded".to_owned());
        }
    }

    /// Judges health and progress of the next status.
    pub(super) fn judge_progress(&self, aborted: bool, pass: &mut Pass<'_>) {
        let now = pass.now;
        let paused = self.operator_pause || !pass.next.pauses.is_empty();
        let healthy = self.is_healthy(&pass.next);
        let became_unhealthy = self.status.healthy && (paused || !healthy);
        pass.next.healthy = healthy && !paused;
        let progressed = self.has_progressed(&pass.next);
        if aborted {
            pass.next.progressing.set(Reason::Aborted, now);
        } else if healthy {
            pass.next.progressing.set(Reason::Available, now);
        } else if progressed || became_unhealthy {
            pass.next.progressing = Progressing { reason: Reason::Updated, updated: now };
        } else if !self.waits_without_deadline()
            && pass.next.progressing.reason != Reason::TimedOut
            && self.has_timed_out(&pass.next, now)
        {
            pass.next.progressing.set(Reason::TimedOut, now);
            pass.commands.push(Command::Note(Note::DeadlineExceeded));
        }
    }

    /// Argo's RolloutHealthy: all replicas are new, available and where the traffic is, and (canary) no others are left.
    pub(super) fn is_healthy(&self, next: &Status) -> bool {
        let complete = match self.kind {
            StrategyKind::BlueGreen => next.active == next.current && next.preview == next.current,
            StrategyKind::BasicCanary | StrategyKind::RoutedCanary { .. } => {
                next.step.is_none_or(|step| step == self.steps)
                    && next.stable == next.current
                    && next.replicas == self.replicas
            }
        };
        complete && self.observed && next.updated == self.replicas && next.available == self.replicas
    }

    /// Argo's RolloutProgressing: whether the next status shows progress over the stored one.
    pub(super) fn has_progressed(&self, next: &Status) -> bool {
        let before = &self.status;
        let moved = match self.kind {
            StrategyKind::BlueGreen => next.active != before.active || next.preview != before.preview,
            StrategyKind::BasicCanary | StrategyKind::RoutedCanary { .. } => {
                next.stable != before.stable || next.step != before.step
            }
        };
        let old = |status: &Status| i64::from(status.replicas) - i64::from(status.updated);
        moved
            || next.updated != before.updated
            || old(next) < old(before)
            || next.ready > before.ready
            || next.available > before.available
    }

    /// Whether the deadline stands still: in a step that takes its own time, in a pause, or while old pods are kept for the
    /// scale-down delay.
    fn waits_without_deadline(&self) -> bool {
        let keeps_old = (0..self.sets.len())
            .filter(|version| *version != self.template && *version != self.status.stable)
            .any(|version| self.set(version).is_some_and(|set| set.scale_down_at.is_some()));
        self.in_indefinite_step() || keeps_old
    }

    /// Whether the current step, or a pause, takes as long as it takes.
    fn in_indefinite_step(&self) -> bool {
        self.status.step.is_some_and(|step| self.indefinite_steps.contains(&step))
            || self.operator_pause
            || !self.status.pauses.is_empty()
    }

    fn has_timed_out(&self, status: &Status, now: Time) -> bool {
        match status.progressing.reason {
            Reason::Aborted | Reason::Paused => false,
            Reason::TimedOut => true,
            _ => has_passed_deadline(status.progressing.updated, self.shared.progress_deadline, now),
        }
    }

    /// When the progress deadline is looked at next: a second after it passes, as the controller's own timer has it.
    pub(super) fn next_deadline(&self) -> Time {
        let reason = self.status.progressing.reason;
        let done = self.status.healthy || reason == Reason::TimedOut || self.status.abort;
        if done || self.waits_without_deadline() {
            return Time::NEVER;
        }
        let progressing = self.status.progressing;
        self.later([progressing.updated + self.shared.progress_deadline + Duration::from_seconds(1)])
    }

    /// Argo's `status.phase`.
    pub(super) fn health(&self) -> Health {
        let status = &self.status;
        let reason = status.progressing.reason;
        let old_pods = self.kind == StrategyKind::BasicCanary && status.replicas > status.updated;
        let not_switched = self.kind == StrategyKind::BlueGreen && status.active != status.current;
        if matches!(reason, Reason::Aborted | Reason::TimedOut) {
            Health::Degraded
        } else if self.operator_pause || !status.pauses.is_empty() {
            Health::Paused
        } else if status.updated < self.replicas
            || status.available < status.updated
            || old_pods
            || not_switched
            || status.stable != status.current
        {
            Health::Progressing
        } else {
            Health::Healthy
        }
    }
}
