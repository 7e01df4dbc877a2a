//! The controller's part in a run: when it is called, how its commands are carried out, and how the rollout stands.

use super::calendar::Event;
use super::run::Run;
use crate::fleet::{Replica, State, Timer};
use crate::ledger::{EventRow, RolloutOutcome, RolloutResult};
use crate::rollout::{Command, FleetView, Note, Phase, Rule, Version, replica_set};
use crate::scenario::Strategy;
use crate::units::Duration;

/// A controller that has not settled after so many reconciles at one instant never will: a bug, not a scenario.
const MOST_RECONCILES: usize = 100_000;

impl Run<'_> {
    /// A version is applied.
    pub(super) fn ship(&mut self, version: Version) {
        self.managed = true;
        if self.revisions.last() == Some(&version) {
            // It is what is shipped already.
            return;
        }
        let is_flagger = matches!(self.scenario.rollout.strategy, Strategy::Flagger(_));
        let is_open = self.controller.started_at().is_some() && self.controller.finished_at().is_none();
        if is_open && self.revisions.contains(&version) && !is_flagger {
            // To ship what ran before is how a rollout is given up without an abort.
            self.ledger.rollout_aborted(self.now, self.controller.weight());
            self.watching_abort = true;
        } else {
            self.ledger.version_shipped(version);
        }
        self.revisions.retain(|earlier| *earlier != version);
        self.revisions.push(version);
        self.controller.ship(self.template_of(version), self.now);
        self.tell("rollout_started", Some(version), String::new());
        self.set_reconcile();
    }

    /// The controller looks at the fleet until nothing changes.
    pub(super) fn reconcile(&mut self) {
        self.reconcile_set = false;
        for _ in 0..MOST_RECONCILES {
            let mut commands = std::mem::take(&mut self.commands);
            commands.clear();
            let weight = self.controller.weight();
            let view = FleetView { sets: self.fleet.statuses() };
            let again = self.controller.reconcile(&view, self.now, &mut commands);
            self.carry_out(&mut commands, weight);
            self.commands = commands;
            if !again {
                self.observing &= self.controller.finished_at().is_none() || self.may_ship_again();
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

    /// Carries out commands in order; what a measurement leads to comes after them. `weight` is that of the new version before
    /// them, percent.
    fn carry_out(&mut self, commands: &mut Vec<Command>, weight: Option<u32>) {
        self.enter_verdicts(commands, weight);
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

    /// Tells the ledger what was decided. Before the commands beside it: what an abort scales belongs to the abort.
    fn enter_verdicts(&mut self, commands: &[Command], weight: Option<u32>) {
        for command in commands {
            let Command::Note(note) = command else { continue };
            match note {
                Note::Promoted => self.ledger.rollout_verdict(self.now),
                Note::Aborted { .. } => {
                    self.ledger.rollout_aborted(self.now, weight);
                    self.watching_abort = true;
                }
                Note::Completed | Note::RolledBack => self.ledger.rollout_over(self.now),
                _ => {}
            }
        }
    }

    /// After an abort: tells the ledger whether the router may still send to the new version, until the rollout is over and
    /// it may not.
    pub(super) fn watch_abort(&mut self) {
        let routing = self.controller.routing();
        let followed = self.ledger.followed_version();
        let of_it = |replica: &&Replica| replica.template == followed && replica.in_endpoints;
        let mut new = self.fleet.replicas().iter().filter(of_it);
        let is_reachable = new.any(|replica| routing.reaches(replica.version));
        self.ledger.new_version_reachable(self.now, is_reachable);
        self.watching_abort = is_reachable || self.controller.finished_at().is_none();
    }

    /// The ReplicaSet controller: creates or deletes pods until there are as many as specified.
    fn scale(&mut self, version: Version, to: u32, rule: &Rule) {
        let active = self.fleet.statuses()[version].replicas;
        let template = self.fleet.template(version);
        let deployment =
            self.controller.deployment(version).map_or(String::new(), |name| format!(" deployment={name}"));
        let detail = format!("{}={to}{deployment}", self.scenario.versions[template].name);
        self.tell_why("scaled", Some(template), detail, || rule.sentence());
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

    pub(super) fn tell(&mut self, event: &'static str, version: Option<Version>, detail: String) {
        self.tell_why(event, version, detail, String::new);
    }

    fn tell_why(
        &mut self,
        event: &'static str,
        version: Option<Version>,
        detail: String,
        why: impl FnOnce() -> String,
    ) {
        let time = self.now;
        if let Some(log) = &mut self.log {
            let version = version.map_or_else(String::new, |version| self.scenario.versions[version].name.clone());
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
                return self.tell_why("weight_set", None, format!("weight={percent}"), || rule.sentence());
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
        self.tell(event, None, detail);
    }

    /// How the rollout stands at the end of the window.
    pub(super) fn rollout_result(&self) -> RolloutResult {
        let (empty_measurements, estimates) = (self.empty_measurements, self.exact_runs.estimates(&self.controller));
        let result = |outcome, duration, reason: String| RolloutResult {
            outcome,
            duration,
            reason,
            empty_measurements,
            estimates,
        };
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
            phase => match self.dead_end(phase) {
                Some((outcome, reason)) => result(outcome, None, reason),
                None => result(RolloutOutcome::Unfinished, None, self.unfinished_reason(phase)),
            },
        }
    }

    /// What a rollout that is still under way waits for.
    fn unfinished_reason(&self, phase: Phase) -> String {
        match (self.count(State::Pending), phase) {
            (0, Phase::Paused) => "paused".to_owned(),
            (0, Phase::Aborted) => "aborted, stable not restored yet".to_owned(),
            (0, _) => "more replicas are to be replaced".to_owned(),
            (pending, _) => format!("{} for GPUs{}", waiting(pending), self.quota()),
        }
    }

    fn count(&self, state: State) -> usize {
        self.fleet.replicas().iter().filter(|replica| replica.state == state).count()
    }

    /// What keeps GPUs from those that wait for them, after a comma.
    fn quota(&self) -> String {
        let limit = self.scenario.fleet.gpu_limit.map_or_else(String::new, |limit| format!(", gpu_limit = {limit}"));
        match self.fleet.gpus_lost() {
            0 => limit,
            lost => format!("{limit}, {lost} lost when released"),
        }
    }

    /// How and why nothing will ever leave the present state; `None` if something may. An analysis that is measured without
    /// end gives no GPU to those that wait for one, unless it aborts the rollout: it does not make a deadlock less of one.
    fn dead_end(&self, phase: Phase) -> Option<(RolloutOutcome, String)> {
        if self.calendar.iter().any(|event| self.may_change(event)) {
            return None;
        }
        let (pending, in_vain) = (self.count(State::Pending), self.starts_in_vain());
        if pending > 0 && in_vain.is_none() && self.controller.next_advance().is_never() {
            let reason = format!("{} for GPUs that nothing will free{}", waiting(pending), self.quota());
            return Some((RolloutOutcome::Deadlock, reason));
        }
        if !self.controller.next_change().is_never() {
            return None;
        }
        let reason = in_vain.unwrap_or_else(|| match phase {
            Phase::Paused => match self.scenario.rollout.strategy {
                Strategy::Canary(_) | Strategy::BlueGreen(_) => "paused until someone promotes it".to_owned(),
                _ => "paused until someone resumes it".to_owned(),
            },
            _ => "nothing is left that could change the fleet".to_owned(),
        });
        Some((RolloutOutcome::Stuck, reason))
    }

    /// What keeps new replicas from readiness although they have their GPUs, if anything does.
    fn starts_in_vain(&self) -> Option<String> {
        let unready = self.count(State::Unready);
        if unready > 0 {
            let (replicas, stay) = if unready == 1 { ("replica is", "stays") } else { ("replicas are", "stay") };
            return Some(format!("{unready} {replicas} unready and {stay} so"));
        }
        let failing = self.count(State::BackOff);
        let never_ready = self.fleet.replicas().iter().any(|replica| {
            matches!(replica.state, State::Provisioning | State::Pulling | State::Loading | State::Starting)
        });
        match failing {
            0 => never_ready.then(|| "new replicas never become ready".to_owned()),
            1 => Some("1 replica fails every start".to_owned()),
            _ => Some(format!("{failing} replicas fail every start")),
        }
    }

    /// Whether an event may change the fleet for the better: a start that is bound to fail does not, nor does a crash.
    fn may_change(&self, event: Event) -> bool {
        let Event::Fleet(timer) = event else { return matches!(event, Event::Action(_)) };
        if !self.fleet.is_live(timer) {
            return false;
        }
        match timer {
            Timer::Stage { replica, .. } => self.may_become_ready(self.fleet.replica(replica)),
            Timer::Loaded { .. } => {
                let mut loading = self.fleet.replicas().iter().filter(|replica| replica.state == State::Loading);
                loading.any(|replica| self.may_become_ready(replica))
            }
            Timer::GpusReturned(_) => self.count(State::Pending) > 0,
            // A replica that fails its probes may pass them once it has crashed and started again.
            Timer::Crash { replica, .. } => self.fleet.replica(replica).state == State::Unready,
            Timer::EndpointRemoved(_) => false,
            Timer::Available { .. } | Timer::Sigterm(_) | Timer::Sigkill(_) | Timer::Drained(_) => true,
        }
    }

    fn may_become_ready(&self, replica: &Replica) -> bool {
        replica.state == State::Unprobed || self.fleet.start_failure_probability(replica.template) < 1.0
    }
}

fn waiting(replicas: usize) -> String {
    if replicas == 1 { "1 replica waits".to_owned() } else { format!("{replicas} replicas wait") }
}
