//! Status, progress and the progress deadline of a Deployment (`pkg/controller/deployment/progress.go`, `sync.go`).

use crate::rollout::arithmetic::has_passed_deadline;
use crate::rollout::deployment::Deployment;
use crate::rollout::{Command, FleetView, Health, Note, PauseReason};
use crate::units::{Duration, Time};

/// What a Deployment's status says of its pods; progress is what differs from the status that the last sync stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Active pods.
    pub replicas: u32,
    /// Those of the current template.
    pub updated: u32,
    /// Those that are ready.
    pub ready: u32,
    /// Those that are available.
    pub available: u32,
}

impl Status {
    /// Whether all of so many desired replicas are new and available, and there are no others (`DeploymentComplete`).
    pub fn is_complete(&self, desired: u32) -> bool {
        [self.updated, self.replicas, self.available].iter().all(|count| *count == desired)
    }

    /// Whether this shows progress over an earlier one (`DeploymentProgressing`): more new pods, fewer old ones, more that
    /// are ready or available.
    pub fn has_progressed_since(&self, before: &Status) -> bool {
        let old = |status: &Status| i64::from(status.replicas) - i64::from(status.updated);
        self.updated > before.updated
            || old(self) < old(before)
            || self.ready > before.ready
            || self.available > before.available
    }
}

/// Why the Progressing condition is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Complete: the deadline does not apply.
    Available,
    /// Under way since the condition's last update.
    Updated,
    /// Held; the deadline's clock stands.
    Paused,
    /// Nothing happened for the progress deadline.
    Exceeded,
}

impl Deployment {
    /// What the Progressing condition says.
    pub(super) fn health(&self) -> Health {
        match self.progress {
            Progress::Available => Health::Healthy,
            Progress::Updated => Health::Progressing,
            Progress::Paused => Health::Paused,
            Progress::Exceeded => Health::Degraded,
        }
    }

    /// When the progress deadline is looked at next: a second after it passed, as the controller's own timer has it. Not while
    /// a change of the number of replicas waits for terminating pods: progress is not judged meanwhile.
    pub(super) fn next_wake(&self) -> Time {
        let is_judged = !self.paused && !self.is_scaling_event();
        if self.progress == Progress::Updated && is_judged && self.has_deadline() {
            self.last_progress + self.settings.progress_deadline + Duration::from_seconds(1)
        } else {
            Time::NEVER
        }
    }

    fn has_deadline(&self) -> bool {
        !self.settings.progress_deadline.is_forever()
    }

    /// Stops the deadline's clock while paused and starts it anew afterwards. A deadline that was exceeded stays so.
    pub(super) fn note_pause(&mut self, now: Time, commands: &mut Vec<Command>) {
        if self.progress == Progress::Exceeded || self.paused == (self.progress == Progress::Paused) {
            return;
        }
        self.last_progress = now;
        if self.paused {
            self.progress = Progress::Paused;
            commands.push(Command::Note(Note::Paused(PauseReason::Operator)));
        } else {
            self.progress = Progress::Updated;
            commands.push(Command::Note(Note::Resumed));
        }
    }

    pub(super) fn observe(&self, view: &FleetView<'_>) -> Status {
        Status {
            replicas: view.total(|set| set.replicas),
            updated: view.of(self.template).replicas,
            ready: view.total(|set| set.ready),
            available: view.total(|set| set.available),
        }
    }

    /// Stores the status; judges completeness, progress and the deadline.
    pub(super) fn sync_status(&mut self, view: &FleetView<'_>, now: Time, commands: &mut Vec<Command>) {
        let (before, status) = (self.status, self.observe(view));
        self.status = status;
        if status.is_complete(self.replicas) && self.set(self.template).is_some() {
            self.progress = Progress::Available;
            self.stable = self.template;
            self.course.complete(self.template, now, commands);
            return;
        }
        if self.progress == Progress::Available && status.replicas == status.updated {
            return;
        }
        if status.has_progressed_since(&before) {
            self.progress = Progress::Updated;
            self.last_progress = now;
        } else if self.progress == Progress::Updated
            && has_passed_deadline(self.last_progress, self.settings.progress_deadline, now)
        {
            self.progress = Progress::Exceeded;
            commands.push(Command::Note(Note::DeadlineExceeded));
        }
    }
}
