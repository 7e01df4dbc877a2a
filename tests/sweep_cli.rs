//! `cutover sweep` as scripts meet it: what is refused, what is written, and that a sweep goes on where it stopped.

mod support;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use support::interrupt::ended_by;
use support::place::{Place, errors, files, output};
use support::small::two_replicas;

/// Two small replicas for a minute and a half, with a check that fails.
static SCENARIO: LazyLock<String> = LazyLock::new(|| {
    let scenario = two_replicas(&[
        ("runs = 12", "runs = 8"),
        ("warm_up = \"20s\"", "warm_up = \"10s\""),
        ("duration = \"3m\"", "duration = \"90s\""),
        ("median = 100, p99 = 900, max = 1500", "median = 200, p99 = 1800, max = 2500"),
        ("engine_start = \"20s\"", "engine_start = \"10s\""),
        ("grace_period = \"5s\"", "grace_period = \"2s\""),
    ]);
    format!("{scenario}\n[[check]]\nmetric = \"truncated_attempts\"\nstatistic = \"max\"\nmax = 0\n")
});

fn command(place: &Place, arguments: &[&str]) -> Command {
    place.command(&[&["sweep", "scenario.toml"], arguments].concat())
}

fn sweep(place: &Place, line: &str) -> Assert {
    place.cutover(&format!("sweep scenario.toml {line}"))
}

/// Refuses with exit code 2, says why on standard error only, and writes nothing. Returns what it said.
fn refuses(place: &Place, arguments: &[&str]) -> String {
    place.refused(command(place, arguments).assert())
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
    let place = Place::with(&SCENARIO);
    let one = sweep(&place, &format!("{GRID} --threads 1 --out one")).code(0);
    let two = sweep(&place, &format!("{GRID} --threads 3 --out two")).code(0);
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
    let json = sweep(&place, &format!("{GRID} --out one --format json --quiet")).code(0);
    assert_eq!(errors(&json), "");
    assert_eq!(output(&json), fs::read_to_string(place.path("one/sweep.json")).unwrap());
}

/// What a point says is what `run` says of the same settings.
#[test]
fn a_point_is_what_run_finds_with_the_same_settings() {
    let place = Place::with(&SCENARIO);
    sweep(&place, "--vary termination.grace_period=1s,2s --out swept").code(0);
    place.cutover("run scenario.toml --set termination.grace_period=1s --out run --quiet");
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
    let place = Place::with(&SCENARIO);
    sweep(&place, &format!("{GRID} --out whole --quiet")).code(0);
    let whole = files(&place.path("whole"));
    sweep(&place, &format!("{GRID} --out parts --quiet")).code(0);
    // As after an interruption: no results, four of six points, and one of them cut short by a full disk.
    let points: Vec<String> = whole.keys().filter(|name| name.starts_with("sweep-points/")).cloned().collect();
    fs::remove_file(place.path("parts/sweep.csv")).unwrap();
    points[..2].iter().for_each(|point| fs::remove_file(place.path("parts").join(point)).unwrap());
    let cut = place.path("parts").join(&points[2]);
    let content = fs::read(&cut).unwrap();
    fs::write(&cut, &content[..content.len() / 2]).unwrap();
    let resumed = sweep(&place, &format!("{GRID} --out parts")).code(0);
    assert!(errors(&resumed).contains("24 runs in "), "{}", errors(&resumed));
    assert!(errors(&resumed).contains("3 points of 6 taken from an earlier sweep"), "{}", errors(&resumed));
    assert!(files(&place.path("parts")) == whole);
    let fresh = sweep(&place, &format!("{GRID} --out parts --fresh")).code(0);
    assert!(errors(&fresh).contains("48 runs in ") && !errors(&fresh).contains("taken from"), "{}", errors(&fresh));
    assert!(files(&place.path("parts")) == whole);
}

/// A grid that has grown only simulates what is new; what belongs to no row is removed.
#[test]
fn points_are_taken_by_what_they_are_and_not_by_where_they_stood() {
    let place = Place::with(&SCENARIO);
    sweep(&place, "--vary termination.grace_period=1s,2s --out swept").code(0);
    let grown = sweep(&place, "--vary termination.grace_period=5s,2s --out swept").code(0);
    assert!(errors(&grown).contains("1 point of 2 taken from an earlier sweep"), "{}", errors(&grown));
    let (_, rows) = table(&place.path("swept"));
    assert_eq!(rows.iter().map(|row| row[0].as_str()).collect::<Vec<&str>>(), ["5s", "2s"]);
    let kept = files(&place.path("swept")).into_keys().filter(|name| name.starts_with("sweep-points/"));
    assert_eq!(kept.count(), 2);
    for other in ["--seed 8", "--runs 9", "--set fleet.gpu_hour_usd=4"] {
        let said =
            errors(&sweep(&place, &format!("--vary termination.grace_period=5s,2s --out swept {other}")).code(0));
        assert!(!said.contains("taken from"), "{other}: {said}");
    }
}

/// Runs that this program would not find again are not taken, whatever file they lie in.
#[test]
fn runs_of_another_program_are_simulated_anew() {
    let place = Place::with(&SCENARIO);
    let line = "--vary termination.grace_period=1s,2s --out swept";
    sweep(&place, line).code(0);
    let whole = files(&place.path("swept"));
    let (name, content) = whole.iter().find(|(name, _)| name.starts_with("sweep-points/")).unwrap();
    // Another number of requests in run 0, which stands in the second column.
    let text = String::from_utf8(content.clone()).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    fs::write(place.path("swept").join(name), format!("{header}\n{}", rows.replacen("0,", "0,9", 1))).unwrap();
    let said = errors(&sweep(&place, line).code(0));
    assert!(said.contains("1 point of 2 taken from an earlier sweep"), "{said}");
    assert!(files(&place.path("swept")) == whole);
}

#[test]
fn wrong_axes_and_points_are_refused_before_anything_is_simulated() {
    let place = Place::with(&SCENARIO);
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
        let told = refuses(&place, &arguments);
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
    let both = ["--vary", "rollout.rolling.max_surge=0,1", "--vary", "rollout.rolling.max_unavailable=0,1"];
    let told = refuses(&place, &both);
    assert!(told.contains("at the point rollout.rolling.max_surge=0, rollout.rolling.max_unavailable=0:"), "{told}");
    let checked = Place::with(&SCENARIO.replace("statistic = \"max\"", "statistic = \"probability_positive\""));
    assert!(refuses(&checked, &["--vary", "fleet.replicas=2,3"]).contains("scenario.toml:"));
}

#[test]
fn what_makes_points_hard_to_compare_is_pointed_out() {
    let place = Place::with(&SCENARIO);
    let said = errors(&sweep(&place, "--vary traffic.arrivals.rate=1,2 --runs 3").code(0));
    assert!(
        said.contains("warning: the points do not all meet the same requests (traffic.arrivals differs)"),
        "{said}"
    );
    let longer = sweep(&place, "--vary study.duration=80s,90s --runs 3").code(0);
    assert!(errors(&longer).contains("windows of different lengths"), "{}", errors(&longer));
    assert!(
        output(&longer).contains("not the same requests at every point: study.duration differs"),
        "{}",
        output(&longer)
    );
    let said = errors(&sweep(&place, "--vary fleet.replicas=2,3 --runs 3").code(0));
    assert!(!said.contains("warning"), "{said}");
    // In the scenario as written surge replicas have all the GPUs that they want.
    let said =
        errors(&sweep(&place, "--vary fleet.gpu_limit=2,3 --set rollout.rolling.max_unavailable=1 --runs 3").code(0));
    assert!(said.contains("warning: at fleet.gpu_limit=2: "), "{said}");
}

/// What the file is warned of for a value that every point overrides is nothing to warn of.
#[test]
fn warnings_are_those_of_the_points() {
    let place = Place::with(&SCENARIO.replace("replicas = 2\n", "replicas = 2\ngpu_limit = 2\n"));
    let said = |line: &str| errors(&sweep(&place, &format!("{line} --runs 3")).code(0));
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
    let printed = output(&sweep(&place, "--vary fleet.replicas=1,2,3 --runs 3").code(0));
    assert!(printed.contains("The scenario has no [[check]], so that no point is judged."), "{printed}");
    let printed = output(&sweep(&place, "--vary fleet.replicas=1 --runs 3 --metric cost_usd").code(0));
    assert!(printed.contains("1 point, each 3 runs"), "{printed}");
    let one_run = output(&sweep(&place, "--vary fleet.replicas=1,2 --runs 1 --metric cost_usd").code(0));
    assert!(one_run.contains("Without brackets: a 95 % interval of cost_usd mean needs at least 2 runs"), "{one_run}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_sweep_keeps_what_is_finished_and_goes_on_to_the_same_bytes() {
    use std::time::{Duration, Instant};
    // Many runs, so that the signal arrives long before the last point is done, however fast the machine.
    const LINE: [&str; 6] = ["--vary", "termination.grace_period=1s..60s/1s", "--threads", "1", "--runs", "100"];
    let place = Place::with(&SCENARIO);
    command(&place, &LINE).args(["--out", "whole", "--quiet"]).assert().code(0);
    let kept = || fs::read_dir(place.path("parts/sweep-points")).map_or(0, |entries| entries.count());
    let some_are_kept = || {
        let began = Instant::now();
        while kept() < 3 && began.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    let line = [&["sweep", "scenario.toml", "--out", "parts"], &LINE[..]].concat();
    assert_eq!(ended_by("INT", place.directory(), &line, some_are_kept).status.code(), Some(130));
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(place.path("parts/sweep.json")).unwrap()).unwrap();
    assert_eq!(json["provenance"]["partial"], true);
    let done = json["points"].as_array().unwrap().len() as u64;
    assert_eq!(json["points_asked_for"], 60);
    assert!((3..60).contains(&done), "{done}");
    assert_eq!((table(&place.path("parts")).1.len(), kept()), (done as usize, done as usize));
    let resumed = command(&place, &LINE).args(["--out", "parts"]).assert().code(0);
    assert!(
        errors(&resumed).contains(&format!("{done} points of 60 taken from an earlier sweep")),
        "{}",
        errors(&resumed)
    );
    assert!(files(&place.path("parts")) == files(&place.path("whole")));
}
