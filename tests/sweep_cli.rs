//! `cutover sweep` as scripts meet it: what is refused, what is written, and that a sweep goes on where it stopped.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use assert_cmd::cargo::cargo_bin_cmd;
use tempfile::TempDir;

/// Two small replicas for a minute and a half.
const SCENARIO: &str = r#"
name = "Two replicas, rolling update"
[study]
runs = 8
seed = 7
warm_up = "10s"
duration = "90s"
cool_down = "1m"
timeline_bin = "10s"
[traffic]
arrivals = { process = "poisson", rate = 2.0 }
prompt_tokens = { distribution = "lognormal", median = 100, p99 = 800, max = 2000 }
output_tokens = { distribution = "lognormal", median = 200, p99 = 1800, max = 2500 }
[fleet]
replicas = 2
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
start = "30s"
[rollout.rolling]
max_surge = 1
max_unavailable = 0
[[check]]
metric = "truncated_attempts"
statistic = "max"
max = 0
"#;

struct Place {
    directory: TempDir,
}

impl Place {
    fn with(scenario: &str) -> Place {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("scenario.toml"), scenario).unwrap();
        Place { directory }
    }

    fn new() -> Place {
        Place::with(SCENARIO)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = cargo_bin_cmd!("cutover");
        command.current_dir(self.directory.path()).args(["sweep", "scenario.toml"]).args(arguments);
        command
    }

    fn sweep(&self, line: &str) -> Assert {
        self.command(&line.split_whitespace().collect::<Vec<&str>>()).assert()
    }

    /// Refuses with exit code 2, says why on standard error only, and writes nothing. Returns what it said.
    fn refuses(&self, arguments: &[&str]) -> String {
        let assert = self.command(arguments).assert().code(2);
        assert_eq!(output(&assert), "", "{arguments:?}");
        assert!(!self.path("output").exists(), "{arguments:?}");
        let said = errors(&assert);
        assert!(!said.trim().is_empty() && !said.contains("panicked"), "{said}");
        said
    }
}

fn output(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn errors(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// Every file below a directory with its content, by its name relative to it.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut all = BTreeMap::new();
    collect(directory, directory, &mut all);
    all
}

/// Header and rows of sweep.csv.
fn table(directory: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(directory.join("sweep.csv")).unwrap();
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    (header, reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect())
}

const GRID: &str = "--vary termination.grace_period=0s,2s,1m --vary rollout.rolling.max_surge=1,2";

#[test]
fn a_sweep_leaves_its_files_and_the_same_bytes_with_any_number_of_threads() {
    let place = Place::new();
    let one = place.sweep(&format!("{GRID} --threads 1 --out one")).code(0);
    let two = place.sweep(&format!("{GRID} --threads 3 --out two")).code(0);
    assert_eq!(output(&one), output(&two));
    assert!(files(&place.path("one")) == files(&place.path("two")));
    let names: Vec<String> = files(&place.path("one")).into_keys().collect();
    let chart = "charts/sweep-truncated_attempts-max.png".to_owned();
    assert!(names.contains(&chart), "{names:?}");
    for name in ["sweep.csv", "sweep.json", "sweep.md"] {
        assert!(names.iter().any(|written| written == name), "{names:?}");
    }
    assert_eq!(names.iter().filter(|name| name.starts_with("sweep-points/")).count(), 6);
    let page = fs::read_to_string(place.path("one/sweep.md")).unwrap();
    assert!(page.contains(&format!("({chart})")), "{page}");
    let printed = output(&one);
    assert!(
        printed.contains("3 x 2 = 6 points, each 8 runs x 1m30s, seed 7, the same requests at every point"),
        "{printed}"
    );
    assert!(printed.contains("* as written"), "{printed}");
    assert!(!printed.contains("one/") && errors(&one).contains("results in one"), "{}", errors(&one));
    let json = place.sweep(&format!("{GRID} --out one --format json --quiet")).code(0);
    assert_eq!(errors(&json), "");
    assert_eq!(output(&json), fs::read_to_string(place.path("one/sweep.json")).unwrap());
}

/// What a point says is what `run` says of the same settings.
#[test]
fn a_point_is_what_run_finds_with_the_same_settings() {
    let place = Place::new();
    place.sweep("--vary termination.grace_period=1s,2s --out swept").code(0);
    let mut run = cargo_bin_cmd!("cutover");
    run.current_dir(place.directory.path()).args(["run", "scenario.toml", "--set", "termination.grace_period=1s"]);
    run.args(["--out", "run", "--quiet"]).output().unwrap();
    let (header, rows) = table(&place.path("swept"));
    let file = &rows[0][header.iter().position(|column| column == "runs_file").unwrap()];
    let [swept, run] = ["swept", "run"].map(|folder| place.path(folder));
    assert!(fs::read(swept.join(file)).unwrap() == fs::read(run.join("runs.csv")).unwrap());
    let summary: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(run.join("summary.json")).unwrap()).unwrap();
    for metric in ["truncated_attempts", "ttft_p99_s", "cost_usd"] {
        for (end, key) in [("", "value"), ("_low", "low"), ("_high", "high")] {
            let column = header.iter().position(|column| *column == format!("{metric}.mean{end}")).unwrap();
            let swept: f64 = rows[0][column].parse().unwrap();
            let run = summary["metrics"][metric]["mean"][key].as_f64().unwrap();
            // The reader of JSON rounds the last digit as it likes.
            assert!((run - swept).abs() <= 1e-14 * run.abs(), "{metric} {key}: {run} {swept}");
        }
    }
}

#[test]
fn a_sweep_that_lost_points_goes_on_and_ends_with_the_same_bytes() {
    let place = Place::new();
    place.sweep(&format!("{GRID} --out whole --quiet")).code(0);
    let whole = files(&place.path("whole"));
    place.sweep(&format!("{GRID} --out parts --quiet")).code(0);
    // As after an interruption: no results, four of six points, and one of them cut short by a full disk.
    let points: Vec<String> = whole.keys().filter(|name| name.starts_with("sweep-points/")).cloned().collect();
    fs::remove_file(place.path("parts/sweep.csv")).unwrap();
    points[..2].iter().for_each(|point| fs::remove_file(place.path("parts").join(point)).unwrap());
    let cut = place.path("parts").join(&points[2]);
    let content = fs::read(&cut).unwrap();
    fs::write(&cut, &content[..content.len() / 2]).unwrap();
    let resumed = place.sweep(&format!("{GRID} --out parts")).code(0);
    assert!(errors(&resumed).contains("24 runs in "), "{}", errors(&resumed));
    assert!(errors(&resumed).contains("3 points of 6 taken from an earlier sweep"), "{}", errors(&resumed));
    assert!(files(&place.path("parts")) == whole);
    let fresh = place.sweep(&format!("{GRID} --out parts --fresh")).code(0);
    assert!(errors(&fresh).contains("48 runs in ") && !errors(&fresh).contains("taken from"), "{}", errors(&fresh));
    assert!(files(&place.path("parts")) == whole);
}

/// A grid that has grown only simulates what is new; what belongs to no row is removed.
#[test]
fn points_are_taken_by_what_they_are_and_not_by_where_they_stood() {
    let place = Place::new();
    place.sweep("--vary termination.grace_period=1s,2s --out swept").code(0);
    let grown = place.sweep("--vary termination.grace_period=5s,2s --out swept").code(0);
    assert!(errors(&grown).contains("1 point of 2 taken from an earlier sweep"), "{}", errors(&grown));
    let (_, rows) = table(&place.path("swept"));
    assert_eq!(rows.iter().map(|row| row[0].as_str()).collect::<Vec<&str>>(), ["5s", "2s"]);
    let kept = files(&place.path("swept")).into_keys().filter(|name| name.starts_with("sweep-points/"));
    assert_eq!(kept.count(), 2);
    for other in ["--seed 8", "--runs 9", "--set fleet.gpu_hour_usd=4"] {
        let said = errors(&place.sweep(&format!("--vary termination.grace_period=5s,2s --out swept {other}")).code(0));
        assert!(!said.contains("taken from"), "{other}: {said}");
    }
}

/// Runs that this program would not find again are not taken, whatever file they lie in.
#[test]
fn runs_of_another_program_are_simulated_anew() {
    let place = Place::new();
    let line = "--vary termination.grace_period=1s,2s --out swept";
    place.sweep(line).code(0);
    let whole = files(&place.path("swept"));
    let (name, content) = whole.iter().find(|(name, _)| name.starts_with("sweep-points/")).unwrap();
    // Another number of requests in run 0, which stands in the second column.
    let text = String::from_utf8(content.clone()).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    fs::write(place.path("swept").join(name), format!("{header}\n{}", rows.replacen("0,", "0,9", 1))).unwrap();
    let said = errors(&place.sweep(line).code(0));
    assert!(said.contains("1 point of 2 taken from an earlier sweep"), "{said}");
    assert!(files(&place.path("swept")) == whole);
}

#[test]
fn wrong_axes_and_points_are_refused_before_anything_is_simulated() {
    let place = Place::new();
    for (arguments, said) in [
        (vec![], "--vary <KEY=VALUES>"),
        (vec!["--vary", "fleet.replicas"], "expected KEY=VALUES"),
        (vec!["--vary", "fleet.replicas=2,,3"], "found an empty one"),
        (vec!["--vary", "fleet.replicas=2..3"], "expected a range such as"),
        (vec!["--vary", "fleet.replicas=3..2/1"], "is empty"),
        (vec!["--vary", "fleet.replicas=2,3,2"], "stands twice"),
        (vec!["--vary", "fleet.replica=2,3"], "did you mean `replicas`?"),
        (vec!["--vary", "termination.grace_period=1s,soon"], "at the point termination.grace_period=soon:"),
        (vec!["--vary", "fleet.replicas=2,3", "--vary", "fleet.replicas=4"], "is varied twice"),
        (vec!["--vary", "fleet.replicas=2,3", "--set", "fleet.replicas=4"], "would be lost"),
        (vec!["--vary", "fleet={ replicas = 2 },{ replicas = 3 }", "--set", "fleet.gpu_limit=4"], "would be lost"),
        (vec!["--vary", "study.seed=7,8"], "study.seed cannot be varied"),
        (vec!["--vary", "study.runs=8,9"], "study.runs cannot be varied"),
        (vec!["--vary", "termination.grace_period=60s,1m"], "are the same in this scenario"),
        (vec!["--vary", "rollout.blue_green.preview_replica_count=1,2"], "are the same in this scenario"),
        (vec!["--vary", "fleet.replicas=1..40/1", "--vary", "fleet.gpu_limit=50..90/1"], "at most 1000 points"),
        (vec!["--vary", "fleet.replicas=2,3", "--metric", "ttft"], "there is no metric `ttft`"),
        (vec!["--vary", "fleet.replicas=2,3", "--metric", "cost_usd.p97"], "did you mean `p90`?"),
        (vec!["--vary", "check.0.statistic=max,probability_positive"], "a check cannot be certified"),
    ] {
        let told = place.refuses(&arguments);
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
    let both = ["--vary", "rollout.rolling.max_surge=0,1", "--vary", "rollout.rolling.max_unavailable=0,1"];
    let told = place.refuses(&both);
    assert!(told.contains("at the point rollout.rolling.max_surge=0, rollout.rolling.max_unavailable=0:"), "{told}");
    let checked = Place::with(&SCENARIO.replace("statistic = \"max\"", "statistic = \"probability_positive\""));
    assert!(checked.refuses(&["--vary", "fleet.replicas=2,3"]).contains("scenario.toml:"));
}

#[test]
fn what_makes_points_hard_to_compare_is_pointed_out() {
    let place = Place::new();
    let said = errors(&place.sweep("--vary traffic.arrivals.rate=1,2 --runs 3").code(0));
    assert!(
        said.contains("warning: the points do not all meet the same requests (traffic.arrivals differs)"),
        "{said}"
    );
    let longer = place.sweep("--vary study.duration=80s,90s --runs 3").code(0);
    assert!(errors(&longer).contains("windows of different lengths"), "{}", errors(&longer));
    assert!(
        output(&longer).contains("not the same requests at every point: study.duration differs"),
        "{}",
        output(&longer)
    );
    let said = errors(&place.sweep("--vary fleet.replicas=2,3 --runs 3").code(0));
    assert!(!said.contains("warning"), "{said}");
    // In the scenario as written surge replicas have all the GPUs that they want.
    let said =
        errors(&place.sweep("--vary fleet.gpu_limit=2,3 --set rollout.rolling.max_unavailable=1 --runs 3").code(0));
    assert!(said.contains("warning: at fleet.gpu_limit=2: "), "{said}");
}

/// What the file is warned of for a value that every point overrides is nothing to warn of.
#[test]
fn warnings_are_those_of_the_points() {
    let place = Place::with(&SCENARIO.replace("replicas = 2\n", "replicas = 2\ngpu_limit = 2\n"));
    let said = |line: &str| errors(&place.sweep(&format!("{line} --runs 3")).code(0));
    let overridden = said("--vary fleet.gpu_limit=3,4");
    assert!(!overridden.contains("warning"), "{overridden}");
    let everywhere = said("--vary termination.grace_period=2s,4s");
    assert_eq!(
        everywhere.matches("warning: at every point: a surge of 1 replica needs 3 GPUs").count(),
        1,
        "{everywhere}"
    );
    let quiet = said("--vary termination.grace_period=2s,4s --quiet");
    assert_eq!(quiet, "");
}

#[test]
fn a_scenario_without_rollout_or_checks_or_with_one_point_is_swept_too() {
    let (before, _) = SCENARIO.split_once("[rollout]").unwrap();
    let place = Place::with(&format!("{before}\n[rollout]\nstrategy = \"none\"\n"));
    let printed = output(&place.sweep("--vary fleet.replicas=1,2,3 --runs 3").code(0));
    assert!(printed.contains("The scenario has no [[check]], so that no point is judged."), "{printed}");
    let printed = output(&place.sweep("--vary fleet.replicas=1 --runs 3 --metric cost_usd").code(0));
    assert!(printed.contains("1 point, each 3 runs"), "{printed}");
    let one_run = output(&place.sweep("--vary fleet.replicas=1,2 --runs 1 --metric cost_usd").code(0));
    assert!(one_run.contains("Without brackets: a 95 % interval of cost_usd mean needs at least 2 runs"), "{one_run}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_sweep_keeps_what_is_finished_and_goes_on_to_the_same_bytes() {
    use std::process::Stdio;
    use std::time::{Duration, Instant};
    // Many runs, so that the signal arrives long before the last point is done, however fast the machine.
    const LINE: [&str; 6] = ["--vary", "termination.grace_period=1s..60s/1s", "--threads", "1", "--runs", "100"];
    let place = Place::new();
    place.command(&LINE).args(["--out", "whole", "--quiet"]).assert().code(0);
    let binary = place.command(&[]).get_program().to_owned();
    let mut child = std::process::Command::new(binary)
        .args(["sweep", "scenario.toml"])
        .args(LINE)
        .args(["--out", "parts"])
        .current_dir(place.directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let kept = || fs::read_dir(place.path("parts/sweep-points")).map_or(0, |entries| entries.count());
    while kept() < 3 && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(place.path("parts/sweep.json")).unwrap()).unwrap();
    assert_eq!(json["provenance"]["partial"], true);
    let done = json["points"].as_array().unwrap().len() as u64;
    assert_eq!(json["points_asked_for"], 60);
    assert!((3..60).contains(&done), "{done}");
    assert_eq!((table(&place.path("parts")).1.len(), kept()), (done as usize, done as usize));
    let resumed = place.command(&LINE).args(["--out", "parts"]).assert().code(0);
    assert!(
        errors(&resumed).contains(&format!("{done} points of 60 taken from an earlier sweep")),
        "{}",
        errors(&resumed)
    );
    assert!(files(&place.path("parts")) == files(&place.path("whole")));
}
