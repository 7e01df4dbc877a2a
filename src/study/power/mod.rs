//! Will the canary catch it? Its probability of rollback over true regressions of the new version, and without any.
//!
//! A design says what is simulated: canaries (the scenario's, and the same with other estimators), versions (how bad the
//! new one is), and changes of the canary that might serve it better. All of it meets the same runs. What a design is made
//! from is in `regression`, `estimators` and `levers`; what comes of it in `outcomes` and `effect`.

mod canary;
mod design;
mod effect;
mod estimators;
mod levers;
mod outcomes;
mod regression;

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

pub use canary::{Stage, deciding};
pub use design::{CanaryDesign, Design, Goal, LeverDesign, Request, Version, design};
pub use effect::{EFFECT_RUNS, Measure};
pub use estimators::EstimatorName;
pub use levers::Lever;
pub use outcomes::Outcomes;
pub use regression::{Kind, Regression, Size};

use schemars::JsonSchema;

use super::result::Estimate;
use super::run::{Growing, grow};
use crate::ledger::RunRecord;
use crate::scenario::Scenario;

/// The answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Power {
    /// The scenario as written; what its `[new_version]` says was put aside.
    pub scenario: Scenario,
    /// Runs of each canary and version.
    pub runs: u64,
    /// Whether it was interrupted.
    pub partial: bool,
    /// What the canary's analyses measure, and the regressions themselves.
    pub measures: Vec<Measure>,
    /// The regressions, each with its sizes.
    pub regressions: Vec<Regression>,
    /// For each version, for each measure: new against stable; empty where it was interrupted before.
    pub effects: Vec<Vec<Estimate>>,
    /// Weights at which the canary may be aborted, ascending.
    pub stages: Vec<Stage>,
    /// The canaries, the one as written first.
    pub canaries: Vec<CanaryPower>,
    /// Estimators that were asked for and left out, each with the reason.
    pub left_out: Vec<String>,
    /// What is wanted.
    pub goal: Goal,
    /// What one change each would do.
    pub levers: Vec<LeverPower>,
}

/// One canary's outcomes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CanaryPower {
    /// `as written (prometheus)`, `exact`, ...
    pub name: String,
    /// What must be said of it.
    pub notes: Vec<String>,
    /// By version.
    pub outcomes: Vec<Outcomes>,
}

/// What one change of the canary as written would do at the size of interest and without a regression.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeverPower {
    /// The change.
    pub lever: Lever,
    /// Probability of rollback at the size of interest.
    pub power: Estimate,
    /// Probability of rollback without a regression.
    pub false_alarm: Estimate,
    /// Share of runs without a regression whose rollout was neither promoted nor aborted in the window.
    pub undecided: Estimate,
    /// Whether both are as wanted.
    pub verdict: Reach,
}

/// Whether wanted values are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Both intervals keep them.
    Reached,
    /// One interval lies beyond what is wanted.
    Missed,
    /// An interval straddles it.
    Undecided,
}

impl Reach {
    /// The word for people and files.
    pub fn name(self) -> &'static str {
        match self {
            Reach::Reached => "reached",
            Reach::Missed => "missed",
            Reach::Undecided => "undecided",
        }
    }
}

impl Goal {
    /// Whether a probability of rollback with a regression is as wanted.
    pub fn judge_power(&self, power: &Estimate) -> Reach {
        match power.interval {
            Some((_, high)) if high < self.power => Reach::Missed,
            Some((low, _)) if low >= self.power => Reach::Reached,
            _ => Reach::Undecided,
        }
    }

    /// Whether a probability of rollback without a regression is as wanted.
    pub fn judge_false_alarm(&self, false_alarm: &Estimate) -> Reach {
        match false_alarm.interval {
            Some((low, _)) if low > self.false_alarm => Reach::Missed,
            Some((_, high)) if high <= self.false_alarm => Reach::Reached,
            _ => Reach::Undecided,
        }
    }

    /// Whether these probabilities of rollback, with and without a regression, are as wanted.
    pub fn judge(&self, power: &Estimate, false_alarm: &Estimate) -> Reach {
        match [self.judge_power(power), self.judge_false_alarm(false_alarm)] {
            [Reach::Missed, _] | [_, Reach::Missed] => Reach::Missed,
            [Reach::Reached, Reach::Reached] => Reach::Reached,
            _ => Reach::Undecided,
        }
    }
}

/// About how many runs it takes until Wilson's interval of a share that stays as it is does not enclose `bound` any more,
/// rounded up to two digits: it encloses all bounds from which the share is no more than z standard errors away, those
/// that it would have if it were the bound. `None` where the share lies at the bound, or so near that a million runs would
/// not do.
pub fn runs_to_settle(share: f64, bound: f64) -> Option<u64> {
    const MOST: f64 = 1e6;
    // The standard normal quantile that leaves 2.5 % above it.
    const Z: f64 = 1.959_964;
    let runs = (Z / (share - bound)).powi(2) * bound * (1.0 - bound);
    let unit = 10f64.powi((runs.log10().floor() as i32 - 1).max(0));
    (runs <= MOST).then(|| ((runs / unit).ceil() * unit) as u64)
}

impl Power {
    /// Whether the canary as written is as wanted.
    pub fn verdict(&self) -> Reach {
        let outcomes = &self.as_written().outcomes;
        self.goal.judge(&outcomes[self.size_at_goal().version].caught, &outcomes[0].caught)
    }

    /// The size of interest.
    pub fn size_at_goal(&self) -> &Size {
        &self.regressions[self.goal.regression].sizes[self.goal.size]
    }

    /// The canary as written.
    pub fn as_written(&self) -> &CanaryPower {
        &self.canaries[0]
    }

    /// What this size does to what the regression is about, where it was measured; with the measure.
    pub fn own_effect(&self, regression: &Regression, size: &Size) -> Option<(&Measure, &Estimate)> {
        let measure = regression.measure?;
        Some((self.measures.get(measure)?, self.effects.get(size.version)?.get(measure)?))
    }
}

impl Design {
    /// Runs of all canaries, versions and changes, and those that measure the versions themselves.
    pub fn total_runs(&self) -> u64 {
        let runs = self.base.study.runs;
        let canaries: usize = self.canaries.iter().map(|canary| canary.scenarios.len()).sum();
        let studies = (canaries + 2 * self.levers.len()) as u64;
        studies * runs + self.splits.len() as u64 * runs.min(EFFECT_RUNS)
    }

    /// Simulates all of it on `threads` threads (`None`: one for each core); `None` if it was stopped before every canary
    /// had a run. `progress` is told how many runs are done.
    pub fn simulate(self, threads: Option<usize>, progress: &(dyn Fn(u64) + Sync), stop: &AtomicBool) -> Option<Power> {
        let runs = self.base.study.runs;
        let mut studies: Vec<Growing> = self.scenarios().cloned().map(Growing::without_timeline).collect();
        grow(&mut studies.iter_mut().collect::<Vec<_>>(), runs, threads, progress, stop);
        let done = studies.first().map_or(0, Growing::runs);
        if done == 0 {
            return None;
        }
        let before = done * studies.len() as u64;
        let progress = |runs: u64| progress(before + runs);
        let effects = effect::measure(&self.splits, &self.measures, runs.min(EFFECT_RUNS), threads, &progress, stop);
        let records: Vec<&[RunRecord]> = studies.iter().map(Growing::records).collect();
        let partial = done < runs || effects.is_empty();
        Some(self.answer(&records, effects, done, partial))
    }

    /// The scenarios in the order in which their records are handed to `answer`.
    fn scenarios(&self) -> impl Iterator<Item = &Scenario> {
        let canaries = self.canaries.iter().flat_map(|canary| &canary.scenarios);
        canaries.chain(self.levers.iter().flat_map(|lever| &lever.scenarios))
    }

    fn answer(self, records: &[&[RunRecord]], effects: Vec<Vec<Estimate>>, runs: u64, partial: bool) -> Power {
        let of_canaries: usize = self.canaries.iter().map(|canary| canary.scenarios.len()).sum();
        let stages = canary::stages(&self.base, &records[..of_canaries]);
        let mut records = records.iter();
        let mut next = || Outcomes::of(records.next().copied().unwrap_or_default(), &stages);
        let canaries = (self.canaries.into_iter())
            .map(|canary| CanaryPower {
                outcomes: canary.scenarios.iter().map(|_| next()).collect(),
                name: canary.name,
                notes: canary.notes,
            })
            .collect();
        let goal = self.goal;
        let mut weigh = |lever: LeverDesign| {
            let (without, with) = (next(), next());
            let verdict = goal.judge(&with.caught, &without.caught);
            LeverPower {
                lever: lever.lever,
                power: with.caught,
                false_alarm: without.caught,
                undecided: without.undecided,
                verdict,
            }
        };
        let levers = self.levers.into_iter().map(&mut weigh).collect();
        Power {
            scenario: self.base,
            runs,
            partial,
            measures: self.measures,
            regressions: self.regressions,
            effects,
            stages,
            canaries,
            left_out: self.left_out,
            goal,
            levers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::intervals::wilson;

    #[test]
    fn so_many_runs_settle_on_which_side_of_a_bound_a_share_lies() {
        assert_eq!(runs_to_settle(0.0, 0.05), Some(73));
        assert_eq!(runs_to_settle(0.93, 0.9), Some(390));
        for (successes, runs, bound) in [(0, 73, 0.05), (363, 390, 0.9)] {
            let encloses = |(low, high): (f64, f64)| low <= bound && bound <= high;
            assert!(!wilson(successes, runs).is_some_and(encloses), "{runs}");
            assert!(wilson(successes * 9 / 10, runs * 9 / 10).is_some_and(encloses), "{runs}");
        }
        assert_eq!(runs_to_settle(0.9, 0.9), None);
    }

    #[test]
    fn each_goal_is_judged_by_itself() {
        let goal = Goal { power: 0.9, false_alarm: 0.05, regression: 0, size: 1 };
        let share = |low, high| Estimate { value: 0.5 * (low + high), interval: Some((low, high)) };
        let judged = |power: &Estimate, alarm: &Estimate| {
            (goal.judge_power(power), goal.judge_false_alarm(alarm), goal.judge(power, alarm))
        };
        use Reach::{Missed, Reached, Undecided};
        assert_eq!(judged(&share(0.92, 0.99), &share(0.0, 0.04)), (Reached, Reached, Reached));
        assert_eq!(judged(&share(0.85, 0.95), &share(0.06, 0.1)), (Undecided, Missed, Missed));
        assert_eq!(judged(&share(0.5, 0.8), &share(0.0, 0.1)), (Missed, Undecided, Missed));
        assert_eq!(judged(&share(0.92, 0.99), &share(0.0, 0.1)), (Reached, Undecided, Undecided));
    }
}
