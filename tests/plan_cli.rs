//! `cutover plan` as scripts meet it: exit codes, what goes where, files that can be run.

mod support;

use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value;
use support::interrupt::ended_by;
use tempfile::TempDir;

/// Two replicas for two minutes under a trace in a folder beside, with cold starts from a file above; answers last 8 s at
/// most. The comments are to survive.
const SCENARIO: &str = r#"
# What this is about.
name = "Two replicas"   # for people

[study]
runs = 40
seed = 7
warm_up = "20s"
duration = "2m"
cool_down = "1m"

[traffic]
trace = "traces/day.csv"

[fleet]
replicas = 2
surge_gpu_hour_usd = 30.0

[engine]
max_num_seqs = 64
step_time = { base = "10ms", per_sequence = "50us" }

[cold_start]
engine_start = { distribution = "empirical", file = "../starts.csv", column = "s" }   # measured

[termination]
grace_period = "1s"   # too short

[rollout]
strategy = "rolling"
start = "30s"

[rollout.rolling]
max_surge = 1
max_unavailable = 1

[[check]]
metric = "truncated_attempts"
statistic = "mean"
max = 2

[plan]
minimize = "dollars"

[plan.choices]
"termination.grace_period" = ["1s", "20s"]
rollout.rolling.max_surge = [0, 1]
"#;

/// A directory with the scenario and its files in it.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Place {
        Place::with(SCENARIO)
    }

    fn with(scenario: &str) -> Place {
        let place = Place { directory: tempfile::tempdir().unwrap() };
        fs::create_dir_all(place.path("work/traces")).unwrap();
        let requests: Vec<String> = (0..600).map(|i| format!("{i},100,{}", 400 + i % 7 * 50)).collect();
        let trace = format!("arrival_s,prompt_tokens,output_tokens\n{}\n", requests.join("\n"));
        fs::write(place.path("work/traces/day.csv"), trace).unwrap();
        fs::write(place.path("starts.csv"), "s\n15\n20\n25\n").unwrap();
        fs::write(place.path("work/scenario.toml"), scenario).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = cargo_bin_cmd!("cutover");
        command.current_dir(self.path("work")).args(line.split_whitespace());
        command
    }

    /// Standard output and standard error of a command that ends with this code.
    fn cutover(&self, line: &str, code: i32) -> (String, String) {
        let assert = self.command(line).assert().code(code);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(&assert.get_output().stdout), text(&assert.get_output().stderr))
    }

    /// What it says when it refuses with exit code 2 and writes nothing.
    fn refuses(&self, line: &str) -> String {
        let (printed, said) = self.cutover(line, 2);
        assert_eq!(printed, "", "{line}");
        assert!(!self.path("work/output").exists() && !said.contains("panicked"), "{line}: {said}");
        said
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }
}

#[test]
fn the_best_is_told_and_its_scenario_runs_and_finds_exactly_what_was_told() {
    let place = Place::new();
    let (printed, said) = place.cutover("plan scenario.toml --set clients.max_retries=1 --seed 3", 0);
    assert!(printed.contains("Best: grace_period 20s, max_surge 0, with rollout_cost_usd"), "{printed}");
    assert!(printed.contains("With at least 95 % confidence"), "{printed}");
    assert!(said.contains("results in output/scenario"), "{said}");
    let plan = place.json("work/output/scenario/plan.json");
    assert_eq!(plan["ending"], "decided");
    for (file, key) in [("best", "best"), ("runner-up", "runner_up")] {
        let number = &plan[key];
        let told = plan["candidates"].as_array().unwrap().iter().find(|told| told["candidate"] == *number).unwrap();
        place.cutover(&format!("run output/scenario/{file}.toml --out again-{file}"), 0);
        let again = place.json(&format!("work/again-{file}/summary.json"));
        assert_eq!(again["provenance"]["runs"], told["runs"]);
        assert_eq!(again["provenance"]["seed"], 3);
        assert_eq!(again["metrics"]["rollout_cost_usd"]["mean"], told["objective"]);
        assert_eq!(again["checks"][0]["verdict"], "passed");
    }
    let best = place.read("work/output/scenario/best.toml");
    assert!(
        best.contains("# What this is about.\n") && best.contains("grace_period = \"20s\"   # too short\n"),
        "{best}"
    );
    assert!(best.contains("max_retries = 1") && !best.contains("[plan"), "{best}");
    assert!(!best.contains(place.directory.path().to_str().unwrap()), "{best}");
    assert!(best.contains("trace = \"traces/day.csv\"") && best.contains("file = \"data/starts.csv\""), "{best}");
    // A plan's directory can go elsewhere as a whole.
    fs::rename(place.path("work/output/scenario"), place.path("moved")).unwrap();
    place.cutover("run ../moved/best.toml --runs 2", 0);
}

#[test]
fn every_form_is_the_same_for_any_number_of_threads_and_names_no_place() {
    let place = Place::new();
    for format in ["text", "json", "md"] {
        let line = |threads: u32| {
            format!("plan scenario.toml --runs 20 --format {format} --threads {threads} --out out{threads}")
        };
        let ((one, _), (three, _)) = (place.cutover(&line(1), 0), place.cutover(&line(3), 0));
        assert_eq!(one, three);
        assert!(!one.contains(place.directory.path().to_str().unwrap()));
    }
    for file in [
        "plan.json",
        "plan.md",
        "plan.csv",
        "best.toml",
        "runner-up.toml",
        "charts/plan.png",
        "charts/plan.svg",
        "data/starts.csv",
    ] {
        let read = |directory: &str| fs::read(place.path(&format!("work/{directory}/{file}"))).unwrap();
        assert!(read("out1") == read("out3"), "{file}");
    }
    let csv = place.read("work/out1/plan.csv");
    assert!(
        csv.starts_with("candidate,termination.grace_period,rollout.rolling.max_surge,standing,runs,rollout_cost_usd,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 5);
}

#[test]
fn choices_on_the_command_line_add_to_those_of_the_file_and_replace_them() {
    let place = Place::new();
    let choices =
        "--choose termination.grace_period=30s,40s --choose fleet.replicas=2,3 --minimize cost_usd --tolerance 0.5";
    let (printed, _) = place.cutover(&format!("plan scenario.toml --runs 20 {choices} --format json --quiet"), 0);
    let plan: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(plan["axes"].as_array().unwrap().len(), 3);
    assert_eq!(plan["axes"][0]["values"][1], "40s");
    assert_eq!(plan["candidates"].as_array().unwrap().len(), 8);
    assert_eq!(
        (plan["objective"]["metric"].as_str(), plan["objective"]["tolerance_value"].as_f64()),
        (Some("cost_usd"), Some(0.5))
    );
    let (_, said) = place.cutover("plan scenario.toml --runs 20 --choose fleet.replicas=2,3 --minimize dollars", 0);
    assert!(said.contains("cost_usd is the whole bill"), "{said}");
}

#[test]
fn combinations_that_are_no_scenarios_or_the_same_as_another_are_left_out_and_said_so() {
    let place = Place::new();
    let choices = "--choose rollout.rolling.max_unavailable=0,1 --choose termination.grace_period=20s,20000ms \
                   --choose rollout.canary.max_surge=1,2";
    let (printed, _) = place.cutover(&format!("plan scenario.toml --runs 20 {choices} --format json --quiet"), 0);
    let plan: Value = serde_json::from_str(&printed).unwrap();
    // Surge 0 or 1 and unavailable 0 or 1, less both zero; either way of writing 20 s, and the canary's keys have no say.
    assert_eq!(plan["candidates"].as_array().unwrap().len(), 3);
    assert_eq!((plan["left_out"].as_array().unwrap().len(), plan["repeated"].as_u64()), (2, Some(3)));
    assert!(plan["left_out"][0]["reason"].as_str().unwrap().contains("above zero, found both zero"));
}

#[test]
fn where_nothing_meets_the_checks_it_is_1_and_an_earlier_best_scenario_is_removed() {
    let place = Place::new();
    place.cutover("plan scenario.toml", 0);
    let (printed, _) = place.cutover("plan scenario.toml --choose termination.grace_period=1s,2s --runs 160", 1);
    assert!(printed.contains("No candidate meets the checks."), "{printed}");
    assert!(printed.contains("4 of 4 candidates fail truncated_attempts mean <= 2"), "{printed}");
    assert!(printed.contains("beyond the bound") && printed.contains("what helps most: "), "{printed}");
    assert!(!place.path("work/output/scenario/best.toml").exists());
    assert!(place.path("work/output/scenario/plan.csv").is_file());
}

#[test]
fn runs_that_do_not_tell_are_3() {
    let place = Place::new();
    let (printed, said) = place.cutover("plan scenario.toml --runs 4 --set check.0.statistic=p95", 3);
    assert!(printed.contains("Best guess: ") && printed.contains("Confidence reached: "), "{printed}");
    assert!(said.contains("runs to be certified among so many candidates"), "{said}");
    assert!(printed.contains("No candidate can be certified to meet the checks: among"), "{printed}");
    let plan = place.json("work/output/scenario/plan.json");
    let needed = plan["runs_needed"].as_u64().unwrap();
    assert!(printed.contains(&format!("--runs {needed}")), "{printed}");
    // So many are enough.
    let line = format!("plan scenario.toml --runs {needed} --set check.0.statistic=p95 --set check.0.max=99");
    let (printed, said) = place.cutover(&line, 0);
    assert!(!printed.contains("No candidate can be certified") && !said.contains("to be certified"), "{printed}{said}");
}

#[test]
fn a_scenario_without_rollout_or_checks_is_planned_for_what_it_has() {
    let text = SCENARIO
        .replace("\"rolling\"\nstart = \"30s\"", "\"none\"")
        .replace("rollout.rolling.max_surge = [0, 1]\n", "");
    let place =
        Place::with(&text.replace("[[check]]\nmetric = \"truncated_attempts\"\nstatistic = \"mean\"\nmax = 2\n", ""));
    let (printed, said) = place.cutover("plan scenario.toml --choose fleet.replicas=2,3 --minimize cost_usd", 0);
    assert!(printed.contains("replicas 2") && printed.contains("within tolerance"), "{printed}");
    assert!(said.contains("no [[check]]"), "{said}");
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_simulated() {
    let place = Place::new();
    for (line, expected) in [
        ("plan scenario.toml --choose grace", "expected KEY=VALUES"),
        ("plan scenario.toml --choose study.runs=1,2", "`study.runs` cannot be a choice"),
        ("plan scenario.toml --minimize cost", "did you mean `cost_usd`?"),
        ("plan scenario.toml --tolerance much", "expected a percentage such as `1%`"),
        ("plan scenario.toml --tolerance -1%", "a tolerance cannot be negative"),
        ("plan scenario.toml --tolerance=-1", "a tolerance cannot be negative"),
        ("plan scenario.toml --runs 1", "at least 2 runs"),
        ("plan scenario.toml --choose fleet.replica=2,3", "did you mean `replicas`?"),
        (
            "plan scenario.toml --choose termination.grace_period=1s..1000s/1s --choose fleet.replicas=2,3",
            "at most 2000",
        ),
        ("plan nothing.toml", "cannot read nothing.toml"),
        ("plan", "required"),
    ] {
        let said = place.refuses(line);
        assert!(said.contains(expected), "{line}: {said}");
    }
    let place = Place::with(SCENARIO.split("[plan]").next().unwrap());
    assert!(place.refuses("plan scenario.toml").contains("add a table [plan.choices]"));
}

#[cfg(unix)]
#[test]
fn an_interrupted_plan_ends_with_130_and_saves_the_best_so_far() {
    let place = Place::new();
    // Equally good all of them, with a check that takes hundreds of long runs of each.
    let choices = ["--choose", "termination.grace_period=20s..2m/1s", "--set", "check.0.statistic=p95"];
    let long = ["--set", "study.duration=1h", "--runs", "9999"];
    // Long enough for the candidates to be read, the handler to be in place and runs to be finished.
    let runs_are_finished = || std::thread::sleep(std::time::Duration::from_secs(5));
    let line = [&["plan", "scenario.toml"][..], &choices, &long].concat();
    assert_eq!(ended_by("INT", &place.path("work"), &line, runs_are_finished).status.code(), Some(130));
    let plan = place.json("work/output/scenario/plan.json");
    assert_eq!(plan["ending"], "interrupted");
    assert!(plan["candidates"][0]["runs"].as_u64().unwrap() >= 1);
    assert!(place.path("work/output/scenario/best.toml").is_file());
}
