//! Points that are kept from one sweep to the next: a file of runs for each, written whole, named after all that decides
//! what is in it.
//!
//! A scenario's hash covers its settings, its number of runs, its seed and the content of the files that it names; the
//! program's version stands beside it. Because a program may change between two versions, run 0 of a kept point is
//! simulated again, and its runs are taken only if that run is the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::cli::failure::Failure;
use crate::ledger::RunRecord;
use crate::report::files::{OutputFile, write};
use crate::report::{SAVED_POINTS, is_saved_point, read_runs, saved_point, written_runs};
use crate::scenario::Scenario;
use crate::study::{Growing, grow};

/// The points that are kept in a directory of results.
pub struct Saved {
    directory: PathBuf,
    fresh: bool,
}

impl Saved {
    /// Those in this directory; with `fresh`, as if there were none.
    pub fn new(directory: &Path, fresh: bool) -> Saved {
        Saved { directory: directory.to_owned(), fresh }
    }

    fn path(&self, scenario: &Scenario) -> PathBuf {
        self.directory.join(saved_point(&scenario.hash))
    }

    /// Whether something is kept under this scenario's name; whether it is of use shows when it is read.
    pub fn has(&self, scenario: &Scenario) -> bool {
        !self.fresh && self.path(scenario).is_file()
    }

    /// The runs of this scenario that are kept, all of them or the first ones, where this program would find the same.
    pub fn runs(&self, scenario: &Scenario) -> Option<Vec<RunRecord>> {
        if self.fresh {
            return None;
        }
        let records = read_runs(&fs::read_to_string(self.path(scenario)).ok()?)?;
        let fits = records.len() as u64 <= scenario.study.runs;
        (fits && is_found_again(scenario, records.first()?)).then_some(records)
    }

    /// Keeps the runs of a scenario that are done; returns them as a later sweep will read them.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn save(&self, scenario: &Scenario, records: &[RunRecord]) -> Result<Vec<RunRecord>, Failure> {
        let text = written_runs(records);
        let read = read_runs(&text);
        write(&self.directory, &[OutputFile::new(saved_point(&scenario.hash), text)])?;
        read.ok_or_else(|| Failure::InputOutput("the runs of a point could not be read back".to_owned()))
    }

    /// Removes what is kept of scenarios other than these: it belongs to no row of the results.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn keep_only(&self, scenarios: &[Scenario]) -> Result<(), Failure> {
        let kept: Vec<PathBuf> = scenarios.iter().map(|scenario| self.path(scenario)).collect();
        let entries = fs::read_dir(self.directory.join(SAVED_POINTS)).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let is_ours = path.file_name().is_some_and(|name| is_saved_point(&name.to_string_lossy()));
            if is_ours && !kept.contains(&path) {
                fs::remove_file(&path)
                    .map_err(|error| Failure::InputOutput(format!("cannot remove {}: {error}", path.display())))?;
            }
        }
        Ok(())
    }
}

/// Whether run 0 of a scenario is this one, in every metric and in its outcome.
fn is_found_again(scenario: &Scenario, kept: &RunRecord) -> bool {
    let mut study = Growing::without_timeline(scenario.clone());
    grow(&mut [&mut study], 1, Some(1), &|_| {}, &AtomicBool::new(false));
    let same = |(one, other): (&f64, &f64)| one == other || one.is_nan() && other.is_nan();
    study
        .records()
        .first()
        .is_some_and(|run| run.outcome == kept.outcome && run.values.iter().zip(&kept.values).all(same))
}
