//! What a simulated request costs, in CPU nanoseconds, beside the least that any simulation of one costs.
//!
//! `cargo bench` prints a table. Each figure is the least of several repetitions, the floor's between the others', so
//! that the ratios hold on a machine whose speed drifts. Absolute figures belong to the machine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use cutover::ledger::{Histogram, METRICS, Metric};
use cutover::random::{Purpose, RunKey, exponential, unit_interval};
use cutover::scenario::{self, Scenario};
use cutover::serving::{Engine, EngineModel, Request};
use cutover::simulation::Prepared;
use cutover::units::{Duration, Time};
use cutover::workload::Workload;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use rustix::time::{ClockId, clock_gettime};

/// Repetitions of each measurement.
const REPETITIONS: usize = 5;

/// CPU time of this process, nanoseconds.
fn cpu_nanoseconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Least CPU nanoseconds per request over repetitions; `work` returns how many requests it did.
fn least(mut work: impl FnMut() -> u64) -> f64 {
    (0..REPETITIONS)
        .map(|_| {
            let start = cpu_nanoseconds();
            let requests = work();
            (cpu_nanoseconds() - start) / requests as f64
        })
        .fold(f64::INFINITY, f64::min)
}

/// The least work that any simulation of a request does: one arrival gap, two lognormal lengths, one power-of-two route
/// over 64 replicas, one departure through a heap, three histogram records. It models nothing else.
fn floor() -> u64 {
    const REQUESTS: u64 = 2_000_000;
    let mut stream = RunKey::new(1, 0).stream(Purpose::Arrivals);
    let mut departures: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::with_capacity(1 << 16);
    let mut load = [0u32; 64];
    let mut histograms = vec![vec![0u32; 4096]; 3];
    let mut record = |which: usize, value: f64| {
        let bucket = (value.to_bits() >> 45) as usize % 4096;
        histograms[which][bucket] += 1;
    };
    let (mut arrival, mut done) = (0.0f64, 0);
    while done < REQUESTS {
        match departures.peek() {
            Some(Reverse((at, _))) if f64::from_bits(*at) <= arrival => {
                if let Some(Reverse((at, replica))) = departures.pop() {
                    let now = f64::from_bits(at);
                    load[replica as usize] -= 1;
                    record(1, now);
                    record(2, now - arrival);
                    done += 1;
                }
            }
            _ => {
                let (a, b): (f64, f64) = (StandardNormal.sample(&mut stream), StandardNormal.sample(&mut stream));
                let (prompt, output) = ((6.0 + a).exp(), (2.0 + 0.7 * b).exp());
                let bits = stream.next_u64();
                let (i, j) = ((bits & 63) as usize, (bits >> 6 & 63) as usize);
                let replica = if load[i] <= load[j] { i } else { j };
                load[replica] += 1;
                departures.push(Reverse(((arrival + output + prompt * 1e-4).to_bits(), replica as u32)));
                record(0, prompt);
                arrival += exponential(&mut stream) * 0.01;
            }
        }
    }
    black_box(&histograms);
    REQUESTS
}

fn load_scenario(name: &str, sets: &[String]) -> Scenario {
    let metrics: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    scenario::load(&path, sets, &metrics).unwrap_or_else(|error| panic!("{error}"))
}

/// Whole runs: traffic, engines, router, controller, ledger and timeline, on one thread.
fn whole_runs(scenario: Scenario) -> impl FnMut() -> u64 {
    let prepared = Prepared::new(scenario);
    let (mut ledger, mut pooled) = (prepared.ledger(), prepared.pooled());
    let study = &prepared.scenario.study;
    // Requests are counted over the window; a run also serves those of its warm-up and cool-down.
    let served = (study.warm_up.seconds() + study.duration.seconds()) / study.duration.seconds();
    let mut run = 0;
    move || {
        let mut requests = 0.0;
        for _ in 0..4 {
            requests += prepared.run(run, &mut ledger, &mut pooled).value(Metric::Requests) * served;
            run += 1;
        }
        requests as u64
    }
}

/// The traffic alone.
fn workload(scenario: &Scenario) -> u64 {
    const REQUESTS: u64 = 500_000;
    let mut workload = Workload::new(scenario, RunKey::new(1, 0), Time::ZERO);
    for _ in 0..REQUESTS {
        black_box(workload.next_arrival());
    }
    REQUESTS
}

/// One engine alone, fed with its share of the scenario's traffic.
fn engine(scenario: &Scenario) -> u64 {
    const REQUESTS: u64 = 100_000;
    let mut engine = Engine::new(Arc::new(EngineModel::new(&scenario.engine, 1.0)));
    let mut workload = Workload::new(scenario, RunKey::new(1, 0), Time::ZERO);
    let share = i64::from(scenario.fleet.replicas);
    let mut notices = Vec::new();
    for id in 0..REQUESTS {
        let arrival = workload.next_arrival();
        let now = Time(arrival.time.0 * share);
        engine.run_before(now, &mut notices);
        notices.clear();
        let (prompt_tokens, output_tokens) = (arrival.prompt_tokens, arrival.output_tokens);
        engine.submit(now, Request { id: id as u32, prompt_tokens, output_tokens }, &mut notices);
    }
    REQUESTS
}

/// Three records into the histograms that a run keeps.
fn histograms() -> u64 {
    const REQUESTS: u64 = 2_000_000;
    let mut stream = RunKey::new(1, 0).stream(Purpose::Arrivals);
    let mut kept = [Histogram::new(), Histogram::new(), Histogram::new()];
    for _ in 0..REQUESTS {
        let bits = stream.next_u64();
        for (i, histogram) in kept.iter_mut().enumerate() {
            histogram.record(Duration((unit_interval(bits.rotate_left(17 * i as u32)) * 1e9) as u64 + 1_000_000));
        }
    }
    black_box(&kept);
    REQUESTS
}

/// Something to measure: it returns how many requests it did.
type Work = Box<dyn FnMut() -> u64>;

fn main() {
    let main_scenario = "rolling-default-grace.toml";
    let at = |sets: &[&str]| load_scenario(main_scenario, &sets.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
    let mut whole: Vec<(&str, Work)> = vec![
        ("whole run, light load (10 % utilised)", Box::new(whole_runs(at(&["traffic.arrivals.rate=4"])))),
        ("whole run, as shipped (48 % utilised)", Box::new(whole_runs(at(&[])))),
        ("whole run, heavy load (85 % utilised)", Box::new(whole_runs(at(&["traffic.arrivals.rate=32"])))),
        (
            "whole run, past saturation",
            Box::new(whole_runs(at(&["traffic.arrivals.rate=45", "study.cool_down=\"0s\""]))),
        ),
        (
            "whole run, 64 replicas, power of two choices",
            Box::new(whole_runs(at(&[
                "traffic.arrivals.rate=144",
                "fleet.replicas=64",
                "fleet.gpu_limit=80",
                "router.policy=\"power_of_two\"",
                "study.duration=\"20m\"",
            ]))),
        ),
    ];
    let shipped = at(&[]);
    let heavy = at(&["traffic.arrivals.rate=32"]);
    println!("{:<48} {:>10} {:>8}", "CPU time per request", "ns", "floors");
    let row = |name: &str, nanoseconds: f64, floor: f64| {
        println!("{name:<48} {nanoseconds:>10.1} {:>8.2}", nanoseconds / floor);
    };
    let yardstick = least(floor);
    row("floor", yardstick, yardstick);
    for (name, work) in &mut whole {
        let nanoseconds = least(&mut *work);
        row(name, nanoseconds, least(floor));
    }
    row("part: traffic", least(|| workload(&shipped)), yardstick);
    row("part: engine, as shipped", least(|| engine(&shipped)), yardstick);
    row("part: engine, heavy load", least(|| engine(&heavy)), yardstick);
    row("part: three histogram records", least(histograms), yardstick);
}
