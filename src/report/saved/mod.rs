//! Saved results: all that a report says, in a file from which every form of it can be made again without simulating.
//!
//! [`container`] is the file, of which this is the content: what is saved of a study, a comparison and each command's
//! answer, and how it is read back. How it is shown is the business of the other modules; nothing here touches the disk.

pub mod container;

use super::OutputError;
use crate::study::StudyResult;
pub use container::{Saved, SavedError};

/// What the names of saved results end in: `study.saved`, `grace.saved`.
pub const EXTENSION: &str = ".saved";
/// The name of a study's saved result.
pub const STUDY: &str = "study";

/// The name of the file that holds a saved result of this kind.
pub fn file_name(kind: &str) -> String {
    format!("{kind}{EXTENSION}")
}

/// A study's saved result. Parts may be added to it with [`Saved::with`].
///
/// # Errors
/// A value that the format cannot hold, which no study has.
pub fn of_study(result: &StudyResult) -> Result<Saved, OutputError> {
    Saved::new(&result.scenario.read_by).with(STUDY, result)
}

/// The study of a saved result.
///
/// # Errors
/// It is of something else, or does not fit this version of the program.
pub fn study(saved: &Saved) -> Result<StudyResult, SavedError> {
    let result: StudyResult = saved.required(STUDY)?;
    result.fits().map_err(|reason| saved.unfit(&reason))?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{example, study_files};

    /// What a study's reports are after it was saved and read back.
    fn again(result: &StudyResult) -> StudyResult {
        let bytes = of_study(result).unwrap().to_bytes();
        study(&Saved::from_bytes(&bytes).unwrap()).unwrap()
    }

    #[test]
    fn a_study_that_is_read_back_gives_the_same_files() {
        let mut result = example::study();
        result.partial = true;
        let read = again(&result);
        // Every field of every type, NaN included.
        assert_eq!(format!("{read:?}"), format!("{result:?}"));
        assert_eq!(study_files(&read).unwrap(), study_files(&result).unwrap());
    }

    #[test]
    fn a_result_of_other_metrics_is_refused_rather_than_misread() {
        let mut result = example::study();
        result.metrics.swap(0, 1);
        let bytes = of_study(&result).unwrap().to_bytes();
        let refused = study(&Saved::from_bytes(&bytes).unwrap()).unwrap_err().to_string();
        assert!(refused.contains("it has other metrics"), "{refused}");
    }
}
