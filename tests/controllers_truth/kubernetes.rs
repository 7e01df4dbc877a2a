//! Kubernetes' Deployment: recorded rollouts.

use cutover::rollout::{Controller, Version};
use cutover::scenario::{DeploymentSettings, Strategy};
use cutover::units::{CountOrPercent, Duration};
use serde_json::Value;

use crate::harness::*;
use crate::{Verdict, cases, conclude};

fn deployment(config: &Value) -> Strategy {
    let settings = DeploymentSettings {
        max_surge: count_or_percent(&config["maxSurge"], CountOrPercent::Percent(25)),
        max_unavailable: count_or_percent(&config["maxUnavailable"], CountOrPercent::Percent(25)),
        min_ready: whole_seconds(&config["minReadySeconds"]).unwrap_or(Duration::ZERO),
        progress_deadline: whole_seconds(&config["progressDeadlineSeconds"]).unwrap_or(Duration::FOREVER),
        ..DeploymentSettings::default()
    };
    if config["strategy"] == "Recreate" { Strategy::Recreate(settings) } else { Strategy::Rolling(settings) }
}

/// A row in the words of the recording: sizes and counts of the new and of all old ReplicaSets, and the condition.
fn recorded_row(row: &Value) -> (i64, String) {
    let condition = match row["progressing_reason"].as_str() {
        Some("NewReplicaSetAvailable") => "Healthy",
        Some("ProgressDeadlineExceeded") => "Degraded",
        Some("DeploymentPaused") => "Paused",
        Some(reason) if !reason.is_empty() => "Progressing",
        _ => "",
    };
    let counts = ["spec", "total", "ready", "available"];
    let side = |side: &str| counts.map(|name| row[format!("{side}_{name}")].to_string()).join("/");
    (row["t"].as_i64().expect("a time"), format!("new {} old {} {condition}", side("new"), side("old")))
}

fn our_row(replay: &Replay<'_>, t: i64, has_condition: bool) -> (i64, String) {
    let statuses = replay.fleet.statuses(at(t));
    let side = |versions: Vec<Version>| {
        let sum = |count: &dyn Fn(Version) -> u32| versions.iter().map(|version| count(*version)).sum::<u32>();
        format!(
            "{}/{}/{}/{}",
            sum(&|version| replay.controller.spec(version)),
            sum(&|version| statuses[version].replicas),
            sum(&|version| statuses[version].ready),
            sum(&|version| statuses[version].available)
        )
    };
    let old = (0..statuses.len()).filter(|version| *version != replay.template).collect();
    let condition = if has_condition { format!("{:?}", replay.controller.health()) } else { String::new() };
    (t, format!("new {} old {} {condition}", side(vec![replay.template]), side(old)))
}

/// Keys of a configuration that a scenario can name, or that only describe the recording.
const KNOWN: &[&str] = &[
    "id",
    "replicas",
    "strategy",
    "maxSurge",
    "maxUnavailable",
    "minReadySeconds",
    "progressDeadlineSeconds",
    "coldStarts.*",
    "events.t",
    "events.op",
    "events.arg",
    "events.n",
    "horizon",
];

/// What of a case a scenario cannot name, if anything.
fn not_covered(config: &Value) -> Option<String> {
    unknown_key(config, "", KNOWN, &[]).or_else(|| unknown_operation(config))
}

fn compare(case: &Value) -> Verdict {
    let config = &case["config"];
    if let Some(reason) = not_covered(config) {
        return Verdict::NotCovered(reason);
    }
    let has_condition = !config["progressDeadlineSeconds"].is_null();
    let controller = Controller::new(&deployment(config), &[], count(&config["replicas"]));
    let mut replay = replay(controller, config, VictimRule::Kubernetes, Vec::new());
    let mut rows = Vec::new();
    replay.run(config, |replay, t| rows.push(our_row(replay, t, has_condition)));
    let recorded = case["timeline"].as_array().expect("rows").iter().map(recorded_row).collect();
    let finished = replay.controller.finished_at().map(seconds);
    difference("row", &distinct_rows(recorded), &distinct_rows(rows))
        .or_else(|| difference("scale", &recorded_scales(case, "template"), &replay.operations))
        .or_else(|| difference("pods", &[recorded_pods(case)], &[replay.pods]))
        .or_else(|| difference("completion", &[case["complete_at"].as_i64()], &[finished]))
        .or_else(|| difference("deadline", &[case["progress_deadline_exceeded_at"].as_i64()], &[replay.first_deadline]))
        .into()
}

#[test]
fn kubernetes_timelines_are_those_of_the_real_controllers() {
    let cases = cases("kubernetes_timelines.jsonl", "kubernetes timelines");
    let verdicts: Vec<_> = cases.iter().map(|case| (name_of(case), compare(case))).collect();
    conclude("kubernetes timelines", &verdicts);
}
