//! How many requests an analysis has to go by: rate, weight and window against its `min_samples`.

use crate::digits::figure;
use crate::scenario::{Analysis, CanarySettings, CanaryStep, Code, Estimator, NoData, Problem, Scenario, Strategy};
use crate::workload::mean_rate;

/// Analyses that mostly have no data.
pub fn warnings(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    for (index, analysis) in scenario.analyses.iter().enumerate() {
        // What a rank test asks for are points in time, not requests.
        if analysis.min_samples == 0 || matches!(analysis.estimator, Estimator::MannWhitney { .. }) {
            continue;
        }
        let Some(weight) = weight_at(scenario, index) else { continue };
        let expected = mean_rate(&scenario.traffic) * weight * analysis.window.seconds();
        if expected < analysis.min_samples as f64 {
            warnings.push(too_few(scenario, analysis, weight, expected));
        }
    }
}

fn too_few(scenario: &Scenario, analysis: &Analysis, weight: f64, expected: f64) -> Problem {
    let key = format!("analysis.{}", analysis.name);
    let message = format!(
        "at a weight of {} % a window of {} holds about {} requests, and {key} asks for {}",
        figure(100.0 * weight),
        analysis.window,
        figure(expected),
        analysis.min_samples
    );
    let label = match analysis.no_data {
        NoData::Success => "with fewer it passes, whatever the version does",
        NoData::Error => "with fewer it errs, whatever the version does",
        NoData::Inconclusive => "with fewer it is inconclusive, whatever the version does",
    };
    let mut warning = scenario.written.problem(Code::TOO_FEW_SAMPLES, &format!("{key}.min_samples"), message, label);
    scenario.written.beside(&mut warning, &format!("{key}.window"), "what a measurement looks back on");
    let times = (analysis.min_samples as f64 / expected * 1.5).min(1e6);
    let longer = crate::units::Duration::from_seconds_f64((analysis.window.seconds() * times / 60.0).ceil() * 60.0);
    warning.help(format!("a window of {longer}, a greater weight, or a smaller min_samples"))
}

/// The share of the requests that reach the new version where this analysis is measured: the greatest, if at several
/// places or beside the steps; `None` where it is not, or before the switch, where none do.
fn weight_at(scenario: &Scenario, index: usize) -> Option<f64> {
    match &scenario.rollout.strategy {
        Strategy::None | Strategy::Recreate(_) | Strategy::Rolling(_) => None,
        Strategy::BlueGreen(it) => it.post_promotion_analysis.contains(&index).then_some(1.0),
        Strategy::Canary(it) => greatest_weight(it, index, scenario.fleet.replicas),
        // The last tick is the one with the greatest weight.
        Strategy::Flagger(it) => it.analysis.contains(&index).then(|| match &it.weights {
            crate::scenario::FlaggerWeights::Step { max, .. } => f64::from(*max) / 100.0,
            crate::scenario::FlaggerWeights::List(weights) => {
                weights.last().map_or(1.0, |weight| f64::from(*weight) / 100.0)
            }
        }),
    }
}

fn greatest_weight(it: &CanarySettings, index: usize, replicas: u32) -> Option<f64> {
    let in_background = it.background_analysis.contains(&index);
    let (mut weight, mut greatest) = (0.0_f64, None::<f64>);
    for (at, step) in it.steps.iter().enumerate() {
        let measured = match step {
            CanaryStep::SetWeight(percent) => {
                weight = f64::from(*percent) / 100.0;
                // Without a router at least one of the pods is the canary's.
                if !it.traffic_routing && weight > 0.0 {
                    weight = weight.max(1.0 / f64::from(replicas + 1));
                }
                false
            }
            CanaryStep::Pause(_) => in_background && at >= it.background_starting_step as usize,
            CanaryStep::Analysis(indices) => {
                indices.contains(&index) || (in_background && at >= it.background_starting_step as usize)
            }
            CanaryStep::SetCanaryScale(_) => false,
        };
        if measured && weight > 0.0 {
            greatest = Some(greatest.map_or(weight, |so_far| so_far.max(weight)));
        }
    }
    greatest
}
