//! What a user writes, checked: the values of a scenario after every rule of the format has been applied.
//!
//! The types here are what the rest of the program reads. How TOML becomes them, and what is said when it cannot, lives
//! in the submodules. Nothing here knows how a scenario is simulated.

mod actions;
mod advice;
mod analysis;
mod axis;
mod canary;
mod checks;
mod codes;
mod demand;
mod distribution;
mod edit;
mod flagger;
pub mod keys;
mod load;
mod overrides;
mod plan;
mod policy;
mod problems;
mod profile;
mod reader;
mod replica;
mod rollout;
pub mod schema;
mod sections;
mod supply;
mod syntax;
mod title;
mod traffic;
mod tree;
mod written;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::units::{Duration, Time};

pub use axis::{Axis, Unit, parse_values, split_list};
pub use codes::{Code, Explanation, explain, explanations, is_code};
pub use demand::{Arrivals, Backoff, Clients, Replay, Stretch, Traffic};
pub use edit::Revision;
pub use load::{load, parse};
pub use plan::{DEFAULT_OBJECTIVE, OBJECTIVES, Plan, Tolerance, no_choice, objective};
pub use policy::{
    Action, ActionKind, Analysis, AnalysisBound, AnalysisMetric, BlueGreenSettings, CanaryScale, CanarySettings,
    CanaryStep, Check, DeploymentSettings, Estimator, FlaggerSettings, FlaggerWeights, NoData, PodReplacementPolicy,
    Rollout, Severity, Statistic, Strategy, VersionSettings,
};
pub use problems::{Beside, LoadError, Problem, Problems, nearest, suggestion};
pub use supply::{
    ColdStart, Engine, Fleet, OnSigterm, Router, RouterPolicy, Speculative, Stage, StepTime, Stockout, Termination,
    WeightLoad, interpolated,
};
pub use written::Written;

/// A checked scenario: what is simulated, how often, and what must hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scenario {
    /// Title for people.
    pub name: String,
    /// How often and how long.
    pub study: Study,
    /// The requests.
    pub traffic: Traffic,
    /// What clients do when an attempt goes wrong.
    pub clients: Clients,
    /// The router in front of the replicas.
    pub router: Router,
    /// The replicas and what they cost.
    pub fleet: Fleet,
    /// One replica's engine.
    pub engine: Engine,
    /// What a replica goes through before it is ready.
    pub cold_start: ColdStart,
    /// What a replica goes through when it is stopped.
    pub termination: Termination,
    /// The latency that users were promised.
    pub slo: Option<Slo>,
    /// The rollout.
    pub rollout: Rollout,
    /// The versions, by number: the stable one, the one that `[rollout]` ships, and what actions ship.
    pub versions: Vec<VersionSettings>,
    /// What operators and the world do during a run, in the order of the file.
    pub actions: Vec<Action>,
    /// The analysis templates, in the order of the file.
    pub analyses: Vec<Analysis>,
    /// What must hold.
    pub checks: Vec<Check>,
    /// What may be chosen, and to what end.
    pub plan: Option<Plan>,
    /// SHA-256 of the canonical text of the scenario as run (with every `--set` applied) and of what is in the traces,
    /// columns and profile that it names, in hexadecimal.
    pub hash: String,
    /// Version of the program that read it, and so simulates it.
    pub read_by: String,
    /// The text as it was written, before any `--set`.
    pub source: String,
    /// Each `--set` that was applied to it, `KEY=VALUE`.
    pub settings: Vec<String>,
    /// Things that are legal and unwise, for people.
    pub warnings: Vec<Problem>,
    /// What it was read from.
    #[serde(skip)]
    pub written: Written,
}

/// `[study]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Study {
    /// Number of Monte Carlo runs.
    pub runs: u64,
    /// Seed of all randomness.
    pub seed: u64,
    /// Simulated time before measuring begins.
    pub warm_up: Duration,
    /// Length of the measured window.
    pub duration: Duration,
    /// Longest time after the window in which measured requests may still end.
    pub cool_down: Duration,
    /// Width of a row of `timeline.csv`.
    pub timeline_bin: Duration,
}

impl Scenario {
    /// What is unwise about it, in sentences.
    pub fn warning_messages(&self) -> Vec<String> {
        self.warnings.iter().map(Problem::sentence).collect()
    }

    /// The checks that must hold; those that only warn bind nobody.
    pub fn promises(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.severity == Severity::Fail)
    }

    /// The versions in the order in which they are first shipped, the stable one first and those never shipped last:
    /// controllers ask which ReplicaSet is older.
    pub fn order_of_shipping(&self) -> Vec<usize> {
        let first_shipped = |version: usize| {
            let by_rollout = (version == 1).then_some(self.rollout.start);
            let ships = self.actions.iter().filter(|action| action.kind == ActionKind::Ship(version));
            ships.map(|action| action.at).chain(by_rollout).min().unwrap_or(Time::NEVER)
        };
        let mut order: Vec<usize> = (0..self.versions.len()).collect();
        order[1..].sort_by_key(|version| first_shipped(*version));
        order
    }
}

/// `[slo]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Slo {
    /// Longest acceptable time to first token.
    pub ttft: Duration,
    /// Share of requests that must meet it.
    pub quantile: f64,
    /// Width of the bins in which it is judged.
    pub bin: Duration,
}
