//! Plans whose best candidate is known by construction, raced in real simulations.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use cutover::ledger::Metric;
use cutover::scenario::{Axis, Tolerance};
use cutover::study::plan::{Candidate, Ending, Outcome, Rules, Standing, assignments, plan};
use cutover::study::{self, Extent};
use support::scenario;

/// Two replicas, two minutes, answers of 600 tokens at 10 ms each or a little more: about 8 s, none longer than 20 s.
const SCENARIO: &str = r#"
name = "Two replicas"

[study]
seed = 7
warm_up = "30s"
duration = "3m"
cool_down = "1m"

[traffic]
arrivals = { process = "poisson", rate = 1.0 }
prompt_tokens = 100
output_tokens = { distribution = "uniform", low = 400, high = 800 }

[fleet]
replicas = 2
gpu_hour_usd = 3.0
surge_gpu_hour_usd = 30.0

[engine]
max_num_seqs = 64
step_time = { base = "10ms", per_sequence = "50us", per_prefill_token = "60us" }

[cold_start]
engine_start = { distribution = "uniform", low = "15s", high = "25s" }

[termination]
grace_period = "1s"

[rollout]
strategy = "rolling"
start = "30s"

[rollout.rolling]
max_surge = 1
max_unavailable = 0

[[check]]
metric = "truncated_attempts"
statistic = "mean"
max = 0.5
"#;

/// The plan of some choices, as the command makes it.
fn planned(choices: &[&str], objective: Metric, max_runs: u64, threads: usize, stop: &AtomicBool) -> Outcome {
    let axes: Vec<Axis> = choices.iter().map(|text| Axis::parse(text).expect("an axis")).collect();
    let candidates = assignments(&axes, "rolling").expect("few").into_iter().map(|assignment| {
        let sets: Vec<String> =
            axes.iter().zip(&assignment).filter_map(|(axis, value)| Some(axis.setting((*value)?))).collect();
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        Candidate { scenario: scenario(SCENARIO, &sets), assignment }
    });
    let candidates: Vec<Candidate> = candidates.collect();
    let checks = candidates[0].scenario.checks.clone();
    let extent = Extent::of(&candidates[0].scenario);
    let rules = Rules { objective, tolerance: Tolerance::Share(0.01), checks, max_runs, extent };
    plan(candidates, &axes, rules, Some(threads), &|_, _| {}, stop)
}

fn race(choices: &[&str], objective: Metric, max_runs: u64) -> Outcome {
    planned(choices, objective, max_runs, 2, &AtomicBool::new(false))
}

#[test]
fn a_grace_period_longer_than_any_answer_is_free_and_a_surge_costs_its_surcharge() {
    // A second of grace cuts about every answer in flight: eight at a time. Twenty seconds cut none, nor do forty, and no
    // process lives longer for it. Every surge replica starts for 20 s at ten times the price, two at once or after one
    // another; with nothing in surge the same starts are of the steady fleet.
    let outcome = race(
        &["termination.grace_period=1s,20s,40s", "rollout.rolling.max_surge=0,1", "rollout.rolling.max_unavailable=1"],
        Metric::RolloutCost,
        160,
    );
    assert_eq!(outcome.ending, Ending::Decided, "{:?}", outcome.confidence);
    let best = outcome.best.expect("one is best");
    let settings = |index: usize| outcome.candidates[index].assignment.clone();
    assert_eq!(settings(best), [Some(1), Some(0), Some(0)]);
    let runner_up = outcome.runner_up.expect("another is next");
    assert_eq!(settings(runner_up), [Some(2), Some(0), Some(0)]);
    assert_eq!(outcome.candidates[runner_up].standing, Standing::WithinTolerance);
    let excess = outcome.candidates[runner_up].excess.expect("compared");
    assert_eq!((excess.value, excess.interval), (0.0, Some((0.0, 0.0))), "the same in every run");
    for candidate in &outcome.candidates {
        match (candidate.assignment[0], candidate.assignment[1]) {
            (Some(0), _) => assert_eq!(candidate.standing, Standing::Breaks(0)),
            (_, Some(1)) => assert!(matches!(candidate.standing, Standing::Beaten(..)), "{:?}", candidate.standing),
            _ => {}
        }
    }
    assert_eq!(outcome.probability.map(|probability| probability.share), Some(1.0));
}

#[test]
fn what_is_told_of_the_best_is_what_its_own_study_of_as_many_runs_finds() {
    let outcome = race(&["termination.grace_period=1s,20s"], Metric::Cost, 80);
    let best = &outcome.candidates[outcome.best.expect("one is best")];
    let runs = format!("study.runs={}", best.runs);
    let alone = support::study(SCENARIO, &["termination.grace_period=20s", &runs]);
    for (found, expected) in best.metrics.iter().zip(&alone.metrics) {
        assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    }
    assert_eq!(study::overall(&alone.checks), study::Overall::Passed);
}

#[test]
fn the_answer_is_the_same_for_any_number_of_threads() {
    let with = |threads| {
        let choices = ["termination.grace_period=20s,40s", "rollout.rolling.max_surge=1,2"];
        planned(&choices, Metric::RolloutCost, 40, threads, &AtomicBool::new(false))
    };
    assert_eq!(format!("{:?}", with(1)), format!("{:?}", with(3)));
}

#[test]
fn where_nothing_meets_the_checks_the_nearest_is_named() {
    let outcome = race(&["termination.grace_period=1s,5s"], Metric::Cost, 160);
    assert_eq!((outcome.ending, outcome.best, outcome.runner_up), (Ending::NothingMeets, None, None));
    assert!(outcome.candidates.iter().all(|candidate| candidate.standing == Standing::Breaks(0)));
    let diagnosis = outcome.diagnosis.expect("told why");
    assert_eq!((diagnosis.nearest, diagnosis.binding, diagnosis.failed[0].candidates), (Some(1), Some(0), 2));
    let found = outcome.candidates[1].metric(Metric::TruncatedAttempts).mean.value;
    assert!((diagnosis.violation - (found - 0.5) / 0.5).abs() < 1e-12);
    assert_eq!(diagnosis.help.expect("a longer grace period helps").value, 1);
}

#[test]
fn an_interruption_leaves_what_was_run_and_a_best_guess() {
    let stop = AtomicBool::new(false);
    let axes = [Axis::parse("termination.grace_period=20s,40s").expect("an axis")];
    let candidates = (0..2).map(|value| Candidate {
        assignment: vec![Some(value)],
        scenario: scenario(SCENARIO, &[&axes[0].setting(value)]),
    });
    // So few cut answers take more than the first 20 runs to be sure of.
    let mut checks = scenario(SCENARIO, &[]).checks;
    checks[0].max = Some(0.1);
    let extent = Extent::of(&scenario(SCENARIO, &[]));
    let rules = Rules { objective: Metric::Cost, tolerance: Tolerance::Share(0.01), checks, max_runs: 1_000, extent };
    let progress = |done, _| {
        if done == 46 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let outcome = plan(candidates.collect(), &axes, rules, Some(1), &progress, &stop);
    assert_eq!((outcome.ending, outcome.best), (Ending::Interrupted, Some(0)));
    let runs: Vec<u64> = outcome.candidates.iter().map(|candidate| candidate.runs).collect();
    assert_eq!(runs, [23, 23]);
}
