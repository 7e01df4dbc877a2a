//! The program that ships and the library under test draw the same numbers.
//!
//! A dependency's feature that is only on in tests can change the last bit of a draw (rand_distr computes with another
//! library for elementary functions unless told not to): the two would then disagree in every figure.

mod support;

use assert_cmd::Command;
use cutover::fit::TraceFit;
use cutover::report::{Fitted, fit_files, study_files};
use cutover::trace::Trace;

const SCENARIO: &str = r#"
name = "golden"
[study]
runs = 3
warm_up = "1m"
duration = "5m"
[traffic]
arrivals = { process = "gamma", rate = 4.0, cv = 1.7 }
prompt_tokens = { distribution = "weibull", scale = 500, shape = 0.8, max = 4000 }
output_tokens = { distribution = "mixture", max = 2000, parts = [
  { weight = 0.5, distribution = "lognormal", median = 200, p99 = 1500 },
  { weight = 0.3, distribution = "gamma", mean = 90, cv = 1.4 },
  { weight = 0.2, distribution = "pareto", minimum = 20, alpha = 1.3 },
] }
[cold_start]
engine_start = { distribution = "lognormal", median = "20s", p99 = "60s" }
[rollout]
strategy = "rolling"
start = "1m"
"#;

#[test]
fn the_program_and_the_library_leave_the_same_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("test.toml");
    std::fs::write(&path, SCENARIO).expect("the scenario can be written");
    let out = folder.path().join("out");
    let mut program = Command::cargo_bin("cutover").expect("the program is built");
    program.arg("run").arg(&path).arg("--out").arg(&out).arg("--quiet").assert().success();
    let mut study = support::study(SCENARIO, &[]);
    study.explored = cutover::study::explore(&study, None);
    for file in study_files(&study).expect("the charts can be drawn") {
        let written = std::fs::read(out.join(&file.name)).expect("the file was written");
        assert!(written == file.content, "{} differs", file.name);
    }
}

/// A search goes another way after a difference in the last bit.
#[test]
fn the_program_and_the_library_fit_a_trace_alike() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("trace.csv");
    let row = |i: u64| {
        format!("{},{},{}\n", i * i / 9, 1 + i * i * 7_919 % 997, if i.is_multiple_of(3) { 40 } else { 1 + i % 211 })
    };
    let rows: String = (0..600).map(row).collect();
    std::fs::write(&path, format!("arrival_s,prompt_tokens,output_tokens\n{rows}")).expect("the trace can be written");
    let out = folder.path().join("out");
    let mut program = Command::cargo_bin("cutover").expect("the program is built");
    program.arg("fit").arg(&path).arg("--out").arg(&out).arg("--quiet").assert().success();
    let trace = Trace::read(&path, "trace.csv", &|_, _| None).expect("a trace");
    let fit = TraceFit::of(&trace);
    for file in fit_files(&Fitted { name: "trace.csv", fit: &fit }).expect("the charts can be drawn") {
        let written = std::fs::read(out.join(&file.name)).expect("the file was written");
        assert!(written == file.content, "{} differs", file.name);
    }
}
