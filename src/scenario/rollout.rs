//! `[rollout]` and the tables of its strategies: all of them are checked, the selected one is kept.

use super::analysis::{self, Use};
use super::canary;
use super::codes::Code;
use super::reader::Section;
use super::{Analysis, BlueGreenSettings, DeploymentSettings, PodReplacementPolicy, Rollout, Strategy};
use crate::units::{CountOrPercent, Duration, Time};

/// Kubernetes' and Argo Rollouts' default of both surge and unavailable.
const QUARTER: CountOrPercent = CountOrPercent::Percent(25);

/// The strategies by name.
#[derive(Clone, Copy)]
enum Kind {
    None,
    Recreate,
    Rolling,
    BlueGreen,
    Canary,
}

const KINDS: [(&str, Kind); 5] = [
    ("none", Kind::None),
    ("recreate", Kind::Recreate),
    ("rolling", Kind::Rolling),
    ("blue_green", Kind::BlueGreen),
    ("canary", Kind::Canary),
];

/// What a scenario without `[rollout]` does.
pub(super) fn none() -> Rollout {
    Rollout { start: Time::ZERO, strategy: Strategy::None }
}

/// Reads `[rollout]`.
pub(super) fn read(section: &Section<'_>, analyses: &[Analysis]) -> Rollout {
    let kind = section.required("strategy", "one of \"none\", \"recreate\", \"rolling\", \"blue_green\", \"canary\"");
    let kind = kind.and_then(|field| field.choice(&KINDS, &[])).unwrap_or(Kind::None);
    let start = section.duration("start", Duration::from_seconds(1200));
    let recreate = section.read("recreate", |table| deployment(table, false));
    let rolling = section.read("rolling", |table| deployment(table, true));
    let blue_green = section.read("blue_green", |table| blue_green(table, analyses));
    let canary = section.read("canary", |table| canary::read(table, analyses));
    let strategy = match kind {
        Kind::None => Strategy::None,
        Kind::Recreate => Strategy::Recreate(recreate),
        Kind::Rolling => Strategy::Rolling(rolling),
        Kind::BlueGreen => Strategy::BlueGreen(blue_green),
        Kind::Canary => canary,
    };
    Rollout { start: Time::ZERO + start, strategy }
}

/// How far a fleet may deviate from its desired size: `max_surge` and `max_unavailable`.
pub(super) fn surge_and_unavailable(table: &Section<'_>) -> (CountOrPercent, CountOrPercent) {
    let surge = table.count_or_percent("max_surge", QUARTER);
    let unavailable = table.count_or_percent("max_unavailable", QUARTER);
    let key = table.path_of("max_unavailable");
    if let CountOrPercent::Percent(percent @ 101..) = unavailable {
        let expected = format!("expected at most 100%, found {percent}%");
        table.context.conflict(Code::WRONG_VALUE, &key, format!("wrong value for `{key}`"), expected, None);
    }
    // Percentages that come to zero go through, with a warning: the controllers make one unavailable of them.
    let is_zero = |value| value == CountOrPercent::Count(0);
    if is_zero(surge) && is_zero(unavailable) && table.context.are_sound(&[&key, &table.path_of("max_surge")]) {
        let expected = "expected `max_surge` or `max_unavailable` above zero, found both zero".to_owned();
        let message = format!("`{}` could never replace a replica", table.path);
        let help = Some("set one of them to 1, or leave one out: the default is 25 %".to_owned());
        table.context.conflict(Code::NEVER_REPLACES, &key, message, expected, help);
        table.context.beside(&table.path_of("max_surge"), "no surge either");
    }
    (surge, unavailable)
}

/// `[rollout.rolling]`, and `[rollout.recreate]`, which has no surge.
fn deployment(table: &Section<'_>, is_rolling: bool) -> DeploymentSettings {
    const POLICIES: [(&str, PodReplacementPolicy); 2] = [
        ("termination_started", PodReplacementPolicy::TerminationStarted),
        ("termination_complete", PodReplacementPolicy::TerminationComplete),
    ];
    let (max_surge, max_unavailable) = if is_rolling { surge_and_unavailable(table) } else { (QUARTER, QUARTER) };
    DeploymentSettings {
        max_surge,
        max_unavailable,
        pod_replacement_policy: table.field("pod_replacement_policy").and_then(|field| field.choice(&POLICIES, &[])),
        min_ready: table.duration("min_ready", Duration::ZERO),
        progress_deadline: table.positive_duration("progress_deadline", Duration::from_seconds(600)),
    }
}

fn blue_green(table: &Section<'_>, analyses: &[Analysis]) -> BlueGreenSettings {
    let awaited =
        |key| table.field(key).map(|field| analysis::names(&field, analyses, Use::Awaited)).unwrap_or_default();
    BlueGreenSettings {
        preview_replica_count: table.optional_whole("preview_replica_count", 0..=10_000),
        auto_promotion_enabled: table.boolean("auto_promotion_enabled", true),
        auto_promotion: table.duration("auto_promotion", Duration::ZERO),
        scale_down_delay: table.optional_duration("scale_down_delay"),
        abort_scale_down_delay: table.optional_duration("abort_scale_down_delay"),
        // Argo Rollouts refuses more than its revisionHistoryLimit, which is 10 unless set.
        scale_down_delay_revision_limit: table.optional_whole("scale_down_delay_revision_limit", 0..=10),
        rollback_window: table.whole("rollback_window", 0..=10_000, 0),
        pre_promotion_analysis: awaited("pre_promotion_analysis"),
        post_promotion_analysis: awaited("post_promotion_analysis"),
        min_ready: table.duration("min_ready", Duration::ZERO),
        progress_deadline: table.positive_duration("progress_deadline", Duration::from_seconds(600)),
        progress_deadline_abort: table.boolean("progress_deadline_abort", false),
    }
}
