//! Rows generated for us: the real functions, called on grids and random states.

use cutover::rollout::ReplicaSetStatus;
use cutover::rollout::arithmetic::{
    CanaryState, ReplicaSetState, Targets, approximate, canary_sizes, canary_weight, canary_weight_for_pods, fenceposts,
};
use cutover::scenario::{CanarySettings, CanaryStep};
use cutover::units::CountOrPercent;
use serde_json::Value;

use crate::argo::canary_scale;
use crate::harness::{count, count_or_percent, whole_seconds};
use crate::{Verdict, conclude, directory, text};

/// The first of these files that is there: our own extract, or the whole table that it was taken from.
fn generated(names: [&str; 2], what: &str) -> Option<Value> {
    let present = names.into_iter().find(|name| directory().join(name).is_file());
    let text = text(directory(), present.unwrap_or(names[0]), what)?;
    let file: Value = serde_json::from_str(&text).expect("JSON");
    Some(file["generated"].clone())
}

fn verdict<T: PartialEq + std::fmt::Debug>(ours: &T, recorded: &T, row: &Value) -> Verdict {
    let difference = || format!("recorded {recorded:?}, ours {ours:?}: {row}");
    (ours != recorded).then(difference).into()
}

#[test]
fn fenceposts_are_those_of_the_real_function() {
    let what = "kubernetes fenceposts";
    let names = ["kubernetes_fenceposts.json", "kubernetes_tables.json"];
    let Some(generated) = generated(names, what) else { return };
    let rows = generated["ResolveFenceposts"]["rows"].as_array().expect("rows");
    let compare = |row: &Value| {
        let zero = CountOrPercent::Count(0);
        let ours = fenceposts(count_or_percent(&row[1], zero), count_or_percent(&row[2], zero), count(&row[0]));
        verdict(&(ours.surge, ours.unavailable), &(count(&row[3]), count(&row[4])), row)
    };
    let verdicts: Vec<_> = rows.iter().map(|row| (row.to_string(), compare(row))).collect();
    conclude(what, &verdicts);
}

fn set(row: &Value, side: &str) -> ReplicaSetState {
    let (spec, available) = (count(&row[format!("{side}_spec")]), count(&row[format!("{side}_available")]));
    let status = ReplicaSetStatus { replicas: spec, ready: available, available, terminating: 0 };
    ReplicaSetState { spec, status }
}

fn wanted(row: &Value) -> Targets {
    Targets { canary: count(&row["want_canary"]), stable: count(&row["want_stable"]) }
}

fn approximate_row(row: &Value) -> Verdict {
    let ours = approximate(count(&row["replicas"]), count(&row["weight"]), count(&row["maxSurge"]));
    verdict(&(ours.canary, ours.stable), &(count(&row["canary"]), count(&row["stable"])), row)
}

fn basic_row(row: &Value) -> Verdict {
    let zero = CountOrPercent::Count(0);
    let settings = CanarySettings {
        traffic_routing: false,
        max_surge: count_or_percent(&row["maxSurge"], zero),
        max_unavailable: count_or_percent(&row["maxUnavailable"], zero),
        steps: vec![CanaryStep::SetWeight(count(&row["setWeight"]))],
        ..CanarySettings::default()
    };
    let state = CanaryState {
        replicas: count(&row["replicas"]),
        canary: set(row, "canary"),
        stable: Some(set(row, "stable")),
        older: set(row, "older"),
        is_aborted: row["abort"] == true,
        ..CanaryState::default()
    };
    verdict(&canary_sizes(&settings, &state), &wanted(row), row)
}

fn step(step: &Value) -> CanaryStep {
    match step.get("setWeight") {
        Some(weight) => CanaryStep::SetWeight(count(weight)),
        None => CanaryStep::SetCanaryScale(canary_scale(&step["setCanaryScale"])),
    }
}

fn routed_row(row: &Value) -> Verdict {
    let settings = CanarySettings {
        dynamic_stable_scale: row["dynamicStableScale"] == true,
        abort_scale_down_delay: whole_seconds(&row["abortScaleDownDelaySeconds"]),
        min_pods_per_replica_set: row["minPodsPerReplicaSet"].as_u64().map(|minimum| minimum as u32),
        steps: row["steps"].as_array().expect("steps").iter().map(step).collect(),
        ..CanarySettings::default()
    };
    let state = CanaryState {
        replicas: count(&row["replicas"]),
        canary: set(row, "canary"),
        stable: Some(set(row, "stable")),
        step: count(&row["currentStepIndex"]) as usize,
        is_aborted: row["abort"] == true,
        is_promoted_in_full: row["promoteFull"] == true,
        weight: row["weights"].get("canary").map(count),
        ..CanaryState::default()
    };
    let ours =
        (canary_sizes(&settings, &state), canary_weight(&settings, &state), canary_weight_for_pods(&settings, &state));
    verdict(&ours, &(wanted(row), count(&row["currentSetWeight"]), count(&row["desiredCanaryWeight"])), row)
}

#[test]
fn canary_arithmetic_is_that_of_the_real_functions() {
    let what = "argo canary arithmetic";
    let names = ["argo_canary_arithmetic.json.gz", "argo_canary_tables.json.gz"];
    let Some(generated) = generated(names, what) else { return };
    let mut verdicts = Vec::new();
    for (kind, rows) in generated["rows"].as_object().expect("kinds of rows") {
        for (number, row) in rows.as_array().expect("rows").iter().enumerate() {
            let verdict = match kind.as_str() {
                "approx" => approximate_row(row),
                "basic" => basic_row(row),
                "routed" => routed_row(row),
                other => Verdict::NotCovered(format!("no function of ours is called {other}")),
            };
            verdicts.push((format!("{kind} {number}"), verdict));
        }
    }
    conclude(what, &verdicts);
}
