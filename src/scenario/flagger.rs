//! `[rollout.canary]` with `controller = "flagger"`.

use super::analysis::{self, Use};
use super::codes::Code;
use super::reader::{Field, Section};
use super::rollout::surge_and_unavailable;
use super::{Analysis, DeploymentSettings, FlaggerSettings, FlaggerWeights};
use crate::units::Duration;

/// Flagger's keys that this version acts on, and that Argo Rollouts does not have.
pub(super) const KEYS: [&str; 9] = [
    "interval",
    "threshold",
    "max_weight",
    "step_weight",
    "step_weights",
    "step_weight_promotion",
    "analysis",
    "canary_ready_threshold",
    "primary_ready_threshold",
];
/// Flagger takes what is shorter for this.
const SHORTEST_INTERVAL: Duration = Duration::from_seconds(10);
const LONGEST_INTERVAL: Duration = Duration::from_seconds(24 * 3600);
/// Highest weight, percent.
const ALL: u64 = 100;

/// Reads the table; the `controller` is known.
pub(super) fn read(table: &Section<'_>, analyses: &[Analysis]) -> FlaggerSettings {
    table.not_supported(&["iterations", "mirror", "match", "webhooks", "skip_analysis"]);
    let (max_surge, max_unavailable) = surge_and_unavailable(table);
    let interval = table.field("interval").and_then(|it| it.duration_within(SHORTEST_INTERVAL..=LONGEST_INTERVAL));
    let checked = table.field("analysis");
    let deployment = DeploymentSettings {
        max_surge,
        max_unavailable,
        // Flagger leaves its Deployments' policy alone, and nobody sets it.
        pod_replacement_policy: None,
        min_ready: table.duration("min_ready", Duration::ZERO),
        progress_deadline: table.positive_duration("progress_deadline", Duration::from_seconds(600)),
    };
    FlaggerSettings {
        interval: interval.unwrap_or(Duration::from_seconds(60)),
        threshold: table.whole("threshold", 1..=1_000_000, 1),
        weights: read_weights(table),
        step_weight_promotion: table.whole("step_weight_promotion", 0..=ALL, 0),
        // A tick measures each once: no analysis has to end by itself.
        analysis: checked.map(|field| analysis::names(&field, analyses, Use::Background)).unwrap_or_default(),
        canary_ready_threshold: table.whole("canary_ready_threshold", 0..=ALL, 100),
        primary_ready_threshold: table.whole("primary_ready_threshold", 0..=ALL, 100),
        deployment,
    }
}

/// Exactly one of `step_weight`, with `max_weight`, and `step_weights`, the last of which is the highest.
fn read_weights(table: &Section<'_>) -> FlaggerWeights {
    let (step, list, max) = (table.field("step_weight"), table.field("step_weights"), table.field("max_weight"));
    let weight = |field: &Field<'_>| field.whole(1..=ALL).map(|weight| weight as u32);
    let unread = FlaggerWeights::Step { step: 100, max: 100 };
    match (step, list) {
        (Some(step), None) => {
            let max = max.as_ref().map_or(Some(100), weight);
            weight(&step).zip(max).map_or(unread, |(step, max)| FlaggerWeights::Step { step, max })
        }
        (None, Some(list)) => {
            if let Some(max) = max {
                let expected = "expected no `max_weight` beside `step_weights`: the last of them is the highest";
                max.wrong_because::<()>(Code::EXCLUSIVE_KEYS, expected.to_owned(), Some("remove it".to_owned()));
            }
            read_list(&list).map_or(unread, FlaggerWeights::List)
        }
        (Some(_), Some(list)) => {
            list.wrong_because::<()>(
                Code::FLAGGER_WEIGHTS,
                "expected only one of `step_weight` and `step_weights`".to_owned(),
                None,
            );
            unread
        }
        (None, None) => {
            table.required(
                "step_weight",
                "`step_weight` or `step_weights`: without them, Flagger never moves a request",
            );
            unread
        }
    }
}

/// Ascending weights: of others, Flagger would skip some or stand still.
fn read_list(list: &Field<'_>) -> Option<Vec<u32>> {
    const EXPECTED: &str = "a list of ascending percentages such as [1, 5, 25, 50]";
    let elements = list.list(EXPECTED)?;
    let weights: Option<Vec<u32>> =
        elements.iter().map(|element| element.whole(1..=ALL).map(|weight| weight as u32)).collect();
    let weights = weights?;
    match weights.is_empty() || weights.windows(2).any(|pair| pair[0] >= pair[1]) {
        true => list.wrong_because(Code::FLAGGER_WEIGHTS, format!("expected {EXPECTED}"), None),
        false => Some(weights),
    }
}
