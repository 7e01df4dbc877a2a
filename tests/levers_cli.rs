//! `cutover levers` as scripts meet it: exit codes, what goes where, and bytes that depend on nothing but the scenario.

mod support;

use std::fs;

use assert_cmd::assert::Assert;
use support::interrupt::{a_run_is_finished, ended_by};
use support::place::{Place, errors, files, output};

/// Three small replicas for a minute.
const SCENARIO: &str = r#"
name = "Three replicas"
[study]
runs = 6
seed = 7
warm_up = "10s"
duration = "1m"
cool_down = "30s"
[traffic]
arrivals = { process = "poisson", rate = 3.0 }
prompt_tokens = { distribution = "lognormal", median = 100, p99 = 800, max = 2000 }
output_tokens = { distribution = "lognormal", median = 60, p99 = 300, max = 500 }
[fleet]
replicas = 3
gpu_hour_usd = 3.0
[engine]
max_num_seqs = 16
step_time = { base = "10ms", per_sequence = "50us", per_prefill_token = "60us" }
[cold_start]
weight_load = { gigabytes = 16, gigabytes_per_second = 2.0 }
"#;

const ROLLING: &str = "[rollout]\nstrategy = \"rolling\"\nstart = \"10s\"\n";

fn levers(place: &Place, arguments: &[&str]) -> Assert {
    place.command(&[&["levers", "scenario.toml"], arguments].concat()).assert()
}

/// Refuses with exit code 2, says why on standard error only, and writes nothing.
fn refused(place: &Place, arguments: &[&str]) -> String {
    place.refused(levers(place, arguments))
}

#[test]
fn the_answer_is_the_same_for_any_number_of_threads() {
    let place = Place::with(&format!("{SCENARIO}{ROLLING}"));
    let run = |threads: &str, out: &str| {
        let common = ["--only", "double-batch,one-fewer", "--lever", "half: fleet.gpu_hour_usd=1.5", "--quiet"];
        let assert = levers(&place, &[&common[..], &["--threads", threads, "--out", out]].concat()).code(0);
        assert_eq!(errors(&assert), "");
        (output(&assert), files(&place.path(out)))
    };
    let (one, three) = (run("1", "one"), run("3", "three"));
    assert_eq!(one, three);
    // Beside it the whole study of the scenario as written.
    assert!(one.1.contains_key("as-written/summary.json"));
    let names: Vec<&str> = one.1.keys().map(String::as_str).filter(|name| !name.starts_with("as-written/")).collect();
    let (charts, others): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| name.starts_with("charts/"));
    let of_each = ["levers-waterfall", "levers"].map(|name| ["png", "svg"].map(|kind| format!("charts/{name}.{kind}")));
    assert_eq!(charts, of_each.concat());
    assert_eq!(others, ["levers.csv", "levers.json", "levers.md", "levers.saved"]);
    assert!(one.0.contains("half") && one.0.contains("-50.0 % [-50.0, -50.0]"), "{}", one.0);
    let csv = String::from_utf8(one.1["levers.csv"].clone()).unwrap();
    assert!(csv.lines().count() >= 6 && csv.starts_with("lever,fleet,replicas,"), "{csv}");
}

#[test]
fn json_and_markdown_go_to_standard_output_alone() {
    let place = Place::with(SCENARIO);
    let form = |form: &str| {
        let assert = levers(&place, &["--format", form, "--only", "double-batch,quarter-more", "--out", "out"]).code(0);
        assert!(errors(&assert).contains("results in out"));
        output(&assert)
    };
    let json: serde_json::Value = serde_json::from_str(&form("json")).unwrap();
    assert_eq!(json["schema_version"], 1);
    assert_eq!(json["provenance"]["runs"], 6);
    let names: Vec<&str> = json["levers"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert!(names.contains(&"double-batch") && names.contains(&"quarter-more"), "{names:?}");
    let first = &json["levers"][0]["same_fleet"]["price_change"];
    assert!(first["value"].is_number() && first["low"].is_number() && first["high"].is_number());
    let page = form("md");
    assert!(page.starts_with("# What moves the price of a token?") && page.contains("| lever | formula |"), "{page}");
}

#[test]
fn a_misspelt_lever_gets_the_nearest_name() {
    let place = Place::with(SCENARIO);
    let said = refused(&place, &["--only", "dubble-batch"]);
    assert!(said.contains("there is no lever \"dubble-batch\"; did you mean double-batch?"), "{said}");
    let said = refused(&place, &["--skip", "4-bits"]);
    assert!(said.contains("did you mean 4-bit-weights?") && said.contains("there are 8-bit-weights"), "{said}");
}

#[test]
fn wrong_arguments_say_what_was_expected() {
    let place = Place::with(SCENARIO);
    for (arguments, expected) in [
        (vec!["--lever", "nothing"], "expected NAME: KEY=VALUE"),
        (vec!["--lever", "x: fleet.replicas"], "expected NAME: KEY=VALUE"),
        (vec!["--lever", "x: fleet.replica=4"], "replicas"),
        (vec!["--lever", "double-batch: fleet.replicas=4"], "give yours another name"),
        (vec!["--gpu-price", "h10=2"], "did you mean h100?"),
        (vec!["--gpu-price", "h100=cheap"], "a price above zero"),
        (vec!["--weight-bits", "12"], "expected 16, 8 or 4"),
        (vec!["--memory-bandwidth", "0"], "above zero"),
        (vec!["--ttft-p99", "soon"], "a duration above zero"),
        (vec!["--max-utilization", "0.85"], "a percentage above zero such as 85%"),
        (vec!["--only", "one-fewer", "--skip", "double-batch"], "cannot be used with"),
        (vec!["--only", "longer-grace"], "neither a rollout nor an [[action]]"),
    ] {
        let said = refused(&place, &arguments);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn levers_without_sense_are_left_out_with_the_reason() {
    let place = Place::with(SCENARIO);
    let text = output(&levers(&place, &["--skip", "speculation,quarter-more", "--quiet"]).code(0));
    let left_out = text.split("LEFT OUT").nth(1).expect("some are");
    for name in ["longer-grace", "fast-cold-start", "least-requests", "another-gpu", "4-bit-weights", "speculation"] {
        assert!(left_out.contains(name), "{name}: {left_out}");
    }
    assert!(left_out.contains("--memory-bandwidth"), "{left_out}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

/// An interruption keeps what was finished: the levers beside today, and no fleet that was still looked for.
#[cfg(unix)]
#[test]
fn an_interrupted_study_saves_what_was_finished() {
    let place = Place::with(SCENARIO);
    let endless = ["levers", "scenario.toml", "--only", "double-batch", "--runs", "1000000", "--out", "out"];
    let ended = ended_by("INT", place.directory(), &endless, a_run_is_finished);
    assert_eq!(ended.status.code(), Some(130));
    let json: serde_json::Value = serde_json::from_slice(&fs::read(place.path("out/levers.json")).unwrap()).unwrap();
    assert_eq!(json["provenance"]["partial"], true);
    assert!(json["provenance"]["runs"].as_u64().unwrap() > 0);
    assert!(json["levers"][0]["fewest_replicas"]["point"].is_null());
    assert!(json["together"].is_null());
}
