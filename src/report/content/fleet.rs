//! The sections on the fleet: what capacity there was beside what is needed, and what it cost.

use super::{Block, NO_PRICE, Section, any, mean, mean_count};
use crate::ledger::{Metric, WATERFALL};
use crate::report::format::{Quantity, counted, dollars_that_add_up, estimate, in_dollars, sum_of, value};
use crate::report::layout::glued;
use crate::study::StudyResult;

/// How much capacity there was, and for how long too little.
pub(super) fn capacity(result: &StudyResult) -> Section {
    let fleet = &result.scenario.fleet;
    let least = |metric| {
        let summary = result.metric(metric);
        let worst = glued(&format!("worst run {}", value(summary.min, Quantity::Share)));
        format!("{}   {worst}", glued(&format!("mean {}", mean(result, metric))))
    };
    let limit = fleet.gpu_limit.map_or_else(String::new, |limit| format!(" of at most {limit}"));
    let (ready, capacity) = (least(Metric::MinReadyFraction), least(Metric::MinCapacityFraction));
    let mut blocks = if ready == capacity {
        vec![Block::Line("least ready", format!("{ready}   capacity the same"))]
    } else {
        vec![Block::Line("least ready", ready), Block::Line("least capacity", capacity)]
    };
    let overloaded = if any(result, Metric::SecondsOverloaded) {
        format!("overloaded for {}", mean(result, Metric::SecondsOverloaded))
    } else {
        "never overloaded".to_owned()
    };
    blocks.extend([
        Block::Line(
            "dip",
            format!(
                "{}   {}",
                mean_count(result, Metric::CapacityDip, "replica-second"),
                glued(&format!("below need for {}", mean(result, Metric::SecondsBelowCapacity))),
            ),
        ),
        Block::Line("most GPUs", format!("{}{limit}", mean(result, Metric::PeakGpus))),
    ]);
    let needed = value(fleet.needed_replicas, Quantity::Plain);
    let utilization = mean(result, Metric::Utilization);
    let replicas = counted(u64::from(fleet.replicas), "replica");
    let subtitle = format!("{needed} of {replicas} needed; {utilization} utilized; {overloaded}");
    Section { title: "CAPACITY", subtitle, blocks }
}

/// What a token and the rollout cost, and where the GPU-hours went.
pub(super) fn cost(result: &StudyResult) -> Section {
    let parts: Vec<f64> = WATERFALL.iter().map(|(metric, _)| result.metric(*metric).mean.value).collect();
    let (total, texts) = dollars_that_add_up(&parts);
    // Without the parts that are written as nothing, which the others add up without.
    let sum: Vec<String> = (texts.iter().zip(WATERFALL))
        .filter(|(text, _)| text.contains(|c| matches!(c, '1'..='9')))
        .map(|(text, (_, word))| glued(&format!("{text} {word}")))
        .collect();
    let hours = |metric| glued(&estimate(&result.metric(metric).mean, Quantity::Plain));
    let is_priced = |metric| !result.metric(metric).mean.value.is_nan();
    let mut blocks = Vec::new();
    if is_priced(Metric::UsdPerMillionOutput) {
        blocks.push(Block::Line("waterfall", format!("{} = {}", in_dollars(&total), sum_of(&sum))));
    }
    if is_priced(Metric::Formula) {
        let formula = mean(result, Metric::Formula);
        blocks.push(Block::Line("paper formula", format!("{formula} by saturated rate and utilization")));
    }
    blocks.extend([
        Block::Line(
            "GPU-hours",
            format!(
                "{} = {} serving + {} idle + {} cold + {} draining; {} of them above the steady fleet",
                hours(Metric::GpuHours),
                hours(Metric::GpuHoursServing),
                hours(Metric::GpuHoursIdle),
                hours(Metric::GpuHoursCold),
                hours(Metric::GpuHoursDraining),
                hours(Metric::GpuHoursSurge),
            ),
        ),
        Block::Line(
            "the rollout",
            format!("costs {} of a bill of {}", mean(result, Metric::RolloutCost), mean(result, Metric::Cost)),
        ),
    ]);
    if result.metric(Metric::GpuHoursIdle).mean.value < 0.0 {
        blocks.push(Block::Line(
            "note",
            "Idle is what serving at the saturated rate leaves of the time of ready replicas. These served faster than \
             that rate, which is one at average lengths, so that it is below zero."
                .to_owned(),
        ));
    }
    let subtitle = if is_priced(Metric::UsdPerMillionOutput) {
        let with_prompts = if is_priced(Metric::UsdPerMillion) {
            format!("; with prompts {}", mean(result, Metric::UsdPerMillion))
        } else {
            String::new()
        };
        format!("{} per million output tokens{with_prompts}", mean(result, Metric::UsdPerMillionOutput))
    } else {
        NO_PRICE.to_owned()
    };
    Section { title: "COST", subtitle, blocks }
}
