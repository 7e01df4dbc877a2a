//! `init`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint, value_parser};

/// What stands below the help.
pub const INIT_EXAMPLES: &str = "\
Examples:
  cutover init
  cutover init my-model.toml --profile h200-qwen3-32b-tp2-vllm --strategy canary
  cutover init my-model.toml --replicas 12 --rate 40 --gpu-hour-usd 2.2
  cutover init --strategy blue_green --stdout | less

It asks nothing. The rate, the grace period, the promised time to first token and the length of the window follow from the
profile, and a comment beside each says how.";

/// `init`.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// The file to write; it must not exist. -: standard output
    #[arg(default_value = "scenario.toml", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The model and its hardware, as `cutover profiles` lists them; the beginning of a name will do where it is clear
    #[arg(long, value_name = "NAME", default_value = "h100-llama-3.1-8b-vllm")]
    pub profile: String,
    /// How the new version is rolled out
    #[arg(long, value_enum, default_value_t = StrategyArgument::Rolling)]
    pub strategy: StrategyArgument,
    /// Replicas of the fleet
    #[arg(long, default_value_t = 6, value_parser = value_parser!(u32).range(1..=1000))]
    pub replicas: u32,
    /// Requests per second; 55 % of what the fleet can serve if left out
    #[arg(long, value_parser = rate, allow_negative_numbers = true)]
    pub rate: Option<f64>,
    /// Price of a GPU-hour in USD
    #[arg(long, value_name = "USD", default_value_t = 3.0, value_parser = price, allow_negative_numbers = true)]
    pub gpu_hour_usd: f64,
    /// Print the scenario instead of writing it
    #[arg(long)]
    pub stdout: bool,
}

/// How the new version is rolled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum StrategyArgument {
    /// No rollout
    None,
    /// Kubernetes' Recreate
    Recreate,
    /// Kubernetes' RollingUpdate
    Rolling,
    /// Argo Rollouts' blue-green
    #[value(alias = "blue-green")]
    BlueGreen,
    /// Argo Rollouts' canary
    Canary,
    /// Flagger's canary
    Flagger,
}

fn rate(text: &str) -> Result<f64, String> {
    within(text, 1e-6, 1e6).ok_or_else(|| "expected requests per second: a number from 1e-6 to 1e6".to_owned())
}

fn price(text: &str) -> Result<f64, String> {
    within(text, 0.0, 1e6).ok_or_else(|| "expected a number of USD from 0 to 1e6".to_owned())
}

fn within(text: &str, least: f64, greatest: f64) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| (least..=greatest).contains(number))
}
