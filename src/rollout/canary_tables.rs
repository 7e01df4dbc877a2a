//! The canary's arithmetic against calls of the real functions on grids and random states (`argo_canary_arithmetic.json.gz`).

use std::io::Read;

use serde_json::Value;

use crate::rollout::argo_replica_sets::ReplicaSet;
use crate::rollout::canary::{Canary, Targets};
use crate::rollout::canary_basic::approximate;
use crate::rollout::{FleetView, ReplicaSetStatus};
use crate::scenario::{CanaryScale, CanarySettings, CanaryStep};
use crate::units::{CountOrPercent, Duration, parse_percent};

fn rows(kind: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rollout/argo_canary_arithmetic.json.gz");
    let file = std::fs::File::open(path).expect("the recorded tables");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("a gzip file");
    let tables: Value = serde_json::from_str(&text).expect("JSON");
    tables["generated"]["rows"][kind].as_array().expect("rows").clone()
}

fn count(value: &Value) -> u32 {
    value.as_u64().expect("a count") as u32
}

fn count_or_percent(value: &Value) -> CountOrPercent {
    value
        .as_str()
        .map_or_else(|| CountOrPercent::Count(count(value)), |text| parse_percent(text).expect("a percentage"))
}

fn step(step: &Value) -> CanaryStep {
    if let Some(weight) = step.get("setWeight") {
        return CanaryStep::SetWeight(count(weight));
    }
    let scale = &step["setCanaryScale"];
    CanaryStep::SetCanaryScale(match (scale.get("replicas"), scale.get("weight")) {
        (Some(replicas), _) => CanaryScale::Replicas(count(replicas)),
        (None, Some(weight)) => CanaryScale::Weight(count(weight)),
        (None, None) => CanaryScale::MatchTrafficWeight,
    })
}

/// A routed canary with Argo's defaults.
pub(super) fn settings(steps: Vec<CanaryStep>) -> CanarySettings {
    CanarySettings { steps, ..CanarySettings::default() }
}

fn status(spec: &Value, available: &Value) -> ReplicaSetStatus {
    ReplicaSetStatus { replicas: count(spec), ready: count(available), available: count(available), terminating: 0 }
}

/// A canary in the middle of an update from version 0 to version 2; version 1 is an older one in between.
fn midway(settings: &CanarySettings, row: &Value, older_spec: u32) -> Canary {
    let mut canary = Canary::new(settings, &[], count(&row["replicas"]));
    let rollout = &mut canary.rollout;
    let set = |spec| Some(ReplicaSet { spec, desired: rollout.replicas, scale_down_at: None, revision: 1 });
    rollout.sets = vec![set(count(&row["stable_spec"])), set(older_spec), set(count(&row["canary_spec"]))];
    rollout.template = 2;
    rollout.status.current = 2;
    rollout.status.abort = row["abort"].as_bool().expect("a flag");
    rollout.status.step = Some(row["currentStepIndex"].as_u64().unwrap_or(0) as usize);
    canary
}

fn wanted(row: &Value) -> Targets {
    Targets { canary: count(&row["want_canary"]), stable: count(&row["want_stable"]) }
}

#[test]
fn pods_that_come_nearest_to_a_weight_are_those_of_the_real_function() {
    for row in rows("approx") {
        let targets = approximate(count(&row["replicas"]), count(&row["weight"]), count(&row["maxSurge"]));
        assert_eq!((targets.canary, targets.stable), (count(&row["canary"]), count(&row["stable"])), "{row}");
    }
}

#[test]
fn sizes_of_a_basic_canary_are_those_of_the_real_function() {
    for row in rows("basic") {
        let settings = CanarySettings {
            traffic_routing: false,
            max_surge: count_or_percent(&row["maxSurge"]),
            max_unavailable: count_or_percent(&row["maxUnavailable"]),
            ..settings(vec![CanaryStep::SetWeight(count(&row["setWeight"]))])
        };
        let canary = midway(&settings, &row, count(&row["older_spec"]));
        let statuses = [
            status(&row["stable_spec"], &row["stable_available"]),
            status(&row["older_spec"], &row["older_available"]),
            status(&row["canary_spec"], &row["canary_available"]),
        ];
        assert_eq!(canary.basic_targets(&FleetView { sets: &statuses }), wanted(&row), "{row}");
    }
}

#[test]
fn sizes_of_a_routed_canary_are_those_of_the_real_function() {
    for row in rows("routed") {
        let settings = CanarySettings {
            dynamic_stable_scale: row["dynamicStableScale"].as_bool().expect("a flag"),
            abort_scale_down_delay: row["abortScaleDownDelaySeconds"].as_u64().map(Duration::from_seconds),
            min_pods_per_replica_set: row["minPodsPerReplicaSet"].as_u64().map(|minimum| minimum as u32),
            ..settings(row["steps"].as_array().expect("steps").iter().map(step).collect())
        };
        let mut canary = midway(&settings, &row, 0);
        canary.rollout.status.promote_full = row["promoteFull"].as_bool().expect("a flag");
        let statuses = [
            status(&row["stable_spec"], &row["stable_available"]),
            ReplicaSetStatus::default(),
            status(&row["canary_spec"], &row["canary_available"]),
        ];
        let view = FleetView { sets: &statuses };
        let percent = row["weights"].get("canary").map(count);
        assert_eq!(canary.routed_targets(percent, &view), wanted(&row), "{row}");
        assert_eq!(canary.current_weight(), count(&row["currentSetWeight"]), "{row}");
        assert_eq!(canary.desired_weight(&view), count(&row["desiredCanaryWeight"]), "{row}");
    }
}
