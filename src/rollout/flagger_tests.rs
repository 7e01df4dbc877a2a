//! Tests of Flagger's loop: whole canaries tick by tick, what goes wrong with them, and laws of all of them.

use proptest::prelude::*;

use crate::rollout::flagger_side;
use crate::rollout::laws::{self, MINUTE, Mishap, World};
use crate::rollout::{Limits, Measured, Note, PauseReason, Phase, Routing, Versions, WeightRule};
use crate::scenario::{Analysis, DeploymentSettings, FlaggerSettings, FlaggerWeights, NoData, Strategy as Rollout};
use crate::units::{CountOrPercent, Duration, Time};

const GOOD: Measured = Measured::Value { value: 0.0, samples: 1, stable: None };
const BAD: Measured = Measured::Value { value: 1.0, samples: 1, stable: None };

fn at(seconds: u64) -> Time {
    Time::ZERO + Duration::from_seconds(seconds)
}

/// Ticks of a minute, one replica of surge and none missing.
fn settings(step: u32, max: u32) -> FlaggerSettings {
    FlaggerSettings {
        interval: MINUTE,
        threshold: 2,
        weights: FlaggerWeights::Step { step, max },
        step_weight_promotion: 0,
        analysis: vec![0],
        canary_ready_threshold: 100,
        primary_ready_threshold: 100,
        deployment: DeploymentSettings {
            max_surge: CountOrPercent::Count(1),
            max_unavailable: CountOrPercent::Count(0),
            min_ready: Duration::ZERO,
            pod_replacement_policy: None,
            progress_deadline: Duration::from_seconds(600),
        },
    }
}

/// Four replicas whose cold starts take a minute, and measurements that pass.
fn world(settings: FlaggerSettings) -> World {
    World::new(&Rollout::Flagger(settings), &[laws::analysis()], 4)
}

/// Runs until nothing is left to happen, or to a quarter of a day.
fn run(world: &mut World, mishaps: &[(u64, Mishap)]) {
    world.run(mishaps, at(21_600), |_| {});
}

/// What was told, with its second; of weights, without the reason.
fn told(world: &World) -> Vec<(u64, Note)> {
    let plain = |note: &Note| match note {
        Note::WeightSet { percent, .. } => weight_set(*percent),
        other => other.clone(),
    };
    world.notes.iter().map(|(time, note)| (time.since(Time::ZERO).0 / 1_000_000_000, plain(note))).collect()
}

fn weight_set(percent: u32) -> Note {
    Note::WeightSet { percent, rule: WeightRule::ChecksPassed }
}

fn failed_check(number: u32) -> Note {
    Note::AnalysisFailed { template: 0, detail: format!("failed check {number} of 2") }
}

fn aborted(reason: &str) -> Note {
    Note::Aborted { reason: reason.to_owned() }
}

/// The minimal number of ticks: those that wait for the canary + 1 + ceil(max_weight / step_weight) + 1 to promote + those of
/// the primary's update + 1 to route back + 1 to end it.
#[test]
fn a_good_canary_takes_the_ticks_of_the_formula_and_two_cold_starts() {
    let mut world = world(settings(20, 50));
    world.cold_starts = vec![Duration::from_seconds(90)];
    run(&mut world, &[(30, Mishap::Ship(1))]);
    let expected = [
        // Seen at 60, and scaled up; at 120 the canary is not ready yet.
        (180, weight_set(20)),
        (240, weight_set(40)),
        // Beyond max_weight, of which step_weight is no divisor.
        (300, weight_set(60)),
        (360, Note::Promoted),
        // Four cold starts one after the other until 720.
        (720, weight_set(0)),
        (780, Note::Completed),
    ];
    assert_eq!(told(&world), expected);
    let (waiting, rolling) = (1, 4 * 90 / 60 - 1);
    let ticks = waiting + 1 + 50_u64.div_ceil(20) + 1 + rolling + 1 + 1;
    assert_eq!(world.controller.finished_at(), Some(at(ticks * 60)));
    assert_eq!((world.created, world.measured), (8, 3));
    assert_eq!([0, 1, 2].map(|set| world.controller.spec(set)), [0, 0, 4]);
    assert_eq!([0, 1, 2].map(flagger_side::template_of), [0, 1, 1]);
}

#[test]
fn the_primary_is_updated_behind_its_service_while_the_canary_keeps_its_weight() {
    let mut world = world(settings(50, 50));
    // The weight at 120, the promotion at 180; half of the primary is new at 300.
    world.run(&[(60, Mishap::Ship(1))], at(310), |_| {});
    let (stable, canary) = (Versions::of(0).with(2), Versions::of(1));
    assert_eq!(world.controller.routing(), Routing::Split { stable, canary, canary_percent: 50 });
    assert_eq!([0, 1, 2].map(|set| world.active(set)), [2, 4, 3]);
}

#[test]
fn failed_checks_add_up_and_the_rollback_comes_a_tick_after_the_last() {
    let mut world = world(settings(10, 50));
    world.measurements = vec![GOOD, BAD, GOOD, BAD];
    run(&mut world, &[(60, Mishap::Ship(1))]);
    let expected = [
        (120, weight_set(10)),
        (180, weight_set(20)),
        (240, failed_check(1)),
        // A success forgives nothing.
        (300, weight_set(30)),
        (360, failed_check(2)),
        (420, weight_set(0)),
        (420, aborted("failed checks (2) reached threshold")),
        (420, Note::RolledBack),
    ];
    assert_eq!(told(&world), expected);
    assert_eq!(world.measured, 4, "the tick that rolls back measures nothing");
    assert_eq!([0, 1, 2].map(|set| world.active(set)), [4, 0, 0]);
    assert!(world.controller.next_change().is_never());
}

#[test]
fn no_data_is_a_failed_check_whatever_the_template_makes_of_it() {
    let lenient = Analysis { no_data: NoData::Success, ..laws::analysis() };
    let mut world = World::new(&Rollout::Flagger(settings(10, 50)), &[lenient], 4);
    world.measurements = vec![Measured::NoData { samples: 0 }];
    run(&mut world, &[(60, Mishap::Ship(1))]);
    assert_eq!(told(&world)[1..3], [(180, failed_check(1)), (240, failed_check(2))]);
    assert_eq!(world.controller.finished_at(), Some(at(300)));
}

#[test]
fn a_check_ends_with_the_first_metric_that_fails() {
    let mut settings = settings(10, 50);
    settings.analysis = vec![1, 0];
    let mut world = World::new(&Rollout::Flagger(settings), &[laws::analysis(), laws::analysis()], 4);
    world.measurements = vec![BAD, GOOD, BAD];
    run(&mut world, &[(60, Mishap::Ship(1))]);
    let failed = |template, number| match failed_check(number) {
        Note::AnalysisFailed { detail, .. } => Note::AnalysisFailed { template, detail },
        other => other,
    };
    assert_eq!(told(&world)[1..3], [(180, failed(1, 1)), (240, failed(0, 2))]);
    assert_eq!(world.measured, 3);
}

#[test]
fn another_version_during_the_analysis_starts_it_anew() {
    let mut world = world(settings(50, 100));
    world.measurements = vec![BAD, BAD, GOOD, GOOD, GOOD, GOOD];
    let mishaps = [(60, Mishap::Ship(1)), (140, Mishap::Ship(2))];
    world.run(&mishaps, at(230), |_| {});
    // Until the tick, requests go to what the target has.
    let canary = Versions::of(1).with(4);
    assert_eq!(world.controller.routing(), Routing::Split { stable: Versions::of(0), canary, canary_percent: 50 });
    run(&mut world, &[]);
    let expected = [
        (120, weight_set(50)),
        (180, failed_check(1)),
        (240, weight_set(0)),
        // Four cold starts from 200 on, then the tick after 440.
        (480, weight_set(50)),
        // The count began anew.
        (540, failed_check(1)),
        (600, weight_set(100)),
        (660, Note::Promoted),
        (900, weight_set(0)),
        (960, Note::Completed),
    ];
    assert_eq!(told(&world), expected);
    assert_eq!([0, 1, 4, 5].map(|set| world.controller.spec(set)), [0, 0, 0, 4]);
}

/// Flagger compares with the version that it promoted last, and takes a return to it for no change: the analysis goes on with
/// pods of the stable template, promotes them, and only then sees that they are not what it analysed.
#[test]
fn a_return_to_the_stable_version_does_not_stop_the_analysis() {
    let mut world = world(settings(50, 50));
    run(&mut world, &[(60, Mishap::Ship(1)), (70, Mishap::Ship(0))]);
    let promotions = world.notes.iter().filter(|(_, note)| *note == Note::Promoted).count();
    assert_eq!((world.controller.phase(), promotions), (Phase::RolledBack, 2));
    assert_eq!([0, 1, 2, 3].map(|set| world.controller.spec(set)), [4, 0, 0, 0]);
}

#[test]
fn a_canary_that_never_is_available_is_rolled_back_at_the_deadline() {
    let mut world = world(settings(10, 50));
    world.cold_starts = vec![Duration::FOREVER];
    world.run(&[(60, Mishap::Ship(1))], at(70), |_| {});
    assert_eq!(world.controller.next_change(), at(660));
    run(&mut world, &[]);
    let expected = [(660, aborted("canary not ready within progress_deadline (10m)")), (660, Note::RolledBack)];
    assert_eq!(told(&world), expected);
}

/// The Deployment was complete at zero replicas: its own deadline does not run, and as many as `max_unavailable` may be
/// missing for ever.
#[test]
fn a_canary_that_lacks_what_may_be_unavailable_waits_for_ever() {
    let mut lacking = settings(50, 50);
    lacking.deployment.max_unavailable = CountOrPercent::Count(1);
    for (threshold, phase) in [(100, Phase::Progressing), (75, Phase::Completed)] {
        let mut world = world(FlaggerSettings { canary_ready_threshold: threshold, ..lacking.clone() });
        world.cold_starts = vec![Duration::FOREVER, MINUTE, MINUTE, MINUTE, MINUTE, MINUTE, MINUTE, MINUTE];
        run(&mut world, &[(60, Mishap::Ship(1))]);
        assert_eq!(world.controller.phase(), phase);
        assert!(world.controller.next_change().is_never());
    }
}

#[test]
fn a_promotion_that_does_not_come_up_leaves_all_requests_to_the_canary() {
    let mut world = world(settings(50, 50));
    world.cold_starts = [vec![MINUTE; 4], vec![Duration::FOREVER; 4]].concat();
    run(&mut world, &[(60, Mishap::Ship(1))]);
    let expected = [
        (120, weight_set(50)),
        (180, Note::Promoted),
        // The Deployment's deadline, a second late; then the tick.
        (781, Note::DeadlineExceeded),
        (840, weight_set(100)),
        (840, aborted("promotion failed: primary not ready within progress_deadline (10m)")),
    ];
    assert_eq!(told(&world), expected);
    assert_eq!((world.controller.phase(), world.controller.finished_at()), (Phase::Aborted, None));
    assert!(world.controller.next_change().is_never(), "stuck until somebody ships another version");
}

/// Outside a promotion, a primary that is not ready means a rollback, and that means all requests to the primary.
#[test]
fn another_version_after_a_failed_promotion_sends_the_requests_back_to_a_primary_that_is_half_updated() {
    let mut world = world(settings(50, 50));
    world.cold_starts = [vec![MINUTE; 4], vec![Duration::FOREVER; 4]].concat();
    run(&mut world, &[(60, Mishap::Ship(1)), (840, Mishap::Ship(2))]);
    let reason = "primary not ready within progress_deadline (10m)";
    assert_eq!(told(&world)[5..], [(900, weight_set(0)), (900, aborted(reason))]);
    assert_eq!((world.controller.phase(), world.controller.abort_reason()), (Phase::Aborted, reason));
    assert_eq!([0, 1, 2, 4].map(|set| world.active(set)), [4, 0, 1, 0]);
    assert!(world.controller.next_change().is_never());
}

#[test]
fn requests_go_back_to_the_primary_step_by_step_if_asked_to() {
    let mut world = world(FlaggerSettings { step_weight_promotion: 40, ..settings(50, 100) });
    run(&mut world, &[(60, Mishap::Ship(1))]);
    // Promoted at 240; the fourth replica is ready at 480.
    let expected = [(480, 60), (540, 20), (600, 0)].map(|(time, weight)| (time, weight_set(weight)));
    assert_eq!(told(&world)[3..6], expected);
    assert_eq!(world.controller.finished_at(), Some(at(660)));
}

#[test]
fn listed_weights_are_taken_in_order_and_the_last_promotes() {
    let mut world = world(FlaggerSettings { weights: FlaggerWeights::List(vec![5, 30, 60]), ..settings(1, 1) });
    run(&mut world, &[(60, Mishap::Ship(1))]);
    let expected = [(120, weight_set(5)), (180, weight_set(30)), (240, weight_set(60)), (300, Note::Promoted)];
    assert_eq!(told(&world)[..4], expected);
}

#[test]
fn a_suspended_canary_keeps_its_weight_and_a_rollback_that_is_asked_for_comes_at_a_tick() {
    let mut world = world(settings(10, 50));
    let mishaps = [(60, Mishap::Ship(1)), (70, Mishap::Pause(true)), (300, Mishap::Pause(false)), (60, Mishap::Abort)];
    world.run(&mishaps[..2], at(200), |_| {});
    assert_eq!(world.controller.phase(), Phase::Paused);
    assert!(world.controller.next_change().is_never());
    world.now = at(130);
    run(&mut world, &mishaps[2..]);
    let expected = [
        (120, weight_set(10)),
        (130, Note::Paused(PauseReason::Operator)),
        (430, Note::Resumed),
        (480, weight_set(20)),
        (540, weight_set(0)),
        (540, aborted("asked for")),
        (540, Note::RolledBack),
    ];
    assert_eq!(told(&world), expected);
}

#[test]
fn a_canary_that_breaks_during_the_promotion_is_given_up_though_the_primary_is_new() {
    let mut world = world(settings(50, 50));
    run(&mut world, &[(60, Mishap::Ship(1)), (140, Mishap::Break(1, 1))]);
    let expected = [
        (120, weight_set(50)),
        (180, Note::Promoted),
        // Not available since 200: given up at the first tick from 800 on.
        (840, weight_set(0)),
        (840, aborted("canary not ready within progress_deadline (10m)")),
        (840, Note::Completed),
    ];
    assert_eq!(told(&world), expected);
    assert_eq!([0, 1, 2].map(|set| world.active(set)), [0, 0, 4]);
}

#[test]
fn another_version_during_the_promotion_waits_for_its_end_and_belongs_to_the_same_rollout() {
    let mut world = world(settings(50, 50));
    run(&mut world, &[(60, Mishap::Ship(1)), (140, Mishap::Ship(2))]);
    let expected = [
        (120, weight_set(50)),
        (180, Note::Promoted),
        // The canary is updated too, until 440.
        (480, weight_set(0)),
        // Succeeded at 540; the other version is seen at 600.
        (660, weight_set(50)),
        (720, Note::Promoted),
        (960, weight_set(0)),
        (1020, Note::Completed),
    ];
    assert_eq!(told(&world), expected);
    assert_eq!([0, 1, 2, 4, 5].map(|set| world.active(set)), [0, 0, 0, 0, 4]);
}

#[test]
fn a_version_that_failed_is_tried_again_once_a_tick_has_seen_another() {
    for (wait, ended) in [(10, 300), (100, 840)] {
        let mut world = world(settings(10, 50));
        world.measurements = vec![BAD];
        // Rolled back at 300; shipped again before the tick at 480, or after it.
        run(&mut world, &[(60, Mishap::Ship(1)), (400, Mishap::Ship(0)), (wait, Mishap::Ship(1))]);
        assert_eq!((world.controller.phase(), world.controller.finished_at()), (Phase::RolledBack, Some(at(ended))));
    }
}

#[test]
fn a_version_that_is_taken_back_before_a_tick_was_never_there() {
    let mut world = world(settings(10, 50));
    run(&mut world, &[(61, Mishap::Ship(1)), (10, Mishap::Ship(0))]);
    assert_eq!((told(&world), world.created), (vec![(71, Note::RolledBack)], 0));
}

#[test]
fn a_change_of_replicas_concerns_both_deployments() {
    let mut world = world(settings(50, 50));
    world.run(&[(60, Mishap::Ship(1)), (80, Mishap::SetReplicas(6))], at(150), |_| {});
    assert_eq!([0, 1, 2].map(|set| world.active(set)), [6, 6, 0]);
    run(&mut world, &[]);
    assert_eq!([0, 1, 2].map(|set| world.active(set)), [0, 0, 6]);
}

/// Settings of every kind.
pub(super) fn any_settings() -> impl Strategy<Value = FlaggerSettings> {
    let weights = prop_oneof![
        (1u32..=100, 1u32..=100).prop_map(|(step, max)| FlaggerWeights::Step { step, max }),
        proptest::collection::btree_set(1u32..=100, 1..6)
            .prop_map(|list| FlaggerWeights::List(list.into_iter().collect())),
    ];
    let thresholds = (1u32..4, 0u32..=100, prop_oneof![Just(100), 0u32..=100], prop_oneof![Just(100), 0u32..=100]);
    (weights, laws::strategies::deployment(), thresholds, 10u64..200).prop_map(
        |(weights, deployment, (threshold, back, canary, primary), interval)| FlaggerSettings {
            interval: Duration::from_seconds(interval),
            threshold,
            weights,
            step_weight_promotion: back,
            analysis: vec![0],
            canary_ready_threshold: canary,
            primary_ready_threshold: primary,
            deployment: DeploymentSettings { progress_deadline: Duration::from_seconds(600), ..deployment },
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_canary_that_passes_completes_and_one_that_fails_rolls_back_within_what_surge_allows(
        settings in any_settings(),
        replicas in 1u32..9,
        cold_starts in laws::strategies::cold_starts(),
        passes in any::<bool>(),
    ) {
        let mut world = World::new(&Rollout::Flagger(settings.clone()), &[laws::analysis()], replicas);
        (world.cold_starts, world.measurements) = (cold_starts, vec![if passes { GOOD } else { BAD }]);
        let (surge, missing) = (settings.deployment.max_surge, settings.deployment.max_unavailable);
        let limits = Limits::resolve(surge, missing, replicas);
        world.run(&[(10, Mishap::Ship(1))], at(90_000), |world| {
            let sets = world.statuses();
            assert!(sets[0].replicas + sets[2].replicas <= replicas + limits.surge);
            assert!(sets[0].available + sets[2].available >= replicas - limits.unavailable);
            assert!(sets[1].replicas <= replicas && sets[3..].iter().all(|set| set.replicas == 0));
            let Routing::Split { canary_percent, .. } = world.controller.routing() else { panic!("no weights") };
            assert!(canary_percent <= 100 && (canary_percent == 0 || sets[1].replicas == replicas));
        });
        let (phase, left) = if passes { (Phase::Completed, 2) } else { (Phase::RolledBack, 0) };
        prop_assert_eq!(world.controller.phase(), phase, "{:?}", world.notes);
        for set in 0..3 {
            prop_assert_eq!(world.active(set), if set == left { replicas as usize } else { 0 });
        }
        prop_assert!(world.controller.next_change().is_never());
        prop_assert!(passes || world.created == replicas as usize, "the primary was touched");
    }
}
