//! The fleet: its replicas, their counts and what a controller sees of them, and whom a timer concerns.
//!
//! How a replica comes up and goes down is in `starting` and `ending`; what happens to the requests that its engine lets
//! go of is the caller's business.

use std::collections::VecDeque;
use std::sync::Arc;

use super::engines::{Engines, LARGE_FLEET};
use super::events::{Change, LifeEvent, Outbox, Timer};
use super::loading::LoadingPool;
use super::quota::Quota;
use super::replica::{Replica, State};
use super::view::{PodView, ReplicaSetStatus, Version};
use crate::random::{Purpose, RunKey};
use crate::scenario::{RouterPolicy, Scenario, WeightLoad};
use crate::serving::{Engine, EngineModel, Handle, Request};
use crate::units::{Duration, Time};

/// Replicas of one version by what they hold and serve: each is in one of the four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersionCounts {
    /// Wait for GPUs.
    pub pending: u32,
    /// Hold GPUs and are not ready, back-off included.
    pub cold: u32,
    /// Ready.
    pub ready: u32,
    /// Terminating.
    pub draining: u32,
}

/// All replicas of one run.
#[derive(Debug)]
pub struct Fleet {
    pub(super) scenario: Arc<Scenario>,
    pub(super) key: RunKey,
    /// The engine of each pod template.
    models: Vec<Arc<EngineModel>>,
    /// The pod template of each ReplicaSet.
    templates: Vec<usize>,
    pub(super) replicas: Vec<Replica>,
    pub(super) engines: Engines,
    warm: u32,
    pub(super) gpus_held: u32,
    /// How many more can be had.
    pub(super) quota: Quota,
    pub(super) pending: VecDeque<u32>,
    pub(super) pool: Option<LoadingPool>,
    pub(super) min_ready: Duration,
    counts: Vec<VersionCounts>,
    pub(super) statuses: Vec<ReplicaSetStatus>,
    pub(super) endpoints_epoch: u64,
    pub(super) draining: Vec<u32>,
    /// Tokens emitted by terminating replicas of those that are gone.
    pub(super) drain_tokens: u64,
}

impl Fleet {
    /// A warm fleet: the desired replicas of ReplicaSet 0 are available at `now` and draw no cold start. `models` are the
    /// engines of the pod templates, `templates` those of the ReplicaSets.
    pub fn new(
        scenario: Arc<Scenario>,
        models: Vec<Arc<EngineModel>>,
        templates: Vec<usize>,
        key: RunKey,
        min_ready: Duration,
        now: Time,
        out: &mut Outbox,
    ) -> Fleet {
        let versions = templates.len();
        let pool = match &scenario.cold_start.weight_load {
            WeightLoad::Bandwidth { shared_gigabytes_per_second: Some(shared), .. } => Some(LoadingPool::new(*shared)),
            _ => None,
        };
        let warm = scenario.fleet.replicas;
        let quota = Quota::new(scenario.fleet.gpu_limit);
        let is_indexed = warm > LARGE_FLEET && scenario.router.policy == RouterPolicy::LeastRequests;
        let mut fleet = Fleet {
            scenario,
            key,
            models,
            templates,
            replicas: Vec::new(),
            engines: Engines::new(is_indexed, versions),
            warm,
            gpus_held: 0,
            quota,
            pending: VecDeque::new(),
            pool,
            min_ready,
            counts: vec![VersionCounts::default(); versions],
            statuses: vec![ReplicaSetStatus::default(); versions],
            endpoints_epoch: 0,
            draining: Vec::new(),
            drain_tokens: 0,
        };
        for _ in 0..warm {
            let id = fleet.add(0, now, out);
            fleet.gpus_held += fleet.scenario.fleet.gpus_per_replica;
            fleet.quota.ask(fleet.gpus_held);
            fleet.become_ready(id, now, out);
            if !fleet.replicas[id as usize].available {
                fleet.become_available(id, out);
            }
        }
        fleet
    }

    /// Every replica that was ever created, by its number.
    pub fn replicas(&self) -> &[Replica] {
        &self.replicas
    }

    /// One replica.
    pub fn replica(&self, id: u32) -> &Replica {
        &self.replicas[id as usize]
    }

    /// One replica's engine.
    pub fn engine(&self, id: u32) -> &Engine {
        self.engines.get(id)
    }

    /// The moment until which nothing happens in a replica's engine.
    pub fn quiet_until(&self, id: u32) -> Time {
        self.engines.quiet_until(id)
    }

    /// Hands a request to a replica's engine, which has been run up to `now`.
    pub fn submit(&mut self, id: u32, now: Time, request: Request, out: &mut Outbox) -> Handle {
        self.engines.submit(id, now, request, &mut out.notices)
    }

    /// Takes a request out of a replica's engine, which has been run through `now`, because its client has gone.
    pub fn cancel(&mut self, id: u32, now: Time, handle: Handle, out: &mut Outbox) {
        self.engines.cancel(id, now, handle, &mut out.notices);
    }

    /// Counts the changes of who is in the endpoints.
    pub fn endpoints_epoch(&self) -> u64 {
        self.endpoints_epoch
    }

    /// Replicas by what they hold and serve, by version.
    pub fn counts(&self) -> &[VersionCounts] {
        &self.counts
    }

    /// What a controller sees, by version.
    pub fn statuses(&self) -> &[ReplicaSetStatus] {
        &self.statuses
    }

    /// GPUs held.
    pub fn gpus_held(&self) -> u32 {
        self.gpus_held
    }

    /// Replicas that finish what they have after SIGTERM.
    pub fn draining(&self) -> &[u32] {
        &self.draining
    }

    /// The active pods of a version, as its ReplicaSet sees them.
    pub fn pods(&self, version: Version) -> Vec<PodView> {
        (self.replicas.iter())
            .filter(|r| r.version == version && !matches!(r.state, State::Terminating | State::Gone))
            .map(|r| PodView {
                id: r.id,
                scheduled: r.state != State::Pending,
                running: r.state.container_runs() || r.state == State::BackOff,
                ready_since: r.ready_since,
                restarts: r.restarts,
                created: r.created,
                uid: r.uid,
            })
            .collect()
    }

    /// The pod template of a ReplicaSet.
    pub fn template(&self, version: Version) -> usize {
        self.templates[version]
    }

    /// Whether a replica of this pod template can hold such a request at all.
    pub fn fits(&self, template: usize, prompt_tokens: u32, output_tokens: u32) -> bool {
        self.models[template].fits(prompt_tokens, output_tokens)
    }

    /// Runs one engine up to the boundaries before `limit`.
    #[inline]
    pub fn run_before(&mut self, id: u32, limit: Time, out: &mut Outbox) {
        self.engines.run_before(id, limit, &mut out.notices);
    }

    /// Runs one engine through the boundaries at `now`.
    pub fn run_through(&mut self, id: u32, now: Time, out: &mut Outbox) {
        self.run_before(id, Time(now.0.saturating_add(1)), out);
    }

    /// Runs every engine up to the boundaries before `limit`.
    pub fn run_all_before(&mut self, limit: Time, out: &mut Outbox) {
        self.engines.run_all_before(limit, &mut out.notices);
    }

    /// Tokens emitted by all engines at boundaries before `now`; all must have been run there.
    pub fn tokens_emitted(&self, now: Time) -> u64 {
        let before = Time(now.0 - 1);
        self.engines.iter().map(|engine| engine.tokens_emitted(before)).sum()
    }

    /// Tokens emitted so far by replicas while they were terminating, at boundaries before `now`.
    pub fn tokens_while_draining(&self, now: Time) -> u64 {
        let before = Time(now.0 - 1);
        let present: u64 = (self.replicas.iter())
            .filter(|replica| replica.state == State::Terminating)
            .map(|replica| self.engines.get(replica.id).tokens_emitted(before) - replica.tokens_at_termination)
            .sum();
        self.drain_tokens + present
    }

    /// Creates a replica.
    pub fn create(&mut self, version: Version, now: Time, out: &mut Outbox) -> u32 {
        let id = self.add(version, now, out);
        self.pending.push_back(id);
        self.quota.ask(self.gpus_held + self.pending.len() as u32 * self.scenario.fleet.gpus_per_replica);
        self.grant_gpus(now, out);
        id
    }

    fn add(&mut self, version: Version, now: Time, out: &mut Outbox) -> u32 {
        let id = self.replicas.len() as u32;
        let template = self.templates[version];
        self.engines.add(Engine::new(self.models[template].clone()));
        self.replicas.push(Replica {
            id,
            version,
            template,
            state: State::Pending,
            created: now,
            ready_since: None,
            available: false,
            restarts: 0,
            uid: self.key.keyed_bits(Purpose::PodName, u64::from(id), 0),
            in_endpoints: false,
            accepting: false,
            terminated_at: None,
            cold_index: id.checked_sub(self.warm).map(u64::from),
            epoch: 0,
            container_started: now,
            failures_in_row: 0,
            last_seconds_per_token: 0.0,
            tokens_at_termination: 0,
        });
        self.counts[version].pending += 1;
        self.statuses[version].replicas += 1;
        self.note(id, LifeEvent::Created, out);
        id
    }

    pub(super) fn note(&self, id: u32, event: LifeEvent, out: &mut Outbox) {
        out.changes.push(Change { replica: id, version: self.replicas[id as usize].version, event });
    }

    /// The count that a state belongs to.
    fn count_of(&mut self, version: Version, state: State) -> Option<&mut u32> {
        let counts = &mut self.counts[version];
        match state {
            State::Pending => Some(&mut counts.pending),
            State::Ready => Some(&mut counts.ready),
            State::Terminating => Some(&mut counts.draining),
            State::Gone => None,
            _ => Some(&mut counts.cold),
        }
    }

    pub(super) fn set_state(&mut self, id: u32, state: State) {
        let replica = &mut self.replicas[id as usize];
        let (version, old) = (replica.version, replica.state);
        replica.state = state;
        replica.epoch += 1;
        if let Some(count) = self.count_of(version, old) {
            *count -= 1;
        }
        if let Some(count) = self.count_of(version, state) {
            *count += 1;
        }
    }

    /// A timer has come.
    pub fn handle(&mut self, timer: Timer, now: Time, out: &mut Outbox) {
        match timer {
            Timer::Stage { replica, epoch } if self.replicas[replica as usize].epoch == epoch => {
                self.stage_ends(replica, now, out);
            }
            Timer::Loaded { epoch } if self.pool.as_ref().is_some_and(|pool| pool.epoch == epoch) => {
                self.some_loaded(now, out);
            }
            Timer::Available { replica, epoch } if self.replicas[replica as usize].epoch == epoch => {
                self.become_available(replica, out);
            }
            Timer::Crash { replica, restarts } if self.replicas[replica as usize].restarts == restarts => {
                self.crash(replica, now, out);
            }
            Timer::GpusReturned(id) => self.gpus_return(id, now, out),
            Timer::EndpointRemoved(id) => self.leave_endpoints(id),
            Timer::Sigterm(id) => self.sigterm(id, now, out),
            Timer::Sigkill(id) => self.sigkill(id, now, out),
            Timer::Drained(id) => self.gone(id, now, out),
            _ => {}
        }
    }

    /// Whether a timer still means something.
    pub fn is_live(&self, timer: Timer) -> bool {
        match timer {
            Timer::Stage { replica, epoch } | Timer::Available { replica, epoch } => {
                self.replicas[replica as usize].epoch == epoch
            }
            Timer::Loaded { epoch } => self.pool.as_ref().is_some_and(|pool| pool.epoch == epoch),
            Timer::Crash { replica, restarts } => {
                let replica = &self.replicas[replica as usize];
                replica.restarts == restarts && replica.state != State::Gone
            }
            Timer::GpusReturned(_) => true,
            Timer::EndpointRemoved(id) | Timer::Sigterm(id) | Timer::Sigkill(id) | Timer::Drained(id) => {
                self.replicas[id as usize].state != State::Gone
            }
        }
    }
}
