//! Our rollout controllers against what the real ones did: whole rollouts of Kubernetes' Deployment and of Argo Rollouts'
//! canary and blue-green, whole AnalysisRuns, and single decisions. What was recorded, and how, is told in
//! `tests/data/rollout/README.md`.
//!
//! The environment variable `CUTOVER_TRUTH` names another directory with files of the same names. What is not there is
//! said and left out. A case that uses what a scenario cannot name counts as not agreeing, and is named with the reason;
//! any other that differs fails its test.

use std::io::{Read, Write};
use std::path::PathBuf;

use serde_json::Value;

mod analysis_runs;
mod argo;
mod harness;
mod kubernetes;
mod prometheus;
mod promql;
mod tables;

/// Where the recordings are.
pub(crate) fn directory() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/rollout");
    std::env::var_os("CUTOVER_TRUTH").map_or(own, PathBuf::from)
}

/// Where the tables of the projects' own tests may be, which are not ours to copy.
pub(crate) fn directory_of_tables() -> PathBuf {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/rollout");
    std::env::var_os("CUTOVER_TRUTH").map_or(beside, PathBuf::from)
}

/// The text of a recording, packed (`.gz`) or not; `None`, said aloud for `what`, if there is no such file.
pub(crate) fn text(directory: PathBuf, name: &str, what: &str) -> Option<String> {
    let path = directory.join(name);
    if !path.is_file() {
        say(&format!("{what}: nothing compared, {name} is absent\n"));
        return None;
    }
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    if name.ends_with(".gz") {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("packed text");
    } else {
        text = String::from_utf8(bytes).expect("UTF-8");
    }
    Some(text)
}

/// The cases of a file with one to a line, by name; none if it is absent.
pub(crate) fn cases(name: &str, what: &str) -> Vec<Value> {
    let text = text(directory(), name, what).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// How a case went.
pub(crate) enum Verdict {
    /// Ours did what was recorded.
    Agrees,
    /// It uses what a scenario cannot name.
    NotCovered(String),
    /// The first difference.
    Differs(String),
}

impl From<Option<String>> for Verdict {
    fn from(difference: Option<String>) -> Verdict {
        difference.map_or(Verdict::Agrees, Verdict::Differs)
    }
}

/// Says how many cases agree and which are not covered; panics with those that differ.
pub(crate) fn conclude(what: &str, verdicts: &[(String, Verdict)]) {
    if verdicts.is_empty() {
        return;
    }
    let (mut report, mut differing, mut agreeing) = (String::new(), Vec::new(), 0);
    for (name, verdict) in verdicts {
        match verdict {
            Verdict::Agrees => agreeing += 1,
            Verdict::NotCovered(reason) => report.push_str(&format!("{what}: {name} is not covered: {reason}\n")),
            Verdict::Differs(difference) => differing.push(format!("{name}: {difference}")),
        }
    }
    say(&format!("{report}{what}: {agreeing} of {} agree\n", verdicts.len()));
    assert!(differing.is_empty(), "{} {what} differ\n{}", differing.len(), differing.join("\n"));
}

/// Prints past the test harness, which would keep it to itself.
pub(crate) fn say(lines: &str) {
    std::io::stdout().write_all(lines.as_bytes()).expect("somebody listens");
}
