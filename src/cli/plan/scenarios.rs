//! `best.toml` and `runner-up.toml`: the user's file with the settings that were chosen, ready to run, and the files that
//! it names beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path};

use super::candidates::settings_of;
use crate::cli::arguments::Simulating;
use crate::cli::failure::Failure;
use crate::report::Planned;
use crate::report::files::OutputFile;
use crate::scenario::Revision;

/// The folder of files that lie elsewhere than below the scenario.
const DATA: &str = "data";
/// Longest name of a scenario, characters.
const LONGEST_NAME: usize = 200;

/// The scenarios of the best and the runner-up, with copies of what they name.
///
/// # Errors
/// The scenario, or a file that it names, cannot be read.
pub fn files(file: &Path, simulating: &Simulating, planned: &Planned<'_>) -> Result<Vec<OutputFile>, Failure> {
    let failed = |path: &Path, why: String| Failure::InputOutput(format!("cannot read {}: {why}", path.display()));
    let text = fs::read_to_string(file).map_err(|error| failed(file, error.to_string()))?;
    let mut files = Vec::new();
    let mut copies: BTreeMap<String, String> = BTreeMap::new();
    for (name, index) in planned.chosen() {
        let what = name.trim_end_matches(".toml");
        let settings = settings_of(planned.axes, &planned.outcome.candidates[index].assignment);
        let mut revision =
            revised(&text, what, &settings, simulating, planned, index).map_err(|why| failed(file, why))?;
        for named in revision.files() {
            if !copies.contains_key(&named) {
                let place = place_of(&named, copies.values());
                copies.insert(named, place);
            }
        }
        revision.rename_files(&|named| copies.get(named).filter(|place| *place != named).cloned());
        files.push(OutputFile::new(name, revision.text(&comment(planned, what, index, &settings))));
    }
    let directory = file.parent().unwrap_or(Path::new(""));
    for (named, place) in copies {
        let path = directory.join(&named);
        let content = fs::read(&path).map_err(|error| failed(&path, error.to_string()))?;
        files.push(OutputFile::new(place, content));
    }
    Ok(files)
}

/// The user's file with the command line's settings, then these, and as many runs as the candidate had.
fn revised(
    text: &str,
    what: &str,
    settings: &[String],
    simulating: &Simulating,
    planned: &Planned<'_>,
    index: usize,
) -> Result<Revision, String> {
    let mut revision = Revision::of(text)?;
    for setting in simulating.settings().iter().chain(settings) {
        revision.set(setting)?;
    }
    revision.set(&format!("study.runs={}", planned.outcome.candidates[index].runs))?;
    revision.set(&format!("name={}", quoted(&title(&planned.scenario.name, what, settings))))?;
    revision.remove("plan");
    Ok(revision)
}

/// Where a copy of a file goes: the same place below the results as below the scenario; else into a folder of its own.
fn place_of<'p>(named: &str, taken: impl Iterator<Item = &'p String>) -> String {
    let path = Path::new(named);
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if is_below {
        return named.to_owned();
    }
    let taken: Vec<&String> = taken.collect();
    let name = path.file_name().map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned());
    let numbered = (1..).map(|n| if n == 1 { format!("{DATA}/{name}") } else { format!("{DATA}/{n}-{name}") });
    let mut free = numbered.filter(|place| !taken.contains(&place));
    free.next().unwrap_or(name)
}

/// The scenario's name with what was chosen, as long as a name may be.
fn title(name: &str, what: &str, settings: &[String]) -> String {
    let full = format!("{name}: {what} ({})", settings.join(", "));
    if full.chars().count() <= LONGEST_NAME {
        return full;
    }
    let ending = format!(": {what}");
    let room = LONGEST_NAME - ending.chars().count();
    name.chars().take(room).collect::<String>() + &ending
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What stands above the scenario.
fn comment(planned: &Planned<'_>, what: &str, index: usize, settings: &[String]) -> Vec<String> {
    let objective = planned.outcome.rules.objective;
    let mut lines =
        vec![format!("The {what} of {} candidates, by {}:", planned.outcome.candidates.len(), objective.name())];
    lines.extend(settings.iter().map(|setting| format!("  {}", setting.replace('\n', " "))));
    lines.push(format!(
        "{} over the {} runs that `cutover plan` gave it, which `cutover run` of this file repeats.",
        planned.outcome.candidates[index].metric(objective).mean.value,
        planned.outcome.candidates[index].runs
    ));
    lines
}
