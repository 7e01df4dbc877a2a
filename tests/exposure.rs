//! Whom a rollout exposes to a version that is then given up, and what that costs: deterministic rollouts, worked out by
//! hand.

mod support;

use cutover::ledger::{Metric, RolloutOutcome, RunLog, RunRecord};
use support::prepared;

/// Four replicas and a request each half second; a new version that answers nothing. New replicas take a minute. The
/// analysis looks each minute, from the rollout's start at time zero on.
const BASE: &str = r#"
[study]
runs = 1
warm_up = "1m"
duration = "20m"
cool_down = "0s"
timeline_bin = "1m"
[traffic]
arrivals = { process = "gamma", rate = 2.0, cv = 0.01 }
prompt_tokens = 10
output_tokens = 10
[fleet]
replicas = 4
[engine]
step_time = { base = "10ms" }
[cold_start]
engine_start = "1m"
[termination]
pre_stop = "5s"
endpoint_lag = "2s"
[new_version]
error_probability = 1.0
[rollout]
strategy = "canary"
start = "0s"
[rollout.canary]
background_analysis = ["errors"]
steps = [{ set_weight = 50 }, { pause = "10m" }]
[analysis.errors]
metric = "error_rate"
max = 0.5
interval = "1m"
"#;

fn run(sets: &[&str]) -> (RunRecord, RunLog) {
    prepared(BASE, sets).log_run(0)
}

/// The first attempt at the new version, and the number of requests that reached it before `end` seconds.
fn reached(log: &RunLog, end: f64) -> (f64, f64) {
    let new = || log.requests.iter().filter(|row| row.version == "new").map(|row| row.arrival.seconds());
    (new().next().expect("someone reached it"), new().filter(|arrival| *arrival < end).count() as f64)
}

fn abort_costs(record: &RunRecord) -> [f64; 3] {
    [Metric::AbortDip, Metric::AbortColdStarts, Metric::AbortOverloaded].map(|metric| record.value(metric))
}

fn assert_times(record: &RunRecord, first: f64, aborted: f64, safe: f64) {
    let (detect, safety) = (record.value(Metric::TimeToDetect), record.value(Metric::TimeToSafety));
    assert!((detect - (aborted - first)).abs() < 1e-9, "detected after {detect} s");
    assert!((safety - (safe - first)).abs() < 1e-9, "safe after {safety} s");
}

/// The canary is ready at 60 s and gets half the traffic until the look at 120 s. Stable was never touched.
#[test]
fn a_routed_canary_is_safe_the_moment_it_is_aborted() {
    let (record, log) = run(&["rollout.canary.traffic_routing=true"]);
    assert_eq!(record.outcome, RolloutOutcome::RolledBack, "{}", record.reason);
    let (first, requests) = reached(&log, 120.0);
    assert!((60.0..62.0).contains(&first) && (45.0..75.0).contains(&requests), "{first}, {requests}");
    assert_times(&record, first, 120.0, 120.0);
    assert_eq!(record.value(Metric::ExposedRequests), requests);
    assert_eq!(record.value(Metric::NewVersionRequests), requests);
    assert_eq!(record.value(Metric::WeightAtAbort), 0.5);
    assert_eq!(abort_costs(&record), [0.0, 0.0, 0.0]);
}

/// At the look two of four pods are new. They are replaced one at a time, a minute each; the router's lag comes on top.
#[test]
fn a_canary_split_by_pods_is_exposed_until_its_last_pod_has_left_the_endpoints() {
    let split = "rollout.canary.traffic_routing=false";
    // With a surge the second new pod goes after two cold starts; without, after one, and a replica is missing for both.
    for (surge, unavailable, safe, dip) in [(1, 0, 242.0, 0.0), (0, 1, 182.0, 120.0)] {
        let (surge, unavailable) =
            (format!("rollout.canary.max_surge={surge}"), format!("rollout.canary.max_unavailable={unavailable}"));
        let (record, log) = run(&[split, &surge, &unavailable]);
        assert_eq!(record.outcome, RolloutOutcome::RolledBack, "{}", record.reason);
        let (first, exposed) = reached(&log, 120.0);
        assert_times(&record, first, 120.0, safe);
        assert_eq!(record.value(Metric::ExposedRequests), exposed);
        assert_eq!(record.value(Metric::WeightAtAbort), 0.5);
        assert!(record.value(Metric::NewVersionRequests) > exposed + 40.0);
        assert_eq!(abort_costs(&record), [dip, 2.0, 0.0], "{surge}");
        let last = log.requests.iter().rev().find(|row| row.version == "new").expect("someone reached it");
        assert!((safe - 2.0..safe).contains(&last.arrival.seconds()), "the last came at {:?}", last.arrival);
    }
}

/// What is missing and what is too much from the abort until stable is whole again.
#[test]
fn an_abort_that_leaves_too_little_capacity_is_charged_with_the_overload() {
    let sets = [
        "rollout.canary.traffic_routing=false",
        "rollout.canary.max_surge=0",
        "rollout.canary.max_unavailable=1",
        "new_version.step_time_factor=4.0",
        // Two requests of ten tokens a second: four replicas carry them, three and a quarter do not.
        "engine.saturated_tokens_per_second=5.5",
    ];
    let (record, _) = run(&sets);
    // Two stable and a slow one until 180 s, then three stable until 240 s.
    assert_eq!(abort_costs(&record), [60.0 * 1.75 + 60.0, 2.0, 120.0]);
    assert!(record.value(Metric::SecondsOverloaded) > 120.0);
    assert!(record.value(Metric::CapacityDip) > 165.0);
}

/// The switch at 60 s shows the new fleet to everybody; the look a minute later switches back to the fleet that was kept.
#[test]
fn a_blue_green_rollout_is_exposed_from_the_switch_to_the_look() {
    let (record, log) = run(&[
        "rollout.strategy=\"blue_green\"",
        "rollout.blue_green.post_promotion_analysis=[\"errors\"]",
        "analysis.errors.initial_delay=\"1m\"",
        "analysis.errors.count=2",
    ]);
    assert_eq!(record.outcome, RolloutOutcome::RolledBack, "{}", record.reason);
    let (first, exposed) = reached(&log, 120.0);
    assert!((119.0..=121.0).contains(&exposed), "{exposed}");
    assert_times(&record, first, 120.0, 120.0);
    assert_eq!(record.value(Metric::ExposedRequests), exposed);
    assert_eq!(record.value(Metric::WeightAtAbort), 1.0);
    assert_eq!(abort_costs(&record), [0.0, 0.0, 0.0]);
}

#[test]
fn a_version_that_is_given_up_before_anyone_met_it_exposes_nobody() {
    let (record, _) = run(&[
        "rollout.canary.traffic_routing=true",
        "rollout.canary.progress_deadline=\"1m\"",
        "rollout.canary.progress_deadline_abort=true",
        "new_version.start_failure_probability=1.0",
    ]);
    assert_eq!(record.outcome, RolloutOutcome::RolledBack, "{}", record.reason);
    assert_eq!(record.value(Metric::ExposedRequests), 0.0);
    assert_eq!(record.value(Metric::WeightAtAbort), 0.0);
    assert_eq!((record.value(Metric::TimeToDetect), record.value(Metric::TimeToSafety)), (0.0, 0.0));
}

/// A Deployment gives no verdict but its completion; a canary that passes gives it with the promotion.
#[test]
fn without_an_abort_exposure_ends_with_the_verdict_and_nothing_was_detected() {
    let good = "new_version.error_probability=0.0";
    for (strategy, verdict) in [("rolling", "rollout_completed"), ("canary", "promoted")] {
        let strategy = format!("rollout.strategy=\"{strategy}\"");
        let (record, log) = run(&[&strategy, good, "rollout.canary.traffic_routing=true"]);
        assert_eq!(record.outcome, RolloutOutcome::Completed, "{}", record.reason);
        let end = log.events.iter().find(|row| row.event == verdict).expect("a verdict").time.seconds();
        let (_, exposed) = reached(&log, end);
        assert!(exposed > 40.0 && exposed < record.value(Metric::NewVersionRequests));
        assert_eq!(record.value(Metric::ExposedRequests), exposed, "{strategy}");
        let empty = [
            Metric::TimeToDetect,
            Metric::TimeToSafety,
            Metric::WeightAtAbort,
            Metric::AbortDip,
            Metric::AbortColdStarts,
        ];
        assert!(empty.into_iter().all(|metric| record.value(metric).is_nan()), "{strategy}");
    }
}
