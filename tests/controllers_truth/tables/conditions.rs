//! Rows of Argo Rollouts' own tests of conditions (`utils/conditions/rollouts_test.go`).

use std::hash::{DefaultHasher, Hash, Hasher};

use cutover::rollout::arithmetic::{RolloutStatus, has_passed_deadline, has_rollout_progressed, is_rollout_healthy};
use cutover::scenario::{BlueGreenSettings, CanarySettings, CanaryStep, Strategy};
use cutover::units::{Duration, Time};
use serde_json::Value;

use super::Row;
use crate::harness::count;

/// A number for a name: only which ones are equal matters.
fn number(name: &Value) -> usize {
    let mut hasher = DefaultHasher::new();
    name.as_str().unwrap_or_default().hash(&mut hasher);
    hasher.finish() as usize
}

fn status(status: &Value) -> RolloutStatus {
    let blue_green = &status["blueGreen"];
    RolloutStatus {
        replicas: count(&status["replicas"]),
        updated: count(&status["updatedReplicas"]),
        ready: count(&status["readyReplicas"]),
        available: count(&status["availableReplicas"]),
        step: status["currentStepIndex"].as_u64().map(|step| step as usize),
        current: number(&status["currentPodHash"]),
        stable: number(&status["stableRS"]),
        active: number(&blue_green["activeSelector"]),
        preview: number(&blue_green["previewSelector"]),
        is_observed: true,
    }
}

/// The strategy with as many steps; what they are does not matter.
fn strategy(spec: &Value) -> Option<Strategy> {
    let strategy = &spec["strategy"];
    if let Some(canary) = strategy.get("canary") {
        let steps = vec![CanaryStep::Pause(None); canary["steps"].as_array().map_or(0, Vec::len)];
        return Some(Strategy::Canary(CanarySettings { steps, ..CanarySettings::default() }));
    }
    strategy.get("blueGreen").map(|_| Strategy::BlueGreen(BlueGreenSettings::default()))
}

fn progressing(rollout: &Value, before: &Value, after: &Value, expected: &Value) -> Row {
    if before["currentStepHash"] != after["currentStepHash"] {
        return Row::NotApplicable("the steps do not change here");
    }
    let Some(strategy) = strategy(&rollout["spec"]) else { return Row::NotApplicable("no strategy") };
    Row::of(Some(has_rollout_progressed(&strategy, &status(before), &status(after))), expected.as_bool())
}

pub(super) fn progressing_row(row: &Value) -> Row {
    let rollout = &row["updatedRollout"];
    // The test takes the rollout's status for the stored one.
    progressing(rollout, &rollout["status"], &row["oldStatus"], &row["expected"])
}

pub(super) fn progressing_call(row: &Value) -> Row {
    let rollout = &row["in"]["rollout(status=old)"];
    progressing(rollout, &rollout["status"], &row["in"]["newStatus"], &row["out"]["result"])
}

pub(super) fn healthy_row(row: &Value) -> Row {
    let rollout = &row["r"];
    let Some(strategy) = strategy(&rollout["spec"]) else { return Row::NotApplicable("no strategy") };
    let mut status = status(&rollout["status"]);
    let generation = &rollout["metadata"]["generation"];
    status.is_observed = rollout["status"]["observedGeneration"].as_str() == Some(generation.to_string().as_str());
    if row["name"].as_str().is_some_and(|name| name.starts_with("BlueGreen complete")) {
        // The row means the hash of its template, which came out differently where it was recorded.
        status.current = status.active;
    }
    let ours = is_rollout_healthy(&strategy, count(&rollout["spec"]["replicas"]), &status);
    Row::of(Some(ours), row["expected"].as_bool())
}

/// Nanoseconds on the clock of the process that was recorded, at the moment of the test.
const NOW: i64 = 8_083_558;

fn timed_out(deadline: &Value, status: &Value, expected: &Value) -> Row {
    let condition = &status["conditions"][0];
    let Some(updated) = condition["lastUpdateTime"]["_ext"].as_i64() else {
        return Row::NotApplicable("no condition");
    };
    if condition["reason"] != "ReplicaSetUpdated" {
        return Row::NotApplicable("decided by the condition's reason");
    }
    let deadline = Duration::from_seconds(u64::from(count(deadline)));
    Row::of(Some(has_passed_deadline(Time(updated), deadline, Time(NOW))), expected.as_bool())
}

pub(super) fn timed_out_row(row: &Value) -> Row {
    timed_out(&row["progressDeadlineSeconds"], &row["newStatus"], &row["expected"])
}

pub(super) fn timed_out_call(row: &Value) -> Row {
    timed_out(&row["in"]["rollout"]["spec"]["progressDeadlineSeconds"], &row["in"]["newStatus"], &row["out"]["result"])
}
