//! `cutover power` as scripts meet it: exit codes, what goes where, and bytes that depend on nothing but the scenario.

mod support;
use assert_cmd::assert::Assert;
use support::place::{Place, errors, files, output};
use support::small::SMALL_CANARY;

/// An analysis of latency beside that of errors.
const TTFT: &str = r#"
[analysis.ttft]
metric = "ttft"
quantile = 0.9
max = "90ms"
count = 2
interval = "20s"
window = "60s"
estimator = "prometheus"
"#;

fn place() -> Place {
    let both = SMALL_CANARY.replace(r#"{ analysis = ["errors"] }"#, r#"{ analysis = ["errors", "ttft"] }"#);
    Place::with(&format!("{both}{TTFT}"))
}

fn power(place: &Place, arguments: &[&str]) -> Assert {
    place.command(&[&["power", "scenario.toml"], arguments].concat()).assert()
}

#[test]
fn the_answer_is_the_same_for_any_number_of_threads_and_in_every_form() {
    let place = place();
    let regressions = ["--regression", "error_rate=0%,2%,40%", "--regression", "ttft=100%", "--curves-only"];
    let run = |threads: &str, out: &str, format: &str| {
        let with = ["--threads", threads, "--out", out, "--format", format];
        let assert = power(&place, &[&regressions[..], &with[..]].concat()).code(3);
        (output(&assert), files(&place.path(out)))
    };
    let (json, one) = run("1", "one", "json");
    let (markdown, three) = run("3", "three", "md");
    assert!(one == three, "the files differ");
    let names: Vec<&str> = one.keys().map(String::as_str).filter(|name| !name.starts_with("as-written/")).collect();
    assert_eq!(
        names,
        [
            "charts/power-exposed.png",
            "charts/power-exposed.svg",
            "charts/power-steps.png",
            "charts/power-steps.svg",
            "charts/power-ttft.png",
            "charts/power-ttft.svg",
            "charts/power.png",
            "charts/power.svg",
            "power.csv",
            "power.json",
            "power.md",
            "power.saved"
        ]
    );
    assert_eq!(json.as_bytes(), one["power.json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["provenance"]["runs"], 12);
    assert_eq!(json["goal"]["size"], "40%", "the middle one that is no zero");
    let names: Vec<&str> =
        json["canaries"].as_array().unwrap().iter().map(|canary| canary["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["as written (exact and prometheus)", "exact"]);
    // What the scenario says of its version was put aside: without a regression nobody errs, and all who err are caught.
    let caught = |at: usize| json["canaries"][1]["outcomes"][at]["caught"]["value"].as_f64().unwrap();
    assert_eq!((caught(0), caught(2)), (0.0, 1.0));
    assert!(markdown.contains("| 40 % |") && !markdown.contains("!["), "{markdown}");
    let mut reader = csv::Reader::from_reader(&one["power.csv"][..]);
    // Two canaries; three sizes of errors, and of slow prompts the one that was asked for and none.
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
    assert_eq!(rows.len(), 2 * (3 + 2));
}

#[test]
fn changes_are_tried_at_the_size_that_is_asked_for() {
    let place = place();
    let line = "--regression error_rate=10% --at 10% --power 0.5 --false-alarm 20% --format text --quiet --runs 8";
    let assert = power(&place, &line.split(' ').collect::<Vec<_>>()).code(vec![0, 1, 3]);
    assert_eq!(errors(&assert), "");
    let text = output(&assert);
    for said in ["CHANGES", "errors.max: 0.05 -> 0.025", "errors.count: 2 -> 8", "wanted: 50 %"] {
        assert!(text.contains(said), "{said} is not in\n{text}");
    }
    assert!(!text.contains("ttft.max:"), "latencies show no errors\n{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn the_exit_code_tells_whether_the_canary_reaches_what_is_wanted_and_zero_is_named_the_same() {
    let place = place();
    let line = ["--curves-only", "--estimators", "exact", "--regression"];
    // Half of all attempts in error are always caught, errors of 2 % seldom, and nobody is caught without any.
    for (size, wanted, code, said) in [
        ("error_rate=50%", ["--power", "0.7", "--false-alarm", "0.3"], 0, "both are as wanted"),
        ("error_rate=2%", ["--power", "0.99", "--false-alarm", "0.3"], 1, "too few bad versions are caught"),
        ("error_rate=50%", ["--power", "0.99", "--false-alarm", "0.3"], 3, "undecided whether enough bad versions"),
    ] {
        let without_ttft = ["--set", "rollout.canary.steps=[{ set_weight = 50 }, { analysis = [\"errors\"] }]"];
        let assert = power(&place, &[&line[..], &[size], &wanted[..], &without_ttft[..]].concat()).code(code);
        let text = output(&assert);
        assert!(text.contains(said) && text.contains("\n  0 %"), "{size}: {text}");
    }
}

#[test]
fn what_cannot_be_answered_is_refused_with_what_was_expected() {
    let place = place();
    for (arguments, said) in [
        (&["--set", "rollout.strategy=none"][..], "expected `rollout.strategy` \"canary\" or \"blue_green\""),
        (&["--set", "rollout.strategy=rolling"], "no other one has an analysis"),
        (&["--set", "rollout.canary.steps=[{ set_weight = 10 }]"], "nothing ever catches a bad version"),
        (&["--set", "analysis.errors.dry_run=true", "--set", "analysis.ttft.dry_run=true"], "none but dry runs"),
        (&["--regression", "tfft=10%"], "did you mean `ttft`?"),
        (&["--regression", "ttft=fast"], "such as `25%`"),
        (&["--regression", "ttft=10%", "--regression", "ttft=20%"], "is given twice"),
        (&["--regression", "ttft=0%"], "worse than stable"),
        (&["--regression", "ttft=-10%"], "a faster version is no regression"),
        (&["--power", "5%", "--false-alarm", "0.9"], "--power 5 % is not above --false-alarm 90 %"),
        (&["--regression", "ttft=10%", "--at", "20%"], "(ttft=10%), found `20%`"),
        (&["--regression", "new_version.step_time_factr=2"], "step_time_factor"),
        (&["--estimators", "guess"], "possible values: exact, prometheus, mann_whitney"),
        (&["--power", "90"], "a share such as 0.9 or 90%"),
    ] {
        let assert = power(&place, arguments).code(2);
        assert_eq!(output(&assert), "", "{arguments:?}");
        assert!(errors(&assert).contains(said), "{said} is not in\n{}", errors(&assert));
        assert!(!place.path("output").exists(), "{arguments:?}");
    }
}

#[test]
fn an_estimator_that_changes_nothing_or_cannot_be_is_left_out_with_the_reason() {
    let place = place();
    let sets =
        ["--set", "analysis.ttft={ metric = \"ttft\", estimator = \"mann_whitney\", window = \"10m\", count = 1 }"];
    let sets =
        [&sets[..], &["--set", "rollout.canary.steps=[{ set_weight = 50 }, { analysis = [\"ttft\"] }]"]].concat();
    let line = ["--estimators", "prometheus", "--regression", "ttft=50%", "--curves-only", "--runs", "2"];
    let assert = power(&place, &[&sets[..], &line[..]].concat()).code(vec![0, 1, 3]);
    assert!(errors(&assert).contains("left out: prometheus: `ttft` stays mann_whitney"), "{}", errors(&assert));
    assert!(output(&assert).contains("left out"), "{}", output(&assert));
}
