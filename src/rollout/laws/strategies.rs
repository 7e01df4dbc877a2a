//! Random strategies, cold starts, measurements and mishaps.

use proptest::prelude::*;

use super::{MINUTE, Mishap};
use crate::rollout::{Measured, flagger_tests};
use crate::scenario::{
    BlueGreenSettings, CanaryScale, CanarySettings, CanaryStep, DeploymentSettings, PodReplacementPolicy,
    Strategy as Rollout,
};
use crate::units::{CountOrPercent, Duration};

pub(in crate::rollout) fn deployment() -> impl Strategy<Value = DeploymentSettings> {
    let policy = prop_oneof![
        Just(None),
        Just(Some(PodReplacementPolicy::TerminationStarted)),
        Just(Some(PodReplacementPolicy::TerminationComplete)),
    ];
    (0u32..4, 0u32..4, policy).prop_map(|(surge, unavailable, pod_replacement_policy)| DeploymentSettings {
        pod_replacement_policy,
        max_surge: CountOrPercent::Count(surge),
        max_unavailable: CountOrPercent::Percent(unavailable * 20),
        progress_deadline: MINUTE,
        ..DeploymentSettings::default()
    })
}

pub(in crate::rollout) fn step() -> impl Strategy<Value = CanaryStep> {
    prop_oneof![
        (0u32..=100).prop_map(CanaryStep::SetWeight),
        (0u64..200).prop_map(|seconds| CanaryStep::Pause(Some(Duration::from_seconds(seconds)))),
        (1u32..10).prop_map(|replicas| CanaryStep::SetCanaryScale(CanaryScale::Replicas(replicas))),
        Just(CanaryStep::SetCanaryScale(CanaryScale::MatchTrafficWeight)),
        Just(CanaryStep::Analysis(vec![0])),
    ]
}

pub(in crate::rollout) fn delay() -> impl Strategy<Value = Option<Duration>> {
    proptest::option::of((0u64..90).prop_map(Duration::from_seconds))
}

pub(in crate::rollout) fn canary() -> impl Strategy<Value = CanarySettings> {
    let steps = proptest::collection::vec(step(), 0..6);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let old = (0u32..3, proptest::option::of(0u32..3));
    (steps, flags, delay(), delay(), (0u32..3, 0u32..3), old).prop_map(
        |(steps, (routed, dynamic, background, abort), kept, aborted, (surge, unavailable), (window, limit))| {
            CanarySettings {
                traffic_routing: routed,
                max_surge: CountOrPercent::Count(surge),
                max_unavailable: CountOrPercent::Count(unavailable),
                dynamic_stable_scale: dynamic && routed,
                scale_down_delay: kept,
                abort_scale_down_delay: aborted,
                background_analysis: if background { vec![0] } else { Vec::new() },
                background_starting_step: 1,
                steps,
                progress_deadline: Duration::from_seconds(150),
                progress_deadline_abort: abort,
                rollback_window: window,
                scale_down_delay_revision_limit: limit,
                ..CanarySettings::default()
            }
        },
    )
}

pub(in crate::rollout) fn blue_green() -> impl Strategy<Value = BlueGreenSettings> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (flags, proptest::option::of(1u32..4), 0u64..100, delay(), delay()).prop_map(
        |((auto, pre, post), preview, pause, kept, aborted)| BlueGreenSettings {
            preview_replica_count: preview,
            auto_promotion_enabled: auto,
            auto_promotion: Duration::from_seconds(pause),
            scale_down_delay: kept,
            abort_scale_down_delay: aborted,
            pre_promotion_analysis: if pre { vec![0] } else { Vec::new() },
            post_promotion_analysis: if post { vec![0] } else { Vec::new() },
            progress_deadline: Duration::from_seconds(150),
            progress_deadline_abort: pre,
            ..BlueGreenSettings::default()
        },
    )
}

pub(in crate::rollout) fn rollout() -> impl Strategy<Value = Rollout> {
    prop_oneof![
        deployment().prop_map(Rollout::Rolling),
        deployment().prop_map(Rollout::Recreate),
        canary().prop_map(Rollout::Canary),
        blue_green().prop_map(Rollout::BlueGreen),
        flagger_tests::any_settings().prop_map(Rollout::Flagger),
    ]
}

/// Whether some weight is below one before it: Argo Rollouts then takes the pods first, and the requests after.
pub(in crate::rollout) fn weights_fall(strategy: &Rollout) -> bool {
    let Rollout::Canary(settings) = strategy else { return false };
    let weights = settings.steps.iter().filter_map(|step| match step {
        CanaryStep::SetWeight(weight) => Some(*weight),
        _ => None,
    });
    !weights.is_sorted()
}

pub(in crate::rollout) fn mishap() -> impl Strategy<Value = (u64, Mishap)> {
    let mishap = prop_oneof![
        (0usize..3, 1u32..4).prop_map(|(version, number)| Mishap::Break(version, number)),
        (0usize..3).prop_map(Mishap::Ship),
        (0u32..9).prop_map(Mishap::SetReplicas),
        any::<bool>().prop_map(Mishap::Pause),
        Just(Mishap::Abort),
        Just(Mishap::Retry),
        Just(Mishap::Promote),
        Just(Mishap::PromoteFull),
    ];
    (0u64..200, mishap)
}

pub(in crate::rollout) fn measured() -> impl Strategy<Value = Measured> {
    prop_oneof![
        4 => Just(Measured::Value { value: 0.0, samples: 1, stable: None }),
        1 => Just(Measured::Value { value: 1.0, samples: 1, stable: None }),
        1 => Just(Measured::NoData { samples: 0 }),
    ]
}

pub(in crate::rollout) fn cold_starts() -> impl Strategy<Value = Vec<Duration>> {
    proptest::collection::vec((0u64..300).prop_map(Duration::from_seconds), 1..5)
}
