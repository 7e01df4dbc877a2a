//! Bounds that no number of runs could certify, found before anything is simulated.
//!
//! A bound that merely needs more runs than there are is not among them: its check runs and comes out inconclusive,
//! with how many runs could settle it.

use super::extent::Extent;
use super::intervals::Confidence;
use crate::digits::counted;
use crate::ledger::{Kind, Metric};
use crate::scenario::{Check, Statistic};

/// What a check is about, as far as it decides which bounds are out of reach.
#[derive(Clone, Copy, PartialEq)]
enum Subject {
    /// A probability: Wilson's interval has a width at 0 and at 1.
    Share,
    /// The mean of a count: Garwood's interval has a width at 0.
    MeanCount,
    /// The mean of a harm that is at most so great in a run: that no run had it does not show that none has.
    MeanHarm(f64),
}

/// The subject of a check; `None` where an interval can have no width, so that any bound can be met.
fn subject(check: &Check, extent: Option<Extent>) -> Option<Subject> {
    let metric = Metric::by_name(&check.metric)?;
    match (check.statistic, metric.description().kind) {
        (Statistic::ProbabilityPositive, _) | (Statistic::Mean, Kind::YesNo) => Some(Subject::Share),
        (Statistic::Mean, Kind::Count) => Some(Subject::MeanCount),
        (Statistic::Mean, Kind::Real) => extent?.greatest(metric).map(Subject::MeanHarm),
        _ => None,
    }
}

/// Why no number of runs could certify this check, with the tightest bound that `runs` runs could; `None` where enough
/// runs could.
///
/// A probability or a mean count of zero is the usual case: even without a single event in n runs, the interval reaches
/// up to about 3.8 / n, which is above zero for every n.
pub fn uncertifiable(check: &Check, runs: u64) -> Option<String> {
    uncertifiable_at(Confidence::NINETY_FIVE, None, check, runs)
}

/// As [`uncertifiable`], of runs of this extent, where intervals are taken at this confidence.
pub fn uncertifiable_at(confidence: Confidence, extent: Option<Extent>, check: &Check, runs: u64) -> Option<String> {
    let subject = subject(check, extent)?;
    let of = format!("{} of {}", check.statistic.name(), check.metric);
    let these = counted(runs as f64, "run");
    if let Some(max) = check.max.filter(|max| *max <= 0.0) {
        let smallest = match subject {
            Subject::Share => confidence.wilson(0, runs),
            // A single run gives a mean no interval.
            Subject::MeanCount => confidence.garwood(0, runs).filter(|_| runs >= 2),
            Subject::MeanHarm(greatest) => {
                confidence.wilson(0, runs).filter(|_| runs >= 2).map(|(low, high)| (low, greatest * high))
            }
        };
        let tightest = smallest.map_or_else(
            || format!("{these} could certify none"),
            |(_, high)| format!("the smallest max that {these} could certify is {}", rounded_up(high).0),
        );
        return Some(format!(
            "no number of runs could certify max = {max} for the {of}: even without a single event the 95 % interval \
             reaches above it; {tightest}"
        ));
    }
    let min = check.min.filter(|min| subject == Subject::Share && *min >= 1.0)?;
    // Rounded as a distance from 1, so that no digit of a share near 1 is lost.
    let (distance, decimals) = rounded_up(1.0 - confidence.wilson(runs, runs)?.0);
    Some(format!(
        "no number of runs could certify min = {min} for the {of}: even with an event in every run the 95 % interval \
         reaches below it; the greatest min that {these} could certify is {:.decimals$}",
        1.0 - distance
    ))
}

/// Rounds up to four significant digits; also how many decimals those take.
fn rounded_up(value: f64) -> (f64, usize) {
    let decimals = (3.0 - value.log10().floor()).max(0.0);
    let scale = 10f64.powf(decimals);
    ((value * scale).ceil() / scale, decimals as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::METRICS;
    use crate::study::checks::evaluate;
    use crate::study::result::{CheckResult, Verdict};
    use crate::study::samples::check;
    use crate::study::summary::summarize_metric;

    /// The number that follows these words.
    fn number_after(message: &str, words: &str) -> f64 {
        let rest = message.split(words).nth(1).expect(words).trim_start();
        rest.split([' ', ';']).next().and_then(|number| number.parse().ok()).expect("a number")
    }

    /// What a check finds when every run had requests, and this value.
    fn result(check: &Check, value: f64, runs: u64) -> CheckResult {
        let of = |metric: Metric| if metric == Metric::Requests { value.max(1.0) } else { value };
        let values = |metric: Metric| vec![of(metric); runs as usize];
        let metrics: Vec<_> = METRICS.iter().map(|metric| summarize_metric(*metric, &values(*metric), 0)).collect();
        evaluate(check, &metrics)
    }

    fn verdict(check: &Check, value: f64, runs: u64) -> Verdict {
        result(check, value, runs).verdict
    }

    #[test]
    fn upper_bounds_of_zero_are_refused_with_the_smallest_that_these_runs_could_certify() {
        for (metric, statistic) in [
            (Metric::TruncatedAttempts, Statistic::ProbabilityPositive),
            (Metric::TruncatedAttempts, Statistic::Mean),
            (Metric::RolledBack, Statistic::Mean),
        ] {
            for runs in [2, 100, 1_000] {
                for max in [0.0, -1.0] {
                    let refused = check(metric, statistic, None, Some(max));
                    let message = uncertifiable(&refused, runs).expect("refused");
                    assert_ne!(verdict(&refused, 0.0, runs), Verdict::Passed);
                    let smallest = number_after(&message, "could certify is");
                    let bound = check(metric, statistic, None, Some(smallest));
                    assert_eq!(verdict(&bound, 0.0, runs), Verdict::Passed, "{message}");
                    let tighter = check(metric, statistic, None, Some(smallest * 0.998));
                    assert_eq!(verdict(&tighter, 0.0, runs), Verdict::Inconclusive, "{message}");
                }
            }
        }
        let mean = check(Metric::TruncatedAttempts, Statistic::Mean, None, Some(0.0));
        assert!(uncertifiable(&mean, 1).expect("refused").ends_with("; 1 run could certify none"));
    }

    #[test]
    fn lower_bounds_of_one_on_shares_are_refused_with_the_greatest_that_these_runs_could_certify() {
        for runs in [1, 50, 1_000, 100_000] {
            let refused = check(Metric::RolloutCompleted, Statistic::Mean, Some(1.0), None);
            let message = uncertifiable(&refused, runs).expect("refused");
            let greatest = number_after(&message, "could certify is");
            let bound = check(Metric::RolloutCompleted, Statistic::Mean, Some(greatest), None);
            assert_eq!(verdict(&bound, 1.0, runs), Verdict::Passed, "{message}");
        }
    }

    #[test]
    fn bounds_that_only_need_more_runs_are_inconclusive_and_say_how_many() {
        for (bound, value, runs, needed) in [
            // z^2 / (n + z^2) <= 0.02: 189 runs, in two digits.
            (check(Metric::RolloutCompleted, Statistic::Mean, Some(0.98), None), 1.0, 150, "about 190 runs"),
            (check(Metric::RolledBack, Statistic::Mean, None, Some(0.001)), 0.0, 1_000, "about 3900 runs"),
            (
                check(Metric::TruncatedAttempts, Statistic::ProbabilityPositive, None, Some(0.001)),
                0.0,
                1_000,
                "about 3900 runs",
            ),
        ] {
            assert_eq!(uncertifiable(&bound, runs), None, "{bound:?}");
            let result = result(&bound, value, runs);
            assert_eq!(result.verdict, Verdict::Inconclusive, "{bound:?}");
            assert!(result.explanation.contains(needed), "{}", result.explanation);
        }
    }

    #[test]
    fn bounds_that_an_interval_without_width_can_meet_are_accepted() {
        for accepted in [
            check(Metric::TruncatedAttempts, Statistic::P95, None, Some(0.0)),
            check(Metric::TruncatedAttempts, Statistic::Max, None, Some(0.0)),
            check(Metric::CapacityDip, Statistic::Mean, None, Some(0.0)),
            check(Metric::TruncatedAttempts, Statistic::Mean, None, Some(1.0)),
            check(Metric::TruncatedAttempts, Statistic::Mean, Some(5.0), None),
            check(Metric::RolledBack, Statistic::Mean, Some(0.0), Some(1.0)),
            check(Metric::RolloutCompleted, Statistic::ProbabilityPositive, Some(0.99), None),
        ] {
            assert_eq!(uncertifiable(&accepted, 1_000), None, "{accepted:?}");
        }
    }
}
