//! What a sweep finds against what must be found: the truncation law at every point, and of the differences between points
//! what follows from their meeting the same requests.
//!
//! Seeds are fixed, so a test passes or fails for good; bounds are five standard errors, plus what the law itself leaves
//! open (a step of the engine, where time goes in steps).

mod support;

use std::sync::atomic::AtomicBool;

use cutover::ledger::{Metric, RunRecord};
use cutover::scenario::{Axis, Scenario, Traffic};
use cutover::study::{Estimate, Grid, Growing, Measure, Point, Sweep, grow, student_t_quantile};

/// A rolling update of a fleet whose step takes a constant time, with slots and cache for everybody.
const SCENARIO: &str = r#"
[study]
runs = 300
seed = 11
warm_up = "3m"
duration = "6m"
timeline_bin = "10s"
[traffic]
arrivals = { process = "poisson", rate = 8.0 }
prompt_tokens = 1
output_tokens = { distribution = "lognormal", median = 300, p99 = 3000, max = 20000 }
[router]
policy = "random"
[fleet]
replicas = 4
[engine]
max_num_seqs = 1000000
max_num_batched_tokens = 10000000
kv_cache_tokens = 1000000000
step_time = { base = "10ms" }
[cold_start]
engine_start = "7s"
[termination]
grace_period = "10s"
[rollout]
strategy = "rolling"
start = "1m"
[rollout.rolling]
max_surge = 1
max_unavailable = 0
"#;

/// Seconds of a step in [`SCENARIO`].
const STEP: f64 = 0.01;

/// lambda E[(S - g)+], without and with a whole step's wait for the first boundary.
fn law(grace: f64) -> (f64, f64) {
    let Traffic::Synthetic { output_tokens, .. } = support::scenario(SCENARIO, &[]).traffic else { unreachable!() };
    let beyond =
        |wait: f64| 8.0 * output_tokens.expect_whole(20_000, |n| (f64::from(n) * STEP + wait - grace).max(0.0));
    (beyond(0.0), beyond(STEP))
}

/// The standard error behind Student's t interval of so many values.
fn standard_error(estimate: &Estimate, runs: u64) -> f64 {
    let (low, high) = estimate.interval.expect("an interval");
    (high - low) / 2.0 / student_t_quantile((runs - 1) as f64)
}

/// The sweep of [`SCENARIO`] over an axis, and every point's runs.
fn sweep(axis: &str) -> (Sweep, Vec<Vec<RunRecord>>) {
    let grid = Grid::new(vec![Axis::parse(axis).unwrap()]).unwrap();
    let scenarios: Vec<Scenario> = (0..grid.points())
        .map(|point| {
            let settings = grid.settings(point);
            support::scenario(SCENARIO, &settings.iter().map(String::as_str).collect::<Vec<&str>>())
        })
        .collect();
    let mut sweep = Sweep::new(support::scenario(SCENARIO, &[]), grid, &scenarios);
    let runs = |scenario: &Scenario| {
        let mut study = Growing::without_timeline(scenario.clone());
        grow(&mut [&mut study], scenario.study.runs, None, &|_| {}, &AtomicBool::new(false));
        study.records().to_vec()
    };
    let records: Vec<Vec<RunRecord>> = scenarios.iter().map(runs).collect();
    for at in 0..scenarios.len() {
        sweep.points[at] = Some(Point::new(&scenarios[at], &records[at], &records[sweep.reference]));
    }
    (sweep, records)
}

/// Law 4 at every point of a sweep over the grace period. And because all points meet the same requests, whoever is cut
/// after a longer grace is cut after a shorter one too: the cut responses of the one are a thinning of the other's, so
/// that their difference is Poisson again, and its variance is the difference of the means. Independent runs would give it
/// their sum.
#[test]
fn every_point_obeys_the_truncation_law_and_so_do_the_differences() {
    let (sweep, records) = sweep("termination.grace_period=5s,10s,15s,30s");
    assert!(sweep.as_written && sweep.unequal.is_empty());
    let runs = sweep.scenario.study.runs;
    let graces = [5.0, 10.0, 15.0, 30.0];
    let reference = law(graces[sweep.reference]);
    for ((at, point), grace) in sweep.done().zip(graces) {
        let (low, high) = law(grace);
        let mean = point.estimate(Measure::mean(Metric::TruncatedAttempts));
        // Poisson: the variance is the mean.
        let error = (high / runs as f64).sqrt();
        let within = mean.value > low - 5.0 * error && mean.value < high + 5.0 * error;
        assert!(within, "{grace} s: {} +- {error} against {low} to {high}", mean.value);
        if at == sweep.reference {
            continue;
        }
        let found = &point.difference(Metric::TruncatedAttempts).difference;
        let expected = [low - reference.1, low - reference.0, high - reference.1, high - reference.0];
        let (low, high) =
            expected.iter().fold((f64::MAX, f64::MIN), |(low, high), one| (low.min(*one), high.max(*one)));
        let error = (low.abs().max(high.abs()) / runs as f64).sqrt();
        let within = found.value > low - 5.0 * error && found.value < high + 5.0 * error;
        assert!(within, "{grace} s: {} +- {error} against {low} to {high}", found.value);
        // Of a Poisson sample of mean m the variance over the mean is 1, with standard error sqrt((2 + 1 / m) / n).
        let dispersion = standard_error(found, runs).powi(2) * runs as f64 / found.value.abs();
        let bound = 5.0 * ((2.0 + 1.0 / found.value.abs()) / runs as f64).sqrt();
        assert!((dispersion - 1.0).abs() < bound, "{grace} s: variance over mean is {dispersion}");
    }
    let cut = |at: usize, run: usize| records[at][run].value(Metric::TruncatedAttempts);
    for run in 0..runs as usize {
        assert!(
            (1..graces.len()).all(|at| cut(at, run) <= cut(at - 1, run)),
            "run {run}: a longer grace cuts nobody else"
        );
    }
}

/// A price per GPU-hour changes bills and nothing else, in every run by the same factor.
#[test]
fn what_a_setting_does_not_touch_is_identical_and_what_it_scales_is_scaled() {
    let (sweep, _) = sweep("fleet.gpu_hour_usd=3.0,6.0");
    assert_eq!((sweep.reference, sweep.as_written), (0, true));
    let [cheap, dear] = [0, 1].map(|at| sweep.points[at].as_ref().unwrap());
    for metric in [Metric::TruncatedAttempts, Metric::TtftP99, Metric::GpuHours, Metric::RolloutDuration] {
        assert_eq!(dear.difference(metric).change, cutover::study::Change::Identical, "{metric:?}");
    }
    let cost = |point: &Point| point.estimate(Measure::mean(Metric::Cost)).value;
    assert!((cost(dear) / cost(cheap) - 2.0).abs() < 1e-12);
    assert!((dear.difference(Metric::Cost).difference.value / cost(cheap) - 1.0).abs() < 1e-12);
}
