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
