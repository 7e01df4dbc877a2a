//! What a planner takes away, in a sentence: how long a window to reserve, and the grace period that cuts almost nobody.

use crate::digits::{figure, percent_as_given};
use crate::report::format::{Quantity, estimate, value};
use crate::report::layout::glued;
use crate::scenario::OnSigterm;
use crate::study::{SHARE_TO_FINISH, StudyResult, planning, time_to_finish};
use crate::units::Duration;

/// How long a window to reserve, and the grace period that would cut almost nobody; empty where nothing follows.
pub fn planning_line(result: &StudyResult) -> String {
    let planning = planning(result);
    let mut sentences = Vec::new();
    if planning.window_s.value.is_infinite() {
        sentences.push("no window is long enough: more than one rollout in twenty does not finish".to_owned());
    } else if planning.window_s.value.is_finite() {
        let window = estimate(&planning.window_s, Quantity::Seconds);
        sentences.push(format!("a window of {} (P95 duration){}", glued(&window), last_drain(result)));
    }
    if let Some(grace_s) = planning.grace_s {
        let what = match result.scenario.termination.on_sigterm {
            OnSigterm::Drain => "grace period",
            OnSigterm::Abort => "preStop hook",
        };
        let share = planning.cut_share.unwrap_or(0.0);
        if share <= 1.0 - SHARE_TO_FINISH {
            let now = today(result, planning.current_grace_s);
            let enough = match share {
                0.0 => "all".to_owned(),
                share => format!("all but {}", glued(&value(share, Quantity::Share))),
            };
            sentences.push(format!("a {what} of {now} is enough for {enough} of the answers in flight"));
        } else {
            // What is still cut, a run: whoever must cut nobody needs more than this.
            let in_flight = result.pooled.needed_grace.count() as f64 / result.records.len() as f64;
            sentences.push(format!(
                "a {what} of {} lets {} of the answers in flight finish, all but {} a run (see `cutover grace`)",
                Duration::from_seconds(grace_s.ceil() as u64),
                glued(&percent_as_given(SHARE_TO_FINISH)),
                figure((1.0 - SHARE_TO_FINISH) * in_flight),
            ));
        }
    }
    sentences.join("; ")
}

/// What a rollout leaves under way when it is over: answers that its last replicas still finish.
fn last_drain(result: &StudyResult) -> String {
    let longest = time_to_finish(&result.scenario.termination);
    if longest.is_zero() { String::new() } else { format!(" and {longest} of drain") }
}

/// How long an answer has today, as the setting that gives it so long: SIGKILL comes no sooner than a moment after preStop.
fn today(result: &StudyResult, seconds: f64) -> String {
    let termination = &result.scenario.termination;
    let has = glued(&value(seconds, Quantity::Seconds));
    let is_put_off = termination.on_sigterm == OnSigterm::Drain && seconds > termination.grace_period.seconds();
    if !is_put_off {
        return format!("{has}, as now,");
    }
    let hook = if termination.pre_stop < termination.grace_period { "preStop" } else { "itself" };
    format!("{}, as now (SIGKILL after {has}: {hook} and 2 s),", termination.grace_period)
}
