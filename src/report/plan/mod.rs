//! The answer of `cutover plan`: text, JSON, Markdown and CSV. What it says lives in `content`, the numbers' order in
//! `ranking`, the chart among the charts.

mod content;
mod csv;
#[cfg(test)]
pub(super) mod example;
mod json;
mod ranking;
mod text;

#[cfg(test)]
mod tests;

pub(super) use json::PlanJson;

use serde::{Deserialize, Serialize};

use super::OutputError;
use super::answer::Answer;
use super::charts::{self, Chart, ChartError};
use super::layout::Style;
use super::saved::Saved;
use crate::ledger::Metric;
use crate::scenario::{Axis, Scenario};
use crate::study::plan::Outcome;

pub(super) use ranking::{label, ranking, standing};

/// A combination that was no scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its settings, each `KEY=VALUE`.
    pub settings: Vec<String>,
    /// What is wrong with it.
    pub reason: String,
}

/// A plan, and what it was made of.
#[derive(Clone, Debug, Serialize)]
pub struct Planned<'a> {
    /// The scenario as written: its name, hash and seed.
    pub scenario: &'a Scenario,
    /// The choices.
    pub axes: &'a [Axis],
    /// What the race found.
    pub outcome: &'a Outcome,
    /// The candidate that does what the scenario says without any choice.
    pub as_written: Option<usize>,
    /// Combinations that are no scenarios.
    pub left_out: &'a [LeftOut],
    /// Combinations that come to the same as an earlier one.
    pub repeated: usize,
    /// The keys that make candidates meet different requests.
    pub unequal: &'a [&'static str],
}

/// A plan that was saved and read back: the fields of [`Planned`], its own.
#[derive(Clone, Debug, Deserialize)]
pub struct KeptPlan {
    scenario: Scenario,
    axes: Vec<Axis>,
    outcome: Outcome,
    as_written: Option<usize>,
    left_out: Vec<LeftOut>,
    repeated: usize,
    #[serde(deserialize_with = "crate::study::read_keys")]
    unequal: Vec<&'static str>,
}

impl KeptPlan {
    /// The plan.
    pub fn planned(&self) -> Planned<'_> {
        Planned {
            scenario: &self.scenario,
            axes: &self.axes,
            outcome: &self.outcome,
            as_written: self.as_written,
            left_out: &self.left_out,
            repeated: self.repeated,
            unequal: &self.unequal,
        }
    }

    /// What the race found.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

impl Planned<'_> {
    /// What the table and the chart tell of money: what the rollout costs, or the whole bill where
    /// the fleet or its prices are a choice, which the steady fleet's bill is not the same for.
    pub(super) fn money(&self) -> Metric {
        let objective = self.outcome.rules.objective;
        if matches!(objective, Metric::Cost | Metric::RolloutCost) {
            return objective;
        }
        let is_of_fleet = self.axes.iter().any(|axis| axis.key.split('.').next() == Some("fleet"));
        if is_of_fleet { Metric::Cost } else { Metric::RolloutCost }
    }

    /// The candidates that have a scenario of their own to run: the best and the runner-up, by the names of their files.
    pub fn chosen(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let Outcome { best, runner_up, .. } = self.outcome;
        [("best.toml", *best), ("runner-up.toml", *runner_up)]
            .into_iter()
            .filter_map(|(file, candidate)| candidate.map(|candidate| (file, candidate)))
    }

    /// Most runs that a candidate had.
    pub(super) fn most_runs(&self) -> u64 {
        self.outcome.candidates.iter().map(|candidate| candidate.runs).max().unwrap_or(0)
    }
}

impl Answer for Planned<'_> {
    fn name(&self) -> &'static str {
        "plan"
    }

    fn text(&self, style: Style) -> String {
        text::text(self, style)
    }

    fn json(&self) -> String {
        json::json(self)
    }

    fn markdown(&self, charts: &[Chart]) -> String {
        text::markdown(self, charts)
    }

    fn csv(&self) -> String {
        csv::csv(self)
    }

    fn saved(&self) -> Result<Saved, OutputError> {
        Saved::new(&self.scenario.read_by).with(self.name(), self)
    }

    fn charts(&self) -> Result<Vec<Chart>, ChartError> {
        charts::of_plan(self)
    }
}
