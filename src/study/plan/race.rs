//! The race: who runs next, who is out, who has won, from nothing but the candidates' runs.
//!
//! A candidate is out when it breaks a check, or when it is worse than one that meets them all; either is said with a
//! confidence that holds for everything that the race ever says together. For that each of the three ways to err has a
//! share of the error, and each single test a part of that share (Bonferroni), over looks, checks and candidates: races
//! of this kind are Maron and Moore's (1997), with limits for constraints as in Andradottir and Kim (2010) and paired
//! comparisons on common random numbers as in Kim and Nelson (2001). It does not simulate: see the module above.

use serde::{Deserialize, Serialize};

use super::bounds::{self, breaks, meets, value_in};
use super::limits::metric_limits;
use super::spending::{Spending, t_of};
use crate::ledger::{Metric, RunRecord};
use crate::scenario::{Check, Tolerance};
use crate::study::extent::Extent;

/// Runs before the first look; each further look is after twice as many.
const FIRST_LOOK: u64 = 20;
/// Most candidates that others wait behind at once.
const MOST_WAITED_FOR: usize = 8;
/// The numbers of runs after which anything is judged.
fn looks(max_runs: u64) -> Vec<u64> {
    let mut looks = vec![FIRST_LOOK.min(max_runs)];
    while let Some(last) = looks.last().copied().filter(|last| *last < max_runs) {
        looks.push((2 * last).min(max_runs));
    }
    looks
}

/// The fewest runs that a candidate would have to be allowed so that it could be said to meet these checks, if nothing
/// spoke against it; `None` where `max_runs` are enough.
///
/// More runs are more looks, each of which has a part of the error: allowed the number, it is enough.
pub fn fewest_runs(checks: &[Check], candidates: usize, max_runs: u64) -> Option<u64> {
    let needed = |allowed: u64| {
        let level = Spending::of(checks, looks(allowed).len(), candidates).meets.level();
        checks.iter().filter_map(|check| bounds::fewest_runs(check, level)).max().unwrap_or(0)
    };
    let mut allowed = max_runs;
    while needed(allowed) > allowed {
        allowed = needed(allowed);
    }
    (allowed > max_runs).then_some(allowed)
}

/// What is raced for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rules {
    /// Its mean over runs is to be small.
    pub objective: Metric,
    /// What does not matter.
    pub tolerance: Tolerance,
    /// What must hold.
    pub checks: Vec<Check>,
    /// Most runs of a candidate.
    pub max_runs: u64,
    /// How much a run can hold, for harms that none has shown.
    pub extent: Extent,
}

/// How a candidate stands to the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Feasibility {
    /// Some limit straddles its bound.
    Undecided,
    /// Every check holds, with confidence.
    Meets,
    /// The check of this index does not, with confidence.
    Breaks(usize),
}

/// One candidate's runs and what is known from them.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) runs: u64,
    /// The objective in each run.
    pub(super) objective: Vec<f64>,
    /// For each check the values of the runs that have one; infinity for a rollout that did not finish.
    pub(super) checked: Vec<Vec<f64>>,
    /// Whether any run had a request.
    served: bool,
    pub(super) feasibility: Feasibility,
    /// Whether some run had no value of the objective.
    pub(super) is_empty: bool,
    /// Who is better, and after how many common runs that was seen.
    pub(super) beaten: Option<(usize, u64)>,
}

impl Entry {
    /// Whether it is still in the race: not beaten, with a value of the objective in every run, and breaking no check.
    fn contends(&self) -> bool {
        !self.is_empty && self.beaten.is_none() && !matches!(self.feasibility, Feasibility::Breaks(_))
    }
}

/// Who runs next, and until each has how many runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heat {
    /// Candidates with equally many runs.
    pub members: Vec<usize>,
    /// So many runs they are to have.
    pub to: u64,
}

/// Candidates under way.
#[derive(Clone, Debug)]
pub struct Race {
    pub(super) rules: Rules,
    /// Numbers of runs at which anything is judged.
    looks: Vec<u64>,
    pub(super) entries: Vec<Entry>,
    pub(super) spending: Spending,
    /// Student's t of the level of comparisons, at each look.
    t_of_looks: Vec<f64>,
}

impl Race {
    /// So many candidates, none with a run.
    pub fn new(rules: Rules, candidates: usize) -> Race {
        let looks = looks(rules.max_runs);
        let entry = Entry {
            runs: 0,
            objective: Vec::new(),
            checked: vec![Vec::new(); rules.checks.len()],
            served: false,
            feasibility: if rules.checks.is_empty() { Feasibility::Meets } else { Feasibility::Undecided },
            is_empty: false,
            beaten: None,
        };
        let spending = Spending::of(&rules.checks, looks.len(), candidates);
        let t_of_looks = looks.iter().map(|runs| t_of(spending.compare.level(), *runs)).collect();
        Race { rules, looks, entries: vec![entry; candidates], spending, t_of_looks }
    }

    /// What is raced for.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Runs of a candidate so far.
    pub fn runs(&self, candidate: usize) -> u64 {
        self.entries[candidate].runs
    }

    /// How a candidate stands to the checks.
    pub fn feasibility(&self, candidate: usize) -> Feasibility {
        self.entries[candidate].feasibility
    }

    /// Takes a candidate's runs, from the first one on: those that it had before, and new ones.
    pub fn observe(&mut self, candidate: usize, records: &[RunRecord]) {
        let entry = &mut self.entries[candidate];
        for record in &records[entry.runs as usize..] {
            let value = record.value(self.rules.objective);
            entry.is_empty |= !value.is_finite();
            entry.objective.push(value);
            entry.served |= record.value(Metric::Requests) > 0.0;
            for (check, values) in self.rules.checks.iter().zip(&mut entry.checked) {
                let metric = Metric::by_name(&check.metric);
                values.extend(metric.map(|metric| value_in(record, metric)).filter(|value| !value.is_nan()));
            }
        }
        entry.runs = records.len() as u64;
        // Runs of an interrupted heat are no look: the error is shared out among the looks.
        if self.looks.contains(&entry.runs) {
            self.judge(candidate);
        }
    }

    /// Compares a candidate with the bounds of the checks.
    fn judge(&mut self, candidate: usize) {
        let entry = &self.entries[candidate];
        let judged = |level: f64| {
            self.rules.checks.iter().zip(&entry.checked).map(move |(check, values)| (check, values, level))
        };
        let breaks =
            judged(self.spending.breaks.level()).position(|(check, values, level)| breaks(check, values, level));
        let feasibility = match breaks {
            Some(check) => Feasibility::Breaks(check),
            None if self.meets_at(candidate, self.spending.meets.level()) => Feasibility::Meets,
            None => Feasibility::Undecided,
        };
        self.entries[candidate].feasibility = feasibility;
    }

    /// Whether every check holds at this level.
    pub(super) fn meets_at(&self, candidate: usize, level: f64) -> bool {
        let entry = &self.entries[candidate];
        self.rules
            .checks
            .iter()
            .zip(&entry.checked)
            .all(|(check, values)| meets(check, values, entry.served, level, self.rules.extent))
    }

    /// The greatest look that both have had, if any: its index, and the number of runs.
    pub(super) fn common_look(&self, a: usize, b: usize) -> Option<(usize, usize)> {
        let runs = self.entries[a].runs.min(self.entries[b].runs);
        let looks = self.looks.partition_point(|look| *look <= runs);
        looks.checked_sub(1).map(|look| (look, self.looks[look] as usize))
    }

    /// The objective of `a` less that of `b`, in each of these first runs.
    pub(super) fn differences(&self, a: usize, b: usize, runs: usize) -> Vec<f64> {
        self.entries[a].objective[..runs].iter().zip(&self.entries[b].objective).map(|(a, b)| a - b).collect()
    }

    /// Upper limit of the mean by which `a` exceeds `b`; infinite before a common look.
    pub(super) fn excess(&self, a: usize, b: usize) -> f64 {
        let Some((look, runs)) = self.common_look(a, b) else { return f64::INFINITY };
        let differences = self.differences(a, b, runs);
        *metric_limits(self.rules.objective, &differences, self.spending.compare.level(), self.t_of_looks[look]).end()
    }

    /// Mean by which `a` exceeds `b` over the runs that both have.
    pub(super) fn mean_excess(&self, a: usize, b: usize) -> f64 {
        let runs = self.entries[a].runs.min(self.entries[b].runs) as usize;
        let differences = self.differences(a, b, runs);
        differences.iter().sum::<f64>() / runs.max(1) as f64
    }

    /// Mean of the objective over the runs of the first look, which all have.
    fn first_mean(&self, candidate: usize) -> f64 {
        let objective = &self.entries[candidate].objective;
        let first = &objective[..objective.len().min(self.looks[0] as usize)];
        first.iter().sum::<f64>() / first.len().max(1) as f64
    }

    /// What does not matter beside this candidate, in the objective's unit.
    pub fn tolerance(&self, candidate: usize) -> f64 {
        match self.rules.tolerance {
            Tolerance::Absolute(value) => value,
            Tolerance::Share(share) => {
                let objective = &self.entries[candidate].objective;
                share * (objective.iter().sum::<f64>() / objective.len().max(1) as f64).abs()
            }
        }
    }

    /// Of some candidates the one with the least objective, compared in pairs on the runs that both have; of equals the
    /// first.
    pub(super) fn least(&self, among: impl Iterator<Item = usize>) -> Option<usize> {
        among.reduce(|best, other| if self.mean_excess(other, best) < 0.0 { other } else { best })
    }

    /// The candidates that are still in the race, in their order.
    pub(super) fn contenders(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.entries.len()).filter(|candidate| self.entries[*candidate].contends())
    }

    /// The best of those that meet the checks.
    pub(super) fn leader(&self) -> Option<usize> {
        self.least(self.contenders().filter(|candidate| {
            self.entries[*candidate].feasibility == Feasibility::Meets && self.entries[*candidate].runs > 0
        }))
    }

    /// Whether `other` is not better than the leader by more than the tolerance.
    pub(super) fn is_settled(&self, leader: usize, other: usize) -> bool {
        other == leader || self.excess(leader, other) <= self.tolerance(leader)
    }

    /// Puts out who is worse than the leader.
    fn put_out(&mut self) {
        let Some(leader) = self.leader() else { return };
        for other in 0..self.entries.len() {
            if other != leader && self.entries[other].contends() && self.excess(leader, other) < 0.0 {
                let runs = self.common_look(leader, other).map_or(0, |(_, runs)| runs as u64);
                self.entries[other].beaten = Some((leader, runs));
            }
        }
    }

    /// Judges what the last heat brought and says who runs next; `None` when all is said, or the runs are used up.
    ///
    /// A candidate that is worse than one whose checks are undecided waits behind it: it is out if that one turns out to
    /// meet them, and goes on if not.
    pub fn next_heat(&mut self) -> Option<Heat> {
        self.put_out();
        let leader = self.leader();
        let needs_runs = |candidate: &usize| match leader {
            Some(leader) => *candidate != leader && !self.is_settled(leader, *candidate),
            None => true,
        };
        let mut open: Vec<usize> = self.contenders().filter(needs_runs).collect();
        open.sort_by(|a, b| self.first_mean(*a).total_cmp(&self.first_mean(*b)).then(a.cmp(b)));
        let mut running = self.without_waiting(&open);
        if !running.is_empty() {
            running.extend(leader);
        }
        running.retain(|candidate| self.entries[*candidate].runs < self.rules.max_runs);
        let runs = running.iter().map(|candidate| self.entries[*candidate].runs).min()?;
        let mut members: Vec<usize> =
            running.into_iter().filter(|candidate| self.entries[*candidate].runs == runs).collect();
        members.sort_unstable();
        let to = *self.looks.iter().find(|look| **look > runs)?;
        Some(Heat { members, to })
    }

    /// Those of some candidates that need not wait behind another one of them.
    fn without_waiting(&self, open: &[usize]) -> Vec<usize> {
        let mut running: Vec<usize> = Vec::new();
        let mut waited_for: Vec<usize> = Vec::new();
        for candidate in open {
            if waited_for.iter().any(|other| self.excess(*other, *candidate) < 0.0) {
                continue;
            }
            running.push(*candidate);
            let entry = &self.entries[*candidate];
            // One that has used up its runs decides nothing any more.
            let can_decide = entry.feasibility == Feasibility::Undecided && entry.runs < self.rules.max_runs;
            if can_decide && waited_for.len() < MOST_WAITED_FOR {
                waited_for.push(*candidate);
            }
        }
        running
    }
}
