//! What a Deployment does with terminating pods.

use super::{MINUTE, Mishap, World};
use crate::scenario::{DeploymentSettings, PodReplacementPolicy, Strategy as Rollout};
use crate::units::{CountOrPercent, Duration, Time};

#[test]
fn recreate_need_not_wait_for_terminating_pods_if_that_is_the_policy() {
    let policy = Some(PodReplacementPolicy::TerminationStarted);
    let settings = DeploymentSettings { pod_replacement_policy: policy, ..DeploymentSettings::default() };
    let mut world = World::new(&Rollout::Recreate(settings), &[], 3);
    world.drain = MINUTE;
    world.happen(Mishap::Ship(1));
    world.settle();
    assert_eq!((world.active(0), world.active(1), world.pods.len()), (0, 3, 6));
}

/// Sizes of a rolling update of four with a surge of one, two minutes after it began: pods start in one minute and
/// terminate in ten.
fn two_minutes_into(policy: Option<PodReplacementPolicy>) -> (usize, usize, usize) {
    let settings = DeploymentSettings {
        max_surge: CountOrPercent::Count(1),
        max_unavailable: CountOrPercent::Count(0),
        pod_replacement_policy: policy,
        ..DeploymentSettings::default()
    };
    let mut world = World::new(&Rollout::Rolling(settings), &[], 4);
    world.drain = Duration::from_seconds(600);
    world.run(&[(0, Mishap::Ship(1))], Time::ZERO + Duration::from_seconds(120), |_| {});
    (world.active(0), world.active(1), world.pods.len())
}

#[test]
fn a_rolling_update_waits_for_terminating_pods_only_if_that_is_the_policy() {
    use PodReplacementPolicy::{TerminationComplete, TerminationStarted};
    assert_eq!(two_minutes_into(None), (2, 3, 7));
    assert_eq!(two_minutes_into(Some(TerminationStarted)), (2, 3, 7));
    assert_eq!(two_minutes_into(Some(TerminationComplete)), (3, 1, 5));
}

#[test]
fn a_fleet_that_grows_waits_for_terminating_pods_and_gets_its_proportions_all_the_same() {
    let settings = DeploymentSettings {
        max_surge: CountOrPercent::Percent(25),
        max_unavailable: CountOrPercent::Percent(25),
        pod_replacement_policy: Some(PodReplacementPolicy::TerminationComplete),
        ..DeploymentSettings::default()
    };
    let mut world = World::new(&Rollout::Rolling(settings), &[], 10);
    (world.cold_starts, world.drain) = (vec![Duration::from_seconds(100_000)], MINUTE);
    // Two old pods terminate, three new ones have their place at first.
    world.run(&[(0, Mishap::Ship(1))], Time::ZERO + Duration::from_seconds(100), |_| {});
    assert_eq!((world.active(0), world.active(1), world.pods.len()), (8, 5, 13));
    world.controller.set_paused(true);
    world.happen(Mishap::SetReplicas(9));
    world.settle();
    assert_eq!(world.pods.len(), 13);
    world.happen(Mishap::SetReplicas(20));
    world.settle();
    let terminating = world.pods.iter().filter(|pod| pod.gone_at.is_some()).count();
    assert_eq!((terminating, world.pods.len()), (1, 25));
    world.run(&[], world.now + MINUTE, |_| {});
    assert_eq!((world.active(0), world.active(1), world.pods.len()), (15, 10, 25));
}

#[test]
fn recreate_waits_until_the_last_terminating_pod_is_gone() {
    let mut world = World::new(&Rollout::Recreate(DeploymentSettings::default()), &[], 3);
    world.drain = MINUTE;
    world.happen(Mishap::Ship(1));
    world.settle();
    assert_eq!((world.active(0), world.active(1)), (0, 0));
    world.run(&[], Time::ZERO + Duration::from_seconds(59), |_| {});
    assert_eq!(world.active(1), 0);
    world.run(&[], Time::ZERO + Duration::from_seconds(500), |_| {});
    assert_eq!(world.controller.finished_at(), Some(Time::ZERO + MINUTE + MINUTE));
}
