//! The arguments of `sweep`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{Printing, Simulating};
use crate::scenario::Axis;
use crate::study::Measure;

/// Shown after the help.
pub const EXAMPLES: &str = "\
Examples:
  cutover sweep scenario.toml --vary termination.grace_period=30s,60s,2m,5m
  cutover sweep scenario.toml --vary rollout.rolling.max_surge=1,25%,50% \\
      --vary fleet.gpu_limit=9..12/1
  cutover sweep scenario.toml --vary 'traffic.arrivals.rate=5..40*2' \\
      --metric ttft_p99_s.p95 --metric cost_usd

Every combination of the values is a point. All points meet the same requests. Points that are finished are kept in
the directory of results: the same command goes on where an interrupted one stopped, and a grid that has grown only
simulates what is new.
Exit code 0 whatever the checks say, 2 if something is wrong, 130 after Ctrl-C, with the points that are done.";

/// `sweep`.
#[derive(Debug, Args)]
pub struct SweepArguments {
    /// The scenario's file
    #[arg(value_hint = ValueHint::FilePath)]
    pub scenario: PathBuf,
    /// A key and its values: 30s,60s or a range, 30s..5m/30s in steps, 1..64*2 by factors; once for each axis
    #[arg(long, value_name = "KEY=VALUES", required = true, value_parser = Axis::parse)]
    pub vary: Vec<Axis>,
    /// What tables and charts show, such as ttft_p99_s.p95, the mean without statistic; may be repeated [what the checks are about]
    #[arg(long, value_name = "METRIC.STATISTIC", value_parser = Measure::parse)]
    pub metric: Vec<Measure>,
    /// Simulate every point anew, whatever an earlier sweep left in the directory
    #[arg(long)]
    pub fresh: bool,
    /// What is printed.
    #[command(flatten)]
    pub printing: Printing,
    /// What every command that simulates takes.
    #[command(flatten)]
    pub simulating: Simulating,
}

#[cfg(test)]
mod tests {
    use crate::cli::arguments::{Arguments, Command};
    use clap::Parser;

    #[test]
    fn axes_and_metrics_are_read_in_their_order() {
        let line =
            "cutover sweep a.toml --vary fleet.replicas=4..8/2 --vary a=1,2 --metric cost_usd --metric ttft_p99_s.p95";
        let Some(Command::Sweep(sweep)) = Arguments::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("not a sweep");
        };
        assert_eq!(sweep.vary[0].values, ["4", "6", "8"]);
        assert_eq!(sweep.vary[1].key, "a");
        assert_eq!(
            sweep.metric.iter().map(|metric| metric.name()).collect::<Vec<_>>(),
            ["cost_usd.mean", "ttft_p99_s.p95"]
        );
    }

    #[test]
    fn wrong_axes_and_metrics_are_refused_with_what_was_expected() {
        for (wrong, said) in [
            ("", "--vary <KEY=VALUES>"),
            ("--vary fleet.replicas", "expected KEY=VALUES"),
            ("--vary fleet.replicas=1,1", "stands twice"),
            ("--vary a=1 --metric cost", "did you mean `cost_usd`?"),
        ] {
            let line = format!("cutover sweep a.toml {wrong}");
            let error = Arguments::try_parse_from(line.split_whitespace()).unwrap_err().to_string();
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }
}
