//! What a directory of results may hold, read back from what was saved: a study, a comparison, a command's answer.

use super::{COMPARISON, KeptComparison, STUDY, Saved, SavedError, study};
use crate::report::files::OutputFile;
use crate::report::{
    Answer, Compared, Form, GraceReport, KeptPlan, LeversAnswer, OutputError, answer_report, comparison_report,
    rendered_answer_files, rendered_comparison_files, rendered_study_files,
};
use crate::study::grace::GraceAnswer;
use crate::study::levers::LeversResult;
use crate::study::power::Power;
use crate::study::{StudyResult, Sweep, metrics_fit};

/// Every kind of result that is saved, in the order in which they are shown. Its file is [`super::file_name`] of it.
pub const KINDS: [&str; 7] = [STUDY, COMPARISON, "grace", "power", "plan", "levers", "sweep"];

/// A saved result, read back.
#[derive(Clone, Debug)]
pub enum Kept {
    /// Of `run` and `check`.
    Study(Box<StudyResult>),
    /// Of `compare`.
    Comparison {
        /// What was saved of it.
        kept: KeptComparison,
        /// Its studies.
        studies: Vec<StudyResult>,
    },
    /// Of `grace`.
    Grace(Box<GraceAnswer>),
    /// Of `power`.
    Power(Box<Power>),
    /// Of `plan`.
    Plan(Box<KeptPlan>),
    /// Of `levers`.
    Levers(Box<LeversAnswer>),
    /// Of `sweep`.
    Sweep(Box<Sweep>),
}

impl Kept {
    /// Reads the saved result of a kind that is among [`KINDS`]. A comparison's studies lie in files of their own, whose
    /// content `study_of` gives by their names and the SHA-256 that they must have.
    ///
    /// # Errors
    /// It is of something else, does not fit this version of the program, or what `study_of` says.
    pub fn read<E: From<SavedError>>(
        kind: &str,
        saved: &Saved,
        study_of: impl Fn(&str, &str) -> Result<StudyResult, E>,
    ) -> Result<Kept, E> {
        let kept = match kind {
            COMPARISON => {
                let kept: KeptComparison = saved.required(COMPARISON)?;
                let studies = kept.studies().map(|(name, digest)| study_of(&name, digest)).collect::<Result<_, _>>()?;
                Kept::Comparison { kept, studies }
            }
            "grace" => Kept::Grace(saved.required(kind)?),
            "power" => Kept::Power(saved.required(kind)?),
            "plan" => Kept::Plan(saved.required(kind)?),
            "levers" => Kept::Levers(Box::new(LeversAnswer::new(saved.required::<LeversResult>(kind)?))),
            "sweep" => Kept::Sweep(saved.required(kind)?),
            _ => Kept::Study(Box::new(study(saved)?)),
        };
        kept.fits().map_err(|reason| saved.unfit(&reason))?;
        Ok(kept)
    }

    /// Whether it has what its reports take for granted.
    fn fits(&self) -> Result<(), String> {
        let exists = |index: Option<usize>, of: usize| index.is_none_or(|index| index < of);
        let is_whole = match self {
            // A study has been looked at when it was read.
            Kept::Study(_) => true,
            Kept::Power(power) => {
                let size = (power.regressions.get(power.goal.regression))
                    .and_then(|regression| regression.sizes.get(power.goal.size));
                let outcomes = power.canaries.first().map_or(0, |canary| canary.outcomes.len());
                outcomes > 0 && size.is_some_and(|size| size.version < outcomes)
            }
            Kept::Comparison { kept, studies } => {
                studies.len() > 1 && kept.comparisons.len() + 1 == studies.len() && kept.settings.len() == studies.len()
            }
            Kept::Grace(answer) => {
                [Some(answer.today), answer.smallest].into_iter().all(|index| exists(index, answer.periods.len()))
            }
            Kept::Plan(plan) => {
                let outcome = plan.outcome();
                outcome.candidates.iter().try_for_each(|candidate| metrics_fit(&candidate.metrics))?;
                let named = [outcome.best, outcome.runner_up, plan.planned().as_written];
                named.into_iter().all(|index| exists(index, outcome.candidates.len()))
            }
            Kept::Levers(answer) => return answer.result.base.fits(),
            Kept::Sweep(sweep) => {
                sweep.done().try_for_each(|(_, point)| metrics_fit(&point.metrics))?;
                sweep.points.len() == sweep.grid.points() && exists(Some(sweep.reference), sweep.points.len())
            }
        };
        if is_whole { Ok(()) } else { Err("it names what it does not have".to_owned()) }
    }

    /// The report for standard output, of anything but a study, which has more forms.
    pub fn report(&self, form: Form) -> String {
        match self {
            Kept::Comparison { kept, studies } => comparison_report(&compared(kept, studies), form),
            _ => self.with_answer(|answer| answer_report(answer, form)).unwrap_or_default(),
        }
    }

    /// The files that are made again from it.
    ///
    /// # Errors
    /// A chart that cannot be drawn.
    pub fn files(&self) -> Result<Vec<OutputFile>, OutputError> {
        match self {
            Kept::Study(result) => rendered_study_files(result),
            Kept::Comparison { kept, studies } => rendered_comparison_files(&compared(kept, studies)),
            _ => self.with_answer(rendered_answer_files).unwrap_or_else(|| Ok(Vec::new())),
        }
    }

    /// Does something with a command's answer; `None` of a study and a comparison, which are none.
    fn with_answer<T>(&self, act: impl FnOnce(&dyn Answer) -> T) -> Option<T> {
        Some(match self {
            Kept::Study(_) | Kept::Comparison { .. } => return None,
            Kept::Grace(answer) => act(&GraceReport { answer }),
            Kept::Power(power) => act(&**power),
            Kept::Plan(plan) => act(&plan.planned()),
            Kept::Levers(answer) => act(&**answer),
            Kept::Sweep(sweep) => act(&**sweep),
        })
    }
}

fn compared<'a>(kept: &'a KeptComparison, studies: &'a [StudyResult]) -> Compared<'a> {
    Compared { studies, comparisons: &kept.comparisons, settings: &kept.settings }
}
