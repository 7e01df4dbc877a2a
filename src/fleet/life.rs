//! The fleet: GPU quota, cold starts, readiness, crashes, termination. It turns timers into changes of state and sets
//! new timers; what happens to the requests that its engines let go of is its caller's business.

use std::collections::VecDeque;
use std::sync::Arc;

use super::loading::LoadingPool;
use super::replica::{Replica, State};
use super::view::{PodView, ReplicaSetStatus, Version};
use crate::random::{Distribution, Purpose, RunKey, exponential};
use crate::scenario::{OnSigterm, Scenario, Stage, WeightLoad};
use crate::serving::{Engine, EngineModel, Notice};
use crate::units::{Duration, Time};

/// First wait of Kubernetes' crash-loop back-off; it doubles with each failure (kubelet: `MaxContainerBackOff` and its
/// initial 10 s).
const FIRST_BACK_OFF: Duration = Duration::from_seconds(10);
/// Longest wait of the crash-loop back-off.
const LONGEST_BACK_OFF: Duration = Duration::from_seconds(300);
/// A container that ran for twice the longest wait starts the back-off anew.
const BACK_OFF_RESET: Duration = Duration::from_seconds(600);
/// Least time between SIGTERM and SIGKILL, even when preStop ate the grace period (kubelet's
/// `minimumGracePeriodInSeconds`).
const LEAST_SIGTERM_TIME: Duration = Duration::from_seconds(2);

/// Something that the fleet wants to be told at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// A stage of a replica's life ends, unless its state has changed since.
    Stage {
        /// Which replica.
        replica: u32,
        /// Its epoch when the timer was set.
        epoch: u32,
    },
    /// The first of those that share the load bandwidth is done, unless they have changed since.
    Loaded {
        /// The pool's epoch when the timer was set.
        epoch: u32,
    },
    /// A replica has been ready for `min_ready`.
    Available {
        /// Which replica.
        replica: u32,
        /// Its epoch when the timer was set.
        epoch: u32,
    },
    /// A replica crashes, unless its process has ended since.
    Crash {
        /// Which replica.
        replica: u32,
        /// Its restarts when the timer was set.
        restarts: u32,
    },
    /// The router stops sending to a terminating replica.
    EndpointRemoved(u32),
    /// The preStop hook has ended.
    Sigterm(u32),
    /// The grace period has ended.
    Sigkill(u32),
    /// The last request of a replica after SIGTERM is done.
    Drained(u32),
}

/// A change of a replica's state, by its name in `events.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeEvent {
    /// The replica exists.
    Created,
    /// It has its GPUs.
    Provisioning,
    /// It pulls its image.
    Pulling,
    /// It loads its weights.
    Loading,
    /// It starts its engine.
    Starting,
    /// It is ready.
    Ready,
    /// It has been ready for `min_ready`.
    Available,
    /// Its start failed.
    StartFailed,
    /// It crashed.
    Crashed,
    /// It was told to terminate.
    Terminating,
    /// Its server was told to stop.
    Sigterm,
    /// Its processes were killed.
    Sigkill,
    /// No process is left.
    Gone,
}

impl LifeEvent {
    /// The name in `events.csv`.
    pub fn name(self) -> &'static str {
        match self {
            LifeEvent::Created => "created",
            LifeEvent::Provisioning => "provisioning",
            LifeEvent::Pulling => "pulling",
            LifeEvent::Loading => "loading",
            LifeEvent::Starting => "starting",
            LifeEvent::Ready => "ready",
            LifeEvent::Available => "available",
            LifeEvent::StartFailed => "start_failed",
            LifeEvent::Crashed => "crashed",
            LifeEvent::Terminating => "terminating",
            LifeEvent::Sigterm => "sigterm",
            LifeEvent::Sigkill => "sigkill",
            LifeEvent::Gone => "gone",
        }
    }
}

/// A change of one replica.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Which replica.
    pub replica: u32,
    /// Its version.
    pub version: Version,
    /// What changed.
    pub event: LifeEvent,
}

/// What the fleet hands to its caller: timers to set, changes to write down, notices of its engines.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Timers to set.
    pub timers: Vec<(Time, Timer)>,
    /// Changes that happened now.
    pub changes: Vec<Change>,
    /// What engines let go of.
    pub notices: Vec<Notice>,
}

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
    scenario: Arc<Scenario>,
    key: RunKey,
    models: Vec<Arc<EngineModel>>,
    replicas: Vec<Replica>,
    warm: u32,
    gpus_held: u32,
    pending: VecDeque<u32>,
    pool: Option<LoadingPool>,
    min_ready: Duration,
    counts: Vec<VersionCounts>,
    statuses: Vec<ReplicaSetStatus>,
    endpoints_epoch: u64,
    draining: Vec<u32>,
    /// Tokens emitted by terminating replicas of those that are gone.
    drain_tokens: u64,
}

impl Fleet {
    /// A warm fleet: the desired replicas of version 0 are available at `now` and draw no cold start.
    pub fn new(
        scenario: Arc<Scenario>,
        models: Vec<Arc<EngineModel>>,
        key: RunKey,
        min_ready: Duration,
        now: Time,
        out: &mut Outbox,
    ) -> Fleet {
        let versions = models.len();
        let pool = match &scenario.cold_start.weight_load {
            WeightLoad::Bandwidth { shared_gigabytes_per_second: Some(shared), .. } => Some(LoadingPool::new(*shared)),
            _ => None,
        };
        let warm = scenario.fleet.replicas;
        let mut fleet = Fleet {
            scenario,
            key,
            models,
            replicas: Vec::new(),
            warm,
            gpus_held: 0,
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
    pub fn engine(&mut self, id: u32) -> &mut Engine {
        &mut self.replicas[id as usize].engine
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

    /// Whether a replica of this version can hold such a request at all.
    pub fn fits(&self, version: Version, prompt_tokens: u32, output_tokens: u32) -> bool {
        self.models[version].fits(prompt_tokens, output_tokens)
    }

    /// Runs one engine up to the boundaries before `limit`.
    pub fn run_before(&mut self, id: u32, limit: Time, out: &mut Outbox) {
        let engine = &mut self.replicas[id as usize].engine;
        if engine.quiet_until() < limit {
            engine.run_before(limit, &mut out.notices);
        }
    }

    /// Runs one engine through the boundaries at `now`.
    pub fn run_through(&mut self, id: u32, now: Time, out: &mut Outbox) {
        self.run_before(id, Time(now.0.saturating_add(1)), out);
    }

    /// Runs every engine up to the boundaries before `limit`.
    pub fn run_all_before(&mut self, limit: Time, out: &mut Outbox) {
        for id in 0..self.replicas.len() as u32 {
            self.run_before(id, limit, out);
        }
    }

    /// Tokens emitted by all engines at boundaries before `now`; all must have been run there.
    pub fn tokens_emitted(&self, now: Time) -> u64 {
        let before = Time(now.0 - 1);
        self.replicas.iter().map(|replica| replica.engine.tokens_emitted(before)).sum()
    }

    /// Tokens emitted so far by replicas while they were terminating, at boundaries before `now`.
    pub fn tokens_while_draining(&self, now: Time) -> u64 {
        let before = Time(now.0 - 1);
        let present: u64 = (self.replicas.iter())
            .filter(|replica| replica.state == State::Terminating)
            .map(|replica| replica.engine.tokens_emitted(before) - replica.tokens_at_termination)
            .sum();
        self.drain_tokens + present
    }

    /// Creates a replica.
    pub fn create(&mut self, version: Version, now: Time, out: &mut Outbox) -> u32 {
        let id = self.add(version, now, out);
        self.pending.push_back(id);
        self.grant_gpus(now, out);
        id
    }

    fn add(&mut self, version: Version, now: Time, out: &mut Outbox) -> u32 {
        let id = self.replicas.len() as u32;
        self.replicas.push(Replica {
            id,
            version,
            state: State::Pending,
            created: now,
            ready_since: None,
            available: false,
            restarts: 0,
            uid: self.key.keyed_bits(Purpose::PodName, u64::from(id), 0),
            in_endpoints: false,
            accepting: false,
            terminated_at: None,
            engine: Engine::new(self.models[version].clone()),
            cold_index: id.checked_sub(self.warm).map(u64::from),
            epoch: 0,
            container_started: now,
            failures_in_row: 0,
            last_step_seconds: 0.0,
            tokens_at_termination: 0,
        });
        self.counts[version].pending += 1;
        self.statuses[version].replicas += 1;
        self.note(id, LifeEvent::Created, out);
        id
    }

    fn note(&self, id: u32, event: LifeEvent, out: &mut Outbox) {
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

    fn set_state(&mut self, id: u32, state: State) {
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

    fn stage_timer(&self, id: u32, at: Time, out: &mut Outbox) {
        if !at.is_never() {
            out.timers.push((at, Timer::Stage { replica: id, epoch: self.replicas[id as usize].epoch }));
        }
    }

    /// Gives free GPUs to those that wait, first come, first served.
    fn grant_gpus(&mut self, now: Time, out: &mut Outbox) {
        let need = self.scenario.fleet.gpus_per_replica;
        while let Some(&id) = self.pending.front() {
            if self.scenario.fleet.gpu_limit.is_some_and(|limit| self.gpus_held + need > limit) {
                return;
            }
            self.pending.pop_front();
            self.gpus_held += need;
            self.set_state(id, State::Provisioning);
            self.note(id, LifeEvent::Provisioning, out);
            let stage = self.scenario.clone();
            let length = self.draw_stage(id, &stage.cold_start.provision, Purpose::Provision);
            self.stage_timer(id, now + length, out);
        }
    }

    /// The length of a stage of this start of a replica.
    fn draw_stage(&self, id: u32, stage: &Stage, purpose: Purpose) -> Duration {
        if self.skips(id, stage.skip_probability, purpose) {
            return Duration::ZERO;
        }
        Duration::from_seconds_f64(self.draw(id, &stage.seconds, purpose))
    }

    fn draw(&self, id: u32, distribution: &Distribution, purpose: Purpose) -> f64 {
        let replica = &self.replicas[id as usize];
        let index = replica.cold_index.unwrap_or(0);
        // A restarted container of the warm fleet must not meet the draws of the first cold start.
        let name = replica.cold_index.map_or(u64::MAX - u64::from(id), |index| index);
        let mut stream = self.key.keyed_stream(purpose, name, u64::from(replica.restarts));
        distribution.draw(&mut stream, index)
    }

    fn uniform(&self, id: u32, purpose: Purpose, salt: u64) -> f64 {
        let replica = &self.replicas[id as usize];
        let name = replica.cold_index.map_or(u64::MAX - u64::from(id), |index| index);
        self.key.keyed_uniform(purpose, name, u64::from(replica.restarts) << 8 | salt)
    }

    fn skips(&self, id: u32, probability: f64, purpose: Purpose) -> bool {
        probability > 0.0 && self.uniform(id, Purpose::Skip, purpose as u64) < probability
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
            Timer::EndpointRemoved(id) | Timer::Sigterm(id) | Timer::Sigkill(id) | Timer::Drained(id) => {
                self.replicas[id as usize].state != State::Gone
            }
        }
    }

    fn stage_ends(&mut self, id: u32, now: Time, out: &mut Outbox) {
        match self.replicas[id as usize].state {
            State::Provisioning => {
                self.set_state(id, State::Pulling);
                let scenario = self.scenario.clone();
                let length = self.draw_stage(id, &scenario.cold_start.image_pull, Purpose::ImagePull);
                self.begin(id, LifeEvent::Pulling, length, now, out);
            }
            State::Pulling | State::BackOff => self.start_container(id, now, out),
            State::Loading => self.start_engine(id, now, out),
            State::Starting => self.engine_started(id, now, out),
            State::Unprobed => self.become_ready(id, now, out),
            state => unreachable!("no stage ends in {state:?}"),
        }
    }

    /// Begins a stage of this length; one of no length is not worth a row.
    fn begin(&self, id: u32, event: LifeEvent, length: Duration, now: Time, out: &mut Outbox) {
        if !length.is_zero() {
            self.note(id, event, out);
        }
        self.stage_timer(id, now + length, out);
    }

    fn start_container(&mut self, id: u32, now: Time, out: &mut Outbox) {
        if self.replicas[id as usize].state == State::BackOff {
            self.replicas[id as usize].restarts += 1;
        }
        self.replicas[id as usize].container_started = now;
        self.set_state(id, State::Loading);
        let scenario = self.scenario.clone();
        let (gigabytes, bandwidth, skip) = match &scenario.cold_start.weight_load {
            WeightLoad::Stage(stage) => {
                let length = self.draw_stage(id, stage, Purpose::WeightLoad);
                return self.begin(id, LifeEvent::Loading, length, now, out);
            }
            WeightLoad::Bandwidth { gigabytes, gigabytes_per_second, skip_probability, .. } => {
                (*gigabytes, gigabytes_per_second, *skip_probability)
            }
        };
        if gigabytes <= 0.0 || self.skips(id, skip, Purpose::WeightLoad) {
            return self.begin(id, LifeEvent::Loading, Duration::ZERO, now, out);
        }
        // A bandwidth of nothing would never end: a kilobyte a second is as slow as makes no difference.
        let own = self.draw(id, bandwidth, Purpose::WeightLoad).max(1e-6);
        let Some(pool) = &mut self.pool else {
            return self.begin(id, LifeEvent::Loading, Duration::from_seconds_f64(gigabytes / own), now, out);
        };
        let end = pool.join(now, id, gigabytes, own);
        out.timers.push((end, Timer::Loaded { epoch: pool.epoch }));
        self.note(id, LifeEvent::Loading, out);
    }

    fn some_loaded(&mut self, now: Time, out: &mut Outbox) {
        let Some(pool) = &mut self.pool else { return };
        let (loaded, next) = pool.take_loaded(now);
        if !next.is_never() {
            out.timers.push((next, Timer::Loaded { epoch: pool.epoch }));
        }
        for id in loaded {
            self.start_engine(id, now, out);
        }
    }

    fn start_engine(&mut self, id: u32, now: Time, out: &mut Outbox) {
        self.set_state(id, State::Starting);
        let scenario = self.scenario.clone();
        let length = self.draw_stage(id, &scenario.cold_start.engine_start, Purpose::EngineStart);
        self.begin(id, LifeEvent::Starting, length, now, out);
    }

    /// The probability that a start of this version fails.
    pub fn start_failure_probability(&self, version: Version) -> f64 {
        let stable = self.scenario.cold_start.failure_probability;
        if version == 0 { stable } else { self.scenario.new_version.start_failure_probability.unwrap_or(stable) }
    }

    fn engine_started(&mut self, id: u32, now: Time, out: &mut Outbox) {
        let probability = self.start_failure_probability(self.replicas[id as usize].version);
        if probability > 0.0 && self.uniform(id, Purpose::StartFailure, 0) < probability {
            self.note(id, LifeEvent::StartFailed, out);
            return self.back_off(id, now, out);
        }
        self.set_state(id, State::Unprobed);
        // Probes come a period apart from the container's start; the first at or after this instant sees it.
        let period = self.scenario.cold_start.readiness_period.0;
        let up = now.since(self.replicas[id as usize].container_started).0;
        let wait = if period == 0 { 0 } else { up.div_ceil(period) * period - up };
        if wait == 0 {
            return self.become_ready(id, now, out);
        }
        self.stage_timer(id, now + Duration(wait), out);
    }

    fn become_ready(&mut self, id: u32, now: Time, out: &mut Outbox) {
        self.set_state(id, State::Ready);
        let replica = &mut self.replicas[id as usize];
        replica.ready_since = Some(now);
        replica.in_endpoints = true;
        replica.accepting = true;
        let (version, epoch, restarts) = (replica.version, replica.epoch, replica.restarts);
        self.statuses[version].ready += 1;
        self.endpoints_epoch += 1;
        self.note(id, LifeEvent::Ready, out);
        if self.min_ready.is_zero() {
            self.become_available(id, out);
        } else {
            out.timers.push((now + self.min_ready, Timer::Available { replica: id, epoch }));
        }
        let mtbf = self.scenario.new_version.crash_mtbf;
        if version > 0 && !mtbf.is_zero() {
            let mut stream = self.key.keyed_stream(Purpose::Crash, u64::from(id), u64::from(restarts));
            let after = Duration::from_seconds_f64(exponential(&mut stream) * mtbf.seconds());
            out.timers.push((now + after, Timer::Crash { replica: id, restarts }));
        }
    }

    fn become_available(&mut self, id: u32, out: &mut Outbox) {
        let replica = &mut self.replicas[id as usize];
        if replica.available || replica.state != State::Ready {
            return;
        }
        replica.available = true;
        self.statuses[replica.version].available += 1;
        self.note(id, LifeEvent::Available, out);
    }

    /// A replica is not ready any more.
    fn lose_readiness(&mut self, id: u32) {
        let replica = &mut self.replicas[id as usize];
        if replica.ready_since.take().is_some() {
            self.statuses[replica.version].ready -= 1;
        }
        if replica.available {
            replica.available = false;
            self.statuses[replica.version].available -= 1;
        }
    }

    fn leave_endpoints(&mut self, id: u32) {
        let replica = &mut self.replicas[id as usize];
        if replica.in_endpoints {
            replica.in_endpoints = false;
            self.endpoints_epoch += 1;
        }
    }

    /// The process ends by itself: what runs is cut, and the container waits for its restart.
    fn crash(&mut self, id: u32, now: Time, out: &mut Outbox) {
        let state = self.replicas[id as usize].state;
        if !matches!(state, State::Ready | State::Terminating) {
            return;
        }
        self.run_through(id, now, out);
        self.note(id, LifeEvent::Crashed, out);
        self.replicas[id as usize].engine.kill(now, &mut out.notices);
        self.replicas[id as usize].accepting = false;
        self.leave_endpoints(id);
        if state == State::Terminating {
            // A pod that is being deleted is not restarted.
            return self.gone(id, now, out);
        }
        self.lose_readiness(id);
        self.back_off(id, now, out);
    }

    fn back_off(&mut self, id: u32, now: Time, out: &mut Outbox) {
        let replica = &mut self.replicas[id as usize];
        if now.since(replica.container_started) > BACK_OFF_RESET {
            replica.failures_in_row = 0;
        }
        let doublings = replica.failures_in_row.min(10);
        replica.failures_in_row += 1;
        let wait = Duration(FIRST_BACK_OFF.0 << doublings).min(LONGEST_BACK_OFF);
        self.set_state(id, State::BackOff);
        self.stage_timer(id, now + wait, out);
    }

    /// Deletes a replica: the grace period, the endpoint lag and the preStop hook start together.
    pub fn terminate(&mut self, id: u32, now: Time, out: &mut Outbox) {
        let state = self.replicas[id as usize].state;
        if matches!(state, State::Terminating | State::Gone) {
            return;
        }
        self.run_through(id, now, out);
        let version = self.replicas[id as usize].version;
        self.note(id, LifeEvent::Terminating, out);
        self.statuses[version].replicas -= 1;
        self.statuses[version].terminating += 1;
        self.lose_readiness(id);
        match state {
            State::Pending => self.pending.retain(|waiting| *waiting != id),
            State::Loading => {
                if let Some(pool) = &mut self.pool
                    && let Some(next) = pool.leave(now, id)
                    && !next.is_never()
                {
                    out.timers.push((next, Timer::Loaded { epoch: pool.epoch }));
                }
            }
            _ => {}
        }
        let replica = &mut self.replicas[id as usize];
        replica.terminated_at = Some(now);
        replica.tokens_at_termination = replica.engine.tokens_emitted(now);
        if !state.container_runs() {
            // No container runs: there is nothing to stop.
            return self.gone(id, now, out);
        }
        self.set_state(id, State::Terminating);
        let termination = &self.scenario.termination;
        let sigterm = now + termination.pre_stop.min(termination.grace_period);
        let sigkill = (now + termination.grace_period).max(sigterm + LEAST_SIGTERM_TIME);
        out.timers.push((now + termination.endpoint_lag, Timer::EndpointRemoved(id)));
        out.timers.push((sigterm, Timer::Sigterm(id)));
        out.timers.push((sigkill, Timer::Sigkill(id)));
    }

    fn sigterm(&mut self, id: u32, now: Time, out: &mut Outbox) {
        if self.replicas[id as usize].state != State::Terminating {
            return;
        }
        self.run_through(id, now, out);
        self.note(id, LifeEvent::Sigterm, out);
        let replica = &mut self.replicas[id as usize];
        replica.accepting = false;
        replica.last_step_seconds = replica.engine.step_seconds();
        if self.scenario.termination.on_sigterm == OnSigterm::Abort {
            replica.engine.abort(now, &mut out.notices);
        }
        if replica.engine.is_empty() { self.gone(id, now, out) } else { self.draining.push(id) }
    }

    fn sigkill(&mut self, id: u32, now: Time, out: &mut Outbox) {
        if self.replicas[id as usize].state != State::Terminating {
            return;
        }
        self.run_through(id, now, out);
        if !self.replicas[id as usize].engine.is_empty() {
            self.note(id, LifeEvent::Sigkill, out);
            let replica = &mut self.replicas[id as usize];
            replica.last_step_seconds = replica.engine.step_seconds();
            replica.engine.kill(now, &mut out.notices);
        }
        self.gone(id, now, out);
    }

    /// Takes a draining replica whose engine has run empty off the list; its [`Timer::Drained`] is set by the caller.
    pub fn drained(&mut self, id: u32) {
        self.draining.retain(|draining| *draining != id);
    }

    fn gone(&mut self, id: u32, now: Time, out: &mut Outbox) {
        if self.replicas[id as usize].state == State::Gone {
            return;
        }
        // The router may not know yet: it stops sending when the endpoint lag has passed.
        let held_gpus = self.replicas[id as usize].state != State::Pending;
        self.set_state(id, State::Gone);
        self.draining.retain(|draining| *draining != id);
        let replica = &mut self.replicas[id as usize];
        replica.accepting = false;
        self.drain_tokens += replica.engine.tokens_emitted(now) - replica.tokens_at_termination;
        self.statuses[replica.version].terminating -= 1;
        self.note(id, LifeEvent::Gone, out);
        if held_gpus {
            self.gpus_held -= self.scenario.fleet.gpus_per_replica;
            self.grant_gpus(now, out);
        }
    }
}
