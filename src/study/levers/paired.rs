//! The relative change of a metric's mean between two studies of the same runs.

use serde::{Deserialize, Serialize};

use crate::ledger::{Metric, RunRecord};
use crate::study::intervals::Moments;
use crate::study::result::Estimate;

/// With fewer pairs than this nothing is shown unless every pair changes by the same factor, as in a comparison.
pub(super) const FEWEST_PAIRS: u64 = 6;

/// Relative changes below this are the rounding of sums.
const ROUNDING: f64 = 1e-9;

/// A relative change over pairs of runs: mean of B over mean of A, less one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relative {
    /// The change with its 95 % interval; NaN without pairs.
    pub estimate: Estimate,
    /// Pairs in which both have a value.
    pub runs: u64,
}

impl Relative {
    /// Whether a fall is shown: the whole interval lies below zero.
    pub fn is_lower(&self) -> bool {
        self.clear_of_zero().is_some_and(|(_, high)| high < 0.0)
    }

    /// Whether a rise is shown.
    pub fn is_higher(&self) -> bool {
        self.clear_of_zero().is_some_and(|(low, _)| low > 0.0)
    }

    /// The interval, if there are pairs enough to trust it and it is not rounding alone.
    fn clear_of_zero(&self) -> Option<(f64, f64)> {
        let (low, high) = self.estimate.interval?;
        let is_constant = high - low <= ROUNDING;
        let is_rounding = low.abs() <= ROUNDING && high.abs() <= ROUNDING;
        (!is_rounding && (is_constant || self.runs >= FEWEST_PAIRS)).then_some((low, high))
    }
}

/// The values of the runs that both have, where both have one; both lists are in order of their numbers.
fn paired(a: &[RunRecord], b: &[RunRecord], value: impl Fn(&RunRecord) -> f64) -> Vec<(f64, f64)> {
    let partner = |record: &RunRecord| {
        let at = b.binary_search_by_key(&record.run, |other| other.run).ok()?;
        Some((value(record), value(&b[at])))
    };
    a.iter().filter_map(partner).filter(|(a, b)| a.is_finite() && b.is_finite()).collect()
}

/// By how much the share of requests without their whole answer is greater in B than in A: the mean difference within a run,
/// with the interval of a mean.
pub fn more_unanswered(a: &[RunRecord], b: &[RunRecord]) -> Estimate {
    mean_difference(a, b, |record| 1.0 - record.value(Metric::CompletedRequests) / record.value(Metric::Requests))
}

/// By how much a value is greater in B than in A: the mean difference within a run, with the interval of a mean.
pub fn mean_difference(a: &[RunRecord], b: &[RunRecord], value: impl Fn(&RunRecord) -> f64) -> Estimate {
    let differences: Vec<f64> = paired(a, b, value).into_iter().map(|(a, b)| b - a).collect();
    Estimate::of_mean(&differences)
}

/// The relative change of a metric from A to B over the runs that both have; both lists are in order of their numbers.
///
/// The ratio r of the two means, and its standard error by linearisation: the deviation of b - r a over runs, over the mean
/// of a and the root of their number (Cochran, Sampling Techniques, 3rd edition, section 6.3). Its bias is of the order of one
/// over the number of runs, small against the error. The interval is that of a mean, of the residuals b - r a.
pub fn relative(metric: Metric, a: &[RunRecord], b: &[RunRecord]) -> Relative {
    let pairs = paired(a, b, |record| record.value(metric));
    let (of_a, of_b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (mean_a, mean_b) = (Moments::of(&of_a).mean, Moments::of(&of_b).mean);
    let ratio = mean_b / mean_a;
    let residuals: Vec<f64> = pairs.iter().map(|(a, b)| b - ratio * a).collect();
    let runs = pairs.len() as u64;
    let residual = Estimate::of_mean(&residuals).interval.filter(|_| ratio.is_finite());
    let interval = residual.map(|(low, high)| (ratio - 1.0 + low / mean_a.abs(), ratio - 1.0 + high / mean_a.abs()));
    Relative { estimate: Estimate { value: ratio - 1.0, interval }, runs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, RunKey, exponential};
    use crate::study::samples::record;

    fn records(values: impl Iterator<Item = f64>) -> Vec<RunRecord> {
        values.enumerate().map(|(run, value)| record(run as u64, &[(Metric::UsdPerMillionOutput, value)])).collect()
    }

    fn change(a: &[f64], b: &[f64]) -> Relative {
        let (a, b) = (records(a.iter().copied()), records(b.iter().copied()));
        relative(Metric::UsdPerMillionOutput, &a, &b)
    }

    #[test]
    fn a_worked_example() {
        // r = 9 / 6; residuals 2 - 1.5, 3 - 3, 4 - 4.5: deviation 0.5; error 0.5 / 2 / sqrt(3) = 0.144338; t(2) = 4.302653.
        let found = change(&[1.0, 2.0, 3.0], &[2.0, 3.0, 4.0]).estimate;
        assert!((found.value - 0.5).abs() < 1e-12);
        let (low, high) = found.interval.unwrap();
        assert!((low - (0.5 - 0.621_035)).abs() < 1e-5 && (high - (0.5 + 0.621_035)).abs() < 1e-5, "{low} to {high}");
    }

    #[test]
    fn a_constant_factor_shows_in_two_runs_and_rounding_never() {
        let halved = change(&[1.0, 2.0], &[0.5, 1.0]);
        assert!(halved.is_lower() && !halved.is_higher());
        let same = change(&[1.0, 2.0, 3.0], &[1.0 + 1e-12, 2.0, 3.0]);
        assert!(!same.is_lower() && !same.is_higher());
        let few = change(&[1.0, 1.0, 1.0], &[0.5, 0.51, 0.49]);
        assert!(few.estimate.interval.unwrap().1 < 0.0 && !few.is_lower(), "three noisy pairs are too few");
        assert!(change(&[], &[]).estimate.value.is_nan());
        assert_eq!(change(&[1.0], &[2.0]).estimate.interval, None);
    }

    #[test]
    fn unanswered_requests_are_a_share_of_each_runs_own() {
        let run = |number, requests, completed| {
            record(number, &[(Metric::Requests, requests), (Metric::CompletedRequests, completed)])
        };
        let a = [run(0, 100.0, 100.0), run(1, 200.0, 199.0), run(2, 0.0, 0.0)];
        let b = [run(0, 100.0, 99.0), run(1, 200.0, 196.0), run(2, 0.0, 0.0)];
        // 0.01 and 0.02 - 0.005; a run without requests says nothing.
        assert!((more_unanswered(&a, &b).value - 0.0125).abs() < 1e-12);
        assert_eq!(more_unanswered(&a, &a).interval, Some((0.0, 0.0)));
    }

    /// The interval of the ratio covers what it should: 4,000 studies of 40 pairs with exponential common luck.
    #[test]
    fn the_interval_covers_the_true_change() {
        let (studies, pairs) = (4_000_u64, 40_u64);
        let covers = |study: &u64| {
            let mut stream = RunKey::new(11, *study).stream(Purpose::Arrivals);
            let mut luck = || 2.0 + exponential(&mut stream);
            let both: Vec<(f64, f64)> = (0..pairs)
                .map(|_| {
                    let (common, own) = (luck(), luck());
                    (common, 0.8 * common + 0.1 * (own - 3.0))
                })
                .collect();
            let (a, b): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
            let (low, high) = change(&a, &b).estimate.interval.unwrap();
            (low..=high).contains(&-0.2)
        };
        let covered = (0..studies).filter(covers).count() as f64 / studies as f64;
        // Three binomial standard errors of 95 % over so many studies, and up to a hundredth for the skewness of the luck
        // (an excess of 0.89 / n for the mean of exponentials, as in `intervals`, is 0.022 at 40 pairs at most).
        let error = 3.0 * (0.95 * 0.05 / studies as f64).sqrt();
        assert!(covered >= 0.95 - 0.022 - error && covered <= 0.95 + error, "{covered}");
    }
}
