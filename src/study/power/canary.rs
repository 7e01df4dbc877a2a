//! What a scenario's canary is: the analyses that decide about it, and the weights at which it may be aborted.

use serde::{Deserialize, Serialize};

use crate::ledger::{Metric, RunRecord};
use crate::scenario::{CanaryStep, FlaggerWeights, Scenario, Strategy};

/// A weight at which a rollout may be aborted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Percent of the requests that the new version gets.
    pub weight: u32,
    /// Its name for people.
    pub name: String,
}

/// The analyses that may roll the new version back, as indices into [`Scenario::analyses`], each once, in the order of the
/// file.
///
/// # Errors
/// For a person: this strategy has no analyses, or none that decides anything.
pub fn deciding(scenario: &Scenario) -> Result<Vec<usize>, String> {
    let mut named: Vec<usize> = match &scenario.rollout.strategy {
        Strategy::Canary(canary) => {
            let of_step = |step: &CanaryStep| match step {
                CanaryStep::Analysis(analyses) => analyses.clone(),
                _ => Vec::new(),
            };
            canary.background_analysis.iter().copied().chain(canary.steps.iter().flat_map(of_step)).collect()
        }
        Strategy::BlueGreen(settings) => {
            settings.pre_promotion_analysis.iter().chain(&settings.post_promotion_analysis).copied().collect()
        }
        Strategy::Flagger(settings) => settings.analysis.clone(),
        Strategy::None | Strategy::Recreate(_) | Strategy::Rolling(_) => {
            return Err("expected `rollout.strategy` \"canary\" or \"blue_green\": no other one has an analysis that \
                        could catch a bad version"
                .to_owned());
        }
    };
    named.sort_unstable();
    named.dedup();
    named.retain(|index| !scenario.analyses[*index].dry_run);
    if named.is_empty() {
        return Err("expected an analysis that decides about the rollout: without one (or with none but dry runs) \
                    nothing ever catches a bad version"
            .to_owned());
    }
    Ok(named)
}

/// The weights that the scenario gives its new version and those at which it was aborted in these runs, ascending.
pub(super) fn stages(scenario: &Scenario, records: &[&[RunRecord]]) -> Vec<Stage> {
    let (mut weights, is_blue_green) = match &scenario.rollout.strategy {
        Strategy::Canary(canary) => {
            let weight = |step: &CanaryStep| match step {
                CanaryStep::SetWeight(weight) => Some(*weight),
                _ => None,
            };
            (canary.steps.iter().filter_map(weight).collect(), false)
        }
        Strategy::Flagger(settings) => (flagger_weights(&settings.weights), false),
        Strategy::BlueGreen(_) => (vec![0, 100], true),
        Strategy::None | Strategy::Recreate(_) | Strategy::Rolling(_) => (Vec::new(), false),
    };
    weights.extend(records.iter().flat_map(|records| records.iter()).filter_map(weight_at_abort));
    weights.sort_unstable();
    weights.dedup();
    let name = |weight: u32| match (is_blue_green, weight) {
        (true, 0) => "before the switch".to_owned(),
        (true, _) => "after the switch".to_owned(),
        (false, weight) => format!("{weight} %"),
    };
    weights.into_iter().map(|weight| Stage { weight, name: name(weight) }).collect()
}

/// The weights that Flagger goes through.
fn flagger_weights(weights: &FlaggerWeights) -> Vec<u32> {
    match weights {
        FlaggerWeights::List(list) => list.clone(),
        FlaggerWeights::Step { step, max } => {
            let step = (*step).max(1);
            (1..=max.div_ceil(step)).map(|n| (n * step).min(100)).collect()
        }
    }
}

/// The weight at which this run's rollout was aborted, percent.
pub(super) fn weight_at_abort(record: &RunRecord) -> Option<u32> {
    let weight = record.value(Metric::WeightAtAbort);
    (!weight.is_nan()).then(|| (100.0 * weight).round() as u32)
}
