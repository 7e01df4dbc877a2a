//! `cutover report` as scripts meet it: the same bytes as from the command that simulated, its exit code, and what is said
//! where there is nothing to render.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;
use tempfile::TempDir;

/// Two small replicas for three minutes, with a check that holds.
const SCENARIO: &str = r#"
name = "Two replicas, rolling update"

[study]
runs = 12
seed = 7
warm_up = "20s"
duration = "3m"
cool_down = "1m"
timeline_bin = "10s"

[traffic]
arrivals = { process = "poisson", rate = 2.0 }
prompt_tokens = { distribution = "lognormal", median = 100, p99 = 800, max = 2000 }
output_tokens = { distribution = "lognormal", median = 100, p99 = 900, max = 1500 }

[fleet]
replicas = 2

[engine]
max_num_seqs = 64
max_num_batched_tokens = 2048
kv_cache_tokens = 100000
step_time = { base = "10ms", per_sequence = "50us", per_prefill_token = "60us" }

[cold_start]
engine_start = "20s"

[termination]
grace_period = "5s"

[rollout]
strategy = "rolling"
start = "30s"

[rollout.rolling]
max_surge = 1
max_unavailable = 0

[[check]]
metric = "peak_gpus"
statistic = "max"
max = 9
"#;

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

/// A directory of its own with the scenario in it.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("scenario.toml"), SCENARIO).unwrap();
        Place(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn cutover(&self, arguments: &[&str]) -> Command {
        let mut command = cargo_bin_cmd!("cutover");
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    /// What a command says on standard output and by its exit code.
    fn said(&self, arguments: &[&str]) -> (String, i32) {
        let output = self.cutover(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.stdout.is_empty(), "{arguments:?}: {errors}");
        (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
    }

    /// What a command says that is refused, with its exit code.
    fn refused(&self, arguments: &[&str]) -> (String, i32) {
        let output = self.cutover(arguments).output().unwrap();
        assert!(output.stdout.is_empty(), "{arguments:?} prints something");
        (String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
    }

    /// Simulates by this command line, renders what it left, and expects the same report, exit code and files.
    fn is_rendered_again(&self, line: &[&str]) {
        let simulated = self.said(&[line, &["--out", "results", "--quiet"]].concat());
        let rendered = self.said(&["report", "results", "--out", "rendered", "--quiet"]);
        assert_eq!(rendered, simulated, "{line:?}");
        assert_same_files(&self.path("results"), &self.path("rendered"), line);
        for name in ["results", "rendered"] {
            fs::remove_dir_all(self.path(name)).unwrap();
        }
    }
}

/// Every file below a directory, by its name relative to it.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().to_string_lossy().into_owned();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}

/// The same files of the same bytes, but for the points that a sweep keeps for the next one.
fn assert_same_files(one: &Path, other: &Path, line: &[&str]) {
    let (mut one, other) = (files(one), files(other));
    one.retain(|name, _| !name.starts_with("sweep-points/"));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>(), "{line:?}");
    let different: Vec<&String> =
        one.iter().filter(|(name, bytes)| other[*name] != **bytes).map(|(name, _)| name).collect();
    assert!(different.is_empty(), "{line:?}: {different:?}");
}

#[test]
fn every_kind_of_scenario_is_rendered_to_the_same_bytes() {
    let place = Place::new();
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
        place.is_rendered_again(&["run", &scenario.to_string_lossy(), "--runs", "2"]);
    }
}

#[test]
fn logs_are_taken_over_and_precision_is_told_again() {
    let place = Place::new();
    place.is_rendered_again(&["run", "scenario.toml", "--events", "3", "--requests", "4"]);
    let precise = ["--precision", "cost_usd.mean=0.01%", "--max-runs", "24"];
    place.is_rendered_again(&[&["run", "scenario.toml", "--runs", "6"][..], &precise].concat());
}

#[test]
fn every_answer_is_rendered_to_the_same_bytes() {
    let place = Place::new();
    let canary = SCENARIO.split("[rollout]").next().unwrap().to_owned() + CANARY;
    fs::write(place.path("canary.toml"), canary).unwrap();
    // A plan copies what its scenarios name.
    fs::create_dir(place.path("data")).unwrap();
    fs::write(place.path("data/starts.csv"), "seconds\n18\n21\n25\n").unwrap();
    let starts = r#"{ distribution = "empirical", file = "data/starts.csv", column = "seconds" }"#;
    let starts = SCENARIO.replace("engine_start = \"20s\"", &format!("engine_start = {starts}"));
    fs::write(place.path("starts.toml"), starts).unwrap();
    for line in [
        "compare scenario.toml --variant rollout.strategy=none --variant termination.grace_period=2m,fleet.replicas=3",
        "grace scenario.toml --periods 5s,30s --cost-runs 4",
        "plan starts.toml --choose termination.grace_period=5s,30s --choose rollout.rolling.max_surge=1,2",
        "levers scenario.toml --runs 4",
        "sweep scenario.toml --vary termination.grace_period=5s,30s --vary fleet.replicas=2,3",
        "power canary.toml --regression ttft=0%,200% --curves-only",
    ] {
        place.is_rendered_again(&line.split(' ').collect::<Vec<&str>>());
    }
}

#[test]
fn every_format_is_rendered_as_it_was_printed() {
    let place = Place::new();
    for format in ["text", "json", "md"] {
        let simulated = place.said(&["run", "scenario.toml", "--out", "results", "--format", format]);
        assert_eq!(place.said(&["report", "results", "--format", format]), simulated, "{format}");
    }
}

#[test]
fn the_exit_code_is_that_of_the_checks() {
    let place = Place::new();
    for (bound, code) in [("check.0.max=9", 0), ("check.0.max=2", 1)] {
        let (_, simulated) = place.said(&["check", "scenario.toml", "--out", "results", "--set", bound]);
        let (_, rendered) = place.said(&["report", "results"]);
        assert_eq!((simulated, rendered), (code, code), "{bound}");
    }
    let undecided = ["check.0.metric=cost_usd", "check.0.statistic=p50", "check.0.max=0.34"];
    let sets = undecided.iter().flat_map(|set| ["--set", set]);
    let line: Vec<&str> =
        ["check", "scenario.toml", "--out", "results", "--runs", "3"].into_iter().chain(sets).collect();
    let (_, simulated) = place.said(&line);
    assert_eq!((simulated, place.said(&["report", "results"]).1), (3, 3));
}

#[test]
fn several_results_in_a_directory_are_shown_in_turn() {
    let place = Place::new();
    let (study, _) = place.said(&["run", "scenario.toml", "--out", "results"]);
    let (grace, _) =
        place.said(&["grace", "scenario.toml", "--periods", "5s,30s", "--cost-runs", "0", "--out", "results"]);
    let (both, _) = place.said(&["report", "results"]);
    assert_eq!(both, format!("{study}\n{grace}"));
    assert_eq!(place.said(&["report", "results", "--only", "grace"]).0, grace);
    let (refused, code) = place.refused(&["report", "results", "--format", "json"]);
    assert!(code == 2 && refused.contains("choose one with --only study, --only grace"), "{code} {refused}");
    let (refused, code) = place.refused(&["report", "results", "--only", "plan"]);
    assert!(code == 2 && refused.contains("results holds no saved plan; it holds study, grace"), "{code} {refused}");
    assert_eq!(place.said(&["report", "results/grace.saved"]).0, grace);
    // The study beside the answer is a study like any other.
    let (beside, _) = place.said(&["report", "results/as-written"]);
    assert_eq!(beside, study);
}

#[test]
fn rendering_in_place_changes_nothing() {
    let place = Place::new();
    place.said(&["run", "scenario.toml", "--out", "results"]);
    let before = files(&place.path("results"));
    place.said(&["report", "results"]);
    assert_eq!(files(&place.path("results")), before);
    fs::remove_file(place.path("results/charts/timeline.png")).unwrap();
    fs::write(place.path("results/report.md"), "").unwrap();
    place.said(&["report", "results", "--out", "results"]);
    assert_eq!(files(&place.path("results")), before);
}

#[test]
fn what_cannot_be_rendered_is_refused_with_what_to_do() {
    let place = Place::new();
    let (refused, code) = place.refused(&["report", "nowhere"]);
    assert!(code == 4 && refused.starts_with("error: cannot read nowhere: "), "{code} {refused}");
    fs::create_dir(place.path("empty")).unwrap();
    let (refused, code) = place.refused(&["report", "empty"]);
    assert!(code == 4 && refused.contains("simulate first: cutover run SCENARIO --out DIR"), "{code} {refused}");
    place.said(&["check", "scenario.toml", "--out", "results/one"]);
    let (refused, code) = place.refused(&["report", "results"]);
    assert!(code == 4 && refused.contains("1 directory below it holds one: cutover report results/one"), "{refused}");
    let (refused, code) = place.refused(&["report", "results/one/summary.json"]);
    assert!(
        code == 4 && refused.ends_with("  = what lies beside it: cutover report results/one\n"),
        "{code} {refused}"
    );
    // What nobody would find afterwards.
    let (refused, code) = place.refused(&["report", "results/one", "--format", "md,junit"]);
    assert!(code == 2 && refused.contains("name their directory with --out"), "{code} {refused}");
    // As earlier versions left results.
    let saved = place.path("results/one/study.saved");
    let whole = fs::read(&saved).unwrap();
    fs::remove_file(&saved).unwrap();
    let (refused, code) = place.refused(&["report", "results/one"]);
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
        let (refused, code) = place.refused(&["report", "results/one", "--out", "rendered"]);
        assert!(code == 4 && refused.starts_with(&format!("error: {said}")), "{code} {refused}");
        assert!(!place.path("rendered").exists());
    }
}

#[test]
fn what_another_version_simulated_is_rendered_and_said() {
    let place = Place::new();
    let (simulated, _) = place.said(&["run", "scenario.toml", "--out", "results"]);
    let saved = place.path("results/study.saved");
    let whole = fs::read(&saved).unwrap();
    let own = format!("cutover-saved 1 {} 1", env!("CARGO_PKG_VERSION"));
    assert!(whole.starts_with(own.as_bytes()));
    fs::write(&saved, [b"cutover-saved 1 0.0.9 1", &whole[own.len()..]].concat()).unwrap();
    let output = place.cutover(&["report", "results"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), simulated);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("simulated by cutover 0.0.9, rendered by cutover "), "{said}");
}

#[test]
fn a_comparison_whose_study_was_replaced_is_refused() {
    let place = Place::new();
    place.said(&["compare", "scenario.toml", "--variant", "rollout.strategy=none", "--out", "results"]);
    place.said(&["run", "scenario.toml", "--out", "results/b"]);
    let (refused, code) = place.refused(&["report", "results"]);
    assert!(code == 4 && refused.contains("results/b/study.saved is not the study that was compared"), "{refused}");
}

/// Waits until a child ends, or ends it.
fn end_of(mut child: Child) -> Option<i32> {
    let begun = Instant::now();
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status.code(),
            None if begun.elapsed() > Duration::from_secs(60) => {
                child.kill().unwrap();
                panic!("it goes on after an interruption");
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_study_is_rendered_as_partial() {
    let place = Place::new();
    let out = fs::File::create(place.path("said")).unwrap();
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_cutover"))
        .current_dir(place.0.path())
        .args(["run", "scenario.toml", "--runs", "1000000", "--out", "results", "--quiet"])
        .stdout(Stdio::from(out))
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(2));
    Command::new("kill").args(["-INT", &child.id().to_string()]).assert().success();
    assert_eq!(end_of(child), Some(130));
    let (rendered, code) = place.said(&["report", "results", "--out", "rendered"]);
    assert_eq!((rendered, code), (fs::read_to_string(place.path("said")).unwrap(), 130));
    assert_same_files(&place.path("results"), &place.path("rendered"), &["run"]);
}
