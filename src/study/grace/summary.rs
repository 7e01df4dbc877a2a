//! From runs to the answer: estimates, bounds, the test of the target, costs.
//!
//! The target is tested from the longest period downwards, each period only if all longer ones passed. Testing in an order
//! that is fixed beforehand needs no correction for the number of tests (Maurer, Hothorn and Lehmacher 1995; Westfall and
//! Krishen 2001): the probability of calling any period sufficient that is not stays at most 5 %.

use super::bound::{FEWEST_EFFECTIVE_RUNS, Values, variance_ratio};
use super::drain::Expected;
use super::needed::{runs_needed, with_what_shorter_periods_will_know};
use super::run::{GraceStudy, RunResult, Simulated};
use super::worlds::{Method, with_period};
use super::{Cost, Counted, GraceAnswer, Period, Probability, Standing, Target};
use crate::fleet::sigterm_after;
use crate::ledger::{Metric, RunRecord};
use crate::study::Estimate;
use crate::study::compare::difference;
use crate::study::intervals::wilson;
use crate::study::summary::{is_unfinished, summarize_metric};
use crate::units::Duration;

/// The answer from these runs, in order of their numbers, at least one.
pub fn summarize(study: &GraceStudy, results: &[RunResult]) -> GraceAnswer {
    let probability = match study.worlds.method {
        Method::Conditional if results.iter().all(|result| result.is_independent) => Probability::Exact,
        Method::Conditional => Probability::AtMost,
        Method::CountedWithoutLaw(_) | Method::CountedAtAbort => Probability::Counted,
    };
    let summary = Summary { study, results, probability };
    let mut unseen = Unseen::new(results);
    let mut periods = Vec::new();
    for (at, end) in study.ends().into_iter().enumerate() {
        periods.push(summary.period(at, end, &mut unseen));
    }
    if study.worlds.method == Method::Conditional {
        with_what_shorter_periods_will_know(&mut periods, results.len() as f64, study.question.target.value());
    }
    let smallest = test_downwards(&mut periods);
    let today = study.worlds.of_period(study.today);
    let otherwise = summary.counts(today, |simulated| simulated.truncated_otherwise);
    let shutdowns: u64 = results.iter().map(|result| result.shutdowns).sum();
    let answering = study.worlds.worlds.iter().filter(|world| !world.answers.is_empty()).count();
    let of_today = results.iter().filter_map(|result| result.worlds[today].as_ref());
    let every_world = |result: &&RunResult| result.worlds.iter().all(Option::is_some);
    GraceAnswer {
        scenario: study.scenario.clone(),
        runs: results.len() as u64,
        cost_runs: results.iter().filter(every_world).count() as u64,
        partial: (results.len() as u64) < study.scenario.study.runs,
        method: study.worlds.method,
        feedback: study.worlds.feedback.clone(),
        probability,
        target: study.question.target,
        periods,
        today: study.today,
        smallest,
        truncated_otherwise: mean_count(&otherwise),
        unfinished: of_today.filter(|simulated| is_unfinished(&simulated.record)).count() as u64,
        shutdowns: match study.worlds.method {
            Method::Conditional => shutdowns as f64 / (answering * results.len()) as f64,
            Method::CountedWithoutLaw(_) | Method::CountedAtAbort => f64::NAN,
        },
    }
}

/// How much slower than the slowest drain of all runs a drain must be reckoned with.
const SLOWER: f64 = 1.25;

/// What an event weighs that must be reckoned with where the runs do not know how heavy one may be: because few of them
/// make up the estimate, or because none cuts any answer. That is the answer most likely to reach the longest that it may
/// have, cut by a drain slower than all that were seen; but no more than the worst run at the next shorter period of which
/// the runs know, because a longer one cuts no more.
struct Unseen {
    answers: f64,
    probability: f64,
}

impl Unseen {
    fn new(results: &[RunResult]) -> Unseen {
        let reaches_longest = results.iter().map(|result| result.reaches_longest).fold(0.0, f64::max);
        // Where nothing was ever in flight, one answer must be reckoned with.
        let weight = if reaches_longest > 0.0 { reaches_longest } else { 1.0 };
        Unseen { answers: weight, probability: weight }
    }

    /// The sums over values with the event that must be reckoned with; keeps what longer periods reckon with.
    fn reckon(weight: &mut f64, values: &[f64]) -> Values {
        let sums = Values::new(values, 0.0);
        if sums.effective_runs() >= FEWEST_EFFECTIVE_RUNS {
            *weight = weight.min(sums.greatest());
            return sums;
        }
        Values::new(values, *weight)
    }
}

struct Summary<'a> {
    study: &'a GraceStudy,
    results: &'a [RunResult],
    probability: Probability,
}

impl<'a> Summary<'a> {
    fn values(&self, at: usize, of: impl Fn(&Expected) -> f64) -> Vec<f64> {
        self.results.iter().map(|result| of(&result.expected[at])).collect()
    }

    fn period(&self, at: usize, kill_after: Duration, unseen: &mut Unseen) -> Period {
        let is_conditional = self.study.worlds.method == Method::Conditional;
        let truncated = self.values(at, |expected| expected.truncated);
        let any = self.values(at, |expected| -expected.log_none.exp_m1());
        let sums = |values: &[f64], weight: &mut f64| match is_conditional {
            true => Unseen::reckon(weight, values),
            false => Values::new(values, 1.0),
        };
        let count_sums = sums(&truncated, &mut unseen.answers);
        let any_sums = sums(&any, &mut unseen.probability);
        let probability_sums = if self.probability == Probability::AtMost { count_sums } else { any_sums };
        let tested = match self.study.question.target {
            Target::Probability(_) => probability_sums,
            Target::Count(_) => count_sums,
        };
        let is_probability = matches!(self.study.question.target, Target::Probability(_));
        let dropped = self.values(at, |expected| expected.dropped);
        let counted = self.counted(at, &truncated);
        let ends_in_time = is_conditional && count_sums.greatest() == 0.0 && self.ends_in_time(at, kill_after);
        let are_many = self.results.len() as f64 >= FEWEST_EFFECTIVE_RUNS;
        let seen = self.seen(&tested, counted.as_ref());
        let standing = if ends_in_time && are_many { Standing::Meets } else { self.standing(&tested, seen.as_ref()) };
        let would_be_settled = ends_in_time && !are_many;
        let is_open = matches!(standing, Standing::NotShown | Standing::TooFewRuns);
        let needed = runs_needed(tested, seen, self.study.question.target.value()).filter(|_| is_open);
        let settles_with = (would_be_settled && is_open).then_some(FEWEST_EFFECTIVE_RUNS as u64);
        Period {
            grace: self.study.periods[at],
            kill_after,
            truncated: count_sums.estimate(),
            probability: at_most_one(probability_sums.estimate()),
            dropped: mean_count(&dropped),
            upper_bound: tested.upper_bound().min(if is_probability { 1.0 } else { f64::INFINITY }),
            is_settled: ends_in_time && are_many,
            would_be_settled,
            runs_needed: needed.into_iter().chain(settles_with).min(),
            effective_runs: tested.effective_runs(),
            standing,
            counted,
            cost: self.cost(at),
            expected_by_run: truncated,
        }
    }

    /// Whether a drain slower by a quarter than the slowest at this period would have ended in time, with each answer as long
    /// as it may be. It takes a hundred runs to know how slow the slowest is.
    fn ends_in_time(&self, at: usize, kill_after: Duration) -> bool {
        let termination = with_period(&self.study.scenario.termination, self.study.periods[at]);
        let time = kill_after.seconds() - sigterm_after(&termination).seconds();
        let slowest = self.results.iter().map(|result| result.expected[at].slowest).max();
        let any_shutdown = self.results.iter().any(|result| result.shutdowns > 0);
        any_shutdown && slowest.is_some_and(|slowest| SLOWER * slowest.seconds() <= time)
    }

    /// How a period by itself stands to the target, longer ones aside.
    fn standing(&self, tested: &Values, seen: Option<&Values>) -> Standing {
        let target = self.study.question.target.value();
        let is_conditional = self.study.worlds.method == Method::Conditional;
        if tested.upper_bound() <= target {
            Standing::Meets
        } else if seen.is_some_and(|seen| seen.lower_bound() > target) {
            Standing::Exceeds
        } else if is_conditional && tested.effective_runs() < FEWEST_EFFECTIVE_RUNS {
            Standing::TooFewRuns
        } else {
            Standing::NotShown
        }
    }

    /// What bounds that which the target is about from below. Where the expected number only bounds the probability from
    /// above, that is the share of runs that were seen to cut any.
    fn seen(&self, tested: &Values, counted: Option<&Counted>) -> Option<Values> {
        match (self.study.question.target, self.probability) {
            (Target::Probability(_), Probability::AtMost) => counted.map(|counted| {
                let any: Vec<f64> = counted.by_run.iter().map(|cut| f64::from(u8::from(*cut > 0.0))).collect();
                Values::new(&any, 1.0)
            }),
            _ => Some(*tested),
        }
    }

    /// A count of each run in which a world was simulated.
    fn counts(&self, world: usize, of: impl Fn(&Simulated) -> u32) -> Vec<f64> {
        self.results.iter().filter_map(|result| Some(f64::from(of(result.worlds[world].as_ref()?)))).collect()
    }

    fn counted(&self, at: usize, expected: &[f64]) -> Option<Counted> {
        let counts = self.counts(self.study.worlds.of_period(at), |simulated| simulated.truncated);
        // Worlds are simulated in the first runs, so that these are the same runs.
        let same_runs = expected.get(..counts.len())?;
        let is_conditional = self.study.worlds.method == Method::Conditional;
        (!counts.is_empty()).then(|| Counted {
            runs: counts.len() as u64,
            truncated: mean_count(&counts),
            any: share_with_any(&counts),
            variance_ratio: if is_conditional { variance_ratio(&counts, same_runs) } else { None },
            by_run: counts,
        })
    }

    fn cost(&self, at: usize) -> Option<Cost> {
        let (world, today) = (self.study.worlds.of_period(at), self.study.worlds.of_period(self.study.today));
        let record = |result: &'a RunResult, world: usize| result.worlds[world].as_ref().map(|run| &run.record);
        let paired = self.results.iter().filter_map(|result| record(result, today).zip(record(result, world)));
        let pairs: Vec<(&RunRecord, &RunRecord)> = paired.collect();
        (at != self.study.today && !pairs.is_empty()).then(|| Cost {
            duration: difference(Metric::RolloutDuration, &pairs),
            bill: difference(Metric::Cost, &pairs),
        })
    }
}

/// The mean of a count over runs, with the interval that reports give it.
fn mean_count(counts: &[f64]) -> Estimate {
    summarize_metric(Metric::TruncatedAttempts, counts, 0).mean
}

/// The share of runs whose count is not zero.
fn share_with_any(counts: &[f64]) -> Estimate {
    let (any, runs) = (counts.iter().filter(|count| **count > 0.0).count() as u64, counts.len() as u64);
    Estimate { value: any as f64 / runs as f64, interval: wilson(any, runs) }
}

fn at_most_one(estimate: Estimate) -> Estimate {
    let interval = estimate.interval.map(|(low, high)| (low.min(1.0), high.min(1.0)));
    Estimate { value: estimate.value.min(1.0), interval }
}

/// Ends the test at the first period, from the longest down, that is not shown to meet the target; returns the shortest
/// before it.
fn test_downwards(periods: &mut [Period]) -> Option<usize> {
    let mut smallest = None;
    let mut has_ended = false;
    for (at, period) in periods.iter_mut().enumerate().rev() {
        match period.standing {
            Standing::Meets if has_ended => period.standing = Standing::NotTested,
            Standing::Meets => smallest = Some(at),
            _ => has_ended = true,
        }
    }
    smallest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::grace::Question;
    use crate::study::samples;

    /// A study with a grace period of 10 s and longer ones, and results with these numbers of cut answers, run by run.
    fn periods(target: Target, cut: &[&[f64]], slowest: u64) -> Vec<Period> {
        let mut scenario = samples::scenario(cut[0].len() as u64);
        scenario.termination.grace_period = Duration::from_seconds(10);
        let longer = (1..cut.len() as u64).map(|n| Duration::from_seconds(10 + 10 * n)).collect();
        let study = GraceStudy::new(scenario, Question { periods: Some(longer), target, cost_runs: 0 });
        let expected = |run: usize| {
            cut.iter().map(move |period| Expected {
                truncated: period[run],
                log_none: (-period[run].min(1.0)).ln_1p(),
                slowest: Duration::from_seconds(slowest),
                ..Expected::default()
            })
        };
        let result = |run: usize| RunResult {
            run: run as u64,
            worlds: vec![None; study.worlds.worlds.len()],
            expected: expected(run).collect(),
            is_independent: false,
            shutdowns: 8,
            reaches_longest: 0.5,
        };
        let results: Vec<RunResult> = (0..cut[0].len()).map(result).collect();
        summarize(&study, &results).periods
    }

    fn standings(target: Target, cut: &[&[f64]]) -> Vec<Standing> {
        periods(target, cut, 30).iter().map(|period| period.standing).collect()
    }

    #[test]
    fn the_test_ends_at_the_first_period_from_the_longest_that_is_not_shown_to_meet_the_target() {
        // A tenth more and less, in turn: known to 1 %.
        let near =
            |value: f64| -> Vec<f64> { (0..200).map(|run| value * if run % 2 == 0 { 0.9 } else { 1.1 }).collect() };
        let cut: [&[f64]; 4] = [&near(0.5), &near(0.01), &near(0.1), &near(0.01)];
        use Standing::{Exceeds, Meets, NotShown, NotTested};
        assert_eq!(standings(Target::Count(0.05), &cut), [Exceeds, NotTested, Exceeds, Meets]);
        assert_eq!(standings(Target::Count(0.2), &cut), [Exceeds, Meets, Meets, Meets]);
        assert_eq!(standings(Target::Count(0.0101), &cut), [Exceeds, NotShown, Exceeds, NotShown]);
        // The union bound cannot show that a probability exceeds anything, and nothing was counted.
        assert_eq!(standings(Target::Probability(0.05), &cut), [NotShown, NotTested, NotShown, Meets]);
    }

    /// One run makes up the estimate: the next may be as heavy as an answer that is as likely as not to be cut (0.5), so
    /// that nothing below Garwood's one-sided bound for one such event, 4.744 x 0.5 / 200, is shown.
    #[test]
    fn a_few_runs_that_make_up_the_estimate_do_not_know_how_heavy_one_may_be() {
        let mut cut = [1e-9; 200];
        cut[7] = 1e-6;
        let bound = periods(Target::Count(0.01), &[&cut], 30).pop().map(|last| last.upper_bound);
        assert!(bound.is_some_and(|bound| bound > 0.5 * 2.9957 / 200.0 && bound < 0.5 * 4.744 / 200.0), "{bound:?}");
        assert_eq!(standings(Target::Count(0.01), &[&cut]), [Standing::Meets]);
        assert_eq!(standings(Target::Count(0.001), &[&cut]), [Standing::TooFewRuns]);
        assert_eq!(standings(Target::Count(0.001), &[&[0.0; 9]]), [Standing::TooFewRuns]);
    }

    /// -ln(5 %) = 2.996 events in all cannot be ruled out where none was seen: each weighs what the answer most likely to
    /// reach its longest does, but no more than the worst run at the next shorter period. Far from the slowest drain the period is settled.
    #[test]
    fn where_no_run_cuts_any_a_slower_drain_is_reckoned_with() {
        let zero = [0.0; 300];
        let bound =
            |cut: &[&[f64]], slowest| periods(Target::Count(1.0), cut, slowest).pop().map(|last| last.upper_bound);
        let close =
            |found: Option<f64>, expected: f64| found.is_some_and(|found| (found / expected - 1.0).abs() < 1e-3);
        assert!(close(bound(&[&zero], 30), 0.5 * 2.9957 / 300.0));
        assert!(close(bound(&[&[0.1; 300], &zero], 30), 0.1 * 2.9957 / 300.0));
        assert!(close(bound(&[&[7.0; 300], &zero], 30), 0.5 * 2.9957 / 300.0));
        // From SIGTERM at 5 s to SIGKILL at 20 s there are 15 s.
        let settled =
            |slowest| periods(Target::Count(1e-9), &[&[7.0; 300], &zero], slowest).pop().map(|last| last.standing);
        assert_eq!((settled(12), settled(13)), (Some(Standing::Meets), Some(Standing::TooFewRuns)));
        assert_eq!(standings(Target::Count(1e-9), &[&[0.0; 99]]), [Standing::TooFewRuns]);
        // A shorter period with 90 effective runs lets the worst of its runs be reckoned with in 100: 2.9957 x 0.1 / 0.01 =
        // 30 runs would then do, where otherwise it takes 2.9957 x 0.5 / 0.01 = 150.
        let needed = |cut: &[&[f64]]| periods(Target::Count(0.01), cut, 30).pop().and_then(|last| last.runs_needed);
        assert_eq!(needed(&[&[0.1; 90], &[0.0; 90]]), Some(100));
        assert_eq!(needed(&[&[0.0; 90], &[0.0; 90]]), Some(150));
    }
}
