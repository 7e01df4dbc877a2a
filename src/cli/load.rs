//! From a file named on the command line to a scenario that may be simulated.

use std::io;
use std::path::{Path, PathBuf};

use super::arguments::{Given, Simulating};
use super::failure::Failure;
use super::terminal::{colors, say};
use crate::digits::counted;
use crate::ledger::METRICS;
use crate::lints;
use crate::report;
use crate::scenario::{self, Code, Problem, Problems, Scenario};
use crate::study::{Confidence, Extent, uncertifiable_at};

/// Reads and checks a scenario under these settings. What its text tells to be unwise is in its warnings.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(file: &Path, given: &[Given]) -> Result<Scenario, Problems> {
    read_with(file, given, &|_| Vec::new())
}

/// The same; what a model of its engine tells to be unwise is in its warnings too.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_and_lint(file: &Path, given: &[Given]) -> Result<Scenario, Problems> {
    read_with(file, given, &lints::warnings)
}

fn read_with(file: &Path, given: &[Given], further: &dyn Fn(&Scenario) -> Vec<Problem>) -> Result<Scenario, Problems> {
    let metrics: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
    let settings: Vec<String> = given.iter().map(|given| given.setting.clone()).collect();
    let named = |mut problems: Problems| {
        let gave = |setting: &str| given.iter().rev().find(|given| given.setting == setting);
        problems.name_arguments(|setting| gave(setting).map(|given| given.argument.clone()));
        problems
    };
    let mut scenario = scenario::load(file, &settings, &metrics).map_err(|error| named(error.into_problems()))?;
    let mut warnings = std::mem::take(&mut scenario.warnings);
    warnings.extend(further(&scenario));
    scenario.warnings = named(scenario.written.problems(warnings)).problems;
    Ok(scenario)
}

/// Problems in the words of standard error.
pub fn refusal(problems: &Problems) -> Failure {
    let (said, annotations) = (problems.render(colors(&io::stderr())), report::of_problems(problems));
    Failure::WrongScenario { said, annotations }
}

/// Says what is unwise about a scenario on standard error.
pub fn warn(scenario: &Scenario) {
    if !scenario.warnings.is_empty() {
        say(&scenario.written.problems(scenario.warnings.clone()).render(colors(&io::stderr())));
    }
}

/// Reads and checks the scenario that a command is about; its warnings go to standard error.
///
/// # Errors
/// The scenario cannot be read, or is wrong.
pub fn scenario(file: &Path, simulating: &Simulating) -> Result<Scenario, Failure> {
    let scenario = read_and_lint(file, &simulating.given()).map_err(|problems| refusal(&problems))?;
    if !simulating.quiet {
        warn(&scenario);
    }
    Ok(scenario)
}

/// The checks of a scenario that no outcome of so many runs could certify, intervals being taken at this confidence: each
/// with the tightest bound that these runs could certify.
pub fn uncertifiable_checks(scenario: &Scenario, runs: u64, confidence: Confidence) -> Vec<Problem> {
    let refused = (scenario.checks.iter().enumerate()).filter_map(|(index, check)| {
        let reason = uncertifiable_at(confidence, Some(Extent::of(scenario)), check, runs)?;
        let message = format!("this check cannot be certified with {}", counted(runs as f64, "run"));
        Some(scenario.written.problem(Code::UNCERTIFIABLE, &format!("check.{index}"), message, reason))
    });
    refused.collect()
}

/// Refuses a scenario one of whose checks could not be certified by any outcome of so many runs.
///
/// # Errors
/// Every such check.
pub fn refuse_uncertifiable(scenario: &Scenario, runs: u64, confidence: Confidence) -> Result<(), Failure> {
    let refused = uncertifiable_checks(scenario, runs, confidence);
    if refused.is_empty() { Ok(()) } else { Err(refusal(&scenario.written.problems(refused))) }
}

/// Reads and checks a scenario whose checks are to be judged.
///
/// # Errors
/// As [`scenario()`]; or one of its checks could not be certified by any outcome of so many runs.
pub fn checked_scenario(file: &Path, simulating: &Simulating) -> Result<Scenario, Failure> {
    let scenario = scenario(file, simulating)?;
    refuse_uncertifiable(&scenario, scenario.study.runs, Confidence::NINETY_FIVE)?;
    Ok(scenario)
}

/// Reads a scenario with further settings on top of those on the command line, its warnings aside: one point of many.
///
/// # Errors
/// As [`scenario()`].
pub fn variant(file: &Path, simulating: &Simulating, further: &[String]) -> Result<Scenario, Failure> {
    let further: Vec<Given> = further.iter().map(|setting| Given::by("--set", setting)).collect();
    variant_given(file, simulating, &further, true)
}

/// The same, where the further settings have arguments of their own, and the warnings may be told.
///
/// # Errors
/// As [`scenario()`].
pub fn variant_given(
    file: &Path,
    simulating: &Simulating,
    further: &[Given],
    quiet: bool,
) -> Result<Scenario, Failure> {
    let given: Vec<Given> = simulating.given().into_iter().chain(further.iter().cloned()).collect();
    let refuse = |problems: Problems| refusal(&problems);
    if quiet {
        // One point of many: nobody is told what is unwise about it.
        return read(file, &given).map_err(refuse);
    }
    let scenario = read_and_lint(file, &given).map_err(refuse)?;
    warn(&scenario);
    Ok(scenario)
}

/// Where the results of this file go: `--out`, or `output/` and the name of the file without its extension.
pub fn output_directory(file: &Path, out: Option<&Path>) -> PathBuf {
    out.map_or_else(|| Path::new("output").join(name(file)), Path::to_owned)
}

/// Name of a file without its extension, nor that of its compression.
pub fn name(file: &Path) -> &Path {
    fn stem(file: &Path) -> &Path {
        file.file_stem().map_or(file, Path::new)
    }
    if file.extension().is_some_and(|extension| extension == "gz") { stem(stem(file)) } else { stem(file) }
}
