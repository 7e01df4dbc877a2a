//! Bounds that no outcome of so many runs could certify, found before anything is simulated.

use super::intervals::{garwood, wilson};
use crate::ledger::{Kind, Metric};
use crate::scenario::{Check, Statistic};

/// The best that `runs` runs could show: the least upper end and, for shares, the greatest lower end of an interval.
struct Best {
    least_high: f64,
    greatest_low: Option<f64>,
}

/// The best interval ends of a statistic; `None` where an interval can have no width, so that any bound can be met.
fn best(check: &Check, runs: u64) -> Option<Best> {
    let kind = Metric::by_name(&check.metric)?.description().kind;
    match (check.statistic, kind) {
        (Statistic::ProbabilityPositive, _) | (Statistic::Mean, Kind::YesNo) => {
            Some(Best { least_high: wilson(0, runs)?.1, greatest_low: Some(wilson(runs, runs)?.0) })
        }
        // A single run gives a mean no interval: that is open, and no matter of the bound.
        (Statistic::Mean, Kind::Count) if runs >= 2 => {
            Some(Best { least_high: garwood(0, runs)?.1, greatest_low: None })
        }
        _ => None,
    }
}

/// Why no outcome of `runs` runs could certify this check, with the tightest bound that they could; `None` where one
/// could.
///
/// A probability or a mean count of zero is the usual case: even without a single event in n runs, the interval reaches
/// up to about 3.8 / n.
pub fn uncertifiable(check: &Check, runs: u64) -> Option<String> {
    let best_of = |n| best(check, n);
    let Best { least_high, greatest_low } = best_of(runs)?;
    let subject = format!("{} of {}", check.statistic.name(), check.metric);
    if let Some(max) = check.max.filter(|max| *max < least_high) {
        let enough = |n| best_of(n).is_some_and(|best| best.least_high <= max);
        let more = if max > 0.0 { fewest_runs(runs, enough) } else { String::new() };
        return Some(format!(
            "no outcome of {runs} runs could certify max = {max} for the {subject}: even without a single event the 95 \
             % interval reaches above it; the smallest max that they could certify is {}{more}",
            rounded_up(least_high).0
        ));
    }
    let greatest_low = greatest_low?;
    let min = check.min.filter(|min| *min > greatest_low)?;
    let enough = |n| best_of(n).and_then(|best| best.greatest_low).is_some_and(|low| low >= min);
    let more = if min < 1.0 { fewest_runs(runs, enough) } else { String::new() };
    // Rounded as a distance from 1, so that no digit of a share near 1 is lost.
    let (distance, decimals) = rounded_up(1.0 - greatest_low);
    Some(format!(
        "no outcome of {runs} runs could certify min = {min} for the {subject}: even with an event in every run the 95 \
         % interval reaches below it; the greatest min that they could certify is {:.decimals$}{more}",
        1.0 - distance
    ))
}

/// Says how many runs would be enough, more than `runs` and fewer than a billion.
fn fewest_runs(runs: u64, enough: impl Fn(u64) -> bool) -> String {
    let (mut low, mut high) = (runs, 1_000_000_000);
    if !enough(high) {
        return String::new();
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if enough(middle) { high = middle } else { low = middle }
    }
    format!("; {high} runs could certify this one")
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
    use crate::study::result::Verdict;
    use crate::study::summary::summarize_metric;

    fn check(metric: Metric, statistic: Statistic, min: Option<f64>, max: Option<f64>) -> Check {
        Check { metric: metric.name().to_owned(), statistic, min, max, line: 1 }
    }

    /// The number that follows these words.
    fn number_after(message: &str, words: &str) -> f64 {
        let rest = message.split(words).nth(1).expect(words).trim_start();
        rest.split([' ', ';']).next().and_then(|number| number.parse().ok()).expect("a number")
    }

    /// How a check comes out when every run had this value.
    fn verdict(check: &Check, value: f64, runs: u64) -> Verdict {
        let values = vec![value; runs as usize];
        let metrics: Vec<_> = METRICS.iter().map(|metric| summarize_metric(*metric, &values, 0)).collect();
        evaluate(check, &metrics).verdict
    }

    #[test]
    fn impossible_upper_bounds_are_refused_with_the_smallest_that_passes() {
        for (metric, statistic) in [
            (Metric::TruncatedAttempts, Statistic::ProbabilityPositive),
            (Metric::TruncatedAttempts, Statistic::Mean),
            (Metric::RolledBack, Statistic::Mean),
        ] {
            for runs in [2, 100, 1_000] {
                for max in [0.0, 0.0001] {
                    let refused = check(metric, statistic, None, Some(max));
                    let message = uncertifiable(&refused, runs).expect("refused");
                    assert_ne!(verdict(&refused, 0.0, runs), Verdict::Passed);
                    let smallest = number_after(&message, "could certify is");
                    let bound = check(metric, statistic, None, Some(smallest));
                    assert_eq!(uncertifiable(&bound, runs), None, "{message}");
                    assert_eq!(verdict(&bound, 0.0, runs), Verdict::Passed, "{message}");
                    let tighter = check(metric, statistic, None, Some(smallest * 0.998));
                    assert!(uncertifiable(&tighter, runs).is_some(), "{message}");
                }
            }
        }
    }

    #[test]
    fn impossible_lower_bounds_on_shares_are_refused_with_the_greatest_that_passes() {
        for runs in [1, 50, 1_000, 100_000] {
            let refused = check(Metric::RolloutCompleted, Statistic::Mean, Some(1.0), None);
            let message = uncertifiable(&refused, runs).expect("refused");
            let greatest = number_after(&message, "could certify is");
            let bound = check(Metric::RolloutCompleted, Statistic::Mean, Some(greatest), None);
            assert_eq!(uncertifiable(&bound, runs), None, "{message}");
            assert_eq!(verdict(&bound, 1.0, runs), Verdict::Passed, "{message}");
        }
    }

    #[test]
    fn a_refusal_says_how_many_runs_could_certify_a_bound_that_is_not_zero() {
        let bound = check(Metric::TruncatedAttempts, Statistic::ProbabilityPositive, None, Some(0.001));
        let runs = number_after(&uncertifiable(&bound, 1_000).expect("refused"), "0.003827;") as u64;
        // z^2 / (n + z^2) <= 0.001.
        assert_eq!(runs, 3_838);
        assert_eq!(uncertifiable(&bound, runs), None);
        assert!(uncertifiable(&bound, runs - 1).is_some());
        let zero = check(Metric::TruncatedAttempts, Statistic::ProbabilityPositive, None, Some(0.0));
        assert!(uncertifiable(&zero, 1_000).expect("refused").ends_with("could certify is 0.003827"));
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
