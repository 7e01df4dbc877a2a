//! The arguments of `plan`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{Printing, Simulating};

/// What follows the options in its help.
pub const HELP: &str = "\
Examples:
  cutover plan scenario.toml
  cutover plan scenario.toml --choose rollout.rolling.max_surge=1,25%,50% \\
      --choose termination.grace_period=30s,2m,5m
  cutover plan scenario.toml --minimize duration --tolerance 2%
  cutover run output/scenario/best.toml

Choices come from the scenario's [plan.choices] and from --choose; what must hold are its [[check]]s.
Exit code 0 if the best is found with 95 % confidence, 1 if no candidate meets the checks, 3 if the runs do not tell.";

/// `plan`.
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// The scenario's file
    #[arg(value_hint = ValueHint::FilePath)]
    pub scenario: PathBuf,
    /// Choose among these values of a key: lists (30s,2m) or ranges (30s..5m/30s, 1..64*2); may be repeated. Replaces
    /// the key's values in [plan.choices]
    #[arg(long, value_name = "KEY=VALUES")]
    pub choose: Vec<String>,
    /// What to minimise, instead of [plan]'s: dollars, duration, peak_gpus, exposure, or a metric's name [cost_usd]
    #[arg(long, value_name = "METRIC")]
    pub minimize: Option<String>,
    /// Difference that does not matter, instead of [plan]'s: a percentage of the best, or a number [1%]
    // A negative one is refused with what was expected, not taken for an option.
    #[arg(long, allow_hyphen_values = true)]
    pub tolerance: Option<String>,
    /// What is printed.
    #[command(flatten)]
    pub printing: Printing,
    /// What every command that simulates takes; `--runs` are the most runs of a candidate.
    #[command(flatten)]
    pub simulating: Simulating,
}
