//! What several test files need: scenarios from text, and studies of them; the program run in a directory.

#![allow(dead_code, reason = "each test file uses its own part")]

pub mod interrupt;
pub mod place;
pub mod small;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use cutover::ledger::{METRICS, Metric};
use cutover::scenario::{self, Scenario};
use cutover::simulation::Prepared;
use cutover::study::{self, StudyResult};

/// The scenario of a TOML text, with `sets` applied as by `--set`.
pub fn scenario(text: &str, sets: &[&str]) -> Scenario {
    scenario_in(Path::new("."), text, sets)
}

/// The same of a scenario that names files beside it, in `directory`.
pub fn scenario_in(directory: &Path, text: &str, sets: &[&str]) -> Scenario {
    let metrics: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    scenario::parse(text, "test.toml", directory, &sets, &metrics).unwrap_or_else(|error| panic!("{error}"))
}

/// The study of a TOML text.
pub fn study(text: &str, sets: &[&str]) -> StudyResult {
    study::run(scenario(text, sets), None, &|_| {}, &AtomicBool::new(false))
}

/// A scenario made ready for single runs.
pub fn prepared(text: &str, sets: &[&str]) -> Prepared {
    Prepared::new(scenario(text, sets))
}

/// A metric's value in every run, in order.
pub fn values(result: &StudyResult, metric: Metric) -> Vec<f64> {
    result.records.iter().map(|record| record.value(metric)).collect()
}

/// Mean and its standard error.
pub fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}
