//! `report`: saved results, rendered again without simulating.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::arguments::ReportArguments;
use super::commands::{deliver, save};
use super::failure::{Ending, Failure};
use super::terminal::{printed, say, study_forms};
use super::{baseline, commands, grace, plan, power};
use crate::report::files::{AS_WRITTEN, BEST, OutputFile, check_place};
use crate::report::saved::{self, KINDS, Kept, STUDY, Saved, SavedError};
use crate::report::{self, Judged, StudyForm};
use crate::study::{self, FailOn, Past, StudyResult};

/// What may lie beside a study and is not made from it.
const LOGS: [&str; 2] = ["events.csv", "requests.csv"];
/// What versions that saved no results left of a study.
const UNSAVED: &str = "summary.json";

/// A saved result: its kind, the version that simulated it, every byte of it, and what it holds.
struct Found {
    kind: &'static str,
    version: String,
    bytes: Vec<u8>,
    kept: Kept,
    /// Names of the files beside it that are not made from it: they are taken over as they are.
    beside: Vec<String>,
}

/// `cutover report`.
///
/// # Errors
/// There are no saved results, or none that this version of the program can show; or files cannot be written.
pub fn report(arguments: &ReportArguments) -> Result<Ending, Failure> {
    let (directory, only) = asked(arguments);
    let mut kinds = kinds(directory, only)?;
    let forms = study_forms(&arguments.printing.format);
    // A page, a test report and annotations are of studies alone.
    if forms[0].common().is_none() && kinds.contains(&STUDY) {
        kinds.retain(|kind| *kind == STUDY);
    }
    if kinds.len() > 1 && !forms[0].joins() {
        return Err(Failure::WrongUse(format!(
            "error: {} holds several results, and this format is one document: choose one with --only {}",
            directory.display(),
            kinds.join(", --only ")
        )));
    }
    match &arguments.out {
        Some(out) => check_place(out)?,
        None if forms.len() > 1 => {
            let said =
                "error: of several formats the first is printed, the others are files: name their directory with --out";
            return Err(Failure::WrongUse(said.to_owned()));
        }
        None => {}
    }
    let found = kinds.into_iter().map(|kind| find(directory, kind)).collect::<Result<Vec<Found>, Failure>>()?;
    if !arguments.quiet {
        tell_other_version(&found);
    }
    // A page goes to its file where files are written, else to standard output.
    let shown = if arguments.out.is_some() { printed(&forms) } else { forms[0] };
    let gate = AtTheGate::read(arguments, directory)?;
    let reports = found.iter().map(|found| report_of(found, &gate, shown)).collect::<Result<Vec<String>, Failure>>()?;
    let saved = match &arguments.out {
        Some(out) => files(directory, &found).and_then(|mut files| {
            files.extend(found.iter().flat_map(|found| gate.files(&found.kept, &forms)));
            save(out, &files, arguments.quiet)
        }),
        None => Ok(()),
    };
    deliver(saved, &reports.join("\n"))?;
    Ok(worst(found.iter().map(|found| gate.ending(&found.kept))))
}

/// What a study is shown with.
struct AtTheGate {
    /// Whether as `check` shows it.
    as_check: bool,
    scenario: PathBuf,
    past: Option<Past>,
    lacks_baseline: bool,
    fail_on: FailOn,
}

impl AtTheGate {
    fn read(arguments: &ReportArguments, directory: &Path) -> Result<AtTheGate, Failure> {
        let (gate, as_check) = (&arguments.gate, arguments.check);
        if !as_check && (gate.baseline.is_some() || !gate.fail_on.is_empty()) {
            let said = "error: --baseline and --fail-on are of the gate: add --check";
            return Err(Failure::WrongUse(said.to_owned()));
        }
        let scenario = arguments.scenario.clone().unwrap_or_else(|| {
            let name = directory.file_name().unwrap_or("scenario".as_ref());
            PathBuf::from(name).with_extension("toml")
        });
        let past = baseline::read(gate, std::slice::from_ref(&scenario), arguments.quiet)?.pop().flatten();
        let lacks_baseline = past.is_none() && gate.baseline.is_some();
        Ok(AtTheGate { as_check, scenario, past, lacks_baseline, fail_on: gate.fail_on() })
    }

    /// Does something with a study as it is judged; `None` of other results.
    fn with_study<T>(&self, kept: &Kept, act: impl FnOnce(&Judged<'_>) -> T) -> Option<T> {
        let Kept::Study(result) = kept else { return None };
        let against = self.past.clone().map(|past| study::against(past, result));
        let judged = Judged {
            file: &self.scenario,
            result,
            baseline: against.as_ref(),
            lacks_baseline: self.lacks_baseline,
            fail_on: self.fail_on,
        };
        Some(act(&judged))
    }

    fn files(&self, kept: &Kept, forms: &[StudyForm]) -> Vec<OutputFile> {
        let files = |judged: &Judged<'_>| match self.as_check {
            true => {
                report::check_files(&[*judged], forms).into_iter().chain(report::page(judged.result, forms)).collect()
            }
            false => report::run_files(judged, forms),
        };
        self.with_study(kept, files).unwrap_or_default()
    }

    fn ending(&self, kept: &Kept) -> Ending {
        self.with_study(kept, |judged| commands::ending(&[*judged])).unwrap_or_else(|| ending(kept))
    }
}

fn report_of(found: &Found, gate: &AtTheGate, form: StudyForm) -> Result<String, Failure> {
    let of_study = |judged: &Judged<'_>| match gate.as_check {
        true => report::check_report(&[*judged], form),
        false => report::run_report_of(judged, form),
    };
    if let Some(report) = gate.with_study(&found.kept, of_study) {
        return Ok(report);
    }
    let kind = found.kind;
    let form = form.common().ok_or_else(|| {
        Failure::WrongUse(format!("error: of a {kind} there is text, json and md; choose a study with --only {STUDY}"))
    })?;
    Ok(found.kept.report(form))
}

/// The directory of what is asked for, and which result of it: a saved result's own file means just that one.
fn asked(arguments: &ReportArguments) -> (&Path, Option<&str>) {
    let (path, only) = (arguments.directory.as_path(), arguments.only.as_deref());
    let is_file_of = |kind: &&str| path.file_name().is_some_and(|name| name == saved::file_name(kind).as_str());
    match (KINDS.into_iter().find(is_file_of), path.parent()) {
        (Some(kind), Some(parent)) if path.is_file() && only.is_none() => {
            // The parent of a bare name is empty.
            (if parent.as_os_str().is_empty() { Path::new(".") } else { parent }, Some(kind))
        }
        _ => (path, only),
    }
}

/// Says so where another version of the program simulated.
fn tell_other_version(found: &[Found]) {
    const OWN: &str = env!("CARGO_PKG_VERSION");
    if let Some(other) = found.iter().find(|found| found.version != OWN) {
        say(&format!("simulated by cutover {}, rendered by cutover {OWN}", other.version));
    }
}

/// The kinds of results that a directory holds, or the one that is asked for.
fn kinds(directory: &Path, only: Option<&str>) -> Result<Vec<&'static str>, Failure> {
    if directory.is_file() {
        let folder = directory.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        return Err(Failure::InputOutput(format!(
            "{} is a file, not a directory of results\n  = what lies beside it: cutover report {}",
            directory.display(),
            folder.display()
        )));
    }
    if let Err(error) = fs::read_dir(directory) {
        return Err(Failure::InputOutput(format!("cannot read {}: {error}", directory.display())));
    }
    let holds = |kind: &&str| directory.join(saved::file_name(kind)).is_file();
    let held: Vec<&'static str> = KINDS.into_iter().filter(holds).collect();
    match only {
        _ if held.is_empty() => Err(Failure::InputOutput(nothing_saved(directory))),
        None => Ok(held),
        Some(only) => {
            let asked: Vec<&'static str> = held.iter().copied().filter(|kind| *kind == only).collect();
            if asked.is_empty() {
                let held = held.join(", ");
                return Err(Failure::WrongUse(format!(
                    "error: {} holds no saved {only}; it holds {held}",
                    directory.display()
                )));
            }
            Ok(asked)
        }
    }
}

/// What is said of a directory without saved results: what it may be instead, and how to get some.
fn nothing_saved(directory: &Path) -> String {
    let mut lines = vec![format!("{} holds no saved result, such as study.saved", directory.display())];
    let below = directories_with_results(directory);
    if let Some(first) = below.first() {
        let number = below.len();
        let directories = if number == 1 { "directory below it holds one" } else { "directories below it hold some" };
        lines.push(format!("  = {number} {directories}: cutover report {}", first.display()));
    } else if directory.join(UNSAVED).is_file() {
        lines.push(format!("  = its {UNSAVED} was written by a version that did not save results"));
        lines.push(format!("  = simulate again: cutover run SCENARIO --out {}", directory.display()));
    } else {
        lines.push("  = simulate first: cutover run SCENARIO --out DIR".to_owned());
    }
    lines.join("\n")
}

/// The directories in this one that hold a saved result, by name.
fn directories_with_results(directory: &Path) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| KINDS.iter().any(|kind| path.join(saved::file_name(kind)).is_file());
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut with: Vec<PathBuf> = entries.filter(holds).collect();
    with.sort();
    with
}

fn find(directory: &Path, kind: &'static str) -> Result<Found, Failure> {
    let path = directory.join(saved::file_name(kind));
    let bytes = read(&path)?;
    let wrong = |error: SavedError| refused(&path, &error);
    let saved = Saved::from_bytes(&bytes).map_err(wrong)?;
    // A comparison's studies may have been replaced by others since.
    let study_of = |name: &str, digest: &str| -> Result<StudyResult, Refused> {
        let path = directory.join(name);
        let bytes = read(&path).map_err(Refused::Study)?;
        if saved::digest(&bytes) != digest {
            let said = format!("{} is not the study that was compared; compare again", path.display());
            return Err(Refused::Study(Failure::InputOutput(said)));
        }
        let study = Saved::from_bytes(&bytes).and_then(|saved| saved::study(&saved));
        study.map_err(|error| Refused::Study(refused(&path, &error)))
    };
    let kept = Kept::read(kind, &saved, study_of).map_err(|error| match error {
        Refused::Itself(error) => wrong(error),
        Refused::Study(failure) => failure,
    })?;
    let beside = match kind {
        STUDY => LOGS.map(str::to_owned).to_vec(),
        _ => saved.part(saved::BESIDE).map_err(wrong)?.unwrap_or_default(),
    };
    // Nothing outside of a directory of results belongs to it, whatever a file says.
    let is_within = |name: &String| Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    let beside = beside.into_iter().filter(is_within).collect();
    Ok(Found { kind, version: saved.version().to_owned(), bytes, kept, beside })
}

/// Why a saved result is refused: for itself, or for a study that it is made from.
enum Refused {
    Itself(SavedError),
    Study(Failure),
}

impl From<SavedError> for Refused {
    fn from(error: SavedError) -> Refused {
        Refused::Itself(error)
    }
}

fn refused(path: &Path, error: &SavedError) -> Failure {
    Failure::InputOutput(format!("{} {error}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::InputOutput(format!("cannot read {}: {error}", path.display())))
}

/// Every file of these results: what is saved as it is, the rest made again. Of a directory with a plan also the scenarios
/// that it wrote with the files that they name, of one with an answer also the study beside it.
fn files(directory: &Path, found: &[Found]) -> Result<Vec<OutputFile>, Failure> {
    let mut files = Vec::new();
    let mut folders: Vec<String> = Vec::new();
    for Found { kind, bytes, kept, beside, .. } in found {
        files.push(OutputFile::new(saved::file_name(kind), bytes.clone()));
        files.extend(kept.files()?);
        folders.extend(match (kept, *kind) {
            (Kept::Comparison { kept, .. }, _) => kept.folders().map(str::to_owned).collect(),
            (_, STUDY) => Vec::new(),
            (_, "plan") => vec![BEST.to_owned()],
            _ => vec![AS_WRITTEN.to_owned()],
        });
        for name in beside {
            match fs::read(directory.join(name)) {
                Ok(content) => files.push(OutputFile::new(name, content)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Failure::InputOutput(format!("cannot read {name}: {error}"))),
            }
        }
    }
    folders.sort();
    folders.dedup();
    for folder in folders.iter().filter(|folder| directory.join(folder).join(saved::file_name(STUDY)).is_file()) {
        let study = find(&directory.join(folder), STUDY)?;
        let within = self::files(&directory.join(folder), &[study])?;
        files.extend(within.into_iter().map(|file| OutputFile::new(format!("{folder}/{}", file.name), file.content)));
    }
    Ok(files)
}

/// How a result other than a study ended the command that simulated it.
fn ending(kept: &Kept) -> Ending {
    match kept {
        Kept::Study(result) if result.partial => Ending::Interrupted,
        Kept::Comparison { studies, .. } if studies.iter().any(|study| study.partial) => Ending::Interrupted,
        Kept::Grace(answer) => grace::ending(answer),
        Kept::Power(power) => power::ending(power),
        Kept::Plan(plan) => plan::ending(plan.outcome()),
        Kept::Levers(answer) if answer.result.partial => Ending::Interrupted,
        Kept::Sweep(sweep) if sweep.partial() => Ending::Interrupted,
        Kept::Study(_) | Kept::Comparison { .. } | Kept::Levers(_) | Kept::Sweep(_) => Ending::Well,
    }
}

/// How several results together end the program: an interruption first, then a failed check, then an undecided one.
fn worst(endings: impl Iterator<Item = Ending>) -> Ending {
    let order = [Ending::Interrupted, Ending::CheckFailed, Ending::Inconclusive];
    let endings: Vec<Ending> = endings.collect();
    order.into_iter().find(|ending| endings.contains(ending)).unwrap_or(Ending::Well)
}
