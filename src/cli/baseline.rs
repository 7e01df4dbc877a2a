//! `--baseline`: from a place on the command line to the earlier study of each scenario.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::arguments::{FailOnArgument, Gate};
use super::failure::Failure;
use super::load::name;
use super::terminal::say;
use crate::report::{NoPast, read_past};
use crate::study::Past;

const SUMMARY: &str = "summary.json";
const RUNS: &str = "runs.csv";

/// The earlier study of each scenario; `None` of those that have none, where that is allowed or nothing is asked for.
///
/// # Errors
/// There is no baseline where one was asked for, or what is there is none.
pub fn read(gate: &Gate, scenarios: &[PathBuf], quiet: bool) -> Result<Vec<Option<Past>>, Failure> {
    let Some(place) = &gate.baseline else {
        if gate.fail_on.contains(&FailOnArgument::Worse) {
            return Err(wrong("--fail-on worse", "worse than what? Name an earlier study with --baseline"));
        }
        return Ok(scenarios.iter().map(|_| None).collect());
    };
    if scenarios.len() > 1 && place.is_file() {
        let expected = "expected, for several scenarios, the directory that holds the results of each, found a file";
        return Err(wrong(&option(place), expected));
    }
    let told = |reason: &str| {
        if !quiet {
            say(&format!("warning: {}: {reason}; going on without", option(place)));
        }
    };
    let past = |file: &PathBuf| match find(place, file, scenarios.len() == 1) {
        None if gate.baseline_optional => {
            told(&format!("there is no {SUMMARY} of {} yet", name(file).display()));
            Ok(None)
        }
        None => Err(missing(place, file)),
        Some(summary) => match read_one(&summary) {
            Err(Unread::No(error @ NoPast::OtherVersion(_))) if gate.baseline_optional => {
                told(&format!("{}: {error}", summary.display()));
                Ok(None)
            }
            Err(Unread::No(error)) => Err(wrong(&option(place), &format!("{}: {error}", summary.display()))),
            Err(Unread::Io(error)) => Err(Failure::InputOutput(format!("cannot read {}: {error}", summary.display()))),
            Ok(past) => Ok(Some(past)),
        },
    };
    scenarios.iter().map(past).collect()
}

fn option(place: &Path) -> String {
    format!("--baseline {}", place.display())
}

fn wrong(option: &str, reason: &str) -> Failure {
    Failure::WrongUse(format!("error: `{option}`: {reason}"))
}

fn missing(place: &Path, file: &Path) -> Failure {
    let (file, stem) = (file.display(), name(file).display());
    let reason = format!(
        "there is no {SUMMARY} of {stem}\n  = help: make one where the change is not in yet: `cutover check {file} --out {}`\n  \
         = help: where there is none yet, such as in a first pipeline, add `--baseline-optional`",
        place.parent().filter(|_| place.extension().is_some()).unwrap_or(place).display()
    );
    wrong(&option(place), &reason)
}

/// The summary of a scenario at a place: the file itself; of a directory the one of the scenario's own within it, else,
/// where there is no other scenario, its own.
fn find(place: &Path, file: &Path, is_alone: bool) -> Option<PathBuf> {
    let own = is_alone.then(|| place.join(SUMMARY));
    let candidates = [Some(place.to_owned()), Some(place.join(name(file)).join(SUMMARY)), own];
    candidates.into_iter().flatten().find(|candidate| candidate.is_file())
}

enum Unread {
    No(NoPast),
    Io(io::Error),
}

fn read_one(summary: &Path) -> Result<Past, Unread> {
    let text = fs::read(summary).map_err(Unread::Io)?;
    // Runs that cannot be read are runs that are not there: the summary tells enough to go on.
    let runs = fs::read_to_string(summary.with_file_name(RUNS)).ok();
    read_past(&String::from_utf8_lossy(&text), runs.as_deref()).map_err(Unread::No)
}
