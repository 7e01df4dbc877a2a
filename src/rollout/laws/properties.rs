//! Laws that every controller obeys, whatever the fleet does: on random strategies, cold starts and mishaps.

use std::cell::Cell;

use proptest::prelude::*;

use super::strategies::*;
use super::{MINUTE, Mishap, World, analysis};
use crate::rollout::{Limits, Phase, Routing, Version, Versions};
use crate::scenario::{CanarySettings, DeploymentSettings, PodReplacementPolicy, Strategy as Rollout};
use crate::units::{CountOrPercent, Duration, Time};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_event_leads_to_a_fixed_point_and_time_goes_on(
        strategy in rollout(),
        replicas in 0u32..9,
        cold_starts in cold_starts(),
        measurements in proptest::collection::vec(measured(), 1..8),
        mishaps in proptest::collection::vec(mishap(), 1..12),
        threshold in proptest::option::of(0u32..=100),
    ) {
        let strategy = match strategy {
            Rollout::Canary(settings) => {
                let replica_progress_threshold = threshold.map(CountOrPercent::Percent);
                Rollout::Canary(CanarySettings { replica_progress_threshold, ..settings })
            }
            other => other,
        };
        let mut world = World::new(&strategy, &[analysis()], replicas);
        (world.cold_starts, world.measurements, world.drain) = (cold_starts, measurements, MINUTE);
        world.run(&mishaps, Time::ZERO + Duration::from_seconds(9_000), |_| {});
    }

    #[test]
    fn a_rolling_update_stays_within_surge_and_unavailable(
        settings in deployment(),
        replicas in 1u32..12,
        cold_starts in cold_starts(),
    ) {
        let mut world = World::new(&Rollout::Rolling(settings.clone()), &[], replicas);
        world.cold_starts = cold_starts;
        let limits = Limits::resolve(settings.max_surge, settings.max_unavailable, replicas);
        world.run(&[(10, Mishap::Ship(1))], Time::ZERO + Duration::from_seconds(90_000), |world| {
            let statuses = world.statuses();
            assert!(statuses.iter().map(|set| set.replicas).sum::<u32>() <= replicas + limits.surge);
            assert!(statuses.iter().map(|set| set.available).sum::<u32>() >= replicas - limits.unavailable);
        });
        prop_assert_eq!(world.controller.phase(), Phase::Completed);
        prop_assert_eq!(world.controller.spec(1), replicas);
    }

    #[test]
    fn pods_that_are_waited_for_never_make_the_fleet_larger_than_its_surge_allows(
        settings in deployment(),
        is_rolling in any::<bool>(),
        replicas in 0u32..12,
        cold_starts in cold_starts(),
        drain in 0u64..400,
        mishaps in proptest::collection::vec(mishap(), 1..12),
    ) {
        let policy = Some(PodReplacementPolicy::TerminationComplete);
        let settings = DeploymentSettings { pod_replacement_policy: policy, ..settings };
        let strategy = if is_rolling { Rollout::Rolling(settings.clone()) } else { Rollout::Recreate(settings.clone()) };
        let mut world = World::new(&strategy, &[], replicas);
        (world.cold_starts, world.drain) = (cold_starts, Duration::from_seconds(drain));
        let (desired, total) = (Cell::new(replicas), Cell::new(replicas as usize));
        let law = |world: &World| {
            let surge = Limits::resolve(settings.max_surge, settings.max_unavailable, desired.get()).surge;
            let most = desired.get() + if is_rolling { surge } else { 0 };
            // What is too much after the number of replicas fell may only become less.
            assert!(world.pods.len() <= total.get().max(most as usize), "{} pods, at most {most}", world.pods.len());
            total.set(world.pods.len());
        };
        for (delay, mishap) in mishaps.iter().copied() {
            let until = world.now + Duration::from_seconds(delay);
            world.run(&[], until, law);
            world.now = until;
            if let Mishap::SetReplicas(replicas) = mishap {
                desired.set(replicas);
            }
            world.run(&[(0, mishap)], until, law);
        }
        world.happen(Mishap::Pause(false));
        let end = world.now + Duration::from_seconds(90_000);
        world.run(&[], end, law);
        // Pods that never become ready hold a rollout up; nothing else does.
        if !mishaps.iter().any(|(_, mishap)| matches!(mishap, Mishap::Break(..))) {
            prop_assert_eq!((0..6).map(|version| world.controller.spec(version)).sum::<u32>(), desired.get());
        }
    }

    #[test]
    fn requests_go_only_where_pods_are_available_while_stable_is_whole(
        strategy in prop_oneof![canary().prop_map(Rollout::Canary), blue_green().prop_map(Rollout::BlueGreen)],
        replicas in 1u32..9,
        cold_starts in cold_starts(),
        measurements in proptest::collection::vec(measured(), 1..8),
        resume in proptest::collection::vec((0u64..500, Just(Mishap::Promote)), 0..4),
    ) {
        if weights_fall(&strategy) {
            return Ok(());
        }
        let mut world = World::new(&strategy, &[analysis()], replicas);
        (world.cold_starts, world.measurements) = (cold_starts, measurements);
        let unavailable = match &strategy {
            Rollout::Canary(settings) => {
                Limits::resolve(settings.max_surge, settings.max_unavailable, replicas).unavailable
            }
            _ => 0,
        };
        let mishaps: Vec<_> = [(10, Mishap::Ship(1))].into_iter().chain(resume).collect();
        world.run(&mishaps, Time::ZERO + Duration::from_seconds(9_000), |world| {
            let available = |version: Version| world.statuses()[version].available;
            match world.controller.routing() {
                Routing::All => assert!(available(0) + available(1) >= replicas - unavailable),
                Routing::Only(active) => assert_eq!(available(active), replicas),
                Routing::Split { stable, canary, canary_percent } => {
                    let serving = |versions: Versions| versions.iter().map(available).sum::<u32>() > 0;
                    assert!(canary_percent == 100 || serving(stable));
                    assert!(canary_percent == 0 || serving(canary));
                }
            }
        });
    }

    #[test]
    fn a_rollout_that_nothing_holds_up_completes(
        strategy in rollout(),
        replicas in 1u32..9,
        cold_starts in cold_starts(),
    ) {
        let waits_for_someone = match &strategy {
            Rollout::BlueGreen(settings) => {
                !settings.auto_promotion_enabled
                    || settings.scale_down_delay == Some(Duration::ZERO)
                    || settings.progress_deadline_abort
            }
            Rollout::Canary(settings) => {
                let keeps_old = settings.traffic_routing && !settings.dynamic_stable_scale;
                (keeps_old && settings.scale_down_delay == Some(Duration::ZERO)) || settings.progress_deadline_abort
            }
            _ => false,
        };
        if waits_for_someone {
            return Ok(());
        }
        let mut world = World::new(&strategy, &[analysis()], replicas);
        world.cold_starts = cold_starts;
        world.run(&[(10, Mishap::Ship(1))], Time::ZERO + Duration::from_seconds(90_000), |_| {});
        prop_assert_eq!(world.controller.phase(), Phase::Completed, "{:?}", world.notes);
        let updated = if matches!(strategy, Rollout::Flagger(_)) { 2 } else { 1 };
        prop_assert_eq!((world.controller.spec(0), world.controller.spec(updated)), (0, replicas));
        prop_assert!(world.controller.next_change().is_never());
    }
}
