//! Studies for the tests of charts: drawn by hand rather than simulated, in the shapes that rollouts have.

use rand::RngExt;

use crate::ledger::{METRICS, Metric, Pooled, RolloutOutcome, RunRecord, SERIES, Series};
use crate::random::{Purpose, RunKey};
use crate::scenario::{Scenario, parse};
use crate::study::{Facts, StudyResult, summarize};
use crate::units::Duration;

/// Minutes in the window.
const MINUTES: usize = 90;
/// Bins in a minute.
const BINS_A_MINUTE: usize = 6;
/// Bins in the window.
const BINS: usize = MINUTES * BINS_A_MINUTE;

/// What a sample is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Two replicas at a time, beyond the desired ones.
    Rolling,
    /// No rollout.
    None,
    /// New replicas that wait for GPUs for ever.
    Stuck,
    /// A canary that is rolled back after 20 minutes.
    RolledBack,
    /// A canary whose runs end in every way, while operators are at work.
    Mixed,
    /// Nothing is ever cut and nothing changes.
    Quiet,
    /// Thousands of replicas, cut responses and dollars.
    Huge,
    /// No requests at all: latencies and prices are empty.
    Silent,
}

/// Every shape.
pub const SHAPES: [Shape; 8] = [
    Shape::Rolling,
    Shape::None,
    Shape::Stuck,
    Shape::RolledBack,
    Shape::Mixed,
    Shape::Quiet,
    Shape::Huge,
    Shape::Silent,
];

impl Shape {
    fn is_canary(self) -> bool {
        matches!(self, Shape::RolledBack | Shape::Mixed)
    }

    /// Whether a replica is ever replaced.
    fn is_eventful(self) -> bool {
        !matches!(self, Shape::None | Shape::Quiet | Shape::Silent)
    }
}

/// A study of this shape with so many runs.
pub fn study(shape: Shape, runs: u64) -> StudyResult {
    let scenario = scenario(shape, runs);
    let mut pooled = Pooled::new(BINS);
    let records = (0..runs).map(|run| record(shape, run, &mut pooled)).collect();
    let facts = Facts {
        saturated_rate: 2_000.0,
        saturated_batch: 64.0,
        mean_prompt_tokens: 1_100.0,
        mean_output_tokens: 420.0,
        mean_rate: 6.0,
    };
    summarize(scenario, facts, records, pooled, false)
}

fn scenario(shape: Shape, runs: u64) -> Scenario {
    let (strategy, replicas, limit) = match shape {
        Shape::None | Shape::Quiet | Shape::Silent => ("none", 8, "gpu_limit = 10"),
        Shape::RolledBack | Shape::Mixed => ("canary", 8, ""),
        Shape::Huge => ("rolling", 4_000, "gpu_limit = 40000\ngpus_per_replica = 8"),
        Shape::Rolling | Shape::Stuck => ("rolling", 8, "gpu_limit = 10"),
    };
    let text = format!(
        "name = \"Qwen 27 GB on 8 H100: {strategy} rollout with the default grace period\"\n\
         [study]\nruns = {runs}\nseed = 1\nduration = \"90m\"\ntimeline_bin = \"10s\"\n\
         [traffic]\narrivals = {{ process = \"poisson\", rate = 6.0 }}\nprompt_tokens = 800\noutput_tokens = 250\n\
         [fleet]\nreplicas = {replicas}\nneeded_replicas = {}\n{limit}\ngpu_hour_usd = 3.0\n\
         [engine]\nkv_cache_tokens = 400000\nstep_time = {{ base = \"8ms\", per_sequence = \"50us\" }}\n\
         [slo]\nttft = \"2s\"\n[rollout]\nstrategy = \"{strategy}\"\nstart = \"20m\"\n",
        replicas - 1,
    );
    let text =
        if strategy == "canary" { format!("{text}[rollout.canary]\nsteps = [{{ set_weight = 25 }}]\n") } else { text };
    let cold = "[cold_start]\nimage_pull = { distribution = \"lognormal\", median = \"60s\", p99 = \"240s\" }\n\
                weight_load = { gigabytes = 27, gigabytes_per_second = 0.7, shared_gigabytes_per_second = 4.0 }\n\
                engine_start = \"75s\"\n";
    let text = if shape.is_eventful() { format!("{text}{cold}") } else { text };
    let at = |minute: u32, what: &str| format!("[[action]]\nat = \"{minute}m\"\ndo = \"{what}\"\n");
    let acted = [at(24, "pause"), at(26, "resume"), at(31, "pause"), at(32, "resume"), at(33, "promote")].concat();
    let text = if shape == Shape::Mixed { format!("{text}{acted}") } else { text };
    parse(&text, "sample.toml", std::path::Path::new(""), &[], &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn record(shape: Shape, run: u64, pooled: &mut Pooled) -> RunRecord {
    let mut random = RunKey::new(1, run).stream(Purpose::Routing);
    let mut timeline = vec![0f32; BINS * SERIES.len()];
    let delay = random.random_range(0.0..3.0);
    let mut cut = 0.0;
    for bin in 0..BINS {
        let minute = bin as f64 / BINS_A_MINUTE as f64;
        let mut set = |series: Series, value: f64| timeline[series as usize * BINS + bin] = value as f32;
        let counts = replicas(shape, minute, delay);
        for (name, count) in REPLICA_SERIES.iter().zip(counts) {
            set(*name, count);
        }
        let dip = shape != Shape::Quiet && (27.0..31.0).contains(&minute) && random.random_bool(0.3);
        set(Series::LeastReady, counts[0] + counts[1] - if dip { 1.0 } else { 0.0 });
        let cut_now = cut_in(shape, counts, random.random_range(0.0..1.0));
        cut += cut_now;
        set(Series::Truncated, cut_now);
        let busy = shape != Shape::Silent && !(run < 3 && bin == 100);
        let p99 = 1.0 + (-((minute - 33.0) / 5.0).powi(2)).exp() + random.random_range(-0.2..0.2);
        let routed = counts[0] + counts[1];
        set(Series::NewVersionShare, if busy && routed > 0.0 { counts[1] / routed } else { f64::NAN });
        set(Series::RequestsPerSecond, if busy { 6.0 + random.random_range(-1.5..1.5) } else { 0.0 });
        set(Series::TtftP50, if busy { 0.35 } else { f64::NAN });
        set(Series::TtftP99, if busy { p99 } else { f64::NAN });
        if busy {
            pooled.ttft_by_bin[bin].record(Duration::from_seconds_f64(p99));
            if counts[1] > 0.0 {
                pooled.ttft_new_by_bin[bin].record(Duration::from_seconds_f64(1.4 * p99));
            }
            for i in 0..20 {
                pooled.ttft_by_bin[bin].record(Duration::from_seconds_f64(0.25 + 0.01 * f64::from(i)));
            }
        }
    }
    for _ in 0..if shape.is_eventful() { 40 } else { 0 } {
        // A lognormal of median 8 s in all but name.
        let tail: f64 = (0..12).map(|_| random.random_range(-0.5..0.5)).sum();
        pooled.needed_grace.record(Duration::from_seconds_f64(8.0 * tail.exp()));
    }
    let values: Vec<f64> =
        METRICS.iter().map(|metric| value(shape, *metric, cut, random.random_range(-1.0..1.0))).collect();
    let outcome = match shape {
        Shape::Mixed => {
            [RolloutOutcome::Completed, RolloutOutcome::RolledBack, RolloutOutcome::Stuck, RolloutOutcome::Unfinished]
                [run as usize % 4]
        }
        Shape::Rolling | Shape::Huge => RolloutOutcome::Completed,
        Shape::RolledBack => RolloutOutcome::RolledBack,
        Shape::Stuck => RolloutOutcome::Stuck,
        _ => RolloutOutcome::None,
    };
    RunRecord { run, values, outcome, reason: String::new(), timeline, empty_measurements: (0, 0) }
}

/// The counts of [`replicas`], in its order.
const REPLICA_SERIES: [Series; 6] = [
    Series::ReadyStable,
    Series::ReadyNew,
    Series::StartingNew,
    Series::PendingNew,
    Series::DrainingStable,
    Series::DrainingNew,
];

/// Ready stable, ready new, starting, pending, draining stable and draining new replicas at a minute.
fn replicas(shape: Shape, minute: f64, delay: f64) -> [f64; 6] {
    let since = minute - 20.0;
    let steady = [8.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    if since < 0.0 {
        return if shape == Shape::Huge { steady.map(|count| count * 500.0) } else { steady };
    }
    match shape {
        Shape::None | Shape::Quiet | Shape::Silent => steady,
        Shape::Stuck => [8.0, 0.0, 0.0, 2.0, 0.0, 0.0],
        Shape::RolledBack | Shape::Mixed if since < 5.0 => [8.0, 0.0, 2.0, 0.0, 0.0, 0.0],
        Shape::RolledBack | Shape::Mixed if since < 20.0 + delay => [8.0, 2.0, 0.0, 0.0, 0.0, 0.0],
        Shape::RolledBack | Shape::Mixed if since < 21.0 + delay => [8.0, 0.0, 0.0, 0.0, 0.0, 2.0],
        Shape::RolledBack | Shape::Mixed => steady,
        Shape::Rolling | Shape::Huge => {
            let wave = 4.0 + delay / 4.0;
            let waves = (since / wave).floor().min(4.0);
            let into = since - waves * wave;
            let scale = if shape == Shape::Huge { 500.0 } else { 1.0 };
            let draining = if waves > 0.0 && into < 0.5 { 2.0 } else { 0.0 };
            let starting = if waves < 4.0 { 2.0 - draining } else { 0.0 };
            [8.0 - 2.0 * waves, 2.0 * waves, starting, 0.0, draining, 0.0].map(|count| count * scale)
        }
    }
}

/// Responses cut in a bin in which so many replicas drain.
fn cut_in(shape: Shape, counts: [f64; 6], uniform: f64) -> f64 {
    let draining = counts[4] + counts[5];
    match shape {
        Shape::Quiet | Shape::None | Shape::Silent => 0.0,
        Shape::Huge => (draining * uniform * 3.0).floor(),
        _ if uniform < draining * 0.3 => (uniform * 7.0).floor(),
        _ => 0.0,
    }
}

fn value(shape: Shape, metric: Metric, cut: f64, noise: f64) -> f64 {
    let scale = if shape == Shape::Huge { 1e4 } else { 1.0 };
    let small = |mean: f64| (mean + 0.05 * mean * noise) * scale;
    let price = match metric {
        Metric::WaterfallIdeal => small(0.417),
        Metric::WaterfallIdle => small(0.155),
        Metric::WaterfallSurge => small(if shape == Shape::RolledBack { -0.06 } else { 0.021 }),
        Metric::WaterfallCold => small(0.013),
        Metric::WaterfallDrain => small(0.0002),
        Metric::WaterfallWasted => small(0.006),
        Metric::UsdPerMillionOutput => small(if shape == Shape::RolledBack { 0.5312 } else { 0.6122 }),
        Metric::Formula => small(0.595),
        _ => f64::NAN,
    };
    match metric {
        Metric::TruncatedAttempts => cut,
        Metric::TimeToDetect if shape.is_canary() => 880.0 + 100.0 * noise,
        Metric::TimeToDetect => f64::NAN,
        Metric::Requests if shape != Shape::Silent => 32_400.0 + (300.0 * noise).round(),
        Metric::ExposedRequests if shape.is_canary() => 700.0 + (200.0 * noise).round(),
        Metric::MinReadyFraction if shape.is_eventful() => 1.0 - 0.125 * (1.0 + noise).round(),
        Metric::RolloutDuration if shape == Shape::Rolling => 1_000.0 + 60.0 * noise,
        Metric::RolloutDuration if shape == Shape::Mixed => 1_200.0 + 90.0 * noise,
        Metric::RolloutDuration => f64::NAN,
        Metric::Utilization => 0.7,
        Metric::SloViolation if shape == Shape::Quiet => 0.0,
        Metric::SloViolation => 240.0 + 60.0 * noise,
        Metric::MinCapacityFraction => 1.0,
        _ if price.is_finite() => {
            if shape == Shape::Silent {
                f64::NAN
            } else {
                price
            }
        }
        _ => 0.0,
    }
}
