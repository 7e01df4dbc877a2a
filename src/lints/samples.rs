//! How many requests an analysis has to go by: rate, weight and window against its `min_samples`.

use crate::digits::figure;
use crate::scenario::{
    Analysis, CanarySettings, CanaryStep, Code, Estimator, FlaggerWeights, NoData, Problem, Scenario, Strategy,
};
use crate::units::Duration;
use crate::workload::mean_rate;

/// Analyses that mostly have no data.
pub fn warnings(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    for (index, analysis) in scenario.analyses.iter().enumerate() {
        // What a rank test asks for are points in time, not requests.
        if analysis.min_samples == 0 || matches!(analysis.estimator, Estimator::MannWhitney { .. }) {
            continue;
        }
        let Some(measured) = measured(scenario, index) else { continue };
        let expected = mean_rate(&scenario.traffic) * measured.weight * analysis.window.seconds();
        if expected < analysis.min_samples as f64 {
            warnings.push(too_few(scenario, analysis, &measured, expected));
        }
    }
}

fn too_few(scenario: &Scenario, analysis: &Analysis, measured: &Measured, expected: f64) -> Problem {
    let key = format!("analysis.{}", analysis.name);
    let message = format!(
        "at a weight of {} % a window of {} holds about {} requests, and {key} asks for {}",
        figure(100.0 * measured.weight),
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
    if let Some(step) = measured.step {
        scenario.written.beside(&mut warning, &format!("rollout.canary.steps.{step}.analysis"), "measured here");
    }
    if measured.weight == 0.0 {
        return warning.help("a `set_weight` before it: until then no request reaches the new version");
    }
    let times = (analysis.min_samples as f64 / expected * 1.5).min(1e6);
    let longer = Duration::from_seconds_f64((analysis.window.seconds() * times / 60.0).ceil() * 60.0);
    warning.help(format!("a window of {longer}, a greater weight, or a smaller min_samples"))
}

/// Where an analysis is measured.
struct Measured {
    /// Share of the requests that reach the new version.
    weight: f64,
    /// The canary's step that is this analysis, from 0.
    step: Option<usize>,
}

impl Measured {
    fn at(weight: f64) -> Measured {
        Measured { weight, step: None }
    }
}

/// Where this analysis is measured; `None` where it is not, or before the switch, which is told otherwise.
fn measured(scenario: &Scenario, index: usize) -> Option<Measured> {
    match &scenario.rollout.strategy {
        Strategy::None | Strategy::Recreate(_) | Strategy::Rolling(_) => None,
        Strategy::BlueGreen(it) => it.post_promotion_analysis.contains(&index).then_some(Measured::at(1.0)),
        Strategy::Canary(it) => weight_in_steps(it, index, scenario.fleet.replicas),
        // The last tick is the one with the greatest weight.
        Strategy::Flagger(it) => it.analysis.contains(&index).then(|| {
            Measured::at(match &it.weights {
                FlaggerWeights::Step { max, .. } => f64::from(*max) / 100.0,
                FlaggerWeights::List(weights) => weights.last().map_or(1.0, |weight| f64::from(*weight) / 100.0),
            })
        }),
    }
}

/// Of an analysis that is a step, the least weight at one of its steps: a step that cannot fail guards nothing, whatever
/// a later one finds. Of one beside the steps, the greatest, because it goes on to where there is data.
fn weight_in_steps(it: &CanarySettings, index: usize, replicas: u32) -> Option<Measured> {
    let in_background = it.background_analysis.contains(&index);
    let (mut weight, mut least, mut greatest) = (0.0_f64, None::<Measured>, None::<f64>);
    for (at, step) in it.steps.iter().enumerate() {
        match step {
            CanaryStep::SetWeight(percent) => {
                weight = f64::from(*percent) / 100.0;
                // Without a router at least one of the pods is the canary's.
                if !it.traffic_routing && weight > 0.0 {
                    weight = weight.max(1.0 / f64::from(replicas + 1));
                }
            }
            CanaryStep::Analysis(indices) if indices.contains(&index) => {
                if least.as_ref().is_none_or(|least| weight < least.weight) {
                    least = Some(Measured { weight, step: Some(at) });
                }
            }
            CanaryStep::Pause(_) | CanaryStep::Analysis(_) => {
                if in_background && at >= it.background_starting_step as usize && weight > 0.0 {
                    greatest = Some(greatest.map_or(weight, |so_far| so_far.max(weight)));
                }
            }
            CanaryStep::SetCanaryScale(_) => {}
        }
    }
    least.or(greatest.map(Measured::at))
}
