//! A world in which controllers are watched: pods that start, break and terminate, and operators who interfere. What must
//! hold in it whatever happens is in `properties`, what happens in particular cases in `deployments` and `argo`.

use crate::rollout::analysis::RunId;
use crate::rollout::{Command, Controller, FleetView, Measured, Note, ReplicaSetStatus, Version};
use crate::scenario::{Analysis, AnalysisBound, NoData, Strategy as Rollout};
use crate::units::{Duration, Time};

mod argo;
mod deployments;
mod properties;
pub(super) mod strategies;

pub(super) const MINUTE: Duration = Duration::from_seconds(60);

/// What happens to the fleet, besides time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mishap {
    /// So many pods of a version become unready until they are replaced.
    Break(Version, u32),
    Ship(Version),
    SetReplicas(u32),
    Pause(bool),
    Abort,
    Retry,
    Promote,
    PromoteFull,
}

/// A pod: its version, when it is ready, when it is gone once it was deleted.
#[derive(Clone, Copy)]
struct Pod {
    version: Version,
    ready_at: Time,
    gone_at: Option<Time>,
}

/// A controller with pods that obey it.
pub(super) struct World {
    pub(super) controller: Controller,
    pods: Vec<Pod>,
    pub(super) created: usize,
    pub(super) cold_starts: Vec<Duration>,
    drain: Duration,
    pub(super) measurements: Vec<Measured>,
    pub(super) measured: usize,
    pub(super) notes: Vec<(Time, Note)>,
    pub(super) now: Time,
}

impl World {
    pub(super) fn new(strategy: &Rollout, analyses: &[Analysis], replicas: u32) -> World {
        let pod = Pod { version: 0, ready_at: Time(i64::MIN / 2), gone_at: None };
        World {
            controller: Controller::new(strategy, analyses, replicas),
            pods: vec![pod; replicas as usize],
            created: 0,
            cold_starts: vec![MINUTE],
            drain: Duration::ZERO,
            measurements: vec![Measured::Value { value: 0.0, samples: 1, stable: None }],
            measured: 0,
            notes: Vec::new(),
            now: Time::ZERO,
        }
    }

    pub(super) fn statuses(&self) -> [ReplicaSetStatus; 6] {
        let mut statuses = [ReplicaSetStatus::default(); 6];
        for pod in &self.pods {
            let status = &mut statuses[pod.version];
            if pod.gone_at.is_some() {
                status.terminating += 1;
            } else {
                status.replicas += 1;
                status.ready += u32::from(pod.ready_at <= self.now);
                status.available = status.ready;
            }
        }
        statuses
    }

    pub(super) fn active(&self, version: Version) -> usize {
        self.pods.iter().filter(|pod| pod.version == version && pod.gone_at.is_none()).count()
    }

    fn scale(&mut self, version: Version, from: u32, to: u32) {
        assert_eq!(self.active(version), from as usize, "a ReplicaSet is scaled from another size than it has");
        for _ in from..to {
            let cold_start = self.cold_starts[self.created % self.cold_starts.len()];
            self.created += 1;
            self.pods.push(Pod { version, ready_at: self.now + cold_start, gone_at: None });
        }
        let gone_at = self.now + self.drain;
        let mut own: Vec<&mut Pod> =
            self.pods.iter_mut().filter(|pod| pod.version == version && pod.gone_at.is_none()).collect();
        own.sort_by_key(|pod| std::cmp::Reverse(pod.ready_at));
        for pod in own.into_iter().take(from.saturating_sub(to) as usize) {
            pod.gone_at = Some(gone_at);
        }
    }

    pub(super) fn happen(&mut self, mishap: Mishap) {
        match mishap {
            Mishap::Break(version, number) => {
                let own = self.pods.iter_mut().filter(|pod| pod.version == version && pod.gone_at.is_none());
                own.take(number as usize).for_each(|pod| pod.ready_at = Time::NEVER);
            }
            Mishap::Ship(version) => self.controller.ship(version, self.now),
            Mishap::SetReplicas(replicas) => self.controller.set_replicas(replicas),
            Mishap::Pause(paused) => self.controller.set_paused(paused),
            Mishap::Abort => self.controller.abort(),
            Mishap::Retry => self.controller.retry(),
            Mishap::Promote => self.controller.promote(),
            Mishap::PromoteFull => self.controller.promote_full(),
        }
    }

    /// Reconciles to the fixed point, which must exist.
    fn settle(&mut self) {
        self.pods.retain(|pod| pod.gone_at.is_none_or(|gone| gone > self.now));
        for _ in 0..300 {
            let statuses = self.statuses();
            let mut commands = Vec::new();
            let again = self.controller.reconcile(&FleetView { sets: &statuses }, self.now, &mut commands);
            assert!(again || commands.is_empty(), "commands at the fixed point: {commands:?}");
            for command in commands {
                self.carry_out(command);
            }
            self.pods.retain(|pod| pod.gone_at.is_none_or(|gone| gone > self.now));
            if !again {
                assert!(self.controller.next_wake() > self.now, "woken in the past");
                assert!(self.controller.next_change() >= self.controller.next_wake());
                return;
            }
        }
        panic!("no fixed point at {:?}", self.now);
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Scale { version, from, to, rule } => {
                assert!(!rule.sentence().is_empty(), "{rule:?} says nothing");
                self.scale(version, from, to);
            }
            Command::Measure { run, template } => self.measure(run, template),
            Command::Note(note) => self.notes.push((self.now, note)),
            Command::Route(routing) => assert_eq!(routing, self.controller.routing()),
        }
    }

    fn measure(&mut self, run: RunId, template: usize) {
        let measured = self.measurements[self.measured % self.measurements.len()];
        self.measured += 1;
        let mut notes = Vec::new();
        self.controller.measured(run, template, measured, self.now, &mut notes);
        notes.into_iter().for_each(|note| self.carry_out(note));
    }

    /// Moves to the next instant at which anything may happen, at most `until`. False if there is none.
    fn advance(&mut self, until: Time) -> bool {
        let pods = self.pods.iter().map(|pod| pod.gone_at.unwrap_or(pod.ready_at));
        let next = pods.filter(|time| *time > self.now).min().unwrap_or(Time::NEVER);
        let next = next.min(self.controller.next_wake());
        self.now = next.min(until);
        next <= until && !next.is_never()
    }

    /// Runs until `end`, checking a law at each fixed point.
    pub(super) fn run(&mut self, mishaps: &[(u64, Mishap)], end: Time, law: impl Fn(&World)) {
        self.settle();
        law(self);
        for (delay, mishap) in mishaps {
            let until = self.now + Duration::from_seconds(*delay);
            while self.advance(until) {
                self.settle();
                law(self);
            }
            self.now = until;
            self.happen(*mishap);
            self.settle();
            law(self);
        }
        while self.advance(end) {
            self.settle();
            law(self);
        }
    }
}

pub(super) fn analysis() -> Analysis {
    Analysis { bound: AnalysisBound::Max(0.5), count: Some(3), no_data: NoData::Inconclusive, ..Analysis::default() }
}
