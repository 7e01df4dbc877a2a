//! From a file named on the command line to a scenario that may be simulated.

use std::io;
use std::path::{Path, PathBuf};

use super::arguments::Simulating;
use super::failure::Failure;
use super::terminal::{colors, say};
use crate::ledger::METRICS;
use crate::report::{self, Annotation, Level};
use crate::scenario::{self, LoadError, Scenario};
use crate::study::{Confidence, Extent, uncertifiable_at};

/// Reads and checks a scenario under these settings; its warnings go to standard error.
///
/// # Errors
/// The scenario cannot be read, or is wrong.
pub fn scenario(file: &Path, settings: &[String], quiet: bool) -> Result<Scenario, Failure> {
    let metrics: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
    let scenario = scenario::load(file, settings, &metrics).map_err(|error| match error {
        LoadError::Problems(problems) => Failure::WrongScenario {
            said: problems.render(colors(&io::stderr())),
            annotations: report::of_problems(&problems),
        },
        LoadError::Unreadable { .. } => Failure::WrongScenario {
            said: format!("error: {error}"),
            annotations: vec![Annotation {
                title: "unreadable scenario".to_owned(),
                message: error.to_string(),
                ..nowhere()
            }],
        },
    })?;
    if !quiet {
        for warning in &scenario.warnings {
            say(&format!("warning: {}: {}", file.display(), warning.message));
        }
    }
    Ok(scenario)
}

/// Refuses a scenario one of whose checks could not be certified by any outcome of so many runs, intervals being taken at
/// this confidence.
///
/// # Errors
/// Every such check, with the tightest bound that these runs could certify.
pub fn refuse_uncertifiable(
    scenario: &Scenario,
    file: &Path,
    settings: &[String],
    runs: u64,
    confidence: Confidence,
) -> Result<(), Failure> {
    let file = file.display().to_string();
    let refused: Vec<(String, Annotation)> = (scenario.checks.iter().enumerate())
        .filter_map(|(index, check)| {
            let reason = uncertifiable_at(confidence, Some(Extent::of(scenario)), check, runs)?;
            let location = scenario::location_of_check(check, index, &file, settings);
            let title = "this check cannot be certified";
            let said = format!("error: {title}\n --> {location}\n  = {reason}");
            let (line, title) = (check.line, title.to_owned());
            Some((said, Annotation { file: file.clone(), line, title, message: reason, ..nowhere() }))
        })
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    let (said, annotations): (Vec<String>, Vec<Annotation>) = refused.into_iter().unzip();
    Err(Failure::WrongScenario { said: said.join("\n\n"), annotations })
}

/// An error at no place.
fn nowhere() -> Annotation {
    Annotation {
        level: Level::Error,
        file: String::new(),
        line: 0,
        column: 0,
        title: String::new(),
        message: String::new(),
    }
}

/// Reads and checks a scenario whose checks are to be judged.
///
/// # Errors
/// As [`scenario()`]; or one of its checks could not be certified by any outcome of so many runs.
pub fn checked_scenario(file: &Path, simulating: &Simulating) -> Result<Scenario, Failure> {
    let settings = simulating.settings();
    let scenario = scenario(file, &settings, simulating.quiet)?;
    refuse_uncertifiable(&scenario, file, &settings, scenario.study.runs, Confidence::NINETY_FIVE)?;
    Ok(scenario)
}

/// Reads a scenario with further settings on top of those on the command line, its warnings aside: one point of many.
///
/// # Errors
/// As [`scenario()`].
pub fn variant(file: &Path, simulating: &Simulating, further: &[String]) -> Result<Scenario, Failure> {
    let settings: Vec<String> = simulating.settings().iter().chain(further).cloned().collect();
    scenario(file, &settings, true)
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
