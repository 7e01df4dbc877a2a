//! Rows of Argo Rollouts' own tests (`utils/replicaset`, `utils/conditions`), and the calls of its arithmetic that these
//! tests made.

use cutover::rollout::arithmetic::{
    BlueGreenState, CanaryState, ReplicaSetState, approximate, blue_green_size, canary_sizes, canary_weight_for_pods,
    counted_for_scale_down, is_canary_at_its_sizes, is_threshold_met,
};
use cutover::rollout::{Limits, ReplicaSetStatus};
use cutover::scenario::{BlueGreenSettings, CanarySettings, CanaryStep};
use cutover::units::CountOrPercent;
use serde_json::Value;

use super::{Row, Table, conditions, kubernetes};
use crate::argo::{canary_scale, threshold};
use crate::harness::{count, count_or_percent, whole_seconds};

/// What becomes of a table.
pub(super) fn table(name: &str) -> Table {
    Table::Rows(match name {
        "call:approximateWeightedCanaryStableReplicaCounts" => approximate_call,
        "TestApproximateWeightedNewStableReplicaCounts" => approximate_row,
        "call:CalculateReplicaCountsForBasicCanary" => basic_call,
        "call:CalculateReplicaCountsForTrafficRoutedCanary" => routed_call,
        "TestCalculateReplicaCountsForCanary" => basic_row,
        "call:GetDesiredCanaryWeight" => weight_call,
        "call:AtDesiredReplicaCountsForCanary" => at_sizes_call,
        "call:ReplicaProgressThresholdMet" => threshold_call,
        "TestAllReplicaProgressThresholdMet" | "TestAllDesiredAreAvailable" => threshold_row,
        "call:GetReplicasForScaleDown" => scale_down_call,
        "TestGetReplicasForScaleDown" => scale_down_row,
        "call:NewRSNewReplicas" => blue_green_call,
        "TestNewRSNewReplicasWitPreviewReplicaCount" => blue_green_row,
        "call:MaxSurge" => |row| max_surge(&row["in"]["rollout"], &row["out"]["maxSurge"]),
        "TestMaxSurge" => |row| max_surge(&row["rollout"], &row["expected"]),
        "call:MaxUnavailable" => |row| max_unavailable(&row["in"]["rollout"], &row["out"]["maxUnavailable"]),
        "TestMaxUnavailable" => |row| max_unavailable(&row["rollout"], &row["expected"]),
        "TestResolveFenceposts" => kubernetes::fenceposts_row,
        "TestRolloutProgressing" => conditions::progressing_row,
        "call:RolloutProgressing" => conditions::progressing_call,
        "TestRolloutHealthy" => conditions::healthy_row,
        "TestRolloutTimedOut" => conditions::timed_out_row,
        "call:RolloutTimedOut" => conditions::timed_out_call,
        "call:RolloutHealthy" => return Table::NotApplicable("two hashes differ; its rows are compared instead"),
        "TestCalculateReplicaCountsForCanaryTrafficRoutingDynamicScale"
        | "TestGetDesiredCanaryWeightOnAbortWithScaleDownDelay" => {
            return Table::NotApplicable("a part of its input is told by the recorded calls alone");
        }
        "TestGetCanaryReplicasOrWeight" => return Table::NotApplicable("a part of the sizes, which are compared"),
        "TestGetCondition" | "TestSetCondition" | "TestRemoveCondition" => {
            return Table::NotApplicable("lists of conditions");
        }
        _ => return Table::NotApplicable("objects and labels"),
    })
}

/// A ReplicaSet; one that is not there is empty, one without a size has one pod.
fn set(set: &Value) -> ReplicaSetState {
    let number = |value: &Value| if value.is_null() { 0 } else { count(value) };
    let status = &set["status"];
    let has_no_size = set["spec"].is_object() && set["spec"]["replicas"].is_null();
    ReplicaSetState {
        spec: if has_no_size { 1 } else { number(&set["spec"]["replicas"]) },
        status: ReplicaSetStatus {
            replicas: number(&status["replicas"]),
            ready: number(&status["readyReplicas"]),
            available: number(&status["availableReplicas"]),
            terminating: 0,
        },
    }
}

/// Desired replicas, which are one unless set.
fn replicas(rollout: &Value) -> u32 {
    rollout["spec"]["replicas"].as_u64().unwrap_or(1) as u32
}

/// The steps, of which each has one thing to do here, and the place of the last of those that the current one became.
fn steps(rollout: &Value) -> (Vec<CanaryStep>, usize) {
    let current = rollout["status"]["currentStepIndex"].as_u64().unwrap_or(0) as usize;
    let (mut steps, mut place) = (Vec::new(), 0);
    for (index, step) in rollout["spec"]["strategy"]["canary"]["steps"].as_array().into_iter().flatten().enumerate() {
        if let Some(scale) = step.get("setCanaryScale") {
            steps.push(CanaryStep::SetCanaryScale(canary_scale(scale)));
        }
        if let Some(weight) = step.get("setWeight") {
            steps.push(CanaryStep::SetWeight(count(weight)));
        }
        if index <= current {
            place = steps.len().saturating_sub(1);
        }
    }
    (steps, place)
}

/// The settings and the state of a recorded call.
fn midway(input: &Value, traffic_routing: bool) -> (CanarySettings, CanaryState) {
    let rollout = &input["rollout"];
    let canary = &rollout["spec"]["strategy"]["canary"];
    let (steps, step) = steps(rollout);
    let default = CountOrPercent::Percent(25);
    let settings = CanarySettings {
        traffic_routing,
        max_surge: count_or_percent(&canary["maxSurge"], default),
        max_unavailable: count_or_percent(&canary["maxUnavailable"], default),
        dynamic_stable_scale: canary["dynamicStableScale"] == true,
        abort_scale_down_delay: whole_seconds(&canary["abortScaleDownDelaySeconds"]),
        min_pods_per_replica_set: canary["minPodsPerReplicaSet"].as_u64().map(|minimum| minimum as u32),
        steps,
        ..CanarySettings::default()
    };
    let older = ["oldRSs", "olderRSs"].iter().filter_map(|key| input[*key].as_array()).flatten().map(set);
    let older = older.fold(ReplicaSetState::default(), |mut sum, set| {
        sum.spec += set.spec;
        sum.status.available += set.status.available;
        sum
    });
    let is_distinct = !input["stableRS"].is_null() && input["newRS"]["metadata"] != input["stableRS"]["metadata"];
    let state = CanaryState {
        replicas: replicas(rollout),
        canary: set(&input["newRS"]),
        // With a traffic router a stable ReplicaSet that is not there counts as one without pods.
        stable: (is_distinct || traffic_routing).then(|| set(&input["stableRS"])),
        older,
        step,
        is_aborted: rollout["status"]["abort"] == true,
        is_promoted_in_full: rollout["status"]["promoteFull"] == true,
        weight: input["weights"]["canary"].get("weight").map(count),
    };
    (settings, state)
}

/// Whether a call asks how an aborted canary gives way without saying to what: here there are always ReplicaSets.
fn gives_way_to_nothing(input: &Value) -> bool {
    let rollout = &input["rollout"];
    let is_dynamic = rollout["spec"]["strategy"]["canary"]["dynamicStableScale"] == true;
    is_dynamic && rollout["status"]["abort"] == true && input["stableRS"].is_null()
}

fn sizes_call(row: &Value, traffic_routing: bool) -> Row {
    if gives_way_to_nothing(&row["in"]) {
        return Row::NotApplicable("no ReplicaSets");
    }
    let (settings, state) = midway(&row["in"], traffic_routing);
    let ours = canary_sizes(&settings, &state);
    Row::of((ours.canary, ours.stable), (count(&row["out"]["canary"]), count(&row["out"]["stable"])))
}

fn basic_call(row: &Value) -> Row {
    sizes_call(row, false)
}

fn routed_call(row: &Value) -> Row {
    sizes_call(row, true)
}

fn basic_row(row: &Value) -> Row {
    let is_routed = ["setCanaryScale", "minPodsPerReplicaSet", "abortScaleDownDelaySeconds"];
    if is_routed.iter().any(|key| !row[*key].is_null()) {
        return Row::NotApplicable("whether there is a traffic router is told by the recorded call alone");
    }
    let side = |name: &str| {
        let available = count(&row[format!("{name}AvailableReplica")]);
        let status = ReplicaSetStatus { available, ..ReplicaSetStatus::default() };
        ReplicaSetState { spec: count(&row[format!("{name}SpecReplica")]), status }
    };
    let zero = CountOrPercent::Count(0);
    let settings = CanarySettings {
        traffic_routing: false,
        max_surge: count_or_percent(&row["maxSurge"], zero),
        max_unavailable: count_or_percent(&row["maxUnavailable"], zero),
        steps: vec![CanaryStep::SetWeight(count(&row["setWeight"]))],
        ..CanarySettings::default()
    };
    let state = CanaryState {
        replicas: count(&row["rolloutSpecReplicas"]),
        canary: side("canary"),
        stable: Some(side("stable")),
        older: set(&row["olderRS"]),
        is_aborted: row["statusAbort"] == true,
        is_promoted_in_full: row["promoteFull"] == true,
        ..CanaryState::default()
    };
    let ours = canary_sizes(&settings, &state);
    let expected = (count(&row["expectedCanaryReplicaCount"]), count(&row["expectedStableReplicaCount"]));
    Row::of((ours.canary, ours.stable), expected)
}

fn approximated(replicas: &Value, weight: &Value, row: &Value, expected: [&Value; 2]) -> Row {
    if row["maxWeight"] != 100 {
        return Row::NotApplicable("weights are percentages here");
    }
    let ours = approximate(count(replicas), count(weight), count(&row["maxSurge"]));
    Row::of([ours.canary, ours.stable], expected.map(count))
}

fn approximate_call(row: &Value) -> Row {
    let (input, output) = (&row["in"], &row["out"]);
    let expected = [&output["canary"], &output["stable"]];
    approximated(&input["specReplicas"], &input["desiredWeight"], input, expected)
}

fn approximate_row(row: &Value) -> Row {
    approximated(&row["replicas"], &row["weight"], row, [&row["expCanary"], &row["expStable"]])
}

fn weight_call(row: &Value) -> Row {
    if gives_way_to_nothing(&row["in"]) {
        return Row::NotApplicable("no ReplicaSets");
    }
    let (settings, state) = midway(&row["in"], true);
    Row::of(canary_weight_for_pods(&settings, &state), count(&row["out"]["weight"]))
}

fn at_sizes_call(row: &Value) -> Row {
    let (settings, state) = midway(&row["in"], false);
    Row::of(Some(is_canary_at_its_sizes(&settings, &state)), row["out"]["result"].as_bool())
}

fn is_met(row: &Value, expected: &Value) -> Row {
    if row["rs"].is_null() {
        return Row::NotApplicable("no ReplicaSet");
    }
    let set = set(&row["rs"]);
    let ours = is_threshold_met(threshold(&row["threshold"]), set.spec, set.status.available, count(&row["desired"]));
    Row::of(Some(ours), expected.as_bool())
}

fn threshold_call(row: &Value) -> Row {
    is_met(&row["in"], &row["out"]["result"])
}

fn threshold_row(row: &Value) -> Row {
    is_met(row, &row["want"])
}

fn scale_down_call(row: &Value) -> Row {
    let ours = counted_for_scale_down(set(&row["in"]["rs"]), row["in"]["ignoreAvailability"] == true);
    Row::of(ours, count(&row["out"]["replicas"]))
}

fn scale_down_row(row: &Value) -> Row {
    let ours = counted_for_scale_down(set(&row["rs"]), row["ignoreAvailability"] == true);
    Row::of(ours, count(&row["want"]))
}

fn blue_green_call(row: &Value) -> Row {
    let rollout = &row["in"]["rollout"];
    let Some(blue_green) = rollout["spec"]["strategy"].get("blueGreen") else {
        return Row::NotApplicable("a rollout without a strategy");
    };
    let status = &rollout["status"];
    let new = &row["in"]["newRS"]["metadata"]["labels"]["rollouts-pod-template-hash"];
    let preview = blue_green["previewReplicaCount"].as_u64().map(|preview| preview as u32);
    let active = &status["blueGreen"]["activeSelector"];
    if preview.is_some() && active.is_null() {
        return Row::NotApplicable("a first deployment");
    }
    let settings = BlueGreenSettings { preview_replica_count: preview, ..BlueGreenSettings::default() };
    let state = BlueGreenState {
        replicas: replicas(rollout),
        is_active: active == new,
        is_observed: &status["currentPodHash"] == new,
        is_paused: rollout["spec"]["paused"] == true || status["pauseConditions"].is_array(),
        preview_passed: status["blueGreen"]["scaleUpPreviewCheckPoint"] == true,
        is_promoted_in_full: status["promoteFull"] == true,
    };
    Row::of(blue_green_size(&settings, &state), count(&row["out"]["replicas"]))
}

/// Ten replicas, a preview of one; what is shipped is called foo.
fn blue_green_row(row: &Value) -> Row {
    let Some(active) = row["activeSelector"].as_str() else {
        return Row::NotApplicable("a first deployment");
    };
    let settings = BlueGreenSettings { preview_replica_count: Some(1), ..BlueGreenSettings::default() };
    let state = BlueGreenState {
        replicas: 10,
        is_active: active == "foo",
        is_observed: row["overrideCurrentPodHash"].is_null(),
        is_paused: false,
        preview_passed: row["scaleUpPreviewCheckpoint"] == true,
        is_promoted_in_full: row["promoteFull"] == true,
    };
    Row::of(blue_green_size(&settings, &state), count(&row["expectReplicaCount"]))
}

/// Surge and unavailable of a canary; blue-green has neither.
fn limits(rollout: &Value) -> Option<Limits> {
    let canary = rollout["spec"]["strategy"].get("canary")?;
    let default = CountOrPercent::Percent(25);
    let (surge, unavailable) = (&canary["maxSurge"], &canary["maxUnavailable"]);
    Some(Limits::resolve(count_or_percent(surge, default), count_or_percent(unavailable, default), replicas(rollout)))
}

fn max_surge(rollout: &Value, expected: &Value) -> Row {
    limits(rollout).map_or(Row::NotApplicable("blue-green"), |limits| Row::of(limits.surge, count(expected)))
}

fn max_unavailable(rollout: &Value, expected: &Value) -> Row {
    limits(rollout).map_or(Row::NotApplicable("blue-green"), |limits| Row::of(limits.unavailable, count(expected)))
}
