//! The controller's part in a run: when it is called, how its commands are carried out, and how the rollout stands.

use super::calendar::Event;
use super::run::{Run, VERSION_NAMES};
use crate::fleet::{Replica, State, Timer};
use crate::ledger::{EventRow, RolloutOutcome, RolloutResult};
use crate::rollout::{Command, FleetView, Measured, Note, Phase, Rule, RunId, Version, replica_set};
use crate::scenario::{AnalysisMetric, Strategy};
use crate::units::{Duration, Time};

/// A controller that has not settled after so many reconciles at one instant never will: a bug, not a scenario.
const MOST_RECONCILES: usize = 100_000;

impl Run<'_> {
    /// The new version is applied.
    pub(super) fn ship(&mut self) {
        self.shipped = true;
        self.controller.ship(1, self.now);
        self.tell("rollout_started", VERSION_NAMES[1], String::new());
        self.calendar.set(self.now, Event::Reconcile);
        self.reconcile_set = true;
    }

    /// The controller looks at the fleet until nothing changes.
    pub(super) fn reconcile(&mut self) {
        self.reconcile_set = false;
        for _ in 0..MOST_RECONCILES {
            let mut commands = std::mem::take(&mut self.commands);
            commands.clear();
            let view = FleetView { sets: self.fleet.statuses() };
            let again = self.controller.reconcile(&view, self.now, &mut commands);
            self.carry_out(&mut commands);
            self.commands = commands;
            if !again {
                self.observing &= self.controller.finished_at().is_none();
                return self.set_wake();
            }
        }
        unreachable!("the controller does not settle at {:?}", self.now);
    }

    fn set_wake(&mut self) {
        let wake = self.controller.next_wake();
        if wake != self.wake_set && !wake.is_never() {
            self.calendar.set(wake.max(self.now), Event::Wake);
        }
        self.wake_set = wake;
    }

    /// Carries out commands in order; what a measurement leads to comes after them.
    fn carry_out(&mut self, commands: &mut Vec<Command>) {
        let mut next = 0;
        while next < commands.len() {
            match commands[next].clone() {
                Command::Scale { version, to, rule, .. } => self.scale(version, to, &rule),
                Command::Route(_) => self.flush_gateway(),
                Command::Measure { run, template } => self.measure(run, template, commands),
                Command::Note(note) => self.tell_note(&note),
            }
            next += 1;
        }
    }

    /// The ReplicaSet controller: creates or deletes pods until there are as many as specified.
    fn scale(&mut self, version: Version, to: u32, rule: &Rule) {
        let active = self.fleet.statuses()[version].replicas;
        let name = VERSION_NAMES[version];
        self.tell_why("scaled", name, format!("{name}={to}"), || rule.sentence());
        if to > active {
            for _ in active..to {
                self.fleet.create(version, self.now, &mut self.out);
            }
        } else if to < active {
            let mut pods = self.fleet.pods(version);
            for id in replica_set::victims(&mut pods, (active - to) as usize, self.now) {
                self.fleet.terminate(id, self.now, &mut self.out);
            }
        }
        self.settle();
    }

    fn measure(&mut self, run: RunId, template: usize, commands: &mut Vec<Command>) {
        let analysis = &self.scenario.analyses[template];
        self.fleet.run_all_before(Time(self.now.0 + 1), &mut self.out);
        self.process_notices();
        let measured = self.observations.measure(analysis, self.now);
        self.empty_measurements.1 += 1;
        let unit = if is_share(analysis.metric) { "" } else { "s" };
        let detail = match measured {
            Measured::Value { value, samples, stable } => {
                let stable = stable.map_or(String::new(), |stable| format!(" stable={stable:.6}{unit}"));
                format!("analysis={} value={value:.6}{unit} samples={samples}{stable}", analysis.name)
            }
            Measured::NoData { samples } => {
                self.empty_measurements.0 += 1;
                format!("analysis={} value=none samples={samples}", analysis.name)
            }
        };
        self.tell("measurement", VERSION_NAMES[1], detail);
        self.controller.measured(run, template, measured, self.now, commands);
    }

    fn tell(&mut self, event: &'static str, version: &'static str, detail: String) {
        self.tell_why(event, version, detail, String::new);
    }

    fn tell_why(&mut self, event: &'static str, version: &'static str, detail: String, why: impl FnOnce() -> String) {
        let time = self.now;
        if let Some(log) = &mut self.log {
            log.events.push(EventRow { time, event, replica: None, version, detail, why: why() });
        }
    }

    fn tell_note(&mut self, note: &Note) {
        if self.log.is_none() {
            return;
        }
        let name = |template: usize| self.scenario.analyses[template].name.clone();
        let (event, detail) = match note {
            Note::WeightSet { percent, rule } => {
                return self.tell_why("weight_set", "", format!("weight={percent}"), || rule.sentence());
            }
            Note::Paused(reason) => ("paused", format!("reason={}", reason.name())),
            Note::Resumed => ("resumed", String::new()),
            Note::StepReached(step) => ("step_reached", format!("step={step}")),
            Note::AnalysisStarted { template } => ("analysis_started", format!("analysis={}", name(*template))),
            Note::AnalysisPassed { template, measurements, without_data } => (
                "analysis_passed",
                format!("analysis={} measurements={measurements} without_data={without_data}", name(*template)),
            ),
            Note::AnalysisFailed { template, detail } => {
                ("analysis_failed", format!("analysis={} reason={detail}", name(*template)))
            }
            Note::AnalysisInconclusive { template, detail } => {
                ("analysis_inconclusive", format!("analysis={} reason={detail}", name(*template)))
            }
            Note::AnalysisDryRun { template, detail } => {
                ("analysis_dry_run", format!("analysis={} reason={detail}", name(*template)))
            }
            Note::Promoted => ("promoted", String::new()),
            Note::Aborted { reason } => ("aborted", format!("reason={reason}")),
            Note::Completed => ("rollout_completed", "outcome=completed".to_owned()),
            Note::RolledBack => ("rollout_completed", "outcome=rolled_back".to_owned()),
            Note::DeadlineExceeded => ("deadline_exceeded", String::new()),
        };
        self.tell(event, "", detail);
    }

    /// How the rollout stands at the end of the window.
    pub(super) fn rollout_result(&self) -> RolloutResult {
        let empty_measurements = self.empty_measurements;
        let result =
            |outcome, duration, reason: String| RolloutResult { outcome, duration, reason, empty_measurements };
        if matches!(self.scenario.rollout.strategy, Strategy::None) {
            return result(RolloutOutcome::None, None, String::new());
        }
        let duration: Option<Duration> = (self.controller.finished_at())
            .zip(self.controller.started_at())
            .map(|(finished, started)| finished.since(started));
        match self.controller.phase() {
            Phase::Completed => result(RolloutOutcome::Completed, duration, String::new()),
            Phase::RolledBack => {
                result(RolloutOutcome::RolledBack, duration, self.controller.abort_reason().to_owned())
            }
            phase => match self.stuck_reason(phase) {
                Some(reason) => result(RolloutOutcome::Stuck, None, reason),
                None => result(RolloutOutcome::Unfinished, None, self.unfinished_reason(phase)),
            },
        }
    }

    /// What a rollout that is still under way waits for.
    fn unfinished_reason(&self, phase: Phase) -> String {
        let pending = self.fleet.replicas().iter().filter(|replica| replica.state == State::Pending).count();
        match (pending, phase) {
            (0, Phase::Paused) => "paused".to_owned(),
            (0, Phase::Aborted) => "aborted, stable not restored yet".to_owned(),
            (0, _) => "more replicas are to be replaced".to_owned(),
            _ => format!(
                "{} for GPUs, gpu_limit = {}",
                if pending == 1 { "1 replica waits".to_owned() } else { format!("{pending} replicas wait") },
                self.scenario.fleet.gpu_limit.unwrap_or(0),
            ),
        }
    }

    /// Why nothing will ever leave the present state; `None` if something may.
    fn stuck_reason(&self, phase: Phase) -> Option<String> {
        let wakes = !self.controller.next_change().is_never();
        if wakes || self.calendar.iter().any(|event| self.may_change(event)) {
            return None;
        }
        let replicas = self.fleet.replicas();
        let count = |state: State| replicas.iter().filter(|replica| replica.state == state).count();
        let pending = count(State::Pending);
        if pending > 0 {
            let limit = self.scenario.fleet.gpu_limit.unwrap_or(0);
            let wait = if pending == 1 { "replica waits" } else { "replicas wait" };
            return Some(format!("{pending} {wait} for GPUs that nothing will free (gpu_limit = {limit})"));
        }
        let failing = count(State::BackOff);
        let never_ready = replicas.iter().any(|replica| {
            matches!(replica.state, State::Provisioning | State::Pulling | State::Loading | State::Starting)
        });
        Some(if failing > 0 {
            format!("{failing} {} every start", if failing == 1 { "replica fails" } else { "replicas fail" })
        } else if never_ready {
            "new replicas never become ready".to_owned()
        } else if phase == Phase::Paused {
            "paused until someone promotes it".to_owned()
        } else {
            "nothing is left that could change the fleet".to_owned()
        })
    }

    /// Whether an event may change the fleet for the better: a start that is bound to fail does not, nor does a crash.
    fn may_change(&self, event: Event) -> bool {
        let Event::Fleet(timer) = event else { return false };
        if !self.fleet.is_live(timer) {
            return false;
        }
        match timer {
            Timer::Stage { replica, .. } => self.may_become_ready(self.fleet.replica(replica)),
            Timer::Loaded { .. } => {
                let mut loading = self.fleet.replicas().iter().filter(|replica| replica.state == State::Loading);
                loading.any(|replica| self.may_become_ready(replica))
            }
            Timer::EndpointRemoved(_) | Timer::Crash { .. } => false,
            Timer::Available { .. } | Timer::Sigterm(_) | Timer::Sigkill(_) | Timer::Drained(_) => true,
        }
    }

    fn may_become_ready(&self, replica: &Replica) -> bool {
        replica.state == State::Unprobed || self.fleet.start_failure_probability(replica.version) < 1.0
    }
}

fn is_share(metric: AnalysisMetric) -> bool {
    matches!(metric, AnalysisMetric::ErrorRate | AnalysisMetric::TruncationRate)
}
