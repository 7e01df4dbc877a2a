//! The scenarios that ship teach what their comments say: each is run, fewer times, and held to its lesson.

mod support;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use cutover::ledger::{METRICS, Metric, RolloutOutcome};
use cutover::scenario;
use cutover::study::{self, StudyResult};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn run(name: &str, runs: u64, sets: &[&str]) -> StudyResult {
    let metrics: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
    let mut sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    sets.push(format!("study.runs={runs}"));
    let path = folder().join(format!("{name}.toml"));
    let scenario = scenario::load(&path, &sets, &metrics).unwrap_or_else(|error| panic!("{error}"));
    study::run(scenario, None, &|_| {}, &AtomicBool::new(false))
}

/// Share of the runs with this outcome.
fn share(result: &StudyResult, outcome: RolloutOutcome) -> f64 {
    result.records.iter().filter(|record| record.outcome == outcome).count() as f64 / result.records.len() as f64
}

fn mean(result: &StudyResult, metric: Metric) -> f64 {
    result.metric(metric).mean.value
}

#[test]
fn the_default_grace_period_truncates_and_the_drain_does_not() {
    let (default, drained) = (run("rolling-default-grace", 40, &[]), run("rolling-drained", 40, &[]));
    assert!(mean(&default, Metric::TruncatedAttempts) > 0.5);
    assert_eq!(mean(&drained, Metric::TruncatedAttempts), 0.0);
    assert!(mean(&default, Metric::CapacityDip) > 0.0);
    assert_eq!(mean(&drained, Metric::CapacityDip), 0.0);
    assert!(mean(&drained, Metric::RolloutDuration) > mean(&default, Metric::RolloutDuration));
}

#[test]
fn blue_green_doubles_the_fleet_and_switches_back_at_once_when_the_analysis_fails() {
    let (good, bad) = (run("blue-green", 20, &[]), run("blue-green-failed-analysis", 20, &[]));
    assert_eq!(share(&good, RolloutOutcome::Completed), 1.0);
    assert_eq!(mean(&good, Metric::PeakGpus), 16.0);
    assert_eq!(share(&bad, RolloutOutcome::RolledBack), 1.0);
    // The old fleet was kept warm: its capacity never went away.
    assert_eq!(mean(&bad, Metric::CapacityDip), 0.0);
    assert!(mean(&bad, Metric::NewVersionRequests) > 100.0);
}

#[test]
fn canaries_promote_a_good_version_and_roll_back_bad_ones() {
    let (good, slow, errs) =
        (run("canary-good", 60, &[]), run("canary-slow-version", 60, &[]), run("canary-errors", 30, &[]));
    // About 95 % of each over 1,000 runs: below 85 % of 60 runs is three standard errors away.
    assert!(share(&good, RolloutOutcome::Completed) > 0.85);
    assert!(share(&slow, RolloutOutcome::RolledBack) > 0.85);
    assert_eq!(share(&errs, RolloutOutcome::RolledBack), 1.0);
    // Retries hide nearly every error from the users.
    assert!(mean(&errs, Metric::FailedAttempts) > 10.0 * mean(&errs, Metric::FailedRequests).max(0.1));
}

#[test]
fn coarse_buckets_alone_stop_a_good_version_unless_the_limit_is_a_buckets_bound() {
    let coarse = run("canary-prometheus", 60, &[]);
    let share_of_alarms =
        |result: &StudyResult| result.metric(Metric::EstimatorOnlyFailures).probability_positive.value;
    // 40 % over many runs: a quarter of 60 runs is more than two standard errors away, and three in four far more.
    assert!((0.25..0.75).contains(&share_of_alarms(&coarse)), "{}", share_of_alarms(&coarse));
    assert!(share(&coarse, RolloutOutcome::RolledBack) >= share_of_alarms(&coarse));
    assert_eq!(mean(&coarse, Metric::EstimatorOnlyPasses), 0.0);
    let at_a_bound = run("canary-prometheus", 40, &["analysis.ttft.max=2.5s"]);
    assert!(share_of_alarms(&at_a_bound) < 0.05);
    assert!(share(&at_a_bound, RolloutOutcome::Completed) > 0.9);
    let twice_as_slow = ["analysis.ttft.max=2.5s", "new_version.step_time_factor=2.0"];
    assert_eq!(share(&run("canary-prometheus", 20, &twice_as_slow), RolloutOutcome::RolledBack), 1.0);
}

#[test]
fn recreate_is_an_outage_as_long_as_a_cold_start() {
    let result = run("recreate", 20, &[]);
    assert_eq!(mean(&result, Metric::MinReadyFraction), 0.0);
    assert!(mean(&result, Metric::RefusedAttempts) > mean(&result, Metric::RefusedRequests));
    assert!(mean(&result, Metric::Retries) > 100.0);
}

#[test]
fn a_surge_on_a_full_gpu_pool_deadlocks_until_one_may_be_unavailable() {
    let full = run("full-gpu-pool", 10, &[]);
    assert_eq!(share(&full, RolloutOutcome::Deadlock), 1.0);
    assert!(full.records[0].reason.contains("for GPUs that nothing will free"));
    let free = run("full-gpu-pool", 10, &["rollout.rolling.max_unavailable=1"]);
    assert_eq!(share(&free, RolloutOutcome::Completed), 1.0);
}

#[test]
fn long_answers_outlive_a_grace_period_of_two_minutes() {
    let result = run("reasoning", 30, &[]);
    assert!(mean(&result, Metric::TruncatedAttempts) > 3.0);
    assert!(result.pooled.needed_grace.quantile(0.999) > 120.0);
}

#[test]
fn the_capstones_formula_line_reads_about_sixty_cents() {
    let result = run("qwen-27gb-canary", 20, &[]);
    assert_eq!(share(&result, RolloutOutcome::Completed), 1.0);
    assert!((result.facts.saturated_rate / 2_000.0 - 1.0).abs() < 0.03, "{}", result.facts.saturated_rate);
    assert!((mean(&result, Metric::Utilization) - 0.70).abs() < 0.03);
    assert!((mean(&result, Metric::Formula) - 0.60).abs() < 0.01);
    assert!(mean(&result, Metric::UsdPerMillionOutput) > mean(&result, Metric::Formula));
    assert_eq!(mean(&result, Metric::TruncatedAttempts), 0.0);
}

#[test]
fn weights_that_stream_fast_shorten_the_rollout_of_a_large_model() {
    let downloaded = run("llama-70b-profile", 10, &[]);
    let streamed = run("llama-70b-profile", 10, &["cold_start.weight_load.gigabytes_per_second=5.5"]);
    assert_eq!(share(&downloaded, RolloutOutcome::Completed), 1.0);
    assert_eq!(mean(&downloaded, Metric::PeakGpus), 28.0);
    // The profile's 141 GB, six times over, one after the other, and up to a probe's period more or less each time.
    let saved = mean(&downloaded, Metric::RolloutDuration) - mean(&streamed, Metric::RolloutDuration);
    let law = 6.0 * 141.107 * (1.0 / 0.72 - 1.0 / 5.5);
    assert!((saved - law).abs() < 60.0, "{saved} against {law}");
}

/// The sample is synthetic; where the real trace is at hand, the same scenario runs on it and ends in the same way.
#[test]
fn a_rollout_under_a_trace_completes_on_the_sample_and_on_the_real_trace() {
    let sample = run("trace", 10, &[]);
    assert_eq!(share(&sample, RolloutOutcome::Completed), 1.0);
    let real = "../../shared/traces/azure2023_conv.public.csv.gz";
    if !folder().join(real).exists() {
        return println!("absent, not run: the real conversation trace");
    }
    let recorded = run("trace", 10, &[&format!("traffic.trace=\"{real}\"")]);
    assert_eq!(share(&recorded, RolloutOutcome::Completed), 1.0);
    // Each run draws other blocks of the trace: the same window holds other requests.
    let counts = support::values(&recorded, Metric::Requests);
    assert!(counts.iter().any(|count| *count != counts[0]), "{counts:?}");
    // What was recorded is what is replayed: rate and lengths are the trace's own.
    assert!((recorded.facts.mean_rate / (2.5 * 5.875) - 1.0).abs() < 0.01, "{}", recorded.facts.mean_rate);
    assert!((recorded.facts.mean_output_tokens - 203.83).abs() < 0.01, "{}", recorded.facts.mean_output_tokens);
}

#[test]
fn flagger_pays_for_two_fleets_of_cold_starts_and_acts_at_its_ticks() {
    let good = run("canary-flagger", 40, &[]);
    assert_eq!(share(&good, RolloutOutcome::Completed), 1.0);
    let argo = run("canary-good", 40, &["study.duration=60m"]);
    let (cost, of_argo) = (mean(&good, Metric::RolloutCost), mean(&argo, Metric::RolloutCost));
    assert!(cost > 3.0 * of_argo, "{cost} against {of_argo}");
    // Whatever ends, ends at a tick: whole minutes after a start at a whole minute.
    for duration in support::values(&good, Metric::RolloutDuration) {
        assert!((duration / 60.0).fract().abs() < 1e-9, "{duration}");
    }
    let erring = run("canary-flagger", 20, &["new_version.error_probability=0.05"]);
    assert_eq!(share(&erring, RolloutOutcome::RolledBack), 1.0);
    // A whole fleet at a small weight is too idle to look slow.
    let slow = run("canary-flagger", 20, &["new_version.step_time_factor=1.4"]);
    assert_eq!(share(&slow, RolloutOutcome::Completed), 1.0);
}

#[test]
fn lost_nodes_cut_answers_that_no_grace_period_saves_and_hold_the_rollout_up() {
    let (lost, drained) = (run("node-loss", 40, &[]), run("rolling-drained", 40, &[]));
    assert_eq!(share(&lost, RolloutOutcome::Completed), 1.0);
    assert_eq!((mean(&drained, Metric::TruncatedAttempts), mean(&drained, Metric::CapacityDip)), (0.0, 0.0));
    assert!(mean(&lost, Metric::TruncatedAttempts) > 10.0);
    assert!(mean(&lost, Metric::MinReadyFraction) < 1.0 && mean(&lost, Metric::MinReadyFraction) >= 0.75);
    assert!(mean(&lost, Metric::RolloutDuration) > mean(&drained, Metric::RolloutDuration));
    let longer = run("node-loss", 40, &["termination.grace_period=20m"]);
    assert_eq!(mean(&longer, Metric::TruncatedAttempts), mean(&lost, Metric::TruncatedAttempts));
}

/// What its `[plan]` chooses among; that the race finds the cheapest of them is tested with `plan`.
#[test]
fn a_surge_keeps_users_from_waiting_for_money_and_a_longer_grace_period_cuts_nobody() {
    let with = |surge: u32, unavailable: u32, grace: &str| {
        let sets = [
            format!("rollout.rolling.max_surge={surge}"),
            format!("rollout.rolling.max_unavailable={unavailable}"),
            format!("termination.grace_period={grace}"),
        ];
        run("plan-rollout", 20, &sets.each_ref().map(String::as_str))
    };
    let (written, without_surge, drained) = (run("plan-rollout", 20, &[]), with(0, 1, "2m"), with(1, 0, "2m"));
    assert!(mean(&written, Metric::TruncatedAttempts) > 0.1);
    assert_eq!(mean(&drained, Metric::TruncatedAttempts), 0.0);
    assert!(mean(&without_surge, Metric::TtftP99) > 2.0 && mean(&drained, Metric::TtftP99) < 2.0);
    assert!(mean(&drained, Metric::RolloutCost) > 3.0 * mean(&without_surge, Metric::RolloutCost));
}

/// Every file in the folder is a scenario, and says nothing that it does not mean.
#[test]
fn every_scenario_that_ships_is_read_without_a_problem() {
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).expect("the folder ships").flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "toml") {
            let metrics: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
            scenario::load(&entry.path(), &[], &metrics).unwrap_or_else(|error| panic!("{error}"));
            seen += 1;
        }
    }
    assert_eq!(seen, 17);
}
