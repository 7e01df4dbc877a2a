//! A directory with a scenario in it, and the program run there as scripts run it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use assert_cmd::cargo::cargo_bin_cmd;
use tempfile::TempDir;

/// A directory of its own, gone when this is dropped.
pub struct Place {
    directory: TempDir,
}

impl Place {
    /// With nothing in it.
    pub fn empty() -> Place {
        Place { directory: tempfile::tempdir().unwrap() }
    }

    /// With this text as `scenario.toml`.
    pub fn with(scenario: &str) -> Place {
        let place = Place::empty();
        fs::write(place.path("scenario.toml"), scenario).unwrap();
        place
    }

    /// The directory itself.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A file or folder in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    /// The text of a file in it.
    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The program with these arguments, about to start.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = cargo_bin_cmd!("cutover");
        command.current_dir(self.directory()).args(arguments);
        command
    }

    /// What became of a command line whose words hold no spaces.
    pub fn cutover(&self, line: &str) -> Assert {
        self.command(&line.split_whitespace().collect::<Vec<&str>>()).assert()
    }

    /// The reason why a command was refused, the first one here: no results were written.
    pub fn refused(&self, assert: Assert) -> String {
        let said = refused(assert);
        assert!(!self.path("output").exists(), "{said}");
        said
    }
}

/// Standard output.
pub fn output(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// Standard error.
pub fn errors(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// The reason why a command was refused: on standard error alone, with exit code 2.
pub fn refused(assert: Assert) -> String {
    let assert = assert.code(2);
    let said = errors(&assert);
    assert_eq!(output(&assert), "", "{said}");
    assert!(!said.trim().is_empty() && !said.contains("panicked"), "{said}");
    said
}

/// Every file below a directory, by its path from there, with its bytes.
pub fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}
