//! Measurements: what analyses are told of the attempts, by which estimator, and what the exact values would have led to.

use super::attempts::Place;
use super::calendar::Event;
use super::run::Run;
use crate::fleet::{LifeEvent, State};
use crate::ledger::{Estimates, Outcome};
use crate::rollout::analysis::{AnalysisRun, Outcome as Judged, RunPhase, judge};
use crate::rollout::{Command, Controller, Measured, RunId};
use crate::scenario::{ActionKind, Analysis, AnalysisMetric, Estimator, Strategy};
use crate::units::{Duration, Time};

/// AnalysisRuns that are handed the exact values whenever the real ones are measured by an estimator.
#[derive(Debug, Default)]
pub(super) struct ExactRuns {
    /// By number; those that read no estimator are left out.
    runs: Vec<(RunId, AnalysisRun)>,
    misjudged: u32,
    /// Checks of Flagger that failed, or passed, by the estimator alone.
    only_failed_checks: u32,
    only_passed_checks: u32,
}

impl ExactRuns {
    /// A measurement is about to be handed to the controller.
    fn follow(
        &mut self,
        controller: &Controller,
        analysis: &Analysis,
        (id, template): (RunId, usize),
        of: [Measured; 2],
        now: Time,
    ) {
        let [_, exact] = of;
        let [outcome, exact_outcome] = of.map(|measured| judge(analysis, measured).outcome);
        self.misjudged += u32::from(outcome != exact_outcome);
        let Some(real) = controller.analysis_run(id) else {
            // Flagger has no AnalysisRuns: each check is a verdict, and whatever is no success fails it.
            let passes = of.map(|measured| {
                let judged = judge(analysis, measured);
                judged.outcome == Judged::Successful && !judged.without_data
            });
            self.only_failed_checks += u32::from(passes == [false, true]);
            self.only_passed_checks += u32::from(passes == [true, false]);
            return;
        };
        let known = self.runs.iter().position(|(known, _)| *known == id).unwrap_or_else(|| {
            // Nothing was recorded yet: both begin alike.
            self.runs.push((id, real.clone()));
            self.runs.len() - 1
        });
        self.runs[known].1.follow(template, exact, now);
    }

    /// What the estimators changed so far.
    pub(super) fn estimates(&self, controller: &Controller) -> Estimates {
        let mut estimates = Estimates {
            misjudged: self.misjudged,
            only_failures: self.only_failed_checks,
            only_passes: self.only_passed_checks,
        };
        for (id, exact) in &self.runs {
            let has_failed = |phase: RunPhase| phase > RunPhase::Successful;
            let real = controller.analysis_run(*id).is_some_and(|run| has_failed(run.phase()));
            let exact = has_failed(exact.phase());
            estimates.only_failures += u32::from(real && !exact);
            estimates.only_passes += u32::from(exact && !real);
        }
        estimates
    }
}

impl Run<'_> {
    /// An attempt at a replica showed a latency, which somebody may want to know.
    #[inline]
    pub(super) fn observe(&mut self, slot: u32, metric: AnalysisMetric, time: Time, value: Duration) {
        if self.observing {
            self.record(slot, metric, time, value);
        }
    }

    #[inline(never)]
    fn record(&mut self, slot: u32, metric: AnalysisMetric, time: Time, value: Duration) {
        let attempt = self.attempts.get(slot);
        self.observations.record(usize::from(attempt.version), metric, time, value.seconds());
        // vLLM tells a request's queueing time when it finishes.
        if let (Some(scrapes), Place::Replica(id)) = (&mut self.scrapes, attempt.place)
            && metric != AnalysisMetric::QueueTime
        {
            scrapes.observe(id, metric, value);
        }
    }

    /// An attempt has ended, and somebody may want to know how.
    #[inline(never)]
    pub(super) fn observe_end(&mut self, slot: u32, outcome: Outcome, time: Time) {
        let attempt = self.attempts.get(slot);
        let Place::Replica(id) = attempt.place else { return };
        self.observations.ended(usize::from(attempt.version), outcome, time);
        let Some(scrapes) = &mut self.scrapes else { return };
        scrapes.ended(id, outcome);
        if let (Outcome::Completed, Some(scheduled)) = (outcome, attempt.scheduled.get()) {
            scrapes.observe(id, AnalysisMetric::QueueTime, scheduled.since(attempt.dispatched));
        }
    }

    /// New replicas are found, and processes that ended have lost their counters.
    pub(super) fn expose_changes(&mut self) {
        let Some(scrapes) = &mut self.scrapes else { return };
        for change in &self.out.changes {
            match change.event {
                LifeEvent::Created => {
                    let first = scrapes.discover(self.fleet.template(change.version), self.key, self.now);
                    self.calendar.set(first, Event::Scrape(change.replica));
                }
                LifeEvent::Crashed => scrapes.restart(change.replica),
                _ => {}
            }
        }
    }

    /// A replica is scraped, if its server is up: from the engine's start until SIGTERM closes its port.
    pub(super) fn scrape(&mut self, id: u32) {
        let replica = self.fleet.replica(id);
        let (state, accepting) = (replica.state, replica.accepting);
        // Once nobody will look any more, nothing is scraped.
        if state == State::Gone || !(self.observing || self.may_ship_again()) {
            return;
        }
        if accepting || state == State::Unprobed {
            self.fleet.run_through(id, self.now, &mut self.out);
            self.process_notices();
            if let Some(scrapes) = &mut self.scrapes {
                scrapes.scrape(id, self.now);
            }
        }
        if let Some(scrapes) = &self.scrapes {
            self.calendar.set(self.now + scrapes.interval, Event::Scrape(id));
        }
    }

    /// Whether another rollout may begin, by an action to come or as `[rollout]` says.
    pub(super) fn may_ship_again(&self) -> bool {
        let ships = |kind: ActionKind| matches!(kind, ActionKind::Ship(_) | ActionKind::RollBack | ActionKind::Retry);
        let by_action = self.scenario.actions.iter().any(|action| action.at >= self.now && ships(action.kind));
        by_action || self.scenario.rollout.start >= self.now
    }

    /// Takes a measurement and hands it to the controller.
    pub(super) fn measure(&mut self, run: RunId, template: usize, commands: &mut Vec<Command>) {
        let analysis = &self.scenario.analyses[template];
        self.fleet.run_all_before(Time(self.now.0 + 1), &mut self.out);
        self.process_notices();
        let (subject, stable) = self.controller.compared();
        let (subject, stable) = (self.order[subject], self.order[stable]);
        let exact = self.observations.measure(analysis, subject, stable, self.now);
        let (measured, beside) = match (analysis.estimator, &self.scrapes) {
            (Estimator::Prometheus { .. }, Some(scrapes)) => {
                (scrapes.measure(analysis, subject, stable, self.now), Some(exact))
            }
            _ => (exact, None),
        };
        let is_flagger = matches!(self.scenario.rollout.strategy, Strategy::Flagger(_));
        self.empty_measurements.0 += u32::from(matches!(measured, Measured::NoData { .. }));
        self.empty_measurements.1 += 1;
        self.tell("measurement", Some(subject), told(analysis, measured, beside, is_flagger));
        if self.scrapes.is_some() {
            self.exact_runs.follow(&self.controller, analysis, (run, template), [measured, exact], self.now);
        }
        self.controller.measured(run, template, measured, self.now, commands);
    }
}

/// A measurement in words, with the exact one beside it where it is another.
fn told(analysis: &Analysis, measured: Measured, exact: Option<Measured>, is_flagger: bool) -> String {
    let unit = match analysis.metric {
        AnalysisMetric::ErrorRate | AnalysisMetric::TruncationRate => "",
        _ => "s",
    };
    let figure = |name: &str, measured: Measured| match measured {
        Measured::Value { value, .. } => format!(" {name}={value:.6}{unit}"),
        Measured::Shift { shift, lower, mean_ratio, .. } => {
            format!(" shift={shift:.6}{unit} lower={lower:.6}{unit} mean_ratio={mean_ratio:.4}")
        }
        Measured::NoData { .. } => format!(" {name}=none"),
    };
    let exact = exact.map_or(String::new(), |exact| figure("exact", exact));
    let (samples, stable) = match measured {
        Measured::Value { samples, stable, .. } => (samples, stable),
        Measured::Shift { points: samples, .. } | Measured::NoData { samples } => (samples, None),
    };
    let stable = stable.map_or(String::new(), |stable| format!(" stable={stable:.6}{unit}"));
    let judged = judge(analysis, measured);
    // Flagger halts where a query finds nothing, whatever `no_data` says.
    let outcome = if is_flagger && judged.without_data { Judged::Failed } else { judged.outcome }.name();
    let value = figure("value", measured);
    format!("analysis={}{value}{exact} samples={samples}{stable} outcome={outcome}", analysis.name)
}
