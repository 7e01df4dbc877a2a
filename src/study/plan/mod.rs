//! The cheapest rollout that meets the checks: candidates race on common random numbers.
//!
//! How it is decided lives in `race`, from runs alone; here candidates are run heat by heat, and what came out is put
//! together for the report.

mod bounds;
mod choices;
mod diagnosis;
mod limits;
mod race;
mod resampling;
mod spending;
mod standing;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

pub use choices::{Assignment, MOST_CANDIDATES, assignments};
pub use diagnosis::{Diagnosis, FailedCheck, Help, violation};
pub use race::{Feasibility, Heat, Race, Rules, fewest_runs};
pub use resampling::{Probability, RESAMPLES};
pub use spending::ERROR;
pub use standing::Standing;

use schemars::JsonSchema;

use super::checks::evaluate;
use super::result::{CheckResult, Estimate, MetricSummary};
use super::run::{Growing, grow};
use super::summary::summarize_runs;
use crate::ledger::{METRICS, Metric, RunRecord};
use crate::scenario::{Axis, Scenario};

/// A combination of choices, ready to be simulated.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// For each axis the index of its value, or nothing where it has no say.
    pub assignment: Assignment,
    /// The scenario with these settings.
    pub scenario: Scenario,
}

/// A candidate after the race.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ranked {
    /// For each axis the index of its value, or nothing where it has no say.
    pub assignment: Assignment,
    /// Runs that it had.
    pub runs: u64,
    /// Every metric over them, in the order of [`METRICS`].
    pub metrics: Vec<MetricSummary>,
    /// The checks over them, with ordinary 95 % intervals, or as the race has said.
    pub checks: Vec<CheckResult>,
    /// How it stands.
    pub standing: Standing,
    /// Whether it meets the checks, with the race's confidence.
    pub feasibility: Feasibility,
    /// Mean by which its objective exceeds the best one's within a run, over the runs that both have; `None` without a
    /// best one, or a value.
    pub excess: Option<Estimate>,
}

impl Ranked {
    /// One metric over its runs.
    pub fn metric(&self, metric: Metric) -> &MetricSummary {
        &self.metrics[metric as usize]
    }
}

/// How a race ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// With the stated confidence.
    Decided,
    /// Without it: runs were used up.
    OutOfRuns,
    /// No candidate meets the checks.
    NothingMeets,
    /// It was stopped before.
    Interrupted,
}

/// What a race found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// What was raced for.
    pub rules: Rules,
    /// The candidates, in the order given.
    pub candidates: Vec<Ranked>,
    /// How it ended.
    pub ending: Ending,
    /// The chosen candidate; after [`Ending::Interrupted`] and [`Ending::OutOfRuns`] the best guess, if there is one.
    pub best: Option<usize>,
    /// The next best that breaks no check, as far as the estimates tell.
    pub runner_up: Option<usize>,
    /// The tolerance in the objective's unit; NaN without a best one.
    pub tolerance: f64,
    /// The runs of a candidate that it takes at least to say that it meets the checks, where that is more than are allowed
    /// and some candidate may meet them.
    pub fewest_runs: Option<u64>,
    /// Confidence that the best meets the checks, and that none that does is better by more than the tolerance.
    pub confidence: f64,
    /// How often it would be chosen from other runs.
    pub probability: Option<Probability>,
    /// Why nothing meets the checks, where nothing seems to.
    pub diagnosis: Option<Diagnosis>,
}

/// Races these candidates. `progress` is told how many runs are done and how many are known to be needed; `stop` ends
/// the race early.
///
/// The result is the same for any number of threads.
pub fn plan(
    candidates: Vec<Candidate>,
    axes: &[Axis],
    rules: Rules,
    threads: Option<usize>,
    progress: &(dyn Fn(u64, u64) + Sync),
    stop: &AtomicBool,
) -> Outcome {
    let mut race = Race::new(rules, candidates.len());
    let (assignments, mut studies): (Vec<Assignment>, Vec<Growing>) = (candidates.into_iter())
        .map(|candidate| (candidate.assignment, Growing::without_timeline(candidate.scenario)))
        .unzip();
    let mut done = 0;
    while let Some(heat) = race.next_heat() {
        let mut members: Vec<&mut Growing> = (studies.iter_mut().enumerate())
            .filter_map(|(index, study)| heat.members.binary_search(&index).is_ok().then_some(study))
            .collect();
        let before = members.first().map_or(0, |study| study.runs());
        let expected = done + (heat.to - before) * members.len() as u64;
        grow(&mut members, heat.to, threads, &|runs| progress(done + runs, expected), stop);
        for index in &heat.members {
            race.observe(*index, studies[*index].records());
            done += studies[*index].runs() - before;
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    outcome(&race, assignments, &studies, axes, race.clone().next_heat().is_some())
}

/// Puts together what a race found; `interrupted` where it was not run to its end.
fn outcome(
    race: &Race,
    assignments: Vec<Assignment>,
    studies: &[Growing],
    axes: &[Axis],
    interrupted: bool,
) -> Outcome {
    let rules = race.rules().clone();
    let best = race.best();
    let of_best = |best: usize| (studies[best].records(), race.tolerance(best));
    let ranked = |(index, assignment): (usize, Assignment)| {
        ranked(race, index, assignment, (studies[index].scenario(), studies[index].records()), best.map(of_best))
    };
    let candidates: Vec<Ranked> = assignments.into_iter().enumerate().map(ranked).collect();
    let probability = best.and_then(|best| {
        let mut rivals = race.rivals(best);
        rivals.sort_by_key(|rival| *rival != best);
        let records: Vec<&[RunRecord]> = rivals.iter().map(|rival| studies[*rival].records()).collect();
        resampling::probability(&records, rules.objective, &rules.checks, race.tolerance(best))
    });
    let ending = match best {
        _ if interrupted => Ending::Interrupted,
        None => Ending::NothingMeets,
        Some(best) if race.is_decided(best) => Ending::Decided,
        Some(_) => Ending::OutOfRuns,
    };
    Outcome {
        diagnosis: best.is_none().then(|| diagnosis::diagnose(&candidates, &rules.checks, axes)),
        fewest_runs: fewest_runs(&rules.checks, candidates.len(), rules.max_runs)
            .filter(|_| candidates.iter().any(|candidate| !matches!(candidate.feasibility, Feasibility::Breaks(_)))),
        rules,
        candidates,
        ending,
        best,
        runner_up: best.and_then(|best| race.runner_up(best)),
        tolerance: best.map_or(f64::NAN, |best| race.tolerance(best)),
        confidence: best.map_or(0.0, |best| race.confidence(best)),
        probability,
    }
}

/// A candidate after the race, from its runs and, where there is a best one, that one's with the tolerance.
fn ranked(
    race: &Race,
    index: usize,
    assignment: Assignment,
    (scenario, records): (&Scenario, &[RunRecord]),
    best: Option<(&[RunRecord], f64)>,
) -> Ranked {
    let (rules, feasibility) = (race.rules(), race.feasibility(index));
    let metrics: Vec<MetricSummary> = METRICS.iter().map(|metric| summarize_runs(scenario, *metric, records)).collect();
    let excess = best.and_then(|(best, _)| excess(records, best, rules.objective));
    let checks = rules.checks.iter().enumerate();
    Ranked {
        assignment,
        runs: records.len() as u64,
        checks: checks.map(|(at, check)| standing::settled(evaluate(check, &metrics), at, feasibility)).collect(),
        metrics,
        standing: race.standing(index, race.best()).told_apart(excess.as_ref(), best.map_or(0.0, |(_, of)| of)),
        feasibility,
        excess,
    }
}

/// The mean by which the first exceed the second within a run, over the runs that both have.
fn excess(records: &[RunRecord], best: &[RunRecord], objective: Metric) -> Option<Estimate> {
    let pairs = records.iter().zip(best);
    let differences: Vec<f64> =
        pairs.map(|(record, best)| record.value(objective) - best.value(objective)).filter(|d| d.is_finite()).collect();
    (!differences.is_empty()).then(|| Estimate::of_mean(&differences))
}
