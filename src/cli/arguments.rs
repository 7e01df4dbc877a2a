//! The arguments of every command: those of `run` and the smaller commands here, the others in files of their own.

#![allow(rustdoc::broken_intra_doc_links, reason = "help puts defaults and tables of a scenario in brackets")]

mod grace;
mod init;
mod levers;
mod plan;
mod power;
mod report;
mod schema;
mod shared;
mod sweep;

use std::path::PathBuf;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

pub use grace::GraceArguments;
pub use init::{InitArguments, StrategyArgument};
pub use levers::LeversArguments;
pub use plan::PlanArguments;
pub use power::{EstimatorArgument, PowerArguments};
pub use report::ReportArguments;
pub use schema::SchemaArguments;
use shared::OUTPUT;
pub use shared::{FailOnArgument, Format, Gate, Given, Precise, Printing, Simulating, StudyFormat, StudyPrinting};
pub use sweep::SweepArguments;

/// Heading of the options on how text looks.
const TERMINAL: &str = "Terminal";

const AFTER_HELP: &str = "\
Text fills the terminal, from 60 columns to 160; elsewhere 100, or what COLUMNS says.

Examples:
  cutover init scenario.toml
  cutover run scenario.toml
  cutover explain scenario.toml --run 7

Exit codes:
  0    all well
  1    a check failed
  2    the scenario or the arguments are wrong; nothing was simulated
  3    inconclusive: an interval holds the bound; more runs may tell
  4    input or output failed
  130  interrupted; what was finished is saved and marked partial";

/// What will this rollout do to our users and to our bill?
///
/// Simulates a fleet of GPU replicas that serve a language model, many times, and reports truncated responses,
/// capacity dips and dollars per million tokens, each with its uncertainty.
#[derive(Debug, Parser)]
#[command(name = "cutover", version, after_help = AFTER_HELP)]
pub struct Arguments {
    /// Colour: auto (on terminals, unless NO_COLOR is set; anywhere if CLICOLOR_FORCE is), always or never
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t = ColorChoice::Auto)]
    #[arg(hide_possible_values = true, help_heading = TERMINAL)]
    pub color: ColorChoice,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Simulate a scenario and report what its rollout does
    #[command(after_help = "\
Examples:
  cutover run scenario.toml
  cutover run scenario.toml --runs 200 --set 'termination.grace_period=\"2m\"'
  cutover run scenario.toml --format json | jq .metrics.truncated_attempts.mean
  cutover run scenario.toml --precision truncated_attempts.mean=5%,0.1 \\
      --max-runs 20000
  cutover run scenario.toml --events 7 --requests 7")]
    Run(RunArguments),
    /// Simulate scenarios and say whether their checks hold
    #[command(after_help = "\
Examples:
  cutover check scenario.toml
  cutover check scenarios/*.toml --quiet
  cutover check scenario.toml --precision ttft_p99_s.mean=2% --time-budget 60s
  cutover check scenario.toml --baseline main/summary.json    # what changed since main
  cutover check scenario.toml --baseline main --fail-on worse,warn    # and fail where it got worse
  cutover check scenario.toml --format github,junit    # annotations, and junit.xml
  cutover check scenario.toml --format md > comment.md    # for a pull request
  cutover check scenarios/*.toml --lint-only --deny-warnings    # errors and warnings alone, in no time

Exit code 0 if every check holds, 1 if one fails, 3 if one is undecided. A [[check]] with severity = \"warn\" changes it
only with --fail-on warn. Pipelines to copy: docs/ci.md.")]
    Check(CheckArguments),
    /// Compare scenarios run by run, on the same requests
    #[command(after_help = "\
Examples:
  cutover compare before.toml after.toml
  cutover compare rolling.toml blue-green.toml canary.toml
  cutover compare scenario.toml --variant rollout.strategy=none
  cutover compare scenario.toml --variant termination.grace_period=2m \\
      --variant termination.grace_period=5m,fleet.replicas=9")]
    Compare(CompareArguments),
    /// Would the canary catch a bad version, and spare a good one?
    #[command(after_help = "\
Examples:
  cutover power scenario.toml
  cutover power scenario.toml --regression ttft=0%,10%,25%,50%,100% \\
      --estimators exact,prometheus
  cutover power scenario.toml --regression error_rate=0%..4%/1% --at 2% \\
      --power 0.95 --false-alarm 0.01
  cutover power scenario.toml --curves-only \\
      --regression new_version.output_tokens_factor=1,1.5,2

Sizes: ttft and tpot by how much slower, error_rate as a share of attempts, truncation as the mean time between a
replica's crashes; zero is always among them.
Exit code 0 if the canary as written is shown to reach what is wanted (--power, --false-alarm), 1 if it is shown to miss
it, 3 if the runs do not tell.")]
    Power(PowerArguments),
    /// Which rollout is cheapest and meets the checks?
    #[command(after_help = plan::HELP)]
    Plan(PlanArguments),
    /// What moves the price of a token? One lever after another
    #[command(after_help = levers::LEVERS_EXAMPLES)]
    Levers(LeversArguments),
    /// Simulate a scenario at every combination of some settings
    #[command(after_help = sweep::EXAMPLES)]
    Sweep(SweepArguments),
    /// How long must the termination grace period be?
    #[command(after_help = "\
Examples:
  cutover grace scenario.toml
  cutover grace scenario.toml --periods 30s,1m,2m,5m --target-probability 0.0001
  cutover grace scenario.toml --periods 30s..3m/15s --target-count 0.01 \\
      --runs 5000

Expected numbers and probabilities of cut answers are told far below what counting them could show: see docs/grace.md.
Exit code 0 if a period is shown to be enough, 1 if every one is shown to exceed the target, 3 if the runs do not tell.")]
    Grace(GraceArguments),
    /// Show one run: what was decided and why; or what a code means
    #[command(after_help = "\
Examples:
  cutover explain scenario.toml --run 7
  cutover explain scenario.toml --run 7 --at 22m,30m    # the fleet at those times
  cutover explain scenario.toml --run 7 --out run-7    # also events.csv, requests.csv
  cutover explain E0003    # what this error means and how to mend it
  cutover explain codes    # all of them")]
    Explain(ExplainArguments),
    /// List the hardware profiles that ship, or show one in full
    #[command(after_help = "\
Examples:
  cutover profiles
  cutover profiles h100-llama-3.1-8b-vllm
  cutover profiles h100-llama-3.1-8b-vllm --out profile    # and a chart
  cutover profiles --format json \\
      | jq '.profiles[] | select(.kind == \"real\").name'

In a scenario: [engine] profile = \"h100-llama-3.1-8b-vllm\"")]
    Profiles(ProfilesArguments),
    /// Fit distributions and an arrival process to a recorded trace
    #[command(after_help = "\
Examples:
  cutover fit trace.csv.gz
  cutover fit AzureLLMInferenceTrace_conv.csv --format md > conv.md
  cutover fit conversation_trace.jsonl --format json \\
      | jq -r .toml > traffic.toml

A trace has the columns arrival_s,prompt_tokens,output_tokens, or comes as Azure's or Mooncake's public traces do:
CSV or JSON Lines, plain or gzip.")]
    Fit(FitArguments),
    /// Render saved results again, without simulating
    #[command(after_help = report::EXAMPLES)]
    Report(ReportArguments),
    /// Write a commented scenario to start from
    #[command(after_help = init::INIT_EXAMPLES)]
    Init(InitArguments),
    /// Print a scenario's JSON Schema, or tell what one key means
    #[command(after_help = schema::SCHEMA_EXAMPLES)]
    Schema(SchemaArguments),
    /// Print a script with which a shell completes commands and files
    #[command(after_help = "\
Examples:
  cutover completions bash > ~/.local/share/bash-completion/completions/cutover
  cutover completions zsh > ~/.zfunc/_cutover
  cutover completions fish > ~/.config/fish/completions/cutover.fish
  cutover completions elvish > ~/.config/elvish/lib/cutover.elv
  cutover completions powershell > cutover.ps1

Then open a new shell. zsh reads ~/.zfunc with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc; elvish needs `use cutover`
in ~/.config/elvish/rc.elv, PowerShell `. /path/to/cutover.ps1` in its $PROFILE. Write the script anew after an update.")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write one for each command
    #[command(after_help = "\
Examples:
  cutover man | man -l -
  cutover man --out ~/.local/share/man/man1    # then: man cutover-run")]
    Man(ManArguments),
}

/// `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// The scenario's file
    #[arg(value_hint = ValueHint::FilePath)]
    pub scenario: PathBuf,
    /// Also write events.csv: everything that happened in this run
    #[arg(long, value_name = "RUN")]
    pub events: Option<u64>,
    /// Also write requests.csv: every attempt of this run
    #[arg(long, value_name = "RUN")]
    pub requests: Option<u64>,
    /// How precise it is to be.
    #[command(flatten)]
    pub precise: Precise,
    /// What is printed.
    #[command(flatten)]
    pub printing: StudyPrinting,
    /// What every command that simulates takes.
    #[command(flatten)]
    pub simulating: Simulating,
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The scenarios' files
    #[arg(required = true, value_hint = ValueHint::FilePath)]
    pub scenarios: Vec<PathBuf>,
    /// Only say what is wrong or unwise; nothing is simulated or written
    #[arg(long, conflicts_with_all = ["precision", "out"])]
    pub lint_only: bool,
    /// With --lint-only, warnings fail too (exit code 1)
    #[arg(long, requires = "lint_only")]
    pub deny_warnings: bool,
    /// How precise each is to be.
    #[command(flatten)]
    pub precise: Precise,
    /// What it compares with, and what fails it.
    #[command(flatten)]
    pub gate: Gate,
    /// What is printed.
    #[command(flatten)]
    pub printing: StudyPrinting,
    /// What every command that simulates takes.
    #[command(flatten)]
    pub simulating: Simulating,
}

/// `compare`.
#[derive(Debug, Args)]
pub struct CompareArguments {
    /// The scenarios' files: the first is what the others are compared with
    #[arg(required = true, value_name = "SCENARIO", value_hint = ValueHint::FilePath)]
    pub scenarios: Vec<PathBuf>,
    /// Compare also with the first scenario under these settings, several separated by commas; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub variant: Vec<String>,
    /// Set a key of the second scenario only, or of a variant of the only one; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set_b: Vec<String>,
    /// What is printed.
    #[command(flatten)]
    pub printing: Printing,
    /// What every command that simulates takes.
    #[command(flatten)]
    pub simulating: Simulating,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The scenario's file; or a code such as E0003 or W0201; or "codes", which lists them
    #[arg(value_hint = ValueHint::FilePath)]
    pub scenario: PathBuf,
    /// Number of the run, from 0
    #[arg(long, default_value_t = 0)]
    pub run: u64,
    /// Show the fleet at this time from time zero, such as 25m; several may be given [the rollout's turns]
    #[arg(long, value_name = "TIME", value_delimiter = ',')]
    pub at: Vec<String>,
    /// List every event too
    #[arg(long = "events")]
    pub every_event: bool,
    /// What is printed.
    #[command(flatten)]
    pub printing: Printing,
    /// What every command that simulates takes.
    #[command(flatten)]
    pub simulating: Simulating,
}

/// `profiles`.
#[derive(Debug, Args)]
pub struct ProfilesArguments {
    /// The profile to show; all are listed if left out. A part of a name will do where it is clear
    pub name: Option<String>,
    /// What is printed.
    #[command(flatten)]
    pub printing: Printing,
    /// Directory for profile.json, profile.md and charts/profile.png; nothing is written if left out
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "name", help_heading = OUTPUT)]
    pub out: Option<PathBuf>,
    /// Nothing on standard error but errors
    #[arg(long, short, help_heading = OUTPUT)]
    pub quiet: bool,
}

/// `fit`.
#[derive(Debug, Args)]
pub struct FitArguments {
    /// The trace's file
    #[arg(value_hint = ValueHint::FilePath)]
    pub trace: PathBuf,
    /// Directory for results; output/NAME-OF-THE-FILE if left out
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = OUTPUT)]
    pub out: Option<PathBuf>,
    /// What is printed.
    #[command(flatten)]
    pub printing: Printing,
    /// Nothing on standard error but errors
    #[arg(long, short, help_heading = OUTPUT)]
    pub quiet: bool,
}

/// `man`.
#[derive(Debug, Args)]
pub struct ManArguments {
    /// Directory for cutover.1, cutover-run.1 and so on; the first is printed if left out
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = OUTPUT)]
    pub out: Option<PathBuf>,
    /// Nothing on standard error but errors
    #[arg(long, short, help_heading = OUTPUT)]
    pub quiet: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::FailOn;
    use clap::CommandFactory;

    #[test]
    fn the_definition_of_the_arguments_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn runs_and_seed_are_settings_that_win() {
        let line = "cutover run a.toml --runs 5 --set study.runs=9 --seed 3".split(' ');
        let Some(Command::Run(run)) = Arguments::try_parse_from(line).unwrap().command else {
            panic!("not a run");
        };
        assert_eq!(run.simulating.settings(), ["study.runs=9", "study.runs=5", "study.seed=3"]);
    }

    #[test]
    fn lists_are_read_and_impossible_values_refused() {
        let formats = |line: &str| match Arguments::try_parse_from(line.split(' ')).unwrap().command {
            Some(Command::Check(check)) => (check.printing.format, check.gate.fail_on()),
            _ => panic!("no check"),
        };
        assert_eq!(formats("cutover check a.toml").0, [StudyFormat::Text]);
        let (forms, fail_on) = formats("cutover check a.toml --format github,junit --fail-on warn --fail-on worse");
        assert_eq!(forms, [StudyFormat::Github, StudyFormat::Junit]);
        assert_eq!(fail_on, FailOn { warn: true, worse: true });
        for wrong in ["--runs 0", "--threads 0", "--seed -1", "--runs 1.5", "--format xml", "--bogus"] {
            let line = format!("cutover run a.toml {wrong}");
            assert!(Arguments::try_parse_from(line.split(' ')).is_err(), "{wrong}");
        }
    }
}
