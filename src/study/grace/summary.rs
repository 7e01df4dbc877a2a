//! From runs to the answer: estimates, bounds, the test of the target, costs.
//!
//! The target is tested from the longest period downwards, each period only if all longer ones passed. Testing in an order
//! that is fixed beforehand needs no correction for the number of tests (Maurer, Hothorn and Lehmacher 1995; Westfall and
//! Krishen 2001): the probability of calling any period sufficient that is not stays at most 5 %.

use super::bound::{FEWEST_EFFECTIVE_RUNS, Values, variance_ratio};
use super::drain::Expected;
use super::run::{GraceStudy, RunResult, Simulated};
use super::worlds::Method;
use super::{Cost, Counted, GraceAnswer, Period, Probability, Standing, Target};
use crate::ledger::{Metric, RunRecord};
use crate::study::Estimate;
use crate::study::compare::difference;
use crate::study::summary::summarize_metric;
use crate::units::Duration;

/// The answer from these runs, in order of their numbers, at least one.
pub fn summarize(study: &GraceStudy, results: &[RunResult]) -> GraceAnswer {
    let probability = match study.worlds.method {
        Method::Conditional if results.iter().all(|result| result.is_independent) => Probability::Exact,
        Method::Conditional => Probability::AtMost,
        Method::CountedWithoutLaw(_) | Method::CountedAtAbort => Probability::Counted,
    };
    let summary = Summary { study, results, probability };
    let mut periods = Vec::new();
    let reaches_longest = results.iter().map(|result| result.reaches_longest).fold(0.0, f64::max);
    // Where nothing was ever in flight, one answer must be reckoned with.
    let unseen = if reaches_longest > 0.0 { reaches_longest } else { 1.0 };
    let mut heaviest = Heaviest { count: unseen, probability: unseen };
    for (at, end) in study.ends().into_iter().enumerate() {
        periods.push(summary.period(at, end, &mut heaviest));
    }
    let smallest = test_downwards(&mut periods);
    let today = study.worlds.of_period(study.today);
    let otherwise = summary.counts(today, |simulated| simulated.truncated_otherwise);
    let shutdowns: u64 = results.iter().map(|result| result.shutdowns).sum();
    let answering = study.worlds.worlds.iter().filter(|world| !world.answers.is_empty()).count();
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
        shutdowns: match study.worlds.method {
            Method::Conditional => shutdowns as f64 / (answering * results.len()) as f64,
            Method::CountedWithoutLaw(_) | Method::CountedAtAbort => f64::NAN,
        },
    }
}

/// What an event weighs that must be reckoned with where no run has shown any: a drain slower than all that were seen, which
/// cuts the answer most likely to reach the longest that it may have; but no more than the worst run at the next shorter
/// period, because a longer one cuts no more.
struct Heaviest {
    count: f64,
    probability: f64,
}

impl Heaviest {
    /// The sums over values with the event that must be reckoned with, and what the next longer period reckons with.
    fn reckon(least_heavy: &mut f64, values: &[f64], method: Method) -> Values {
        if method != Method::Conditional {
            return Values::new(values, 1.0);
        }
        let sums = Values::new(values, 0.0);
        if sums.greatest() == 0.0 {
            return Values::new(values, *least_heavy);
        }
        *least_heavy = least_heavy.min(sums.greatest());
        sums
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

    fn period(&self, at: usize, kill_after: Duration, heaviest: &mut Heaviest) -> Period {
        let method = self.study.worlds.method;
        let truncated = self.values(at, |expected| expected.truncated);
        let any = self.values(at, |expected| -expected.log_none.exp_m1());
        let count_sums = Heaviest::reckon(&mut heaviest.count, &truncated, method);
        let any_sums = Heaviest::reckon(&mut heaviest.probability, &any, method);
        let probability_sums = if self.probability == Probability::AtMost { count_sums } else { any_sums };
        let tested = match self.study.question.target {
            Target::Probability(_) => probability_sums,
            Target::Count(_) => count_sums,
        };
        let dropped = self.values(at, |expected| expected.dropped);
        Period {
            grace: self.study.periods[at],
            kill_after,
            truncated: count_sums.estimate(),
            probability: at_most_one(probability_sums.estimate()),
            dropped: mean_count(&dropped),
            upper_bound: tested.upper_bound(),
            effective_runs: tested.effective_runs(),
            standing: self.standing(&tested),
            counted: self.counted(at, &truncated),
            cost: self.cost(at),
            expected_by_run: truncated,
        }
    }

    /// How a period by itself stands to the target, longer ones aside.
    fn standing(&self, tested: &Values) -> Standing {
        let target = self.study.question.target.value();
        let runs = self.results.len() as f64;
        let effective = if tested.greatest() > 0.0 { tested.effective_runs() } else { runs };
        let is_conditional = self.study.worlds.method == Method::Conditional;
        if is_conditional && effective < FEWEST_EFFECTIVE_RUNS {
            return Standing::TooFewRuns;
        }
        let is_only_bound =
            self.probability == Probability::AtMost && matches!(self.study.question.target, Target::Probability(_));
        if tested.upper_bound() <= target {
            Standing::Meets
        } else if tested.lower_bound() > target && !is_only_bound {
            Standing::Exceeds
        } else {
            Standing::NotShown
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
