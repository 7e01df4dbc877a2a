//! The head that every document begins with: version of its shape, kind, provenance.

use schemars::JsonSchema;
use serde::Serialize;

use crate::scenario::Scenario;
use crate::study::{StudyResult, requests_hash};

/// What a document is: the word in `kind`, and the name of its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Kind {
    Summary,
    Comparison,
    Grace,
    Power,
    Plan,
    Levers,
    Sweep,
    Fit,
    Profiles,
    Profile,
    Explain,
    Lint,
}

impl Kind {
    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Summary => "summary",
            Kind::Comparison => "comparison",
            Kind::Grace => "grace",
            Kind::Power => "power",
            Kind::Plan => "plan",
            Kind::Levers => "levers",
            Kind::Sweep => "sweep",
            Kind::Fit => "fit",
            Kind::Profiles => "profiles",
            Kind::Profile => "profile",
            Kind::Explain => "explain",
            Kind::Lint => "lint",
        }
    }

    /// Version of the shape; it grows when a key changes its meaning or its type, or goes.
    pub const fn version(self) -> u32 {
        1
    }
}

/// What a document says beyond its head.
pub(in crate::report) trait Document: Serialize + JsonSchema {
    /// What it is.
    const KIND: Kind;
    /// Where it comes from: of a simulation [`Provenance`], of anything else what it was made of.
    type Provenance: Serialize + JsonSchema;
}

/// A whole document.
#[derive(Serialize, JsonSchema)]
pub(super) struct Whole<P, B> {
    /// Version of the document's shape: a reader of this version can read all documents that have it.
    schema_version: u32,
    /// What the document is.
    kind: &'static str,
    /// Where it comes from.
    provenance: P,
    #[serde(flatten)]
    body: B,
}

/// Where a simulation's results come from. The same provenance gives the same bytes, whatever the machine and its number
/// of threads.
#[derive(Clone, Serialize, JsonSchema)]
pub(in crate::report) struct Provenance {
    /// Version of cutover.
    version: String,
    /// Name of the scenario.
    scenario: String,
    /// SHA-256, in hexadecimal, of the scenario as it was run, with every `--set` and what is in the files that it names.
    scenario_hash: String,
    /// SHA-256, in hexadecimal, of what decides which requests a run meets: two studies of the same seed that share it met the
    /// same requests.
    requests_hash: String,
    /// Seed of all randomness.
    seed: u64,
    /// Runs that the answer rests on: of each variant that it simulates; of a plan, of the candidate that has most.
    runs: u64,
    /// Runs that were asked for or, where a precision was, allowed.
    runs_asked_for: u64,
    /// Whether it was interrupted before all of them were done.
    partial: bool,
}

/// Where a document comes from that no simulation made.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct ProgramProvenance {
    /// Version of cutover.
    version: &'static str,
}

impl ProgramProvenance {
    /// This program.
    pub fn new() -> ProgramProvenance {
        ProgramProvenance { version: env!("CARGO_PKG_VERSION") }
    }
}

impl Provenance {
    /// Of a study.
    pub fn of(result: &StudyResult) -> Provenance {
        Provenance::of_runs(&result.scenario, result.records.len() as u64, result.partial)
    }

    /// Of a single run, which is all that was asked for.
    pub fn of_one_run(scenario: &Scenario) -> Provenance {
        Provenance { runs_asked_for: 1, ..Provenance::of_runs(scenario, 1, false) }
    }

    /// Of so many runs of a scenario, interrupted or not.
    pub fn of_runs(scenario: &Scenario, runs: u64, partial: bool) -> Provenance {
        Provenance {
            version: scenario.read_by.clone(),
            scenario: scenario.name.clone(),
            scenario_hash: scenario.hash.clone(),
            requests_hash: requests_hash(scenario),
            seed: scenario.study.seed,
            runs,
            runs_asked_for: scenario.study.runs,
            partial,
        }
    }
}

/// The text of a document.
pub(in crate::report) fn document<B: Document>(provenance: B::Provenance, body: B) -> String {
    written(&Whole { schema_version: B::KIND.version(), kind: B::KIND.name(), provenance, body })
}

/// Indented JSON that ends in a newline.
pub(in crate::report) fn written(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("plain data becomes JSON") + "\n"
}

/// The word that documents have for one of an enumeration, for tables.
pub(in crate::report) fn word(of: &impl Serialize) -> String {
    serde_json::to_value(of).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
