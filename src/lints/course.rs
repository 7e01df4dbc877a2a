//! How a rollout would go by the clock: cold starts against the progress deadline, its whole length against the run's.

use super::cold_start::ColdStarts;
use super::length;
use crate::scenario::{ActionKind, CanaryStep, Code, Problem, Scenario, Strategy};
use crate::units::{Duration, Time};

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
            let together = length::at_once(scenario, it.max_surge, it.max_unavailable);
            ("rolling", it.min_ready, it.progress_deadline, REPORTED, together)
        }
        Strategy::BlueGreen(it) => {
            ("blue_green", it.min_ready, it.progress_deadline, of_argo(it.progress_deadline_abort), all)
        }
        Strategy::Canary(it) => {
            let together = length::canary_sizes(it, all).windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max();
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
    let Some(takes) = length::typical(scenario) else { return };
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
