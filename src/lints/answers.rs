//! Answers against the times that a scenario gives them: the grace period, the warm-up, the clients' patience.

use super::load::{Answers, Load};
use crate::digits;
use crate::fleet::{sigkill_after, sigterm_after};
use crate::scenario::{Code, OnSigterm, Problem, Scenario, Strategy};
use crate::units::Duration;

/// Share of the answers in flight at a shutdown that may be cut before anything is said, and that what is proposed cuts.
const CUT: f64 = 0.001;
/// Share of the answers that may be longer than the warm-up.
const LONGEST: f64 = 0.001;
/// How much longer they must be for that to be no matter of the estimate.
const WELL_OVER: f64 = 1.25;
/// Share of the answers that may outlast their clients' patience.
const IMPATIENT: f64 = 0.05;

/// Answers that take longer than they are given.
pub fn warnings(scenario: &Scenario, load: &Load, warnings: &mut Vec<Problem>) {
    grace(scenario, load, warnings);
    warm_up(scenario, load, warnings);
    timeout(scenario, load, warnings);
}

/// A share as people read an estimate: two digits.
fn percent(share: f64) -> String {
    digits::percent((share * 1e3).round() / 1e3)
}

/// A time that people would write: up to the next 5 s, above five minutes to the next 30 s.
fn round(seconds: f64) -> Duration {
    let step = if seconds <= 300.0 { 5.0 } else { 30.0 };
    Duration::from_seconds_f64((seconds / step).ceil() * step)
}

/// What is in flight at a shutdown against the time until it is cut.
fn grace(scenario: &Scenario, load: &Load, warnings: &mut Vec<Problem>) {
    const GRACE: &str = "termination.grace_period";
    const PRE_STOP: &str = "termination.pre_stop";
    // Where nothing is shut down, or the hook takes all, there is nothing to say, or something else.
    let termination = &scenario.termination;
    if matches!(scenario.rollout.strategy, Strategy::None) || termination.grace_period <= termination.pre_stop {
        return;
    }
    let aborts = termination.on_sigterm == OnSigterm::Abort;
    let given = if aborts { sigterm_after(termination) } else { sigkill_after(termination) };
    let share = load.share_in_flight_after(given.seconds());
    if share <= CUT {
        return;
    }
    let needed = round(load.seconds_until_in_flight(CUT));
    let (key, cut_by) = if aborts { (PRE_STOP, "SIGTERM, which drops them,") } else { (GRACE, "SIGKILL") };
    let message = format!(
        "about {} of the answers in flight at a shutdown need longer than {given}, an estimate from their lengths",
        percent(share)
    );
    let label = format!("{cut_by} comes {given} after the shutdown begins");
    let mut warning = scenario.written.problem(Code::SHORT_GRACE, key, message, label);
    if aborts {
        scenario.written.beside(&mut warning, GRACE, "must hold the hook");
    } else {
        let is_put_off = given > termination.grace_period;
        let label =
            if is_put_off { "SIGKILL comes no sooner than 2 s after it" } else { "runs inside the grace period" };
        scenario.written.beside(&mut warning, PRE_STOP, label);
    }
    let leaf = key.rsplit('.').next().unwrap_or(key);
    let help = format!("{leaf} = \"{needed}\" would cut about 0.1 %; `cutover grace` measures it");
    warnings.push(warning.help(help));
}

/// Measuring begins before the longest answers have had time to end.
fn warm_up(scenario: &Scenario, load: &Load, warnings: &mut Vec<Problem>) {
    const KEY: &str = "study.warm_up";
    let warm_up = scenario.study.warm_up;
    let longest = load.answers.tokens_at(LONGEST, Answers::share_longer) * load.tpot;
    if longest > WELL_OVER * warm_up.seconds() {
        let message = format!("the longest answers in a thousand take about {}", round(longest));
        let label = "until then fewer answers are in flight than later, and a shutdown cuts too few";
        let warning = scenario.written.problem(Code::SHORT_WARM_UP, KEY, message, label);
        warnings.push(warning.help(format!("warm_up = \"{}\" or more", round(longest))));
    }
}

/// Clients that give up on ordinary answers.
fn timeout(scenario: &Scenario, load: &Load, warnings: &mut Vec<Problem>) {
    const KEY: &str = "clients.timeout";
    let Some(timeout) = scenario.clients.timeout else { return };
    let share = load.answers.share_longer(timeout.seconds() / load.tpot);
    if share > IMPATIENT {
        let message = format!("about {} of the answers take longer than clients.timeout, {timeout}", percent(share));
        let label = "clients give these up, rollout or not";
        let needed = round(load.answers.tokens_at(LONGEST, Answers::share_longer) * load.tpot);
        let warning = scenario.written.problem(Code::SHORT_TIMEOUT, KEY, message, label);
        warnings.push(warning.help(format!("timeout = \"{needed}\" lets all but one in a thousand finish")));
    }
}
