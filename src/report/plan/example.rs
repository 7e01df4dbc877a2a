//! A made-up plan for the tests of the report and of the charts.

use super::Planned;
use crate::ledger::{METRICS, Metric, RolloutOutcome, RunRecord, SERIES};
use crate::report::example;
use crate::scenario::{Axis, Scenario, Statistic, Tolerance};
use crate::study::plan::{
    Diagnosis, Ending, FailedCheck, Feasibility, Help, Outcome, Probability, Ranked, Rules, Standing,
};
use crate::study::{Estimate, Extent, MetricSummary, evaluate, summarize_runs};

/// A plan of these, its first candidate the scenario as written.
pub fn planned<'a>(scenario: &'a Scenario, axes: &'a [Axis], outcome: &'a Outcome) -> Planned<'a> {
    Planned { scenario, axes, outcome, as_written: Some(0), left_out: &[], repeated: 0, unequal: &[] }
}

/// The choices.
pub fn axes() -> Vec<Axis> {
    let texts = [
        "rollout.strategy=rolling,blue_green",
        "rollout.rolling.max_surge=1,25%",
        "rollout.blue_green.scale_down_delay=30s,5m",
        "termination.grace_period=30s,5m",
        "fleet.gpu_limit=16",
    ];
    texts.iter().map(|text| Axis::parse(text).expect("an axis")).collect()
}

/// The scenario, with a check that some candidates fail.
pub fn scenario() -> Scenario {
    let check = |metric, max| example::check(metric, Statistic::Mean, max, 90);
    let checks = vec![check(Metric::TruncatedAttempts, 0.5), check(Metric::TtftP99, 2.5)];
    Scenario { checks, ..example::scenario() }
}

fn records(runs: u64, cost: f64, cut: f64, minutes: f64) -> Vec<RunRecord> {
    let record = |run: u64| {
        let luck = (run as f64 * 1.7).sin();
        let mut values = vec![0.0; METRICS.len()];
        values[Metric::RolloutCost as usize] = cost + 0.05 * luck;
        values[Metric::Cost as usize] = 36.0 + cost + 0.05 * luck;
        values[Metric::TruncatedAttempts as usize] = (cut * (1.0 + luck)).round();
        values[Metric::RolloutDuration as usize] = 60.0 * minutes * (1.0 + 0.05 * luck);
        values[Metric::PeakGpus as usize] = 9.0;
        values[Metric::TtftP99 as usize] = 1.5;
        values[Metric::Requests as usize] = 1_000.0;
        let outcome = RolloutOutcome::Completed;
        let timeline = vec![0.0; SERIES.len()];
        RunRecord { run, values, outcome, reason: String::new(), timeline, empty_measurements: (0, 0) }
    };
    (0..runs).map(record).collect()
}

/// A candidate whose runs cost, cut and take about so much.
fn ranked(choice: [Option<usize>; 4], standing: Standing, runs: u64, [cost, cut, minutes]: [f64; 3]) -> Ranked {
    let records = records(runs, cost, cut, minutes);
    let sample = scenario();
    let metrics: Vec<MetricSummary> = METRICS.iter().map(|metric| summarize_runs(&sample, *metric, &records)).collect();
    let feasibility = match standing {
        Standing::Breaks(check) => Feasibility::Breaks(check),
        Standing::Open => Feasibility::Undecided,
        _ => Feasibility::Meets,
    };
    let excess = cost - 0.42;
    Ranked {
        assignment: choice.into_iter().chain([Some(0)]).collect(),
        runs,
        checks: scenario().checks.iter().map(|check| evaluate(check, &metrics)).collect(),
        metrics,
        standing,
        feasibility,
        excess: Some(Estimate { value: excess, interval: Some((excess - 0.01, excess + 0.01)) }),
    }
}

/// A race that ended so.
pub fn outcome(ending: Ending) -> Outcome {
    let (some, none) = (|i| Some(i), None);
    let mut candidates = if ending == Ending::NothingMeets {
        vec![
            ranked([some(0), some(0), none, some(0)], Standing::Breaks(0), 40, [0.31, 8.0, 12.0]),
            ranked([some(0), some(1), none, some(1)], Standing::Breaks(0), 40, [0.42, 1.0, 7.0]),
        ]
    } else {
        vec![
            ranked([some(0), some(0), none, some(0)], Standing::Breaks(0), 40, [0.31, 8.0, 12.0]),
            ranked([some(0), some(0), none, some(1)], Standing::Beaten(2, 80), 80, [0.47, 0.0, 13.0]),
            ranked([some(0), some(1), none, some(1)], Standing::Best, 320, [0.42, 0.0, 7.0]),
            ranked([some(1), none, some(0), some(0)], Standing::Beaten(2, 20), 20, [2.1, 0.0, 4.0]),
            ranked([some(1), none, some(0), some(1)], Standing::Open, 320, [0.425, 0.2, 4.0]),
            ranked([some(1), none, some(1), some(1)], Standing::WithinTolerance, 320, [0.421, 0.0, 9.0]),
        ]
    };
    let nothing = ending == Ending::NothingMeets;
    if nothing {
        candidates.iter_mut().for_each(|candidate| candidate.excess = None);
    }
    let diagnosis = Diagnosis {
        failed: vec![FailedCheck { check: 0, candidates: 2 }],
        nearest: Some(1),
        binding: Some(0),
        violation: 1.0,
        help: Some(Help { axis: 3, value: 1, with: 1.0, without: 8.0 }),
    };
    Outcome {
        rules: Rules {
            objective: Metric::RolloutCost,
            tolerance: Tolerance::Share(0.01),
            checks: scenario().checks,
            max_runs: 640,
            extent: Extent::of(&scenario()),
        },
        candidates,
        ending,
        best: (!nothing).then_some(2),
        runner_up: (!nothing).then_some(5),
        tolerance: if nothing { f64::NAN } else { 0.0042 },
        fewest_runs: None,
        confidence: if ending == Ending::Decided { 0.95 } else { 0.618 },
        probability: (!nothing).then_some(Probability { share: 0.987, runs: 320, candidates: 3 }),
        diagnosis: nothing.then_some(diagnosis),
    }
}
