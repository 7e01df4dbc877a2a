//! The loop of one run, and the edges of its window.

use std::collections::VecDeque;

use super::Prepared;
use super::attempts::{Attempts, Place};
use super::calendar::{Calendar, Event};
use super::measuring::ExactRuns;
use super::observations::Observations;
use super::scrapes::Scrapes;
use super::shutdowns::ShutdownLog;
use crate::fleet::{Fleet, LifeEvent, Outbox, Router, Timer};
use crate::ledger::{
    Estimates, EventRow, FleetLevels, Pooled, RolloutOutcome, RolloutResult, RunLedger, RunLog, RunRecord,
    TokenSnapshot,
};
use crate::random::RunKey;
use crate::rollout::{Command, Controller, Version, pod_templates};
use crate::scenario::{Scenario, Strategy};
use crate::serving::{Notice, NoticeKind};
use crate::units::Time;
use crate::workload::{Arrival, RateCurve, Workload};

/// An edge that the run passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    WindowBegins,
    WindowEnds,
    CoolDownEnds,
}

/// One run under way.
pub(super) struct Run<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) key: RunKey,
    pub(super) now: Time,
    pub(super) fleet: Fleet,
    pub(super) router: Router,
    pub(super) controller: Controller,
    pub(super) calendar: Calendar,
    pub(super) attempts: Attempts,
    /// Slots that wait at the gateway, in order of arrival, each with its generation.
    pub(super) gateway: VecDeque<(u32, u32)>,
    /// Client timeouts in order: deadline, slot, generation.
    pub(super) timeouts: VecDeque<(Time, u32, u32)>,
    pub(super) observations: Observations,
    /// What Prometheus has scraped, if an analysis reads it.
    pub(super) scrapes: Option<Scrapes>,
    /// The AnalysisRuns as they would go by exact measurements.
    pub(super) exact_runs: ExactRuns,
    /// Whether analyses may still be taken, so that samples are worth keeping.
    pub(super) observing: bool,
    pub(super) ledger: &'a mut RunLedger,
    pub(super) log: Option<&'a mut RunLog>,
    /// What is shut down, if somebody asks.
    pub(super) shutdowns: Option<&'a mut ShutdownLog>,
    pub(super) out: Outbox,
    pub(super) commands: Vec<Command>,
    pub(super) spare_notices: Vec<Notice>,
    pub(super) next_request: u64,
    /// Whether the controller has been given something to do.
    pub(super) managed: bool,
    /// The version behind each of the controller's pod templates, which count in the order in which they are first shipped.
    pub(super) order: Vec<usize>,
    /// Versions that were shipped, the latest last, each once.
    pub(super) revisions: Vec<Version>,
    /// Whether a reconcile is in the calendar for this instant.
    pub(super) reconcile_set: bool,
    /// The controller's wake that is in the calendar.
    pub(super) wake_set: Time,
    /// Whether the rollout was aborted and the router may still send to the new version, or may do so again.
    pub(super) watching_abort: bool,
    /// Measurements that found too little data, of all.
    pub(super) empty_measurements: (u32, u32),
    workload: Workload<'a>,
    number: u64,
    mark: Mark,
    result: Option<RolloutResult>,
}

impl<'a> Run<'a> {
    /// A run at the beginning of its warm-up, its fleet up.
    pub(super) fn new(
        prepared: &'a Prepared,
        number: u64,
        ledger: &'a mut RunLedger,
        log: Option<&'a mut RunLog>,
    ) -> Run<'a> {
        let scenario: &Scenario = &prepared.scenario;
        let key = RunKey::new(scenario.study.seed, number);
        let start = Time::ZERO - scenario.study.warm_up;
        let mut out = Outbox::default();
        let models = prepared.models.clone();
        let versions = models.len();
        let order = scenario.order_of_shipping();
        let sets = pod_templates(&scenario.rollout.strategy, versions);
        let templates: Vec<usize> = sets.iter().map(|template| order[*template]).collect();
        let sets = templates.len();
        let min_ready = prepared.min_ready;
        let fleet = Fleet::new(prepared.scenario.clone(), models, templates, key, min_ready, start, &mut out);
        ledger.open(RateCurve::new(scenario, key, start), start);
        let observations = Observations::new(&scenario.analyses, versions);
        let mut run = Run {
            scenario,
            key,
            now: start,
            fleet,
            router: Router::new(scenario.router.policy, key, sets),
            controller: Controller::new(&scenario.rollout.strategy, &scenario.analyses, scenario.fleet.replicas),
            calendar: first_events(scenario),
            attempts: Attempts::default(),
            gateway: VecDeque::new(),
            timeouts: VecDeque::new(),
            observing: !observations.is_empty() && !matches!(scenario.rollout.strategy, Strategy::None),
            observations,
            scrapes: Scrapes::new(scenario),
            exact_runs: ExactRuns::default(),
            ledger,
            log,
            shutdowns: None,
            out,
            commands: Vec::new(),
            spare_notices: Vec::new(),
            next_request: 0,
            managed: false,
            order,
            revisions: vec![0],
            reconcile_set: false,
            wake_set: Time::NEVER,
            watching_abort: false,
            empty_measurements: (0, 0),
            workload: Workload::new(scenario, key, start),
            number,
            mark: Mark::WindowBegins,
            result: None,
        };
        run.settle();
        run
    }

    /// Runs to the end and closes the books.
    pub(super) fn finish(mut self, pooled: &mut Pooled) -> RunRecord {
        let mut arrival = self.workload.next_arrival();
        while !self.is_over() {
            let (event_at, is_arrival) = self.calendar.next();
            let timeout_at = self.next_timeout();
            let next = arrival.time.min(event_at).min(timeout_at);
            let mark = self.mark_time();
            if self.run_draining(next.min(mark)) {
                continue;
            }
            if next >= mark {
                self.pass_mark(mark);
                continue;
            }
            self.now = next;
            if arrival.time == next {
                self.arrive(&arrival);
                arrival = self.workload.next_arrival();
            } else if timeout_at == next && !(is_arrival && event_at == next) {
                self.time_out();
            } else if let Some((_, event)) = self.calendar.pop() {
                self.handle(event);
            }
        }
        self.close(pooled)
    }

    fn arrive(&mut self, arrival: &Arrival) {
        if self.mark == Mark::CoolDownEnds {
            // Engines run lazily: look whether the last measured request has ended meanwhile.
            self.fleet.run_all_before(self.now, &mut self.out);
            self.settle();
        }
        self.first_attempt(arrival);
        self.settle();
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Retry(slot) => self.begin_attempt(slot),
            Event::Fleet(timer) => self.fleet.handle(timer, self.now, &mut self.out),
            Event::GatewayExpiry(slot, generation) => self.gateway_expires(slot, generation),
            Event::RolloutStart => self.ship(1),
            Event::Action(index) => self.act(self.scenario.actions[index as usize].kind),
            Event::Scrape(replica) => self.scrape(replica),
            Event::Wake => self.set_reconcile(),
            Event::Reconcile => self.reconcile(),
        }
        self.settle();
        if self.watching_abort {
            self.watch_abort();
        }
        if self.shutdowns.is_some()
            && let Event::Fleet(Timer::Sigterm(id)) = event
        {
            self.note_shutdown(id);
        }
    }

    /// Lets replicas after SIGTERM run up to `limit`, one change at a time, until one of them lets go of something that
    /// may come before the next event: its end, or a request that will be tried again. Whether one did.
    fn run_draining(&mut self, limit: Time) -> bool {
        loop {
            let draining = self.fleet.draining().iter();
            let next = draining.map(|id| (self.fleet.quiet_until(*id), *id)).min();
            let Some((at, id)) = next.filter(|(at, _)| *at < limit) else { return false };
            self.fleet.run_through(id, at, &mut self.out);
            let let_go = self.out.notices.iter().any(|notice| notice.kind == NoticeKind::Cancelled);
            self.process_notices();
            let drained = self.fleet.engine(id).is_empty();
            if drained {
                self.fleet.drained(id);
                self.calendar.set(at, Event::Fleet(Timer::Drained(id)));
            }
            if drained || let_go {
                return true;
            }
        }
    }

    /// Sets the timers that came up, writes down the changes, and deals with what engines let go of.
    pub(super) fn settle(&mut self) {
        self.process_notices();
        for (at, timer) in self.out.timers.drain(..) {
            self.calendar.set(at, Event::Fleet(timer));
        }
        if self.out.changes.is_empty() {
            return;
        }
        let levels = self.fleet_levels();
        self.ledger.fleet_levels(self.now, levels);
        if let Some(log) = &mut self.log {
            let versions = &self.scenario.versions;
            log.events.extend(self.out.changes.iter().map(|change| EventRow {
                time: self.now,
                event: change.event.name(),
                replica: Some(change.replica),
                version: versions[self.fleet.template(change.version)].name.clone(),
                detail: String::new(),
                why: String::new(),
            }));
        }
        let created = self.out.changes.iter().filter(|change| change.event == LifeEvent::Created).count();
        self.ledger.replicas_created(self.now, created as u64);
        self.expose_changes();
        let gateway_concerned = self.out.changes.iter().any(|change| change.event == LifeEvent::Ready);
        self.out.changes.clear();
        if self.managed {
            self.set_reconcile();
        }
        if gateway_concerned {
            self.flush_gateway();
        }
    }

    fn fleet_levels(&self) -> FleetLevels {
        let mut levels = FleetLevels { gpus_held: self.fleet.gpus_held(), ..FleetLevels::default() };
        for (set, counts) in self.fleet.counts().iter().enumerate() {
            let version = self.fleet.template(set);
            let group = if version == 0 { &mut levels.stable } else { &mut levels.new };
            for (level, count) in group.iter_mut().zip([counts.pending, counts.cold, counts.ready, counts.draining]) {
                *level += count;
            }
            levels.capacity += f64::from(counts.ready) * (1.0 / self.scenario.versions[version].step_time_factor);
        }
        levels
    }

    /// The controller's number for a version.
    pub(super) fn template_of(&self, version: usize) -> Version {
        self.order.iter().position(|ordered| *ordered == version).unwrap_or(version)
    }

    pub(super) fn set_reconcile(&mut self) {
        if !self.reconcile_set {
            self.reconcile_set = true;
            self.calendar.set(self.now, Event::Reconcile);
        }
    }

    fn mark_time(&self) -> Time {
        let study = &self.scenario.study;
        match self.mark {
            Mark::WindowBegins => Time::ZERO,
            Mark::WindowEnds => Time::ZERO + study.duration,
            Mark::CoolDownEnds => Time::ZERO + study.duration + study.cool_down,
        }
    }

    fn is_over(&self) -> bool {
        self.mark == Mark::CoolDownEnds && (self.ledger.open_requests() == 0 || self.now >= self.mark_time())
    }

    /// Passes an edge: everything before it has happened, nothing at it has.
    fn pass_mark(&mut self, at: Time) {
        self.now = at;
        self.fleet.run_all_before(at, &mut self.out);
        self.process_notices();
        match self.mark {
            Mark::WindowBegins => {
                let snapshot = self.token_snapshot();
                self.ledger.window_begins(snapshot);
                self.mark = Mark::WindowEnds;
            }
            Mark::WindowEnds => {
                let snapshot = self.token_snapshot();
                self.ledger.window_ends(snapshot);
                self.result = Some(self.rollout_result());
                self.mark = Mark::CoolDownEnds;
            }
            Mark::CoolDownEnds => {}
        }
    }

    fn token_snapshot(&self) -> TokenSnapshot {
        let before = Time(self.now.0 - 1);
        let in_flight = (self.attempts.live())
            .filter_map(|(_, attempt)| match (attempt.place, attempt.handle) {
                (Place::Replica(id), Some(handle)) => Some((id, handle)),
                _ => None,
            })
            .map(|(id, handle)| u64::from(self.fleet.engine(id).tokens_out(handle, before)))
            .sum();
        TokenSnapshot {
            emitted: self.fleet.tokens_emitted(self.now),
            emitted_draining: self.fleet.tokens_while_draining(self.now),
            in_flight,
        }
    }

    /// Counts what is still under way, and closes the books.
    fn close(mut self, pooled: &mut Pooled) -> RunRecord {
        let mut in_flight = vec![0; self.scenario.versions.len()];
        let live: Vec<u32> = self.attempts.live().map(|(slot, _)| slot).collect();
        for slot in live {
            let attempt = *self.attempts.get(slot);
            if matches!(attempt.place, Place::Replica(_)) {
                in_flight[usize::from(attempt.version)] += 1;
            }
            if attempt.measured {
                self.ledger.request_in_flight(&attempt.times(None));
            }
            if attempt.place != Place::BackOff {
                self.log_in_flight(slot);
            }
        }
        let result = self.result.take().unwrap_or(RolloutResult {
            outcome: RolloutOutcome::None,
            duration: None,
            reason: String::new(),
            empty_measurements: (0, 0),
            estimates: Estimates::default(),
        });
        self.ledger.close(self.number, &result, &in_flight, pooled)
    }
}

/// What is known from the beginning: when the rollout starts, and what operators and the world do.
fn first_events(scenario: &Scenario) -> Calendar {
    let mut calendar = Calendar::default();
    if !matches!(scenario.rollout.strategy, Strategy::None) {
        calendar.set(scenario.rollout.start, Event::RolloutStart);
    }
    for (index, action) in scenario.actions.iter().enumerate() {
        calendar.set(action.at, Event::Action(index as u32));
    }
    calendar
}
