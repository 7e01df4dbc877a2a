//! Writing results to a directory, whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::charts;

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
const STUDY_FILES: [&str; 6] = ["summary.json", "runs.csv", "timeline.csv", "report.md", "events.csv", "requests.csv"];
/// Every file that a comparison leaves beside its two studies.
const COMPARISON_FILES: [&str; 2] = ["comparison.json", "comparison.md"];
/// Every file that fitting a trace leaves.
const FIT_FILES: [&str; 3] = ["fit.json", "fit.md", "fit.toml"];
/// The folders of a comparison's two studies.
pub(super) const COMPARED_FOLDERS: [&str; 2] = ["a", "b"];

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

/// Writes the results of a command in the place of earlier ones: as [`write()`], and what an earlier command left there
/// that this one does not write is removed, because a reader would take it for a part of these results.
///
/// Only files of our own names are removed; the folders of a comparison are looked into only beside a comparison.
///
/// # Errors
/// As [`write()`]; or a file that could not be removed.
pub fn replace(directory: &Path, files: &[OutputFile]) -> Result<(), WriteError> {
    let compared = COMPARISON_FILES.iter().any(|name| directory.join(name).is_file());
    write(directory, files)?;
    remove_stale(directory, "", files)?;
    if compared {
        COMPARED_FOLDERS.iter().try_for_each(|folder| remove_stale(directory, &format!("{folder}/"), files))?;
    }
    Ok(())
}

/// Removes our own files in a folder (its name ends in `/`, or is empty) that are not among these.
fn remove_stale(directory: &Path, folder: &str, files: &[OutputFile]) -> Result<(), WriteError> {
    let charts = charts::FILE_NAMES.iter().chain(&charts::FIT_FILE_NAMES).map(|name| format!("{CHARTS}{name}"));
    let names = STUDY_FILES.iter().chain(&COMPARISON_FILES).chain(&FIT_FILES);
    let names = names.map(|name| (*name).to_owned()).chain(charts);
    for name in names.map(|name| format!("{folder}{name}")) {
        let path = directory.join(&name);
        if path.is_file() && files.iter().all(|file| file.name != name) {
            fs::remove_file(&path).map_err(|source| WriteError { path, source })?;
        }
    }
    for emptied in [format!("{folder}{CHARTS}"), folder.to_owned()].iter().filter(|name| !name.is_empty()) {
        // A directory that is not empty, or not there, is as it should be.
        let _ = fs::remove_dir(directory.join(emptied));
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
    fn replacing_removes_our_own_stale_files_and_no_others() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path();
        write_all(directory, &["summary.json", "events.csv", "charts/cost.png", "charts/mine.png", "notes.txt"]);
        // Without a comparison, a folder of this name is somebody else's.
        write_all(directory, &["a/summary.json"]);
        replace(directory, &[OutputFile::new("summary.json", "new")]).unwrap();
        assert_eq!(names(directory), ["a", "charts", "notes.txt", "summary.json"]);
        assert_eq!(names(&directory.join("charts")), ["mine.png"]);
        assert_eq!(names(&directory.join("a")), ["summary.json"]);
        assert_eq!(fs::read_to_string(directory.join("summary.json")).unwrap(), "new");
    }

    #[test]
    fn replacing_a_fit_removes_its_files() {
        let parent = tempfile::tempdir().unwrap();
        write_all(parent.path(), &["fit.json", "fit.md", "fit.toml", "charts/prompt_tokens.png", "fit.txt"]);
        replace(parent.path(), &[OutputFile::new("runs.csv", "new")]).unwrap();
        assert_eq!(names(parent.path()), ["fit.txt", "runs.csv"]);
    }

    #[test]
    fn replacing_a_comparison_removes_its_two_studies() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path();
        let theirs = ["comparison.md", "comparison.json", "a/charts/cost.png", "b/summary.json", "b/notes.txt"];
        write_all(directory, &theirs);
        replace(directory, &[OutputFile::new("runs.csv", "new")]).unwrap();
        assert_eq!(names(directory), ["b", "runs.csv"]);
        assert_eq!(names(&directory.join("b")), ["notes.txt"]);
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
