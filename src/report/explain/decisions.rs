//! What the controller and operators decided in a run, in order of time, each with its reason, and what it waited for.

use std::collections::BTreeMap;

use super::replicas::{Life, lives};
use super::{Explained, word};
use crate::ledger::EventRow;
use crate::report::format::{Quantity, clock, value};
use crate::report::layout::{glued, wrap};
use crate::scenario::{CanaryStep, Strategy};

/// The stages of a cold start, with the word for each.
const STAGES: [(&str, &str); 5] = [
    ("created", "waiting for GPUs"),
    ("provisioning", "node"),
    ("pulling", "image"),
    ("loading", "weights"),
    ("starting", "engine"),
];

/// Sizes of ReplicaSets by version and, under Flagger, Deployment.
type Sizes<'e> = BTreeMap<(&'e str, &'e str), u32>;

/// A line for each decision; times that repeat are left out.
pub(super) fn lines(explained: &Explained<'_>, width: usize) -> Vec<String> {
    let lives = lives(explained.log);
    let begins = explained.log.events.iter().position(|event| event.replica.is_none());
    let Some(begins) = begins else { return Vec::new() };
    let mut sizes: Sizes<'_> = BTreeMap::new();
    let replicas = explained.scenario.fleet.replicas;
    sizes.extend([(("stable", ""), replicas), (("stable", "primary"), replicas)]);
    let mut lines = Vec::new();
    let mut shown = String::new();
    for event in &explained.log.events[begins..] {
        let Some(sentence) = sentence(explained, event, &lives, &mut sizes) else { continue };
        let time = clock(event.time.0);
        let label = if time == shown { String::new() } else { time.clone() };
        shown = time;
        lines.extend(wrap(&format!("{label:>13}  "), &sentence, width));
    }
    lines
}

/// What an event says, if it is a decision or something that decisions wait for.
fn sentence<'e>(
    explained: &Explained<'_>,
    event: &'e EventRow,
    lives: &[Life<'_>],
    sizes: &mut Sizes<'e>,
) -> Option<String> {
    let detail = event.detail.as_str();
    let name = |key: &str| word(detail, key).unwrap_or_default().replace('_', " ");
    let replica = event.replica;
    Some(match event.event {
        "rollout_started" => format!("{} is shipped", event.version),
        "action" => format!("an operator or the world: {}", detail.trim_start_matches("do=").replace('_', " ")),
        "scaled" => {
            let to: u32 = word(detail, &event.version)?.parse().ok()?;
            let deployment = word(detail, "deployment").unwrap_or_default();
            let from = sizes.insert((&event.version, deployment), to).unwrap_or(0);
            let of = if deployment.is_empty() { String::new() } else { format!(" ({deployment})") };
            format!("{}{}", glued(&format!("{}{of} {from} -> {to}", event.version)), because(&event.why))
        }
        "weight_set" => format!("{} % of the requests to the canary{}", name("weight"), because(&event.why)),
        "step_reached" => step(explained, &name("step")),
        "gpus_lost" => format!("the GPUs of replica {} are lost when it gives them back", replica?),
        "gpus_returned" => format!("the GPUs of replica {} can be had again", replica?),
        "paused" => format!("pauses: {}", name("reason")),
        "resumed" => "goes on".to_owned(),
        "analysis_started" => format!("analysis {} begins", word(detail, "analysis")?),
        "analysis_passed" => format!(
            "analysis {} passes: {} measurements, {} without data",
            word(detail, "analysis")?,
            name("measurements"),
            name("without_data")
        ),
        "analysis_dry_run" => {
            format!("analysis {}, which is a dry run, {}", word(detail, "analysis")?, word(detail, "reason")?)
        }
        "analysis_failed" => format!("analysis {} fails: {}", word(detail, "analysis")?, word(detail, "reason")?),
        "analysis_inconclusive" => {
            format!("analysis {} is inconclusive: {}", word(detail, "analysis")?, word(detail, "reason")?)
        }
        "aborted" => format!("ABORTED: {}", word(detail, "reason")?),
        "promoted" => "PROMOTED: the new version is the stable one".to_owned(),
        "rollout_completed" => format!("the rollout is over: {}", name("outcome")),
        "deadline_exceeded" => {
            let only_reports =
                matches!(explained.scenario.rollout.strategy, Strategy::Rolling(_) | Strategy::Recreate(_));
            let what = if only_reports { "; Kubernetes only reports that" } else { "" };
            format!("no progress for the progress deadline{what}")
        }
        "ready" => came_up(lives.iter().find(|life| Some(life.id) == replica)?),
        "start_failed" => format!("replica {} ({}) fails to start", replica?, event.version),
        "crashed" => format!("replica {} ({}) crashes", replica?, event.version),
        "unready" => format!("replica {} ({}) fails its readiness probe", replica?, event.version),
        _ => return None,
    })
}

/// A canary's step by its number, from 0, and what it does.
fn step(explained: &Explained<'_>, number: &str) -> String {
    let Strategy::Canary(settings) = &explained.scenario.rollout.strategy else { return format!("step {number}") };
    let step = number.parse().ok().and_then(|number: usize| settings.steps.get(number));
    let what = match step {
        None => return "all steps are done".to_owned(),
        Some(CanaryStep::SetWeight(weight)) => format!("set_weight {weight}"),
        Some(CanaryStep::Pause(Some(duration))) => format!("pause {duration}"),
        Some(CanaryStep::Pause(None)) => "pause until_promoted".to_owned(),
        Some(CanaryStep::SetCanaryScale(_)) => "set_canary_scale".to_owned(),
        Some(CanaryStep::Analysis(analyses)) => {
            let name = |index: &usize| explained.scenario.analyses[*index].name.clone();
            format!("analysis {}", analyses.iter().map(name).collect::<Vec<_>>().join(", "))
        }
    };
    format!("step {number} (from 0): {what}")
}

fn because(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!("  because {why}") }
}

/// A replica that is ready, and what its cold start took.
fn came_up(life: &Life<'_>) -> String {
    let (id, version) = (life.id, life.version);
    let ready = life.when("ready").unwrap_or_default();
    let created = life.changes.first().map_or(ready, |(at, _)| *at);
    let long = |seconds: f64| glued(&value(seconds, Quantity::Seconds));
    let mut parts = Vec::new();
    for (place, (at, event)) in life.changes.iter().enumerate() {
        let Some((_, word)) = STAGES.iter().find(|(stage, _)| stage == event) else { continue };
        let end = life.changes.get(place + 1).map_or(ready, |(end, _)| *end);
        if end > *at && end <= ready {
            parts.push(format!("{word} {}", long(end.since(*at).seconds())));
        }
    }
    let after = long(ready.since(created).seconds());
    let stages = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
    format!("replica {id} ({version}) is ready after {after}{stages}")
}
