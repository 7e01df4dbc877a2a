//! The books of one run: told what happens and when, it keeps what every metric needs.
//!
//! It sees facts (an arrival, an attempt's end, how many replicas are in which state), never their causes.

mod closing;

use super::exposure::Exposure;
use super::facts::{EndedAttempt, FleetLevels, Outcome, RequestTimes, TokenSnapshot};
use super::grid::Grid;
use super::histogram::Histogram;
use super::latency::Latency;
use super::metrics::{METRICS, Metric};
use super::money::{GpuTime, Tariff, TokenFlows};
use super::timeline::{Levels, TimelineBins};
use crate::scenario::Scenario;
use crate::serving::Saturation;
use crate::units::{Duration, Time};
use crate::workload::RateCurve;

/// Requests and attempts by outcome, of all and of each version, for conservation.
#[derive(Clone, Copy, Debug, Default)]
struct VersionCount {
    begun: u64,
    ended: u64,
}

/// Capacity over time, as integrals over the window.
#[derive(Clone, Copy, Debug, Default)]
struct Capacity {
    dip_replica_seconds: f64,
    seconds_below: f64,
    seconds_overloaded: f64,
    least_ready: Option<u32>,
    least_capacity: f64,
    peak_gpus: u32,
}

/// `[slo]` as a run is held to it.
#[derive(Clone, Copy, Debug)]
struct Objective {
    ttft: Duration,
    quantile: f64,
    bins: Grid,
}

/// The books of one run.
#[derive(Debug)]
pub struct RunLedger {
    // What the scenario fixes.
    duration: Duration,
    needed: f64,
    desired: u32,
    gpus_per_replica: u32,
    tokens_per_request: f64,
    tariff: Tariff,
    slo: Option<Objective>,
    // What the run adds.
    rate: RateCurve,
    counts: Vec<u64>,
    /// By version, and last those that reached none.
    versions: Vec<VersionCount>,
    open_requests: u64,
    ttft: Latency,
    tpot: Latency,
    e2e: Latency,
    queue_time: Latency,
    needed_grace: Histogram,
    slo_bins: Vec<(u32, u32)>,
    timeline: TimelineBins,
    levels: FleetLevels,
    levels_since: Time,
    capacity: Capacity,
    exposure: Exposure,
    gpu_time: GpuTime,
    tokens: TokenFlows,
    at_start: TokenSnapshot,
    at_end: TokenSnapshot,
}

impl RunLedger {
    /// Empty books of a scenario, to be opened for a run.
    pub fn new(scenario: &Scenario, saturation: Saturation, mean_output_tokens: f64) -> RunLedger {
        let (study, fleet) = (&scenario.study, &scenario.fleet);
        let slo = scenario.slo.as_ref().map(|slo| Objective {
            ttft: slo.ttft,
            quantile: slo.quantile,
            bins: Grid::new(slo.bin, study.duration),
        });
        let slo_bins = slo.map_or(0, |slo| slo.bins.len());
        RunLedger {
            duration: study.duration,
            needed: fleet.needed_replicas,
            desired: fleet.replicas,
            gpus_per_replica: fleet.gpus_per_replica,
            tokens_per_request: mean_output_tokens,
            tariff: Tariff {
                gpu_hour_usd: fleet.gpu_hour_usd,
                surge_gpu_hour_usd: fleet.surge_gpu_hour_usd,
                gpus_per_replica: f64::from(fleet.gpus_per_replica),
                steady_gpu_hours: f64::from(fleet.replicas * fleet.gpus_per_replica) * study.duration.seconds()
                    / 3600.0,
                saturated_rate: saturation.rate,
            },
            slo,
            rate: RateCurve::Constant(0.0),
            counts: vec![0; METRICS.len()],
            versions: vec![VersionCount::default(); scenario.versions.len() + 1],
            open_requests: 0,
            ttft: Latency::default(),
            tpot: Latency::default(),
            e2e: Latency::default(),
            queue_time: Latency::default(),
            needed_grace: Histogram::new(),
            slo_bins: vec![(0, 0); slo_bins],
            timeline: TimelineBins::new(study.timeline_bin, study.duration),
            levels: FleetLevels::default(),
            levels_since: Time::ZERO,
            capacity: Capacity::default(),
            exposure: Exposure::default(),
            gpu_time: GpuTime::default(),
            tokens: TokenFlows::default(),
            at_start: TokenSnapshot::default(),
            at_end: TokenSnapshot::default(),
        }
    }

    /// Opens the books for a run whose traffic follows `rate`; what the last run left is forgotten.
    pub fn open(&mut self, rate: RateCurve, now: Time) {
        self.rate = rate;
        self.counts.fill(0);
        self.versions.fill(VersionCount::default());
        self.open_requests = 0;
        for latency in [&mut self.ttft, &mut self.tpot, &mut self.e2e, &mut self.queue_time] {
            latency.clear();
        }
        self.needed_grace.clear();
        self.slo_bins.fill((0, 0));
        self.timeline.clear();
        self.levels = FleetLevels::default();
        self.levels_since = now;
        self.capacity = Capacity { least_capacity: f64::INFINITY, ..Capacity::default() };
        self.exposure = Exposure::default();
        self.gpu_time = GpuTime::default();
        self.tokens = TokenFlows::default();
    }

    #[inline]
    fn in_window(&self, time: Time) -> bool {
        // What is before time zero is, taken as unsigned, far beyond the window.
        (time.0 as u64) < self.duration.0
    }

    fn count(&mut self, metric: Metric) {
        self.counts[metric as usize] += 1;
    }

    /// A request arrives for the first time; whether it counts.
    pub fn arrival(&mut self, time: Time) -> bool {
        if !self.in_window(time) {
            return false;
        }
        self.count(Metric::Requests);
        self.open_requests += 1;
        self.timeline.arrival(time);
        if let Some(bin) = self.slo_bin(time) {
            bin.0 += 1;
        }
        true
    }

    /// Requests that arrived in the same bin as this one, and those of them that met the objective.
    #[inline]
    fn slo_bin(&mut self, arrival: Time) -> Option<&mut (u32, u32)> {
        self.slo_bins.get_mut(self.slo?.bins.index(arrival)?)
    }

    /// Measured requests that have not ended.
    pub fn open_requests(&self) -> u64 {
        self.open_requests
    }

    /// An attempt begins: at a version, or at the gateway or a refusal (`None`).
    pub fn attempt_begun(&mut self, version: Option<usize>, time: Time) {
        let nowhere = self.versions.len() - 1;
        self.versions[version.unwrap_or(nowhere)].begun += 1;
        if let Some(version) = version {
            self.timeline.routed(time, version > 0);
            if version == self.exposure.version && version > 0 && self.exposure.first_routed.is_none() {
                self.exposure.first_routed = Some(time);
            }
        }
    }

    /// Whether an attempt that reaches this version now exposes its request: the version is being rolled out, there is no
    /// verdict on it yet, and the window has not ended.
    #[inline]
    pub fn exposes(&self, version: usize, time: Time) -> bool {
        version == self.exposure.version && self.exposure.verdict.is_none() && time < Time::ZERO + self.duration
    }

    /// A version is shipped. Once one was given up, that one is looked at to the end.
    pub fn version_shipped(&mut self, version: usize) {
        if self.exposure.aborted.is_none() {
            self.exposure = Exposure { version, ..Exposure::default() };
        }
    }

    /// A version that was given up is taken up again: whoever meets it is exposed once more.
    pub fn rollout_retried(&mut self) {
        self.exposure.verdict = None;
    }

    /// The version whose rollout is looked at.
    pub fn followed_version(&self) -> usize {
        self.exposure.version
    }

    /// There is a verdict on the new version: it was promoted, or the rollout is over. Only the first counts.
    pub fn rollout_verdict(&mut self, time: Time) {
        self.exposure.verdict.get_or_insert(time);
    }

    /// The new version is given up at this weight, in percent of the requests, where there are weights. What follows until
    /// the rollout is over is what the abort costs.
    pub fn rollout_aborted(&mut self, time: Time, weight: Option<u32>) {
        if time < Time::ZERO + self.duration && self.exposure.aborted.is_none() {
            self.settle(time);
            self.exposure.aborted = Some(time);
            self.exposure.weight_at_abort = weight;
        }
        self.rollout_verdict(time);
    }

    /// The rollout is over: stable is restored, or the new version runs alone.
    pub fn rollout_over(&mut self, time: Time) {
        if self.exposure.is_aborting() {
            self.settle(time);
            self.exposure.is_over = true;
        }
        self.rollout_verdict(time);
    }

    /// Whether the router may send to the new version from now on, once the rollout was aborted.
    pub fn new_version_reachable(&mut self, time: Time, is_reachable: bool) {
        if time < Time::ZERO + self.duration {
            self.exposure.safe = if is_reachable { None } else { self.exposure.safe.or(Some(time)) };
        }
    }

    /// So many replicas are created.
    pub fn replicas_created(&mut self, time: Time, created: u64) {
        if self.exposure.is_aborting() && self.in_window(time) {
            self.exposure.cost.replicas_created += created;
        }
    }

    /// A measured request is tried again.
    pub fn retry(&mut self) {
        self.count(Metric::Retries);
    }

    /// An attempt ends.
    pub fn attempt_ended(&mut self, attempt: &EndedAttempt) {
        let nowhere = self.versions.len() - 1;
        self.versions[attempt.version.unwrap_or(nowhere)].ended += 1;
        if attempt.measured {
            self.count(attempt.outcome.metrics().1);
        }
        match attempt.outcome {
            Outcome::Truncated => self.timeline.truncated(attempt.time),
            Outcome::Refused | Outcome::Dropped | Outcome::Failed => self.timeline.error(attempt.time),
            Outcome::Completed | Outcome::TimedOut => {}
        }
        if self.in_window(attempt.time) {
            if attempt.outcome == Outcome::Completed {
                self.tokens.useful += u64::from(attempt.tokens_out);
                self.tokens.useful_prompts += u64::from(attempt.prompt_tokens);
            } else {
                self.tokens.wasted += u64::from(attempt.tokens_out);
            }
        }
    }

    /// A measured request ends: this is what its user finally got.
    pub fn request_ended(&mut self, outcome: Outcome, times: &RequestTimes) {
        self.count(outcome.metrics().0);
        self.open_requests -= 1;
        self.request_times(times);
    }

    /// A measured request had not ended when the run did.
    pub fn request_in_flight(&mut self, times: &RequestTimes) {
        self.count(Metric::InFlightRequests);
        self.open_requests -= 1;
        self.request_times(times);
    }

    fn request_times(&mut self, times: &RequestTimes) {
        if times.reached_new {
            self.count(Metric::NewVersionRequests);
        }
        if times.exposed {
            self.count(Metric::ExposedRequests);
        }
        if let Some(scheduled) = times.scheduled {
            self.queue_time.record(scheduled.since(times.arrival));
        }
        let Some(first_token) = times.first_token else { return };
        let ttft = first_token.since(times.arrival);
        self.ttft.record(ttft);
        self.timeline.ttft(times.arrival, ttft, times.reached_new);
        if self.slo.is_some_and(|slo| ttft <= slo.ttft)
            && let Some(bin) = self.slo_bin(times.arrival)
        {
            bin.1 += 1;
        }
        let Some(finish) = times.finish else { return };
        self.e2e.record(finish.since(times.arrival));
        if times.output_tokens > 1 {
            let gaps = u64::from(times.output_tokens - 1);
            self.tpot.record(Duration((finish.since(first_token).0 + gaps / 2) / gaps));
        }
    }

    /// An answer that was in flight on a terminating replica has ended: this grace period would have let it finish.
    pub fn needed_grace(&mut self, grace: Duration) {
        self.needed_grace.record(grace);
    }

    /// The fleet's levels from `now` on.
    pub fn fleet_levels(&mut self, now: Time, levels: FleetLevels) {
        self.settle(now);
        self.levels = levels;
    }

    /// Adds the present levels from when they began to `now`, as far as that is in the window. Levels that lasted for no
    /// time, between two things of the same nanosecond, leave no trace.
    fn settle(&mut self, now: Time) {
        let from = self.levels_since.max(Time::ZERO);
        let to = now.min(Time::ZERO + self.duration);
        self.levels_since = now;
        if from >= to {
            return;
        }
        let levels = self.levels;
        let capacity = levels.capacity;
        let (nanoseconds, seconds) = (u128::from(to.since(from).0), to.since(from).seconds());
        let ready = levels.stable[2] + levels.new[2];
        self.capacity.least_ready = Some(self.capacity.least_ready.map_or(ready, |least| least.min(ready)));
        self.capacity.least_capacity = self.capacity.least_capacity.min(capacity);
        self.capacity.peak_gpus = self.capacity.peak_gpus.max(levels.gpus_held);
        let dip = (self.needed - capacity).max(0.0);
        // Capacities are sums of reciprocals: what rounding leaves is no dip.
        if dip > 1e-9 {
            self.capacity.dip_replica_seconds += dip * seconds;
            self.capacity.seconds_below += seconds;
        }
        let carried = capacity * self.tariff.saturated_rate / self.tokens_per_request;
        let overloaded = self.rate.seconds_above(carried, from, to);
        self.capacity.seconds_overloaded += overloaded;
        if self.exposure.is_aborting() {
            self.exposure.cost.dip_replica_seconds += if dip > 1e-9 { dip * seconds } else { 0.0 };
            self.exposure.cost.seconds_overloaded += overloaded;
        }
        self.add_gpu_time(&levels, nanoseconds);
        self.timeline.add_levels(from, to, &timeline_levels(&levels));
    }

    fn add_gpu_time(&mut self, levels: &FleetLevels, nanoseconds: u128) {
        let gpus =
            |state: usize| u128::from(levels.stable[state] + levels.new[state]) * u128::from(self.gpus_per_replica);
        let steady = u128::from(self.desired) * u128::from(self.gpus_per_replica);
        let (cold, ready, draining) = (gpus(1), gpus(2), gpus(3));
        let time = &mut self.gpu_time;
        time.cold += cold * nanoseconds;
        time.draining += draining * nanoseconds;
        time.ready += ready * nanoseconds;
        time.surge += (cold + ready + draining).saturating_sub(steady) * nanoseconds;
        time.ready_surge += ready.saturating_sub(steady) * nanoseconds;
    }

    /// The window begins.
    pub fn window_begins(&mut self, snapshot: TokenSnapshot) {
        self.settle(Time::ZERO);
        self.at_start = snapshot;
    }

    /// The window ends.
    pub fn window_ends(&mut self, snapshot: TokenSnapshot) {
        self.settle(Time::ZERO + self.duration);
        self.at_end = snapshot;
        self.tokens.emitted = snapshot.emitted - self.at_start.emitted;
        self.tokens.emitted_draining = snapshot.emitted_draining - self.at_start.emitted_draining;
    }
}

fn timeline_levels(levels: &FleetLevels) -> Levels {
    let groups = [levels.stable, levels.new];
    let of = |group: usize, state: usize| f64::from(groups[group][state]);
    let (pending, cold, ready, draining) = (0, 1, 2, 3);
    Levels {
        values: [
            of(0, ready),
            of(1, ready),
            of(0, cold),
            of(1, cold),
            of(0, pending),
            of(1, pending),
            of(0, draining),
            of(1, draining),
            levels.capacity,
            f64::from(levels.gpus_held),
        ],
        ready: levels.stable[ready] + levels.new[ready],
    }
}
