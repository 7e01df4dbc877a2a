//! Arguments that several commands take: what changes a study, what is printed, what fails a pipeline.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint, value_parser};

use crate::study::FailOn;

/// Greatest number that a scenario file, being TOML, can hold.
const GREATEST: u64 = i64::MAX as u64;

/// Heading of the options that change what is simulated, and how much of it.
const SIMULATION: &str = "Simulation";
/// Heading of the options that say where results go.
pub(super) const OUTPUT: &str = "Output";

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
    #[arg(long, value_name = "KEY=VALUE", help_heading = SIMULATION)]
    pub set: Vec<String>,
    /// Number of runs, instead of the scenario's
    #[arg(long, value_parser = value_parser!(u64).range(1..=GREATEST), help_heading = SIMULATION)]
    pub runs: Option<u64>,
    /// Seed, instead of the scenario's
    #[arg(long, value_parser = value_parser!(u64).range(0..=GREATEST), help_heading = SIMULATION)]
    pub seed: Option<u64>,
    /// Threads; all processors if left out. Results do not depend on it
    #[arg(long, value_parser = value_parser!(u16).range(1..=4096), help_heading = SIMULATION)]
    pub threads: Option<u16>,
    /// Directory for results; output/NAME-OF-THE-FILE if left out
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = OUTPUT)]
    pub out: Option<PathBuf>,
    /// Neither progress nor timing nor warnings on standard error
    #[arg(long, short, help_heading = OUTPUT)]
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

/// What every command that answers a question of its own takes.
#[derive(Debug, Args)]
pub struct Printing {
    /// What to print on standard output: text, json or md
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub format: Format,
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

/// What `run`, `check` and `report` take instead.
#[derive(Debug, Args)]
pub struct StudyPrinting {
    /// Forms of the report: text, json, md, junit, github, html; several separated by commas. The first goes to standard
    /// output; junit is also written to junit.xml, and html to report.html alone, where files are written
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT,...",
        value_delimiter = ',',
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Vec<StudyFormat>,
}

/// A form of a study's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StudyFormat {
    /// A summary for a terminal
    Text,
    /// One JSON document
    Json,
    /// Markdown: of `run` the long page, of `check` the comment for a pull request
    Md,
    /// JUnit XML, as test reports are read by GitLab, Jenkins and actions of GitHub
    Junit,
    /// Annotations of GitHub Actions at the lines of the scenario
    Github,
    /// One page for a browser, written to report.html; standard output has the next form, or the summary. Where no files
    /// are written, as by `report` without --out, standard output has the page
    Html,
}

/// What `check` compares with, and what fails it.
#[derive(Debug, Args)]
pub struct Gate {
    /// Say what changed since this earlier study, beyond noise: its summary.json, or the directory of its results; for
    /// several scenarios the directory that holds one of each name
    #[arg(long, value_name = "PLACE", value_hint = ValueHint::AnyPath)]
    pub baseline: Option<PathBuf>,
    /// Go on where there is no baseline yet, or only one of another version's shape
    #[arg(long, requires = "baseline")]
    pub baseline_optional: bool,
    /// What else fails the gate: warn (checks that only warn count too), worse (a headline metric got worse since the
    /// baseline, beyond noise and by at least 1 %); both separated by a comma
    #[arg(long, value_enum, value_name = "WHAT,...", value_delimiter = ',', hide_possible_values = true)]
    pub fail_on: Vec<FailOnArgument>,
}

impl Gate {
    /// What fails the gate beside a promise that is broken.
    pub fn fail_on(&self) -> FailOn {
        let is_asked = |what| self.fail_on.contains(&what);
        FailOn { warn: is_asked(FailOnArgument::Warn), worse: is_asked(FailOnArgument::Worse) }
    }
}

/// What may fail the gate beside a promise that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOnArgument {
    /// A check that only warns
    Warn,
    /// A headline metric that got worse
    Worse,
}

/// How precise a study is to be.
#[derive(Debug, Args)]
pub struct Precise {
    /// Add runs until the 95 % interval is so narrow: METRIC.STATISTIC=5% (of the estimate), =0.2 (in its unit) or
    /// =5%,0.2 (whichever is wider); may be repeated
    #[arg(long, value_name = "MEASURE=WIDTH", help_heading = SIMULATION)]
    pub precision: Vec<String>,
    /// With --precision, the greatest number of runs; 16 times the first if left out
    #[arg(long, value_name = "RUNS", requires = "precision", value_parser = value_parser!(u64).range(1..=GREATEST))]
    #[arg(help_heading = SIMULATION)]
    pub max_runs: Option<u64>,
    /// With --precision, stop adding runs after this time, such as 60s
    #[arg(long, value_name = "TIME", requires = "precision", help_heading = SIMULATION)]
    pub time_budget: Option<String>,
}
