//! The arguments of `grace`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{Printing, Simulating};

/// `grace`.
#[derive(Debug, Args)]
pub struct GraceArguments {
    /// The scenario's file
    #[arg(value_hint = ValueHint::FilePath)]
    pub scenario: PathBuf,
    /// Grace periods to look at besides the scenario's own, such as 30s,1m,5m or 30s..5m/30s
    /// [round ones up to where the longest answer ends]
    #[arg(long, value_name = "PERIODS")]
    pub periods: Option<String>,
    /// What must hold: the probability that a rollout cuts any answer after its first token is at most this [0.001]
    #[arg(long, value_name = "P", conflicts_with = "target_count")]
    pub target_probability: Option<f64>,
    /// Instead: the expected number of answers that a rollout cuts after their first token is at most this
    #[arg(long, value_name = "N")]
    pub target_count: Option<f64>,
    /// Runs in which every period is simulated to tell its costs, where cut answers need fewer simulations; 0: no costs
    #[arg(long, value_name = "RUNS", default_value_t = 100)]
    pub cost_runs: u64,
    /// What is printed.
    #[command(flatten)]
    pub printing: Printing,
    /// What every command that simulates takes.
    #[command(flatten)]
    pub simulating: Simulating,
}
