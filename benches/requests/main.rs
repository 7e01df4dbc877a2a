//! What a simulated request costs, in CPU nanoseconds, beside the least that any simulation of one costs.
//!
//! `cargo bench` prints a table. Each figure is the least of several repetitions, with a measurement of the floor after
//! each of them, so that the ratios hold on a machine whose speed drifts. Absolute figures belong to the machine.
//!
//! `cargo bench --bench requests -- TEXT` measures what has this text in its name. With `--once`, each is done once to warm
//! up and once more in [`once`], and nothing is timed: `instructions.sh` has Valgrind count what [`once`] does.

mod floor;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use cutover::ledger::{Histogram, METRICS, Metric};
use cutover::random::{Purpose, RunKey, unit_interval};
use cutover::scenario::{self, Scenario};
use cutover::serving::{Engine, EngineModel, Request};
use cutover::simulation::Prepared;
use cutover::units::{Duration, Time};
use cutover::workload::Workload;
use rand::Rng;
use rustix::time::{ClockId, clock_gettime};

/// Repetitions of each measurement.
const REPETITIONS: usize = 7;
/// Requests of a repetition of the floor.
const FLOOR_REQUESTS: u64 = 1_000_000;
/// Runs of a repetition of a whole run.
const RUNS: u64 = 4;

/// CPU time of this process, nanoseconds.
fn cpu_nanoseconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// CPU nanoseconds per request of doing the work once; it returns how many requests it did.
fn measured(work: &mut dyn FnMut() -> u64) -> f64 {
    let start = cpu_nanoseconds();
    let requests = work();
    (cpu_nanoseconds() - start) / requests as f64
}

/// Something to measure: made ready, it does its work once each time it is called and returns how many requests it did.
struct Case {
    name: &'static str,
    make_ready: Box<dyn Fn() -> Work>,
}

/// See [`Case`].
type Work = Box<dyn FnMut() -> u64>;

/// Does the work once, in a function that a profiler can find.
#[inline(never)]
fn once(work: &mut Work) -> u64 {
    work()
}

fn load_scenario(name: &str, sets: &[&str]) -> Scenario {
    let metrics: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    scenario::load(&path, &sets, &metrics).unwrap_or_else(|error| panic!("{error}"))
}

/// Whole runs: traffic, engines, router, controller, ledger and timeline, on one thread.
fn whole_runs(name: &'static str, sets: &'static [&'static str]) -> Case {
    Case { name, make_ready: Box::new(move || runs_of(load_scenario("rolling-default-grace.toml", sets))) }
}

fn runs_of(scenario: Scenario) -> Work {
    let prepared = Prepared::new(scenario);
    let (mut ledger, mut pooled) = (prepared.ledger(), prepared.pooled());
    let study = &prepared.scenario.study;
    // Requests are counted over the window; a run also serves those of its warm-up.
    let served = (study.warm_up.seconds() + study.duration.seconds()) / study.duration.seconds();
    Box::new(move || {
        let requests = |run| prepared.run(run, &mut ledger, &mut pooled).value(Metric::Requests) * served;
        (0..RUNS).map(requests).sum::<f64>() as u64
    })
}

/// The traffic alone.
fn traffic() -> Case {
    const REQUESTS: u64 = 500_000;
    let make_ready = || -> Work {
        let scenario = load_scenario("rolling-default-grace.toml", &[]);
        Box::new(move || {
            let mut workload = Workload::new(&scenario, RunKey::new(1, 0), Time::ZERO);
            for _ in 0..REQUESTS {
                black_box(workload.next_arrival());
            }
            REQUESTS
        })
    };
    Case { name: "part: traffic", make_ready: Box::new(make_ready) }
}

/// One engine and its share of the scenario's traffic.
fn engine(name: &'static str, sets: &'static [&'static str]) -> Case {
    let make_ready = move || -> Work {
        let scenario = load_scenario("rolling-default-grace.toml", sets);
        Box::new(move || serve(&scenario))
    };
    Case { name, make_ready: Box::new(make_ready) }
}

fn serve(scenario: &Scenario) -> u64 {
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
        engine.submit(now, Request { id: id as u32, prompt_tokens, output_tokens, luck: id }, &mut notices);
    }
    REQUESTS
}

/// Three records into the histograms that a run keeps.
fn histograms() -> Case {
    const REQUESTS: u64 = 2_000_000;
    let work = || {
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
    };
    Case { name: "part: three histogram records", make_ready: Box::new(move || Box::new(work)) }
}

fn cases() -> Vec<Case> {
    vec![
        whole_runs("whole run, light load (10 % utilised)", &["traffic.arrivals.rate=4"]),
        whole_runs("whole run, as shipped (48 % utilised)", &[]),
        whole_runs("whole run, heavy load (85 % utilised)", &["traffic.arrivals.rate=32"]),
        whole_runs("whole run, past saturation", &["traffic.arrivals.rate=45", "study.cool_down=\"0s\""]),
        whole_runs("whole run, chunks of 512 tokens", &["engine.max_num_batched_tokens=512"]),
        whole_runs("whole run, 64 replicas", &MORE_REPLICAS),
        whole_runs("whole run, 1,000 replicas", &MANY_REPLICAS),
        traffic(),
        engine("part: traffic and engine, as shipped", &[]),
        engine("part: traffic and engine, heavy load", &["traffic.arrivals.rate=32"]),
        histograms(),
    ]
}

/// The shipped load on eight times as many replicas.
const MORE_REPLICAS: [&str; 4] =
    ["traffic.arrivals.rate=144", "fleet.replicas=64", "fleet.gpu_limit=80", "study.duration=\"30m\""];

/// The shipped load on a thousand replicas.
const MANY_REPLICAS: [&str; 5] = [
    "traffic.arrivals.rate=2250",
    "fleet.replicas=1000",
    "fleet.gpu_limit=1250",
    "study.duration=\"2m\"",
    "rollout.start=\"30s\"",
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let once_each = arguments.iter().any(|argument| argument == "--once");
    let wanted = |case: &Case| {
        let mut texts = arguments.iter().filter(|argument| *argument != "--once").peekable();
        texts.peek().is_none() || texts.any(|text| case.name.contains(text.as_str()))
    };
    let cases = cases().into_iter().filter(wanted);
    if once_each {
        for case in cases {
            let mut work = (case.make_ready)();
            work();
            println!("{}: {} requests", case.name, once(&mut work));
        }
        return;
    }
    println!("{:<48} {:>10} {:>8}", "CPU time per request", "ns", "floors");
    let row = |name: &str, nanoseconds: f64, floor: f64| {
        println!("{name:<48} {nanoseconds:>10.1} {:>8.2}", nanoseconds / floor);
    };
    for (i, case) in cases.enumerate() {
        let mut work = (case.make_ready)();
        let (mut least, mut yardstick) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..REPETITIONS {
            least = least.min(measured(&mut work));
            yardstick = yardstick.min(measured(&mut || floor::floor(FLOOR_REQUESTS)));
        }
        if i == 0 {
            row("floor", yardstick, yardstick);
        }
        row(case.name, least, yardstick);
    }
}
