//! The arguments of `report`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{Gate, StudyPrinting};
use crate::report::saved::KINDS;

/// How it is used.
pub const EXAMPLES: &str = "\
Examples:
  cutover report output/scenario    # what `cutover run scenario.toml` printed
  cutover report output/scenario --format md > comment.md
  cutover report output/scenario --format json \\
      | jq .metrics.truncated_attempts.mean
  cutover report artifact --check --format github \\
      --scenario scenarios/scenario.toml
  cutover report artifact --check --baseline main/summary.json --format md
  cutover report artifact --out rendered    # every file and chart again, in another directory
  cutover report output/scenario/as-written    # the study beside an answer, or a comparison's a, b, ...
  cutover report output/scenario --only grace    # one of several results that lie in one directory

It reads what the commands that simulate leave as study.saved, comparison.saved, grace.saved and so on: see
docs/results.md. Exit codes are those of the command that simulated: 0 if its checks held, 1 if one failed, 3 if one is
undecided, 130 if it was interrupted; 4 if there is no saved result, or it is damaged or of another version.";

/// `report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// A directory of results, or one saved result in it, such as output/scenario/study.saved
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: PathBuf,
    /// Which of several results: study, comparison, grace, power, plan, levers or sweep; all if left out
    #[arg(long, value_name = "NAME", value_parser = KINDS, hide_possible_values = true)]
    pub only: Option<String>,
    /// Show a study as `check` does, rather than as `run` does: what the gate says of it
    #[arg(long)]
    pub check: bool,
    /// Where the study's scenario lies, for annotations at its lines and the names of its test cases; the directory's name
    /// and .toml if left out
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub scenario: Option<PathBuf>,
    /// With --check, what it is compared with, and what fails it.
    #[command(flatten)]
    pub gate: Gate,
    /// What is printed.
    #[command(flatten)]
    pub printing: StudyPrinting,
    /// Also write every file and chart again, into this directory; it may be the same one
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Nothing on standard error but errors
    #[arg(long, short)]
    pub quiet: bool,
}
