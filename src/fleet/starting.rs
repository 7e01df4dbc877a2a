//! How a replica comes up: GPUs, the stages of its cold start, readiness, and the back-off after a start that failed.

use super::events::{LifeEvent, Outbox, Timer};
use super::life::Fleet;
use super::replica::State;
use crate::random::{Distribution, Purpose, exponential};
use crate::scenario::{Stage, WeightLoad};
use crate::units::{Duration, Time};

/// First wait of Kubernetes' crash-loop back-off; it doubles with each failure (kubelet: `MaxContainerBackOff` and its
/// initial 10 s).
const FIRST_BACK_OFF: Duration = Duration::from_seconds(10);
/// Longest wait of the crash-loop back-off.
const LONGEST_BACK_OFF: Duration = Duration::from_seconds(300);
/// A container that ran for twice the longest wait starts the back-off anew.
const BACK_OFF_RESET: Duration = Duration::from_seconds(600);

impl Fleet {
    fn stage_timer(&self, id: u32, at: Time, out: &mut Outbox) {
        if !at.is_never() {
            out.timers.push((at, Timer::Stage { replica: id, epoch: self.replicas[id as usize].epoch }));
        }
    }

    /// Gives free GPUs to those that wait, first come, first served.
    pub(super) fn grant_gpus(&mut self, now: Time, out: &mut Outbox) {
        let need = self.scenario.fleet.gpus_per_replica;
        while let Some(&id) = self.pending.front() {
            if !self.quota.has_room(self.gpus_held + need) {
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

    pub(super) fn stage_ends(&mut self, id: u32, now: Time, out: &mut Outbox) {
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

    pub(super) fn some_loaded(&mut self, now: Time, out: &mut Outbox) {
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

    /// The probability that a start of this pod template fails.
    pub fn start_failure_probability(&self, template: usize) -> f64 {
        let stable = self.scenario.cold_start.failure_probability;
        self.scenario.versions[template].start_failure_probability.unwrap_or(stable)
    }

    fn engine_started(&mut self, id: u32, now: Time, out: &mut Outbox) {
        let probability = self.start_failure_probability(self.replicas[id as usize].template);
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

    pub(super) fn become_ready(&mut self, id: u32, now: Time, out: &mut Outbox) {
        self.pass_probe(id, now, out);
        let replica = &self.replicas[id as usize];
        let restarts = replica.restarts;
        let mtbf = self.scenario.versions[replica.template].crash_mtbf;
        if !mtbf.is_zero() {
            let mut stream = self.key.keyed_stream(Purpose::Crash, u64::from(id), u64::from(restarts));
            let after = Duration::from_seconds_f64(exponential(&mut stream) * mtbf.seconds());
            out.timers.push((now + after, Timer::Crash { replica: id, restarts }));
        }
    }

    /// The readiness probe succeeds: the replica enters the endpoints, and `min_ready` begins.
    pub(super) fn pass_probe(&mut self, id: u32, now: Time, out: &mut Outbox) {
        self.set_state(id, State::Ready);
        let replica = &mut self.replicas[id as usize];
        replica.ready_since = Some(now);
        replica.in_endpoints = true;
        replica.accepting = true;
        let (version, epoch) = (replica.version, replica.epoch);
        self.engines.enlist(id, version);
        self.statuses[version].ready += 1;
        self.endpoints_epoch += 1;
        self.note(id, LifeEvent::Ready, out);
        if self.min_ready.is_zero() {
            self.become_available(id, out);
        } else {
            out.timers.push((now + self.min_ready, Timer::Available { replica: id, epoch }));
        }
    }

    pub(super) fn become_available(&mut self, id: u32, out: &mut Outbox) {
        let replica = &mut self.replicas[id as usize];
        if replica.available || replica.state != State::Ready {
            return;
        }
        replica.available = true;
        self.statuses[replica.version].available += 1;
        self.note(id, LifeEvent::Available, out);
    }

    /// A container has ended by itself: it waits for its restart, longer after each failure in a row.
    pub(super) fn back_off(&mut self, id: u32, now: Time, out: &mut Outbox) {
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
}
