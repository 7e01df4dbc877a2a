//! How close a distribution is to recorded lengths, as a scenario would draw from it: rounded up to whole tokens and
//! cut at the greatest recorded length.
//!
//! One number cannot say it. The Kolmogorov-Smirnov distance judges the bulk and hardly sees the tail; the fleet's load
//! follows the mean, and what a drain cuts follows the tail. `distance` weighs the three.

use super::counts::ValueCounts;
use crate::random::Distribution;

/// What an error of the mean weighs against the Kolmogorov-Smirnov distance: 4 % count as 0.01.
const MEAN_WEIGHT: f64 = 0.25;
/// What an error of the share above the P99 weighs: a factor of 1.65 counts as 0.01.
const TAIL_WEIGHT: f64 = 0.02;
/// Up to here the mean is summed token by token; above, in steps of this part of the length.
const SUMMED: f64 = 4_096.0;
/// Least share above the P99 that is told from none.
const LEAST_SHARE: f64 = 1e-6;

/// How close a distribution is to recorded lengths.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Closeness {
    /// Kolmogorov-Smirnov distance: the greatest difference, over whole numbers of tokens, between the shares of
    /// lengths up to there.
    pub ks: f64,
    /// Mean of what is drawn, tokens.
    pub mean: f64,
    /// 99 % quantile of what is drawn, tokens.
    pub p99: f64,
    /// 99.9 % quantile of what is drawn, tokens.
    pub p999: f64,
    /// The three together: `ks`, plus a quarter of |ln(mean / recorded mean)|, plus a fiftieth of |ln(share of draws
    /// above the recorded P99 / recorded share)|.
    pub distance: f64,
}

impl Closeness {
    /// The closeness of a distribution, which is cut at the greatest of these lengths, to them.
    pub(super) fn of(distribution: &Distribution, recorded: &ValueCounts) -> Closeness {
        let above = |tokens: f64| distribution.survival(tokens);
        let ks = kolmogorov_smirnov(&above, recorded);
        let mean = mean_of_whole(&above, f64::from(recorded.greatest()));
        let target = Target::of(recorded);
        let distance = distance(ks, mean, above(f64::from(target.p99)), &target);
        let exceeded_by = |share| f64::from(least_exceeded_by(share, &above, recorded.greatest()));
        Closeness { ks, mean, p99: exceeded_by(0.01), p999: exceeded_by(0.001), distance }
    }
}

/// What is to be met beside the bulk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// Mean, tokens.
    mean: f64,
    /// The least length that at most 1 % exceed, tokens.
    pub(super) p99: u32,
    /// The shares above it and above the token before: where lengths pile up, anything between is met.
    shares: (f64, f64),
}

impl Target {
    pub(super) fn of(recorded: &ValueCounts) -> Target {
        let p99 = recorded.exceeded_by(0.01);
        Target { mean: recorded.mean(), p99, shares: (recorded.share_above(p99), recorded.share_above(p99 - 1)) }
    }
}

/// The Kolmogorov-Smirnov distance, plus a quarter of the error of the mean (as a logarithm), plus a fiftieth of that
/// of the share above the P99.
pub(super) fn distance(ks: f64, mean: f64, share_above_p99: f64, target: &Target) -> f64 {
    let (low, high) = target.shares;
    let tail =
        if low == 0.0 { 0.0 } else { (share_above_p99 / share_above_p99.clamp(low, high)).max(LEAST_SHARE).ln().abs() };
    ks + MEAN_WEIGHT * (mean / target.mean).ln().abs() + TAIL_WEIGHT * tail
}

/// The greatest difference between the shares above `n`, over all whole `n`: between two recorded lengths the recorded
/// share stands still while the other falls, so that it is found at a length or just before one.
fn kolmogorov_smirnov(above: &impl Fn(f64) -> f64, recorded: &ValueCounts) -> f64 {
    let total = recorded.total() as f64;
    let (mut rest, mut greatest) = (recorded.total(), 0.0_f64);
    for (value, count) in recorded.iter() {
        let value = f64::from(value);
        greatest = greatest.max((above(value - 1.0) - rest as f64 / total).abs());
        rest -= count;
        greatest = greatest.max((above(value) - rest as f64 / total).abs());
    }
    greatest
}

/// Mean of whole draws of at most `most`: the sum of the shares above 0, 1, 2, ...
fn mean_of_whole(above: &impl Fn(f64) -> f64, most: f64) -> f64 {
    let (mut sum, mut from, mut share) = (0.0, 0.0, above(0.0));
    while from < most {
        let to = (from + (from / SUMMED).floor().max(1.0)).min(most);
        let next = above(to);
        // Euler and Maclaurin's trapezoid, exact for neighbours.
        sum += (to - from) * (share + next) / 2.0 + (share - next) / 2.0;
        (from, share) = (to, next);
    }
    sum
}

/// The least whole number, at most `most`, that is exceeded by at most this share.
fn least_exceeded_by(share: f64, above: &impl Fn(f64) -> f64, most: u32) -> u32 {
    let (mut too_low, mut enough) = (0, most);
    while enough - too_low > 1 {
        let middle = too_low + (enough - too_low) / 2;
        if above(f64::from(middle)) <= share { enough = middle } else { too_low = middle }
    }
    enough
}

#[cfg(test)]
mod tests {
    use super::super::counts::tests::counts_of;
    use super::*;
    use crate::random::Family;

    fn geometric(mean: f64, max: f64) -> Distribution {
        // An exponential rounded up is geometric on 1, 2, ... with mean 1 / (1 - exp(-1 / mean)).
        Distribution { family: Family::Exponential { mean: -1.0 / (1.0 - 1.0 / mean).ln() }, max }
    }

    #[test]
    fn the_distance_is_the_greatest_difference_on_whole_tokens() {
        // Half 1, half 2 against a geometric of mean 4 cut at 2: a quarter is 1.
        let closeness = Closeness::of(&geometric(4.0, 2.0), &counts_of([1, 2]));
        assert!((closeness.ks - 0.25).abs() < 1e-12, "{closeness:?}");
        assert!((closeness.mean - 1.75).abs() < 1e-12, "{closeness:?}");
        assert_eq!(closeness.p99, 2.0);
    }

    #[test]
    fn the_difference_just_before_a_length_counts() {
        // All is recorded at 10, and half is drawn at each of 1 and 10.
        let parts = vec![(0.5, Distribution::constant(1.0)), (0.5, Distribution::constant(10.0))];
        let drawn = Distribution { family: Family::Mixture(parts), max: f64::INFINITY };
        assert_eq!(Closeness::of(&drawn, &counts_of([10, 10])).ks, 0.5);
    }

    #[test]
    fn the_mean_is_that_of_whole_draws() {
        for mean in [1.5, 40.0, 3_000.0] {
            let drawn = geometric(mean, 1e6);
            let found = mean_of_whole(&|tokens| drawn.survival(tokens), 1e6);
            assert!((found / mean - 1.0).abs() < 1e-6, "{found} {mean}");
        }
    }

    #[test]
    fn where_lengths_pile_up_at_the_p99_any_share_within_the_pile_will_do() {
        let target = Target::of(&counts_of((0..1_000).map(|i| if i < 950 { 1 + i % 10 } else { 100 })));
        assert_eq!((target.p99, target.shares), (100, (0.0, 0.05)));
        let recorded = counts_of((0..1_000).map(|i| if i < 950 { 1 + i % 10 } else { 100 + u32::from(i > 994) }));
        let target = Target::of(&recorded);
        assert_eq!((target.p99, target.shares), (100, (0.005, 0.05)));
        let mean = recorded.mean();
        assert_eq!(distance(0.1, mean, 0.02, &target), 0.1);
        let expected = 0.1 + TAIL_WEIGHT * 2f64.ln();
        assert!((distance(0.1, mean, 0.1, &target) - expected).abs() < 1e-12);
        assert!((distance(0.1, mean, 0.0025, &target) - expected).abs() < 1e-12);
    }
}
