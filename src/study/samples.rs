//! Scenarios, records and studies for this module's tests.

use std::path::Path;

use super::result::{Facts, StudyResult};
use super::summary::summarize;
use crate::ledger::{METRICS, Metric, Pooled, RolloutOutcome, RunRecord, SERIES};
use crate::scenario::{Check, Scenario, Statistic, parse};

/// A run whose rollout completed and was not aborted, with these values and zero for every other metric.
pub fn record(run: u64, values: &[(Metric, f64)]) -> RunRecord {
    let mut record = RunRecord {
        run,
        values: vec![0.0; METRICS.len()],
        outcome: RolloutOutcome::Completed,
        reason: String::new(),
        timeline: vec![0.0; SERIES.len()],
        empty_measurements: (0, 0),
    };
    record.values[Metric::TimeToDetect as usize] = f64::NAN;
    for (metric, value) in values {
        record.values[*metric as usize] = *value;
    }
    record
}

/// A check that fails the study where its bounds do not hold.
pub fn check(metric: Metric, statistic: Statistic, min: Option<f64>, max: Option<f64>) -> Check {
    Check {
        metric: metric.name().to_owned(),
        statistic,
        min,
        max,
        severity: Default::default(),
        description: None,
        line: 1,
    }
}

/// A study of these runs with a timeline of one bin.
pub fn study(records: Vec<RunRecord>) -> StudyResult {
    summarize(scenario(records.len() as u64), facts(), records, Pooled::new(1), false)
}

/// Facts that no statistic reads.
pub fn facts() -> Facts {
    Facts {
        saturated_rate: 2_000.0,
        saturated_batch: 64.0,
        mean_prompt_tokens: 800.0,
        mean_output_tokens: 250.0,
        mean_rate: 6.0,
    }
}

/// A scenario of so many runs, with 30 s of grace, 5 s of preStop and a server that drains.
pub fn scenario(runs: u64) -> Scenario {
    let text = r#"
        name = "sample"
        [study]
        seed = 1
        duration = "10s"
        timeline_bin = "10s"
        [traffic]
        arrivals = { process = "poisson", rate = 6.0 }
        prompt_tokens = 800
        output_tokens = 250
        [fleet]
        replicas = 8
        gpu_hour_usd = 3.0
        [engine]
        max_num_seqs = 256
        max_num_batched_tokens = 8192
        kv_cache_tokens = 400000
        step_time = { base = "8ms", per_sequence = "50us" }
        [termination]
        grace_period = "30s"
        pre_stop = "5s"
        on_sigterm = "drain"
        [rollout]
        strategy = "none"
    "#;
    let mut scenario = parse(text, "sample.toml", Path::new(""), &[], &[]).expect("the sample is sound");
    // Set here, not in the text, so that a sample may have no runs at all.
    scenario.study.runs = runs;
    scenario
}
