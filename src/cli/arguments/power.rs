//! The arguments of `power`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::{Printing, Simulating};

/// `power`.
#[derive(Debug, Args)]
pub struct PowerArguments {
    /// The scenario's file; its rollout is a canary, or blue-green with an analysis
    #[arg(value_hint = ValueHint::FilePath)]
    pub scenario: PathBuf,
    /// True regressions of the new version: ttft, tpot, error_rate, truncation or a key of [new_version]; may be repeated
    /// [what the analyses measure]
    #[arg(long, value_name = "KIND=SIZES")]
    pub regression: Vec<String>,
    /// The same canary with these estimators, too: exact, prometheus, mann_whitney [exact, where an analysis is not]
    #[arg(long, value_enum, value_name = "NAMES", value_delimiter = ',', hide_possible_values = true)]
    pub estimators: Option<Vec<EstimatorArgument>>,
    /// Wanted probability of rollback at the size of interest
    #[arg(long, value_name = "SHARE", default_value_t = 0.9, value_parser = share)]
    pub power: f64,
    /// Allowed probability of rollback without a regression
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = share)]
    pub false_alarm: f64,
    /// The size of interest, such as 25% or ttft=25% [the middle one of the first regression]
    #[arg(long, value_name = "SIZE")]
    pub at: Option<String>,
    /// Do not try what else would reach the wanted power
    #[arg(long)]
    pub curves_only: bool,
    /// What is printed.
    #[command(flatten)]
    pub printing: Printing,
    /// What every command that simulates takes.
    #[command(flatten)]
    pub simulating: Simulating,
}

/// An estimator of an analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum EstimatorArgument {
    /// Every attempt
    Exact,
    /// What Prometheus scrapes
    Prometheus,
    /// Kayenta's judge
    MannWhitney,
}

/// A share strictly between 0 and 1, or a percentage between 0 and 100.
fn share(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let value = match text.strip_suffix('%') {
        Some(percent) => number(percent).map(|percent| percent / 100.0),
        None => number(text),
    };
    value.filter(|value| *value > 0.0 && *value < 1.0).ok_or_else(|| "expected a share such as 0.9 or 90%".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_numbers_or_percentages_between_none_and_all() {
        assert_eq!((share("0.9"), share("5%")), (Ok(0.9), Ok(0.05)));
        for wrong in ["0", "1", "100%", "90", "-0.1", "NaN", "much"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
