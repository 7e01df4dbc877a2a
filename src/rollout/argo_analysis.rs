//! When Argo Rollouts starts and cancels AnalysisRuns, and what their verdicts do (`rollout/analysis.go`).

use crate::rollout::analysis::{AnalysisRun, RunId, RunPhase};
use crate::rollout::argo::{Rollout, Status};
use crate::rollout::argo_pass::Pass;
use crate::rollout::{Command, Measured, Note, PauseReason};
use crate::units::Time;

impl Rollout {
    /// A run by its number.
    pub(super) fn run(&self, id: Option<RunId>) -> Option<&AnalysisRun> {
        id.and_then(|id| self.runs.get(id.0 as usize))
    }

    /// Whether a run has passed.
    pub(super) fn has_passed(&self, id: Option<RunId>) -> bool {
        self.run(id).is_some_and(|run| run.phase() == RunPhase::Successful)
    }

    /// Whether no analysis has anything to say: promoted, aborted, promoted by force, or rolled back by the short way.
    pub(super) fn skips_analysis(&self, pass: &Pass<'_>) -> bool {
        self.is_fully_promoted() || self.is_aborted(pass) || self.status.promote_full || self.is_fast_rollback(pass)
    }

    /// Starts a run of these templates.
    pub(super) fn start_run(&mut self, templates: &[usize], pass: &mut Pass<'_>) -> Option<RunId> {
        for template in templates {
            pass.commands.push(Command::Note(Note::AnalysisStarted { template: *template }));
        }
        self.runs.push(AnalysisRun::new(templates, &self.analyses, pass.now));
        Some(RunId(self.runs.len() as u32 - 1))
    }

    /// Whether a run is to be started although (or because) this is the current one.
    pub(super) fn needs_new_run(&self, current: Option<RunId>) -> bool {
        let Some(run) = self.run(current) else {
            return true;
        };
        let paused_otherwise =
            self.pause(PauseReason::CanaryPauseStep).is_some() || self.pause(PauseReason::BlueGreenPause).is_some();
        if self.status.controller_pause && !paused_otherwise {
            // Paused for that run, and resumed.
            return run.phase() == RunPhase::Inconclusive;
        }
        self.status.abort_recorded
    }

    /// What a run's verdict does: pause, abort, or nothing. `what` names the analysis.
    pub(super) fn act_on_run(&self, id: Option<RunId>, what: &str, pass: &mut Pass<'_>) {
        let Some(run) = self.run(id) else {
            return;
        };
        match run.phase() {
            RunPhase::Inconclusive => pass.add_pauses.push(PauseReason::InconclusiveAnalysis),
            RunPhase::Error | RunPhase::Failed => pass.add_abort = Some(format!("{what} {}", run.message())),
            RunPhase::Running | RunPhase::Successful => {}
        }
    }

    /// Cancels every run that the next status does not refer to.
    pub(super) fn cancel_others(&mut self, next: &Status) {
        let kept = [next.step_run, next.background_run, next.pre_promotion_run, next.post_promotion_run];
        for (number, run) in self.runs.iter_mut().enumerate() {
            if run.phase() == RunPhase::Running && !kept.contains(&Some(RunId(number as u32))) {
                run.terminate();
            }
        }
    }

    /// Cancels one run, if it is still under way.
    pub(super) fn cancel(&mut self, id: Option<RunId>) {
        if let Some(run) = id.and_then(|id| self.runs.get_mut(id.0 as usize)) {
            run.terminate();
        }
    }

    /// Asks for the measurements that are due.
    pub(super) fn measure(&mut self, now: Time, commands: &mut Vec<Command>) {
        for (number, run) in self.runs.iter_mut().enumerate() {
            for template in run.take_due(now) {
                commands.push(Command::Measure { run: RunId(number as u32), template });
            }
        }
    }

    /// Takes a measurement in.
    pub(super) fn measured(
        &mut self,
        id: RunId,
        template: usize,
        measured: Measured,
        now: Time,
        commands: &mut Vec<Command>,
    ) {
        let Some(run) = self.runs.get_mut(id.0 as usize) else {
            return;
        };
        let Some(judgement) = run.judge(template, measured) else {
            return;
        };
        let was_running = run.phase() == RunPhase::Running;
        run.record(template, judgement.outcome, judgement.without_data, now);
        if was_running && run.phase() != RunPhase::Running {
            commands.extend(run.notes().into_iter().map(Command::Note));
        }
    }

    /// When the next measurement is due.
    pub(super) fn next_measurement(&self) -> Time {
        self.runs.iter().map(AnalysisRun::next_due).min().unwrap_or(Time::NEVER)
    }

    /// When the next measurement of an analysis that will pass after so many is due.
    pub(super) fn next_counted_measurement(&self) -> Time {
        self.runs.iter().map(AnalysisRun::next_counted_due).min().unwrap_or(Time::NEVER)
    }
}
