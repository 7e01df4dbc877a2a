//! The arguments of every command.

mod levers;
mod plan;
mod sweep;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint, value_parser};
use clap_complete::Shell;

mod power;
pub use levers::LeversArguments;
pub use plan::PlanArguments;
pub use power::{EstimatorArgument, PowerArguments};
pub use sweep::SweepArguments;
mod grace;

pub use grace::GraceArguments;

/// Greatest number that a scenario file, being TOML, can hold.
const GREATEST: u64 = i64::MAX as u64;

const EXIT_CODES: &str = "\
Exit codes:
  0    all well
  1    a check failed
  2    the scenario or the arguments are wrong; nothing was simulated
  3    inconclusive: a check's bound lies within the interval; more runs may tell
  4    input or output failed
  130  interrupted; what was finished is saved and marked partial";

/// What will this rollout do to our users and to our bill?
///
/// Simulates a fleet of GPU replicas that serve a language model, many times, and reports truncated responses,
/// capacity dips and dollars per million tokens, each with its uncertainty.
#[derive(Debug, Parser)]
#[command(name = "cutover", version, after_help = EXIT_CODES)]
pub struct Arguments {
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
  cutover run scenario.toml --precision truncated_attempts.mean=5%,0.1 --max-runs 20000
  cutover run scenario.toml --events 7 --requests 7")]
    Run(RunArguments),
    /// Simulate scenarios and say whether their checks hold
    #[command(after_help = "\
Examples:
  cutover check scenario.toml
  cutover check scenarios/*.toml --quiet
  cutover check scenario.toml --precision ttft_p99_s.mean=2% --time-budget 60s
  cutover check scenarios/*.toml --lint-only --deny-warnings    errors and warnings alone, in no time

Exit code 0 if every check holds, 1 if one fails, 3 if one is undecided.")]
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
    /// Find out whether the canary would catch a bad version, and spare a good one
    #[command(after_help = "\
Examples:
  cutover power scenario.toml
  cutover power scenario.toml --regression ttft=0%,10%,25%,50%,100% --estimators exact,prometheus
  cutover power scenario.toml --regression error_rate=0%..4%/1% --at 2% --power 0.95 --false-alarm 0.01
  cutover power scenario.toml --regression new_version.output_tokens_factor=1,1.5,2 --curves-only

Sizes: ttft and tpot by how much slower, error_rate as a share of attempts, truncation as the mean time between a
replica's crashes; zero is always among them.
Exit code 0 if the canary as written is shown to reach what is wanted (--power, --false-alarm), 1 if it is shown to miss
it, 3 if the runs do not tell.")]
    Power(PowerArguments),
    /// Find the cheapest rollout that meets the checks
    #[command(after_help = plan::HELP)]
    Plan(PlanArguments),
    /// Turn one lever after another and all that help together: what moves the price of a token?
    #[command(after_help = levers::LEVERS_EXAMPLES)]
    Levers(LeversArguments),
    /// Simulate a scenario at every combination of some settings
    #[command(after_help = sweep::EXAMPLES)]
    Sweep(SweepArguments),
    /// Find out how long the termination grace period must be
    #[command(after_help = "\
Examples:
  cutover grace scenario.toml
  cutover grace scenario.toml --periods 30s,1m,2m,5m --target-probability 0.0001
  cutover grace scenario.toml --periods 30s..3m/15s --target-count 0.01 --runs 5000

Expected numbers and probabilities of cut answers are told far below what counting them could show: see docs/grace.md.
Exit code 0 if a period is shown to be enough, 1 if every one is shown to exceed the target, 3 if the runs do not tell.")]
    Grace(GraceArguments),
    /// Show everything that happens in one run, or what a code of an error or a warning means
    #[command(after_help = "\
Examples:
  cutover explain E0003                                what this error means and how to mend it
  cutover explain codes                                all codes
  cutover explain scenario.toml --run 7
  cutover explain scenario.toml --run 7 --at 22m,30m     the fleet at those times
  cutover explain scenario.toml --run 7 --out run-7    also writes events.csv and requests.csv")]
    Explain(ExplainArguments),
    /// List the hardware profiles that ship, or show one in full
    #[command(after_help = "\
Examples:
  cutover profiles
  cutover profiles h100-llama-3.1-8b-vllm
  cutover profiles h100-llama-3.1-8b-vllm --out profile    also writes profile.json, profile.md and a chart
  cutover profiles --format json | jq '.profiles[] | select(.kind == \"real\").name'

In a scenario: [engine] profile = \"h100-llama-3.1-8b-vllm\"")]
    Profiles(ProfilesArguments),
    /// Fit distributions and an arrival process to a recorded trace
    #[command(after_help = "\
Examples:
  cutover fit trace.csv.gz
  cutover fit AzureLLMInferenceTrace_conv.csv --format md > conv.md
  cutover fit conversation_trace.jsonl --format json | jq -r .toml > traffic.toml

A trace has the columns arrival_s,prompt_tokens,output_tokens, or comes as Azure's or Mooncake's public traces do:
CSV or JSON Lines, plain or gzip.")]
    Fit(FitArguments),
    /// Write a commented scenario to start from
    #[command(after_help = "\
Examples:
  cutover init
  cutover init my-model.toml")]
    Init(InitArguments),
    /// Print a completion script for a shell
    #[command(after_help = "\
Examples:
  cutover completions bash > ~/.local/share/bash-completion/completions/cutover")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// A setting of the scenario, `KEY=VALUE`, and the argument that gave it, for messages.
#[derive(Clone, Debug)]
pub struct Given {
    /// What is set.
    pub setting: String,
    /// What was typed: `--runs 5`.
    pub argument: String,
}

impl Given {
    /// A setting that follows its option.
    pub fn by(option: &str, setting: &str) -> Given {
        Given { setting: setting.to_owned(), argument: format!("{option} {setting}") }
    }
}

/// What every command that simulates takes.
#[derive(Debug, Args)]
pub struct Simulating {
    /// Set a key of the scenario by its dotted path, as TOML; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Number of runs, instead of the scenario's
    #[arg(long, value_parser = value_parser!(u64).range(1..=GREATEST))]
    pub runs: Option<u64>,
    /// Seed, instead of the scenario's
    #[arg(long, value_parser = value_parser!(u64).range(0..=GREATEST))]
    pub seed: Option<u64>,
    /// Threads; all processors if left out. Results do not depend on it
    #[arg(long, value_parser = value_parser!(u16).range(1..=4096))]
    pub threads: Option<u16>,
    /// Directory for results; output/NAME-OF-THE-FILE if left out
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// What to print on standard output: text, json or md
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub format: Format,
    /// Neither progress nor timing nor warnings on standard error
    #[arg(long, short)]
    pub quiet: bool,
}

impl Simulating {
    /// Every setting that changes the scenario, `--runs` and `--seed` among them so that its hash tells of them.
    pub fn given(&self) -> Vec<Given> {
        let of = |setting: String, argument: String| Given { setting, argument };
        let mut given: Vec<Given> = self.set.iter().map(|setting| Given::by("--set", setting)).collect();
        given.extend(self.runs.map(|runs| of(format!("study.runs={runs}"), format!("--runs {runs}"))));
        given.extend(self.seed.map(|seed| of(format!("study.seed={seed}"), format!("--seed {seed}"))));
        given
    }

    /// The same without the arguments.
    pub fn settings(&self) -> Vec<String> {
        self.given().into_iter().map(|given| given.setting).collect()
    }

    /// Threads to use; `None`: one for each core.
    pub fn threads(&self) -> Option<usize> {
        self.threads.map(usize::from)
    }
}

/// What to print on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A summary for a terminal
    Text,
    /// One JSON document
    Json,
    /// Markdown
    Md,
}

/// How precise a study is to be.
#[derive(Debug, Args)]
pub struct Precise {
    /// Add runs until the 95 % interval is so narrow: METRIC.STATISTIC=5% (of the estimate), =0.2 (in its unit) or
    /// =5%,0.2 (whichever is wider); may be repeated
    #[arg(long, value_name = "MEASURE=WIDTH")]
    pub precision: Vec<String>,
    /// With --precision, the greatest number of runs; 16 times the first if left out
    #[arg(long, value_name = "RUNS", requires = "precision", value_parser = value_parser!(u64).range(1..=GREATEST))]
    pub max_runs: Option<u64>,
    /// With --precision, stop adding runs after this time, such as 60s
    #[arg(long, value_name = "TIME", requires = "precision")]
    pub time_budget: Option<String>,
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
    /// What every command that simulates takes.
    #[command(flatten)]
    pub simulating: Simulating,
}

/// `profiles`.
#[derive(Debug, Args)]
pub struct ProfilesArguments {
    /// The profile to show; all are listed if left out. A part of a name will do where it is clear
    pub name: Option<String>,
    /// What to print on standard output: text, json or md
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub format: Format,
    /// Directory for profile.json, profile.md and charts/profile.png; nothing is written if left out
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "name")]
    pub out: Option<PathBuf>,
    /// Nothing on standard error but errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// `fit`.
#[derive(Debug, Args)]
pub struct FitArguments {
    /// The trace's file
    #[arg(value_hint = ValueHint::FilePath)]
    pub trace: PathBuf,
    /// Directory for results; output/NAME-OF-THE-FILE if left out
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// What to print on standard output: text, json or md
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub format: Format,
    /// Nothing on standard error but errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// The file to write; it must not exist
    #[arg(default_value = "scenario.toml", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn impossible_numbers_are_refused() {
        for wrong in ["--runs 0", "--threads 0", "--seed -1", "--runs 1.5", "--format xml", "--bogus"] {
            let line = format!("cutover run a.toml {wrong}");
            assert!(Arguments::try_parse_from(line.split(' ')).is_err(), "{wrong}");
        }
    }
}
