//! What Argo Rollouts' strategies do in particular cases.

use super::{MINUTE, Mishap, World, analysis};
use crate::rollout::{Measured, Note, Phase, Routing, Version, Versions};
use crate::scenario::{BlueGreenSettings, CanarySettings, CanaryStep, Strategy as Rollout};
use crate::units::{CountOrPercent, Duration, Time};

#[test]
fn a_rollback_to_a_fleet_that_is_still_kept_waits_for_nobody() {
    let settings = BlueGreenSettings {
        auto_promotion_enabled: false,
        scale_down_delay: Some(Duration::from_seconds(600)),
        ..BlueGreenSettings::default()
    };
    let mut world = World::new(&Rollout::BlueGreen(settings), &[], 4);
    let mishaps = [(0, Mishap::Ship(1)), (100, Mishap::Promote), (100, Mishap::Ship(0))];
    world.run(&mishaps[..2], Time::ZERO + Duration::from_seconds(200), |_| {});
    assert_eq!((world.controller.routing(), world.active(0)), (Routing::Only(1), 4));
    world.run(&mishaps[2..], Time::ZERO + Duration::from_seconds(300), |_| {});
    assert_eq!((world.controller.routing(), world.active(1)), (Routing::Only(0), 4));
    assert_eq!(world.created, 4, "the rollback starts no pod");
}

/// A canary of four that pauses at half its pods until someone promotes it, ships version 1, then version 0 again.
fn ship_back(settings: CanarySettings) -> World {
    let steps = vec![CanaryStep::SetWeight(50), CanaryStep::Pause(None)];
    let mut world = World::new(&Rollout::Canary(CanarySettings { steps, ..settings }), &[], 4);
    let mishaps = [(0, Mishap::Ship(1)), (100, Mishap::Promote), (900, Mishap::Ship(0))];
    world.run(&mishaps, Time::ZERO + Duration::from_seconds(2_000), |_| {});
    world
}

#[test]
fn an_older_version_within_the_rollback_window_skips_the_steps() {
    let world = ship_back(CanarySettings::default());
    assert_eq!((world.controller.phase(), world.controller.step()), (Phase::Paused, Some(1)));
    let world = ship_back(CanarySettings { rollback_window: 1, ..CanarySettings::default() });
    assert_eq!((world.controller.phase(), world.controller.step()), (Phase::Completed, Some(2)));
    // Its four pods start at once, where the first step would have asked for two.
    assert_eq!(world.controller.finished_at(), Some(Time::ZERO + Duration::from_seconds(1_000 + 60 + 30)));
}

#[test]
fn versions_between_count_against_the_rollback_window() {
    for (window, expected) in [(1, Phase::Paused), (2, Phase::Completed)] {
        let steps = vec![CanaryStep::Pause(None)];
        let settings = CanarySettings { steps, rollback_window: window, ..CanarySettings::default() };
        let mut world = World::new(&Rollout::Canary(settings), &[], 2);
        let mishaps = [
            (0, Mishap::Ship(1)),
            (0, Mishap::PromoteFull),
            (500, Mishap::Ship(2)),
            (0, Mishap::PromoteFull),
            (500, Mishap::Ship(0)),
        ];
        world.run(&mishaps, Time::ZERO + Duration::from_seconds(2_000), |_| {});
        assert_eq!(world.controller.phase(), expected, "window {window}");
    }
}

#[test]
fn old_fleets_beyond_the_revision_limit_go_at_once() {
    for (limit, kept) in [(None, [4, 4]), (Some(1), [0, 4]), (Some(0), [0, 0])] {
        let scale_down_delay = Some(Duration::from_seconds(3_600));
        let canary =
            CanarySettings { scale_down_delay, scale_down_delay_revision_limit: limit, ..CanarySettings::default() };
        let blue_green = BlueGreenSettings {
            scale_down_delay,
            scale_down_delay_revision_limit: limit,
            ..BlueGreenSettings::default()
        };
        for strategy in [Rollout::Canary(canary), Rollout::BlueGreen(blue_green)] {
            let mut world = World::new(&strategy, &[], 4);
            let mishaps = [(0, Mishap::Ship(1)), (100, Mishap::Ship(2))];
            world.run(&mishaps, Time::ZERO + Duration::from_seconds(300), |_| {});
            assert_eq!([world.active(0), world.active(1)], kept, "limit {limit:?}: {strategy:?}");
        }
    }
}

#[test]
fn a_threshold_lets_the_canary_go_on_without_its_last_pods() {
    let threshold = Some(CountOrPercent::Percent(75));
    for (threshold, expected) in [(None, Phase::Progressing), (threshold, Phase::Completed)] {
        let settings = CanarySettings { replica_progress_threshold: threshold, ..CanarySettings::default() };
        let mut world = World::new(&Rollout::Canary(settings), &[], 4);
        let never = Duration::from_seconds(1_000_000);
        world.cold_starts = vec![MINUTE, MINUTE, MINUTE, never];
        world.run(&[(0, Mishap::Ship(1))], Time::ZERO + Duration::from_seconds(200), |_| {});
        let promoted = world.notes.iter().any(|(_, note)| *note == Note::Promoted);
        assert_eq!(promoted, expected == Phase::Completed, "{threshold:?}");
    }
}

#[test]
fn a_full_promotion_of_blue_green_skips_the_pause_and_the_preview() {
    let settings = BlueGreenSettings {
        auto_promotion_enabled: false,
        preview_replica_count: Some(1),
        ..BlueGreenSettings::default()
    };
    let mut world = World::new(&Rollout::BlueGreen(settings), &[], 4);
    let mishaps = [(0, Mishap::Ship(1)), (100, Mishap::PromoteFull)];
    world.run(&mishaps, Time::ZERO + Duration::from_seconds(600), |_| {});
    assert_eq!(world.controller.phase(), Phase::Completed);
    // One minute after the promotion the other three pods are ready; half a minute later the old fleet goes.
    assert_eq!(world.controller.finished_at(), Some(Time::ZERO + Duration::from_seconds(100 + 60 + 30)));
}

#[test]
fn a_green_that_breaks_after_the_switch_is_not_switched_back_until_it_is_whole() {
    let settings = BlueGreenSettings { post_promotion_analysis: vec![0], ..BlueGreenSettings::default() };
    let mut world = World::new(&Rollout::BlueGreen(settings), &[analysis()], 5);
    world.measurements = vec![
        Measured::Value { value: 0.0, samples: 1, stable: None },
        Measured::Value { value: 1.0, samples: 1, stable: None },
    ];
    let mishaps = [(0, Mishap::Ship(1)), (90, Mishap::Break(1, 1))];
    world.run(&mishaps, Time::ZERO + Duration::from_seconds(600), |_| {});
    // The pods that take all requests are removed while the whole blue fleet stands idle.
    assert_eq!(world.controller.phase(), Phase::Aborted);
    assert_eq!(world.controller.routing(), Routing::Only(1));
    assert_eq!((world.active(0), world.active(1)), (5, 0));
}

#[test]
fn an_intermediate_version_behind_the_canary_service_stays_until_the_next_has_a_pod() {
    let steps = vec![CanaryStep::SetWeight(50), CanaryStep::Pause(None)];
    let settings = CanarySettings { steps, ..CanarySettings::default() };
    let mut world = World::new(&Rollout::Canary(settings), &[], 4);
    world.run(&[(0, Mishap::Ship(1)), (100, Mishap::Ship(2))], Time::ZERO + Duration::from_seconds(110), |_| {});
    assert_eq!((world.active(1), world.active(2)), (2, 2));
    assert_eq!(world.controller.routing(), split(0, 1, 0));
    world.run(&[], Time::ZERO + Duration::from_seconds(170), |_| {});
    assert_eq!((world.active(1), world.active(2)), (0, 2));
    assert_eq!(world.controller.routing(), split(0, 2, 50));
}

fn split(stable: Version, canary: Version, canary_percent: u32) -> Routing {
    Routing::Split { stable: Versions::of(stable), canary: Versions::of(canary), canary_percent }
}
