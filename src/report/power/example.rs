//! Made-up answers for tests: nothing was simulated.

use crate::report::example::scenario;
use crate::scenario::AnalysisMetric;
use crate::study::power::{CanaryPower, Goal, Lever, LeverPower, Measure, Outcomes, Power, Reach, Regression, Stage};
use crate::study::{Estimate, wilson};

/// An answer about slow prompts and about errors, so many sizes of each, with so many canaries and weights.
pub fn power(sizes: usize, canaries: usize, stages: usize) -> Power {
    let list = |unit: &str| (0..sizes).map(|i| format!("{}{unit}", 12 * i)).collect::<Vec<String>>().join(",");
    let mut regressions = vec![
        Regression::parse(&format!("ttft={}", list("%"))).expect("a regression"),
        Regression::parse(&format!("truncation={}", list("m"))).expect("a regression"),
    ];
    for (index, regression) in regressions.iter_mut().enumerate() {
        regression.measure = Some(index);
        for (i, size) in regression.sizes.iter_mut().enumerate() {
            size.version = if i == 0 { 0 } else { index * (sizes - 1) + i };
        }
    }
    let versions = 2 * sizes - 1;
    let name = |canary: usize| match canary {
        0 => "as written (exact and prometheus)".to_owned(),
        other => ["exact", "prometheus", "mann_whitney"][(other - 1) % 3].to_owned(),
    };
    let outcomes = |canary: usize| (0..versions).map(|version| outcomes(canary, version, versions, stages)).collect();
    let canaries = (0..canaries).map(|canary| CanaryPower {
        name: name(canary),
        notes: vec![
            "`cut` stays exact: vLLM has no metric of answers that were cut".to_owned();
            usize::from(canary == 1)
        ],
        outcomes: outcomes(canary),
    });
    let effect = |version: usize, unit: f64| estimate(unit * version as f64, 0.1 * unit);
    Power {
        scenario: scenario(),
        runs: 100,
        partial: false,
        measures: vec![
            Measure { metric: AnalysisMetric::Ttft, quantile: 0.99 },
            Measure { metric: AnalysisMetric::TruncationRate, quantile: 0.0 },
        ],
        regressions,
        effects: (0..versions).map(|version| vec![effect(version, 0.21), effect(version, 0.004)]).collect(),
        stages: (1..=stages as u32).map(|i| Stage { weight: 5 * i, name: format!("{} %", 5 * i) }).collect(),
        canaries: canaries.collect(),
        left_out: Vec::new(),
        goal: Goal { power: 0.9, false_alarm: 0.05, regression: 0, size: sizes / 2 },
        levers: levers(),
    }
}

fn levers() -> Vec<LeverPower> {
    let lever = |what: &str, from: &str, to: &str, power: u64, alarms: u64, verdict| LeverPower {
        lever: Lever { what: what.to_owned(), from: from.to_owned(), to: to.to_owned(), settings: Vec::new() },
        power: share(power),
        false_alarm: share(alarms),
        undecided: share(4),
        verdict,
    };
    vec![
        lever("as written", "", "", 60, 8, Reach::Missed),
        lever("analysis.ttft.window", "5m", "10m", 99, 0, Reach::Reached),
        lever("analysis.ttft.max", "1.6s", "1.44s", 90, 2, Reach::Undecided),
    ]
}

fn estimate(value: f64, half: f64) -> Estimate {
    Estimate { value, interval: Some((value - half, value + half)) }
}

/// So many of a hundred runs.
fn share(successes: u64) -> Estimate {
    Estimate { value: successes as f64 / 100.0, interval: wilson(successes, 100) }
}

fn outcomes(canary: usize, version: usize, versions: usize, stages: usize) -> Outcomes {
    let caught = (100 * (version + canary) / (versions + canary)) as u64;
    Outcomes {
        runs: 100,
        caught: share(caught),
        promoted: share(100 - caught),
        undecided: share(0),
        caught_by: (1..=stages).map(|stage| share(caught * stage as u64 / stages as u64)).collect(),
        detected_p50: if caught == 0 { Estimate { value: f64::NAN, interval: None } } else { estimate(310.0, 20.0) },
        detected_p95: Estimate { value: if caught == 0 { f64::NAN } else { 500.0 }, interval: None },
        exposed_p50: estimate(2_400.0 - caught as f64, 100.0),
        exposed_p95: estimate(2_700.0, 90.0),
        without_data: estimate(0.3, 0.01),
        reason: if caught == 0 { String::new() } else { "step analysis ttft failed".to_owned() },
    }
}
