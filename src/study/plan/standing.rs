//! How candidates stand when a race is over: who is chosen, who comes next, with what confidence.

use serde::{Deserialize, Serialize};

use super::bounds::holds;
use super::limits::{metric_limits, statistic_of};
use super::race::{Feasibility, Race};
use super::spending::{ERROR, Spending, least_level, t_of};
use crate::scenario::Check;
use crate::study::result::{CheckResult, Estimate, Verdict};

/// How a candidate stands in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Chosen.
    Best,
    /// Equally good within the tolerance, with confidence.
    WithinTolerance,
    /// Not better than the best by more than the tolerance, with confidence; and worse by more than that, as far as the
    /// ordinary interval of the difference tells.
    Worse,
    /// As before; and worse, perhaps by no more than the tolerance.
    SlightlyWorse,
    /// Not better than the best by more than the tolerance, with confidence; nor worse, as far as the interval tells.
    Tie,
    /// Not better than the best by more than the tolerance, with confidence; the interval does not tell the two apart.
    NotBetter,
    /// Worse than this candidate, with confidence after so many runs.
    Beaten(usize, u64),
    /// Breaks the check of this index, with confidence.
    Breaks(usize),
    /// In some run the objective has no value.
    Empty,
    /// Perhaps better by more than the tolerance, or its checks are not settled: the runs did not tell.
    Open,
}

impl Standing {
    /// The same, told apart by the ordinary interval of how much more the candidate has than the best, where the race has
    /// only said that it is not better.
    pub(super) fn told_apart(self, excess: Option<&Estimate>, tolerance: f64) -> Standing {
        match (self, excess.and_then(|excess| excess.interval)) {
            (Standing::NotBetter, Some((low, _))) if low > tolerance => Standing::Worse,
            (Standing::NotBetter, Some((low, _))) if low > 0.0 => Standing::SlightlyWorse,
            (Standing::NotBetter, Some((low, high))) if low >= -tolerance && high <= tolerance => Standing::Tie,
            _ => self,
        }
    }
}

/// A check's result where the race has said more than the ordinary interval: so that no candidate fails, or meets, a
/// check that is marked as undecided. A quantile's two-sided interval needs more runs than either of its limits.
pub(super) fn settled(mut found: CheckResult, check: usize, feasibility: Feasibility) -> CheckResult {
    if found.verdict == Verdict::Inconclusive {
        found.verdict = match feasibility {
            Feasibility::Breaks(broken) if broken == check => Verdict::Failed,
            Feasibility::Meets => Verdict::Passed,
            _ => return found,
        };
        found.explanation.clear();
    }
    found
}

impl Race {
    /// The candidate to choose: the best of those that meet the checks, else of those whose estimates do.
    pub fn best(&self) -> Option<usize> {
        self.leader().or_else(|| self.least(self.contenders().filter(|candidate| self.seems_feasible(*candidate))))
    }

    /// Whether the estimates of every check hold, over the runs there are.
    fn seems_feasible(&self, candidate: usize) -> bool {
        let entry = &self.entries[candidate];
        let holds = |(check, values): (&Check, &Vec<f64>)| holds(check, statistic_of(check.statistic, values));
        entry.runs > 0 && self.rules.checks.iter().zip(&entry.checked).all(holds)
    }

    /// The next best of those that break no check, others compared with the best in pairs.
    pub fn runner_up(&self, best: usize) -> Option<usize> {
        let stays = |candidate: &usize| {
            let entry = &self.entries[*candidate];
            *candidate != best && !entry.is_empty && !matches!(entry.feasibility, Feasibility::Breaks(_))
        };
        let mut by_excess: Vec<(f64, usize)> = (0..self.entries.len())
            .filter(stays)
            .filter(|candidate| self.seems_feasible(*candidate))
            .map(|candidate| (self.mean_excess(candidate, best), candidate))
            .collect();
        by_excess.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        by_excess.first().map(|(_, candidate)| *candidate)
    }

    /// How a candidate stands beside the best.
    pub fn standing(&self, candidate: usize, best: Option<usize>) -> Standing {
        let entry = &self.entries[candidate];
        match (entry.feasibility, entry.beaten, best) {
            _ if entry.is_empty => Standing::Empty,
            (Feasibility::Breaks(check), ..) => Standing::Breaks(check),
            (_, Some((by, runs)), _) => Standing::Beaten(by, runs),
            (_, _, Some(best)) if best == candidate => Standing::Best,
            (feasibility, _, Some(best)) => {
                let tolerance = self.tolerance(best);
                let is_not_better = self.excess(best, candidate) <= tolerance;
                let is_not_worse = self.excess(candidate, best) <= tolerance;
                match (is_not_better, is_not_worse && feasibility == Feasibility::Meets) {
                    (true, true) => Standing::WithinTolerance,
                    (true, false) => Standing::NotBetter,
                    (false, _) => Standing::Open,
                }
            }
            (_, _, None) => Standing::Open,
        }
    }

    /// Whether it is said with the stated confidence that this candidate meets the checks and that no other that does
    /// is better by more than the tolerance.
    pub fn is_decided(&self, best: usize) -> bool {
        self.entries[best].feasibility == Feasibility::Meets
            && self.contenders().all(|other| self.is_settled(best, other))
    }

    /// The confidence with which that can be said: the stated one where it is decided, else that of the widest limits
    /// which would have decided it, with the same divisions; 0 where none would.
    pub fn confidence(&self, best: usize) -> f64 {
        if self.is_decided(best) {
            return 1.0 - ERROR;
        }
        let tolerance = self.tolerance(best);
        let compared = self.contenders().filter(|other| *other != best).map(|other| {
            let Some((_, runs)) = self.common_look(best, other) else { return 0.5 };
            let differences = self.differences(best, other, runs);
            let holds = |level: f64| {
                let t = t_of(level, runs as u64);
                *metric_limits(self.rules.objective, &differences, level, t).end() <= tolerance
            };
            least_level(holds)
        });
        let compare = compared.fold(0.0, f64::max);
        let meets = match self.rules.checks.is_empty() {
            true => 0.0,
            false => least_level(|level| self.meets_at(best, level)),
        };
        let Spending { compare: comparing, breaks, meets: meeting } = self.spending;
        (1.0 - comparing.at_level(compare) - breaks.share - meeting.at_level(meets)).max(0.0)
    }

    /// The contenders that may be the best, with the best itself, for `resampling`: those that are not worse
    /// than it with confidence.
    pub fn rivals(&self, best: usize) -> Vec<usize> {
        self.contenders().filter(|other| *other == best || self.excess(best, *other) >= 0.0).collect()
    }

    /// The objective of a candidate in each of its runs.
    pub fn objective(&self, candidate: usize) -> &[f64] {
        &self.entries[candidate].objective
    }
}
