//! Deterministic cold starts: the timelines of rollouts, end to end from a scenario to the simulator's event log, equal those
//! that the real Kubernetes and Argo Rollouts controllers left (`tests/data/rollout`), pod for pod.

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::prepared;

const KUBERNETES: &str = include_str!("data/rollout/kubernetes_timelines.jsonl");
const ARGO: &str = include_str!("data/rollout/argo_timelines.jsonl");

fn cases(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a recorded timeline is JSON")).collect()
}

/// The name that a scenario has for a template `v1`, `v2`, ...
fn name_of(template: &str) -> String {
    match template {
        "v1" => "stable".to_owned(),
        "v2" => "new".to_owned(),
        other => other.to_owned(),
    }
}

fn seconds(value: &Value) -> String {
    format!("\"{}s\"", value.as_i64().expect("seconds"))
}

fn count_or_percent(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{text}\""),
        Value::Number(number) => number.to_string(),
        _ => "\"25%\"".to_owned(),
    }
}

/// The cold starts in the order in which pods were created, whatever their template.
fn cold_starts(case: &Value) -> Vec<String> {
    let starts = case["config"]["coldStarts"].as_object().expect("cold starts");
    let written = |value: &Value| match value.as_i64() {
        Some(whole @ 0..) => format!("\"{whole}s\""),
        _ => "\"never\"".to_owned(),
    };
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    // Kubernetes' recordings name each pod, Argo Rollouts' the sizes.
    let created = |operation: &Value| match operation["kind"].as_str() {
        Some("create_pod") => 1,
        Some("scale") if operation.get("what").is_some() => {
            operation["to"].as_u64().unwrap_or(0).saturating_sub(operation["from"].as_u64().unwrap_or(0))
        }
        _ => 0,
    };
    let mut in_order = Vec::new();
    for operation in case["ops"].as_array().expect("operations") {
        for _ in 0..created(operation) {
            let template = operation["template"].as_str().or(operation["what"].as_str()).expect("a template");
            let values = starts[template].as_array().expect("a list");
            let place = taken.entry(template).or_default();
            *place += 1;
            in_order.push(written(&values[(*place - 1).min(values.len() - 1)]));
        }
    }
    in_order
}

/// What happens after the new version was shipped, or before, as tables of the scenario. The ship itself is the rollout's
/// start, which is returned.
fn actions(config: &Value) -> (i64, String) {
    let mut start = None;
    let mut known = vec!["v1".to_owned(), "v2".to_owned()];
    let mut text = String::new();
    for event in config["events"].as_array().expect("events") {
        let at = event["t"].as_i64().expect("a time");
        let version = || name_of(event["arg"].as_str().expect("a template"));
        let what = match event["op"].as_str().expect("an operation") {
            "set_template" if start.is_none() => {
                start = Some(at);
                continue;
            }
            "set_template" => {
                let template = event["arg"].as_str().expect("a template").to_owned();
                let is_known = known.contains(&template);
                known.push(template);
                let version = version();
                format!(
                    "ship\"\nversion = {}",
                    match is_known {
                        true => format!("\"{version}\""),
                        false => format!("{{ name = \"{version}\" }}"),
                    }
                )
            }
            operation @ ("unready" | "ready") => {
                format!("make_{operation}\"\nversion = \"{}\"\nreplicas = {}", version(), event["n"])
            }
            "set_replicas" => {
                let number = if event["arg"].is_null() { &event["n"] } else { &event["arg"] };
                format!("set_replicas\"\nreplicas = {}", number.to_string().trim_matches('"'))
            }
            other => format!("{other}\""),
        };
        text.push_str(&format!("[[action]]\nat = \"{at}s\"\ndo = \"{what}\n"));
    }
    (start.expect("something is shipped"), text)
}

fn scenario_of(case: &Value, strategy: &str, settings: &str) -> String {
    let config = &case["config"];
    let (start, actions) = actions(config);
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
replicas = {replicas}
[engine]
step_time = {{ base = "1ms" }}
[cold_start]
engine_start = {{ distribution = "sequence", values = [{colds}] }}
{actions}
[rollout]
strategy = "{strategy}"
start = "{start}s"
[rollout.{strategy}]
min_ready = "{min_ready}s"
progress_deadline = "{deadline}s"
{settings}
"#,
        replicas = config["replicas"],
        colds = cold_starts(case).join(", "),
        min_ready = config["minReadySeconds"].as_i64().unwrap_or(0),
        deadline = config["progressDeadlineSeconds"].as_i64().unwrap_or(600),
    )
}

/// (ready, available) pods of each version after each second at which something happened.
type Rows = BTreeMap<i64, BTreeMap<String, (i64, i64)>>;

fn simulated(text: &str) -> Rows {
    let (_, log) = prepared(text, &[]).log_run(0);
    // For each replica: version, ready, available.
    let mut pods: BTreeMap<u32, (String, bool, bool)> = BTreeMap::new();
    let mut rows = BTreeMap::new();
    for event in &log.events {
        if let Some(id) = event.replica {
            let pod = pods.entry(id).or_insert((event.version.clone(), false, false));
            match event.event {
                "ready" => pod.1 = true,
                "available" => pod.2 = true,
                "terminating" | "unready" => (pod.1, pod.2) = (false, false),
                _ => {}
            }
        }
        let mut counts: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for (version, ready, available) in pods.values() {
            let count = counts.entry(version.clone()).or_default();
            *count = (count.0 + i64::from(*ready), count.1 + i64::from(*available));
        }
        rows.insert(event.time.0 / 1_000_000_000, counts);
    }
    rows
}

fn at(rows: &Rows, t: i64) -> &BTreeMap<String, (i64, i64)> {
    rows.range(..=t).next_back().expect("there is a row at or before every recorded one").1
}

/// The template that is shipped at `t`.
fn template_at(config: &Value, t: i64) -> String {
    let events = config["events"].as_array().expect("events").iter();
    let shipped = events.filter(|event| event["op"] == "set_template" && event["t"].as_i64() <= Some(t));
    shipped
        .max_by_key(|event| event["t"].as_i64())
        .map_or_else(|| "stable".to_owned(), |event| name_of(event["arg"].as_str().expect("a template")))
}

#[test]
fn kubernetes_rollouts_equal_the_real_controllers_timelines_pod_for_pod() {
    let cases = cases(KUBERNETES);
    let mut compared = 0;
    for case in cases.iter().filter(|case| case["config"]["replicas"].as_i64() > Some(0)) {
        let config = &case["config"];
        let is_recreate = config["strategy"] == "Recreate";
        let amounts = ["maxSurge", "maxUnavailable"].map(|key| count_or_percent(&config[key]));
        let settings = format!("max_surge = {}\nmax_unavailable = {}", amounts[0], amounts[1]);
        let (strategy, settings) = if is_recreate { ("recreate", "") } else { ("rolling", settings.as_str()) };
        let rows = simulated(&scenario_of(case, strategy, settings));
        for recorded in case["timeline"].as_array().into_iter().flatten() {
            let t = recorded["t"].as_i64().unwrap_or(0);
            if !(0..72_000).contains(&t) {
                continue;
            }
            let keys = ["new_ready", "new_available", "old_ready", "old_available"];
            let expected = keys.map(|key| recorded[key].as_i64().unwrap_or(-1));
            let template = template_at(config, t);
            let mut found = [0; 4];
            for (version, (ready, available)) in at(&rows, t) {
                let side = if *version == template { 0 } else { 2 };
                found[side] += ready;
                found[side + 1] += available;
            }
            assert_eq!(found, expected, "{} at {t} s", config["id"]);
        }
        compared += 1;
    }
    println!("kubernetes timelines end to end: {compared} of {} compared", cases.len());
    assert!(compared >= 75, "only {compared} cases were compared");
}

/// `[rollout.canary]` or `[rollout.blue_green]` from Argo's own keys; `None` where a key is not known here.
fn argo_settings(strategy: &Value, config: &Value) -> Option<(&'static str, String)> {
    let (name, table) = match strategy.get("canary") {
        Some(canary) => ("canary", canary),
        None => ("blue_green", &strategy["blueGreen"]),
    };
    let mut lines = Vec::new();
    if name == "canary" {
        lines.push(format!("traffic_routing = {}", table.get("trafficRouting").is_some()));
    }
    for (key, value) in table.as_object().expect("a strategy") {
        lines.push(match key.as_str() {
            "trafficRouting" | "canaryService" | "stableService" | "activeService" | "previewService" => continue,
            "maxSurge" => format!("max_surge = {}", count_or_percent(value)),
            "maxUnavailable" => format!("max_unavailable = {}", count_or_percent(value)),
            "dynamicStableScale" => format!("dynamic_stable_scale = {value}"),
            "abortScaleDownDelaySeconds" => format!("abort_scale_down_delay = {}", seconds(value)),
            "scaleDownDelaySeconds" => format!("scale_down_delay = {}", seconds(value)),
            "autoPromotionEnabled" => format!("auto_promotion_enabled = {value}"),
            "autoPromotionSeconds" => format!("auto_promotion = {}", seconds(value)),
            "previewReplicaCount" => format!("preview_replica_count = {value}"),
            "replicaProgressThreshold" => {
                assert_eq!(value["type"], "Percent");
                format!("replica_progress_threshold = \"{}%\"", value["value"])
            }
            "steps" => {
                let steps: Option<Vec<String>> = value.as_array()?.iter().map(argo_step).collect();
                format!("steps = [{}]", steps?.join(", "))
            }
            _ => return None,
        });
    }
    if config["progressDeadlineAbort"] == true {
        lines.push("progress_deadline_abort = true".to_owned());
    }
    Some((name, lines.join("\n")))
}

fn argo_step(step: &Value) -> Option<String> {
    let (key, value) = step.as_object()?.iter().next()?;
    Some(match key.as_str() {
        "setWeight" => format!("{{ set_weight = {value} }}"),
        "pause" => match value["duration"].as_str() {
            Some(duration) => format!("{{ pause = \"{duration}\" }}"),
            None => "{ pause = \"until_promoted\" }".to_owned(),
        },
        "setCanaryScale" => {
            let (key, value) = value.as_object()?.iter().next()?;
            let key = if key == "matchTrafficWeight" { "match_traffic_weight" } else { key };
            format!("{{ set_canary_scale = {{ {key} = {value} }} }}")
        }
        _ => return None,
    })
}

/// All but those with analyses, whose measurements were scripted rather than taken from a fleet.
#[test]
fn argo_rollouts_equal_the_real_controllers_timelines_pod_for_pod() {
    let cases = cases(ARGO);
    let mut compared = 0;
    for case in cases.iter().filter(|case| case["config"].get("analysis").is_none()) {
        let config = &case["config"];
        let Some((strategy, settings)) = argo_settings(&config["strategy"], config) else { continue };
        let rows = simulated(&scenario_of(case, strategy, &settings));
        for recorded in case["timeline"].as_array().into_iter().flatten() {
            let t = recorded["t"].as_i64().unwrap_or(0);
            if !(0..72_000).contains(&t) {
                continue;
            }
            for set in recorded["rs"].as_array().expect("ReplicaSets") {
                let version = name_of(set["template"].as_str().expect("a template"));
                let expected = (set["ready"].as_i64().unwrap_or(-1), set["available"].as_i64().unwrap_or(-1));
                let found = at(&rows, t).get(&version).copied().unwrap_or_default();
                assert_eq!(found, expected, "{} at {t} s: {version}", config["id"]);
            }
        }
        compared += 1;
    }
    println!("argo timelines end to end: {compared} of {} compared", cases.len());
    assert!(compared >= 52, "only {compared} cases were compared");
}
