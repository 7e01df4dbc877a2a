//! The traffic against what the fleet can carry, whole and during a rollout.

use super::load::Load;
use crate::digits::{counted, figure, prefix};
use crate::scenario::{Arrivals, Code, Problem, Scenario, Strategy, Traffic};
use crate::units::CountOrPercent;

/// Traffic beyond what replicas carry.
pub fn warnings(scenario: &Scenario, load: &Load, warnings: &mut Vec<Problem>) {
    let replicas = f64::from(scenario.fleet.replicas);
    let needed = load.offered / load.saturated;
    if needed > replicas {
        return warnings.push(overload(scenario, load, needed, "on average"));
    }
    let peak = needed * peak_to_mean(&scenario.traffic);
    if peak > replicas {
        warnings.push(overload(scenario, load, peak, "at its peak"));
    }
    understated(scenario, needed, warnings);
    thin_rollout(scenario, load, needed, warnings);
}

/// Tokens per second, short: "27.4k".
fn tokens(per_second: f64) -> String {
    let (factor, prefix) = prefix(per_second);
    format!("{}{prefix}", figure(per_second / factor))
}

/// The greatest rate that lasts over the mean one.
fn peak_to_mean(traffic: &Traffic) -> f64 {
    match traffic {
        Traffic::Synthetic { arrivals: Arrivals::Diurnal { peak_to_mean, .. }, .. } => *peak_to_mean,
        _ => 1.0,
    }
}

fn key_of_traffic(traffic: &Traffic) -> &'static str {
    match traffic {
        Traffic::Synthetic { .. } => "traffic.arrivals",
        Traffic::Trace { .. } => "traffic.trace",
    }
}

fn overload(scenario: &Scenario, load: &Load, needed: f64, when: &str) -> Problem {
    let replicas = scenario.fleet.replicas;
    let message = format!(
        "the traffic asks {when} for {} times what {} can carry",
        figure(needed / f64::from(replicas)),
        counted(f64::from(replicas), "replica")
    );
    let label = format!("carry at most {} output tokens/s", tokens(f64::from(replicas) * load.saturated));
    let mut warning = scenario.written.problem(Code::OVERLOAD, "fleet.replicas", message, label);
    let asked = format!("ask for {} output tokens/s", tokens(needed * load.saturated));
    scenario.written.beside(&mut warning, key_of_traffic(&scenario.traffic), asked);
    warning.help(format!("{} or more replicas, or less traffic: queues grow for as long as it lasts", needed.ceil()))
}

/// A `needed_replicas` that would not carry the load: dips would be said to be smaller than they are.
fn understated(scenario: &Scenario, needed: f64, warnings: &mut Vec<Problem>) {
    const KEY: &str = "fleet.needed_replicas";
    let said = scenario.fleet.needed_replicas;
    if needed > said && scenario.written.has(KEY) {
        let message =
            format!("{KEY} is {}, and the traffic needs {} replicas on average", figure(said), figure(needed));
        let label = "capacity dips are told smaller than they are";
        let warning = scenario.written.problem(Code::OVERLOAD, KEY, message, label);
        warnings.push(warning.help(format!("needed_replicas = {} or more", needed.ceil())));
    }
}

/// Replicas that may be missing while the rollout runs.
fn thin_rollout(scenario: &Scenario, load: &Load, needed: f64, warnings: &mut Vec<Problem>) {
    let desired = scenario.fleet.replicas;
    let missing = |surge: CountOrPercent, unavailable: CountOrPercent| {
        let missing = unavailable.round_down(desired);
        if surge.round_up(desired) == 0 { missing.max(1) } else { missing }
    };
    let (key, missing) = match &scenario.rollout.strategy {
        Strategy::Rolling(it) => ("rollout.rolling.max_unavailable", missing(it.max_surge, it.max_unavailable)),
        Strategy::Canary(it) if !it.traffic_routing => {
            ("rollout.canary.max_unavailable", missing(it.max_surge, it.max_unavailable))
        }
        // Recreate takes all of them down by intent; the others keep a whole fleet.
        _ => return,
    };
    let left = desired.saturating_sub(missing);
    if missing == 0 || needed <= f64::from(left) {
        return;
    }
    let message = format!(
        "while {} may be missing, the traffic asks for more than the other {left} can carry",
        counted(f64::from(missing), "replica")
    );
    let label = format!("{left} carry at most {} output tokens/s", tokens(f64::from(left) * load.saturated));
    let mut warning = scenario.written.problem(Code::THIN_ROLLOUT, key, message, label);
    let asked = format!("ask for {} output tokens/s", tokens(load.offered));
    scenario.written.beside(&mut warning, key_of_traffic(&scenario.traffic), asked);
    warnings.push(warning.help("max_unavailable = 0 with a surge: new replicas first"));
}
