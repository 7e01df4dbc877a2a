//! How a command ends, and the exit code that says so.

use crate::report::charts::ChartError;
use crate::report::files::WriteError;
use crate::report::{Annotation, OutputError};

/// How a command that did its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All well.
    Well,
    /// A check failed.
    CheckFailed,
    /// A scenario is wrong; everything about it was said.
    WrongScenario,
    /// No check failed, one is undecided.
    Inconclusive,
    /// Interrupted; what was finished is saved.
    Interrupted,
}

impl Ending {
    /// The exit code of wrong scenarios and arguments.
    pub const WRONG_USE: u8 = 2;
    /// The exit code of an interruption.
    pub const INTERRUPTED: u8 = 130;

    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Ending::Well => 0,
            Ending::CheckFailed => 1,
            Ending::WrongScenario => Ending::WRONG_USE,
            Ending::Inconclusive => 3,
            Ending::Interrupted => Ending::INTERRUPTED,
        }
    }
}

/// Why a command could not do its work; its text is complete.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The scenario or the arguments are wrong.
    #[error("{0}")]
    WrongUse(String),
    /// Something is wrong with a scenario, at places that can be shown.
    #[error("{said}")]
    WrongScenario {
        /// Everything that is to be said.
        said: String,
        /// The same, place by place.
        annotations: Vec<Annotation>,
    },
    /// Results could not be written.
    #[error("error: {0}")]
    Write(#[from] WriteError),
    /// Files could not be made of a result.
    #[error("error: {0}")]
    Output(#[from] OutputError),
    /// Interrupted before a run was finished.
    #[error("interrupted before a run was finished; nothing was written")]
    InterruptedAtOnce,
    /// Something else could not be read or written.
    #[error("error: {0}")]
    InputOutput(String),
}

impl From<ChartError> for Failure {
    fn from(error: ChartError) -> Failure {
        Failure::Output(error.into())
    }
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Failure::WrongUse(_) | Failure::WrongScenario { .. } => Ending::WRONG_USE,
            Failure::InterruptedAtOnce => Ending::INTERRUPTED,
            Failure::Write(_) | Failure::Output(_) | Failure::InputOutput(_) => 4,
        }
    }
}
