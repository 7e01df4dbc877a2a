//! A replica's life on the program itself: stages, probes, quota, failures, and the three clocks of termination, read off
//! the event log of deterministic scenarios.

mod support;

use cutover::ledger::{EventRow, Metric, RolloutOutcome, RunLog};
use support::prepared;

/// Two replicas, updated one at a time by a surge of one; every draw is a constant.
const BASE: &str = r#"
[study]
runs = 1
warm_up = "1m"
duration = "30m"
cool_down = "0s"
timeline_bin = "1m"
[traffic]
arrivals = { process = "poisson", rate = 0.5 }
prompt_tokens = 10
output_tokens = 10
[fleet]
replicas = 2
[engine]
step_time = { base = "10ms" }
[rollout]
strategy = "rolling"
start = "0s"
[rollout.rolling]
max_surge = 1
max_unavailable = 0
"#;

fn log(sets: &[&str]) -> RunLog {
    prepared(BASE, sets).log_run(0).1
}

/// Seconds at which an event happened to a replica, in order.
fn seconds(log: &RunLog, replica: u32, event: &str) -> Vec<f64> {
    let of = |row: &&EventRow| row.replica == Some(replica) && row.event == event;
    log.events.iter().filter(of).map(|row| row.time.seconds()).collect()
}

#[test]
fn each_stage_begins_where_the_one_before_it_ends() {
    let log = log(&[
        "cold_start.provision=\"5s\"",
        "cold_start.image_pull=\"20s\"",
        "cold_start.weight_load={ gigabytes = 30, gigabytes_per_second = 1.0 }",
        "cold_start.engine_start=\"45s\"",
    ]);
    let stages = ["created", "provisioning", "pulling", "loading", "starting", "ready", "available"];
    let times: Vec<f64> = stages.iter().map(|stage| seconds(&log, 2, stage)[0]).collect();
    assert_eq!(times, [0.0, 0.0, 5.0, 25.0, 55.0, 100.0, 100.0]);
}

#[test]
fn readiness_is_seen_at_a_whole_number_of_periods_after_the_containers_start() {
    let log = log(&[
        "cold_start.image_pull=\"3s\"",
        "cold_start.engine_start=\"41s\"",
        "cold_start.readiness_period=\"10s\"",
        "rollout.rolling.min_ready=\"15s\"",
    ]);
    assert_eq!(seconds(&log, 2, "ready"), [53.0]);
    assert_eq!(seconds(&log, 2, "available"), [68.0]);
}

#[test]
fn replicas_that_load_at_once_share_the_bandwidth() {
    let loading =
        "cold_start.weight_load={ gigabytes = 30, gigabytes_per_second = 1.0, shared_gigabytes_per_second = 1.5 }";
    let log = log(&["rollout.rolling.max_surge=2", loading]);
    // Two at 0.75 GB/s each.
    assert_eq!((seconds(&log, 2, "ready"), seconds(&log, 3, "ready")), (vec![40.0], vec![40.0]));
}

/// SIGTERM when the hook ends or the grace period does; SIGKILL at the later of the grace period's end and SIGTERM + 2 s.
#[test]
fn the_three_clocks_of_termination_start_together() {
    let long = ["traffic.output_tokens=100000", "engine.kv_cache_tokens=10000000", "cold_start.engine_start=\"1m\""];
    for (grace, pre_stop, sigterm, sigkill) in
        [(30, 5, 5.0, 30.0), (30, 30, 30.0, 32.0), (5, 20, 5.0, 7.0), (0, 0, 0.0, 2.0), (1, 0, 0.0, 2.0)]
    {
        let (grace, pre_stop) =
            (format!("termination.grace_period=\"{grace}s\""), format!("termination.pre_stop=\"{pre_stop}s\""));
        let sets: Vec<&str> = long.into_iter().chain([grace.as_str(), pre_stop.as_str()]).collect();
        let log = log(&sets);
        let victim = log.events.iter().find(|row| row.event == "terminating").and_then(|row| row.replica).unwrap();
        let at = |event: &str| seconds(&log, victim, event)[0] - 60.0;
        assert_eq!((at("terminating"), at("sigterm"), at("sigkill"), at("gone")), (0.0, sigterm, sigkill, sigkill));
        let cut = log.requests.iter().filter(|row| row.outcome == "truncated" && row.replica == Some(victim));
        assert!(cut.clone().count() > 0);
        assert!(cut.into_iter().all(|row| row.finish.unwrap().seconds() == 60.0 + sigkill));
    }
}

#[test]
fn a_server_that_aborts_lets_go_at_the_next_boundary_and_one_that_drains_is_gone_with_its_last_answer() {
    let sets = ["cold_start.engine_start=\"1m\"", "traffic.output_tokens=3000", "termination.grace_period=\"10m\""];
    let drained = log(&sets);
    let victim = drained.events.iter().find(|row| row.event == "terminating").and_then(|row| row.replica).unwrap();
    let last = (drained.requests.iter())
        .filter(|row| row.replica == Some(victim))
        .filter_map(|row| row.finish)
        .max()
        .expect("it answered someone");
    assert_eq!(seconds(&drained, victim, "gone"), [last.seconds().max(60.0)]);
    assert!(drained.requests.iter().all(|row| row.outcome != "truncated"));
    let aborted = log(&[sets[0], sets[1], sets[2], "termination.on_sigterm=\"abort\""]);
    let gone = seconds(&aborted, victim, "gone")[0];
    assert!((60.0..60.0101).contains(&gone), "{gone}");
    assert!(aborted.requests.iter().any(|row| row.outcome == "truncated" && row.finish.unwrap().seconds() == gone));
}

#[test]
fn what_comes_between_sigterm_and_the_endpoints_removal_is_refused() {
    let log = log(&["traffic.arrivals.rate=20", "termination.endpoint_lag=\"10s\"", "cold_start.engine_start=\"1m\""]);
    let refused: Vec<f64> =
        log.requests.iter().filter(|row| row.outcome == "refused").map(|row| row.arrival.seconds()).collect();
    assert!(refused.len() > 50, "{}", refused.len());
    // Two replicas go one after the other, each with ten seconds of lag.
    assert!(refused.iter().all(|at| (60.0..70.0).contains(at) || (120.0..130.0).contains(at)), "{refused:?}");
}

#[test]
fn a_draining_replica_holds_the_gpus_that_the_next_waits_for() {
    let log = log(&[
        "fleet.gpu_limit=2",
        "rollout.rolling.max_surge=0",
        "rollout.rolling.max_unavailable=1",
        "termination.pre_stop=\"25s\"",
        "cold_start.engine_start=\"1m\"",
    ]);
    assert_eq!(seconds(&log, 2, "created"), [0.0]);
    assert_eq!(seconds(&log, 2, "provisioning"), [25.0]);
    assert_eq!(seconds(&log, 2, "ready"), [85.0]);
}

/// Each of the two replacements waits for the delay once more; nobody bills what is lost.
#[test]
fn gpus_that_are_lost_when_released_prolong_a_rollout_by_the_delay_each_time() {
    let duration = |sets: &[&str]| {
        let (record, log) = prepared(BASE, &[&["cold_start.engine_start=\"1m\""], sets].concat()).log_run(0);
        assert_eq!(record.outcome, RolloutOutcome::Completed, "{}", record.reason);
        (record.value(Metric::RolloutDuration), record.value(Metric::GpuHours), log)
    };
    let lost = "fleet.stockout={ probability = 1.0, delay = \"7m\" }";
    let in_turn = ["fleet.gpu_limit=2", "rollout.rolling.max_surge=0", "rollout.rolling.max_unavailable=1"];
    let (with, without) = (duration(&[&in_turn[..], &[lost]].concat()), duration(&in_turn));
    // Up to what an old replica's last answers take.
    let is_close = |difference: f64, law: f64| (difference - law).abs() < 0.3;
    assert!(is_close(with.0 - without.0, 2.0 * 420.0), "{} and {}", with.0, without.0);
    assert!(is_close(3600.0 * (without.1 - with.1), 2.0 * 420.0), "{} and {}", with.1, without.1);
    let events: Vec<&str> = with.2.events.iter().map(|row| row.event).filter(|name| name.starts_with("gpus")).collect();
    assert_eq!(events, ["gpus_lost", "gpus_returned", "gpus_lost", "gpus_returned"]);
    // Without a limit, what is asked for beyond all before is there. The second of three replacements is created before the
    // first old replica is gone, the third a minute later: it waits for what that one gave back.
    let unlimited = |more: &[&str]| duration(&[&["fleet.replicas=3"], more].concat()).0;
    assert!(is_close(unlimited(&[lost]) - unlimited(&[]), 420.0 - 60.0), "{}", unlimited(&[lost]));
    // The i-th release draws the i-th value.
    let values =
        "fleet.stockout={ probability = 1.0, delay = { distribution = \"sequence\", values = [\"1m\", \"3m\"] } }";
    assert!(is_close(duration(&[&in_turn[..], &[values]].concat()).0 - without.0, 240.0));
    // With two releases of probability one half, some runs lose none, some one, some both.
    let half = "fleet.stockout={ probability = 0.5, delay = \"7m\" }";
    let prepared = prepared(BASE, &[&in_turn[..], &["cold_start.engine_start=\"1m\"", half]].concat());
    let losses: Vec<f64> = (0..60)
        .map(|run| ((prepared.log_run(run).0.value(Metric::RolloutDuration) - without.0) / 420.0).round())
        .collect();
    let share = |lost: f64| losses.iter().filter(|it| **it == lost).count();
    assert!(share(0.0) > 5 && share(1.0) > 15 && share(2.0) > 5, "{losses:?}");
}

#[test]
fn a_replica_whose_gpus_come_back_is_late_and_not_stuck() {
    let sets = ["fleet.gpu_limit=2", "rollout.rolling.max_surge=0", "rollout.rolling.max_unavailable=1"];
    let lost = |delay: &str| {
        let stockout = format!("fleet.stockout={{ probability = 1.0, delay = {delay} }}");
        prepared(BASE, &[&sets[..], &[stockout.as_str()]].concat()).log_run(0).0
    };
    let late = lost("\"40m\"");
    assert_eq!(late.outcome, RolloutOutcome::Unfinished);
    assert_eq!(late.reason, "1 replica waits for GPUs, gpu_limit = 2, 1 lost when released");
    let never = lost("{ distribution = \"sequence\", values = [\"never\"] }");
    assert_eq!(never.outcome, RolloutOutcome::Deadlock);
    assert_eq!(never.reason, "1 replica waits for GPUs that nothing will free, gpu_limit = 2, 1 lost when released");
}

/// 10 s, doubling to 5 minutes; loading and starting again, no pulling.
#[test]
fn a_start_that_fails_backs_off_as_kubernetes_does() {
    let log = log(&[
        "new_version.start_failure_probability=1.0",
        "cold_start.image_pull=\"7s\"",
        "cold_start.weight_load=\"2s\"",
        "cold_start.engine_start=\"3s\"",
    ]);
    let failures = seconds(&log, 2, "start_failed");
    let waits: Vec<f64> = failures.windows(2).map(|pair| pair[1] - pair[0] - 5.0).collect();
    assert_eq!(failures[0], 12.0);
    assert_eq!(waits[..7], [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]);
    assert_eq!(seconds(&log, 2, "pulling").len(), 1);
}

/// Ten minutes of running start the back-off anew, whatever of them was spent loading.
#[test]
fn a_container_that_ran_for_long_starts_its_back_off_anew() {
    let log = log(&[
        "new_version.crash_mtbf=\"30s\"",
        "cold_start.weight_load=\"10m\"",
        "study.duration=\"3h\"",
        "rollout.rolling.min_ready=\"2h\"",
        "rollout.rolling.progress_deadline=\"3h\"",
    ]);
    let (crashes, loads) = (seconds(&log, 2, "crashed"), seconds(&log, 2, "loading"));
    assert!(crashes.len() > 5);
    for (crash, load) in crashes.iter().zip(&loads[1..]) {
        assert!((load - crash - 10.0).abs() < 1e-6, "{crash} to {load}");
    }
}

#[test]
fn a_rollout_that_nothing_will_ever_move_is_stuck_and_says_why() {
    let bad_starts = "new_version.start_failure_probability=1.0";
    let shared =
        "cold_start.weight_load={ gigabytes = 100, gigabytes_per_second = 1.0, shared_gigabytes_per_second = 1.0 }";
    let no_surge = ["fleet.gpu_limit=3", "rollout.rolling.max_surge=2"];
    let cases: [(&[&str], &str); 4] = [
        // One more waits for GPUs, yet GPUs are not what is missing.
        (&[bad_starts, no_surge[0], no_surge[1]], "1 replica fails every start"),
        (&["cold_start.image_pull={ distribution = \"sequence\", values = [\"never\"] }"], "never become ready"),
        (&[bad_starts], "every start"),
        // The window ends while the weights load once more.
        (&[bad_starts, shared, "study.duration=\"150s\"", "study.timeline_bin=\"10s\""], "never become ready"),
    ];
    for (sets, expected) in cases {
        let (record, _) = prepared(BASE, sets).log_run(0);
        assert_eq!(record.outcome, RolloutOutcome::Stuck, "{sets:?}: {}", record.reason);
        assert!(record.reason.contains(expected), "{sets:?}: {}", record.reason);
        assert!(record.value(Metric::RolloutDuration).is_nan());
    }
    let (record, _) = prepared(BASE, &["cold_start.engine_start=\"40m\""]).log_run(0);
    assert_eq!(record.outcome, RolloutOutcome::Unfinished, "a start that will end is not stuck");
}

const BLUE_GREEN: &str = "rollout.strategy=\"blue_green\"";
const CANARY: &str = "rollout.strategy=\"canary\"";
const STEPS: &str = "rollout.canary.steps=[{ set_weight = 50 }, { pause = \"1m\" }]";

/// What is certain to deadlock is said before the run, with the least quota that would do; the run agrees.
#[test]
fn a_surge_that_never_gets_its_gpus_is_a_deadlock_foreseen_and_found() {
    let large =
        "rollout.canary.steps=[{ set_canary_scale = { replicas = 3 } }, { set_weight = 50 }, { pause = \"1m\" }]";
    let cases: [(&[&str], u32); 7] = [
        (&["new_version.crash_mtbf=\"24h\""], 3),
        (&["fleet.gpus_per_replica=4"], 12),
        (&[BLUE_GREEN, "rollout.blue_green.preview_replica_count=1"], 4),
        (&[BLUE_GREEN, "rollout.blue_green.preview_replica_count=3"], 5),
        (&[CANARY, STEPS, "rollout.canary.traffic_routing=true"], 4),
        (&[CANARY, large, "rollout.canary.traffic_routing=true"], 5),
        (&[CANARY, STEPS, "rollout.canary.traffic_routing=false", "rollout.canary.max_surge=1"], 3),
    ];
    for (sets, least) in cases {
        let with = |limit: u32| {
            let limit = format!("fleet.gpu_limit={limit}");
            let prepared = prepared(BASE, &[sets, &[limit.as_str()]].concat());
            (prepared.log_run(0).0, prepared.scenario.warning_messages().join("; "))
        };
        let (record, warnings) = with(least - 1);
        assert_eq!(record.outcome, RolloutOutcome::Deadlock, "{sets:?}: {}", record.reason);
        assert!(record.reason.contains("for GPUs that nothing will free, gpu_limit ="), "{sets:?}: {}", record.reason);
        assert!(record.value(Metric::RolloutDuration).is_nan());
        assert!(warnings.contains("deadlocks"), "{sets:?}: {warnings}");
        assert!(warnings.contains(&format!("{least} GPUs")), "{sets:?}: {warnings}");
        let (record, warnings) = with(least);
        assert_eq!(record.outcome, RolloutOutcome::Completed, "{sets:?}: {}", record.reason);
        assert!(!warnings.contains("deadlock"), "{sets:?}: {warnings}");
    }
}

#[test]
fn an_analysis_without_end_does_not_hide_a_deadlock_and_one_that_aborts_ends_it() {
    let errors = "analysis.errors={ metric = \"error_rate\", max = 0.01, interval = \"1m\" }";
    let background = "rollout.canary.background_analysis=[\"errors\"]";
    let sets = [CANARY, STEPS, "rollout.canary.traffic_routing=true", errors, background, "fleet.gpu_limit=3"];
    let (record, _) = prepared(BASE, &sets).log_run(0);
    assert_eq!(record.outcome, RolloutOutcome::Deadlock, "{}", record.reason);
    let (record, _) = prepared(BASE, &[&sets[..], &["new_version.error_probability=0.5"]].concat()).log_run(0);
    assert_eq!(record.outcome, RolloutOutcome::RolledBack, "{}", record.reason);
}

/// An attempt that a draining replica lets go of is tried again before others know more than they can.
#[test]
fn least_requests_sends_each_attempt_where_there_are_fewest_even_while_replicas_abort() {
    let sets = [
        "fleet.replicas=4",
        "traffic.arrivals.rate=20",
        "traffic.output_tokens=20",
        "engine.step_time.base=\"200ms\"",
        "clients.max_retries=3",
        "clients.backoff={ initial = \"10ms\", factor = 1.0, max = \"10ms\", jitter = 0.0 }",
        "rollout.rolling.max_unavailable=2",
        "rollout.rolling.max_surge=2",
        "cold_start.engine_start=\"30s\"",
        "termination.on_sigterm=\"abort\"",
        "termination.endpoint_lag=\"3s\"",
        "termination.pre_stop=\"1s\"",
        "termination.grace_period=\"20s\"",
    ];
    let log = log(&sets);
    // What each replica held at each arrival follows from the rows: those that came and had not gone.
    let mut checked = 0;
    for (i, row) in log.requests.iter().enumerate() {
        let Some(replica) = row.replica else { continue };
        let held = |id: u32| {
            let before = log.requests[..i].iter().rev().take(600);
            let taken = |other: &&cutover::ledger::RequestRow| other.replica == Some(id) && other.outcome != "refused";
            before.filter(taken).filter(|other| other.finish.is_none_or(|finish| finish >= row.arrival)).count()
        };
        let endpoints = log.events.iter().filter(|e| e.event == "ready" && e.time < row.arrival);
        let removed =
            |id: u32| seconds(&log, id, "terminating").first().is_some_and(|t| t + 3.0 <= row.arrival.seconds());
        let least = endpoints.filter_map(|e| e.replica).filter(|id| !removed(*id)).map(held).min();
        // Who ends in the very nanosecond of an arrival, or was cancelled at it, may be counted on either side.
        assert!(held(replica) <= least.unwrap_or(0) + 1, "attempt {}.{} at {:?}", row.id, row.attempt, row.arrival);
        checked += 1;
        if row.arrival.seconds() > 120.0 {
            break;
        }
    }
    assert!(checked > 500);
    assert!(log.requests.iter().any(|row| row.attempt > 1));
}

/// The most replicas that held GPUs at once: created and not gone, as there is no quota to wait for.
fn most_at_once(log: &RunLog) -> usize {
    let (mut now, mut most) = (0, 0);
    for row in &log.events {
        match row.event {
            "created" => now += 1,
            "gone" => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    most
}

#[test]
fn gpus_never_exceed_the_surge_where_terminating_replicas_are_waited_for() {
    // Answers of thirty seconds, which a replica drains while the next one starts in ten.
    let slow = ["traffic.output_tokens=3000", "termination.grace_period=\"90s\"", "cold_start.engine_start=\"10s\""];
    for (policy, most) in [("termination_started", 4), ("termination_complete", 3)] {
        let policy = format!("rollout.rolling.pod_replacement_policy=\"{policy}\"");
        let log = log(&[slow.as_slice(), &[policy.as_str()]].concat());
        assert!(log.events.iter().any(|row| row.detail == "outcome=completed"), "{policy}");
        // The two of the warm fleet were created before the log begins.
        let warm = if log.events.iter().filter(|row| row.event == "created").count() == 2 { 2 } else { 0 };
        assert_eq!(most_at_once(&log) + warm, most, "{policy}");
    }
}

/// What the controller did with sizes and weights, and why.
fn reasons(sets: &[&str]) -> Vec<String> {
    let told = |row: &&EventRow| matches!(row.event, "scaled" | "weight_set");
    let log = log(sets);
    log.events.iter().filter(told).map(|row| format!("{}: {}", row.detail, row.why)).collect()
}

#[test]
fn a_rolling_update_says_why_it_scales() {
    assert_eq!(
        reasons(&["cold_start.engine_start=\"1m\""]),
        [
            "new=1: 2 of at most 3 pods are there: room for 1",
            "stable=1: 3 of 3 available, 2 needed: 1 old may go",
            "new=2: 2 of at most 3 pods are there: room for 1",
            "stable=0: 3 of 3 available, 2 needed: 1 old may go",
        ]
    );
}

#[test]
fn a_canary_says_why_it_scales_and_why_weights_are_set() {
    let steps = "rollout.canary.steps=[{ set_weight = 50 }, { pause = \"2m\" }]";
    assert_eq!(
        reasons(&["cold_start.engine_start=\"1m\"", "rollout.strategy=\"canary\"", steps]),
        [
            "new=1: the canary has what 50 % of the traffic needs of 2",
            "weight=50: the step asks for it, and its pods are there",
            "new=2: the new version gets all 2",
            "weight=100: all steps are done",
            "weight=0: there is no canary: what is shipped is stable",
            "stable=0: scale_down_delay (30s) is over",
        ]
    );
}

#[test]
fn blue_green_says_why_it_scales() {
    let preview = "rollout.blue_green.preview_replica_count=1";
    assert_eq!(
        reasons(&["cold_start.engine_start=\"1m\"", "rollout.strategy=\"blue_green\"", preview]),
        [
            "new=1: preview_replica_count is 1 until the preview passed",
            "new=2: the new version gets all 2",
            "stable=0: scale_down_delay (30s) is over",
        ]
    );
}
