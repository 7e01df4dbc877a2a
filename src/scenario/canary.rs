//! `[rollout.canary]`: whose canary it is, and Argo Rollouts' with its steps. Flagger's is in `flagger`.

use super::analysis::{self, Use};
use super::codes::Code;
use super::flagger;
use super::reader::{Field, Section};
use super::rollout::surge_and_unavailable;
use super::tree::Value;
use super::{Analysis, CanaryScale, CanarySettings, CanaryStep, Strategy};
use crate::units::{CountOrPercent, Duration};

/// The kinds of step.
const STEPS: &str = "one of `set_weight`, `pause`, `set_canary_scale`, `analysis`";

/// Argo Rollouts' keys that Flagger does not have.
const ARGO_KEYS: [&str; 12] = [
    "replica_progress_threshold",
    "rollback_window",
    "traffic_routing",
    "dynamic_stable_scale",
    "scale_down_delay",
    "scale_down_delay_revision_limit",
    "abort_scale_down_delay",
    "min_pods_per_replica_set",
    "background_analysis",
    "background_starting_step",
    "steps",
    "progress_deadline_abort",
];

/// Whose canary.
#[derive(Clone, Copy)]
enum Controller {
    Argo,
    Flagger,
}

/// Reads `[rollout.canary]`.
pub(super) fn read(table: &Section<'_>, analyses: &[Analysis]) -> Strategy {
    const CONTROLLERS: [(&str, Controller); 2] = [("argo", Controller::Argo), ("flagger", Controller::Flagger)];
    match table.choice("controller", &CONTROLLERS, &[], Controller::Argo) {
        Controller::Argo => {
            table.not_taken(
                Code::OTHER_CONTROLLER,
                &flagger::KEYS,
                "a key of Flagger's canary",
                "expected it beside `controller = \"flagger\"` only",
            );
            Strategy::Canary(read_argo(table, analyses))
        }
        Controller::Flagger => {
            let expected = "expected no such key beside `controller = \"flagger\"`, which does not have it";
            table.not_taken(Code::OTHER_CONTROLLER, &ARGO_KEYS, "a key of Argo Rollouts' canary", expected);
            Strategy::Flagger(flagger::read(table, analyses))
        }
    }
}

fn read_argo(table: &Section<'_>, analyses: &[Analysis]) -> CanarySettings {
    let traffic_routing = table.boolean("traffic_routing", true);
    let (max_surge, max_unavailable) = surge_and_unavailable(table);
    let min_pods = table.field("min_pods_per_replica_set");
    check_routed_keys(table, traffic_routing);
    let steps = table.field("steps").map(|field| read_steps(&field, analyses, traffic_routing)).unwrap_or_default();
    let background = table.field("background_analysis");
    CanarySettings {
        traffic_routing,
        max_surge,
        max_unavailable,
        dynamic_stable_scale: table.boolean("dynamic_stable_scale", false),
        scale_down_delay: table.optional_duration("scale_down_delay"),
        abort_scale_down_delay: table.optional_duration("abort_scale_down_delay"),
        min_pods_per_replica_set: min_pods.and_then(|field| field.whole(1..=10_000)).map(|count| count as u32),
        replica_progress_threshold: read_threshold(table),
        scale_down_delay_revision_limit: table.optional_whole("scale_down_delay_revision_limit", 0..=10_000),
        rollback_window: table.whole("rollback_window", 0..=10_000, 0),
        background_analysis: background
            .map(|field| analysis::names(&field, analyses, Use::Background))
            .unwrap_or_default(),
        background_starting_step: table.whole("background_starting_step", 0..=steps.len() as u64, 0),
        steps,
        min_ready: table.duration("min_ready", Duration::ZERO),
        progress_deadline: table.positive_duration("progress_deadline", Duration::from_seconds(600)),
        progress_deadline_abort: table.boolean("progress_deadline_abort", false),
    }
}

/// Keys that need a traffic router, and two that exclude each other with it. Argo Rollouts refuses all but
/// `minPodsPerReplicaSet`, which it ignores (`pkg/apis/rollouts/validation/validation.go`).
fn check_routed_keys(table: &Section<'_>, traffic_routing: bool) {
    let written = |key| table.field(key).filter(|field| !matches!(field.node.value, Value::Boolean(false)));
    let (dynamic, delay) = (written("dynamic_stable_scale"), written("scale_down_delay"));
    if !traffic_routing {
        [&dynamic, &delay].into_iter().flatten().for_each(|field| needs_routing(field, "refuses"));
        written("min_pods_per_replica_set").iter().for_each(|field| needs_routing(field, "ignores"));
    } else if let (Some(dynamic), Some(_)) = (dynamic, delay) {
        let message = format!("`{}` excludes `scale_down_delay`", dynamic.path);
        let expected = "expected only one of the two: a stable fleet that shrinks step by step leaves none to keep";
        dynamic.context.problem(
            Code::SHRINKING_STABLE,
            &dynamic.node.place,
            &dynamic.path,
            message,
            expected.to_owned(),
            None,
        );
    }
}

fn needs_routing(field: &Field<'_>, what_argo_does: &str) {
    let message = format!("`{}` needs a traffic router", field.path);
    let expected = format!(
        "expected `rollout.canary.traffic_routing = true` for this; without it, Argo Rollouts {what_argo_does} it"
    );
    field.context.problem(Code::NEEDS_ROUTER, &field.node.place, &field.path, message, expected, None);
}

/// `replica_progress_threshold`, of which more than everything would never be met.
fn read_threshold(table: &Section<'_>) -> Option<CountOrPercent> {
    let field = table.field("replica_progress_threshold")?;
    match field.count_or_percent()? {
        CountOrPercent::Percent(101..) => {
            field.wrong(Code::WRONG_VALUE, "a number of pods, or a percentage up to \"100%\"")
        }
        threshold => Some(threshold),
    }
}

fn read_steps(field: &Field<'_>, analyses: &[Analysis], traffic_routing: bool) -> Vec<CanaryStep> {
    let steps = field.list("a list of steps such as [{ set_weight = 5 }, { pause = \"5m\" }]").unwrap_or_default();
    // A step that cannot be read keeps its place, so that the number of steps is right.
    let unread = CanaryStep::SetWeight(0);
    let read = |step: &Field<'_>| read_step(step, analyses, traffic_routing).unwrap_or(unread.clone());
    steps.iter().map(read).collect()
}

fn read_step(step: &Field<'_>, analyses: &[Analysis], traffic_routing: bool) -> Option<CanaryStep> {
    step.table()?.read_whole(|table| {
        let weight = table.field("set_weight");
        let pause = table.field("pause");
        let scale = table.field("set_canary_scale");
        let analysis = table.field("analysis");
        match (weight, pause, scale, analysis) {
            (Some(weight), None, None, None) => Some(CanaryStep::SetWeight(weight.whole(0..=100)? as u32)),
            (None, Some(pause), None, None) => read_pause(&pause),
            (None, None, Some(scale), None) => {
                if !traffic_routing {
                    needs_routing(&scale, "refuses");
                }
                scale.table()?.read_whole(|table| read_scale(&scale, table)).map(CanaryStep::SetCanaryScale)
            }
            (None, None, None, Some(list)) => {
                if matches!(&list.node.value, Value::List(names) if names.is_empty()) {
                    return list
                        .wrong(Code::WRONG_VALUE, "the name of at least one analysis: the step waits for a verdict");
                }
                Some(CanaryStep::Analysis(analysis::names(&list, analyses, Use::Awaited)))
            }
            (None, None, None, None) => {
                // A lone slip of the pen is reported as an unknown key with its nearest name, which says more.
                match &step.node.value {
                    Value::Table(entries) if entries.is_empty() => step.wrong(Code::STEP, STEPS),
                    _ => None,
                }
            }
            _ => step.wrong_because(Code::STEP, format!("expected only {STEPS} in each step"), None),
        }
    })
}

fn read_pause(field: &Field<'_>) -> Option<CanaryStep> {
    match &field.node.value {
        Value::Text(text) if text == "until_promoted" => Some(CanaryStep::Pause(None)),
        Value::Text(_) => field.duration().map(|pause| CanaryStep::Pause(Some(pause))),
        _ => field.wrong(Code::WRONG_TYPE, "a duration such as \"5m\", or \"until_promoted\""),
    }
}

fn read_scale(field: &Field<'_>, table: &Section<'_>) -> Option<CanaryScale> {
    let (replicas, weight) = (table.field("replicas"), table.field("weight"));
    match (replicas, weight, table.field("match_traffic_weight")) {
        (Some(replicas), None, None) => Some(CanaryScale::Replicas(replicas.whole(0..=10_000)? as u32)),
        (None, Some(weight), None) => Some(CanaryScale::Weight(weight.whole(0..=1_000)? as u32)),
        (None, None, Some(matched)) => match matched.boolean()? {
            true => Some(CanaryScale::MatchTrafficWeight),
            false => matched.wrong(Code::WRONG_VALUE, "true"),
        },
        _ => {
            let expected = "expected one of { replicas = N }, { weight = N }, { match_traffic_weight = true }";
            field.wrong_because(Code::STEP, expected.to_owned(), None)
        }
    }
}
