//! How long must the grace period be? Expected number and probability of cut answers a rollout for several grace periods,
//! the shortest that is shown to meet a target, and what a longer one costs.
//!
//! What becomes of the answers in flight at a SIGTERM is in `drain`, the law of their lengths in `law`, which simulations
//! are needed in `worlds`, what is concluded from them in `summary` with the bounds of `bound`.

mod bound;
mod drain;
mod grid;
mod law;
mod needed;
mod run;
mod summary;
mod worlds;

pub use bound::{FEWEST_EFFECTIVE_RUNS, runs_without_an_event};
pub use grid::default_periods;
pub use law::NoLaw;
pub use run::GraceStudy;
pub use worlds::{Feedback, Method, counts_only};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::compare::Difference;
use super::result::Estimate;
use crate::scenario::Scenario;
use crate::units::Duration;

/// What a grace period must keep down.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Target {
    /// The probability that a rollout cuts any answer after its first token is at most this.
    Probability(f64),
    /// The expected number of answers that a rollout cuts after their first token is at most this.
    Count(f64),
}

impl Target {
    /// The number itself.
    pub fn value(self) -> f64 {
        match self {
            Target::Probability(value) | Target::Count(value) => value,
        }
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Grace periods to look at, besides today's; `None`: [`default_periods`].
    pub periods: Option<Vec<Duration>>,
    /// What must hold.
    pub target: Target,
    /// Runs from which costs are told where cut answers do not need a simulation of each period; 0: none.
    pub cost_runs: u64,
}

/// What the probability of any cut is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Probability {
    /// The probability itself: answers are cut independently of one another.
    Exact,
    /// At most this: the expected number (the union bound), because answers are not independent.
    AtMost,
    /// The share of runs that cut any.
    Counted,
}

/// How a grace period stands to the target, with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is shown to meet it, and so is every longer one that was looked at.
    Meets,
    /// Neither is shown.
    NotShown,
    /// It is shown not to meet it.
    Exceeds,
    /// Its bound lies below, but a longer one was not shown to meet it, and the test ended there.
    NotTested,
    /// Neither is shown, and too few runs make up the estimate to know how heavy one may be.
    TooFewRuns,
}

impl Standing {
    /// The standing in words.
    pub fn words(self) -> &'static str {
        match self {
            Standing::Meets => "meets the target",
            Standing::NotShown => "not shown",
            Standing::Exceeds => "exceeds the target",
            Standing::NotTested => "not tested",
            Standing::TooFewRuns => "too few runs",
        }
    }
}

/// Answers that were really cut in the runs that simulate a grace period.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counted {
    /// Those runs.
    pub runs: u64,
    /// Answers cut by drains a run.
    pub truncated: Estimate,
    /// Share of those runs that cut any, with Wilson's interval.
    pub any: Estimate,
    /// Variance of that number over the variance of the conditional estimate in the same runs: how many times as many runs
    /// counting needs for the same precision. `None` where either does not vary.
    pub variance_ratio: Option<Estimate>,
    /// Answers cut by drains in each of those runs, the first ones.
    pub by_run: Vec<f64>,
}

/// What a grace period costs against today's, in paired runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// The rollout's duration, seconds.
    pub duration: Difference,
    /// The bill over the window, USD.
    pub bill: Difference,
}

/// One grace period.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Period {
    /// The grace period.
    pub grace: Duration,
    /// From the deletion of a replica to SIGKILL.
    pub kill_after: Duration,
    /// Answers cut after their first token, a rollout.
    pub truncated: Estimate,
    /// Probability that a rollout cuts any: see [`GraceAnswer::probability`].
    pub probability: Estimate,
    /// Answers cut before their first token, a rollout.
    pub dropped: Estimate,
    /// One-sided 95 % upper bound of what the target is about.
    pub upper_bound: f64,
    /// Whether no run cuts any answer, and none would in a drain slower by a quarter than the slowest of all runs with each
    /// answer as long as it may be. That meets any target: an argument beside the bound, which knows nothing of margins.
    pub is_settled: bool,
    /// Whether it would be settled if the same held in a hundred runs: these are fewer.
    pub would_be_settled: bool,
    /// About how many runs that go as these do would show how it stands; `None` where it is shown, or no number would.
    pub runs_needed: Option<u64>,
    /// How many runs of equal values tell as much of it; zero where every run's value is zero.
    pub effective_runs: f64,
    /// How it stands to the target.
    pub standing: Standing,
    /// What was really cut; `None` where the period was not simulated.
    pub counted: Option<Counted>,
    /// What it costs; `None` for today's and where it was not simulated.
    pub cost: Option<Cost>,
    /// What [`truncated`](Self::truncated) is the mean of: the expected number in each run.
    pub expected_by_run: Vec<f64>,
}

/// The answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GraceAnswer {
    /// The scenario, with today's grace period.
    pub scenario: Scenario,
    /// Runs that were done.
    pub runs: u64,
    /// Of those, the runs in which every period was simulated, so that costs are paired.
    pub cost_runs: u64,
    /// Whether it was interrupted.
    pub partial: bool,
    /// How cut answers were counted.
    pub method: Method,
    /// Why each period was simulated anew; empty if one simulation serves all.
    pub feedback: Vec<Feedback>,
    /// What [`Period::probability`] is.
    pub probability: Probability,
    /// What must hold.
    pub target: Target,
    /// The periods, ascending.
    pub periods: Vec<Period>,
    /// The place of today's.
    pub today: usize,
    /// The place of the shortest that is shown to meet the target.
    pub smallest: Option<usize>,
    /// Answers cut today after their first token by crashes and lost nodes, a run: no grace period helps.
    pub truncated_otherwise: Estimate,
    /// Runs in which today's rollout had not finished when the window ended.
    pub unfinished: u64,
    /// Replicas shut down a run with something in flight; NaN where they were not looked at.
    pub shutdowns: f64,
}

impl GraceAnswer {
    /// Whether every period that was looked at is shown not to meet the target.
    pub fn all_exceed(&self) -> bool {
        self.periods.iter().all(|period| period.standing == Standing::Exceeds)
    }

    /// How likely a rollout is to cut any answer, as it is shown for a period: where only a bound is known, the share of
    /// runs that really cut any; `None` where the period was not simulated.
    pub fn any(&self, period: &Period) -> Option<Estimate> {
        match self.probability {
            Probability::Exact | Probability::Counted => Some(period.probability),
            Probability::AtMost => period.counted.as_ref().map(|counted| counted.any),
        }
    }
}
