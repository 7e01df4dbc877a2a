//! The Monte Carlo loop: for each run number, every simulation that is needed, and what it tells.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::drain::{Expected, add_shutdown, answers_are_independent};
use super::grid::default_periods;
use super::law::LengthLaw;
use super::summary::summarize;
use super::worlds::{Method, Worlds, reads_loads, with_period};
use super::{GraceAnswer, Question};
use crate::fleet::{sigkill_after, sigterm_after};
use crate::ledger::{Pooled, RunLedger, RunRecord};
use crate::scenario::Scenario;
use crate::simulation::{Prepared, ShutdownLog};
use crate::study::run::in_parallel;
use crate::units::Duration;

/// One simulation of one run.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// Its record.
    pub record: RunRecord,
    /// Answers that shutdowns cut after their first token.
    pub truncated: u32,
    /// Answers cut after their first token for another reason.
    pub truncated_otherwise: u32,
}

/// All simulations of one run.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// Number of the run.
    pub run: u64,
    /// Each world, where it was simulated.
    pub worlds: Vec<Option<Simulated>>,
    /// What is expected at each period.
    pub expected: Vec<Expected>,
    /// Whether each answer was cut, or not, by its own length alone.
    pub is_independent: bool,
    /// Shutdowns with something in flight, in all worlds that answer for periods.
    pub shutdowns: u64,
    /// The greatest probability that an answer in flight at one of them reaches the longest that it may have.
    pub reaches_longest: f64,
}

/// A question about a scenario's grace period, ready to be simulated.
#[derive(Clone, Debug)]
pub struct GraceStudy {
    pub(super) scenario: Scenario,
    pub(super) question: Question,
    /// Grace periods, ascending, each once.
    pub(super) periods: Vec<Duration>,
    /// The place of today's.
    pub(super) today: usize,
    pub(super) worlds: Worlds,
}

impl GraceStudy {
    /// What is to be simulated for a question.
    pub fn new(scenario: Scenario, question: Question) -> GraceStudy {
        let mut periods = question.periods.clone().unwrap_or_else(|| default_periods(&scenario));
        let own = scenario.termination.grace_period;
        periods.push(own);
        periods.sort_unstable();
        periods.dedup();
        let today = periods.partition_point(|period| *period < own);
        let worlds = Worlds::new(&scenario, &periods, today);
        GraceStudy { scenario, question, periods, today, worlds }
    }

    /// The grace periods, ascending.
    pub fn periods(&self) -> &[Duration] {
        &self.periods
    }

    /// Simulations in all, for the display of progress.
    pub fn simulations(&self) -> u64 {
        let runs = self.scenario.study.runs;
        (0..self.worlds.worlds.len()).map(|world| self.runs_of(world).min(runs)).sum()
    }

    /// Runs in which a world is simulated.
    fn runs_of(&self, world: usize) -> u64 {
        if self.worlds.worlds[world].answers.is_empty() { self.question.cost_runs } else { self.scenario.study.runs }
    }

    /// From the deletion to SIGKILL at each period.
    pub(super) fn ends(&self) -> Vec<Duration> {
        let termination = &self.scenario.termination;
        self.periods.iter().map(|period| sigkill_after(&with_period(termination, *period))).collect()
    }

    /// Simulates on so many threads (`None`: one for each core). `progress` is told how many simulations are done; `stop`
    /// ends the study early, with what was finished. The same answer for any number of threads.
    ///
    /// `None` where it was stopped before a run was finished.
    pub fn run(
        &self,
        threads: Option<usize>,
        progress: &(dyn Fn(u64) + Sync),
        stop: &AtomicBool,
    ) -> Option<GraceAnswer> {
        let runs = self.scenario.study.runs;
        let prepared: Vec<Prepared> =
            self.worlds.worlds.iter().map(|world| Prepared::new(world.scenario.clone())).collect();
        let law = LengthLaw::new(&self.scenario).ok().filter(|_| self.worlds.method == Method::Conditional);
        let (next, done, results) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::new(Vec::new()));
        let work = || {
            let mut books: Vec<(RunLedger, Pooled)> =
                prepared.iter().map(|world| (world.ledger(), world.pooled())).collect();
            while !stop.load(Ordering::Relaxed) {
                let run = next.fetch_add(1, Ordering::Relaxed);
                if run >= runs {
                    break;
                }
                let told = || progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                let result = self.run_once(run, &prepared, law.as_ref(), &mut books, &told);
                // A lock is only poisoned by a run that panicked, and then the scope below panics too.
                if let Ok(mut results) = results.lock() {
                    results.push(result);
                }
            }
        };
        let threads = threads.unwrap_or_else(rayon::current_num_threads).clamp(1, runs.clamp(1, 1 << 16) as usize);
        in_parallel(threads, &work);
        let mut results: Vec<RunResult> = results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        results.sort_by_key(|result| result.run);
        (!results.is_empty()).then(|| summarize(self, &results))
    }

    fn run_once(
        &self,
        run: u64,
        prepared: &[Prepared],
        law: Option<&LengthLaw<'_>>,
        books: &mut [(RunLedger, Pooled)],
        told: &dyn Fn(),
    ) -> RunResult {
        let mut result = RunResult {
            run,
            worlds: Vec::new(),
            expected: vec![Expected::default(); self.periods.len()],
            is_independent: true,
            shutdowns: 0,
            reaches_longest: 0.0,
        };
        for (world, (prepared, (ledger, pooled))) in prepared.iter().zip(books).enumerate() {
            if run >= self.runs_of(world) {
                result.worlds.push(None);
                continue;
            }
            let answers = &self.worlds.worlds[world].answers;
            let law = law.filter(|_| !answers.is_empty());
            let mut log = ShutdownLog::new(law.is_some());
            let record = prepared.run_noting_shutdowns(run, ledger, pooled, &mut log);
            match law {
                Some(law) => self.expect(world, law, &log, &mut result),
                None => answers.iter().for_each(|at| result.expected[*at] = counted(&log)),
            }
            result.worlds.push(Some(Simulated {
                record,
                truncated: log.truncated,
                truncated_otherwise: log.truncated_otherwise,
            }));
            told();
        }
        result
    }

    /// Adds what the shutdowns of a world do at the periods that it answers for.
    fn expect(&self, world: usize, law: &LengthLaw<'_>, log: &ShutdownLog, result: &mut RunResult) {
        let all = self.ends();
        let answers = &self.worlds.worlds[world].answers;
        let ends: Vec<Duration> = answers.iter().map(|at| all[*at]).collect();
        let mut expected = vec![Expected::default(); ends.len()];
        for shutdown in &log.shutdowns {
            let reaches_longest = add_shutdown(law, shutdown, &ends, &mut expected);
            result.reaches_longest = result.reaches_longest.max(reaches_longest);
            let last = ends.last().copied().unwrap_or(Duration::ZERO);
            result.is_independent &= answers_are_independent(&self.scenario, shutdown, last);
        }
        result.is_independent &= self.shutdowns_are_independent(world);
        result.shutdowns += log.shutdowns.len() as u64;
        answers.iter().zip(expected).for_each(|(at, expected)| result.expected[*at] = expected);
    }

    /// Whether what is left of answers at one shutdown tells nothing of what others meet: nothing feeds back, and a router
    /// that looks at loads does not see a replica after its SIGTERM.
    fn shutdowns_are_independent(&self, world: usize) -> bool {
        let termination = &self.worlds.worlds[world].scenario.termination;
        let is_seen = termination.endpoint_lag > sigterm_after(termination) && reads_loads(&self.scenario);
        self.worlds.feedback.is_empty() && !is_seen
    }
}

/// What was really cut, as an expectation: an answer that was cut is cut for certain.
fn counted(log: &ShutdownLog) -> Expected {
    Expected {
        truncated: f64::from(log.truncated),
        dropped: f64::from(log.dropped),
        log_none: if log.truncated > 0 { f64::NEG_INFINITY } else { 0.0 },
        ..Expected::default()
    }
}
