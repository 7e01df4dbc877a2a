//! Saved results: all that a report says, in a file from which every form of it can be made again without simulating.
//!
//! [`container`] is the file, of which this is the content: what is saved of a study and of a comparison. What a
//! directory may hold, read back, is in `kept`. Nothing here touches the disk.

pub mod container;
mod kept;

use serde::{Deserialize, Serialize};

use super::files::{COMPARED_FOLDERS, OutputFile};
use super::{Compared, OutputError};
use crate::study::{Comparison, StudyResult};
pub use container::{Saved, SavedError};
pub use kept::{KINDS, Kept};

/// What the names of saved results end in: `study.saved`, `grace.saved`.
const EXTENSION: &str = ".saved";
/// The kind of a study, and the name of its part.
pub const STUDY: &str = "study";
/// The kind of a comparison, and the name of its part.
pub const COMPARISON: &str = "comparison";

/// The name of the part with the names of files that lie beside an answer and are not made from it.
pub const BESIDE: &str = "beside";

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

/// What is saved of a comparison beside its studies, which have their own files in `a/`, `b/` and so on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptComparison {
    /// See [`Compared`].
    comparisons: Vec<Comparison>,
    /// See [`Compared`].
    settings: Vec<Vec<String>>,
    /// SHA-256 of each study's saved result: what it was made from.
    studies: Vec<String>,
}

impl KeptComparison {
    /// The folders of its studies.
    pub fn folders(&self) -> impl Iterator<Item = &'static str> {
        COMPARED_FOLDERS.into_iter().take(self.studies.len())
    }

    /// The files of its studies, relative to the directory, with the SHA-256 that each must have.
    pub fn studies(&self) -> impl Iterator<Item = (String, &str)> {
        let digests = self.studies.iter().map(String::as_str);
        COMPARED_FOLDERS.iter().map(|folder| format!("{folder}/{}", file_name(STUDY))).zip(digests)
    }
}

/// A comparison's saved result; `files` are those of its studies, their saved results among them.
///
/// # Errors
/// A value that the format cannot hold, which no comparison has.
pub fn of_comparison(compared: &Compared, files: &[OutputFile]) -> Result<Saved, OutputError> {
    let saved = files.iter().filter(|file| file.name.ends_with(EXTENSION));
    let kept = KeptComparison {
        comparisons: compared.comparisons.to_vec(),
        settings: compared.settings.to_vec(),
        studies: saved.map(|file| digest(&file.content)).collect(),
    };
    let version = compared.studies.first().map_or("", |study| &study.scenario.read_by);
    Saved::new(version).with(COMPARISON, &kept)
}

/// SHA-256 of a file, in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    container::digest(bytes)
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;
    use crate::random::{Purpose, RunKey};
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
    fn figures_say_which_version_simulated_them() {
        let mut result = example::study();
        result.scenario.read_by = "0.0.9".to_owned();
        assert_eq!(of_study(&result).unwrap().version(), "0.0.9");
        let own = format!("cutover {}", env!("CARGO_PKG_VERSION"));
        for file in study_files(&again(&result)).unwrap() {
            if let (false, Ok(text)) = (file.name.ends_with(EXTENSION), String::from_utf8(file.content)) {
                let says = ["report.md", "summary.json"].contains(&file.name.as_str());
                assert!(text.contains("0.0.9") == says && !text.contains(&own), "{}", file.name);
            }
        }
    }

    #[test]
    fn a_result_of_other_metrics_is_refused_rather_than_misread() {
        let mut result = example::study();
        result.metrics.swap(0, 1);
        let bytes = of_study(&result).unwrap().to_bytes();
        let refused = study(&Saved::from_bytes(&bytes).unwrap()).unwrap_err().to_string();
        assert!(refused.contains("it has other metrics"), "{refused}");
    }

    #[test]
    fn whatever_the_bytes_are_reading_them_ends_with_a_study_or_a_reason() {
        let whole = rmp_serde::to_vec_named(&example::study()).unwrap();
        let mut random = RunKey::new(3, 0).stream(Purpose::Arrivals);
        let mut refused = 0;
        for _ in 0..400 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random.next_u64() % 3 {
                // Mostly among the first bytes: names, lengths and the scenario.
                let range = if random.next_u64().is_multiple_of(4) { whole.len() } else { 4_000 };
                let at = random.next_u64() as usize % range;
                bytes[at] = random.next_u64() as u8;
            }
            if random.next_u64().is_multiple_of(8) {
                bytes.truncate(random.next_u64() as usize % whole.len());
            }
            let read = rmp_serde::from_slice::<StudyResult>(&bytes);
            refused += u32::from(read.is_err() || read.is_ok_and(|result| result.fits().is_err()));
        }
        assert!(refused > 200, "{refused} of 400 refused");
    }
}
