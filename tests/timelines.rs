//! Deterministic cold starts: the timeline of a rolling update, end to end through the simulator's event log, equals the
//! one that the real Kubernetes controller left (`tests/data/rollout`), pod for pod.

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::prepared;

/// One recorded row: ready and available pods of the new and of the old ReplicaSets.
type Row = [i64; 4];

fn cases() -> Vec<Value> {
    let text = include_str!("data/rollout/kubernetes_timelines.jsonl");
    text.lines().map(|line| serde_json::from_str(line).expect("a recorded timeline is JSON")).collect()
}

/// Whether a scenario can express the case: one new version, shipped at zero, pods that become ready.
fn expressible(case: &Value) -> bool {
    let config = &case["config"];
    let events = config["events"].as_array().map_or(0, Vec::len);
    let ships = config["events"][0]["op"] == "set_template" && config["events"][0]["t"] == 0;
    let recreate = config.get("strategy").is_some_and(|strategy| strategy == "Recreate");
    let replicas = config["replicas"].as_i64().unwrap_or(0);
    let colds = config["coldStarts"]["v2"].as_array().cloned().unwrap_or_default();
    events == 1
        && ships
        && !recreate
        && replicas > 0
        && !colds.is_empty()
        && config.get("oldUnready").is_none()
        && config["coldStarts"].as_object().is_some_and(|starts| starts.len() == 1)
}

fn scenario_of(case: &Value) -> String {
    let config = &case["config"];
    let colds: Vec<String> = config["coldStarts"]["v2"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|cold| match cold.as_i64() {
            Some(seconds) if seconds >= 0 => format!("\"{seconds}s\""),
            _ => "\"never\"".to_owned(),
        })
        .collect();
    let amount = |key: &str| match &config[key] {
        Value::String(text) => format!("\"{text}\""),
        Value::Number(number) => number.to_string(),
        _ => "\"25%\"".to_owned(),
    };
    format!(
        r#"
[study]
runs = 1
warm_up = "0s"
duration = "20h"
cool_down = "0s"
timeline_bin = "1h"
[traffic]
arrivals = {{ process = "poisson", rate = 0.01 }}
prompt_tokens = 1
output_tokens = 1
[fleet]
replicas = {}
[engine]
step_time = {{ base = "1ms" }}
[cold_start]
engine_start = {{ distribution = "sequence", values = [{}] }}
[rollout]
strategy = "rolling"
start = "0s"
[rollout.rolling]
max_surge = {}
max_unavailable = {}
min_ready = "{}s"
progress_deadline = "{}s"
"#,
        config["replicas"],
        colds.join(", "),
        amount("maxSurge"),
        amount("maxUnavailable"),
        config["minReadySeconds"].as_i64().unwrap_or(0),
        config["progressDeadlineSeconds"].as_i64().unwrap_or(600),
    )
}

/// Ready and available pods by version after each second at which something happened.
fn simulated(text: &str) -> BTreeMap<i64, Row> {
    let (_, log) = prepared(text, &[]).log_run(0);
    // For each replica: ready, available.
    let mut pods: BTreeMap<u32, (&str, bool, bool)> = BTreeMap::new();
    let mut rows = BTreeMap::new();
    for event in &log.events {
        if let Some(id) = event.replica {
            let pod = pods.entry(id).or_insert((event.version.as_str(), false, false));
            match event.event {
                "ready" => pod.1 = true,
                "available" => pod.2 = true,
                "terminating" => (pod.1, pod.2) = (false, false),
                _ => {}
            }
        }
        let count = |version: &str, available: bool| {
            let holds = |pod: &&(&str, bool, bool)| pod.0 == version && if available { pod.2 } else { pod.1 };
            pods.values().filter(holds).count() as i64
        };
        let row = [count("new", false), count("new", true), count("stable", false), count("stable", true)];
        rows.insert(event.time.0 / 1_000_000_000, row);
    }
    rows
}

#[test]
fn rolling_updates_equal_the_real_controllers_timelines_pod_for_pod() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| expressible(case)) {
        let rows = simulated(&scenario_of(case));
        for recorded in case["timeline"].as_array().into_iter().flatten() {
            let t = recorded["t"].as_i64().unwrap_or(0);
            if !(0..72_000).contains(&t) {
                continue;
            }
            let expected = ["new_ready", "new_available", "old_ready", "old_available"]
                .map(|key| recorded[key].as_i64().unwrap_or(-1));
            let (_, found) = rows.range(..=t).next_back().expect("there is a row at or before every recorded one");
            assert_eq!(*found, expected, "{} at {t} s", case["config"]["id"]);
        }
        compared += 1;
    }
    println!("kubernetes timelines end to end: {compared} compared");
    assert!(compared >= 60, "only {compared} cases were compared");
}
