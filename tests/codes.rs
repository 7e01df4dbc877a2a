//! The codes of errors and warnings on the real program: what each explanation shows brings its code about, and what it
//! shows instead does not; which warnings the scenarios that ship have; how problems look.

mod support;

use std::fs;
use std::path::Path;

use assert_cmd::cargo::cargo_bin_cmd;
use cutover::scenario::{Explanation, explanations};
use serde_json::Value;
use tempfile::TempDir;

/// What an example needs that does not say what its traffic is.
const TRAFFIC: &str = r#"[traffic]
arrivals = { process = "poisson", rate = 6.0 }
prompt_tokens = 800
output_tokens = 250
"#;

/// Codes without an example in TOML: they are no matter of a scenario's text.
const WITHOUT_TOML: [&str; 4] = ["E0002", "E0010", "E0405", "W0406"];

/// The TOML that an explanation shows.
fn examples(explanation: &Explanation) -> Vec<&'static str> {
    explanation.text.split("```toml\n").skip(1).filter_map(|after| after.split("```").next()).collect()
}

/// A folder with what examples name.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let rows: String = (0..100).map(|second| format!("{second},100,50\n")).collect();
    fs::write(folder.path().join("trace.csv"), format!("arrival_s,prompt_tokens,output_tokens\n{rows}"))
        .expect("written");
    fs::write(folder.path().join("pulls.csv"), "seconds\n60\n90\n").expect("written");
    folder
}

/// What `check --lint-only` finds, and its exit code.
fn lint(folder: &Path, text: &str, arguments: &[&str]) -> (Value, i32) {
    fs::write(folder.join("scenario.toml"), text).expect("written");
    let output = cargo_bin_cmd!("cutover")
        .current_dir(folder)
        .args(["check", "scenario.toml", "--lint-only", "--format", "json"])
        .args(arguments)
        .output()
        .expect("it runs");
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    });
    (json, output.status.code().expect("a code"))
}

fn codes(json: &Value) -> Vec<&str> {
    let problems = json["problems"].as_array().expect("a list");
    problems.iter().map(|problem| problem["code"].as_str().expect("a code")).collect()
}

#[test]
fn every_explanation_shows_what_brings_its_code_about_and_what_does_not() {
    let folder = folder();
    let mut wrong = Vec::new();
    for explanation in explanations() {
        let code = explanation.code.0;
        let shown = examples(explanation);
        if WITHOUT_TOML.contains(&code) {
            assert!(shown.is_empty(), "{code} is told by this test");
            continue;
        }
        assert_eq!(shown.len(), 2, "{code} shows a wrong example and its repair");
        for (example, expected) in shown.iter().zip([true, false]) {
            let traffic = if example.contains("[traffic]") { "" } else { TRAFFIC };
            let (json, exit) = lint(folder.path(), &format!("{traffic}{example}"), &[]);
            let found = codes(&json);
            let ends = if found.iter().any(|code| code.starts_with('E')) { 2 } else { 0 };
            let repaired_is_wrong = !expected && exit == 2;
            if found.contains(&code) != expected || exit != ends || repaired_is_wrong {
                wrong.push(format!("{code}, {expected}: {found:?}, exit code {exit}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_codes_without_an_example_are_brought_about_as_well() {
    let folder = folder();
    assert_eq!(codes(&lint(folder.path(), "", &[]).0), ["E0002"]);
    assert_eq!(codes(&lint(folder.path(), TRAFFIC, &["--set", "fleet.replicas"]).0), ["E0010"]);
    fs::write(folder.path().join("torn.csv"), "arrival_s,prompt_tokens,output_tokens\n0,9,9\n9,9,9").expect("written");
    let (json, exit) = lint(folder.path(), "[traffic]\ntrace = \"torn.csv\"", &[]);
    assert!(codes(&json).contains(&"W0406") && exit == 0, "{json}");
    let output = cargo_bin_cmd!("cutover").args(["check", "nothing.toml", "--lint-only"]).output().expect("it runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("error[E0405]: cannot read nothing.toml"));
    assert_eq!(output.status.code(), Some(2));
}

/// Which warnings each scenario that ships has: each of them is deserved.
#[test]
fn the_scenarios_that_ship_have_these_warnings() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("it ships").filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let metrics: Vec<&str> = cutover::ledger::METRICS.iter().map(|metric| metric.name()).collect();
    let mut list = String::new();
    for file in files {
        let mut scenario = cutover::scenario::load(&file, &[], &metrics).unwrap_or_else(|error| panic!("{error}"));
        scenario.warnings.extend(cutover::lints::warnings(&scenario));
        list += &format!("{}:\n", file.file_stem().expect("a name").display());
        for warning in &scenario.written.problems(scenario.warnings.clone()).problems {
            list += &format!("  {} line {}: {}\n", warning.code, warning.line, warning.sentence());
        }
    }
    insta::assert_snapshot!(list);
}

/// A command in a folder with these files: standard output, standard error, exit code.
fn cutover(files: &[(&str, &str)], line: &str) -> (String, String, i32) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("written");
    }
    let output = cargo_bin_cmd!("cutover").current_dir(folder.path()).args(line.split(' ')).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert!(!line.contains("--lint-only") || left.len() == files.len(), "{line} writes nothing");
    (text(output.stdout), text(output.stderr), output.status.code().expect("a code"))
}

const CHECK: &str = "[[check]]\nmetric = \"truncated_attempts\"\nstatistic = \"p95\"\nmax = 5\n";

#[test]
fn lint_only_tells_the_problems_of_all_files_and_ends_by_the_worst() {
    let good = format!("{TRAFFIC}{CHECK}");
    let unwise =
        format!("{good}[termination]\npre_stop = \"1s\"\nendpoint_lag = \"2s\"\n[rollout]\nstrategy = \"rolling\"\n");
    let wrong = format!("{TRAFFIC}[fleet]\nreplica = 8\n[slo]\nttft = 2\n");
    let files = [("good.toml", good.as_str()), ("unwise.toml", &unwise), ("wrong.toml", &wrong)];
    let (printed, said, code) = cutover(&files, "check wrong.toml unwise.toml good.toml --lint-only");
    assert_eq!((said.as_str(), code), ("", 2));
    insta::assert_snapshot!(printed);
    let ends = |line: &str| {
        let (printed, said, code) = cutover(&files, line);
        assert_eq!(said, "", "{line}");
        (printed, code)
    };
    assert_eq!(ends("check good.toml --lint-only --deny-warnings"), ("good.toml: no problems\n".to_owned(), 0));
    assert_eq!(ends("check good.toml unwise.toml --lint-only").1, 0);
    assert_eq!(ends("check good.toml unwise.toml --lint-only --deny-warnings").1, 1);
    // What is found is the report, which no `--quiet` silences.
    assert_eq!(ends("check unwise.toml --lint-only --quiet --deny-warnings").1, 1);
    insta::assert_snapshot!("lint_in_json", ends("check wrong.toml unwise.toml --lint-only --format json").0);
    insta::assert_snapshot!("lint_in_markdown", ends("check wrong.toml unwise.toml --lint-only --format md").0);
}

#[test]
fn check_tells_what_is_wrong_with_each_of_several_files() {
    let wrong = format!("{TRAFFIC}[fleet]\nreplica = 8\n");
    let other = format!("{TRAFFIC}[slo]\nttft = 2\n");
    let (printed, said, code) = cutover(&[("a.toml", &wrong), ("b.toml", &other)], "check a.toml b.toml");
    assert_eq!((printed.as_str(), code), ("", 2));
    assert!(said.contains("--> a.toml:6:1") && said.contains("--> b.toml:6:8"), "{said}");
    assert!(said.ends_with("\n\n2 of 2 scenarios cannot be simulated, so that none was\n"), "{said}");
}

#[test]
fn what_only_a_simulation_could_judge_is_refused_where_there_is_none() {
    for option in ["--fail-on warn", "--baseline main"] {
        let (printed, said, code) = cutover(&[("a.toml", TRAFFIC)], &format!("check a.toml --lint-only {option}"));
        assert!(printed.is_empty() && code == 2 && said.contains("`--deny-warnings` makes"), "{said}");
    }
}

#[test]
fn check_without_a_check_is_warned_of() {
    let line = "check a.toml --runs 2 --set study.duration=60s --set study.warm_up=60s";
    let (_, said, code) = cutover(&[("a.toml", TRAFFIC)], line);
    assert!(said.contains("warning[W0110]: this scenario has no [[check]]") && code == 0, "{said}");
}

#[test]
fn a_mistake_in_an_argument_is_shown_in_the_argument_that_was_given() {
    for (line, argument) in [
        ("run a.toml --set fleet.replica=3", "--set fleet.replica=3"),
        ("run a.toml --runs 99999999", "--runs 99999999"),
        ("compare a.toml --variant slo.ttft=2s,fleet.replica=3", "--variant slo.ttft=2s,fleet.replica=3"),
        ("compare a.toml --set-b fleet.replica=3", "--set-b fleet.replica=3"),
        ("compare a.toml a.toml --set-b fleet.replica=3", "--set-b fleet.replica=3"),
        ("sweep a.toml --vary fleet.replica=3,4", "--vary fleet.replica=3"),
    ] {
        let (printed, said, code) = cutover(&[("a.toml", TRAFFIC)], line);
        assert_eq!((printed.as_str(), code), ("", 2), "{line}: {said}");
        assert!(said.contains(&format!("--> {argument}\n")), "{line}: {said}");
    }
}

#[test]
fn explain_tells_what_a_code_means_and_lists_them() {
    let (printed, _, code) = cutover(&[], "explain e0003");
    assert!(printed.starts_with("E0003: unknown key\n\n") && printed.contains("\n    [termination]\n") && code == 0);
    assert_eq!(cutover(&[], "explain W0201").0, cutover(&[], "explain w0201").0);
    let (list, _, code) = cutover(&[], "explain codes");
    assert!(explanations().all(|it| list.contains(&format!("{}  {}\n", it.code, it.title))) && code == 0);
    let (printed, said, code) = cutover(&[], "explain E0013");
    assert!(printed.is_empty() && said.contains("did you mean `E0") && code == 2, "{said}");
    // A scenario may have such a name.
    let (_, said, code) = cutover(&[("E0003", TRAFFIC)], "explain E0003 --set fleet.replica=3");
    assert!(said.contains("error[E0003]") && code == 2, "{said}");
}

#[test]
fn annotations_for_github_are_one_line_each_at_the_scenarios_line() {
    let problem = |text: &str, sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let parsed = cutover::scenario::parse(text, "a,b.toml", Path::new("."), &sets, &[]);
        let problems = parsed.expect_err("it is wrong").into_problems();
        cutover::report::annotations(&cutover::report::of_problems(&problems))
    };
    assert_eq!(
        problem(&format!("{TRAFFIC}[fleet]\nreplica = 8"), &[]),
        "::error file=a%2Cb.toml,line=6,col=1,title=E0003%3A wrong scenario::unknown key `replica` in `fleet`: not a key of `fleet`%0Ahelp: did \
         you mean `replicas`?\n"
    );
    let of_a_set = problem(TRAFFIC, &["fleet.max_surge=25%"]);
    assert!(
        of_a_set.starts_with(
            "::error file=a%2Cb.toml,title=E0003%3A wrong scenario::--set fleet.max_surge=25%25%0Aunknown"
        ),
        "{of_a_set}"
    );
}
