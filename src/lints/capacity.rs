//! The traffic against what the fleet can carry, whole and during a rollout.

use std::f64::consts::TAU;

use super::length;
use super::load::Load;
use crate::digits::{counted, figure, prefix};
use crate::scenario::{Arrivals, Code, Problem, Scenario, Strategy, Traffic};
use crate::units::{CountOrPercent, Time};

/// Points of a stretch of time at which its rate is looked at.
const POINTS: u32 = 500;

/// Traffic beyond what replicas carry.
pub fn warnings(scenario: &Scenario, load: &Load, warnings: &mut Vec<Problem>) {
    let replicas = f64::from(scenario.fleet.replicas);
    let needed = load.offered / load.saturated;
    let end = scenario.study.duration.seconds();
    let window = Stretch::new(&scenario.traffic, 0.0, end);
    if needed * window.mean > replicas {
        return warnings.push(overload(scenario, load, needed * window.mean, "on average"));
    }
    if needed * window.greatest > replicas {
        warnings.push(overload(scenario, load, needed * window.greatest, "at its peak"));
    }
    understated(scenario, needed * window.mean, warnings);
    let start = scenario.rollout.start.since(Time::ZERO).seconds();
    let rollout = Stretch::new(&scenario.traffic, start, length::typical(scenario).map_or(end, |takes| start + takes));
    thin_rollout(scenario, load, needed * rollout.greatest, warnings);
    if !matches!(scenario.rollout.strategy, Strategy::None) {
        let rest = Stretch::new(&scenario.traffic, start, end);
        slower_version(scenario, load, needed * rest.mean, warnings);
    }
}

/// The rate in a stretch of time, over the mean rate of all time.
struct Stretch {
    mean: f64,
    greatest: f64,
}

impl Stretch {
    /// From one second to another, counted from time zero. What comes and goes by chance is taken at its mean.
    fn new(traffic: &Traffic, from: f64, to: f64) -> Stretch {
        let Traffic::Synthetic { arrivals: Arrivals::Diurnal { peak_to_mean, period, peak_at, .. }, .. } = traffic
        else {
            return Stretch { mean: 1.0, greatest: 1.0 };
        };
        let rate =
            |second: f64| 1.0 + (peak_to_mean - 1.0) * (TAU * (second - peak_at.seconds()) / period.seconds()).cos();
        // A whole period holds everything; a rollout may have no end.
        let to = to.max(from).min(from + period.seconds());
        let rates: Vec<f64> =
            (0..=POINTS).map(|point| rate(from + (to - from) * f64::from(point) / f64::from(POINTS))).collect();
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        Stretch { mean, greatest: rates.into_iter().fold(0.0, f64::max) }
    }
}

/// Tokens per second, short: "27.4k".
fn tokens(per_second: f64) -> String {
    let (factor, prefix) = prefix(per_second);
    format!("{}{prefix}", figure(per_second / factor))
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

/// A new version of which the whole fleet would be too small for what is left of the run.
fn slower_version(scenario: &Scenario, load: &Load, needed: f64, warnings: &mut Vec<Problem>) {
    let (replicas, new) = (scenario.fleet.replicas, &scenario.versions[1]);
    let times = needed * new.step_time_factor * new.output_tokens_factor / f64::from(replicas);
    if times <= 1.0 {
        return;
    }
    let message = format!(
        "once the new version serves it, the traffic asks for {} times what {} of it can carry",
        figure(times),
        counted(f64::from(replicas), "replica")
    );
    let is_slower = new.step_time_factor >= new.output_tokens_factor;
    let key = if is_slower { "new_version.step_time_factor" } else { "new_version.output_tokens_factor" };
    let carried = f64::from(replicas) * load.saturated;
    let label = match is_slower {
        true => {
            format!("at most {} output tokens/s, {} before", tokens(carried / new.step_time_factor), tokens(carried))
        }
        false => format!("asks for {} times the tokens", figure(new.output_tokens_factor)),
    };
    let mut warning = scenario.written.problem(Code::SLOWER_VERSION, key, message, label);
    let asked = format!("ask for {} output tokens/s of stable", tokens(needed * load.saturated));
    scenario.written.beside(&mut warning, key_of_traffic(&scenario.traffic), asked);
    let enough = (times * f64::from(replicas)).ceil();
    warnings.push(warning.help(format!("{enough} or more replicas of it, or a version that is quicker")));
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
    let asked = format!("ask for {} output tokens/s", tokens(needed * load.saturated));
    scenario.written.beside(&mut warning, key_of_traffic(&scenario.traffic), asked);
    warnings.push(warning.help("max_unavailable = 0 with a surge: new replicas first"));
}
