//! Races over made-up runs, whose best candidate is known.

use super::*;
use crate::random::{Purpose, RunKey, exponential, unit_interval};
use crate::scenario::{Check, Statistic, Tolerance};
use crate::study::extent::Extent;
use crate::study::result::Verdict;
use crate::study::samples::{check, record};

/// A world of candidates: the values of each in a run.
type World<'a> = &'a dyn Fn(usize, u64) -> Vec<(Metric, f64)>;

fn at_most(metric: Metric, statistic: Statistic, max: f64) -> Check {
    check(metric, statistic, None, Some(max))
}

fn rules(checks: Vec<Check>, tolerance: f64, max_runs: u64) -> Rules {
    let extent = Extent::of(&crate::study::samples::scenario(1));
    Rules { objective: Metric::Cost, tolerance: Tolerance::Absolute(tolerance), checks, max_runs, extent }
}

/// Runs a race to its end; also the heats.
fn raced(rules: Rules, candidates: usize, world: World<'_>) -> (Race, Vec<Heat>) {
    let mut race = Race::new(rules, candidates);
    let mut records: Vec<Vec<RunRecord>> = vec![Vec::new(); candidates];
    let mut heats = Vec::new();
    while let Some(heat) = race.next_heat() {
        for candidate in &heat.members {
            let known = records[*candidate].len() as u64;
            let run = |run: u64| {
                let mut values = vec![(Metric::Requests, 100.0)];
                values.extend(world(*candidate, run));
                record(run, &values)
            };
            records[*candidate].extend((known..heat.to).map(run));
            race.observe(*candidate, &records[*candidate]);
        }
        heats.push(heat);
    }
    (race, heats)
}

/// Luck of a run, shared by all, and a candidate's own; exponential, so that means are skewed.
fn luck(world: u64, run: u64, candidate: usize) -> (f64, f64) {
    let key = RunKey::new(world, run);
    let own = exponential(&mut key.keyed_stream(Purpose::Routing, candidate as u64, 0));
    (exponential(&mut key.stream(Purpose::Arrivals)), own)
}

/// A uniform number of a run and candidate.
fn uniform(world: u64, run: u64, candidate: usize) -> f64 {
    unit_interval(RunKey::new(world, run).keyed_bits(Purpose::Failure, candidate as u64, 0))
}

const WORLDS: u64 = 200;

/// The most of so many worlds in which a race may err that errs in 5 % of them: three binomial standard errors above.
fn most_errors() -> u64 {
    (WORLDS as f64 * ERROR + 3.0 * (WORLDS as f64 * ERROR * (1.0 - ERROR)).sqrt()) as u64
}

/// Races of candidates of which number 3 costs 10 and each other one more by `more` of its number, with luck of their own
/// as large as 0.6: in how many worlds the race errs, and in how many it decides.
fn races_with_skewed_costs(more: &dyn Fn(usize) -> f64, tolerance: f64) -> (u64, u64) {
    let (mut wrong, mut decided) = (0, 0);
    for world in 0..WORLDS {
        let cost = |candidate: usize, run| {
            let (shared, own) = luck(world, run, candidate);
            let mean = if candidate == 3 { 10.0 } else { 10.0 + more(candidate) };
            vec![(Metric::Cost, mean + 4.0 * shared + 0.6 * (own - 1.0))]
        };
        let (race, _) = raced(rules(Vec::new(), tolerance, 640), 8, &cost);
        let best = race.best().unwrap();
        let is_decided = race.is_decided(best);
        decided += u64::from(is_decided);
        let is_put_out = matches!(race.standing(3, Some(best)), Standing::Beaten(..));
        wrong += u64::from(best != 3 && is_decided || is_put_out);
    }
    (wrong, decided)
}

#[test]
fn the_best_is_seldom_missed_among_skewed_costs() {
    let (wrong, decided) = races_with_skewed_costs(&|candidate| 0.1 + 0.1 * candidate as f64, 0.05);
    assert!(wrong <= most_errors(), "{wrong} of {WORLDS}");
    assert!(decided > WORLDS * 8 / 10, "{decided} of {WORLDS} were decided");
    // Where all are nearly equal, every look at every one of them is a chance to err.
    let (wrong, _) = races_with_skewed_costs(&|_| 0.001, 0.0);
    assert!(wrong <= most_errors(), "{wrong} of {WORLDS}");
}

#[test]
fn candidates_that_hardly_break_a_check_are_seldom_taken_and_that_hardly_keep_it_seldom_put_out() {
    let (mut taken, mut put_out) = (0, 0);
    for world in 0..WORLDS {
        // The cheapest two cut answers in hardly more than the 5 % of their runs that are allowed, the third in hardly
        // less, the dearest in none.
        let share = [0.0501, 0.0501, 0.0499, 0.0];
        let run_of = |candidate: usize, run| {
            let (shared, _) = luck(world, run, candidate);
            let cut = f64::from(u8::from(uniform(world, run, candidate) < share[candidate]));
            vec![(Metric::Cost, candidate as f64 + shared), (Metric::TruncatedAttempts, 7.0 * cut)]
        };
        let checks = vec![at_most(Metric::TruncatedAttempts, Statistic::ProbabilityPositive, 0.05)];
        let (race, _) = raced(rules(checks, 0.1, 2_560), 4, &run_of);
        let best = race.best().unwrap();
        taken += u64::from(best < 2 && race.is_decided(best));
        put_out += u64::from(matches!(race.feasibility(2), Feasibility::Breaks(_)));
    }
    // Each of the two has its quarter of the error.
    assert!(taken + put_out <= most_errors(), "{taken} and {put_out} of {WORLDS}");
}

#[test]
fn equally_good_candidates_are_within_tolerance_and_the_first_is_chosen() {
    let same = |candidate: usize, run| {
        let (shared, _) = luck(1, run, candidate);
        vec![(Metric::Cost, shared + if candidate == 2 { 1.0 } else { 0.0 })]
    };
    let (race, heats) = raced(rules(Vec::new(), 0.01, 640), 3, &same);
    assert_eq!(heats.len(), 1, "equal in every run: one look says so");
    assert_eq!(race.best(), Some(0));
    assert_eq!(race.standing(1, Some(0)), Standing::WithinTolerance);
    assert_eq!(race.standing(2, Some(0)), Standing::Beaten(0, 20));
    assert_eq!((race.runner_up(0), race.is_decided(0), race.confidence(0)), (Some(1), true, 0.95));
}

#[test]
fn who_is_worse_than_an_undecided_candidate_waits_and_goes_on_when_that_one_fails() {
    // The cheapest cuts answers in every tenth run, which takes a while to be sure of.
    let run_of = |candidate: usize, run: u64| {
        let cut = f64::from(u8::from(candidate == 0 && run % 10 == 9));
        let (shared, _) = luck(1, run, candidate);
        vec![(Metric::Cost, shared + 5.0 * candidate as f64), (Metric::TruncatedAttempts, cut)]
    };
    let checks = vec![at_most(Metric::TruncatedAttempts, Statistic::ProbabilityPositive, 0.03)];
    let (race, heats) = raced(rules(checks, 0.1, 1_280), 3, &run_of);
    assert_eq!(heats[0], Heat { members: vec![0, 1, 2], to: 20 });
    assert_eq!(heats[1], Heat { members: vec![0], to: 40 });
    assert_eq!(race.feasibility(0), Feasibility::Breaks(0));
    let after = heats.iter().position(|heat| heat.members == [1]).unwrap();
    assert_eq!(heats[after].to, 40, "{heats:?}");
    assert_eq!(race.best(), Some(1));
    assert!(race.is_decided(1) && race.runs(2) == 20 && race.runs(1) < 1_280, "{heats:?}");
    assert_eq!(race.standing(2, Some(1)), Standing::Beaten(1, 20));
}

#[test]
fn runs_that_do_not_tell_leave_a_best_guess_with_the_confidence_that_was_reached() {
    let run_of = |candidate: usize, run| {
        let (shared, own) = luck(3, run, candidate);
        vec![(Metric::Cost, shared + own + 0.1 * candidate as f64)]
    };
    let (race, _) = raced(rules(Vec::new(), 0.0, 40), 2, &run_of);
    let best = race.best().unwrap();
    assert!(!race.is_decided(best));
    assert_eq!(race.standing(1 - best, Some(best)), Standing::Open);
    // A coarser tolerance is met with more confidence by the same runs.
    let confidence = |tolerance| {
        let (race, _) = raced(rules(Vec::new(), tolerance, 40), 2, &run_of);
        race.confidence(race.best().unwrap())
    };
    let reached = [0.0, 0.1, 0.2, 0.25, 5.0].map(confidence);
    assert!(reached.windows(2).all(|pair| pair[0] <= pair[1]), "{reached:?}");
    assert!(reached[0] < 0.5 && reached[4] == 0.95, "{reached:?}");
    assert!(reached.iter().any(|reached| (0.5..0.95).contains(reached)), "{reached:?}");
}

#[test]
fn an_objective_without_a_value_in_some_run_puts_a_candidate_out() {
    let run_of = |candidate: usize, run: u64| {
        let missing = candidate == 0 && run == 7;
        vec![(Metric::RolloutDuration, if missing { f64::NAN } else { candidate as f64 })]
    };
    let mut rules = rules(Vec::new(), 0.0, 40);
    rules.objective = Metric::RolloutDuration;
    let (race, _) = raced(rules, 2, &run_of);
    assert_eq!((race.best(), race.standing(0, Some(1))), (Some(1), Standing::Empty));
}

#[test]
fn a_greatest_value_breaks_its_bound_for_good_and_a_least_one_can_still_come_down() {
    let of = |statistic, min, max| check(Metric::Cost, statistic, min, max);
    let run_of = |_: usize, run: u64| vec![(Metric::Cost, run as f64)];
    for (check, expected) in [
        (of(Statistic::Max, None, Some(18.0)), Feasibility::Breaks(0)),
        (of(Statistic::Max, None, Some(39.0)), Feasibility::Meets),
        (of(Statistic::Max, Some(30.0), None), Feasibility::Meets),
        (of(Statistic::Max, Some(50.0), None), Feasibility::Undecided),
        (of(Statistic::Min, Some(1.0), None), Feasibility::Breaks(0)),
    ] {
        let (race, _) = raced(rules(vec![check.clone()], 0.0, 40), 1, &run_of);
        assert_eq!(race.feasibility(0), expected, "{check:?}");
    }
}

#[test]
fn checks_that_runs_could_not_certify_are_known_before() {
    let p95 = [at_most(Metric::TruncatedAttempts, Statistic::P95, 0.0)];
    let nothing = |_: usize, _: u64| vec![(Metric::Cost, 1.0)];
    let certified = |max_runs| {
        let (race, _) = raced(rules(p95.to_vec(), 0.0, max_runs), 12, &nothing);
        race.feasibility(0) == Feasibility::Meets
    };
    // Without an event in any of n runs the limit errs with 0.95^n, which must not exceed 0.0125 / (12 candidates x 4
    // looks): at 20, 40, 80 and max_runs. 161 runs are five looks, for which 166 are needed.
    let needed = |looks: f64| ((0.0125f64 / 12.0 / looks).ln() / 0.95f64.ln()).ceil() as u64;
    assert_eq!((needed(4.0), needed(5.0)), (161, 166));
    assert_eq!([160, 161, 165].map(|max_runs| fewest_runs(&p95, 12, max_runs)), [Some(166); 3]);
    assert_eq!(fewest_runs(&p95, 12, 166), None);
    assert!(!certified(160) && !certified(165) && certified(166));
    // The mean of a count without an event errs with exp(-n max), of which either side has half the level.
    let mean = [at_most(Metric::TruncatedAttempts, Statistic::Mean, 0.05)];
    let certified = |max_runs| {
        let none = |_: usize, _: u64| vec![(Metric::Cost, 1.0)];
        raced(rules(mean.to_vec(), 0.0, max_runs), 12, &none).0.feasibility(0) == Feasibility::Meets
    };
    let least = ((2.0 * 12.0 * 5.0 / 0.0125f64).ln() / 0.05).ceil() as u64;
    assert_eq!((least, fewest_runs(&mean, 12, 100)), (184, Some(184)));
    assert!(!certified(183) && certified(184));
}

#[test]
fn what_the_race_has_said_of_a_check_is_its_mark() {
    // 30 runs are too few for the interval of a P90, and enough for its limits: eleven candidates, two looks.
    let run_of = |candidate: usize, run| {
        vec![(Metric::Cost, candidate as f64), (Metric::TruncatedAttempts, 5.0 + f64::from(run as u32 % 2))]
    };
    let above = at_most(Metric::TruncatedAttempts, Statistic::P90, 2.0);
    let (race, _) = raced(rules(vec![above.clone()], 0.0, 30), 11, &run_of);
    assert_eq!(race.feasibility(0), Feasibility::Breaks(0));
    let records: Vec<RunRecord> = (0..30)
        .map(|run| record(run, &[(Metric::Requests, 9.0)].into_iter().chain(run_of(0, run)).collect::<Vec<_>>()))
        .collect();
    let sample = crate::study::samples::scenario(30);
    let summary = |metric: &Metric| summarize_runs(&sample, *metric, &records);
    let metrics: Vec<MetricSummary> = METRICS.iter().map(summary).collect();
    let alone = evaluate(&above, &metrics);
    assert_eq!(alone.verdict, Verdict::Inconclusive);
    let ranked = ranked(&race, 0, vec![Some(0)], (&sample, &records), None);
    assert_eq!((ranked.standing, ranked.checks[0].verdict), (Standing::Breaks(0), Verdict::Failed));
    let settled = |feasibility| standing::settled(alone.clone(), 0, feasibility).verdict;
    assert_eq!(
        [Feasibility::Undecided, Feasibility::Breaks(1), Feasibility::Meets].map(settled),
        [Verdict::Inconclusive, Verdict::Inconclusive, Verdict::Passed]
    );
}

#[test]
fn who_is_not_better_is_told_apart_by_the_interval_of_the_difference() {
    let of = |interval| Standing::NotBetter.told_apart(Some(&Estimate { value: 0.9, interval: Some(interval) }), 1.0);
    assert_eq!(
        [(1.1, 2.0), (0.5, 2.0), (0.5, 0.9), (-0.5, 2.0), (-0.5, 0.9), (0.0, 0.0)].map(of),
        [
            Standing::Worse,
            Standing::SlightlyWorse,
            Standing::SlightlyWorse,
            Standing::NotBetter,
            Standing::Tie,
            Standing::Tie
        ]
    );
    let open = Standing::Open.told_apart(Some(&Estimate { value: 1.5, interval: Some((1.1, 2.0)) }), 1.0);
    assert_eq!((open, Standing::NotBetter.told_apart(None, 1.0)), (Standing::Open, Standing::NotBetter));
}

fn breaking(assignment: Assignment, truncated: f64, below: f64) -> Ranked {
    let records: Vec<RunRecord> = (0..40)
        .map(|run| record(run, &[(Metric::TruncatedAttempts, truncated), (Metric::MinReadyFraction, below)]))
        .collect();
    let sample = crate::study::samples::scenario(40);
    let summary = |metric: &Metric| crate::study::summarize_runs(&sample, *metric, &records);
    let metrics: Vec<MetricSummary> = METRICS.iter().map(summary).collect();
    let checks = checks().iter().map(|check| evaluate(check, &metrics)).collect();
    let standing = Standing::Breaks(0);
    Ranked { assignment, runs: 40, metrics, checks, standing, feasibility: Feasibility::Breaks(0), excess: None }
}

fn checks() -> Vec<Check> {
    let ready = check(Metric::MinReadyFraction, Statistic::Mean, Some(0.8), None);
    vec![at_most(Metric::TruncatedAttempts, Statistic::Mean, 2.0), ready]
}

#[test]
fn where_nothing_meets_the_checks_the_one_that_binds_is_named_and_what_helps() {
    let axes = [Axis::parse("termination.grace_period=30s,2m").unwrap(), Axis::parse("fleet.replicas=8,9").unwrap()];
    let candidates = [
        breaking(vec![Some(0), Some(0)], 10.0, 0.75),
        breaking(vec![Some(0), Some(1)], 9.0, 0.9),
        breaking(vec![Some(1), Some(0)], 3.0, 0.75),
        breaking(vec![Some(1), Some(1)], 2.5, 0.9),
    ];
    let found = diagnosis::diagnose(&candidates, &checks(), &axes);
    let failed: Vec<(usize, usize)> = found.failed.iter().map(|failed| (failed.check, failed.candidates)).collect();
    assert_eq!(failed, [(0, 4), (1, 2)]);
    assert_eq!((found.nearest, found.binding, found.violation), (Some(3), Some(0), 0.25));
    assert_eq!(found.help, Some(Help { axis: 0, value: 1, with: 2.75, without: 9.5 }));
}
