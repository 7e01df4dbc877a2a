//! Laws that every controller obeys, whatever the fleet does: tests on random strategies, cold starts and mishaps.

use std::cell::Cell;

use proptest::prelude::*;

use crate::rollout::analysis::RunId;
use crate::rollout::{
    Command, Controller, FleetView, Limits, Measured, Note, Phase, ReplicaSetStatus, Routing, Version,
};
use crate::scenario::{
    Analysis, AnalysisBound, BlueGreenSettings, CanaryScale, CanarySettings, CanaryStep, DeploymentSettings, NoData,
    PodReplacementPolicy, Strategy as Rollout,
};
use crate::units::{CountOrPercent, Duration, Time};

const MINUTE: Duration = Duration::from_seconds(60);

/// What happens to the fleet, besides time.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    /// So many pods of a version become unready until they are replaced.
    Break(Version, u32),
    Ship(Version),
    SetReplicas(u32),
    Pause(bool),
    Abort,
    Retry,
    Promote,
    PromoteFull,
}

/// A pod: its version, when it is ready, when it is gone once it was deleted.
#[derive(Clone, Copy)]
struct Pod {
    version: Version,
    ready_at: Time,
    gone_at: Option<Time>,
}

struct World {
    controller: Controller,
    pods: Vec<Pod>,
    created: usize,
    cold_starts: Vec<Duration>,
    drain: Duration,
    measurements: Vec<Measured>,
    measured: usize,
    notes: Vec<Note>,
    now: Time,
}

impl World {
    fn new(strategy: &Rollout, analyses: &[Analysis], replicas: u32) -> World {
        let pod = Pod { version: 0, ready_at: Time(i64::MIN / 2), gone_at: None };
        World {
            controller: Controller::new(strategy, analyses, replicas),
            pods: vec![pod; replicas as usize],
            created: 0,
            cold_starts: vec![MINUTE],
            drain: Duration::ZERO,
            measurements: vec![Measured::Value { value: 0.0, samples: 1, stable: None }],
            measured: 0,
            notes: Vec::new(),
            now: Time::ZERO,
        }
    }

    fn statuses(&self) -> [ReplicaSetStatus; 3] {
        let mut statuses = [ReplicaSetStatus::default(); 3];
        for pod in &self.pods {
            let status = &mut statuses[pod.version];
            if pod.gone_at.is_some() {
                status.terminating += 1;
            } else {
                status.replicas += 1;
                status.ready += u32::from(pod.ready_at <= self.now);
                status.available = status.ready;
            }
        }
        statuses
    }

    fn active(&self, version: Version) -> usize {
        self.pods.iter().filter(|pod| pod.version == version && pod.gone_at.is_none()).count()
    }

    fn scale(&mut self, version: Version, from: u32, to: u32) {
        assert_eq!(self.active(version), from as usize, "a ReplicaSet is scaled from another size than it has");
        for _ in from..to {
            let cold_start = self.cold_starts[self.created % self.cold_starts.len()];
            self.created += 1;
            self.pods.push(Pod { version, ready_at: self.now + cold_start, gone_at: None });
        }
        let gone_at = self.now + self.drain;
        let mut own: Vec<&mut Pod> =
            self.pods.iter_mut().filter(|pod| pod.version == version && pod.gone_at.is_none()).collect();
        own.sort_by_key(|pod| std::cmp::Reverse(pod.ready_at));
        for pod in own.into_iter().take(from.saturating_sub(to) as usize) {
            pod.gone_at = Some(gone_at);
        }
    }

    fn happen(&mut self, mishap: Mishap) {
        match mishap {
            Mishap::Break(version, number) => {
                let own = self.pods.iter_mut().filter(|pod| pod.version == version && pod.gone_at.is_none());
                own.take(number as usize).for_each(|pod| pod.ready_at = Time::NEVER);
            }
            Mishap::Ship(version) => self.controller.ship(version, self.now),
            Mishap::SetReplicas(replicas) => self.controller.set_replicas(replicas),
            Mishap::Pause(paused) => self.controller.set_paused(paused),
            Mishap::Abort => self.controller.abort(),
            Mishap::Retry => self.controller.retry(),
            Mishap::Promote => self.controller.promote(),
            Mishap::PromoteFull => self.controller.promote_full(),
        }
    }

    /// Reconciles to the fixed point, which must exist.
    fn settle(&mut self) {
        self.pods.retain(|pod| pod.gone_at.is_none_or(|gone| gone > self.now));
        for _ in 0..300 {
            let statuses = self.statuses();
            let mut commands = Vec::new();
            let again = self.controller.reconcile(&FleetView { sets: &statuses }, self.now, &mut commands);
            assert!(again || commands.is_empty(), "commands at the fixed point: {commands:?}");
            for command in commands {
                self.carry_out(command);
            }
            self.pods.retain(|pod| pod.gone_at.is_none_or(|gone| gone > self.now));
            if !again {
                assert!(self.controller.next_wake() > self.now, "woken in the past");
                assert!(self.controller.next_change() >= self.controller.next_wake());
                return;
            }
        }
        panic!("no fixed point at {:?}", self.now);
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Scale { version, from, to, rule } => {
                assert!(!rule.sentence().is_empty(), "{rule:?} says nothing");
                self.scale(version, from, to);
            }
            Command::Measure { run, template } => self.measure(run, template),
            Command::Note(note) => self.notes.push(note),
            Command::Route(routing) => assert_eq!(routing, self.controller.routing()),
        }
    }

    fn measure(&mut self, run: RunId, template: usize) {
        let measured = self.measurements[self.measured % self.measurements.len()];
        self.measured += 1;
        let mut notes = Vec::new();
        self.controller.measured(run, template, measured, self.now, &mut notes);
        notes.into_iter().for_each(|note| self.carry_out(note));
    }

    /// Moves to the next instant at which anything may happen, at most `until`. False if there is none.
    fn advance(&mut self, until: Time) -> bool {
        let pods = self.pods.iter().map(|pod| pod.gone_at.unwrap_or(pod.ready_at));
        let next = pods.filter(|time| *time > self.now).min().unwrap_or(Time::NEVER);
        let next = next.min(self.controller.next_wake());
        self.now = next.min(until);
        next <= until && !next.is_never()
    }

    /// Runs until `end`, checking a law at each fixed point.
    fn run(&mut self, mishaps: &[(u64, Mishap)], end: Time, law: impl Fn(&World)) {
        self.settle();
        law(self);
        for (delay, mishap) in mishaps {
            let until = self.now + Duration::from_seconds(*delay);
            while self.advance(until) {
                self.settle();
                law(self);
            }
            self.now = until;
            self.happen(*mishap);
            self.settle();
            law(self);
        }
        while self.advance(end) {
            self.settle();
            law(self);
        }
    }
}

fn analysis() -> Analysis {
    Analysis { bound: AnalysisBound::Max(0.5), count: Some(3), no_data: NoData::Inconclusive, ..Analysis::default() }
}

fn deployment() -> impl Strategy<Value = DeploymentSettings> {
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

fn step() -> impl Strategy<Value = CanaryStep> {
    prop_oneof![
        (0u32..=100).prop_map(CanaryStep::SetWeight),
        (0u64..200).prop_map(|seconds| CanaryStep::Pause(Some(Duration::from_seconds(seconds)))),
        (1u32..10).prop_map(|replicas| CanaryStep::SetCanaryScale(CanaryScale::Replicas(replicas))),
        Just(CanaryStep::SetCanaryScale(CanaryScale::MatchTrafficWeight)),
        Just(CanaryStep::Analysis(vec![0])),
    ]
}

fn delay() -> impl Strategy<Value = Option<Duration>> {
    proptest::option::of((0u64..90).prop_map(Duration::from_seconds))
}

fn canary() -> impl Strategy<Value = CanarySettings> {
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

fn blue_green() -> impl Strategy<Value = BlueGreenSettings> {
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

fn rollout() -> impl Strategy<Value = Rollout> {
    prop_oneof![
        deployment().prop_map(Rollout::Rolling),
        deployment().prop_map(Rollout::Recreate),
        canary().prop_map(Rollout::Canary),
        blue_green().prop_map(Rollout::BlueGreen),
    ]
}

/// Whether some weight is below one before it: Argo Rollouts then takes the pods first, and the requests after.
fn weights_fall(strategy: &Rollout) -> bool {
    let Rollout::Canary(settings) = strategy else { return false };
    let weights = settings.steps.iter().filter_map(|step| match step {
        CanaryStep::SetWeight(weight) => Some(*weight),
        _ => None,
    });
    !weights.is_sorted()
}

fn mishap() -> impl Strategy<Value = (u64, Mishap)> {
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

fn measured() -> impl Strategy<Value = Measured> {
    prop_oneof![
        4 => Just(Measured::Value { value: 0.0, samples: 1, stable: None }),
        1 => Just(Measured::Value { value: 1.0, samples: 1, stable: None }),
        1 => Just(Measured::NoData { samples: 0 }),
    ]
}

fn cold_starts() -> impl Strategy<Value = Vec<Duration>> {
    proptest::collection::vec((0u64..300).prop_map(Duration::from_seconds), 1..5)
}

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
            prop_assert_eq!((0..3).map(|version| world.controller.spec(version)).sum::<u32>(), desired.get());
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
                    assert!(canary_percent == 100 || available(stable) > 0);
                    assert!(canary_percent == 0 || available(canary) > 0);
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
        prop_assert_eq!((world.controller.spec(0), world.controller.spec(1)), (0, replicas));
        prop_assert!(world.controller.next_change().is_never());
    }
}

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
        let promoted = world.notes.contains(&Note::Promoted);
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
    assert_eq!(world.controller.routing(), Routing::Split { stable: 0, canary: 1, canary_percent: 0 });
    world.run(&[], Time::ZERO + Duration::from_seconds(170), |_| {});
    assert_eq!((world.active(1), world.active(2)), (0, 2));
    assert_eq!(world.controller.routing(), Routing::Split { stable: 0, canary: 2, canary_percent: 50 });
}
