//! The points of a sweep: read and checked, all of them, before anything is simulated.

use std::path::Path;

use crate::cli::arguments::{Given, Simulating, SweepArguments};
use crate::cli::failure::Failure;
use crate::cli::load::{self, variant_given};
use crate::report::differing;
use crate::scenario::{Scenario, Traffic};
use crate::study::{Confidence, Grid, Sweep, overrides, setting, uncertifiable};

/// The grid that was asked for.
///
/// # Errors
/// Keys that are varied twice, or set and varied; too many points.
pub fn grid(arguments: &SweepArguments) -> Result<Grid, Failure> {
    let wrong = |reason: String| Failure::WrongUse(format!("error: --vary: {reason}"));
    let grid = Grid::new(arguments.vary.clone()).map_err(wrong)?;
    for set in &arguments.simulating.set {
        let key = set.split('=').next().unwrap_or_default().trim();
        if let Some(axis) = grid.axes().iter().find(|axis| overrides(&axis.key, key)) {
            return Err(wrong(format!(
                "`{}` is varied, so that `--set {set}` would be lost; leave out one of them",
                axis.key
            )));
        }
    }
    Ok(grid)
}

/// The scenarios of all points, in their order.
///
/// # Errors
/// The first point whose scenario is wrong, or has a check that cannot be certified; or values that make no difference.
pub fn scenarios(arguments: &SweepArguments, base: &Scenario, grid: &Grid) -> Result<Vec<Scenario>, Failure> {
    let mut scenarios = Vec::with_capacity(grid.points());
    for point in 0..grid.points() {
        let at = |said: String| Failure::WrongUse(format!("at the point {}:\n{said}", grid.settings(point).join(", ")));
        let scenario = read(&arguments.scenario, &arguments.simulating, &grid.settings(point));
        let mut scenario = scenario.map_err(|failure| at(failure.to_string()))?;
        refuse_other_runs(&scenario, base).map_err(at)?;
        refuse_uncertifiable(&scenario).map_err(at)?;
        share_trace(&mut scenario.traffic, &base.traffic);
        scenarios.push(scenario);
    }
    let settings: Vec<String> = scenarios.iter().map(setting).collect();
    match grid.repeated_values(&settings) {
        Some((axis, first, second)) => Err(Failure::WrongUse(format!(
            "error: --vary: {}={} and {}={} are the same in this scenario: the key is not used here, or the two are one \
             value",
            axis.key, axis.values[first], axis.key, axis.values[second],
        ))),
        None => Ok(scenarios),
    }
}

/// The scenario at a point; its mistakes are those of `--vary`.
fn read(file: &Path, simulating: &Simulating, settings: &[String]) -> Result<Scenario, Failure> {
    let further: Vec<Given> = settings.iter().map(|setting| Given::by("--vary", setting)).collect();
    variant_given(file, simulating, &further, true)
}

/// Points are compared run by run, on common random numbers.
fn refuse_other_runs(scenario: &Scenario, base: &Scenario) -> Result<(), String> {
    if scenario.study.seed != base.study.seed {
        return Err(
            "error: study.seed cannot be varied: points are compared on the same requests, and another seed asks \
                    for others; use --seed for the whole sweep"
                .to_owned(),
        );
    }
    if scenario.study.runs != base.study.runs {
        return Err(
            "error: study.runs cannot be varied: points are compared run by run; use --runs for the whole sweep"
                .to_owned(),
        );
    }
    Ok(())
}

/// Refuses checks of the scenario as written that no number of runs could certify, where they stand.
///
/// # Errors
/// Every such check.
pub fn refuse_uncertifiable_as_written(scenario: &Scenario) -> Result<(), Failure> {
    load::refuse_uncertifiable(scenario, scenario.study.runs, Confidence::NINETY_FIVE)
}

fn refuse_uncertifiable(scenario: &Scenario) -> Result<(), String> {
    let reasons = scenario.checks.iter().filter_map(|check| uncertifiable(check, scenario.study.runs));
    let refused: Vec<String> =
        reasons.map(|reason| format!("error[E0304]: a check cannot be certified\n  = {reason}")).collect();
    if refused.is_empty() { Ok(()) } else { Err(refused.join("\n")) }
}

/// A trace may be long: points that replay the same one keep one copy of it.
fn share_trace(traffic: &mut Traffic, base: &Traffic) {
    if let (Traffic::Trace { trace, .. }, Traffic::Trace { trace: shared, .. }) = (traffic, base)
        && trace.digest() == shared.digest()
    {
        *trace = shared.clone();
    }
}

/// What makes the sweep say less than it seems to, and what is unwise at points.
pub fn warnings(sweep: &Sweep, scenarios: &[Scenario]) -> Vec<String> {
    let mut warnings = Vec::new();
    if !sweep.unequal.is_empty() {
        warnings.push(format!(
            "the points do not all meet the same requests ({}): differences are also those of the requests",
            differing(&sweep.unequal)
        ));
    }
    if sweep.windows_differ {
        warnings.push(
            "the points measure windows of different lengths: what adds up over the window (requests, tokens, GPU-hours, \
             costs, seconds) cannot be compared"
                .to_owned(),
        );
    }
    let said: Vec<Vec<String>> = scenarios.iter().map(Scenario::warning_messages).collect();
    let mut seen: Vec<&String> = Vec::new();
    for (point, warning) in said.iter().enumerate().flat_map(|(at, said)| said.iter().map(move |one| (at, one))) {
        if !seen.contains(&warning) {
            seen.push(warning);
            let points = said.iter().filter(|said| said.contains(warning)).count();
            let settings = sweep.grid.settings(point).join(", ");
            warnings.push(match points {
                1 => format!("at {settings}: {warning}"),
                _ if points == scenarios.len() => format!("at every point: {warning}"),
                _ => format!("at {settings} and {} more: {warning}", points - 1),
            });
        }
    }
    warnings
}
