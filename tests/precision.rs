//! `--precision`: intervals hold although runs are added until they are narrow, on the simulator itself and from the
//! command line.

mod support;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use assert_cmd::cargo::cargo_bin_cmd;
use cutover::ledger::Metric;
use cutover::study::{Ended, Sequence, Target, run_until_precise};
use serde_json::Value;
use support::{mean_and_error, scenario, study, values};

/// A replica and the one that takes its place, within three minutes; answers that the grace period may cut.
const SCENARIO: &str = r#"
name = "One replica, rolling update"
[study]
runs = 40
seed = 1
warm_up = "20s"
duration = "90s"
cool_down = "30s"
timeline_bin = "30s"
[traffic]
arrivals = { process = "poisson", rate = 1.0 }
prompt_tokens = 100
output_tokens = { distribution = "lognormal", median = 100, p99 = 900, max = 1500 }
[fleet]
replicas = 1
gpu_hour_usd = 3.0
[engine]
max_num_seqs = 64
max_num_batched_tokens = 2048
kv_cache_tokens = 100000
step_time = { base = "10ms", per_sequence = "50us", per_prefill_token = "60us" }
[cold_start]
engine_start = "10s"
[termination]
grace_period = "2s"
[rollout]
strategy = "rolling"
start = "20s"
[rollout.rolling]
max_surge = 1
max_unavailable = 0
"#;

/// Of 300 studies, each with its own seed, at least 93 % must cover the truth, which 20,000 runs tell some ten times as
/// precisely as one study does.
#[test]
fn studies_of_the_simulator_cover_the_truth_whichever_look_was_their_last() {
    const STUDIES: u64 = 300;
    let truth = study(SCENARIO, &["study.runs=20000", "study.seed=1000000"]);
    let (truncated, _) = mean_and_error(&values(&truth, Metric::TruncatedAttempts));
    let p90 = truth.metric(Metric::E2eP99).p90.value;
    for (text, truth, (first, most)) in
        [("truncated_attempts.mean=40%,0.01", truncated, (40, 640)), ("e2e_p99_s.p90=10%", p90, (60, 480))]
    {
        let sequence = Sequence::new(vec![Target::parse(text).expect(text)], first, most);
        let mut covered = 0;
        for seed in 0..STUDIES {
            let scenario = scenario(SCENARIO, &[&format!("study.seed={seed}"), &format!("study.runs={first}")]);
            let result = run_until_precise(scenario, &sequence, None, &|_| {}, &|| false, &AtomicBool::new(false));
            let target = result.precision.as_ref().expect("it was asked for").standings[0].target;
            let (low, high) = target.measure.of(result.metric(target.measure.metric)).interval.expect("an interval");
            covered += u64::from((low..=high).contains(&truth));
        }
        let share = covered as f64 / STUDIES as f64;
        println!("{text}: {:.1} % of studies cover", 100.0 * share);
        assert!(share >= 0.93, "{text}: {share}");
    }
}

#[test]
fn the_result_does_not_depend_on_threads_and_an_interruption_keeps_what_is_done() {
    let sequence = || Sequence::new(vec![Target::parse("truncated_attempts.mean=20%").expect("a target")], 40, 160);
    let never = AtomicBool::new(false);
    let run =
        |threads| run_until_precise(scenario(SCENARIO, &[]), &sequence(), Some(threads), &|_| {}, &|| false, &never);
    assert_eq!(format!("{:?}", run(1)), format!("{:?}", run(3)));
    let stop = AtomicBool::new(false);
    let progress = |done: u64| {
        if done == 50 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let cut = run_until_precise(scenario(SCENARIO, &[]), &sequence(), Some(1), &progress, &|| false, &stop);
    assert_eq!(cut.records.len(), 50);
    assert!(cut.partial);
    assert_eq!(cut.precision.expect("it was asked for").ended, Ended::Interrupted);
}

/// What the program does with these arguments: exit code, standard output, standard error.
fn cutover(arguments: &[&str]) -> (i32, String, String) {
    let place = tempfile::tempdir().expect("a directory");
    fs::write(place.path().join("a.toml"), SCENARIO).expect("written");
    let output = cargo_bin_cmd!("cutover").current_dir(place.path()).args(arguments).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_command_adds_runs_and_says_what_became_of_the_precision() {
    let (code, out, _) = cutover(&["run", "a.toml", "--precision", "requests.mean=3%", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).expect("one document");
    assert_eq!(code, 0);
    assert_eq!(json["precision"]["ended"], "reached");
    assert_eq!(json["precision"]["looks"], serde_json::json!([40, 80, 160, 320, 640]));
    assert!(
        json["precision"]["targets"][0]["distance"].as_f64() <= json["precision"]["targets"][0]["allowed"].as_f64()
    );
    assert!(json["provenance"]["runs"].as_u64() > Some(40));
    let (code, out, said) = cutover(&[
        "run",
        "a.toml",
        "--precision",
        "requests.mean=0.01%",
        "--max-runs",
        "80",
        "--precision",
        "cost_usd=1%",
    ]);
    assert_eq!(code, 0);
    assert!(said.contains("not as precise as was asked for"), "{said}");
    let out: String = out.split_whitespace().collect::<Vec<&str>>().join(" ");
    assert!(out.contains("not to ±0.01 %: about") && out.contains("runs would do"), "{out}");
    assert!(out.contains("cost_usd.mean is known to ±"), "{out}");
    assert!(out.contains("not precise enough after all 80 runs"), "{out}");
}

#[test]
fn contradictory_targets_are_refused_before_anything_is_simulated() {
    for (arguments, said) in [
        (vec!["--precision", "truncated.mean=5%"], "did you mean"),
        (vec!["--precision", "cost_usd.mean=5"], ""),
        (vec!["--precision", "cost_usd.max=5%"], "no interval"),
        (vec!["--precision", "cost_usd=5%", "--precision", "cost_usd.mean=1%"], "two widths"),
        (vec!["--precision", "cost_usd=5%", "--max-runs", "10"], "less than the 40 runs to begin with"),
        (vec!["--precision", "cost_usd=5%", "--time-budget", "soon"], "expected a duration"),
        (vec!["--precision", "cost_usd=5%", "--time-budget", "0s"], "above zero"),
        (vec!["--max-runs", "100"], "--precision"),
    ] {
        let (code, out, err) = cutover(&[vec!["run", "a.toml"], arguments.clone()].concat());
        if said.is_empty() {
            assert_eq!(code, 0, "{arguments:?}: {err}");
            continue;
        }
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(said), "{arguments:?}: {err}");
    }
}

#[test]
fn a_bound_is_refused_by_what_the_greatest_number_of_runs_could_certify() {
    let check = "check=[{metric=\"truncated_attempts\", statistic=\"mean\", max=0}]";
    let smallest = |more: &[&str]| -> f64 {
        let (code, _, err) = cutover(&[&["check", "a.toml", "--set", check], more].concat());
        assert_eq!(code, 2, "{err}");
        let text =
            err.split("could certify is ").nth(1).expect("the smallest").lines().next().unwrap_or_default().trim();
        text.parse().expect("a number")
    };
    let (one, sixteen) = (smallest(&[]), smallest(&["--precision", "truncated_attempts=5%"]));
    // 3.69 / 40, and a wider interval over 16 times as many runs.
    assert!((one - 3.69 / 40.0).abs() < 0.001, "{one}");
    assert!(sixteen < one / 8.0 && sixteen > one / 16.0, "{sixteen}");
}
