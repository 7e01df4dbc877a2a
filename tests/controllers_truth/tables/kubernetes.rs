//! Rows of Kubernetes' own tests (`pkg/controller/deployment`).

use cutover::rollout::arithmetic::{
    DeploymentState, DeploymentStatus, ReplicaSetState, ScaledSet, cleaned_up_sizes, fenceposts, has_passed_deadline,
    new_replica_set_size, old_replica_set_sizes, scaled_down_sizes, sizes_for_another_number,
};
use cutover::rollout::{Limits, ReplicaSetStatus};
use cutover::scenario::DeploymentSettings;
use cutover::units::{CountOrPercent, Duration, parse_percent};
use serde_json::Value;

use super::{Row, Table};
use crate::harness::{at, count, count_or_percent};

/// What becomes of a table.
pub(super) fn table(name: &str) -> Table {
    Table::Rows(match name {
        "TestResolveFenceposts" => fenceposts_row,
        "TestMaxUnavailable" => max_unavailable_row,
        "TestNewRSNewReplicas" => new_size_row,
        "TestDeploymentController_reconcileNewReplicaSet" => new_replica_set_row,
        "TestDeploymentController_reconcileOldReplicaSets" => old_replica_sets_row,
        "TestDeploymentController_cleanupUnhealthyReplicas" => clean_up_row,
        "TestDeploymentController_scaleDownOldReplicaSetsForRollingUpdate" => scale_down_row,
        "TestScale" => scale_row,
        "TestDeploymentComplete" => complete_row,
        "TestDeploymentProgressing" => progressing_row,
        "TestDeploymentTimedOut" => timed_out_row,
        "TestGetCondition" | "TestSetCondition" | "TestRemoveCondition" | "TestSyncRolloutStatus" => {
            return Table::NotApplicable("lists of conditions");
        }
        "TestReplicasAnnotationsNeedUpdate" => return Table::NotApplicable("annotations"),
        "TestDeploymentController_cleanupDeployment" => return Table::NotApplicable("the history of ReplicaSets"),
        "TestRequeueStuckDeployment" => return Table::NotApplicable("when the controller's own queue looks again"),
        _ => return Table::NotApplicable("objects and labels"),
    })
}

fn set(spec: u32, available: u32) -> ReplicaSetState {
    let status = ReplicaSetStatus { replicas: spec, ready: available, available, terminating: 0 };
    ReplicaSetState { spec, status }
}

fn number(row: &Value, key: &str) -> u32 {
    count(&row[key])
}

/// A row's settings; what is not set is zero.
fn settings(row: &Value) -> DeploymentSettings {
    let zero = CountOrPercent::Count(0);
    DeploymentSettings {
        max_surge: count_or_percent(&row["maxSurge"], zero),
        max_unavailable: count_or_percent(&row["maxUnavailable"], zero),
        ..DeploymentSettings::default()
    }
}

/// Fenceposts, or the refusal of what is neither a number nor a percentage. What is not set is zero.
pub(super) fn fenceposts_row(row: &Value) -> Row {
    let is_refused = |value: &Value| value.as_str().is_some_and(|text| parse_percent(text).is_err());
    if row["expectError"].as_bool().unwrap_or(false) {
        return Row::of(is_refused(&row["maxSurge"]) || is_refused(&row["maxUnavailable"]), true);
    }
    let DeploymentSettings { max_surge, max_unavailable, .. } = settings(row);
    let ours = fenceposts(max_surge, max_unavailable, number(row, "desired"));
    Row::of((ours.surge, ours.unavailable), (number(row, "expectSurge"), number(row, "expectUnavailable")))
}

fn max_unavailable_row(row: &Value) -> Row {
    let spec = &row["deployment"]["spec"];
    if spec["strategy"]["type"] == "Recreate" {
        return Row::NotApplicable("Recreate has no limits here");
    }
    let DeploymentSettings { max_surge, max_unavailable, .. } = settings(&spec["strategy"]["rollingUpdate"]);
    let limits = Limits::resolve(max_surge, max_unavailable, count(&spec["replicas"]));
    Row::of(limits.unavailable, number(row, "expected"))
}

fn new_size_row(row: &Value) -> Row {
    if row["strategyType"] == "Recreate" {
        return Row::NotApplicable("Recreate sets the size at once here");
    }
    let new = set(number(row, "newRSReplicas"), 0);
    if new.spec > number(row, "depReplicas") {
        return Row::NotApplicable("its caller shrinks such a ReplicaSet before it asks");
    }
    let state = DeploymentState { replicas: number(row, "depReplicas"), new, old: Vec::new() };
    let ours = new_replica_set_size(&settings(row), &state);
    Row::of(ours, number(row, "expected"))
}

fn new_replica_set_row(row: &Value) -> Row {
    let (new, old) = (number(row, "newReplicas"), number(row, "oldReplicas"));
    let state =
        DeploymentState { replicas: number(row, "deploymentReplicas"), new: set(new, 0), old: vec![set(old, 0)] };
    let ours = new_replica_set_size(&settings(row), &state);
    let expected = if row["scaleExpected"] == true { number(row, "expectedNewReplicas") } else { new };
    Row::of(ours, expected)
}

/// The expected size of the old ReplicaSet, which a row only tells if it changes.
fn expected_old(row: &Value) -> Vec<u32> {
    let changes = row["scaleExpected"] == true;
    vec![number(row, if changes { "expectedOldReplicas" } else { "oldReplicas" })]
}

fn old_replica_sets_row(row: &Value) -> Row {
    let state = DeploymentState {
        replicas: number(row, "deploymentReplicas"),
        new: set(number(row, "newReplicas"), number(row, "readyPodsFromNewRS")),
        old: vec![set(number(row, "oldReplicas"), number(row, "readyPodsFromOldRS"))],
    };
    // The real test runs with maxSurge 0, so that maxUnavailable 0 becomes 1.
    Row::of(old_replica_set_sizes(&settings(row), &state), expected_old(row))
}

fn clean_up_row(row: &Value) -> Row {
    let old = number(row, "oldReplicas");
    let state = DeploymentState { replicas: 10, new: set(0, 0), old: vec![set(old, number(row, "readyPods"))] };
    let sizes = cleaned_up_sizes(&settings(row), &state, number(row, "maxCleanupCount"));
    Row::of(old - sizes[0], number(row, "cleanupCountExpected"))
}

fn scale_down_row(row: &Value) -> Row {
    let state = DeploymentState {
        replicas: number(row, "deploymentReplicas"),
        new: set(0, 0),
        old: vec![set(number(row, "oldReplicas"), number(row, "readyPods"))],
    };
    Row::of(scaled_down_sizes(&settings(row), &state), expected_old(row))
}

/// Replicas and surge of a Deployment.
fn replicas_and_surge(deployment: &Value) -> (u32, DeploymentSettings) {
    let spec = &deployment["spec"];
    (count(&spec["replicas"]), settings(&spec["strategy"]["rollingUpdate"]))
}

/// Sizes of the ReplicaSets of a row by age, the template's last; the table lists the newest old one first.
fn scale_row(row: &Value) -> Row {
    let (replicas, settings) = replicas_and_surge(&row["deployment"]);
    let (before, settings_before) = replicas_and_surge(&row["oldDeployment"]);
    let surge = Limits::resolve(settings_before.max_surge, settings_before.max_unavailable, before).surge;
    let size = |set: &Value| set["spec"]["replicas"].as_u64().map(|size| size as u32);
    let scaled = |set: &Value| {
        let annotated = &row["desiredReplicasAnnotations"][set["metadata"]["name"].as_str().unwrap_or_default()];
        let recorded_replicas = if annotated.is_null() { before } else { count(annotated) };
        Some(ScaledSet { spec: size(set)?, recorded_replicas, recorded_max: recorded_replicas + surge })
    };
    let list = |old: &str, new: &str| -> Vec<Value> {
        row[old].as_array().into_iter().flatten().rev().cloned().chain([row[new].clone()]).collect()
    };
    let sets: Vec<Option<ScaledSet>> = list("oldRSs", "newRS").iter().map(scaled).collect();
    let expected: Vec<u32> = list("expectedOld", "expectedNew").iter().map(|set| size(set).unwrap_or(0)).collect();
    Row::of(sizes_for_another_number(&settings, replicas, &sets), expected)
}

fn status(status: &Value) -> DeploymentStatus {
    DeploymentStatus {
        replicas: count(&status["replicas"]),
        updated: count(&status["updatedReplicas"]),
        ready: count(&status["readyReplicas"]),
        available: count(&status["availableReplicas"]),
    }
}

fn complete_row(row: &Value) -> Row {
    let ours = status(&row["d"]["status"]).is_complete(count(&row["d"]["spec"]["replicas"]));
    Row::of(Some(ours), row["expected"].as_bool())
}

fn progressing_row(row: &Value) -> Row {
    let ours = status(&row["newStatus"]).has_progressed_since(&status(&row["d"]["status"]));
    Row::of(Some(ours), row["expected"].as_bool())
}

/// The test's clock, in the seconds of its conditions.
const TIMED_OUT_NOW: i64 = 63_587_203_280;

fn timed_out_row(row: &Value) -> Row {
    let condition = &row["d"]["status"]["conditions"][0];
    let Some(updated) = condition["lastUpdateTime"]["_ext"].as_i64() else {
        return Row::NotApplicable("a complete Deployment has no deadline here");
    };
    // int32's greatest is no deadline, as is none.
    let deadline = row["d"]["spec"]["progressDeadlineSeconds"].as_u64().filter(|seconds| *seconds < i32::MAX as u64);
    let deadline = deadline.map_or(Duration::FOREVER, Duration::from_seconds);
    let ours = has_passed_deadline(at(0), deadline, at(TIMED_OUT_NOW - updated));
    Row::of(Some(ours), row["expected"].as_bool())
}
