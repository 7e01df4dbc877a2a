//! `cutover grace` as scripts meet it: exit codes, files, what is said on which stream, and bytes that depend on nothing but
//! the scenario.

mod support;

use std::fs;

use assert_cmd::Command;
use support::interrupt::{a_run_is_finished, ended_by};
use support::place::{Place, files, output};
use support::small::two_replicas;

/// Two small replicas for two minutes.
fn place() -> Place {
    Place::with(&two_replicas(&[
        ("duration = \"3m\"", "duration = \"2m\""),
        ("engine_start = \"20s\"", "engine_start = \"10s\""),
        ("start = \"30s\"", "start = \"20s\""),
    ]))
}

fn grace(place: &Place, arguments: &[&str]) -> Command {
    place.command(&[&["grace", "scenario.toml"], arguments].concat())
}

/// Standard output of a command that answers, whatever the answer is.
fn says(place: &Place, arguments: &[&str]) -> String {
    output(&grace(place, arguments).assert().code(vec![0, 1, 3]))
}

#[test]
fn the_answer_is_printed_and_saved_the_same_for_any_number_of_threads() {
    let place = place();
    let said = |threads: &str| says(&place, &["--out", threads, "--threads", threads, "--quiet"]);
    let (one, three) = (said("1"), said("3"));
    assert_eq!(one, three);
    assert!(one.contains("answers cut a rollout") && one.contains("today"), "{one}");
    let (of_one, of_three) = (files(&place.path("1")), files(&place.path("3")));
    // Beside it the whole study of the scenario as written.
    assert!(of_one.contains_key("as-written/summary.json") && of_one.contains_key("as-written/charts/truncated.png"));
    let names: Vec<&String> = of_one.keys().filter(|name| !name.starts_with("as-written/")).collect();
    assert_eq!(names, ["charts/grace.png", "charts/grace.svg", "grace.csv", "grace.json", "grace.md", "grace.saved"]);
    assert!(of_one == of_three);
    assert!(String::from_utf8_lossy(&of_one["grace.md"]).contains("](charts/grace.png)"));
}

#[test]
fn the_json_is_what_is_saved_and_the_scenarios_own_period_is_always_there() {
    let place = place();
    let said =
        says(&place, &["--periods", "1m,8s..12s/2s", "--target-count", "0.5", "--cost-runs", "0", "--format", "json"]);
    assert_eq!(said.as_bytes(), fs::read(place.path("output/scenario/grace.json")).unwrap());
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    let periods: Vec<f64> =
        json["periods"].as_array().unwrap().iter().map(|period| period["grace_s"].as_f64().unwrap()).collect();
    assert_eq!(periods, [5.0, 8.0, 10.0, 12.0, 60.0]);
    assert_eq!((&json["today_s"], &json["target"]["of"]), (&5.0.into(), &"count".into()));
    // One simulation serves all, and nobody asked for costs.
    assert_eq!(json["method"], "conditional");
    assert!(json["periods"][4]["cost_difference_usd"].is_null() && json["periods"][4]["counted"].is_null());
    assert!(json["periods"][0]["counted"]["truncated"]["value"].is_number());
}

#[test]
fn the_exit_code_tells_whether_a_period_is_enough_none_is_or_the_runs_do_not_tell() {
    let place = place();
    for (arguments, code, said) in [
        (&["--periods", "1m", "--target-count", "1000"][..], 0, "is enough"),
        (&["--periods", "6s", "--target-count", "0.0001"], 1, "Look at longer ones (--periods)."),
        (&["--periods", "6s,2m"], 3, "Simulate 100 runs or more (--runs 100)."),
    ] {
        let assert = grace(&place, arguments).args(["--quiet", "--cost-runs", "0"]).assert().code(code);
        let text = String::from_utf8_lossy(&assert.get_output().stdout).replace('\n', " ");
        assert!(text.contains(said), "{arguments:?}: {text}");
    }
}

#[test]
fn markdown_is_a_page_with_tables() {
    let page = says(&place(), &["--periods", "10s", "--format", "md", "--runs", "3"]);
    assert!(page.starts_with("# Two replicas, rolling update: how long must the grace period be?"), "{page}");
    assert!(page.contains("| grace |") && page.contains("## Provenance") && !page.contains("charts/"), "{page}");
}

#[test]
fn wrong_arguments_are_refused_with_what_was_expected() {
    let place = place();
    for (arguments, said) in [
        (&["--periods", "10s,soon"][..], "error: --periods: `soon` is no grace period: expected a duration such as"),
        (&["--periods", "10s,,20s"], "error: --periods: expected values separated by commas"),
        (&["--periods", "10s,10s"], "stands twice"),
        (&["--target-probability", "0"], "expected a number between 0 and 1"),
        (&["--target-count", "-1"], "error: --target-count: expected a number above 0"),
        (&["--target-probability", "0.1", "--target-count", "1"], "cannot be used with"),
        (&["--set", "termination.grace_perod=\"1m\""], "grace_period"),
        (&["--set", "rollout.strategy=\"none\""], "error: this scenario shuts no replica down"),
    ] {
        let arguments = if arguments == ["--target-count", "-1"] { &["--target-count=-1"] } else { arguments };
        let stderr = place.refused(grace(&place, arguments).assert());
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_fleet_that_shrinks_without_a_rollout_has_shutdowns_too() {
    let place = place();
    let action = "action=[{ at = \"30s\", do = \"set_replicas\", replicas = 1 }]";
    let said =
        says(&place, &["--set", "rollout.strategy=\"none\"", "--set", action, "--format", "json", "--periods", "9s"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(json["periods"][0]["truncated"]["value"].as_f64().unwrap() > 0.0, "{said}");
    // Terminated before anything arrives: nothing to be cut, and the report says so.
    let idle = ["--set", "traffic.arrivals.rate=0.000001", "--periods", "9s"];
    assert!(says(&place, &idle).contains("No replica was shut down with anything in flight in any run."));
}

#[test]
fn a_server_that_aborts_is_told_to_need_something_else() {
    let place = place();
    let arguments =
        ["--set", "termination.on_sigterm=\"abort\"", "--set", "termination.pre_stop=\"2s\"", "--periods", "1m"];
    let output = grace(&place, &arguments).assert().code(1).get_output().clone();
    let (said, warned) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(said.contains("no grace period beyond the preStop hook helps"), "{said}");
    assert!(warned.contains("warning: the server drops everything at SIGTERM"), "{warned}");
}

#[test]
fn where_cut_answers_can_only_be_counted_too_few_runs_are_pointed_out() {
    let place = place();
    let speculative = "engine.speculative={ tokens = 3, acceptance = 0.6 }";
    let output = grace(&place, &["--set", speculative, "--periods", "1m"]).assert().code(3).get_output().clone();
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(
        warned.contains("12 runs without any do not show the target of 0.001: at least 2996 are needed"),
        "{warned}"
    );
}

#[test]
fn an_earlier_answer_is_replaced_and_a_study_beside_it_is_left() {
    let place = place();
    fs::create_dir_all(place.path("output/scenario/charts")).unwrap();
    fs::write(place.path("output/scenario/summary.json"), "{}").unwrap();
    fs::write(place.path("output/scenario/charts/grace-old.png"), "").unwrap();
    says(&place, &["--runs", "2", "--periods", "9s"]);
    assert!(place.path("output/scenario/summary.json").exists() && place.path("output/scenario/grace.json").exists());
    assert!(!place.path("output/scenario/charts/grace-old.png").exists());
}

#[cfg(unix)]
#[test]
fn an_interruption_leaves_what_was_finished_marked_as_partial() {
    let place = place();
    let endless = ["grace", "scenario.toml", "--runs", "10000000", "--threads", "1"];
    let ended = ended_by("INT", place.directory(), &endless, a_run_is_finished);
    assert_eq!(ended.status.code(), Some(130));
    let json = fs::read_to_string(place.path("output/scenario/grace.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["provenance"]["partial"], true);
    assert!(json["provenance"]["runs"].as_u64().unwrap() >= 1);
}
