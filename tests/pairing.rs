//! Common random numbers: what pairing saves is what it is said to save, and intervals of paired differences hold.

mod support;

use cutover::ledger::Metric;
use cutover::study::compare;
use support::{mean_and_error, study, values};

/// Two replicas, replaced one after the other; answers that the grace period may cut.
const SCENARIO: &str = r#"
name = "Two replicas, rolling update"
[study]
runs = 400
seed = 1
warm_up = "20s"
duration = "2m"
cool_down = "30s"
timeline_bin = "2m"
[traffic]
arrivals = { process = "poisson", rate = 1.0 }
prompt_tokens = 100
output_tokens = { distribution = "lognormal", median = 100, p99 = 900, max = 1500 }
[fleet]
replicas = 2
gpu_hour_usd = 3.0
[engine]
max_num_seqs = 64
max_num_batched_tokens = 2048
kv_cache_tokens = 100000
step_time = { base = "10ms", per_sequence = "50us", per_prefill_token = "60us" }
[cold_start]
engine_start = { distribution = "lognormal", median = "10s", p99 = "30s" }
[termination]
grace_period = "2s"
[rollout]
strategy = "rolling"
start = "20s"
[rollout.rolling]
max_surge = 1
max_unavailable = 0
"#;

fn variance(values: &[f64]) -> f64 {
    let (_, error) = mean_and_error(values);
    error * error * values.len() as f64
}

/// The ratio of the variance of differences between runs of different seeds to that between runs of the same seed, both
/// measured, is the `runs_saved` of the comparison.
#[test]
fn pairing_saves_as_many_runs_as_is_said() {
    let longer = "termination.grace_period=4s";
    let (a, b) = (study(SCENARIO, &[]), study(SCENARIO, &[longer]));
    let strangers = study(SCENARIO, &[longer, "study.seed=2"]);
    let comparison = compare(&a, &b).expect("the same runs");
    for metric in [Metric::TtftP99, Metric::E2eMean, Metric::Cost, Metric::TokensUseful, Metric::TruncatedAttempts] {
        let differences =
            |other: &[f64]| -> Vec<f64> { values(&a, metric).iter().zip(other).map(|(a, b)| b - a).collect() };
        let measured =
            variance(&differences(&values(&strangers, metric))) / variance(&differences(&values(&b, metric)));
        let said = comparison.rows.iter().find(|row| row.metric == metric).expect("a row").runs_saved;
        println!("{}: {said:.1} times as many runs without pairing, measured {measured:.1}", metric.name());
        if said.is_infinite() {
            assert!(measured > 1e6, "{metric:?}: {measured}");
            continue;
        }
        // The paired variance is in both; the unpaired one has a relative standard error of sqrt((kurtosis - 1) / n),
        // which for values of kurtosis up to 9 is 0.14: three of it on a logarithmic scale.
        assert!((measured / said).ln().abs() <= 0.42, "{metric:?}: {measured} against {said}");
        assert!(said > 1.0, "{metric:?}: {said}");
    }
}

/// Each of 300 studies of 60 paired runs has its own seed; the true difference is that of 20,000 runs.
#[test]
fn intervals_of_paired_differences_cover_the_true_difference() {
    const STUDIES: u64 = 300;
    let sets = |seed: u64, runs: u64| [format!("study.seed={seed}"), format!("study.runs={runs}")];
    let pair = |seed: u64, runs: u64| {
        let sets = sets(seed, runs);
        let (seed, runs) = (sets[0].as_str(), sets[1].as_str());
        (study(SCENARIO, &[seed, runs]), study(SCENARIO, &[seed, runs, "termination.grace_period=4s"]))
    };
    let (a, b) = pair(1_000_000, 20_000);
    let truth = compare(&a, &b).expect("the same runs");
    let metrics = [Metric::TruncatedAttempts, Metric::E2eMean, Metric::GpuHoursDraining];
    let mut covered = [0; 3];
    for seed in 0..STUDIES {
        let (a, b) = pair(seed, 60);
        let comparison = compare(&a, &b).expect("the same runs");
        for (covered, metric) in covered.iter_mut().zip(metrics) {
            let of = |comparison: &cutover::study::Comparison| {
                comparison.rows.iter().find(|row| row.metric == metric).expect("a row").difference
            };
            let (low, high) = of(&comparison).interval.expect("an interval");
            *covered += u64::from((low..=high).contains(&of(&truth).value));
        }
    }
    for (covered, metric) in covered.into_iter().zip(metrics) {
        let share = covered as f64 / STUDIES as f64;
        println!("{}: {:.1} % of studies cover", metric.name(), 100.0 * share);
        // Three binomial standard errors of 95 % over 300 studies are 3.8 points.
        assert!(share >= 0.912, "{metric:?}: {share}");
    }
}
