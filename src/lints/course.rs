//! How a rollout would go by the clock: cold starts against the progress deadline, its whole length against the run's.

use super::cold_start::ColdStarts;
use crate::scenario::{
    ActionKind, Analysis, BlueGreenSettings, CanaryScale, CanarySettings, CanaryStep, Code, DeploymentSettings,
    FlaggerSettings, FlaggerWeights, Problem, Scenario, Strategy,
};
use crate::units::{CountOrPercent, Duration, Time};

/// Quantile of cold starts that the progress deadline should hold.
const SLOW: f64 = 0.95;

/// Rollouts that stand still, or outlast their run.
pub fn warnings(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    slow_starts(scenario, warnings);
    if !nobody_promotes(scenario, warnings) {
        short_run(scenario, warnings);
    }
}

/// A time of some minutes, as people say it.
fn about(seconds: f64) -> String {
    match seconds {
        seconds if !seconds.is_finite() => "for ever".to_owned(),
        seconds if seconds < 90.0 => Duration::from_seconds_f64(seconds.round()).to_string(),
        seconds => Duration::from_seconds_f64((seconds / 30.0).round() * 30.0).to_string(),
    }
}

/// Replicas that a fleet of this size adds, and may miss, at once.
fn at_once(scenario: &Scenario, surge: CountOrPercent, unavailable: CountOrPercent) -> u32 {
    let fleet = &scenario.fleet;
    let room = fleet
        .gpu_limit
        .map_or(u32::MAX, |limit| (limit / fleet.gpus_per_replica.max(1)).saturating_sub(fleet.replicas));
    let missing = unavailable.round_down(fleet.replicas);
    // Without GPUs for a surge, what has left makes room.
    (surge.round_up(fleet.replicas).min(room).saturating_add(missing)).clamp(1, fleet.replicas.max(1))
}

/// What a strategy says of readiness and progress: its name, `min_ready`, `progress_deadline`, what missing it does, and
/// how many replicas start together.
fn progress(scenario: &Scenario) -> Option<(&'static str, Duration, Duration, &'static str, u32)> {
    const REPORTED: &str = "the controller reports ProgressDeadlineExceeded, and goes on";
    const ABORTED: &str = "the rollout is aborted";
    let all = scenario.fleet.replicas;
    let of_argo = |aborts| if aborts { ABORTED } else { REPORTED };
    Some(match &scenario.rollout.strategy {
        Strategy::None => return None,
        Strategy::Recreate(it) => ("recreate", it.min_ready, it.progress_deadline, REPORTED, all),
        Strategy::Rolling(it) => {
            let together = at_once(scenario, it.max_surge, it.max_unavailable);
            ("rolling", it.min_ready, it.progress_deadline, REPORTED, together)
        }
        Strategy::BlueGreen(it) => {
            ("blue_green", it.min_ready, it.progress_deadline, of_argo(it.progress_deadline_abort), all)
        }
        Strategy::Canary(it) => {
            let together = canary_sizes(it, all).windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max();
            let aborts = of_argo(it.progress_deadline_abort);
            ("canary", it.min_ready, it.progress_deadline, aborts, together.unwrap_or(all))
        }
        Strategy::Flagger(it) => {
            ("canary", it.deployment.min_ready, it.deployment.progress_deadline, "Flagger rolls back", all)
        }
    })
}

/// A start that takes longer than the controller waits for progress.
fn slow_starts(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    let Some((strategy, min_ready, deadline, missed, together)) = progress(scenario) else { return };
    let starts = ColdStarts::new(scenario, together, min_ready);
    let slow = starts.quantile(SLOW);
    if slow <= deadline.seconds() || deadline <= min_ready {
        return;
    }
    let key = format!("rollout.{strategy}.progress_deadline");
    let message = match starts.typical() > deadline.seconds() {
        true => format!("a cold start takes about {}, longer than {key}, {deadline}", about(starts.typical())),
        false => format!("one cold start in twenty takes {} or longer, {key} is {deadline}", about(slow)),
    };
    let mut warning = scenario.written.problem(Code::SLOW_START, &key, message, missed);
    scenario.written.beside(&mut warning, "cold_start.engine_start", "the last stage of a start");
    warnings.push(match slow.is_finite() {
        true => warning.help(format!("progress_deadline = \"{}\" or more", about(1.2 * slow + 30.0))),
        false => warning.help("a stage of [cold_start] never ends"),
    });
}

/// Whether the rollout waits for a person who never comes; then it is said.
fn nobody_promotes(scenario: &Scenario, warnings: &mut Vec<Problem>) -> bool {
    let promotes = |kind: ActionKind| matches!(kind, ActionKind::Promote | ActionKind::PromoteFull);
    if scenario.actions.iter().any(|action| promotes(action.kind)) {
        return false;
    }
    let key = match &scenario.rollout.strategy {
        Strategy::BlueGreen(it) if !it.auto_promotion_enabled && it.auto_promotion.is_zero() => {
            "rollout.blue_green.auto_promotion_enabled".to_owned()
        }
        Strategy::Canary(it) => match it.steps.iter().position(|step| *step == CanaryStep::Pause(None)) {
            Some(index) => format!("rollout.canary.steps.{index}.pause"),
            None => return false,
        },
        _ => return false,
    };
    let message = "the rollout waits for a promotion, and no [[action]] promotes it";
    let label = "here it waits to the end of the run";
    let warning = scenario.written.problem(Code::NOBODY_PROMOTES, &key, message, label);
    warnings.push(warning.help("an [[action]] with `at = \"...\"` and `do = \"promote\"`"));
    true
}

/// A rollout that is still under way when the window ends.
fn short_run(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    const KEY: &str = "study.duration";
    let Some(takes) = length(scenario) else { return };
    let (start, window) = (scenario.rollout.start.since(Time::ZERO), scenario.study.duration);
    // Where nothing ever ends, that was said, and no window would do.
    if !takes.is_finite() || start.seconds() + takes <= window.seconds() {
        return;
    }
    let message = format!("the rollout takes about {} from {start} on, and the run measures {window}", about(takes));
    let label = "it will not be over when measuring ends";
    let mut warning = scenario.written.problem(Code::SHORT_RUN, KEY, message, label);
    scenario.written.beside(&mut warning, "rollout.start", "when it begins");
    let enough = about(start.seconds() + 1.3 * takes + 60.0);
    warnings.push(warning.help(format!("duration = \"{enough}\", or an earlier `rollout.start`")));
}

/// How long the rollout takes, typically, seconds; `None` where there is none or somebody interferes.
pub(super) fn length(scenario: &Scenario) -> Option<f64> {
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

/// How many replicas the canary has after each step, and at the end.
fn canary_sizes(it: &CanarySettings, all: u32) -> Vec<u32> {
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
