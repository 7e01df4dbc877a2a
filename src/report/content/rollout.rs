//! The section on the rollout: how it ended and why, whom it exposed, what analyses and their estimators did.

use super::{Block, Section, any, mean, mean_count};
use crate::ledger::{Metric, RolloutOutcome};
use crate::report::format::{Quantity, counted, counted_estimate, estimate, value};
use crate::report::layout::glued;
use crate::scenario::{Analysis, CanaryStep, Estimator, FlaggerWeights, Scenario, Strategy};
use crate::study::{StudyResult, exposed_before_abort, most_common_reason};

pub(super) fn section(result: &StudyResult) -> Section {
    let fleet = &result.scenario.fleet;
    let limit =
        fleet.gpu_limit.map_or_else(String::new, |limit| format!(", at most {}", counted(u64::from(limit), "GPU")));
    let mut blocks = Vec::new();
    if !matches!(result.scenario.rollout.strategy, Strategy::None) {
        let shares: Vec<String> = (result.outcomes.iter())
            .map(|(outcome, share)| {
                glued(&format!("{} {}", outcome.name().replace('_', " "), estimate(share, Quantity::Share)))
            })
            .collect();
        blocks.push(Block::Line("outcome", shares.join("   ")));
        blocks.extend(reasons(result));
        let duration = result.metric(Metric::RolloutDuration);
        let quantile = |name: &str, of| glued(&format!("{name} {}", estimate(of, Quantity::Seconds)));
        let quantiles = [quantile("median", &duration.p50), quantile("P95", &duration.p95)];
        blocks.push(Block::Line("duration", quantiles.join("   ")));
        let reached = mean_count(result, Metric::NewVersionRequests, "request");
        blocks.push(Block::Line("new version", format!("seen by {reached} a run")));
        blocks.extend(exposed(result));
        blocks.extend(analyses(result));
        blocks.extend(estimators(result));
    }
    let subtitle = format!(
        "{}; {} x {}{limit}",
        strategy(&result.scenario),
        counted(u64::from(fleet.replicas), "replica"),
        counted(u64::from(fleet.gpus_per_replica), "GPU"),
    );
    Section { title: "ROLLOUT", subtitle, blocks }
}

/// Why rollouts did not complete: the most common reason of each outcome.
fn reasons(result: &StudyResult) -> Vec<Block> {
    let of = |outcome: &RolloutOutcome| {
        let records = result.records.iter().filter(|record| record.outcome == *outcome);
        let reason = most_common_reason(records)?;
        Some(Block::Line("because", format!("{} ({})", reason.text, counted(reason.runs, "run"))))
    };
    RolloutOutcome::ALL.iter().filter_map(of).collect()
}

/// Whom aborted rollouts exposed to the new version and for how long, and what the aborts cost.
fn exposed(result: &StudyResult) -> Vec<Block> {
    let Some(requests) = exposed_before_abort(result) else { return Vec::new() };
    let exposed = format!(
        "{} before the abort   {}{}   {}",
        glued(&counted_estimate(&requests, "request")),
        glued(&format!("detected after {}", mean(result, Metric::TimeToDetect))),
        if any(result, Metric::WeightAtAbort) {
            format!("   {}", glued(&format!("at a weight of {}", mean(result, Metric::WeightAtAbort))))
        } else {
            String::new()
        },
        glued(&format!("traffic safe after {}", mean(result, Metric::TimeToSafety))),
    );
    let costs = [
        (Metric::AbortDip, glued(&format!("dip of {}", mean_count(result, Metric::AbortDip, "replica-second")))),
        (Metric::AbortColdStarts, mean_count(result, Metric::AbortColdStarts, "cold start")),
        (Metric::AbortOverloaded, glued(&format!("overloaded for {}", mean(result, Metric::AbortOverloaded)))),
    ];
    let costs: Vec<String> =
        costs.into_iter().filter(|(metric, _)| any(result, *metric)).map(|(_, text)| text).collect();
    let cost = if costs.is_empty() { "no dip, no cold start, no overload".to_owned() } else { costs.join("   ") };
    vec![Block::Line("exposure", exposed), Block::Line("the abort", cost)]
}

/// How much the analyses had to go by.
fn analyses(result: &StudyResult) -> Option<Block> {
    let (empty, all) = result.records.iter().fold((0, 0), |(empty, all), record| {
        (empty + u64::from(record.empty_measurements.0), all + u64::from(record.empty_measurements.1))
    });
    let share = empty as f64 / all as f64;
    let text = format!(
        "{empty} of {} found too little data ({})",
        counted(all, "measurement"),
        glued(&value(share, Quantity::Share))
    );
    (all > 0).then_some(Block::Line("analyses", text))
}

/// What Prometheus changed, beside exact values.
fn estimators(result: &StudyResult) -> Option<Block> {
    let share_of_runs = |metric| glued(&estimate(&result.metric(metric).probability_positive, Quantity::Share));
    let text = format!(
        "{} a run judged otherwise than by exact values; alone failed an analysis in {} of runs, passed one in {}",
        mean_count(result, Metric::MisjudgedMeasurements, "measurement"),
        share_of_runs(Metric::EstimatorOnlyFailures),
        share_of_runs(Metric::EstimatorOnlyPasses),
    );
    let is_estimated = |analysis: &Analysis| matches!(analysis.estimator, Estimator::Prometheus { .. });
    result.scenario.analyses.iter().any(is_estimated).then_some(Block::Line("estimator", text))
}

/// The strategy with the settings that decide most.
pub fn strategy(scenario: &Scenario) -> String {
    match &scenario.rollout.strategy {
        Strategy::None => "none".to_owned(),
        Strategy::Recreate(_) => "recreate".to_owned(),
        Strategy::Rolling(settings) => {
            format!("rolling, max surge {}, max unavailable {}", settings.max_surge, settings.max_unavailable)
        }
        Strategy::BlueGreen(settings) => match settings.preview_replica_count {
            Some(count) => format!("blue-green, preview of {}", counted(u64::from(count), "replica")),
            None => "blue-green, full preview".to_owned(),
        },
        Strategy::Canary(settings) => {
            let weights: Vec<String> = (settings.steps.iter())
                .filter_map(|step| match step {
                    CanaryStep::SetWeight(weight) => Some(format!("{weight}%")),
                    _ => None,
                })
                .collect();
            let by = if settings.traffic_routing { "routed by weight" } else { "split by replicas" };
            if weights.is_empty() { format!("canary, {by}") } else { format!("canary {}, {by}", weights.join(" > ")) }
        }
        Strategy::Flagger(settings) => {
            let weights = match &settings.weights {
                FlaggerWeights::Step { step, max } => format!("+{step}% up to {max}%"),
                FlaggerWeights::List(weights) => {
                    weights.iter().map(|weight| format!("{weight}%")).collect::<Vec<_>>().join(" > ")
                }
            };
            format!("Flagger's canary {weights} every {}, threshold {}", settings.interval, settings.threshold)
        }
    }
}
