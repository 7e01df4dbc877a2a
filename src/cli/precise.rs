//! `--precision`: from the arguments to a study whose intervals are as narrow as was asked for.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::arguments::{Precise, Simulating};
use super::failure::Failure;
use super::load::{refuse_uncertifiable, scenario};
use super::progress::Progress;
use super::terminal::say;
use crate::scenario::Scenario;
use crate::study::{self, Confidence, Ended, Sequence, StudyResult, Target};
use crate::units::{Duration, parse_duration};

/// How many times the first number of runs are allowed where nobody says.
const USUAL_GROWTH: u64 = 16;

/// What `--precision` and its companions ask for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    targets: Vec<Target>,
    max_runs: Option<u64>,
    time_budget: Option<Duration>,
}

impl Asked {
    /// Reads the arguments.
    ///
    /// # Errors
    /// What was expected of which.
    pub fn read(arguments: &Precise) -> Result<Asked, Failure> {
        let wrong =
            |option: &str, text: &str, reason: &str| Failure::WrongUse(format!("error: `{option} {text}`: {reason}"));
        let target = |text: &String| Target::parse(text).map_err(|reason| wrong("--precision", text, &reason));
        let targets = arguments.precision.iter().map(target).collect::<Result<Vec<Target>, Failure>>()?;
        for (at, target) in targets.iter().enumerate() {
            if targets[..at].iter().any(|earlier| earlier.measure == target.measure) {
                let reason = format!("{} is given two widths", target.measure.name());
                return Err(wrong("--precision", &arguments.precision[at], &reason));
            }
        }
        let time_budget = (arguments.time_budget.as_ref())
            .map(|text| match parse_duration(text) {
                Ok(budget) if budget > Duration::ZERO => Ok(budget),
                Ok(_) => Err(wrong("--time-budget", text, "expected a time above zero")),
                Err(reason) => Err(wrong("--time-budget", text, &reason)),
            })
            .transpose()?;
        Ok(Asked { targets, max_runs: arguments.max_runs, time_budget })
    }

    /// When to look; `None` where no precision was asked for.
    ///
    /// # Errors
    /// Fewer runs are allowed than there are to be in any case.
    fn sequence(&self, scenario: &Scenario) -> Result<Option<Sequence>, Failure> {
        let first = scenario.study.runs;
        let most = self.max_runs.unwrap_or_else(|| first.saturating_mul(USUAL_GROWTH));
        if self.targets.is_empty() {
            return Ok(None);
        }
        if most < first {
            return Err(Failure::WrongUse(format!(
                "error: `--max-runs {most}` is less than the {first} runs to begin with; lower those with --runs"
            )));
        }
        Ok(Some(Sequence::new(self.targets.clone(), first, most)))
    }
}

/// A scenario to be simulated, and how precisely.
#[derive(Debug)]
pub struct Job {
    /// What is simulated.
    pub scenario: Scenario,
    sequence: Option<Sequence>,
    time_budget: Option<Duration>,
}

impl Job {
    /// Reads a scenario whose checks are to be judged.
    ///
    /// # Errors
    /// The scenario cannot be read or is wrong; one of its checks could not be certified by any outcome of so many runs;
    /// the precision contradicts it.
    pub fn load(file: &Path, asked: &Asked, simulating: &Simulating) -> Result<Job, Failure> {
        let scenario = scenario(file, simulating)?;
        let sequence = asked.sequence(&scenario)?;
        let (runs, confidence) = sequence.as_ref().map_or_else(
            || (scenario.study.runs, Confidence::NINETY_FIVE),
            |sequence| (sequence.most(), sequence.confidence()),
        );
        refuse_uncertifiable(&scenario, runs, confidence)?;
        Ok(Job { scenario, sequence, time_budget: asked.time_budget })
    }

    /// Simulates it with progress on standard error.
    ///
    /// # Errors
    /// It was interrupted before any run was finished: there is nothing to report.
    pub fn simulate(self, simulating: &Simulating, stop: &AtomicBool) -> Result<StudyResult, Failure> {
        let most = self.sequence.as_ref().map_or(self.scenario.study.runs, Sequence::most);
        let begin = if self.sequence.is_some() { Progress::begin_at_most } else { Progress::begin };
        let progress = begin(&self.scenario.name, most, simulating.quiet);
        let (began, threads) = (Instant::now(), simulating.threads());
        let tell = |runs| progress.done(runs);
        let result = match &self.sequence {
            None => study::run(self.scenario, threads, &tell, stop),
            Some(sequence) => {
                let budget = self.time_budget;
                let is_over = || budget.is_some_and(|budget| began.elapsed().as_secs_f64() >= budget.seconds());
                study::run_until_precise(self.scenario, sequence, threads, &tell, &is_over, stop)
            }
        };
        progress.end(result.records.len() as u64);
        if result.records.is_empty() {
            return Err(Failure::InterruptedAtOnce);
        }
        let imprecise = |ended: Ended| matches!(ended, Ended::AllRuns | Ended::OutOfTime);
        if result.precision.as_ref().is_some_and(|precision| imprecise(precision.ended)) && !simulating.quiet {
            say(&format!("warning: \"{}\" is not as precise as was asked for; see its report", result.scenario.name));
        }
        Ok(result)
    }
}
