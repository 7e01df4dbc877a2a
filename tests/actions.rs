//! What operators and the world do during a run (`[[action]]`), read off the event log of deterministic scenarios.

mod support;

use cutover::ledger::{Metric, RolloutOutcome, RunLog, RunRecord};
use support::prepared;

/// Four replicas that take a minute to start, and long answers in flight on each.
const BASE: &str = r#"
[study]
runs = 1
warm_up = "5m"
duration = "40m"
cool_down = "5m"
timeline_bin = "1m"
[traffic]
arrivals = { process = "poisson", rate = 2.0 }
prompt_tokens = 10
output_tokens = 500
[fleet]
replicas = 4
[engine]
step_time = { base = "40ms" }
[cold_start]
engine_start = "1m"
"#;

const ROLLING: &str = "[rollout]\nstrategy = \"rolling\"\nstart = \"10m\"\n[rollout.rolling]\nmax_surge = 1\n\
                       max_unavailable = 0\n";

fn run(more: &str) -> (RunRecord, RunLog) {
    prepared(&format!("{BASE}{more}"), &[]).log_run(0)
}

fn action(at: &str, rest: &str) -> String {
    format!("[[action]]\nat = \"{at}\"\n{rest}\n")
}

/// Seconds at which an event happened to a version's replicas.
fn times(log: &RunLog, version: &str, event: &str) -> Vec<f64> {
    let rows = log.events.iter().filter(|row| row.replica.is_some() && row.version == version && row.event == event);
    rows.map(|row| row.time.seconds()).collect()
}

#[test]
fn lost_replicas_cut_what_they_served_and_are_replaced_at_once() {
    let (record, log) = run(&action("10m", "do = \"kill_replicas\"\nreplicas = 2"));
    assert_eq!(times(&log, "stable", "gone"), [600.0, 600.0]);
    let created = times(&log, "stable", "created");
    assert_eq!(created[4..], [600.0, 600.0]);
    assert_eq!(times(&log, "stable", "ready")[4..], [660.0, 660.0]);
    // Twenty seconds of half a request a second each.
    let truncated = record.value(Metric::TruncatedAttempts);
    assert!((8.0..40.0).contains(&truncated), "{truncated}");
    assert_eq!(record.value(Metric::CapacityDip), 120.0);
    assert_eq!(log.events.iter().filter(|row| row.event == "action").count(), 1);
}

#[test]
fn unready_replicas_serve_what_they_have_and_get_nothing_new() {
    let unready = action("10m", "do = \"make_unready\"\nreplicas = 1");
    let ready = action("20m", "do = \"make_ready\"");
    let (record, log) = run(&format!("{unready}{ready}"));
    assert_eq!(record.value(Metric::TruncatedAttempts), 0.0);
    assert_eq!(record.value(Metric::CapacityDip), 600.0);
    let sent = |request: &&cutover::ledger::RequestRow| request.replica == Some(0);
    let arrivals: Vec<f64> = log.requests.iter().filter(sent).map(|request| request.arrival.seconds()).collect();
    assert!(arrivals.iter().all(|at| *at < 600.0 || *at >= 1200.0), "no request reaches it while it is unready");
    assert!(arrivals.iter().any(|at| *at > 1200.0));
}

#[test]
fn a_fleet_without_a_rollout_can_be_scaled() {
    let (record, log) =
        run(&(action("10m", "do = \"set_replicas\"\nreplicas = 6")
            + &action("20m", "do = \"set_replicas\"\nreplicas = 3")));
    assert_eq!(times(&log, "stable", "ready")[4..], [660.0, 660.0]);
    assert_eq!(times(&log, "stable", "terminating").len(), 3);
    assert_eq!(record.outcome, RolloutOutcome::None);
    assert_eq!(record.value(Metric::PeakGpus), 6.0);
}

#[test]
fn a_third_version_takes_over_in_mid_rollout_with_its_own_behaviour() {
    let ship = action("11m30s", "do = \"ship\"\nversion = { name = \"v3\", output_tokens_factor = 0.5 }");
    let (record, log) = run(&format!("{ROLLING}{ship}"));
    assert_eq!(record.outcome, RolloutOutcome::Completed);
    assert_eq!(times(&log, "v3", "ready").len(), 4);
    assert!(times(&log, "new", "created").len() < 4);
    assert_eq!(times(&log, "new", "gone").len(), times(&log, "new", "created").len());
    let of = |version: &str| log.requests.iter().find(|row| row.version == version).map(|row| row.output_tokens);
    assert_eq!((of("stable"), of("new"), of("v3")), (Some(500), Some(500), Some(250)));
}

#[test]
fn rolling_back_ships_what_was_shipped_before() {
    let (record, log) = run(&format!("{ROLLING}{}", action("11m30s", "do = \"roll_back\"")));
    assert_eq!(record.outcome, RolloutOutcome::RolledBack);
    assert_eq!(times(&log, "new", "gone").len(), times(&log, "new", "created").len());
    let started: Vec<&str> =
        log.events.iter().filter(|row| row.event == "rollout_started").map(|row| row.version.as_str()).collect();
    assert_eq!(started, ["new", "stable"]);
    // With nothing shipped yet there is nothing to go back to.
    let (record, _) = run(&format!("{ROLLING}{}", action("1m", "do = \"roll_back\"")));
    assert_eq!(record.outcome, RolloutOutcome::Completed);
}

#[test]
fn a_pause_until_promoted_waits_for_the_operator() {
    let canary = "[rollout]\nstrategy = \"canary\"\nstart = \"5m\"\n[rollout.canary]\nsteps = [{ set_weight = 25 }, { \
                  pause = \"until_promoted\" }]\n";
    let (waiting, _) = run(canary);
    assert_eq!(waiting.outcome, RolloutOutcome::Stuck, "{}", waiting.reason);
    let (promoted, _) = run(&format!("{canary}{}", action("15m", "do = \"promote\"")));
    assert_eq!(promoted.outcome, RolloutOutcome::Completed, "{}", promoted.reason);
    let (aborted, _) = run(&format!("{canary}{}", action("15m", "do = \"abort\"")));
    assert_eq!(aborted.outcome, RolloutOutcome::RolledBack, "{}", aborted.reason);
    assert_eq!(aborted.reason, "aborted by an operator");
}

/// A canary whose analysis measures a share of errors over five minutes.
fn canary(version: &str, actions: &str) -> String {
    format!(
        "[rollout]\nstrategy = \"canary\"\nstart = \"5m\"\n[rollout.canary]\nrollback_window = 1\nsteps = [{{ set_weight = 50 \
         }}, {{ analysis = [\"errors\"] }}]\n[analysis.errors]\nmetric = \"error_rate\"\nmax = 0.1\ninterval = \"1m\"\ncount \
         = 2\ninitial_delay = \"1m\"\nmin_samples = 10\nno_data = \"success\"\n[new_version]\n{version}\n{actions}"
    )
}

#[test]
fn a_retry_is_measured_like_the_first_try() {
    let (record, log) = run(&canary("error_probability = 0.5", &action("25m", "do = \"retry\"")));
    assert_eq!(record.outcome, RolloutOutcome::RolledBack, "{}", record.reason);
    let measured: Vec<&str> =
        log.events.iter().filter(|row| row.event == "measurement").map(|row| row.detail.as_str()).collect();
    assert_eq!(measured.len(), 2, "one failed measurement ends each try: {measured:?}");
    assert!(measured.iter().all(|detail| detail.ends_with("outcome=failed")), "{measured:?}");
}

/// A version that was shipped earlier is older, wherever its action stands in the file: what was never deployed is not
/// taken for a return within the rollback window.
#[test]
fn which_version_is_older_follows_from_when_it_was_shipped() {
    let v3 = action("1m", "do = \"ship\"\nversion = { name = \"v3\" }");
    let (record, log) = run(&canary("error_probability = 0.5", &v3).replace("start = \"5m\"", "start = \"20m\""));
    let started: Vec<&str> =
        log.events.iter().filter(|row| row.event == "rollout_started").map(|row| row.version.as_str()).collect();
    assert_eq!(started, ["v3", "new"]);
    assert_eq!(record.outcome, RolloutOutcome::RolledBack, "its steps and analysis are not skipped: {}", record.reason);
}

/// Each rollout of a run has its own first contact, and an abort is that of the version that it gives up.
#[test]
fn exposure_is_to_the_version_under_way() {
    let v3 = action("20m", "do = \"ship\"\nversion = { name = \"v3\", error_probability = 0.5 }");
    let (record, log) = run(&canary("", &v3));
    assert_eq!(record.outcome, RolloutOutcome::RolledBack, "{}", record.reason);
    let first = log.requests.iter().find(|row| row.version == "v3").expect("some reached it");
    let aborted = log.events.iter().find(|row| row.event == "aborted").expect("it was given up");
    let expected = aborted.time.seconds() - first.arrival.seconds();
    assert!((record.value(Metric::TimeToDetect) - expected).abs() < 1e-6, "{expected}");
    assert!(record.value(Metric::TimeToSafety) < record.value(Metric::TimeToDetect) + 60.0);
}

/// To ship what is shipped already begins nothing.
#[test]
fn shipping_the_same_again_changes_nothing() {
    let again = action("11m", "do = \"ship\"\nversion = \"new\"");
    let ((plain, log), (record, again)) = (run(ROLLING), run(&format!("{ROLLING}{again}")));
    assert_eq!(again.events.len(), log.events.len() + 1);
    assert_eq!(record.value(Metric::RolloutDuration), plain.value(Metric::RolloutDuration));
}
