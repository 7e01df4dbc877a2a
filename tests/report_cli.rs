//! `cutover report` as scripts meet it: the same bytes as from the command that simulated, its exit code, and what is said
//! where there is nothing to render.

mod support;

use std::fs;
use std::path::Path;

use support::interrupt::{a_run_is_finished, ended_by};
use support::place::{Place, files};
use support::small::TWO_REPLICAS;

/// A check of the two replicas that holds.
const CHECK: &str = "[[check]]\nmetric = \"peak_gpus\"\nstatistic = \"max\"\nmax = 9\n";

/// A canary of the same fleet that gives up slow versions.
const CANARY: &str = r#"
[rollout]
strategy = "canary"
start = "20s"

[rollout.canary]
steps = [ { set_weight = 50 }, { analysis = ["ttft"] }, { set_weight = 100 } ]

[analysis.ttft]
metric = "ttft"
max = "300ms"
interval = "20s"
count = 2
window = "20s"
"#;

/// The same files of the same bytes, but for the points that a sweep keeps for the next one.
fn assert_same_files(one: &Path, other: &Path, line: &[&str]) {
    let (mut one, other) = (files(one), files(other));
    one.retain(|name, _| !name.starts_with("sweep-points/"));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>(), "{line:?}");
    let different: Vec<&String> =
        one.iter().filter(|(name, bytes)| other[*name] != **bytes).map(|(name, _)| name).collect();
    assert!(different.is_empty(), "{line:?}: {different:?}");
}

fn scenario() -> String {
    format!("{TWO_REPLICAS}\n{CHECK}")
}

/// What a command says on standard output and by its exit code.
fn printed(place: &Place, arguments: &[&str]) -> (String, i32) {
    let output = place.command(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.stdout.is_empty(), "{arguments:?}: {errors}");
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

/// What a command says that is refused, with its exit code.
fn refusal(place: &Place, arguments: &[&str]) -> (String, i32) {
    let output = place.command(arguments).output().unwrap();
    assert!(output.stdout.is_empty(), "{arguments:?} prints something");
    (String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
}

/// Simulates by this command line, renders what it left, and expects the same report, exit code and files.
fn is_rendered_again(place: &Place, line: &[&str]) {
    let simulated = printed(place, &[line, &["--out", "results", "--quiet"]].concat());
    let rendered = printed(place, &["report", "results", "--out", "rendered", "--quiet"]);
    assert_eq!(rendered, simulated, "{line:?}");
    assert_same_files(&place.path("results"), &place.path("rendered"), line);
    for name in ["results", "rendered"] {
        fs::remove_dir_all(place.path(name)).unwrap();
    }
}

#[test]
fn every_kind_of_scenario_is_rendered_to_the_same_bytes() {
    let place = Place::with(&scenario());
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for name in [
        "rolling-default-grace",
        "rolling-drained",
        "canary-slow-version",
        "canary-prometheus",
        "canary-flagger",
        "blue-green-failed-analysis",
        "recreate",
        "full-gpu-pool",
        "node-loss",
        "llama-70b-profile",
        "trace",
    ] {
        let scenario = scenarios.join(name).with_extension("toml");
        is_rendered_again(&place, &["run", &scenario.to_string_lossy(), "--runs", "2"]);
    }
}

#[test]
fn logs_are_taken_over_and_precision_is_told_again() {
    let place = Place::with(&scenario());
    is_rendered_again(&place, &["run", "scenario.toml", "--events", "3", "--requests", "4"]);
    let precise = ["--precision", "cost_usd.mean=0.01%", "--max-runs", "24"];
    is_rendered_again(&place, &[&["run", "scenario.toml", "--runs", "6"][..], &precise].concat());
}

#[test]
fn every_answer_is_rendered_to_the_same_bytes() {
    let place = Place::with(&scenario());
    let canary = TWO_REPLICAS.split("[rollout]").next().unwrap().to_owned() + CANARY;
    fs::write(place.path("canary.toml"), canary).unwrap();
    // A plan copies what its scenarios name.
    fs::create_dir(place.path("data")).unwrap();
    fs::write(place.path("data/starts.csv"), "seconds\n18\n21\n25\n").unwrap();
    let starts = r#"{ distribution = "empirical", file = "data/starts.csv", column = "seconds" }"#;
    let starts = scenario().replace("engine_start = \"20s\"", &format!("engine_start = {starts}"));
    fs::write(place.path("starts.toml"), starts).unwrap();
    for line in [
        "compare scenario.toml --variant rollout.strategy=none --variant termination.grace_period=2m,fleet.replicas=3",
        "grace scenario.toml --periods 5s,30s --cost-runs 4",
        "plan starts.toml --choose termination.grace_period=5s,30s --choose rollout.rolling.max_surge=1,2",
        "levers scenario.toml --runs 4",
        "sweep scenario.toml --vary termination.grace_period=5s,30s --vary fleet.replicas=2,3",
        "power canary.toml --regression ttft=0%,200% --curves-only",
    ] {
        is_rendered_again(&place, &line.split(' ').collect::<Vec<&str>>());
    }
}

#[test]
fn every_format_is_rendered_as_it_was_printed() {
    let place = Place::with(&scenario());
    for format in ["text", "json", "md"] {
        let simulated = printed(&place, &["run", "scenario.toml", "--out", "results", "--format", format]);
        assert_eq!(printed(&place, &["report", "results", "--format", format]), simulated, "{format}");
    }
}

#[test]
fn the_exit_code_is_that_of_the_checks() {
    let place = Place::with(&scenario());
    for (bound, code) in [("check.0.max=9", 0), ("check.0.max=2", 1)] {
        let (_, simulated) = printed(&place, &["check", "scenario.toml", "--out", "results", "--set", bound]);
        let (_, rendered) = printed(&place, &["report", "results"]);
        assert_eq!((simulated, rendered), (code, code), "{bound}");
    }
    let undecided = ["check.0.metric=cost_usd", "check.0.statistic=p50", "check.0.max=0.34"];
    let sets = undecided.iter().flat_map(|set| ["--set", set]);
    let line: Vec<&str> =
        ["check", "scenario.toml", "--out", "results", "--runs", "3"].into_iter().chain(sets).collect();
    let (_, simulated) = printed(&place, &line);
    assert_eq!((simulated, printed(&place, &["report", "results"]).1), (3, 3));
}

#[test]
fn several_results_in_a_directory_are_shown_in_turn() {
    let place = Place::with(&scenario());
    let (study, _) = printed(&place, &["run", "scenario.toml", "--out", "results"]);
    let (grace, _) =
        printed(&place, &["grace", "scenario.toml", "--periods", "5s,30s", "--cost-runs", "0", "--out", "results"]);
    let (both, _) = printed(&place, &["report", "results"]);
    assert_eq!(both, format!("{study}\n{grace}"));
    assert_eq!(printed(&place, &["report", "results", "--only", "grace"]).0, grace);
    let (refused, code) = refusal(&place, &["report", "results", "--format", "json"]);
    assert!(code == 2 && refused.contains("choose one with --only study, --only grace"), "{code} {refused}");
    // What only a study can be shown as needs no choice.
    for form in ["html", "junit", "github"] {
        let shown = printed(&place, &["report", "results", "--format", form]).0;
        assert_eq!(shown, printed(&place, &["report", "results", "--only", "study", "--format", form]).0);
    }
    let (refused, code) = refusal(&place, &["report", "results", "--only", "plan"]);
    assert!(code == 2 && refused.contains("results holds no saved plan; it holds study, grace"), "{code} {refused}");
    assert_eq!(printed(&place, &["report", "results/grace.saved"]).0, grace);
    // The study beside the answer is a study like any other.
    let (beside, _) = printed(&place, &["report", "results/as-written"]);
    assert_eq!(beside, study);
}

#[test]
fn rendering_in_place_changes_nothing() {
    let place = Place::with(&scenario());
    printed(&place, &["run", "scenario.toml", "--out", "results"]);
    let before = files(&place.path("results"));
    printed(&place, &["report", "results"]);
    assert_eq!(files(&place.path("results")), before);
    fs::remove_file(place.path("results/charts/timeline.png")).unwrap();
    fs::write(place.path("results/report.md"), "").unwrap();
    printed(&place, &["report", "results", "--out", "results"]);
    assert_eq!(files(&place.path("results")), before);
}

#[test]
fn what_cannot_be_rendered_is_refused_with_what_to_do() {
    let place = Place::with(&scenario());
    let (refused, code) = refusal(&place, &["report", "nowhere"]);
    assert!(code == 4 && refused.starts_with("error: cannot read nowhere: "), "{code} {refused}");
    fs::create_dir(place.path("empty")).unwrap();
    let (refused, code) = refusal(&place, &["report", "empty"]);
    assert!(code == 4 && refused.contains("simulate first: cutover run SCENARIO --out DIR"), "{code} {refused}");
    printed(&place, &["check", "scenario.toml", "--out", "results/one"]);
    let (refused, code) = refusal(&place, &["report", "results"]);
    assert!(code == 4 && refused.contains("1 directory below it holds one: cutover report results/one"), "{refused}");
    let (refused, code) = refusal(&place, &["report", "results/one/summary.json"]);
    assert!(
        code == 4 && refused.ends_with("  = what lies beside it: cutover report results/one\n"),
        "{code} {refused}"
    );
    // What nobody would find afterwards.
    let (refused, code) = refusal(&place, &["report", "results/one", "--format", "md,junit"]);
    assert!(code == 2 && refused.contains("name their directory with --out"), "{code} {refused}");
    // As earlier versions left results.
    let saved = place.path("results/one/study.saved");
    let whole = fs::read(&saved).unwrap();
    fs::remove_file(&saved).unwrap();
    let (refused, code) = refusal(&place, &["report", "results/one"]);
    assert!(code == 4 && refused.contains("simulate again: cutover run SCENARIO --out results/one"), "{refused}");
    // Damaged, foreign, and of another version; with nothing written anywhere.
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let later = [b"cutover-saved 2 9.0.0 1\n", &whole[24..]].concat();
    for (bytes, said) in [
        (&whole[..whole.len() - 1], "results/one/study.saved is damaged: part `study` ends after "),
        (&flipped, "results/one/study.saved is damaged: part `study` is not what its SHA-256 says; simulate again"),
        (b"", "results/one/study.saved is not a saved result of cutover"),
        (b"run,requests\n", "results/one/study.saved is not a saved result of cutover"),
        (&later, "results/one/study.saved was written by cutover 9.0.0 in format 2, and cutover "),
    ] {
        fs::write(&saved, bytes).unwrap();
        let (refused, code) = refusal(&place, &["report", "results/one", "--out", "rendered"]);
        assert!(code == 4 && refused.starts_with(&format!("error: {said}")), "{code} {refused}");
        assert!(!place.path("rendered").exists());
    }
}

#[test]
fn what_another_version_simulated_is_rendered_and_said() {
    let place = Place::with(&scenario());
    let (simulated, _) = printed(&place, &["run", "scenario.toml", "--out", "results"]);
    let saved = place.path("results/study.saved");
    let whole = fs::read(&saved).unwrap();
    let own = format!("cutover-saved 1 {} 1", env!("CARGO_PKG_VERSION"));
    assert!(whole.starts_with(own.as_bytes()));
    fs::write(&saved, [b"cutover-saved 1 0.0.9 1", &whole[own.len()..]].concat()).unwrap();
    let output = place.command(&["report", "results"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), simulated);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("simulated by cutover 0.0.9, rendered by cutover "), "{said}");
}

#[test]
fn a_comparison_whose_study_was_replaced_is_refused() {
    let place = Place::with(&scenario());
    printed(&place, &["compare", "scenario.toml", "--variant", "rollout.strategy=none", "--out", "results"]);
    printed(&place, &["run", "scenario.toml", "--out", "results/b"]);
    let (refused, code) = refusal(&place, &["report", "results"]);
    assert!(code == 4 && refused.contains("results/b/study.saved is not the study that was compared"), "{refused}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_study_is_rendered_as_partial() {
    let place = Place::with(&scenario());
    let endless = ["run", "scenario.toml", "--runs", "1000000", "--out", "results", "--quiet"];
    let ended = ended_by("INT", place.directory(), &endless, a_run_is_finished);
    assert_eq!(ended.status.code(), Some(130));
    let (rendered, code) = printed(&place, &["report", "results", "--out", "rendered"]);
    assert_eq!((rendered, code), (String::from_utf8(ended.stdout).unwrap(), 130));
    assert_same_files(&place.path("results"), &place.path("rendered"), &["run"]);
}
