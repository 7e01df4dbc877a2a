//! Things that are legal and unwise, as far as the text alone tells: what a person who knows the real controllers would
//! point out. What needs a model of the engine, or of how long things take, is said in `lints`.

mod analyses;
mod engine;
mod recording;
mod rollout;

use super::codes::Code;
use super::problems::Problem;
use super::{Scenario, Strategy};

/// Everything that is unwise about a checked scenario.
pub(super) fn warnings(scenario: &Scenario) -> Vec<Problem> {
    let mut warnings = Vec::new();
    recording::cut_off(scenario, &mut warnings);
    checks_of_a_rollout(scenario, &mut warnings);
    recording::ends(scenario, &mut warnings);
    engine::prompts_beyond_the_budget(scenario, &mut warnings);
    engine::profile(scenario, &mut warnings);
    if matches!(scenario.rollout.strategy, Strategy::None) {
        return warnings;
    }
    rollout::warnings(scenario, &mut warnings);
    termination(scenario, &mut warnings);
    analyses::warnings(scenario, &mut warnings);
    warnings
}

fn termination(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    const GRACE: &str = "termination.grace_period";
    const PRE_STOP: &str = "termination.pre_stop";
    let (termination, written) = (&scenario.termination, &scenario.written);
    let (grace, pre_stop, lag) = (termination.grace_period, termination.pre_stop, termination.endpoint_lag);
    if grace <= pre_stop {
        let message = format!("{GRACE} ({grace}) is no longer than pre_stop ({pre_stop})");
        let label = "the hook is cut, and only 2 s remain for answers";
        let mut warning = written.problem(Code::GRACE_WITHIN_PRE_STOP, GRACE, message, label);
        written.beside(&mut warning, PRE_STOP, "runs inside the grace period");
        warnings.push(warning.help("the grace period must hold the hook and what the answers need after it"));
    }
    if lag > pre_stop {
        let key = "termination.endpoint_lag";
        let message = format!("{key} ({lag}) exceeds pre_stop ({pre_stop})");
        let label = "requests routed after SIGTERM and before the lag is over are refused";
        let mut warning = written.problem(Code::LAG_BEYOND_PRE_STOP, key, message, label);
        written.beside(&mut warning, PRE_STOP, "SIGTERM comes when this is over");
        warnings.push(warning.help(format!("pre_stop = \"{lag}\" or more: a hook that sleeps through the lag")));
    }
}

/// Checks of what only a rollout does, where there is none.
fn checks_of_a_rollout(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    const OF_A_ROLLOUT: [&str; 4] = ["rolled_back", "rollout_completed", "rollout_duration_s", "new_version_requests"];
    if !matches!(scenario.rollout.strategy, Strategy::None) {
        return;
    }
    for (index, check) in scenario.checks.iter().enumerate() {
        if OF_A_ROLLOUT.contains(&check.metric.as_str()) {
            let message = format!("a check of {}, and rollout.strategy is \"none\"", check.metric);
            let label = "without a rollout it says nothing";
            let key = format!("check.{index}.metric");
            warnings.push(scenario.written.problem(Code::CHECK_WITHOUT_ROLLOUT, &key, message, label));
        }
    }
}
