//! The fleet at chosen times: versions and their replicas as a tree, with what each is doing.

use super::replicas::{Life, lives};
use super::{Explained, word};
use crate::ledger::RunLog;
use crate::report::format::{Quantity, clock, counted, value};
use crate::report::layout::columns;
use crate::units::Time;

/// Replicas of a version that are shown one by one; of more, only how many are in each state.
const MOST_SHOWN: usize = 16;
/// Events at which the fleet is shown where nobody asks for times.
const TURNS: [&str; 4] = ["rollout_started", "aborted", "promoted", "rollout_completed"];
/// Turns that are shown at most.
const MOST_TURNS: usize = 5;

/// A tree for each moment.
pub(super) fn lines(explained: &Explained<'_>) -> Vec<String> {
    let lives = lives(explained.log);
    let turns;
    let moments = if explained.moments.is_empty() {
        turns = turning_points(explained.log);
        &turns
    } else {
        explained.moments
    };
    let mut lines = Vec::new();
    for at in moments {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(title(explained, *at));
        lines.extend(tree(explained, &lives, *at));
    }
    lines
}

/// The turns of the rollout, each once, and half-way between the first two: while it is under way.
fn turning_points(log: &RunLog) -> Vec<Time> {
    let mut turns: Vec<Time> =
        log.events.iter().filter(|event| TURNS.contains(&event.event)).map(|event| event.time).collect();
    turns.dedup();
    turns.truncate(MOST_TURNS - 1);
    if let [first, second, ..] = turns[..] {
        turns.insert(1, Time(first.0 + (second.0 - first.0) / 2));
    }
    turns
}

/// The time, and where the requests go.
fn title(explained: &Explained<'_>, at: Time) -> String {
    let before = || explained.log.events.iter().filter(|event| event.time <= at).rev();
    let mut title = format!("at {}", clock(at.0));
    if let Some(step) = before().find(|event| event.event == "step_reached") {
        title.push_str(&format!("  step {}", word(&step.detail, "step").unwrap_or_default()));
    }
    if let Some(weight) = before().find(|event| event.event == "weight_set") {
        title.push_str(&format!("  weight {} %", word(&weight.detail, "weight").unwrap_or_default()));
    }
    title
}

fn tree(explained: &Explained<'_>, lives: &[Life<'_>], at: Time) -> Vec<String> {
    let names = explained.scenario.versions.iter().map(|version| version.name.as_str());
    let present = |life: &&Life<'_>| life.state_at(at).is_some_and(|(state, _)| state != "gone");
    let versions: Vec<(&str, Vec<&Life<'_>>)> = names
        .map(|name| (name, lives.iter().filter(|life| life.version == name).filter(present).collect()))
        .filter(|(_, lives): &(&str, Vec<&Life<'_>>)| !lives.is_empty())
        .collect();
    let mut rows = Vec::new();
    for (place, (name, lives)) in versions.iter().enumerate() {
        let is_last = place + 1 == versions.len();
        let is_in = |states: &[&str]| {
            lives.iter().filter(|life| life.state_at(at).is_some_and(|(state, _)| states.contains(&state))).count()
        };
        let (ready, terminating) = (is_in(&["ready", "available"]), is_in(&["terminating"]));
        let mut summary = format!("{ready} of {} ready", lives.len() - terminating);
        if terminating > 0 {
            summary.push_str(&format!(", {terminating} terminating"));
        }
        rows.push(vec![format!("{} {name}", if is_last { "└─" } else { "├─" }), summary]);
        rows.extend(replicas(explained.log, lives, at, if is_last { "   " } else { "│  " }));
    }
    columns(&rows, &[])
}

/// One version's replicas, or how many are in each state where there are many.
fn replicas(log: &RunLog, lives: &[&Life<'_>], at: Time, stem: &str) -> Vec<Vec<String>> {
    let branch = |is_last: bool| format!("{stem}{}", if is_last { "└─" } else { "├─" });
    if lives.len() > MOST_SHOWN {
        let mut states: Vec<(&str, u64)> = Vec::new();
        for (state, _) in lives.iter().filter_map(|life| life.state_at(at)) {
            match states.iter_mut().find(|(known, _)| *known == state) {
                Some((_, count)) => *count += 1,
                None => states.push((state, 1)),
            }
        }
        let row = |(place, (state, count)): (usize, &(&str, u64))| {
            vec![format!("{} {}", branch(place + 1 == states.len()), counted(*count, "replica")), (*state).to_owned()]
        };
        return states.iter().enumerate().map(row).collect();
    }
    let row = |(place, life): (usize, &&Life<'_>)| {
        let (state, since) = life.state_at(at).unwrap_or(("", at));
        let mark = match state {
            "ready" | "available" => '✔',
            "terminating" => '⚠',
            "failed" | "unready" => '✖',
            _ => '◌',
        };
        let requests = in_flight(log, life.id, at);
        vec![
            format!("{} {}", branch(place + 1 == lives.len()), life.id),
            format!("{mark} {state} for {}", value(at.since(since).seconds(), Quantity::Seconds)),
            if requests > 0 { format!("{requests} in flight") } else { String::new() },
        ]
    };
    lives.iter().enumerate().map(row).collect()
}

/// Requests that a replica had and had not finished.
fn in_flight(log: &RunLog, replica: u32, at: Time) -> u64 {
    let there = |request: &&crate::ledger::RequestRow| {
        request.replica == Some(replica) && request.arrival <= at && request.finish.is_none_or(|finish| finish > at)
    };
    log.requests.iter().filter(there).count() as u64
}
