//! How long a rollout takes: each strategy's cold starts, waits and analyses one after another, if all goes well.

use super::cold_start::ColdStarts;
use crate::scenario::{
    ActionKind, Analysis, BlueGreenSettings, CanaryScale, CanarySettings, CanaryStep, DeploymentSettings,
    FlaggerSettings, FlaggerWeights, Scenario, Strategy,
};
use crate::units::CountOrPercent;

/// How long the rollout takes, typically, seconds; `None` where there is none or somebody interferes.
pub fn typical(scenario: &Scenario) -> Option<f64> {
    let interferes = |kind: ActionKind| !matches!(kind, ActionKind::MakeReady { .. } | ActionKind::KillReplicas { .. });
    if scenario.actions.iter().any(|action| interferes(action.kind)) {
        return None;
    }
    let all = scenario.fleet.replicas;
    match &scenario.rollout.strategy {
        Strategy::None => None,
        Strategy::Recreate(it) => Some(ColdStarts::new(scenario, all, it.min_ready).slowest_of(all)),
        Strategy::Rolling(it) => Some(batches(scenario, it)),
        Strategy::BlueGreen(it) => Some(blue_green(scenario, it)),
        Strategy::Canary(it) => Some(canary(scenario, it)),
        Strategy::Flagger(it) => Some(flagger(scenario, it)),
    }
}

/// Replicas that a fleet of this size adds, and may miss, at once.
pub fn at_once(scenario: &Scenario, surge: CountOrPercent, unavailable: CountOrPercent) -> u32 {
    let fleet = &scenario.fleet;
    let room = fleet
        .gpu_limit
        .map_or(u32::MAX, |limit| (limit / fleet.gpus_per_replica.max(1)).saturating_sub(fleet.replicas));
    let missing = unavailable.round_down(fleet.replicas);
    // Without GPUs for a surge, what has left makes room.
    (surge.round_up(fleet.replicas).min(room).saturating_add(missing)).clamp(1, fleet.replicas.max(1))
}

/// One batch after another, each as long as a typical start: a new one begins as soon as any replica is there.
fn batches(scenario: &Scenario, it: &DeploymentSettings) -> f64 {
    let together = at_once(scenario, it.max_surge, it.max_unavailable);
    let starts = ColdStarts::new(scenario, together, it.min_ready);
    f64::from(scenario.fleet.replicas.div_ceil(together)) * starts.typical()
}

fn blue_green(scenario: &Scenario, it: &BlueGreenSettings) -> f64 {
    let all = scenario.fleet.replicas;
    let starts = ColdStarts::new(scenario, all, it.min_ready).slowest_of(all);
    starts
        + analyses(scenario, &it.pre_promotion_analysis)
        + it.auto_promotion.seconds()
        + analyses(scenario, &it.post_promotion_analysis)
}

/// The longest of some analyses that are measured side by side, if all measurements succeed.
fn analyses(scenario: &Scenario, indices: &[usize]) -> f64 {
    let seconds = |analysis: &Analysis| {
        let measurements = match (analysis.consecutive_success_limit, analysis.count) {
            (0, count) => count.unwrap_or(1),
            (limit, count) => count.map_or(limit, |count| count.min(limit)),
        };
        analysis.initial_delay.seconds() + f64::from(measurements.saturating_sub(1)) * analysis.interval.seconds()
    };
    indices.iter().filter_map(|index| scenario.analyses.get(*index)).map(seconds).fold(0.0, f64::max)
}

fn canary(scenario: &Scenario, it: &CanarySettings) -> f64 {
    let all = scenario.fleet.replicas;
    let waits: f64 = (it.steps.iter())
        .map(|step| match step {
            CanaryStep::Pause(pause) => pause.map_or(f64::INFINITY, |pause| pause.seconds()),
            CanaryStep::Analysis(indices) => analyses(scenario, indices),
            CanaryStep::SetWeight(_) | CanaryStep::SetCanaryScale(_) => 0.0,
        })
        .sum();
    let sizes = canary_sizes(it, all);
    let together = if it.traffic_routing { all } else { at_once(scenario, it.max_surge, it.max_unavailable) };
    let growing: f64 = (sizes.windows(2))
        .map(|pair| match pair[1].saturating_sub(pair[0]) {
            0 => 0.0,
            more if it.traffic_routing => ColdStarts::new(scenario, more, it.min_ready).slowest_of(more),
            more => {
                let starts = ColdStarts::new(scenario, together.min(more), it.min_ready);
                f64::from(more.div_ceil(together)) * starts.typical()
            }
        })
        .sum();
    waits + growing
}

/// How many replicas the canary has after each step, and at the end.
pub fn canary_sizes(it: &CanarySettings, all: u32) -> Vec<u32> {
    let share = |percent: u32| (u64::from(all) * u64::from(percent)).div_ceil(100) as u32;
    let (mut sizes, mut weight, mut fixed) = (vec![0], 0, None);
    for step in &it.steps {
        match step {
            CanaryStep::SetWeight(to) => weight = *to,
            CanaryStep::SetCanaryScale(CanaryScale::Replicas(replicas)) => fixed = Some(*replicas),
            CanaryStep::SetCanaryScale(CanaryScale::Weight(percent)) => fixed = Some(share(*percent)),
            CanaryStep::SetCanaryScale(CanaryScale::MatchTrafficWeight) => fixed = None,
            CanaryStep::Pause(_) | CanaryStep::Analysis(_) => {}
        }
        sizes.push(fixed.unwrap_or_else(|| share(weight)));
    }
    sizes.push(all);
    sizes
}

/// The canary starts whole, a tick for each weight, then the primary is updated as a Deployment.
fn flagger(scenario: &Scenario, it: &FlaggerSettings) -> f64 {
    let all = scenario.fleet.replicas;
    let ticks = match &it.weights {
        FlaggerWeights::Step { step, max } => max.div_ceil((*step).max(1)) as usize,
        FlaggerWeights::List(weights) => weights.len(),
    };
    ColdStarts::new(scenario, all, it.deployment.min_ready).slowest_of(all)
        + (ticks + 2) as f64 * it.interval.seconds()
        + batches(scenario, &it.deployment)
}
