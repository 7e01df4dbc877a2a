//! Writing results to a directory, whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::charts::{self, svg_name};

/// The folder of charts.
pub(super) const CHARTS: &str = "charts/";

/// A file to write: its name relative to the directory (`charts/timeline.png`), and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputFile {
    /// Name relative to the directory, with `/` between parts.
    pub name: String,
    /// Every byte.
    pub content: Vec<u8>,
}

impl OutputFile {
    /// A file of this name and content.
    pub fn new(name: impl Into<String>, content: impl Into<Vec<u8>>) -> OutputFile {
        OutputFile { name: name.into(), content: content.into() }
    }
}

/// Every file that a study may leave.
const STUDY_FILES: [&str; 10] = [
    "study.saved",
    "summary.json",
    "runs.csv",
    "timeline.csv",
    "report.md",
    "report.html",
    "comment.md",
    "junit.xml",
    "events.csv",
    "requests.csv",
];
/// Those of them that are about all studies of a `check` together.
const GATE_FILES: [&str; 2] = ["comment.md", "junit.xml"];
/// Every file that a comparison leaves beside its two studies.
const COMPARISON_FILES: [&str; 3] = ["comparison.saved", "comparison.json", "comparison.md"];
/// Every file that fitting a trace leaves.
const FIT_FILES: [&str; 3] = ["fit.json", "fit.md", "fit.toml"];
/// What leaves a `NAME.json` and charts of the names `NAME.png`, `NAME-anything.png` and their SVGs: a comparison, and the commands
/// that answer a question of their own, see [`super::Answer`].
pub(super) const ANSWERS: [&str; 6] = ["comparison", "sweep", "grace", "power", "plan", "levers"];
/// The folders of a comparison's studies, of which there are no more.
pub const COMPARED_FOLDERS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
/// The scenarios that a plan leaves beside its answer.
const PLAN_FILES: [&str; 3] = ["plan.json", "best.toml", "runner-up.toml"];

/// Results that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

/// Writes the files into `directory`, which is made if need be. Those of an earlier run are replaced; files of other
/// names are left alone.
///
/// Each is first written under a temporary name beside its place; only when all are there, they are renamed. So a full
/// disk, or a directory that may not be written to, leaves earlier results as they were.
///
/// # Errors
/// The first file that could not be written; the temporary ones, and directories made for them, are removed.
pub fn write(directory: &Path, files: &[OutputFile]) -> Result<(), WriteError> {
    let existed = directory.exists();
    let mut temporary = Vec::with_capacity(files.len());
    let written = write_temporary(directory, files, &mut temporary).and_then(|()| rename(&temporary));
    if written.is_err() {
        for (from, _) in &temporary {
            // One that was not written, or already has its final name, is not there to be removed.
            let _ = fs::remove_file(from);
        }
        if !existed {
            remove_if_empty(directory, &temporary);
        }
    }
    written
}

/// Writes the results of a command in the place of its earlier ones: as [`write()`], and what an earlier command of the
/// same kind left there that this one does not write is removed, because a reader would take it for a part of these
/// results. A study, a comparison, a fit and each command's answer lie beside one another.
///
/// # Errors
/// As [`write()`]; or a file that could not be removed.
pub fn replace(directory: &Path, files: &[OutputFile]) -> Result<(), WriteError> {
    write(directory, files)?;
    for kind in kinds().iter().filter(|kind| files.iter().any(|file| kind.contains(&file.name))) {
        remove_stale(directory, kind, files)?;
    }
    for name in ANSWERS.iter().filter(|name| files.iter().any(|file| file.name == format!("{name}.json"))) {
        let charts = existing_charts(directory).into_iter().filter(|chart| is_chart_of(name, chart));
        remove_stale(directory, &charts.collect::<Vec<String>>(), files)?;
    }
    Ok(())
}

/// Writes what is said of several studies together in the place of what an earlier command said so; a study of its own
/// that lies there is left alone.
///
/// # Errors
/// As [`replace()`].
pub fn replace_gate(directory: &Path, files: &[OutputFile]) -> Result<(), WriteError> {
    write(directory, files)?;
    remove_stale(directory, &GATE_FILES.map(str::to_owned), files)
}

/// Whether a file's name is that of a chart of this command's answer.
pub(super) fn is_chart_of(answer: &str, file: &str) -> bool {
    let chart = file.strip_prefix(CHARTS);
    let stem = chart.and_then(|chart| chart.strip_suffix(".png").or_else(|| chart.strip_suffix(".svg")));
    stem.and_then(|stem| stem.strip_prefix(answer)).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// The names of the charts that lie in a directory of results; none where they cannot be listed.
fn existing_charts(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory.join(CHARTS)).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| format!("{CHARTS}{}", entry.file_name().to_string_lossy())).collect();
    names.sort();
    names
}

/// The folders of the study that an answer is about: of the scenario as it is written, or of the one that was chosen.
pub const AS_WRITTEN: &str = "as-written";
/// See [`AS_WRITTEN`].
pub const BEST: &str = "best";

/// The names of the files that a study may leave, a comparison, a fit, a plan and the studies beside answers.
fn kinds() -> [Vec<String>; 6] {
    let named = |own: &[&str], charts: &[&str]| -> Vec<String> {
        let charts = charts.iter().flat_map(|name| [format!("{CHARTS}{name}"), format!("{CHARTS}{}", svg_name(name))]);
        own.iter().map(|name| (*name).to_owned()).chain(charts).collect()
    };
    let study = named(&STUDY_FILES, &charts::FILE_NAMES);
    let compared = COMPARED_FOLDERS.iter().flat_map(|folder| study.iter().map(move |name| format!("{folder}/{name}")));
    let comparison = named(&COMPARISON_FILES, &[]).into_iter().chain(compared).collect();
    let [as_written, best] =
        [AS_WRITTEN, BEST].map(|folder| study.iter().map(|name| format!("{folder}/{name}")).collect());
    [study, comparison, named(&FIT_FILES, &charts::FIT_FILE_NAMES), named(&PLAN_FILES, &[]), as_written, best]
}

/// Removes the files of these names that are not among those written, and folders that this empties.
fn remove_stale(directory: &Path, names: &[String], written: &[OutputFile]) -> Result<(), WriteError> {
    for name in names {
        let path = directory.join(name);
        if path.is_file() && written.iter().all(|file| file.name != *name) {
            fs::remove_file(&path).map_err(|source| WriteError { path: path.clone(), source })?;
            for folder in path.ancestors().skip(1).take_while(|folder| *folder != directory) {
                // One that is not empty is as it should be.
                let _ = fs::remove_dir(folder);
            }
        }
    }
    Ok(())
}

/// Whether results could be written into `directory`, as far as can be told without writing: nothing but a directory
/// stands in its place or above it.
///
/// # Errors
/// What stands there.
pub fn check_place(directory: &Path) -> Result<(), WriteError> {
    let nearest = directory.ancestors().find(|place| place.exists());
    match nearest {
        Some(place) if !place.is_dir() => {
            Err(WriteError { path: place.to_owned(), source: io::ErrorKind::NotADirectory.into() })
        }
        _ => Ok(()),
    }
}

/// Writes each file under a temporary name, noting (temporary, final).
fn write_temporary(
    directory: &Path,
    files: &[OutputFile],
    temporary: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), WriteError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| WriteError { path, source }
    };
    fs::create_dir_all(directory).map_err(failed(directory))?;
    for file in files {
        let to = directory.join(&file.name);
        let folder = to.parent().unwrap_or(directory);
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        // The process's number keeps two programs that write to one directory apart.
        let from = folder.join(format!(".{name}.{}.partial", std::process::id()));
        temporary.push((from.clone(), to.clone()));
        fs::write(&from, &file.content).map_err(failed(&to))?;
    }
    Ok(())
}

fn rename(temporary: &[(PathBuf, PathBuf)]) -> Result<(), WriteError> {
    // A rename onto a directory fails: found before any earlier result is replaced.
    if let Some((_, to)) = temporary.iter().find(|(_, to)| to.is_dir()) {
        return Err(WriteError { path: to.clone(), source: io::ErrorKind::IsADirectory.into() });
    }
    for (from, to) in temporary {
        fs::rename(from, to).map_err(|source| WriteError { path: to.clone(), source })?;
    }
    Ok(())
}

/// Removes the directories that were made for the files, where nothing is in them.
fn remove_if_empty(directory: &Path, temporary: &[(PathBuf, PathBuf)]) {
    let folders = temporary.iter().filter_map(|(_, to)| to.parent());
    for folder in folders.chain([directory]) {
        // A directory that is not empty stays.
        let _ = fs::remove_dir(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_page_on_results_names_every_file() {
        let page = include_str!("../../docs/results.md");
        let [study, comparison, fit, plan, as_written, best] = kinds();
        let own = comparison.into_iter().filter(|name| !name.contains('/'));
        let answers = ANSWERS.into_iter().flat_map(|name| [".json", ".md", ".saved"].map(|end| format!("{name}{end}")));
        let folders = [as_written, best].map(|names| format!("{}/", names[0].split('/').next().unwrap_or_default()));
        for name in study.into_iter().chain(own).chain(fit).chain(plan).chain(answers).chain(folders) {
            assert!(page.contains(&format!("`{name}`")), "docs/results.md does not name {name}");
        }
    }

    #[test]
    fn files_are_written_and_earlier_ones_replaced() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("results");
        write(&directory, &[OutputFile::new("a.csv", "1"), OutputFile::new("charts/b.png", "2")]).unwrap();
        write(&directory, &[OutputFile::new("a.csv", "3")]).unwrap();
        assert_eq!(names(&directory), ["a.csv", "charts"]);
        assert_eq!(names(&directory.join("charts")), ["b.png"]);
        assert_eq!(fs::read_to_string(directory.join("a.csv")).unwrap(), "3");
    }

    fn write_all(directory: &Path, names: &[&str]) {
        let files: Vec<OutputFile> = names.iter().map(|name| OutputFile::new(*name, "old")).collect();
        write(directory, &files).unwrap();
    }

    #[test]
    fn replacing_removes_stale_files_of_its_kind_and_no_others() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path();
        write_all(directory, &["summary.json", "events.csv", "charts/cost.png", "charts/mine.png", "notes.txt"]);
        write_all(directory, &["a/summary.json", "comparison.md", "fit.toml", "charts/prompt_tokens.png"]);
        replace(directory, &[OutputFile::new("summary.json", "new")]).unwrap();
        assert_eq!(names(directory), ["a", "charts", "comparison.md", "fit.toml", "notes.txt", "summary.json"]);
        assert_eq!(names(&directory.join("charts")), ["mine.png", "prompt_tokens.png"]);
        assert_eq!(fs::read_to_string(directory.join("summary.json")).unwrap(), "new");
        replace(directory, &[OutputFile::new("fit.json", "new")]).unwrap();
        assert_eq!(names(directory), ["a", "charts", "comparison.md", "fit.json", "notes.txt", "summary.json"]);
        assert_eq!(names(&directory.join("charts")), ["mine.png"]);
    }

    #[test]
    fn what_is_said_of_several_studies_together_leaves_a_study_alone() {
        let parent = tempfile::tempdir().unwrap();
        write_all(parent.path(), &["summary.json", "report.html", "junit.xml", "comment.md"]);
        replace_gate(parent.path(), &[OutputFile::new("comment.md", "new")]).unwrap();
        assert_eq!(names(parent.path()), ["comment.md", "report.html", "summary.json"]);
    }

    #[test]
    fn replacing_a_comparison_removes_what_its_two_studies_no_longer_have() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path();
        let theirs = ["comparison.md", "comparison.json", "a/charts/cost.png", "b/runs.csv", "b/notes.txt", "runs.csv"];
        write_all(directory, &theirs);
        replace(directory, &[OutputFile::new("comparison.md", "new")]).unwrap();
        assert_eq!(names(directory), ["b", "comparison.md", "runs.csv"]);
        assert_eq!(names(&directory.join("b")), ["notes.txt"]);
    }

    #[test]
    fn an_answers_charts_are_those_that_begin_with_its_name() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path();
        write_all(directory, &["sweep.json", "charts/sweep.png", "charts/sweep-cost.png", "charts/sweeping.png"]);
        write_all(directory, &["charts/grace.png", "summary.json"]);
        replace(directory, &[OutputFile::new("sweep.json", "new"), OutputFile::new("charts/sweep.png", "new")])
            .unwrap();
        assert_eq!(names(directory), ["charts", "summary.json", "sweep.json"]);
        assert_eq!(names(&directory.join("charts")), ["grace.png", "sweep.png", "sweeping.png"]);
    }

    #[test]
    fn a_failure_leaves_earlier_results_and_no_temporary_file() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("results");
        write(&directory, &[OutputFile::new("a.csv", "old")]).unwrap();
        fs::create_dir(directory.join("b.csv")).unwrap();
        let error = write(&directory, &[OutputFile::new("a.csv", "new"), OutputFile::new("b.csv", "new")]).unwrap_err();
        assert!(error.to_string().contains("b.csv"), "{error}");
        assert_eq!(fs::read_to_string(directory.join("a.csv")).unwrap(), "old");
        assert_eq!(names(&directory), ["a.csv", "b.csv"]);
    }

    #[test]
    fn a_file_in_the_directorys_place_is_an_error_and_stays() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("results");
        fs::write(&place, "mine").unwrap();
        assert!(check_place(&place.join("deeper")).is_err());
        assert!(check_place(&parent.path().join("new/deeper")).is_ok());
        assert!(write(&place, &[OutputFile::new("a.csv", "1")]).is_err());
        assert_eq!(fs::read_to_string(&place).unwrap(), "mine");
    }
}
