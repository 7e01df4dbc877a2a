//! The gate as a pipeline meets it: exit codes by severity and verdict, a baseline, and the forms that other programs read.

mod support;

use std::fs;
use std::sync::LazyLock;

use assert_cmd::assert::Assert;
use cutover::study::{Change, Pairing, Past, StudyResult, against};
use serde_json::Value;
use support::place::{Place, errors, output};
use support::small::two_replicas;

/// Two small replicas whose answers outlive a grace period of 2 s.
static SCENARIO: LazyLock<String> = LazyLock::new(|| {
    two_replicas(&[
        ("Two replicas, rolling update", "Two replicas"),
        ("runs = 12", "runs = 16"),
        ("median = 100, p99 = 900", "median = 300, p99 = 900"),
        ("grace_period = \"5s\"", "grace_period = \"2s\""),
    ])
});

/// A directory with a scenario that has these checks.
fn with_checks(checks: &[String]) -> Place {
    let place = Place::empty();
    write(&place, "chat.toml", checks);
    place
}

fn write(place: &Place, file: &str, checks: &[String]) {
    let checks: String = checks.iter().map(|check| format!("\n[[check]]\n{check}\n")).collect();
    fs::write(place.path(file), format!("{}{checks}", *SCENARIO)).unwrap();
}

/// Line of the first table behind [`SCENARIO`].
fn first_check() -> usize {
    SCENARIO.lines().count() + 2
}

const HOLDS: &str = "metric = \"requests\"\nstatistic = \"mean\"\nmin = 1";
const FAILS: &str = "metric = \"requests\"\nstatistic = \"mean\"\nmax = 10";
const OPEN: &str = "metric = \"ttft_p99_s\"\nstatistic = \"p99\"\nmax = 1000";

fn json(assert: &Assert) -> Value {
    serde_json::from_str(&output(assert)).unwrap()
}

fn check(check: &str, severity: &str) -> String {
    format!("{check}\nseverity = \"{severity}\"")
}

/// Each severity with each verdict, alone and beside a promise that holds: what counts decides, and `--fail-on warn` makes
/// warnings count.
#[test]
fn every_severity_and_verdict_ends_with_its_exit_code() {
    for (what, code) in [(HOLDS, 0), (FAILS, 1), (OPEN, 3)] {
        let promise = with_checks(&[what.to_owned(), check(HOLDS, "warn")]);
        promise.cutover("check chat.toml").code(code);
        let warning = with_checks(&[check(HOLDS, "fail"), check(what, "warn")]);
        let told = output(&warning.cutover("check chat.toml --runs 3").code(0));
        assert_eq!(told.contains('⚠'), code != 0, "{told}");
        warning.cutover("run chat.toml --runs 3").code(0);
        warning.cutover("check chat.toml --runs 3 --fail-on warn").code(code);
    }
    let both = with_checks(&[check(FAILS, "warn"), check(OPEN, "fail")]);
    both.cutover("check chat.toml --runs 3").code(3);
    both.cutover("check chat.toml --runs 3 --fail-on warn").code(1);
}

#[test]
fn a_severity_and_a_description_are_checked_like_any_key() {
    for (wrong, said) in [
        ("severity = \"warning\"", "did you mean `warn`?"),
        ("severity = 3", "expected one of \"fail\", \"warn\", found 3"),
        ("description = 3", "expected a sentence, as text"),
        ("description = \"a\\u001bb\"", "without control characters"),
    ] {
        let place = with_checks(&[format!("{HOLDS}\n{wrong}")]);
        let told = errors(&place.cutover("check chat.toml").code(2));
        assert!(told.contains(said), "{told}");
    }
    let place = with_checks(&[format!("{FAILS}\nseverity = \"warn\"\ndescription = \"the pager's promise\"")]);
    let found = json(&place.cutover("check chat.toml --runs 3 --format json").code(0));
    assert_eq!(found[0]["checks"][0]["severity"], "warn");
    assert_eq!(found[0]["checks"][0]["description"], "the pager's promise");
    assert!(place.text("output/chat/report.md").contains("the pager's promise"));
}

#[test]
fn forms_are_printed_and_written_as_asked_for() {
    let place = with_checks(&[FAILS.to_owned()]);
    for command in ["run", "check"] {
        let junit = output(&place.cutover(&format!("{command} chat.toml --runs 3 --format junit")).code(1));
        assert_eq!(junit, place.text("output/chat/junit.xml"));
        assert!(junit.contains("<testcase classname=\"chat\" name=\"requests mean &lt;= 10\">"), "{junit}");
        let text = output(&place.cutover(&format!("{command} chat.toml --runs 3 --format text,junit")).code(1));
        assert!(text.starts_with("cutover ") && place.path("output/chat/junit.xml").is_file());
        place.cutover(&format!("{command} chat.toml --runs 3")).code(1);
        assert!(!place.path("output/chat/junit.xml").exists(), "one of an earlier run is removed");
    }
    let comment = output(&place.cutover("check chat.toml --runs 3 --format md").code(1));
    assert!(comment.starts_with("<!-- cutover:chat -->\n"), "{comment}");
    assert_eq!(comment, place.text("output/chat/comment.md"));
    assert!(output(&place.cutover("run chat.toml --runs 3 --format md").code(1)).starts_with("# Two replicas\n"));
    write(&place, "second.toml", &[HOLDS.to_owned()]);
    let both = output(&place.cutover("check chat.toml second.toml --runs 3 --format junit --out all").code(1));
    assert_eq!(both.matches("<testsuite ").count(), 2);
    assert_eq!(both, place.text("all/junit.xml"));
    assert!(place.text("all/comment.md").contains("2 rollouts: 1 failed, 1 passed"));
    assert!(place.path("all/chat/summary.json").is_file() && !place.path("all/chat/comment.md").exists());
}

#[test]
fn annotations_point_at_lines_of_the_scenario_and_of_one_that_is_wrong() {
    let place = with_checks(&[FAILS.to_owned(), check(OPEN, "warn")]);
    let told = output(&place.cutover("check ./chat.toml --runs 3 --format github").code(1));
    let lines: Vec<&str> = told.lines().collect();
    let failed =
        format!("::error file=./chat.toml,line={},title=requests mean <= 10 does not hold::found ", first_check());
    assert!(lines[0].starts_with(&failed), "{told}");
    let warned =
        format!("::warning file=./chat.toml,line={},title=ttft_p99_s p99 <= 1000 s is undecided", first_check() + 5);
    assert!(lines.iter().any(|line| line.starts_with(&warned)), "{told}");
    assert_eq!(*lines.last().unwrap(), "cutover: Two replicas: 2 checks: 1 failed, 1 only warned of");
    fs::write(place.path("wrong.toml"), format!("{}\n[fleets]\nx = 1\n", *SCENARIO)).unwrap();
    for command in ["check", "run"] {
        let wrong = place.cutover(&format!("{command} wrong.toml --format github")).code(2);
        let expected = format!("::error file=wrong.toml,line={},col=", first_check());
        assert!(output(&wrong).starts_with(&expected), "{}", output(&wrong));
        assert!(output(&wrong).contains("fleets") && errors(&wrong).contains("fleets"));
        assert_eq!(output(&place.cutover(&format!("{command} wrong.toml")).code(2)), "");
    }
    let both = place.cutover("check wrong.toml chat.toml wrong.toml --out x --format github");
    assert_eq!(output(&both.code(2)).matches("::error ").count(), 0, "two would write to one directory");
    fs::copy(place.path("wrong.toml"), place.path("also.toml")).unwrap();
    let both = place.cutover("check wrong.toml chat.toml also.toml --format github").code(2);
    assert_eq!(output(&both).matches("::error ").count(), 2, "{}", output(&both));
    assert_eq!(errors(&both).matches("fleets").count() % 2, 0, "{}", errors(&both));
    let never = with_checks(&["metric = \"cost_usd\"\nstatistic = \"probability_positive\"\nmax = 0".to_owned()]);
    let refused = never.cutover("check chat.toml --format github").code(2);
    let expected =
        format!("::error file=chat.toml,line={},col=1,title=E0304%3A wrong scenario::this check", first_check());
    assert!(output(&refused).starts_with(&expected), "{}", output(&refused));
    let none = place.cutover("check none.toml --format github").code(2);
    assert!(
        output(&none).starts_with("::error file=none.toml,title=E0405%3A wrong scenario::cannot read none.toml"),
        "{}",
        output(&none)
    );
}

#[test]
fn a_baseline_of_the_same_scenario_finds_nothing_changed() {
    let place = with_checks(&[HOLDS.to_owned()]);
    place.cutover("check chat.toml --out main").code(0);
    for baseline in ["main", "main/summary.json"] {
        let line = format!("check chat.toml --baseline {baseline} --fail-on worse,warn --format json");
        let found = &json(&place.cutover(&line).code(0))[0]["baseline"];
        assert_eq!((&found["paired"], &found["worse"]), (&Value::Bool(true), &serde_json::json!([])));
        for (name, metric) in found["metrics"].as_object().unwrap() {
            assert_eq!(metric["change"], "identical", "{name}");
        }
    }
    // More runs begin with the same ones.
    let more = json(&place.cutover("check chat.toml --baseline main --runs 20 --format json").code(0));
    assert_eq!(more[0]["baseline"]["metrics"]["cost_usd"]["runs"], 16);
    assert_eq!(more[0]["baseline"]["metrics"]["cost_usd"]["change"], "identical");
}

#[test]
fn a_longer_grace_period_is_better_and_a_shorter_one_fails_the_gate() {
    let place = with_checks(&[HOLDS.to_owned()]);
    place.cutover("check chat.toml --out main").code(0);
    place.cutover("check chat.toml --set termination.grace_period=1m --out long").code(0);
    let change = |found: &Assert| {
        let metric = &json(found)[0]["baseline"]["metrics"]["truncated_attempts"];
        metric["change"].as_str().unwrap().to_owned()
    };
    let longer = "check chat.toml --set termination.grace_period=1m --baseline main --fail-on worse --format json";
    // Without runs.csv the two are compared by their means.
    for paired in [true, false] {
        let found = place.cutover(longer).code(0);
        assert_eq!(change(&found), "better");
        assert_eq!(json(&found)[0]["baseline"]["paired"], paired);
        let shorter = "check chat.toml --baseline long --fail-on worse --format";
        assert_eq!(change(&place.cutover(&format!("{shorter} json")).code(1)), "worse");
        let text = output(&place.cutover(&format!("{shorter} text,junit")).code(1));
        assert!(text.contains("✖ truncated_attempts"), "{text}");
        assert!(
            place.text("output/chat/junit.xml").contains("truncated_attempts is worse than the baseline: 0 before")
        );
        let github = output(&place.cutover(&format!("{shorter} github")).code(1));
        assert!(github.contains("title=truncated_attempts is worse than the baseline::"), "{github}");
        let comment = output(&place.cutover(&format!("{shorter} md")).code(1));
        assert!(comment.contains("### 🔴 `truncated_attempts` is worse than the baseline: 0 → "), "{comment}");
        // Told, and not counted, where it was not asked to be.
        let warned = output(&place.cutover("check chat.toml --baseline long").code(0));
        assert!(warned.contains("⚠ truncated_attempts"), "{warned}");
        for directory in ["main", "long"] {
            let _ = fs::remove_file(place.path(directory).join("runs.csv"));
        }
    }
    let other_seed = json(&place.cutover("check chat.toml --seed 8 --baseline main --format json").code(0));
    assert_eq!(other_seed[0]["baseline"]["paired"], false);
}

#[test]
fn a_baseline_that_is_missing_or_none_is_refused_unless_it_may_be_missing() {
    let place = with_checks(&[HOLDS.to_owned()]);
    let missing = errors(&place.cutover("check chat.toml --baseline main").code(2));
    assert!(
        missing.contains("`cutover check chat.toml --out main`") && missing.contains("--baseline-optional"),
        "{missing}"
    );
    let optional =
        place.cutover("check chat.toml --baseline main --baseline-optional --fail-on worse --runs 3").code(0);
    assert!(output(&optional).contains("no baseline yet") && errors(&optional).contains("warning: --baseline main"));
    place.cutover("check chat.toml --out main --runs 3").code(0);
    let summary = place.text("main/summary.json");
    for (text, said, when_optional) in [
        ("{}".to_owned(), "without a schema_version", 2),
        ("hello".to_owned(), "no JSON", 2),
        (place.text("chat.toml"), "no JSON", 2),
        (summary.replacen("\"schema_version\": 1", "\"schema_version\": 99", 1), "schema_version 99", 0),
    ] {
        fs::write(place.path("main/summary.json"), text).unwrap();
        let told = errors(&place.cutover("check chat.toml --baseline main").code(2));
        assert!(told.contains(said) && told.contains("main"), "{told}");
        place.cutover("check chat.toml --baseline main --baseline-optional --runs 3").code(when_optional);
    }
    let aimless = errors(&place.cutover("check chat.toml --fail-on worse").code(2));
    assert!(aimless.contains("--baseline"), "{aimless}");
    place.cutover("check chat.toml --baseline-optional").code(2);
}

#[test]
fn several_scenarios_have_a_baseline_each() {
    let place = with_checks(&[HOLDS.to_owned()]);
    write(&place, "second.toml", &[HOLDS.to_owned()]);
    place.cutover("check chat.toml second.toml --runs 4 --out main").code(0);
    let both = json(&place.cutover("check chat.toml second.toml --runs 4 --baseline main --format json").code(0));
    assert!(both.as_array().unwrap().iter().all(|one| one["baseline"]["paired"] == true));
    // A scenario that is new has none.
    fs::remove_dir_all(place.path("main/second")).unwrap();
    let missing = errors(&place.cutover("check chat.toml second.toml --baseline main").code(2));
    assert!(missing.contains("of second"), "{missing}");
    let line = "check chat.toml second.toml --runs 4 --baseline main --baseline-optional --format json";
    let found = json(&place.cutover(line).code(0));
    assert!(found[0]["baseline"].is_object() && found[1].get("baseline").is_none());
    let file = errors(&place.cutover("check chat.toml second.toml --baseline main/chat/summary.json").code(2));
    assert!(file.contains("the directory that holds the results of each"), "{file}");
}

#[test]
fn every_byte_of_every_form_is_the_same_with_one_thread_and_with_two() {
    let place = with_checks(&[FAILS.to_owned(), check(OPEN, "warn")]);
    place.cutover("check chat.toml --out main --seed 9").code(1);
    for form in ["json", "md", "junit", "github"] {
        let line =
            |threads| format!("check chat.toml --baseline main --format {form},junit --threads {threads} --out t");
        let printed: Vec<(String, String, String)> = (1..=2)
            .map(|threads| {
                let printed = output(&place.cutover(&line(threads)).code(1));
                (printed, place.text("t/junit.xml"), place.text("t/comment.md"))
            })
            .collect();
        assert_eq!(printed[0], printed[1], "{form}");
    }
}

/// Pairs of studies of other seeds, which have nothing to tell apart: in at most one comparison in twenty, but for three
/// standard errors of so many, a headline metric is called better or worse; three times the load is found out.
#[test]
fn studies_of_other_seeds_are_seldom_called_different_and_another_load_is_found() {
    const PAIRS: u64 = 50;
    let study_of = |seed: u64, further: &[&str]| -> StudyResult {
        let seed = format!("study.seed={seed}");
        support::study(&SCENARIO, &[&["study.duration=90s", "traffic.arrivals.rate=1.0", &seed], further].concat())
    };
    let study = |seed: u64| study_of(seed, &[]);
    let alarms = (0..PAIRS).filter(|pair| {
        let found = against(Past::of(&study(100 + 2 * pair)), &study(101 + 2 * pair));
        assert_eq!(found.pairing, Pairing::OtherRequests);
        found.headlines().iter().any(|row| matches!(row.change, Change::Better | Change::Worse))
    });
    let share = alarms.count() as f64 / PAIRS as f64;
    let error = 3.0 * (0.05 * 0.95 / PAIRS as f64).sqrt();
    assert!(share <= 0.05 + error, "{share}");
    let tripled = against(
        Past::of(&study_of(1, &["study.runs=40"])),
        &study_of(2, &["study.runs=40", "traffic.arrivals.rate=3.0"]),
    );
    let worse: Vec<&str> = tripled.worse().map(|row| row.metric.name()).collect();
    assert!(worse.contains(&"truncated_attempts"), "{worse:?}");
}
